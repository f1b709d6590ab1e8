"""Reading the times that other people's files hold: ISO 8601 text, or seconds, ms, µs, ns since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

from liqcli.errors import UsageError
from liqcli.model import shorten, to_us

# A number below the first limit counts seconds (up to the year 5138), below the second ms, below the third µs, else ns.
_SECONDS_BELOW, _MS_BELOW, _US_BELOW = 10**11, 10**14, 10**17
_MOST_DIGITS = 30  # nanoseconds of this century have 19
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


def parse_time_cell(cell: object, zone: tzinfo = UTC) -> int:
    """
    Read one time. [µs UTC]

    Parameters
    ----------
    cell : str, int, float, Decimal or datetime
        ISO 8601 (``2024-12-04 22:16:25.587000+05:30``), or a number whose unit follows from its magnitude.
    zone : tzinfo
        Where the clock stood that wrote times without an offset.

    Raises
    ------
    ValueError
        No time; or a local time that happens twice, or never, where clocks are changed: it is not guessed.
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
    Find a time zone by its IANA name, such as ``Europe/Berlin``.

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
            raise ValueError(f"local time happens twice or never where clocks change: {moment:%Y-%m-%d %H:%M:%S}")
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
