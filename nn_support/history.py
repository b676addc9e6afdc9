"""What a run leaves behind."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass
class History:
    """What a run left behind; from ``sweep`` every array has a leading axis of seeds.

    Rows are epochs, row 0 before training. A loss is the data term ½·mean squared error alone,
    the penalty stands apart; accuracies are shares in [0, 1]. A run whose cost stopped being
    finite keeps the rows it had; the rest is NaN.
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
    diverged_at: tuple | None = None  # (epoch, step), both from 1; a tuple of these in a sweep

    @classmethod
    def stack(cls, runs):
        """One History with a leading axis from several of equal shape."""
        stacked = {
            f.name: np.stack([getattr(run, f.name) for run in runs])
            for f in fields(cls)
            if f.name not in ("probes", "diverged_at")
        }
        names = runs[0].probes
        probes = {name: np.stack([run.probes[name] for run in runs]) for name in names}
        return cls(**stacked, probes=probes, diverged_at=tuple(r.diverged_at for r in runs))
