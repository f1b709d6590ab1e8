"""How much was liquidated where and when: the price x time grid of a selection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.scale import check_exact, check_size, choose_bin, choose_bucket, count_rows
from liqcli.engine import Engine
from liqcli.errors import EmptyWindowError
from liqcli.formats import format_price
from liqcli.model import BinWidth, HeatmapGrid, Window

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


def build_grid(engine: Engine, window: Window, options: GridOptions) -> HeatmapGrid:
    """
    Bin the table ``liquidations`` over the full price x time grid of the window.

    Returns
    -------
    HeatmapGrid
        Cells without liquidations are 0; the total is that of the events, checked in integers of 1e-6 USD.

    Raises
    ------
    UsageError
        More rows or columns than a grid may have, or a width with more figures than its edges can keep.
    EmptyWindowError
        No event lies inside the requested price range.
    ConservationError
        The sums differ.
    """
    low = options.price_low if options.price_low is not None else 0.0
    high = options.price_high if options.price_high is not None else math.inf
    bounds = {"price_low": low, "price_high": high}
    totals = engine.run("totals", bounds)
    if not int(totals["inside_events"].sum()):
        raise EmptyWindowError(
            f"--price-range: all {int(totals['events'].sum()):,} events lie outside; they printed between "
            f"{format_price(float(totals['price_min'].min()))} and {format_price(float(totals['price_max'].max()))}"
        )
    bucket_us = options.bucket_us or choose_bucket(window.length_us)
    lowest, highest = _price_range(totals, low, high)
    if options.price_low is not None and options.price_high is not None:
        lowest, highest = (
            options.price_low,
            options.price_high,
        )  # the asked range is drawn whole, also where it is empty
    width = options.bin or choose_bin(lowest, highest, options.bins or 160)
    n_buckets = -(-window.end_us // bucket_us) - window.start_us // bucket_us
    check_size(n_buckets, count_rows(lowest, highest, width.width), width)
    check_exact(highest, width)
    cells = engine.run(
        "heatmap", {"bucket_us": bucket_us, "bin_num": float(width.num), "bin_den": float(width.den), **bounds}
    )
    rows = _rows_of(lowest, highest, width) if options.price_low is not None else None
    grid = to_dense(cells, window, bucket_us, width, _outside(totals), rows)
    _check_conservation(cells, totals)
    return grid


def to_dense(
    cells: Columns,
    window: Window,
    bucket_us: int,
    width: BinWidth,
    outside: tuple[float, int] = (0.0, 0),
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
    outside : (float, int)
        USD and events that a requested price range left out.
    rows_wanted : (int, int) or None
        First and past-the-end bin of a requested price range; None takes the bins from the lowest to the highest print.

    Returns
    -------
    HeatmapGrid
        Every bucket that touches the window and every bin between the lowest and the highest print.

    References
    ----------
    ``docs/units.md#grid``; ``liqcli/sql/heatmap.sql``.
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
        outside_notional=outside[0],
        outside_events=outside[1],
    )


def _rows_of(low: float, high: float, width: BinWidth) -> tuple[int, int]:
    """First and past-the-end bin of a half-open price range, decided at the exact edges."""
    first, past = int(low / width.width), int(high / width.width)
    first += 1 if width.edge(first + 1) <= low else -1 if width.edge(first) > low else 0
    past += 1 if width.edge(past) < high else -1 if width.edge(past - 1) >= high else 0
    return first, past


def _price_range(totals: Columns, low: float, high: float) -> tuple[float, float]:
    return max(low, float(totals["price_min"].min())), min(high, float(totals["price_max"].max()))


def _outside(totals: Columns) -> tuple[float, int]:
    usd_e6 = int(totals["notional_e6"].sum()) - int(totals["inside_e6"].sum())
    return usd_e6 / 1e6, int(totals["events"].sum()) - int(totals["inside_events"].sum())


def _check_conservation(cells: Columns, totals: Columns) -> None:
    for name in ("notional_e6", "events"):
        inside = "inside_e6" if name == "notional_e6" else "inside_events"
        grid_sum, event_sum = int(cells[name].sum()), int(totals[inside].sum())
        if grid_sum != event_sum:
            raise ConservationError(f"grid {name} {grid_sum} is not the events' {event_sum}: please report this bug")
