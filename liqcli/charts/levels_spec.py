"""What the figure of estimated levels shows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqcli.charts.figure_spec import HeadlineNumber

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from liqcli.core.model import BinWidth, PriceSeries

KINDS = ("estimated", "measured")


@dataclass(frozen=True, slots=True)
class LevelMark:
    """A level to label: ``word`` (``nearest``, ``largest``), its bin ``[low, high)`` [quote], ``notional`` [USD]."""

    word: str
    position: str
    low: float
    high: float
    notional: float


@dataclass(frozen=True, slots=True)
class MeasuredOutline:
    """Measured positions at the end, by bin: shape (n_bins,) each [USD]; ``words`` state whose they are."""

    long: NDArray[np.float64]
    short: NDArray[np.float64]
    words: str = ""

    @property
    def largest(self) -> float:
        """The largest bin. [USD]"""
        return max(float(self.long.max(initial=0)), float(self.short.max(initial=0)))


@dataclass(frozen=True, slots=True)
class LevelsSpec:
    """
    Everything the figure of levels shows.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapSpec`.
    kind : str
        ``estimated`` or ``measured``; marked in the figure.
    start_us, end_us : int
        The window. [µs UTC]
    starts_us, bucket_us, bin, price_edges
        Columns and bins; shapes (n_columns,) [µs UTC], [µs], [quote], (n_bins + 1,) [quote].
    values : ndarray, shape (n_bins, n_columns)
        Mass of longs and shorts that stands at the start of each column. [USD]
    long, short : ndarray, shape (n_bins,)
        Mass that stands at the end of the window. [USD]
    long_reach, short_reach : (price, notional)
        Sums outward from the last price, shape (n,) each. [quote], [USD]
    long_outside, short_outside : float
        Mass below and above the price axis. [USD]
    last_price : float
        [quote]
    prices : PriceSeries or None
        Candles drawn over the field.
    marks : sequence of LevelMark
        Levels to label.
    unknown : sequence of (start, end)
        Times without a known state, hatched. [µs UTC]
    measured : MeasuredOutline or None
        Outlined beside the bars, on a scale of its own.
    """

    title: str
    subtitle: str
    headline: tuple[HeadlineNumber, ...]
    kind: str
    start_us: int
    end_us: int
    starts_us: NDArray[np.int64]
    bucket_us: int
    bin: BinWidth
    price_edges: NDArray[np.float64]
    values: NDArray[np.float64]
    long: NDArray[np.float64]
    short: NDArray[np.float64]
    long_reach: tuple[NDArray[np.float64], NDArray[np.float64]]
    short_reach: tuple[NDArray[np.float64], NDArray[np.float64]]
    last_price: float
    long_outside: float = 0.0
    short_outside: float = 0.0
    prices: PriceSeries | None = None
    marks: Sequence[LevelMark] = ()
    unknown: Sequence[tuple[int, int]] = ()
    measured: MeasuredOutline | None = None
    sample: bool = False
