"""Execute the four notebooks and export them: ``python notebooks/build.py`` → build/.

Each notebook leaves NAME.ipynb, NAME.html and, where a Chromium is found, NAME.pdf; figures go to
$FIGURES_DIR or build/figures; index.html links them all. The committed notebooks are not touched.
A notebook that fails is exported as far as it came, and the exit code is 1.

Notebooks are executed side by side, each with its share of the cores for its sweeps, for while one
trains another draws; and each is exported while the next are executed.
"""

import asyncio
import html
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
BUILD = HERE.parent / "build"

# Each notebook with the figure that stands for it on the index page.
LEADING_FIGURE = {
    "01_activations": "01_width32",
    "02_initialization": "02_scale",
    "03_optimizers": "03_learning_curves",
    "04_regularization": "04_with_and_without",
}


async def execute(name, workers):
    """Run one notebook, its sweeps in ``workers`` processes, showing how far it is.

    Returns (notebook, error or None).
    """
    notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs = []  # a run that fails must not end in the claims of the one before
    start, error = time.perf_counter(), None
    with tqdm(total=len(code), desc=name, unit="cell", leave=False, disable=None) as bar:
        client = NotebookClient(
            notebook,
            timeout=None,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],  # else it warns of its unencrypted local port
            resources={"metadata": {"path": str(HERE)}},
            on_cell_executed=lambda **_: bar.update(),
        )
        try:
            await client.async_execute(env=os.environ | {"SWEEP_WORKERS": str(workers)})
        except (CellExecutionError, DeadKernelError) as failure:
            error = failure
    nbformat.write(notebook, BUILD / f"{name}.ipynb")
    state = "FAILED" if error else "done"
    print(f"{name}: {state}, {len(code)} cells in {time.perf_counter() - start:.0f} s", flush=True)
    return notebook, error


def export(file, formats):
    """``jupyter nbconvert --to`` each format, in this process; whether all succeeded."""
    from nbconvert.nbconvertapp import NbConvertApp

    try:
        if "pdf_fa" in formats:
            file.with_suffix(".pdf").unlink(missing_ok=True)  # else a failure leaves an old one
        for to in formats:
            app = NbConvertApp()
            app.initialize(["--log-level=WARN", "--to", to, str(file)])
            app.start()
    except SystemExit as stop:
        return not stop.code
    except Exception as error:  # Playwright's, for a browser that does not start, among others
        print(f"{file.stem}: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    return True


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


def index(notebooks, with_pdf):
    """build/index.html: the four pages in order, each with its verdict and leading figure."""
    entries = []
    for name, notebook in notebooks.items():
        title = html.escape(notebook.metadata.get("title", name))
        picture = os.path.relpath(f"{os.environ['FIGURES_DIR']}/{LEADING_FIGURE[name]}.png", BUILD)
        has_pdf = with_pdf and (BUILD / f"{name}.pdf").exists()
        pdf = f' · <a href="{name}.pdf">PDF</a>' if has_pdf else ""
        entries.append(
            f'<li><h2><a href="{name}.html">{title}</a></h2>'
            f"<p>{verdict(notebook)}{pdf}</p>"
            f'<a href="{name}.html"><img src="{picture}" alt="شکل نمونۀ «{title}»"></a></li>'
        )
    (BUILD / "index.html").write_text(INDEX.format("\n".join(entries)), encoding="utf-8")


INDEX = """<!DOCTYPE html>
<html lang="fa" dir="rtl">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>آموزش یک شبکۀ عصبی، چهار آزمایش</title>
<style>
body {{ font-family: Vazirmatn, "Noto Sans Arabic", "DejaVu Sans", Tahoma, sans-serif;
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
{}
</ol>
</main>
</html>
"""


async def make_all(formats):
    """{name: (notebook, whether all went well)}."""
    from nn_support.parallel import cores

    side_by_side = min(cores(), len(LEADING_FIGURE))
    workers = dict.fromkeys(LEADING_FIGURE, cores() // side_by_side)
    if side_by_side < len(workers):
        workers[list(workers)[-1]] = cores()  # the last one to begin is alone in the end
    gate, context = asyncio.Semaphore(side_by_side), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(2, side_by_side), context) as pool:

        async def make(name):
            async with gate:
                notebook, error = await execute(name, workers[name])
            start, loop = time.perf_counter(), asyncio.get_running_loop()
            if error:
                print(error, file=sys.stderr)
            done = await loop.run_in_executor(pool, export, BUILD / f"{name}.ipynb", formats)
            state, seconds = "done" if done else "FAILED", time.perf_counter() - start
            print(f"{name}: {' and '.join(formats)} {state} in {seconds:.0f} s", flush=True)
            return notebook, done and not error

        return dict(zip(LEADING_FIGURE, await asyncio.gather(*map(make, LEADING_FIGURE))))


def main():
    from jupyter_fa.pdf import can_print

    from evidence import FIRST_SEED  # a bad one is refused before anything runs

    BUILD.mkdir(exist_ok=True)
    figures = Path(os.environ.get("FIGURES_DIR") or BUILD / "figures")
    os.environ["FIGURES_DIR"] = str(figures.resolve())  # for kernels run in another folder
    start, with_pdf = time.perf_counter(), can_print()
    made = asyncio.run(make_all(["html", "pdf_fa"] if with_pdf else ["html"]))
    if not with_pdf:
        print("pdf: skipped, for no Chromium, Chrome or Edge was found; install one and run again")
    notebooks = {name: notebook for name, (notebook, _) in made.items()}
    index(notebooks, with_pdf)
    if FIRST_SEED:
        print_claims(notebooks)
    print(f"build/index.html: ready after {time.perf_counter() - start:.0f} s")
    return int(not all(well for _, well in made.values()))


if __name__ == "__main__":
    sys.exit(main())
