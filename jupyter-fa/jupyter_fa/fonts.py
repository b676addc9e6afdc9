"""Fonts for a page: only the glyphs it uses, as `@font-face` rules with nothing to download.

Text is in DejaVu Sans and code in DejaVu Sans Mono, which come with matplotlib and draw Persian;
formulas are in STIX Two Math, which comes with ziamath and has the MATH table without which
brackets do not grow. `JUPYTER_FA_FONT` (or `FontFaces.font` in the configuration) names the file of
another text font, `JUPYTER_FA_MATH_FONT` (`FontFaces.math_font`) that of another mathematics font.

A letter of which a font only has the parts, as DejaVu has of «ۀ», is put together. «لا» is drawn
with a glyph for each of its letters, because text copied from a PDF has «ال» in most readers if one
glyph stands for both. Where a letter of the Arabic script is lacking altogether, as some of Urdu
are, that script is left to the reader's fonts, because a word that two fonts draw is not joined.
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

from fontTools.otlLib.builder import buildCoverage
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables import otTables
from fontTools.ttLib.tables._g_l_y_f import Glyph
from traitlets import Unicode
from traitlets.config import Configurable
from traitlets.log import get_logger

# In every subset, so that pages of one kind have the same fonts: ASCII, the Persian letters,
# digits, marks and punctuation, half-space and direction marks, quotes and dashes, Greek and the
# signs that formulas bring into a text.
PERSIAN = frozenset(map(chr, range(0x600, 0x700)))
GREEK = frozenset(map(chr, (*range(0x391, 0x3AA), *range(0x3B1, 0x3CA))))
SIGNS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻½¼¾⅛·±×÷−∓∂∆∇∈∏∑√∞∫≈≠≤≥⊙⊤‖′←↑→↓⇒↔✓✗⚠•")
MARKS = frozenset("\u200c\u200d\u200e\u200f\u2066\u2067\u2068\u2069«»‹›–—…")
ALWAYS = PERSIAN | GREEK | SIGNS | MARKS | frozenset(string.printable)
ARABIC = frozenset(map(chr, (*range(0x600, 0x700), *range(0x750, 0x780))))
ARABIC |= frozenset(map(chr, (*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFF))))
TEXT_FACE = ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf")
CODE_FACE = ("matplotlib", "mpl-data/fonts/ttf/DejaVuSansMono.ttf")
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
        """Return the rules for the families `fa-text`, `fa-code`, `fa-math-0`, `fa-math-1`, …"""
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
    """Return the rules of text, regular and bold or one variable font, and of code."""
    letters = frozenset(html.unescape(page))
    regular = Path(font) if font else bundled(*TEXT_FACE)
    bold = regular.with_name(re.sub(r"(-Regular)?(\.\w+)$", r"-Bold\2", regular.name))
    faces = [("fa-text", "100 900" if is_variable(regular) else "400", regular)]
    faces += [("fa-text", "700", bold)] if bold.is_file() and not is_variable(regular) else []
    code = bundled(*CODE_FACE)
    faces += [("fa-code", "400", code), ("fa-code", "700", code.with_stem(f"{code.stem}-Bold"))]
    if lacking := lacking_letters(regular, letters):
        left = "%s has no %s: that script is left to the reader's fonts (see FontFaces.font)"
        get_logger().warning(left, regular.name, " ".join(sorted(lacking)))
    rules = []
    for family, weight, path in faces:
        wanted = ALWAYS | letters
        wanted -= ARABIC if lacking_letters(path, letters) or not letters & ARABIC else set()
        rules.append(rule(family, weight, subset(path, wanted)))
    return rules


def lacking_letters(path: Path, letters: frozenset[str]) -> set[str]:
    """Return the letters of the Arabic script that a font can't draw."""
    return {letter for letter in letters & ARABIC if letter.isalpha()} - drawn(path)


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
    return frozenset(letters | {italic(letter) for letter in letters}) - ARABIC


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
def in_parts(path: Path) -> dict[str, str]:
    """Return {letter: its parts} for Persian letters of which a font file has only the parts."""
    with TTFont(path, lazy=True) as font:
        if "glyf" not in font or not arabic_systems(font):
            return {}
    parts = {c: unicodedata.normalize("NFD", c) for c in PERSIAN - covered(path)}
    # Unicode's first part of ۀ is U+06D5, which looks as the ه of a word's end does.
    parts = {c: marks.replace("\u06d5", "\u0647") for c, marks in parts.items() if c != marks}
    return {c: marks for c, marks in parts.items() if covered(path).issuperset(marks)}


def drawn(path: Path) -> frozenset[str]:
    """Return the characters that a subset of a font file can have."""
    return covered(path).union(in_parts(path))


def arabic_systems(font: TTFont) -> list:
    """Return what the font's table of substitutions says of the languages of the Arabic script."""
    records = font["GSUB"].table.ScriptList.ScriptRecord if "GSUB" in font else []
    scripts = [record.Script for record in records if record.ScriptTag == "arab"]
    systems = [script.DefaultLangSys for script in scripts]
    systems += [record.LangSys for script in scripts for record in script.LangSysRecord]
    return [system for system in systems if system]


def put_together(font: TTFont, parts: dict[str, str]) -> None:
    """Give a font letters that it has in parts, as a rule that draws the parts instead.

    A browser may do the same for a font without the letter (Chromium does), or take it from another
    font (Firefox does), which has not joined it to the letters before.
    """
    names, rules = font.getBestCmap(), otTables.MultipleSubst()
    rules.mapping = {}
    for letter, marks in sorted(parts.items()):
        name = f"uni{ord(letter):04X}"
        font["glyf"][name], font["hmtx"][name] = Glyph(), (0, 0)
        rules.mapping[name] = [names[ord(mark)] for mark in marks]
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[ord(letter)] = name
    gsub = font["GSUB"].table
    gsub.LookupList.Lookup.append(new_lookup(2, rules))
    gsub.LookupList.LookupCount = len(gsub.LookupList.Lookup)
    for feature in composing(font):
        feature.LookupListIndex.append(gsub.LookupList.LookupCount - 1)
        feature.LookupCount += 1


def part_lam_alef(font: TTFont) -> None:
    """Draw «لا» as two glyphs, the whole at the lam and nothing at the alef, in place of one.

    Readers of a PDF turn the letters of a right-to-left line round one by one; those that one glyph
    stands for as well. Lookups that have other ligatures, too, stay as they are.
    """
    if "GSUB" not in font or "glyf" not in font:
        return
    lookups = font["GSUB"].table.LookupList.Lookup
    tables = [[getattr(t, "ExtSubTable", t) for t in lookup.SubTable] for lookup in lookups]
    lam = font.getBestCmap().get(0x644)
    singles = [table for part in tables for table in part if table.LookupType == 1]
    lams = {lam} | {table.mapping.get(lam) for table in singles}
    for lookup, part in zip(list(lookups), tables, strict=True):
        pairs = [
            (first, ligature)
            for table in part
            if table.LookupType == 4
            for first, ligatures in table.ligatures.items()
            for ligature in ligatures
        ]
        if not pairs or any(
            first not in lams or len(ligature.Component) != 1 for first, ligature in pairs
        ):
            continue
        for name in sorted({f"{ligature.Component[0]}.drawn" for _, ligature in pairs}):
            font["glyf"][name], font["hmtx"][name] = Glyph(), (0, 0)
        numbers = font.getReverseGlyphMap(rebuild=True)
        lookup.LookupType, lookup.SubTable = 6, []
        for first, ligature in pairs:
            [alef] = ligature.Component
            rule = otTables.ChainContextSubst()
            rule.Format, rule.SubstLookupRecord = 3, []
            rule.BacktrackCoverage, rule.LookAheadCoverage = [], []
            rule.InputCoverage = [buildCoverage([glyph], numbers) for glyph in (first, alef)]
            for place, change in enumerate(({first: ligature.LigGlyph}, {alef: f"{alef}.drawn"})):
                record, single = otTables.SubstLookupRecord(), otTables.SingleSubst()
                record.SequenceIndex, record.LookupListIndex = place, len(lookups)
                rule.SubstLookupRecord.append(record)
                single.mapping = change
                lookups.append(new_lookup(1, single))
            lookup.SubTable.append(rule)
        lookup.SubTableCount = len(lookup.SubTable)
    font["GSUB"].table.LookupList.LookupCount = len(lookups)


def new_lookup(kind: int, table) -> otTables.Lookup:
    """Return a lookup of one table."""
    lookup = otTables.Lookup()
    lookup.LookupType, lookup.LookupFlag, lookup.SubTable, lookup.SubTableCount = (
        kind,
        0,
        [table],
        1,
    )
    return lookup


def composing(font: TTFont) -> list:
    """Return the features `ccmp` of the Arabic script, which work before letters are joined."""
    gsub = font["GSUB"].table
    records, systems = gsub.FeatureList.FeatureRecord, arabic_systems(font)

    def own(system) -> list:
        features = (records[number] for number in system.FeatureIndex)
        return [record for record in features if record.FeatureTag == "ccmp"]

    without = {id(system) for system in systems if not own(system)}
    if without:
        record, feature = otTables.FeatureRecord(), otTables.Feature()
        record.FeatureTag, record.Feature = "ccmp", feature
        feature.FeatureParams, feature.LookupListIndex, feature.LookupCount = None, [], 0
        place = sum(other.FeatureTag <= "ccmp" for other in records)  # they are in order
        records.insert(place, record)
        gsub.FeatureList.FeatureCount = len(records)
        for script in gsub.ScriptList.ScriptRecord:
            others = [other.LangSys for other in script.Script.LangSysRecord]
            for system in filter(None, [script.Script.DefaultLangSys, *others]):
                system.FeatureIndex = [n + (n >= place) for n in system.FeatureIndex]
                if id(system) in without:
                    system.FeatureIndex.append(place)
                    system.FeatureCount += 1
    found = {id(record): record.Feature for system in systems for record in own(system)}
    return list(found.values())


@functools.cache
def is_variable(path: Path) -> bool:
    """Say whether one file holds every weight."""
    with TTFont(path, lazy=True) as font:
        return "fvar" in font


def subset(path: Path, characters: frozenset[str]) -> bytes:
    """Return a WOFF with the glyphs of these characters, the same bytes at every call."""
    return _subset(path, characters & drawn(path))


@functools.lru_cache(maxsize=64)
def _subset(path: Path, characters: frozenset[str]) -> bytes:
    options = Options(layout_features=["*"], hinting=False, notdef_outline=True, name_IDs=[1, 2])
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    with TTFont(path, recalcTimestamp=False) as font:
        if parts := {c: marks for c, marks in in_parts(path).items() if c in characters}:
            put_together(font, parts)
        if characters & ARABIC:
            part_lam_alef(font)
        subsetter = Subsetter(options)
        subsetter.populate(text="".join(sorted(characters)))
        subsetter.subset(font)
        font.flavor = "woff"
        font.save(buffer := io.BytesIO())
    return buffer.getvalue()


def css_string(text: str) -> str:
    """The nbconvert filter `fa_css`: any text as one string of a style sheet."""
    special = r"[^\w \u00a0-\U0010ffff]|[\u2028\u2029\ud800-\udfff]"
    return '"' + re.sub(special, lambda match: f"\\{ord(match[0]):x} ", text) + '"'


def rule(family: str, weight: str, woff: bytes) -> str:
    """Return one `@font-face` rule."""
    data = base64.b64encode(woff).decode("ascii")
    source = f'url("data:font/woff;base64,{data}") format("woff")'
    return f"@font-face {{ font-family: {family}; font-weight: {weight}; src: {source}; }}"
