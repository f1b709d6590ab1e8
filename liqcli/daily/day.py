"""The day of a run: the day in the configured time zone in which its windows end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from liqcli.core.errors import UsageError
from liqcli.core.model import from_us, to_us
from liqcli.core.times import now_us, resolve_window

WORDS = ("cut", "now")


@dataclass(frozen=True, slots=True)
class Day:
    """A day such as ``2026-11-21``, and the end of its windows. [µs UTC]"""

    name: str
    end_us: int


def resolve_day(until: str, time_zone: str, now: int | None = None) -> Day:
    """
    Turn ``cut`` (the last midnight of the zone), ``now`` or a time, such as ``yesterday``, into a day.

    A window that ends at midnight belongs to the day before.

    Raises
    ------
    UsageError
        Not a time.
    """
    zone = ZoneInfo(time_zone)
    word = until.strip().lower()
    if word == "latest":
        raise UsageError("--until latest differs from symbol to symbol; a daily run takes cut, now or a time")
    if word == "cut":
        today = from_us(now_us() if now is None else now).astimezone(zone).date()
        end_us = to_us(datetime(today.year, today.month, today.day, tzinfo=zone))
    else:
        end_us = resolve_window(None, until, "1m", None, zone).end_us
    return Day((from_us(end_us) - timedelta(microseconds=1)).astimezone(zone).date().isoformat(), end_us)
