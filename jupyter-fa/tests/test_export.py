"""The commands that people type, without a browser."""

import re
from pathlib import Path
from urllib.parse import urljoin

import nbformat
import pytest
import sample
from bs4 import BeautifulSoup
from exports import letters_without_a_glyph, nbconvert
from nbconvert.exporters import get_exporter
from nbconvert.utils.exceptions import ConversionException
from traitlets.config import Config

import jupyter_fa
from jupyter_fa import pdf


@pytest.fixture(scope="module")
def soup(page):
    return BeautifulSoup(page, "html.parser")


def test_the_page_is_persian_titled_and_has_a_skip_link(soup):
    assert soup.html["lang"] == "fa"
    assert soup.title.text == sample.TITLE
    link = soup.body.find("a")
    assert link["href"] == "#fa-main" and soup.main["id"] == "fa-main"


def test_nothing_is_loaded_and_no_script_runs(soup, page):
    assert not soup.find_all(["script", "link", "iframe"])
    assert not re.findall(r"""(?:src|href)=["']https?:""", page)
    assert not re.findall(r"@import|url\(['\"]?https?:", page)
    assert "default-src 'none'" in soup.find("meta", attrs={"http-equiv": True})["content"]


def test_every_formula_is_mathml(soup, page):
    formulas = [math["alttext"] for math in soup.find_all("math")]
    for tex in sample.FORMULAS + sample.DISPLAY:
        assert " ".join(tex.split()) in formulas
    for element in soup(["math", "style"]):
        element.extract()
    assert not re.search(r"\\(frac|sum|begin|alpha)|\$\D", soup.text)


def test_the_embedded_font_has_every_letter_of_the_page(page):
    assert letters_without_a_glyph(page) == set()


def test_alternative_text_from_output_cell_and_svg(page):
    alts = [image["alt"] for image in BeautifulSoup(page, "html.parser").find_all("img")]
    assert alts == [sample.ALT, "متن جایگزین از فرادادهٔ سلول", "دایره‌ای سیاه"]


def test_the_same_notebook_gives_the_same_bytes(folder, page):
    nbconvert("--to", "html", "--output", "again", "sample.ipynb", cwd=folder)
    assert (folder / "again.html").read_text(encoding="utf-8") == page


def test_the_page_is_small(page):
    assert len(page.encode()) < 600_000


def test_a_wrong_formula_is_a_warning_or_if_strict_an_error(tmp_path):
    notebook = sample.notebook()
    notebook.cells[1].source = r"عدد $\foo x$ است."
    nbformat.write(notebook, tmp_path / "wrong.ipynb")
    warning = r"wrong.ipynb, cell 2 of 20: the formula $\foo x$ can't be set: "
    result = nbconvert("--to", "html", "wrong.ipynb", cwd=tmp_path)
    assert result.stderr.count("WARNING") == 1 and f"WARNING | {warning}" in result.stderr
    page = (tmp_path / "wrong.html").read_text(encoding="utf-8")
    assert re.search(r'<code class="fa-tex" dir="ltr"[^>]*>\$\\foo x\$</code> است', page)
    strict = ["--FaPage.strict=True", "--output", "strict"]
    result = nbconvert("--to", "html", *strict, "wrong.ipynb", cwd=tmp_path, check=False)
    assert result.returncode == 1 and warning in result.stderr
    assert not (tmp_path / "strict.html").exists()


CASES = {
    "mathop": r"$$\hat\theta = \mathop{\mathrm{argmax}}_{\theta} P(x\mid\theta)$$",
    "power": r"$$\begin{bmatrix}1&2\\3&4\end{bmatrix}^T \begin{pmatrix}1\\2\end{pmatrix}^{-1}$$",
    "tag": r"$$E = mc^2 \tag{1}$$",
    "arg": r"$$w^* = \arg\min_w L(w)$$",
    "rows": "$$a = 1 \\\\\nb = 2$$",
    "text": r"$$f(x)=\begin{cases}1&\text{if $x>0$}\\0&\text{otherwise}\end{cases}$$",
    "macro": r"$\newcommand{\vw}{\mathbf{w}}$",
    "its use": r"وزن‌ها $\vw$ هستند.",
    "eqnarray": "\\begin{eqnarray}\na&=&b\\\\\nc&=&d\n\\end{eqnarray}",
    "html": r"<p>برای $0<i<n$ داریم $x_i>0$ و تمام.</p>",
}


def test_what_public_notebooks_write_is_set_without_a_warning(tmp_path):
    cells = [nbformat.v4.new_markdown_cell(sample.rtl(cell)) for cell in CASES.values()]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "cases.ipynb")
    result = nbconvert("--to", "html", "--FaPage.strict=True", "cases.ipynb", cwd=tmp_path)
    assert "WARNING" not in result.stderr
    page = (tmp_path / "cases.html").read_text(encoding="utf-8")
    assert len(BeautifulSoup(page, "html.parser").find_all("math")) == len(CASES)
    assert "و تمام" in page


# A template that is not ours, with what its page has and ours has not.
@pytest.mark.parametrize(
    "arguments",
    [
        ["--to", "html", "--template", "lab"],
        ["--to", "html", "--template=classic"],
        ["--to", "html", "--HTMLExporter.template_name=lab"],
        ["--to", "slides"],
        ["--to", "markdown"],
    ],
)
def test_other_templates_keep_nbconverts_filters(folder, arguments):
    nbconvert(*arguments, "--output", "other", "sample.ipynb", cwd=folder)
    [file] = folder.glob("other*.*")
    text = file.read_text(encoding="utf-8")
    file.unlink()
    assert "fa-main" not in text and "<math" not in text
    assert r"$\alpha = ۰٫۰۱$" in text


OURS = Config({"HTMLExporter": {"preprocessors": ["jupyter_fa.page.FaPage"]}})


def test_notebooks_of_one_command_share_no_macros_and_no_numbers():
    exporter = get_exporter("html")(config=OURS)
    equation = "\\begin{equation}\nx\n\\end{equation}"
    cells = [nbformat.v4.new_markdown_cell(text) for text in (r"$\def\foo{y}\foo$", equation)]
    for part in (cells, cells[1:], [nbformat.v4.new_markdown_cell(r"$\foo$"), cells[1]]):
        page, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=part))
        assert "<mtext>(1)</mtext>" in page
    assert re.search(r'class="fa-tex" dir="ltr"[^>]*>\$\\foo\$', page)


@pytest.mark.parametrize("exporter", ["HTMLExporter", "SlidesExporter", "WebPDFExporter"])
def test_only_an_exporter_whose_template_is_lab_gets_ours(exporter):
    made = get_exporter(f"nbconvert.exporters.{exporter}")(config=OURS)
    expected = {"HTMLExporter": "fa", "SlidesExporter": "reveal", "WebPDFExporter": "webpdf"}
    assert made.template_name == expected[exporter]


def test_lab_and_the_page_share_one_style_sheet(page):
    """The extension's copy of rtl.css is the template's."""
    share = Path(__file__).parents[1] / "share" / "jupyter"
    rtl = (share / "nbconvert/templates/fa/rtl.css").read_text(encoding="utf-8")
    entry = share / "labextensions/jupyter-fa/static/remoteEntry.js"
    assert f"const css = `\n{rtl}`;" in entry.read_text(encoding="utf-8")
    assert rtl in page


def test_versions_agree():
    package = Path(__file__).parents[1] / "share/jupyter/labextensions/jupyter-fa/package.json"
    assert f'"version": "{jupyter_fa.__version__}"' in package.read_text(encoding="utf-8")


def test_no_browser_is_one_clear_line(folder, tmp_path, monkeypatch):
    empty = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    for name, value in empty.items():
        monkeypatch.setenv(name, value)
    assert not pdf.can_print()
    result = nbconvert("--to", "pdf_fa", "sample.ipynb", cwd=folder, check=False, **empty)
    assert result.returncode == 1
    assert pdf.NO_BROWSER in result.stderr


@pytest.mark.parametrize(
    ("link", "relative"),
    [
        ("b.pdf#%D9", "b.pdf#%D9"),
        ("b(1).pdf", "b(1).pdf"),
        ("../up.pdf?x=1", "../up.pdf?x=1"),
        ("../../a/", "../../a/"),
        ("../" * 40 + "etc/x", "/etc/x"),
        ("https://host/(x)", "https://host/(x)"),
    ],
)
def test_links_of_the_pdf_are_relative(link, relative):
    assert pdf.relative(urljoin(f"{pdf.SITE}{pdf.FOLDER}/page.html", link)) == relative


def test_the_browser_is_looked_for_under_all_its_names(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    edge = tmp_path / "microsoft-edge"
    edge.write_text("#!/bin/sh\n")
    edge.chmod(0o755)
    assert pdf.find_browser() == str(edge)
    windows = tmp_path / "Google" / "Chrome" / "Application" / "chrome.exe"
    windows.parent.mkdir(parents=True)
    windows.write_text("")
    edge.unlink()
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path))
    assert pdf.find_browser() == str(windows)


def test_refusals_are_errors_that_nbconvert_reports():
    from jupyter_fa.tex import MathError

    assert issubclass(MathError, ConversionException)
