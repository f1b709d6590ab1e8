"""
The section "In brief": five sentences on a window, made only from the numbers of its document.

Each sentence is left out, or says so in words, where its numbers are unknown. A price after a cascade is used only if
it was known before the end of the window.
"""

from __future__ import annotations

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
from liqcli.core.model import US_PER_S
from liqcli.report.data_sentence import Record, describe_data, format_stamp, is_partial, read_stamp

MOST_HOURS = 48  # longer windows are given in days
NAMED = 3  # exchanges named with their share
AFTER_US = {"15m": 15 * 60 * US_PER_S, "1h": 3600 * US_PER_S}
AFTER_WORDS = {"15m": "15 min", "1h": "1 h"}
NEAR_PCT = 1.0  # distance in the third sentence where there are no clusters
HOUR_S = 3600


def build_brief(report: Record) -> list[str]:
    """
    Build the points: amount and side, concentration, levels near the price, largest cascade, completeness.

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
            describe_data(report),
        )
        if text
    ]


def _describe_amount(report: Record) -> str:
    meta = report["meta"]
    start, end = read_stamp(meta["start"]), read_stamp(meta["end"])
    least = "At least " if meta["completeness"] != "full" or is_partial(report["coverage"]["share"]) else ""
    side = f" {meta['position']}s" if meta["position"] != "both" else ""
    hours, rest = divmod(end - start, 3600 * US_PER_S)
    length = f"{hours} h" if not rest and hours <= MOST_HOURS else format_duration(end - start)
    events = format_counted(meta["events"], "event")
    if meta["min_usd"]:
        events += f" of at least {format_usd(meta['min_usd'])} USD"
    return (
        f"{least}{format_usd(meta['notional'])} USD of {meta['symbol']}{side} was liquidated{_where(report)} in the "
        f"{_recorded(report['coverage']['share'])}{length} "
        f"to {format_time(end)} UTC, in {events}{_sides(meta)}.{_describe_largest(report)}"
    )


def _describe_largest(report: Record) -> str:
    event, meta = report["largest_event"], report["meta"]
    if meta["events"] == 1:
        return f" It was at {format_price(event['price'])}, {format_stamp(event['time'])} UTC."
    where = f", {event['exchange']}" if len(report["exchanges"]) > 1 else ""
    several = any(cascade["events"] > cascade["orders"] for cascade in report["cascades"])
    name = "Largest event (an order can have several)" if several else "Largest event"
    return (
        f" {name}: {event['position']}, {format_usd(event['notional'])} USD at {format_price(event['price'])}"
        f"{where}, {format_stamp(event['time'])} UTC."
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
    busiest = _describe_busiest(report)
    if not clusters:
        bands = report["bands"][:NAMED]
        share = format_share(sum(band["share"] for band in bands), 1.0)
        steps = f"the {len(bands)} largest price steps hold" if len(bands) > 1 else "the largest price step holds"
        return f"No price band stands out; {steps} {share} of the total. {busiest}"
    first = clusters[0]
    whole = format_share(sum(part["share"] for part in clusters), 1.0)
    holds = f"{_band(first)}, with {format_usd(first['notional'])} USD ({format_share(first['share'], 1.0)})"
    if len(clusters) == 1:
        return f"One cluster: {holds}{_describe_heavier(report)}. {busiest}"
    zone = f"; {describe_zone(report['zones'][0])}" if report["zones"] else ""
    heavier = _describe_heavier(report)
    return f"{len(clusters)} clusters hold {whole} of the total; the largest: {holds}{heavier}{zone}. {busiest}"


def _describe_heavier(report: Record) -> str:
    """Name the price step that holds more than the first cluster and is none."""
    for step in report["heavy_outside"][:1]:
        if step["notional"] > report["clusters"][0]["notional"]:
            return f"; {_band(step)} holds {format_usd(step['notional'])} USD, but {step['reason']}"
    return ""


def describe_zone(zone: Record) -> str:
    """Describe touching clusters: ``clusters 2 and 3 form one zone: 98,800 – 99,400, 4.10M USD together (15%)``."""
    ranks = [str(rank) for rank in sorted(zone["ranks"])]
    together = f"{format_usd(zone['notional'])} USD together ({format_share(zone['share'], 1.0)})"
    return f"clusters {', '.join(ranks[:-1])} and {ranks[-1]} form one zone: {_band(zone)}, {together}"


def _describe_busiest(report: Record) -> str:
    """Describe the step of the table by hour with the most USD; of a longer window, the column of the map."""
    meta, hours = report["meta"], report["hours"]
    start, usd, length_s = meta["busiest_start"], meta["busiest_notional"], meta["bucket_s"]
    if not hours["of_day"]:
        top = max(hours["rows"], key=lambda row: row["notional"])
        start, usd, length_s = top["start"], top["notional"], hours["step_s"]
    length = "hour" if length_s == HOUR_S else _length(length_s)
    share = format_share(usd, meta["notional"])
    return f"Busiest {length}: {format_stamp(start)} UTC, {format_usd(usd)} USD ({share})."


def _describe_levels(report: Record) -> str:
    meta, clusters, nearest = report["meta"], report["clusters"], report["nearest"]
    price = format_price(meta["last_price"])
    if not clusters:
        return _describe_reach(report, price)
    inside = [f", inside cluster {part['rank']}, {_band(part)}" for part in clusters if part["side"] == "at price"]
    parts = [f"Last price {price}{''.join(inside)}."]
    for side in ("above", "below"):
        near, large = nearest[f"nearest_{side}"], nearest[f"largest_{side}"]
        if near is None:
            recorded = " among the recorded events" if is_partial(report["coverage"]["share"]) else ""
            parts.append(f"No cluster {side}{recorded}.")
            continue
        alone = sum(part["side"] == side for part in clusters) == 1
        which = "the only cluster" if alone else "nearest and largest cluster" if large == near else "nearest cluster"
        further = f"; largest {_level(clusters[large - 1])}" if large != near else ""
        parts.append(f"{side.capitalize()}: {which} {_level(clusters[near - 1])}{further}.")
    return " ".join(parts)


def _describe_reach(report: Record, price: str) -> str:
    rows = [row for row in report["cumulative"]["reach"] if row["within_pct"] >= NEAR_PCT]
    row = rows[0] if rows else report["cumulative"]["reach"][-1]
    within = f"{row['within_pct']:.2f}".rstrip("0").rstrip(".")
    if within == "0":
        return f"Last price {price}. Everything was liquidated at this price."
    below, above = (f"{format_usd(row[side])} USD" if row[side] else "nothing" for side in ("below", "above"))
    return f"Last price {price}. Liquidated within {within}% below it: {below}; within {within}% above it: {above}."


def _level(part: Record) -> str:
    away = part["distance_pct"]
    peak = "" if away is None else f", peak {format_price(part['peak_price'])}, {format_percent_signed(away)}"
    return f"{_band(part)} ({format_usd(part['notional'])} USD{peak})"


def _describe_cascade(report: Record) -> str:
    meta, cascades = report["meta"], report["cascades"]
    if meta["too_little_data"]:
        return ""  # the second sentence says so
    if not cascades:
        return "No cascade: no minute had enough orders and USD above the baseline of the window."
    first = cascades[0]
    recorded = " recorded" if is_partial(report["coverage"]["share"]) else ""
    count = f"Largest of {len(cascades)}{recorded} cascades" if len(cascades) > 1 else f"One{recorded} cascade"
    return (
        f"{count}: {format_usd(first['notional'])} USD in {_length(first['seconds'])} from "
        f"{format_stamp(first['start'])} UTC, {format_share(first['position_share'], 1.0)} {first['position']}s, from "
        f"{format_price(first['price_from'])} to {format_price(first['price_to'])}; {describe_after(first, meta)}."
    )


def describe_after(cascade: Record, meta: Record) -> str:
    """Describe the price 15 min and 1 h after a cascade, as far as it was known at the end of the window."""
    left = read_stamp(meta["end"]) - read_stamp(cascade["end"])
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
        else "the price afterwards is unknown (candles missing or too coarse)"
    )


def _move(percent: float) -> str:
    if format_percent_signed(percent) == format_percent_signed(0):
        return "unchanged"
    return f"{abs(percent):,.2f}% {'higher' if percent > 0 else 'lower'}"


def _recorded(share: float | None) -> str:
    return f"recorded {format_coverage(share)} of the " if share is not None and is_partial(share) else ""


def _band(part: Record) -> str:
    return f"{format_price(part['low'], part['step'])} – {format_price(part['high'], part['step'])}"


def _length(seconds: float) -> str:
    return format_duration(round(seconds * US_PER_S))
