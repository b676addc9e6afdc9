"""load_data: what it accepts, and that what it refuses is named before it is read."""

import io
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from datafiles import tiny_drawing, valid_arrays, with_value, write_files

import nn_core
import prepare
from nn_support.data import DATA_FILES, LARGEST


def test_load_data_returns_what_the_design_says(tmp_path):
    data = nn_core.load_data(write_files(tmp_path))
    arrays = valid_arrays()
    assert [a.shape for a in data[:4]] == [(12, 784), (12, 1), (6, 784), (6, 1)]
    assert {a.dtype for a in data[:4]} == {np.dtype(np.float32)}
    np.testing.assert_allclose(data.x_train * 255, arrays["x_train"].reshape(12, 784), atol=1e-4)
    assert data.x_train.min() >= 0 and data.x_train.max() <= 1
    np.testing.assert_array_equal(data.y_test.ravel(), arrays["y_test"])
    assert data.source == "course files"


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float16, np.float32, float])
@pytest.mark.parametrize("x_shape", [(-1, 28, 28), (-1, 784)])
@pytest.mark.parametrize("y_shape", [(-1,), (-1, 1)])
def test_load_data_accepts_the_courses_variants(tmp_path, dtype, x_shape, y_shape):
    shapes = {"x_train": x_shape, "y_train": y_shape, "x_test": x_shape, "y_test": y_shape}
    arrays = valid_arrays()
    changes = {name: arrays[name].astype(dtype).reshape(shapes[name]) for name in arrays}
    expected = nn_core.load_data(write_files(tmp_path / "plain"))
    found = nn_core.load_data(write_files(tmp_path / "variant", **changes))
    for a, b in zip(found[:4], expected[:4]):
        np.testing.assert_array_equal(a, b)


def test_load_data_accepts_bool_labels_and_compressed_files(tmp_path):
    write_files(tmp_path, y_train=valid_arrays()["y_train"].astype(bool))
    np.savez_compressed(tmp_path / "x_test.npz", valid_arrays()["x_test"])
    assert len(nn_core.load_data(tmp_path).x_test) == 6


BAD_ARRAYS = {  # case: file, array, what the message says was found
    "label 2": ("y_train", with_value("y_train", 3, 2), "2"),
    "label -1": ("y_train", with_value("y_train", 3, -1, int), "-1"),
    "label 0.5": ("y_test", with_value("y_test", 0, 0.5, float), "0.5"),
    "label NaN": ("y_test", with_value("y_test", 0, np.nan, float), "nan"),
    "only shirts": ("y_train", np.zeros(12, np.uint8), "[0]"),
    "only trousers": ("y_test", np.ones(6, np.uint8), "[1]"),
    "too few labels": ("y_train", np.arange(11) % 2, "11 labels"),
    "labels of one column too many": ("y_train", np.zeros((12, 2)), "(12, 2)"),
    "one number": ("y_train", np.array(1), "()"),
    "NaN pixel": ("x_train", with_value("x_train", (0, 0, 0), np.nan, float), "nan"),
    "infinite pixel": ("x_test", with_value("x_test", (0, 0, 0), np.inf, float), "inf"),
    "pixel 256": ("x_train", with_value("x_train", (0, 0, 0), 256, int), "256"),
    "pixel -1": ("x_test", with_value("x_test", (0, 0, 0), -1, int), "-1"),
    "images of 32x32": ("x_train", np.zeros((12, 32, 32), np.uint8), "(12, 32, 32)"),
    "rows of 783": ("x_test", np.zeros((6, 783), np.uint8), "(6, 783)"),
    "images in colour": ("x_test", np.zeros((6, 28, 28, 3), np.uint8), "(6, 28, 28, 3)"),
    "no images": ("x_train", np.zeros((0, 28, 28), np.uint8), "(0, 28, 28)"),
    "text": ("y_train", np.array(["a", "b"] * 6), "<U1"),
    "complex numbers": ("x_train", np.zeros((12, 784), complex), "complex"),
    "objects": ("x_train", np.array([None] * 12), "dtype object"),
    "black and white": ("x_train", np.eye(12, 784, dtype=bool), "scaled to False to True"),
    "zeros and ones": ("x_test", np.eye(6, 784, dtype=np.uint8), "scaled to 0 to 1"),
    "shares": ("x_test", np.eye(6, 784) / 2, "scaled to 0.0 to 0.5"),
}


def assert_refused(folder, file, *words, error=ValueError):
    """load_data must name the file, what was found, what is expected and what to do."""
    with pytest.raises(error) as caught:
        nn_core.load_data(folder)
    message = str(caught.value)
    for word in (str(Path(folder) / file), "expected", "data/prepare.py", *words):
        assert word in message
    assert "allow_pickle" not in message


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_load_data_refuses_wrong_arrays(tmp_path, case):
    name, array, found = BAD_ARRAYS[case]
    write_files(tmp_path, **{name: array})
    if case == "too few labels":
        assert_refused(tmp_path, "y_train.npz", found, "12")
    else:
        assert_refused(tmp_path, f"{name}.npz", found)


def test_load_data_leaves_each_image_in_one_piece(tmp_path):
    images = valid_arrays()["x_train"].reshape(12, 784)
    write_files(tmp_path, x_train=np.asfortranarray(images))
    x = nn_core.load_data(tmp_path).x_train
    assert x.flags.c_contiguous
    np.testing.assert_array_equal(x, (images / np.float32(255)).astype(np.float32))


@pytest.mark.parametrize("name", DATA_FILES)
@pytest.mark.parametrize("there", [True, False])
def test_load_data_wants_the_folder_not_a_file_of_it(tmp_path, name, there):
    if there:
        write_files(tmp_path)
    with pytest.raises(ValueError, match=r"^folder is .*; allowed: the folder that holds x_train"):
        nn_core.load_data(tmp_path / name)


def test_load_data_refuses_a_path_that_no_file_can_have(tmp_path):
    assert_refused(f"{tmp_path}\0", "x_train.npz", "null")


@pytest.mark.parametrize("name", DATA_FILES)
def test_load_data_refuses_a_missing_file(tmp_path, name):
    (write_files(tmp_path) / name).unlink()
    assert_refused(tmp_path, name, "not found", error=FileNotFoundError)


def test_load_data_says_why_a_file_can_not_be_opened(tmp_path):
    (write_files(tmp_path) / "x_train.npz").unlink()
    (tmp_path / "x_train.npz").mkdir()
    assert_refused(tmp_path, "x_train.npz", "Is a directory")


def test_load_data_refuses_a_wrong_key(tmp_path):
    np.savez(write_files(tmp_path) / "x_test.npz", images=valid_arrays()["x_test"])
    assert_refused(tmp_path, "x_test.npz", "images", "arr_0")


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_load_data_refuses_a_truncated_file(tmp_path, save, share):
    file = write_files(tmp_path) / "x_train.npz"
    save(file, valid_arrays()["x_train"])
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert_refused(tmp_path, "x_train.npz", "zip")


def test_load_data_refuses_a_file_with_a_wrong_byte(tmp_path):
    file = write_files(tmp_path) / "x_train.npz"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert_refused(tmp_path, "x_train.npz")


def test_load_data_refuses_what_is_not_a_zip(tmp_path):
    file = write_files(tmp_path) / "y_test.npz"
    with open(file, "wb") as stream:
        np.save(stream, valid_arrays()["y_test"])
    assert_refused(tmp_path, "y_test.npz", "zip")


def npy_header(shape):
    stream = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue()


@pytest.mark.parametrize("member", ["arr_0.npy", "arr_0"])
@pytest.mark.parametrize("content", [b"", b"text", npy_header((10**15,)), npy_header((10**25,))])
def test_load_data_refuses_a_zip_of_something_else(tmp_path, member, content):
    with zipfile.ZipFile(write_files(tmp_path) / "x_train.npz", "w") as archive:
        archive.writestr(member, content)
    assert_refused(tmp_path, "x_train.npz")


def test_load_data_survives_any_wrong_byte(tmp_path):
    """A byte that changes nothing (a time stamp in the zip) may pass; the rest is a ValueError."""
    file = write_files(tmp_path) / "y_train.npz"
    content, expected = file.read_bytes(), nn_core.load_data(tmp_path).y_train
    for place in range(0, len(content), 2):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x49]) + content[place + 1 :])
        try:
            found = nn_core.load_data(tmp_path).y_train
        except ValueError as error:
            assert "y_train.npz: found" in str(error)
        else:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("junk", [b"#!/bin/sh\n", b"PK", b"\0" * 999])
def test_load_data_refuses_an_archive_with_something_before_it(tmp_path, junk):
    file = write_files(tmp_path) / "x_train.npz"
    file.write_bytes(junk + file.read_bytes())
    assert_refused(tmp_path, "x_train.npz")


def write_array(file, header, size, method=zipfile.ZIP_DEFLATED):
    """An archive whose array has that header, and so many bytes, all of them 0."""
    with zipfile.ZipFile(file, "w", method) as archive, archive.open("arr_0.npy", "w") as stream:
        stream.write(header)
        for _ in range(size // 2**20):
            stream.write(bytes(2**20))
        stream.write(bytes(size % 2**20))


BOMBS = {  # bytes that are there, shape that is told, what the message says
    "too large": (LARGEST + 784, (LARGEST // 784 + 1, 784), "an array of"),
    "larger than told": (LARGEST + 784, (12, 784), "an array of"),
    "smaller than told": (12 * 784, (10**6, 784), "bytes for (1000000, 784) numbers"),
    "immeasurable": (12 * 784, (10**15, 784), "bytes for"),
}


@pytest.mark.parametrize("case", BOMBS)
def test_load_data_refuses_an_array_by_its_size_before_reading_it(tmp_path, case):
    size, shape, found = BOMBS[case]
    write_array(write_files(tmp_path) / "x_train.npz", npy_header(shape), size)
    tracemalloc.start()
    assert_refused(tmp_path, "x_train.npz", found)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**24


def test_load_data_refuses_a_file_by_its_size_before_reading_it(tmp_path):
    file = write_files(tmp_path) / "x_train.npz"
    content = file.read_bytes()
    with file.open("wb") as stream:
        stream.write(content[:4])
        stream.seek(LARGEST)
        stream.write(content)
    assert_refused(tmp_path, "x_train.npz", "a file of")


@pytest.mark.parametrize("shape", ["(" * 300, "[" * 3000 + "]" * 3000, "12, " * 9000])
def test_load_data_refuses_a_header_that_is_none(tmp_path, shape):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape})}}\n".encode()
    header = b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text
    write_array(write_files(tmp_path) / "x_train.npz", header, 12 * 784)
    assert_refused(tmp_path, "x_train.npz")


def loaded_by_another_process(folder):
    """What a process of its own, of limited memory, prints about the data; it must not hang."""
    code = (
        "import resource, nn_core; resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))\n"
        "try: print(nn_core.load_data({!r}).source)\n"
        "except (ValueError, OSError) as error: print(error)"
    )
    root = Path(nn_core.__file__).parent
    command = [sys.executable, "-c", code.format(str(folder))]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


def be_endless(file):
    file.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [os.mkfifo, be_endless], ids=["pipe", "endless"])
def test_load_data_refuses_what_is_no_file_without_opening_it(tmp_path, make):
    file = write_files(tmp_path) / "y_train.npz"
    file.unlink()
    make(file)
    assert f"{file}: found no zip archive" in loaded_by_another_process(tmp_path)


SOURCES = {
    "deep": lambda file: file.write_text("[" * 9000),
    "deep objects": lambda file: file.write_text('{"a":' * 3000),
    "huge": lambda file: file.touch() or os.truncate(file, 2**33),
    "a pipe": os.mkfifo,
    "endless": be_endless,
    "a folder": Path.mkdir,
    "a list": lambda file: file.write_text('["source", "sha256"]'),
    "a number": lambda file: file.write_text("9" * 5000),
    "no UTF-8": lambda file: file.write_bytes(b'{"source": "\xff"}'),
    "lists": lambda file: file.write_text('{"source": ["stand-in"], "sha256": ["x"]}'),
}


@pytest.mark.parametrize("case", SOURCES)
def test_a_source_that_is_none_changes_nothing(tmp_path, case):
    SOURCES[case](write_files(tmp_path) / "source.json")
    assert loaded_by_another_process(tmp_path) == "course files\n"


@pytest.mark.parametrize("source", ["anything", 5, None, ["stand-in"], "x" * 100])
def test_a_source_has_one_of_two_names(tmp_path, source):
    prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    about = json.loads((tmp_path / "source.json").read_text(encoding="utf-8"))
    (tmp_path / "source.json").write_text(json.dumps(about | {"source": source}))
    assert nn_core.load_data(tmp_path).source == "course files"


class _Trap:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.mark.parametrize("disguise", ["object array", "bare pickle"])
def test_pickled_objects_never_run(tmp_path, disguise):
    trap = _Trap(tmp_path / "the trap was sprung")
    write_files(tmp_path)
    if disguise == "object array":
        np.savez(tmp_path / "x_train.npz", np.array([trap], dtype=object))
    else:
        (tmp_path / "x_train.npz").write_bytes(pickle.dumps(trap))
    assert_refused(tmp_path, "x_train.npz")
    assert not trap.file.exists()


def test_source_is_believed_only_for_the_very_files_it_lists(tmp_path, monkeypatch):
    monkeypatch.delenv("FASHION_MNIST_DIR", raising=False)
    prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    assert nn_core.load_data(tmp_path).source == "stand-in"
    np.savez(tmp_path / "y_test.npz", 1 - np.load(tmp_path / "y_test.npz")["arr_0"])
    assert nn_core.load_data(tmp_path).source == "course files"


def test_what_load_data_finds_here_is_valid():
    """Whatever stands in data/ now: the real data, the course's, a stand-in, or nothing yet."""
    if any((prepare.HERE / name).exists() for name in DATA_FILES):
        assert set(np.unique(nn_core.load_data().y_train)) == {0, 1}
    else:
        with pytest.raises(FileNotFoundError, match=r"prepare\.py"):
            nn_core.load_data()
