r"""TeX formulas as MathML that a browser draws right without a script, or a refusal that says why.

latex2mathml never refuses: an unknown command becomes a word, ``aligned`` becomes one long line.
Here the source is prepared (`_prepare`), converted, checked (`_check`: whatever MathML Core would
not draw as TeX means it raises `MathError`) and repaired (spacing, limits, bold letters, tables).
"""

import functools
import html
import re
import unicodedata
from xml.etree.ElementTree import Element, tostring

from latex2mathml.commands import FUNCTIONS, LIMIT, MATRICES
from latex2mathml.converter import Converter
from nbconvert.utils.exceptions import ConversionException

# What browsers implement (https://w3c.github.io/mathml-core/); menclose is handled below.
CORE = frozenset(
    "math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub"
    " msubsup msup mtable mtd mtext mtr munder munderover".split()
)
RENAMED = {
    **dict.fromkeys(("align", "aligned", "alignat", "alignat*", "alignedat", "split"), "align*"),
    **dict.fromkeys(("gather", "gather*", "gathered"), "displaylines"),
    "dcases": "cases",
}
ENVIRONMENTS = frozenset(name[1:] for name in MATRICES) - {"align", "substack"}
# latex2mathml forgets which side a bar is on; private characters carry that through it.
BARS = {
    r"\lvert": ("\ue000", "|", "prefix"),
    r"\rvert": ("\ue001", "|", "postfix"),
    r"\lVert": ("\ue002", "‖", "prefix"),
    r"\rVert": ("\ue003", "‖", "postfix"),
}
BAR_OF = {private: (bar, form) for private, bar, form in BARS.values()}
NAMES = frozenset(name[1:] for name in (*FUNCTIONS, *LIMIT))
LIMIT_NAMES = frozenset(name[1:] for name in LIMIT)
LARGE = frozenset("∑∏∐⋃⋂⋁⋀⨁⨂⨀⨄⨆")
ORDINARY = frozenset("∂∇∞∅∀∃∄⊤⊥∠")
SCRIPTS = {"msub", "msup", "msubsup", "munder", "mover", "munderover"}
UNDER = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
SPACES = {"thin": 0.1667, "medium": 0.2222, "thick": 0.2778}
TEXT = re.compile(r"\\(?:text[a-z]*|mbox|hbox|fbox)\s*\{")
PERSIAN = re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")


class MathError(ConversionException):
    """A formula that would come out wrong."""


@functools.lru_cache(maxsize=4096)
def tex_to_mathml(tex: str, display: bool = False) -> str:
    """Return one `<math>` element for `tex`, or raise MathError with the reason."""
    root = _convert(_prepare(tex), "block" if display else "inline")
    _check(root)
    _repair(root)
    root.set("dir", "ltr")
    root.set("alttext", " ".join(tex.split()))
    return tostring(root, encoding="unicode")


# --- the source ---------------------------------------------------------------------------------


def _prepare(tex: str) -> str:
    """Return the source with the names that latex2mathml knows; refuse what it would garble."""
    if len(re.findall(r"(?<!\\)\{", tex)) != len(re.findall(r"(?<!\\)\}", tex)):
        raise MathError("a brace { or } is missing")
    _check_text(tex)
    tex = re.sub(r"\\label\s*\{[^}]*\}|\\(?:nonumber|notag)\b", "", tex)
    tex = re.sub(r"\\(begin|end)\s*\{equation\*?\}", "", tex)
    tex = re.sub(r"\\begin\{(alignat\*?|alignedat)\}\s*\{\d+\}", r"\\begin{\1}", tex)
    tex = re.sub(r"\\(begin|end)\s*\{([^}]*)\}", _rename, tex)
    tex = re.sub(r":\s*=", r"\\coloneq ", tex)
    return re.sub(r"\\[lr][vV]ert(?![a-zA-Z])", lambda bar: BARS[bar[0]][0], tex)


def _rename(match: re.Match) -> str:
    name = RENAMED.get(match[2], match[2])
    if name not in ENVIRONMENTS:
        raise MathError(f"the environment {match[2]!r} is not supported")
    return rf"\{match[1]}{{{name}}}"


def _check_text(tex: str) -> None:
    r"""Refuse \text{…} with anything but plain words in it."""
    for start in TEXT.finditer(tex):
        end = tex.find("}", start.end())
        if end < 0:
            raise MathError(f"a brace }} is missing after {start[0]}")
        words = tex[start.end() : end]
        if re.search(r"[{$]|\\(?![ %&#_])", words):
            raise MathError(rf"only plain words are understood inside \text{{…}}, not {words!r}")


def _convert(tex: str, display: str) -> Element:
    try:
        return Converter(display=display).convert_to_element(tex)
    except Exception as error:  # latex2mathml raises its own kinds, IndexError, StopIteration, …
        raise MathError(f"not understood ({type(error).__name__})") from error


# --- the guard ----------------------------------------------------------------------------------


def _check(root: Element) -> None:
    """Refuse everything that latex2mathml lets through and a browser would draw wrong."""
    for element in root.iter():
        if element.tag not in CORE:
            raise MathError(f"browsers do not draw <{element.tag}>")
        if element.tag == "menclose" and element.get("notation") != "box":
            raise MathError(r"browsers do not draw \cancel, \bcancel, \xcancel and \sout")
        if element.get("linebreak"):
            raise MathError(r"\\ stands outside an environment such as aligned or cases")
        if element.tag in ("mi", "mn", "mo", "mtext"):
            _check_token(element.tag, element.text or "")


def _check_token(tag: str, text: str) -> None:
    text = re.sub(r"&#x[0-9a-fA-F]+;", "", text)
    if tag == "mtext":
        return
    if command := re.search(r"\\[a-zA-Z]*", text):
        raise MathError(f"unknown command {command[0]}")
    if "&" in text:
        raise MathError("& stands outside an environment such as aligned or cases")
    if tag == "mn" and not re.fullmatch(r"[\d.]*", text):
        raise MathError(
            rf"{text!r} was read as a length; write a space such as \, after the number"
        )


# --- the repairs --------------------------------------------------------------------------------


def _repair(root: Element) -> None:
    for element in list(root.iter()):
        _repair_token(element)
        if element.tag == "mtable":
            _repair_table(element)
    for element in list(root.iter()):
        _repair_text(element)
        _join_words(element)
        _repair_limits(element)
        _repair_bold(element)
    for element in list(root.iter()):
        _repair_spacing(element)
    for element in list(root.iter()):
        _tighten_scripts(element)


def _repair_token(element: Element) -> None:
    """Repair what can be seen from one element: its kind, its character, its width."""
    text = element.text = html.unescape(element.text) if element.text else element.text
    if element.tag == "menclose":
        element.tag, element.attrib = "mrow", {"class": "fa-box"}
    elif element.tag == "mspace":
        _repair_space(element)
    elif element.tag == "mo" and not text:
        element.tag, element.attrib = "mspace", {}  # the invisible side of \\left.
    elif element.tag == "mtext" and text:
        element.text = re.sub(r"\\([ %&#_])", r"\1", text)
    elif text in BAR_OF:
        element.tag, (element.text, form) = "mo", BAR_OF[text]
        fence = {"form": form, "fence": "true", "lspace": "0", "rspace": "0"}
        element.attrib = {"stretchy": "false", **element.attrib, **fence}
    elif element.tag == "mi" and text in NAMES:
        element.tag = "mo"
    elif element.tag == "mi" and text and len(text) == 1 and text not in ORDINARY:
        _repair_identifier(element, text)
    elif element.tag == "mo" and text:
        _repair_operator(element, text)


def _repair_space(element: Element) -> None:
    r"""Give \! and the like a width in em: MathML Core knows no named widths."""
    if named := re.fullmatch(r"(negative)?(thin|medium|thick)mathspace", element.get("width", "")):
        element.set("width", f"{'-' if named[1] else ''}{SPACES[named[2]]}em")


def _repair_identifier(element: Element, text: str) -> None:
    """Turn ±, ÷, ⟨, : and the like, which latex2mathml calls identifiers, into operators."""
    category = unicodedata.category(text)
    if category == "Sm" or text in ":;·×÷":
        element.tag = "mo"
    elif category in ("Ps", "Pe"):
        element.tag = "mo"
        element.set("stretchy", "false")


def _repair_operator(element: Element, text: str) -> None:
    if text in ORDINARY:
        element.tag, element.attrib = "mi", {"mathvariant": "normal"}
    elif text == "-":
        element.text = "−"
    elif text in "|‖/!" and "form" not in element.attrib:
        element.attrib |= {"lspace": "0", "rspace": "0"}


def _repair_table(table: Element) -> None:
    """Mark aligned equations, and draw with borders the lines that browsers leave out."""
    if table.attrib.pop("columnspacing", "").startswith("0em"):
        table.set("class", "fa-align")
    table.attrib.pop("rowspacing", None)
    below = table.attrib.pop("rowlines", "").split()
    beside = table.attrib.pop("columnlines", "").split()
    for r, row in enumerate(table):
        for c, cell in enumerate(row):
            sides = [("bottom", below[r : r + 1]), ("right", beside[c : c + 1])]
            lines = [f"border-{side}: 1px {kind[0]}" for side, kind in sides if kind]
            if lines := [line for line in lines if not line.endswith("none")]:
                cell.set("style", "; ".join(lines))


def _repair_text(parent: Element) -> None:
    """Let Persian words run right to left, with the spaces around them where TeX has them."""
    for child in list(parent):
        if child.tag == "mtext" and PERSIAN.search(child.text or ""):
            child.set("dir", "rtl")
            words = child.text.strip("\u00a0 ")
            before, after = child.text.split(words)
            place = list(parent).index(child)
            child.text = words
            if after:
                parent.insert(place + 1, Element("mspace", width="0.25em"))
            if before:
                parent.insert(place, Element("mspace", width="0.25em"))


def _join_words(parent: Element) -> None:
    r"""Join the letters of \mathrm{ReLU} into one word, and the parts of ۰٫۱ into one number."""
    previous = None
    for child in list(parent):
        upright = child.tag == "mi" and child.attrib == {"mathvariant": "normal"}
        letters = upright and (child.text or "").isalpha()
        if letters and previous is not None and previous.attrib == child.attrib:
            previous.text = (previous.text or "") + (child.text or "")
            parent.remove(child)
        else:
            previous = child if letters else None
    for left, point, right in zip(list(parent), list(parent)[1:], list(parent)[2:]):
        if (left.tag, point.text, right.tag) == ("mn", "٫", "mn"):
            left.text = f"{left.text}٫{right.text}"
            parent.remove(point)
            parent.remove(right)


def _repair_limits(element: Element) -> None:
    """Put limits below and above: `movablelimits` moves them to the side inside a line of text."""
    if element.tag not in (*UNDER, *UNDER.values()) or not len(element) or element[0].tag != "mo":
        return
    if element[0].text in LIMIT_NAMES:
        element[0].set("movablelimits", "true")
    if element[0].text in LARGE or element[0].get("movablelimits"):
        element.tag = UNDER.get(element.tag, element.tag)


@functools.cache
def _alphabet() -> dict[tuple[str, str], str]:
    """Return {(mathvariant, plain letter): mathematical letter} as Unicode names them."""
    letters = {}
    for code in (*range(0x2100, 0x2140), *range(0x1D400, 0x1D800)):
        name = unicodedata.name(chr(code), "").removeprefix("MATHEMATICAL ")
        name = name.replace("BLACK-LETTER", "FRAKTUR").replace("PLANCK CONSTANT", "ITALIC SMALL H")
        style = re.match(r"([A-Z -]+?) (?:CAPITAL|SMALL|DIGIT|NABLA|PARTIAL|EPSILON|THETA)\b", name)
        if style:
            variant = style[1].lower().replace(" ", "-")
            letters.setdefault((variant, unicodedata.normalize("NFKC", chr(code))), chr(code))
    return letters


def _repair_bold(element: Element) -> None:
    r"""Write \mathbf, \mathcal, … with mathematical letters: MathML Core ignores `mathvariant`."""
    variant = element.get("mathvariant", "normal")
    if variant == "normal":
        return
    del element.attrib["mathvariant"]
    letters = [_alphabet().get((variant, letter)) for letter in element.text or ""]
    if element.tag != "mtext" and all(letters):
        element.text = "".join(letters)
        return
    bold, slant = "bold" in variant, "italic" in variant
    style = ["font-weight: bold"] * bold + ["font-style: italic"] * slant
    style += ["font-family: monospace"] * (variant == "monospace")
    element.set("style", "; ".join(style))


def _core(element: Element) -> Element:
    """Return the operator that a script, or a row of one, is about (sin of sin²)."""
    while len(element) and (
        element.tag in SCRIPTS or (element.tag == "mrow" and len(element) == 1)
    ):
        element = element[0]
    return element


def _closes(element: Element | None) -> bool:
    """Say whether a minus after this element is a subtraction."""
    if element is None or element.tag == "mspace":
        return False
    core = _core(element)
    if core.tag != "mo" or core.get("form") == "postfix":
        return True
    return core.text is None or core.text in ")]}!|‖" or unicodedata.category(core.text[0]) == "Pe"


def _repair_spacing(row: Element) -> None:
    """Space names of functions (thin) and signs (none) as TeX does."""
    if row.tag not in ("mrow", "mtd", "mstyle", "msqrt", "math", "mpadded", "mphantom"):
        return
    children = list(row)
    for before, child, after in zip([None, *children], children, [*children[1:], None]):
        core = _core(child)
        if core.tag != "mo" or not core.text:
            continue
        if core.text.replace("\u2009", "").replace("\u2006", "").isalpha():
            opens = after is not None and _core(after).tag == "mo" and _core(after).text in "([{|‖⟨"
            core.set("lspace", "0.167em" if _closes(before) else "0")
            core.set("rspace", "0" if after is None or opens else "0.167em")
        elif core.text in "+−±∓" and not _closes(before):
            core.attrib |= {"form": "prefix", "lspace": "0", "rspace": "0"}
        elif len(children) == 1 and row.tag != "math":
            core.attrib |= {"lspace": "0", "rspace": "0"}


def _tighten_scripts(element: Element) -> None:
    """Drop the space around = and + in scripts, as TeX does."""
    if element.tag in SCRIPTS:
        for script in list(element)[1:]:
            for operator in script.iter("mo"):
                operator.attrib |= {"lspace": "0", "rspace": "0"}
    if element.tag in ("mover", "munder") and element[-1].tag == "mo":
        _repair_accent(element, element[-1])


def _repair_accent(element: Element, accent: Element) -> None:
    """Set hats, dots and bars close, at full size, and long only where TeX has them long."""
    accent.text = "‾" if accent.text in "―¯" and element.tag == "mover" else accent.text
    accent.text = "_" if accent.text == "―" else accent.text
    if accent.text in "^~" and not element.get("accent") and not accent.get("stretchy"):
        accent.text = {"^": "\u0302", "~": "\u0303"}[accent.text]  # the wide ones
    elif accent.text in "´˘ˇ˙¨`^˚~→":
        accent.set("stretchy", "false")
    if accent.text in "´˘ˇ˙¨`^˚~→‾\u0302\u0303":
        element.set("accent", "true")
