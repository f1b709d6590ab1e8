"""Pictures inside a page: the same pixels in fewer bytes, as an address that asks nobody."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def pack_webp(pixels: NDArray[np.uint8]) -> bytes:
    """
    Pack pixels of shape (height, width, 3) as lossless WebP: about half the bytes of a PNG, and every browser reads it.

    As PNG where this machine's Pillow has no WebP.
    """
    import numpy as np
    from PIL import Image, features

    image, packed = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    if features.check("webp"):
        image.save(packed, "WEBP", lossless=True, exact=True, method=1, quality=50)  # more effort gains 5 %
    else:
        image.save(packed, "PNG")
    return packed.getvalue()


def write_data_uri(picture: bytes) -> str:
    """Write a PNG or WebP as a ``data:`` address."""
    kind = "webp" if picture[:4] == b"RIFF" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
