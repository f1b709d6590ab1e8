"""Words that reports, figures and tables share: completeness, price kinds, coverage, hours, open interest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from liqcli.core.formatting import (
    format_count,
    format_counted,
    format_coverage,
    format_duration,
    format_percent_signed,
    format_share,
    format_time,
    format_usd,
    format_usd_signed,
)
from liqcli.core.model import to_us

COMPLETENESS: Mapping[str, str] = {
    "full": "every liquidation the exchange publishes",
    "sampled": "sampled: the feed omits orders, often all but one per second, so totals are minimums",
    "mixed": "some exchanges publish every liquidation, others only a sample, so totals are minimums",
}
SHORT_COMPLETENESS: Mapping[str, str] = {
    "full": "full feed",
    "sampled": "sampled, totals are minimums",
    "mixed": "partly sampled, totals are minimums",
}
PRICE_KINDS: Mapping[str, str] = {
    "fill": "average fill price",
    "order": "limit price of the forced order (on Binance about 0.4% beyond the fill for BTC)",
    "bankruptcy": "bankruptcy price, about one maintenance margin beyond the fill (0.5% on Bybit)",
    "trigger": "trigger (liquidation) price, before the fill",
    "market": "moved to the nearest price traded in its minute (from candles)",
}


def describe_coverage(share: float | None, inferred: bool) -> str:
    """Describe the recorded share of a window, and whether it is inferred."""
    if share is None:
        return "unknown"
    text = format_coverage(share)
    return f"{text} (estimated from pauses in the file)" if inferred else text


def list_exchanges(names: Sequence[str], most: int = 4) -> str:
    """Join names as ``binance, bybit, okx``, or ``binance, bybit, okx and 3 more``."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


def describe_dated(parts: Sequence[Mapping[str, Any]], most: int = 3) -> str:
    """Describe the dated contracts among contracts of another expiry, with their shares; empty if there are none."""
    if not parts:
        return ""
    named = [f"{part['symbol']} ({format_share(part['share'], 1.0)} of the USD)" for part in parts[:most]]
    if len(parts) > most:
        named.append(
            f"{len(parts) - most} more ({format_share(sum(p['share'] for p in parts[most:]), 1.0)} of the USD)"
        )
    return f"includes dated futures, whose prices differ: {', '.join(named)}"


def describe_hours(hours: Mapping[str, Any]) -> str:
    """Describe what a row of the table by hour sums."""
    if hours["of_day"]:
        return "by hour of the day (UTC), summed over all days of the window"
    return "by hour (UTC)" if hours["step_s"] == 3600 else f"by {format_duration(hours['step_s'] * 1_000_000)} (UTC)"


def describe_interest(change: Mapping[str, Any]) -> str:
    """Describe the change of open interest over a window; a full stop only where it is unknown."""
    if change["unit"] is None:
        return "Open interest is unknown for this window."
    usd = None if change["change_usd"] is None else f"{format_usd_signed(change['change_usd'])} USD"
    span = " to ".join(f"{change[end][:10]} {change[end][11:16]}" for end in ("first", "last")) + " UTC"
    if change["change_pct"] is None:
        amount = usd if change["unit"] == "usd" else f"{format_usd_signed(change['change_coins'])} coins"
        return f"Open interest started at 0 and changed by {amount} from {span}"
    if change["unit"] == "usd":
        return (
            f"Open interest in USD changed by {format_percent_signed(change['change_pct'])} ({usd}, including price "
            f"changes because the number of coins is unknown) from {span}"
        )
    value = f" ({usd} at the first price)" if usd else ""
    return f"Open interest changed by {format_percent_signed(change['change_pct'])}{value} from {span}"


def describe_few_orders(few: Mapping[str, Any]) -> str:
    """Describe the minutes with the USD of a cascade in too few orders, a record of the document."""
    least, orders = format_usd(few["least_notional"]), few["least_orders"]
    largest = (
        f"{format_time(to_us(datetime.fromisoformat(few['start'])))} UTC, {format_usd(few['notional'])} USD in "
        f"{format_counted(few['orders'], 'order')}"
    )
    if few["minutes"] == 1:
        return f"Not a cascade: {largest}. A cascade needs {least} USD and {orders} orders in one minute."
    return (
        f"{format_count(few['minutes'])} other minutes reached the {least} USD of a cascade but had fewer than "
        f"{orders} orders, so they are not cascades. The largest: {largest}."
    )
