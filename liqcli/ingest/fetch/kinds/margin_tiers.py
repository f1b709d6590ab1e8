"""Margin tiers: a snapshot per exchange and day. Exchanges publish only those of now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liqcli.core.margin_tiers import MarginTier
from liqcli.core.model import Window, from_us
from liqcli.core.times import now_us
from liqcli.ingest.fetch.kinds.named_exchanges import list_exchange_targets
from liqcli.ingest.fetch.planner import Plan
from liqcli.ingest.fetch.request_runner import SharedFailureError
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.tasks import Kind, Scope, Target, Task, WindowResult
from liqcli.lake.margin_tiers import has_margin_tiers, set_aside_damaged_tiers, write_margin_tiers
from liqcli.lake.store import Lake
from liqcli.sources.base import Ask, WindowAnswer
from liqcli.sources.market_base import Memo
from liqcli.sources.registry import TIER_SOURCES, load_tier_source
from liqcli.sources.tiers_base import Tiers, TierSource


class MarginTiers(Kind[TierSource, MarginTier]):
    """Margin tiers of one exchange; what a shared answer holds of other contracts is stored as well."""

    name = "margin-tiers"

    def __init__(self, source: TierSource) -> None:
        self.source = source
        # The answer that all symbols share, None if its request failed; whether it was requested, and stored.
        self._shared: Tiers | None = None
        self._requested = self._stored = False

    def list_sources(self, _exchange: str) -> Sequence[TierSource]:
        """Return the one source."""
        return [self.source]

    def find_missing(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Return the window unless a snapshot of today has the contract."""
        return [] if has_margin_tiers(lake, exchange, symbol, from_us(now_us()).date()) else [window]

    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        """Quarantine a damaged snapshot of today."""
        if moved := set_aside_damaged_tiers(lake, exchange, from_us(now_us()).date()):
            say(f"{moved[0]}: damaged, moved to {moved[1]}")

    def plan(self, source: TierSource, symbol: str, missing: Sequence[Window], now_us: int) -> Plan:
        """Plan one request: tiers have no history."""
        return Plan(tuple(missing))

    def ask(self, source: TierSource, symbol: str, window: Window, _memo: Memo) -> Ask[MarginTier]:
        """Request the tiers of a contract; no rows if the exchange does not list it."""
        if not source.shared:
            found = yield from source.ask(symbol)
        elif self._requested:
            if self._shared is None:
                raise SharedFailureError(f"{source.name}: the request for all symbols failed")
            found = self._shared
        else:
            self._requested = True
            found = self._shared = yield from source.ask(symbol)
        return WindowAnswer(list(found.get(symbol, ())))

    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        """Write the tiers, as captured at the time of the request."""
        row = task.target.row
        for result in results:
            tiers = list(result.answer.rows) if result.answer else []
            if not tiers:
                row.notes.append(f"{self.source.name} does not list {row.symbol}, or not with valid tiers")
            if self._shared is not None:
                tiers = [] if self._stored else [tier for found in self._shared.values() for tier in found]
                self._stored = True
            if tiers:
                write_margin_tiers(lake, task.exchange, result.asked_us, tiers)


def list_targets(scope: Scope, _scheduler: Scheduler) -> list[Target]:
    """
    List a target per exchange with published tiers and symbol.

    Raises
    ------
    UsageError
        None of the named exchanges publishes tiers.
    """
    return list_exchange_targets(
        scope, scope.window, "margin tiers", TIER_SOURCES, lambda name: MarginTiers(load_tier_source(name))
    )
