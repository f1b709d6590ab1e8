"""One daily run from beginning to end, in one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from liqcli.daily import folders
from liqcli.daily.day import Day, resolve_day
from liqcli.daily.gather import Gathered, gather
from liqcli.daily.make import Task, make_reports
from liqcli.daily.notify import send_alerts
from liqcli.daily.publish import publish_day
from liqcli.daily.summary import look_back, summarise
from liqcli.errors import UsageError
from liqcli.lake import Lake
from liqcli.model import Window
from liqcli.settings import Settings
from liqcli.sources import SOURCES
from liqcli.symbols import check_exchange, nearest
from liqcli.timespan import now_us, parse_length

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DailyResult:
    """What a run left: the page to open, the day's numbers, and the exit code."""

    index: Path
    summary: dict[str, Any]
    exit_code: int


def run_daily(settings: Settings, lake: Lake, until: str | None, say: Say, warn: Say) -> DailyResult:
    """
    Fetch, make every report, file them under their day, renew ``latest`` and the index, prune, send alerts.

    Parameters
    ----------
    settings : Settings
        Symbols, lookbacks, folders, thresholds.
    lake : Lake
        Where events come from and go to.
    until : str or None
        Where the windows end: ``cut``, ``now`` or a time; None: as the settings say.
    say, warn : callable
        Take narration, and what the user must know.

    Raises
    ------
    UsageError
        A name in the settings that cannot be right; nothing was changed.
    LakeError
        The lake or the reports' folder cannot be written.
    """
    settings = _check(settings, lake)
    day = resolve_day(until or settings.until, settings.time_zone)
    out = settings.reports_folder
    with folders.locked(out) as making:
        gathered = _gather(settings, lake, day, until, say) if settings.fetch else Gathered()
        for trouble in gathered.troubles:
            warn(trouble)
        made = making / "day"
        made.mkdir()
        entries = make_reports(Task(lake, settings, made, day), say, warn)
        days = sorted({*folders.list_days(out), day.name})
        before = look_back(out, days, day.name, [entry["name"] for entry in entries])
        summary = summarise(settings, day, entries, gathered, before)
        publish_day(out, making, summary, days, settings.retention_days)
        send_alerts(out, day.name, summary["alerts"], settings.alerts, warn)
    return DailyResult(out / "index.html", summary, summary["exit_code"])


def _check(settings: Settings, lake: Lake) -> Settings:
    """Check the names that only the lake and the sources know."""
    for kind, names in (("source", settings.sources), ("source under [keys]", tuple(settings.keys))):
        for name in names:
            if name not in SOURCES:
                raise UsageError(f"{settings.path}: unknown {kind} {name!r}{nearest(name, SOURCES)}")
    known = lake.exchanges()
    return replace(settings, exchanges=tuple(check_exchange(name, known) for name in settings.exchanges))


def _gather(settings: Settings, lake: Lake, day: Day, until: str | None, say: Say) -> Gathered:
    """Get what the longest lookback lacks, and today so far: some sources forget within a day."""
    start = day.end_us - max(parse_length(lookback) for lookback in settings.lookbacks)
    end = day.end_us if until and until not in ("cut", "now") else max(day.end_us, now_us())
    return gather(lake, settings, Window(start, end), say)
