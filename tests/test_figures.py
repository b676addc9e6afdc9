"""Figures: one style, Persian ticks, runs that went wrong, where files go."""

import re
from dataclasses import replace

import numpy as np
import plain
import pytest

import evidence
import figures as r
import nn_core as nn
import probes
from evidence import Choice, late_errors

pytestmark = pytest.mark.usefixtures("displayed")


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
    good = nn.Experiment(
        (6, 8, 8, 1), "relu", "he", nn.Adam(0.01), 3, 16, probe=probes.layer_health
    )
    bad = {
        "batch": {"optimizer": nn.GradientDescent(1e30)},  # diverges in the first epoch
        "zeros": {"init": "zeros", "activation": "tanh"},
        "large": {"optimizer": Kill()},
        "sgd": {"l2": 1e4, "optimizer": nn.Adam(0.1), "batch_size": 1},  # shrinks to one output
        "he": {"epochs": 3},
    }
    return nn.sweep({name: replace(good, **changes) for name, changes in bad.items()}, data)


class TestUnhappyRuns:
    """Runs that went wrong pass through every plot without a traceback."""

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
        r.show(fig, "curves", data="برداشت", alt="توصیف")
        fig, axes = r.panels(1, 3)
        choices = {
            name: Choice(0.1, "low", (0.0, 0.1, 1.0), np.stack([run.test_loss[:, -1]] * 3), {})
            for name, run in unhappy.items()
        }
        r.choice_curves(axes[0], choices)
        for name, run in unhappy.items():
            r.band(r.cost_axis(axes[1]), run.gradient_norm[:, :, 0], name)
            r.band(axes[2], late_errors(run)[:, None] * [1, 1], name)
        r.gamma_axis(r.count_axis(axes[2]), (0.0, 1.0))
        r.pictures(r.panels(1, 2)[1], np.zeros((2, 4, 4)))
        r.show(fig, "more", data="برداشت", alt="توصیف")
        fig, ax = r.panels()
        r.band(r.cost_axis(ax), unhappy["zeros"].gradient_norm[:, :, 0])  # nothing but zeros
        r.show(fig, "zeros", data="برداشت", alt="توصیف")
        assert {file.stem for file in tmp_path.iterdir()} == {"curves", "more", "zeros"}


class TestShow:
    def test_same_figure_same_file_with_alt_and_number(self, tmp_path, monkeypatch, displayed):
        monkeypatch.setenv("FIGURES_DIR", str(tmp_path))
        files = []
        for _ in range(2):
            r.show(figure(), "x", data="برداشت", alt="توصیف")
            files.append((tmp_path / "x.png").read_bytes())
        assert files[0] == files[1]
        image, caption = displayed[0][0], displayed[1][0]
        assert image._repr_mimebundle_()[1]["image/png"]["alt"] == "توصیف"
        assert "**شکل ۱ —** برداشت" in caption.data and 'dir="rtl"' in caption.data

    @pytest.mark.parametrize(
        ("state", "folder"), [(("_source", "stand-in"), "stand-in"), (("FIRST_SEED", 7), "seed-7")]
    )
    @pytest.mark.parametrize("given", [None, "figures"])
    def test_a_trials_figures_stay_out_of_figures(
        self, tmp_path, monkeypatch, state, folder, given
    ):
        monkeypatch.delenv("FIGURES_DIR", raising=False)
        if given:
            monkeypatch.setenv("FIGURES_DIR", str(tmp_path / given))
        monkeypatch.setattr(evidence, "ROOT", tmp_path)
        monkeypatch.setattr(evidence, *state)
        fig = figure()
        r.show(fig, "x", data="برداشت", alt="توصیف")
        assert not (tmp_path / "figures").exists()
        assert (tmp_path / "build" / f"figures-{folder}" / "x.png").exists()
        marked = any("جانشین" in text.get_text() for text in fig.texts)
        assert marked == (folder == "stand-in")

    def test_a_caption_is_a_takeaway_from_checked_values_and_what_was_drawn(
        self, tmp_path, monkeypatch, displayed
    ):
        monkeypatch.setenv("FIGURES_DIR", str(tmp_path))
        texts = dict(takeaway="هزینه {ok:پایین|بالا} است.", data="میانۀ {n} بذر.", alt="توصیف")
        r.show(figure(), "x", **texts, ok=True, n=10)
        assert "**شکل ۱ —** هزینه پایین است. میانۀ ۱۰ بذر." in displayed[1][0].data
        r.show(figure(), "y", data="ده نمونه.", alt="توصیف")
        assert "**شکل ۲ —** ده نمونه." in displayed[3][0].data

    def test_axes_carry_persian_digits(self, tmp_path, monkeypatch):
        monkeypatch.setenv("FIGURES_DIR", str(tmp_path))
        fig = figure()
        r.show(fig, "x", data="برداشت", alt="توصیف")
        labels = [t.get_text() for ax in fig.axes for t in ax.get_yticklabels() if t.get_text()]
        assert labels and not any(c in "0123456789" for text in labels for c in text)


def test_an_old_matplotlib_is_refused_in_one_sentence():
    with pytest.raises(
        ImportError, match=re.escape("3.10.1 draws Persian reversed; 3.11 or newer")
    ):
        r.require_matplotlib("3.10.1")
    r.require_matplotlib("3.11.0rc1")
    r.require_matplotlib("4.0")
