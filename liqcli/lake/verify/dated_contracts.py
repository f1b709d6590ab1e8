"""Move dated contracts out of perpetuals' files, where versions before dated symbols stored them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from liqcli.core.errors import DamagedError
from liqcli.core.instruments import read_contract
from liqcli.core.symbols import expiry_of, split_symbol
from liqcli.lake.fetch_log import CoveredWindow, FetchLog
from liqcli.lake.merge import open_merger
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake
from liqcli.lake.verify.file_check import read_partition

if TYPE_CHECKING:
    import pyarrow as pa

MANY_COPIES = 1 << 40  # duplicates are real events


class MovedContract(NamedTuple):
    """Rows of one source and month that received the symbol of their contract."""

    partition: Partition
    symbol: str
    rows: int


def dated_symbol(partition: Partition, instrument: str) -> str:
    """Return the symbol of a dated instrument stored under another symbol; empty if it is none."""
    try:
        symbol = read_contract(partition.exchange, instrument).symbol
    except ValueError:
        return ""
    expiry = expiry_of(symbol)
    if not expiry or expiry_of(partition.symbol) == expiry:
        return ""
    return symbol if split_symbol(symbol)[1] else f"{partition.symbol.partition('-')[0]}-{expiry}"


def move_dated(lake: Lake) -> Iterator[MovedContract]:
    """
    Store dated contracts under their own symbol.

    The rows of each file are first added at their new place, then removed from the old one. After an interrupted run
    the next one completes the move: adding stored rows changes nothing.

    Raises
    ------
    LakeError
        The lake cannot be written; rows are unchanged or moved, never lost.
    """
    for partition in lake.partitions():
        with lake.locked():
            try:
                table = read_partition(lake, partition)
            except (DamagedError, OSError):  # reported by verify
                continue
            names = [str(name) for name in table.column("instrument").unique().to_pylist() if name]
            wanted = {name: symbol for name in names if (symbol := dated_symbol(partition, name))}
            if wanted:
                yield from _move(lake, partition, table, wanted)


def _move(lake: Lake, partition: Partition, table: pa.Table, wanted: Mapping[str, str]) -> list[MovedContract]:
    import pyarrow as pa
    import pyarrow.compute as pc

    moved: list[MovedContract] = []
    log = lake.read_fetch_log(partition.exchange, partition.symbol, partition.source)
    with open_merger(lake.root) as merger:
        for symbol in sorted(set(wanted.values())):
            own = pa.array([name for name in wanted if wanted[name] == symbol])
            rows = table.filter(pc.is_in(table.column("instrument"), value_set=own))
            target = replace(partition, symbol=symbol)
            merger.merge(target.path(lake.root), "merge_union", {"most_copies": MANY_COPIES}, rows)
            lake.add_to_fetch_log(target.exchange, symbol, target.source, _uncounted(log).windows)
            moved.append(MovedContract(partition, symbol, rows.num_rows))
        is_moved = pc.is_in(table.column("instrument"), value_set=pa.array(list(wanted)))
        times = table.column("ts").cast("int64")
        if log.windows:  # fewer rows are left than the log counts
            left = _uncounted(log, times.filter(is_moved).to_pylist())
            lake.write_fetch_log(partition.exchange, partition.symbol, partition.source, left)
        bounds = {"start_us": pc.min(times).as_py(), "end_us": pc.max(times).as_py() + 1}
        merger.merge(partition.path(lake.root), "merge_replace", bounds, table.filter(pc.invert(is_moved)))
    lake.remove_fetch_log(partition.exchange, partition.symbol, partition.source)
    return moved


def _uncounted(log: FetchLog, moved_us: Sequence[int] | None = None) -> FetchLog:
    """Remove the number of events from all windows, or from those whose rows were moved. [µs]"""

    def drop_count(known: CoveredWindow) -> CoveredWindow:
        struck = moved_us is None or any(known.window.contains(ts) for ts in moved_us)
        return replace(known, events=None) if struck else known

    return FetchLog(tuple(drop_count(known) for known in log.windows))
