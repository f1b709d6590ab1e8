"""One symbol, one lookback: its files, and its entry in the summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.selection import Query
from liqcli.charts.picture import ThemeName
from liqcli.charts.thumbnail import draw_thumbnail
from liqcli.daily.day import Day
from liqcli.errors import EmptyWindowError, LiqcliError
from liqcli.findings import Findings, View, build_findings
from liqcli.formats import format_iso
from liqcli.lake import Lake
from liqcli.outputs import write_outputs
from liqcli.poster import build_alt_text, build_picture
from liqcli.settings import Settings

THUMBNAIL_THEMES: tuple[ThemeName, ...] = ("dark", "light")
_HEADLINES = (
    "start", "end", "exchanges", "sources", "events", "notional", "long_notional", "short_notional", "largest",
    "last_price", "bin_width", "completeness", "coverage", "sample",
)  # fmt: skip
_PLACE = ("rank", "low", "high", "notional", "share", "events", "distance_pct")
LISTED = 20  # of each kind: what alerts can see
_BURST = ("start", "end", "position", "events", "notional", "share")

Say = Callable[[str], None]
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the run's reports are written, and which day they are of."""

    folder: Path
    day: Day


def make_report(lake: Lake, settings: Settings, place: Place, name: tuple[str, str], warn: Say) -> Entry:
    """
    Write one report's pages, numbers and thumbnails.

    Returns
    -------
    dict
        The entry of ``docs/units.md#daily``: ``status`` is ``ok``, ``no data`` or ``failed``, then with ``message``.
    """
    symbol, lookback = name
    entry: Entry = {"symbol": symbol, "lookback": lookback, "name": f"{symbol}-{lookback}"}
    query = Query(symbol, lookback, until=format_iso(place.day.end_us), exchanges=settings.exchanges)
    try:
        findings = build_findings(lake, query, GridOptions(), _view(settings, settings.themes[0]))
        for path in findings.damaged:
            warn(f"{path}: damaged, left out of {entry['name']}; liqcli verify says more")
        return {**entry, "status": "ok", **_write(findings, settings, place.folder, entry["name"])}
    except EmptyWindowError as error:  # its fact alone: the advice is for somebody at a shell
        return {**entry, "status": "no data", "message": error.fact}
    except LiqcliError as error:
        message = str(error).replace(str(lake.root), "the lake")  # where it lies is nobody's business
        return {**entry, "status": "failed", "message": message}
    except Exception as error:  # at night a fault in one report must not cost the others
        return {**entry, "status": "failed", "message": f"unforeseen fault: {type(error).__name__}: {error}"}


def hot_places(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Give a report's clusters, or its price bands where it has none, best rank first."""
    places: list[dict[str, Any]] = report.get("clusters") or report.get("bands") or []
    return places


def _view(settings: Settings, theme: str) -> View:
    return View(palette=settings.palette, scale=settings.scale, theme=theme)


def _write(findings: Findings, settings: Settings, folder: Path, name: str) -> Entry:
    numbers = folder / f"{name}.json"
    pages: dict[str, str] = {}
    for theme in settings.themes:
        page = folder / (f"{name}.html" if not pages else f"{name}-{theme}.html")
        write_outputs(replace(findings, view=_view(settings, theme)), [page] if pages else [page, numbers])
        pages[theme] = page.name
    thumbnails = {}
    picture = build_picture(findings)
    for thumbnail_theme in THUMBNAIL_THEMES:
        path = folder / f"{name}-{thumbnail_theme}.png"
        shown = draw_thumbnail(picture, theme=thumbnail_theme, palette=settings.palette, scale=settings.scale)  # type: ignore[arg-type]
        path.write_bytes(shown)
        thumbnails[thumbnail_theme] = path.name
    report = json.loads(numbers.read_text(encoding="utf-8"))
    return {
        "files": {"html": pages[settings.themes[0]], "pages": pages, "json": numbers.name, "thumbnails": thumbnails},
        "alt": build_alt_text(findings),
        "damaged": [path.name for path in findings.damaged],
        **_headlines(report),
    }


def _headlines(report: dict[str, Any]) -> Entry:
    """Pick what index, digest and alerts need out of the report's numbers."""
    meta, places = report["meta"], hot_places(report)
    bursts = sorted(report.get("cascades") or [], key=lambda burst: (-burst["notional"], burst["start"]))
    heavy = report["heavy_outside"] if report.get("clusters") else []  # bands name them already
    above = [p for p in places if (p["distance_pct"] or 0) > 0]
    below = [p for p in places if (p["distance_pct"] or 0) < 0]
    return {
        **{key: meta[key] for key in _HEADLINES},
        "places": "clusters" if report.get("clusters") else "bands",
        "top": _pick(places, _PLACE),
        "above": _pick(above, _PLACE),
        "below": _pick(below, _PLACE),
        "largest_cascade": _pick(bursts, _BURST),
        "clusters": [{key: place[key] for key in _PLACE} for place in places[:LISTED]],
        "heavy_outside": [{key: place[key] for key in _PLACE} for place in heavy[:LISTED]],
        "cascades": [{key: burst[key] for key in _BURST} for burst in bursts[:LISTED]],
        "content_hash": report["content_hash"],
    }


def _pick(items: list[dict[str, Any]], keys: tuple[str, ...]) -> dict[str, Any] | None:
    return {key: items[0][key] for key in keys} if items else None
