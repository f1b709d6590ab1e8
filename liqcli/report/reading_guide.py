"""The section "How to read this map": each term of a report explained with the report's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liqcli.core.formatting import format_duration, format_price, format_share, format_time, format_usd
from liqcli.core.model import to_us
from liqcli.core.wording import COMPLETENESS


def build_reading_guide(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Explain the terms of a report, with examples from it: pairs of term and text."""
    meta = report["meta"]
    length = format_duration(round(meta["bucket_s"] * 1e6))
    return [
        (
            "Cell",
            f"One price step and one time step: {format_price(meta['bin_width'], meta['bin_width'])} by {length}. "
            "Colour shows how much was liquidated there, from cold to hot. The hottest cell of this report: "
            f"{_hottest(report)}.",
        ),
        (
            "Field behind the cells",
            "The cumulative amount liquidated at this price since the start of the window. It starts with the first "
            "event, only grows, and is smoothed for display. It shows the past and is not a forecast.",
        ),
        (
            "Long, short",
            "The position that was closed. Closing a long is a forced sale, mostly while the price falls; closing a "
            "short is a forced purchase, mostly while it rises.",
        ),
        (
            "Cluster",
            "A price band with far more liquidations than its surroundings, ranked by USD. One large order alone does "
            f"not make a cluster. {_first_cluster(report)}",
        ),
        (
            "Cascade",
            "A burst of many forced orders within seconds or minutes, far above the baseline of this window. "
            f"{_first_cascade(report)}",
        ),
        (
            "Realized, not estimated",
            "Most maps on the web estimate where open positions would be liquidated. This one shows forced orders "
            "that exchanges published: leverage that is gone, not leverage that is still open.",
        ),
        (
            "Not open interest",
            "Open interest counts open contracts. It also falls when traders close positions themselves, and can rise "
            "while others are liquidated. Spot markets have neither: fully paid coins cannot be liquidated.",
        ),
        (
            "Completeness",
            f"Here: {COMPLETENESS[meta['completeness']]}. Hatched time was not recorded. Exchanges publish different "
            "kinds of prices; a bankruptcy price is about 0.5% beyond the price paid.",
        ),
        (
            "How to use it",
            "Choose a lookback that fits the trade (1 h scalping, 4 h swing, 24 h broad, 7 d days, 30 d weeks). Find "
            "the nearest clusters above and below and their key levels. Then check the trade checklist; it passes "
            "with 3 of 4.",
        ),
        (
            "Limits",
            "The map does not show where the price will go: no peer-reviewed study shows that liquidation clusters "
            "attract the price. It does not show who was liquidated, what they lost, or what was not recorded.",
        ),
    ]


def _hottest(report: Mapping[str, Any]) -> str:
    cell = report["hottest"]
    return f"{_band(cell, report)} from {_time(cell['start'])} UTC, {format_usd(cell['notional'])} USD"


def _first_cluster(report: Mapping[str, Any]) -> str:
    if not report["clusters"]:
        return "This window has none."
    first = report["clusters"][0]
    return (
        f"The largest one here: {_band(first, report)}, {format_usd(first['notional'])} USD, "
        f"{format_share(first['share'], 1.0)} of the window."
    )


def _first_cascade(report: Mapping[str, Any]) -> str:
    if not report["cascades"]:
        return "This window has none."
    first = report["cascades"][0]
    return (
        f"The largest here: {format_usd(first['notional'])} USD within "
        f"{format_duration(round(first['seconds'] * 1e6))} from {_time(first['start'])} UTC."
    )


def _band(part: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    step = part.get("step", report["meta"]["bin_width"])
    return f"{format_price(part['low'], step)} – {format_price(part['high'], step)}"


def _time(iso: str) -> str:
    from datetime import datetime

    return format_time(to_us(datetime.fromisoformat(iso)))
