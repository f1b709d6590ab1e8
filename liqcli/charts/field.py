"""The field behind the cells: what was liquidated at each price so far, smoothed for display."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from liqcli.charts.canvas import Canvas
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heatmap_layout import HeatmapLayout

FIELD_POWER = 0.6  # below 1, so that the second and third band stay visible beside the largest
_SIGMA_BINS, _SIGMA_PX = 0.75, 4.0  # width of the smoothing: the larger of both
_REACH = 2.5  # of the kernel, in sigma
_SHADES = 64  # as many as one can see; more would only make the files larger
_TOUCH = 0.01  # [px]

if TYPE_CHECKING:
    from matplotlib.backend_bases import RendererBase

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Field:
    """
    Smoothed sums so far, in the unit of the cells per bin.

    ``values`` has shape (n_bins + 2 * margin, n_buckets + 1): ``margin`` bins are added at both ends, because bands
    reach beyond the grid, and column ``k`` is the sum before bucket ``k``. ``top`` is the largest value.
    """

    values: Floats
    margin: int
    top: float

    def place(self, values: Floats) -> Floats:
        """Map values to the places 0..1 of their colours."""
        return np.power(np.clip(values / (self.top or 1.0), 0.0, 1.0), FIELD_POWER)


def smooth_field(picture: HeatmapSpec, sheet: Canvas, view: HeatmapLayout) -> Field:
    """
    Sum the cells along time, and blur the sums along price with a Gaussian of weight 1.

    Nothing is blurred along time: a band starts where its first print is.
    """
    bin_px = picture.grid.bin.width / view.per_px
    sigma = max(_SIGMA_BINS, sheet.px(_SIGMA_PX) / bin_px)
    reach = math.ceil(_REACH * sigma)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    so_far = np.cumsum(np.asarray(picture.values, dtype=np.float64), axis=1)
    so_far = np.pad(so_far, ((2 * reach, 2 * reach), (1, 0)))
    rows = len(so_far) - 2 * reach
    # Added one by one: the order of a matrix product depends on the machine.
    values = sum((w * so_far[k : k + rows] for k, w in enumerate(weights)), start=np.zeros_like(so_far[:rows]))
    return Field(values, reach, float(values.max(initial=0.0)))


def draw_field(axes: Axes, picture: HeatmapSpec, view: HeatmapLayout, field: Field, palette: ListedColormap) -> None:
    """Draw the field as one image with a pixel per pixel of the panel, linear between bins and along a bucket."""
    if field.top <= 0:
        return
    grid, heat = picture.grid, view.heat
    width, height = round(heat.width), round(heat.height)
    prices = view.low + (np.arange(height) + 0.5) * view.per_px
    rows = np.asarray((prices - float(grid.price_edges[0])) / grid.bin.width - 0.5 + field.margin, dtype=np.float64)
    known = np.flatnonzero((rows >= 0) & (rows <= len(field.values) - 1))
    if not len(known):
        return
    places = (_SHADES - 1) * _interpolate(field.place(field.values), rows[known])
    times = view.time.start_us + (np.arange(width) + 0.5) * view.time.us_per_px
    columns = np.asarray((times - float(grid.bucket_starts_us[0])) / grid.bucket_us, dtype=np.float64)
    shades = np.rint(_interpolate(places.T, columns).T).astype(np.uint8)
    colors = _round_shades(palette(np.linspace(0, 1, _SHADES), bytes=True))
    bottom, top = (view.low + k * view.per_px for k in (int(known[0]), int(known[-1]) + 1))
    image = PixelImage(axes, origin="lower", interpolation="nearest", resample=False, zorder=1, label="field")
    image.set_data(colors[shades])
    image.set_extent((view.time.start_us, view.time.end_us, bottom, top))
    axes.add_image(image)


def _round_shades(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Round colours as matplotlib does when it resamples an image; nothing is drawn where the field is 0."""
    parts = np.divide(colors, 255, dtype=np.float32)
    alpha = parts[:, 3:].copy()
    parts *= alpha
    parts /= np.where(alpha == 0, 1, alpha)
    parts[:, 3:] = alpha
    rounded = np.asarray(255 * parts, dtype=np.uint8)
    rounded[0] = 0
    return rounded


class PixelImage(AxesImage):
    """An image that is not resampled where each of its pixels is one of the page; at another resolution it is."""

    def make_image(self, renderer: RendererBase, magnification: float = 1.0, unsampled: bool = False) -> Any:  # noqa: ANN401
        """Return the pixels and the position of their lower left corner; no transformation is left."""
        pixels: Any = self.get_array()
        left, right, bottom, top = self.get_extent()
        (x0, y0), (x1, y1) = self.axes.transData.transform([(left, bottom), (right, top)])
        place = round(x0), round(y0)
        height, width = pixels.shape[:2]
        off = np.abs([x0 - place[0], y0 - place[1], x1 - place[0] - width, y1 - place[1] - height]).max()
        if unsampled or magnification != 1 or off > _TOUCH:
            return super().make_image(renderer, magnification, unsampled)
        return np.ascontiguousarray(pixels), *place, None


def _interpolate(rows: Floats, at: Floats) -> Floats:
    """Interpolate linearly between rows, at positions counted in rows."""
    first = np.clip(np.floor(at).astype(np.int64), 0, len(rows) - 2)
    share = (at - first)[:, np.newaxis]
    return rows[first] * (1 - share) + rows[first + 1] * share
