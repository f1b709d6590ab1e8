"""What came of a fetch, as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from liqcli.cli.tables import render_table

if TYPE_CHECKING:
    from liqcli.fetcher import FetchRow, FetchSummary
    from liqcli.fetcher.market_rows import MarketRow
    from liqcli.intervals import Interval

HEADER = (
    "source",
    "exchange",
    "symbol",
    "requests",
    "events",
    "USD",
    "covered",
    "gaps",
    "rejected",
    "result",
)
SHORT = {"exchange": "exch.", "requests": "req.", "covered": "cov.", "rejected": "rej."}  # on a narrow screen
MARKET_HEADER = ("kind", "source", "exchange", "symbol", "requests", "rows", "covered", "gaps", "result")


def _shorten(word: str) -> str:
    return SHORT.get(word, word)


def render_summary(summary: FetchSummary) -> str:
    """Write what came of liquidations, a row a source, exchange and symbol."""
    return render_table(HEADER, map(_cells, summary.rows), right=(3, 4, 5, 6, 7, 8), short=_shorten)


def render_market(rows: Sequence[MarketRow]) -> str:
    """Write what came of candles and open interest, a row a kind and symbol."""
    return render_table(MARKET_HEADER, map(_market_cells, rows), right=(4, 5, 6, 7), short=_shorten)


def fetch_record(summary: FetchSummary | None, market: Sequence[MarketRow]) -> dict[str, Any]:
    """Put both into plain data, as ``--format json`` prints them; keys as in ``docs/units.md#fetch``."""
    return {
        "liquidations": [_record(row) for row in summary.rows] if summary else [],
        "market": [_market_record(row) for row in market],
    }


def _cells(row: FetchRow) -> tuple[str, ...]:
    from liqcli.formats import format_count, format_coverage, format_usd

    return (
        row.source,
        row.exchange,
        row.symbol,
        format_count(row.requests),
        format_count(row.events),
        format_usd(row.notional),
        format_coverage(row.share),
        format_count(len(row.holes)),
        format_count(row.rejected),
        row.result,
    )


def _market_cells(row: MarketRow) -> tuple[str, ...]:
    from liqcli.formats import format_count, format_coverage

    return (
        row.kind,
        "+".join(row.places) or row.exchange,
        row.exchange,
        row.symbol,
        format_count(row.requests),
        format_count(row.rows),
        format_coverage(row.share),
        format_count(len(row.holes)),
        row.result,
    )


def _record(row: FetchRow) -> dict[str, Any]:
    from liqcli.fetcher.tell import troubles_of

    return {
        "source": row.source,
        "exchange": row.exchange,
        "symbol": row.symbol,
        "requests": row.requests,
        "events": row.events,
        "notional": round(row.notional, 6),
        "coverage": row.share,
        "covered": _intervals(row.covered),
        "gaps": _intervals(row.holes),
        "rejected": row.rejected,
        "result": row.result,
        "troubles": troubles_of(row),
        "notes": list(row.notes),
    }


def _market_record(row: MarketRow) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "sources": row.places,
        "exchange": row.exchange,
        "symbol": row.symbol,
        "requests": row.requests,
        "rows": row.rows,
        "coverage": row.share,
        "gaps": _intervals([hole.interval for hole in row.holes]),
        "result": row.result,
        "troubles": list(dict.fromkeys(row.troubles)),
    }


def _intervals(intervals: Sequence[Interval]) -> list[dict[str, str]]:
    from liqcli.formats import format_iso

    return [{"start": format_iso(start), "end": format_iso(end)} for start, end in intervals]
