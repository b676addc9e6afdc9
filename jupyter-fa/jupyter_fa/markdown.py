r"""Markdown, HTML and LaTeX of a notebook as HTML in which every formula is MathML.

Three nbconvert filters: `markdown2html` (in place of nbconvert's own), `fa_html` for HTML outputs
and `fa_latex` for LaTeX outputs. Formulas are found where JupyterLab finds them: in Markdown, and
as $…$ and $$…$$ in the text of raw HTML and HTML outputs. Whatever `tex.tex_to_mathml` refuses
stops the export with the notebook, the cell and the formula. Links from notebook to notebook become
links from export to export.
"""

import html
import re
from functools import partial
from urllib.parse import urlsplit

from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from .tex import MathError, tex_to_mathml

# Left as they are: comments, tags, and elements whose text is not prose.
VERBATIM = re.compile(
    r"(<!--.*?-->|<(code|pre|script|style|math|svg|textarea)\b.*?</\2\s*>|<[^>]*>)",
    re.DOTALL | re.IGNORECASE,
)
DOLLARS = re.compile(
    r"(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$|(?<![\\$])\$(?P<inline>[^$]+?)(?<!\\)\$(?!\$)",
    re.DOTALL,
)
SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
IGNORED = re.compile(r"\b(?:tex2jax|mathjax)_ignore\b")
IMAGE = re.compile(r"""(<img\b[^>]*?\bsrc\s*=\s*)(["'])(.*?)\2""", re.DOTALL | re.IGNORECASE)
ANCHOR = re.compile(r"""(<a\b[^>]*?\bhref\s*=\s*)(["'])(.*?)\2""", re.DOTALL | re.IGNORECASE)


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


def exported(url: str, extension: str) -> str:
    """Return what a link of the notebook names in its export: `b.ipynb#c` is then `b.html#c`.

    Only a relative link to a notebook changes, for that one is exported beside this one.
    """
    parts = urlsplit(url)
    elsewhere = parts.scheme or parts.netloc or parts.path.startswith("/")
    if elsewhere or not parts.path.endswith(".ipynb"):
        return url
    return parts._replace(path=parts.path.removesuffix(".ipynb") + extension).geturl()


def links_in_html(source: str, extension: str) -> str:
    """Return HTML whose `<a href>` name exports."""
    return ANCHOR.sub(lambda m: f"{m[1]}{m[2]}{exported(m[3], extension)}{m[2]}", source)


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
    """nbconvert's renderer with MathML, scrolling tables, embedded images, plain heading ids."""

    def __init__(self, where: str, extension: str, **options):
        """`where` names notebook and cell in error messages; `extension` is the export's."""
        super().__init__(escape=False, embed_images=True, exclude_anchor_links=True, **options)
        self.where = where
        self.extension = extension

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
        """Raw HTML; scripts are dropped, formulas in its text converted."""
        html = links_in_html(SCRIPT.sub("", html), self.extension)
        return super().block_html(math_in_html(html, self.where))

    def inline_html(self, html: str) -> str:
        """A tag within a paragraph."""
        return super().inline_html(links_in_html(html, self.extension))

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link; one to a notebook becomes one to its export."""
        return super().link(text, exported(url, self.extension), title)

    def _html_embed_images(self, html: str) -> str:
        """Embed images without the parser that closes an open `<div dir="rtl">`."""
        return IMAGE.sub(lambda m: f"{m[1]}{m[2]}{self._src_to_base64(m[3]) or m[3]}{m[2]}", html)

    def heading(self, text: str, level: int, **attrs) -> str:
        """Give a heading the id that `[…](#its-text)` links to in JupyterLab."""
        words = html.unescape(re.sub("<[^>]*>", "", text)).strip()
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
    resources = context.get("resources", {})
    renderer = Renderer(
        where(context),
        extension(context),
        attachments=context.get("cell", {}).get("attachments", {}),
        path=resources.get("metadata", {}).get("path", ""),
    )
    return MarkdownWithMath(renderer=renderer).render(source)


@pass_context
def html_output(context, source: str) -> str:
    """Return an HTML output without its scripts and with its formulas converted."""
    source = links_in_html(SCRIPT.sub("", source), extension(context))
    return source if IGNORED.search(source) else math_in_html(source, where(context))


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
