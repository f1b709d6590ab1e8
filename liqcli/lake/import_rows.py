"""
The rows that an import stored: ``<lake>/imports/<key>/<exchange>_<symbol>_<month>_<source>.parquet``.

A file that an import creates in the lake holds just these rows, so it is kept as a second name of that file (a hard
link). It costs no space until another import or fetch replaces the file of the lake.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.core.errors import DamagedError
from liqcli.core.files import lake_errors, temporary_beside
from liqcli.lake.merge import UNLIMITED, lake_schema
from liqcli.lake.partitions import Partition
from liqcli.lake.row_blocks import WORDS, block_schema, sort_block
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ImportRows:
    """The rows of one import; ``key`` is an :class:`~liqcli.lake.import_log.ImportKey` as text."""

    lake: Lake
    key: str

    @property
    def folder(self) -> Path:
        """The folder of the rows."""
        sha256, _, table = self.key.partition(":")
        suffix = f"-{zlib.crc32(table.encode(errors='replace')):08x}" if table else ""
        return self.lake.root / "imports" / f"{sha256}{suffix}"

    def path(self, partition: Partition) -> Path:
        """Return the path of the rows in one file of the lake; it need not exist."""
        return (
            self.folder / f"{partition.exchange}_{partition.symbol}_{partition.month}_{partition.source}.parquet"
        )  # no part has an underscore

    def exist(self) -> bool:
        """Return True if rows are kept."""
        return self.folder.exists() or self._old_path.exists()

    def write(self, staging: Staging, add: bool, most_copies: int) -> None:
        """
        Keep all rows of a committed staging; the caller holds the lake's lock.

        ``add`` joins them to the rows kept so far; otherwise they replace them.
        """
        self.upgrade()
        partitions = staging.partitions()
        with self.lake.open_merger() as merger:
            for partition in partitions:
                path = self.path(partition)
                if partition in staging.created and not (add and path.exists()):
                    self._link(partition.path(self.lake.root), path)
                else:
                    merger.add(path, staging.rows(partition), most_copies, keep=add)
        if not add:
            self._remove_others(partitions)

    def upgrade(self) -> None:
        """
        Convert the rows as version 0.2.0 kept them: all in one file, each with its number of copies.

        Raises
        ------
        DamagedError
            The file cannot be read.
        """
        if not self._old_path.exists():
            return
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with self._old_path.open("rb") as file:
                table = pq.read_table(file)
            copies = np.repeat(np.arange(len(table)), table["copies"].to_numpy())
            rows = table.select(block_schema().names).take(copies)
            block = sort_block(
                pa.table([_encode(rows[field.name], field) for field in block_schema()], schema=block_schema())
            )
        except (OSError, pa.ArrowException, KeyError) as error:
            raise DamagedError(f"{self._old_path}: damaged or not Parquet ({error}); run liqcli verify") from error
        with self.lake.open_merger() as merger:
            for partition, piece in block.pieces():
                merger.add(self.path(partition), piece.select(lake_schema().names), UNLIMITED, keep=False)
        with lake_errors(self.lake.root):
            self._old_path.unlink()

    @property
    def _old_path(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.parquet")

    def _link(self, stored: Path, path: Path) -> None:
        with lake_errors(self.lake.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary_beside(path) as temporary:
                try:
                    os.link(stored, temporary)
                except OSError:  # not supported by the file system
                    shutil.copyfile(stored, temporary)

    def _remove_others(self, partitions: Collection[Partition]) -> None:
        """Remove the rows kept so far in other files of the lake."""
        kept = {self.path(partition) for partition in partitions}
        with lake_errors(self.lake.root):
            for path in self.folder.glob("*.parquet"):
                if path not in kept:
                    path.unlink()


def _encode(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    return (column.dictionary_encode() if field.name in WORDS else column).cast(field.type)
