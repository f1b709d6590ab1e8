"""One daily run in one process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from liqcli.core.durations import parse_length
from liqcli.core.errors import UsageError
from liqcli.core.model import Window
from liqcli.core.settings import Settings
from liqcli.core.symbols import check_exchange, is_every, nearest
from liqcli.core.times import now_us
from liqcli.daily import folders
from liqcli.daily.day import Day, resolve_day
from liqcli.daily.fetch import FetchOutcome, fetch_day
from liqcli.daily.levels import write_levels
from liqcli.daily.market import write_market
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
    """Result of a run: index page, summary, exit code, and the days that retention removed."""

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
    Fetch, write all reports, update ``latest`` and the index, remove old days, send alerts.

    Parameters
    ----------
    settings : Settings
        Symbols, lookbacks, folders, thresholds.
    lake : Lake
        The lake with the events.
    until : str or None
        End of the windows: ``cut``, ``now`` or a time. None: from the settings.
    say, warn : callable
        Receive progress messages and warnings.
    show : callable, optional
        Returns a context manager that shows the progress of the fetch. Default: lines to ``say``.
    keep : bool
        Exempt this day from retention.

    Raises
    ------
    UsageError
        An invalid name in the settings; nothing was changed.
    LakeError
        The lake or the folder of reports cannot be written.
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
        task = ReportTask(lake, settings, made, day)
        entries = make_reports(task, say, warn)
        market = write_market(task, entries, warn)
        levels = write_levels(task, say, warn) if settings.levels else []
        days = sorted({*folders.list_days(out), day.name})
        before = read_previous_reports(out, days, day.name, [entry["name"] for entry in entries])
        summary = {**summarise(settings, day, entries, gathered, before), "market": market, "levels": levels}
        if lost := _find_lost(out, summary):
            warn(f"{day.name}: no more {', '.join(lost)}, written by an earlier run (with another liqcli.toml?)")
        removed = publish_day(out, making, summary, days, settings.retention_days, keep)
        if removed:
            say(f"removed {_name_days(removed)}: retention_days is {settings.retention_days}")
        if not folders.has_data(summary) and (latest := folders.read_latest(out)):
            warn(f"{day.name} has no data; {out / folders.LATEST} still shows {latest['day']}")
        briefs = {entry["name"]: entry.get("brief", []) for entry in summary["reports"]}
        send_alerts(out, day.name, summary["alerts"], settings.alerts, warn, briefs)
    return DailyResult(out / "index.html", summary, summary["exit_code"], tuple(removed))


def _name_days(days: list[str]) -> str:
    """Format up to three days, or the count with the first and the last."""
    return ", ".join(days) if len(days) <= 3 else f"{len(days)} days, {days[0]} to {days[-1]}"


def _check(settings: Settings, lake: Lake) -> Settings:
    """Check names of sources and exchanges."""
    for kind, names in (("source", settings.sources), ("source under [keys]", tuple(settings.keys))):
        for name in names:
            if name not in SOURCES:
                raise UsageError(f"{settings.path}: unknown {kind} {name!r}{nearest(name, SOURCES)}")
    if is_every(settings.symbols):
        raise UsageError(f"{settings.path}: symbols: 'all' has no report; list symbols")
    known = lake.exchanges()
    try:
        return replace(settings, exchanges=tuple(check_exchange(name, known) for name in settings.exchanges))
    except UsageError as error:
        raise UsageError(f"{settings.path}: {error}") from None


def _find_lost(out: Path, summary: dict[str, Any]) -> list[str]:
    """List reports of the day that this run removes, as when two settings share a folder."""
    before = folders.read_summary(out / summary["day"], summary["day"]) or {"reports": []}
    made = {entry["name"] for entry in summary["reports"]}
    return [entry["name"] for entry in before["reports"] if entry["name"] not in made]


def _find_window(settings: Settings, day: Day, until: str | None) -> Window:
    """Cover the longest lookback and today so far: some sources keep only a day."""
    start = day.end_us - max(parse_length(lookback) for lookback in settings.lookbacks)
    return Window(start, day.end_us if until and until not in ("cut", "now") else max(day.end_us, now_us()))
