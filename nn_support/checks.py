"""Checks at the door: a bad argument is refused with its name, its value and what is allowed."""

import math
import numbers
import warnings
from collections import deque
from collections.abc import Iterable, Mapping, Set
from decimal import Decimal
from itertools import pairwise

import numpy as np

MOST = 2**40  # weights, or epochs: no computer has the memory for more


def that(ok, argument, value, allowed):
    """Raise ValueError, naming the argument, the value and what is allowed, unless ``ok``."""
    if not ok:
        raise ValueError(f"{argument} is {shown(value)}; allowed: {allowed}")


def shown(value):
    """``repr``, but an array as its shape and dtype, and nothing longer than a line."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    try:
        text = repr(value)
    except Exception:  # an int of 5,000 digits has none
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:150]}… ({type(value).__name__})"


def one_of(argument, value, known, also=""):
    that(isinstance(value, str) and value in known, argument, value, ", ".join(known) + also)


def distribution(value):
    one_of("distribution", value, ("normal", "uniform"))


def number(argument, value, low=0.0, high=math.inf, open_low=False):
    """``value`` as a float, if that is in [low, high); in (low, high) with ``open_low``."""
    bracket = "(" if open_low else "["
    allowed = f"a number in {bracket}{low:g}, {high:g})"
    real = isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool)
    that(real, argument, value, allowed)
    try:
        as_float = float(value)
    except (OverflowError, ValueError):  # 10**400; a signalling NaN
        as_float = math.nan
    ok = (low < as_float if open_low else low <= as_float) and as_float < high
    that(ok, argument, value, allowed)
    return as_float


def count(argument, value, low=1, also="", high=2**63):
    """``value`` as an int, if it is a whole number; NumPy's narrow ones would overflow later."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    that(whole and value >= low, argument, value, f"a whole number, {low} or more{also}")
    that(value < high, argument, value, f"a whole number, less than {high}")
    return int(value)


def seed(argument, value, also=""):
    """``value`` as an int, if it is a seed: it may have any number of digits."""
    return count(argument, value, 0, also, math.inf)


def sequence(argument, value, allowed):
    """``value`` as a tuple, if it can be looped over, has an order and is no text."""
    unordered = isinstance(value, Set | Mapping | str | bytes | bytearray | memoryview)
    scalar = getattr(value, "shape", None) == ()  # an array of no dimensions is Iterable, too
    ok = isinstance(value, Iterable) and not unordered and not scalar
    that(ok, argument, value, allowed)
    return tuple(value)


def sizes(value):
    """The layer sizes as a tuple of int."""
    value = sequence("sizes", value, "a sequence of layer sizes")
    that(len(value) >= 2, "sizes", value, "at least an input and an output size")
    value = tuple(count("every entry of sizes", n) for n in value)
    that(sum(map(math.prod, pairwise(value))) < MOST, "sizes", value, f"less than {MOST} weights")
    return value


def stream(value, which):
    """The weights' (0) or the sample order's (1) random stream of a seed; a Generator is both."""
    if isinstance(value, np.random.Generator):
        return value
    if not isinstance(value, np.random.SeedSequence):
        also = ", a numpy Generator or a SeedSequence"
        value = np.random.SeedSequence(seed("seed", value, also))
    # What value.spawn(2)[which] gives, but for its counter of children, which stays as it is.
    child = {"spawn_key": (*value.spawn_key, which), "pool_size": value.pool_size}
    return np.random.default_rng(np.random.SeedSequence(value.entropy, **child))


def hyperparameter(name, value, dtype=np.float64):
    """``value`` as a float: lr and eps above 0, a beta below 1; ``dtype`` must hold it so.

    ε is averaged, times 1 − β, so it must be far above the smallest normal number.
    """
    high = 1 if name.startswith("beta") else math.inf
    limits = {"high": high, "open_low": name in ("lr", "eps")}
    value, dtype = number(name, value, **limits), np.dtype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        held = dtype.type(value)
    if name == "eps":
        limits["low"] = 1e16 * float(np.finfo(dtype).tiny)
    number(f"{name} = {value!r} in {dtype}", held, **limits)
    return value


def penalty(l2):
    """γ as a float that float32 can hold."""
    return hyperparameter("l2", l2, np.float32)


def schedule(optimizer, epochs, batch_size, l2, probe, late=None):
    """(epochs, batch_size, l2, late) of a training as plain numbers, or None."""
    kinds = "GradientDescent, Momentum, RMSprop, Adam or an object with start(theta)"
    started = callable(getattr(optimizer, "start", None)) and not isinstance(optimizer, type)
    that(started, "optimizer", optimizer, kinds)
    that(probe is None or callable(probe), "probe", probe, "None or a function of (net, x)")
    batch_size = None if batch_size is None else count("batch_size", batch_size)
    late = None if late is None else count("late", late)
    return count("epochs", epochs, 0, high=MOST), batch_size, penalty(l2), late


def activation(value):
    """An Activation of one's own that keeps shape and dtype and changes delta in place."""
    allowed = "an Activation of two functions"
    that(callable(value.apply) and callable(value.backward), "activation", value, allowed)
    for dtype in (np.float32, np.float64):
        z = np.linspace(-1, 1, 6, dtype=dtype).reshape(2, 3)
        a, other = value.apply(z.copy()), value.apply(z.copy())
        ok = _is_plain(a) and a.shape == z.shape and a.dtype == z.dtype
        that(ok, "activation.apply(z)", a, f"f(z), an array of z's shape and dtype, {z.dtype}")
        allowed = "an array that no other call gives"
        that(not np.shares_memory(a, other), "activation.apply(z)", a, allowed)
        delta = np.ones_like(a)
        given = value.backward(delta, a)
        allowed = "None, because delta itself is multiplied by f′(z)"
        that(given is None or given is delta, "activation.backward(delta, a)", given, allowed)
    if (delta == 1).all() and not np.allclose(a - z, a[0, 0] - z[0, 0]):  # f′ is not 1
        text = "activation.backward leaves delta as it is; it must multiply delta in place by f′(z)"
        warnings.warn(text, UserWarning, stacklevel=1)
    return value


# ------------------------------------------------------------------- arrays


def float_type(dtype):
    known = (np.float32, np.float64, "float32", "float64")
    ok = isinstance(dtype, type | np.dtype | str) and dtype in known
    that(ok, "dtype", dtype, "np.float32, np.float64")
    return dtype


def float_array(argument, value):
    ok = _is_plain(value) and value.dtype in (np.float32, np.float64) and value.flags.writeable
    allowed = "a NumPy array of float32 or float64, writable and without a mask"
    that(ok, argument, value, allowed)


def gradient(value, theta):
    if not (_is_plain(value) and value.shape == theta.shape and value.dtype.kind == "f"):
        allowed = f"a NumPy array of floats of theta's shape, {theta.shape}, without a mask"
        that(False, "grad", value, allowed)


def _is_plain(value):
    return isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray)


def array(argument, value, dtype, allowed):
    """``value`` as an array of ``dtype``, if it holds real numbers and none of them is masked."""
    try:
        found = np.asanyarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument} is no array of numbers: {error}") from error
    kind = f"an array of {found.dtype} and shape {found.shape}"
    that(found.dtype.kind in "buif", argument, kind, f"{allowed} of real numbers")
    that(not _is_masked(value), argument, "partly masked", f"{allowed} without a mask")
    with np.errstate(over="ignore"):  # too large for float32: infinite, refused later
        return np.asarray(found, dtype)


def _is_masked(value):
    """Whether something in an array is masked, or in an array within a list."""
    if isinstance(value, list | tuple | deque):
        return any(map(_is_masked, value))
    return isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value)


def samples(argument, x, n_in, dtype):
    """x as an (m, n_in) array of ``dtype``, all finite."""
    allowed = f"a non-empty (m, {n_in}) array"
    x = array(argument, x, dtype, allowed)
    that(x.ndim == 2 and len(x) and x.shape[1] == n_in, f"{argument}.shape", x.shape, allowed)
    finite = np.isfinite(x.min()) and np.isfinite(x.max())  # a NaN is both
    that(finite, argument, "NaN or infinite somewhere", "finite numbers")
    return x


def labels(argument, y, wanted, dtype):
    """y as an array of shape ``wanted`` and ``dtype`` that holds 0 and 1 alone."""
    y = array(argument, y, None, f"a {wanted} array")
    allowed = f"{wanted}, one row per sample"
    if y.shape == wanted[:1] and wanted[1] == 1:
        allowed += f": {argument}.reshape(-1, 1)"
    that(y.shape == wanted, f"{argument}.shape", y.shape, allowed)
    wrong = y[(y != 0) & (y != 1)]
    that(not wrong.size, argument, wrong[:1].tolist(), "labels 0 and 1")
    return y.astype(dtype, copy=False)


def vector(argument, value, like):
    """``value`` as a finite or infinite array of the shape and dtype of ``like``."""
    value = array(argument, value, like.dtype, f"a {like.shape} array")
    that(value.shape == like.shape, f"{argument}.shape", value.shape, f"{like.shape}")
    return value


def read_only(array):
    """A contiguous array that can't be written through: the original may be the caller's."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def pair(x_name, x, y_name, y, sizes, dtype):
    """(x, y) of a network of these sizes, in its dtype."""
    x = samples(x_name, x, sizes[0], dtype)
    return x, labels(y_name, y, (len(x), sizes[-1]), dtype)


def has_four_arrays(data):
    names = "x_train", "y_train", "x_test", "y_test"
    ok = all(hasattr(data, name) for name in names)
    that(ok, "data", type(data).__name__, f"a Dataset, with {', '.join(names)}")


def dataset(data, sizes, dtype):
    """[(x_train, y_train), (x_test, y_test)] in ``dtype``, every row in one piece."""
    has_four_arrays(data)
    sets = [
        pair(f"data.{x}", getattr(data, x), f"data.{y}", getattr(data, y), sizes, dtype)
        for x, y in (("x_train", "y_train"), ("x_test", "y_test"))
    ]
    warn_unscaled(("data.x_train", sets[0][0]), ("data.x_test", sets[1][0]))
    return [[np.ascontiguousarray(array) for array in both] for both in sets]


def warn_unscaled(*named):
    """Warn of pixels from 0 to 255, which saturate a network: it learns nothing, in silence.

    No other feature is told from a pixel below 100; standardized ones are negative too.
    """
    for argument, x in named:
        if x.max() > 100 and x.min() >= 0:
            text = f"{argument} goes up to {x.max():g}; pixels belong in [0, 1]: divide them by 255"
            warnings.warn(text, UserWarning, stacklevel=1)  # here, so that it is shown once
            break
