"""A picture inside a page has the pixels of the PNG."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image, features

from liqcli.inline import shrink_picture, write_address


def png_of(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def heat(channels):
    """Noise in steps, as cells are; opaque."""
    cells = np.random.default_rng(1).integers(0, 255, (12, 20, channels), dtype=np.uint8)
    if channels == 4:
        cells[..., 3] = 255
    return np.kron(cells, np.ones((5, 5, 1), dtype=np.uint8))


@pytest.mark.parametrize("channels", [3, 4])
def test_every_pixel_is_the_same(channels):
    pixels = heat(channels)
    png = png_of(pixels)
    packed = shrink_picture(png)
    assert packed[:4] == b"RIFF"
    assert len(packed) < len(png)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(packed)).convert("RGB")), pixels[..., :3])
    assert shrink_picture(png) == packed


def test_what_shines_through_stays(monkeypatch):
    pixels = heat(4)
    pixels[:3, :3, 3] = 7
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shrink_picture(png_of(pixels))))), pixels)
    monkeypatch.setattr(features, "check", lambda _name: False)
    assert shrink_picture(png_of(pixels)) == png_of(pixels)  # a Pillow without WebP
    assert shrink_picture(b"no picture") == b"no picture"


def test_addresses():
    assert write_address(b"\x89PNG") == "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert write_address(b"RIFF").startswith("data:image/webp;base64,")
