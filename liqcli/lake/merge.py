"""Merge rows into one Parquet file with SQL: bounded memory, reproducible bytes."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from liqcli.core.errors import DamagedError, LakeError
from liqcli.core.files import lake_errors, temporary_beside
from liqcli.core.intervals import Interval
from liqcli.core.model import Liquidation
from liqcli.query.database import Connection
from liqcli.query.sql import read_query

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    Rows: TypeAlias = pa.Table | pa.RecordBatchReader | Sequence[Path]

ROWS_PER_GROUP = 122_880
UNLIMITED = 1 << 40  # copies: identical rows are separate events


class Merger:
    """A connection for any number of merges."""

    def __init__(self, root: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._root = root
        self._connection = connection

    def merge(
        self,
        path: Path,
        query: str,
        params: Mapping[str, int],
        incoming: Rows,
    ) -> None:
        """
        Replace a file by the rows that ``sql/<query>.sql`` produces from it and the incoming rows.

        Parameters
        ----------
        path : Path
            The target; need not exist. A result without rows removes it.
        query, params
            The query and its parameters.
        incoming : pyarrow.Table, pyarrow.RecordBatchReader or sequence of Path
            New rows with the lake's columns, or Parquet files of such rows.

        Raises
        ------
        DamagedError
            The target or an incoming file cannot be read; the target is unchanged.
        LakeError
            The disk is full or not writable; the target is unchanged.
        """
        if isinstance(incoming, Sequence) and not incoming:
            return
        with lake_errors(self._root):
            self._open_view("stored", [path] if path.exists() else [])
            self._open_view("incoming", incoming)
            self._write(path, query, params)

    def add(self, path: Path, incoming: Rows, most_copies: int, keep: bool = True) -> None:
        """
        Add rows to a file; each then occurs as often as in the fuller of both, ``most_copies`` times at most.

        Without ``keep``, the rows replace those of the file. Errors as by :meth:`merge`.
        """
        stored = [path] if keep and path.exists() else []
        with lake_errors(self._root):
            self._open_view("stored", stored)
            self._open_view("incoming", incoming)
            if stored or most_copies < UNLIMITED:
                self._write(path, "merge_union", {"most_copies": most_copies})
            else:
                self._write(path, "sort_rows", {})

    def write_sorted(self, path: Path, rows: pa.RecordBatchReader) -> None:
        """Write rows that are sorted by all columns to a new file. Errors as by :meth:`merge`."""
        with lake_errors(self._root):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                relation = self._connection.from_arrow(rows)
                with temporary_beside(path) as temporary:
                    relation.write_parquet(str(temporary), compression="zstd", row_group_size=ROWS_PER_GROUP)
            except _duckdb_errors() as error:
                raise _explain(error, path) from error

    def remove_import(self, path: Path, former: Path, others: Sequence[Path], fetched: Sequence[Interval]) -> None:
        """
        Remove the rows of an import from one file, except those of others: ``sql/remove_import.sql``.

        Parameters
        ----------
        path : Path
            The file to remove rows from.
        former, others
            Rows that the import and other imports stored in this file.
        fetched : sequence of (start, end)
            Windows whose rows all stay, half-open. [µs]

        Raises
        ------
        DamagedError
            The target or another file cannot be read; the target is unchanged.
        LakeError
            The disk is full or not writable; the target is unchanged.
        """
        import pyarrow as pa

        windows = pa.table({"start_us": [start for start, _ in fetched], "end_us": [end for _, end in fetched]})
        with lake_errors(self._root):
            self._open_view("stored", [path])
            self._open_view("former", [former])
            self._open_view("others", others, filename=True)
            self._open_view("fetched", windows.cast(pa.schema([("start_us", pa.int64()), ("end_us", pa.int64())])))
            self._write(path, "remove_import", {})

    def _write(self, path: Path, query: str, params: Mapping[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            merged = self._connection.sql(read_query(query), params=dict(params))
            with temporary_beside(path) as temporary:
                merged.write_parquet(str(temporary), compression="zstd", row_group_size=ROWS_PER_GROUP)
        except _duckdb_errors() as error:
            raise _explain(error, path) from error
        _drop_if_empty(path)

    def find_near_repeats(self, path: Path, incoming: Rows, reach_us: int) -> pa.Table:
        """
        Find incoming rows that equal another, incoming or stored, in all but the time: ``sql/near_repeats.sql``.

        Raises
        ------
        DamagedError
            The target or an incoming file cannot be read.
        """
        self._open_view("stored", [path] if path.exists() else [])
        self._open_view("incoming", incoming)
        try:
            return self._connection.sql(read_query("near_repeats"), params={"reach_us": reach_us}).to_arrow_table()
        except _duckdb_errors() as error:
            raise _explain(error, path) from error

    def drop_rows(self, path: Path, incoming: Rows, repeats: pa.Table) -> pa.Table:
        """Return the incoming rows without ``repeats``: ``sql/without_repeats.sql``."""
        self._open_view("incoming", incoming)
        self._open_view("repeats", repeats)
        try:
            return self._connection.sql(read_query("without_repeats")).to_arrow_table().cast(lake_schema())
        except _duckdb_errors() as error:
            raise _explain(error, path) from error

    def _open_view(self, name: str, rows: Rows, filename: bool = False) -> None:
        """Open rows as a view; ``filename`` adds the file of each row."""
        import pyarrow as pa

        if not isinstance(rows, Sequence):
            self._connection.from_arrow(rows).create_view(name, replace=True)
        elif rows:
            escaped = [glob.escape(str(path)) for path in rows]
            try:
                files = self._connection.read_parquet(escaped, hive_partitioning=False, filename=filename)
                files.create_view(name, replace=True)
            except _duckdb_errors() as error:
                raise _explain(error, rows[0]) from error
        else:
            schema = lake_schema().append(pa.field("filename", pa.string())) if filename else lake_schema()
            self._connection.from_arrow(schema.empty_table()).create_view(name, replace=True)


@contextlib.contextmanager
def open_merger(root: Path) -> Iterator[Merger]:
    """Open a merger with one thread, so that bytes are reproducible, and bounded memory, spilling to the lake."""
    with contextlib.closing(Connection({"threads": 1, "memory_limit": "512MB"}, root / ".staging" / "spill")) as opened:
        yield Merger(root, opened.duckdb)


def rows_to_table(rows: Sequence[Liquidation]) -> pa.Table:
    """Convert rows to an Arrow table with the lake's columns."""
    import pyarrow as pa

    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [[] for _ in Liquidation._fields]
    named = dict(zip(Liquidation._fields, columns, strict=True))
    named["ts"] = named.pop("ts_us")
    return pa.table([pa.array(named[f.name], f.type) for f in lake_schema()], schema=lake_schema())


def lake_schema() -> pa.Schema:
    """Return the columns of a liquidation file, in order."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    return pa.schema(
        [
            ("ts", pa.timestamp("us")),
            ("instrument", text),
            ("position", text),
            ("price", number),
            ("price_kind", text),
            ("qty", number),
            ("notional", number),
            ("contracts", number),
            ("contract_size", number),
            ("completeness", text),
            ("event_id", text),
            ("source", text),
        ]
    )


def _duckdb_errors() -> tuple[type[Exception], ...]:
    import duckdb

    return (duckdb.Error,)


def _explain(error: Exception, path: Path) -> Exception:
    """Attribute an error: those about the temporary file or writing are LakeErrors, all others damaged files."""
    text = str(error).splitlines()[0]
    if f"/.{path.name}." in text or "No space left" in text or "Could not write" in text:
        code = re.search(r'"errno":"(\d+)"', text)
        reason = os.strerror(int(code[1])) if code else text.rsplit(": ", 1)[-1]
        return LakeError(f"{path}: cannot write the lake ({reason}); its previous contents are unchanged")
    return DamagedError(f"{path}: damaged or not Parquet ({text}); run liqcli verify for details")


def _drop_if_empty(path: Path) -> None:
    """Remove a file without rows; the fetch log already records that the window is empty."""
    import pyarrow.parquet as pq

    if pq.read_metadata(path).num_rows == 0:
        path.unlink()
