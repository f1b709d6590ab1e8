"""One daily run from beginning to end, in one process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from liqcli.core.errors import UsageError
from liqcli.core.model import Window
from liqcli.core.settings import Settings
from liqcli.core.symbols import check_exchange, nearest
from liqcli.core.times import now_us, parse_length
from liqcli.daily import folders
from liqcli.daily.day import Day, resolve_day
from liqcli.daily.fetch import FetchOutcome, fetch_day
from liqcli.daily.notify import send_alerts
from liqcli.daily.publish import publish_day
from liqcli.daily.reports import ReportTask, make_reports
from liqcli.daily.summary import read_previous_reports, summarise
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake
from liqcli.sources.registry import SOURCES

Say = Callable[[str], None]
Show = Callable[[], AbstractContextManager[Progress]]


@dataclass(frozen=True, slots=True)
class DailyResult:
    """What a run left: the page to open, the day's numbers, the exit code, and the days that retention ``removed``."""

    index: Path
    summary: dict[str, Any]
    exit_code: int
    removed: tuple[str, ...] = ()


def run_daily(
    settings: Settings,
    lake: Lake,
    until: str | None,
    say: Say,
    warn: Say,
    show: Show | None = None,
    keep: bool = False,
) -> DailyResult:
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
    show : callable, optional
        Gives what shows how far the fetch is; none: lines go to ``say``.
    keep : bool
        Exempt this day from retention.

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
        gathered = FetchOutcome()
        if settings.fetch:
            with show() if show else nullcontext(Progress(say)) as progress:
                gathered = fetch_day(lake, settings, _find_window(settings, day, until), progress)
        for line in gathered.notes:
            say(line)
        for line in gathered.troubles:
            warn(line)
        made = making / "day"
        made.mkdir()
        entries = make_reports(ReportTask(lake, settings, made, day), say, warn)
        days = sorted({*folders.list_days(out), day.name})
        before = read_previous_reports(out, days, day.name, [entry["name"] for entry in entries])
        summary = summarise(settings, day, entries, gathered, before)
        if lost := _find_lost(out, summary):
            warn(f"{day.name}: no more {', '.join(lost)}, which an earlier run made (of another liqcli.toml?)")
        removed = publish_day(out, making, summary, days, settings.retention_days, keep)
        if removed:
            say(f"removed {_name_days(removed)}: retention_days is {settings.retention_days}")
        if not folders.has_data(summary) and (latest := folders.read_latest(out)):
            warn(f"{day.name} has no data; {out / folders.LATEST} still shows {latest['day']}")
        send_alerts(out, day.name, summary["alerts"], settings.alerts, warn)
    return DailyResult(out / "index.html", summary, summary["exit_code"], tuple(removed))


def _name_days(days: list[str]) -> str:
    """Name up to three days, else how many there are with the first and the last."""
    return ", ".join(days) if len(days) <= 3 else f"{len(days)} days, {days[0]} to {days[-1]}"


def _check(settings: Settings, lake: Lake) -> Settings:
    """Check the names that only the lake and the sources know."""
    for kind, names in (("source", settings.sources), ("source under [keys]", tuple(settings.keys))):
        for name in names:
            if name not in SOURCES:
                raise UsageError(f"{settings.path}: unknown {kind} {name!r}{nearest(name, SOURCES)}")
    known = lake.exchanges()
    try:
        return replace(settings, exchanges=tuple(check_exchange(name, known) for name in settings.exchanges))
    except UsageError as error:
        raise UsageError(f"{settings.path}: {error}") from None


def _find_lost(out: Path, summary: dict[str, Any]) -> list[str]:
    """Name the reports of the day that are to go: two settings that share a folder would take turns in silence."""
    before = folders.read_summary(out / summary["day"], summary["day"]) or {"reports": []}
    made = {entry["name"] for entry in summary["reports"]}
    return [entry["name"] for entry in before["reports"] if entry["name"] not in made]


def _find_window(settings: Settings, day: Day, until: str | None) -> Window:
    """Cover the longest lookback, and today so far: some sources forget within a day."""
    start = day.end_us - max(parse_length(lookback) for lookback in settings.lookbacks)
    return Window(start, day.end_us if until and until not in ("cut", "now") else max(day.end_us, now_us()))
