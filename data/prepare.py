"""Prepare the four data files: T-shirts and trousers of Fashion-MNIST, or a stand-in for them.

    python data/prepare.py [--source DIR] [--require-real] [--folder DIR]

leaves x_train.npz, y_train.npz, x_test.npz, y_test.npz (key ``arr_0``) and source.json, which says
what they are. It takes the first that is there:

1. the four files, already prepared or put there by you: validated and kept;
2. the official archives in --source DIR or, without it, in $FASHION_MNIST_DIR;
3. a download of these archives from the official mirrors;
4. a stand-in, drawn by standin.py. It never keeps the real data out: the next run tries again.

An archive is used only if its SHA-256 is the published one. The new files are completed, and read
back, in a folder of their own and then renamed, so a run that is stopped at any moment leaves
either no data or good data; the next run clears away what is left of it.
"""

# ruff: noqa: E402
import os
import signal
import sys
from functools import partial


def interrupted(*_, leave=sys.exit):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("prepare.py: interrupted; nothing half-written is used. Run it again.", file=sys.stderr)
    leave(130)


if __name__ == "__main__":  # before the imports: they take a second, and take an exception amiss
    signal.signal(signal.SIGINT, partial(interrupted, leave=os._exit))

import argparse
import contextlib
import gzip
import json
import shutil
import struct
import threading
import time
import zlib
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import urlsplit

import filelock
import numpy as np
import pooch
import requests
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import standin
from nn_support.data import DATA_FILES, SOURCES, load_data, read_source, sha256

SHA256SUMS = """\
3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84  train-images-idx3-ubyte.gz
a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845  train-labels-idx1-ubyte.gz
346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073  t10k-images-idx3-ubyte.gz
67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5  t10k-labels-idx1-ubyte.gz
"""
ARCHIVES = {name: checksum for checksum, name in map(str.split, SHA256SUMS.splitlines())}
MIRRORS = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
)
TIMEOUT = (5, 30, 900)  # seconds: for a mirror's first answer, each next piece, the whole file
LARGEST = 2**27  # bytes of a download; the largest archive has 26 million
LOCK, NEW, DOWNLOADED = ".prepare.lock", ".prepare-new", ".prepare-downloaded"
REAL, STAND_IN = SOURCES

STAND_IN_WARNING = """
  ****************************************************************************
  *  STAND-IN DATA: this is NOT Fashion-MNIST.                               *
  *  The real data could not be had, so shirts and trousers were drawn by    *
  *  a program. Everything runs, but the results say nothing of the real     *
  *  data set. With a network, or with the archives in $FASHION_MNIST_DIR,   *
  *  run `python data/prepare.py` again.                                     *
  ****************************************************************************
"""


_NO_REAL_DATA = (
    "No Fashion-MNIST: no archives were given and none could be downloaded. Pass --source DIR or "
    "set FASHION_MNIST_DIR to a folder with the four official archives, or connect to the network."
)


class DataError(RuntimeError):
    """The data can't be prepared; the message says which file, why, and what to do."""


def prepare(
    folder=HERE,
    source=None,
    require_real=False,
    mirrors=MIRRORS,
    archives=ARCHIVES,
    timeout=TIMEOUT,
    draw=standin.draw,
):
    """Leave the four files in `folder` and return what they are.

    source       : a folder with the official archives; default: $FASHION_MNIST_DIR, if that is set
    require_real : never fall back to the stand-in
    mirrors, archives, timeout, draw : where from, which, how patiently; the stand-in's four arrays

    Returns "Fashion-MNIST", "stand-in" or, for valid files that this program did not write,
    "course files". Raises DataError when an archive is missing from `source` or has a wrong
    checksum, when files in `folder` are damaged, when `folder` can't be written to, and with
    `require_real` when there is no way to the real data.
    """
    folder = Path(folder)
    try:
        with _only_run_in(folder):
            there = _prepare(folder, source, require_real, mirrors, archives, timeout, draw)
    except OSError as error:
        there = _source_of_files_in(folder)
        if there in (None, STAND_IN):  # else nothing had to be written
            raise DataError(
                f"{folder}: the data can't be written there ({error}). Check that the folder may "
                "be written to and the disk isn't full, or choose another one with --folder."
            ) from error
    _tell(_summary(there, folder))
    return there


def _prepare(folder, source, require_real, mirrors, archives, timeout, draw):
    _clear_leftovers(folder, archives)
    there = _source_of_files_in(folder)
    if there in (None, STAND_IN):
        archive_folder = _given_archives(source, archives)
        archive_folder = archive_folder or _download(folder, mirrors, archives, timeout)
        if archive_folder:
            detail = "the first two classes of the official archives, SHA-256 verified"
            there = _install(folder, _read_archives(archive_folder), REAL, detail)
        elif require_real:
            raise DataError(_NO_REAL_DATA)
        elif there is None:
            there = _install(folder, draw(), STAND_IN, "drawn by data/standin.py")
    _remove(folder / DOWNLOADED)
    return there


def _summary(there, folder):
    if there == STAND_IN:
        return STAND_IN_WARNING
    if there == REAL:
        return f"Data: {REAL}, in {folder}."
    return f"Data: your own four files in {folder}, kept. For {REAL}, move them away first."


# What is in the folder ------------------------------------------------------------------------


@contextlib.contextmanager
def _only_run_in(folder):
    """Hold the folder's lock, which ends with the process that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        _tell(f"Waiting for another run that is preparing {folder} ...")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _clear_leftovers(folder, archives):
    """Remove what a run that was stopped left; its verified downloads are used again."""
    _remove(folder / NEW)
    downloaded = folder / DOWNLOADED
    if downloaded.is_symlink() or not downloaded.is_dir():
        _remove(downloaded)
        return
    for file in downloaded.iterdir():
        if file.name not in archives or file.is_symlink() or not file.is_file():
            _remove(file)


def _remove(path):
    """Remove a file or a folder that may be there; of a link itself, not what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def _source_of_files_in(folder):
    """Return what the four valid files are; None if there is nothing that must be kept.

    Nothing to keep is: no file, or some of our own, left by a run that was stopped between two
    renames. Raises DataError for unusable files that may be somebody's own.
    """
    try:
        return load_data(folder).source
    except (ValueError, FileNotFoundError) as error:
        foreign = _not_ours(folder)
        if not foreign:
            return None
        raise DataError(
            f"{error}\n{', '.join(foreign)} in {folder}: not written by this program, or changed "
            "since, so it won't be replaced. Mend your own files, or move them away (delete them "
            "if they aren't yours), then run this again."
        ) from error


def _not_ours(folder):
    """Return the names of the data files there that source.json doesn't list with their SHA-256."""
    listed = read_source(folder).get("sha256")
    listed = listed if isinstance(listed, dict) else {}
    # Not Path.exists, which raises in a folder that can't be searched.
    there = [name for name in DATA_FILES if os.path.lexists(folder / name)]
    return [name for name in there if not _has_sha256(folder / name, listed.get(name))]


# The official archives ------------------------------------------------------------------------


def _given_archives(source, archives):
    """Return the folder of verified archives that the user named, None if none was named.

    Raises DataError for a folder that lacks an archive or has a wrong one: to go on without it
    would be to do something else than was asked.
    """
    named_by = "--source" if source else "FASHION_MNIST_DIR"
    source = source or os.environ.get("FASHION_MNIST_DIR")
    if not source:
        return None
    for name, expected in archives.items():
        file = Path(source) / name
        try:
            if not (file.is_file() or file.is_dir()):  # opening a pipe could take for ever
                file.stat()
                raise OSError("it is no file")
            found = sha256(file)
        except OSError as error:
            raise DataError(
                f"{file}: can't be read ({error.strerror or error}); expected the official "
                f"archive, as {named_by} says. Correct {named_by}, or leave it out to download."
            ) from error
        if found != expected:
            raise DataError(
                f"{file}: SHA-256 is {found}; expected {expected}. It is not the official archive "
                f"and isn't used. Download it anew, or leave {named_by} out."
            )
    return Path(source)


def _download(folder, mirrors, archives, timeout):
    """Return the folder of downloaded, verified archives; None if no mirror has one of them."""
    cache, mirrors = folder / DOWNLOADED, list(mirrors)
    for name, checksum in archives.items():
        for mirror in list(mirrors):
            if _fetch(mirror, name, checksum, cache, timeout):
                break
            mirrors.append(mirrors.pop(0))  # the next archive asks this mirror last
        else:
            return None
    return cache


class MirrorError(Exception):
    """A mirror can't be used; the message says why."""


def _fetch(mirror, name, checksum, cache, timeout):
    """Download one archive and verify it; on a failure of the mirror say why and return False."""
    if _has_sha256(cache / name, checksum):
        return True
    _tell(f"Downloading {mirror}{name}")
    pooch.get_logger().setLevel("ERROR")

    def download(url, file, _):
        Path(file).write_bytes(_content(url, timeout))

    try:
        pooch.retrieve(mirror + name, checksum, fname=name, path=cache, downloader=download)
    except (MirrorError, ValueError) as error:  # ValueError: another SHA-256
        _tell(f"  failed: {' '.join(str(error).split())}")
        return False
    return True


def _content(url, timeout):
    """Return what stands at the URL; raise MirrorError, with the reason in a few words.

    Each step has a time limit of its own, because a connection's counts for each address of a
    host, not for finding them, and begins again with every byte.
    """
    answer, piece, whole = timeout
    end = time.monotonic() + whole
    try:
        response = _within(answer, requests.get, url, stream=True, timeout=(answer, piece))
        return _within(end - time.monotonic(), _body, response, end)
    except MirrorError:
        raise
    except Exception as error:  # requests and urllib3 have many, for a malformed redirect others
        raise MirrorError(_reason(error) + _by_way_of(url)) from error


def _within(seconds, function, *arguments, **options):
    """Return what the function does; after so many seconds raise TimeoutError and forget it."""
    result = Future()

    def run():
        try:
            result.set_result(function(*arguments, **options))
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result.result(seconds)


def _body(response, end):
    response.raise_for_status()
    size, content = int(response.headers.get("Content-Length", 0)), bytearray()
    bar = {"total": size or None, "unit": "B", "unit_scale": True, "leave": False}
    with response, tqdm(**bar, disable=not sys.stderr.isatty()) as bar:
        for piece in response.iter_content(2**16):
            content += piece
            bar.update(len(piece))
            if len(content) > LARGEST:
                raise MirrorError(f"more than {LARGEST:,} bytes")
            if time.monotonic() > end:  # nobody waits any more
                raise TimeoutError
    return content


def _reason(error):
    """Say in a few words why a mirror failed."""
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, TimeoutError | requests.Timeout) or "timed out" in str(error):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off half-way"
    if isinstance(error, requests.exceptions.SSLError):
        return f"TLS: no safe connection ({_innermost(error)}){_bundle()}"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy can't be used ({_innermost(error)})"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return f"TLS: {error}{_bundle()}"
    return f"{type(error).__name__}: {error}"


def _bundle():
    """Name the certificates that the environment says to trust, as requests reads it."""
    given = [(name, os.environ.get(name)) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")]
    return next((f", with {name}={value}" for name, value in given if value), "")


def _innermost(error):
    """Return the first cause in words, without the layers around it."""
    while error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    return getattr(error, "reason", None) or error


def _by_way_of(url):
    """Name the proxy that the environment sets for the URL, without its password."""
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url)) or ""
    host = (urlsplit(proxy).netloc or proxy).rpartition("@")[2]
    return f", by way of the proxy {host}" if host else ""


def _read_archives(folder):
    """Return x_train, y_train, x_test, y_test: the classes 0 and 1, in the archives' order."""
    arrays = []
    for part in ("train", "t10k"):
        images = _read_idx(folder / f"{part}-images-idx3-ubyte.gz", (28, 28))
        labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz", ())
        if len(images) != len(labels):
            raise DataError(f"{folder}: {len(images)} {part} images but {len(labels)} labels.")
        kept = labels < 2
        arrays += [images[kept], labels[kept]]
    return arrays


def _read_idx(file, shape):
    """Return the uint8 array (n, *shape) in a gzipped IDX file: magic number, sizes, bytes."""
    try:
        content = gzip.decompress(file.read_bytes())
        magic, n, *sizes = struct.unpack_from(f">{2 + len(shape)}I", content)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{file}: not a whole gzipped IDX file ({error}).") from error
    start, length = 8 + 4 * len(shape), n * int(np.prod(shape))
    found = (magic, tuple(sizes), len(content) - start)
    expected = (0x0801 + len(shape), shape, length)
    if found != expected:
        raise DataError(f"{file}: magic number, sizes, bytes are {found}; expected {expected}.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(n, *shape)


# Writing --------------------------------------------------------------------------------------


def _install(folder, arrays, source, detail):
    """Write the arrays and source.json, all or nothing; return `source`.

    They are completed and read back beside their place. Then the old files go, source.json comes,
    and the data files come: a run stopped in between leaves a set that lacks a file, which nobody
    loads, and of which source.json lists every file that is there.
    """
    incoming = folder / NEW
    incoming.mkdir()
    try:
        written = {name: _write(incoming / name, array) for name, array in zip(DATA_FILES, arrays)}
        about = {"source": source, "detail": detail, "sha256": written}
        (incoming / "source.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        for file in incoming.iterdir():
            _flush(file)
        load_data(incoming)
        for name in DATA_FILES:
            (folder / name).unlink(missing_ok=True)
        for name in ("source.json", *DATA_FILES):
            os.replace(incoming / name, folder / name)
        return source
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _write(file, array):
    """Write one array as the assignment expects it; return the SHA-256 of the file."""
    np.savez(file, array)
    return sha256(file)


def _flush(file):
    """Bring the file to the disk, so that a power cut can't leave a name without its content."""
    with open(file, "rb+") as stream:
        os.fsync(stream.fileno())


def _has_sha256(file, expected):
    try:  # nothing is known of a file that can't be read, or of a pipe
        return file.is_file() and sha256(file) == expected
    except OSError:
        return False


# The command ----------------------------------------------------------------------------------


def _tell(text):
    with contextlib.suppress(OSError):  # nobody reads it
        print(text, flush=True)


def main(arguments=None):
    """Run the command line; a failure ends it with a message and exit code 1."""
    parser = argparse.ArgumentParser(description="Prepare the T-shirt and trouser data.")
    parser.add_argument("--source", metavar="DIR", help="folder with the four official archives")
    parser.add_argument("--require-real", action="store_true", help="fail without the real data")
    parser.add_argument("--folder", metavar="DIR", default=HERE, help="where to leave the files")
    options = parser.parse_args(arguments)
    try:
        prepare(options.folder, options.source, options.require_real)
    except DataError as error:
        sys.exit(f"prepare.py: {error}")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupted)
    main()
