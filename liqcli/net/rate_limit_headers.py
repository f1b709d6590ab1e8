"""Read the headers in which exchanges state how many requests are left and until when."""

from __future__ import annotations

from collections.abc import Mapping

# Headers with the number of requests left and the time of the reset (documented by the exchanges; the last two by the
# IETF draft): seconds or milliseconds since the epoch, or seconds from now.
_LEFT = (
    ("X-Gate-RateLimit-Requests-Remain", "X-Gate-RateLimit-Reset-Timestamp"),
    ("X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp"),
    ("X-HB-RateLimit-Requests-Remain", "X-HB-RateLimit-Requests-Expire"),
    ("RateLimit-Remaining", "RateLimit-Reset"),
    ("X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
_USED = (("X-MBX-USED-WEIGHT-1M", 2400.0, 60.0),)  # Binance counts requests used in the current minute


def read_pause(headers: Mapping[str, str], now_s: float) -> float:
    """Return how long to pause, from headers that report no requests left; otherwise 0. [s]"""
    for left, until in _LEFT:
        if (remaining := _read_number(headers.get(left))) is not None and remaining <= 0:
            reset = _read_number(headers.get(until))
            if reset is None:
                return 1.0
            at_s = reset / 1000 if reset > 1e11 else reset if reset > 1e8 else now_s + reset
            return max(0.0, at_s - now_s)
    for used, most, turn_s in _USED:
        if (spent := _read_number(headers.get(used))) is not None and spent >= most:
            return turn_s - now_s % turn_s
    return 0.0


def _read_number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
