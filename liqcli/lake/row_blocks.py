"""Blocks of liquidations as Arrow tables: split by file of the lake, add up, hash, all without a loop over rows."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from liqcli.core.model import Liquidation
from liqcli.lake.merge import lake_schema
from liqcli.lake.partitions import Partition

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

HASH_COLUMN = "row_hash"
WORDS = ("exchange", "symbol", "instrument", "position", "price_kind", "completeness", "source")  # few distinct texts
_NUMBERS = ("price", "qty", "notional", "contracts", "contract_size")
_NO_NUMBER = 0x7FF8DEAD00000001  # bits of no finite double
_FACTOR = 0x9E3779B97F4A7C15


class PartTotals(NamedTuple):
    """Sums over the rows of a block in one file of the lake; ``digest`` modulo 2**64, times in µs UTC."""

    partition: Partition
    events: int
    longs: int
    notional_e6: int
    first_us: int
    last_us: int
    digest: int


@dataclass(frozen=True, slots=True)
class SortedBlock:
    """
    A block whose rows are in the order of its partitions; otherwise in the order of the block.

    ``rows`` has the lake's columns and the hash of each row without its time; ``starts`` [row] has one entry more than
    ``partitions``.
    """

    partitions: tuple[Partition, ...]
    starts: tuple[int, ...]
    rows: pa.Table

    def totals(self) -> list[PartTotals]:
        """Add up the rows of each partition."""
        import numpy as np

        at = np.array(self.starts[:-1], np.int64)
        ts = _values(self.rows["ts"], np.int64)
        # ``round`` and ``rint`` both round half to even; in two parts, as a sum of 1e16 each may exceed 64 bits.
        micros = np.rint(_values(self.rows["notional"], np.float64) * 1e6).astype(np.int64)
        high, low = np.add.reduceat(micros >> 32, at), np.add.reduceat(micros & 0xFFFF_FFFF, at)
        longs = np.add.reduceat(_is_word(self.rows["position"], "long").astype(np.int64), at)
        hashes = mix(_values(self.rows[HASH_COLUMN], np.uint64), ts.view(np.uint64))
        columns = (
            np.diff(self.starts), longs, high, low, np.minimum.reduceat(ts, at), np.maximum.reduceat(ts, at),
            np.add.reduceat(hashes, at),
        )  # fmt: skip
        return [
            PartTotals(partition, events, longs, (high << 32) + low, first, last, digest)
            for partition, (events, longs, high, low, first, last, digest) in zip(
                self.partitions, zip(*(column.tolist() for column in columns), strict=True), strict=True
            )
        ]

    def spans(self) -> list[tuple[int, int]]:
        """Return the first and the last time in each partition. [µs UTC]"""
        import numpy as np

        at = np.array(self.starts[:-1], np.int64)
        ts = _values(self.rows["ts"], np.int64)
        return list(zip(np.minimum.reduceat(ts, at).tolist(), np.maximum.reduceat(ts, at).tolist(), strict=True))

    def pieces(self) -> Iterator[tuple[Partition, pa.Table]]:
        """Yield the rows of each partition."""
        for place, partition in enumerate(self.partitions):
            yield partition, self.rows.slice(self.starts[place], self.starts[place + 1] - self.starts[place])


def block_schema() -> pa.Schema:
    """Return the columns of a block: exchange, symbol and the lake's columns; few distinct texts as dictionaries."""
    import pyarrow as pa

    few = pa.dictionary(pa.int32(), pa.string())
    fields = [
        ("exchange", few),
        ("symbol", few),
        *((f.name, few if f.name in WORDS else f.type) for f in lake_schema()),
    ]
    return pa.schema(fields)


def rows_to_block(rows: Sequence[Liquidation]) -> pa.Table:
    """Convert rows to a block."""
    import pyarrow as pa

    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [[] for _ in Liquidation._fields]
    named = dict(zip(Liquidation._fields, columns, strict=True))
    named["ts"] = named.pop("ts_us")
    schema = block_schema()
    arrays = [
        pa.array(named[f.name], pa.string()).dictionary_encode() if f.name in WORDS else pa.array(named[f.name], f.type)
        for f in schema
    ]
    return pa.table(arrays, schema=schema)


def sort_block(block: pa.Table) -> SortedBlock:
    """Sort a block by file of the lake."""
    import numpy as np
    import pyarrow as pa

    block = block.combine_chunks()
    words = {name: _dictionary(block[name]) for name in ("exchange", "symbol", "source")}
    months = _values(block["ts"], np.int64).view("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    first_month = int(months.min()) if len(months) else 0
    key = months - first_month
    span = int(key.max()) + 1 if len(key) else 1
    for codes, names in words.values():
        key = key + codes * span
        span *= len(names)
    if span < 1 << 16:
        key = key.astype(np.uint16)  # sorted by radix
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.array([], np.int64)
    rows = block.append_column(HASH_COLUMN, pa.array(_hash_rows(block), pa.uint64())).drop_columns(
        ["exchange", "symbol"]
    )
    if len(starts) > 1:
        rows = rows.take(pa.array(order)).combine_chunks()
    partitions = []
    for place in order[starts].tolist():
        exchange, symbol, source = (str(names[codes[place]]) for codes, names in words.values())
        month = str(np.datetime64(int(months[place]), "M"))
        partitions.append(Partition("liquidations", exchange, symbol, month, source))
    return SortedBlock(tuple(partitions), (*starts.tolist(), len(key)), rows)


def sort_rows(rows: pa.Table) -> pa.Table:
    """Sort rows with the lake's columns by all of them, exactly as ``sql/sort_rows.sql``."""
    import numpy as np
    import pyarrow.compute as pc

    ts = _values(rows["ts"], np.int64)
    order = np.argsort(ts, kind="stable")
    ts = ts[order]
    same = ts[1:] == ts[:-1]
    if same.any():
        tied = np.flatnonzero(np.r_[same, False] | np.r_[False, same])
        some = rows.take(order[tied]).cast(lake_schema())
        keys = [(name, "ascending") for name in lake_schema().names]
        order[tied] = order[tied][pc.sort_indices(some, sort_keys=keys).to_numpy()]
    return rows.take(order).combine_chunks()


def count_words(block: pa.Table, name: str) -> dict[str, int]:
    """Count the rows of each text in a column of few distinct texts."""
    import numpy as np

    codes, names = _dictionary(block[name])
    counts = np.bincount(codes, minlength=len(names)).tolist()
    return {str(word): count for word, count in zip(names, counts, strict=True) if count}


def times_of(block: pa.Table) -> dict[str, NDArray[np.int64]]:
    """Return the times of each exchange in a block. [µs UTC]"""
    import numpy as np

    codes, names = _dictionary(block["exchange"])
    ts = _values(block["ts"], np.int64)
    if len(names) == 1:
        return {str(names[0]): ts}
    found = {str(name): ts[codes == code] for code, name in enumerate(names)}
    return {name: times for name, times in found.items() if len(times)}


def near_hashes(ts: NDArray[np.int64], hashes: NDArray[np.uint64], reach_us: int) -> NDArray[np.uint64]:
    """Return the hashes of rows that are close to another of the same hash, which may differ in the time alone."""
    import numpy as np

    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return twice
    among = np.isin(hashes, twice)
    ts, hashes = ts[among], hashes[among]
    order = np.lexsort((ts, hashes))
    times, keys = ts[order], hashes[order]
    apart = np.diff(times)
    return np.unique(keys[1:][(keys[1:] == keys[:-1]) & (apart > 0) & (apart <= reach_us)])


def mix(hashes: NDArray[np.uint64], values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix a value into each hash; the same on every machine and in every version."""
    import numpy as np

    mixed: NDArray[np.uint64] = (hashes ^ values) * np.uint64(_FACTOR)
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _hash_rows(block: pa.Table) -> NDArray[np.uint64]:
    """Hash everything by which the lake compares rows, except the time."""
    import numpy as np

    hashes = np.zeros(len(block), np.uint64)
    for name in WORDS:
        codes, names = _dictionary(block[name])
        checks = [zlib.crc32(f"{name}={word}".encode()) for word in names]
        hashes = mix(hashes, np.array(checks, np.uint64)[codes] if checks else hashes)
    for name in _NUMBERS:
        column = block[name]
        if column.null_count == len(column):
            hashes = mix(hashes, np.full(len(column), _NO_NUMBER, np.uint64))
            continue
        bits = _values(column.fill_null(0.0) if column.null_count else column, np.float64).view(np.uint64)
        if column.null_count:
            bits = np.where(np.asarray(column.is_null()), np.uint64(_NO_NUMBER), bits)
        hashes = mix(hashes, bits)
    return hashes if block["event_id"].null_count == len(block) else _mix_texts(hashes, block["event_id"])


def _mix_texts(hashes: NDArray[np.uint64], column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Mix texts into hashes, all texts of one length at once."""
    import numpy as np
    import pyarrow as pa

    texts = column.combine_chunks().cast(pa.large_binary())
    is_text = np.asarray(texts.is_valid())
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    for length in np.unique(lengths[is_text]).tolist():
        rows = np.flatnonzero(is_text & (lengths == length))
        padded = np.zeros((len(rows), length // 8 + 1), "<u8")
        bytewise = padded.view(np.uint8)
        bytewise[:, -1] = length & 0xFF
        if len(rows) == len(texts):
            bytewise[:, :length] = data[offsets[0] : offsets[-1]].reshape(len(rows), length)
        else:
            for at in range(length):
                bytewise[:, at] = data[offsets[rows] + at]
        mixed = hashes[rows]
        for lane in padded.T:
            mixed = mix(mixed, lane)
        hashes[rows] = mixed
    return hashes


def _dictionary(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[Any]]:
    import numpy as np

    array = column.combine_chunks()
    return _values(array.indices, np.int32), array.dictionary.to_pylist()


def _is_word(column: pa.ChunkedArray, word: str) -> NDArray[np.bool_]:
    import numpy as np

    codes, names = _dictionary(column)
    return np.array([name == word for name in names], bool)[codes]


def _values(column: Any, kind: Any) -> NDArray[Any]:  # noqa: ANN401 - an Arrow array and a numpy type
    """Return the values of a column without nulls, without copying where possible."""
    import numpy as np

    return np.asarray(column.to_numpy(zero_copy_only=False)).view(kind) if len(column) else np.array([], kind)
