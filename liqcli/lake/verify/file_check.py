"""Read each Parquet file completely, and find files that no command reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.market_data import INTERVAL_US
from liqcli.core.symbols import check_symbol
from liqcli.lake.liquidation_totals import totals_schema
from liqcli.lake.market_tables import candle_schema, open_interest_schema
from liqcli.lake.merge import lake_schema
from liqcli.lake.partitions import KINDS, Partition, month_bounds
from liqcli.lake.snapshots import SNAPSHOT_KINDS, parse_place
from liqcli.lake.store import Lake
from liqcli.lake.verify.issues import Issue, Repairs

if TYPE_CHECKING:
    import pyarrow as pa


def read_whole(repairs: Repairs, kind: str) -> Iterator[tuple[Partition, pa.Table | Issue]]:
    """Read the files of a kind one by one; unreadable ones yield an issue instead of rows."""
    lake = repairs.lake
    for partition in lake.partitions(kind, misplaced=True):
        if _misplaced(lake, partition) is None:
            path = partition.path(lake.root)
            try:
                yield partition, _read(repairs, partition, path)
            except FileNotFoundError:  # replaced or removed by a writer in the meantime
                continue


def iter_foreign_files(lake: Lake) -> Iterator[Issue]:
    """Find files below the data folders that no command reads, and leftovers of killed writers."""
    for kind in KINDS:
        placed = {_plain_path(lake, p): p for p in lake.partitions(kind, misplaced=True)}
        for path in sorted((lake.root / kind).rglob("*")):
            if not path.is_file():
                continue
            if path not in placed:
                yield _describe_stray(lake, path)
            elif reason := _misplaced(lake, placed[path]):
                yield Issue(path, reason, "move it away and fetch or import again", unreadable=True)

    for snapshots in SNAPSHOT_KINDS:
        folder = lake.root / snapshots.folder
        for path in sorted(folder.rglob("*")):
            if path.is_file() and parse_place(folder, path) is None:
                yield _describe_stray(lake, path)


def _describe_stray(lake: Lake, path: Path) -> Issue:
    if path.name.startswith(".") and path.name.endswith(".tmp"):
        return Issue(path, "left behind by a writer that was killed", "delete it", damage=False)
    return Issue(path, "is where no command reads it", f"move it out of {lake.root}", damage=False)


def _plain_path(lake: Lake, partition: Partition) -> Path:
    """Return the path on disk, whether or not its names are valid."""
    folder = lake.root / partition.kind / f"exchange={partition.exchange}" / f"symbol={partition.symbol}"
    if partition.kind == "candles":
        folder /= f"interval={partition.interval}"
    return folder / f"month={partition.month}" / f"{partition.source}.parquet"


def _misplaced(lake: Lake, partition: Partition) -> str | None:
    """Describe what is wrong with the names of a file's folders, or return None."""
    try:
        partition.path(lake.root)
        check_symbol(partition.symbol)
        month_bounds(partition.month)
    except (UsageError, ValueError) as error:
        return f"not a path of the lake ({error})"
    if partition.kind == "candles" and partition.interval not in INTERVAL_US:
        return f"not a path of the lake (interval {partition.interval!r} is not one of {', '.join(INTERVAL_US)})"
    return None


def read_partition(lake: Lake, partition: Partition) -> pa.Table:
    """
    Read every page of a file.

    The file is opened here because pyarrow adds the folders' names as columns when given a path.

    Raises
    ------
    FileNotFoundError, PermissionError
        The file does not exist or may not be read.
    DamagedError
        Not Parquet, or not with the lake's columns; the message describes the fault only.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = partition.path(lake.root)
    try:
        with path.open("rb") as handle, pq.ParquetFile(handle, page_checksum_verification=True) as file:
            if fault := _compare_schema(file.schema_arrow, partition.kind):
                raise DamagedError(fault)
            table = file.read(columns=_schema(partition.kind).names)
        table.validate(full=True)
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedError(f"damaged or not Parquet ({reason})") from error
    return table


def _read(repairs: Repairs, partition: Partition, path: Path) -> pa.Table | Issue:
    try:
        return read_partition(repairs.lake, partition)
    except PermissionError as error:
        reason = f"cannot be opened ({error.strerror})"
        return Issue(path, reason, "make it readable (chmod u+r)", unreadable=True)
    except DamagedError as error:
        return Issue(path, str(error), repairs.suggest(partition), unreadable=True)


def _schema(kind: str) -> pa.Schema:
    schemas = {
        "liquidations": lake_schema,
        "candles": candle_schema,
        "open_interest": open_interest_schema,
        "liquidation_totals": totals_schema,
    }
    return schemas[kind]()


def _compare_schema(found: pa.Schema, kind: str) -> str | None:
    """Describe columns that are missing or of another type; additional columns are fine."""
    wanted = _schema(kind)
    missing = [field.name for field in wanted if field.name not in found.names]
    other = [
        f"{field.name} is {found.field(field.name).type}, not {field.type}"
        for field in wanted
        if found.names.count(field.name) == 1 and found.field(field.name).type != field.type
    ]
    twice = sorted({name for name in found.names if found.names.count(name) > 1})
    faults = [f"no column {', '.join(missing)}"] * bool(missing) + other
    faults += [f"two columns {', '.join(twice)}"] * bool(twice)
    return f"wrong schema: {'; '.join(faults)}" if faults else None
