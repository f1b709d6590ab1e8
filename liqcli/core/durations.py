"""Durations as users type them: ``90s``, ``24h``, ``2w``, ``1d12h``."""

from __future__ import annotations

import re

from liqcli.core.errors import UsageError
from liqcli.core.model import US_PER_S

_UNITS = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_LENGTH = re.compile("".join(rf"(?:(?P<{unit}>\d{{1,9}}){unit})?" for unit in _UNITS))


def parse_length(text: str, what: str = "lookback") -> int:
    """
    Parse a duration such as ``90s 15m 1h 24h 7d 2w``, or several units, the largest first: ``1d12h``. [µs]

    Raises
    ------
    UsageError
        Not of that form, or zero.
    """
    match = _LENGTH.fullmatch(text.strip().lower())
    seconds = sum(int(count) * _UNITS[unit] for unit, count in match.groupdict().items() if count) if match else 0
    if not seconds:
        raise UsageError(f"{what}: {text!r} is not a length of time; write it like 90s, 15m, 1h, 24h, 7d, 2w or 1d12h")
    return seconds * US_PER_S


def format_length(length_us: int) -> str:
    """Format a duration in the largest unit that divides it: ``24h`` for a day, ``5m`` for 300 s."""
    seconds = length_us // US_PER_S
    if seconds and seconds % 86400 == 0 and seconds > 86400:
        return f"{seconds // 86400}d"
    for unit in ("h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"
