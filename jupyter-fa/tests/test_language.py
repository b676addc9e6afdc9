"""Language, direction, labels and digits of a page come from the notebook."""

import re

import pytest
from bs4 import BeautifulSoup
from exports import exported
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PROSE = {
    "fa": "این دفتر نشان می‌دهد که شبکۀ عصبی چگونه یاد می‌گیرد؛ نخست داده‌ها را با NumPy می‌خوانیم.",
    "ar": "يوضح هذا الدفتر كيف تتعلم الشبكة العصبية؛ نقرأ البيانات أولاً باستخدام مكتبة NumPy.",
    "ur": "یہ نوٹ بک دکھاتی ہے کہ عصبی نیٹ ورک کیسے سیکھتا ہے؛ پہلے ہم ڈیٹا پڑھتے ہیں۔",
    "he": "מחברת זו מראה כיצד רשת נוירונים לומדת; תחילה נקרא את הנתונים בעזרת NumPy.",
    "en": "This notebook shows how a neural network learns; we read the data with NumPy first.",
}
SKIP = {
    "fa": "پرش به متن اصلی",
    "ar": "انتقل إلى المحتوى الرئيسي",
    "ur": "مرکزی مواد پر جائیں",
    "he": "דילוג לתוכן הראשי",
    "en": "Skip to the main content",
}
OLD_PERSIAN = "اين متن را با صفحه كليد قديمي نوشته‌اند و چيزي جز پ و گ آن را از عربي جدا نمي‌كند."


def page(*sources, options=None, **metadata):
    """The parsed page of a notebook with Markdown cells and metadata."""
    cells = [new_markdown_cell(source) for source in sources]
    made = exported(new_notebook(cells=cells, metadata=metadata), **(options or {}))
    return BeautifulSoup(made, "html.parser")


def directions(soup):
    """Of each Markdown cell, "rtl" if the page gave it that direction."""
    cells = soup.select(".jp-RenderedMarkdown")
    return [(cell.find(attrs={"dir": True}) or {}).get("dir", "ltr") for cell in cells]


@pytest.mark.parametrize("code", PROSE)
def test_the_script_decides_language_skip_link_and_page_numbers(code):
    soup = page(f"# 1\n\n{PROSE[code]}\n\n1. a\n\n```python\nprint('{'x' * 400}')\n```")
    assert soup.html["lang"] == code
    skip = soup.select_one(".fa-skip")
    assert (skip.text, skip["lang"]) == (SKIP[code], code)
    numbers = re.search("--fa-pages: ([^;]*);", str(soup))[1]
    digits = {"fa": "persian", "ur": "persian", "ar": "arabic-indic"}.get(code, "decimal")
    assert numbers.count(digits) == 2
    assert directions(soup) == ["ltr" if code == "en" else "rtl"]


@pytest.mark.parametrize("source", [OLD_PERSIAN, "پایان", "سلام"])
def test_persian_on_an_old_keyboard_is_persian(source):
    assert page(source).html["lang"] == "fa"


@pytest.mark.parametrize(
    "metadata, expected",
    [
        ({"language": "fa"}, "fa"),
        ({"language": "fa-IR"}, "fa-IR"),
        ({"lang": "fa_IR"}, "fa-IR"),
        ({"language": "Persian"}, "fa"),
        ({"language": "فارسی"}, "fa"),
        ({"lang": "iw"}, "he"),
        ({"language": "ckb"}, "ckb"),
        ({"language": "de"}, "de"),
        ({"language": "python"}, "en"),
        ({"language": "Julia"}, "en"),
        ({"language": "x-klingon"}, "en"),
        ({"language": ""}, "en"),
        ({"language_info": {"name": "fa"}}, "en"),
        ({"language": "cs", "language_info": {"name": "cs"}}, "en"),
        (
            {"language": "CS", "kernelspec": {"name": "x", "display_name": "x", "language": "cs"}},
            "en",
        ),
        ({"lang": ["fa"]}, "en"),
        ({"lang": 3, "direction": None}, "en"),
        ({}, "en"),
    ],
)
def test_what_the_metadata_say_comes_first(metadata, expected):
    assert page(PROSE["en"], **metadata).html["lang"] == expected


def test_a_configured_language_is_that_of_a_notebook_that_says_nothing():
    options = {"options": {"language_code": "de"}}
    assert page(PROSE["en"], **options).html["lang"] == "de"
    assert page(PROSE["en"], language="fr", **options).html["lang"] == "fr"


@pytest.mark.parametrize("direction", ["rtl", "RTL", " rtl "])
def test_a_direction_in_the_metadata_is_that_of_every_cell(direction):
    assert directions(page(PROSE["fa"], "English", direction=direction)) == ["rtl", "rtl"]
    assert directions(page(PROSE["fa"], "English", direction="ltr")) == ["ltr", "ltr"]


def test_without_one_each_cell_has_that_of_its_letters():
    mixed = "با `fit` و NumPy و Pandas و Matplotlib می‌نویسیم."
    sources = [PROSE["fa"], mixed, "Plain English", "![](x.png)", "$x$"]
    assert directions(page(*sources))[:4] == ["rtl", "rtl", "ltr", "rtl"]
    assert directions(page(PROSE["en"] * 3, PROSE["he"], mixed))[:2] == ["ltr", "rtl"]


def test_an_author_s_own_direction_stays():
    own = '<div dir="rtl">\n\nسلام\n\n</div>'
    assert str(page(own)).count('<div dir="rtl">') == 1
    assert directions(page(PROSE["fa"], '<div dir="ltr">\n\nسلام\n\n</div>')) == ["rtl", "ltr"]


@pytest.mark.parametrize("html, rtl", [("<p>سلام دنیا</p>", 1), ("<td>a</td>", 0), ("<b>1</b>", 0)])
def test_html_outputs_have_the_direction_of_their_letters(html, rtl):
    output = new_output("display_data", data={"text/html": html})
    cells = [new_markdown_cell(PROSE["fa"]), new_code_cell("1", outputs=[output])]
    soup = BeautifulSoup(exported(new_notebook(cells=cells)), "html.parser")
    assert len(soup.select('.jp-RenderedHTML [dir="rtl"]')) == rtl


def test_prose_in_outputs_counts_and_code_does_not():
    output = new_output("display_data", data={"text/markdown": PROSE["he"]})
    notebook = new_notebook(cells=[new_code_cell("words = 'in code'" * 50, outputs=[output])])
    assert '<html dir="rtl" lang="he">' in exported(notebook)
