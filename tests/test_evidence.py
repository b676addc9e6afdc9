"""The protocol: seeds, the judged quantity, the chooser, verdicts, times to a cost."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
import plain
import pytest

import evidence
import nn_core as nn
from evidence import LOWER, SAME, UNDECIDED, Family

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def history(seeds=2, rows=3, **fields):
    names = [f for f in nn.History.__dataclass_fields__ if f not in ("probes", "diverged_at")]
    arrays = {name: np.zeros((seeds, rows)) for name in names} | fields
    diverged_at = tuple((1, 1) if np.isnan(c) else None for c in arrays["test_loss"][:, -1])
    return nn.History(**arrays, probes={}, diverged_at=diverged_at)


# -------------------------------------------------------------------- seeds


def drawn(first_seed):
    """Every seed and draw that the notebooks can get, in an interpreter with that FIRST_SEED."""
    code = (
        "import evidence as e, numpy as np, json\n"
        "x = np.arange(40.0)[:, None]\n"
        "d = e.validation_split(e.nn.Dataset(x, x, x, x, ''), 10)\n"
        "r = lambda *a: e.rng(*a).integers(0, 10**9)\n"
        "print([list(e.seeds()), list(e.selection_seeds()), d.x_test[:, 0].tolist(),"
        " int(r('toy')), int(r('toy', 1)), int(r('noise'))])"
    )
    setting = {} if first_seed is None else {"FIRST_SEED": first_seed}
    env = {k: v for k, v in os.environ.items() if k != "FIRST_SEED"} | setting
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=NOTEBOOKS, env=env, capture_output=True, text=True
    )
    if run.returncode:
        raise ValueError(run.stderr.strip().splitlines()[-1])
    return eval(run.stdout)


def test_every_seed_and_draw_shifts_with_first_seed_and_repeats():
    usual, other = drawn(None), drawn("1000")
    assert usual == drawn("0") == drawn("")
    assert usual[0] == list(range(10)) and other[0] == list(range(1000, 1010))
    assert all(a != b for a, b in zip(usual, other))
    assert len({*usual[3:], *other[3:]}) == 6


def test_no_first_seed_makes_a_comparison_meet_the_seeds_of_selection():
    most = drawn("999999989")
    assert not set(most[0]) & {*most[1], *drawn("0")[1]}


@pytest.mark.parametrize("bad", ["-1", "1.5", "a", "1000000000", "۱۰"])
def test_a_bad_first_seed_is_refused_with_what_is_allowed(bad):
    with pytest.raises(ValueError, match=f"FIRST_SEED is '{bad}'; allowed: a whole number from 0"):
        drawn(bad)


def test_validation_split_partitions_the_training_set():
    x = np.arange(50.0).reshape(50, 1)
    data = nn.Dataset(x, x, x[:0], x[:0], "")
    split = evidence.validation_split(data, n=10)
    assert (len(split.x_train), len(split.x_test)) == (40, 10)
    assert sorted([*split.x_train[:, 0], *split.x_test[:, 0]]) == list(range(50))
    assert (split.x_train == split.y_train).all()
    with pytest.raises(ValueError, match="n is 50; allowed: 1 to 49"):
        evidence.validation_split(data, n=50)


# ------------------------------------------------------ the judged quantity


def test_late_is_the_median_of_the_last_epochs_and_never_row_0():
    costs = np.array([[9.0, 5, 1, 2, 3, 4, 100], [9.0, 1, 1, 1, 1, 1, np.nan]])
    run = history(test_loss=costs, test_accuracy=1 - costs / 2000)
    assert evidence.late(run).tolist() == [3, inf]
    assert evidence.late(run, rows=50).tolist() == [3.5, inf]
    assert evidence.late_errors(run).tolist() == [3, 1000]
    with pytest.raises(ValueError, match="1 epoch or more"):
        evidence.late(history(rows=1))


@pytest.mark.parametrize(
    "field, costs", [("train_loss", [np.nan] * 3), ("test_loss", [0, np.nan, 1])]
)
def test_late_refuses_what_a_run_left_out(field, costs):
    run = history(**{field: np.array([costs, costs])})
    with pytest.raises(ValueError, match=f"field is '{field}'; allowed: what the run measured"):
        evidence.late(run, field)


# ------------------------------------------------------------- the chooser


@dataclass(frozen=True)
class Value:
    """Stands for an experiment of which ``curve`` knows the cost."""

    value: float
    late: int | None = None


def curve(cost, calls=None):
    """A ``run`` for ``choose`` that trains nothing."""

    def run(experiments, data, seeds):
        if calls is not None:
            calls.append(sorted(experiments))
        shape = len(list(seeds)), 7
        costs = {k: cost(e.value) for k, e in experiments.items()}
        return {k: history(test_loss=np.full(shape, c)) for k, c in costs.items()}

    return run


def chosen(cost, start, **options):
    run = curve(cost, options.pop("calls", None))
    return evidence.choose({"a": Value}, None, start, run=run, **options)["a"]


@pytest.mark.parametrize("start", [1e-3, 0.2, 3, 700, (0.01, 10)])
def test_the_best_rate_is_found_from_wherever_the_grid_begins(start):
    choice = chosen(lambda v: abs(np.log(v / 0.35)) + 0.01, start)
    assert choice.value == 0.3 and choice.inside
    assert choice.costs.shape == (len(choice.rates), 3) and list(choice.rates) == sorted(
        choice.runs
    )
    assert 0 < choice.best < len(choice.rates) - 1


def test_divergence_bounds_the_grid_and_is_walked_out_of():
    choice = chosen(lambda v: np.nan if v > 0.5 else 1 / v, 100)
    assert choice.value == 0.3 and choice.inside and 1.0 in choice.rates
    assert np.isinf(choice.costs[choice.rates.index(1.0)]).all()


def test_a_rate_that_diverges_on_one_seed_is_not_chosen():
    def run(experiments, data, seeds):
        costs = {job: np.full((3, 7), 1 / job[1]) for job in experiments}
        for job in costs:
            costs[job][0, -1] = np.nan if job[1] > 2 else costs[job][0, -1]
        return {job: history(test_loss=cost) for job, cost in costs.items()}

    assert evidence.choose({"a": Value}, None, 0.3, run=run)["a"].value == 1.0


def test_a_plateau_is_left_on_whichever_side_it_ends():
    assert chosen(lambda v: 0.125 if v < 50 or v > 400 else 1 / v, 0.3).value == 300
    assert chosen(lambda v: 0.25 if v > 0.02 else 0.01 + v, 0.3).value < 0.02


def test_what_never_ends_is_stopped_and_marked():
    assert chosen(lambda v: 0.125, 1).edge == "flat"
    falling = chosen(lambda v: 1 / v, 1, reach=4)
    assert (falling.edge, falling.value, falling.inside) == ("high", 100, False)
    assert chosen(lambda v: v, 1, reach=4).edge == "low"


def test_gamma_may_be_0_which_is_no_end_of_the_grid():
    choice = chosen(lambda v: 1 + v, 1, zero=True)
    assert choice.value == 0 and choice.inside and choice.rates[0] == 0 and len(choice.rates) == 4
    assert choice.best_positive == choice.rates[1] and choice.mean_log[0] == choice.mean_log.min()
    assert chosen(lambda v: 2 if not v else 1 + (np.log(v) - 3) ** 2, 1, zero=True).value == 30


def test_each_round_is_one_sweep_of_what_is_new_for_all_methods():
    calls = []
    methods = {"a": Value, "b": lambda v: Value(100 * v)}
    run = curve(lambda v: abs(np.log(v)) + 1, calls)
    choices = evidence.choose(methods, None, {"a": 1, "b": 1}, run=run)
    assert choices["a"].value == 1 and choices["b"].value == 0.01
    assert [len(call) for call in calls] == [6, 1, 1, 1, 1]
    assert len({job for call in calls for job in call}) == 10


def test_methods_may_have_seeds_of_their_own():
    calls, seeds = [], {"a": [5, 6], "b": range(7, 11), "c": [5, 6]}
    run = curve(lambda v: abs(np.log(v / (1 if v < 50 else 100))) + 1, calls)
    methods = {"a": Value, "b": lambda v: Value(100 * v), "c": Value}
    choices = evidence.choose(methods, None, 1, seeds=seeds, run=run)
    assert {name: choice.costs.shape for name, choice in choices.items()} == {
        name: (3, len(some)) for name, some in seeds.items()
    }
    assert [{name for name, _ in call} for call in calls] == [{"a", "c"}, {"b"}]


def test_choosing_with_real_runs_uses_the_seeds_of_selection():
    data = plain.small_data(m=60)
    base = nn.Experiment((6, 8, 1), "relu", "he", nn.GradientDescent(1), 6, 16)
    methods = {"gd": lambda rate: replace(base, optimizer=nn.GradientDescent(rate))}
    choice = evidence.choose(methods, data, 1, seeds=[5, 6])["gd"]
    assert choice.value in choice.rates and choice.costs.shape[1] == 2
    again = nn.sweep({"gd": methods["gd"](choice.value)}, data, [5, 6])["gd"]
    assert choice.costs[choice.best].tolist() == evidence.late(again).tolist()


def test_grid_and_carry():
    assert [evidence.half_decade(k) for k in (-3, -2, 0, 1, 2)] == [0.03, 0.1, 1, 3, 10]
    assert evidence.half_decade(evidence.nearest(0.04)) == 0.03
    assert evidence.carry(10, 10_000, 12_000) == 12
    with pytest.raises(ValueError, match=r"start is 0\.0; allowed: positive"):
        chosen(lambda v: v, 0.0)


# ---------------------------------------------------------------- intervals


@pytest.mark.parametrize(
    ("level", "df", "t"),  # two-sided, from printed tables
    [
        (0.95, 1, 12.7062),
        (0.95, 2, 4.30265),
        (0.95, 4, 2.77645),
        (0.95, 9, 2.26216),
        (0.95, 30, 2.04227),
        (0.99, 1, 63.65674),
        (0.99, 9, 3.24984),
        (0.999, 4, 8.61030),
        (0.9, 120, 1.65765),
    ],
)
def test_student_quantiles(level, df, t):
    assert evidence.t_quantile(level, df) == pytest.approx(t, rel=2e-6)
    assert evidence.t_within(t, df) == pytest.approx(level, abs=1e-6)


def test_intervals_of_a_family_hold_together():
    """95 % of 4,000 families of five have all their true ratios inside."""
    rng = np.random.default_rng(1)
    t = evidence.t_quantile(1 - 0.05 / 5, 9)
    d = rng.standard_normal((4000, 5, 10))
    inside = np.abs(d.mean(-1)) <= t * d.std(-1, ddof=1) / 10**0.5
    one = evidence.interval(d[0, 0], 0.05 / 5)
    assert one[2] - one[0] == pytest.approx(t * d[0, 0].std(ddof=1) / 10**0.5)
    assert 0.94 < inside.all(axis=1).mean() < 0.965


def test_the_sign_interval_covers_the_median_of_skewed_differences():
    rng = np.random.default_rng(2)
    d = rng.exponential(size=(2000, 10)) - np.log(2)
    d[:, 0] = np.where(rng.random(2000) < 0.5, inf, -inf)
    ends = np.array([evidence.interval(row, 0.05)[1:3] for row in d])
    assert ((ends[:, 0] <= 0) & (ends[:, 1] >= 0)).mean() > 0.95


@pytest.mark.parametrize("diverged", [0, 1, 3])
def test_intervals_and_p_always_agree(diverged):
    rng = np.random.default_rng(3)
    for _ in range(300):
        d = rng.standard_normal(10) + rng.uniform(-2, 2)
        d[:diverged] = rng.choice([inf, -inf], diverged)
        _, low, high, p = evidence.interval(d, 0.01)
        assert (low > 0 or high < 0) == (p <= 0.01)


def test_holm_keeps_the_familys_error_and_confirms_every_verdict():
    rng, wrong = np.random.default_rng(4), 0
    for _ in range(400):
        family = Family(4)
        for k, shift in enumerate((0, 0, 0, 2.0)):
            values = {"a": np.exp(rng.standard_normal(10) + shift), "b": np.ones(10)}
            family.compare(values, of=str(k))
        adjusted = family.holm()
        wrong += (adjusted[:3] <= 0.05).any()
        for p, c in zip(adjusted, family.made.values()):
            assert c.outcome != LOWER or p <= 0.05 + 1e-12
    assert wrong / 400 < 0.08


def test_holm_against_numbers_by_hand():
    family = Family(3)
    for k, scale in enumerate((8, 0.7, 3)):
        noise = np.array([1.0, -1, 0.5, -0.5, 0.2, -0.2])
        family.compare({"a": noise + scale, "b": np.zeros(6)}, of=str(k), ratio=False)
    p = [c.p for c in family.made.values()]
    assert family.holm() == pytest.approx([3 * p[0], min(1, p[1]), 2 * p[2]])


# ----------------------------------------------------------------- verdicts

NOISE = np.array([0.9, 1.1, 1.0, 0.95, 1.05, 1.02, 0.98, 0.97, 1.03, 1.0])


class TestCompare:
    def test_a_ratio_is_paired_and_geometric(self):
        second = np.geomspace(0.001, 1, 10)
        c = Family(1).compare({"a": second * NOISE / 2, "b": second})
        assert c.outcome == LOWER and c.first_lower and not c.second_lower
        assert c.estimate == pytest.approx(np.exp(np.log(NOISE / 2).mean()))
        assert c.low < c.estimate < c.high < 1
        assert c.estimate / c.low == pytest.approx(c.high / c.estimate)
        turned = c.turned()
        assert (
            turned.second_lower and turned.first == "b" and turned.low == pytest.approx(1 / c.high)
        )

    def test_the_interval_widens_with_the_family(self):
        values = {"a": NOISE, "b": np.ones(10)}
        one, twelve = (Family(n).compare(values) for n in (1, 12))
        assert twelve.low < one.low and twelve.high > one.high and twelve.p == one.p

    def test_the_same_only_within_a_margin_named_beforehand(self):
        values = {"a": NOISE, "b": np.ones(10)}
        assert Family(1).compare(values).outcome == UNDECIDED
        assert Family(1).compare(values, margin=1.1).outcome == SAME
        assert Family(1).compare(values, margin=1.01).outcome == UNDECIDED
        slight = Family(1).compare({"a": NOISE * 0.94, "b": np.ones(10)}, margin=1.15)
        assert slight.high < 1 and slight.outcome == SAME and not slight.first_lower

    def test_too_little_evidence_is_undecided_not_the_same(self):
        rng = np.random.default_rng(5)
        values = {"a": np.exp(rng.standard_normal(3)), "b": np.ones(3)}
        assert Family(1).compare(values, margin=1.1).outcome == UNDECIDED

    def test_counts(self):
        first = np.array([20, 22, 19, 21, 20, 23, 18, 20, 21, 20])
        worse = first + np.array([5, 4, 6, 5, 4, 6, 5, 4, 6, 5])
        c = Family(1).compare({"a": first, "b": worse}, ratio=False)
        assert c.estimate == -5 and c.first_lower
        same = Family(1).compare({"a": first, "b": first}, ratio=False, margin=3)
        assert (same.low, same.high, same.outcome) == (0, 0, SAME)
        assert Family(1).compare({"a": first, "b": first}, ratio=False).outcome == UNDECIDED

    def test_no_spread_at_all_needs_enough_seeds(self):
        ten = Family(1).compare({"a": np.full(10, 3.0), "b": np.full(10, 4.0)}, ratio=False)
        three = Family(1).compare({"a": np.full(3, 3.0), "b": np.full(3, 4.0)}, ratio=False)
        assert ten.outcome == LOWER and three.outcome == UNDECIDED

    def test_a_run_that_diverged_is_worse_there(self):
        good, bad, some = np.ones(10), np.full(10, np.nan), NOISE.copy()
        some[:3] = np.nan
        assert Family(1).compare({"a": good, "b": bad}).first_lower
        assert Family(1).compare({"a": bad, "b": good}).second_lower
        assert Family(1).compare({"a": bad, "b": bad}).outcome == UNDECIDED
        assert Family(1).compare({"a": good, "b": some}).outcome == UNDECIDED
        half = Family(1).compare({"a": good, "b": np.where(np.arange(10) < 3, inf, 2 * NOISE)})
        assert half.first_lower and 0.4 < half.estimate < 0.6

    def test_a_constant_and_several_at_once(self):
        assert Family(1).compare({"a": NOISE, "½": 0.5}).second_lower
        family = Family(2)
        made = family.against("c", {"a": NOISE / 3, "b": NOISE, "c": np.ones(10)}, margin=1.2)
        assert [c.outcome for c in made.values()] == [LOWER, SAME]
        assert list(made) == ["a", "b"] and made["a"].second == "c"

    def test_one_more_than_declared_is_an_error_and_the_same_again_is_not(self):
        family, values = Family(1), {"a": NOISE, "b": np.ones(10)}
        assert family.compare(values) == family.compare(values)
        with pytest.raises(ValueError, match="verdict 2 of a family of 1"):
            family.compare({"a": NOISE, "c": np.ones(10)})

    @pytest.mark.parametrize(
        ("values", "options", "message"),
        [
            ({"a": [1, 2]}, {}, "values is .*; allowed: two methods"),
            ({"a": [1], "b": [2]}, {}, "2 or more seeds"),
            ({"a": [1, -2], "b": [2, 3]}, {}, "costs from 0 up"),
            (
                {"a": [1, 2], "b": [2, 3]},
                {"margin": 0.9},
                "margin is 0.9; allowed: a number above 1",
            ),
            ({"a": [1, 2], "b": [2, 3]}, {"margin": 0, "ratio": False}, "a number above 0"),
        ],
    )
    def test_what_makes_no_comparison_is_refused(self, values, options, message):
        with pytest.raises(ValueError, match=message):
            Family(1).compare(values, **options)

    def test_a_family_has_a_size(self):
        with pytest.raises(ValueError, match="size is 0; allowed: a whole number"):
            Family(0)


# ------------------------------------------------------------ time to a cost


@pytest.fixture(scope="module")
def data():
    return plain.small_data(m=60)


EXPERIMENT = nn.Experiment((6, 8, 1), "relu", "he", nn.GradientDescent(0.5), 20, 16)


def test_ladder():
    rungs = evidence.ladder(1000)
    assert rungs[:12] == list(range(1, 13)) and rungs[-1] == 1000
    assert all(b - a == 1 or b <= 1.1 * a for a, b in pairwise(rungs))


def test_time_to_a_cost_is_that_of_the_whole_training_set(data):
    costs = []
    net = EXPERIMENT.network(3)

    def look(t, theta, seconds):
        net.theta[...] = theta
        costs.append(net.loss(data.x_train, data.y_train))
        return False

    assert not evidence.watch(EXPERIMENT, data, 3, look)
    assert costs[3::4] == pytest.approx(EXPERIMENT.run(data, 3).train_loss[1:], rel=1e-5)
    goal = costs[40]
    first = next(t for t, cost in enumerate(costs, 1) if cost <= goal)
    updates, before, epochs, seconds = evidence.time_to_cost(
        EXPERIMENT, data, 3, goal, range(1, 81)
    )
    assert (updates, before, epochs) == (first, first - 1, first / 4) and seconds > 0
    coarse = evidence.time_to_cost(EXPERIMENT, data, 3, goal, [first - 1, first + 30])
    assert coarse[:2] == (first + 30, first - 1) or costs[first + 29] > goal
    assert evidence.time_to_cost(EXPERIMENT, data, 3, 0.0) == (inf,) * 4


def test_the_cost_of_a_large_set_is_that_of_all_its_pieces():
    data, costs, net = plain.small_data(m=2500), [], EXPERIMENT.network(3)
    alike = replace(EXPERIMENT, epochs=1, batch_size=64)

    def look(t, theta, seconds):
        net.theta[...] = theta
        costs.append(net.loss(data.x_train, data.y_train))

    evidence.watch(alike, data, 3, look)
    for goal in (1.0001 * costs[9], 1.0001 * costs[25], 0.9999 * costs[25], 1.0001 * min(costs)):
        first = next((t for t, cost in enumerate(costs, 1) if cost <= goal), inf)
        assert evidence.time_to_cost(alike, data, 3, goal, range(1, 41))[0] == first


def test_times_in_parallel_are_those_of_one_after_another(data):
    wild = replace(EXPERIMENT, optimizer=nn.GradientDescent(1e30))
    batch = replace(EXPERIMENT, batch_size=None, epochs=30)
    times = evidence.times_to_cost(
        {"a": EXPERIMENT, "wild": wild, "batch": batch}, data, 0.08, seeds=[3, 4]
    )
    for i, seed in enumerate((3, 4)):
        alone = evidence.time_to_cost(EXPERIMENT, data, seed, 0.08)
        assert alone[:3] == (times["a"].updates[i], times["a"].before[i], times["a"].epochs[i])
    assert np.isinf(times["wild"].updates).all()
    assert (times["batch"].updates == times["batch"].epochs).all()


def test_no_order_below_the_resolution():
    def times(updates, before):
        e = np.array([updates, updates], float)
        return evidence.Times(e, np.array([before, before], float), e / 4, e / 100)

    a, b, c, never = times(20, 18), times(19, 17), times(25, 23), times(inf, inf)
    assert not evidence.resolved(a, b) and not evidence.resolved(a, a)
    assert evidence.resolved(a, c) and evidence.resolved(c, a, "seconds")
    assert evidence.resolved(a, never) and not evidence.resolved(never, never)
    assert a.span("epochs") == (4.5, 5)
