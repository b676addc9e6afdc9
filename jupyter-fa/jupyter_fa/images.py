"""PNG images of a page as lossless WebP, which shows the same pixels in about half the bytes."""

import base64
import binascii
import functools
import io
import warnings

from PIL import Image

MODES = {"1", "L", "P", "RGB", "RGBA"}
MOST_PIXELS = 40_000_000


def lighter(address: str) -> str:
    """Return the `data:` address of a PNG as that of an equal and smaller WebP, if there is one."""
    image = opened(address)
    if image is None or image.mode not in MODES or getattr(image, "is_animated", False):
        return address
    if {"icc_profile", "gamma", "chromaticity", "exif"} & image.info.keys():
        return address
    webp = _webp(address)
    return webp if webp and len(webp) < len(address) else address


@functools.lru_cache(maxsize=64)
def _webp(address: str) -> str:
    try:
        image = opened(address)
        image = image.convert(
            "RGBA" if "A" in image.mode or "transparency" in image.info else "RGB"
        )
        image.save(buffer := io.BytesIO(), "WEBP", lossless=True, exact=True, quality=60, method=4)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def size_of(address: str, stated: str | None = None) -> int | None:
    """Return how wide an image wants to be, in CSS pixels: as stated or as it has pixels."""
    if stated and stated.isascii() and stated.isdigit():
        return int(stated)
    image = opened(address)
    return image.width if image else None


def opened(address: str) -> Image.Image | None:
    """Return an image from its `data:` address, not yet decoded, or None if it is none."""
    kind, comma, data = address.partition(",")
    if not comma or not kind.endswith(";base64") or "svg" in kind:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # one of too many pixels
            image = Image.open(io.BytesIO(base64.b64decode(data)), formats=["PNG", "WEBP", "JPEG"])
    except (
        OSError,
        ValueError,
        SyntaxError,
        binascii.Error,
        Warning,
        Image.DecompressionBombError,
    ):
        return None
    return image if image.width * image.height <= MOST_PIXELS else None
