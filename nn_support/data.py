"""The data: four .npz files of T-shirts and trousers, read and validated."""

import contextlib
import hashlib
import json
import math
import os
import stat
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nn_support import checks as check


class Dataset(NamedTuple):
    """x: (m, 784) float32 in [0, 1]; y: (m, 1) float32, 0 = T-shirt/top, 1 = trouser."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str  # "Fashion-MNIST", "course files" or "stand-in"


DATA_FOLDER = Path(__file__).parents[1] / "data"
DATA_FILES = ("x_train.npz", "y_train.npz", "x_test.npz", "y_test.npz")
SOURCES = ("Fashion-MNIST", "stand-in")  # what source.json may call them
LARGEST = 2**28  # bytes, of a file and of the array in it; the larger true ones have 10 million
LARGEST_SOURCE = 2**14  # bytes; the true one has 500
_MEMBER = "arr_0.npy"
_REMEDY = "run `python data/prepare.py`, or put the course's four .npz files there"


def load_data(folder=None):
    """Read and validate the four files, as the assignment does: np.load(file)["arr_0"].

    folder : where they are; default: data/ at the root of the project.
    Images are (n, 28, 28) or (n, 784) and hold 0–255 in any integer or float type; labels are
    (n,) or (n, 1) and hold 0 and 1, both of them. ``source`` is what source.json says of these
    very files (their SHA-256 match), else "course files".

    Raises FileNotFoundError for a missing file and ValueError for one that is damaged or holds
    something else; both name the file, what was found, what is expected and what to do.
    """
    known = folder is None or isinstance(folder, str | os.PathLike)
    check.that(known, "folder", folder, "a path, or None for data/")
    folder = DATA_FOLDER if folder is None else Path(folder)
    a_file = os.path.isfile(folder) or (folder.suffix == ".npz" and not os.path.isdir(folder))
    check.that(not a_file, "folder", str(folder), f"the folder that holds {', '.join(DATA_FILES)}")
    parts = {}
    for split in ("train", "test"):
        x_file, y_file = folder / f"x_{split}.npz", folder / f"y_{split}.npz"
        x, y = _read_images(x_file), _read_labels(y_file)
        same = f"{len(x)}, as many as the images in {x_file.name}"
        _refuse_unless(len(x) == len(y), y_file, f"{len(y)} labels", same)
        parts |= {f"x_{split}": x, f"y_{split}": y}
    return Dataset(**parts, source=_source(folder))


def _refuse_unless(ok, file, found, expected):
    if not ok:
        raise ValueError(f"{file}: found {found}; expected {expected}; {_REMEDY}")


def _read_array(file):
    """The array ``arr_0`` of an .npz archive of plain numbers, refused by its size before reading.

    np.load alone would take an archive with something before it for a pickle, and believe any size.
    """
    whole = "a whole .npz archive with a numeric array named arr_0"
    try:
        about, is_zip = file.stat(), False
        # Nothing else is opened, because opening a pipe could take for ever.
        if stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode):
            with file.open("rb") as stream:
                is_zip = stream.read(4) == b"PK\3\4" and zipfile.is_zipfile(stream)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{file}: not found; expected {whole}; {_REMEDY}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        _refuse_unless(False, file, f"no readable file ({reason})", whole)
    _refuse_unless(is_zip, file, "no zip archive, or a cut-off one", whole)
    _refuse_size(about.st_size, file, "a file")
    names, damage = [], None
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if _MEMBER in names:
                size = archive.getinfo(_MEMBER).file_size
                with archive.open(_MEMBER) as stream:
                    shape, dtype, start = _npy_header(stream)
    except Exception as error:  # zipfile, zlib and NumPy each have their own for a damaged file
        damage = "no header of an array" if isinstance(error, ValueError) else error
    _refuse_unless(damage is None, file, f"a damaged archive ({damage})", whole)
    _refuse_unless(_MEMBER in names, file, f"no such array among {str(names)[:200]}", whole)
    _refuse_unless(dtype.kind in "buif", file, f"dtype {dtype}", "numbers")
    _refuse_unless(math.prod(shape), file, f"an empty array {shape}", "at least one sample")
    _refuse_size(size, file, "an array")
    holds = size - start == math.prod(shape) * dtype.itemsize
    _refuse_unless(holds, file, f"{size - start} bytes for {shape} numbers {dtype}", whole)
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return archive[_MEMBER]
    except Exception as error:
        _refuse_unless(False, file, f"a damaged archive ({error})", whole)


def _refuse_size(size, file, what):
    _refuse_unless(size <= LARGEST, file, f"{what} of {size:,} bytes", f"at most {LARGEST:,}")


def _npy_header(stream):
    """(shape, dtype, length of the header) of an array in NumPy's own format."""
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(stream)]
    shape, _, dtype = read(stream)
    return shape, dtype, stream.tell()


def _read_images(file):
    pixels = _read_array(file)
    ok = pixels.shape[1:] in ((28, 28), (784,))
    _refuse_unless(ok, file, f"shape {pixels.shape}", "(n, 28, 28) or (n, 784)")
    low, high = pixels.min(), pixels.max()  # NaN, if there is one
    _refuse_unless(low >= 0 and high <= 255, file, f"pixels {low} to {high}", "0 to 255, no NaN")
    scaled = 0 < high <= 1
    _refuse_unless(not scaled, file, f"pixels scaled to {low} to {high}", "unscaled, 0 to 255")
    x = pixels.reshape(len(pixels), 784).astype(np.float32, order="C")
    x /= 255.0
    return x


def _read_labels(file):
    labels = _read_array(file)
    ok = labels.ndim == 1 or labels.shape[1:] == (1,)
    _refuse_unless(ok, file, f"shape {labels.shape}", "(n,) or (n, 1)")
    found = sorted(set(np.unique(labels).tolist()))
    found = found if len(found) < 9 else [*found[:4], "…", *found[-3:]]
    _refuse_unless(found == [0, 1], file, f"labels {found}", "labels 0 and 1, both of them")
    return labels.reshape(-1, 1).astype(np.float32)


def _source(folder):
    """What source.json says, if its SHA-256 are those of the four files as they are now."""
    about = read_source(folder)
    if about.get("source") in SOURCES:
        with contextlib.suppress(OSError):
            hashes = {name: sha256(folder / name) for name in DATA_FILES}
            if about.get("sha256") == hashes:
                return about["source"]
    return "course files"


def read_source(folder):
    """The content of source.json; {} if that is not a JSON object of a few lines."""
    file = folder / "source.json"
    try:
        about = file.stat()
        if stat.S_ISREG(about.st_mode) and about.st_size <= LARGEST_SOURCE:
            content = json.loads(file.read_text(encoding="utf-8"))
            return content if isinstance(content, dict) else {}
    except (OSError, ValueError, RecursionError):
        pass
    return {}


def sha256(file):
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
