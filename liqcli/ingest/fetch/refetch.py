"""Making room for asking anew: what cannot be read is set aside, and what is not there is not believed to be there.

Nothing is deleted: a file goes to ``<lake>/damaged/`` under its own path. After this the window memory claims no more
than what stands in the lake, so that a fetch that breaks off leaves gaps that are known to be gaps.
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
    Prepare one source's liquidations of a symbol for being asked anew.

    Parameters
    ----------
    window : Window
        What will be asked; every month that it touches is looked through. [UTC]
    say : callable
        Is told what was set aside, and where it lies now.

    Raises
    ------
    LakeError
        A file cannot be read for want of permission, or not be moved.
    """
    with lake.locked():
        memory = _read_memory(lake, exchange, symbol, source, say)
        parts = [Partition("liquidations", exchange, symbol, month, source) for month in _months(memory, window)]
        lost = list(_set_aside_unreadable(lake, parts, say))
        doubtful = [Window(*month_bounds(part.month)) for part in lost] + _too_few(lake, parts, memory)
        if doubtful and memory.windows:
            lake.write_fetch_log(exchange, symbol, source, memory.without(doubtful))


def prepare_market_refetch(
    lake: Lake, kind: str, exchange: str, symbol: str, interval: str, window: Window, say: Say
) -> None:
    """Do the same for an exchange's own candles or open interest, which have no memory but their rows."""
    with lake.locked():
        months = months_of(window) if window.length_us else []
        parts = [Partition(kind, exchange, symbol, month, exchange, interval) for month in months]
        list(_set_aside_unreadable(lake, parts, say))


def _read_memory(lake: Lake, exchange: str, symbol: str, source: str, say: Say) -> FetchLog:
    try:
        return lake.read_fetch_log(exchange, symbol, source)
    except DamagedError:
        _set_aside(lake, lake.fetch_log_path(exchange, symbol, source), say)
        return FetchLog()


def _months(memory: FetchLog, window: Window) -> list[str]:
    """The months of a window, and those of the remembered windows that begin or end in them."""
    near = [k.window for k in memory.windows if k.window.start_us < window.end_us and k.window.end_us > window.start_us]
    return sorted({month for each in (window, *near) for month in months_of(each)})


def _set_aside_unreadable(lake: Lake, parts: Sequence[Partition], say: Say) -> Iterator[Partition]:
    for part in parts:
        try:
            read_partition(lake, part)
        except FileNotFoundError:
            continue
        except DamagedError:
            _set_aside(lake, part.path(lake.root), say)
            yield part


def _set_aside(lake: Lake, path: Path, say: Say) -> None:
    say(f"{path}: damaged, set aside as {lake.set_aside(path)}")


def _too_few(lake: Lake, parts: Sequence[Partition], memory: FetchLog) -> list[Window]:
    """The remembered windows of which fewer events are stored than came."""
    known = [item for item in memory.windows if item.events is not None]
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
