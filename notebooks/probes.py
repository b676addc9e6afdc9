"""What a network looks like inside: measured here, drawn by ``figures``.

A probe for ``nn.train`` and ``nn.Experiment`` is a function of (net, x) that returns a dict of
numbers; the rest measures nets that a run left behind, or a single run.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from evidence import evaluate, nn, rng, watch

# ------------------------------------------------------- probes of a training


def layer_health(net, x):
    """A probe: per hidden layer, the shares of saturated and of dead units.

    saturated: f′ below a tenth of its maximum, over units and samples; dead: units whose f′ is
    so on every sample of x.
    """
    slopes = _slopes(net, net.activations(x))
    flat = [slope < (0.025 if net.activation == "sigmoid" else 0.1) for slope in slopes]
    return {
        "saturated": [layer.mean() for layer in flat],
        "dead": [layer.all(axis=0).mean() for layer in flat],
    }


def weight_norms(net, x):
    """A probe: ‖W_l‖ per layer, and the norm of the first layer's dark rows.

    dark: the weights of pixels that are 0 on every sample of x; the data never touch them.
    """
    dark = (x == 0).all(axis=0)
    norms = [np.linalg.norm(W) for W in net.weights]
    return {"norm": norms, "dark": np.linalg.norm(net.weights[0][dark])}


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A probe: cost and number of errors on a set that is neither trained on nor the test set.

    It gives the validation curve of a run whose history has the test curve.
    """

    x: np.ndarray
    y: np.ndarray

    def __call__(self, net, _):
        cost, right = evaluate(net, self.x, self.y)
        return {"held_cost": cost, "held_errors": round((1 - right) * self.y.size)}


def _slopes(net, outputs):
    """f′ of every hidden layer, (m, n_l) each, from the outputs of all layers."""
    slopes = [np.ones_like(a) for a in outputs[:-1]]
    for slope, a in zip(slopes, outputs):
        net.f.backward(slope, a)
    return slopes


# ----------------------------------------------------- the sigmoid, taken apart


def _sigmoid(z, gain, scale, shift):
    z *= gain
    a = nn.ACTIVATIONS["sigmoid"].apply(z)
    a *= scale
    a += shift
    return a


def _sigmoid_backward(delta, a, gain, scale, shift, backward):
    s = (a - shift) / scale
    delta *= backward * gain * scale * s * (1 - s)


def sigmoid_variant(gain=1.0, scale=1.0, shift=0.0, backward=1.0):
    """scale·σ(gain·z) + shift as an Activation, with the slope gain·scale·σ(1 − σ).

    ``backward`` multiplies the slope on the way back alone: unless it is 1, what trains the
    network is not the gradient of its cost, and the two ways can be told apart.
    """
    parts = dict(gain=gain, scale=scale, shift=shift)
    return nn.Activation(
        partial(_sigmoid, **parts), partial(_sigmoid_backward, **parts, backward=backward)
    )


# ------------------------------------------------------------- trained networks


def trained(experiment, history):
    """The networks that a sweep left behind, one a seed."""
    return [experiment.network(0, theta) for theta in history.theta]


def measure(experiment, history, x, y):
    """(cost, errors) on x of the networks that a sweep left behind, one value a seed each."""
    nets = trained(experiment, history)
    costs = [net.loss(x, y) for net in nets]
    wrong = [round((1 - net.accuracy(x, y)) * y.size) for net in nets]
    return np.array(costs), np.array(wrong)


def auc(outputs, labels):
    """The share of pairs (one of each class) that the outputs rank rightly; a tie is half right.

    ½ is chance, 1 a perfect order, whatever the threshold would say.
    """
    h, y = np.ravel(outputs), np.ravel(labels) == 1
    _, place, counts = np.unique(h, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    ones, zeros = int(y.sum()), int((~y).sum())
    return float((rank[y].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def xor(each, noise):
    """XOR as a Dataset: the corners of a square, ``each`` points a corner with normal noise.

    y is 1 where the corner's two signs differ, so that no line gets more than three right.
    """

    def points(purpose):
        corners = np.tile([[-1, -1], [-1, 1], [1, -1], [1, 1]], (each, 1))
        x = corners + noise * rng(purpose).standard_normal(corners.shape)
        return x.astype(np.float32), (corners[:, :1] != corners[:, 1:]).astype(np.float32)

    return nn.Dataset(*points("xor train"), *points("xor test"), "XOR")


def best_line(x, y):
    """The best accuracy of a line on points of a plane, of 3,600 directions, all thresholds."""
    turn = np.linspace(0, 2 * np.pi, 3600, endpoint=False)
    order = np.argsort(x @ np.stack([np.cos(turn), np.sin(turn)]), axis=0)
    gained = np.cumsum(1 - 2.0 * y[order, 0], axis=0)  # right below the threshold, less wrong
    return float(y.sum() + max(0, gained.max())) / len(y)


def dead_units(net, x):
    """Per hidden layer, the share of units whose f′ is exactly 0 on every image of x."""
    return [float((s == 0).all(axis=0).mean()) for s in _slopes(net, net.activations(x))]


def sensitivity(net, x, logit=False):
    """‖∂h/∂x‖ of each image, (m,): how far a small change of its pixels moves the output.

    With ``logit`` that of z, h = sigmoid(z): it has not the factor h(1 − h), which a confident
    output makes small.
    """
    outputs = net.activations(x)
    h, slopes = outputs[-1], _slopes(net, outputs)
    delta = np.ones_like(h) if logit else h * (1 - h)
    for W, slope in zip(net.weights[:0:-1], slopes[::-1]):
        delta = delta.dot(W.T) * slope
    return np.linalg.norm(delta.dot(net.weights[0].T), axis=1)


def first_layer(net):
    """The weights into each unit of the first layer as a picture, (units, side, side)."""
    pixels, units = net.weights[0].shape
    side = round(pixels**0.5)
    return net.weights[0].T.reshape(units, side, side)


def join_seeds(parts):
    """One History from several of a seed or more each, along the axis of seeds."""
    runs = []
    for part in parts:
        for i, diverged_at in enumerate(part.diverged_at):
            arrays = {k: v[i] for k, v in vars(part).items() if isinstance(v, np.ndarray)}
            probes = {k: v[i] for k, v in part.probes.items()}
            runs.append(nn.History(**arrays, probes=probes, diverged_at=diverged_at))
    return nn.History.stack(runs)


# ------------------------------------------------------- single runs and surfaces


def update_ratios(experiment, data, seed, updates):
    """‖ΔW_l‖/‖W_l‖ of every layer at each of the first ``updates`` updates, (updates, layers)."""
    now, before, rows = experiment.network(seed), experiment.network(seed), []

    def look(t, theta, seconds):
        now.theta[...] = theta
        pairs = zip(now.weights, before.weights)
        rows.append([np.linalg.norm(W - W0) / np.linalg.norm(W0) for W, W0 in pairs])
        before.theta[...] = theta
        return t == updates

    watch(experiment, data, seed, look)
    return np.array(rows)


def path(optimizer, gradient, start, steps):
    """An optimizer's way over a surface: the points (steps + 1, …) that it visits from ``start``.

    gradient : a function of the point; it may add noise
    """
    theta = np.array(start, float)
    step, points = optimizer.start(theta), [theta.copy()]
    for _ in range(steps):
        step(np.asarray(gradient(theta), float))
        points.append(theta.copy())
    return np.array(points)


def central_differences(f, theta, where=None, eps=1e-6):
    """∂f/∂theta[j] ≈ (f(θ_j + ε) − f(θ_j − ε)) / 2ε for j in ``where`` (default: all).

    f takes nothing and sees theta, which is moved in place and left as it was.
    """
    where = np.arange(theta.size) if where is None else np.asarray(where)
    slopes = np.empty(len(where))
    for i, j in enumerate(where):
        middle, sides = theta[j], []
        for sign in (1, -1):
            theta[j] = middle + sign * eps
            sides.append(f())
        theta[j] = middle
        slopes[i] = (sides[0] - sides[1]) / (2 * eps)
    return slopes


# ------------------------------------------------------------- other experiments


@dataclass(frozen=True)
class Scaled(nn.Experiment):
    """An experiment that begins from ``scale`` times the weights that ``init`` draws."""

    scale: float = 1.0

    def network(self, seed, theta=None):
        net = super().network(seed, theta)
        if theta is None:
            net.theta[...] *= self.scale  # the biases are 0
        return net


class CrossEntropy(nn.MLP):
    """An MLP that learns by cross-entropy, δ_L = h − y; the cost that it reports is ½ (h − y)²."""

    def backprop(self, x, y, l2=0.0, m=None):
        a = self.layers(x)
        error = a[-1] - y
        delta = error / len(x)
        for l in range(len(self.weights), 0, -1):
            a[l - 1].T.dot(delta, out=self.weight_grads[l - 1])
            delta.sum(axis=0, out=self.bias_grads[l - 1])
            if l > 1:
                delta = delta.dot(self.weights[l - 1].T)
                self.f.backward(delta, a[l - 1])
        return self._cost(error, l2, m)


@dataclass(frozen=True)
class ByCrossEntropy(nn.Experiment):
    """An experiment whose network is a CrossEntropy."""

    def network(self, seed, theta=None):
        net = super().network(seed, theta)
        net.__class__ = CrossEntropy
        return net
