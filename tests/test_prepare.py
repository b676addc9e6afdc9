"""prepare.py: it leaves good files or none, whatever is there, on the way, or in between."""

import contextlib
import errno
import gzip
import hashlib
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import numpy as np
import pytest
from datafiles import tiny_drawing, write_files

import nn_core
import prepare
import standin
from nn_support.data import DATA_FILES

# A download that takes too long is forgotten, and its connection with it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <s:ResourceWarning")
FOLDERS_FOR_IMPORT = [str(Path(module.__file__).parent) for module in (nn_core, prepare)]
REAL_ARCHIVES = os.environ.get("FASHION_MNIST_DIR")
# Of the test server, for 127.0.0.1, made for these tests and signed by itself.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsO9UvXbuE2XChxEI
tCTmiJG7UIvKJ3wSESsFFCqN8wGhRANCAARxXHkWinLDgdxDjC33IYJmBvX1CP38
EZ775hWFc5f7AU5l/stSx6mSUtzsAGxDEde/sw1ePRoSGIggQqgUDaeG
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBjzCCATagAwIBAgIUDRmI6lX5r1KpdUObmmVb7ZXWcl4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyNTA3MTgxOFoYDzIxMjYxMTAx
MDcxODE4WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARxXHkWinLDgdxDjC33IYJmBvX1CP38EZ775hWFc5f7AU5l/stSx6mS
UtzsAGxDEde/sw1ePRoSGIggQqgUDaeGo2QwYjAdBgNVHQ4EFgQUQBbbrFUPc9wS
tIIUlCckrQgE9s8wHwYDVR0jBBgwFoAUQBbbrFUPc9wStIIUlCckrQgE9s8wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
IAimUpb9NZQrZnuJQwYfo8M9gRQnS5/gWIfi5MI+1GCmAiBN1nZLCiknIG4iBEA5
ZqLDaus2J2XhSh1N7gpbcVc0AQ==
-----END CERTIFICATE-----
"""


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch):
    """Neither the machine's archives nor its proxies and certificates take part."""
    for name in os.environ:
        if name in ("FASHION_MNIST_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") or (
            name.lower().endswith("_proxy")
        ):
            monkeypatch.delenv(name)


# Tiny archives, a tiny stand-in ------------------------------------------------------

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


# What is already there ---------------------------------------------------------------


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


@pytest.mark.parametrize("name", [prepare.DOWNLOADED, prepare.NEW, prepare.LOCK])
@pytest.mark.parametrize("source", [None, "archives"])
def test_a_link_is_never_followed(tmp_path, archives, checksums, name, source):
    outside, folder = tmp_path / "outside", tmp_path / "data"
    (outside / "more").mkdir(parents=True)
    (outside / "precious").write_text("do not touch")
    folder.mkdir()
    target = outside / "precious" if name == prepare.LOCK else outside
    (folder / name).symlink_to(target)
    before = contents(outside)
    given = {"source": archives} if source else {"mirrors": (), "draw": tiny_drawing}
    if name == prepare.LOCK:
        with pytest.raises(prepare.DataError, match="can't be written there"):
            prepare.prepare(folder, **given, archives=checksums)
    else:
        prepare.prepare(folder, **given, archives=checksums)
        assert_good(folder, "Fashion-MNIST" if source else "stand-in")
    assert contents(outside) == before and (outside / "more").is_dir()


def test_links_among_the_downloads_are_not_followed(tmp_path, server, archives, checksums):
    outside, downloaded = tmp_path / "outside", tmp_path / "data" / prepare.DOWNLOADED
    outside.mkdir()
    downloaded.mkdir(parents=True)
    first, second, third, _ = checksums
    for name in (first, "folder"):
        (outside / name).write_bytes(b"do not touch")
        (downloaded / name).symlink_to(outside / name)
    (downloaded / second).mkdir()
    (downloaded / third).symlink_to(outside)
    (downloaded / "leftover").mkdir()
    before = contents(outside)
    assert from_mirrors(tmp_path / "data", server, checksums, "good") == "Fashion-MNIST"
    assert_good(tmp_path / "data", "Fashion-MNIST")
    assert contents(outside) == before


# The stand-in ------------------------------------------------------------------------


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


# The download ------------------------------------------------------------------------


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
        if how == "slow-header":
            return self.trickle(b"HTTP/1.0 200 OK\r\n" + b"X-Padding: yes\r\n" * 1000)
        if how == "wrong":
            content = content[::-1]
        self.send_response({"missing": 404, "redirects": 302}.get(how, 200))
        if how == "redirects":
            self.send_header("Location", self.server.location)
        if how == "odd-length":
            self.send_header("Content-Length", "a lot")
        elif how != "endless":
            self.send_header("Content-Length", len(content))
        self.end_headers()
        if only_headers or how in ("missing", "redirects"):
            return None
        if how == "trickles":
            return self.trickle(content)
        while how == "endless":
            self.wfile.write(bytes(2**16))
        self.wfile.write(content if how in ("good", "wrong") else content[: len(content) // 2])
        if how == "stalls":
            self.wfile.flush()
            self.server.released.wait(20)
        return None

    def trickle(self, content):
        """Send a byte at a time, each well before the time limit."""
        for place in range(len(content)):
            self.wfile.write(content[place : place + 1])
            self.wfile.flush()
            if self.server.released.wait(0.1):
                return

    def handle(self):
        with contextlib.suppress(ConnectionError):  # the others hang up on the bad ones
            super().handle()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(archives):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Mirror) as server:
        server.daemon_threads = True
        server.folder, server.requests, server.released = archives, [], threading.Event()
        server.location = "http://[/"
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
    "slow-header": "no answer in time",
    "trickles": "no answer in time",
    "endless": "more than 1,000,000 bytes",
    "odd-length": "a lot",
    "redirects": "Invalid IPv6 URL",
}


@pytest.fixture(autouse=True)
def _small_archives(monkeypatch):
    monkeypatch.setattr(prepare, "LARGEST", 1_000_000)


def from_mirrors(folder, server, checksums, *kinds, **options):
    """Prepare from the test server; its mirrors are called by what they do."""
    limit = 0.8 if {"hangs", "stalls", "slow-header", "trickles"} & set(kinds) else 10
    options = {"archives": checksums, "timeout": (limit,) * 3, "draw": tiny_drawing, **options}
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
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    assert from_mirrors(tmp_path, server, checksums, "good", timeout=(0.1, 9, 9)) == "stand-in"
    assert "no answer in time" in capsys.readouterr().out
    assert not server.requests


@pytest.mark.parametrize(
    "location",
    ["http://[/", "http://:x:80/", "http://a:b:c/", "//", "file:///etc/passwd", "http://\x80..é/"]
    + ["http://" + "a" * 300 + "/", "https://", "http://*.example/", "gopher://example/"],
)
def test_a_malformed_redirect_is_one_line(tmp_path, server, checksums, location, capsys):
    server.location = location
    assert from_mirrors(tmp_path, server, checksums, "redirects") == "stand-in"
    out, err = capsys.readouterr()
    assert [line[:10] for line in out.splitlines()].count("  failed: ") == 1
    assert err == ""


def reported(folder, checksums, mirror, capsys):
    """What is said of a mirror that fails, without which the stand-in is drawn."""
    options = {"archives": checksums, "draw": tiny_drawing, "timeout": (5, 5, 5)}
    assert prepare.prepare(folder, mirrors=[mirror], **options) == "stand-in"
    out, err = capsys.readouterr()
    assert err == ""
    (line,) = [line for line in out.splitlines() if "failed" in line]
    return line


def test_nobody_listens(tmp_path, checksums, capsys):
    mirror = "http://127.0.0.1:9/"  # the port of "discard", which nobody serves
    assert reported(tmp_path, checksums, mirror, capsys) == "  failed: no connection"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_named_without_its_password(
    tmp_path, checksums, scheme, monkeypatch, capsys
):
    monkeypatch.setenv(f"{scheme}_proxy", "http://me:secret@127.0.0.1:9")
    line = reported(tmp_path, checksums, f"{scheme}://mirror.invalid/", capsys)
    assert "the proxy can't be used" in line and "127.0.0.1:9" in line
    assert "secret" not in line


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://x", "http://"])
def test_an_odd_proxy_is_one_line(tmp_path, checksums, proxy, monkeypatch, capsys):
    monkeypatch.setenv("http_proxy", proxy)
    reported(tmp_path, checksums, "http://mirror.invalid/", capsys)


@pytest.fixture
def safe_server(server, tmp_path):
    """The test server over TLS, with a certificate that nobody vouches for."""
    (tmp_path / "both.pem").write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Mirror) as safe:
        safe.socket = context.wrap_socket(safe.socket, server_side=True)
        safe.handle_error = lambda *_: None  # that its certificate is refused
        safe.folder, safe.requests, safe.released = server.folder, [], server.released
        safe.url = f"https://127.0.0.1:{safe.server_port}/"
        threading.Thread(target=safe.serve_forever, args=(0.02,), daemon=True).start()
        yield safe
        safe.shutdown()


def test_a_refused_certificate_is_named(tmp_path, safe_server, checksums, capsys):
    line = reported(tmp_path / "data", checksums, safe_server.url + "good/", capsys)
    assert "TLS" in line and "self-signed certificate" in line.replace("self signed", "self-signed")


def test_a_certificate_of_the_users_is_trusted(tmp_path, safe_server, checksums, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "both.pem"))
    there = from_mirrors(tmp_path / "data", safe_server, checksums, "good")
    assert there == "Fashion-MNIST"


def test_a_mirror_without_tls_is_named(tmp_path, server, checksums, capsys):
    mirror = server.url.replace("http:", "https:")
    assert "TLS" in reported(tmp_path, checksums, mirror + "good/", capsys)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_stale_bundle_of_certificates_is_named(
    tmp_path, safe_server, checksums, name, content, monkeypatch, capsys
):
    bundle = tmp_path / "stale.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv(name, str(bundle))
    line = reported(tmp_path / "data", checksums, safe_server.url + "good/", capsys)
    assert "TLS" in line and str(bundle) in line


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


# Trouble while writing ---------------------------------------------------------------


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


@pytest.fixture
def unwritable(tmp_path):
    """A folder in which the lock can't be taken."""
    (tmp_path / "data" / prepare.LOCK).mkdir(parents=True)
    return tmp_path / "data"


def test_a_folder_that_can_not_be_written_to_is_named(unwritable):
    with pytest.raises(prepare.DataError, match="can't be written there") as caught:
        prepare.prepare(unwritable, mirrors=(), draw=tiny_drawing)
    assert str(unwritable) in str(caught.value)


def test_a_folder_that_can_not_be_searched_is_named(tmp_path):
    folder = tmp_path / "circle" / "data"
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(prepare.DataError, match="can't be written there") as caught:
        prepare.prepare(folder)
    assert str(folder) in str(caught.value)


def test_a_folder_with_the_data_need_not_be_written_to(tmp_path, unwritable, archives, checksums):
    prepare.prepare(tmp_path / "made", archives, archives=checksums)
    for file in (tmp_path / "made").glob("*"):
        if file.name != prepare.LOCK:
            file.rename(unwritable / file.name)
    assert prepare.prepare(unwritable) == "Fashion-MNIST"


# Other processes ---------------------------------------------------------------------

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


def test_a_run_waits_for_another_and_says_so(tmp_path, archives, checksums, capsys):
    run = threading.Thread(
        target=prepare.prepare, args=(tmp_path, archives), kwargs={"archives": checksums}
    )
    said, end = "", time.monotonic() + 30
    with filelock.FileLock(tmp_path / prepare.LOCK):
        run.start()
        while "Waiting for another run" not in said and time.monotonic() < end:
            said += capsys.readouterr().out
            time.sleep(0.01)
        assert "Waiting for another run" in said
        assert not contents(tmp_path)
    run.join(10)
    assert_good(tmp_path, "Fashion-MNIST")


# The command ------------------------------------------------------------------------------------


def command(folder, *options, **environment):
    """Start the command in a process of its own, which finds no network."""
    ours = {"https_proxy": "http://127.0.0.1:9"} | environment
    return subprocess.Popen(
        [sys.executable, "-X", "importtime", prepare.__file__, "--folder", folder, *options],
        **{"env": os.environ | ours, "text": True},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
    )


def ends_in_a_line(run):
    """Assert that the run ends interrupted, with one line and no traceback."""
    _, told = run.communicate(timeout=60)
    (line,) = [line for line in told.splitlines() if not line.startswith("import time:")]
    assert line.startswith("prepare.py: interrupted")
    assert run.returncode == 130


def test_an_interrupt_while_downloading_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        run = command(tmp_path, https_proxy=proxy)
        connection, _ = silent.accept()
        run.send_signal(signal.SIGINT)
        ends_in_a_line(run)
        connection.close()
    assert not contents(tmp_path)


@pytest.mark.parametrize("module", ["gzip", "numpy", "requests"])
def test_an_interrupt_while_importing_is_one_line(tmp_path, module):
    run = command(tmp_path)
    for line in run.stderr:  # one for each module, as it is there
        if line.endswith(f"| {module}\n") or f" {module}." in line:
            break
    run.send_signal(signal.SIGINT)
    ends_in_a_line(run)


def test_nobody_need_read_what_it_says(tmp_path):
    run = command(tmp_path)
    run.stdout.close()
    run.communicate(timeout=60)
    assert nn_core.load_data(tmp_path).source == "stand-in"


@pytest.mark.parametrize("name", ["source.json", "x_train.npz"])
def test_a_pipe_in_the_folder_stops_nothing(tmp_path, name):
    os.mkfifo(tmp_path / name)
    run = command(tmp_path)
    _, told = run.communicate(timeout=60)
    if name == "source.json":
        assert run.returncode == 0
    else:
        assert run.returncode == 1 and f"prepare.py: {tmp_path / name}: found no zip" in told


def test_a_pipe_among_the_archives_is_refused(tmp_path, archives, checksums):
    given = tmp_path / "given"
    given.mkdir()
    os.mkfifo(given / next(iter(checksums)))
    run = command(tmp_path / "data", "--source", str(given))
    _, told = run.communicate(timeout=60)
    assert run.returncode == 1 and "it is no file" in told


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
