"""What the picture is asked to show: plain values, drawn by :func:`liqcli.charts.draw_heatmap`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from liqcli.model import HeatmapGrid, PriceSeries

Tone = Literal["plain", "long", "short", "warn"]
ThemeName = Literal["dark", "light"]
PaletteName = Literal["liq", "viridis", "magma", "cividis"]
ScaleName = Literal["log", "linear", "percentile"]
Shown = Literal["both", "long", "short"]


@dataclass(frozen=True, slots=True)
class HeadlineNumber:
    """A figure at the top of the picture: ``26.9M USD`` over ``liquidated``; the tone gives it its colour."""

    value: str
    label: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Band:
    """A price band ``[low, high)`` [quote] to label at the profile; ``notional`` [USD], ``share`` in 0..1."""

    rank: int
    low: float
    high: float
    notional: float
    share: float


@dataclass(frozen=True, slots=True)
class HeatmapPicture:
    """
    Everything the picture says, computed by others.

    Parameters
    ----------
    title, subtitle : str
        Long ones shrink, then wrap; ``$`` is an ordinary character.
    headline : tuple of HeadlineNumber
        Top right, most important first.
    grid : HeatmapGrid
        Gives both axes, and the split into longs and shorts of profile and bars.
    values : ndarray, shape (n_bins, n_buckets)
        What the cells show, in ``unit``; 0 is background.
    unit : str
        ``"USD"``, ``"events"``, or a base coin such as ``"BTC"``.
    gaps : sequence of (start, end)
        Stretches without coverage. [µs UTC]
    prices : PriceSeries or None
        Candles; thinned out to a readable number.
    trace : (ts_us, price) or None
        Price of the last event per bucket, drawn as a line when there are no candles.
    last_price : float or None
        Dashed line and tag on the price axis. [quote]
    bands : sequence of Band
        Labelled as far as they fit, best rank first.
    cascades : sequence of (start, end, rank)
        Bursts to mark over the bars. [µs UTC]
    sample : bool
        Marks the picture as synthetic.
    """

    title: str
    subtitle: str
    headline: tuple[HeadlineNumber, ...]
    grid: HeatmapGrid
    values: NDArray[Any]
    unit: str
    gaps: Sequence[tuple[int, int]] = ()
    prices: PriceSeries | None = None
    trace: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
    last_price: float | None = None
    bands: Sequence[Band] = ()
    cascades: Sequence[tuple[int, int, int]] = ()
    sample: bool = False
