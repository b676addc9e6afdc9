"""Checks at the door: a bad argument is refused with its name, its value and what is allowed."""

import math
import numbers
import warnings
from collections.abc import Iterable, Mapping, Set
from decimal import Decimal

import numpy as np


def that(ok, argument, value, allowed):
    """Raise ValueError, naming the argument, the value and what is allowed, unless ``ok``."""
    if not ok:
        raise ValueError(f"{argument} is {shown(value)}; allowed: {allowed}")


def shown(value):
    """``repr``, but an array as its shape and dtype, and nothing longer than a line."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
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


def count(argument, value, low=1, also=""):
    """``value`` as an int, if it is a whole number; NumPy's narrow ones would overflow later."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    that(whole and value >= low, argument, value, f"a whole number, {low} or more{also}")
    return int(value)


def sequence(argument, value, allowed):
    """``value`` as a tuple, if it can be looped over, has an order and is no text."""
    unordered = isinstance(value, Set | Mapping | str | bytes | bytearray | memoryview)
    that(isinstance(value, Iterable) and not unordered, argument, value, allowed)
    return tuple(value)


def sizes(value):
    """The layer sizes as a tuple of int."""
    value = sequence("sizes", value, "a sequence of layer sizes")
    that(len(value) >= 2, "sizes", value, "at least an input and an output size")
    return tuple(count("every entry of sizes", n) for n in value)


def stream(seed, which):
    """The weights' (0) or the sample order's (1) random stream of a seed; a Generator is both."""
    if isinstance(seed, np.random.Generator):
        return seed
    if not isinstance(seed, np.random.SeedSequence):
        also = ", a numpy Generator or a SeedSequence"
        seed = np.random.SeedSequence(count("seed", seed, 0, also))
    # What seed.spawn(2)[which] gives, but for its counter of children, which stays as it is.
    child = {"spawn_key": (*seed.spawn_key, which), "pool_size": seed.pool_size}
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, **child))


def hyperparameter(name, value, dtype=np.float64):
    """``value`` as a float: lr and eps above 0, a beta below 1; ``dtype`` must hold it so."""
    high = 1 if name.startswith("beta") else math.inf
    limits = {"high": high, "open_low": name in ("lr", "eps")}
    value = number(name, value, **limits)
    with np.errstate(over="ignore", under="ignore"):
        number(f"{name} = {value!r} in {np.dtype(dtype)}", np.dtype(dtype).type(value), **limits)
    return value


def schedule(optimizer, epochs, batch_size, l2, probe, late=None):
    """(epochs, batch_size, l2, late) of a training as plain numbers, or None."""
    kinds = "GradientDescent, Momentum, RMSprop, Adam or an object with start(theta)"
    started = callable(getattr(optimizer, "start", None)) and not isinstance(optimizer, type)
    that(started, "optimizer", optimizer, kinds)
    that(probe is None or callable(probe), "probe", probe, "None or a function of (net, x)")
    batch_size = None if batch_size is None else count("batch_size", batch_size)
    late = None if late is None else count("late", late)
    return count("epochs", epochs, 0), batch_size, number("l2", l2), late


# ------------------------------------------------------------------- arrays


def float_type(dtype):
    ok = dtype in (np.float32, np.float64, "float32", "float64")
    that(ok, "dtype", dtype, "np.float32, np.float64")
    return dtype


def float_array(argument, value):
    ok = isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)
    found = str(getattr(value, "dtype", type(value).__name__))
    that(ok, argument, found, "a NumPy array of floats")


def shape(argument, value, wanted):
    if not (isinstance(value, np.ndarray) and value.shape == wanted):
        that(False, f"{argument}.shape", np.shape(value), f"{wanted}, as theta, in a NumPy array")


def array(argument, value, dtype, allowed):
    """``value`` as an array of ``dtype``, if it holds real numbers and none of them is masked."""
    try:
        found = np.asanyarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument} is no array of numbers: {error}") from error
    kind = f"an array of {found.dtype} and shape {found.shape}"
    that(found.dtype.kind in "buif", argument, kind, f"{allowed} of real numbers")
    that(not np.ma.is_masked(found), argument, "partly masked", f"{allowed} without a mask")
    with np.errstate(over="ignore"):  # too large for float32: infinite, refused later
        return np.asarray(found, dtype)


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
    y = array(argument, y, dtype, f"a {wanted} array")
    allowed = f"{wanted}, one row per sample"
    if y.shape == wanted[:1] and wanted[1] == 1:
        allowed += f": {argument}.reshape(-1, 1)"
    that(y.shape == wanted, f"{argument}.shape", y.shape, allowed)
    wrong = y[(y != 0) & (y != 1)]
    that(not wrong.size, argument, wrong[:1].tolist(), "labels 0 and 1")
    return y


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


def right(h, y):
    """Where the class that h ≥ 0.5 says is y; nowhere that h is NaN."""
    return np.where(y, h >= 0.5, h < 0.5)


def pair(x_name, x, y_name, y, sizes, dtype):
    """(x, y) of a network of these sizes, in its dtype."""
    x = samples(x_name, x, sizes[0], dtype)
    return x, labels(y_name, y, (len(x), sizes[-1]), dtype)


def dataset(data, sizes, dtype):
    """[(x_train, y_train), (x_test, y_test)] in ``dtype``, every row in one piece."""
    names = ("x_train", "y_train"), ("x_test", "y_test")
    ok = all(hasattr(data, name) for pair in names for name in pair)
    that(ok, "data", type(data).__name__, "a Dataset, with x_train, y_train, x_test, y_test")
    sets = [
        pair(f"data.{x}", getattr(data, x), f"data.{y}", getattr(data, y), sizes, dtype)
        for x, y in names
    ]
    warn_unscaled("data.x_train", sets[0][0])
    return [[np.ascontiguousarray(array) for array in both] for both in sets]


def warn_unscaled(argument, x):
    """Warn of pixels from 0 to 255, which saturate a network: it learns nothing, in silence.

    No other feature is told from a pixel below 100; standardized ones are negative too.
    """
    if x.max() > 100 and x.min() >= 0:
        text = f"{argument} goes up to {x.max():g}; pixels belong in [0, 1]: divide them by 255"
        warnings.warn(text, UserWarning, stacklevel=1)  # here, so that it is shown once
