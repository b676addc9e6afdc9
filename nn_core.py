"""A multilayer perceptron in plain NumPy: forward, backward, initial weights, optimizers, L2.

Conventions, fixed once for the whole file:

- ``x`` is (m, n_in), one sample a row; ``y`` is (m, n_out) of 0 and 1. Layer l computes
  ``a_l = f(a_{l-1} W_l + b_l)``; the last layer's f is always the sigmoid, whose output is h.
- "k layers" counts weight matrices: ``MLP([784, 64, 32, 1])`` has 3 layers, 2 of them hidden.
- The cost is ½ mean squared error plus the L2 penalty on weights, never on biases::

      loss(θ) = 1/(2m) · [ Σᵢ (h(xᵢ) − yᵢ)² + γ Σⱼ θⱼ² ]

- All parameters live in one flat vector ``theta`` (every weight, then every bias), all
  derivatives in one flat ``grad``; the matrices are views into them. An optimizer therefore
  knows one vector and its gradient, whatever they belong to.
- Training is float32; ``dtype=np.float64`` runs the same lines for gradient checks.

Beside it, in ``nn_support``: checks of arguments, the data, sweeps over processes.
"""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nn_support import checks as check
from nn_support.data import Dataset, load_data, require_dataset  # noqa: F401, parts of this module to its users
from nn_support.history import History
from nn_support.parallel import sweep  # noqa: F401


def _stream(seed, which):
    """The weights' (0) or the sample order's (1) random stream of an integer seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    seed = check.count("seed", seed, 0, also=" or a numpy Generator")
    return np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[which])


# -------------------------------------------------------------- activations


# A ufunc takes an array of no dimensions 0.4 µs faster than a Python number, and a training step
# on a small batch is fifty such calls. Exact in every dtype, so float64 stays float64.
_ZERO, _ONE = np.zeros((), np.float32), np.ones((), np.float32)


class Activation(NamedTuple):
    """f and f′, both in place, so that a layer needs one array forwards and one backwards.

    ``apply(z)`` overwrites z with a = f(z) and returns it. ``backward(delta, a)`` multiplies
    delta by f′(z), written from the stored output a: z itself is gone by then.
    """

    apply: Callable
    backward: Callable


def _identity(z):
    return z


def _identity_backward(delta, a):
    pass


# The sigmoid's callers are under this, not itself: entering it takes as long as eight ufuncs.
_quiet = np.errstate(over="ignore")


def _sigmoid(z):
    """f(z) = 1 / (1 + e^(−z)), in place; where e^(−z) overflows to infinity, f is 0.

    To and fro between two arrays: of one element, NumPy takes twice as long in place.
    """
    e = np.negative(z)
    np.exp(e, out=z)
    np.add(z, _ONE, out=e)
    return np.reciprocal(e, out=z)


def _sigmoid_backward(delta, a):
    """f′ = a (1 − a), at most ¼."""
    delta *= a
    delta *= _ONE - a


def _tanh(z):
    """f(z) = tanh z = 2·sigmoid(2z) − 1, in (−1, 1), in place."""
    return np.tanh(z, out=z)


def _tanh_backward(delta, a):
    """f′ = 1 − a², at most 1."""
    slope = a * a
    np.subtract(_ONE, slope, out=slope)
    delta *= slope


@functools.lru_cache(maxsize=32)
def _zeros(shape, dtype):
    """What ``np.maximum`` compares with; one number would take it twice as long."""
    return np.zeros(shape, dtype)


def _relu(z):
    """f(z) = max(0, z), in place."""
    return np.maximum(z, _zeros(z.shape, z.dtype), out=z)


def _relu_backward(delta, a):
    """f′ = 1 where a > 0, else 0; of few numbers that is sooner had as their sign."""
    np.multiply(delta, np.sign(a) if a.size <= 1024 else a > _ZERO, out=delta)


LEAK = 0.01  # leaky ReLU's slope for negative z


def _leaky_relu(z):
    """f(z) = max(0.01 z, z), in place."""
    return np.maximum(z, LEAK * z, out=z)


def _leaky_relu_backward(delta, a):
    """f′ = 1 where a > 0, else 0.01."""
    delta *= np.maximum(a > _ZERO, LEAK, dtype=a.dtype)


ACTIVATIONS = {
    "identity": Activation(_identity, _identity_backward),
    "sigmoid": Activation(_quiet(_sigmoid), _sigmoid_backward),
    "tanh": Activation(_tanh, _tanh_backward),
    "relu": Activation(_relu, _relu_backward),
    "leaky_relu": Activation(_leaky_relu, _leaky_relu_backward),
}

# ------------------------------------------------------------- initializers

DISTRIBUTIONS = ("normal", "uniform")


def _draw(std, n_in, n_out, rng, distribution):
    """(n_in, n_out) draws of mean 0 and the given standard deviation; U(−√3·std, √3·std)."""
    check.one_of("distribution", distribution, DISTRIBUTIONS)
    if distribution == "normal":
        return std * rng.standard_normal((n_in, n_out))
    return std * rng.uniform(-math.sqrt(3), math.sqrt(3), (n_in, n_out))


def zeros(n_in, n_out, rng, distribution="normal"):
    """W = 0: every unit of a layer stays the twin of its neighbours."""
    return np.zeros((n_in, n_out))


def small(n_in, n_out, rng, distribution="normal"):
    """Standard deviation 0.01, whatever the layer's width."""
    return _draw(0.01, n_in, n_out, rng, distribution)


def large(n_in, n_out, rng, distribution="normal"):
    """Standard deviation 1, whatever the layer's width."""
    return _draw(1.0, n_in, n_out, rng, distribution)


def xavier(n_in, n_out, rng, distribution="normal"):
    """Var W = 1/n_in, the assignment's form of Glorot & Bengio (2010), meant for tanh."""
    return _draw(math.sqrt(1 / n_in), n_in, n_out, rng, distribution)


def he(n_in, n_out, rng, distribution="normal"):
    """Var W = 2/n_in, He et al. (2015), meant for ReLU, which halves the second moment."""
    return _draw(math.sqrt(2 / n_in), n_in, n_out, rng, distribution)


INITIALIZERS = {"zeros": zeros, "small": small, "large": large, "xavier": xavier, "he": he}

# ------------------------------------------------------------------ network


def _checked_architecture(sizes, activation, init, distribution):
    """The sizes as a tuple of int."""
    sizes = check.sequence("sizes", sizes, "a sequence of layer sizes")
    check.that(len(sizes) >= 2, "sizes", sizes, "at least an input and an output size")
    sizes = tuple(check.count("every entry of sizes", n) for n in sizes)
    check.one_of("activation", activation, ACTIVATIONS)
    check.one_of("init", init, INITIALIZERS)
    check.one_of("distribution", distribution, DISTRIBUTIONS)
    return sizes


class MLP:
    """A multilayer perceptron with one hidden activation and a sigmoid output layer.

    Parameters
    ----------
    sizes : sequence of int, units per layer, input first: [784, 64, 32, 1]
    activation : a key of ACTIVATIONS, for every hidden layer
    init : a key of INITIALIZERS, for every weight matrix; biases start at 0
    seed : int or numpy Generator. An int seed gives nets of equal ``sizes`` the same draws
        under every initializer that draws, only scaled.
    dtype : np.float32 or np.float64
    distribution : "normal" or "uniform", of equal variance

    Raises ValueError for anything else.
    """

    def __init__(
        self, sizes, activation="relu", init="he", seed=0, dtype=np.float32, distribution="normal"
    ):
        sizes = _checked_architecture(sizes, activation, init, distribution)
        ok = dtype in (np.float32, np.float64, "float32", "float64")
        check.that(ok, "dtype", dtype, "np.float32, np.float64")
        rng = _stream(seed, 0)
        theta = np.zeros(sum(n_in * n_out + n_out for n_in, n_out in pairwise(sizes)), dtype)
        self.__setstate__((sizes, activation, theta, np.zeros_like(theta)))
        for W in self.weights:
            W[...] = INITIALIZERS[init](*W.shape, rng, distribution)

    # A copied or unpickled array is no longer a view: the state is the flat vectors alone.
    def __getstate__(self):
        return self.sizes, self.activation, self._theta, self._grad

    def __setstate__(self, state):
        self.sizes, self.activation, self._theta, self._grad = state
        self.weights, self.biases = self._views(self._theta)
        self.weight_grads, self.bias_grads = self._views(self._grad)
        self._n_weights = sum(W.size for W in self.weights)
        self._buffers, self._room, self._m = None, 0, 0

    def _views(self, vector):
        """The matrices and the bias vectors in ``vector``."""
        shapes = [*pairwise(self.sizes), *((n,) for n in self.sizes[1:])]
        ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
        parts = [part.reshape(shape) for part, shape in zip(np.split(vector, ends), shapes)]
        return tuple(parts[: len(parts) // 2]), tuple(parts[len(parts) // 2 :])

    @property
    def theta(self):
        """Every weight, then every bias, flat. Write through it: ``net.theta[...] = new``."""
        return self._theta

    @property
    def grad(self):
        """∂loss/∂theta as the last ``loss_and_gradient`` left it."""
        return self._grad

    @_quiet
    def forward(self, x):
        """The outputs h(x), (m, n_out), in (0, 1); a new array, safe to keep."""
        return self._forward(self._checked_x(x)).copy()

    @_quiet
    def activations(self, x):
        """Every layer's output, a list of (m, n_l) arrays, the network's output last; copies."""
        self._forward(self._checked_x(x))
        return [a.copy() for a in self._a]

    @_quiet
    def loss(self, x, y, l2=0.0, m=None):
        """loss(θ) = 1/(2 len(x)) Σ (h − y)² + γ/(2m) Σ θ², a float; θ the weights, γ = ``l2``.

        ``m`` is the penalty's m. In mini-batch training it stays the size of the whole training
        set (``train`` does so): a batch's gradient is then an unbiased estimate of the gradient
        of the full cost, and γ means the same for every batch size. Default: len(x).
        """
        x, y, l2, m = self._checked(x, y, l2, m)
        self._forward(x)
        return self._cost(y, l2, m)

    @_quiet
    def loss_and_gradient(self, x, y, l2=0.0, m=None):
        """The float ``loss`` returns; ``grad`` is overwritten with its gradient."""
        return self._loss_and_gradient(*self._checked(x, y, l2, m))

    @_quiet
    def accuracy(self, x, y):
        """The share of labels that h ≥ 0.5 gets right, in [0, 1]."""
        x, y, *_ = self._checked(x, y)
        return float(np.mean((self._forward(x) >= 0.5) == y))

    def _checked_x(self, x, name="x"):
        x = check.array(name, x, self._theta.dtype)
        want = f"a non-empty (m, {self.sizes[0]}) array"
        ok = x.ndim == 2 and len(x) and x.shape[1] == self.sizes[0]
        check.that(ok, f"{name}.shape", x.shape, want)
        check.that(np.isfinite(x).all(), name, "NaN or infinite somewhere", "finite numbers")
        return x

    def _checked(self, x, y, l2=0.0, m=None, names=("x", "y")):
        """x and y in the network's dtype, l2 and m, all checked; m is len(x) if it is None."""
        x, y = self._checked_x(x, names[0]), check.array(names[1], y, self._theta.dtype)
        want = f"({len(x)}, {self.sizes[-1]}), one row per row of {names[0]}"
        check.that(y.shape == (len(x), self.sizes[-1]), f"{names[1]}.shape", y.shape, want)
        wrong = y[(y != 0) & (y != 1)]
        check.that(not wrong.size, names[1], wrong[:1].tolist(), "labels 0 and 1")
        return x, y, check.number("l2", l2), len(x) if m is None else check.count("m", m)

    def _reserve(self, m):
        """Point ``_a`` and ``_delta`` at the first m rows of buffers that only ever grow.

        What a pass needs of each layer is looked up here, once for a batch size: with batches of
        one the lookups are a tenth of a step.
        """
        if m > self._room:
            widths, dtype = self.sizes[1:], self._theta.dtype
            self._buffers = [[np.empty((m, n), dtype) for n in widths] for _ in "aδ"]
            self._room = m
        self._a, self._delta = ([layer[:m] for layer in group] for group in self._buffers)
        self._ones, self._m = np.ones(m, self._theta.dtype), m
        self._count = np.array(m, self._theta.dtype)
        hidden = ACTIVATIONS[self.activation].apply if self.activation != "sigmoid" else _sigmoid
        functions = [hidden] * (len(self._a) - 1) + [_sigmoid]
        rows = [b[np.newaxis] for b in self.biases]  # of one shape with the z of one sample
        self._layers = list(zip(self.weights, rows, self._a, functions))
        # The same from the last layer down to the second, each with what is below it.
        grads = zip([W.T for W in self.weights[1:]], self.weight_grads[1:], self.bias_grads[1:])
        self._layers_down = list(zip(grads, self._a, [a.T for a in self._a], self._delta))[::-1]

    def _forward(self, x):
        """h(x), a view of a buffer that the next pass overwrites."""
        if len(x) != self._m:
            self._reserve(len(x))
        a = x
        for W, b, z, f in self._layers:
            a.dot(W, out=z)  # z = a W + b; dot, for matmul leaves BLAS at inner size 1
            np.add(z, b, out=z)
            a = f(z)
        return a

    def _cost(self, y, l2=0.0, m=1):
        """The cost at the outputs of the last ``_forward``; leaves h − y in ``_delta[-1]``."""
        error = np.subtract(self._a[-1], y, out=self._delta[-1]).ravel()
        return float(error.dot(error)) / (2 * len(y)) + self._penalty(l2, m)

    def _penalty(self, l2, m):
        """γ/(2m) Σ θ² over the weights."""
        if not l2:
            return 0.0
        w = self._theta[: self._n_weights]
        return l2 / (2 * m) * float(w.dot(w))

    def _loss_and_gradient(self, x, y, l2=0.0, m=1):
        """Backpropagation: δ_L = (h − y) h (1 − h) / len(x); ∂W_l = a_{l−1}ᵀ δ_l; ∂b_l = Σ δ_l;
        δ_{l−1} = δ_l W_lᵀ ⊙ f′(z_{l−1}); and γ/m·W_l is added to ∂W_l.
        """
        h = self._forward(x)
        cost = self._cost(y, l2, m)
        backward = ACTIVATIONS[self.activation].backward
        delta = self._delta[-1] * h * (_ONE - h) / self._count
        for (W_T, dW, db), a, a_T, below in self._layers_down:
            a_T.dot(delta, out=dW)
            self._ones.dot(delta, out=db)  # the column sums
            delta.dot(W_T, out=below)
            backward(below, a)
            delta = below
        x.T.dot(delta, out=self.weight_grads[0])
        self._ones.dot(delta, out=self.bias_grads[0])
        if l2:
            self._grad[: self._n_weights] += (l2 / m) * self._theta[: self._n_weights]
        return cost


# --------------------------------------------------------------- optimizers
#
# An optimizer is its hyperparameters, frozen. ``start(theta)`` returns the stepper that owns
# the moments: ``step(grad)`` moves theta in place by one update and leaves grad as it was.
# Below, W, dW, V … are blocks of theta, grad, the moments; u is scratch; t counts from 1.

BLOCK = 1 << 16  # parameters; five float32 blocks fill a second-level cache of 1.25 MB


def _stepper(theta, update, *initial):
    """step(grad), which calls ``update(t, W, dW, u, *moments)`` for one block after another.

    ``initial`` holds the moments' first values. Several passes over a block find it in the
    cache; on 566,000 parameters Adam's ten take two thirds of their time over whole vectors.
    """
    ok = isinstance(theta, np.ndarray) and np.issubdtype(theta.dtype, np.floating)
    found = str(getattr(theta, "dtype", type(theta).__name__))
    check.that(ok, "theta", found, "a NumPy array of floats")
    split = theta.ndim == 1 and theta.size > BLOCK
    blocks = [slice(i, i + BLOCK) for i in range(0, len(theta), BLOCK)] if split else [...]
    arrays = [theta, *(np.full_like(theta, value) for value in initial)]
    scratch = np.empty_like(theta[blocks[0]])  # one for all blocks: it never leaves the cache
    parts = []
    for block in blocks:
        W, *moments = (array[block] for array in arrays)
        parts.append((block, W, scratch[: len(W)] if split else scratch, moments))
    t = 0

    def step(grad):
        nonlocal t
        if not (isinstance(grad, np.ndarray) and grad.shape == theta.shape):
            allowed = f"{theta.shape}, as theta, in a NumPy array"
            check.that(False, "grad.shape", np.shape(grad), allowed)
        t += 1
        for block, W, u, moments in parts:
            update(t, W, grad[block], u, *moments)

    return step


class _Optimizer:
    def __post_init__(self):
        for name, value in vars(self).items():
            high = 1 if name.startswith("beta") else math.inf
            value = check.number(name, value, high=high, open_low=name in ("lr", "eps"))
            object.__setattr__(self, name, value)


def _flush(t, V, beta):
    """Now and then, set to 0 what has decayed towards denormal numbers.

    Where the gradient stays exactly 0 a moment shrinks by β each step; below 1e-38 float32
    becomes denormal and arithmetic on it many times slower. Clearing |V| < 1e8·tiny once in
    the steps that the next seven decades take costs nothing and never lets it get there.
    """
    if beta and t % max(1, int(-7 / math.log10(beta))) == 0:
        V[np.abs(V) < 1e8 * np.finfo(V.dtype).tiny] = 0.0


@dataclass(frozen=True)
class GradientDescent(_Optimizer):
    """W ← W − α dW, with α = lr / (1 + decay·t) after t updates (decay 0: a constant rate).

    The batch size makes it batch, mini-batch or stochastic gradient descent.
    """

    lr: float
    decay: float = 0.0

    def start(self, theta):
        def update(t, W, dW, u):
            np.multiply(dW, self.lr / (1 + self.decay * (t - 1)), out=u)
            np.subtract(W, u, out=W)

        return _stepper(theta, update)


@dataclass(frozen=True)
class Momentum(_Optimizer):
    """V ← βV + (1−β) dW;  W ← W − α V: the assignment's Algorithm 1, a moving average.

    The classical form (Polyak 1964; PyTorch's SGD) has V ← βV + dW: the same path when its
    rate is this one's times (1−β). Kept here is V/(1−β), which saves a pass over memory.
    """

    lr: float
    beta: float = 0.9

    def start(self, theta):
        rate = self.lr * (1 - self.beta)

        def update(t, W, dW, u, V):
            np.multiply(V, self.beta, out=V)
            np.add(V, dW, out=V)
            np.multiply(V, rate, out=u)
            np.subtract(W, u, out=W)
            _flush(t, V, self.beta)

        return _stepper(theta, update, 0.0)


@dataclass(frozen=True)
class RMSprop(_Optimizer):
    """S ← βS + (1−β) dW²;  W ← W − α dW / √(S + ε): Algorithm 2 (Hinton, lecture 6e).

    The assignment's S has no ε, which divides 0 by 0 on a pixel that is always black; here ε
    is inside the root. (PyTorch adds it outside.) Kept is R = (S + ε)/(1−β), which obeys
    R ← βR + dW² + ε from R = ε/(1−β): fewer passes, and nothing decays to denormals.
    """

    lr: float
    beta: float = 0.9
    eps: float = 1e-8

    def start(self, theta):
        rate = self.lr / math.sqrt(1 - self.beta)

        def update(t, W, dW, u, R):
            _decayed_square_sum(R, dW, u, self.beta, self.eps)
            np.divide(dW, np.sqrt(R, out=u), out=u)
            np.multiply(u, rate, out=u)
            np.subtract(W, u, out=W)

        return _stepper(theta, update, self.eps / (1 - self.beta))


def _decayed_square_sum(R, dW, u, beta, eps):
    """R ← βR + dW² + ε, in place."""
    np.multiply(dW, dW, out=u)
    np.add(u, eps, out=u)
    np.multiply(R, beta, out=R)
    np.add(R, u, out=R)


@dataclass(frozen=True)
class Adam(_Optimizer):
    """V ← β₁V + (1−β₁) dW;  S ← β₂S + (1−β₂) dW²;  V̂ = V/(1−β₁ᵗ);  Ŝ = S/(1−β₂ᵗ);
    W ← W − α V̂ / √(Ŝ + ε), t from 1: Algorithm 3 (Kingma & Ba 2015), ε inside the root.

    The paper and PyTorch add ε outside the root. Kept are V/(1−β₁) and the sum
    R ← β₂R + dW² + ε from R = 0, for then Ŝ + ε = R (1−β₂)/(1−β₂ᵗ) exactly: the weights of
    a bias-corrected average sum to one, so the average of ε is ε. Ten passes over memory.
    """

    lr: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def start(self, theta):
        def update(t, W, dW, u, V, R):
            np.multiply(V, self.beta1, out=V)
            np.add(V, dW, out=V)
            _decayed_square_sum(R, dW, u, self.beta2, self.eps)
            v_hat = (1 - self.beta1) / (1 - self.beta1**t)
            r_hat = (1 - self.beta2) / (1 - self.beta2**t)
            np.divide(V, np.sqrt(R, out=u), out=u)
            np.multiply(u, self.lr * v_hat / math.sqrt(r_hat), out=u)
            np.subtract(W, u, out=W)
            _flush(t, V, self.beta1)

        return _stepper(theta, update, 0.0, 0.0)


# ----------------------------------------------------------------- training


def train(net, data, optimizer, epochs=20, batch_size=64, l2=0.0, seed=0, probe=None):
    """Train ``net`` in place on ``data`` (a Dataset) and return its History.

    batch_size None is the whole training set (one update an epoch), 1 is SGD; a last, smaller
    batch is trained on too, averaged over its own size. Each epoch visits every sample once, in
    an order drawn from ``seed`` alone. The penalty's m is the training set's size (``MLP.loss``).
    ``gradient_norm`` is measured on every k-th training sample, about 1,000 in all.
    ``probe(net, x)``, if given, is called on those same samples at each row of the history and
    returns a dict of numbers or arrays, which are stacked in ``history.probes``.

    Raises ValueError for bad arguments. A cost that stops being finite ends the run with
    ``diverged_at``; that is a result, not an error.
    """
    check.that(isinstance(net, MLP), "net", type(net).__name__, "an MLP")
    epochs, batch_size, l2 = _checked_schedule(optimizer, epochs, batch_size, l2, probe)
    train_set, test_set = _checked_data(net, data)
    m = len(train_set[0])
    batch_size = min(batch_size or m, m)
    rng, step = _stream(seed, 1), optimizer.start(net.theta)
    history = _empty_history(net, epochs, updates=-(-m // batch_size))
    part = [np.ascontiguousarray(array[:: max(1, m // 1000)]) for array in train_set]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        _record(history, 0, net, train_set, test_set, part, l2, probe)
        for epoch in range(1, epochs + 1):
            costs = history.step_loss.reshape(epochs, -1)[epoch - 1]
            start = time.perf_counter()
            done = _train_epoch(net, *train_set, step, batch_size, l2, rng, costs)
            history.seconds[epoch] = history.seconds[epoch - 1] + time.perf_counter() - start
            if not (np.isfinite(costs[done - 1]) and np.isfinite(net.theta).all()):
                history.diverged_at = (epoch, done)
                break
            _record(history, epoch, net, train_set, test_set, part, l2, probe)
    history.theta[...] = net.theta
    return history


def _checked_schedule(optimizer, epochs, batch_size, l2, probe):
    """(epochs, batch_size, l2) as plain numbers."""
    kinds = "GradientDescent, Momentum, RMSprop, Adam or an object with start(theta)"
    started = callable(getattr(optimizer, "start", None)) and not isinstance(optimizer, type)
    check.that(started, "optimizer", optimizer, kinds)
    check.that(probe is None or callable(probe), "probe", probe, "None or a function of (net, x)")
    epochs = check.count("epochs", epochs, 0)
    batch_size = None if batch_size is None else check.count("batch_size", batch_size)
    return epochs, batch_size, check.number("l2", l2)


def _checked_data(net, data):
    """[(x_train, y_train), (x_test, y_test)] in the network's dtype, every row in one piece.

    ``take`` would copy an array of another order as a whole, for every batch.
    """
    require_dataset(data)
    sets = [
        net._checked(*(getattr(data, n) for n in names), names=[f"data.{n}" for n in names])[:2]
        for names in (("x_train", "y_train"), ("x_test", "y_test"))
    ]
    return [[np.ascontiguousarray(array) for array in pair] for pair in sets]


def _train_epoch(net, x, y, step, batch_size, l2, rng, costs):
    """One pass over the data; fills ``costs`` up to the first that is not finite; its number."""
    m = len(x)
    if batch_size < m:
        order = rng.permutation(m)
        y, batch = y[order], np.empty((batch_size, x.shape[1]), x.dtype)
    for i, begin in enumerate(range(0, m, batch_size)):
        y_batch, x_batch = y[begin : begin + batch_size], x
        if batch_size == 1 < m:  # a view needs no copy
            x_batch = x[np.newaxis, order[i]]
        elif batch_size < m:  # mode="clip": the default copies by way of a buffer
            rows, x_batch = order[begin : begin + batch_size], batch[: len(y_batch)]
            x.take(rows, axis=0, out=x_batch, mode="clip")
        costs[i] = cost = net._loss_and_gradient(x_batch, y_batch, l2, m)
        if not math.isfinite(cost):
            break
        step(net.grad)
    return i + 1


def _record(history, row, net, train_set, test_set, part, l2, probe):
    """Fill one row of the history with what the network is worth now."""
    for split, whole in (("train", train_set), ("test", test_set)):
        loss, accuracy = _evaluate(net, *whole)
        getattr(history, f"{split}_loss")[row] = loss
        getattr(history, f"{split}_accuracy")[row] = accuracy
    history.penalty[row] = net._penalty(l2, len(train_set[0]))
    net._loss_and_gradient(*part)
    history.gradient_norm[row] = [np.linalg.norm(g) for g in net.weight_grads]
    for name, value in (probe(net, part[0]) if probe else {}).items():
        empty = np.full((len(history.seconds), *np.shape(value)), np.nan)
        history.probes.setdefault(name, empty)[row] = value


def _evaluate(net, x, y, rows=1000):
    """(cost, accuracy) on a whole set, in pieces whose activations stay in the cache.

    Each is copied first, for a copy streams through memory faster than a product reads it.
    """
    cost, right, buffer = 0.0, 0, np.empty((min(rows, len(x)), x.shape[1]), x.dtype)
    for begin in range(0, len(x), rows):
        labels = y[begin : begin + rows]
        piece = buffer[: len(labels)]
        np.copyto(piece, x[begin : begin + rows])
        right += np.count_nonzero((net._forward(piece) >= 0.5) == labels)
        cost += len(labels) * net._cost(labels)
    return cost / len(x), right / y.size


def _empty_history(net, epochs, updates):
    """NaN everywhere but in ``seconds[0]``; ``updates`` an epoch."""
    rows = np.full((6, epochs + 1), np.nan)
    rows[5, 0] = 0.0
    names = ["train_loss", "test_loss", "train_accuracy", "test_accuracy", "penalty", "seconds"]
    return History(
        **{name: row.copy() for name, row in zip(names, rows)},
        gradient_norm=np.full((epochs + 1, len(net.weights)), np.nan),
        step_loss=np.full(epochs * updates, np.nan),
        theta=np.empty_like(net.theta),
        probes={},
    )


# ------------------------------------------------------------------ studies


@dataclass(frozen=True)
class Experiment:
    """One row of a study: everything that decides a run but its data and seed."""

    sizes: tuple
    activation: str
    init: str
    optimizer: object
    epochs: int
    batch_size: int | None
    l2: float = 0.0
    distribution: str = "normal"
    probe: Callable | None = None

    def __post_init__(self):
        arguments = self.sizes, self.activation, self.init, self.distribution
        object.__setattr__(self, "sizes", _checked_architecture(*arguments))
        _checked_schedule(self.optimizer, self.epochs, self.batch_size, self.l2, self.probe)

    def network(self, seed):
        """The network as it stands before training."""
        return MLP(self.sizes, self.activation, self.init, seed, distribution=self.distribution)

    def run(self, data, seed):
        """Train once; one seed gives both the weights' and the sample order's stream."""
        schedule = self.optimizer, self.epochs, self.batch_size, self.l2
        return train(self.network(seed), data, *schedule, seed, self.probe)
