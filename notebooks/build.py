"""Execute the four notebooks and export them: ``python notebooks/build.py`` → build/.

Each notebook leaves NAME.ipynb, NAME.html and, where a Chromium is found, NAME.pdf; figures go to
$FIGURES_DIR or build/figures; index.html links them all. The committed notebooks are not touched.
A notebook that fails is exported as far as it came, and the exit code is 1.

Notebooks are executed side by side, each with its share of the cores for its sweeps, for while one
trains another draws; and each is exported while the next are executed. All is made in a folder
apart and put in its place at the end, so a build that is stopped changes nothing, and no page or
verdict of an older build stands beside a new one. Two builds at once take turns.
"""

# ruff: noqa: E402
import signal
import sys


def interrupted(number=signal.SIGINT, *_):
    print("build.py: interrupted; run it again", file=sys.stderr)
    sys.exit(128 + number)


if __name__ == "__main__":  # before the imports, because they take a second
    signal.signal(signal.SIGINT, interrupted)

import asyncio
import contextlib
import html
import multiprocessing
import os
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import filelock
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
BUILD = HERE.parent / "build"

# Each notebook with the figure that stands for it on the index page.
LEADING_FIGURE = {
    "01_activations": "01_common_rate",
    "02_initialization": "02_scale",
    "03_optimizers": "03_learning_curves",
    "04_regularization": "04_with_and_without",
}


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
        try:
            await client.async_execute(env=os.environ | ours)
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


def export(file, formats):
    """``jupyter nbconvert --to`` each format, in this process; whether all succeeded.

    A format that fails leaves no file, and neither do those after it.
    """
    from nbconvert.nbconvertapp import NbConvertApp

    for to in formats:
        made = file.with_suffix("." + to.removesuffix("_fa"))
        try:
            app = NbConvertApp()
            app.initialize(["--log-level=WARN", "--FaPage.strict=True", "--to", to, str(file)])
            app.start()
        except (Exception, SystemExit) as error:  # Playwright's, for want of a browser, and others
            made.unlink(missing_ok=True)
            if not isinstance(error, SystemExit):  # which nbconvert raises when it has said why
                print(f"{file.stem}: {in_a_line(error)}", file=sys.stderr, flush=True)
            return False
    return True


def in_a_line(error):
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:200]}"


def claims_of(notebook):
    """What the claims table of an executed notebook found, as ``Claims.close`` left it, or None."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return next(filter(None, (o.get("metadata", {}).get("claims") for o in outputs)), None)


def verdict(notebook):
    """The same in a Persian sentence."""
    from persian import fa

    claims = claims_of(notebook)
    if not claims:
        return "اجرا به جدول ادعاها نرسید"
    if not claims["checked"]:
        return "دادۀ جانشین: ادعاها بررسی نشدند"
    held, total = fa(claims["total"] - claims["failed"]), fa(claims["total"])
    first = claims.get("first_seed", 0)
    seeds = f"؛ بذرها از {fa(first)} آغاز می‌شوند" if first else ""
    return f"{held} ادعا از {total} ادعا برقرار است{seeds}"


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


def index(notebooks, folder, figures):
    """The page that lists the notebooks, each with its verdict and leading figure.

    It links what this build has left in ``folder``; ``figures`` is where its figures will be.
    """
    from jupyter_fa.fonts import FontFaces

    entries = []
    for name, notebook in notebooks.items():
        title, says = html.escape(str(notebook.metadata.get("title", name))), verdict(notebook)
        if (folder / f"{name}.pdf").is_file():
            says += f' · <a href="{name}.pdf">PDF</a>'
        page, picture = title, ""
        if (folder / f"{name}.html").is_file():
            page = f'<a href="{name}.html">{title}</a>'
        else:
            says += " · صفحۀ این دفتر ساخته نشد"
        figure = f"{LEADING_FIGURE[name]}.png"
        if (folder / "figures" / figure).is_file():
            address = quote(
                os.fsencode(os.path.relpath(figures / figure, BUILD).replace("\\", "/"))
            )
            picture = f'<img src="{address}" alt="شکل نمونۀ «{title}»">'
            if page != title:
                picture = f'<a href="{name}.html">{picture}</a>'
        entries.append(f"<li><h2>{page}</h2><p>{says}</p>{picture}</li>")
    items = "\n".join(entries)
    return INDEX.format(fonts=FontFaces()(INDEX + items), items=items)


INDEX = """<!DOCTYPE html>
<html lang="fa" dir="rtl">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>آموزش یک شبکۀ عصبی، چهار آزمایش</title>
<style>
{fonts}
body {{ font-family: fa-text, Tahoma, sans-serif;
  line-height: 1.8; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }}
ol {{ list-style: persian; padding-inline-start: 1.5rem; }}
h2 {{ font-size: 1.1rem; margin: 1.5rem 0 0; }}
p {{ margin: 0; }}
img {{ max-width: 100%; height: auto; background: #fff; }}
a {{ color: #0b57a4; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #ddd; background: #181818; }} a {{ color: #8ab8ee; }}
}}
</style>
<main>
<h1>آموزش یک شبکۀ عصبی، چهار آزمایش</h1>
<p>تابع فعالیت، وزن‌دهی اولیه، بهینه‌ساز و منظم‌سازی L2 روی پیراهن‌ها و شلوارهای Fashion-MNIST.</p>
<ol>
{items}
</ol>
</main>
</html>
"""


async def make_all(folder, formats):
    """{name: (notebook, whether all went well)}; the files are left in ``folder``."""
    from nn_support.parallel import Workers, cores

    side_by_side = min(cores(), len(LEADING_FIGURE))
    workers = dict.fromkeys(LEADING_FIGURE, cores() // side_by_side)
    if side_by_side < len(workers):
        workers[list(workers)[-1]] = cores()  # the last one to begin is alone in the end
    gate, context = asyncio.Semaphore(side_by_side), multiprocessing.get_context("spawn")
    with stopped_by_signals(), Workers(min(2, side_by_side), context) as pool:

        async def make(name):
            async with gate:
                notebook, error = await execute(name, folder, workers[name])
            if isinstance(error, CellExecutionError):
                print(error, file=sys.stderr)
            elif error:
                print(f"{name}: {in_a_line(error)}", file=sys.stderr)
            start, file, done = time.perf_counter(), folder / f"{name}.ipynb", False
            if file.is_file():
                try:
                    done = await asyncio.wrap_future(pool.submit(export, file, formats))
                except RuntimeError as broken:  # a process that was killed
                    print(f"{name}: {in_a_line(broken)}", file=sys.stderr)
            state, seconds = "done" if done else "FAILED", time.perf_counter() - start
            print(f"{name}: {' and '.join(formats)} {state} in {seconds:.0f} s", flush=True)
            return notebook, done and not error

        try:
            async with asyncio.TaskGroup() as group:  # it waits until each has ended its kernel
                tasks = {name: group.create_task(make(name)) for name in LEADING_FIGURE}
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return {name: task.result() for name, task in tasks.items()}


@contextlib.contextmanager
def stopped_by_signals():
    """Let the first SIGINT or SIGTERM cancel this task, whose end is then waited for."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    loop.add_signal_handler = lambda *_: None  # nbclient's would end one kernel and no other

    def stop(number, _):
        for signal_ in before:
            signal.signal(signal_, signal.SIG_IGN)
        loop.call_soon_threadsafe(task.cancel, number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
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
    for file in [f"{name}.{kind}" for name in LEADING_FIGURE for kind in ("ipynb", "html", "pdf")]:
        if (folder / file).is_file():
            os.replace(folder / file, BUILD / file)
        else:
            (BUILD / file).unlink(missing_ok=True)
    os.replace(folder / "index.html", BUILD / "index.html")


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
        made = asyncio.run(make_all(new, ["html", "pdf_fa"] if with_pdf else ["html"]))
        for picture in (new / "figures").glob("*.png"):
            if not picture.read_bytes().endswith(b"IEND\xaeB`\x82"):  # the disk was full
                picture.unlink()
        notebooks = {name: notebook for name, (notebook, _) in made.items()}
        page = index(notebooks, new, figures)
        (new / "index.html").write_text(page, encoding="utf-8")
        put_in_place(new, figures)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        lock.release()
    if FIRST_SEED:
        print_claims(notebooks)
    if not with_pdf:
        print("pdf: skipped, for no Chromium, Chrome or Edge was found; install one and run again")
    print(f"build/index.html: ready after {time.perf_counter() - start:.0f} s")
    return all(well for _, well in made.values())


def main():
    figures = Path(os.environ.get("FIGURES_DIR") or BUILD / "figures").resolve()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:  # in a folder for what a browser that is stopped leaves behind
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as os.environ["TMPDIR"]:
            return int(not build(figures))
    except KeyboardInterrupt:
        interrupted()
    except asyncio.CancelledError as stop:
        interrupted(*stop.args)
    except OSError as error:
        print(f"build.py: {in_a_line(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
