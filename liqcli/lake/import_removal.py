"""
Remove what an earlier import of a file stored, and nothing else.

All generic files share a source, so neither source nor time tells the rows of one file from those of another. Each
import therefore keeps its rows in ``<lake>/imports/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from liqcli.core.errors import UsageError
from liqcli.core.intervals import Intervals
from liqcli.core.model import Window
from liqcli.lake.import_log import ImportKey, ImportLogEntry, StoredSummary, find_import
from liqcli.lake.import_rows import ImportRows
from liqcli.lake.partitions import Partition, months_of
from liqcli.lake.store import Lake

_UNKNOWN_ROWS = (
    "an older version of liqcli did not keep which rows it stored; nothing was changed. Import {name} again with the "
    "options used then, which keeps them, and repeat this command"
)


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """
    Rows to remove, and rows to keep.

    Attributes
    ----------
    entry : ImportLogEntry
        The earlier import.
    rows : ImportRows
        Its rows.
    others : sequence of (ImportRows, ImportLogEntry)
        Rows of other imports that overlap it in exchange, symbol, source and time.
    """

    lake: Lake
    entry: ImportLogEntry
    rows: ImportRows
    others: Sequence[tuple[ImportRows, ImportLogEntry]]

    def partitions(self) -> list[Partition]:
        """List the files of the lake that hold rows of the earlier import."""
        found = {
            Partition("liquidations", item.exchange, item.symbol, month, item.source)
            for item in self.entry.wrote
            for month in months_of(_span([item]))
        }
        return sorted(partition for partition in found if partition.path(self.lake.root).exists())

    def run(self) -> None:
        """
        Remove the rows, and the windows of the fetch log that were inferred from them; the caller holds the lock.

        A row that other imports hold stays as often as the fullest of them has it. Rows in fetched windows stay.

        Raises
        ------
        DamagedError
            A file cannot be read.
        LakeError
            The lake cannot be written.
        """
        if not self.rows.exist():
            return
        for rows in (self.rows, *(rows for rows, _ in self.others)):
            rows.upgrade()
        with self.lake.open_merger() as merger:
            for part in self.partitions():
                if self.rows.path(part).exists():
                    fetched = self.lake.read_fetch_log(part.exchange, part.symbol, part.source).fetched()
                    others = [path for rows, _ in self.others if (path := rows.path(part)).exists()]
                    merger.remove_import(part.path(self.lake.root), self.rows.path(part), others, fetched)
        for item in self.entry.wrote:
            self._forget_coverage(item)

    def _forget_coverage(self, item: StoredSummary) -> None:
        """Remove inferred windows of the earlier import's time, except in the time of other imports."""
        key = (item.exchange, item.symbol, item.source)
        own = _span([wrote for wrote in self.entry.wrote if wrote.exchange == item.exchange])
        kept = [_span(part).interval for part in self._others_of(item)]
        log = self.lake.read_fetch_log(*key)
        parts = Intervals([own.interval]) - [*kept, *log.fetched()]
        self.lake.write_fetch_log(*key, log.without(Window(*part) for part in parts))
        self.lake.remove_fetch_log(*key)

    def _others_of(self, item: StoredSummary) -> Iterator[Sequence[StoredSummary]]:
        for _, entry in self.others:
            if any(_is_same_series(item, wrote) for wrote in entry.wrote):
                yield [wrote for wrote in entry.wrote if wrote.exchange == item.exchange]


def plan_removal(lake: Lake, log: Mapping[str, ImportLogEntry], key: ImportKey, shown: str) -> RemovalPlan | None:
    """
    Plan to remove what an earlier import of the same file stored; None if there was none.

    Raises
    ------
    UsageError
        This import, or one that overlaps it, is of an older version, which did not keep its rows.
    """
    entry = find_import(log, key)
    if entry is None:
        return None
    rows = ImportRows(lake, str(key))
    if not rows.exist() and _has_events(entry):
        raise UsageError(f"{shown}: {_UNKNOWN_ROWS.format(name='it')}")
    others = []
    for name, other in log.items():
        if other is entry or not _overlaps(entry, other):
            continue
        theirs = ImportRows(lake, name)
        if theirs.exist():
            others.append((theirs, other))
        elif _has_events(other):
            raise UsageError(f"{shown}: {other.name} overlaps it, and {_UNKNOWN_ROWS.format(name=other.name)}")
    return RemovalPlan(lake, entry, rows, others)


def _has_events(entry: ImportLogEntry) -> bool:
    return any(item.events for item in entry.wrote)


def _overlaps(entry: ImportLogEntry, other: ImportLogEntry) -> bool:
    return any(
        _is_same_series(mine, theirs) and mine.first_us <= theirs.last_us and theirs.first_us <= mine.last_us
        for mine in entry.wrote
        for theirs in other.wrote
    )


def _is_same_series(one: StoredSummary, other: StoredSummary) -> bool:
    return (one.exchange, one.symbol, one.source) == (other.exchange, other.symbol, other.source)


def _span(wrote: Sequence[StoredSummary]) -> Window:
    """Return the time from the first to the last event, half-open."""
    return Window(min(item.first_us for item in wrote), max(item.last_us for item in wrote) + 1)
