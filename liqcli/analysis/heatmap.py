"""Build the price x time grid of a window."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.drawn_range import find_tick, find_traded, fit_axis
from liqcli.analysis.price_bins import (
    MOST_COLUMNS,
    MOST_ROWS,
    check_exact,
    check_size,
    choose_bin,
    choose_bucket,
    choose_fine_width,
    choose_rows,
    count_rows,
    fit_cells,
    suit_width,
)
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_price
from liqcli.core.model import BinWidth, HeatmapGrid, Outside, PriceSeries, Window
from liqcli.core.price_reach import reach_candles
from liqcli.query.columns import FineAxes, HeatmapRows, ProfileRows, Totals


@dataclass(frozen=True, slots=True)
class GridOptions:
    """
    Requested bucket, bin, number of rows and price range of a grid; None leaves the choice to liqcli.

    ``most_columns`` and ``most_rows`` limit what liqcli chooses.
    """

    bucket_us: int | None = None
    bin: BinWidth | None = None
    bins: int | None = None
    price_low: float | None = None
    price_high: float | None = None
    most_columns: int = MOST_COLUMNS
    most_rows: int = MOST_ROWS

    def fit(self, size: tuple[int, int] | None) -> GridOptions:
        """Limit what liqcli chooses to the cells that a picture of this size [px] can show."""
        columns, rows = fit_cells(size) if size else (MOST_COLUMNS, MOST_ROWS)
        return replace(self, most_columns=columns, most_rows=rows)


class ConservationError(AssertionError):
    """The grid does not add up to its events: a bug in liqcli, never in the data."""


@dataclass(frozen=True, slots=True)
class GridPlan:
    """
    The axes of a grid, chosen from the prices of the window.

    ``price_low`` and ``price_high`` bound the events of the cells, half-open [quote]; ``rows`` is the first and
    past-the-end bin of a requested price range, None where the events decide; ``below`` and ``above`` sum what lies
    outside the bounds.
    """

    window: Window
    bucket_us: int
    bin: BinWidth
    price_low: float
    price_high: float
    rows: tuple[int, int] | None
    below: Outside
    above: Outside


def plan_grid(
    profile: ProfileRows, window: Window, options: GridOptions, candles: PriceSeries | None = None
) -> GridPlan:
    """
    Choose the axes of the grid.

    Without a requested price range the price axis covers 99.5% of the USD and the traded prices; what lies far
    outside is counted beside the grid. Steps follow from the window alone: its length, the number of its events, and
    the range of prices that the picture shows.

    Parameters
    ----------
    profile : ProfileRows
        Events and USD at each price, at least one row.
    window : Window
        Half-open. [UTC]
    options : GridOptions
        Options chosen by the user.
    candles : PriceSeries or None
        Candles of the window.

    Raises
    ------
    UsageError
        More rows or columns than a grid may have, or a width with more digits than its edges can keep.
    EmptyWindowError
        No event lies inside the requested price range.
    """
    events = int(profile.events.sum())
    bucket_us = options.bucket_us or choose_bucket(window.length_us, events, options.most_columns)
    lowest, highest = _choose_span(profile, options, find_traded(candles))
    width = options.bin or _choose_width(profile, lowest, highest, options, candles)
    n_buckets = -(-window.end_us // bucket_us) - window.start_us // bucket_us
    check_size(n_buckets, count_rows(lowest, highest, width.width), width)
    check_exact(highest, width)
    low, high = _choose_bounds(profile, options, lowest, highest)
    rows = _rows_of(lowest, highest, width) if options.price_low is not None else None
    return GridPlan(window, bucket_us, width, low, high, rows, *profile.outside(low, high))


def choose_fine_axes(window: Window, options: GridOptions, lowest: float, highest: float) -> FineAxes:
    """
    Choose fine cells that add up to those of the grid, before its axes are known.

    Parameters
    ----------
    lowest, highest : float
        Ends of all prices, in the window or not. [quote]
    """
    bucket_us = options.bucket_us or choose_bucket(window.length_us, columns=options.most_columns)
    low, high = options.price_low or 0.0, math.inf if options.price_high is None else options.price_high
    lowest, highest = max(lowest, low), min(highest, high)
    fine = options.bin or choose_fine_width(lowest, highest, options.bins or options.most_rows)
    start = window.start_us // bucket_us
    first_bin = int(lowest / fine.width) - 1
    return FineAxes(
        start_us=start * bucket_us,
        bucket_us=bucket_us,
        n_buckets=-(-window.end_us // bucket_us) - start,
        width=fine,
        first_bin=first_bin,
        n_bins=max(int(highest / fine.width) + 2 - first_bin, 1),
        price_low=low,
        price_high=high,
    )


def build_grid(plan: GridPlan, cells: HeatmapRows, profile: ProfileRows, totals: Totals) -> HeatmapGrid:
    """
    Build the full price x time grid of a window.

    Parameters
    ----------
    plan : GridPlan
        The axes.
    cells : HeatmapRows
        Sums over the buckets and bins of the plan.
    profile, totals : ProfileRows, Totals
        Sums of the same events, for the check.

    Returns
    -------
    HeatmapGrid
        Cells without liquidations are 0. Cells plus what lies outside equal the events, checked in 1e-6 USD.

    Raises
    ------
    ConservationError
        The sums differ.
    """
    dense = to_dense(cells, plan.window, plan.bucket_us, plan.bin, plan.rows)
    grid = replace(dense, price_low=plan.price_low, price_high=plan.price_high, below=plan.below, above=plan.above)
    _check_conservation(grid, profile.between(plan.price_low, plan.price_high), totals)
    return grid


def _choose_span(profile: ProfileRows, options: GridOptions, traded: tuple[float, float] | None) -> tuple[float, float]:
    """Choose the ends of the price axis: the requested ones, even if empty there, else those of the events."""
    low, high = options.price_low, options.price_high
    inside = profile.between(low or 0.0, math.inf if high is None else high)
    if not len(inside.price):
        raise EmptyWindowError(
            f"--price-range: all {int(profile.events.sum()):,} events lie outside; they printed between "
            f"{format_price(float(profile.price[0]))} and {format_price(float(profile.price[-1]))}"
        )
    if not int(inside.notional_e6.sum()):
        events = int(inside.events.sum())
        what = "1 event of the window is" if events == 1 else f"{events:,} events of the window are"
        raise EmptyWindowError(f"the {what} worth less than a millionth of a dollar")
    if low is None and high is None:
        return fit_axis(profile, traded)
    if low is None or high is None:
        return max(low or 0.0, float(inside.price[0])), min(high or math.inf, float(inside.price[-1]))
    return low, high


def _choose_width(
    profile: ProfileRows, lowest: float, highest: float, options: GridOptions, candles: PriceSeries | None
) -> BinWidth:
    """Choose the bin width: ``bins`` rows between the events, or rows that are high enough on the drawn axis."""
    drawn = profile.between(lowest, math.nextafter(highest, math.inf))
    if options.bins:
        return choose_bin(lowest, highest, options.bins, find_tick(drawn, suit_width(lowest, highest, options.bins)))
    if options.price_low is None and options.price_high is None and candles is not None:
        lowest, highest = reach_candles(candles, lowest, highest)
    rows = choose_rows(int(profile.events.sum()), options.most_rows)
    tick = find_tick(drawn, suit_width(lowest, highest, rows))
    return choose_bin(lowest, highest, rows, tick, options.most_rows)


def _choose_bounds(profile: ProfileRows, options: GridOptions, lowest: float, highest: float) -> tuple[float, float]:
    """Choose the half-open price range of the cells; it does not depend on the bin width."""
    if options.price_low is not None or options.price_high is not None:
        return options.price_low or 0.0, math.inf if options.price_high is None else options.price_high
    low = lowest if lowest > profile.price[0] else 0.0
    return low, math.nextafter(highest, math.inf) if highest < profile.price[-1] else math.inf


def to_dense(
    cells: HeatmapRows,
    window: Window,
    bucket_us: int,
    width: BinWidth,
    rows_wanted: tuple[int, int] | None = None,
) -> HeatmapGrid:
    """
    Spread sparse (bucket, bin) sums over the full price x time grid.

    Parameters
    ----------
    cells : HeatmapRows
        The non-empty cells, each column of shape ``(n_rows,)``.
    window : Window
        Half-open. [UTC]
    bucket_us, width
        Steps of the two axes. [µs], [quote]
    rows_wanted : (int, int) or None
        First and past-the-end bin of a requested price range; None: the bins from the lowest to the highest event.

    Returns
    -------
    HeatmapGrid
        Every bucket that overlaps the window, and every bin of the price axis. Row 0 has the lowest price.

    References
    ----------
    ``docs/units.md#grid``; ``liqcli/query/sql/heatmap.sql``.
    """
    first_bucket = window.start_us // bucket_us
    n_buckets = -(-window.end_us // bucket_us) - first_bucket
    bins = cells.bin
    first_bin = int(bins.min()) if len(bins) else 0
    n_bins = int(bins.max()) - first_bin + 1 if len(bins) else 0
    if rows_wanted is not None:
        first_bin, n_bins = rows_wanted[0], rows_wanted[1] - rows_wanted[0]
    rows = bins - first_bin
    columns = cells.bucket_us // bucket_us - first_bucket
    is_long = cells.position == "long"

    def spread(column: NDArray[Any], wanted: NDArray[np.bool_]) -> NDArray[Any]:
        dense: NDArray[Any] = np.zeros((n_bins, n_buckets), dtype=column.dtype)
        dense[rows[wanted], columns[wanted]] = column[wanted]
        return dense

    return HeatmapGrid(
        window=window,
        bucket_us=bucket_us,
        bin=width,
        bucket_starts_us=(first_bucket + np.arange(n_buckets, dtype=np.int64)) * bucket_us,
        price_edges=np.array([width.edge(first_bin + k) for k in range(n_bins + 1)]),
        long_e6=spread(cells.notional_e6, is_long),
        short_e6=spread(cells.notional_e6, ~is_long),
        long_events=spread(cells.events, is_long),
        short_events=spread(cells.events, ~is_long),
        long_qty=spread(cells.qty, is_long),
        short_qty=spread(cells.qty, ~is_long),
    )


def _rows_of(low: float, high: float, width: BinWidth) -> tuple[int, int]:
    """Compute first and past-the-end bin of a half-open price range, decided at the exact edges."""
    first, past = int(low / width.width), int(high / width.width)
    first += 1 if width.edge(first + 1) <= low else -1 if width.edge(first) > low else 0
    past += 1 if width.edge(past) < high else -1 if width.edge(past - 1) >= high else 0
    return first, past


def _check_conservation(grid: HeatmapGrid, inside: ProfileRows, totals: Totals) -> None:
    """Check that cells equal the events inside, and cells plus what lies outside all events: three separate queries."""
    outside_e6 = grid.below.notional_e6 + grid.above.notional_e6
    for name, cells, outside, drawn, everything in (
        ("notional_e6", grid.notional_e6, outside_e6, inside.notional_e6, totals.notional_e6),
        ("events", grid.events, grid.outside_events, inside.events, totals.events),
    ):
        held = int(cells.sum())
        for found, wanted in ((held, int(drawn.sum())), (held + outside, int(everything.sum()))):
            if found != wanted:
                raise ConservationError(f"grid {name} {found} is not the events' {wanted}: please report this bug")
