"""Checks at the door: a bad argument is refused with its name, its value and what is allowed."""

import math
import numbers
from collections.abc import Iterable

import numpy as np


def that(ok, argument, value, allowed):
    """Raise ValueError, naming the argument, the value and what is allowed, unless ``ok``."""
    if not ok:
        raise ValueError(f"{argument} is {value!r}; allowed: {allowed}")


def one_of(argument, value, known):
    that(isinstance(value, str) and value in known, argument, value, ", ".join(known))


def number(argument, value, low=0.0, high=math.inf, open_low=False):
    """``value`` as a float, if it is a number in [low, high); in (low, high) with ``open_low``."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    ok = real and (low < value if open_low else low <= value) and value < high
    bracket = "(" if open_low else "["
    that(ok, argument, value, f"a number in {bracket}{low:g}, {high:g})")
    return float(value)


def count(argument, value, low=1, also=""):
    """``value`` as an int, if it is a whole number; NumPy's narrow ones would overflow later."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    that(whole and value >= low, argument, value, f"a whole number, {low} or more{also}")
    return int(value)


def array(argument, value, dtype):
    """``value`` as an array of ``dtype``; what NumPy can't convert is refused by its name."""
    try:
        with np.errstate(over="ignore"):  # too large for float32: infinite, refused later
            return np.asarray(value, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument} is no array of numbers: {error}") from error


def sequence(argument, value, allowed):
    """``value`` as a tuple, if it can be looped over and is no string."""
    that(isinstance(value, Iterable) and not isinstance(value, str), argument, value, allowed)
    return tuple(value)
