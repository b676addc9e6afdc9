"""The addresses in a notebook: files beside it come into the page, links name exports.

A page holds the pictures that it shows, and only those: files of a kind that browsers draw, inside
the notebook's own folder, wherever links on the disk lead. What is left out is said in a warning.
"""

import base64
import mimetypes
import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from traitlets.log import get_logger

FILE_LIMIT = 32 * 2**20
PAGE_LIMIT = 256 * 2**20
# Read a plain file at once or not at all: neither through a last-minute link nor from a pipe.
FLAGS = os.O_RDONLY
for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    FLAGS |= getattr(os, flag, 0)


class Refused(Exception):
    """Why a file does not come into a page."""


def exported(url: str, extension: str) -> str:
    """Return what a link of the notebook names in its export: `b.ipynb#c` is then `b.html#c`.

    Only a relative link to a notebook changes, because that one is exported beside this one. An
    address without a scheme is one of the web also on a page that is opened from a file.
    """
    if re.match(r"[\\/]{2}", url):
        return "https://" + url.lstrip("\\/")
    try:
        parts = urlsplit(url)
    except ValueError:  # "http://[x"
        return url
    if parts.scheme or parts.path.startswith("/") or not parts.path.endswith(".ipynb"):
        return url
    return parts._replace(path=parts.path.removesuffix(".ipynb") + extension).geturl()


class Files:
    """What the addresses of one cell stand for."""

    def __init__(self, resources, attachments, where: str):
        """`resources` are nbconvert's; `where` names notebook and cell in warnings."""
        self.resources = resources
        self.attachments = attachments
        self.where = where

    def embedded(self, url: str) -> str | None:
        """Return the `data:` address of an image, or None with a warning."""
        try:
            if url.startswith("attachment:"):
                return self._attached(unquote(url.removeprefix("attachment:")))
            path = self._path(url)
            kind = mimetypes.guess_type(path.name)[0] or ""
            if not kind.startswith("image/"):
                raise Refused("its name is not that of an image")
            return f"data:{kind};base64,{base64.b64encode(self._read(path)).decode('ascii')}"
        except Refused as reason:
            self._warn(url, reason)

    def beside(self, url: str) -> str | None:
        """Return the address of a film or sound if it is in the notebook's folder."""
        try:
            self._path(url)
        except Refused as reason:
            return self._warn(url, reason)
        return url

    def _warn(self, url: str, reason: Refused) -> None:
        if url:
            shown = url if len(url) < 80 else url[:77] + "…"
            get_logger().warning("%s: %r is left out: %s", self.where, shown, reason)

    def _attached(self, name: str) -> str:
        """Return an attachment of the cell: vector before raster, lossless before lossy."""
        kinds = self.attachments.get(name) or {}
        for kind in ("image/svg+xml", "image/png", "image/jpeg", *sorted(kinds)):
            if kind in kinds and kind.startswith("image/"):
                return f"data:{kind};base64,{''.join(kinds[kind]).replace(chr(10), '')}"
        raise Refused("the cell has no such attachment")

    def _path(self, url: str) -> Path:
        """Return the file that a relative address names."""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise Refused("it is no address") from None
        if parts.scheme or parts.netloc or re.match(r"[\\/]", url):
            raise Refused("only files in the notebook's folder are in a page")
        folder = self.resources.get("metadata", {}).get("path")
        if folder is None:
            raise Refused("it is not known where the notebook is")
        folder = Path(folder).resolve()
        for name in dict.fromkeys((unquote(parts.path), parts.path)):
            try:
                path = (folder / name).resolve(strict=True)
            except (OSError, ValueError, RuntimeError):  # not there, a NUL in it, a ring of links
                continue
            if not path.is_relative_to(folder):
                raise Refused("it is outside the notebook's folder")
            if not path.is_file():
                raise Refused("it is not a file")
            return path
        raise Refused("there is no such file in the notebook's folder")

    def _read(self, path: Path) -> bytes:
        used = self.resources.get("fa_embedded") or 0
        try:
            with open(os.open(path, FLAGS), "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise Refused("it is not a file")
                if found.st_size > FILE_LIMIT or used + found.st_size > PAGE_LIMIT:
                    limits = f"{FILE_LIMIT >> 20} MiB, all of a page {PAGE_LIMIT >> 20} MiB"
                    raise Refused(f"it is too large: an image may have {limits}")
                self.resources["fa_embedded"] = used + found.st_size
                return file.read(FILE_LIMIT)
        except OSError as error:
            raise Refused(error.strerror) from None
