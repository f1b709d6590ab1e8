"""What a report says of its data: recorded share, moves of the price in gaps, completeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from liqcli.core.formatting import format_counted, format_coverage, format_price, format_time
from liqcli.core.model import to_us

WHOLE = 0.999  # coverage from which nothing is missing, as on the badges of a page
MOVE_PCT = 1.0  # smallest move of the price in a gap that is named

Record = Mapping[str, Any]


def describe_data(report: Record) -> str:
    """Describe coverage, moves of the price in gaps, completeness and damaged files."""
    meta, coverage = report["meta"], report["coverage"]
    parts = [_describe_coverage(coverage), *_describe_moves(coverage["gaps"])]
    if coverage["share"] is None and meta["completeness"] == "full":
        parts.append("totals may be too low")
    elif meta["completeness"] == "sampled":
        feeds = "the feed is a sample" if len(report["exchanges"]) == 1 else "the feeds are samples"
        parts.append(f"{feeds}, so totals are minimums")
    elif meta["completeness"] == "mixed":
        parts.append("some feeds are samples, so totals are minimums")
    elif not is_partial(coverage["share"]):
        parts.append("the feed is complete")
    if count := len(coverage["damaged"]):
        parts.append(f"{format_counted(count, 'damaged file')} left out")
    kind = "synthetic sample data, not events of an exchange" if meta["sample"] else "realized liquidations only"
    return f"Data: {'; '.join([*parts, kind])}."


def list_moves(gaps: Sequence[Record]) -> list[Record]:
    """List the gaps in which the price moved enough for liquidations to be likely, the largest move first."""
    moves = [gap for gap in gaps if abs(gap["move_pct"] or 0.0) >= MOVE_PCT]
    return sorted(moves, key=lambda gap: -abs(gap["move_pct"]))


def _describe_moves(gaps: Sequence[Record]) -> list[str]:
    """Describe the largest move of the price in a gap."""
    return [f"while nothing was recorded, the price {describe_move(gap)}" for gap in list_moves(gaps)[:1]]


def describe_move(gap: Record) -> str:
    """Describe the move in a gap: ``fell by up to 8.5%, from 99,000 to 90,500 (…)``."""
    return (
        f"{'fell' if gap['move_pct'] < 0 else 'rose'} by up to {abs(gap['move_pct']):.1f}%, "
        f"from {format_price(gap['price_from'])} to {format_price(gap['price_furthest'])} ({_span(gap)})"
    )


def _describe_coverage(coverage: Record) -> str:
    share = coverage["share"]
    if share is None:
        return "how much of the window was recorded is unknown"
    if not is_partial(share):
        return "the whole window was recorded"
    notes = ["estimated from pauses in the file"] if coverage["inferred"] else []
    if gaps := coverage["gaps"]:
        longest = max(gaps, key=lambda gap: gap["seconds"])
        notes.append(f"{'longest gap' if len(gaps) > 1 else 'gap'} {_span(longest)}")
    text = f"{format_coverage(share)} of the window was recorded"
    return f"{text} ({'; '.join(notes)})" if notes else text


def is_partial(share: float | None) -> bool:
    """Return whether part of a window is unrecorded, or unknown."""
    return share is None or share < WHOLE


def _span(part: Record) -> str:
    start, end = format_stamp(part["start"]), format_stamp(part["end"])
    return f"{start} to {end[11:] if end[:10] == start[:10] else end} UTC"


def format_stamp(iso: str) -> str:
    """Format a time of the document, to the minute."""
    return format_time(read_stamp(iso))


def read_stamp(iso: str) -> int:
    """Read a time of the document. [µs UTC]"""
    return to_us(datetime.fromisoformat(iso))
