"""Write the reports of a day and build their entries of the summary."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liqcli.analysis.clusters import side_of
from liqcli.api import Heatmap, Lake
from liqcli.charts.thumbnail import draw_thumbnail
from liqcli.core.choices import FIGURE_THEMES
from liqcli.core.errors import EmptyWindowError, LiqcliError, OutputError
from liqcli.core.formatting import format_iso
from liqcli.core.settings import Settings
from liqcli.daily.day import Day
from liqcli.lake.store import Lake as Store
from liqcli.report import heatmap_figure
from liqcli.report.output_files import write_file

_HEADLINES = (
    "start", "end", "exchanges", "sources", "events", "notional", "long_notional", "short_notional", "largest",
    "last_price", "last_event", "bin_width", "completeness", "coverage", "sample", "too_little_data",
)  # fmt: skip
_BY_EXCHANGE = ("exchange", "completeness", "events", "long_notional", "short_notional", "coverage")
_PLACE = ("rank", "low", "high", "notional", "share", "events", "distance_pct", "step")
LISTED = 20  # entries of each kind, for alerts
_BURST = ("start", "end", "position", "events", "notional", "share")

Say = Callable[[str], None]
Entry = dict[str, Any]
Computed = tuple[Heatmap, Entry]  # the results of a window, and the report made from them


@dataclass(frozen=True, slots=True)
class ReportTask:
    """Input of a run's reports, the folder they are written to, and their day."""

    lake: Store
    settings: Settings
    folder: Path
    day: Day


def make_reports(task: ReportTask, say: Say, warn: Say) -> list[Entry]:
    """
    Write pages, JSON and thumbnails of every symbol and lookback.

    While one report is drawn, the next one is computed: the engine releases the GIL, and drawing does not.

    Returns
    -------
    list of dict
        The entries of ``docs/units.md#daily``: ``status`` is ``ok``, ``no data`` or ``failed``, then with ``message``.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    names = list(itertools.product(task.settings.symbols, task.settings.lookbacks))
    entries = []
    for (symbol, lookback), computed in zip(names, _compute_ahead(task, names), strict=True):
        entry = {"symbol": symbol, "lookback": lookback, "name": f"{symbol}-{lookback}"}
        entry |= _make_report(task, entry["name"], computed, warn)
        if entry["status"] == "ok":
            say(f"{entry['name']}: drawn")
        else:
            warn(f"{entry['name']}: {entry['status']}: {entry['message']}")
        entries.append(entry)
    return entries


def _compute_ahead(task: ReportTask, names: Iterable[tuple[str, str]]) -> Iterator[Future[Computed]]:
    """Yield the results of each report, at most one computed in advance, since they are large."""
    with ThreadPoolExecutor(1, "results") as pool:
        ready: Future[Computed] | None = None
        for name in names:
            following = pool.submit(_compute, task, name)
            if ready:
                yield ready
            ready = following
        if ready:
            yield ready


def _compute(task: ReportTask, name: tuple[str, str]) -> Computed:
    symbol, lookback = name
    settings = task.settings
    heatmap = Lake(task.lake.root).heatmap(
        symbol,
        lookback=lookback,
        until=format_iso(task.day.end_us),
        exchanges=settings.exchanges,
        palette=settings.palette,
        scale=settings.scale,
        theme=settings.themes[0],
        sections=settings.sections,
    )
    heatmap.results.compute_all()
    return heatmap, heatmap.report


def _make_report(task: ReportTask, name: str, computed: Future[Computed], warn: Say) -> Entry:
    """Write one report. An error does not stop the others."""
    try:
        heatmap, report = computed.result()
        for path in heatmap.damaged:
            warn(f"{path}: damaged, left out of {name}; liqcli verify says more")
        return {"status": "ok", **_write(task, name, heatmap, report)}
    except EmptyWindowError as error:  # without the suggested command, which is for a shell
        return {"status": "no data", "message": error.fact}
    except OutputError:
        raise
    except LiqcliError as error:
        message = str(error).replace(str(task.lake.root), "the lake")  # pages do not show paths
        return {"status": "failed", "message": message}
    except Exception as error:  # an unexpected error in one report must not stop the others
        return {"status": "failed", "message": f"unforeseen fault: {type(error).__name__}: {error}"}


def largest_levels(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return clusters, or price bands if there are none, best rank first; nothing if there is too little data."""
    if report["meta"]["too_little_data"]:
        return []
    places: list[dict[str, Any]] = report.get("clusters") or report.get("bands") or []
    return places


def _write(task: ReportTask, name: str, heatmap: Heatmap, report: Entry) -> Entry:
    settings, folder = task.settings, task.folder
    pages: dict[str, str] = {}
    for theme in settings.themes:
        page = folder / (f"{name}.html" if not pages else f"{name}-{theme}.html")
        if pages:
            heatmap.with_theme(theme).save(page)
        else:
            heatmap.save(page, folder / f"{name}.json")
        pages[theme] = page.name
    thumbnails = {}
    picture = heatmap_figure.build_spec(heatmap.results)
    for thumbnail_theme in FIGURE_THEMES:
        thumbnails[thumbnail_theme] = f"{name}-{thumbnail_theme}.png"
        shown = draw_thumbnail(picture, theme=thumbnail_theme, palette=settings.palette, scale=settings.scale)
        write_file(folder / thumbnails[thumbnail_theme], shown)
    return {
        "files": {"html": pages[settings.themes[0]], "pages": pages, "json": f"{name}.json", "thumbnails": thumbnails},
        "alt": heatmap_figure.describe(heatmap.results),
        "damaged": [path.name for path in heatmap.damaged],
        **pick_headlines(report),
    }


def pick_headlines(report: dict[str, Any]) -> Entry:
    """Select the numbers that index, digest, alerts and metrics need."""
    meta, places = report["meta"], largest_levels(report)
    bursts = sorted(report.get("cascades") or [], key=lambda burst: (-burst["notional"], burst["start"]))
    heavy = report["heavy_outside"] if report.get("clusters") else []  # bands include them
    sides = [side_of(place["low"], place["high"], meta["last_price"]) for place in places]
    largest = {
        name: _pick_place([place for place, side in zip(places, sides, strict=True) if side == name])
        for name in ("above", "at price", "below")
    }
    return {
        **{key: meta[key] for key in _HEADLINES},
        "places": "clusters" if report.get("clusters") else "bands",
        "top": _pick_place(places),
        "above": largest["above"],
        "around": largest["at price"],
        "below": largest["below"],
        "largest_cascade": _pick(bursts, _BURST),
        "clusters": [_shorten(place) for place in places[:LISTED]],
        "heavy_outside": [_shorten(place) for place in heavy[:LISTED]],
        "cascades": [{key: burst[key] for key in _BURST} for burst in bursts[:LISTED]],
        "by_exchange": [{key: row[key] for key in _BY_EXCHANGE} for row in report["exchanges"]],
        "brief": report.get("brief", []),
        "content_hash": report["content_hash"],
    }


def _pick_place(places: list[dict[str, Any]]) -> dict[str, Any] | None:
    return _shorten(places[0]) if places else None


def _shorten(place: dict[str, Any]) -> dict[str, Any]:
    """Select the keys of a price band; a cluster also has the step of its edges."""
    return {key: place[key] for key in _PLACE if key in place}


def _pick(items: list[dict[str, Any]], keys: tuple[str, ...]) -> dict[str, Any] | None:
    return {key: items[0][key] for key in keys} if items else None
