"""The language of a notebook: what its metadata say, or else what it is written in.

`FaPreprocessor` is the template's preprocessor. It leaves a `Language` in `resources.fa`; a cell
that gives no direction has that of its letters.
"""

import re
from dataclasses import dataclass

from nbconvert.preprocessors import Preprocessor
from nbconvert.utils.iso639_1 import iso639_1

from .folding import fold

RTL = frozenset("ar ckb dv fa he ps sd ug ur yi".split())
SCRIPTED = frozenset({"application/javascript", "application/vnd.jupyter.widget-view+json"})
NAMES = {
    "farsi": "fa", "persian": "fa", "فارسی": "fa", "fas": "fa", "per": "fa",
    "arabic": "ar", "العربية": "ar", "عربي": "ar", "ara": "ar",
    "hebrew": "he", "עברית": "he", "heb": "he", "iw": "he",
    "urdu": "ur", "اردو": "ur", "urd": "ur",
    "english": "en", "eng": "en",
}  # fmt: skip
# What a page says of itself.
WORDS = {
    "fa": {
        "skip": "پرش به متن اصلی", "contents": "فهرست مطالب", "pages": "صفحه‌های دیگر",
        "previous": "قبلی", "index": "فهرست", "next": "بعدی", "code": "کد", "output": "خروجی",
        "cell": "کد و خروجی", "text": "متن", "close": "بستن", "table": "جدول", "formula": "فرمول",
    },
    "ar": {
        "skip": "انتقل إلى المحتوى الرئيسي", "contents": "المحتويات", "pages": "صفحات أخرى",
        "previous": "السابق", "index": "الفهرس", "next": "التالي", "code": "الشيفرة",
        "output": "المخرجات", "cell": "الشيفرة والمخرجات", "text": "النص", "close": "إغلاق",
        "table": "جدول", "formula": "صيغة",
    },
    "he": {
        "skip": "דילוג לתוכן הראשי", "contents": "תוכן העניינים", "pages": "דפים אחרים",
        "previous": "הקודם", "index": "מפתח", "next": "הבא", "code": "קוד", "output": "פלט",
        "cell": "קוד ופלט", "text": "טקסט", "close": "סגירה", "table": "טבלה", "formula": "נוסחה",
    },
    "ur": {
        "skip": "مرکزی مواد پر جائیں", "contents": "فہرست", "pages": "دیگر صفحات",
        "previous": "پچھلا", "index": "فہرست", "next": "اگلا", "code": "کوڈ", "output": "آؤٹ پٹ",
        "cell": "کوڈ اور آؤٹ پٹ", "text": "متن", "close": "بند کریں", "table": "جدول",
        "formula": "فارمولا",
    },
    "en": {
        "skip": "Skip to the main content", "contents": "Contents", "pages": "Other pages",
        "previous": "Previous", "index": "Index", "next": "Next", "code": "Code",
        "output": "Output", "cell": "Code and output", "text": "Text", "close": "Close",
        "table": "Table", "formula": "Formula",
    },
}  # fmt: skip
# What stands between the number of a page and that of all pages, and the digits, as CSS.
PAGES = {"fa": ("persian", " از "), "ar": ("arabic-indic", " من "), "he": ("decimal", " מתוך ")}
PAGES["ur"] = PAGES["fa"]

HEBREW = re.compile("[\u05d0-\u05f2\ufb1d-\ufb4f]")
ARABIC = re.compile(
    "[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]"
)
LATIN = re.compile("[A-Za-z\u00c0-\u024f\u0370-\u052f]")
# Letters that tell one language of the Arabic script from the others.
URDU = re.compile("[ٹڈڑںےہھ]")
PERSIAN = re.compile("[پچژگ]"), re.compile("[یک]")
NOT_PERSIAN = re.compile("[ةىإ]"), re.compile(r"[يك]|\bال")
NO_PROSE = re.compile(
    r"^(?P<fence>```|~~~).*?^(?P=fence)|`[^`\n]*`|\$[^$]*\$|<[^<>]*>|https?://\S+|\]\([^()\s]*\)",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Language:
    """`code` is for `lang`; `direction` that of prose; `given` says that the author set it."""

    code: str
    direction: str
    given: bool = False

    @property
    def words(self) -> dict[str, str]:
        """What a page says of itself, in English where ours are not known."""
        return WORDS.get(self._base, WORDS["en"])

    @property
    def words_language(self) -> str:
        """The language of those words."""
        return self.code if self._base in WORDS else "en"

    @property
    def page_numbers(self) -> str:
        """The value of `content` that numbers a page in print."""
        digits, of = PAGES.get(self._base, ("decimal", " / "))
        return f'counter(page, {digits}) "{of}" counter(pages, {digits})'

    @property
    def _base(self) -> str:
        return self.code.partition("-")[0]

    def direction_of(self, source: str) -> str:
        """Return the direction of a cell's Markdown.

        On a right-to-left page a cell is left-to-right only if no word in it says otherwise.
        """
        if self.given:
            return self.direction
        letters = prose(source)
        rtl, ltr = rtl_letters(letters), len(LATIN.findall(letters))
        if not rtl + ltr:
            return self.direction
        return "rtl" if rtl > (0 if self.direction == "rtl" else ltr) else "ltr"


def prose(source: str) -> str:
    """Return Markdown or HTML without its code, formulas, tags and addresses."""
    return NO_PROSE.sub(" ", source)


def rtl_letters(text: str) -> int:
    """Return how many letters of a text run from right to left."""
    return len(ARABIC.findall(text)) + len(HEBREW.findall(text))


def language_of(nb, default: str = "en") -> Language:
    """Return the language of a notebook; `default` is the one of Latin letters."""
    code = stated(nb.metadata) or (default if default != "en" else written(nb) or default)
    direction = str(nb.metadata.get("direction") or nb.metadata.get("dir") or "").strip().lower()
    if direction in ("rtl", "ltr"):
        return Language(code, direction, given=True)
    return Language(code, "rtl" if code.partition("-")[0] in RTL else "ltr")


def stated(metadata) -> str:
    """Return the code of `language` or `lang`, "" where it is none or that of a program."""
    kernel, program = metadata.get("kernelspec"), metadata.get("language_info")
    programming = {isinstance(kernel, dict) and str(kernel.get("language")).lower()}
    programming.add(isinstance(program, dict) and str(program.get("name")).lower())
    for key in ("language", "lang"):
        value = metadata.get(key)
        if not isinstance(value, str) or value.lower() in programming:
            continue
        base, _, region = value.strip().replace("_", "-").partition("-")
        base = NAMES.get(base.lower(), base.lower())
        if base in iso639_1 or base in RTL:
            return f"{base}-{region}" if re.fullmatch(r"[A-Za-z0-9-]+", region) else base
    return ""


def written(nb) -> str:
    """Return the language of most letters of the prose, "" for Latin ones and for none."""
    sources = [str(nb.metadata.get("title", ""))]
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            sources.append(cell.source)
        for output in cell.get("outputs", []):
            sources.append("".join(output.get("data", {}).get("text/markdown", "")))
    letters = prose("\n\n".join(sources))
    arabic, hebrew = len(ARABIC.findall(letters)), len(HEBREW.findall(letters))
    if len(LATIN.findall(letters)) >= arabic + hebrew:
        return ""
    if hebrew > arabic:
        return "he"
    if len(URDU.findall(letters)) > arabic / 50:
        return "ur"
    # The first of each pair is rarer and surer: much Persian is typed with ي and ك.
    persian, other = (
        4 * len(sure.findall(letters)) + len(likely.findall(letters))
        for sure, likely in (PERSIAN, NOT_PERSIAN)
    )
    return "ar" if other > persian else "fa"


def directed(page: str, source: str, direction: str) -> str:
    """Return the HTML that a source became, from right to left unless its author gave a `dir`."""
    if direction != "rtl" or "dir=" in source:
        return page
    return f'<div dir="rtl">\n{page}</div>\n'


class FaPreprocessor(Preprocessor):
    """Decide the language, what is folded, and take out what would need a script.

    Without a script no widget is drawn and no JavaScript runs; another form of the output shows.
    """

    def preprocess(self, nb, resources):
        """Return the notebook without widgets, and resources with its language."""
        language = language_of(nb, resources.get("language_code") or "en")
        resources.update(fa=language, language_code=language.code)
        nb.metadata.pop("widgets", None)
        if "title" in nb.metadata:
            nb.metadata.title = one_line(nb.metadata.title)
        for cell in nb.cells:
            for output in cell.get("outputs", []):
                for kind in SCRIPTED & output.get("data", {}).keys():
                    del output.data[kind]
            if "outputs" in cell:
                cell.outputs = [output for output in cell.outputs if output.get("data", True)]
        nb.cells = fold(nb.cells, resources.get("output_extension") == ".pdf")
        return nb, resources


def one_line(title) -> str:
    """Return a title without control characters and halves of surrogate pairs."""
    return " ".join(
        re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", " ", str(title)).split()
    )
