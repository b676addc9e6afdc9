"""What ``make words`` compares: the words of a sentence, not its numbers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from nbval.plugin import get_sanitize_patterns

from persian import fa, percent, power_of_ten, spread

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "tests" / "words.cfg"
PATTERNS = get_sanitize_patterns(CONFIG.read_text(encoding="ascii"))


def words(text):
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    "one, other",
    [
        (fa(7), fa(12_345)),
        (fa(0.5, ".2f"), fa(-0.25, ".3f")),
        (fa(0.01, "+.1f"), fa(-0.01, "+.1f")),
        (fa(3e-5, ".1e"), fa(0, ".1e")),
        (fa(3e-5, ".1e"), fa(-4e12, ".0e")),
        (power_of_ten(-3), power_of_ten(1)),
        (percent(0.5), percent(1, 0)),
        (spread([1, 2, 3]), spread([2, 2, 2])),
        (spread([0.1, 0.2], "%1"), spread([0.1, 0.1], "%1")),
        ("1.5e-05", "22"),
        ("٣٫٥", "۳٫۵"),
    ],
)
def test_numbers_are_left_out(one, other):
    assert words(f"هزینه {one} است.") == words(f"هزینه {other} است.")


@pytest.mark.parametrize(
    "one, other",
    [
        ("۳ کمتر از ۴ است", "۳ بیشتر از ۴ است"),
        ("برقرار است (۱۰ بذر)", "برقرار نیست (۱۰ بذر)"),
        ("میانۀ ۳ (۲ تا ۴)", "میانۀ ۳ (۲ و ۴)"),
        ("∞", "۷"),
        ("**پاسخ کوتاه** الف", "**پاسخ کوتاه** ب"),
    ],
)
def test_words_are_not(one, other):
    assert words(one) != words(other)


NOTEBOOK = """
import report as r
answers = r.short_answer()
===
r.tell("{n} بذر {ok:برنده|بازنده}اند.", n=N, ok=WINS)
===
answers.fill(r.told("پاسخ {n} است: {ok:آری|نه}.", n=N, ok=WINS));
"""


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A function: which cells differ when a notebook that was run is run with other values."""
    folder = tmp_path_factory.mktemp("words")
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder / "notebooks")
    path = f"import sys; sys.path[:0] = {[str(ROOT / 'notebooks'), str(ROOT)]}\n"

    def notebook(**values):
        given = path + "".join(f"{name} = {value}\n" for name, value in values.items())
        cells = [new_code_cell(text.strip()) for text in NOTEBOOK.split("===")]
        return new_notebook(cells=[new_code_cell(given), *cells])

    def compared(before, after):
        first, second = notebook(**before), notebook(**after)
        NotebookClient(first, kernel_name="python3").execute()
        first.cells[0].source = second.cells[0].source
        nbformat.write(first, folder / "notebooks" / "one.ipynb")
        options = ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={CONFIG}", "-rf"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider", folder],
            capture_output=True,
            text=True,
        )
        assert run.returncode in (0, 1), run.stdout
        return [int(n) for n in re.findall(r"^FAILED .*::Cell (\d+)", run.stdout, re.MULTILINE)]

    return compared


def test_a_run_with_other_numbers_says_the_same(compared):
    assert compared({"N": 3, "WINS": True}, {"N": 4, "WINS": True}) == []


def test_a_run_that_says_other_words_differs_also_in_the_short_answer(compared):
    assert compared({"N": 3, "WINS": True}, {"N": 3, "WINS": False}) == [2, 3]
