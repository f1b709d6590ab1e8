"""How an amount in the unit of the picture is written."""

from __future__ import annotations

from liqcli.formats import format_count, format_usd, price_decimals

_SPELLED_OUT = 10_000  # counts below this are written in full


def format_tick(value: float, unit: str) -> str:
    """Write a round amount without idle zeros: ``2M``, ``2.5M``, ``100K``."""
    text = format_amount(value, unit)
    letter = text[-1] if text[-1].isalpha() else ""
    figures = text.removesuffix(letter)
    return (figures.rstrip("0").rstrip(".") if "." in figures else figures) + letter


def format_axis(value: float, step: float, unit: str) -> str:
    """Write an amount on an axis whose labels lie ``step`` apart, with as many figures as tell them apart."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= size and unit != "events":
            return f"{value / size:,.{price_decimals(step / size)}f}{letter}"
    return f"{value:,.{price_decimals(step)}f}"


def format_amount(value: float, unit: str) -> str:
    """Write an amount short: ``88.3M`` for USD and coins, ``1,844`` for a number of events."""
    if unit == "events" and value < _SPELLED_OUT:
        return format_count(round(value))
    return format_usd(value)
