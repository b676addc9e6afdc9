"""A multilayer perceptron in plain NumPy: activations, initial weights, training, L2.

Conventions, fixed once for the whole file:

- ``x`` is (m, n_in), one sample a row; ``y`` is (m, n_out) of 0 and 1. Layer l computes
  ``a_l = f(a_{l−1} W_l + b_l)`` from ``a_0 = x``; the last layer's f is the sigmoid, its output h.
- "k layers" counts weight matrices: ``MLP([784, 64, 32, 1])`` has 3 layers, 2 of them hidden.
- The cost is ½ mean squared error plus the L2 penalty. In it θ is the weights, without biases::

      loss(θ) = 1/(2m) · [ Σᵢ (h(xᵢ) − yᵢ)² + γ Σⱼ θⱼ² ]

- In code, ``theta`` is all parameters in one flat vector: every weight, then every bias. All
  derivatives are in one flat ``grad``; the matrices are views into the two. An optimizer
  therefore knows one vector and its gradient, whatever they belong to.
- Training is float32; ``dtype=np.float64`` runs the same lines for gradient checks.
- A wrong argument raises a ValueError. What is not mathematics is in ``nn_support``.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nn_support import checks as check
from nn_support.data import Dataset, load_data  # noqa: F401, part of the interface
from nn_support.history import History, right
from nn_support.memory import Optimizer, aligned, views
from nn_support.parallel import sweep  # noqa: F401

_quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")  # divergence is a result

# -------------------------------------------------------------- activations


class Activation(NamedTuple):
    """A hidden layer's f and f′.

    ``apply(z)`` returns a = f(z) and may overwrite z. ``backward(delta, a)`` multiplies delta in
    place by f′(z), written from the output a, because z is gone.
    """

    apply: Callable
    backward: Callable


def _identity(z):
    """f(z) = z."""
    return z


def _identity_backward(delta, a):
    """f′ = 1."""


def _sigmoid(z):
    """f(z) = 1 / (1 + e^(−z)), in (0, 1); where e^(−z) overflows to infinity, f is 0."""
    return 1 / (1 + np.exp(-z))


def _sigmoid_backward(delta, a):
    """f′ = a (1 − a), at most ¼."""
    delta *= a
    delta *= 1 - a


def _tanh(z):
    """f(z) = tanh z = 2·sigmoid(2z) − 1, in (−1, 1)."""
    return np.tanh(z, out=z)


def _tanh_backward(delta, a):
    """f′ = 1 − a², at most 1."""
    delta *= 1 - a * a


def _relu(z):
    """f(z) = max(0, z)."""
    return np.maximum(z, np.zeros(z.shape, z.dtype), out=z)  # slower with the number 0


def _relu_backward(delta, a):
    """f′ = 1 where a > 0, else 0."""
    delta *= a > 0


def _leaky_relu(z):
    """f(z) = max(0.01 z, z)."""
    return np.maximum(z, 0.01 * z, out=z)


def _leaky_relu_backward(delta, a):
    """f′ = 1 where a > 0, else 0.01."""
    delta *= np.maximum(np.sign(a), 0.01)  # the sign is 1, 0 or −1


ACTIVATIONS = {
    "identity": Activation(_identity, _identity_backward),
    "sigmoid": Activation(_sigmoid, _sigmoid_backward),
    "tanh": Activation(_tanh, _tanh_backward),
    "relu": Activation(_relu, _relu_backward),
    "leaky_relu": Activation(_leaky_relu, _leaky_relu_backward),
}

# ------------------------------------------------------------- initializers


def _draw(std, n_in, n_out, rng, distribution):
    """(n_in, n_out) draws of mean 0 and standard deviation std; uniform: U(−√3·std, √3·std)."""
    check.distribution(distribution)
    if distribution == "normal":
        return std * rng.standard_normal((n_in, n_out))
    return std * rng.uniform(-math.sqrt(3), math.sqrt(3), (n_in, n_out))


def zeros(n_in, n_out, rng, distribution="normal"):
    """W = 0: nothing breaks the symmetry, so the units of a hidden layer stay equal."""
    return np.zeros((n_in, n_out))


def small(n_in, n_out, rng, distribution="normal"):
    """Standard deviation 0.01, whatever the layer's width."""
    return _draw(0.01, n_in, n_out, rng, distribution)


def large(n_in, n_out, rng, distribution="normal"):
    """Standard deviation 1, whatever the layer's width."""
    return _draw(1.0, n_in, n_out, rng, distribution)


def xavier(n_in, n_out, rng, distribution="normal"):
    """Var W = 1/n_in, for tanh, as in the assignment; Glorot & Bengio (2010): 2/(n_in + n_out)."""
    return _draw(math.sqrt(1 / n_in), n_in, n_out, rng, distribution)


def he(n_in, n_out, rng, distribution="normal"):
    """Var W = 2/n_in, for ReLU, because ReLU halves the mean of z²: He et al. (2015)."""
    return _draw(math.sqrt(2 / n_in), n_in, n_out, rng, distribution)


INITIALIZERS = {"zeros": zeros, "small": small, "large": large, "xavier": xavier, "he": he}

# ------------------------------------------------------------------ network


def _checked_activation(activation, init, distribution):
    """Refuse an unknown name; return the Activation that ``activation`` names or is."""
    check.one_of("init", init, INITIALIZERS)
    check.distribution(distribution)
    if isinstance(activation, Activation):
        return check.activation(activation)
    check.one_of("activation", activation, ACTIVATIONS, also=" or an Activation")
    return ACTIVATIONS[activation]


class MLP:
    """A multilayer perceptron with one hidden activation and a sigmoid output layer.

    Parameters
    ----------
    sizes : sequence of int, units per layer, input first: [784, 64, 32, 1]
    activation : a key of ACTIVATIONS or an Activation of your own, for every hidden layer; a
        network that is pickled or goes to worker processes needs importable functions
    init : a key of INITIALIZERS, for every weight matrix; biases start at 0
    seed : int, numpy Generator or SeedSequence (whose first two children are then used). One int
        gives networks of equal ``sizes`` the same draws from every initializer, only scaled.
    dtype : np.float32 or np.float64
    distribution : "normal" or "uniform", of equal variance

    Raises ValueError for anything else. ``weights`` (n_in, n_out) and ``biases`` (n_out,) are
    tuples of views into ``theta``, ``weight_grads`` and ``bias_grads`` of views into ``grad``.
    """

    def __init__(
        self, sizes, activation="relu", init="he", seed=0, dtype=np.float32, distribution="normal"
    ):
        self.sizes = check.sizes(sizes)
        self.activation, self.f = activation, _checked_activation(activation, init, distribution)
        self.functions = (self.f.apply,) * (len(self.sizes) - 2) + (_sigmoid,)  # one a layer
        n = sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.sizes))  # + 1: the biases
        self._theta = aligned(np.zeros(n, check.float_type(dtype)))  # aligned: faster to read
        self._grad = aligned(np.zeros_like(self._theta))
        self._make_views()
        rng = check.stream(seed, 0)  # 0: the weights, 1: the order of the samples in train
        for W in self.weights:
            W[...] = INITIALIZERS[init](*W.shape, rng, distribution)

    def _make_views(self):
        self.weights, self.biases = views(self._theta, self.sizes)
        self.weight_grads, self.bias_grads = views(self._grad, self.sizes)

    @property
    def theta(self):
        """Every weight, then every bias, flat. Write through it: ``net.theta[...] = new``."""
        return self._theta

    @property
    def grad(self):
        """∂loss/∂theta as the last backward pass left it."""
        return self._grad

    def forward(self, x):
        """The outputs h(x), (m, n_out), in [0, 1]; a new array, safe to keep."""
        return self.activations(x)[-1]

    @_quiet
    def activations(self, x):
        """Every layer's output [a_1, …, a_L], arrays (m, n_l), the last is h; safe to keep."""
        return self.layers(check.samples("x", x, self.sizes[0], self._theta.dtype))[1:]

    @_quiet
    def loss(self, x, y, l2=0.0, m=None):
        """loss(θ) = 1/(2 len(x)) Σ (h − y)² + γ/(2m) Σ θ², a float; θ the weights, γ = ``l2``.

        ``m`` is the penalty's m. In mini-batch training it stays the size of the whole training
        set (``train`` does so): a batch's gradient is then an unbiased estimate of the gradient
        of the full cost, and γ means the same for every batch size. Default: len(x).
        """
        x, y, l2, m = self._checked(x, y, l2, m)
        return self._cost(self.layers(x)[-1] - y, l2, m)

    @_quiet
    def loss_and_gradient(self, x, y, l2=0.0, m=None):
        """The float ``loss`` returns; ``grad`` is overwritten with its gradient."""
        return self.backprop(*self._checked(x, y, l2, m))

    @_quiet
    def accuracy(self, x, y):
        """The share of labels that h ≥ 0.5 gets right, in [0, 1]; an h of NaN gets none right."""
        x, y, *_ = self._checked(x, y)
        return float(np.mean(right(self.layers(x)[-1], y)))

    def layers(self, x):
        """[x, a_1, …, a_L]: a_l = f(a_{l−1} W_l + b_l); the last is h. ``x`` is not checked."""
        a = [x]
        for W, b, f in zip(self.weights, self.biases, self.functions):
            z = a[-1].dot(W)  # a[-1] @ W, but the call costs less
            z += b
            a.append(f(z))
        return a

    def backprop(self, x, y, l2=0.0, m=None):
        """Fill ``grad`` and return the loss; the arguments of ``loss``, not checked.

        δ_L = (h − y) h (1 − h) / len(x);  ∂W_l = a_{l−1}ᵀ δ_l + γ/m·W_l;  ∂b_l = Σ δ_l;
        δ_{l−1} = δ_l W_lᵀ ⊙ f′(z_{l−1}).
        """
        m = m or len(x)
        *a, h = self.layers(x)
        error, ones = h - y, np.ones(len(x), x.dtype)
        delta = error * h * (1 - h) / len(x)
        for l in range(len(a), 0, -1):  # layer l, whose W is weights[l - 1]: tuples count from 0
            W, dW, db = self.weights[l - 1], self.weight_grads[l - 1], self.bias_grads[l - 1]
            a[l - 1].T.dot(delta, out=dW)  # @ is slow for a batch of one, or one output
            ones.dot(delta, out=db)  # the column sums, faster than sum(axis=0)
            if l2:
                dW += l2 / m * W
            if l > 1:
                delta = delta.dot(W.T)
                self.f.backward(delta, a[l - 1])
        return self._cost(error, l2, m)

    def _cost(self, error, l2, m):
        """½ mean squared error, of error = h − y, plus the penalty."""
        return float(np.vdot(error, error)) / (2 * len(error)) + self.penalty(l2, m)

    def penalty(self, l2, m):
        """γ/(2m) Σ θ² over the weights, a float; 0 without γ, also where Σ θ² overflows."""
        return l2 / (2 * m) * sum(float(np.vdot(W, W)) for W in self.weights) if l2 else 0.0

    def _checked(self, x, y, l2=0.0, m=None):
        """x and y in the network's dtype, l2 and m, all checked; m is len(x) if it is None."""
        x, y = check.pair("x", x, "y", y, self.sizes, self._theta.dtype)
        return x, y, check.penalty(l2), len(x) if m is None else check.count("m", m)

    def __getstate__(self):
        """For copies and pickles: all but the views, because a copied view is a view no more."""
        derived = "weights", "biases", "weight_grads", "bias_grads"
        return {name: value for name, value in vars(self).items() if name not in derived}

    def __setstate__(self, state):
        vars(self).update(state)
        self._make_views()


# --------------------------------------------------------------- optimizers
# An optimizer is its hyperparameters: ``lr`` is α, ``beta`` β, ``eps`` ε. The inherited method
# ``start(theta)`` returns step(grad), which moves theta in place and leaves grad as it was. The
# t-th step, from t = 1, calls ``update``: W and dW are parts of theta and grad, biases included;
# V and S, as many as ``moments`` says, start at 0; u is scratch memory for results in between.


def _average(V, new, beta, u):
    """V ← βV + (1−β) new, in place; u is scratch and may be new itself."""
    V *= beta
    V += np.multiply(new, 1 - beta, out=u)


def _average_square(S, dW, beta, eps, u):
    """S ← βS + (1−β)(dW² + ε), in place: the S of the formulas plus ε(1−βᵗ), because S_0 is 0.

    ε is averaged too, because a small dW has a denormal square, with which arithmetic is slow.
    """
    np.add(np.multiply(dW, dW, out=u), eps, out=u)
    _average(S, u, beta, u)


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """W ← W − α dW, with α = lr / (1 + decay·(t − 1)); t counts updates, not epochs.

    The batch size makes it batch, mini-batch or stochastic gradient descent.
    """

    lr: float
    decay: float = 0.0

    def update(self, t, W, dW, u):
        W -= np.multiply(dW, self.lr / (1 + self.decay * (t - 1)), out=u)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """V ← βV + (1−β) dW;  W ← W − α V: the assignment's Algorithm 1, a moving average.

    The classical form (Polyak 1964; PyTorch), V ← βV + dW, goes the same way at the rate (1−β) α.
    """

    lr: float
    beta: float = 0.9
    moments = 1

    def update(self, t, W, dW, u, V):
        _average(V, dW, self.beta, u)
        W -= np.multiply(V, self.lr, out=u)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """S ← βS + (1−β) dW²;  W ← W − α dW / √(S + ε): Algorithm 2 (Hinton, lecture 6e).

    The assignment has no ε and divides 0 by 0 on a pixel that is always black; PyTorch: √S + ε.
    """

    lr: float
    beta: float = 0.9
    eps: float = 1e-8
    moments = 1

    def update(self, t, W, dW, u, S):
        _average_square(S, dW, self.beta, self.eps, u)
        np.sqrt(np.add(S, self.eps * self.beta**t, out=u), out=u)  # S has ε(1−βᵗ); here the rest
        W -= np.multiply(np.divide(dW, u, out=u), self.lr, out=u)


@dataclass(frozen=True)
class Adam(Optimizer):
    """V ← β₁V + (1−β₁) dW;  S ← β₂S + (1−β₂) dW²;  V̂ = V/(1−β₁ᵗ);  Ŝ = S/(1−β₂ᵗ);
    W ← W − α V̂ / √(Ŝ + ε): Algorithm 3. Kingma & Ba (2015) and PyTorch have √Ŝ + ε.
    """

    lr: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    moments = 2

    def update(self, t, W, dW, u, V, S):
        _average(V, dW, self.beta1, u)
        _average_square(S, dW, self.beta2, self.eps, u)  # S has ε(1−β₂ᵗ): S/(1−β₂ᵗ) is Ŝ + ε
        np.divide(V, np.sqrt(S, out=u), out=u)
        rate = self.lr * math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)  # both corrections
        W -= np.multiply(u, rate, out=u)


# ----------------------------------------------------------------- training


@_quiet
def train(net, data, optimizer, epochs=20, batch_size=64, l2=0.0, seed=0, probe=None, late=None):
    """Train ``net`` in place on ``data`` (a Dataset) and return its History.

    batch_size None is the whole training set (one update an epoch), 1 is SGD; a last, smaller
    batch is trained on too, averaged over its own size. Each epoch visits every sample once, in
    an order drawn from ``seed`` alone. The penalty's m is the training set's size (``MLP.loss``).
    ``gradient_norm`` and ``probe(net, x)`` see every k-th training sample, read-only, at most
    1,999; a probe returns {name: numbers}, which ``history.probes`` stacks. ``late``, to save time,
    is how many of the last epochs are evaluated, and these without the training set's cost.

    Raises ValueError for bad arguments. A cost or theta not finite ends the run: ``diverged_at``.
    """
    check.that(isinstance(net, MLP), "net", type(net).__name__, "an MLP")
    train_set, test_set = check.dataset(data, net.sizes, net.theta.dtype)
    epochs, batch_size, l2, late = check.schedule(optimizer, epochs, batch_size, l2, probe, late)
    (x, y), m = train_set, len(train_set[0])
    rng, step = check.stream(seed, 1), optimizer.start(net.theta)  # 1: the samples' order
    size = min(batch_size or m, m)
    history = History.empty(net.theta, len(net.weights), epochs, updates=math.ceil(m / size))
    part = [check.read_only(array[:: max(1, m // 1000)]) for array in train_set]
    sets = {"test": test_set} if late else {"train": train_set, "test": test_set}
    if late is None:
        history.record(0, net, sets, part, net.penalty(l2, m), probe)
    for epoch in range(1, epochs + 1):
        costs = history.step_loss.reshape(epochs, -1)[epoch - 1]  # a view, written below
        start = time.perf_counter()
        for i, (x_batch, y_batch) in enumerate(_batches(x, y, size, rng)):
            costs[i] = cost = net.backprop(x_batch, y_batch, l2, m)
            if not math.isfinite(cost):
                break
            step(net.grad)
        history.seconds[epoch] = history.seconds[epoch - 1] + time.perf_counter() - start
        finite = math.isfinite(cost) and np.isfinite(net.theta).all()  # no cost saw the last step
        if finite and (late is None or epoch > epochs - late):
            finite = history.record(epoch, net, sets, part, net.penalty(l2, m), probe)
        if not finite:
            history.diverged_at = (epoch, i + 1)
            break
    history.theta[...] = net.theta
    return history


def _batches(x, y, size, rng):
    """One epoch's mini-batches (x, y) in a fresh order; a batch of the whole set needs none."""
    if size >= len(x):
        yield x, y
        return
    order = rng.permutation(len(x))
    y = y[order]
    for i in range(0, len(x), size):
        yield x.take(order[i : i + size], axis=0), y[i : i + size]  # take: faster than x[rows]


# ------------------------------------------------------------------ studies


@dataclass(frozen=True)
class Experiment:
    """One row of a study: everything that decides a run but its data and seed."""

    sizes: tuple
    activation: str | Activation
    init: str
    optimizer: object
    epochs: int
    batch_size: int | None
    l2: float = 0.0
    distribution: str = "normal"
    probe: Callable | None = None
    late: int | None = None

    def __post_init__(self):
        _checked_activation(self.activation, self.init, self.distribution)
        schedule = self.optimizer, self.epochs, self.batch_size, self.l2, self.probe, self.late
        plain = check.sizes(self.sizes), *check.schedule(*schedule)
        vars(self).update(zip(("sizes", "epochs", "batch_size", "l2", "late"), plain))  # frozen

    def network(self, seed, theta=None):
        """The network before training; given a history's ``theta``, the trained one."""
        net = MLP(self.sizes, self.activation, self.init, seed, distribution=self.distribution)
        if theta is not None:
            net.theta[...] = check.vector("theta", theta, net.theta)
        return net

    def run(self, data, seed):
        """Train once; one seed gives both the weights' and the sample order's stream."""
        schedule = self.optimizer, self.epochs, self.batch_size, self.l2
        return train(self.network(seed), data, *schedule, seed, self.probe, self.late)
