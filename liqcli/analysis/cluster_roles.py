"""
Describe what happened in a price band: which side was liquidated, and where the band lies relative to the last price.

The positions of a realized cluster are closed and cannot drive a later move. The words describe the past.
"""

from __future__ import annotations

MOSTLY_PCT = 70  # of a band's USD, in whole percent, makes one side dominant

_FLUSHED = "longs were flushed here"
_SQUEEZED = "shorts were squeezed here"
_BOTH = "longs and shorts were liquidated here"
# (side of the last price, liquidated positions) -> words. Longs are closed while price falls, shorts while it rises.
_WORDS = {
    ("above", "longs"): f"{_FLUSHED}; support that gave way",
    ("above", "shorts"): f"{_SQUEEZED}; resistance that gave way, and price came back below it",
    ("above", "mixed"): f"{_BOTH}; contested, and price is below it now",
    ("below", "longs"): f"{_FLUSHED}; support that gave way, and price came back above it",
    ("below", "shorts"): f"{_SQUEEZED}; resistance that gave way",
    ("below", "mixed"): f"{_BOTH}; contested, and price is above it now",
    ("at price", "longs"): f"{_FLUSHED}, around the last price",
    ("at price", "shorts"): f"{_SQUEEZED}, around the last price",
    ("at price", "mixed"): f"{_BOTH}, around the last price",
    ("unknown", "longs"): f"{_FLUSHED}; no last price is known",
    ("unknown", "shorts"): f"{_SQUEEZED}; no last price is known",
    ("unknown", "mixed"): f"{_BOTH}; no last price is known",
}


def describe_role(side: str, long_notional: float, short_notional: float) -> str:
    """
    Describe a band: ``below: shorts were squeezed here; resistance that gave way``.

    Parameters
    ----------
    side : {"above", "below", "at price", "unknown"}
        Position of the whole band relative to the last price.
    long_notional, short_notional : float
        Liquidated in the band. [USD]
    """
    return f"{side}: {_WORDS[side, find_closed(long_notional, short_notional)]}"


def find_closed(long_notional: float, short_notional: float) -> str:
    """Find the dominant side: ``longs`` or ``shorts`` from 70% of the USD on, else ``mixed``."""
    longs = round(100 * long_notional / (long_notional + short_notional))  # as tables show it
    return "longs" if longs >= MOSTLY_PCT else "shorts" if longs <= 100 - MOSTLY_PCT else "mixed"
