"""Views into a flat vector, and what every optimizer shares: the loop over its blocks."""

import math
from itertools import pairwise

import numpy as np

from nn_support import checks as check

BLOCK = 1 << 16  # parameters; five float32 blocks fill a second-level cache of 1.25 MB
CLEARED_EVERY = 128  # updates
LINE = 64  # bytes of a cache line


def aligned(array):
    """A copy that starts on a cache line, because every pass over a large array is then faster.

    NumPy's own arrays start at any multiple of 16 bytes, where a vector load may touch two lines.
    """
    raw = np.empty(array.nbytes + LINE, np.uint8)
    copy = raw[-raw.ctypes.data % LINE :][: array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def views(vector, sizes):
    """(weights, biases): tuples of views (n_in, n_out) and (n_out,) that fill ``vector``."""
    shapes = [*pairwise(sizes), *((n,) for n in sizes[1:])]
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    parts = [part.reshape(shape) for part, shape in zip(np.split(vector, ends), shapes)]
    return tuple(parts[: len(sizes) - 1]), tuple(parts[len(sizes) - 1 :])


class Optimizer:
    """What every optimizer inherits: checked hyperparameters, and ``start``."""

    moments = 0  # the number of arrays like theta that ``update`` keeps

    def __post_init__(self):
        for name, value in vars(self).items():  # vars, because a frozen dataclass refuses setattr
            vars(self)[name] = check.hyperparameter(name, value)

    def start(self, theta):
        """step(grad) for a float array ``theta``, which it moves in place.

        Raises ValueError for another theta, or for a hyperparameter that theta's dtype can't
        hold: an ε of 1e-50 is 0 in float32.
        """
        check.float_array("theta", theta)
        for name, value in vars(self).items():
            check.hyperparameter(name, value, theta.dtype)
        return stepper(theta, self.update, self.moments)


def stepper(theta, update, moments):
    """step(grad), which calls ``update(t, W, dW, u, *moments)`` for one block after another.

    ``moments`` is the number of moments, which start at 0. An update passes several times over
    its block, which stays in the cache; with millions of parameters that is much faster. Where a
    gradient stays 0, a moment decays towards denormal numbers, on which arithmetic is many times
    slower. Every ``CLEARED_EVERY`` updates, what is below ``faint`` becomes 0 for this reason.
    """
    split = theta.ndim == 1 and theta.size > BLOCK
    blocks = [slice(i, i + BLOCK) for i in range(0, theta.size, BLOCK)] if split else [...]
    arrays = [theta, *(aligned(np.zeros_like(theta)) for _ in range(moments))]
    scratch = aligned(theta[blocks[0]])  # one for all blocks, so that it stays in the cache
    parts = []
    for block in blocks:
        W, *V = (array[block] for array in arrays)
        parts.append((block, W, V, scratch[: len(W)] if split else scratch))
    faint, t = 1e8 * np.finfo(theta.dtype).tiny, 0

    def step(grad):
        nonlocal t
        check.gradient(grad, theta)
        t += 1
        for block, W, V, u in parts:
            update(t, W, grad[block], u, *V)
            if t % CLEARED_EVERY == 0:
                for moment in V:
                    moment[np.abs(moment, out=u) < faint] = 0

    return step
