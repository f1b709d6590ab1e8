"""Times relative to now, as users type them: ``today``, ``yesterday 14:30``, ``monday``, ``-3d``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo

from liqcli.core.durations import parse_length
from liqcli.core.errors import UsageError
from liqcli.core.model import from_us, to_us

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = re.compile(rf"(?P<day>today|yesterday|{'|'.join(WEEKDAYS)})(?:[ t]+(?P<clock>\d{{1,2}}:\d\d))?")


def parse_relative(text: str, what: str, now_us: int, zone: Callable[[], tzinfo]) -> int | None:
    """
    Parse a time relative to now; None if it is of another form. [µs UTC]

    A day is its first instant in the zone, or the time of day that follows it. A weekday is the latest one, today
    included. ``-3d`` is three times 24 hours before now.

    Parameters
    ----------
    now_us : int
        [µs UTC]
    zone : callable
        Returns the time zone of days; called only if the text names a day.

    Raises
    ------
    UsageError
        A time of day that does not exist, or that a clock change skips or repeats.
    """
    word = text.strip().lower()
    if word.startswith("-"):
        return now_us - parse_length(word[1:], what)
    if not (match := _DAY.fullmatch(word)):
        return None
    place = zone()
    today = from_us(now_us).astimezone(place).date()
    if match["clock"]:
        return _at(_find_day(match["day"], today), match["clock"], place, f"{what}: {text!r}")
    # Where a clock change skips midnight, fold=0 gives the instant of the change; where it repeats it, the first one.
    return to_us(datetime.combine(_find_day(match["day"], today), time(), place))


def _find_day(word: str, today: date) -> date:
    if word in ("today", "yesterday"):
        return today - timedelta(days=int(word == "yesterday"))
    return today - timedelta(days=(today.weekday() - WEEKDAYS.index(word)) % 7)


def _at(day: date, clock: str, zone: tzinfo, what: str) -> int:
    hour, minute = map(int, clock.split(":"))
    if hour > 23 or minute > 59:
        raise UsageError(f"{what}: there is no time of day {clock}")
    moment = datetime.combine(day, time(hour, minute), zone)
    if moment.utcoffset() != moment.replace(fold=1).utcoffset():
        raise UsageError(
            f"{what}: a clock change in {zone} skips or repeats {clock} on {day}; "
            f"add an offset, as in {day}T{hour:02}:{minute:02}+02:00"
        )
    return to_us(moment)
