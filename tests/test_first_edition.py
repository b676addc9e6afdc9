"""What notebooks of the first edition call; deleted with ``first_edition.py``."""

import numpy as np
import pytest

import report as r
from nn_core import History


def history(**fields):
    zeros = np.zeros((2, 3))
    names = [f for f in History.__dataclass_fields__ if f not in ("probes", "diverged_at")]
    return History(**{name: zeros for name in names} | fields, probes={})


class TestPaired:
    def test_needs_the_seeds_to_agree(self):
        first, second = np.array([1.0, 2, 3, 4, 5]), np.array([1.4, 2.5, 3.6, 4.5, 5.4])
        assert r.paired(first, second).first_is_lower
        assert r.paired(second, first).second_is_lower
        second[0] = -5.0
        assert r.paired(first, second).indistinguishable

    def test_interval_is_students_t(self):
        p = r.paired(np.array([1.0, 2, 3, 4, 6]), np.zeros(5))
        assert p.mean == pytest.approx(3.2)
        assert p.high - p.mean == pytest.approx(2.776445 * np.std([1, 2, 3, 4, 6], ddof=1) / 5**0.5)

    def test_diverged_seeds_are_infinitely_bad(self):
        good, bad = np.ones(5), np.array([np.nan] * 5)
        assert r.paired(good, bad).first_is_lower
        some = np.array([np.nan, 0, 0, 0, 0])
        assert r.paired(good, some).indistinguishable
        assert r.paired(bad, bad).indistinguishable

    def test_verdict_names_the_better_or_neither(self):
        low, high = np.arange(5.0), np.arange(5.0) + [1, 1.1, 0.9, 1, 1]
        assert r.verdict(low, high, "الف", "ب") == "الف از ب بهتر است"
        assert r.verdict(high, low, "الف", "ب") == "ب از الف بهتر است"
        assert "معناداری" in r.verdict(low, low, "الف", "ب")


def test_epochs_to_and_final_survive_runs_that_never_arrive_or_diverge():
    run = history(
        train_loss=np.array([[0.5, 0.1, 0.05], [0.5, 0.4, np.nan]]),
        test_loss=np.array([[0.5, 0.1, 0.05], [0.5, 0.4, np.nan]]),
        test_accuracy=np.array([[0.5, 0.9, 0.99], [0.5, 0.6, np.nan]]),
    )
    assert r.epochs_to(run, 0.1).tolist() == [1, np.inf]
    assert r.final(run).tolist() == [0.05, np.inf]
    assert r.errors(run).tolist() == [20, 1000]


def test_claims_that_were_added_are_in_the_table(displayed):
    claims = r.Claims()
    claims.add("ادعا", np.True_, "شاهد")
    claims.close()
    assert "| ادعا | شاهد | ✓ |" in displayed[0][0].data


def test_rate_curves():
    run = history(test_loss=np.array([[0.5, 0.1], [0.5, np.nan]]))
    ax = r.panels()[1]
    r.rate_curves(ax, {("relu", q): run for q in (0.1, 1.0)}, ["relu"])
    assert len(ax.lines) == 2
