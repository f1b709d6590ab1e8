"""Reading the times and lengths that users write: ``24h``, ``2024-12-04T16:00Z``, ``now``, ``latest``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from liqcli.errors import UsageError
from liqcli.formats import format_iso, format_time
from liqcli.model import EARLIEST_US, US_PER_S, Window, to_us

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LENGTH = re.compile(r"^(\d{1,9})([smhdw])$")
MINUTE_US = 60 * US_PER_S
DEFAULT_LOOKBACK = "24h"


def parse_length(text: str, what: str = "lookback") -> int:
    """
    Read a length of time such as ``90s 15m 1h 4h 24h 7d 30d``. [µs]

    Raises
    ------
    UsageError
        Not of that form, or zero.
    """
    match = _LENGTH.match(text.strip().lower())
    if not match or int(match[1]) == 0:
        raise UsageError(f"{what}: {text!r} is not a length of time; write it like 90s, 15m, 1h, 24h, 7d")
    return int(match[1]) * _UNITS[match[2]] * US_PER_S


def format_length(length_us: int) -> str:
    """Write a length as the largest unit that divides it: ``24h`` for a day, ``5m`` for 300 s."""
    seconds = length_us // US_PER_S
    if seconds and seconds % 86400 == 0 and seconds > 86400:
        return f"{seconds // 86400}d"
    for unit in ("h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


def parse_moment(text: str, what: str) -> int:
    """
    Read an ISO 8601 moment; a moment without an offset is UTC. [µs UTC]

    Raises
    ------
    UsageError
        Not ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("z", "Z"))
        return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        words = ", now or latest" if what == "--until" else " or 2026-03-31T10:00+02:00"
        raise UsageError(
            f"{what}: {text!r} is not a time; write it like 2026-03-31, 2026-03-31T08:00Z{words}"
        ) from None


def now_us() -> int:
    """The present instant. [µs UTC]"""
    return to_us(datetime.now(tz=UTC))


def resolve_window(since: str | None, until: str | None, lookback: str, latest_us: int | None) -> Window:
    """
    Turn ``--since/--until/--lookback`` into a half-open window.

    ``now`` and ``latest`` (the last stored event, ``latest_us``) are moved up to the next full minute, so that the
    event itself lies inside and a daily run has a tidy title.

    Raises
    ------
    UsageError
        Unreadable, before 2015, or the end is not after the start.
    """
    end = _resolve_end(until or "now", latest_us)
    if since and since.strip().lower() in ("now", "latest"):
        raise UsageError("--since: 'now' and 'latest' only make sense for --until")
    start = parse_moment(since, "--since") if since else end - parse_length(lookback, "--lookback")
    if start >= end:
        shown = f"{format_time(start)} is not before {format_time(end)} UTC{'' if until else ', which is now'}"
        raise UsageError(f"--since must lie before --until: {shown}")
    if start < EARLIEST_US:
        raise UsageError("the window starts before 2015; no exchange published liquidations then")
    return Window(start, end)


def check_lookback(lookback: str | None, since: str | None) -> str:
    """
    Give the length of a window that is not given by its start.

    Raises
    ------
    UsageError
        Both are given: a lookback counts back from the end. The message names the end that would be meant.
    """
    if lookback is not None and since:
        end = format_iso(parse_moment(since, "--since") + parse_length(lookback, "--lookback"))
        raise UsageError(
            f"--since and --lookback cannot be combined: --lookback counts back from --until; "
            f"for {lookback} from there on: --since {since} --until {end}"
        )
    return lookback or DEFAULT_LOOKBACK


def cut_future(window: Window, now: int) -> Window:
    """Let a window end at the last full minute, if it ends later: what lies ahead is no gap; an unborn one stays."""
    end = min(window.end_us, now // MINUTE_US * MINUTE_US)
    return Window(window.start_us, end) if end > window.start_us else window


def _resolve_end(until: str, latest_us: int | None) -> int:
    word = until.strip().lower()
    if word == "now":
        return -(-now_us() // MINUTE_US) * MINUTE_US
    if word == "latest":
        if latest_us is None:
            raise UsageError("--until latest: the lake holds no event of that symbol yet")
        return (latest_us // MINUTE_US + 1) * MINUTE_US
    return parse_moment(until, "--until")
