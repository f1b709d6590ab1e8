"""A time of day by another clock: chosen so that every day has its turn, however either clock is changed in summer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

DAYS_TRIED = 2 * 366
_LOCALTIME = Path("/etc/localtime")
_HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Clock:
    """``at`` by the clock of ``zone``, and which times of day (``there``) that is where the day is cut."""

    zone: str
    at: time
    there: tuple[time, ...]


def find_clock(at: time, time_zone: str, machine: ZoneInfo, since: date) -> Clock:
    """
    Find the time of day by ``machine`` at which to run once in every day of ``time_zone``.

    Summer time moves the two clocks against each other, so the fixed time of a crontab is ``at`` in one half of the
    year only. In the other half it comes later, or earlier where midnight would lie between; an hour that ``machine``
    skips in spring is left out. Each candidate is tried on every day of two years.

    Parameters
    ----------
    at : time
        When to run, in ``time_zone``.
    time_zone : str
        Whose midnight cuts the day.
    machine : ZoneInfo
        The clock by which the run is started.
    since : date
        First of the days tried.
    """
    zone = ZoneInfo(time_zone)
    days = [since + timedelta(days=k) for k in range(DAYS_TRIED)]
    seen = {datetime.combine(day, at, zone).astimezone(UTC).astimezone(machine).time() for day in days}
    tried = []
    for candidate in sorted(_and_later(seen)):
        runs = [moment.astimezone(zone) for moment in list_runs(candidate, machine, days)]
        there = sorted({run.time() for run in runs})
        off = max(abs(_minutes(moment) - _minutes(at)) for moment in there)
        tried.append((not _once_a_day(runs), there[0] < at, off, Clock(str(machine), candidate, tuple(there))))
    return min(tried, key=lambda found: found[:3])[3]


def list_runs(at: time, machine: ZoneInfo, days: Iterable[date]) -> Iterator[datetime]:
    """
    Give the moments at which the simplest of crons runs a line: not at all in a skipped hour, twice in a repeated one.

    Returns
    -------
    iterator of datetime
        In UTC, in order.
    """
    for day in days:
        local = datetime.combine(day, at, machine)
        for moment in sorted({local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}):
            if moment.astimezone(machine).replace(tzinfo=None) == local.replace(tzinfo=None):
                yield moment


def machine_zone() -> ZoneInfo:
    """Give the clock by which cron goes: that of ``TZ`` where this shell has it, else ``/etc/localtime``, else UTC."""
    try:
        if name := os.environ.get("TZ", "").lstrip(":"):
            return ZoneInfo(name)
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key=_name_of(_LOCALTIME.resolve()))
    except (OSError, ValueError, KeyError):  # no such file, or no such zone
        return ZoneInfo("UTC")


def _name_of(path: Path) -> str:
    """``/usr/share/zoneinfo/Europe/Berlin`` is ``Europe/Berlin``; a copy has no name of its own."""
    _, found, name = path.as_posix().partition("/zoneinfo/")
    return name if found else "this machine's time"


def _and_later(times: Iterable[time]) -> set[time]:
    """Add what comes up to two hours later: a way around an hour that is skipped in spring."""
    anchor = date(2000, 1, 1)
    return {(datetime.combine(anchor, t) + k * _HALF_HOUR).time() for t in times for k in range(5)}


def _minutes(moment: time) -> int:
    return 60 * moment.hour + moment.minute


def _once_a_day(runs: list[datetime]) -> bool:
    """Whether each day from the first to the last has one run; the edges are cut by the period, not by the clock."""
    return all(after.date() - before.date() == timedelta(days=1) for before, after in pairwise(runs))
