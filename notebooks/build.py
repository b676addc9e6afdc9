"""Execute the four notebooks and export them: ``python notebooks/build.py`` → build/.

Each notebook leaves NAME.ipynb, NAME.html and, where a Chromium is found, NAME.pdf; report.pdf has
all four. Figures go to $FIGURES_DIR or build/figures; index.html links them all. The committed
notebooks are not touched. A notebook that fails is exported as far as it came, and the exit code
is 1.

Notebooks are executed side by side, each with its share of the cores for its sweeps, because while
one trains another draws; and each is exported while the next are executed. All is made in a folder
apart and put in its place at the end, so a build that is stopped changes nothing, and no page or
verdict of an older build stands beside a new one. Two builds at once take turns.
"""

# ruff: noqa: E402
import os
import signal
import sys
from functools import partial


def interrupted(number=signal.SIGINT, *_, leave=sys.exit):
    print("build.py: interrupted; run it again", file=sys.stderr)
    leave(128 + number)


if __name__ == "__main__":  # before the imports: they take a second, and take an exception amiss
    signal.signal(signal.SIGINT, partial(interrupted, leave=os._exit))

sys.modules["rfc3987_syntax"] = None  # jsonschema can do without its two seconds

import asyncio
import contextlib
import multiprocessing
import shutil
import tempfile
import time
from pathlib import Path

import filelock
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from pages import FRONT_PAGES, TITLE, claims_of, front, index
from pages import LEADING_FIGURE as NOTEBOOKS

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
BUILD = HERE.parent / "build"


async def execute(name, folder, workers):
    """Run one notebook, its sweeps in ``workers`` processes, showing how far it is.

    It is left in ``folder``, its figures in folder/figures. Returns (notebook, error or None).
    """
    start = time.perf_counter()
    try:
        file = HERE / f"{name}.ipynb"
        notebook = nbformat.convert(nbformat.reader.reads(file.read_text(encoding="utf-8")), 4)
        nbformat.validate(notebook)
    except Exception as failure:  # each way to be no notebook has its own
        return nbformat.v4.new_notebook(), failure
    error = None
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs = []  # a run that fails must not end in the claims of the one before
    with tqdm(total=len(code), desc=name, unit="cell", leave=False, disable=None) as bar:
        client = NotebookClient(
            notebook,
            timeout=None,
            kernel_name="python3",
            record_timing=False,
            shutdown_kernel="immediate",
            extra_arguments=["--log-level=ERROR"],  # else it warns of its unencrypted local port
            resources={"metadata": {"path": str(HERE)}},
            on_cell_executed=lambda **_: bar.update(),
        )
        ours = {"SWEEP_WORKERS": str(workers), "FIGURES_DIR": str(folder / "figures")}
        threads = {"OPENBLAS_NUM_THREADS": str(workers)}  # else they take turns at each core
        try:
            await client.async_execute(env=threads | os.environ | ours)
        except Exception as failure:  # a cell's, a dead kernel's, or that of one that can't start
            if asyncio.current_task().cancelling():  # nbclient takes it for the kernel's death
                raise asyncio.CancelledError from None
            error = failure
    try:
        nbformat.write(notebook, folder / f"{name}.ipynb")
    except OSError as failure:
        (folder / f"{name}.ipynb").unlink(missing_ok=True)
        error = error or failure
    state = "FAILED" if error else "done"
    print(f"{name}: {state}, {len(code)} cells in {time.perf_counter() - start:.0f} s", flush=True)
    return notebook, error


def export(file, to):
    """``jupyter nbconvert --to`` a format, in this process; whether it succeeded.

    A format that fails leaves no file.
    """
    from nbconvert.nbconvertapp import NbConvertApp

    try:
        app = NbConvertApp()
        app.initialize(["--log-level=WARN", "--FaPage.strict=True", "--to", to, str(file)])
        app.start()
        if to == "pdf_fa":  # what was printed, for report.pdf
            file.with_suffix(".print").write_text(app.exporter.page, encoding="utf-8")
    except (Exception, SystemExit) as error:  # Playwright's, where there is no browser, and others
        file.with_suffix("." + to.removesuffix("_fa")).unlink(missing_ok=True)
        if not isinstance(error, SystemExit):  # which nbconvert raises when it has said why
            print(f"{file.stem}: {in_a_line(error)}", file=sys.stderr, flush=True)
        return False
    return True


def in_a_line(error):
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:200]}"


def export_book(notebooks, folder):
    """Print report.pdf of the chapters that there are; whether that went well."""
    from jupyter_fa.book import book
    from jupyter_fa.pdf import PdfFaExporter
    from nbconvert.nbconvertapp import NbConvertApp

    files = [folder / f"{name}.print" for name in notebooks]
    printed = {file.stem: file.read_text(encoding="utf-8") for file in files if file.is_file()}
    if not printed:
        return True
    start, app = time.perf_counter(), NbConvertApp()
    app.initialize(["--log-level=WARN"])  # reads the configuration
    exporter = PdfFaExporter(config=app.config)
    try:
        chapters = [(folder / f"{name}.pdf").read_bytes() for name in printed]
        pdf = book(printed, front(notebooks, printed), TITLE, exporter, chapters, FRONT_PAGES)
        (folder / "report.pdf").write_bytes(pdf)
    except Exception as error:  # Playwright's, where there is no browser, and others
        (folder / "report.pdf").unlink(missing_ok=True)
        print(f"report: {in_a_line(error)}", file=sys.stderr, flush=True)
        return False
    print(f"report: pdf of {len(printed)} done in {time.perf_counter() - start:.0f} s", flush=True)
    return True


def print_claims(notebooks):
    """On other seeds than the report's: which claims held, notebook by notebook."""
    for name, notebook in notebooks.items():
        claims = claims_of(notebook)
        if not claims:
            print(f"{name}: no claims table")
            continue
        held = claims["total"] - claims["failed"]
        print(f"{name}: {held} of {claims['total']} claims held")
        for text, holds in claims["rows"]:
            print(f"  {'✓' if holds else '✗'} {text}")


async def make_all(folder, formats):
    """({name: notebook}, whether all went well); the files are left in ``folder``."""
    from nn_support.parallel import Workers, cores

    side_by_side = min(cores(), len(NOTEBOOKS))
    workers = dict.fromkeys(NOTEBOOKS, cores() // side_by_side)  # in order: the longest come first
    if side_by_side < len(workers):  # either of the last two may be alone in the end
        workers |= dict.fromkeys(list(NOTEBOOKS)[-2:], cores())
    gate, context = asyncio.Semaphore(side_by_side), multiprocessing.get_context("spawn")
    with stopped_by_signals(), Workers(min(2, side_by_side), context) as pool:

        async def export_apart(name, function, *arguments):
            try:
                return await asyncio.wrap_future(pool.submit(function, *arguments))
            except Exception as error:  # of a process that was killed, of a package half-installed
                print(f"{name}: {in_a_line(error)}", file=sys.stderr)
                return False

        async def make(name):
            async with gate:
                notebook, error = await execute(name, folder, workers[name])
            if isinstance(error, CellExecutionError):
                print(error, file=sys.stderr)
            elif error:
                print(f"{name}: {in_a_line(error)}", file=sys.stderr)
            start, file = time.perf_counter(), folder / f"{name}.ipynb"
            made = [export_apart(name, export, file, to) for to in formats if file.is_file()]
            done = made and all(await asyncio.gather(*made))
            state, seconds = "done" if done else "FAILED", time.perf_counter() - start
            print(f"{name}: {' and '.join(formats)} {state} in {seconds:.0f} s", flush=True)
            return notebook, done and not error

        try:
            async with asyncio.TaskGroup() as group:  # it waits until each has ended its kernel
                tasks = {name: group.create_task(make(name)) for name in NOTEBOOKS}
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        notebooks = {name: task.result()[0] for name, task in tasks.items()}
        well = all(task.result()[1] for task in tasks.values())
        if "pdf_fa" in formats:
            well &= await export_apart("report", export_book, notebooks, folder)
        return notebooks, well


@contextlib.contextmanager
def stopped_by_signals():
    """Let the first SIGINT or SIGTERM cancel this task, whose end is then waited for."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    loop.add_signal_handler = lambda *_: None  # nbclient's would end one kernel and no other

    def stop(number, _):
        for signal_ in before:  # to the end: the second of an impatient user changes nothing
            signal.signal(signal_, signal.SIG_IGN)
        loop.call_soon_threadsafe(task.cancel, number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)


def put_in_place(folder, figures):
    """Move what was made from ``folder`` to its place; a page not made is not left from before.

    What needs room comes first. The index goes before all is replaced and comes last: whenever
    this is stopped, none tells of other pages.
    """
    with tempfile.TemporaryDirectory(prefix=".new-", dir=figures) as beside:  # another disk?
        shutil.copytree(folder / "figures", beside, dirs_exist_ok=True)
        (BUILD / "index.html").unlink(missing_ok=True)
        for figure in Path(beside).iterdir():
            os.replace(figure, figures / figure.name)
    files = [f"{name}.{kind}" for name in NOTEBOOKS for kind in ("ipynb", "html", "pdf")]
    for file in [*files, "report.pdf"]:
        if (folder / file).is_file():
            os.replace(folder / file, BUILD / file)
        else:
            (BUILD / file).unlink(missing_ok=True)
    os.replace(folder / "index.html", BUILD / "index.html")


@contextlib.contextmanager
def scratch():
    """A folder for what a browser that is stopped leaves behind; it may write on for a moment."""
    folder = tempfile.mkdtemp()
    try:
        yield folder
    finally:
        end = time.monotonic() + 3
        while os.path.exists(folder) and time.monotonic() < end:
            shutil.rmtree(folder, ignore_errors=True)


def build(figures):
    """Make everything, for one build at a time; whether all went well."""
    from jupyter_fa.pdf import can_print

    from evidence import FIRST_SEED  # a bad one is refused before anything runs

    start, with_pdf, new = time.perf_counter(), can_print(), BUILD / ".new"
    BUILD.mkdir(parents=True, exist_ok=True)
    figures.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(BUILD / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        print(f"Waiting for another build in {BUILD} ...", flush=True)
        lock.acquire()
    try:
        if new.exists():  # of a build that was killed
            shutil.rmtree(new)
        (new / "figures").mkdir(parents=True)
        formats = ["html", "pdf_fa"] if with_pdf else ["html"]
        notebooks, well = asyncio.run(make_all(new, formats))
        for picture in (new / "figures").glob("*.png"):
            if not picture.read_bytes().endswith(b"IEND\xaeB`\x82"):  # the disk was full
                picture.unlink()
        page = index(notebooks, new, figures, BUILD)
        (new / "index.html").write_text(page, encoding="utf-8")
        put_in_place(new, figures)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        lock.release()
    if FIRST_SEED:
        print_claims(notebooks)
    if not with_pdf:
        print("pdf: skipped, because there is no Chromium, Chrome or Edge; install one, run again")
    print(f"build/index.html: ready after {time.perf_counter() - start:.0f} s")
    return well


def main():
    figures = Path(os.environ.get("FIGURES_DIR") or BUILD / "figures").resolve()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with scratch() as os.environ["TMPDIR"]:
            return int(not build(figures))
    except KeyboardInterrupt:
        interrupted()
    except asyncio.CancelledError as stop:
        interrupted(*stop.args)
    except OSError as error:
        print(f"build.py: {in_a_line(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit as stop:
        code = stop.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # nbclient's callbacks at an exit complain of kernels that never started
