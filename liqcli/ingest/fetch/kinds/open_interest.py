"""Open interest, a snapshot every five minutes."""

from __future__ import annotations

from liqcli.ingest.fetch.kinds.series import SeriesKind
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.tasks import Scope, Target
from liqcli.lake.market_tables import write_open_interest
from liqcli.sources.market_base import SNAPSHOT_US

OPEN_INTEREST = SeriesKind(
    name="open-interest",
    folder="open_interest",
    interval="",
    step_us=SNAPSHOT_US,
    delay_us=SNAPSHOT_US,
    cut=lambda source, gap, now_us: source.cut_open_interest(gap, now_us),
    request=lambda source, symbol, window, memo: source.ask_open_interest(symbol, window, memo),
    write=lambda lake, exchange, symbol, rows: write_open_interest(lake, exchange, symbol, exchange, rows),
    shortest_gap=2,  # a single missing snapshot is not requested
)


def list_targets(scope: Scope, _scheduler: Scheduler) -> list[Target]:
    """List a target per symbol."""
    return OPEN_INTEREST.list_targets(scope)
