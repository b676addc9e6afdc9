"""Four small data files, good or bad, for the tests of load_data and of prepare.py."""

import numpy as np


def valid_arrays():
    rng = np.random.default_rng(1)
    return {
        "x_train": rng.integers(0, 256, (12, 28, 28), dtype=np.uint8),
        "y_train": np.arange(12, dtype=np.uint8) % 2,
        "x_test": rng.integers(0, 256, (6, 28, 28), dtype=np.uint8),
        "y_test": np.arange(6, dtype=np.uint8) % 2,
    }


def write_files(folder, **changes):
    """Write four valid files, but for the arrays in `changes`; return their folder."""
    folder.mkdir(exist_ok=True)
    for name, array in {**valid_arrays(), **changes}.items():
        np.savez(folder / f"{name}.npz", array)
    return folder


def with_value(name, index, value, dtype=None):
    array = valid_arrays()[name].astype(dtype or valid_arrays()[name].dtype)
    array[index] = value
    return array


def tiny_drawing():
    """A stand-in of 8 + 4 images whose brightest pixel is 7."""
    x, y = np.full((8, 28, 28), 7, np.uint8), np.arange(8, dtype=np.uint8) % 2
    return x, y, x[:4], y[:4]
