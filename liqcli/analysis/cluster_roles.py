"""What happened in a price band, in words: which side was closed there, and where it lies to the last price.

The positions of a realized cluster are closed; they are no fuel for a later move. The words describe the past.
"""

from __future__ import annotations

MOSTLY_PCT = 70  # from this share of a band's USD on, in whole percent, one side stands for it

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
    Say what happened in a band: ``below: shorts were squeezed here; resistance that gave way``.

    Parameters
    ----------
    side : {"above", "below", "at price", "unknown"}
        Where the whole band lies to the last price.
    long_notional, short_notional : float
        What was liquidated in it. [USD]
    """
    return f"{side}: {_WORDS[side, find_closed(long_notional, short_notional)]}"


def find_closed(long_notional: float, short_notional: float) -> str:
    """Say whose positions were closed: ``longs`` or ``shorts`` from 70 % of the USD on, else ``mixed``."""
    longs = round(100 * long_notional / (long_notional + short_notional))  # as tables show it
    return "longs" if longs >= MOSTLY_PCT else "shorts" if longs <= 100 - MOSTLY_PCT else "mixed"
