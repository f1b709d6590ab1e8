"""Pictures inside a page: the same pixels in fewer bytes, as an address that asks nobody."""

from __future__ import annotations

import base64
import io

_PNG = b"\x89PNG\r\n\x1a\n"


def shrink_picture(picture: bytes) -> bytes:
    """
    Pack a PNG as lossless WebP: every pixel is the same, in about half the bytes, and every browser reads it.

    Given back as it is where this machine's Pillow has no WebP, where it would not be smaller, or if it is no PNG.
    """
    from PIL import Image, features

    if not picture.startswith(_PNG) or not features.check("webp"):
        return picture
    image: Image.Image = Image.open(io.BytesIO(picture))
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    packed = io.BytesIO()
    image.save(packed, "WEBP", lossless=True, exact=True, method=1, quality=50)  # effort: half a second more gains 5 %
    return min(packed.getvalue(), picture, key=len)


def write_address(picture: bytes) -> str:
    """Write a PNG or WebP as a ``data:`` address."""
    kind = "webp" if picture[:4] == b"RIFF" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
