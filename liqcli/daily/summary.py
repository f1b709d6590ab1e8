"""The summary of a day: reports compared with earlier days, alerts, exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liqcli.core.errors import ExitCode
from liqcli.core.formatting import format_iso
from liqcli.core.settings import Settings
from liqcli.core.symbols import split_symbol
from liqcli.core.version import __version__
from liqcli.daily import folders
from liqcli.daily.alerts import Alert, find_alerts
from liqcli.daily.day import Day
from liqcli.daily.fetch import FetchOutcome, name_place
from liqcli.daily.reports import Entry

Summary = dict[str, Any]
DAYS_LOOKED_BACK = 31
_CHANGES = ("notional", "long_notional", "short_notional", "events", "last_price")


@dataclass(slots=True)
class PreviousReports:
    """
    Results of earlier days.

    ``day`` is the last one; ``reports`` has the last good report of each name, with its ``day``; ``alerts`` are the
    alerts of those days.
    """

    day: str | None = None
    reports: dict[str, Entry] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)


def read_previous_reports(out: Path, days: Sequence[str], day: str, names: Sequence[str]) -> PreviousReports:
    """Find the last good report of each name before ``day``; skip days on which it failed."""
    before = PreviousReports()
    for earlier in [name for name in reversed(days) if name < day][:DAYS_LOOKED_BACK]:
        if (summary := folders.read_summary(out / earlier, earlier)) is None:
            continue
        before.day = before.day or earlier
        found = {entry["name"]: {**entry, "day": earlier} for entry in summary["reports"] if entry["status"] == "ok"}
        if found.keys() - before.reports.keys():
            before.alerts += summary["alerts"]
        before.reports = found | before.reports
        if before.reports.keys() >= set(names):
            break
    return before


def summarise(
    settings: Settings, day: Day, entries: Sequence[Entry], gathered: FetchOutcome, before: PreviousReports
) -> Summary:
    """
    Build ``summary.json``; writes ``previous`` and ``troubles`` into the entries.

    Returns
    -------
    dict
        The keys of ``docs/units.md#daily``.
    """
    for entry in entries:
        old = before.reports.get(entry["name"])
        if entry["status"] == "ok":
            entry["previous"] = {key: old.get(key) for key in (*_CHANGES, "day")} if old else None
        entry["troubles"] = _troubles_of(entry["symbol"], gathered)
    alerts = find_alerts(entries, settings.alerts, before.alerts, day.name)
    return {
        "format": folders.FORMAT,
        "day": day.name,
        "time_zone": settings.time_zone,
        "until": format_iso(day.end_us),
        "previous_day": before.day,
        "version": __version__,
        "sample": any(entry.get("sample") for entry in entries),
        "exit_code": _exit_code(settings, entries, gathered, alerts),
        "alerts": alerts,
        "reports": list(entries),
        "fetch": {
            "done": settings.fetch,
            "rows": gathered.rows,
            "troubles": gathered.troubles,
            "notes": gathered.notes,
        },
    }


def _troubles_of(symbol: str, gathered: FetchOutcome) -> list[str]:
    """List what sources did not provide for a symbol; a bare base has all its contracts."""
    rows = [row for row in gathered.rows if symbol in (row["symbol"], split_symbol(row["symbol"])[0])]
    return [f"{name_place(row)}: {text}" for row in rows for text in row["troubles"]]


def _exit_code(settings: Settings, entries: Sequence[Entry], gathered: FetchOutcome, alerts: Sequence[Alert]) -> int:
    states = [entry["status"] for entry in entries]
    if "ok" not in states:
        came = any(row["result"] in ("ok", "partial") for row in gathered.rows)
        if gathered.troubles and not came:
            return int(ExitCode.SOURCE)
        return int(ExitCode.DAMAGED if "failed" in states else ExitCode.NO_DATA)
    whole = all(entry["status"] == "ok" and not entry["damaged"] for entry in entries)
    if gathered.troubles or not whole:
        return int(ExitCode.PARTIAL)
    return settings.alerts.exit_code if any(alert["new"] for alert in alerts) else int(ExitCode.DONE)
