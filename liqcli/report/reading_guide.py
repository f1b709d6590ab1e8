"""How to read such a map, for somebody who sees one for the first time: said with the report's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liqcli.core.formatting import format_duration, format_price, format_share, format_time, format_usd
from liqcli.core.model import to_us
from liqcli.core.wording import COMPLETENESS


def build_reading_guide(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Explain the words of a report, each with an example out of it: pairs of term and text."""
    meta = report["meta"]
    length = format_duration(round(meta["bucket_s"] * 1e6))
    return [
        (
            "A cell",
            f"One price step by one time step: {format_price(meta['bin_width'], meta['bin_width'])} by {length}. "
            "It is coloured where exchanges closed positions by force, the hotter the more USD. The hottest one here: "
            f"{_hottest(report)}.",
        ),
        (
            "A band behind the cells",
            "What was liquidated at that price up to that moment of the window. It begins with the first event and "
            "only gets stronger: a memory, not a forecast.",
        ),
        (
            "Long, short",
            "The position that was closed. Closing a long is a forced sale and mostly prints while the price falls; "
            "closing a short is a forced purchase and mostly prints while it rises.",
        ),
        (
            "A cluster",
            "A price band in which much more was liquidated than around it, numbered by USD; one large order alone is "
            f"none. {_first_cluster(report)}",
        ),
        (
            "A cascade",
            "A burst in time: many forced orders within seconds or minutes, far above this window's own baseline. "
            f"{_first_cascade(report)}",
        ),
        (
            "Realized, not estimated",
            "Most maps on the web estimate where open positions would be liquidated. This one shows forced orders "
            "that exchanges published. A hot place is one where leverage has been cleared, not one where it waits.",
        ),
        (
            "Not open interest",
            "Open interest counts open contracts; it also falls when traders close by themselves, and rises while "
            "others are liquidated. A spot market has neither: coins that were paid for in full cannot be liquidated.",
        ),
        (
            "How complete",
            f"Here: {COMPLETENESS[meta['completeness']]}. Hatched stretches were not recorded. Exchanges state "
            "different kinds of price; a bankruptcy price lies about half a percent beyond the price really paid.",
        ),
        (
            "How to use it",
            "Choose a lookback that fits the trade (1 h scalping, 4 h swing, 24 h broad, 7 d days, 30 d weeks). See "
            "which clusters lie nearest above and below, and on which key levels. Then ask the four questions; three "
            "answered yes is the bar.",
        ),
        (
            "What it cannot tell",
            "Where the price will go: no refereed study shows that such clusters attract it. Nor who was liquidated, "
            "what they lost, or what happened where nobody listened.",
        ),
    ]


def _hottest(report: Mapping[str, Any]) -> str:
    cell = report["hottest"]
    return f"{_band(cell, report)} from {_time(cell['start'])} UTC on, {format_usd(cell['notional'])} USD"


def _first_cluster(report: Mapping[str, Any]) -> str:
    if not report["clusters"]:
        return "There is none in this window."
    first = report["clusters"][0]
    return (
        f"No. 1 here: {_band(first, report)}, {format_usd(first['notional'])} USD, "
        f"{format_share(first['share'], 1.0)} of the window."
    )


def _first_cascade(report: Mapping[str, Any]) -> str:
    if not report["cascades"]:
        return "There is none in this window."
    first = report["cascades"][0]
    return (
        f"The largest here: {format_usd(first['notional'])} USD within "
        f"{format_duration(round(first['seconds'] * 1e6))} from {_time(first['start'])} UTC on."
    )


def _band(part: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    step = part.get("step", report["meta"]["bin_width"])
    return f"{format_price(part['low'], step)} – {format_price(part['high'], step)}"


def _time(iso: str) -> str:
    from datetime import datetime

    return format_time(to_us(datetime.fromisoformat(iso)))
