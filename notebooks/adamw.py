"""Adam with decoupled weight decay, beside which notebook 4 puts the L2 of the assignment."""

from dataclasses import dataclass

from evidence import nn


@dataclass(frozen=True)
class AdamW(nn.Adam):
    """W ← (1 − α·decay) W, then Adam's step on the data's gradient alone.

    Loshchilov & Hutter (2019), with PyTorch's scaling by the rate. ``decay`` is γ/m; the first
    ``weights`` entries of theta decay (biases, which come last, don't).
    """

    decay: float = 0.0
    weights: int = 1

    def start(self, theta):
        """step(grad), as every optimizer's."""
        adam, W = super().start(theta), theta[: int(self.weights)]

        def step(grad):
            W[...] *= 1 - self.lr * self.decay
            adam(grad)

        return step
