"""The data: what load_data accepts and refuses, and that prepare.py leaves good files or none."""

import errno
import gzip
import hashlib
import http.server
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import nn_core
import prepare
import standin
from nn_support.data import DATA_FILES

FOLDERS_FOR_IMPORT = [str(Path(module.__file__).parent) for module in (nn_core, prepare)]
REAL_ARCHIVES = os.environ.get("FASHION_MNIST_DIR")


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch):
    """Neither the machine's archives nor its proxy take part."""
    monkeypatch.delenv("FASHION_MNIST_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


# load_data ------------------------------------------------------------------------------------


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
    "objects": ("x_train", np.array([None] * 12), "bject"),
}


def assert_refused(folder, file, *words, error=ValueError):
    """load_data must name the file, what was found, what is expected and what to do."""
    with pytest.raises(error) as caught:
        nn_core.load_data(folder)
    message = str(caught.value)
    for word in (str(Path(folder) / file), "expected", "data/prepare.py", *words):
        assert word in message


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


def test_source_is_believed_only_for_the_very_files_it_lists(tmp_path):
    prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    assert nn_core.load_data(tmp_path).source == "stand-in"
    np.savez(tmp_path / "y_test.npz", 1 - np.load(tmp_path / "y_test.npz")["arr_0"])
    assert nn_core.load_data(tmp_path).source == "course files"


# prepare: tiny archives, a tiny stand-in ------------------------------------------------------

TINY_LABELS = {"train": np.arange(40, dtype=np.uint8) % 10, "t10k": np.arange(20) % 10}


def idx(array):
    """Return the array as a gzipped IDX file."""
    header = [0x0800 + array.ndim, *array.shape]
    return gzip.compress(np.array(header, ">u4").tobytes() + array.astype(np.uint8).tobytes())


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """A folder of four tiny archives; pixel 0 of each image is its label, the others are 200."""
    folder = tmp_path_factory.mktemp("archives")
    for part, labels in TINY_LABELS.items():
        images = np.full((len(labels), 28, 28), 200, np.uint8)
        images[:, 0, 0] = labels
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(labels))
    return folder


@pytest.fixture(scope="module")
def checksums(archives):
    return {name: sha256(archives / name) for name in prepare.ARCHIVES}


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def tiny_drawing():
    """A stand-in of 8 + 4 images whose brightest pixel is 7."""
    x, y = np.full((8, 28, 28), 7, np.uint8), np.arange(8, dtype=np.uint8) % 2
    return x, y, x[:4], y[:4]


def assert_good(folder, source):
    """The folder holds exactly the tiny data that `source` names, and nothing else but the lock."""
    data = nn_core.load_data(folder)
    assert data.source == source
    sizes, pixel = {"Fashion-MNIST": ((8, 4), 200), "stand-in": ((8, 4), 7)}[source]
    assert (len(data.x_train), len(data.x_test)) == sizes
    assert round(float(data.x_train[0, 300]) * 255) == pixel
    about = json.loads((folder / "source.json").read_text(encoding="utf-8"))
    assert about["sha256"] == {name: sha256(folder / name) for name in DATA_FILES}
    names = {file.name for file in folder.iterdir()} - {prepare.LOCK}
    assert names == {*DATA_FILES, "source.json"}


def contents(folder):
    """Return the content of every file but the lock."""
    files = [f for f in folder.rglob("*") if f.is_file() and f.name != prepare.LOCK]
    return {file.relative_to(folder): file.read_bytes() for file in files}


def test_archives_become_the_four_files(tmp_path, archives, checksums):
    assert prepare.prepare(tmp_path, archives, archives=checksums) == "Fashion-MNIST"
    assert_good(tmp_path, "Fashion-MNIST")
    x, y = (np.load(tmp_path / f"{name}_train.npz")["arr_0"] for name in "xy")
    assert (x.dtype, x.shape, y.dtype, y.shape) == (np.uint8, (8, 28, 28), np.uint8, (8,))
    np.testing.assert_array_equal(y, [0, 1] * 4)  # in the archives' order
    np.testing.assert_array_equal(x[:, 0, 0], y)


def test_archives_are_found_through_the_environment(tmp_path, archives, checksums, monkeypatch):
    monkeypatch.setenv("FASHION_MNIST_DIR", str(archives))
    assert prepare.prepare(tmp_path, mirrors=(), archives=checksums) == "Fashion-MNIST"


@pytest.mark.parametrize("through", ["--source", "FASHION_MNIST_DIR"])
@pytest.mark.parametrize("fault", ["missing", "wrong", "no folder"])
def test_a_given_folder_with_a_fault_is_refused(
    tmp_path, archives, checksums, fault, through, monkeypatch
):
    given, folder, name = tmp_path / "given", tmp_path / "data", "t10k-labels-idx1-ubyte.gz"
    if fault != "no folder":
        given.mkdir()
        for file in archives.iterdir():
            (given / file.name).write_bytes(file.read_bytes())
        (given / name).write_bytes(b"something else") if fault == "wrong" else (
            given / name
        ).unlink()
    if through == "FASHION_MNIST_DIR":
        monkeypatch.setenv(through, str(given))
    with pytest.raises(prepare.DataError) as caught:
        prepare.prepare(folder, given if through == "--source" else None, archives=checksums)
    assert through in str(caught.value) and str(given) in str(caught.value)
    if fault == "wrong":
        for word in (name, checksums[name], sha256(given / name)):
            assert word in str(caught.value)
    assert not contents(folder)


IDX_FAULTS = {
    "labels in place of images": ("images-idx3", TINY_LABELS["train"]),
    "images in place of labels": ("labels-idx1", np.zeros((40, 28, 28))),
    "wrong image size": ("images-idx3", np.zeros((40, 28, 29))),
    "too few labels": ("labels-idx1", np.arange(39) % 10),
}


@pytest.mark.parametrize("case", IDX_FAULTS)
def test_a_wrong_idx_file_is_refused(tmp_path, archives, case):
    part, array = IDX_FAULTS[case]
    assert_idx_refused(tmp_path, archives, part, idx(array))


@pytest.mark.parametrize("size", [-1, 1])
def test_an_idx_file_of_another_length_than_it_says_is_refused(tmp_path, archives, size):
    content = gzip.decompress((archives / "train-images-idx3-ubyte.gz").read_bytes())
    content = content[:size] if size < 0 else content + bytes(size)
    assert_idx_refused(tmp_path, archives, "images-idx3", gzip.compress(content))


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b""), gzip.compress(b"x" * 9)])
def test_an_archive_that_is_no_idx_file_is_refused(tmp_path, archives, content):
    assert_idx_refused(tmp_path, archives, "labels-idx1", content)


def test_a_cut_gzip_stream_is_refused(tmp_path, archives):
    content = (archives / "train-images-idx3-ubyte.gz").read_bytes()
    assert_idx_refused(tmp_path, archives, "images-idx3", content[:-20])


def assert_idx_refused(tmp_path, archives, part, content):
    """The archive has the SHA-256 that is asked for, yet its content can't be used."""
    for file in archives.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / f"train-{part}-ubyte.gz").write_bytes(content)
    checksums = {file.name: sha256(file) for file in tmp_path.iterdir()}
    with pytest.raises(prepare.DataError, match="train"):
        prepare.prepare(tmp_path / "data", tmp_path, archives=checksums)
    assert not contents(tmp_path / "data")


# prepare: what is already there ---------------------------------------------------------------


def test_prepared_files_are_kept_as_they_are(tmp_path, archives, checksums):
    prepare.prepare(tmp_path, archives, archives=checksums)
    before = contents(tmp_path)
    assert prepare.prepare(tmp_path, mirrors=(), require_real=True) == "Fashion-MNIST"
    assert contents(tmp_path) == before


def test_the_courses_files_are_kept_as_they_are(tmp_path, archives, checksums, capsys):
    before = contents(write_files(tmp_path))
    assert prepare.prepare(tmp_path, archives, archives=checksums) == "course files"
    assert contents(tmp_path) == before
    assert "your own" in capsys.readouterr().out


def test_the_courses_files_may_replace_a_stand_in(tmp_path):
    prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    write_files(tmp_path)
    assert prepare.prepare(tmp_path, mirrors=(), require_real=True) == "course files"


@pytest.mark.parametrize("fault", ["truncated", "missing"])
@pytest.mark.parametrize("ours_before", [False, True])
def test_damaged_files_that_may_be_the_users_are_refused(
    tmp_path, archives, checksums, fault, ours_before
):
    if ours_before:
        prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    write_files(tmp_path)
    file = tmp_path / "y_train.npz"
    file.write_bytes(file.read_bytes()[:100]) if fault == "truncated" else file.unlink()
    before = contents(tmp_path)
    with pytest.raises(prepare.DataError, match=r"y_train\.npz") as caught:
        prepare.prepare(tmp_path, archives, archives=checksums)
    assert "move them away" in str(caught.value)
    assert contents(tmp_path) == before


def test_the_command_names_a_file_that_can_not_be_read(tmp_path):
    (tmp_path / "x_train.npz").mkdir()
    with pytest.raises(SystemExit) as caught:
        prepare.main(["--folder", str(tmp_path)])
    for words in ("prepare.py: ", f"{tmp_path / 'x_train.npz'}: ", "Is a directory", "move them"):
        assert words in caught.value.code
    assert (tmp_path / "x_train.npz").is_dir()


@pytest.mark.parametrize("missing", DATA_FILES)
def test_our_own_incomplete_set_is_made_anew(tmp_path, archives, checksums, missing):
    prepare.prepare(tmp_path, archives, archives=checksums)
    (tmp_path / missing).unlink()
    assert prepare.prepare(tmp_path, archives, archives=checksums) == "Fashion-MNIST"
    assert_good(tmp_path, "Fashion-MNIST")


def test_leftovers_of_a_stopped_run_are_cleared(tmp_path, archives, checksums):
    for leftover in (f"{prepare.NEW}/x_train.npz", f"{prepare.DOWNLOADED}/tmp123"):
        (tmp_path / leftover).parent.mkdir()
        (tmp_path / leftover).write_bytes(b"half")
    prepare.prepare(tmp_path, archives, archives=checksums)
    assert_good(tmp_path, "Fashion-MNIST")


# prepare: the stand-in ------------------------------------------------------------------------


def test_the_stand_in_is_loud_and_labelled(tmp_path, capsys):
    for _ in range(2):  # made, then kept
        assert prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing) == "stand-in"
        assert "NOT Fashion-MNIST" in capsys.readouterr().out
        assert_good(tmp_path, "stand-in")


def test_real_data_replace_the_stand_in(tmp_path, archives, checksums):
    prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    assert prepare.prepare(tmp_path, archives, archives=checksums) == "Fashion-MNIST"
    assert_good(tmp_path, "Fashion-MNIST")


@pytest.mark.parametrize("stand_in_there", [False, True])
def test_require_real_fails_rather_than_fall_back(tmp_path, stand_in_there):
    if stand_in_there:
        prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    before = contents(tmp_path)
    with pytest.raises(prepare.DataError, match="--source"):
        prepare.prepare(tmp_path, mirrors=(), require_real=True, draw=tiny_drawing)
    assert contents(tmp_path) == before


def test_the_command_exits_with_1_and_the_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        prepare, "prepare", lambda *_: (_ for _ in ()).throw(prepare.DataError("the reason"))
    )
    with pytest.raises(SystemExit, match="the reason"):
        prepare.main(["--require-real"])


def test_the_command_passes_its_options_on(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(prepare, "prepare", lambda *arguments: calls.append(arguments))
    prepare.main(["--folder", "a", "--source", "b", "--require-real"])
    prepare.main([])
    assert calls == [("a", "b", True), (prepare.HERE, None, False)]


def test_the_drawing_is_valid_repeatable_and_of_both_kinds(tmp_path):
    x, y, x_test, y_test = standin.draw(600, 100)
    assert (x.dtype, x.shape, y.dtype, y.shape) == (np.uint8, (600, 28, 28), np.uint8, (600,))
    assert (x_test.shape, y_test.shape) == ((100, 28, 28), (100,))
    assert abs(y.mean() - 0.5) < 0.02
    for a, b in zip((x, y, x_test, y_test), standin.draw(600, 100)):
        np.testing.assert_array_equal(a, b)
    assert len(np.unique(x.reshape(600, -1), axis=0)) == 600


def test_the_drawing_is_about_as_hard_as_the_real_pair():
    x, y, x_test, y_test = standin.draw(5000, 2000)
    accuracy = least_squares_accuracy(x, y, x_test, y_test)
    assert 0.96 <= accuracy <= 0.99
    for label, mean, zeros in [(0, 83, 0.41), (1, 57, 0.65)]:  # of Fashion-MNIST
        assert x[y == label].mean() == pytest.approx(mean, rel=0.15)
        assert (x[y == label] == 0).mean() == pytest.approx(zeros, rel=0.1)


def least_squares_accuracy(x, y, x_test, y_test):
    a, b = (np.insert(part.reshape(len(part), -1) / 255, 0, 1, axis=1) for part in (x, x_test))
    weights = np.linalg.solve(a.T @ a + 1e-3 * np.eye(785), a.T @ y)
    return ((b @ weights > 0.5) == y_test).mean()


# prepare: the download ------------------------------------------------------------------------


class _Mirror(http.server.BaseHTTPRequestHandler):
    """Serves the archives well or badly: the first part of the path says how."""

    def do_HEAD(self):
        self.do_GET(only_headers=True)

    def do_GET(self, only_headers=False):
        _, how, name = self.path.split("/")
        self.server.requests.append((self.command, how, name))
        content = (self.server.folder / name).read_bytes()
        if how == "hangs":
            return self.server.released.wait(20)
        if how == "wrong":
            content = content[::-1]
        self.send_response(404 if how == "missing" else 200)
        self.send_header("Content-Length", len(content))
        self.end_headers()
        if only_headers or how == "missing":
            return None
        self.wfile.write(content if how in ("good", "wrong") else content[: len(content) // 2])
        if how == "stalls":
            self.wfile.flush()
            self.server.released.wait(20)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def server(archives):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Mirror) as server:
        server.daemon_threads = True
        server.folder, server.requests, server.released = archives, [], threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


FAILURES = {
    "wrong": "SHA256",
    "cut": "broke off",
    "missing": "HTTP 404",
    "hangs": "no answer in time",
    "stalls": "no answer in time",
}


def from_mirrors(folder, server, checksums, *kinds, **options):
    """Prepare from the test server; its mirrors are called by what they do."""
    limit = 0.8 if {"hangs", "stalls"} & set(kinds) else 10
    options = {"archives": checksums, "timeout": (limit, limit), "draw": tiny_drawing, **options}
    return prepare.prepare(folder, mirrors=[f"{server.url}{kind}/" for kind in kinds], **options)


def test_download(tmp_path, server, checksums):
    assert from_mirrors(tmp_path, server, checksums, "good") == "Fashion-MNIST"
    assert_good(tmp_path, "Fashion-MNIST")


@pytest.mark.parametrize("kind", FAILURES)
def test_a_bad_mirror_is_reported_and_the_next_one_asked(tmp_path, server, checksums, kind, capsys):
    assert from_mirrors(tmp_path, server, checksums, kind, "good") == "Fashion-MNIST"
    assert_good(tmp_path, "Fashion-MNIST")
    lines = capsys.readouterr().out.splitlines()
    assert sum("failed" in line for line in lines) == 1  # later archives ask the good one first
    assert f"{kind}/train-images-idx3-ubyte.gz" in lines[0] and FAILURES[kind] in lines[1]


@pytest.mark.parametrize("kind", FAILURES)
def test_only_bad_mirrors_lead_to_the_stand_in(tmp_path, server, checksums, kind):
    start = time.monotonic()
    assert from_mirrors(tmp_path, server, checksums, kind) == "stand-in"
    assert time.monotonic() - start < 10
    assert_good(tmp_path, "stand-in")


@pytest.mark.parametrize("kind", FAILURES)
def test_only_bad_mirrors_fail_where_the_real_data_are_required(tmp_path, server, checksums, kind):
    with pytest.raises(prepare.DataError, match="No Fashion-MNIST"):
        from_mirrors(tmp_path, server, checksums, kind, require_real=True)
    assert not contents(tmp_path)


def test_a_name_server_that_hangs_costs_no_more_than_the_time_limit(
    tmp_path, server, checksums, monkeypatch, capsys
):
    def hang(*_, **__):
        server.released.wait(20)
        raise prepare.requests.ConnectionError

    monkeypatch.setattr(prepare.requests, "head", hang)
    assert from_mirrors(tmp_path, server, checksums, "good", timeout=(0.1, 9)) == "stand-in"
    assert "no answer in time" in capsys.readouterr().out
    assert not server.requests


def test_nobody_listens(tmp_path, checksums, capsys):
    mirrors = ["http://127.0.0.1:9/"]  # the port of "discard", which nobody serves
    prepare.prepare(tmp_path, mirrors=mirrors, archives=checksums, draw=tiny_drawing)
    assert "no connection" in capsys.readouterr().out


def test_verified_downloads_of_a_stopped_run_are_used_again(tmp_path, server, archives, checksums):
    name, damaged = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
    (tmp_path / prepare.DOWNLOADED).mkdir()
    (tmp_path / prepare.DOWNLOADED / name).write_bytes((archives / name).read_bytes())
    (tmp_path / prepare.DOWNLOADED / damaged).write_bytes(b"half")
    assert from_mirrors(tmp_path, server, checksums, "good") == "Fashion-MNIST"
    fetched = {name for method, _, name in server.requests if method == "GET"}
    assert name not in fetched and damaged in fetched
    assert_good(tmp_path, "Fashion-MNIST")


def test_a_downloaded_set_replaces_the_stand_in(tmp_path, server, checksums):
    from_mirrors(tmp_path, server, checksums)
    assert from_mirrors(tmp_path, server, checksums, "missing", "good") == "Fashion-MNIST"
    assert_good(tmp_path, "Fashion-MNIST")


def test_the_official_mirrors_are_asked_over_https():
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in prepare.MIRRORS)


# prepare: trouble while writing ---------------------------------------------------------------


def fail_at_step(monkeypatch, step, error):
    """Let the step-th of the calls that change the disk raise `error`; return the list of calls."""
    calls = []

    def counted(function):
        def call(*arguments, **options):
            calls.append(function)
            if len(calls) == step:
                raise error
            return function(*arguments, **options)

        return call

    for where, name in [(np, "savez"), (os, "fsync"), (os, "replace"), (Path, "unlink")]:
        monkeypatch.setattr(where, name, counted(getattr(where, name)))
    return calls


STEPS = 4 + 5 + 4 + 5  # arrays written, files flushed, old ones removed, new ones renamed


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_full_disk_leaves_nothing_half_written(tmp_path, archives, checksums, step):
    prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.MonkeyPatch.context() as patch:
        fail_at_step(patch, step, full)
        with pytest.raises(prepare.DataError, match="No space left") as caught:
            prepare.prepare(tmp_path, archives, archives=checksums)
    assert str(tmp_path) in str(caught.value)
    assert not (tmp_path / prepare.NEW).exists()
    assert_nothing_or_good(tmp_path)
    assert prepare.prepare(tmp_path, archives, archives=checksums) == "Fashion-MNIST"
    assert_good(tmp_path, "Fashion-MNIST")


def test_the_steps_are_all_there_are(tmp_path, archives, checksums, monkeypatch):
    calls = fail_at_step(monkeypatch, None, None)
    prepare.prepare(tmp_path, archives, archives=checksums)
    assert len(calls) == STEPS


def assert_nothing_or_good(folder):
    """Either nothing can be loaded, or one whole set under its right name."""
    try:
        data = nn_core.load_data(folder)
    except FileNotFoundError:
        return
    pixel = {"Fashion-MNIST": 200, "stand-in": 7}[data.source]
    assert {round(float(x[0, 300]) * 255) for x in (data.x_train, data.x_test)} == {pixel}


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(prepare.DataError, match="can't be written") as caught:
        prepare.prepare(tmp_path / "file" / "data", mirrors=(), draw=tiny_drawing)
    assert str(tmp_path / "file" / "data") in str(caught.value)


def deny(*_arguments, **_options):
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_read_only_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare.filelock, "FileLock", deny)
    with pytest.raises(prepare.DataError, match="Permission denied") as caught:
        prepare.prepare(tmp_path, mirrors=(), draw=tiny_drawing)
    assert str(tmp_path) in str(caught.value)


def test_a_folder_that_can_not_be_searched_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare.filelock, "FileLock", deny)
    monkeypatch.setattr(Path, "open", deny)
    monkeypatch.setattr(Path, "exists", deny)
    with pytest.raises(prepare.DataError, match="Permission denied") as caught:
        prepare.prepare(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_read_only_folder_with_the_data_is_enough(tmp_path, archives, checksums, monkeypatch):
    prepare.prepare(tmp_path, archives, archives=checksums)
    monkeypatch.setattr(prepare.filelock, "FileLock", deny)
    assert prepare.prepare(tmp_path) == "Fashion-MNIST"


# prepare: other processes ---------------------------------------------------------------------

ANOTHER_RUN = """
import sys
sys.path[:0] = {import_from!r}
import json, pathlib, numpy as np, prepare

folder, archives, forever, checksums = sys.argv[1:]
x, y = np.full((8, 28, 28), 7, np.uint8), np.arange(8, dtype=np.uint8) % 2
print("ready", flush=True)
sys.stdin.readline()
while True:
    prepare.prepare(folder, mirrors=(), draw=lambda: (x, y, x[:4], y[:4]))
    prepare.prepare(folder, archives, archives=json.loads(checksums))
    if forever == "once":
        break
    pathlib.Path(folder, "x_test.npz").unlink()
"""


def start_runs(folders, archives, how_long, checksums):
    """Start one process for each folder, ready to prepare it again and again, or "once"."""
    code = ANOTHER_RUN.format(import_from=FOLDERS_FOR_IMPORT)
    pipe = subprocess.PIPE
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, folder, archives, how_long, json.dumps(checksums)],
            **{"stdin": pipe, "stdout": pipe, "stderr": subprocess.STDOUT, "text": True},
        )
        for folder in folders
    ]
    for run in runs:
        assert run.stdout.readline() == "ready\n"
    return runs


def test_a_killed_run_leaves_nothing_or_good_files(tmp_path, archives, checksums):
    moments = np.random.default_rng(3).uniform(0.001, 0.12, (3, 5))
    seen = set()
    for i, some in enumerate(moments):
        folders = [tmp_path / f"{i}{j}" for j in range(len(some))]
        for run, moment in zip(start_runs(folders, archives, "forever", checksums), some):
            with run:
                run.stdin.write("go\n")
                run.stdin.flush()
                time.sleep(moment)
                assert run.poll() is None
                run.kill()
                run.stdout.read()
        for folder in folders:
            assert_nothing_or_good(folder)
            seen.add(frozenset(file.name for file in folder.glob("*")))
            assert prepare.prepare(folder, archives, archives=checksums) == "Fashion-MNIST"
            assert_good(folder, "Fashion-MNIST")
    assert len(seen) > 2  # the moments were different ones


def test_two_runs_at_once_do_no_harm(tmp_path, archives, checksums):
    runs = start_runs([tmp_path] * 2, archives, "once", checksums)
    for run in runs:
        run.stdin.write("go\n")
        run.stdin.flush()
    for run in runs:
        output, _ = run.communicate(timeout=30)
        assert run.returncode == 0, output
    assert_good(tmp_path, "Fashion-MNIST")


def test_a_run_waits_for_another_and_says_so(tmp_path, archives, checksums, monkeypatch):
    waiting = threading.Event()
    monkeypatch.setattr(prepare, "_tell", lambda text: "Waiting" in text and waiting.set())
    run = threading.Thread(
        target=prepare.prepare, args=(tmp_path, archives), kwargs={"archives": checksums}
    )
    with prepare._only_run_in(tmp_path):
        run.start()
        assert waiting.wait(10)
        assert not contents(tmp_path)
    run.join(10)
    assert_good(tmp_path, "Fashion-MNIST")


# The data of this machine ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_set(tmp_path_factory):
    """A whole set, prepared apart: of the real data where FASHION_MNIST_DIR names them."""
    folder = tmp_path_factory.mktemp("data")
    prepare.prepare(folder, REAL_ARCHIVES, mirrors=())
    return folder


def test_the_whole_set(whole_set):
    data = nn_core.load_data(whole_set)
    assert data.source == ("Fashion-MNIST" if REAL_ARCHIVES else "stand-in")
    assert [len(part) for part in data[:4]] == [12_000, 12_000, 2_000, 2_000]
    tolerance = 0 if REAL_ARCHIVES else 0.01
    for y in (data.y_train, data.y_test):
        assert y.mean() == pytest.approx(0.5, abs=tolerance)
    assert data.x_train.max() == 1 and data.x_train.min() == 0


def test_the_whole_set_reads_as_the_assignment_reads_it(whole_set):
    x_train, y_train = (np.load(whole_set / f"{name}_train.npz")["arr_0"] for name in "xy")
    assert (x_train.shape, x_train.dtype) == ((12_000, 28, 28), np.uint8)
    assert (y_train.shape, y_train.dtype) == ((12_000,), np.uint8)


def test_what_load_data_finds_here_is_valid():
    """Whatever stands in data/ now: the real data, the course's, a stand-in, or nothing yet."""
    if any((prepare.HERE / name).exists() for name in DATA_FILES):
        assert set(np.unique(nn_core.load_data().y_train)) == {0, 1}
    else:
        with pytest.raises(FileNotFoundError, match=r"prepare\.py"):
            nn_core.load_data()
