"""
What the picture is asked to show: plain values, drawn by :func:`liqcli.charts.draw_heatmap`.

What the compact pictures are asked to show: bursts, open interest, sums outward from the last price.
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


class TitledFigure(Protocol):
    """What the head of every picture needs; long titles shrink, then wrap, and ``$`` is an ordinary character."""

    @property
    def title(self) -> str:
        """What the picture is."""

    @property
    def subtitle(self) -> str:
        """Of what: realized, who, when."""

    @property
    def headline(self) -> tuple[HeadlineNumber, ...]:
        """Figures at the top right, most important first."""

    @property
    def sample(self) -> bool:
        """Whether it is marked as synthetic."""


@dataclass(frozen=True, slots=True)
class ClusterLabel:
    """A price band ``[low, high)`` [quote] to label at the profile; ``notional`` [USD], ``share`` in 0..1."""

    rank: int
    low: float
    high: float
    notional: float
    share: float


@dataclass(frozen=True, slots=True)
class OpenInterestLine:
    """
    Contracts that are open: snapshots at ``ts_us`` [µs UTC] of ``values`` in ``unit``, shape ``(n,)`` each.

    A snapshot of NaN breaks the line; the first and the last are finite. ``basis`` says whose contracts they are.
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
    bounded : bool
        The price axis is the grid's: somebody asked for these prices. Else candles and last price may widen it.
    bands : sequence of Band
        Labelled as far as they fit, best rank first.
    cascades : sequence of (start, end, rank)
        Bursts to mark over the bars. [µs UTC]
    interest : Interest or None
        A line over the bars, on a scale of its own.
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
    bands: Sequence[ClusterLabel] = ()
    cascades: Sequence[tuple[int, int, int]] = ()
    interest: OpenInterestLine | None = None
    bounded: bool = False
    sample: bool = False


@dataclass(frozen=True, slots=True)
class CascadeMark:
    """
    A cascade: rank 1 holds the most USD; ``start_us`` and ``end_us`` of its first and last print. [µs UTC]

    ``position`` is the side with more USD; ``usd`` all of it, ``share`` of the window 0..1; ``price_from`` and
    ``price_to`` its first and last price. [quote]
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
    When liquidations came in bursts: USD a minute against the level at which a burst begins, and the price over it.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapSpec`.
    start_us, end_us : int
        The window. [µs UTC]
    minutes_us, long, short : ndarray, shape (n,)
        Every minute with a print, rising [µs UTC], and what it held. [USD]
    median, hot, hot_orders : float, float, int
        The ordinary minute, empty ones included; what a minute must hold for a burst to begin. [USD], orders
    bursts : sequence of Burst
        By rank.
    gaps, prices, trace
        As for :class:`liqcli.charts.HeatmapSpec`; without prices and trace the panel of price is left out.
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
    Open contracts against forced closures.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapSpec`.
    start_us, end_us : int
        The window. [µs UTC]
    interest : Interest
        What the open contracts were worth.
    contracts : Interest or None
        The same contracts at the first snapshot's price, so that only their number moves the line.
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
    USD liquidated within x % of the last price, below and at or above it.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapSpec`.
    last_price : float
        Where the sums begin. [quote]
    step_pct : float
        Width of a step. [%]
    below_long, below_short, above_long, above_short : ndarray, shape (n + 1,)
        Entry ``i`` is what lies within ``i`` steps; entry 0 is 0. [USD]
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
