"""The presentation helpers: Persian numbers, comparisons over seeds, figures and claims."""

from dataclasses import replace

import numpy as np
import plain
import pytest

import nn_core as nn
import report as r
from nn_core import History


@pytest.fixture(autouse=True)
def captured(monkeypatch):
    """What a cell would display, as (object, metadata) pairs, on real data."""
    shown = []
    monkeypatch.setattr(r, "display", lambda obj, metadata=None: shown.append((obj, metadata)))
    monkeypatch.setattr(r, "_source", "Fashion-MNIST")
    monkeypatch.setattr(r, "_figures", [])
    return shown


def history(**fields):
    zeros = np.zeros((2, 3))
    names = [f for f in History.__dataclass_fields__ if f not in ("probes", "diverged_at")]
    return History(**{name: zeros for name in names} | fields, probes={})


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (12000, ",", "۱۲٬۰۰۰"),
        (0.125, ".3f", "۰٫۱۲۵"),
        (-1.5, ".1f", "\u2066−۱٫۵\u2069"),
        (3e-5, ".1e", "\u2066۳٫۰×۱۰⁻⁵\u2069"),
        (0.0, ".0e", "۰"),
        (float("inf"), "g", "∞"),
    ],
)
def test_numbers_are_persian(value, spec, text):
    assert r.fa(value, spec) == text


def test_percent_spread_and_listing():
    assert r.percent(0.9871) == "۹۸٫۷٪"
    assert r.spread([3.0, 1.0, 2.0], ".0f") == "۲ (۱ تا ۳)"
    assert r.listing(["الف", "ب", "پ"]) == "الف، ب و پ"
    assert r.listing(["الف"]) == "الف"


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
        assert p.high - p.mean == pytest.approx(2.776 * np.std([1, 2, 3, 4, 6], ddof=1) / 5**0.5)

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


def test_validation_split_partitions_the_training_set():
    x = np.arange(50.0).reshape(50, 1)
    data = r.nn.Dataset(x, x, x[:0], x[:0], "")
    split = r.validation_split(data, n=10)
    assert (len(split.x_train), len(split.x_test)) == (40, 10)
    assert sorted([*split.x_train[:, 0], *split.x_test[:, 0]]) == list(range(50))
    assert (split.x_train == split.y_train).all()


def figure():
    fig, axes = r.panels(1, 2)
    r.band(r.cost_axis(axes[0]), np.array([[1.0, 0.1, np.nan], [2.0, 0.2, np.nan]]), "relu")
    r.band(r.accuracy_axis(axes[1]), np.array([[0.5, 1.0], [0.5, 0.99]]), "adam")
    r.legend(fig, axes[0])
    return fig


class Kill:
    """An optimizer that sets all parameters to 0: no unit of a ReLU network ever lives again."""

    def start(self, theta):
        return lambda grad: theta.fill(0)


@pytest.fixture(scope="module")
def unhappy():
    """{name: History} of runs that diverge, die, say one number, never began; and a good one."""
    data = plain.small_data(m=60)
    good = nn.Experiment((6, 8, 8, 1), "relu", "he", nn.Adam(0.01), 3, 16, probe=r.layer_health)
    bad = {
        "batch": {"optimizer": nn.GradientDescent(1e30)},  # diverges in the first epoch
        "zeros": {"init": "zeros", "activation": "tanh"},
        "large": {"optimizer": Kill()},
        "sgd": {"l2": 1e4, "optimizer": nn.Adam(0.1), "batch_size": 1},  # shrinks to one output
        "he": {"epochs": 3},
    }
    return nn.sweep({name: replace(good, **changes) for name, changes in bad.items()}, data)


class TestUnhappyRuns:
    """Runs that went wrong pass through every plot, number and claim without a traceback."""

    def test_they_are_what_they_are_called(self, unhappy):
        assert all(unhappy["batch"].diverged_at)
        assert (unhappy["zeros"].gradient_norm == 0).all()
        assert (unhappy["large"].probes["dead"][:, -1] == 1).all()
        assert (unhappy["sgd"].test_accuracy[:, -1] == 0.5).all()

    def test_plots(self, unhappy, tmp_path, monkeypatch):
        monkeypatch.setenv("FIGURES_DIR", str(tmp_path))
        fig, axes = r.panels(2, 2)
        r.learning_curves(axes, unhappy)
        r.legend(fig, axes[0, 0])
        r.show(fig, "curves", "برداشت", "توصیف")
        fig, axes = r.panels(1, 3)
        r.rate_curves(
            axes[0], {(n, q): run for n, run in unhappy.items() for q in (0.1, 1.0)}, unhappy
        )
        for name, run in unhappy.items():
            r.band(r.cost_axis(axes[1]), run.gradient_norm[:, :, 0], name)
            r.band(axes[2], r.errors(run)[:, None] * [1, 1], name)
        r.gamma_axis(r.count_axis(axes[2]), (0.0, 1.0))
        r.show(fig, "more", "برداشت", "توصیف")
        fig, ax = r.panels()
        r.band(r.cost_axis(ax), unhappy["zeros"].gradient_norm[:, :, 0])  # nothing but zeros
        r.show(fig, "zeros", "برداشت", "توصیف")
        assert {file.stem for file in tmp_path.iterdir()} == {"curves", "more", "zeros"}

    def test_numbers_and_claims(self, unhappy, captured):
        claims = r.Claims()
        for name, run in unhappy.items():
            numbers = [r.final(run), r.errors(run), r.epochs_to(run, 0.01), r.late(run)]
            numbers += [r.late_errors(run), run.gradient_norm[:, -1, 0]]
            for values in numbers:
                against = r.final(unhappy["he"])
                text = r.spread(values) + r.spread_percent(values)
                text += r.verdict(values, against, name, "He")
                claims.add(name, r.paired(values, against).indistinguishable, text)
        with pytest.raises(AssertionError, match="batch"):
            claims.close(worst=r.final(unhappy["batch"]).max())
        assert captured[-1][1]["claims"]["total"] == 6 * len(unhappy)
        assert r.verdict(r.final(unhappy["batch"]), r.final(unhappy["he"]), "الف", "He").startswith(
            "He"
        )


class TestShow:
    def test_same_figure_same_file_with_alt_and_number(self, tmp_path, monkeypatch, captured):
        monkeypatch.setenv("FIGURES_DIR", str(tmp_path))
        files = []
        for _ in range(2):
            r.show(figure(), "x", "برداشت", "توصیف")
            files.append((tmp_path / "x.png").read_bytes())
        assert files[0] == files[1]
        image, caption = captured[0][0], captured[1][0]
        assert image._repr_mimebundle_()[1]["image/png"]["alt"] == "توصیف"
        assert "**شکل ۱ —** برداشت" in caption.data and 'dir="rtl"' in caption.data

    def test_a_stand_ins_figures_stay_out_of_figures(self, tmp_path, monkeypatch):
        monkeypatch.delenv("FIGURES_DIR", raising=False)
        monkeypatch.setattr(r, "ROOT", tmp_path)
        monkeypatch.setattr(r, "_source", "stand-in")
        fig = figure()
        r.show(fig, "x", "برداشت", "توصیف")
        assert not (tmp_path / "figures").exists()
        assert (tmp_path / "build" / "figures-stand-in" / "x.png").exists()
        assert any("جانشین" in text.get_text() for text in fig.texts)

    def test_axes_carry_persian_digits(self, tmp_path, monkeypatch):
        monkeypatch.setenv("FIGURES_DIR", str(tmp_path))
        fig = figure()
        r.show(fig, "x", "برداشت", "توصیف")
        labels = [t.get_text() for ax in fig.axes for t in ax.get_yticklabels() if t.get_text()]
        assert labels and not any(c in "0123456789" for text in labels for c in text)


class TestClaims:
    def close(self, holds):
        claims = r.Claims()
        claims.add("ادعا", holds, "شاهد")
        claims.close(number=1)

    def test_true_claim(self, captured):
        self.close(np.True_)
        markdown, metadata = captured[0]
        assert "✓" in markdown.data and "✗" not in markdown.data
        assert metadata["claims"]["failed"] == 0 and metadata["claims"]["findings"]["number"] == 1

    def test_false_claim_raises_after_the_table(self, captured):
        with pytest.raises(AssertionError, match="ادعا"):
            self.close(False)
        assert "✗" in captured[0][0].data

    def test_stand_in_is_not_checked(self, captured, monkeypatch):
        monkeypatch.setattr(r, "_source", "stand-in")
        self.close(False)
        markdown, metadata = captured[0]
        assert "بررسی‌نشده" in markdown.data and not metadata["claims"]["checked"]
