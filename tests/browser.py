"""What a reader sees of the four notebooks, in a real Chromium: JupyterLab, pages and PDFs.

Collected by ``make test-browser`` alone. The notebooks are read as they are, from a copy of the
tree; only a small one that is written here is run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "jupyter-fa" / "tests"))

from exports import letters_without_a_glyph, nbconvert  # noqa: E402
from reader import (  # noqa: E402
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

NAMES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
AXE = "axe-core@4.14.1"
SECONDS = LAB_TIMEOUT * 1000
PERSIAN = re.compile(r"[\u0600-\u06ff]")

# Text that shows a formula's TeX.
RAW_TEX = r"""() => {
  const raw = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data, parent = walker.currentNode.parentElement;
    if (!parent.closest('pre, code, .cm-editor, math, mjx-container, style, script')
        && parent.closest('.jp-RenderedHTMLCommon')
        && /\$|\\(frac|sum|begin|alpha|beta|gamma|lVert|sqrt|mathrm)/.test(text))
      raw.push(text.slice(0, 80));
  }
  return raw;
}"""
# How many windows a page is long as it opens, how much of it is code, how many sentences of the
# short answer end within two windows, and what stops the keyboard besides links and folds.
PROPORTIONS = """() => {
  const shown = (e) => e.checkVisibility() && e.getBoundingClientRect().height > 0;
  const high = (list) => list.reduce((sum, e) => sum + e.getBoundingClientRect().height, 0);
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const length = document.documentElement.scrollHeight;
  const code = all('.jp-Cell-inputWrapper').filter((e) => e.querySelector('.jp-InputArea-editor'));
  const answers = [...document.querySelectorAll('.jp-RenderedMarkdown')]
    .find((e) => e.querySelector('strong')?.textContent === 'پاسخ کوتاه');
  return {
    screens: length / innerHeight,
    code: high(code) / length,
    answers: [...answers.querySelectorAll('li')]
      .filter((e) => e.getBoundingClientRect().bottom < 2 * innerHeight).length,
    stops: all('*').filter((e) => e.tabIndex >= 0 && !['A', 'SUMMARY'].includes(e.tagName)).length,
  };
}"""
# Tables whose text is hidden behind their edge, with the words of their last column.
HIDDEN_COLUMNS = """() => [...document.querySelectorAll('.jp-RenderedHTMLCommon table')]
  .filter((table) => {
    const box = table.closest('.fa-scroll, .jp-RenderedHTMLCommon').getBoundingClientRect();
    const edges = table.getBoundingClientRect();
    return edges.left < box.left - 1 || edges.right > box.right + 1;
  }).map((table) => table.rows[0].lastElementChild.textContent)"""

SMALL = [
    '<div dir="rtl">\n\n# دفتر کوچک\n\nیک جارو، یک شکل و یک جدول با $\\alpha$ کوچک.\n\n</div>',
    """import numpy as np

import report as r
from report import nn

data = r.open_data()
few = data._replace(x_train=data.x_train[:2000], y_train=data.y_train[:2000])""",
    """experiment = nn.Experiment((784, 256, 1), "tanh", "xavier", nn.Adam(1e-3), 30, 10)
runs = nn.sweep({"کوچک": experiment}, few, seeds=range(3))""",
    """fig, ax = r.panels()
r.band(r.cost_axis(ax), runs["کوچک"].train_loss, "tanh")
r.show(fig, "small", data="هزینۀ آموزش.", alt="خطی که پایین می‌آید")""",
    "r.say(f\"دقت {r.percent(np.median(runs['کوچک'].test_accuracy[:, -1]))} است.\")",
    'r.table(["نام", "مقدار"], [["الف", r.fa(1.5)]])',
]
PRINT = """
import sys
from pathlib import Path
sys.path[:0] = ["notebooks", "."]
import build, nbformat
folder = Path("notebooks")
for name in build.NOTEBOOKS:
    assert build.export(folder / f"{name}.ipynb", "pdf_fa")
notebooks = {name: nbformat.read(folder / f"{name}.ipynb", 4) for name in build.NOTEBOOKS}
assert build.export_book(notebooks, folder)
"""


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A copy of the project with the data that are prepared, and a small notebook in it."""
    tree = tmp_path_factory.mktemp("tree")
    for source in [*ROOT.glob("nn_*"), ROOT / "notebooks", ROOT / "data"]:
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tree / source.name)
    cells = [new_markdown_cell(SMALL[0]), *map(new_code_cell, SMALL[1:])]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    small = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(small, tree / "notebooks" / "small.ipynb")
    return tree


@pytest.fixture(scope="session")
def pages(tree):
    """The folder of the four pages, made by the command that people type."""
    nbconvert("--to", "html", *(f"notebooks/{name}.ipynb" for name in NAMES), cwd=tree)
    return tree / "notebooks"


@pytest.fixture(scope="session")
def pdfs(tree):
    """The folder of the four PDFs and report.pdf, printed as ``make report`` does."""
    fresh = {"JUPYTER_CONFIG_DIR": str(tree / "config"), "JUPYTER_DATA_DIR": str(tree / "data")}
    environment = {**os.environ, "JUPYTER_FA_FONT": "", **fresh}
    subprocess.run([sys.executable, "-c", PRINT], cwd=tree, env=environment, check=True)
    return tree / "notebooks"


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


def cells(name, kind):
    """The cells of one kind in a committed notebook."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def figures(name):
    """The figures of a committed notebook, in order."""
    outputs = [output for cell in cells(name, "code") for output in cell.outputs]
    return [output for output in outputs if "image/png" in output.get("data", {})]


# --------------------------------------------------------------------- JupyterLab


@pytest.fixture(scope="session")
def lab(tree, tmp_path_factory):
    """The address of a JupyterLab on the tree that has never seen it.

    One setting differs from a fresh one: cells outside the window are in the page, too.
    """
    home = tmp_path_factory.mktemp("lab")
    setting = home / "config_dir/lab/user-settings/@jupyterlab/notebook-extension"
    setting.mkdir(parents=True)
    (setting / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    with jupyterlab(tree, home) as address:
        yield address


@pytest.fixture
def open_in_lab(browser, lab):
    """A function that opens a notebook and waits until its formulas are drawn."""
    context = browser.new_context(viewport={"width": 1300, "height": 1000})

    def open_notebook(name):
        page = context.new_page()
        page.goto(f"{lab}lab/workspaces/{name}/tree/notebooks/{name}.ipynb?reset")
        page.locator(".jp-RenderedMarkdown h1").first.wait_for(timeout=SECONDS)
        page.locator(".jp-RenderedMarkdown mjx-container").first.wait_for(timeout=SECONDS)
        page.wait_for_function(f"({RAW_TEX})().length === 0", timeout=SECONDS)
        return page

    yield open_notebook
    context.close()


def assert_persian_blocks_are_right(page, least):
    """Every Persian block runs from the right and is aligned there; code runs from the left."""
    result = page.evaluate(WRONG_BLOCKS)
    assert result["wrong"] == []
    assert result["checked"] >= least
    assert styles(page, ".cm-content, .highlight pre", "direction") == {"ltr"}


@pytest.mark.parametrize("name", NAMES)
def test_lab_shows_an_untrusted_notebook_from_the_right(open_in_lab, name):
    page = open_in_lab(name)
    page.locator("[title*='not trusted' i]").first.wait_for()
    assert_persian_blocks_are_right(page, 60)
    inside = ".jp-RenderedHTMLCommon [dir=rtl] :is(code, pre, mjx-container)"
    assert styles(page, inside, "direction") == {"ltr"}
    assert page.evaluate(HIDDEN_COLUMNS) == []
    assert page.locator(".jp-OutputArea img").count() == len(figures(name))


def test_lab_after_run_all(open_in_lab, tree):
    page = open_in_lab("small")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".jp-OutputArea", has_text="0/3").first.wait_for(timeout=SECONDS)
    page.locator(".jp-OutputArea td", has_text="۱٫۵").wait_for(timeout=SECONDS)
    assert_persian_blocks_are_right(page, 7)
    assert page.get_by_text("0/3").count() == 0
    page.keyboard.press("Control+s")
    page.wait_for_function("!document.querySelector('.jp-mod-current.jp-mod-dirty')")
    saved = json.loads((tree / "notebooks" / "small.ipynb").read_text(encoding="utf-8"))
    outputs = [cell["outputs"] for cell in saved["cells"] if cell["cell_type"] == "code"]
    kinds = [[next(iter(output.get("data", output))) for output in cell] for cell in outputs]
    assert kinds[1:] == [[], ["image/png", "text/markdown"], ["text/markdown"], ["text/markdown"]]


def test_lab_menu_exports_the_page_of_the_command(open_in_lab, pages):
    expected = (pages / f"{NAMES[0]}.html").read_text(encoding="utf-8")
    assert export_from_menu(open_in_lab(NAMES[0]), sanitize=False) == expected


# --------------------------------------------------------------------- pages


@pytest.fixture
def visit(browser, pages):
    """A function that opens a page from its file, offline; what it asks for is recorded."""
    opened = []

    def open_page(name, *size_and_scheme, **options):
        opened.append(open_offline(browser, pages / f"{name}.html", *size_and_scheme, **options))
        return opened[-1]

    yield open_page
    for page in opened:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
class TestPage:
    @pytest.mark.parametrize("width", [1100, 400])
    def test_it_is_complete_offline_and_as_wide_as_the_window(
        self, visit, pages, name, width, scheme
    ):
        page = visit(name, width, scheme)
        assert page.complaints == [(pages / f"{name}.html").as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width > 400:
            assert page.evaluate(HIDDEN_COLUMNS) == []
        claims = page.locator("table", has=page.locator("th", has_text="شاهد")).last
        marks = claims.locator("td:last-child").all()
        assert len(marks) >= 6
        assert all(mark.bounding_box()["x"] >= 0 for mark in marks)

    def test_text_is_legible(self, visit, name, scheme):
        assert visit(name, scheme=scheme).evaluate(FAINT) == []

    def test_axe_finds_no_serious_violation(self, visit, name, scheme, axe):
        page = visit(name, scheme=scheme, bypass_csp=True)
        page.add_script_tag(path=axe)
        found = page.evaluate("axe.run().then((results) => results.violations)")
        grave = [
            (violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
            for violation in found
            if violation["impact"] in ("serious", "critical")
        ]
        assert grave == []


@pytest.fixture(scope="session")
def axe(request):
    """The script of axe-core, fetched once with npm."""
    folder = request.config.cache.mkdir("axe-core")
    archive = folder / f"{AXE.replace('@', '-')}.tgz"
    if not archive.is_file():
        subprocess.run(["npm", "pack", AXE, "--silent"], cwd=folder, check=True)
    with tarfile.open(archive) as files:
        files.extract("package/axe.min.js", folder, filter="data")
    return folder / "package" / "axe.min.js"


@pytest.mark.parametrize("name", NAMES)
def test_page_formulas_and_directions(visit, name):
    page = visit(name)
    boxes = page.evaluate(
        """() => [...document.querySelectorAll('math')].map((math) => {
          const box = math.getBoundingClientRect();
          return Math.min(box.width, box.height);
        })"""
    )
    assert len(boxes) >= 30 and min(boxes) > 3
    assert page.evaluate(RAW_TEX) == []
    assert_persian_blocks_are_right(page, 60)
    assert styles(page, "code, .highlight pre, math", "direction") == {"ltr"}


@pytest.mark.parametrize("name", NAMES)
def test_page_is_short_and_begins_with_the_answers(visit, pages, name):
    page = visit(name)
    page.set_viewport_size({"width": 1280, "height": 800})
    found = page.evaluate(PROPORTIONS)
    assert found["screens"] <= 20 and found["code"] <= 0.2
    assert found["answers"] >= 4 and found["stops"] <= 8
    soup = BeautifulSoup((pages / f"{name}.html").read_bytes(), "html.parser")
    assert len(soup.select("main :is(h2, h3)")) == len(soup.select("nav.fa-side a"))


@pytest.mark.parametrize("name", NAMES)
def test_page_is_persian_small_and_its_figures_have_words(pages, name):
    page = (pages / f"{name}.html").read_bytes()
    assert len(page) < 1.5e6
    soup = BeautifulSoup(page, "html.parser")
    assert soup.html["lang"] == "fa" and PERSIAN.search(soup.title.text)
    images = soup.find_all("img")
    assert len(images) == len(figures(name)) > 0
    assert all(PERSIAN.search(image.get("alt", "")) for image in images)


@pytest.mark.parametrize("name", NAMES)
def test_page_embeds_a_glyph_for_every_letter(pages, name):
    page = (pages / f"{name}.html").read_text(encoding="utf-8")
    assert "ۀ" in page and letters_without_a_glyph(page) == set()


def test_pages_link_each_other(pages):
    for name in NAMES:
        soup = BeautifulSoup((pages / f"{name}.html").read_bytes(), "html.parser")
        links = {link["href"] for link in soup.select("main a[href]")}
        links = {link for link in links if not re.match("#|https?:", link)}
        assert links and links <= {f"{other}.html" for other in NAMES}


# --------------------------------------------------------------------- PDFs


def images(reader):
    """(page, left, bottom, right, top, pixels) of every picture, in points."""
    found = []
    for number, page in enumerate(reader.pages):
        names = page["/Resources"].get("/XObject", {})

        def visitor(operator, operands, matrix, _, number=number, names=names):
            if operator == b"Do" and names[operands[0]]["/Subtype"] == "/Image":
                x, y = matrix[4], matrix[5]
                box = sorted([x, x + matrix[0]]), sorted([y, y + matrix[3]])
                found.append((number, *zip(*box, strict=True), names[operands[0]]["/Width"]))

        page.extract_text(visitor_operand_before=visitor)
    return found


def sentences(name):
    """The sentences of a notebook's prose that are nothing but Persian words."""
    for cell in cells(name, "markdown"):
        for line in cell.source.splitlines():
            for sentence in re.split(r"(?<=[.؟!؛:]) ", line.lstrip("-# ")):
                if re.fullmatch(r"[آ-ی۰-۹أئؤۀ\u200c\u064b ،«»]{40,}[.؟!؛:]?", sentence):
                    yield sentence.rstrip(".؟!؛: ")


def comparable(text):
    """Text without what readers of PDFs do to it, whichever program made the PDF.

    They lose some spaces beside digits and put a vowel sign before its letter.
    """
    return re.sub("[\u064b-\u0652\\s]", "", printed(text))


@pytest.mark.parametrize("name", NAMES)
class TestPdf:
    def test_it_is_a4_tagged_and_of_a_sane_length(self, pdfs, name):
        reader = PdfReader(pdfs / f"{name}.pdf")
        assert 10 <= len(reader.pages) <= 60
        for page in reader.pages:
            assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
        root = reader.trailer["/Root"]
        assert bool(root["/MarkInfo"]["/Marked"]) and root["/Lang"] == "fa"

    def test_its_bookmarks_are_its_headings(self, pdfs, name):
        titles = [entry.title for entry in flat(PdfReader(pdfs / f"{name}.pdf").outline)]
        text = "\n".join(cell.source for cell in cells(name, "markdown"))
        headings = re.findall("^#+ +(.*)", text, re.MULTILINE)
        assert len(titles) == len(headings)
        for title, heading in zip(titles, headings, strict=True):
            assert "$" in heading or title == printed(re.sub("[`*]", "", heading)).strip()

    def test_its_text_is_persian_as_typed(self, pdfs, name):
        text = text_of(pdfs / f"{name}.pdf", *["-x", "0", "-y", "57", "-W", "595", "-H", "728"])
        assert not re.findall("[\ufb50-\ufdff\ufe70-\ufefc]", text)
        typed = list(sentences(name))
        assert len(typed) >= 10
        missing = [sentence for sentence in typed if comparable(sentence) not in comparable(text)]
        # pdftotext takes a line with a formula apart, and some sentences lie across the pieces.
        assert len(missing) <= len(typed) / 3, missing

    def test_no_figure_is_cut(self, pdfs, name):
        drawn = images(PdfReader(pdfs / f"{name}.pdf"))
        assert len(drawn) == len(figures(name))
        for _, (left, bottom), (right, top), _ in drawn:
            assert 0 <= left < right <= 595 and 50 < bottom < top < 792

    def test_its_links_name_the_other_pdfs(self, pdfs, name):
        pages = PdfReader(pdfs / f"{name}.pdf").pages
        notes = [note.get_object().get("/A", {}) for p in pages for note in p.get("/Annots", [])]
        links = [str(action["/URI"]) for action in notes if "/URI" in action]
        relative = {link for link in links if not link.startswith("https://")}
        assert relative and relative <= {f"{other}.pdf" for other in NAMES}


def empty_below(pdf):
    """The share of each page's text area that is empty under its last line."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["pdftoppm", "-r", "36", "-png", pdf, f"{folder}/page"], check=True)
        for file in sorted(Path(folder).iterdir()):
            page = np.asarray(Image.open(file).convert("L"))
            area = page[len(page) * 20 // 297 : len(page) * 277 // 297]
            inked = np.flatnonzero((area < 200).any(axis=1))
            yield 1 - (inked[-1] + 1) / len(area) if len(inked) else 1


@pytest.fixture(scope="session")
def report(pdfs):
    """report.pdf and the page, from 0, on which each of its chapters starts."""
    reader = PdfReader(pdfs / "report.pdf")
    titles = {
        printed(nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4).metadata.title)
        for name in NAMES
    }
    starts = {}  # the short answers have the same titles, before the chapters
    for entry in flat(reader.outline):
        if entry.title in titles:
            starts[entry.title] = reader.get_destination_page_number(entry)
    assert set(starts) == titles
    return pdfs / "report.pdf", starts


def test_pdfs_have_at_most_eighty_pages(pdfs, report):
    lengths = [len(PdfReader(pdfs / f"{name}.pdf").pages) for name in NAMES]
    assert sum(lengths) <= 80
    assert sum(lengths) - 4 <= len(PdfReader(report[0]).pages) <= 80


def test_no_page_of_the_report_is_empty_without_reason(report):
    """Reasons: it is the title page, a chapter or all ends, or a figure did not fit below."""
    file, starts = report
    empty = list(empty_below(file))
    reasons = {0, len(empty) - 1} | {start - 1 for start in starts.values()}
    reasons |= {page - 1 for page, _, (_, top), _ in images(PdfReader(file)) if top > 720}
    too_empty = {page for page, share in enumerate(empty) if share > 0.4}
    assert too_empty <= reasons


def test_each_page_of_the_report_has_its_chapters_title_above_and_its_number_below(report):
    file, starts = report
    count = len(PdfReader(file).pages)
    for page in range(min(starts.values()), count):
        title = max((start, title) for title, start in starts.items() if start <= page)[1]
        here = ["-f", str(page + 1), "-l", str(page + 1), "-x", "0", "-W", "595"]
        above = text_of(file, *here, "-y", "0", "-H", "56")
        assert re.sub(r"\W", "", above) == re.sub(r"\W", "", title)
        below = text_of(file, *here, "-y", "786", "-H", "56")
        assert set(re.findall("[۰-۹]+", below)) == {persian(page + 1), persian(count)}


def persian(number):
    return str(number).translate({48 + i: 0x6F0 + i for i in range(10)})


def test_each_figure_of_the_report_is_on_one_page_with_its_caption(report):
    reader = PdfReader(report[0])
    drawn = Counter(page for page, *_ in images(reader))
    assert sum(drawn.values()) == sum(len(figures(name)) for name in NAMES)
    for page, count in drawn.items():
        text = reader.pages[page].extract_text()  # «شکل ۳ —», or turned round as on the paper
        assert len(re.findall("شکل *[۰-۹]+ *—|— *[۰-۹]+ *شکل", text)) == count, page + 1
