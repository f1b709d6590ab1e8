"""From the events per price bin to the rows of the grid that make a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.profile_peaks import find_bands
from liqcli.model import HeatmapGrid

Columns = Mapping[str, NDArray[Any]]

MOST_ROWS = 320  # finer grids are looked at in steps of several bins: a band is a stretch of price, not a bin


class Row(NamedTuple):
    """Rows ``[low, high)`` of a grid, and the hottest one of them."""

    low: int
    high: int
    peak: int


def profile_params(
    grid: HeatmapGrid, half_life_us: int | None, price_range: tuple[float | None, float | None]
) -> dict[str, float]:
    """Give the parameters of ``sql/cluster_bins.sql`` for the bins of a grid."""
    low, high = price_range
    return {
        "bin_num": float(grid.bin.num),
        "bin_den": float(grid.bin.den),
        "price_low": grid.price_low if low is None else low,
        "price_high": grid.price_high if high is None else high,
        "half_life_us": float(half_life_us or 0),
    }


def first_bin(grid: HeatmapGrid) -> int:
    """Give the number of the grid's lowest bin: its lower edge is that many widths."""
    return round(float(grid.price_edges[0]) * grid.bin.den / grid.bin.num)


def find_rows(bins: Columns, grid: HeatmapGrid, min_share: float) -> list[Row]:
    """
    Find the bands of a profile as rows of the grid.

    Parameters
    ----------
    bins : mapping of arrays
        Columns of ``sql/cluster_bins.sql``.
    grid : HeatmapGrid
        Whose bins these are.
    min_share : float
        As :func:`liqcli.analysis.profile_peaks.find_bands`.
    """
    first, n_rows = first_bin(grid), len(grid.price_edges) - 1
    step = -(-n_rows // MOST_ROWS)
    places = bins["bin"].astype(np.int64)
    start = first // step
    n_steps = (first + n_rows - 1) // step - start + 1
    profile, fine = np.zeros(n_steps, dtype=np.int64), np.zeros(n_rows, dtype=np.int64)
    squares = np.zeros(n_steps)
    np.add.at(profile, places // step - start, bins["weight_e6"])
    np.add.at(squares, places // step - start, bins["squares_e12"])
    np.add.at(fine, places - first, bins["weight_e6"])
    rows = []
    for band in find_bands(profile, squares, min_share):
        low = max((start + band.low) * step - first, 0)
        filled = low + np.flatnonzero(fine[low : min((start + band.high) * step - first, n_rows)])
        peak = band.peak if step == 1 else int(filled[np.argmax(fine[filled])])
        rows.append(Row(int(filled[0]), int(filled[-1]) + 1, peak))
    return rows
