"""The index page of the report, and a report on a machine without a browser."""

import re
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from jupyter_fa import pdf
from nbformat.v4 import new_code_cell, new_notebook, new_output

import build
import nn_parallel

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


def test_the_index_links_the_four_in_order_with_their_figures(index):
    page = index(four(total=10, failed=0, checked=True))
    names = list(build.LEADING_FIGURE)
    assert re.findall(r'<h2><a href="(\w+)\.html">', page) == names
    assert re.findall(r'href="(\w+)\.pdf"', page) == names
    figures = [f"figures/{figure}.png" for figure in build.LEADING_FIGURE.values()]
    assert re.findall(r'<img src="([^"]+)" alt="شکل[^"]+"', page) == figures
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


@pytest.fixture
def nothing_runs(index, tmp_path, monkeypatch):
    """The report without executions, exports and browsers; the list of exports asked for."""
    notebooks, formats = four(total=6, failed=0, checked=True), []
    monkeypatch.setattr(build, "execute", result(lambda name, workers: (notebooks[name], None)))
    monkeypatch.setattr(build, "export", lambda file, to: formats.append((file.stem, to)) or True)
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
    monkeypatch.setattr(nn_parallel, "cores", lambda: cores)
    assert build.main() == 0
    assert given == expected and len(nothing_runs) == 4


def test_with_a_browser_there_are_pdfs(nothing_runs, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "find_browser", lambda: "/usr/bin/chromium")
    assert build.main() == 0
    assert [formats for _, formats in nothing_runs] == [["html", "pdf_fa"]] * 4
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count(".pdf") == 4


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
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), file)
    assert build.export(file, ["html"])
    assert '<html lang="fa">' in file.with_suffix(".html").read_text(encoding="utf-8")
    assert not build.export(tmp_path / "none.ipynb", ["html"])
