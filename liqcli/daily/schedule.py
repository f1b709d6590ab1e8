"""
Entries for cron and systemd that run ``liqcli daily``, complete as printed.

A time in another time zone is chosen so that each day gets one run, also when daylight saving time changes.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from liqcli.core.errors import UsageError

DAYS_TRIED = 2 * 366
_LOCALTIME = Path("/etc/localtime")
_HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Clock:
    """``at`` in ``zone``, and the times of day (``there``) in the zone of the settings."""

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
    """Return the zone that cron uses: ``TZ`` of this shell, else ``/etc/localtime``, else UTC."""
    try:
        if name := os.environ.get("TZ", "").lstrip(":"):
            return ZoneInfo(name)
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key=_name_of(_LOCALTIME.resolve()))
    except (OSError, ValueError, KeyError):  # missing file or unknown zone
        return ZoneInfo("UTC")


def _name_of(path: Path) -> str:
    """Turn ``/usr/share/zoneinfo/Europe/Berlin`` into ``Europe/Berlin``; a copied file has no name."""
    _, found, name = path.as_posix().partition("/zoneinfo/")
    return name if found else "this machine's time"


def _and_later(times: Iterable[time]) -> set[time]:
    """Add times up to two hours later, to avoid an hour that is skipped in spring."""
    anchor = date(2000, 1, 1)
    return {(datetime.combine(anchor, t) + k * _HALF_HOUR).time() for t in times for k in range(5)}


def _minutes(moment: time) -> int:
    return 60 * moment.hour + moment.minute


def _once_a_day(runs: list[datetime]) -> bool:
    """Return True if each day between the first and the last has exactly one run."""
    return all(after.date() - before.date() == timedelta(days=1) for before, after in pairwise(runs))


# A scheduled run has neither terminal nor locale; names and reports are UTF-8.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "TERM": "dumb"}
_AT = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """The command and its time. Paths are absolute, ``at`` is in ``time_zone``."""

    program: tuple[str, ...]
    lake: Path
    config: Path | None
    out: Path | None
    at: time
    time_zone: str

    def words(self) -> list[str]:
        """Return the words of the command."""
        words = [*self.program, "daily", "--quiet"]
        for flag, path in (("--config", self.config), ("--lake", self.lake), ("--out", self.out)):
            if path is not None:
                words += [flag, str(path)]
        return words


def parse_at(text: str) -> time:
    """
    Read a time of day, ``00:10``.

    Raises
    ------
    UsageError
        Not of that form.
    """
    match = _AT.match(text.strip())
    if not match:
        raise UsageError(f"--at: {text!r} is not a time of day; write it like 00:10")
    return time(int(match[1]), int(match[2]))


def choose_clocks(job: ScheduledJob, machine: ZoneInfo, since: date) -> tuple[Clock, Clock]:
    """
    Choose the clocks of cron (the machine's) and of the systemd timer (the settings' zone).

    Where the zone skips ``job.at`` on some day in spring, systemd would leave that day out (seen with 252): then UTC.
    """
    cron, timer, utc = (
        find_clock(job.at, job.time_zone, clock, since) for clock in (machine, ZoneInfo(job.time_zone), ZoneInfo("UTC"))
    )
    return cron, timer if timer.at == job.at else utc


def format_cron(job: ScheduledJob, clock: Clock) -> str:
    r"""
    Write the crontab line, in the time of the machine's clock, by which cron goes.

    In a crontab ``%`` ends the command, so it is written ``\%``. cron mails only warnings.
    """
    refuse_line_breaks(job.words())
    words = [f"{name}={value}" for name, value in ENVIRONMENT.items()] + [shlex.quote(word) for word in job.words()]
    command = " ".join(words).replace("%", r"\%")
    return f"{clock.at.minute} {clock.at.hour} * * * {command} >/dev/null"


def format_service(job: ScheduledJob) -> str:
    """Render the systemd service, of type oneshot."""
    refuse_line_breaks(job.words())
    return "\n".join(
        [
            "[Unit]",
            "Description=liqcli: daily liquidation reports",
            "Wants=network-online.target",
            "After=network-online.target",
            "",
            "[Service]",
            "Type=oneshot",
            *(f"Environment={name}={value}" for name, value in ENVIRONMENT.items()),
            f"ExecStart={' '.join(map(quote_systemd, job.words()))}",
            "StandardInput=null",
            "TimeoutStartSec=3h",
        ]
    )


def format_timer(job: ScheduledJob, clock: Clock) -> str:
    """Render the systemd timer; missed runs are started later."""
    return "\n".join(
        [
            "[Unit]",
            "Description=liqcli: every day",
            "",
            "[Timer]",
            f"OnCalendar=*-*-* {clock.at:%H:%M}:00 {clock.zone}",
            "Persistent=true",
            "AccuracySec=1min",
            "",
            "[Install]",
            "WantedBy=timers.target",
        ]
    )


def format_all(job: ScheduledJob, cron: Clock, timer: Clock, notes: list[str]) -> str:
    """Render all three, with comments that say where each belongs."""
    return "\n".join(
        [
            *(f"# {note}" for note in notes),
            f"# Every day, {job.at:%H:%M} {job.time_zone}. One of the two:",
            "#",
            f"# 1. cron: crontab -e, then this line{_describe_clock(job, cron)}",
            format_cron(job, cron),
            "",
            f"# 2. systemd: ~/.config/systemd/user/liqcli-daily.service{_describe_clock(job, timer)}",
            format_service(job),
            "",
            "#    ~/.config/systemd/user/liqcli-daily.timer",
            format_timer(job, timer),
            "",
            "#    then: systemctl --user daemon-reload && systemctl --user enable --now liqcli-daily.timer",
            "#    and, to run without a login: loginctl enable-linger",
        ]
    )


def _describe_clock(job: ScheduledJob, clock: Clock) -> str:
    """Explain the time of an entry if its zone is not that of the settings."""
    if clock.zone.removeprefix("Etc/") == job.time_zone:
        return ""
    there = " or ".join(f"{moment:%H:%M}" for moment in clock.there)
    summer = ", depending on summer time" if len(clock.there) > 1 else ""
    return f"\n#    (it uses {clock.zone}: {clock.at:%H:%M} there is {there} {job.time_zone}{summer})"


def quote_systemd(word: str) -> str:
    """Quote a word for ExecStart: double ``%`` and ``$``, put blanks and quotes between double quotes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w@%+=:,./-]+", escaped) else f'"{escaped}"'


def refuse_line_breaks(words: Iterable[str]) -> None:
    """
    Check the words of a command.

    Raises
    ------
    UsageError
        One contains a line break or control character, which no entry can hold.
    """
    for word in words:
        if any(ord(character) < 32 for character in word):
            raise UsageError(f"{word!r}: a path in a schedule must not contain line breaks or control characters")
