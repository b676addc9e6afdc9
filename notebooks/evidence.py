"""The protocol: what a comparison must do before a sentence may say "lower" or "the same".

Seeds come from here and from nowhere else; rates are chosen here, by one rule; costs are judged
here, by one number a seed; verdicts are decided here, with one interval each. Nothing is drawn or
worded here: an outcome is data, ``persian`` words it and ``figures`` draws it.

>>> choices = choose({"adam": lambda rate: experiment(nn.Adam(rate))}, validation_split(data), 1e-3)
>>> runs = nn.sweep({"adam": experiment(nn.Adam(choices["adam"].value)), …}, data, seeds())
>>> family = Family(12)                                     # at the top: 12 verdicts will be made
>>> v = family.compare({"adam": late(runs["adam"]), "sgd": late(runs["sgd"])}, margin=1.1)
>>> v.outcome, v.estimate, v.low, v.high
"""

import math
import os
import sys
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import inf
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [p for p in (str(ROOT), str(ROOT / "data")) if p not in sys.path]

import nn_core as nn  # noqa: E402
from nn_support.history import evaluate  # noqa: E402

TEST_IMAGES = 2000  # as the assignment has it; every sentence counts errors out of these


def _refuse_unless(ok, argument, value, allowed):
    if not ok:
        raise ValueError(f"{argument} is {value!r}; allowed: {allowed}")


# -------------------------------------------------------------------- seeds

_SELECTION = 10**9  # where the seeds of selection begin


def first_seed(setting):
    """The whole number that FIRST_SEED's text stands for; 0 where it is empty or not set."""
    text = (setting or "0").strip()
    ok = text.isascii() and text.isdecimal() and int(text) < _SELECTION
    _refuse_unless(ok, "FIRST_SEED", setting, "a whole number from 0 to 999999999")
    return int(text)


FIRST_SEED = first_seed(os.environ.get("FIRST_SEED"))


def seeds(n=10):
    """The seeds of a comparison: FIRST_SEED, FIRST_SEED + 1, …; ten for a verdict."""
    return range(FIRST_SEED, FIRST_SEED + n)


def selection_seeds(n=3):
    """The seeds on which rates are chosen; no comparison has them, whatever FIRST_SEED is."""
    return range(_SELECTION + FIRST_SEED, _SELECTION + FIRST_SEED + n)


def rng(purpose, seed=0):
    """A Generator of its own for each purpose (and seed): splits, subsets, label noise, toy data.

    >>> rng("wrong labels", seed).permutation(300)
    """
    words = FIRST_SEED, zlib.crc32(purpose.encode()), seed
    return np.random.default_rng(np.random.SeedSequence(words))


def validation_split(data, n=2000):
    """The training set alone, cut in two: what is chosen is chosen on n of its images.

    Returns a Dataset whose test part is the validation part; the test set is not in it.
    """
    size = len(data.x_train)
    _refuse_unless(0 < n < size, "n", n, f"1 to {size - 1}")
    order = rng("validation split").permutation(size)
    fit, held = order[:-n], order[-n:]
    return data._replace(
        x_train=data.x_train[fit],
        y_train=data.y_train[fit],
        x_test=data.x_train[held],
        y_test=data.y_train[held],
    )


_source = None  # of the data that the report has opened


def opened(data):
    """Note what the report's numbers are about, and return it."""
    global _source
    _source = data.source
    return data


def stand_in():
    """Whether the data last opened are the stand-in."""
    return _source == "stand-in"


def trial():
    """What sets this run apart from the committed report, as a file's name says it; or None."""
    return "stand-in" if stand_in() else f"seed-{FIRST_SEED}" if FIRST_SEED else None


# ------------------------------------------------------ the judged quantity


def late(history, field="test_loss", rows=5):
    """The median over the last ``rows`` epochs, one value a seed: what every comparison judges.

    A run that diverged has an infinite cost, and the accuracy ½ of a coin. Row 0, before
    training, never counts: of fewer epochs, all are taken. ValueError for what the run left out.
    """
    values = getattr(history, field)[:, 1:][:, -rows:]
    _refuse_unless(values.shape[1], "history", "a run of 0 epochs", "1 epoch or more")
    survived = [at is None for at in history.diverged_at]
    left_out = np.isnan(values[survived]).any()
    _refuse_unless(not left_out, "field", field, f"what the run measured in its last {rows} epochs")
    middle = np.median(values, axis=1)
    return np.where(np.isnan(middle), 0.5 if field.endswith("accuracy") else inf, middle)


def late_errors(history, field="test_accuracy", images=TEST_IMAGES, rows=5):
    """The same of misclassified images; half of them for a run that diverged and knows nothing."""
    return np.rint((1 - late(history, field, rows)) * images)


# ------------------------------------------------------- choosing a rate, γ


def half_decade(k):
    """The grid: … 0.1 (k = −2), 0.3, 1 (k = 0), 3, 10 …"""
    return float(f"{(1, 3)[k % 2]}e{k // 2}")


def nearest(value):
    """The k whose half-decade is nearest to a positive value."""
    _refuse_unless(0 < value < inf, "start", value, "positive numbers")
    k = 2 * math.floor(math.log10(value))
    return min(range(k - 1, k + 4), key=lambda i: abs(math.log(half_decade(i) / value)))


@dataclass(frozen=True)
class Choice:
    """What was chosen for one method, and the curve of late validation cost that chose it."""

    value: float  # the chosen rate (or γ): the lowest mean log cost
    edge: str | None  # None: the best is inside; else where the search gave up: low, high, flat
    rates: tuple  # every value tried, ascending
    costs: np.ndarray  # (rates, seeds): late cost; infinite where it diverged
    runs: dict  # {value: History}

    @property
    def inside(self):
        return self.edge is None

    @property
    def best(self):
        """The index of ``value`` in ``rates``."""
        return self.rates.index(self.value)

    @property
    def mean_log(self):
        """What each value was judged by, (rates,): the mean log cost over the seeds."""
        return _log(self.costs).mean(axis=1)

    @property
    def best_positive(self):
        """The best of the values other than 0."""
        return min(filter(None, self.rates), key=dict(zip(self.rates, self.mean_log)).get)


def choose(
    methods,
    data,
    start,
    zero=False,
    reach=8,
    seeds=selection_seeds(),  # noqa: B008, a range
    rows=5,
    run=nn.sweep,
):
    """Choose each method's rate (or γ) by the one rule: the lowest mean log late cost.

    methods : {name: function of the value that gives an Experiment}
    data : a validation_split
    start : where the half-decade grid begins, with a neighbour on either side: a value, or a pair
        (every half-decade from the one to the other is run); {name: start} where methods differ
    seeds : on which all is run; {name: seeds} where methods differ
    zero : also try 0, which is no neighbour of anything (for γ)
    reach : how many half-decades beyond the start the grid may grow on either side
    rows : how many last epochs are judged, as in ``late``
    run : what trains the Experiments

    A method's grid grows until its best point has worse ones on either side: where an end is as
    good as the best (by a thousandth), it goes on; a rate that diverged is worse than any. What is
    new for all methods of equal seeds is trained in one sweep a round, and measured in its last
    ``rows`` epochs alone. Returns {name: Choice}.
    """
    starts, each = (
        given if isinstance(given, Mapping) else dict.fromkeys(methods, given)
        for given in (start, seeds)
    )
    spans = {
        name: sorted({nearest(v) for v in np.ravel(starts[name]).tolist()}) for name in methods
    }
    limits = {name: (span[0] - reach, span[-1] + reach) for name, span in spans.items()}
    new = {name: set(range(span[0] - 1, span[-1] + 2)) for name, span in spans.items()}
    runs = {name: {} for name in methods}
    while any(new.values()):
        jobs = {(name, half_decade(k)): (name, k) for name, ks in new.items() for k in ks}
        if zero and not any(runs.values()):
            jobs |= {(name, 0.0): (name, None) for name in methods}
        experiments = {job: replace(methods[job[0]](job[1]), late=rows) for job in jobs}
        trained = {}
        for some in dict.fromkeys(tuple(each[name]) for name, _ in jobs):
            part = {job: e for job, e in experiments.items() if tuple(each[job[0]]) == some}
            trained |= run(part, data, some)
        for job, (name, k) in jobs.items():
            runs[name][k] = trained[job]
        scores = {n: {k: _score(h, rows) for k, h in runs[n].items()} for n in methods}
        new = {name: _wanted(scores[name], *limits[name]) for name in methods}
    return {name: _choice(runs[name], scores[name], rows) for name in methods}


def _score(history, rows):
    return float(np.mean(_log(late(history, rows=rows))))


def _log(costs):
    """log, of a cost that float32 can tell from 0."""
    return np.log(np.maximum(costs, 1e-15))


def _open_sides(scores):
    """Where a grid {k: score} may still hold something better: (below, above) its ends.

    That is where an end is the best point or as good as it; but not above a rate that diverged,
    nor between 0, if it was tried, and a worse end.
    """
    ks = sorted(k for k in scores if k is not None)
    low, high = scores[ks[0]], scores[ks[-1]]
    good = min(scores[k] for k in ks) + 1e-3
    return low <= good and not low >= scores.get(None, np.nan), high <= good and high < inf


def _wanted(scores, lowest, highest):
    """The next half-decades to try, within the limits."""
    ks = [k for k in scores if k is not None]
    ends = zip(_open_sides(scores), (min(ks) - 1, max(ks) + 1))
    return {k for is_open, k in ends if is_open and lowest <= k <= highest}


_EDGES = {(False, False): None, (True, False): "low", (False, True): "high", (True, True): "flat"}


def _choice(runs, scores, rows):
    value = {k: 0.0 if k is None else half_decade(k) for k in runs}
    ks = sorted(runs, key=value.get)
    costs = np.stack([late(runs[k], rows=rows) for k in ks])
    best = min(ks, key=scores.get)
    by_value = {value[k]: runs[k] for k in ks}
    return Choice(value[best], _EDGES[_open_sides(scores)], tuple(by_value), costs, by_value)


def carry(gamma, m_from, m_to):
    """γ for another number of images: the cost has γ/m, which is held constant."""
    return gamma * m_to / m_from


# ---------------------------------------------------------------- intervals


def t_within(t, df):
    """P(|T| ≤ t) of Student's t with a whole number of degrees of freedom.

    The finite sums of Abramowitz & Stegun, 26.7.3 and 26.7.4, in θ = arctan(t/√df).
    """
    theta = math.atan(t / math.sqrt(df))
    cos, odd = math.cos(theta), df % 2
    term, total = (cos if odd else 1.0), 0.0
    for k in range(1 + odd, df, 2):
        total += term
        term *= cos**2 * k / (k + 1)
    total *= math.sin(theta)
    return 2 / math.pi * (theta + total) if odd else total


def t_quantile(level, df):
    """The t with P(|T| ≤ t) = level, by bisection: 2.262 for 0.95 and 9."""
    low, high = 0.0, 1.0
    while t_within(high, df) < level:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_within(middle, df) < level else (low, middle)
    return high


def interval(differences, alpha=0.05):
    """(estimate, low, high, p) of paired differences: the mean with Student's interval.

    Where a difference is infinite (a run diverged) or all are equal, the mean or its spread
    says nothing; then it is the median with the interval of the sign test, which is unbounded
    if there are too few seeds for the level. In both, 0 lies outside exactly if p ≤ alpha.
    """
    d = np.sort(np.asarray(differences, float))
    n, scale = len(d), np.abs(d).max()
    if np.isfinite(scale) and np.ptp(d) > 1e-9 * scale:
        mean, error = d.mean(), d.std(ddof=1) / math.sqrt(n)
        half = t_quantile(1 - alpha, n - 1) * error
        return mean, mean - half, mean + half, 1 - t_within(abs(mean) / error, n - 1)
    tail = np.cumsum([math.comb(n, i) for i in range(n + 1)]) / 2**n  # P(at most i heads of n)
    k = int(np.count_nonzero(2 * tail[: n // 2] <= alpha))
    middle = d[[(n - 1) // 2, n // 2]]
    median = 0.0 if middle[0] == -inf and middle[1] == inf else middle.mean()
    p = min(1.0, 2 * tail[n - max((d > 0).sum(), (d < 0).sum())])
    return median, d[k - 1] if k else -inf, d[n - k] if k else inf, p


# ----------------------------------------------------------------- verdicts

LOWER, SAME, UNDECIDED = "lower", "same", "undecided"


@dataclass(frozen=True)
class Comparison:
    """Two methods over paired seeds; ``first/second`` of costs or ``first − second`` of counts.

    Three outcomes. SAME: the whole interval lies within the margin, which was named beforehand
    as what does not matter, so it comes before LOWER. LOWER: the interval leaves out equality;
    ``first_lower`` and ``second_lower`` say whose. UNDECIDED: neither.
    """

    first: str
    second: str
    of: str | None  # what was compared, for the sentence
    ratio: bool
    estimate: float
    low: float
    high: float
    p: float
    margin: float | None  # a ratio above 1, or a number of errors
    level: float  # of all intervals of the family together
    n: int  # seeds

    @property
    def same(self):
        lowest = None if self.margin is None else 1 / self.margin if self.ratio else -self.margin
        return lowest is not None and bool(lowest <= self.low and self.high <= self.margin)

    @property
    def first_lower(self):
        return not self.same and bool(self.high < self.ratio)  # equality: a ratio of 1, or 0

    @property
    def second_lower(self):
        return not self.same and bool(self.low > self.ratio)

    @property
    def undecided(self):
        return self.outcome == UNDECIDED

    @property
    def outcome(self):
        lower = self.first_lower or self.second_lower
        return SAME if self.same else LOWER if lower else UNDECIDED

    def turned(self):
        """The same comparison seen from the second."""
        ends = self.estimate, self.low, self.high
        with np.errstate(divide="ignore"):
            estimate, high, low = 1 / np.array(ends) if self.ratio else -np.array(ends)
        ends = dict(estimate=float(estimate), low=float(low), high=float(high))
        return replace(self, first=self.second, second=self.first, **ends)


class Family:
    """The verdicts of a notebook, whose intervals hold all together with 95 %.

    size : how many will be made, said at the top of the notebook, so that a sentence in its
        middle has its final interval; one more is an error. The 95 % are shared out equally
        (Bonferroni): intervals and decisions agree, and Holm's procedure, which has no interval
        until the last verdict is in, confirms each of them (``holm``). Where a run diverged, ten
        seeds can decide in a family of at most 25 (the sign test's least p is 2⁻⁹).

    A comparison made again (a cell run twice) takes the place of the first.
    """

    def __init__(self, size, level=0.95):
        _refuse_unless(isinstance(size, int) and size > 0, "size", size, "a whole number above 0")
        _refuse_unless(0 < level < 1, "level", level, "a number in (0, 1)")
        self.size, self.level, self.made = size, level, {}

    def compare(self, values, of=None, margin=None, ratio=True):
        """Compare two methods, seed by seed, and decide.

        values : {first: values, second: values}, one value a seed, in the same order; a single
            number in place of the second's compares with a constant
        of : what the values are, in Persian: "هزینۀ آزمون"
        margin : for SAME: a ratio above 1 (1.1), or a number of errors with ratio=False
        ratio : compare logs of positive costs; False: differences of counts

        NaN counts as infinitely bad; where both are, they are equal.
        """
        _refuse_unless(len(values) == 2, "values", list(values), "two methods")
        (first, second), key = values, (*values, of, ratio)
        allowed = "a number above 1" if ratio else "a number above 0"
        _refuse_unless(margin is None or margin > ratio, "margin", margin, allowed)
        a, b = np.broadcast_arrays(*(np.asarray(v, float) for v in values.values()))
        a, b = (np.where(np.isnan(v), inf, v) for v in (a, b))
        _refuse_unless(a.ndim == 1 and len(a) > 1, "values", a.shape, "2 or more seeds")
        _refuse_unless(not ratio or min(a.min(), b.min()) >= 0, "values", values, "costs from 0 up")
        if key not in self.made and len(self.made) == self.size:
            raise ValueError(f"verdict {self.size + 1} of a family of {self.size}; declare more")
        if ratio:
            a, b = _log(a), _log(b)
        with np.errstate(invalid="ignore"):
            difference = np.where(a == b, 0.0, a - b)
        *ends, p = interval(difference, (1 - self.level) / self.size)
        estimate, low, high = (float(np.exp(e) if ratio else e) for e in ends)
        made = Comparison(
            *(first, second, of, ratio, estimate, low, high, float(p)),
            *(margin, self.level, len(difference)),
        )
        self.made[key] = made
        return made

    def against(self, base, values, **options):
        """{name: its comparison with ``base``} for every other name in ``values``."""
        pairs = {n: {n: v, base: values[base]} for n, v in values.items() if n != base}
        return {name: self.compare(pair, **options) for name, pair in pairs.items()}

    def holm(self):
        """Holm's adjusted p of each verdict, in the order made, for the declared size."""
        p = np.array([c.p for c in self.made.values()])
        order = np.argsort(p, kind="stable")
        adjusted = np.empty_like(p)
        steps = (self.size - np.arange(len(p))) * p[order]
        adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
        return adjusted


# ------------------------------------------------------------ time to a cost


def ladder(last, ratio=1.1):
    """Numbers of updates from 1 to ``last``: a step is one update, or ``ratio`` if that is more."""
    rungs = [1]
    while rungs[-1] < last:
        rungs.append(min(last, max(rungs[-1] + 1, math.floor(rungs[-1] * ratio))))
    return rungs


class _Stop(Exception):
    pass


def watch(experiment, data, seed, look):
    """Train as ``experiment.run`` does, calling ``look(t, theta, seconds)`` after every update t.

    It ends early when ``look`` returns True. ``seconds`` are those of training: the clock stands
    while ``look`` goes on, and nothing is evaluated before the end. Returns whether it ended early.
    """
    t, seconds, since = 0, 0.0, 0.0

    def start(theta):
        nonlocal since
        inner, since = experiment.optimizer.start(theta), time.perf_counter()

        def step(grad):
            nonlocal t, seconds, since
            inner(grad)
            t, seconds = t + 1, seconds + time.perf_counter() - since
            if look(t, theta, seconds):
                raise _Stop
            since = time.perf_counter()

        return step

    rule = SimpleNamespace(start=start)
    try:
        replace(experiment, optimizer=rule, probe=None, late=1).run(data, seed)
    except _Stop:
        return True
    return False


@dataclass(frozen=True)
class Times:
    """When a cost was first reached, one value a seed; infinite where it never was.

    ``before`` is the last rung of the ladder at which it was not yet reached: the truth lies
    between ``before`` and ``updates``.
    """

    updates: np.ndarray
    before: np.ndarray
    epochs: np.ndarray
    seconds: np.ndarray

    def span(self, clock="updates"):
        """(low, high): between these lies the median over seeds, on one of the three clocks."""
        high = np.median(getattr(self, clock))
        ends = np.median(self.before), np.median(self.updates)
        return (high * ends[0] / ends[1] if high < inf else inf), high


def time_to_cost(experiment, data, seed, cost, rungs=None):
    """(updates, before, epochs, seconds) until the cost of the whole training set is ``cost``.

    It is looked at on every rung (default: ``ladder`` to the experiment's end), for every method
    alike; infinite if it is never that low there.
    """
    per_epoch = -(-len(data.x_train) // (experiment.batch_size or len(data.x_train)))
    rungs = list(rungs or ladder(experiment.epochs * per_epoch))
    net, wanted, found, before = experiment.network(seed), set(rungs), [], 0

    def look(t, theta, seconds):
        nonlocal before
        if t not in wanted:
            return False
        net.theta[...] = theta
        if evaluate(net, data.x_train, data.y_train, most=cost)[0] <= cost:
            found.extend((t, before, t / per_epoch, seconds))
            return True
        before = t
        return t == rungs[-1]

    watch(experiment, data, seed, look)
    return tuple(found) or (inf, inf, inf, inf)


@dataclass(frozen=True)
class _TimeTo(nn.Experiment):
    """An experiment for ``nn.sweep`` whose history is but its time to a cost, as a probe."""

    cost: float = 0.0
    rungs: tuple | None = None

    def run(self, data, seed):
        plain = nn.Experiment(**{f.name: getattr(self, f.name) for f in fields(nn.Experiment)})
        reached = time_to_cost(plain, data, seed, self.cost, self.rungs)
        few = data._replace(**{k: v[:2] for k, v in data._asdict().items() if k != "source"})
        history = replace(plain, epochs=0, probe=None).run(few, seed)
        history.probes["reached"] = np.array(reached)
        return history


def times_to_cost(experiments, data, cost, seeds=seeds(), rungs=None):  # noqa: B008, a range
    """``time_to_cost`` of {name: Experiment} on all seeds, in parallel: {name: Times}."""
    jobs = {
        name: _TimeTo(**vars(e), cost=cost, rungs=rungs and tuple(rungs))
        for name, e in experiments.items()
    }
    runs = nn.sweep(jobs, data, seeds)
    return {name: Times(*run.probes["reached"].T) for name, run in runs.items()}


def resolved(first, second, clock="updates"):
    """Whether the ladder tells two Times apart: their spans do not overlap.

    Where it does not, the text names no order.
    """
    (low, high), (other_low, other_high) = first.span(clock), second.span(clock)
    return bool(high <= other_low or other_high <= low) and min(high, other_high) < inf
