"""A picture inside a page has the pixels that were drawn, or colours next to them."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image, features

from liqcli.report.inline_images import pack_webp, write_data_uri


def heat():
    """Noise in steps, as cells are."""
    cells = np.random.default_rng(1).integers(0, 255, (12, 20, 3), dtype=np.uint8)
    return np.kron(cells, np.ones((5, 5, 1), dtype=np.uint8))


def pixels_of(packed):
    return np.asarray(Image.open(io.BytesIO(packed)))


def test_every_pixel_is_the_same(monkeypatch):
    packed = pack_webp(heat(), 1)
    assert packed[:4] == b"RIFF"
    assert np.array_equal(pixels_of(packed), heat())
    assert pack_webp(heat(), 1) == packed
    assert pack_webp(heat()[:, ::2], 1) != packed  # a view is packed as what it shows
    assert np.array_equal(pixels_of(pack_webp(heat()[:, ::2], 1)), heat()[:, ::2])
    monkeypatch.setattr(features, "check", lambda _name: False)  # a Pillow without WebP
    plain = pack_webp(heat(), 1)
    assert plain.startswith(b"\x89PNG")
    assert np.array_equal(pixels_of(plain), heat())
    assert len(packed) < len(plain)


def test_channels_are_rounded_to_the_nearest_multiple():
    pixels = np.array([[[0, 1, 2], [5, 6, 7], [252, 254, 255]]], dtype=np.uint8)
    assert pixels_of(pack_webp(pixels)).tolist() == [[[0, 0, 4], [4, 8, 8], [252, 255, 255]]]
    assert np.abs(pixels_of(pack_webp(heat())).astype(int) - heat()).max() == 2
    assert len(pack_webp(heat())) < len(pack_webp(heat(), 1))


def test_addresses():
    assert write_data_uri(b"\x89PNG") == "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert write_data_uri(b"RIFF").startswith("data:image/webp;base64,")
