"""
Properties of the loaded data as plain, JSON-ready dicts: coverage, sources left out, adjusted prices.

Conventions are those of :mod:`liqcli.report.records`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liqcli.analysis.gap_moves import measure_move
from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.formatting import format_iso
from liqcli.core.intervals import Interval
from liqcli.core.model import US_PER_S, PriceSeries
from liqcli.lake.market_price import MarketPrices
from liqcli.lake.source_comparison import Comparison, Totals
from liqcli.lake.verify.compared_totals import ComparedTotals


def coverage_record(coverage: ExchangeCoverage) -> dict[str, Any]:
    """Convert the coverage of one exchange and symbol."""
    return {
        "exchange": coverage.exchange,
        "symbol": coverage.symbol,
        "share": coverage.share,
        "inferred": coverage.inferred,
        "sources": list(coverage.sources),
        "gaps": interval_records(coverage.gaps),
        "unknown": interval_records(coverage.unknown),
        "cut": interval_records(coverage.cut),
    }


def interval_records(intervals: Sequence[Interval]) -> list[dict[str, Any]]:
    """Convert intervals [µs] to start, end and length in seconds."""
    return [{"start": format_iso(a), "end": format_iso(b), "seconds": (b - a) / US_PER_S} for a, b in intervals]


def gap_records(gaps: Sequence[Interval], candles: PriceSeries | None) -> list[dict[str, Any]]:
    """Convert gaps [µs], each with the largest move of the price inside it; None where no candle tells."""
    found = []
    for record, gap in zip(interval_records(gaps), gaps, strict=True):
        move = measure_move(gap, candles)
        found.append(
            {
                **record,
                "price_from": move.price_from if move else None,
                "price_furthest": move.price_furthest if move else None,
                "move_pct": move.percent if move else None,
            }
        )
    return found


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """Convert the comparison of a source that was left out with those counted in its place."""
    return {
        "exchange": comparison.exchange,
        "symbol": comparison.symbol,
        "seconds": comparison.length_us / 1e6,
        "counted": {"sources": list(comparison.counted), **_totals_record(comparison.instead)},
        "left_out": {"sources": [comparison.source], **_totals_record(comparison.left_out)},
    }


def totals_record(series: ComparedTotals) -> dict[str, Any]:
    """Convert the comparison with the totals that an exchange publishes."""
    return {**series.summary(), "hours": len(series.hours), "text": series.describe()}


def _totals_record(totals: Totals) -> dict[str, Any]:
    return {"events": totals.events, "notional": totals.notional, "long_notional": totals.long_notional}


def market_prices_record(moved: MarketPrices | None) -> dict[str, Any] | None:
    """Convert the counts of ``--price market``; None where prices are as reported."""
    if moved is None:
        return None
    return {"basis": list(moved.basis), "moved": moved.moved, "filled": moved.filled, "kept": moved.kept}


def path_in_lake(path: Path) -> str:
    """Return the path of a file inside the lake: reports are shared, and a moved lake gives the same report."""
    folders = ("liquidations", "candles", "open_interest", "margin_tiers", "liquidation_totals")
    kinds = [k for k, part in enumerate(path.parts) if part in folders]
    return Path(*path.parts[kinds[-1] :]).as_posix() if kinds else path.name
