"""Stage rows on their way into the lake: collect, spill to disk, merge file by file."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.core.files import is_alive, lake_errors
from liqcli.core.model import Liquidation
from liqcli.lake.merge import import_schema, open_merger, rows_to_table
from liqcli.lake.partitions import Partition, month_of
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa


class Staging:
    """
    Rows on their way into the lake, spilled to disk so that a file of any size needs little memory.

    Use as a context manager; nothing is written to the lake before :meth:`commit`.
    """

    ROWS_IN_MEMORY = 200_000

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._pending: dict[Partition, list[Liquidation]] = defaultdict(list)
        self._count = 0
        self._files: dict[Partition, list[Path]] = defaultdict(list)
        self._kept: dict[Partition, pa.Table] = {}
        self._folder = lake.root / ".staging" / f"{os.getpid()}-{id(self):x}"

    def __enter__(self) -> Staging:
        _sweep(self._folder.parent)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, row: Liquidation) -> None:
        """Add one row."""
        self._pending[Partition("liquidations", row.exchange, row.symbol, month_of(row.ts_us), row.source)].append(row)
        self._count += 1
        if self._count >= self.ROWS_IN_MEMORY:
            self._spill()

    def partitions(self) -> list[Partition]:
        """List the partitions that have rows."""
        return sorted({*self._pending, *self._files})

    def find_near_repeats(self, reach_us: int, drop: bool) -> list[tuple[Partition, pa.Table]]:
        """
        Find staged rows that equal another, staged or stored, in all but the time, by partition.

        Column ``copies`` is the number of times a row is staged; ``drop`` removes them from staging. The caller holds
        the lake's lock.
        """
        if self._files:
            self._spill()
        found = []
        with open_merger(self._lake.root) as merger:
            for partition in self.partitions():
                path = partition.path(self._lake.root)
                if not self._files and not path.exists() and not _may_repeat(self._pending[partition], reach_us):
                    continue  # one query per file is slow for files with hundreds of symbols
                repeats = merger.find_near_repeats(path, self._rows(partition), reach_us)
                if not repeats.num_rows:
                    continue
                found.append((partition, repeats))
                if drop:
                    self._kept[partition] = merger.drop_rows(path, self._rows(partition), repeats)
        return found

    def find_span(self) -> tuple[int | None, int | None]:
        """Return the first and the last time of the staged rows [µs]; None when there are none."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        ends: list[int] = []
        for partition in self.partitions():
            rows = self._rows(partition)
            tables = [rows] if not isinstance(rows, list) else [pq.read_table(path, columns=["ts"]) for path in rows]
            for table in tables:
                if table.num_rows:
                    span = pc.min_max(table["ts"].cast("int64"))
                    ends += [span["min"].as_py(), span["max"].as_py()]
        return (min(ends), max(ends)) if ends else (None, None)

    def _rows(self, partition: Partition) -> pa.Table | list[Path]:
        if partition in self._kept:
            return self._kept[partition]
        return self._files[partition] if self._files else rows_to_table(self._pending[partition])

    def commit(self, most_copies: int) -> None:
        """
        Merge everything into the lake under one lock: a row then occurs as often as in the fuller of file and lake.

        ``most_copies`` limits identical rows; 1 is for feeds that cannot send duplicates.
        """
        if self._files:
            self._spill()
        with self._lake.locked(), self._lake.open_merger() as merger:
            for partition in self.partitions():
                rows = self._rows(partition)
                merger.merge(partition.path(self._lake.root), "merge_union", {"most_copies": most_copies}, rows)

    def write_import(self, path: Path, add: bool, most_copies: int) -> None:
        """
        Write all staged rows to one file, each once with its number of copies; the caller holds the lake's lock.

        ``add`` joins them to the rows that the file holds; otherwise they replace them.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        raw = self._folder / "import.parquet"
        with lake_errors(self._lake.root):
            self._folder.mkdir(parents=True, exist_ok=True)
            with pq.ParquetWriter(raw, import_schema(counted=False)) as writer:
                for partition in self.partitions():
                    rows = self._rows(partition)
                    for table in [rows] if not isinstance(rows, list) else map(pq.read_table, rows):
                        names = [pa.array([name] * len(table)) for name in (partition.exchange, partition.symbol)]
                        columns = [*names, *table.columns]
                        if len(table):
                            writer.write_table(pa.table(columns, schema=import_schema(counted=False)))
        with open_merger(self._lake.root) as merger:
            merger.count_import(path, raw, add, most_copies)

    def _spill(self) -> None:
        import pyarrow.parquet as pq

        with lake_errors(self._lake.root):
            self._folder.mkdir(parents=True, exist_ok=True)
            for number, (partition, rows) in enumerate(sorted(self._pending.items())):
                path = self._folder / f"{len(self._files[partition])}-{number}-{partition.month}.parquet"
                while path.exists():
                    path = path.with_name(f"x{path.name}")
                pq.write_table(rows_to_table(rows), path)
                self._files[partition].append(path)
        self._pending.clear()
        self._count = 0


def _may_repeat(rows: Sequence[Liquidation], reach_us: int) -> bool:
    """Return True if a row is close to another that differs in the time alone."""
    last: dict[tuple[object, ...], int] = {}
    for row in sorted(rows, key=lambda row: row.ts_us):
        before = last.get(row[1:])
        if before is not None and 0 < row.ts_us - before <= reach_us:
            return True
        last[row[1:]] = row.ts_us
    return False


def _sweep(folder: Path) -> None:
    """Remove spilled files of killed processes; a folder's name starts with the id of its process."""
    for left in folder.glob("*-*"):
        pid = left.name.split("-", 1)[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
