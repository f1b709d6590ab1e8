"""Collect the rows of one file: count, stage and deduplicate them, keep the rejected ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from liqcli.core.model import Liquidation, Rejected
from liqcli.ingest.files.rejections import RejectionCounter
from liqcli.lake.heartbeat import Heartbeat
from liqcli.lake.import_log import StoredSummary
from liqcli.lake.row_blocks import count_words, rows_to_block, sort_block, times_of
from liqcli.lake.staging import Staging

if TYPE_CHECKING:
    import pyarrow as pa

MOST_REJECTED_KEPT = 100_000  # others are only counted
NEAR_REPEAT_US = 2_000_000  # rows equal but for a smaller time difference are likely one event received twice
ROWS_PER_BLOCK = 100_000  # single rows that are added together
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
        self._rows: list[Liquidation] = []
        self._drop_repeats = most_copies == 1
        self._recent: set[Liquidation] = set()
        self._older: set[Liquidation] = set()

    def add_all(self, items: Iterable[Liquidation | Rejected | pa.Table]) -> None:
        """Add rows, rejected rows, and blocks of rows of a feed that may repeat rows."""
        for item in items:
            if isinstance(item, Rejected):
                self.reasons.add(item)
                if len(self.rejected) < MOST_REJECTED_KEPT:
                    self.rejected.append(item)
            elif not isinstance(item, Liquidation):
                self._add_block(item)
            elif self._drop_repeats and self._is_repeat(item):
                self.repeats += 1
            else:
                self._rows.append(item)
                if len(self._rows) >= ROWS_PER_BLOCK:
                    self._flush()
        self._flush()

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

    def _flush(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            self._add_block(rows_to_block(rows))

    def _add_block(self, rows: pa.Table) -> None:
        if not len(rows):
            return
        block = sort_block(rows)
        for part in block.totals():
            key = (part.partition.exchange, part.partition.symbol, part.partition.source)
            wrote = self._wrote.get(key)
            if wrote is None:
                wrote = self._wrote[key] = StoredSummary(*key)
            wrote.add(part)
        for exchange, times in times_of(rows).items():
            self.heartbeats.setdefault(exchange, Heartbeat()).add_all(times)
        self.price_kinds.update(count_words(rows, "price_kind"))
        self._staging.add_block(block)

    def _is_repeat(self, row: Liquidation) -> bool:
        if row in self._recent or row in self._older:
            return True
        self._recent.add(row)
        if len(self._recent) >= REPEAT_DISTANCE:
            self._older, self._recent = self._recent, set()
        return False
