"""
Sum very many events in one pass over their files: totals, price profile and a fine grid.

The numbers are those of ``totals.sql``, ``price_profile.sql`` and ``heatmap.sql``, which read the files three times and
sort rows into hash tables; here rows are added to plain arrays, because each file holds one exchange, symbol and month.
Files with anything but plain rows (nulls, invalid numbers, several sources) are left to the SQL files.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from liqcli.core.environment import engine_threads
from liqcli.core.intervals import Interval
from liqcli.core.model import SIDES, BinWidth
from liqcli.query.columns import FineAxes, HeatmapRows, Ints, ProfileRows, Totals
from liqcli.query.row_sums import (
    EXACT,
    LARGEST,
    REST,
    STATED,
    Key,
    NotPlainError,
    RowGroup,
    RowSums,
    Ticks,
    find_bins,
    join_prices,
    join_totals,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

COLUMNS = ("ts", "position", "price", "qty", "notional")
WORDS = ("source", "price_kind", "completeness")  # one each in a row group
ROWS_AT_ONCE = 131_072
MOST_THREADS = 4  # each with sums of its own
MOST_CELLS = 3_000_000  # of the fine grid, 64 bytes each
MOST_TICKS = 4_000_000  # between the lowest and the highest price; finer prices are sorted instead
MOST_PLACES = 8  # decimals of a price on a tick


class FilePart(NamedTuple):
    """A file, the exchange and symbol of its folders, and the time in which it counts, None for all. [µs UTC]"""

    path: Path
    exchange: str
    symbol: str
    intervals: Sequence[Interval] | None


ChooseAxes = Callable[[float, float], FineAxes]  # from the lowest and the highest price


@dataclass(frozen=True, slots=True)
class FileSums:
    """The sums of all events, and the non-empty cells of the fine grid: number, side (0 long), sums."""

    totals: Totals
    profile: ProfileRows
    axes: FineAxes
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


def sum_files(parts: Sequence[FilePart], choose: ChooseAxes, position: str, min_usd: float) -> FileSums | None:
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
        None if a file cannot be read or holds anything but plain rows, or if the fine grid would take too much memory;
        the SQL files then do the work, or tell what is wrong.
    """
    import pyarrow as pa

    try:
        return _sum_files(parts, choose, position, min_usd)
    except (NotPlainError, OSError, pa.ArrowException):
        return None


class _Part(NamedTuple):
    path: Path
    footer: pq.FileMetaData
    number: int  # of the row group
    group: RowGroup


def _sum_files(parts: Sequence[FilePart], choose: ChooseAxes, position: str, min_usd: float) -> FileSums:
    groups: list[_Part] = []
    prices: list[float] = []
    for part in parts:
        for item, ends in _list_groups(part):
            groups.append(item)
            prices += ends
    low, high = min(prices, default=0.0), max(prices, default=0.0)
    if not 0 < low <= high < math.inf:
        raise NotPlainError
    axes = choose(low, high)
    if axes.n_buckets * axes.n_bins > MOST_CELLS:
        raise NotPlainError
    ticks = _choose_ticks(groups[0], low, high)
    waiting, lock = iter(groups), threading.Lock()

    def add_some() -> RowSums:
        sums = RowSums(axes, ticks, position, min_usd)
        while True:
            with lock:
                item = next(waiting, None)
            if item is None:
                return sums
            for rows in _iter_rows(item):
                sums.add(item.group, rows)

    threads = min(engine_threads() or os.cpu_count() or 1, MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        return _join([job.result() for job in [pool.submit(add_some) for _ in range(threads)]])


def _list_groups(part: FilePart) -> Iterator[tuple[_Part, tuple[float, float]]]:
    """Yield the row groups of a file with the ends of their prices, from the footer."""
    with _open(part.path) as file:
        if str(file.schema_arrow.field("ts").type) != "timestamp[us]":
            raise NotPlainError
        places = [file.metadata.schema.names.index(name) for name in (*WORDS, "price")]
        for number in range(file.num_row_groups):
            *words, prices = (_read_range(file.metadata.row_group(number), place) for place in places)
            if any(least != most for least, most in words):
                raise NotPlainError
            source, price_kind, completeness = (str(word) for word, _ in words)
            group = RowGroup(part.exchange, part.symbol, source, price_kind, completeness, part.intervals)
            yield _Part(part.path, file.metadata, number, group), prices


def _open(path: Path, footer: pq.FileMetaData | None = None) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, read_dictionary=["position"], pre_buffer=False, metadata=footer)


def _iter_rows(part: _Part) -> Iterator[pa.RecordBatch]:
    with _open(part.path, part.footer) as file:
        yield from file.iter_batches(ROWS_AT_ONCE, [part.number], list(COLUMNS), use_threads=False)


def _read_range(group: pq.RowGroupMetaData, column: int) -> tuple[Any, Any]:
    stated = group.column(column).statistics
    if stated is None or not stated.has_min_max or not stated.has_null_count or stated.null_count:
        raise NotPlainError
    return stated.min, stated.max


def _choose_ticks(first: _Part, low: float, high: float) -> Ticks:
    """Choose the tick from the first rows; prices between ticks are sorted."""
    price = next(_iter_rows(first)).column("price").to_numpy(zero_copy_only=False)
    for places in range(MOST_PLACES + 1):
        scale = 10.0**places
        number = int((high - low) * scale) + 2
        if number > MOST_TICKS:
            break
        if (np.rint(price * scale) / scale == price).mean() > 0.9:
            return Ticks(scale, int(np.rint(low * scale)), number)
    return Ticks(1.0, 0, 0)


def _join(found: Sequence[RowSums]) -> FileSums:
    totals: dict[Key, list[int]] = {}
    for sums in found:
        for key, row in sums.totals.items():
            totals[key] = join_totals(totals[key], row) if key in totals else row
    cells: NDArray[np.int64] = np.sum([sums.cells for sums in found], axis=0)
    rest = max(sums.rest for sums in found) * int(cells[0].max(initial=0))
    usd_e6, stated = sum(row[1] for row in totals.values()), sum(sums.stated for sums in found)
    if not totals or max(usd_e6, stated, rest) >= LARGEST:
        raise NotPlainError
    taken, keys = np.flatnonzero(cells[0]), sorted(totals)
    exchange, symbol, source, position, kind, completeness = (np.array(c, object) for c in zip(*keys, strict=True))
    words = exchange, symbol, source, position, kind, completeness
    events, usd, largest, first, last = np.array([totals[key] for key in keys], np.int64).T
    ticks, profile = found[0].ticks, np.sum([sums.profile for sums in found], axis=0)
    held = np.flatnonzero(profile[0])
    on_ticks = ticks.prices[held], profile[0][held], profile[1][held]
    return FileSums(
        Totals(*words, events, usd, np.zeros_like(events), largest, first, last),
        ProfileRows(*join_prices([on_ticks, *(odd for sums in found for odd in sums.odd)])),
        found[0].axes,
        taken,
        *(row[taken] for row in cells),
    )
