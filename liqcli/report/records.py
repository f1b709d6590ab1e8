"""
Analysis results as plain, JSON-ready dicts.

One function per result type; the keys are those of ``docs/units.md#json``. Times are ISO 8601 UTC text, amounts USD,
prices in the quote currency, shares 0 to 1, ``*_pct`` percent. Unknown values are None or ``"unknown"``.
:mod:`liqcli.report.document` puts the records together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.bursts import MinuteSums
from liqcli.analysis.cascades import Cascade
from liqcli.analysis.checklist import QUESTIONS, Checklist
from liqcli.analysis.clusters import Cluster
from liqcli.analysis.context import BARS_NEEDED, Approach, Context
from liqcli.analysis.cumulative import CumulativeSums
from liqcli.analysis.hours import HOUR_US, MINUTE_US, HourTable
from liqcli.analysis.level_tag import LevelTag
from liqcli.analysis.open_interest import OpenInterestChange
from liqcli.analysis.overview import LargestEvent
from liqcli.analysis.summary import PriceBand, Sums
from liqcli.analysis.trade_levels import TradeLevels
from liqcli.core.durations import format_length
from liqcli.core.formatting import format_iso
from liqcli.core.model import US_PER_S

DISTANCES_PCT = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


def sums_record(sums: Sums) -> dict[str, Any]:
    """Convert event counts and USD, with the times of the first and the last event."""
    return {
        "events": sums.events,
        "notional": sums.notional,
        "long_notional": sums.long_notional,
        "short_notional": sums.short_notional,
        "long_events": sums.long_events,
        "short_events": sums.short_events,
        "largest": sums.largest,
        "first_event": format_iso(sums.first_us),
        "last_event": format_iso(sums.last_us),
    }


def largest_record(event: LargestEvent) -> dict[str, Any]:
    """Convert the largest single event."""
    return {
        "notional": event.notional,
        "exchange": event.exchange,
        "position": event.position,
        "price": event.price,
        "price_kind": event.price_kind,
        "time": format_iso(event.ts_us),
    }


def few_orders_record(sums: MinuteSums | None) -> dict[str, Any] | None:
    """Convert the minutes with the USD of a cascade but too few orders; None if there are none."""
    if sums is None or sums.few is None:
        return None
    few = sums.few
    return {
        "minutes": few.minutes,
        "least_notional": sums.hot,
        "least_orders": sums.hot_orders,
        "start": format_iso(few.start_us),
        "notional": few.notional,
        "orders": few.orders,
    }


def band_record(band: PriceBand) -> dict[str, Any]:
    """Convert one price bin."""
    return {
        "rank": band.rank,
        "low": band.low,
        "high": band.high,
        "notional": band.notional,
        "share": band.share,
        "long_notional": band.long_notional,
        "short_notional": band.short_notional,
        "events": band.events,
        "distance_pct": band.distance_pct,
    }


def cluster_record(cluster: Cluster) -> dict[str, Any]:
    """Convert a cluster; ``key_levels`` is None where levels were not searched."""
    return {
        "rank": cluster.rank,
        "low": cluster.low,
        "high": cluster.high,
        "peak_price": cluster.peak_price,
        "notional": cluster.notional,
        "share": cluster.share,
        "events": cluster.events,
        "long_notional": cluster.long_notional,
        "short_notional": cluster.short_notional,
        "exchanges": list(cluster.exchanges),
        "first_seen": format_iso(cluster.first_seen_us),
        "last_seen": format_iso(cluster.last_seen_us),
        "active_buckets": cluster.active_buckets,
        "distance_pct": cluster.distance_pct,
        "key_levels": None if cluster.key_levels is None else [level_record(level) for level in cluster.key_levels],
        "role": cluster.role,
        "side": cluster.side,
        "recent_share": cluster.recent_share,
        "step": cluster.step,
        "cascades": list(cluster.cascades),
    }


def level_record(level: LevelTag) -> dict[str, Any]:
    """Convert a key level of a cluster."""
    return {"kind": level.kind, "name": level.name, "price": level.price, "distance_pct": level.distance_pct}


def checklist_record(checklist: Checklist) -> dict[str, Any]:
    """Convert a trade checklist with its stop and target."""
    return {
        "score": f"{checklist.passed} of {len(checklist.checks)}",
        "passed": checklist.passed,
        "unknown": checklist.unknown,
        "meets_bar": checklist.meets_bar,
        "direction": checklist.direction,
        **trade_levels_record(checklist.levels),
        "checks": [
            {"key": c.key, "question": QUESTIONS[c.key], "answer": c.answer, "number": c.number, "rule": c.rule}
            for c in checklist.checks
        ],
    }


def trade_levels_record(levels: TradeLevels) -> dict[str, Any]:
    """Convert a stop and a target, with distances in ATR from the last price and in % from the entry."""
    stop, target = levels.stop, levels.target
    return {
        "stop_beyond": stop.price if stop else None,
        "stop_trade": stop.trade if stop else None,
        "stop_distance_atr": stop.distance_atr if stop else None,
        "stop_pct": stop.percent if stop else None,
        "target_at": target.price if target else None,
        "target_trade": target.trade if target else None,
        "target_distance_atr": target.distance_atr if target else None,
        "target_pct": target.percent if target else None,
    }


def cascade_record(cascade: Cascade) -> dict[str, Any]:
    """Convert a cascade."""
    return {
        "rank": cascade.rank,
        "start": format_iso(cascade.start_us),
        "end": format_iso(cascade.end_us),
        "seconds": (cascade.end_us - cascade.start_us) / US_PER_S,
        "position": cascade.position,
        "position_share": cascade.position_share,
        "events": cascade.events,
        "orders": cascade.orders,
        "notional": cascade.notional,
        "long_notional": cascade.long_notional,
        "short_notional": cascade.short_notional,
        "peak_per_minute": cascade.peak_per_minute,
        "price_from": cascade.price_from,
        "price_to": cascade.price_to,
        "extreme": cascade.extreme,
        "share": cascade.share,
        "price_after_15m_pct": cascade.price_after_15m_pct,
        "price_after_1h_pct": cascade.price_after_1h_pct,
    }


def context_record(context: Context, cascades: Sequence[Cascade] = ()) -> dict[str, Any]:
    """Convert the market context; ``cascades`` are those the context was built for, in the same order."""
    c = context
    return {
        "basis": c.basis,
        "interval": format_length(c.step_us) if c.step_us else None,
        "bars": c.bars,
        "bars_needed": BARS_NEEDED,
        "rsi": c.rsi,
        "rsi_state": c.rsi_state,
        "divergence": c.divergence,
        "divergence_at": format_iso(c.divergence_us) if c.divergence_us is not None else None,
        "trend": c.trend,
        "ema_20": c.ema_fast,
        "ema_50": c.ema_slow,
        "ema_20_slope_pct": c.slope_pct,
        "atr": c.atr,
        "usual_move": c.usual_move,
        "volume_ratio": c.volume_ratio,
        "approaches": [_approach_record(a) for a in c.approaches],
        "taker_buy_share": c.taker_share,
        "order_flow": c.order_flow,
        "open_interest": {
            "basis": c.open_interest_basis,
            **change_record(c.open_interest),
            "cascades": [
                {"rank": cascade.rank, "notional": cascade.notional, **change_record(change)}
                for cascade, change in zip(cascades, c.cascade_open_interest, strict=False)
            ],
        },
    }


def _approach_record(approach: Approach) -> dict[str, Any]:
    return {
        "low": approach.low,
        "high": approach.high,
        "arrived": format_iso(approach.touched_us) if approach.touched_us is not None else None,
        "volume_ratio": approach.volume_ratio,
    }


def change_record(change: OpenInterestChange) -> dict[str, float | str | None]:
    """Convert a change of open interest; all values are None where a snapshot is missing."""
    return {
        "unit": change.unit,
        "first": None if change.first_us is None else format_iso(change.first_us),
        "last": None if change.last_us is None else format_iso(change.last_us),
        "start_coins": change.start_coins,
        "start_usd": change.start_usd,
        "change_coins": change.change_coins,
        "change_pct": change.change_pct,
        "change_usd": change.change_usd,
    }


def cumulative_record(found: CumulativeSums) -> dict[str, Any]:
    """Convert cumulative sums to lists; entry ``i`` is the sum within ``i`` steps of the last price. [USD]"""
    return {
        "last_price": found.last_price,
        "step_pct": found.step_pct,
        **{
            f"{place}_{side}": [value / 1e6 for value in getattr(getattr(found, place), f"{side}_e6").tolist()]
            for place in ("below", "above")
            for side in ("long", "short")
        },
    }


def distance_records(found: CumulativeSums) -> list[dict[str, Any]]:
    """
    List the sums within round distances of the last price and within the largest distance. [%], [USD]

    Distances that span one step, or are not a whole number of steps, are left out.
    """
    rings = max(len(found.below.long_e6), len(found.above.long_e6)) - 1
    wanted = {round(percent / found.step_pct): percent for percent in DISTANCES_PCT}
    fitting = {k: p for k, p in wanted.items() if 1 < k < rings and math.isclose(k * found.step_pct, p)}
    return [_distance_record(found, k, percent) for k, percent in (*fitting.items(), (rings, rings * found.step_pct))]


def _distance_record(found: CumulativeSums, rings: int, percent: float) -> dict[str, Any]:
    def within(sums: NDArray[np.int64]) -> int:
        return int(sums[min(rings, len(sums) - 1)])

    sums_e6: dict[str, int] = {}
    for place, side in (("below", found.below), ("above", found.above)):
        long, short = within(side.long_e6), within(side.short_e6)
        sums_e6 |= {place: long + short, f"{place}_long": long, f"{place}_short": short}
    return {
        "within_pct": round(percent, 9),
        "price_below": max(found.last_price * (1 - percent / 100), 0.0),  # more than 100% below is still price 0
        "price_above": found.last_price * (1 + percent / 100),
        **{name: usd_e6 / 1e6 for name, usd_e6 in sums_e6.items()},
    }


def hours_record(table: HourTable) -> dict[str, Any]:
    """Convert the table by hour; ``start`` is ``HH:MM`` where hours of several days are added up."""
    return {
        "step_s": table.step_us // US_PER_S,
        "of_day": table.of_day,
        "rows": [
            {
                "start": _format_clock(row.start_us) if table.of_day else format_iso(row.start_us),
                "span_s": row.span_us / US_PER_S,
                "notional": row.notional,
                "long_notional": row.long_notional,
                "short_notional": row.short_notional,
                "events": row.long_events + row.short_events,
                "long_events": row.long_events,
                "short_events": row.short_events,
                "coverage": row.coverage,
            }
            for row in table.rows
        ],
    }


def _format_clock(of_day_us: int) -> str:
    return f"{of_day_us // HOUR_US:02d}:{of_day_us % HOUR_US // MINUTE_US:02d}"
