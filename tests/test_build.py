"""The index page of the report, and reports that lack a browser or fail on the way."""

import asyncio
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from jupyter_fa import pdf
from nbclient.exceptions import DeadKernelError
from nbconvert.nbconvertapp import NbConvertApp
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import build
from nn_support import parallel

sys.path.append(str(Path(__file__).resolve().parent.parent / "jupyter-fa" / "tests"))
from exports import letters_without_a_glyph

TITLES = ["تابع فعالیت", "وزن‌دهی <اولیه>", "بهینه‌ساز", "منظم‌سازی"]


def result(function):
    """``function`` as a coroutine function."""

    async def coroutine(*arguments):
        return function(*arguments)

    return coroutine


def executed(title, **claims):
    """A notebook as an execution leaves it: with a claims table, unless it did not get there."""
    metadata = {"claims": claims} if claims else {}
    output = new_output("display_data", data={"text/markdown": "…"}, metadata=metadata)
    cells = [new_code_cell("1 + 1"), new_code_cell("claims.close()", outputs=[output])]
    return new_notebook(cells=cells, metadata={"title": title})


def four(**claims):
    """{name: notebook} of a whole report."""
    notebooks = [executed(title, **claims) for title in TITLES]
    return dict(zip(build.LEADING_FIGURE, notebooks, strict=True))


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A function that writes the index page of some notebooks and returns it."""
    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setenv("FIGURES_DIR", str(tmp_path / "figures"))

    def write(notebooks, with_pdf=True):
        build.index(notebooks, with_pdf)
        return (tmp_path / "index.html").read_text(encoding="utf-8")

    return write


def test_the_index_links_the_four_in_order_with_their_figures(index, tmp_path):
    names = list(build.LEADING_FIGURE)
    for name in names:
        (tmp_path / f"{name}.pdf").touch()
    page = index(four(total=10, failed=0, checked=True))
    assert re.findall(r'<h2><a href="(\w+)\.html">', page) == names
    assert re.findall(r'href="(\w+)\.pdf"', page) == names
    figures = [f"figures/{figure}.png" for figure in build.LEADING_FIGURE.values()]
    assert re.findall(r'<img src="([^"]+)" alt="شکل[^"]+"', page) == figures
    assert letters_without_a_glyph(page) == set()
    assert "وزن‌دهی &lt;اولیه&gt;" in page and '<html lang="fa" dir="rtl">' in page


def test_the_index_shows_verdicts(index):
    notebooks = four(total=10, failed=0, checked=True)
    notebooks["02_initialization"] = executed("…", total=12, failed=2, checked=True)
    notebooks["03_optimizers"] = executed("…")
    page = index(notebooks)
    assert page.count("۱۰ ادعا از ۱۰ ادعا برقرار است") == 2
    assert page.count("۱۰ ادعا از ۱۲ ادعا برقرار است") == 1
    assert page.count("اجرا به جدول ادعاها نرسید") == 1
    assert "جانشین" not in page


def test_the_index_says_that_data_are_a_stand_in(index):
    page = index(four(total=10, failed=0, checked=False))
    assert page.count("دادۀ جانشین: ادعاها بررسی نشدند") == 4
    assert "برقرار است" not in page


def test_other_seeds_are_said_in_the_index_and_their_claims_in_the_terminal(index, capsys):
    notebooks = four(
        total=2, failed=1, checked=True, first_seed=1000, rows=[["الف", True], ["ب", False]]
    )
    assert index(notebooks).count("۱ ادعا از ۲ ادعا برقرار است؛ بذرها از ۱٬۰۰۰ آغاز می‌شوند") == 4
    notebooks["03_optimizers"] = executed("…")
    build.print_claims(notebooks)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["01_activations: 1 of 2 claims held", "  ✓ الف", "  ✗ ب"]
    assert "03_optimizers: no claims table" in lines


def make_files(file, formats):
    """An export that goes well, in empty files."""
    for to in formats:
        file.with_suffix("." + to.removesuffix("_fa")).touch()
    return True


@pytest.fixture
def nothing_runs(index, tmp_path, monkeypatch):
    """The report without executions, exports and browsers; the list of exports asked for."""
    notebooks, formats = four(total=6, failed=0, checked=True), []
    monkeypatch.setattr(build, "execute", result(lambda name, workers: (notebooks[name], None)))

    def export(file, to):
        formats.append((file.stem, to))
        return make_files(file, to)

    monkeypatch.setattr(build, "export", export)
    # Threads, for a process would not know of the replacements.
    monkeypatch.setattr(build, "ProcessPoolExecutor", lambda n, context: ThreadPoolExecutor(n))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(pdf, "_usual_places", list)
    return formats


def test_without_a_browser_the_pdfs_are_skipped_in_one_line(nothing_runs, tmp_path, capsys):
    assert build.main() == 0
    assert sorted(nothing_runs) == [(name, ["html"]) for name in build.LEADING_FIGURE]
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("pdf")]
    assert len(lines) == 1 and "install" in lines[0]
    assert ".pdf" not in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "cores, expected", [(1, [1, 1, 1, 1]), (2, [1, 1, 1, 2]), (4, [1] * 4), (8, [2] * 4)]
)
def test_side_by_side_notebooks_share_the_cores(nothing_runs, monkeypatch, cores, expected):
    given = []
    run = result(lambda name, workers: given.append(workers) or (executed("…"), None))
    monkeypatch.setattr(build, "execute", run)
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    assert build.main() == 0
    assert given == expected and len(nothing_runs) == 4


def test_with_a_browser_there_are_pdfs(nothing_runs, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "find_browser", lambda: "/usr/bin/chromium")
    assert build.main() == 0
    assert [formats for _, formats in nothing_runs] == [["html", "pdf_fa"]] * 4
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count(".pdf") == 4


def test_a_pdf_that_was_not_made_is_not_linked(nothing_runs, tmp_path, monkeypatch):
    def export(file, formats):
        return file.stem != "03_optimizers" and make_files(file, formats)

    monkeypatch.setattr(pdf, "find_browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(build, "export", export)
    assert build.main() == 1
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count(".pdf") == 3 and "03_optimizers.pdf" not in page


def test_an_old_pdf_is_not_linked_without_a_browser(nothing_runs, tmp_path):
    (tmp_path / "03_optimizers.pdf").touch()
    assert build.main() == 0
    assert ".pdf" not in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("given, expected", [("", "build/figures"), ("drawn", "drawn")])
def test_kernels_and_index_agree_on_the_figures(
    nothing_runs, tmp_path, monkeypatch, given, expected
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    monkeypatch.setenv("FIGURES_DIR", given)
    assert build.main() == 0
    assert os.environ["FIGURES_DIR"] == str(tmp_path / expected)
    figure = os.path.relpath(tmp_path / expected / "01_common_rate.png", tmp_path / "build")
    assert f'src="{figure}"' in (tmp_path / "build/index.html").read_text(encoding="utf-8")


def test_a_kernel_that_dies_leaves_its_notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "HERE", tmp_path)
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    build.BUILD.mkdir()
    cells = [new_code_cell("print(1)"), new_code_cell("import os; os._exit(1)")]
    cells += [new_code_cell("print(2)", outputs=[new_output("stream", text="of an older run")])]
    nbformat.write(new_notebook(cells=cells), tmp_path / "one.ipynb")
    notebook, error = asyncio.run(build.execute("one", 1))
    assert isinstance(error, DeadKernelError)
    assert notebook.cells[0].outputs[0].text == "1\n" and not notebook.cells[2].outputs
    assert (build.BUILD / "one.ipynb").is_file()


def test_a_failed_execution_or_export_is_the_exit_code(nothing_runs, monkeypatch, capsys):
    monkeypatch.setattr(build, "export", lambda file, to: False)
    assert build.main() == 1
    monkeypatch.setattr(build, "export", lambda file, to: True)
    notebook = executed("…")
    monkeypatch.setattr(build, "execute", result(lambda *_: (notebook, ValueError("boom"))))
    assert build.main() == 1
    assert "boom" in capsys.readouterr().err


def test_an_export_in_this_process_is_the_commands(tmp_path):
    file = tmp_path / "one.ipynb"
    cells = [new_code_cell("1 + 1")]
    nbformat.write(new_notebook(cells=cells, metadata={"title": TITLES[0]}), file)
    assert build.export(file, ["html"])
    assert '<html lang="fa">' in file.with_suffix(".html").read_text(encoding="utf-8")
    assert not build.export(tmp_path / "none.ipynb", ["html"])


def test_an_export_with_a_formula_that_cannot_be_set_is_a_failed_one(tmp_path):
    file = tmp_path / "one.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell(r"$\foo$")]), file)
    assert not build.export(file, ["html"])


def test_an_export_that_raises_is_a_failed_one_without_an_old_pdf(tmp_path, monkeypatch, capsys):
    def start(_):
        raise RuntimeError("the browser did not start")

    monkeypatch.setattr(NbConvertApp, "start", start)
    (tmp_path / "one.pdf").touch()
    assert build.export(tmp_path / "one.ipynb", ["html"]) is False
    assert (tmp_path / "one.pdf").exists()
    assert build.export(tmp_path / "one.ipynb", ["html", "pdf_fa"]) is False
    assert not (tmp_path / "one.pdf").exists()
    assert "one: RuntimeError: the browser did not start" in capsys.readouterr().err
