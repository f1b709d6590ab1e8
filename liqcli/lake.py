"""The lake: plain Parquet files in a folder, written so that a reader or a crash never sees half of anything.

::

    <lake>/liquidations/exchange=…/symbol=…/month=YYYY-MM/<source>.parquet     sorted by every column, zstd
    <lake>/candles/exchange=…/symbol=…/interval=1m/month=YYYY-MM/<source>.parquet
    <lake>/open_interest/exchange=…/symbol=…/month=YYYY-MM/<source>.parquet
    <lake>/windows/exchange=…/symbol=…/<source>.json                            what was asked, see coverage.py
    <lake>/contracts/<exchange>.json                                            contract sizes last seen
    <lake>/rejected/<what>.jsonl                                                rows that were refused, and why

Writers hold one lock, write to a temporary name beside the target, fsync, then ``os.replace``. Window memory is written
after the data it speaks of, so a kill between the two only makes the next run ask again.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.coverage import CoveredWindow, WindowMemory, parse_memory, render_memory
from liqcli.errors import DamagedError, LakeError, UsageError
from liqcli.model import Liquidation, Rejected, Window, from_us
from liqcli.sql import read_query

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

LOCK_TIMEOUT_S = 600
_WRITE_LOCK = threading.RLock()  # filelock guards processes; threads of this one queue up here

US_PER_DAY = 86_400 * 1_000_000
KINDS = ("liquidations", "candles", "open_interest")


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One Parquet file's place: which kind of rows, of whom, of which month, from where."""

    kind: str
    exchange: str
    symbol: str
    month: str
    source: str
    interval: str = ""

    def path(self, root: Path) -> Path:
        """The file below the lake's root; every part is checked, so no name leads out of the lake."""
        for part in (self.exchange, self.symbol, self.source):
            if not part or not part.replace("-", "").isalnum():
                raise UsageError(f"{part!r} cannot be a name in the lake (letters, digits and dashes only)")
        folder = root / self.kind / f"exchange={self.exchange}" / f"symbol={self.symbol}"
        if self.interval:
            folder /= f"interval={self.interval}"
        return folder / f"month={self.month}" / f"{self.source}.parquet"

    @classmethod
    def from_path(cls, kind: str, path: Path) -> Partition:
        """Read the place back from a path of the lake."""
        keys = dict(part.split("=", 1) for part in path.parts if "=" in part)
        return cls(kind, keys["exchange"], keys["symbol"], keys["month"], path.stem, keys.get("interval", ""))


def month_of(ts_us: int) -> str:
    """The UTC month of an instant, as in ``month=YYYY-MM``."""
    return _month_of_day(ts_us // US_PER_DAY)


@cache
def _month_of_day(day: int) -> str:
    """Cached by day: staging asks for every row of a file."""
    moment = from_us(day * US_PER_DAY)
    return f"{moment.year:04d}-{moment.month:02d}"


def months_of(window: Window) -> list[str]:
    """Every UTC month that a window touches."""
    months, year, month = [], window.start.year, window.start.month
    last = month_of(window.end_us - 1)
    while True:
        months.append(f"{year:04d}-{month:02d}")
        if months[-1] >= last:
            return months
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


class Lake:
    """A folder of Parquet files; opening one that does not exist yet is fine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # ------------------------------------------------------------------ reading

    def partitions(self, kind: str = "liquidations") -> list[Partition]:
        """List what files there are of a kind, sorted."""
        base = self.root / kind
        deeper = "interval=*/" if kind == "candles" else ""
        files = base.glob(f"exchange=*/symbol=*/{deeper}month=*/*.parquet")
        return sorted(Partition.from_path(kind, path) for path in files)

    def symbols(self) -> list[str]:
        """Every symbol with stored liquidations."""
        return sorted({p.symbol for p in self.partitions()})

    def exchanges(self) -> list[str]:
        """Every exchange with stored liquidations."""
        return sorted({p.exchange for p in self.partitions()})

    def find(
        self,
        kind: str,
        symbols: Sequence[str],
        window: Window | None = None,
        exchanges: Sequence[str] = (),
    ) -> list[Partition]:
        """Find the files that can hold rows of these symbols in the window."""
        months = set(months_of(window)) if window else None
        return [
            p
            for p in self.partitions(kind)
            if p.symbol in symbols
            and (months is None or p.month in months)
            and (not exchanges or p.exchange in exchanges)
        ]

    def read_memory(self, exchange: str, symbol: str, source: str) -> WindowMemory:
        """
        Read what is remembered of one source's windows; nothing yet gives an empty memory.

        Raises
        ------
        DamagedError
            The file is there but cannot be understood.
        """
        path = self._memory_path(exchange, symbol, source)
        try:
            return parse_memory(path.read_text(encoding="utf-8"), str(path))
        except FileNotFoundError:
            return WindowMemory()
        except (OSError, UnicodeDecodeError) as error:
            raise DamagedError(f"{path}: cannot be read ({error})") from error

    def read_contracts(self, exchange: str) -> dict[str, float]:
        """Read the contract sizes last seen of an exchange: instrument -> size."""
        try:
            stored = json.loads((self.root / "contracts" / f"{exchange}.json").read_text(encoding="utf-8"))
            return {str(k): float(v) for k, v in stored.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, OSError, AttributeError, TypeError) as error:
            raise DamagedError(f"{self.root}/contracts/{exchange}.json: cannot be read ({error}); delete it") from error

    # ------------------------------------------------------------------ writing

    def replace_window(
        self, exchange: str, symbol: str, source: str, covered: Sequence[CoveredWindow], rows: Sequence[Liquidation]
    ) -> None:
        """
        Store what a source said of some windows, in place of what it said of them before.

        Parameters
        ----------
        covered : sequence of CoveredWindow
            The windows that were answered. Rows outside them are a fault of the caller.
        rows : sequence of Liquidation
            All of one exchange, symbol and source; any order; twins are kept.

        Raises
        ------
        LakeError
            Not writable or disk full; the old files are untouched.
        DamagedError
            The file to merge with cannot be read.
        """
        incoming = rows_to_table(rows)
        with self.locked():
            for item in covered:
                for month in months_of(item.window):
                    self._merge(
                        Partition("liquidations", exchange, symbol, month, source),
                        "merge_replace",
                        {
                            "start_us": max(item.window.start_us, _month_bounds(month)[0]),
                            "end_us": min(item.window.end_us, _month_bounds(month)[1]),
                        },
                        incoming,
                    )
            self.remember(exchange, symbol, source, covered)

    def add_rows(self, partition: Partition, incoming: pa.Table | Sequence[Path], most_copies: int) -> None:
        """
        Merge rows of one partition with what is stored: each row stands as often as in the fuller of the two.

        ``incoming`` is a table or staged Parquet files with the lake's columns; ``most_copies`` caps identical rows.
        The caller holds :meth:`locked`.
        """
        self._merge(partition, "merge_union", {"most_copies": most_copies}, incoming)

    def remember(self, exchange: str, symbol: str, source: str, covered: Iterable[CoveredWindow]) -> None:
        """Add to the window memory; the caller holds :meth:`locked`."""
        memory = self.read_memory(exchange, symbol, source)
        updated = memory.remember(covered)
        if updated != memory:
            self.write_memory(exchange, symbol, source, updated)

    def write_memory(self, exchange: str, symbol: str, source: str, memory: WindowMemory) -> None:
        """Put a window memory in place of the old one; the caller holds :meth:`locked`."""
        self.write_file(self._memory_path(exchange, symbol, source), render_memory(memory).encode())

    def forget(self, exchange: str, symbol: str, source: str) -> None:
        """Drop the window memory of a source without rows of a symbol; the caller holds :meth:`locked`."""
        held = {(p.exchange, p.symbol, p.source) for p in self.partitions()}
        if (exchange, symbol, source) not in held:
            with lake_errors(self.root):
                self._memory_path(exchange, symbol, source).unlink(missing_ok=True)

    def write_contracts(self, exchange: str, sizes: Mapping[str, float]) -> None:
        """Remember contract sizes an exchange stated, beside those known before."""
        with self.locked():
            known = self.read_contracts(exchange)
            merged = {**known, **sizes}
            if merged != known:
                text = json.dumps(merged, sort_keys=True, ensure_ascii=False, indent=0)
                self.write_file(self.root / "contracts" / f"{exchange}.json", text.encode())

    def write_rejected(self, name: str, rejected: Iterable[Rejected]) -> Path:
        """Keep refused rows as JSON lines in ``<lake>/rejected/<name>.jsonl``, replacing that list."""
        safe = "".join(c if c.isalnum() or c in "-." else "-" for c in name).strip(".") or "rows"
        safe = safe.encode()[:200].decode(errors="ignore")  # a file name may have 255 bytes
        path = self.root / "rejected" / f"{safe}.jsonl"
        lines = [json.dumps(row._asdict(), ensure_ascii=False) for row in rejected]
        with (
            self.locked()
        ):  # a half of a surrogate pair (from a mistyped file) is written as the escape JSON has for it
            self.write_file(path, ("\n".join(lines) + "\n").encode(errors="backslashreplace"))
        return path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """
        Hold the lake's one writer lock, against other processes and other threads.

        Raises
        ------
        LakeError
            The folder cannot be made or written, or another writer kept the lock for ten minutes.
        """
        import filelock

        with _WRITE_LOCK, lake_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.root / ".lock", timeout=LOCK_TIMEOUT_S, is_singleton=True)
            try:
                lock.acquire()
            except filelock.Timeout as error:
                raise LakeError(f"{self.root}: another liqcli keeps the lake locked; try again later") from error
            try:
                yield
            finally:
                lock.release()

    def write_file(self, path: Path, content: bytes) -> None:
        """Put a file in place atomically; unchanged content leaves the old file (and its time) alone."""
        with lake_errors(self.root):
            if path.exists() and path.read_bytes() == content:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with _temporary(path) as temporary:
                temporary.write_bytes(content)

    # ------------------------------------------------------------------ inside

    def _memory_path(self, exchange: str, symbol: str, source: str) -> Path:
        parts = Partition("windows", exchange, symbol, "0000-00", source).path(self.root).parts
        return Path(*parts[:-2]) / f"{source}.json"

    def _merge(
        self, partition: Partition, query: str, params: Mapping[str, int], incoming: pa.Table | Sequence[Path]
    ) -> None:
        path = partition.path(self.root)
        if isinstance(incoming, Sequence) and not incoming:
            return
        with lake_errors(self.root), _merger(self.root) as connection:
            _open_view(connection, "stored", [path] if path.exists() else [])
            _open_view(connection, "incoming", incoming)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                merged = connection.sql(read_query(query), params=dict(params))
                with _temporary(path) as temporary:
                    merged.write_parquet(str(temporary), compression="zstd", row_group_size=122_880)
            except _duckdb_errors() as error:
                raise _explain(error, path) from error
        _drop_if_empty(path)


def rows_to_table(rows: Sequence[Liquidation]) -> pa.Table:
    """Turn rows into an Arrow table with the lake's columns."""
    import pyarrow as pa

    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [[] for _ in Liquidation._fields]
    named = dict(zip(Liquidation._fields, columns, strict=True))
    named["ts"] = named.pop("ts_us")
    return pa.table([pa.array(named[f.name], f.type) for f in lake_schema()], schema=lake_schema())


def lake_schema() -> pa.Schema:
    """The columns of a liquidation file, in order."""
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


class Staging:
    """
    Rows on their way into the lake, spilled to disk so that a file of any size needs little memory.

    Use as a context manager; nothing reaches the lake before :meth:`commit`.
    """

    ROWS_IN_MEMORY = 200_000

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._pending: dict[Partition, list[Liquidation]] = defaultdict(list)
        self._count = 0
        self._files: dict[Partition, list[Path]] = defaultdict(list)
        self._folder = lake.root / ".staging" / f"{os.getpid()}-{id(self):x}"

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *_: object) -> None:
        import shutil

        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, row: Liquidation) -> None:
        """Take one row."""
        self._pending[Partition("liquidations", row.exchange, row.symbol, month_of(row.ts_us), row.source)].append(row)
        self._count += 1
        if self._count >= self.ROWS_IN_MEMORY:
            self._spill()

    def partitions(self) -> list[Partition]:
        """The partitions that have rows."""
        return sorted({*self._pending, *self._files})

    def commit(self, most_copies: int) -> None:
        """Merge everything into the lake, partition by partition, under one lock."""
        with self._lake.locked():
            for partition in self.partitions():
                spilled = self._files.get(partition, [])
                if spilled:
                    self._spill()
                    self._lake.add_rows(partition, self._files[partition], most_copies)
                else:
                    self._lake.add_rows(partition, rows_to_table(self._pending[partition]), most_copies)

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


@contextlib.contextmanager
def lake_errors(root: Path) -> Iterator[None]:
    """Turn what the disk says into one line about the lake."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise LakeError(f"{root}: cannot write the lake ({reason}); what it held before is untouched") from error


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Give a name beside ``path``; on success it is fsynced and moved over ``path``, else it is removed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _merger(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an engine for merging: one thread (same bytes each time), bounded memory, spilling inside the lake."""
    import duckdb

    spill = str(root / ".staging" / "spill")
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "512MB", "temp_directory": spill}) as con:
        yield con


def _open_view(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table | Sequence[Path]) -> None:
    if isinstance(rows, Sequence) and rows:
        try:
            connection.read_parquet([glob.escape(str(p)) for p in rows], hive_partitioning=False).create_view(name)
        except _duckdb_errors() as error:
            raise _explain(error, rows[0]) from error
    else:
        connection.register(name, lake_schema().empty_table() if isinstance(rows, Sequence) else rows)


def _duckdb_errors() -> tuple[type[Exception], ...]:
    import duckdb

    return (duckdb.Error,)


def _explain(error: Exception, path: Path) -> Exception:
    text = str(error).splitlines()[0]
    if "No space left" in text or "Could not write" in text:
        return LakeError(f"{path}: cannot write the lake ({text}); what it held before is untouched")
    return DamagedError(f"{path}: damaged or not Parquet ({text}); move it away and fetch or import again")


def _drop_if_empty(path: Path) -> None:
    """An empty file says nothing that the window memory does not say better."""
    import pyarrow.parquet as pq

    if pq.read_metadata(path).num_rows == 0:
        path.unlink()


def _month_bounds(month: str) -> tuple[int, int]:
    year, number = int(month[:4]), int(month[5:])
    start = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(start.timestamp()) * 1_000_000, int(end.timestamp()) * 1_000_000
