"""What index and digest show of each report: its figures, its change, and in few words what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liqcli.formats import format_coverage

WHOLE = 0.999  # coverage that needs no remark
NAMED = 3  # sources that a row of the overview names
Card = dict[str, Any]


def build_card(entry: Card) -> Card:
    """Add to a report's entry what a template would otherwise have to compute."""
    if entry["status"] != "ok":
        return entry
    old = entry["previous"] or {}
    return {
        **entry,
        "long_percent": percent(entry["long_notional"], entry["notional"]),
        "change": describe_change(entry["notional"], old.get("notional")),
        "price_change": describe_change(entry["last_price"], old.get("last_price"), decimals=2),
    }


def build_overview(cards: Sequence[Card], lookbacks: Sequence[str]) -> list[dict[str, Any]]:
    """Put the cards of a symbol into one row, a cell a lookback, with what is wrong and what is to be known."""
    rows = []
    for symbol in dict.fromkeys(card["symbol"] for card in cards):
        own = {card["lookback"]: card for card in cards if card["symbol"] == symbol}
        cells = [own[lookback] for lookback in lookbacks]
        troubles = _troubles(cells)
        good = [cell for cell in cells if cell["status"] == "ok"]  # they end together, so at one price
        rows.append(
            {
                "symbol": symbol,
                "cells": cells,
                "price": good[0]["last_price"] if good else None,
                "price_change": good[0]["price_change"] if good else None,
                "bad": len(good) < len(cells) or bool(troubles),
                "troubles": troubles,
                "coverage": _coverage(cells),
            }
        )
    return rows


def _troubles(cards: Sequence[Card]) -> list[str]:
    """Say what is missing of a symbol; that a report is missing stands in its place, and the page says all in full."""
    missing = list(dict.fromkeys(text.split(":")[0] for card in cards for text in card["troubles"]))
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    damaged = {path for card in cards if card["status"] == "ok" for path in card["damaged"]}
    return [
        *([f"not all came from {', '.join(missing[:NAMED])}{more}"] if missing else []),
        *([f"{len(damaged)} damaged file{'s' if len(damaged) > 1 else ''} left out"] if damaged else []),
    ]


def _coverage(cards: Sequence[Card]) -> str:
    """Say where nobody recorded all of a window: no fault of this run, but to be known."""
    known = [(card["lookback"], card["coverage"]) for card in cards if card["status"] == "ok"]
    said = [
        f"{lookback} {'unknown' if share is None else format_coverage(share)}"
        for lookback, share in known
        if share is None or share < WHOLE
    ]
    return f"coverage {', '.join(said)}" if said else ""


def describe_change(new: float, old: float | None, decimals: int = 0) -> str | None:
    """Write a change for people: ``+35 %``, ``-4.20 %``, ``× 12`` from ten on; None where it has no meaning."""
    if not old or old < 0:
        return None
    factor = new / old
    if factor >= 10:
        return f"× {factor:,.0f}"
    text = f"{100 * (factor - 1):+.{decimals}f}"
    return f"{'±0' if float(text) == 0 else text} %"


def percent(part: float, whole: float) -> float:
    """Give a part in percent, for the length of a bar."""
    return round(100 * part / whole, 2) if whole > 0 else 0.0
