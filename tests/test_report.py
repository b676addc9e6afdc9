"""The notebooks' door: the data with their banners, the claims, the short answer."""

import nbformat
import numpy as np
import plain
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import evidence
import report as r
from evidence import Family

NOISE = np.linspace(0.9, 1.1, 10)


class TestClaims:
    def check(self, condition, evidence="{x:.1f}", **names):
        claims = r.Claims()
        return claims, claims.check("ادعا", condition, evidence, **names or {"x": 2})

    def test_true_claim(self, displayed):
        claims, holds = self.check(np.True_)
        assert holds is True
        claims.close(number=1, never=np.inf)
        markdown, metadata = displayed[0]
        assert "| ۱ | ادعا | ۲٫۰ | ✓ |" in markdown.data
        assert metadata["claims"] == {
            "total": 1,
            "failed": 0,
            "checked": True,
            "first_seed": 0,
            "rows": [["ادعا", True]],
            "findings": {"number": 1.0},
        }

    def test_false_claim_raises_after_the_table(self, displayed):
        claims, holds = self.check(1 > 2)
        assert holds is False
        with pytest.raises(AssertionError, match="ادعا"):
            claims.close()
        assert "✗" in displayed[0][0].data

    @pytest.mark.parametrize("condition", [np.nan, 1, "yes", None, np.ones(2, bool)])
    def test_what_is_no_truth_value_never_holds(self, condition):
        assert self.check(condition)[1] is False

    @pytest.mark.parametrize(
        ("template", "value"),
        [
            ("{x:.1f}", np.nan),
            ("{x:.1f}", np.float32("nan")),
            ("{x:spread .1f}", np.array([1.0, np.nan])),
            ("{x:list .1f}", [1, float("nan")]),
        ],
    )
    def test_nan_among_the_evidence_never_holds(self, template, value):
        claims, holds = self.check(True, template, x=value)
        assert holds is False and "نامعین" in claims.rows[0][2]

    def test_what_never_happened_may_be_evidence(self):
        assert self.check(True, "{x:.1f}", x=np.inf)[1] is True

    def test_a_comparison_is_evidence(self):
        c = Family(1).compare({"adam": NOISE / 2, "sgd": np.ones(10)})
        claims, holds = self.check(c.first_lower, "{c:ratio}", c=c)
        assert holds and "برابر" not in claims.rows[0][2] and "۰٫۵۰" in claims.rows[0][2]

    def test_a_cell_that_is_run_again_replaces_its_claim(self):
        claims, _ = self.check(True)
        assert claims.check("ادعا", False, "شاهد") is False
        assert claims.rows == [("ادعا", False, "شاهد")]

    def test_stand_in_is_not_checked(self, displayed, monkeypatch):
        monkeypatch.setattr(evidence, "_source", "stand-in")
        claims, holds = self.check(False)
        claims.close()
        markdown, metadata = displayed[0]
        assert "بررسی‌نشده" in markdown.data and not metadata["claims"]["checked"] and not holds

    def test_on_other_seeds_a_lost_claim_is_marked_and_stops_nothing(self, displayed, monkeypatch):
        monkeypatch.setattr(r, "FIRST_SEED", 1000)
        claims, _ = self.check(False)
        claims.check("دیگر", True, "شاهد")
        claims.close()
        metadata = displayed[0][1]["claims"]
        assert metadata["first_seed"] == 1000 and metadata["failed"] == 1 and metadata["checked"]
        assert metadata["rows"] == [["ادعا", False], ["دیگر", True]]


class TestOpening:
    @pytest.fixture(autouse=True)
    def data(self, monkeypatch):
        small = plain.small_data(m=20)
        many = np.resize(small.y_train, (r.TEST_IMAGES, 1))
        opened = small._replace(x_test=np.resize(small.x_train, (2000, 6)), y_test=many)
        opened = opened._replace(source="Fashion-MNIST")
        monkeypatch.setattr(r.nn, "load_data", lambda: opened)
        return opened

    def test_the_report_itself_says_nothing(self, displayed):
        assert r.open_data().source == "Fashion-MNIST" and not displayed

    def test_other_seeds_are_said_at_the_top(self, displayed, monkeypatch):
        monkeypatch.setattr(r, "FIRST_SEED", 1000)
        r.open_data()
        assert "بذرها از ۱٬۰۰۰ آغاز می‌شوند؛" in displayed[0][0].data

    def test_a_stand_in_is_said_at_the_top(self, data, displayed, monkeypatch):
        monkeypatch.setattr(r.nn, "load_data", lambda: data._replace(source="stand-in"))
        r.open_data()
        assert "جانشین" in displayed[0][0].data and r.stand_in()

    def test_another_number_of_test_images_is_refused(self, data, monkeypatch):
        monkeypatch.setattr(r.nn, "load_data", lambda: data._replace(y_test=data.y_test[:9]))
        with pytest.raises(ValueError, match="9 test images"):
            r.open_data()


def test_the_last_cell_writes_the_answer_at_the_top(tmp_path):
    """In a kernel, as the saved notebook has it."""
    cells = [
        new_code_cell("import report as r\nanswers = r.short_answer()"),
        new_code_cell("answers.fill(r.told('الف {x:.1f}', x=1), 'ب')"),
    ]
    notebook = new_notebook(cells=cells)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": str(evidence.ROOT / "notebooks")}},
    )
    client.execute()
    nbformat.write(notebook, tmp_path / "one.ipynb")
    first, last = nbformat.read(tmp_path / "one.ipynb", as_version=4).cells
    [output] = first.outputs
    assert output.output_type == "display_data" and not last.outputs
    assert output.metadata["answers"] == ["الف ۱٫۰", "ب"]
    assert "**پاسخ کوتاه**\n\n- الف ۱٫۰\n- ب" in output.data["text/markdown"]
