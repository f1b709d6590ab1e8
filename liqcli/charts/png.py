"""Render figures to reproducible PNG bytes, without date, program name and alpha channel."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from liqcli.charts.canvas import own_style
from liqcli.charts.renderer import MeasuringCanvas


def render_png(figure: Figure) -> bytes:
    """Render a figure to PNG: the same figure gives the same bytes."""
    return pack_png(render_pixels(figure), figure.dpi)


def render_pixels(figure: Figure) -> NDArray[np.uint8]:
    """Render a figure to its pixels, shape (height, width, 3)."""
    canvas = MeasuringCanvas(figure)
    with own_style():
        canvas.draw()  # type: ignore[no-untyped-call]
    return np.array(canvas.buffer_rgba(), dtype=np.uint8)[..., :3]  # type: ignore[no-untyped-call]


def pack_small_png(pixels: NDArray[np.uint8]) -> bytes:
    """Pack pixels at half their width and height."""
    return pack_png(np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(2)))


def pack_png(pixels: NDArray[np.uint8], dpi: float | None = None) -> bytes:
    """Pack pixels of shape (height, width, 3); ``dpi`` is the resolution stated in the file."""
    out = io.BytesIO()
    claim = {} if dpi is None else {"dpi": (dpi, dpi)}
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", **claim)
    return out.getvalue()
