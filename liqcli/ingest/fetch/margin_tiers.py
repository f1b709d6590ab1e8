"""Fetch the margin tiers of now, one snapshot per exchange and day."""

from __future__ import annotations

from collections.abc import Sequence

from liqcli.core.errors import SourceError, UsageError
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch.request_runner import run_requests
from liqcli.ingest.fetch.summary import FetchRow, FetchSummary
from liqcli.ingest.progress import Progress
from liqcli.lake.margin_tiers import write_margin_tiers
from liqcli.lake.store import Lake
from liqcli.net.client import Client
from liqcli.sources.registry import TIER_SOURCES, load_tier_source
from liqcli.sources.tiers_base import Tiers, TierSource

KIND = "margin-tiers"


def fetch_margin_tiers(
    lake: Lake, window: Window, symbols: Sequence[str], exchanges: Sequence[str], progress: Progress
) -> FetchSummary:
    """
    Fetch the tiers of symbols from each exchange, and store what its answer holds.

    Parameters
    ----------
    window : Window
        Of the run, for the summary; exchanges publish only the tiers of now.
    symbols : sequence of str
        With a quote.
    exchanges : sequence of str
        Those without published tiers are ignored. Default: all that have them.

    Raises
    ------
    UsageError
        None of the exchanges publishes tiers.
    LakeError, DamagedError
        The lake cannot be written or read.
    """
    chosen = [name for name in exchanges if name in TIER_SOURCES] if exchanges else list(TIER_SOURCES)
    if not chosen:
        raise UsageError(f"--exchange: margin tiers are fetched from {', '.join(TIER_SOURCES)}")
    rows: list[FetchRow] = []
    for exchange in chosen:
        rows += _fetch_exchange(lake, window, symbols, load_tier_source(exchange), progress)
    return FetchSummary(window, tuple(rows))


def _fetch_exchange(
    lake: Lake, window: Window, symbols: Sequence[str], source: TierSource, progress: Progress
) -> list[FetchRow]:
    """Fetch one exchange; a failure is kept in the rows, and the others go on."""
    client = Client(source.name, source.url, source.limits, on_wait=lambda why, s: progress.wait(source.name, why, s))
    found: Tiers = {}
    trouble = None
    try:
        found = run_requests(source.ask(symbols), client, source.decode)
    except SourceError as error:
        trouble = str(error)
    finally:
        client.close()
    if found:
        write_margin_tiers(lake, source.exchange, now_us(), [tier for tiers in found.values() for tier in tiers])
    rows = []
    for number, symbol in enumerate(symbols):
        row = FetchRow(KIND, symbol, window, source.exchange, (source.name,), planned=1)
        row.requests = client.requests if number == 0 else 0
        row.rows = len(found.get(symbol, ()))
        row.answered = int(bool(row.rows))
        if not row.rows:
            row.holes = [window.interval]
            row.unanswered, row.partial = 1, trouble is not None
            row.troubles.append(trouble or f"{source.name} does not list {symbol}, or not with valid tiers")
        rows.append(row)
    return rows
