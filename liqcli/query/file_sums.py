"""
Sum very many events in one pass over their files: totals, price profile and a fine grid.

The numbers are those of ``totals.sql``, ``price_profile.sql`` and ``heatmap.sql``, which read the files three times and
sort rows into hash tables; here rows are added to plain arrays, because each file holds one exchange, symbol and month.
Files with anything but plain rows (nulls, invalid numbers, several sources) are left to the SQL files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from liqcli.core.model import SIDES, BinWidth
from liqcli.query.columns import FineAxes, HeatmapRows, Ints, ProfileRows, Totals
from liqcli.query.file_parts import FilePart, StoredGroup, iter_batches, list_groups, none_if_not_plain, run_in_threads
from liqcli.query.plain_rows import EXACT, LARGEST, Filters, NotPlainError, find_bins, read_rows
from liqcli.query.price_ticks import Ticks
from liqcli.query.row_sums import REST, STATED, RowSums

COLUMNS = ("ts", "position", "price", "qty", "notional")
MOST_CELLS = 3_000_000  # of the fine grid, 64 bytes each
MOST_TICKS = 4_000_000  # between the lowest and the highest price; finer prices are sorted instead
MOST_PLACES = 8  # decimals of a price on a tick

ChooseAxes = Callable[[float, float], FineAxes]  # from the lowest and the highest price


@dataclass(frozen=True, slots=True)
class FileSums:
    """
    The sums of all events, and the non-empty cells of the fine grid: number, side (0 long), sums.

    ``groups`` are the row groups that were read, with ``filters``.
    """

    groups: tuple[StoredGroup, ...]
    filters: Filters
    totals: Totals
    profile: ProfileRows
    axes: FineAxes
    ticks: Ticks
    cells: Ints
    events: Ints
    notional_e6: Ints
    stated_e8: Ints
    rest_e20: Ints

    def sum_cells(self, bucket_us: int, width: BinWidth, price_low: float, price_high: float) -> HeatmapRows | None:
        """
        Sum the fine cells to coarser bins over ``[price_low, price_high)`` [quote], as ``heatmap.sql`` does.

        Returns
        -------
        HeatmapRows or None
            None if bins or prices cut fine cells, or a sum of quantities is too large for a double.
        """
        axes, fine = self.axes, self.axes.width
        many, rest = divmod(width.num * fine.den, width.den * fine.num)
        asked = (self.profile.price >= price_low) & (self.profile.price < price_high)
        held = (self.profile.price >= axes.price_low) & (self.profile.price < axes.price_high)
        bins = find_bins(self.profile.price, fine)
        kept = np.unique(bins[asked])
        cuts = np.isin(bins[held & ~asked], kept).any() or (asked & ~held).any()
        outside = len(kept) and (kept[0] < axes.first_bin or kept[-1] >= axes.first_bin + axes.n_bins)
        if bucket_us != axes.bucket_us or rest or cuts or outside:
            return None
        place, side = np.divmod(self.cells, 2)
        bucket, row = np.divmod(place, axes.n_bins)
        inside = np.isin(row + axes.first_bin, kept)
        bins, lowest = (row + axes.first_bin) // many, axes.first_bin // many
        n_bins = axes.n_bins // many + 2
        cells, number = np.unique(((bucket * n_bins + bins - lowest) * 2 + side)[inside], return_inverse=True)

        def add(column: Ints) -> Ints:
            sums = np.zeros(len(cells), np.int64)
            np.add.at(sums, number, column[inside])
            return sums

        stated, rests = add(self.stated_e8), add(self.rest_e20)
        if max(np.abs(stated).max(initial=0), np.abs(rests).max(initial=0)) >= EXACT:
            return None
        return HeatmapRows(
            bucket_us=axes.start_us + cells // 2 // n_bins * bucket_us,
            bin=cells // 2 % n_bins + lowest,
            position=np.array(SIDES, dtype=np.object_)[cells % 2],
            notional_e6=add(self.notional_e6),
            qty=stated / STATED + rests / REST,
            events=add(self.events),
        )


@none_if_not_plain
def sum_files(parts: Sequence[FilePart], choose: ChooseAxes, position: str, min_usd: float) -> FileSums:
    """
    Sum the events of some files.

    Parameters
    ----------
    parts : sequence of FilePart
        Files and the time in which each counts.
    choose : callable
        Chooses the fine axes.
    position, min_usd : str, float
        Filters as in ``select_liquidations.sql``. [USD]

    Returns
    -------
    FileSums or None
        None also if the fine grid would take too much memory.
    """
    filters = Filters(position, min_usd)
    groups = tuple(group for part in parts for group in list_groups(part))
    low = min((group.price[0] for group in groups), default=0.0)
    high = max((group.price[1] for group in groups), default=0.0)
    if not 0 < low <= high < math.inf:
        raise NotPlainError
    axes = choose(low, high)
    if axes.n_buckets * axes.n_bins > MOST_CELLS:
        raise NotPlainError
    sums = RowSums(axes, _choose_ticks(groups[0], low, high))

    def add(stored: StoredGroup) -> None:
        for batch in iter_batches(stored, COLUMNS):
            sums.add(stored.group, read_rows(batch, stored.group, filters))

    run_in_threads(add, groups)
    return _collect(sums, groups, filters)


def _choose_ticks(first: StoredGroup, low: float, high: float) -> Ticks:
    """Choose the tick from the first rows; prices between ticks are sorted."""
    price = next(iter_batches(first, ["price"])).column("price").to_numpy(zero_copy_only=False)
    for places in range(MOST_PLACES + 1):
        scale = 10.0**places
        number = int((high - low) * scale) + 2
        if number > MOST_TICKS:
            break
        if (np.rint(price * scale) / scale == price).mean() > 0.9:
            return Ticks(scale, int(np.rint(low * scale)), number)
    return Ticks(1.0, 0, 0)


def _collect(sums: RowSums, groups: tuple[StoredGroup, ...], filters: Filters) -> FileSums:
    totals, cells = sums.totals, sums.cells
    rest = sums.rest * int(cells[0].max(initial=0))
    if not totals or max(sum(row[1] for row in totals.values()), sums.stated, rest) >= LARGEST:
        raise NotPlainError
    taken, keys = np.flatnonzero(cells[0]), sorted(totals)
    exchange, symbol, source, position, kind, completeness = (np.array(c, object) for c in zip(*keys, strict=True))
    words = exchange, symbol, source, position, kind, completeness
    events, usd, largest, first, last = np.array([totals[key] for key in keys], np.int64).T
    return FileSums(
        groups,
        filters,
        Totals(*words, events, usd, np.zeros_like(events), largest, first, last),
        sums.profile.collect(),
        sums.axes,
        sums.ticks,
        taken,
        *(row[taken] for row in cells),
    )
