"""What a run leaves behind, and how a network is evaluated for it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from nn_support import checks as check


@dataclass(eq=False)
class History:
    """What a run left behind; from ``sweep`` every array has a leading axis of seeds.

    Rows are epochs, row 0 before training. A loss is the data term ½·mean squared error alone,
    the penalty stands apart; accuracies are shares in [0, 1]. A run that diverged, because a
    cost or a parameter stopped being finite, keeps the rows it had; the rest is NaN. Two
    histories are equal when all their numbers but ``seconds`` are.
    """

    train_loss: np.ndarray  # (epochs + 1,)
    test_loss: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    penalty: np.ndarray  # γ/(2m) Σ θ², m the training set's size
    gradient_norm: np.ndarray  # (epochs + 1, layers): ‖∂loss/∂W_l‖ of the data term
    seconds: np.ndarray  # cumulative training time, evaluation left out
    step_loss: np.ndarray  # (updates,): each mini-batch's cost, penalty included
    theta: np.ndarray  # the last parameters, flat
    probes: dict  # {name: (epochs + 1, …)}, what ``probe`` returned
    diverged_at: tuple | None = None  # the last (epoch, step), from 1; a tuple of these in a sweep

    @classmethod
    def _arrays(cls):
        """The names of all fields but the last two, ``probes`` and ``diverged_at``."""
        return [field.name for field in fields(cls)[:-2]]

    @classmethod
    def empty(cls, theta, layers, epochs, updates):
        """NaN everywhere but in ``seconds[0]``, which is 0; ``updates`` an epoch."""
        shapes = {name: epochs + 1 for name in cls._arrays()}
        shapes |= {"gradient_norm": (epochs + 1, layers), "step_loss": epochs * updates}
        history = cls(**{name: np.full(s, np.nan) for name, s in shapes.items()}, probes={})
        history.theta, history.seconds[0] = np.full_like(theta, np.nan), 0.0
        return history

    @classmethod
    def stack(cls, runs):
        """One History with a leading axis from several of equal shape.

        A run that ended before its first row has no probes: they are NaN.
        """
        check.that(runs, "runs", runs, "one History or more")
        arrays = {n: np.stack([getattr(run, n) for run in runs]) for n in cls._arrays()}
        none = {k: np.full_like(v, np.nan) for run in runs for k, v in run.probes.items()}
        probes = {k: np.stack([run.probes.get(k, none[k]) for run in runs]) for k in none}
        return cls(**arrays, probes=probes, diverged_at=tuple(r.diverged_at for r in runs))

    def record(self, row, net, sets, part, penalty, probe):
        """Evaluate the network and fill one row; its ``grad`` is overwritten.

        sets : {"test": (x, y), …}, whose costs and accuracies are recorded
        part : the (x, y) of ``gradient_norm`` and of the probe
        Returns whether the costs are finite; if one is not, nothing is filled.
        """
        worth = {name: evaluate(net, x, y) for name, (x, y) in sets.items()}
        if not np.isfinite([loss for loss, _ in worth.values()]).all():
            return False
        for name, values in worth.items():
            getattr(self, f"{name}_loss")[row], getattr(self, f"{name}_accuracy")[row] = values
        self.penalty[row] = penalty
        net.backprop(*part)
        norms = [np.linalg.norm(g.astype(np.float64)) for g in net.weight_grads]
        self.gradient_norm[row] = norms  # in float32 the square of 1e-23 is 0
        measured = probe(net, part[0]) if probe else {}
        check.that(isinstance(measured, Mapping), "what the probe returns", measured, "{name: …}")
        for name, value in measured.items():
            value = check.array(f"the probe's {name!r}", value, None, "an array")
            if name not in self.probes:
                self.probes[name] = np.full((len(self.seconds), *value.shape), np.nan)
            rows = self.probes[name]
            wanted = f"numbers of shape {rows.shape[1:]}"
            check.that(value.shape == rows.shape[1:], f"the probe's {name!r}", value, wanted)
            rows[row] = value
        return True

    def __eq__(self, other):
        if not isinstance(other, History):
            return NotImplemented
        if self.probes.keys() != other.probes.keys() or self.diverged_at != other.diverged_at:
            return False
        names = [name for name in self._arrays() if name != "seconds"]
        pairs = [(getattr(self, name), getattr(other, name)) for name in names]
        pairs += [(self.probes[name], other.probes[name]) for name in self.probes]
        return all(np.array_equal(mine, theirs, equal_nan=True) for mine, theirs in pairs)


def right(h, y):
    """True where h ≥ 0.5 agrees with the label y, False where it does not or h is NaN."""
    return np.where(y, h >= 0.5, h < 0.5)


def evaluate(net, x, y, rows=2000, most=np.inf):
    """(½ mean squared error, accuracy) on a whole set, in pieces that stay in the cache.

    It stops where the sum already exceeds ``most``: then both are only lower bounds.
    """
    cost, hits = 0.0, 0
    for begin in range(0, len(x), rows):
        labels = y[begin : begin + rows]
        h = net.layers(x[begin : begin + rows])[-1]
        error = h - labels
        cost += float(np.vdot(error, error)) / (2 * len(x))
        hits += np.count_nonzero(right(h, labels))
        if cost > most:
            break
    return cost, hits / y.size
