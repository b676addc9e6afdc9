"""The index page of the report, and reports that lack a browser or fail on the way."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
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
import pages
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
    return dict(zip(pages.LEADING_FIGURE, notebooks, strict=True))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """build/, with a page and the leading figure of each notebook."""
    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setenv("FIGURES_DIR", str(tmp_path / "figures"))
    (tmp_path / "figures").mkdir()
    for name, figure in pages.LEADING_FIGURE.items():
        (tmp_path / f"{name}.html").touch()
        (tmp_path / "figures" / f"{figure}.png").touch()
    return tmp_path


@pytest.fixture
def index(folder):
    """A function that returns the index page of some notebooks."""
    return lambda notebooks: pages.index(notebooks, folder, folder / "figures", folder)


def test_the_index_links_the_four_in_order_with_their_figures(index, folder):
    names = list(pages.LEADING_FIGURE)
    for name in names:
        (folder / f"{name}.pdf").touch()
    page = index(four(total=10, failed=0, checked=True))
    assert re.findall(r'<h2><a href="(\w+)\.html">', page) == names
    assert re.findall(r'href="(\w+)\.pdf"', page) == names
    figures = [f"figures/{figure}.png" for figure in pages.LEADING_FIGURE.values()]
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


def test_the_index_shows_no_figure_or_page_that_was_not_made(index, folder):
    (folder / "01_activations.html").unlink()
    (folder / "figures" / f"{pages.LEADING_FIGURE['02_initialization']}.png").unlink()
    page = index(four(total=10, failed=0, checked=True))
    assert 'href="01_activations.html"' not in page and "صفحۀ این دفتر ساخته نشد" in page
    assert page.count("<img") == 3 and pages.LEADING_FIGURE["02_initialization"] not in page


def test_the_index_finds_figures_in_a_folder_of_any_name(folder):
    figures = folder / 'a%20"b'
    page = pages.index(four(total=1, failed=0, checked=True), folder, figures, folder)
    assert page.count('src="a%2520%22b/') == 4


def make_file(file, to):
    """An export that goes well, in an empty file."""
    file.with_suffix("." + to.removesuffix("_fa")).touch()
    return True


def execution(notebooks, error=None):
    """An ``execute`` that leaves notebooks and their leading figures."""

    def leave(name, folder, workers):
        nbformat.write(notebooks[name], folder / f"{name}.ipynb")
        (folder / "figures" / f"{pages.LEADING_FIGURE[name]}.png").write_bytes(PNG)
        return notebooks[name], error

    return result(leave)


PNG = b"\x89PNG\r\n\x1a\n...IEND\xaeB`\x82"


@pytest.fixture
def nothing_runs(tmp_path, monkeypatch):
    """The report without executions, exports and browsers; the list of exports asked for."""
    formats = []

    def export(file, to):
        formats.append((file.stem, to))
        return make_file(file, to)

    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    monkeypatch.delenv("FIGURES_DIR", raising=False)
    monkeypatch.setattr(build, "execute", execution(four(total=6, failed=0, checked=True)))
    monkeypatch.setattr(build, "export", export)
    # Threads, because a process would not know of the replacements.
    monkeypatch.setattr(parallel, "Workers", lambda n, context: ThreadPoolExecutor(n))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # main sets it
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(pdf, "_usual_places", list)
    return formats


def built(name="index.html"):
    return (build.BUILD / name).read_text(encoding="utf-8")


def test_without_a_browser_the_pdfs_are_skipped_in_one_line(nothing_runs, capsys):
    assert build.main() == 0
    assert sorted(nothing_runs) == [(name, "html") for name in pages.LEADING_FIGURE]
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("pdf")]
    assert len(lines) == 1 and "install" in lines[0]
    assert ".pdf" not in built()


@pytest.mark.parametrize(
    "cores, expected", [(1, [1, 1, 1, 1]), (2, [1, 1, 2, 2]), (4, [1] * 4), (8, [2] * 4)]
)
def test_side_by_side_notebooks_share_the_cores(nothing_runs, monkeypatch, cores, expected):
    given, run = [], build.execute

    async def execute(name, folder, workers):
        given.append(workers)
        return await run(name, folder, workers)

    monkeypatch.setattr(build, "execute", execute)
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    assert build.main() == 0
    assert given == expected and len(nothing_runs) == 4


def test_with_a_browser_there_are_pdfs(nothing_runs, monkeypatch):
    monkeypatch.setattr(pdf, "find_browser", lambda: "/usr/bin/chromium")
    assert build.main() == 0
    both = [(name, to) for name in pages.LEADING_FIGURE for to in ("html", "pdf_fa")]
    assert sorted(nothing_runs) == both
    assert all(f'href="{name}.pdf"' in built() for name in pages.LEADING_FIGURE)


def test_what_an_export_did_not_make_is_neither_linked_nor_left_from_before(
    nothing_runs, monkeypatch
):
    monkeypatch.setattr(pdf, "find_browser", lambda: "/usr/bin/chromium")
    assert build.main() == 0
    (build.BUILD / "03_optimizers.html").write_text("the page of the build before")

    def export(file, to):
        return file.stem != "03_optimizers" and make_file(file, to)

    monkeypatch.setattr(build, "export", export)
    assert build.main() == 1
    left = {file.name for file in build.BUILD.glob("03_*")}
    assert left == {"03_optimizers.ipynb"} and 'href="03_optimizers' not in built()


def test_an_old_pdf_is_neither_linked_nor_left_without_a_browser(nothing_runs):
    build.BUILD.mkdir()
    (build.BUILD / "03_optimizers.pdf").touch()
    assert build.main() == 0
    assert ".pdf" not in built() and not (build.BUILD / "03_optimizers.pdf").exists()


@pytest.mark.parametrize("given, expected", [("", "build/figures"), ("drawn", "drawn")])
def test_kernels_and_index_agree_on_the_figures(
    nothing_runs, tmp_path, monkeypatch, given, expected
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIGURES_DIR", given)
    assert build.main() == 0
    figures = tmp_path / expected
    assert {file.stem for file in figures.iterdir()} == set(pages.LEADING_FIGURE.values())
    address = os.path.relpath(figures / "01_common_rate.png", build.BUILD)
    assert f'src="{address}"' in built()


def test_a_figure_cut_off_by_a_full_disk_is_left_out(nothing_runs, monkeypatch):
    run = build.execute

    async def execute(name, folder, workers):
        made = await run(name, folder, workers)
        (folder / "figures" / f"{pages.LEADING_FIGURE[name]}.png").write_bytes(PNG[:-5])
        return made

    monkeypatch.setattr(build, "execute", execute)
    assert build.main() == 0
    assert "<img" not in built() and not list((build.BUILD / "figures").glob("*.png"))


def test_a_build_that_fails_on_the_way_changes_nothing(nothing_runs, monkeypatch, capsys):
    assert build.main() == 0
    before = {file: file.read_bytes() for file in build.BUILD.rglob("*") if file.is_file()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "index", full)
    assert build.main() == 1
    assert {file: file.read_bytes() for file in before} == before
    assert not (build.BUILD / ".new").exists()
    assert capsys.readouterr().err == "build.py: OSError: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 12, 20])
def test_at_any_moment_of_the_change_an_index_is_of_the_pages_beside_it(
    nothing_runs, monkeypatch, step
):
    def contents():
        return {file.name: file.stat().st_ino for file in build.BUILD.rglob("*.*")}

    assert build.main() == 0
    before, steps = contents(), []

    def counted(function):
        def call(*arguments, **options):
            steps.append(function)
            if len(steps) == step:
                raise OSError(28, "No space left on device")
            return function(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", counted(shutil.copytree))
        patch.setattr(os, "replace", counted(os.replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        code = build.main()
    after = contents()
    assert code == (len(steps) == step)
    assert after == before or "index.html" not in after or code == 0
    assert before.keys() - {"index.html"} <= after.keys() and not (build.BUILD / ".new").exists()
    assert build.main() == 0 and contents().keys() == before.keys()


def test_nothing_is_left_of_a_browser_that_writes_until_it_ends():
    def write(folder):
        with contextlib.suppress(OSError):
            for i in range(2000):
                Path(folder, str(i % 50)).write_text("")

    with ThreadPoolExecutor(1) as browser:
        with build.scratch() as folder:
            browser.submit(write, folder)
        assert not Path(folder).exists()


def test_a_build_folder_that_cannot_be_made_is_said_in_one_line(nothing_runs, capsys):
    build.BUILD.write_text("a file")
    assert build.main() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("build.py: ") and "build" in line


def test_the_index_and_the_front_of_the_book_have_the_short_answers(folder):
    head = '<div class="jp-RenderedMarkdown"><p><strong>پاسخ کوتاه</strong></p>'
    page = head + '<ul><li><b>تندی</b> (<a href="#fig-4">شکل ۴</a>)</li></ul></div>'
    (folder / "01_activations.html").write_text(page, encoding="utf-8")
    notebooks = four(total=10, failed=0, checked=True)
    found = pages.index(notebooks, folder, folder / "figures", folder)
    assert '<b>تندی</b> (<a href="01_activations.html#fig-4">' in found
    notebooks["01_activations"].metadata["course"] = "درس <یک>"
    waiting = "<p><strong>پاسخ کوتاه</strong> در پایان اجرا.</p><ul><li>فهرستی دیگر</li></ul>"
    front = pages.front(notebooks, {"01_activations": page, "02_initialization": waiting})
    assert '<a href="01_activations.pdf#fig-4">' in front and "درس &lt;یک&gt;" in front
    assert front.count("۱۰ ادعا از ۱۰ ادعا برقرار است") == 2 and "fa-book" in front
    assert "فهرستی دیگر" not in front


def test_an_interrupt_is_one_line_and_130(nothing_runs, monkeypatch, capsys):
    assert build.main() == 0
    page = built()

    async def interrupted(*_):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    monkeypatch.setattr(build, "execute", interrupted)
    with pytest.raises(SystemExit) as stopped:
        build.main()
    assert stopped.value.code == 130 and built() == page
    assert capsys.readouterr().err == "build.py: interrupted; run it again\n"


@pytest.mark.parametrize("text", [None, "{", "[]", '{"nbformat": 4}'])
def test_a_notebook_that_is_missing_or_broken_is_one_line(
    tmp_path, monkeypatch, nothing_runs, text, capsys
):
    monkeypatch.setattr(build, "execute", EXECUTE)
    monkeypatch.setattr(build, "HERE", tmp_path)
    for name in pages.LEADING_FIGURE:
        if text is not None:
            (tmp_path / f"{name}.ipynb").write_text(text)
    assert build.main() == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("01_")]
    assert len(said) == 1 and "01_activations" in said[0]
    assert not (build.BUILD / "01_activations.html").exists()


EXECUTE = build.execute


def test_a_kernel_that_dies_leaves_its_notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "HERE", tmp_path)
    cells = [new_code_cell("print(1)"), new_code_cell("import os; os._exit(1)")]
    cells += [new_code_cell("print(2)", outputs=[new_output("stream", text="of an older run")])]
    nbformat.write(new_notebook(cells=cells), tmp_path / "one.ipynb")
    (tmp_path / "new").mkdir()
    notebook, error = asyncio.run(build.execute("one", tmp_path / "new", 1))
    assert isinstance(error, DeadKernelError)
    assert notebook.cells[0].outputs[0].text == "1\n" and not notebook.cells[2].outputs
    assert (tmp_path / "new" / "one.ipynb").is_file()


def test_a_failed_execution_or_export_is_the_exit_code(nothing_runs, monkeypatch, capsys):
    monkeypatch.setattr(build, "export", lambda file, to: False)
    assert build.main() == 1
    monkeypatch.setattr(build, "export", lambda file, to: True)
    fails = execution(four(total=1, failed=0, checked=True), ValueError("boom"))
    monkeypatch.setattr(build, "execute", fails)
    assert build.main() == 1
    assert "boom" in capsys.readouterr().err


def test_an_export_in_this_process_is_the_commands(tmp_path):
    file = tmp_path / "one.ipynb"
    cells = [new_code_cell("1 + 1")]
    nbformat.write(new_notebook(cells=cells, metadata={"title": TITLES[0]}), file)
    assert build.export(file, "html")
    assert '<html dir="rtl" lang="fa">' in file.with_suffix(".html").read_text(encoding="utf-8")
    assert not build.export(tmp_path / "none.ipynb", "html")


def test_an_export_with_a_formula_that_cannot_be_set_is_a_failed_one(tmp_path):
    file = tmp_path / "one.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell(r"$\foo$")]), file)
    assert not build.export(file, "html")


def test_an_export_that_raises_is_a_failed_one_without_an_old_pdf(tmp_path, monkeypatch, capsys):
    def start(_):
        raise RuntimeError("the browser did not start")

    monkeypatch.setattr(NbConvertApp, "start", start)
    (tmp_path / "one.pdf").touch()
    assert build.export(tmp_path / "one.ipynb", "pdf_fa") is False
    assert not (tmp_path / "one.pdf").exists()
    assert "one: RuntimeError: the browser did not start" in capsys.readouterr().err
