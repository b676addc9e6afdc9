"""The committed notebooks: executed, right-to-left, short cells, no measured number in prose."""

import json
import re
from itertools import pairwise, zip_longest
from pathlib import Path

import pytest
from conditions import faults, only_tells, own_seeds

import readme

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PERSIAN = re.compile(r"[\u0600-\u06ff]")
# A decimal or a percentage in Persian or Latin digits.
MEASURED = re.compile(r"[۰-۹0-9]+[٫.][۰-۹0-9]+٪?|[۰-۹0-9]+[٪%]")
# Such numbers that are not results: they are textbook constants or were chosen by us.
CONSTANTS = {
    "01_activations": {"۵۰٪", "۷۵٪", "۹۵٪", "۹۹٪", "۰٫۱", "0.01"},
    "02_initialization": {"1708.07747"},
    "03_optimizers": {
        *("۰٫۹", "0.9", "۰٫۹۹۹", "۹۹۹۰٪", "۹۹٫۹٪", "0.1", "0.001", "3.2"),  # β and what follows
        *("۰٫۰۲", "۰٫۰۵", "۰٫۱", "۰٫۰۱", "۰٫۰۰۱", "۰٫۰۲۶", "۰٫۰۳", "۰٫۳", "۱۲٫۵", "۹۵٪", "۹۹٪"),
    },
    "04_regularization": {"۹۵٪", "۹۹٪", "۰٫۴"},
}

# The notebooks that state nothing which no claim checks (``conditions`` says what that means).
REWRITTEN = ["01_activations", "02_initialization", "03_optimizers", "04_regularization"]


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def test_there_are_four():
    assert [path.stem for path in NOTEBOOKS] == list(CONSTANTS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebook:
    def test_prose_quotes_no_measured_number(self, path):
        found = {n for cell in cells(path, "markdown") for n in MEASURED.findall(source(cell))}
        assert found <= CONSTANTS[path.stem]

    def test_persian_is_right_to_left_and_spelled_with_persian_letters(self, path):
        for cell in cells(path, "markdown"):
            text = source(cell)
            assert not PERSIAN.search(text) or text.startswith('<div dir="rtl">\n\n'), text[:80]
            assert not re.search("[يك]|ه\u0654", text), text[:80]

    def test_one_title_and_no_skipped_heading_level(self, path):
        text = "\n".join(source(cell) for cell in cells(path, "markdown"))
        levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
        assert levels.count(1) == 1 and levels[0] == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))

    def test_code_cells_are_short(self, path):
        lengths = [
            sum(bool(line.strip()) for line in source(cell).splitlines())
            for cell in cells(path, "code")
        ]
        assert max(lengths) <= 15

    def test_every_seed_is_the_reports(self, path):
        found = [(cell["id"], own_seeds(source(cell))) for cell in cells(path, "code")]
        assert not [fault for fault in found if fault[1]]

    def test_in_a_rewritten_notebook_every_stated_result_is_checked(self, path):
        found = faults([source(cell) for cell in cells(path, "code")])
        assert path.stem not in REWRITTEN or not found, "\n".join(found)

    def test_in_a_rewritten_notebook_cells_are_shorter_and_those_that_only_tell_folded(self, path):
        for cell in cells(path, "code") if path.stem in REWRITTEN else []:
            lines = [line for line in source(cell).splitlines() if line.strip()]
            assert len(lines) <= 12 and max(map(len, lines)) <= 100, source(cell)
            folded = "hide-input" in cell["metadata"].get("tags", [])
            assert folded == cell["metadata"].get("jupyter", {}).get("source_hidden", False)
            assert folded or not only_tells(source(cell)), source(cell)

    def test_executed_in_order_without_residue(self, path):
        code = cells(path, "code")
        assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
        outputs = [output for cell in code for output in cell["outputs"]]
        assert {o["output_type"] for o in outputs} <= {"display_data"}
        assert not any("application/vnd.jupyter.widget-view+json" in o["data"] for o in outputs)
        assert not any("execution" in cell["metadata"] for cell in code)

    def test_every_figure_has_alternative_text_and_a_caption(self, path):
        for cell in cells(path, "code"):
            for output, after in zip_longest(cell["outputs"], cell["outputs"][1:]):
                if "image/png" in output["data"]:
                    assert PERSIAN.search(output["metadata"]["image/png"]["alt"])
                    assert "**شکل " in "".join(after["data"]["text/markdown"])

    def test_on_real_data_every_claim_holds(self, path):
        tables = [
            output["metadata"]["claims"]
            for cell in cells(path, "code")
            for output in cell["outputs"]
            if "claims" in output["metadata"]
        ]
        assert len(tables) == 1
        assert tables[0]["checked"] and tables[0]["failed"] == 0 and tables[0]["total"] >= 6


def test_the_readmes_numbers_are_the_notebooks():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name for name, _ in readme.SLOT.findall(text)} == set(readme.findings())
    assert readme.written(text, readme.findings()) == text


def test_each_notebook_leads_to_its_neighbours_by_their_titles():
    metadata = [json.loads(path.read_text(encoding="utf-8"))["metadata"] for path in NOTEBOOKS]
    each = [{"href": p.name, "title": m["title"]} for p, m in zip(NOTEBOOKS, metadata)]
    for m, previous, following in zip(metadata, [None, *each], [*each[1:], None], strict=False):
        pages = m["jupyter-fa"]
        assert pages.get("previous") == previous and pages.get("next") == following
        assert pages["index"]["href"] == "index.html"
