"""Published liquidation totals: what exchanges say was liquidated in each minute, to measure completeness with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liqcli.core.formatting import format_time
from liqcli.core.liquidation_totals import LiquidationTotal
from liqcli.core.model import US_PER_S, Window
from liqcli.core.symbols import add_quote, split_symbol
from liqcli.core.times import now_us
from liqcli.ingest.fetch.kinds.named_exchanges import list_exchange_targets
from liqcli.ingest.fetch.kinds.series import find_gaps
from liqcli.ingest.fetch.planner import Plan
from liqcli.ingest.fetch.refetch import quarantine_files
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.tasks import Kind, Scope, Target, Task, WindowResult
from liqcli.lake.liquidation_totals import FOLDER, write_totals
from liqcli.lake.partitions import Partition, months_of
from liqcli.lake.store import Lake
from liqcli.sources.base import Ask, WindowAnswer
from liqcli.sources.market_base import Memo, cut_bars
from liqcli.sources.registry import TOTALS_SOURCES, load_totals_source
from liqcli.sources.stale_answers import request_rows
from liqcli.sources.totals_base import STEP_US, TotalsSource

DELAY_US = 300 * US_PER_S  # a total of the last minutes may still grow


class LiquidationTotals(Kind[TotalsSource, LiquidationTotal]):
    """Totals of one exchange; another one's are not a substitute."""

    name = "liquidation-totals"

    def __init__(self, source: TotalsSource) -> None:
        self.source = source

    def list_sources(self, _exchange: str) -> Sequence[TotalsSource]:
        """Return the one source."""
        return [self.source]

    def find_missing(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Find the minutes of an aligned window without a stored total."""
        return find_gaps([part.path(lake.root) for part in _parts(exchange, symbol, window)], window, STEP_US)

    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        """Quarantine damaged files of the months that a window touches."""
        quarantine_files(lake, _parts(exchange, symbol, window), say)

    def plan(self, source: TotalsSource, _symbol: str, missing: Sequence[Window], now_us: int) -> Plan:
        """Cut gaps into windows of one answer each; name the time that the source no longer keeps."""
        first_us = 0 if source.retention_us is None else now_us - source.retention_us
        windows = [window for gap in missing for window in cut_bars(gap, STEP_US, source.steps, first_us)]
        expired = any(gap.start_us < first_us for gap in missing)
        notes = [f"{source.name} keeps no totals from before {format_time(first_us)} UTC"] if expired else []
        return Plan(tuple(windows), notes=tuple(notes))

    def stops(self, _source: TotalsSource) -> bool:
        """A server that lacks a symbol lacks it for every window."""
        return True

    def ask(self, source: TotalsSource, symbol: str, window: Window, memo: Memo) -> Ask[LiquidationTotal]:
        """Request one window until the totals are those of that window."""
        name = f"{source.name}: {symbol} {format_time(window.start_us)} to {format_time(window.end_us)} UTC"
        rows = yield from request_rows(lambda: source.ask(symbol, window, memo), name, accept_repeated=True)
        if rows is None:
            base, quote = split_symbol(symbol)
            others = "" if quote in source.quotes else f"; try {' or '.join(add_quote(base, q) for q in source.quotes)}"
            return WindowAnswer(absent=f"{source.name} does not list {symbol}{others}")
        return WindowAnswer(rows)

    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        """Write the totals; they replace stored ones of the same time."""
        if rows := [row for result in results if result.answer for row in result.answer.rows]:
            write_totals(lake, task.exchange, task.target.row.symbol, rows)


def list_targets(scope: Scope, _scheduler: Scheduler) -> list[Target]:
    """
    List a target per exchange with published totals and symbol.

    Exchanges that are not named are left out for a symbol in a quote that only another one has.

    Raises
    ------
    UsageError
        None of the named exchanges publishes totals.
    """
    targets = list_exchange_targets(
        scope,
        _align(scope.window),
        "liquidation totals",
        TOTALS_SOURCES,
        lambda name: LiquidationTotals(load_totals_source(name)),
    )
    if scope.exchanges:
        return targets
    fitting = {target.row.symbol for target in targets if _has_quote(target)}
    return [target for target in targets if target.row.symbol not in fitting or _has_quote(target)]


def _has_quote(target: Target) -> bool:
    source = target.kind.list_sources(target.exchanges[0])[0]
    return split_symbol(target.row.symbol)[1] in source.quotes


def _align(window: Window) -> Window:
    """Widen a window to whole minutes, without those that may still grow."""
    latest = (now_us() - DELAY_US) // STEP_US * STEP_US
    start = window.start_us // STEP_US * STEP_US
    return Window(start, max(start, min(-(-window.end_us // STEP_US) * STEP_US, latest)))


def _parts(exchange: str, symbol: str, window: Window) -> list[Partition]:
    months = months_of(window) if window.length_us else []
    return [Partition(FOLDER, exchange, symbol, month, exchange) for month in months]
