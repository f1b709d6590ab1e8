"""
The lake: plain Parquet files in a folder, written so that readers and crashes never leave a half-written state.

::

    <lake>/liquidations/exchange=…/symbol=…/month=YYYY-MM/<source>.parquet     sorted by every column, zstd
    <lake>/candles/exchange=…/symbol=…/interval=1m/month=YYYY-MM/<source>.parquet
    <lake>/open_interest/exchange=…/symbol=…/month=YYYY-MM/<source>.parquet
    <lake>/windows/exchange=…/symbol=…/<source>.json                            fetch logs, see fetch_log.py
    <lake>/windows/exchange=…/symbol=ALL/<source>-<file>.json                   read files of all symbols
    <lake>/contracts/<exchange>.json                                            contract sizes last seen
    <lake>/rejected/<what>.jsonl                                                rejected rows, with reasons
    <lake>/damaged/<path>                                                       files that fetch --again replaced

Writers hold one lock, write to a temporary name beside the target, fsync, then ``os.replace``. A fetch log is written
after the data it describes, so a process killed in between only causes the next run to request the window again.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from liqcli.core.errors import DamagedError, LakeError
from liqcli.core.files import lake_errors, remove_leftovers, replace_file
from liqcli.core.model import Liquidation, Rejected, Window
from liqcli.core.settings import EngineSettings
from liqcli.core.symbols import EVERY
from liqcli.lake.fetch_log import CoveredWindow, FetchLog, parse_fetch_log, render_fetch_log
from liqcli.lake.merge import Merger, open_merger, rows_to_table
from liqcli.lake.partitions import Partition, is_name, iter_parts, month_bounds, months_of

LOCK_TIMEOUT_S = 600
_WRITE_LOCK = threading.RLock()  # filelock guards against other processes, this lock against other threads


class Lake:
    """A folder of Parquet files, which need not exist yet; ``engine`` runs the queries of windows, None is DuckDB."""

    def __init__(self, root: Path, engine: EngineSettings | None = None) -> None:
        self.root = root
        self.engine = engine
        self._kept: contextlib.ExitStack | None = None  # while an engine is kept, which opens at its first merge
        self._merger: Merger | None = None

    # ------------------------------------------------------------------ reading

    def partitions(
        self, kind: str = "liquidations", misplaced: bool = False, symbols: Collection[str] | None = None
    ) -> list[Partition]:
        """
        List the files of a kind, sorted.

        ``misplaced`` includes names that liqcli never writes; ``symbols`` limits the search to their folders, which
        takes less time in a lake of many symbols.
        """
        found = (partition for partition, _ in self._files(kind, symbols))
        return sorted(p for p in found if misplaced or p.is_placed)

    def foreign_files(self, kind: str = "liquidations") -> list[Path]:
        """List files of a kind that no command reads because of their names, except hidden ones."""
        files = (path for partition, path in self._files(kind) if not partition.is_placed)
        return sorted(path for path in files if not path.name.startswith("."))

    def symbols(self) -> list[str]:
        """List every symbol with stored liquidations."""
        return sorted({p.symbol for p in self.partitions()})

    def named_symbols(self) -> set[str]:
        """List the symbols that have a folder of liquidations, even an empty one, without looking into it."""
        folders = iter_parts(self.root / "liquidations", "exchange=")
        return {symbol for _, folder in folders for symbol, _ in iter_parts(folder, "symbol=")}

    def exchanges(self) -> list[str]:
        """List every exchange with stored liquidations."""
        exchanges = {exchange for exchange, _ in iter_parts(self.root / "liquidations", "exchange=")}
        files = {exchange: self._files("liquidations", exchange=exchange) for exchange in exchanges}
        return sorted(e for e in exchanges if any(partition.is_placed for partition, _ in files[e]))

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
            for p in self.partitions(kind, symbols=symbols)
            if (months is None or p.month in months) and (not exchanges or p.exchange in exchanges)
        ]

    def list_fetch_logs(self) -> list[tuple[str, str, str]]:
        """List exchange, symbol and source of every symbol's fetch log, sorted, including those without events."""
        found = []
        for path in (self.root / "windows").glob("exchange=*/symbol=*/*.json"):
            exchange, symbol = (part.split("=", 1)[1] for part in path.parts[-3:-1])
            found.append((exchange, symbol, path.stem))
        return sorted(key for key in found if all(map(is_name, key)) and key[1] != EVERY)

    def read_fetch_log(self, exchange: str, symbol: str, source: str) -> FetchLog:
        """
        Read the fetch log of one source; without a file it is empty.

        Raises
        ------
        DamagedError
            The file exists but is not a fetch log.
        """
        path = self.fetch_log_path(exchange, symbol, source)
        try:
            return parse_fetch_log(path.read_text(encoding="utf-8"), str(path))
        except (FileNotFoundError, NotADirectoryError):
            return FetchLog()
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

    def fetch_log_path(self, exchange: str, symbol: str, source: str) -> Path:
        """Return the path of the fetch log of a source."""
        parts = Partition("windows", exchange, symbol, "0000-00", source).path(self.root).parts
        return Path(*parts[:-2]) / f"{source}.json"

    # ------------------------------------------------------------------ writing

    def replace_window(
        self, exchange: str, symbol: str, source: str, covered: Sequence[CoveredWindow], rows: Sequence[Liquidation]
    ) -> None:
        """
        Store the answer of a source for some windows, replacing its previous rows there.

        Parameters
        ----------
        covered : sequence of CoveredWindow
            The windows that were answered; all rows lie inside them.
        rows : sequence of Liquidation
            Rows of one exchange, symbol and source, in any order; duplicates are kept.

        Raises
        ------
        LakeError
            Not writable or disk full; the old files are unchanged.
        DamagedError
            The file to merge with cannot be read.
        """
        incoming = rows_to_table(rows)
        with self.locked():
            parts = []
            for item in covered:
                for month in months_of(item.window):
                    first_us, past_us = month_bounds(month)
                    part = {"start_us": max(item.window.start_us, first_us), "end_us": min(item.window.end_us, past_us)}
                    path = Partition("liquidations", exchange, symbol, month, source).path(self.root)
                    if rows or path.exists():
                        parts.append((path, part))
            if parts:
                with self.open_merger() as merger:
                    for path, part in parts:
                        merger.merge(path, "merge_replace", part, incoming)
            self.add_to_fetch_log(exchange, symbol, source, covered)

    def add_to_fetch_log(self, exchange: str, symbol: str, source: str, covered: Iterable[CoveredWindow]) -> None:
        """Add windows to the fetch log; the caller holds :meth:`locked`."""
        log = self.read_fetch_log(exchange, symbol, source)
        updated = log.add(covered)
        if updated != log:
            self.write_fetch_log(exchange, symbol, source, updated)

    def write_fetch_log(self, exchange: str, symbol: str, source: str, log: FetchLog) -> None:
        """Replace the fetch log; the caller holds :meth:`locked`."""
        self.write_file(self.fetch_log_path(exchange, symbol, source), render_fetch_log(log).encode())

    def remove_fetch_log(self, exchange: str, symbol: str, source: str) -> None:
        """Remove the fetch log of a source that has no rows of a symbol; the caller holds :meth:`locked`."""
        held = {(p.exchange, p.symbol, p.source) for p in self.partitions()}
        if (exchange, symbol, source) not in held:
            with lake_errors(self.root):
                self.fetch_log_path(exchange, symbol, source).unlink(missing_ok=True)

    def set_aside(self, path: Path) -> Path:
        """Move an unreadable file to ``<lake>/damaged/``, which no command reads; return its new path."""
        kept = self.root / "damaged" / path.relative_to(self.root)
        number = 1
        while kept.exists():
            number += 1
            kept = kept.with_name(f"{path.stem}.{number}{path.suffix}")
        with self.locked(), lake_errors(self.root):
            kept.parent.mkdir(parents=True, exist_ok=True)
            path.replace(kept)
        return kept

    def write_contracts(self, exchange: str, sizes: Mapping[str, float]) -> None:
        """Add contract sizes of an exchange to those stored."""
        with self.locked():
            path = self.root / "contracts" / f"{exchange}.json"
            known = self.read_contracts(exchange)
            merged = {**known, **sizes}
            if merged != known:
                text = json.dumps(merged, sort_keys=True, ensure_ascii=False, indent=0)
                self.write_file(path, text.encode())
            else:
                remove_leftovers(path)  # a fetch that was killed here; nothing else writes this file

    def write_rejected(self, name: str, rejected: Iterable[Rejected]) -> Path:
        """Write rejected rows as JSON lines to ``<lake>/rejected/<name>.jsonl``, replacing the file."""
        safe = "".join(c if c.isalnum() or c in "-." else "-" for c in name).strip(".") or "rows"
        safe = safe.encode()[:200].decode(errors="ignore")  # a file name may have 255 bytes
        path = self.root / "rejected" / f"{safe}.jsonl"
        lines = [json.dumps(row._asdict(), ensure_ascii=False) for row in rejected]
        with self.locked():  # lone surrogates, from files in another encoding, become JSON escapes
            self.write_file(path, ("\n".join(lines) + "\n").encode(errors="backslashreplace"))
        return path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """
        Hold the writer lock of the lake, against other processes and other threads.

        Raises
        ------
        LakeError
            The folder cannot be created or written, or another writer held the lock for ten minutes.
        """
        import filelock

        with _WRITE_LOCK, lake_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.root / ".lock", timeout=LOCK_TIMEOUT_S, is_singleton=True)
            try:
                lock.acquire()
            except filelock.Timeout as error:
                raise LakeError(f"{self.root}: another liqcli process holds the lock; try again later") from error
            try:
                yield
            finally:
                lock.release()

    @contextlib.contextmanager
    def open_merger(self) -> Iterator[Merger]:
        """Open a merger, or use the kept one."""
        if self._kept is None:
            with open_merger(self.root) as merger:
                yield merger
        else:
            self._merger = self._merger or self._kept.enter_context(open_merger(self.root))
            yield self._merger

    @contextlib.contextmanager
    def keep_engine(self) -> Iterator[None]:
        """Use one engine for every merge inside: opening one takes longer than a small merge. One thread only."""
        with contextlib.ExitStack() as stack:
            self._kept = stack
            try:
                yield
            finally:
                self._kept, self._merger = None, None

    def write_file(self, path: Path, content: bytes) -> None:
        """Write a file atomically; unchanged content does not touch the old file or its time."""
        with lake_errors(self.root):
            if path.exists() and path.read_bytes() == content:
                return
            replace_file(path, content)

    # ------------------------------------------------------------------ inside

    def _files(
        self, kind: str, symbols: Collection[str] | None = None, exchange: str | None = None
    ) -> Iterator[tuple[Partition, Path]]:
        for e, exchange_folder in iter_parts(self.root / kind, "exchange="):
            for symbol, folder in iter_parts(exchange_folder, "symbol=") if exchange in (None, e) else ():
                if symbols is not None and symbol not in symbols:
                    continue
                inner = iter_parts(folder, "interval=") if kind == "candles" else [("", folder)]
                for interval, parent in inner:
                    for month, months_folder in iter_parts(parent, "month="):
                        for source, path in iter_parts(months_folder, "", ".parquet"):
                            yield Partition(kind, e, symbol, month, source, interval), path
