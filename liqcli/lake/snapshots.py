"""
Snapshots of what an exchange publishes about all of its contracts at one instant.

::

    <lake>/<folder>/exchange=…/date=YYYY-MM-DD/<name>.parquet

Columns: ``ts`` (UTC), then the fields of the rows, of which ``symbol`` is the first.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.margin_tiers import MarginTier
from liqcli.core.positions import OpenPosition
from liqcli.lake.partitions import is_name
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

Row = TypeVar("Row", bound=MarginTier | OpenPosition)
_PLACE = re.compile(r"exchange=([^/]+)/date=(\d{4}-\d{2}-\d{2})/([^/]+)\.parquet")


@dataclass(frozen=True, slots=True)
class SnapshotKind(Generic[Row]):
    """A kind of snapshots: its ``folder``, the type of a ``row``, the fields that are ``words``, and a ``remedy``."""

    folder: str
    row: type[Row]
    words: tuple[str, ...]
    remedy: str

    def schema(self) -> pa.Schema:
        """Return the columns of a file."""
        import pyarrow as pa

        types = {name: pa.string() if name in self.words else pa.float64() for name in self.row._fields}
        return pa.schema([("ts", pa.timestamp("us")), *types.items()])


@dataclass(frozen=True, slots=True, order=True)
class SnapshotFile:
    """One file, by the names in its path."""

    exchange: str
    day: date
    name: str
    path: Path


TIERS = SnapshotKind("margin_tiers", MarginTier, ("symbol", "unit"), "fetch the margin tiers with --again")
POSITIONS = SnapshotKind("positions", OpenPosition, ("symbol", "position"), "remove it")
SNAPSHOT_KINDS: tuple[SnapshotKind[Any], ...] = (POSITIONS, TIERS)


def locate_snapshot(lake: Lake, kind: SnapshotKind[Any], exchange: str, day: date, name: str) -> Path:
    """
    Return the path of a snapshot.

    Raises
    ------
    UsageError
        A name that could lead out of the lake.
    """
    for part in (exchange, name):
        if not is_name(part):
            raise UsageError(f"{part!r} is not a valid name in the lake (letters, digits and dashes only)")
    return lake.root / kind.folder / f"exchange={exchange}" / f"date={day.isoformat()}" / f"{name}.parquet"


def list_snapshots(lake: Lake, kind: SnapshotKind[Any], exchange: str | None = None) -> list[SnapshotFile]:
    """List the snapshots of a kind that are in their place, by exchange, day and name."""
    folder = lake.root / kind.folder
    return sorted(found for path in folder.glob("*/*/*.parquet") if (found := parse_place(folder, path, exchange)))


def parse_place(folder: Path, path: Path, exchange: str | None = None) -> SnapshotFile | None:
    """Read the names in the path of a file; None where liqcli would not have written it, or of another exchange."""
    match = _PLACE.fullmatch(path.relative_to(folder).as_posix())
    if not match or not is_name(match[1]) or not is_name(match[3]) or exchange not in (None, match[1]):
        return None
    try:
        return SnapshotFile(match[1], date.fromisoformat(match[2]), match[3], path)
    except ValueError:
        return None


def merge_snapshot(lake: Lake, kind: SnapshotKind[Row], path: Path, ts_us: int, rows: Iterable[Row]) -> list[Row]:
    """
    Store rows captured at ``ts_us`` [µs UTC]; of a file that exists, rows of other contracts are kept.

    Returns
    -------
    list
        The rows that the file held before.

    Raises
    ------
    LakeError
        Not writable; the old file is unchanged.
    DamagedError
        The old file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    fresh = [(ts_us, row) for row in rows]
    named = {row.symbol for _, row in fresh}
    with lake.locked():
        held = read_snapshot(kind, path) if path.exists() else []
        merged = [*((at, row) for at, row in held if row.symbol not in named), *fresh]
        merged.sort(key=lambda one: [-1.0 if value is None else value for value in one[1]])
        schema = kind.schema()
        columns = zip(*((at, *row) for at, row in merged), strict=True) if merged else [()] * len(schema)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        buffer = io.BytesIO()
        pq.write_table(pa.table(arrays, schema=schema), buffer, compression="zstd")
        lake.write_file(path, buffer.getvalue())
    return [row for _, row in held]


def read_snapshot(kind: SnapshotKind[Row], path: Path) -> list[tuple[int, Row]]:
    """
    Read the rows of a file, each with the time of its capture. [µs UTC]

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    DamagedError
        Not a snapshot of this kind.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as handle, pq.ParquetFile(handle) as file:
            table = file.read().select(kind.schema().names).cast(kind.schema())
        times = table.column("ts").cast(pa.int64()).to_pylist()
        columns = [table.column(name).to_pylist() for name in kind.row._fields]
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        what = kind.folder.replace("_", " ")
        raise DamagedError(f"{path}: damaged or no snapshot of {what} ({error}); {kind.remedy}") from error
    return [(at, kind.row(*row)) for at, row in zip(times, zip(*columns, strict=True), strict=True)]
