"""Format prices, USD, shares, times and axis labels, in one place, so that figures, pages and tables agree."""

from __future__ import annotations

import math
from decimal import Decimal

from liqcli.core.model import from_us

_MOST_DECIMALS = 24  # smaller values do not occur
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


def format_usd(value: float) -> str:
    """Format USD briefly, with three or four digits: ``88.3M``, ``1.25K``, ``742``, ``0.68``, ``0``."""
    size = abs(value)
    sign = "-" if value < 0 else ""
    for step, letter in _STEPS:
        if size >= step * 0.9995:
            return f"{sign}{_three_figures(size / step)}{letter}"
    if size == 0:
        return "0"
    if size >= 0.995:
        return f"{sign}{_three_figures(size)}"
    decimals = min(_MOST_DECIMALS, 1 - math.floor(math.log10(size)))  # two figures, and never an exponent
    return f"{sign}{size:.{decimals}f}".rstrip("0").rstrip(".")


def format_usd_signed(value: float) -> str:
    """Format a change in USD briefly: ``+626K``, ``-41.0M``, ``0``."""
    return f"+{format_usd(value)}" if value > 0 else format_usd(value)


def format_usd_exact(value: float) -> str:
    """Format USD in full, with cents: ``26,853,827.90``."""
    return f"{value:,.2f}"


def format_exact(value: float) -> str:
    """Format a number so that it parses to the same double, without an exponent: ``0.00002105``, ``104.5``."""
    return f"{Decimal(repr(value)):f}"


def format_count(value: int) -> str:
    """Format a count with separators: ``1,844``."""
    return f"{value:,}"


def format_counted(value: int, word: str) -> str:
    """Format a count with its noun: ``1 row``, ``1,844 rows``."""
    return f"{format_count(value)} {word}{'s' * (value != 1)}"


def format_share(part: float, whole: float) -> str:
    """Format a share in percent, with one decimal below ten: ``72%``, ``4.6%``, ``<0.1%``."""
    if whole <= 0:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1%"
    if 99.95 <= percent < 100:
        return ">99.9%"
    whole_number = percent == 0 or 9.95 <= percent < 99.5 or percent >= 100  # 99.6% is not "100%"
    return f"{percent:.0f}%" if whole_number else f"{percent:.1f}%"


def format_coverage(share: float) -> str:
    """Format a coverage of 0 to 1: ``97.5%``; ``100%`` only if complete, ``0%`` only if there is none."""
    if share <= 0 or share >= 1:
        return "0%" if share <= 0 else "100%"
    percent = 100 * share
    return "<0.1%" if percent < 0.1 else ">99.9%" if percent > 99.9 else f"{percent:.1f}%"


def format_percent(value: float) -> str:
    """Format a round percentage: ``0.5%``, ``2%``, ``1,000%``."""
    text = f"{value:,.9f}"
    return f"{text.rstrip('0').rstrip('.')}%"


def format_percent_signed(value: float) -> str:
    """Format a signed percentage: ``+1.09%``, ``-5.21%``; what rounds to zero has no sign: ``0.00%``."""
    text = f"{value:+,.2f}"
    return "0.00%" if text[1:] == "0.00" else f"{text}%"


def format_times_signed(value: float) -> str:
    """Format a signed multiple, such as a distance in ATR: ``+6.25``, ``-0.40``, ``0.00``."""
    text = f"{value:+,.2f}"
    return "0.00" if text[1:] == "0.00" else text


def price_decimals(step: float) -> int:
    """Count the decimals a price needs to show steps of this size."""
    if step <= 0 or not math.isfinite(step):
        return 2
    for decimals in range(_MOST_DECIMALS):
        if abs(round(step, decimals) - step) <= step * 1e-9:
            return decimals
    return _MOST_DECIMALS


def format_price(value: float, step: float | None = None) -> str:
    """
    Format a price without an exponent: ``101,272``, ``152.35``, ``0.00002105``.

    ``step`` (a bin width or tick) determines the decimals; without it there are five or six digits.
    """
    if step is not None:
        return f"{value:,.{price_decimals(step)}f}"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    decimals = max(0, min(_MOST_DECIMALS, 4 - magnitude)) if magnitude < 4 else (1 if magnitude == 4 else 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_time(ts_us: int, seconds: bool = False) -> str:
    """Format an instant in UTC: ``2024-12-04 16:46`` (``:25`` with seconds)."""
    return from_us(ts_us).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def format_change(ratio: float | None, previous: float | None) -> str:
    """Format a change: ``+35%``, ``-100%``, ``× 12`` from tenfold on, ``new`` after nothing, ``unknown``."""
    if ratio is None:
        return "unknown" if previous is None else "new"
    if ratio >= 9:
        return f"× {1 + ratio:,.0f}"
    text = f"{100 * ratio:+.0f}"
    return f"{'±0' if float(text) == 0 else text}%"


def format_iso(ts_us: int) -> str:
    """Format an instant as ISO 8601 UTC, as short as exactness allows: ``2024-12-04T16:46:25.584Z``."""
    moment = from_us(ts_us)
    timespec = "seconds" if moment.microsecond == 0 else "milliseconds" if moment.microsecond % 1000 == 0 else "auto"
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")


def format_duration(length_us: int) -> str:
    """Format a duration: ``2 d 3 h``, ``4 h 48 min``, ``1 min 30 s``, ``35 s``."""
    seconds = round(length_us / 1e6)
    if seconds < 3600:
        parts = [(seconds // 60, "min"), (seconds % 60, "s")]
        return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 s"
    minutes = round(seconds / 60)
    days, rest = divmod(minutes, 1440)
    hours, mins = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (mins if not days else 0, "min")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n)


def _three_figures(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


_SPELLED_OUT = 10_000  # counts below this are written in full


def format_tick(value: float, unit: str) -> str:
    """Format a round amount without trailing zeros: ``2M``, ``2.5M``, ``100K``."""
    text = format_amount(value, unit)
    letter = text[-1] if text[-1].isalpha() else ""
    figures = text.removesuffix(letter)
    return (figures.rstrip("0").rstrip(".") if "." in figures else figures) + letter


def format_axis(value: float, step: float, unit: str) -> str:
    """Format an amount for an axis with labels ``step`` apart, with enough digits to distinguish them."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= size and unit != "events":
            return f"{value / size:,.{price_decimals(step / size)}f}{letter}"
    return f"{value:,.{price_decimals(step)}f}"


def format_amount(value: float, unit: str) -> str:
    """Format an amount briefly: ``88.3M`` for USD and coins, ``1,844`` for a number of events."""
    if unit == "events" and value < _SPELLED_OUT:
        return format_count(round(value))
    return format_usd(value)
