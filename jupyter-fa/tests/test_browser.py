"""What a reader sees: JupyterLab, the exported page and the PDF, in real browsers."""

import asyncio
import io
import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import attacks
import pytest
import sample
from bs4 import BeautifulSoup
from exports import exported, installed, nbconvert
from nbconvert.exporters.webpdf import WebPDFExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image, ImageChops
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from reader import (
    FAINT,
    LAB_TIMEOUT,
    WRONG_BLOCKS,
    export_from_menu,
    firefox,
    flat,
    jupyterlab,
    launch,
    open_offline,
    printed,
    styles,
    text_of,
)

from jupyter_fa.book import book
from jupyter_fa.pdf import PdfFaExporter


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def fox(tmp_path_factory):
    """A tab of a Firefox."""
    with firefox(tmp_path_factory.mktemp("firefox")) as tab:
        yield tab


def in_a_thread(function, *arguments, **options):
    """Call what runs an event loop of its own, which Playwright's own test loop forbids here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments, **options).result()


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


def test_lab_firefox_draws_the_letter_that_fonts_lack(lab, fox, opened):
    fox.open(lab + "lab/tree/sample.ipynb", 1200, 6000)
    fox.wait_for("document.querySelector('.jp-RenderedMarkdown .two-code')")
    words = "document.querySelector('.jp-RenderedMarkdown .one-span').textContent"
    fox.wait_for(f"{words} === '{sample.TWO_LETTERS}'")
    cells = "[...document.querySelectorAll('.jp-RenderedMarkdown')]"
    assert not fox.evaluate(f"{cells}.some((cell) => /ۀ/.test(cell.textContent))")
    assert opened.locator(".jp-RenderedMarkdown .one-span").text_content() == sample.ONE_LETTER


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
    assert styles(page, "main [dir=rtl] ol", "listStyleType") == {"persian"}


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


@pytest.mark.parametrize("tag", ["span", "b", "code"])
def test_page_the_one_letter_looks_as_the_two(visit, fox, folder, tag):
    page = visit()
    fox.open((folder / "sample.html").as_uri())
    place = "position:fixed;left:9px;top:9px;padding:9px;background:white;z-index:9"
    chromium, other = [], []
    for word in (f".one-{tag}", f".two-{tag}"):
        show = f"void (document.querySelector('{word}').style = '{place}')"
        page.evaluate(show)
        fox.evaluate(show)
        shot = page.locator(word).screenshot()
        chromium.append(Image.open(io.BytesIO(shot)).convert("L"))
        other.append(fox.picture(word))
    for one, two in (chromium, other):
        assert one.getextrema()[0] < 128
        assert one.size == two.size and not ImageChops.difference(one, two).getbbox()


# --- attacks ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The folder of a hostile notebook, and the file beside it that nobody may see."""
    above = tmp_path_factory.mktemp("hostile")
    (above / "notebook").mkdir()
    (above / "secret").write_text(attacks.SECRET)
    Image.new("RGB", (7, 13), "red").save(above / "secret.png")
    return above / "notebook", above / "secret"


@pytest.fixture(scope="module", params=[False, True], ids=["page", "sanitized"])
def found(request, browser, hostile):
    """{attack: what acts}, {"": what else is amiss} in a page with its security policy off."""
    folder, secret = hostile
    with attacks.server() as (host, asked):
        page = hostile_export(attacks.notebook(secret, host), folder, sanitize_html=request.param)
        (folder / "page.html").write_text(page, encoding="utf-8")
        tab = browser.new_page(bypass_csp=True)
        requests = []
        tab.on("request", lambda r: r.url.startswith("data:") or requests.append(r.url))
        tab.on("dialog", lambda dialog: requests.append(dialog.message))
        tab.goto((folder / "page.html").as_uri())
        tab.wait_for_timeout(300)
        result = {}
        for attack, what in tab.evaluate(attacks.ACTIVE):
            result.setdefault(attack, []).append(what)
        result["requests"] = [
            *asked,
            *(u for u in requests if u != (folder / "page.html").as_uri()),
        ]
        result["end"] = tab.locator("main").inner_text().rstrip().endswith(attacks.LAST)
        result["moved"] = tab.evaluate(
            "[...document.querySelectorAll('main *')].filter("
            "(e) => e.getClientRects().length && getComputedStyle(e).position === 'fixed').length"
        )
        tab.close()
    return result


@pytest.mark.parametrize("attack", attacks.ATTACKS)
def test_page_an_attack_does_nothing(found, attack):
    assert found.get(attack, []) == []


def test_page_attacks_ask_for_nothing_and_leave_the_rest(found):
    assert found["requests"] == found.get("", []) == []
    assert found["end"] and not found["moved"]


def hostile_export(*arguments, **options):
    """An export of a notebook that names no lexer of its code, which is a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No lexer found")
        return exported(*arguments, **options)


def leaks(pdf, asked):
    """What a PDF shows of the file, and what the server was asked."""
    reader = PdfReader(io.BytesIO(pdf))
    text = " ".join(" ".join(page.extract_text().split()) for page in reader.pages)
    widths = [image.image.size for page in reader.pages for image in page.images]
    return [*asked, *[text] * (attacks.SECRET in text), *(w for w in widths if w == (7, 13))], text


@pytest.mark.parametrize("attack", attacks.ATTACKS)
def test_pdf_an_attack_does_nothing(hostile, attack):
    folder, secret = hostile
    with attacks.server() as (host, asked):
        notebook = attacks.notebook(secret, host, [attack])
        leaked, text = leaks(in_a_thread(hostile_export, notebook, folder, PdfFaExporter), asked)
    assert leaked == [] and attacks.LAST in text


def test_pdf_prints_any_html_without_scripts_files_and_network(hostile):
    _, secret = hostile
    with attacks.server() as (host, asked):
        texts = [attacks.filled(attack, secret, host) for attack in attacks.ATTACKS]
        texts = [text for text in texts if not re.search("<!--|frameset|<textarea|SCRIPT", text)]
        html = f"<!DOCTYPE html><p>{attacks.LAST}<script>document.write('ran')</script>"
        html += f"<script>fetch('http://{host}/fetch')</script>" + "\n".join(texts)
        leaked, text = leaks(in_a_thread(PdfFaExporter().run_playwright, html), asked)
    assert leaked == [] and attacks.LAST in text and "ran" not in text.split()


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


def test_pdf_has_the_images_and_the_relative_links_of_the_notebook(tmp_path):
    Image.new("RGB", (7, 13), "red").save(tmp_path / "شکل (۱).png")
    Image.new("RGB", (5, 9), "blue").save(tmp_path / "شکل ۲.png")
    html = '<img alt=a src="%D8%B4%DA%A9%D9%84 ۲.png?v=1"> <a href="up/../b(1).ipynb#x">b</a>'
    cells = [
        new_markdown_cell("![a](<شکل (۱).png>) [a](b(1).ipynb) [b](../up.ipynb) [c](دفتر.ipynb)"),
        new_code_cell("1", outputs=[new_output("display_data", data={"text/html": html})]),
    ]
    pdf = in_a_thread(exported, new_notebook(cells=cells), tmp_path, PdfFaExporter)
    reader = PdfReader(io.BytesIO(pdf))
    sizes = {i.image.size for page in reader.pages for i in page.images}
    assert sizes == {(7, 13), (5, 9)}
    notes = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    links = [note["/A"]["/URI"] for note in notes if "/URI" in note.get("/A", {})]
    persian = "%D8%AF%D9%81%D8%AA%D8%B1.pdf"
    assert links == ["b(1).pdf", "../up.pdf", persian, "b(1).pdf#x"]


class CrippledPolicy(asyncio.DefaultEventLoopPolicy):
    """As the one that nbconvert and jupyter_server set on Windows: no loop starts a process."""

    def new_event_loop(self):
        loop = super().new_event_loop()

        async def refuse(*_, **__):
            raise NotImplementedError

        loop.subprocess_exec = loop.subprocess_shell = refuse
        return loop


@pytest.mark.parametrize("exporter", [PdfFaExporter, WebPDFExporter])
def test_pdf_is_printed_under_a_policy_whose_loops_start_no_browser(
    exporter, tmp_path, monkeypatch
):
    """And `webpdf` finds the browser of this machine, having none of its own."""
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    policy = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(CrippledPolicy())
    try:
        notebook = new_notebook(cells=[new_markdown_cell("words in print")])
        pdf = in_a_thread(exported, notebook, tmp_path, exporter)
    finally:
        asyncio.set_event_loop_policy(policy)
    assert "words in print" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()


WORDS = "لا، لایه، پنج‌لایه، سؤالات، کالاها، أعمال، الآن، الأول، الإسم، سلام"
HEADINGS = ["عنوان با Latin", "گام ReLU یا tanh؟", "درون وزن: $W - \\alpha$", "L2 در Adam"]


def make_described(file):
    """Print a notebook whose words, headings, formulas and links a PDF has to describe."""
    head = "\n\n".join(f"## {heading}" for heading in HEADINGS[1:])
    links = "[بیرون](https://example.org/) و [دفتر دیگر](b.ipynb) و [گام](#گام-ReLU-یا-tanh؟)"
    formulas = f"$a+b$ و\n\n$${sample.DISPLAY[0]}$$"
    cells = [sample.rtl(t) for t in (f"# {HEADINGS[0]}", head, WORDS, links, formulas)]
    notebook = new_notebook(cells=[new_markdown_cell(cell) for cell in cells])
    notebook.metadata["title"] = HEADINGS[0]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    prints = [exported(notebook, exporter=PdfFaExporter) for _ in range(2)]
    file.write_bytes(prints[0])
    return file, prints


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The path of such a PDF, and two prints of it."""
    return in_a_thread(make_described, tmp_path_factory.mktemp("described") / "described.pdf")


def test_pdf_the_same_notebook_gives_the_same_bytes(described):
    first, second = described[1]
    assert first == second


def test_pdf_bookmarks_are_the_headings(described):
    titles = [entry.title for entry in flat(PdfReader(described[0]).outline)]
    plain = [title.replace("\u2066W−α\u2069", "$W - \\alpha$") for title in titles]
    assert plain == HEADINGS


def test_pdf_formulas_and_links_have_words(described):
    reader = PdfReader(described[0])
    objects = [reader.get_object(number) for number in range(1, reader.trailer["/Size"])]
    elements = [o for o in objects if isinstance(o, dict) and o.get("/S") == "/Formula"]
    expected = {" ".join(tex.split()) for tex in (r"W - \alpha", "a+b", sample.DISPLAY[0])}
    assert {element["/Alt"] for element in elements} == expected
    notes = [note.get_object() for page in reader.pages for note in page["/Annots"]]
    assert {note["/Contents"] for note in notes} == {"بیرون", "دفتر دیگر", "گام"}


def test_pdf_metadata_are_in_xmp(described):
    reader = PdfReader(described[0])
    xmp = reader.xmp_metadata
    assert xmp.dc_title["x-default"] == HEADINGS[0] and xmp.dc_language == ["fa"]
    assert xmp.xmp_creator_tool.startswith("jupyter-fa") and xmp.xmp_create_date is None
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]


def test_pdf_lam_alef_is_copied_in_its_order(described):
    by_pypdf = PdfReader(described[0]).pages[0].extract_text()
    for text in (text_of(described[0]), by_pypdf):
        text = text.replace("\u200c", " ")  # as pypdf has it
        assert all(word.replace("\u200c", " ") in text for word in WORDS.split("، ")), text


CAPTION = sample.display({"text/markdown": sample.rtl("**شکل ۱ —** منحنی")})
CHAPTERS = {
    "a": "# نخست\n\n## بخش الف\n\nشکل ۱ و [فصل دیگر](b.ipynb#بخش-ب)",
    "b": "# دوم\n\n## بخش ب\n\nشکل ۱ و [فصل دیگر](a.ipynb) و [بیرون](https://example.org/)",
}
FRONT = '<h1>کتاب</h1><p><a href="b.pdf#fig-1">شکل فصل دوم</a></p><nav class="fa-book"></nav>'


def make_book(folder, front_pages=None):
    """Print a book of two notebooks that link to each other; its file and how often it did."""
    exporter, pages, chapters = PdfFaExporter(config=installed()), {}, []
    drawn = new_code_cell("1", outputs=[sample.display({"image/png": sample.png()}), CAPTION])
    for name, text in CHAPTERS.items():
        notebook = new_notebook(cells=[new_markdown_cell(sample.rtl(text)), drawn])
        chapters.append(exporter.from_notebook_node(notebook, {"metadata": {"name": name}})[0])
        pages[name] = exporter.page
    known, prints, run = {}, [], exporter.run_playwright
    if front_pages is not None:
        known = {"chapters": chapters, "front_pages": front_pages}
    exporter.run_playwright = lambda page: prints.append(page) or run(page)
    (folder / "book.pdf").write_bytes(book(pages, FRONT, "کتاب", exporter, **known))
    return folder / "book.pdf", len(prints)


@pytest.fixture(
    scope="module", params=[(None, 2), (1, 1), (5, 2)], ids="nothing right wrong".split()
)
def printed_book(request, tmp_path_factory):
    """The path of a book, made outside of the loop of these tests, in as few prints as can be."""
    front_pages, expected = request.param
    file, prints = in_a_thread(make_book, tmp_path_factory.mktemp("book"), front_pages)
    assert prints == expected
    return file


def test_book_has_its_chapters_and_their_pages_in_the_contents(printed_book):
    reader = PdfReader(printed_book)
    titles = [entry.title for entry in flat(reader.outline)]
    assert titles == ["کتاب", "نخست", "بخش الف", "دوم", "بخش ب"]
    assert len(reader.pages) == 3 and reader.metadata.title == "کتاب"
    contents = text_of(printed_book, "-l", "1")
    assert re.findall("[۰-۹]+", contents) == ["۲", "۲", "۳", "۳", "۱", "۳"]  # and «۱ از ۳»


def test_book_links_within_it_stay_within_it(printed_book):
    links = [
        note.get_object() for page in PdfReader(printed_book).pages for note in page["/Annots"]
    ]
    outside = [link["/A"]["/URI"] for link in links if "/URI" in link.get("/A", {})]
    assert outside == ["https://example.org/"]
    assert sum("/Dest" in link for link in links) == len(links) - 1 >= 8
    assert all(link["/Contents"] for link in links)
