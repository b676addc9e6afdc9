"""Fonts for a page: only the glyphs it uses, as `@font-face` rules with nothing to download.

Text is in DejaVu Sans, which comes with matplotlib and draws Persian; formulas are in STIX Two
Math, which comes with ziamath and has the MATH table without which brackets do not grow.
`JUPYTER_FA_FONT` (or `FontFaces.font` in the configuration) names the file of another text font,
`JUPYTER_FA_MATH_FONT` (`FontFaces.math_font`) that of another mathematics font.
"""

import base64
import functools
import html
import importlib.util
import io
import logging
import os
import re
import string
import unicodedata
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from traitlets import Unicode
from traitlets.config import Configurable

# In every subset, so that pages of one kind have the same fonts: ASCII, the Persian letters,
# digits, marks and punctuation, half-space and direction marks, quotes and dashes, Greek and the
# signs that formulas bring into a text.
PERSIAN = frozenset(map(chr, range(0x600, 0x700)))
GREEK = frozenset(map(chr, (*range(0x391, 0x3AA), *range(0x3B1, 0x3CA))))
SIGNS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻½¼¾⅛·±×÷−∓∂∆∇∈∏∑√∞∫≈≠≤≥⊙⊤‖′←↑→↓⇒↔✓✗⚠•")
MARKS = frozenset("\u200c\u200d\u200e\u200f\u2066\u2067\u2068\u2069«»‹›–—…")
ALWAYS = PERSIAN | GREEK | SIGNS | MARKS | frozenset(string.printable)
TEXT_FACE = ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf")
# Each glyph of a formula is taken from the first of these that has it.
MATH_FACES = (
    ("ziamath", "fonts/STIXTwoMath-Regular.ttf"),
    TEXT_FACE,
)
MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)


class FontFaces(Configurable):
    """The nbconvert filter `fa_fonts`: the HTML of a page in, its `@font-face` rules out."""

    font = Unicode(help="File of the text font (TrueType or OpenType); default: DejaVu Sans")
    font.tag(config=True)
    math_font = Unicode(help="File of a font with a MATH table; default: STIX Two Math")
    math_font.tag(config=True)

    def __call__(self, page: str) -> str:
        """Return the rules for the families `fa-text` and `fa-math-0`, `fa-math-1`, …"""
        font = self._file("font", "JUPYTER_FA_FONT")
        math_font = self._file("math_font", "JUPYTER_FA_MATH_FONT")
        return "\n".join(text_rules(font, page) + math_rules(math_font, page))

    def _file(self, name: str, variable: str) -> str:
        """Return the file that is configured or else in the environment, "" if neither is set."""
        font = getattr(self, name) or os.environ.get(variable, "")
        if font and not Path(font).is_file():
            raise FileNotFoundError(f"FontFaces.{name} or {variable}: there is no file {font}")
        return font


def text_rules(font: str, page: str) -> list[str]:
    """Return the rules of the text family: regular and bold, or one variable font."""
    characters = ALWAYS | frozenset(html.unescape(page))
    regular = Path(font) if font else bundled(*TEXT_FACE)
    bold = regular.with_name(re.sub(r"(-Regular)?(\.\w+)$", r"-Bold\2", regular.name))
    if is_variable(regular):
        return [rule("fa-text", "100 900", subset(regular, characters))]
    rules = [rule("fa-text", "400", subset(regular, characters))]
    return rules + ([rule("fa-text", "700", subset(bold, characters))] if bold.is_file() else [])


def math_rules(font: str, page: str) -> list[str]:
    """Return one family for each face that some formula needs, and the variable naming them."""
    missing = math_characters(page)
    rules, families = [], []
    for path in [Path(font)] * bool(font) + [bundled(*face) for face in MATH_FACES]:
        if found := missing & covered(path):
            families.append(f"fa-math-{len(families)}")
            rules.append(rule(families[-1], "400", subset(path, found)))
            missing -= found
    return [*rules, f":root {{ --fa-math: {', '.join(families)}; }}"] if families else []


def math_characters(page: str) -> frozenset[str]:
    """Return what formulas are drawn with, the italics among it that `<mi>x</mi>` becomes.

    Persian in a formula is left to the text font.
    """
    formulas = "".join(re.sub("<[^>]*>", "", formula) for formula in MATH.findall(page))
    letters = set(html.unescape(formulas)) | set(
        "√" if "<msqrt" in page or "<mroot" in page else ""
    )
    return frozenset(letters | {italic(letter) for letter in letters}) - PERSIAN


@functools.cache
def italic(letter: str) -> str:
    """Return the mathematical italic of a Latin or Greek letter, else the letter itself."""
    if letter == "h":
        return "ℎ"
    name = unicodedata.name(letter, "").replace("LATIN ", "").replace("GREEK ", "")
    name = name.replace(" LETTER", "")
    try:
        return unicodedata.lookup(f"MATHEMATICAL ITALIC {name}")
    except KeyError:
        return letter


def bundled(package: str, name: str) -> Path:
    """Return a font inside a package, found without the time that importing it takes."""
    spec = importlib.util.find_spec(package)
    return Path(spec.submodule_search_locations[0], name)


@functools.cache
def covered(path: Path) -> frozenset[str]:
    """Return the characters that a font file has."""
    with TTFont(path, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


@functools.cache
def is_variable(path: Path) -> bool:
    """Say whether one file holds every weight."""
    with TTFont(path, lazy=True) as font:
        return "fvar" in font


def subset(path: Path, characters: frozenset[str]) -> bytes:
    """Return a WOFF with the glyphs of these characters, the same bytes at every call."""
    return _subset(path, characters & covered(path))


@functools.lru_cache(maxsize=64)
def _subset(path: Path, characters: frozenset[str]) -> bytes:
    options = Options(layout_features=["*"], hinting=False, notdef_outline=True, name_IDs=[1, 2])
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    with TTFont(path, recalcTimestamp=False) as font:
        subsetter = Subsetter(options)
        subsetter.populate(text="".join(sorted(characters)))
        subsetter.subset(font)
        font.flavor = "woff"
        font.save(buffer := io.BytesIO())
    return buffer.getvalue()


def rule(family: str, weight: str, woff: bytes) -> str:
    """Return one `@font-face` rule."""
    data = base64.b64encode(woff).decode("ascii")
    source = f'url("data:font/woff;base64,{data}") format("woff")'
    return f"@font-face {{ font-family: {family}; font-weight: {weight}; src: {source}; }}"
