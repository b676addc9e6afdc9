"""What a reader sees: JupyterLab, the exported page and the PDF, in a real Chromium."""

import re

import pytest
import sample
from bs4 import BeautifulSoup
from conftest import nbconvert
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from reader import (
    FAINT,
    LAB_TIMEOUT,
    WRONG_BLOCKS,
    export_from_menu,
    flat,
    jupyterlab,
    launch,
    open_offline,
    printed,
    styles,
    text_of,
)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


# --- JupyterLab ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on a folder with the sample."""
    home = tmp_path_factory.mktemp("lab")
    (home / "notebooks").mkdir()
    sample.write(home / "notebooks" / "sample.ipynb")
    with jupyterlab(home / "notebooks", home) as address:
        yield address


@pytest.fixture(scope="module")
def opened(browser, lab):
    """The sample in JupyterLab, in a window that is tall enough to show all of it."""
    context = browser.new_context(viewport={"width": 1200, "height": 6000})
    page = context.new_page()
    page.goto(lab + "lab/tree/sample.ipynb")
    seconds = LAB_TIMEOUT * 1000
    last = page.locator(".jp-RenderedMarkdown", has_text="به پایان رسیده")
    last.wait_for(timeout=seconds)
    page.locator("mjx-container").nth(len(sample.FORMULAS)).wait_for(timeout=seconds)
    yield page
    context.close()


def test_lab_the_notebook_is_not_trusted(opened):
    opened.locator("[title*='not trusted' i]").first.wait_for()


def test_lab_every_persian_block_runs_from_the_right(opened):
    result = opened.evaluate(WRONG_BLOCKS)
    assert result["wrong"] == []
    assert result["checked"] >= 50


def test_lab_lists_and_quotes_are_on_the_right(opened):
    inside = ".jp-RenderedHTMLCommon [dir=rtl] "
    assert styles(opened, inside + "ol", "listStyleType") == {"persian"}
    assert styles(opened, inside + ":is(ol, ul)", "paddingLeft") == {"0px"}
    assert "0px" not in styles(opened, inside + ":is(ol, ul)", "paddingRight")
    assert styles(opened, inside + "blockquote", "borderRightWidth") == {"5px"}
    assert styles(opened, inside + "blockquote", "borderLeftWidth") == {"0px"}


def test_lab_code_and_formulas_run_left_to_right(opened):
    inside = ".jp-RenderedHTMLCommon [dir=rtl] "
    for selector in ("code", "pre", "mjx-container"):
        assert styles(opened, inside + selector, "direction") == {"ltr"}
    assert styles(opened, inside + "pre", "textAlign") == {"left"}


def test_lab_persian_inside_a_formula_is_joined(opened):
    letters = ".jp-RenderedHTMLCommon mjx-mtext > mjx-utext"
    assert styles(opened, letters, "display") == {"inline"}
    boxes = [letter.bounding_box()["x"] for letter in opened.locator(letters).all()]
    assert boxes == sorted(boxes, reverse=True)


def test_lab_leaves_other_cells_alone(opened):
    plain = opened.locator(".jp-RenderedMarkdown", has_text="Plain English").locator("p").first
    assert plain.evaluate("e => getComputedStyle(e).direction") == "ltr"
    numbers = opened.locator(".jp-RenderedMarkdown", has_text="Plain English").locator("ol")
    assert numbers.evaluate("e => getComputedStyle(e).listStyleType") == "decimal"


def test_lab_menu_exports_the_same_page(opened, page):
    assert export_from_menu(opened, sanitize=False) == page


def test_lab_menu_exports_the_same_words_when_it_sanitizes(opened, page):
    soups = [BeautifulSoup(export_from_menu(opened, sanitize=True), "html.parser")]
    soups.append(BeautifulSoup(page, "html.parser"))
    for select in ("math", "[dir=rtl]", "img", "h1, h2, h3", "table"):
        sanitized, plain = ([element.text for element in soup.select(select)] for soup in soups)
        assert sanitized == plain
    for attribute in ("alttext", "alt", "id"):
        sanitized, plain = (
            [element[attribute] for element in soup.select(f"[{attribute}]")] for soup in soups
        )
        assert sanitized == plain


def test_lab_menu_has_the_pdf(opened, lab):
    answer = opened.request.get(lab + "nbconvert/pdf_fa/sample.ipynb?download=true")
    assert answer.headers["content-type"].startswith("application/pdf")
    assert answer.body().startswith(b"%PDF")


# --- the page -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visit(browser, folder):
    """A function that opens the exported page from its file; what it asks for is recorded."""
    opened = []

    def open_page(*size_and_scheme, **options):
        opened.append(open_offline(browser, folder / "sample.html", *size_and_scheme, **options))
        return opened[-1]

    yield open_page
    for page in opened:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 400])
def test_page_asks_for_nothing_and_does_not_scroll_sideways(visit, folder, width, scheme):
    page = visit(width, scheme)
    assert page.complaints == [(folder / "sample.html").as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("End")
    assert page.evaluate("scrollX") == 0


def test_page_every_persian_block_runs_from_the_right(visit):
    result = visit().evaluate(WRONG_BLOCKS)
    assert result["wrong"] == []
    assert result["checked"] >= 50


def test_page_code_runs_left_to_right(visit):
    page = visit()
    assert styles(page, ":is(code, .highlight pre, math)", "direction") == {"ltr"}
    assert styles(page, "[dir=rtl] ol", "listStyleType") == {"persian"}


def test_page_formulas_have_a_size_and_the_embedded_font(visit):
    page = visit()
    boxes = [math.bounding_box() for math in page.locator("math").all()]
    assert len(boxes) >= len(sample.FORMULAS + sample.DISPLAY)
    assert all(box["width"] > 5 and box["height"] > 5 for box in boxes)
    loaded = page.evaluate("[...document.fonts].map((f) => f.family + f.status)")
    assert "fa-textloaded" in loaded and "fa-math-0loaded" in loaded


def test_page_brackets_and_roots_grow(visit):
    page = visit()
    bracket = page.locator("math[display=block] mo", has_text="[").first.bounding_box()
    letter = page.locator("math[display=block] mi", has_text="J").first.bounding_box()
    assert bracket["height"] > 2 * letter["height"]


def test_page_primes_have_the_size_of_their_formula(visit):
    """As a superscript Chromium draws them at half their height."""
    sizes = visit().evaluate(
        """() => [...document.querySelectorAll('math mo')].filter((e) => e.textContent === '′').map(
          (e) => [e, e.closest('math')].map((e) => getComputedStyle(e).fontSize))"""
    )
    assert sizes and all(prime == formula for prime, formula in sizes)


def test_page_numbers_of_equations_stand_at_the_margin_and_are_linked(visit):
    page = visit()
    cell = page.locator("#eq-eq-3a-sum")
    box, display = cell.bounding_box(), cell.locator("xpath=ancestor::span").bounding_box()
    assert abs(box["x"] + box["width"] - display["x"] - display["width"]) < 3
    assert cell.text_content() == "(1)"
    links = page.locator("a[href='#eq-eq-3a-sum']")
    assert links.all_text_contents() == ["(1)", "1"]


def test_page_inline_formulas_sit_on_the_line(visit):
    """The formula's baseline is the text's: a probe of no height beside each tells it."""
    shifts = visit().evaluate(
        """() => [...document.querySelectorAll('p > math')].map((math) => {
          const probe = (before) => {
            const span = document.createElement('span');
            span.style.cssText = 'display:inline-block;width:1px;height:0';
            before.parentNode.insertBefore(span, before);
            return span.getBoundingClientRect().bottom;
          };
          const inner = document.createElementNS(math.namespaceURI, 'mspace');
          math.firstChild.prepend(inner);
          return Math.abs(probe(math) - inner.getBoundingClientRect().bottom);
        })"""
    )
    assert shifts and max(shifts) < 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_contrast(visit, scheme):
    page = visit(scheme=scheme)
    assert page.evaluate(FAINT) == []
    assert styles(page, ".jp-InputPrompt", "opacity") == {"1"}
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert styles(page, ".jp-RenderedImage img", "backgroundColor") == {"rgb(255, 255, 255)"}


def test_page_prints_light_in_dark_mode(visit):
    page = visit(scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert styles(page, "body", "backgroundColor") == {"rgb(255, 255, 255)"}
    assert styles(page, ".jp-InputPrompt", "display") == {"none"}


def test_page_skip_link_shows_when_it_has_the_focus(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "fa-skip"
    assert page.locator(".fa-skip").bounding_box()["width"] > 50


# --- the PDF ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pdf(folder):
    """The path of the PDF, made by the command that people type."""
    nbconvert("--to", "pdf_fa", "sample.ipynb", cwd=folder)
    return folder / "sample.pdf"


@pytest.fixture(scope="module")
def text(pdf):
    """The text of the PDF."""
    return text_of(pdf)


def test_pdf_is_a4_tagged_and_has_bookmarks(pdf):
    reader = PdfReader(pdf)
    for page in reader.pages:
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    root = reader.trailer["/Root"]
    assert bool(root["/MarkInfo"]["/Marked"])
    assert root["/Lang"] == "fa"
    assert reader.metadata.title == printed(sample.TITLE)
    titles = [entry.title for entry in flat(reader.outline)]
    assert "فهرست و جدول" in titles and "پایان" in titles
    assert 3 <= len(reader.pages) <= 6


def test_pdf_text_is_persian_as_typed(text):
    assert printed(sample.SENTENCE) in text
    assert printed(sample.LAST_SENTENCE).rstrip(".") in text
    assert not re.findall("[\ufb50-\ufdff\ufe70-\ufefc]", text)


def test_pdf_pages_are_numbered_in_persian(text, pdf):
    pages = str(len(PdfReader(pdf).pages)).translate({48 + i: chr(0x6F0 + i) for i in range(10)})
    assert f"از {pages}" in text
    assert text.count(printed(sample.TITLE)) >= len(PdfReader(pdf).pages)


def test_pdf_code_is_whole_and_prompts_are_left_out(text):
    assert "compute_something_long(11)]" in text.replace(" ", "")
    assert "In [" not in text
