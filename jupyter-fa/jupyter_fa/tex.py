r"""The TeX formulas of a notebook as MathML that a browser draws without a script.

math-core converts. Before it, macros are expanded, among them `PRELUDE`: what MathJax knows and
math-core does not; `SPELLINGS` are replaced; and `_Writer` writes environments, rows, numbers and
words as math-core takes them. After it, `mathml.finish` changes what browsers draw differently.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring, tostring

from math_core import LatexError, LatexToMathML
from nbconvert.utils.exceptions import ConversionException

from .mathml import PERSIAN, depth, finish

# math-core recurses, and a stack that ends kills the process. Measured: 0.8 KB for each pair of
# braces, the shortest thing that nests, so that this many characters need 8 MB at most.
LONGEST = 10_000
STACK = 64 * 2**20
DEEPEST = 200  # elements: browsers stop at about 500, and what reads the page's HTML recurses
MOST_EXPANSIONS = 1_000

PRELUDE = r"""
\def\mbox#1{\text{#1}} \def\hbox#1{\text{#1}} \def\textnormal#1{\text{#1}} \def\textup#1{\text{#1}}
\def\framebox#1{\boxed{#1}} \def\pmb#1{\boldsymbol{#1}} \def\smash#1{{#1}} \def\ensuremath#1{{#1}}
\def\small{} \def\large{} \def\Large{} \def\LARGE{} \def\huge{} \def\Huge{} \def\normalsize{}
\def\tiny{} \def\scriptsize{} \def\footnotesize{} \def\strut{} \def\require#1{} \def\cr{\\}
\def\newline{\\} \def\dotsb{\cdots} \def\dotsi{\cdots} \def\dotsm{\cdots}
\def\dotsc{\ldots} \def\dotso{\ldots} \def\hdots{\ldots} \def\url#1{\href{#1}{\texttt{#1}}}
\def\textcolor#1#2{{\color{#1}#2}} \def\substack#1{\begin{subarray}{c}#1\end{subarray}}
\def\matrix#1{\begin{matrix}#1\end{matrix}} \def\pmatrix#1{\begin{pmatrix}#1\end{pmatrix}}
\def\cases#1{\begin{cases}#1\end{cases}}
\def\displaylines#1{\begin{gathered}#1\end{gathered}} \def\eqalign#1{\begin{aligned}#1\end{aligned}}
"""
SPELLINGS = {
    r"(\\(?:left|right|middle|[bB]igg?[lrm]?))\s*<": r"\1\\langle ",
    r"(\\(?:left|right|middle|[bB]igg?[lrm]?))\s*>": r"\1\\rangle ",
    r"(?<!\\)\\\\(?:\*|\s*\[\s*-?[\d.]+\s*[a-z]{2}\s*\])+": r"\\\\ ",
    r"\\color\s*\{\s*#([0-9A-Fa-f]{6})\s*\}": r"\\color[HTML]{\1}",
    r"\\(begin|end)\s*\{subequations\}": "",
    r"\\(begin|end)\s*\{(?:split|alignedat)\}": r"\\\1{aligned}",
    r"\\(begin|end)\s*\{smallmatrix\}": r"\\\1{matrix}",
    r"(\\begin\s*\{[a-z]+\*?\})\s*\[[tcb]\]": r"\1",
    r"(\\begin\s*\{(?:alignat\*?|aligned)\})\s*\{\d+\}": r"\1",
}
# What stands for a numbered environment as a display of its own, and inside another formula.
NUMBERED = {
    "equation": ("equation", "gathered"),
    "displaymath": ("equation*", "gathered"),
    "math": ("equation*", "gathered"),
    "align": ("align", "aligned"),
    "alignat": ("align", "aligned"),
    "eqnarray": ("align", "aligned"),
    "flalign": ("align", "aligned"),
    "gather": ("gather", "gathered"),
    "multline": ("multline", "gathered"),
}
# Starred matrices, which take a column as their argument, are arrays in these fences.
STARRED = {"": "..", "p": "()", "b": "[]", "B": (r"\{", r"\}"), "v": "||", "V": (r"\|", r"\|")}

COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n?")
COMMAND = re.compile(r"\\([a-zA-Z]+|.)", re.DOTALL)
TOKEN = re.compile(r"\\([a-zA-Z]+|.)|[{}&]", re.DOTALL)
DEFINITION = re.compile(r"(?:re)?newcommand|providecommand|[gex]?def|let|DeclareMathOperator")
TEXT = re.compile(r"text(?:bf|it|rm|sf|sc|tt)?|emph|fbox")
FONT = re.compile(r"\\(?:(?:math|text)?(?:rm|sf|it|normal)|text|operatorname\*?)(?![a-zA-Z])|[{}]")
FUNCTION = re.compile(r"\\(arg|min|max|sup|inf|lim|log|exp)(?![a-zA-Z])")
WORDS = re.compile(r"(?:[A-Za-z0-9\s-]|\\[,;:! ])+")
SCRIPT = re.compile(r"\s*(\\(?:no)?limits(?![a-zA-Z])|[_^])")


class MathError(ConversionException):
    """A formula that can't be set, and why."""


class Formulas:
    """The formulas of one notebook, which share macros, equation numbers and labels."""

    def __init__(self):
        """Begin a notebook: no macros but those of `PRELUDE`, and equation 1 next."""
        self.labels = {}  # the anchor of a label: the label
        self.numbers = {}  # the anchor of a label: what stands at the margin of its equation
        self._macros = {}  # name: (number of arguments, default of the first or None, body)
        self._converter = LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)
        self._expand(PRELUDE)

    def mathml(self, tex: str, display: bool = False) -> str:
        """Return one `<math>` element, or "" where `tex` only defines; raise MathError."""
        try:
            root = self._element(tex, display)
        except RecursionError:
            raise MathError("it is nested too deep") from None
        except ParseError:  # a control character
            raise MathError("it has a character that a page can't have") from None
        return "" if root is None else tostring(root, encoding="unicode")

    def anchor(self, label: str) -> str:
        r"""Return the id that the page gives to the equation of a \label."""
        code = re.sub("[^A-Za-z0-9]", lambda sign: f"-{ord(sign[0]):x}-", label.strip())
        self.labels[f"eq-{code}"] = label.strip()
        return f"eq-{code}"

    def _element(self, tex: str, display: bool) -> Element | None:
        _check_length(tex)
        source = self._expand(COMMENT.sub(r"\1", tex))
        for spelling, other in SPELLINGS.items():
            source = re.sub(spelling, other, source)
        if not source.strip():
            return None
        writer = _Writer(display, self.anchor)
        root = fromstring(self._convert(writer.formula(source), display))
        if depth(root) > DEEPEST:
            raise MathError(f"it is nested {depth(root)} deep, and {DEEPEST} is allowed")
        finish(root)
        self._fill_in(root, writer)
        root.attrib |= {"dir": "ltr", "alttext": " ".join(tex.split())}
        return root

    def _convert(self, tex: str, display: bool) -> str:
        _check_length(tex)
        results = []

        def run():
            try:
                convert = self._converter.convert_with_global_state
                results.append(convert(tex, displaystyle=display))
            except BaseException as error:  # a panic of the compiled library is no Exception
                results.append(error)

        usual = threading.stack_size(STACK)
        try:
            thread = threading.Thread(target=run)
            thread.start()
        finally:
            threading.stack_size(usual)
        thread.join()
        if isinstance(results[0], LatexError):
            raise MathError(re.sub(r"^\d+: |\.$", "", str(results[0])))
        if isinstance(results[0], BaseException):
            raise MathError(f"math-core failed: {results[0]}")
        return results[0].replace("&ApplyFunction;", "\u2061")

    def _fill_in(self, root: Element, writer: "_Writer"):
        """Put tags and links where the writer left a place for them, and note the numbers."""
        for cell in root.iter("mtd"):
            text = cell.find("mtext")
            if text is not None and text.text.strip("()") in writer.tags:
                mark = text.text.strip("()")
                text.text = text.text.replace(mark, writer.tags[mark])
            if cell.get("id"):
                self.numbers[cell.get("id")] = "".join(cell.itertext()).strip("()")
        for link in list(root.iter("a")):
            address, content = writer.links[int(link.get("href").removeprefix("#link"))]
            link.set("href", address)
            link.text = content if content in ("??", "(??)") else ""
            inner = None if link.text else self._element(content, False)
            link.extend([] if inner is None else [inner])

    # --- macros ---------------------------------------------------------------------------------

    def _expand(self, tex: str) -> str:
        r"""Return `tex` with its macros replaced; what it defines holds for later formulas."""
        done, position, expansions = "", 0, 0
        while match := COMMAND.search(tex, position):
            done += tex[position : match.start()]
            name, position = match[1], match.end()
            if DEFINITION.fullmatch(name):
                position = self._define(name, tex, position)
            elif name not in self._macros:
                done += match[0]
            else:
                count, default, body = self._macros[name]
                arguments = []
                if default is not None:
                    option, position = _option(tex, position)
                    arguments.append(default if option is None else option)
                while len(arguments) < count:
                    argument, position = _argument(tex, position)
                    arguments.append(argument)
                body = _fill(body, arguments)
                tex, position = _glue(done, body) + _glue(body, tex[position:]), 0
                expansions += 1
                if expansions > MOST_EXPANSIONS or len(done) + len(tex) > 2 * LONGEST:
                    raise MathError(rf"the macro \{name} grows without end")
        return done + tex[position:]

    def _define(self, command: str, tex: str, position: int) -> int:
        """Read a definition, and return where it ends."""
        star = tex[position : position + 1] == "*"
        name, position = _argument(tex, position + star)
        name, count, default = name.strip().removeprefix("\\"), 0, None
        if command == "let":
            position = re.compile(r"\s*=?").match(tex, position).end()
        elif command.endswith("def"):
            parameters = re.compile(r"\s*(?:#\d)*").match(tex, position)
            count, position = parameters[0].count("#"), parameters.end()
        elif command.endswith("command"):
            number, position = _option(tex, position)
            default, position = _option(tex, position)
            count = int(number) if (number or "").isdigit() else 0
        body, position = _argument(tex, position)
        if command == "let" and body[1:] in self._macros:
            count, default, body = self._macros[body[1:]]
        elif command == "DeclareMathOperator":
            body = rf"\operatorname{'*' * star}{{{body}}}"
        if command != "providecommand" or name not in self._macros:
            self._macros[name] = count, default, body
        return position


def _check_length(tex: str):
    if len(tex) > LONGEST:
        raise MathError(f"it has {len(tex):,} characters, and {LONGEST:,} are allowed")


def _argument(tex: str, position: int) -> tuple[str, int]:
    """Return what a command takes from `position` on, and where that ends."""
    start = re.compile(r"\s*").match(tex, position).end()
    if start == len(tex):
        raise MathError("it ends where an argument should stand")
    if tex[start] != "{":
        match = COMMAND.match(tex, start)
        return (match[0], match.end()) if match else (tex[start], start + 1)
    braces = 0
    for match in re.compile(r"\\.|[{}]", re.DOTALL).finditer(tex, start):
        braces += (match[0] == "{") - (match[0] == "}")
        if not braces:
            return tex[start + 1 : match.start()], match.end()
    raise MathError("a brace } is missing")


def _option(tex: str, position: int) -> tuple[str | None, int]:
    """Return what stands in brackets at `position`, or None, and where that ends."""
    match = re.compile(r"\s*\[([^\]]*)\]").match(tex, position)
    return (match[1], match.end()) if match else (None, position)


def _glue(left: str, right: str) -> str:
    r"""Return `right`, apart from a command that `left` ends in: \alpha and x are not \alphax."""
    apart = right[:1].isalpha() and re.search(r"\\[a-zA-Z]+\Z", left[-80:])
    return f" {right}" if apart else right


def _fill(body: str, arguments: list[str]) -> str:
    """Return the body of a macro with its arguments in it."""
    filled = ""
    for i, part in enumerate(re.split(r"#([1-9])", body)):
        if i % 2 and int(part) > len(arguments):
            raise MathError(f"a macro has no argument #{part}")
        filled += _glue(filled, arguments[int(part) - 1] if i % 2 else part)
    return filled


# --- what math-core takes -----------------------------------------------------------------------


@dataclass
class _Frame:
    """An environment, or the whole formula, while it is written."""

    name: str = ""
    end: str = ""  # what closes it
    start: int = 0  # where it begins in what is written
    numbered: bool = False
    braces: int = 0
    column: int = 0
    columns: bool = False
    rows: bool = False
    pending: list[str] = field(default_factory=list)  # \tag and \label of the row

    @property
    def one_number(self) -> bool:
        """Whether all its rows have one number, as in an equation or a formula of no kind."""
        return not self.name or self.end.startswith(r"\end{equation")

    @property
    def inner(self) -> str:
        """What sets its rows and columns if it has one number."""
        return "aligned" if self.columns else "gathered" if self.rows else ""


class _Writer:
    """Writes one formula as math-core takes it."""

    def __init__(self, display: bool, anchor: Callable[[str], str]):
        self.display = display
        self.anchor = anchor
        self.frames = []
        self.tags = {}  # what stands for a tag: the tag
        self.links = []  # address, and formula or "(??)" for a number

    def formula(self, tex: str) -> str:
        r"""Return the formula; rows, columns and \tag outside an environment get one."""
        frame = _Frame(numbered=True)
        written = self._write(tex, frame)
        if name := frame.inner:
            written = rf"\begin{{{name}}}{written}\end{{{name}}}"
        if not self.display:  # a line of text has no margin
            return written + "".join(rf"\quad\text{{({tag})}}" for tag in self.tags.values())
        if frame.pending:
            return rf"\begin{{equation*}}{written}{''.join(frame.pending)}\end{{equation*}}"
        return written

    def _write(self, tex: str, frame: _Frame | None = None) -> str:
        outer, out, position = self.frames, [], 0
        self.frames = [*outer, frame or _Frame()]
        while match := TOKEN.search(tex, position):
            out.append(_persian(tex[position : match.start()]))
            piece, position = self._token(match, tex, match.end(), out)
            out.append(piece)
        self.frames = outer
        return "".join(out) + _persian(tex[position:])

    def _token(self, match: re.Match, tex: str, position: int, out: list) -> tuple[str, int]:
        """Return what is written for a token and its arguments, and where they end."""
        piece, name, frame = match[0], match[1] or "", self.frames[-1]
        if piece in ("{", "}"):
            frame.braces += 1 if piece == "{" else -1
        elif piece == "&" and not frame.braces:
            frame.column, frame.columns = frame.column + 1, True
            if frame.name.startswith("eqnarray") and frame.column == 2:
                piece = "{}"  # its three columns are two: a &= b
        elif name == "\\" and not frame.braces:
            frame.column, frame.rows = 0, True
            piece = ("" if frame.one_number else self._row_ends(frame)) + r"\\ "
        elif name in ("begin", "end"):
            environment, position = _argument(tex, position)
            if name == "end":
                return self._end(environment, out), position
            return self._begin(environment, tex, position, len(out))
        elif TEXT.fullmatch(name):
            words, position = _argument(tex, position)
            piece = self._text(name, words)
        elif name in ("mathop", "operatorname"):
            return self._operator(name, tex, position)
        elif name in ("tag", "label", "notag", "nonumber"):
            return "", self._number(name, tex, position)
        elif name in ("ref", "eqref"):
            label, position = _argument(tex, position)
            text = "(??)" if name == "eqref" else "??"
            piece = self._link("#" + self.anchor(label), text)
        elif name == "href":
            address, position = _argument(tex, position)
            address = re.sub(r"[\x00-\x20\\]", "", address)
            if urlsplit(address).scheme not in ("", "http", "https", "mailto"):
                raise MathError(f"{address!r} is not an address of the web")
            words, position = _argument(tex, position)
            piece = self._link(address, words)
        return piece, position

    def _begin(self, name: str, tex: str, position: int, start: int) -> tuple[str, int]:
        base = name.removesuffix("*")
        inside = not self.display or any(frame.numbered and frame.name for frame in self.frames)
        written, option = name, ""
        if base in NUMBERED:
            written = NUMBERED[base][inside]
            if name != base and not inside:
                written = written.removesuffix("*") + "*"
        elif name == "array":
            columns, position = _argument(tex, position)
            option = f"{{{_columns(columns)}}}"
        end = rf"\end{{{written}}}"
        begin = rf"\begin{{{written}}}{option}"
        if name.endswith("matrix*") and name[:-7] in STARRED:
            column, position = _option(tex, position)
            left, right = STARRED[name[:-7]]
            begin = rf"\left{left}\begin{{array}}{{{(column or 'c') * 30}}}"
            end = rf"\end{{array}}\right{right}"
        self.frames.append(_Frame(name, end, start, base in NUMBERED and not inside))
        return begin, position

    def _end(self, name: str, out: list[str]) -> str:
        frame = self.frames[-1]
        if not frame.name or frame.name != name:
            raise MathError(rf"\end{{{name}}} has no \begin{{{name}}}")
        self.frames.pop()
        while len(out) > frame.start + 1 and not out[-1].strip():
            out.pop()
        out[-1] = out[-1].removesuffix(r"\\ ")  # after a last \\ there is no row
        end = self._row_ends(frame) + frame.end
        if frame.one_number and frame.inner:
            out[frame.start] += rf"\begin{{{frame.inner}}}"
            end = rf"\end{{{frame.inner}}}" + end
        return end

    def _row_ends(self, frame: _Frame) -> str:
        r"""Return the \tag and \label of the row that ends."""
        pending, frame.pending = "".join(frame.pending), []
        return pending

    def _number(self, name: str, tex: str, position: int) -> int:
        r"""Keep \tag, \label and \notag for the row of the numbered environment around them."""
        frame = next(frame for frame in reversed(self.frames) if frame.numbered)
        if name.startswith("no"):
            frame.pending += [r"\notag "] * bool(frame.name)
            return position
        star = tex[position : position + 1] == "*"
        words, position = _argument(tex, position + star)
        if name == "label":
            frame.pending.append(rf"\label{{{self.anchor(words)}}}")
        else:
            mark = f"fa-tag-{len(self.tags)}"
            frame.pending.append(rf"\tag{'*' * star}{{{mark}}}")
            self.tags[mark] = re.sub(r"\\(?:text|math)[a-z]*|[\\${}]", "", words)
        return position

    def _text(self, command: str, words: str) -> str:
        r"""Write \text{…} with the formulas in it outside it."""
        pieces = []
        for i, part in enumerate(re.split(r"(?<!\\)\$|\\[()]", words)):
            if i % 2:
                pieces.append(self._write(part))
            elif part:
                part = re.sub(r"(?<!\\)([_#&])", r"\\\1", part).replace("^", r"\textasciicircum ")
                pieces.append(rf"\{command}{{{part}}}")
        return pieces[0] if len(pieces) == 1 else "{" + "".join(pieces) + "}"

    def _operator(self, command: str, tex: str, position: int) -> tuple[str, int]:
        r"""Write \mathop and \operatorname: words as one name, other things with limits."""
        star = tex[position : position + 1] == "*"
        content, position = _argument(tex, position + star)
        name = FONT.sub("", FUNCTION.sub(r"\1\\,", content)).strip().removesuffix(r"\,")
        star |= command == "mathop"
        if WORDS.fullmatch(name):
            return rf"\operatorname{'*' * star}{{{name}}}", position
        written = f"{{{self._write(content)}}}"
        if not star:
            return rf"\mathrm{written}", position
        while match := SCRIPT.match(tex, position):
            position = match.end()
            if match[1] in "_^":
                argument, position = _argument(tex, position)
                over = "under" if match[1] == "_" else "over"
                written = rf"\{over}set{{{self._write(argument)}}}{{{written}}}"
        return written + r"\,", position

    def _link(self, address: str, content: str) -> str:
        """Write a link as a reference to an equation that math-core does not know."""
        self.links.append((address, content))
        return rf"\eqref{{link{len(self.links) - 1}}}"


def _persian(tex: str) -> str:
    r"""Return TeX with Persian numbers and words each in one \text."""
    return PERSIAN.sub(r"\\text{\g<0>}", tex)


def _columns(columns: str) -> str:
    """Return the columns of an array with what math-core takes: l, c, r and rules."""
    columns = re.sub(r"\*\s*\{(\d{1,2})\}\s*\{([^{}]*)\}", lambda m: m[2] * int(m[1]), columns)
    columns = re.sub(r"[@!<>]\s*\{[^{}]*\}|\s", "", columns)
    return re.sub(r"[pmbwX](?:\{[^{}]*\})*", "l", columns)
