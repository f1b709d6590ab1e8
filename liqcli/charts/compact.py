"""What the compact pictures are asked to show: bursts, open interest, sums outward from the last price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from liqcli.charts.picture import HeadlineNumber, Interest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from liqcli.model import PriceSeries


@dataclass(frozen=True, slots=True)
class Burst:
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
class CascadesPicture:
    """
    When liquidations came in bursts: USD a minute against the level at which a burst begins, and the price over it.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapPicture`.
    start_us, end_us : int
        The window. [µs UTC]
    minutes_us, long, short : ndarray, shape (n,)
        Every minute with a print, rising [µs UTC], and what it held. [USD]
    median, hot, hot_orders : float, float, int
        The ordinary minute, empty ones included; what a minute must hold for a burst to begin. [USD], orders
    bursts : sequence of Burst
        By rank.
    gaps, prices, trace
        As for :class:`liqcli.charts.HeatmapPicture`; without prices and trace the panel of price is left out.
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
    bursts: Sequence[Burst] = ()
    gaps: Sequence[tuple[int, int]] = ()
    prices: PriceSeries | None = None
    trace: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
    sample: bool = False


@dataclass(frozen=True, slots=True)
class InterestPicture:
    """
    Open contracts against forced closures.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapPicture`.
    start_us, end_us : int
        The window. [µs UTC]
    interest : Interest
        What the open contracts were worth.
    contracts : Interest or None
        The same contracts at the first snapshot's price, so that only their number moves the line.
    starts_us, step_us, long, short
        Liquidations per bucket, shape (n,). [µs UTC], [µs], [USD]
    cascades, gaps
        As for :class:`liqcli.charts.HeatmapPicture`.
    """

    title: str
    subtitle: str
    headline: tuple[HeadlineNumber, ...]
    start_us: int
    end_us: int
    interest: Interest
    contracts: Interest | None
    starts_us: NDArray[np.int64]
    step_us: int
    long: NDArray[np.float64]
    short: NDArray[np.float64]
    cascades: Sequence[tuple[int, int, int]] = ()
    gaps: Sequence[tuple[int, int]] = ()
    sample: bool = False


@dataclass(frozen=True, slots=True)
class CumulativePicture:
    """
    USD liquidated within x % of the last price, below and above it.

    Parameters
    ----------
    title, subtitle, headline, sample
        As for :class:`liqcli.charts.HeatmapPicture`.
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
