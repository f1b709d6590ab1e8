"""
What a figure shows, as plain values: heat map, cascades, open interest, cumulative sums.

The functions of ``liqcli.charts`` take these and draw them; they compute nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from liqcli.core.model import HeatmapGrid, PriceSeries

Tone = Literal["plain", "long", "short", "warn"]


@dataclass(frozen=True, slots=True)
class HeadlineNumber:
    """A headline number: ``26.9M USD`` above ``liquidated``; the tone selects its colour."""

    value: str
    label: str
    tone: Tone = "plain"


class TitledFigure(Protocol):
    """The header of any figure; long titles shrink, then wrap, and ``$`` is an ordinary character."""

    @property
    def title(self) -> str:
        """The title."""

    @property
    def subtitle(self) -> str:
        """Contents: realized, exchanges, window."""

    @property
    def headline(self) -> tuple[HeadlineNumber, ...]:
        """Headline numbers, most important first."""

    @property
    def sample(self) -> bool:
        """True for a figure marked as synthetic."""


@dataclass(frozen=True, slots=True)
class ClusterLabel:
    """
    A price band ``[low, high)`` [quote] to mark on the heat; ``notional`` [USD], ``share`` 0 to 1.

    ``price`` is its price as written in the label; without it, the middle of the band. ``note`` follows the USD.
    """

    rank: int
    low: float
    high: float
    notional: float
    share: float
    price: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class OpenInterestLine:
    """
    Open interest: snapshots at ``ts_us`` [µs UTC] with ``values`` in ``unit``, shape ``(n,)`` each.

    NaN breaks the line; the first and last values are finite. ``basis`` names exchange and symbol.
    """

    ts_us: NDArray[np.int64]
    values: NDArray[np.float64]
    unit: str
    basis: str

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last snapshot."""
        return float(self.values[0]), float(self.values[-1])


@dataclass(frozen=True, slots=True)
class HeatmapSpec:
    """
    Everything the heat map shows.

    Parameters
    ----------
    title, subtitle : str
        Long ones shrink, then wrap; ``$`` is an ordinary character.
    headline : tuple of HeadlineNumber
        Shown at the top right, most important first.
    grid : HeatmapGrid
        Defines both axes, and longs and shorts of profile and bars.
    values : ndarray, shape (n_bins, n_buckets)
        Values of the cells in ``unit``; 0 is background.
    unit : str
        ``"USD"``, ``"events"``, or a base coin such as ``"BTC"``.
    gaps : sequence of (start, end)
        Intervals without coverage. [µs UTC]
    prices : PriceSeries or None
        Candles; joined to a readable number.
    trace : (ts_us, price) or None
        Price of the last event per bucket, drawn as a line without candles.
    last_price : float or None
        Dashed line and tag on the price axis. [quote]
    bounded : bool
        True if the user requested the price range of the grid. Otherwise candles and last price can widen the axis.
    bands : sequence of ClusterLabel
        Bracketed, and labelled by rank as far as they fit.
    cascades : sequence of (start, end, rank)
        Cascades to mark over the bars and to number above them. [µs UTC]
    interest : OpenInterestLine or None
        A line in a strip of its own below the bars.
    sample : bool
        Marks the figure as synthetic.
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
    bands: Sequence[ClusterLabel] = ()
    cascades: Sequence[tuple[int, int, int]] = ()
    interest: OpenInterestLine | None = None
    bounded: bool = False
    sample: bool = False


@dataclass(frozen=True, slots=True)
class CascadeMark:
    """
    A cascade, by rank; ``start_us`` and ``end_us`` are its first and last event. [µs UTC]

    ``position`` is the side with more USD; ``usd`` is the total, ``share`` its share of the window; ``price_from`` and
    ``price_to`` are the first and last price. [quote]
    """

    rank: int
    start_us: int
    end_us: int
    position: Literal["long", "short"]
    usd: float
    share: float
    price_from: float
    price_to: float


@dataclass(frozen=True, slots=True)
class CascadesSpec:
    """
    Everything the figure of cascades shows: USD per minute, the threshold of a cascade, and the price.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapSpec`.
    start_us, end_us : int
        The window. [µs UTC]
    minutes_us, long, short : ndarray, shape (n,)
        Minutes with events, ascending [µs UTC], and their sums. [USD]
    median, hot, hot_orders : float, float, int
        Median minute, including empty ones; threshold of a cascade per minute. [USD], [USD], orders
    bursts : sequence of CascadeMark
        By rank.
    gaps, prices, trace
        As for :class:`liqcli.charts.HeatmapSpec`; without prices and trace there is no price panel.
    """

    title: str
    subtitle: str
    headline: tuple[HeadlineNumber, ...]
    start_us: int
    end_us: int
    minutes_us: NDArray[np.int64]
    long: NDArray[np.float64]
    short: NDArray[np.float64]
    median: float
    hot: float
    hot_orders: int
    bursts: Sequence[CascadeMark] = ()
    gaps: Sequence[tuple[int, int]] = ()
    prices: PriceSeries | None = None
    trace: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
    sample: bool = False


@dataclass(frozen=True, slots=True)
class OpenInterestSpec:
    """
    Everything the figure of open interest shows.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapSpec`.
    start_us, end_us : int
        The window. [µs UTC]
    interest : OpenInterestLine
        Open interest in USD.
    contracts : OpenInterestLine or None
        The contracts valued at the price of the first snapshot, so that only their number moves the line.
    starts_us, step_us, long, short
        Liquidations per bucket, shape (n,). [µs UTC], [µs], [USD]
    cascades, gaps
        As for :class:`liqcli.charts.HeatmapSpec`.
    """

    title: str
    subtitle: str
    headline: tuple[HeadlineNumber, ...]
    start_us: int
    end_us: int
    interest: OpenInterestLine
    contracts: OpenInterestLine | None
    starts_us: NDArray[np.int64]
    step_us: int
    long: NDArray[np.float64]
    short: NDArray[np.float64]
    cascades: Sequence[tuple[int, int, int]] = ()
    gaps: Sequence[tuple[int, int]] = ()
    sample: bool = False


@dataclass(frozen=True, slots=True)
class CumulativeSpec:
    """
    Everything the cumulative figure shows: USD within x% of the last price, below and at or above it.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapSpec`.
    last_price : float
        Start of the sums. [quote]
    step_pct : float
        Width of a step. [%]
    below_long, below_short, above_long, above_short : ndarray, shape (n + 1,)
        Entry ``i`` is the sum within ``i`` steps; entry 0 is 0. [USD]
    """

    title: str
    subtitle: str
    headline: tuple[HeadlineNumber, ...]
    last_price: float
    step_pct: float
    below_long: NDArray[np.float64]
    below_short: NDArray[np.float64]
    above_long: NDArray[np.float64]
    above_short: NDArray[np.float64]
    sample: bool = False
