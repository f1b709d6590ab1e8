"""
The least data that clusters and cascades need.

Clusters and cascades are defined relative to the window: shares of it, multiples of a baseline. By those rules the only
event of a window would be a cluster with 100%. The minimums here are absolute; ``docs/units.md#too-little-data`` gives
the reasons.
"""

from __future__ import annotations

from liqcli.core.formatting import format_count, format_counted, format_usd

LEAST_EVENTS = 20  # in a window: with fewer, shares of it are chance
LEAST_CLUSTER_EVENTS = 10
LEAST_USD = 10_000.0  # of a window, a cluster, a cascade: one position of 1,000 USD at tenfold leverage


def describe_shortage(events: int, notional: float) -> str | None:
    """Describe how little data a window has and what is needed; None when it has enough."""
    if events >= LEAST_EVENTS and notional >= LEAST_USD:
        return None
    return (
        f"{format_counted(events, 'event')}, {format_usd(notional)} USD; clusters and cascades need at least "
        f"{LEAST_EVENTS} events and {format_count(int(LEAST_USD))} USD in the window"
    )
