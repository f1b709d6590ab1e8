"""
Parse times: those that users type (``2024-12-04T16:00Z``, ``yesterday``, ``now``, ``latest``) and those of data files
(ISO 8601 text, or seconds, ms, µs, ns since the epoch).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

from liqcli.core.durations import parse_length
from liqcli.core.environment import time_zone
from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_iso, format_time
from liqcli.core.model import EARLIEST_US, US_PER_S, Window, shorten, to_us
from liqcli.core.relative_times import parse_relative

MINUTE_US = 60 * US_PER_S
DEFAULT_LOOKBACK = "24h"


def parse_moment(text: str, what: str) -> int:
    """
    Parse an ISO 8601 moment; without an offset it is UTC. [µs UTC]

    Raises
    ------
    UsageError
        Not ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("z", "Z"))
        return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{what}: {text!r} is not a time; write it like 2026-03-31, 2026-03-31T08:00Z or 2026-03-31T10:00+02:00"
        ) from None


def now_us() -> int:
    """Return the current time. [µs UTC]"""
    return to_us(datetime.now(tz=UTC))


def resolve_window(
    since: str | None, until: str | None, lookback: str, latest_us: int | None, zone: tzinfo | None = None
) -> Window:
    """
    Resolve ``--since/--until/--lookback`` to a half-open window.

    ``now`` and ``latest`` (the last stored event, ``latest_us``) are rounded up to the next full minute, so that the
    event itself lies inside and titles of daily runs are round. Words such as ``yesterday`` mean days of the zone;
    default: ``time_zone`` of ``liqcli.toml``, else UTC.

    Raises
    ------
    UsageError
        Unreadable, before 2015, or the end is not after the start.
    """
    end = _resolve_end(until or "now", latest_us, zone)
    if since and since.strip().lower() in ("now", "latest"):
        raise UsageError("--since: 'now' and 'latest' only make sense for --until")
    start = _parse_typed(since, "--since", zone) if since else end - parse_length(lookback, "--lookback")
    if start >= end:
        shown = f"{format_time(start)} is not before {format_time(end)} UTC{'' if until else ', which is now'}"
        raise UsageError(f"--since must lie before --until: {shown}")
    if start < EARLIEST_US:
        raise UsageError("the window starts before 2015; no exchange published liquidations then")
    return Window(start, end)


def check_lookback(lookback: str | None, since: str | None) -> str:
    """
    Return the length of a window without an explicit start.

    Raises
    ------
    UsageError
        Both are given: a lookback counts back from the end. The message suggests the end that was probably meant.
    """
    if lookback is not None and since:
        end = format_iso(_parse_typed(since, "--since", None) + parse_length(lookback, "--lookback"))
        raise UsageError(
            f"--since and --lookback cannot be combined: --lookback counts back from --until; "
            f"for {lookback} from there on: --since {since} --until {end}"
        )
    return lookback or DEFAULT_LOOKBACK


def cut_future(window: Window, now: int) -> Window:
    """End a window at the last full minute at the latest; one that lies entirely in the future is unchanged."""
    end = min(window.end_us, now // MINUTE_US * MINUTE_US)
    return Window(window.start_us, end) if end > window.start_us else window


def _resolve_end(until: str, latest_us: int | None, zone: tzinfo | None) -> int:
    word = until.strip().lower()
    if word == "now":
        return _this_minute()
    if word == "latest":
        if latest_us is None:
            raise UsageError("--until latest: the lake holds no event of that symbol yet")
        return (latest_us // MINUTE_US + 1) * MINUTE_US
    return _parse_typed(until, "--until", zone)


def _parse_typed(text: str, what: str, zone: tzinfo | None) -> int:
    """Parse a time that a user typed, also one relative to now. [µs UTC]"""
    relative = parse_relative(text, what, _this_minute(), lambda: zone or time_zone())
    if relative is not None:
        return relative
    try:
        return parse_moment(text, what)
    except UsageError:
        words = "now, latest" if what == "--until" else "-12h"
        raise UsageError(
            f"{what}: {text!r} is not a time; write it like 2026-03-31, 2026-03-31T08:00Z, 2026-03-31T10:00+02:00, "
            f"today, yesterday, yesterday 14:30, monday, -3d, {words}"
        ) from None


def _this_minute() -> int:
    """Return the current time, rounded up to a full minute. [µs UTC]"""
    return -(-now_us() // MINUTE_US) * MINUTE_US


# Numbers below the first limit are seconds (up to the year 5138), below the second ms, below the third µs, else ns.
_SECONDS_BELOW, _MS_BELOW, _US_BELOW = 10**11, 10**14, 10**17
_MOST_DIGITS = 30  # nanoseconds of this century have 19
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


def parse_time_cell(cell: object, zone: tzinfo = UTC) -> int:
    """
    Parse one time. [µs UTC]

    Parameters
    ----------
    cell : str, int, float, Decimal or datetime
        ISO 8601 (``2024-12-04 22:16:25.587000+05:30``), or a number whose unit follows from its magnitude.
    zone : tzinfo
        Time zone of times without an offset.

    Raises
    ------
    ValueError
        Not a time, or a local time that is ambiguous or does not exist because of a clock change.
    """
    if isinstance(cell, datetime):
        return _from_datetime(cell, zone)
    if isinstance(cell, bool) or cell is None:
        raise ValueError(f"not a time: {cell!r}")
    if isinstance(cell, int):
        return _from_number(cell)
    text = str(cell).strip()
    is_plain = text.isascii() and text[:1].isdigit() and text.replace(".", "", 1).isdigit()
    if is_plain and len(text.partition(".")[0]) > _MOST_DIGITS:
        raise ValueError(f"not a time: {shorten(text)}")
    if is_plain and text.isdigit():
        return _from_number(int(text))
    try:
        return _from_datetime(datetime.fromisoformat(text), zone)
    except OverflowError:  # year 1 or 9999, moved to UTC
        raise ValueError(f"not a time: {shorten(text)}") from None
    except ValueError as error:
        if is_plain:
            return _from_number(Decimal(text[: 3 * _MOST_DIGITS]))
        if isinstance(cell, float):
            return _from_float(text)
        if "local time" in str(error):
            raise
        raise ValueError(f"not a time: {shorten(text)}") from None


def parse_zone(name: str) -> tzinfo:
    """
    Look up a time zone by its IANA name, such as ``Europe/Berlin``.

    Raises
    ------
    UsageError
        Unknown.
    """
    import zoneinfo

    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"--tz: unknown time zone {name!r}; write it like UTC, Europe/Berlin, Asia/Kolkata") from None


def _from_datetime(moment: datetime, zone: tzinfo) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
        if zone is not UTC and moment.utcoffset() != moment.replace(fold=1).utcoffset():
            raise ValueError(f"local time is ambiguous or skipped by a clock change: {moment:%Y-%m-%d %H:%M:%S}")
    if moment.tzinfo is UTC:
        return (moment - _EPOCH) // _US
    return to_us(moment)


def _from_float(text: str) -> int:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a time: {text!r}") from None
    if not number.is_finite():
        raise ValueError(f"not a time: {text!r}")
    return _from_number(number)


def _from_number(number: int | Decimal) -> int:
    if number < _SECONDS_BELOW:
        return int(number * 1_000_000)
    if number < _MS_BELOW:
        return int(number * 1000)
    if number < _US_BELOW:
        return int(number)
    return int(number // 1000)
