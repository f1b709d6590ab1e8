"""How an amount in the unit of the picture is written."""

from __future__ import annotations

from liqcli.formats import format_count, format_usd

_SPELLED_OUT = 10_000  # counts below this are written in full


def format_tick(value: float, unit: str) -> str:
    """Write a round amount without idle zeros: ``2M``, ``2.5M``, ``100K``."""
    text = format_amount(value, unit)
    letter = text[-1] if text[-1].isalpha() else ""
    figures = text.removesuffix(letter)
    return (figures.rstrip("0").rstrip(".") if "." in figures else figures) + letter


def format_amount(value: float, unit: str) -> str:
    """Write an amount short: ``88.3M`` for USD and coins, ``1,844`` for a number of events."""
    if unit == "events" and value < _SPELLED_OUT:
        return format_count(round(value))
    return format_usd(value)
