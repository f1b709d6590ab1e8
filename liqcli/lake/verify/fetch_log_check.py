"""Check what the lake records about its data: fetch logs, contract sizes, imports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_count, format_time
from liqcli.core.model import CLOCK_SKEW_US
from liqcli.core.times import now_us
from liqcli.lake.fetch_log import CoveredWindow, Status, parse_fetch_log
from liqcli.lake.import_log import read_import_log
from liqcli.lake.partitions import Partition, months_of
from liqcli.lake.store import Lake
from liqcli.lake.verify.issues import Issue, Repairs

if TYPE_CHECKING:
    import pyarrow as pa

Key = tuple[str, str, str]  # exchange, symbol, source
RESTORE = "restore the file from a backup; a recording cannot be repeated, but other sources may have that time"


@dataclass(slots=True)
class FetchLogs:
    """All windows with a known number of events, and the number of their rows found in the lake."""

    files: int = 0
    windows: dict[Key, list[CoveredWindow]] = field(default_factory=dict)
    stored: dict[Key, list[int]] = field(default_factory=dict)

    def compare(self, repairs: Repairs, unreadable: set[Path]) -> Iterator[Issue]:
        """
        Report windows with fewer or more rows than logged; skip files that could not be read.

        Recorded windows may have more: late events.
        """
        for key, windows in self.windows.items():
            recorded = key[2] in repairs.known.recorded
            for known, stored in zip(windows, self.stored[key], strict=True):
                if recorded and stored >= (known.events or 0):
                    continue
                parts = [Partition("liquidations", *key[:2], month, key[2]) for month in months_of(known.window)]
                if known.events == stored or any(part.path(repairs.lake.root) in unreadable for part in parts):
                    continue
                missing = stored < (known.events or 0)
                span = f"{format_time(known.window.start_us)} to {format_time(known.window.end_us)} UTC"
                what = f"{format_count(known.events or 0)} events received {span}, {format_count(stored)} stored"
                path = parts[0].path(repairs.lake.root)
                mend = RESTORE if recorded else repairs.suggest(parts[0], known.window.interval)
                if missing:
                    what = f"{what}: {format_count((known.events or 0) - stored)} are missing"
                yield Issue(path, what, mend if missing else f"if none were imported: {mend}", damage=missing)


def check_fetch_logs(repairs: Repairs, issues: list[Issue]) -> FetchLogs:
    """Read every fetch log; faults are appended to ``issues``."""
    logs = FetchLogs()
    for path in sorted(repairs.lake.root.glob("windows/exchange=*/symbol=*/*.json")):
        logs.files += 1
        try:
            known = parse_fetch_log(path.read_text(encoding="utf-8"), str(path)).windows
            fault = _find_fault(known)
        except (DamagedError, OSError, UnicodeDecodeError) as error:
            known, fault = (), str(error).removeprefix(f"{path}: ").partition("; liqcli verify")[0]
        exchange, symbol = (folder.name.partition("=")[2] for folder in (path.parent.parent, path.parent))
        if fault:
            mend = repairs.suggest_log(exchange, symbol, path.stem)
            issues.append(Issue(path, f"fetch log: {fault}", mend))
            continue
        counted = [item for item in known if item.status == "complete" and item.events is not None]
        key = exchange, symbol, path.stem
        logs.windows[key], logs.stored[key] = counted, [0] * len(counted)
    return logs


def count_events(logs: FetchLogs, batch: Sequence[tuple[Partition, pa.Table]]) -> None:
    """Count the rows of some files per logged window."""
    import numpy as np

    for partition, table in batch:
        key = partition.exchange, partition.symbol, partition.source
        windows = logs.windows.get(key)
        if windows:
            times = np.sort(table.column("ts").drop_null().cast("int64").to_numpy())
            edges = np.array([known.window.interval for known in windows], dtype=np.int64)
            places = np.searchsorted(times, edges)
            stored = logs.stored[key]
            for number, (first, last) in enumerate(places):
                stored[number] += int(last - first)


def check_notes(lake: Lake, issues: list[Issue]) -> int:
    """Read contract sizes and the import log; faults are appended to ``issues``. Return the number of files."""
    paths = sorted(lake.root.glob("contracts/*.json"))
    for path in paths:
        fault = None
        try:
            sizes = lake.read_contracts(path.stem)
            wrong = [name for name, size in sizes.items() if not (math.isfinite(size) and size > 0)]
            if wrong:
                fault = f"the contract size of {', '.join(wrong[:3])} is not a positive finite number"
        except DamagedError as error:
            fault = str(error).partition(": ")[2].removesuffix("; delete it")
        if fault:
            issues.append(Issue(path, fault, "delete it; the next fetch writes it again"))
    kept = sorted(lake.root.glob("imports/**/*.parquet"))
    issues += [
        Issue(path, fault, "delete it; importing the file again with the same options writes it again")
        for path in kept
        if (fault := _find_damage(path))
    ]
    paths += kept
    ledger = lake.root / "imports.json"
    if not ledger.is_file():
        return len(paths)
    try:
        read_import_log(lake)
    except DamagedError as error:
        issues.append(Issue(ledger, str(error).partition(": ")[2], "delete it; liqcli import writes it again"))
    return len(paths) + 1


def _find_damage(path: Path) -> str | None:
    """Return what is wrong with a Parquet file, from its footer, or None."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        return f"damaged or not Parquet ({error})"
    return None


def _find_fault(known: Sequence[CoveredWindow]) -> str | None:
    """Describe what is wrong with a log, or return None."""
    latest = now_us() + CLOCK_SKEW_US
    end_us = 0
    for item in known:
        span = f"{format_time(item.window.start_us)} to {format_time(item.window.end_us)} UTC"
        if item.status not in get_args(Status):
            return f"{span} has the unknown status {item.status!r}"
        if item.window.start_us >= item.window.end_us:
            return f"{span} ends before it starts"
        if item.window.start_us < end_us:
            return f"{span} overlaps the one before it"
        if item.events is not None and (not isinstance(item.events, int) or item.events < 0):
            return f"{span} has {item.events!r} events"
        if item.status == "complete" and item.window.end_us > latest:
            return f"{span} is marked complete before its end"
        end_us = item.window.end_us
    return None
