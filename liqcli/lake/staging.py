"""Stage rows on their way into the lake: collect, spill to disk, merge file by file."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from liqcli.core.files import is_alive, lake_errors
from liqcli.core.model import Liquidation
from liqcli.lake.merge import UNLIMITED, lake_schema
from liqcli.lake.partitions import Partition
from liqcli.lake.row_blocks import HASH_COLUMN, SortedBlock, near_hashes, rows_to_block, sort_block, sort_rows
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa


MOST_SORTED = 500_000  # rows sorted in memory; DuckDB sorts more of them, on disk if needed


class _Piece(NamedTuple):
    """Rows of one partition, in memory or on disk: a record batch of an Arrow file. Times in µs UTC."""

    size: int
    first_us: int
    last_us: int
    table: pa.Table | None
    path: Path = Path()
    batch: int = 0


class Staging:
    """
    Rows on their way into the lake, spilled to disk so that a file of any size needs little memory.

    Use as a context manager; nothing is written to the lake before :meth:`commit`.
    """

    ROWS_IN_MEMORY = 200_000

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._pending: list[Liquidation] = []
        self._blocks: list[SortedBlock] = []  # in memory
        self._held: dict[Partition, list[_Piece]] = defaultdict(list)  # their rows
        self._spilled: dict[Partition, list[_Piece]] = defaultdict(list)
        self._kept: dict[Partition, pa.Table] = {}
        self.created: set[Partition] = set()
        self._files = 0
        self._folder = lake.root / ".staging" / f"{os.getpid()}-{id(self):x}"

    def __enter__(self) -> Staging:
        _sweep(self._folder.parent)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, row: Liquidation) -> None:
        """Add one row."""
        self._pending.append(row)
        if len(self._pending) >= self.ROWS_IN_MEMORY:
            self._take_pending()

    def add_block(self, block: SortedBlock) -> None:
        """Add the rows of a block."""
        self._blocks.append(block)
        for (partition, table), (first_us, last_us) in zip(block.pieces(), block.spans(), strict=True):
            self._held[partition].append(_Piece(len(table), first_us, last_us, table))
        if sum(len(block.rows) for block in self._blocks) > self.ROWS_IN_MEMORY or self._spilled:
            self._spill()

    def partitions(self) -> list[Partition]:
        """List the partitions that have rows."""
        self._take_pending()
        return sorted({*self._spilled, *self._held})

    def find_near_repeats(self, reach_us: int, drop: bool) -> list[tuple[Partition, pa.Table]]:
        """
        Find staged rows that equal another, staged or stored, in all but the time, by partition.

        Column ``copies`` is the number of times a row is staged; ``drop`` removes them from staging. The caller holds
        the lake's lock.
        """
        found = []
        with self._lake.open_merger() as merger:
            for partition in self.partitions():
                path = partition.path(self._lake.root)
                rows = self.rows(partition) if path.exists() else self._find_candidates(partition, reach_us)
                if rows is None:
                    continue  # a query takes longer, and a file may hold hundreds of symbols
                repeats = merger.find_near_repeats(path, rows, reach_us)
                if not repeats.num_rows:
                    continue
                found.append((partition, repeats))
                if drop:
                    self._kept[partition] = merger.drop_rows(path, self.rows(partition), repeats)
        return found

    def find_span(self) -> tuple[int | None, int | None]:
        """Return the first and the last time of the staged rows [µs]; None when there are none."""
        import pyarrow.compute as pc

        ends: list[int] = []
        for partition in self.partitions():
            for piece in self._pieces(partition):
                if piece.num_rows:
                    span = pc.min_max(piece["ts"].cast("int64"))
                    ends += [span["min"].as_py(), span["max"].as_py()]
        return (min(ends), max(ends)) if ends else (None, None)

    def rows(self, partition: Partition) -> pa.RecordBatchReader:
        """Read the rows of a partition, once."""
        return _to_reader(piece.select(lake_schema().names) for piece in self._pieces(partition))

    def sorted_rows(self, partition: Partition) -> pa.RecordBatchReader | None:
        """Read the rows of a partition sorted by all columns, once; None if that takes much memory."""
        pieces = sorted((*self._spilled.get(partition, ()), *self._held.get(partition, ())), key=lambda p: p.first_us)
        if partition in self._kept or _count_overlapping(pieces) > MOST_SORTED:
            return None
        return _to_reader(self._iter_sorted(pieces))

    def _iter_sorted(self, pieces: Sequence[_Piece]) -> Iterator[pa.Table]:
        """Yield sorted rows; those that may be later than rows of the next piece wait for it."""
        import numpy as np
        import pyarrow as pa

        waiting = None
        for piece, following in zip_longest(pieces, pieces[1:]):
            rows = self._read(piece).select(lake_schema().names)
            if waiting is not None and len(waiting):
                rows = pa.concat_tables([waiting, rows]).unify_dictionaries().combine_chunks()
            rows = sort_rows(rows)
            if following is None:
                yield rows
                return
            times = rows["ts"].to_numpy().view(np.int64)
            ready = int(np.searchsorted(times, following.first_us))
            yield rows.slice(0, ready)
            waiting = rows.slice(ready)

    def _find_candidates(self, partition: Partition, reach_us: int) -> pa.RecordBatchReader | None:
        """Return the rows of which some may equal another in all but the time; None if there are none."""
        import numpy as np

        pieces = list(self._pieces(partition, ["ts", HASH_COLUMN]))
        ts, hashes = (np.concatenate([piece[name].to_numpy() for piece in pieces]) for name in ("ts", HASH_COLUMN))
        near = near_hashes(ts.view(np.int64), hashes, reach_us)
        if not len(near):
            return None
        found = (piece.filter(np.isin(piece[HASH_COLUMN].to_numpy(), near)) for piece in self._pieces(partition))
        return _to_reader(piece.select(lake_schema().names) for piece in found)

    def _pieces(self, partition: Partition, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows of a partition, each piece with its own dictionaries."""
        if partition in self._kept:
            yield self._kept[partition]
            return
        for piece in (*self._spilled.get(partition, ()), *self._held.get(partition, ())):
            yield self._read(piece, columns)

    def _read(self, piece: _Piece, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a piece: some columns, or all."""
        import pyarrow as pa
        import pyarrow.ipc as ipc

        if piece.table is not None:
            return piece.table
        places = [[*lake_schema().names, HASH_COLUMN].index(name) for name in columns] if columns else None
        options = ipc.IpcReadOptions(included_fields=places)
        with (
            lake_errors(self._lake.root),
            pa.OSFile(str(piece.path)) as handle,
            ipc.open_file(handle, options=options) as file,
        ):
            return pa.Table.from_batches([file.get_batch(piece.batch)])

    def commit(self, most_copies: int) -> None:
        """
        Merge everything into the lake under one lock: a row then occurs as often as in the fuller of file and lake.

        ``most_copies`` limits identical rows; 1 is for feeds that cannot send duplicates. ``created`` then holds the
        partitions whose files are new.
        """
        with self._lake.locked(), self._lake.open_merger() as merger:
            for partition in self.partitions():
                path = partition.path(self._lake.root)
                is_new = not path.exists()
                rows = self.sorted_rows(partition) if is_new and most_copies >= UNLIMITED else None
                if rows:
                    merger.write_sorted(path, rows)
                else:
                    merger.add(path, self.rows(partition), most_copies)
                if is_new and path.exists():
                    self.created.add(partition)

    def _take_pending(self) -> None:
        """Convert single rows to a block."""
        if self._pending:
            block = sort_block(rows_to_block(self._pending))
            self._pending.clear()
            self.add_block(block)

    def _spill(self) -> None:
        """Move the blocks in memory to disk, one file each, as each has dictionaries of its own."""
        import pyarrow.ipc as ipc

        with lake_errors(self._lake.root):
            self._folder.mkdir(parents=True, exist_ok=True)
            for block in self._blocks:
                path = self._folder / f"{self._files}.arrow"
                self._files += 1
                with ipc.new_file(path, block.rows.schema) as writer:
                    for number, (partition, table) in enumerate(block.pieces()):
                        writer.write_table(table.combine_chunks())
                        piece = self._held[partition].pop(0)
                        self._spilled[partition].append(piece._replace(table=None, path=path, batch=number))
        self._blocks.clear()
        self._held.clear()


def _to_reader(tables: Iterator[pa.Table]) -> pa.RecordBatchReader:
    import pyarrow as pa

    first = next(tables)
    batches = (batch for table in chain([first], tables) for batch in table.to_batches())
    return pa.RecordBatchReader.from_batches(first.schema, batches)


def _count_overlapping(pieces: Sequence[_Piece]) -> int:
    """Return the largest number of rows that have to wait for the next piece; pieces are sorted by their first time."""
    most, waiting = 0, list[_Piece]()
    for piece, following in pairwise(pieces):
        waiting = [held for held in (*waiting, piece) if held.last_us >= following.first_us]
        most = max(most, sum(held.size for held in waiting))
    return most


def _sweep(folder: Path) -> None:
    """Remove spilled files of killed processes; a folder's name starts with the id of its process."""
    for left in folder.glob("*-*"):
        pid = left.name.split("-", 1)[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
