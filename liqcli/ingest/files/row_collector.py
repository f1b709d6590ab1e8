"""Collect the rows of one file: count, stage and deduplicate them, keep the rejected ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from liqcli.core.model import Liquidation, Rejected
from liqcli.ingest.files.rejections import RejectionCounter
from liqcli.lake.fetch_log import Heartbeat
from liqcli.lake.import_log import StoredSummary
from liqcli.lake.staging import Staging

MOST_REJECTED_KEPT = 100_000  # others are only counted
NEAR_REPEAT_US = 2_000_000  # rows equal but for a smaller time difference are likely one event received twice
REPEAT_DISTANCE = 100_000  # rows within which a recorder's repeats are found; the lake's merge finds the others


class RowCollector:
    """Counts and stages the rows of a file, drops a recorder's repeats and keeps rejected rows."""

    def __init__(self, staging: Staging, most_copies: int) -> None:
        self.rejected: list[Rejected] = []
        self.reasons = RejectionCounter()
        self.repeats = self.near_repeats = 0
        self.kept_span: tuple[int | None, int | None] = (None, None)  # after dropping near repeats
        self.heartbeats: dict[str, Heartbeat] = {}  # by exchange: one connection may drop while others continue
        self.price_kinds: Counter[str] = Counter()
        self._wrote: dict[tuple[str, str, str], StoredSummary] = {}
        self._staging = staging
        self._drop_repeats = most_copies == 1
        self._recent: set[Liquidation] = set()
        self._older: set[Liquidation] = set()

    def add_all(self, items: Iterable[Liquidation | Rejected]) -> None:
        """Add rows and rejected rows."""
        for item in items:
            if isinstance(item, Rejected):
                self.reasons.add(item)
                if len(self.rejected) < MOST_REJECTED_KEPT:
                    self.rejected.append(item)
            elif self._drop_repeats and self._is_repeat(item):
                self.repeats += 1
            else:
                self._accept(item)

    @property
    def rejected_count(self) -> int:
        """Number of rejected rows."""
        return self.reasons.count

    @property
    def wrote(self) -> list[StoredSummary]:
        """Summaries of the accepted rows by exchange, symbol and source."""
        return [self._wrote[key] for key in sorted(self._wrote)]

    def check_near_repeats(self, drop: bool) -> None:
        """Count rows that equal another row, here or in the lake, except for the time; unstage them if ``drop``."""
        for partition, repeats in self._staging.find_near_repeats(NEAR_REPEAT_US, drop):
            wrote = self._wrote[partition.exchange, partition.symbol, partition.source]
            for row in repeats.select(["position", "notional", "copies"]).to_pylist():
                self.near_repeats += row["copies"]
                if drop:
                    wrote.drop(row["position"], row["notional"], row["copies"])
        if drop and self.near_repeats:
            self.kept_span = self._staging.find_span()

    def _accept(self, row: Liquidation) -> None:
        key = (row.exchange, row.symbol, row.source)
        wrote = self._wrote.get(key)
        if wrote is None:
            wrote = self._wrote[key] = StoredSummary(*key)
        wrote.add(row)
        self.heartbeats.setdefault(row.exchange, Heartbeat()).add(row.ts_us)
        self.price_kinds[row.price_kind] += 1
        self._staging.add(row)

    def _is_repeat(self, row: Liquidation) -> bool:
        if row in self._recent or row in self._older:
            return True
        self._recent.add(row)
        if len(self._recent) >= REPEAT_DISTANCE:
            self._older, self._recent = self._recent, set()
        return False
