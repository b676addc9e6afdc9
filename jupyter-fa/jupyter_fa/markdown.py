r"""Markdown, HTML and LaTeX of a notebook as HTML in which every formula is MathML.

nbconvert filters: `markdown2html` (in place of nbconvert's own), `fa_html` for HTML outputs,
`fa_latex` for LaTeX outputs, and `fa_references` for the whole page. Formulas are found where
JupyterLab finds them: in Markdown, and in the text of raw HTML and HTML outputs. One that can't be
set is shown as its TeX, with a warning that names notebook and cell.
"""

import html
import logging
import re
from typing import ClassVar

from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, MathInlineParser

from .language import LATIN, directed, prose, rtl_letters
from .tex import Formulas, MathError

# What is looked at in HTML: what hides formulas, what begins one, and tags.
PIECE = re.compile(
    r"<!--|<(?P<element>code|pre|script|style|math|svg|textarea)\b"
    r"|\\\$|\$\$?|\\\\?[\[(]|\\begin\{(?P<environment>[a-zA-Z]+\*?)\}"
    r"|\\(?:eq)?ref\{(?P<label>[^{}<>]+)\}"
    r"""|</?[a-z](?:[^<>"']|"[^"]*"|'[^']*'){0,500}>""",
    re.IGNORECASE,
)
# Tags that end a text. <b> alone may be two signs: a<b>c.
TAG = re.compile(r"</[a-z]|<(?:[a-z][a-z0-9]+|[a-z]\s)[^<>]*>", re.IGNORECASE)
TEXT = re.compile(r"\\(?:text[a-z]*|[mh]box)\s*\Z")
SURE = re.compile(r"[\\^{}]|\w_\w\b")
REFERENCE = re.compile(r'(<a\b[^>]*\bhref="#(eq-[^"]*)"[^>]*>)(\(?)\?\?(\)?</a>)')
LONGEST_INLINE = 2_000
IGNORED = re.compile(r"\b(?:tex2jax|mathjax)_ignore\b")


class Page:
    """What the filters share while one notebook is exported."""

    def __init__(self, strict: bool = False, log: logging.Logger | None = None):
        """`strict`: a formula that can't be set is an error, not a warning."""
        self.strict = strict
        self.log = log or logging.getLogger("traitlets")
        self.formulas = Formulas()

    def math(self, tex: str, display: bool, typed: str, where: str) -> str:
        """Return a formula as MathML, in a box that scrolls if it is a display, or as typed."""
        if not tex.strip():
            return ""
        try:
            formula = self.formulas.mathml(tex.strip(), display)
        except MathError as error:
            self.complain(f"{where}: the formula {' '.join(typed.split())} can't be set: {error}")
            formula = f'<code class="fa-tex" dir="ltr">{html.escape(typed.strip())}</code>'
        if display and formula:
            return f'<span class="fa-display" dir="ltr">{formula}</span>'
        return formula

    def reference(self, typed: str) -> str:
        r"""Return a link for \ref{…} or \eqref{…}; `references` puts the number in."""
        command, label = typed[1:-1].split("{")
        text = "(??)" if command == "eqref" else "??"
        return f'<a href="#{self.formulas.anchor(label)}">{text}</a>'

    def complain(self, message: str):
        """Warn, or raise MathError if strict."""
        if self.strict:
            raise MathError(message) from None
        self.log.warning("%s", message)


def page_of(context) -> Page:
    """Return what the filters share; one export has one."""
    return context.get("resources", {}).setdefault("fa_page", Page())


def inline_end(source: str, start: int) -> int | None:
    r"""Return where the formula that a $ before `start` opens has its closing $, or None.

    JupyterLab takes the next $ outside \text{…}; that would make “$100 & $200” a formula. So, as
    in pandoc, no digit follows, and spaces stand at both ends or at none. Where TeX is seen, that
    is not asked.
    """
    stop, end = start + LONGEST_INLINE, source.find("$", start, start + LONGEST_INLINE)
    while end > 0 and (source[end - 1] == "\\" or _in_text(source, start, end)):
        inner = source[end - 1] != "\\"
        end = source.find("$", end + 1, stop)
        if inner and end > 0:  # the $ that closes a formula in a \text
            end = source.find("$", end + 1, stop)
    if end < 0:
        return None
    body = source[start:end]
    if not body.strip() or re.search(r"\n\s*\n", body):
        return None
    price = body[0].isdigit() and body[-1].isspace()
    lopsided = body[0].isspace() != body[-1].isspace() and len(body) > 3
    before_digit = source[end + 1 : end + 2].isdigit()
    return None if (price or lopsided or before_digit) and not SURE.search(body) else end


def _in_text(source: str, start: int, end: int) -> bool:
    r"""Say whether a place in a formula is inside \text{…}."""
    brace = source.rfind("{", start, end)
    return brace > source.rfind("}", start, end) and bool(
        TEXT.search(source, max(start, brace - 20), brace)
    )


def math_in_html(source: str, page: Page, where: str) -> str:
    """Return HTML with the formulas in its text converted; tags, code and comments stay."""
    out, position, unclosed = [], 0, set()
    while match := PIECE.search(source, position):
        out.append(source[position : match.start()])
        start, piece = match.start(), match[0]
        position = match.end()
        if match["label"]:
            out.append(page.reference(html.unescape(piece)))
        elif formula := _formula(source, match):
            tex, display, position = formula
            tex, typed = html.unescape(tex), html.unescape(source[start:position])
            out.append(page.math(tex, display, typed, where))
        elif piece == r"\$":
            out.append("$")
        else:
            closing = f"</{match['element']}" if match["element"] else "-->"
            if (match["element"] or piece == "<!--") and closing.lower() not in unclosed:
                closed = re.compile(closing, re.IGNORECASE).search(source, position)
                position = closed.end() if closed else position
                unclosed |= set() if closed else {closing.lower()}
            out.append(source[start:position])
    return "".join(out) + source[position:]


def _formula(source: str, match: re.Match) -> tuple[str, bool, int] | None:
    """Return the TeX of the formula that begins at a match, whether a display, and its end."""
    opening, start = match[0], match.end()
    if opening == "$":
        end, closing = inline_end(source, start), "$"
    elif match["environment"]:
        closing = rf"\end{{{match['environment']}}}"
        end = source.find(closing, start)
    elif opening == "$$" or (opening[-1] in "[(" and opening[0] == "\\"):
        closing = opening.replace("[", "]").replace("(", ")")
        end = source.find(closing, start)
    else:
        return None
    if end is None or end < 0 or TAG.search(source, start, end):
        return None
    if match["environment"]:
        return source[match.start() : end + len(closing)], True, end + len(closing)
    return source[start:end], opening == "$$" or opening[-1] == "[", end + len(closing)


class Inline(MathInlineParser):
    r"""nbconvert's parser with the rule of `inline_end`, and with \ref and \eqref in a text."""

    SPECIFICATION: ClassVar = {
        **MathInlineParser.SPECIFICATION,
        "inline_math_tex": r"(?<![\\$])\$(?!\$)",
        "reference": r"\\(?:eq)?ref\{[^{}<>]+\}",
    }
    DEFAULT_RULES: ClassVar = ("reference", *MathInlineParser.DEFAULT_RULES)

    def parse_inline_math_tex(self, match: re.Match, state) -> int | None:
        """$…$"""
        end = inline_end(state.src, match.end())
        if end is None:
            return None
        state.append_token({"type": "inline_math", "raw": state.src[match.end() : end]})
        return end + 1

    def parse_reference(self, match: re.Match, state) -> int:
        r"""\\ref{…} and \\eqref{…}"""
        state.append_token({"type": "reference", "raw": match[0]})
        return match.end()


class Renderer(IPythonRenderer):
    """nbconvert's renderer with MathML and plain heading ids."""

    def __init__(self, page: Page, where: str):
        """`where` names notebook and cell in warnings."""
        super().__init__(escape=False, exclude_anchor_links=True)
        self.page = page
        self.where = where

    def inline_math(self, body: str) -> str:
        """$…$"""
        return self.page.math(body, False, f"${body}$", self.where)

    def block_math(self, body: str) -> str:
        """$$…$$"""
        return self.page.math(body, True, f"$${body}$$", self.where)

    def latex_environment(self, name: str, body: str) -> str:
        r"""\\begin{…}…\\end{…} on its own."""
        typed = rf"\begin{{{name}}}{body}\end{{{name}}}"
        return self.page.math(typed, True, typed, self.where)

    def reference(self, typed: str) -> str:
        r"""\\ref{…} and \\eqref{…}"""
        return self.page.reference(typed)

    def block_html(self, html: str) -> str:
        """Raw HTML; formulas in its text are converted."""
        return super().block_html(math_in_html(html, self.page, self.where))

    def _embed_image_or_attachment(self, src: str) -> str:
        """Leave addresses as they are: `fa_cell` sees to them, in raw HTML, too."""
        return src

    def heading(self, text: str, level: int, **attrs) -> str:
        """Give a heading the id that `[…](#its-text)` links to in JupyterLab."""
        words = html.unescape(re.sub("<[^<>]*>", "", text)).strip()
        attrs.setdefault("id", html.escape(words.replace(" ", "-")))
        return super().heading(text, level, **attrs)

    def block_mermaidjs(self, code: str) -> str:
        """Show the source of a diagram: drawing it takes a script."""
        return f"<pre>{html.escape(code)}</pre>\n"


@pass_context
def markdown2html(context, source: str) -> str:
    """Convert the Markdown of a cell or an output."""
    renderer = Renderer(page_of(context), where(context))
    page = MarkdownWithMath(renderer, inline=Inline(hard_wrap=False)).render(source)
    language = context.get("resources", {}).get("fa")
    return directed(page, source, language.direction_of(source) if language else "ltr")


@pass_context
def html_output(context, source: str) -> str:
    """Return an HTML output with formulas converted, in the direction of most of its letters."""
    page = source
    if not IGNORED.search(source):
        page = math_in_html(source, page_of(context), where(context))
    letters = prose(source)
    rtl = rtl_letters(letters) > len(LATIN.findall(letters))
    return directed(page, source, "rtl" if rtl else "ltr")


@pass_context
def latex_output(context, source: str) -> str:
    """Return a LaTeX output (of SymPy, of `IPython.display.Math`) as MathML, or as plain text."""
    page, place, text = page_of(context), where(context), html.escape(source.strip(), quote=False)
    result = math_in_html(text, page, place)
    if result == text:  # no formula in it: it is one
        result = page.math(source, True, source, place)
    plain = context.get("output", {}).get("data", {}).get("text/plain")
    if 'class="fa-tex"' in result and plain:
        return f"<pre>{html.escape(plain)}</pre>"
    return result


@pass_context
def references(context, body: str) -> str:
    """Return the page with the numbers of the equations that it refers to."""
    page, name = page_of(context), _name(context)

    def fill(match: re.Match) -> str:
        number = page.formulas.numbers.get(match[2])
        if number is None:
            label = page.formulas.labels.get(match[2], match[2])
            page.complain(f"{name}: no numbered equation has the label {label}")
            return match[0]
        return f"{match[1]}{match[3]}{html.escape(number)}{match[4]}"

    return REFERENCE.sub(fill, body)


def extension(context) -> str:
    """Return the extension of the files that are being exported: `.html`, `.pdf`, …"""
    return context.get("resources", {}).get("output_extension", ".html")


def where(context) -> str:
    """Name the notebook and the cell being exported, counting cells from 1."""
    cell, cells = context.get("cell"), context.get("nb", {}).get("cells", [])
    number = next((i for i, other in enumerate(cells, start=1) if other is cell), "?")
    return f"{_name(context)}, cell {number} of {len(cells)}"


def _name(context) -> str:
    metadata = context.get("resources", {}).get("metadata", {})
    return f"{metadata.get('name', 'notebook')}.ipynb"
