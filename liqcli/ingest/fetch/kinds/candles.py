"""Candles, ``1m`` to ``1d``."""

from __future__ import annotations

from liqcli.core.market_data import INTERVAL_US
from liqcli.core.model import US_PER_S
from liqcli.ingest.fetch.kinds.series import SeriesKind
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.tasks import Scope, Target
from liqcli.lake.market_tables import write_candles

DELAY_US = 5 * US_PER_S


def list_targets(scope: Scope, _scheduler: Scheduler) -> list[Target]:
    """List a target per symbol."""
    interval, step_us = scope.interval, INTERVAL_US[scope.interval]
    return SeriesKind(
        name="candles",
        folder="candles",
        interval=interval,
        step_us=step_us,
        delay_us=DELAY_US,
        cut=lambda source, gap, now_us: (
            source.cut_candles(gap, step_us, now_us)
            if interval in source.intervals
            else f"{source.name} has no candles of {interval}"
        ),
        request=lambda source, symbol, window, memo: source.ask_candles(symbol, interval, window, memo),
        write=lambda lake, exchange, symbol, rows: write_candles(lake, exchange, symbol, interval, exchange, rows),
    ).list_targets(scope)
