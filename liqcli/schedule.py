"""The lines that make a machine run ``liqcli daily``: for cron and for systemd, complete as printed."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from liqcli.errors import UsageError

# Neither a terminal nor a language is there at night; names and reports are UTF-8 all the same.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "TERM": "dumb"}
_AT = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run and when; all paths absolute. ``at`` is meant in ``time_zone``."""

    program: tuple[str, ...]
    lake: Path
    config: Path | None
    out: Path | None
    at: time
    time_zone: str

    def words(self) -> list[str]:
        """The command, word by word."""
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


def format_cron(job: Job, now: datetime) -> str:
    r"""
    Write the crontab line; cron counts by the machine's clock, so the time is turned into that of ``now``'s zone.

    In a crontab ``%`` ends the command, so it is written ``\%``. Only warnings are left for cron to mail.
    """
    _refuse_line_breaks(job)
    day = now.astimezone(ZoneInfo(job.time_zone)).date() + timedelta(days=1)
    local = datetime.combine(day, job.at, ZoneInfo(job.time_zone)).astimezone(now.tzinfo)
    words = [f"{name}={value}" for name, value in ENVIRONMENT.items()] + [shlex.quote(word) for word in job.words()]
    command = " ".join(words).replace("%", r"\%")
    return f"{local.minute} {local.hour} * * * {command} >/dev/null"


def format_service(job: Job) -> str:
    """Write the systemd service, run once and done."""
    _refuse_line_breaks(job)
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
            f"ExecStart={' '.join(map(_quote_systemd, job.words()))}",
            "StandardInput=null",
            "TimeoutStartSec=3h",
        ]
    )


def format_timer(job: Job) -> str:
    """Write the systemd timer; what a sleeping machine missed is made up for."""
    return "\n".join(
        [
            "[Unit]",
            "Description=liqcli: every day",
            "",
            "[Timer]",
            f"OnCalendar=*-*-* {job.at:%H:%M}:00 {job.time_zone}",
            "Persistent=true",
            "AccuracySec=1min",
            "",
            "[Install]",
            "WantedBy=timers.target",
        ]
    )


def format_all(job: Job, now: datetime, notes: list[str]) -> str:
    """Write all three with the words that say where each goes."""
    clock = now.tzname() or "the machine's time"
    return "\n".join(
        [
            *(f"# {note}" for note in notes),
            f"# Every day at {job.at:%H:%M} {job.time_zone}. One of the two:",
            "#",
            f"# 1. cron: crontab -e, then this line (its time is {clock}, by which cron goes on this machine)",
            format_cron(job, now),
            "",
            "# 2. systemd: ~/.config/systemd/user/liqcli-daily.service",
            format_service(job),
            "",
            "#    ~/.config/systemd/user/liqcli-daily.timer",
            format_timer(job),
            "",
            "#    then: systemctl --user daemon-reload && systemctl --user enable --now liqcli-daily.timer",
            "#    and, so that it runs while nobody is logged in: loginctl enable-linger",
        ]
    )


def _quote_systemd(word: str) -> str:
    """Quote a word for ExecStart: ``%`` and ``$`` are doubled, blanks and quotes go between double quotes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w@%+=:,./-]+", escaped) else f'"{escaped}"'


def _refuse_line_breaks(job: Job) -> None:
    for word in job.words():
        if any(ord(character) < 32 for character in word):
            raise UsageError(f"{word!r}: a path with a line break or control character cannot stand in a schedule")
