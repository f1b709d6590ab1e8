"""One daily run from beginning to end, in one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from liqcli import __version__
from liqcli.daily import folders, pages
from liqcli.daily.alerts import find_alerts
from liqcli.daily.day import Day, resolve_day
from liqcli.daily.gather import Gathered, gather
from liqcli.daily.make import Entry, Place, make_report
from liqcli.daily.notify import send_alerts
from liqcli.errors import ExitCode, UsageError
from liqcli.formats import format_iso
from liqcli.lake import Lake
from liqcli.model import Window
from liqcli.settings import Settings
from liqcli.sources import SOURCES
from liqcli.symbols import check_exchange, nearest
from liqcli.timespan import now_us, parse_length

Say = Callable[[str], None]
_CHANGES = ("notional", "long_notional", "short_notional", "events", "last_price")


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
        entries = _make_all(settings, lake, Place(made, day), say, warn)
        days = sorted({*folders.list_days(out), day.name})
        summary = _summarise(settings, day, entries, gathered, _previous(out, days, day.name))
        pages.write_day(made, summary)
        _publish(out, making, summary, days, settings.retention_days)
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


def _make_all(settings: Settings, lake: Lake, place: Place, say: Say, warn: Say) -> list[Entry]:
    entries = []
    for symbol in settings.symbols:
        for lookback in settings.lookbacks:
            entry = make_report(lake, settings, place, (symbol, lookback), warn)
            entries.append(entry)
            if entry["status"] == "ok":
                say(f"{entry['name']}: drawn")
            else:
                warn(f"{entry['name']}: {entry['status']}: {entry['message']}")
    return entries


def _previous(out: Path, days: list[str], day: str) -> dict[str, Any] | None:
    """Find the last readable summary before a day."""
    earlier = [name for name in days if name < day]
    return next((found for name in reversed(earlier) if (found := folders.read_summary(out, name))), None)


def _summarise(
    settings: Settings, day: Day, entries: list[Entry], gathered: Gathered, previous: dict[str, Any] | None
) -> dict[str, Any]:
    before = {entry["name"]: entry for entry in (previous or {}).get("reports", []) if entry.get("status") == "ok"}
    for entry in entries:
        old = before.get(entry["name"])
        if entry["status"] == "ok":
            entry["previous"] = {key: old.get(key) for key in _CHANGES} if old else None
    alerts = find_alerts(entries, settings.alerts)
    good = [entry["status"] == "ok" and not entry["damaged"] for entry in entries]
    if not any(entry["status"] == "ok" for entry in entries):
        code = int(ExitCode.NO_DATA)
    elif gathered.troubles or not all(good):
        code = int(ExitCode.PARTIAL)
    else:
        code = settings.alerts.exit_code if alerts else int(ExitCode.DONE)
    return {
        "day": day.name,
        "time_zone": settings.time_zone,
        "until": format_iso(day.end_us),
        "previous_day": previous["day"] if previous else None,
        "version": __version__,
        "sample": any(entry.get("sample") for entry in entries),
        "exit_code": code,
        "alerts": alerts,
        "reports": entries,
        "fetch": {"done": settings.fetch, "rows": gathered.rows, "troubles": gathered.troubles},
    }


def _publish(out: Path, making: Path, summary: dict[str, Any], days: list[str], retention_days: int) -> None:
    """Put ``latest``, the day, then the index in place; then remove what the index no longer names."""
    made = making / "day"
    names = sorted(path.name for path in made.iterdir())
    targets = [out / summary["day"]]
    if days[-1] == summary["day"]:
        folders.publish(folders.copy_files(making / "latest", sorted(made.iterdir())), out / folders.LATEST)
        targets.append(out / folders.LATEST)
    folders.publish(made, targets[0])
    kept, old = folders.split_by_age(days, summary["day"], retention_days)
    folders.write_atomically(out / "index.html", pages.render_index(out, kept).encode())
    for target in targets:
        folders.remove_leftovers(target, names)
    for day in old:
        folders.remove_day(out, day)
