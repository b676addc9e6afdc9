r"""Markdown, HTML and LaTeX of a notebook as HTML in which every formula is MathML.

Three nbconvert filters: `markdown2html` (in place of nbconvert's own), `fa_html` for HTML outputs
and `fa_latex` for LaTeX outputs. Formulas are found where JupyterLab finds them: in Markdown, and
as $…$ and $$…$$ in the text of raw HTML and HTML outputs. Whatever `tex.tex_to_mathml` refuses
stops the export with the notebook, the cell and the formula.
"""

import html
import re
from functools import partial

from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from .language import LATIN, directed, prose, rtl_letters
from .tex import MathError, tex_to_mathml

# Left as they are: comments, tags, and elements whose text is not prose. What is not closed goes on
# to the end, as in a browser, and is looked through once.
VERBATIM = re.compile(
    r"(<!--(?:.*?-->|.*)|<(code|pre|script|style|math|svg|textarea)\b(?:.*?</\2\s*>|.*)"
    r"|</?[a-z!?](?:[^>]*>|.*))",
    re.DOTALL | re.IGNORECASE,
)
DOLLARS = re.compile(
    r"(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$|(?<![\\$])\$(?P<inline>[^$]+?)(?<!\\)\$(?!\$)",
    re.DOTALL,
)
IGNORED = re.compile(r"\b(?:tex2jax|mathjax)_ignore\b")


def math(tex: str, display: bool, where: str) -> str:
    """Return a formula as MathML; a display formula gets a box that scrolls when it is wide."""
    if not tex.strip():
        return ""
    try:
        formula = tex_to_mathml(tex.strip(), display)
    except MathError as error:
        raise MathError(f"{where}: the formula {tex.strip()!r}: {error}") from None
    return (
        f'<span class="fa-display" dir="ltr" tabindex="0">{formula}</span>' if display else formula
    )


def math_in_html(source: str, where: str) -> str:
    """Return HTML with the formulas in its text converted; tags, code and comments stay."""
    parts = VERBATIM.split(source)  # text, verbatim, element's name or None, text, …
    convert = partial(_dollars, where=where)
    parts[::3] = [DOLLARS.sub(convert, text).replace(r"\$", "$") for text in parts[::3]]
    del parts[2::3]
    return "".join(parts)


def _dollars(match: re.Match, where: str) -> str:
    tex = html.unescape(match["display"] or match["inline"])
    return math(tex, match["display"] is not None, where)


class Renderer(IPythonRenderer):
    """nbconvert's renderer with MathML, scrolling tables, plain heading ids."""

    def __init__(self, where: str):
        """`where` names notebook and cell in error messages."""
        super().__init__(escape=False, exclude_anchor_links=True)
        self.where = where

    def inline_math(self, body: str) -> str:
        """$…$"""
        return math(body, False, self.where)

    def block_math(self, body: str) -> str:
        """$$…$$"""
        return math(body, True, self.where)

    def latex_environment(self, name: str, body: str) -> str:
        r"""\\begin{…}…\\end{…} on its own."""
        return math(rf"\begin{{{name}}}{body}\end{{{name}}}", True, self.where)

    def block_html(self, html: str) -> str:
        """Raw HTML; formulas in its text are converted."""
        return super().block_html(math_in_html(html, self.where))

    def _embed_image_or_attachment(self, src: str) -> str:
        """Leave addresses as they are: `fa_cell` sees to them, in raw HTML, too."""
        return src

    def heading(self, text: str, level: int, **attrs) -> str:
        """Give a heading the id that `[…](#its-text)` links to in JupyterLab."""
        words = html.unescape(re.sub("<[^<>]*>", "", text)).strip()
        attrs.setdefault("id", html.escape(words.replace(" ", "-")))
        return super().heading(text, level, **attrs)

    def table(self, text: str) -> str:
        """Put a table in a box that scrolls, so that the page does not."""
        return f'<div class="fa-scroll" tabindex="0"><table>\n{text}</table></div>\n'

    def block_mermaidjs(self, code: str) -> str:
        """Show the source of a diagram: drawing it takes a script."""
        return f"<pre>{html.escape(code)}</pre>\n"


@pass_context
def markdown2html(context, source: str) -> str:
    """Convert the Markdown of a cell or an output."""
    page = MarkdownWithMath(renderer=Renderer(where(context))).render(source)
    language = context.get("resources", {}).get("fa")
    return directed(page, source, language.direction_of(source) if language else "ltr")


@pass_context
def html_output(context, source: str) -> str:
    """Return an HTML output with formulas converted, in the direction of most of its letters."""
    page = source if IGNORED.search(source) else math_in_html(source, where(context))
    letters = prose(source)
    rtl = rtl_letters(letters) > len(LATIN.findall(letters))
    return directed(page, source, "rtl" if rtl else "ltr")


@pass_context
def latex_output(context, source: str) -> str:
    """Return a LaTeX output (of SymPy, of `IPython.display.Math`) as MathML."""
    source = source.strip()
    if DOLLARS.search(source):
        return math_in_html(html.escape(source, quote=False), where(context))
    source = re.sub(r"^\\[\[(]|\\[\])]$", "", source)
    return math(source, True, where(context))


def extension(context) -> str:
    """Return the extension of the files that are being exported: `.html`, `.pdf`, …"""
    return context.get("resources", {}).get("output_extension", ".html")


def where(context) -> str:
    """Name the notebook and the cell being exported, counting cells from 1."""
    cell, cells = context.get("cell"), context.get("nb", {}).get("cells", [])
    number = next((i for i, other in enumerate(cells, start=1) if other is cell), "?")
    name = context.get("resources", {}).get("metadata", {}).get("name", "notebook")
    return f"{name}.ipynb, cell {number} of {len(cells)}"
