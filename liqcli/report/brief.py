"""
The section "In brief": five sentences on a window, made only from the numbers of its document.

Each sentence is left out, or says so in words, where its numbers are unknown. A price after a cascade is used only if
it was known before the end of the window.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from liqcli.analysis.thin_data import LEAST_EVENTS, LEAST_USD
from liqcli.core.formatting import (
    format_count,
    format_counted,
    format_coverage,
    format_duration,
    format_percent_signed,
    format_price,
    format_share,
    format_time,
    format_usd,
)
from liqcli.core.model import US_PER_S, to_us

WHOLE = 0.999  # coverage from which nothing is missing, as on the badges of a page
MOST_HOURS = 48  # longer windows are given in days
NAMED = 3  # exchanges named with their share
AFTER_US = {"15m": 15 * 60 * US_PER_S, "1h": 3600 * US_PER_S}
AFTER_WORDS = {"15m": "15 min", "1h": "1 h"}
NEAR_PCT = 1.0  # distance in the third sentence where there are no clusters

Record = Mapping[str, Any]


def build_brief(report: Record) -> list[str]:
    """
    Build the sentences: amount and side, concentration, levels near the price, largest cascade, completeness.

    Parameters
    ----------
    report : mapping
        The sections of :data:`liqcli.report.document.SECTIONS`.
    """
    return [
        text
        for text in (
            _describe_amount(report),
            _describe_concentration(report),
            _describe_levels(report),
            _describe_cascade(report),
            _describe_data(report),
        )
        if text
    ]


def _describe_amount(report: Record) -> str:
    meta = report["meta"]
    start, end = _us(meta["start"]), _us(meta["end"])
    least = "At least " if meta["completeness"] != "full" or _is_partial(report["coverage"]["share"]) else ""
    side = f" {meta['position']}s" if meta["position"] != "both" else ""
    hours, rest = divmod(end - start, 3600 * US_PER_S)
    length = f"{hours} h" if not rest and hours <= MOST_HOURS else format_duration(end - start)
    events = format_counted(meta["events"], "event")
    if meta["min_usd"]:
        events += f" of at least {format_usd(meta['min_usd'])} USD"
    return (
        f"{least}{format_usd(meta['notional'])} USD of {meta['symbol']}{side} was liquidated{_where(report)} in the "
        f"{length} to {format_time(end)} UTC, in {events}{_sides(meta)}."
    )


def _where(report: Record) -> str:
    exchanges = report["exchanges"]
    if len(exchanges) == 1:
        return f" on {exchanges[0]['exchange']}"
    named = [f"{part['exchange']} {format_share(part['share'], 1.0)}" for part in exchanges[:NAMED]]
    more = len(exchanges) - NAMED
    listed = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    return f" on {len(exchanges)} exchanges ({listed})"


def _sides(meta: Record) -> str:
    if meta["position"] != "both":
        return ""
    sides = sorted((("longs", meta["long_notional"]), ("shorts", meta["short_notional"])), key=lambda side: -side[1])
    if not sides[1][1]:
        return f", all of it {sides[0][0]}"
    shown = [f"{format_share(usd, meta['notional'])} {name} ({format_usd(usd)})" for name, usd in sides]
    return f": {shown[0]}, {shown[1]}"


def _describe_concentration(report: Record) -> str:
    meta, clusters = report["meta"], report["clusters"]
    if meta["too_little_data"]:
        return (
            f"Too little data for clusters and cascades, which need {LEAST_EVENTS} events and "
            f"{format_count(int(LEAST_USD))} USD."
        )
    busiest = (
        f"the busiest {_length(meta['bucket_s'])} began at {_time(meta['busiest_start'])} UTC, with "
        f"{format_usd(meta['busiest_notional'])} USD"
    )
    if not clusters:
        bands = report["bands"][:NAMED]
        share = format_share(sum(band["share"] for band in bands), 1.0)
        return f"No price band stands out; the largest {len(bands)} price steps hold {share} of it; {busiest}."
    first = clusters[0]
    whole = format_share(sum(part["share"] for part in clusters), 1.0)
    holds = f"{_band(first)}, holds {format_usd(first['notional'])} USD ({format_share(first['share'], 1.0)})"
    if len(clusters) == 1:
        return f"The only cluster, {holds}; {busiest}."
    return f"{len(clusters)} clusters hold {whole} of it; the largest, {holds}; {busiest}."


def _describe_levels(report: Record) -> str:
    meta, clusters, nearest = report["meta"], report["clusters"], report["nearest"]
    price = format_price(meta["last_price"])
    if not clusters:
        return _describe_reach(report, price)
    parts = [f"inside cluster {part['rank']}, {_band(part)}" for part in clusters if part["side"] == "at price"]
    for side in ("above", "below"):
        near, large = nearest[f"nearest_{side}"], nearest[f"largest_{side}"]
        if near is None:
            share = report["coverage"]["share"]
            parts.append(f"no cluster {side}{' in what was recorded' if _is_partial(share) else ''}")
            continue
        alone = sum(part["side"] == side for part in clusters) == 1
        which = "only" if alone else "nearest and largest" if large == near else "nearest"
        parts.append(f"{which} cluster {side} {_level(clusters[near - 1])}")
        if large != near:
            parts.append(f"largest {side} {_level(clusters[large - 1])}")
    return f"Last price {price}: {'; '.join(parts)}."


def _describe_reach(report: Record, price: str) -> str:
    rows = [row for row in report["cumulative"]["reach"] if row["within_pct"] >= NEAR_PCT]
    row = rows[0] if rows else report["cumulative"]["reach"][-1]
    within = f"{row['within_pct']:.2f}".rstrip("0").rstrip(".")
    if within == "0":
        return f"Last price {price}: all of it was liquidated at this price."
    return (
        f"Last price {price}: {format_usd(row['below'])} USD was liquidated within {within}% below it, "
        f"{format_usd(row['above'])} USD within {within}% above it."
    )


def _level(part: Record) -> str:
    away = part["distance_pct"]
    peak = "" if away is None else f", peak {abs(away):.2f}% {'above' if away > 0 else 'below'} the price"
    return f"{_band(part)} ({format_usd(part['notional'])} USD{peak})"


def _describe_cascade(report: Record) -> str:
    meta, cascades = report["meta"], report["cascades"]
    if meta["too_little_data"]:
        return ""  # the second sentence says so
    if not cascades:
        return "No cascade: orders and USD per minute stayed within the baseline of the window."
    first = cascades[0]
    count = f"Largest of {len(cascades)} cascades" if len(cascades) > 1 else "One cascade"
    return (
        f"{count}: {format_usd(first['notional'])} USD, {format_share(first['position_share'], 1.0)} "
        f"{first['position']}s, within {_length(first['seconds'])} from {_time(first['start'])} UTC, at prices from "
        f"{format_price(first['price_from'])} to {format_price(first['price_to'])}; {describe_after(first, meta)}."
    )


def describe_after(cascade: Record, meta: Record) -> str:
    """Describe the price 15 min and 1 h after a cascade, as far as it was known at the end of the window."""
    left = _us(meta["end"]) - _us(cascade["end"])
    inside = [name for name, after_us in AFTER_US.items() if after_us <= left]
    if not inside:
        return "the window ends less than 15 min later"
    known = [
        f"{_move(cascade[f'price_after_{name}_pct'])} {AFTER_WORDS[name]} later"
        for name in inside
        if cascade[f"price_after_{name}_pct"] is not None
    ]
    return (
        f"the price was {' and '.join(known)}"
        if known
        else "the price afterwards is unknown (no candles, or too coarse ones)"
    )


def _move(percent: float) -> str:
    if format_percent_signed(percent) == format_percent_signed(0):
        return "unchanged"
    return f"{abs(percent):,.2f}% {'higher' if percent > 0 else 'lower'}"


def _describe_data(report: Record) -> str:
    meta, coverage = report["meta"], report["coverage"]
    parts = [_describe_coverage(coverage)]
    if meta["completeness"] == "sampled":
        feeds = "the feed is a sample" if len(report["exchanges"]) == 1 else "the feeds are samples"
        parts.append(f"{feeds}, so totals are minimums")
    elif meta["completeness"] == "mixed":
        parts.append("some feeds are samples, so totals are minimums")
    elif not _is_partial(coverage["share"]):
        parts.append("the feed is complete")
    if count := len(coverage["damaged"]):
        parts.append(f"{format_counted(count, 'damaged file')} left out")
    kind = (
        "synthetic sample data, not events of an exchange" if meta["sample"] else "realized liquidations, no estimate"
    )
    return f"Data: {'; '.join([*parts, kind])}."


def _describe_coverage(coverage: Record) -> str:
    share = coverage["share"]
    if share is None:
        return "how much of the window was recorded is unknown, so totals may be too low"
    if not _is_partial(share):
        return "the whole window was recorded"
    notes = ["estimated from pauses in the file"] if coverage["inferred"] else []
    if gaps := coverage["gaps"]:
        longest = max(gaps, key=lambda gap: gap["seconds"])
        notes.append(f"{'longest gap' if len(gaps) > 1 else 'gap'} {_span(longest)}")
    text = f"{format_coverage(share)} of the window was recorded"
    return f"{text} ({'; '.join(notes)})" if notes else text


def _is_partial(share: float | None) -> bool:
    return share is None or share < WHOLE


def _span(part: Record) -> str:
    start, end = _time(part["start"]), _time(part["end"])
    return f"{start} to {end[11:] if end[:10] == start[:10] else end} UTC"


def _band(part: Record) -> str:
    return f"{format_price(part['low'], part['step'])} – {format_price(part['high'], part['step'])}"


def _length(seconds: float) -> str:
    return format_duration(round(seconds * US_PER_S))


def _time(iso: str) -> str:
    return format_time(_us(iso))


def _us(iso: str) -> int:
    return to_us(datetime.fromisoformat(iso))
