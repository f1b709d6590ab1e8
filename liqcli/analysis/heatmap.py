"""How much was liquidated where and when: the price x time grid of a selection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.drawn_range import PriceProfile, find_tick, fit_axis
from liqcli.analysis.price_bins import (
    TARGET_BINS,
    check_exact,
    check_size,
    choose_bin,
    choose_bucket,
    count_rows,
    suit_width,
)
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_price
from liqcli.core.model import BinWidth, HeatmapGrid, Window
from liqcli.query.engine import Engine

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class GridOptions:
    """How to cut the window: bucket and bin where the user chose them, else a number of rows, and a price range."""

    bucket_us: int | None = None
    bin: BinWidth | None = None
    bins: int | None = None
    price_low: float | None = None
    price_high: float | None = None


class ConservationError(AssertionError):
    """The grid does not add up to its events: a bug in liqcli, never in the data."""


def build_grid(
    engine: Engine, window: Window, options: GridOptions, traded: tuple[float, float] | None = None
) -> HeatmapGrid:
    """
    Bin the table ``liquidations`` over the full price x time grid of the window.

    Without a requested price range the axis fits 99.5 % of the USD, and what was ``traded`` (lowest and highest price
    of the candles [quote]); what lies far outside is counted beside the grid.

    Returns
    -------
    HeatmapGrid
        Cells without liquidations are 0; cells and what lies outside are the events, checked in integers of 1e-6 USD.

    Raises
    ------
    UsageError
        More rows or columns than a grid may have, or a width with more figures than its edges can keep.
    EmptyWindowError
        No event lies inside the requested price range.
    ConservationError
        The sums differ.
    """
    bucket_us = options.bucket_us or choose_bucket(window.length_us)
    profile = _read_profile(engine)
    lowest, highest = _choose_span(profile, options, traded)
    width = options.bin or _choose_width(profile, lowest, highest, options.bins)
    n_buckets = -(-window.end_us // bucket_us) - window.start_us // bucket_us
    check_size(n_buckets, count_rows(lowest, highest, width.width), width)
    check_exact(highest, width)
    low, high = _choose_bounds(profile, options, lowest, highest)
    bounds = {"price_low": low, "price_high": high}
    cells = engine.run(
        "heatmap", {"bucket_us": bucket_us, "bin_num": float(width.num), "bin_den": float(width.den), **bounds}
    )
    rows = _rows_of(lowest, highest, width) if options.price_low is not None else None
    below, above = profile.outside(low, high)
    dense = to_dense(cells, window, bucket_us, width, rows)
    grid = replace(dense, price_low=low, price_high=high, below=below, above=above)
    _check_conservation(grid, engine.run("totals", bounds))
    return grid


def _read_profile(engine: Engine) -> PriceProfile:
    columns = engine.run("price_profile")
    return PriceProfile(
        columns["price"].astype(np.float64), columns["events"].astype(np.int64), columns["notional_e6"].astype(np.int64)
    )


def _choose_span(
    profile: PriceProfile, options: GridOptions, traded: tuple[float, float] | None
) -> tuple[float, float]:
    """Give the ends of the price axis: those asked for, drawn also where they are empty, else those of the events."""
    low, high = options.price_low, options.price_high
    inside = profile.between(low or 0.0, math.inf if high is None else high)
    if not len(inside.prices):
        raise EmptyWindowError(
            f"--price-range: all {int(profile.events.sum()):,} events lie outside; they printed between "
            f"{format_price(float(profile.prices[0]))} and {format_price(float(profile.prices[-1]))}"
        )
    if not int(inside.notional_e6.sum()):
        events = int(inside.events.sum())
        what = "1 event of the window is" if events == 1 else f"{events:,} events of the window are"
        raise EmptyWindowError(f"the {what} worth less than a millionth of a dollar")
    if low is None and high is None:
        return fit_axis(profile, traded)
    if low is None or high is None:
        return max(low or 0.0, float(inside.prices[0])), min(high or math.inf, float(inside.prices[-1]))
    return low, high


def _choose_width(profile: PriceProfile, lowest: float, highest: float, rows: int | None) -> BinWidth:
    rows = rows or TARGET_BINS
    drawn = profile.between(lowest, math.nextafter(highest, math.inf))
    return choose_bin(lowest, highest, rows, find_tick(drawn, suit_width(lowest, highest, rows)))


def _choose_bounds(profile: PriceProfile, options: GridOptions, lowest: float, highest: float) -> tuple[float, float]:
    """Give the prices that the cells hold, half-open and the same for every bin width; open where none is left out."""
    if options.price_low is not None or options.price_high is not None:
        return options.price_low or 0.0, math.inf if options.price_high is None else options.price_high
    low = lowest if lowest > profile.prices[0] else 0.0
    return low, math.nextafter(highest, math.inf) if highest < profile.prices[-1] else math.inf


def to_dense(
    cells: Columns,
    window: Window,
    bucket_us: int,
    width: BinWidth,
    rows_wanted: tuple[int, int] | None = None,
) -> HeatmapGrid:
    """
    Spread sparse (bucket, bin) sums over the full price x time grid.

    Parameters
    ----------
    cells : mapping of arrays
        Columns of ``sql/heatmap.sql``, each of shape ``(n_rows,)``.
    window : Window
        Half-open. [UTC]
    bucket_us, width
        Steps of the two axes. [µs], [quote]
    rows_wanted : (int, int) or None
        First and past-the-end bin of a requested price range; None takes the bins from the lowest to the highest print.

    Returns
    -------
    HeatmapGrid
        Every bucket that touches the window and every bin between the lowest and the highest print.

    References
    ----------
    ``docs/units.md#grid``; ``liqcli/query/sql/heatmap.sql``.
    """
    first_bucket = window.start_us // bucket_us
    n_buckets = -(-window.end_us // bucket_us) - first_bucket
    bins = cells["bin"].astype(np.int64)
    first_bin = int(bins.min()) if len(bins) else 0
    n_bins = int(bins.max()) - first_bin + 1 if len(bins) else 0
    if rows_wanted is not None:
        first_bin, n_bins = rows_wanted[0], rows_wanted[1] - rows_wanted[0]
    rows = bins - first_bin
    columns = cells["bucket_us"].astype(np.int64) // bucket_us - first_bucket
    is_long = cells["position"] == "long"

    def spread(name: str, wanted: NDArray[np.bool_], kind: type) -> NDArray[Any]:
        dense: NDArray[Any] = np.zeros((n_bins, n_buckets), dtype=kind)
        dense[rows[wanted], columns[wanted]] = cells[name][wanted]
        return dense

    return HeatmapGrid(
        window=window,
        bucket_us=bucket_us,
        bin=width,
        bucket_starts_us=(first_bucket + np.arange(n_buckets, dtype=np.int64)) * bucket_us,
        price_edges=np.array([width.edge(first_bin + k) for k in range(n_bins + 1)]),
        long_e6=spread("notional_e6", is_long, np.int64),
        short_e6=spread("notional_e6", ~is_long, np.int64),
        long_events=spread("events", is_long, np.int64),
        short_events=spread("events", ~is_long, np.int64),
        long_qty=spread("qty", is_long, np.float64),
        short_qty=spread("qty", ~is_long, np.float64),
    )


def _rows_of(low: float, high: float, width: BinWidth) -> tuple[int, int]:
    """First and past-the-end bin of a half-open price range, decided at the exact edges."""
    first, past = int(low / width.width), int(high / width.width)
    first += 1 if width.edge(first + 1) <= low else -1 if width.edge(first) > low else 0
    past += 1 if width.edge(past) < high else -1 if width.edge(past - 1) >= high else 0
    return first, past


def _check_conservation(grid: HeatmapGrid, totals: Columns) -> None:
    """Cells are the events inside, cells and what lies outside are all events: three queries that know nothing else."""
    outside = {"notional_e6": grid.below.notional_e6 + grid.above.notional_e6, "events": grid.outside_events}
    for name, inside in (("notional_e6", "inside_e6"), ("events", "inside_events")):
        cells = int(getattr(grid, name).sum())
        for said, wanted in ((cells, totals[inside]), (cells + outside[name], totals[name])):
            if said != int(wanted.sum()):
                raise ConservationError(
                    f"grid {name} {said} is not the events' {int(wanted.sum())}: please report this bug"
                )
