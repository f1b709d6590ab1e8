"""Prepare a refetch: quarantine damaged files, and remove windows from the fetch log whose events are missing.

Nothing is deleted: files move to ``<lake>/damaged/`` under their own path. The fetch log then covers no more than what
is stored, so that an interrupted refetch leaves known gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from liqcli.core.errors import DamagedError
from liqcli.core.model import Window
from liqcli.lake.fetch_log import FetchLog
from liqcli.lake.partitions import Partition, month_bounds, months_of
from liqcli.lake.store import Lake
from liqcli.lake.verify.fetch_log_check import FetchLogs, count_events
from liqcli.lake.verify.file_check import read_partition

Say = Callable[[str], None]


def prepare_refetch(lake: Lake, exchange: str, symbol: str, source: str, window: Window, say: Say) -> None:
    """
    Prepare one source's liquidations of a symbol for a refetch.

    Parameters
    ----------
    window : Window
        Window to fetch. Every month that it touches is checked. [UTC]
    say : callable
        Prints which files were moved, and where.

    Raises
    ------
    LakeError
        A file cannot be moved, or cannot be read for lack of permission.
    """
    with lake.locked():
        log = read_fetch_log(lake, exchange, symbol, source, say)
        parts = [Partition("liquidations", exchange, symbol, month, source) for month in _months(log, window)]
        lost = list(_quarantine_unreadable(lake, parts, say))
        doubtful = [Window(*month_bounds(part.month)) for part in lost] + _too_few(lake, parts, log)
        if doubtful and log.windows:
            lake.write_fetch_log(exchange, symbol, source, log.without(doubtful))


def quarantine_files(lake: Lake, parts: Sequence[Partition], say: Say) -> None:
    """Quarantine damaged files of data without a fetch log."""
    with lake.locked():
        list(_quarantine_unreadable(lake, parts, say))


def read_fetch_log(lake: Lake, exchange: str, symbol: str, source: str, say: Say) -> FetchLog:
    """Read a fetch log; a damaged one is quarantined and counts as empty."""
    try:
        return lake.read_fetch_log(exchange, symbol, source)
    except DamagedError:
        _quarantine(lake, lake.fetch_log_path(exchange, symbol, source), say)
        return FetchLog()


def _months(log: FetchLog, window: Window) -> list[str]:
    """List the months of a window and of the logged windows that overlap it."""
    near = [k.window for k in log.windows if k.window.start_us < window.end_us and k.window.end_us > window.start_us]
    return sorted({month for each in (window, *near) for month in months_of(each)})


def _quarantine_unreadable(lake: Lake, parts: Sequence[Partition], say: Say) -> Iterator[Partition]:
    for part in parts:
        try:
            read_partition(lake, part)
        except FileNotFoundError:
            continue
        except DamagedError:
            _quarantine(lake, part.path(lake.root), say)
            yield part


def _quarantine(lake: Lake, path: Path, say: Say) -> None:
    say(f"{path}: damaged, moved to {lake.set_aside(path)}")


def _too_few(lake: Lake, parts: Sequence[Partition], log: FetchLog) -> list[Window]:
    """Find logged windows with fewer stored events than were fetched."""
    known = [item for item in log.windows if item.events is not None]
    key = parts[0].exchange, parts[0].symbol, parts[0].source
    months = {part.month for part in parts}
    seen = FetchLogs(windows={key: known}, stored={key: [0] * len(known)})
    tables = [(part, read_partition(lake, part)) for part in parts if part.path(lake.root).exists()]
    count_events(seen, tables)
    return [
        item.window
        for item, stored in zip(known, seen.stored[key], strict=True)
        if stored < (item.events or 0) and months.issuperset(months_of(item.window))
    ]
