"""What notebooks not yet rewritten call through ``report``; deleted with the last of them.

In its place: ``tell``, ``Family.compare``, ``choose`` and ``choice_curves``, ``late`` and
``late_errors``, ``times_to_cost``, ``Claims.check``.
"""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from evidence import TEST_IMAGES, t_quantile
from figures import STYLES, band, cost_axis, label
from persian import spread

__all__ = [
    "best_rate",
    "either",
    "epochs_to",
    "errors",
    "final",
    "paired",
    "rate_curves",
    "spread_percent",
    "verdict",
]


def spread_percent(shares, digits=1):
    """«۹۸٫۷٪ (۹۸٫۴٪ تا ۹۸٫۹٪)»."""
    return spread(shares, f"%{digits}")


@dataclass(frozen=True)
class Paired:
    """first − second over paired seeds: the mean difference and its 95 % t-interval."""

    mean: float
    low: float
    high: float

    @property
    def first_is_lower(self):
        return self.high < 0

    @property
    def second_is_lower(self):
        return self.low > 0

    @property
    def indistinguishable(self):
        return not (self.first_is_lower or self.second_is_lower)


def paired(first, second):
    """Compare two methods seed by seed (2 to 10 seeds); NaN counts as infinitely bad."""
    first, second = (np.where(np.isnan(v), inf, v) for v in (first, second))
    with np.errstate(invalid="ignore"):
        difference = np.where(first == second, 0.0, first - second)
    n, mean = len(difference), float(np.mean(difference))
    if not np.isfinite(mean):
        same = np.all(difference > 0) or np.all(difference < 0)
        return Paired(mean, mean if same else -inf, mean if same else inf)
    half = t_quantile(0.95, n - 1) * float(np.std(difference, ddof=1)) / sqrt(n)
    return Paired(mean, mean - half, mean + half)


def verdict(first, second, name_first, name_second, lower="بهتر"):
    """A sentence on which of two is ``lower`` (better, if the values are costs), or neither."""
    p = paired(first, second)
    if p.indistinguishable:
        return f"میان {name_first} و {name_second} تفاوت معناداری دیده نشد"
    better, other = (name_first, name_second) if p.first_is_lower else (name_second, name_first)
    return f"{better} از {other} {lower} است"


def errors(history):
    """Misclassified test images after training, one number a seed; half of them if it diverged."""
    share = 1 - history.test_accuracy[:, -1]
    return np.rint(np.where(np.isnan(share), 0.5, share) * TEST_IMAGES)


def final(history, field="test_loss"):
    """The last row of a field, one value a seed; infinite for a run that diverged."""
    values = getattr(history, field)[:, -1]
    return np.where(np.isnan(values), inf, values)


def epochs_to(history, cost, field="train_loss"):
    """The first epoch whose cost is at most ``cost``, one a seed; infinite if it never is."""
    reached = getattr(history, field) <= cost
    return np.where(reached.any(axis=1), reached.argmax(axis=1), inf)


def best_rate(runs):
    """{rate: History} → the rate with the lowest median final validation cost."""
    return min(runs, key=lambda rate: np.median(final(runs[rate])))


def rate_curves(ax, runs, names):
    """Final validation cost against rate: {(name, rate): History}; a ring marks each best rate."""
    for name in names:
        by_rate = {rate: run for (n, rate), run in runs.items() if n == name}
        rates = sorted(by_rate)
        values = np.stack([np.minimum(final(by_rate[rate]), 0.5) for rate in rates], axis=1)
        band(ax, values, name, x=rates)
        best = rates.index(best_rate(by_rate))
        ax.plot(rates[best], np.median(values[:, best]), "o", mfc="none", color=STYLES[name][0])
    ax.set_xscale("log")
    return label(cost_axis(ax), x="نرخ یادگیری", y="هزینۀ اعتبارسنجی")


def either(condition, yes, no=""):
    """The half of a sentence that the numbers bear out."""
    return yes if condition else no
