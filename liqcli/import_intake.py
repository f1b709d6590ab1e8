"""What an import takes of a file's rows: counted, staged, a recorder's repeats dropped, the refused kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from liqcli.coverage import Heartbeat
from liqcli.import_ledger import Wrote
from liqcli.import_refusals import RefusalTally
from liqcli.model import Liquidation, Rejected
from liqcli.staging import Staging

MOST_REJECTED_KEPT = 100_000  # with their text; further ones are only counted
NEAR_REPEAT_US = 2_000_000  # two such rows this near or nearer are likely one event, received twice
REPEATS_REMEMBERED = 100_000  # a recorder's repeat is told from a known event when it stands this near, or nearer


class Intake:
    """Takes a feed's rows in: counts them, stages them, drops a recorder's repeats, keeps what was refused."""

    def __init__(self, staging: Staging, most_copies: int) -> None:
        self.rejected: list[Rejected] = []
        self.refusals = RefusalTally()
        self.repeats = self.near_repeats = 0
        self.kept_span: tuple[int | None, int | None] = (None, None)  # where near repeats were dropped
        self.heartbeats: dict[str, Heartbeat] = {}  # by exchange: one connection may drop while others go on
        self.price_kinds: Counter[str] = Counter()
        self._wrote: dict[tuple[str, str, str], Wrote] = {}
        self._staging = staging
        self._drop_repeats = most_copies == 1
        self._recent: set[Liquidation] = set()
        self._older: set[Liquidation] = set()

    def take(self, items: Iterable[Liquidation | Rejected]) -> None:
        """Take rows and refused rows as they come."""
        for item in items:
            if isinstance(item, Rejected):
                self.refusals.add(item)
                if len(self.rejected) < MOST_REJECTED_KEPT:
                    self.rejected.append(item)
            elif self._drop_repeats and self._is_repeat(item):
                self.repeats += 1
            else:
                self._accept(item)

    @property
    def rejected_count(self) -> int:
        """How many rows were refused."""
        return self.refusals.count

    @property
    def wrote(self) -> list[Wrote]:
        """What was taken of each exchange, symbol and source."""
        return [self._wrote[key] for key in sorted(self._wrote)]

    def check_near_repeats(self, drop: bool) -> None:
        """Count what repeats another row in all but the time, here or in the lake; unstage it if told to."""
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
            wrote = self._wrote[key] = Wrote(*key)
        wrote.add(row)
        self.heartbeats.setdefault(row.exchange, Heartbeat()).add(row.ts_us)
        self.price_kinds[row.price_kind] += 1
        self._staging.add(row)

    def _is_repeat(self, row: Liquidation) -> bool:
        if row in self._recent or row in self._older:
            return True
        self._recent.add(row)
        if len(self._recent) >= REPEATS_REMEMBERED:  # the lake's own merge drops what repeats from further apart
            self._older, self._recent = self._recent, set()
        return False
