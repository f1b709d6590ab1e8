"""Read rows of Parquet files as numpy columns, with the filters of ``select_liquidations.sql``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from liqcli.core.intervals import Interval
from liqcli.core.model import SIDES, BinWidth
from liqcli.query.columns import Floats, Ints

if TYPE_CHECKING:
    import pyarrow as pa

EXACT = 2.0**53  # doubles below are exact as integers
LARGEST = 9e18  # sums below fit into 64 bits


class NotPlainError(Exception):
    """Rows that are left to the SQL files."""


class RowGroup(NamedTuple):
    """What the rows of a row group share, and the time in which they count, None for all. [µs UTC]"""

    exchange: str
    symbol: str
    source: str
    price_kind: str
    completeness: str
    intervals: Sequence[Interval] | None


class Filters(NamedTuple):
    """Which events count: ``long``, ``short`` or ``both`` positions, and from how many USD on."""

    position: str
    min_usd: float


class Rows(NamedTuple):
    """Columns of rows that count, shape ``(n,)``; ``side`` is 0 for long, ``qty`` is empty if it was not read."""

    ts: Ints
    side: Ints
    price: Floats
    qty: Floats
    usd_e6: Ints


def read_rows(batch: pa.RecordBatch, group: RowGroup, filters: Filters) -> Rows:
    """
    Return the rows that count.

    Raises
    ------
    NotPlainError
        A value is missing, not positive and finite, or too large; a position is neither long nor short.
    """
    if any(column.null_count for column in batch.columns):
        raise NotPlainError
    side = _read_sides(batch.column("position"))
    ts = batch.column("ts").to_numpy(zero_copy_only=False).view(np.int64)
    price, usd = _read_numbers(batch, "price"), _read_numbers(batch, "notional")
    qty = _read_numbers(batch, "qty") if "qty" in batch.schema.names else price[:0]
    chosen = [] if filters.min_usd <= 0 else [usd >= filters.min_usd]
    if group.intervals is not None:
        starts, ends = np.array(group.intervals, np.int64).T
        before = np.searchsorted(starts, ts, side="right") - 1  # the intervals are sorted and disjoint
        chosen.append((before >= 0) & (ts < ends[before]))
    if filters.position != "both":
        chosen.append(side == SIDES.index(filters.position))
    if chosen:
        kept = np.logical_and.reduce(chosen)
        ts, side, price, usd = ts[kept], side[kept], price[kept], usd[kept]
        qty = qty[kept] if len(qty) else qty
    return Rows(ts, side, price, qty, to_integers(usd, 1e6))


def _read_sides(words: pa.DictionaryArray) -> Ints:
    names = words.dictionary.to_pylist()
    if names not in ([name for name in SIDES if name in names], [name for name in SIDES[::-1] if name in names]):
        raise NotPlainError
    numbers: Ints = words.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers if names[:1] != ["short"] else numbers ^ 1


def _read_numbers(batch: pa.RecordBatch, name: str) -> Floats:
    numbers: Floats = batch.column(name).to_numpy(zero_copy_only=False)
    if numbers.dtype != np.float64 or not (numbers.min() > 0 and numbers.max() < math.inf):  # also if NaN
        raise NotPlainError
    return numbers


def to_integers(numbers: Floats, factor: float) -> Ints:
    """Multiply positive numbers and round them half up; their sum fits into 64 bits."""
    if not len(numbers):
        return np.zeros(0, np.int64)
    scaled = numbers * factor
    # Adding 0.5 is exact for these, and positive numbers are cut down to the integer below.
    if scaled.min() >= 0.5 and scaled.max() < min(EXACT / 4, LARGEST / len(scaled)):
        scaled += 0.5
        return scaled.astype(np.int64)
    whole = round_half_up(scaled)
    if whole.sum() >= EXACT and (whole.max() >= EXACT or whole.sum() >= LARGEST):
        raise NotPlainError
    return whole.astype(np.int64)


def round_half_up(numbers: Floats) -> Floats:
    """Round positive numbers as DuckDB does: halves up, which neither ``np.rint`` nor adding 0.5 does exactly."""
    whole = np.floor(numbers)
    whole += (numbers - whole) >= 0.5
    return whole


def find_bins(prices: Floats, width: BinWidth) -> Ints:
    """Find the bin of each price, exactly as ``heatmap.sql``."""
    num, den = float(width.num), float(width.den)
    k = np.floor(prices * den / num)
    too_high = prices < k * num / den
    too_low = ~too_high & (prices >= (k + 1) * num / den)
    return (k - too_high + too_low).astype(np.int64)
