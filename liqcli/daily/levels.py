"""
Estimated levels of a day: page, numbers and thumbnails, and a map that is written before the day it is judged by.

The map of a day is written once: a later run of the same day keeps it. Each day judges the map of the day before, and
all maps of the last month together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liqcli.analysis.score.days import DAY_US
from liqcli.analysis.score.forward import build_map
from liqcli.analysis.score.levels import DayScores
from liqcli.analysis.score.result import Score
from liqcli.core.choices import FIGURE_THEMES
from liqcli.core.durations import parse_length
from liqcli.core.errors import DamagedError, EmptyWindowError, LiqcliError, OutputError
from liqcli.core.formatting import format_count, format_iso
from liqcli.core.model import US_PER_S, Window
from liqcli.core.times import now_us
from liqcli.daily import folders
from liqcli.daily.reports import Entry, ReportTask
from liqcli.report.level_maps import WrittenMap, read_map, render_map
from liqcli.report.level_score import score_written_maps
from liqcli.report.levels_data import LevelsData, LevelsQuery, load_levels
from liqcli.report.levels_figure import describe_levels
from liqcli.report.levels_outputs import LevelsContent, LevelsView
from liqcli.report.output_files import write_file
from liqcli.report.score_document import describe_score

JUDGED_DAYS = 31
LATE_US = 3600 * US_PER_S  # a map written this long after the start of its day may know some of it
LONGEST_US = 7 * DAY_US  # of the window that the page shows

Say = Callable[[str], None]


def write_levels(task: ReportTask, say: Say, warn: Say) -> list[Entry]:
    """
    Write the levels of every symbol.

    Returns
    -------
    list of dict
        The entries ``levels[]`` of ``docs/units.md#daily``; empty if no symbol has candles and open interest.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    entries = []
    for symbol in task.settings.symbols:
        entry: Entry = {"symbol": symbol, "name": f"{symbol}-levels"}
        try:
            entry |= {"status": "ok", **_write(task, symbol, warn)}
            say(f"{entry['name']}: drawn")
        except EmptyWindowError as error:
            entry |= {"status": "no data", "message": error.fact}
        except OutputError:
            raise
        except LiqcliError as error:
            entry |= {"status": "failed", "message": str(error).replace(str(task.lake.root), "the lake")}
        except Exception as error:  # an unexpected error here must not cost the reports
            entry |= {"status": "failed", "message": f"unforeseen fault: {type(error).__name__}: {error}"}
        if entry["status"] == "failed":
            warn(f"{entry['name']}: {entry['message']}")
        entries.append(entry)
    return entries if any(entry["status"] != "no data" for entry in entries) else []


def _write(task: ReportTask, symbol: str, warn: Say) -> Entry:
    settings, end_us, name = task.settings, task.day.end_us, f"{symbol}-levels"
    lookback = max(
        (word for word in settings.lookbacks if parse_length(word) <= LONGEST_US),
        key=parse_length,
        default=settings.lookbacks[0],
    )
    query = LevelsQuery(symbol, lookback, until=format_iso(end_us), exchanges=settings.exchanges)
    data = load_levels(task.lake, query)
    for path in data.damaged:
        warn(f"{path}: damaged, left out of {name}; liqcli verify says more")
    content = LevelsContent(data, LevelsView(settings.palette, settings.themes[0]))
    content.write([task.folder / f"{name}.html", task.folder / f"{name}.json"])
    thumbnails = {theme: f"{name}-{theme}.png" for theme in FIGURE_THEMES}
    for theme in FIGURE_THEMES:
        write_file(task.folder / thumbnails[theme], content.draw(theme).small_png)
    written = _write_map(task, f"{name}-map.parquet", data)
    document = content.document
    return {
        "files": {
            "html": f"{name}.html", "json": f"{name}.json", "map": f"{name}-map.parquet", "thumbnails": thumbnails
        },
        "alt": describe_levels(data),
        "as_of": document["meta"]["as_of"],
        "last_price": document["meta"]["last_price"],
        "bin_width": document["meta"]["bin_width"],
        "calibrated": document["meta"]["calibrated"],
        "nearest": document["nearest"],
        "largest": document["largest"],
        "sha256": written.sha256,
        **_judge(task, symbol, f"{name}-map.parquet", warn),
    }  # fmt: skip


def _write_map(task: ReportTask, file: str, data: LevelsData) -> WrittenMap:
    """Write the map of the day, or keep the one that an earlier run wrote."""
    end_us = task.day.end_us
    try:
        before = task.settings.reports_folder / task.day.name / file
        content, kept = before.read_bytes(), read_map(before)
        if kept.level_map.as_of_us == end_us:
            write_file(task.folder / file, content)
            return kept
    except (OSError, DamagedError):
        pass
    estimate = data.estimate
    level_map = build_map(estimate.standing, end_us, estimate.last_price)
    write_file(task.folder / file, render_map(level_map, now_us()))
    return read_map(task.folder / file)


@dataclass(frozen=True, slots=True)
class _Maps:
    """Maps of earlier days, by rising time: those to judge, that of the day before, and when that was written late."""

    judged: Sequence[WrittenMap]
    yesterday: WrittenMap | None
    late: bool


def _judge(task: ReportTask, symbol: str, file: str, warn: Say) -> dict[str, Any]:
    """Score the map of the day before, and all of the last month."""
    maps = _read_maps(task, file, warn)
    score: Score | None = None
    days: list[DayScores] = []
    window: Window | None = None
    if maps.judged:
        window = Window(maps.judged[0].level_map.as_of_us, task.day.end_us)
        query = LevelsQuery(
            symbol,
            since=format_iso(window.start_us),
            until=format_iso(window.end_us),
            exchanges=task.settings.exchanges,
        )
        with contextlib.suppress(EmptyWindowError):  # nothing was liquidated, or the candles are gone
            score, days = score_written_maps(task.lake, query, [one.level_map for one in maps.judged])
    yesterday = maps.yesterday
    own = next((d for d in days if yesterday and d.start_us == yesterday.level_map.as_of_us), None)
    return {
        "yesterday": None
        if yesterday is None
        else {
            "sha256": yesterday.sha256,
            "orders": own.orders if own else None,
            "share": own.share if own else None,
            "placebo_share": own.placebo_share if own else None,
            "sentence": _describe_yesterday(yesterday, own, maps.late),
        },
        "score": None
        if score is None or window is None
        else {
            "days": score.days,
            "events": score.events,
            "verdict": score.verdict,
            "sentence": describe_score("levels", score, window),
        },
    }


def _read_maps(task: ReportTask, file: str, warn: Say) -> _Maps:
    end_us, out = task.day.end_us, task.settings.reports_folder
    found: dict[int, WrittenMap] = {}
    for day in folders.list_days(out):
        path: Path = out / day / file
        if day < task.day.name and path.exists():
            try:
                one = read_map(path)
            except DamagedError as error:
                warn(f"{error}; it is not judged")
                continue
            if end_us - JUDGED_DAYS * DAY_US <= one.level_map.as_of_us <= end_us - DAY_US:
                found[one.level_map.as_of_us] = one
    yesterday = found.get(end_us - DAY_US)
    judged = [one for _, one in sorted(found.items()) if not _is_late(one)]
    return _Maps(judged, yesterday, yesterday is not None and _is_late(yesterday))


def _is_late(one: WrittenMap) -> bool:
    return one.written_us > one.level_map.as_of_us + LATE_US


def _describe_yesterday(written: WrittenMap, own: DayScores | None, late: bool) -> str:
    name = f"levels of the day before (sha256 {written.sha256[:12]})"
    if late:
        return f"{name}: not judged, they were written more than an hour after that day began"
    if own is None:
        return f"{name}: not judged, too few orders at newly reached prices, or too few maps of other days"
    return (
        f"{name}: {100 * own.share:.0f}% of the USD liquidated at newly reached prices lay in their top fifth, "
        f"{100 * own.placebo_share:.0f}% in that of other days ({format_count(own.orders)} orders)"
    )
