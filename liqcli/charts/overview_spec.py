"""What the picture of the whole market shows, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqcli.charts.bars import BarSeries, Burst
from liqcli.charts.figure_spec import HeadlineNumber
from liqcli.charts.treemap import Tile


@dataclass(frozen=True, slots=True)
class LaneMark:
    """A cascade of one symbol: first and last instant [µs UTC], USD, and the side with more of it."""

    start_us: int
    end_us: int
    usd: float
    position: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The cascades of one symbol; ``usd`` is the sum of all. [USD]"""

    name: str
    usd: float
    marks: Sequence[LaneMark]


@dataclass(frozen=True, slots=True)
class OverviewSpec:
    """
    Everything the picture of the whole market shows.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapSpec`.
    start_us, end_us : int
        The window. [µs UTC]
    tiles : sequence of Tile
        Symbols by falling USD, at least one; small ones are joined.
    bars : BarSeries
        Longs and shorts of all symbols over time.
    bursts : sequence of (start, end, rank)
        Cascades of the market. [µs UTC]
    lanes : sequence of Lane
        Symbols with cascades, by falling USD; as many as fit are drawn.
    gaps : sequence of (start, end)
        Intervals in which nothing was recorded. [µs UTC]
    """

    title: str
    subtitle: str
    headline: tuple[HeadlineNumber, ...]
    start_us: int
    end_us: int
    tiles: Sequence[Tile]
    bars: BarSeries
    bursts: Sequence[Burst] = ()
    lanes: Sequence[Lane] = ()
    gaps: Sequence[tuple[int, int]] = ()
    sample: bool = False
