"""
Write the pages of a day (``index.html``, ``digest.md``, ``summary.json``) and the index of all days.

Index and digest show numbers, change and problems of each report. The index also has a table of days and symbols.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from liqcli.core.errors import ExitCode
from liqcli.core.files import data_folder, replace_file
from liqcli.core.formatting import format_coverage
from liqcli.core.version import __version__
from liqcli.daily.folders import FORMAT, PAGE, SUMMARY
from liqcli.report.html_markdown import render_template

ROWS_SHOWN = 31  # earlier days are folded
_STATES = {
    ExitCode.SOURCE: "no source answered",
    ExitCode.NO_DATA: "no data",
    ExitCode.DAMAGED: "failed",
    ExitCode.PARTIAL: "partial",
}


def build_history(days: Sequence[str], summaries: Mapping[str, Summary], newest: Summary) -> dict[str, Any]:
    """
    Build the values of ``daily_table.html``: the first lookback of each symbol of the newest day, day by day.

    Parameters
    ----------
    days : sequence of str
        Oldest first.
    summaries : mapping
        Day -> summary; a day without one is not finished.
    newest : dict
        The summary that defines the symbols.
    """
    lookback = newest["reports"][0]["lookback"]
    shown = [entry for entry in newest["reports"] if entry["lookback"] == lookback]
    rows = [_row(day, summaries.get(day), [entry["name"] for entry in shown]) for day in reversed(days)]
    _scale_bars([cell for row in rows for cell in row["cells"] if cell])
    return {
        "history": rows,
        "history_lookback": lookback,
        "history_symbols": [entry["symbol"] for entry in shown],
        "rows_shown": ROWS_SHOWN,
    }


def describe_state(summary: Summary) -> str:
    """Describe the result of a run in a word; empty if all went well."""
    return _STATES.get(summary["exit_code"], "")


def _row(day: str, summary: Summary | None, names: Sequence[str]) -> dict[str, Any]:
    reports = {entry["name"]: entry for entry in summary["reports"]} if summary else {}
    return {
        "day": day,
        "cells": [_cell(reports.get(name)) for name in names],
        "state": describe_state(summary) if summary else "unfinished",
        "alerts": sum(alert.get("new", True) for alert in summary["alerts"]) if summary else 0,
        "whole": summary is not None,
    }


def _cell(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    if entry is None or entry["status"] != "ok":
        return None
    keys = ("notional", "long_notional", "short_notional", "name")
    return {**{key: entry[key] for key in keys}, "page": entry["files"]["html"]}


def _scale_bars(cells: Sequence[dict[str, Any]]) -> None:
    """Add the lengths of its bar to each cell, in percent of the longest."""
    largest = max((cell["notional"] for cell in cells), default=0.0)
    for cell in cells:
        cell["percent"] = percent(cell["notional"], largest)
        cell["long_percent"] = percent(cell["long_notional"], largest)


WHOLE = 0.999  # coverage from which nothing is remarked
NAMED = 3  # sources listed in a row of the overview
Card = dict[str, Any]


def build_card(entry: Card) -> Card:
    """Add values to the entry of a report that the template would have to compute."""
    if entry["status"] != "ok":
        return entry
    old = entry["previous"] or {}
    return {
        **entry,
        "long_percent": percent(entry["long_notional"], entry["notional"]),
        "change": describe_change(entry["notional"], old.get("notional")),
        "price_change": describe_change(entry["last_price"], old.get("last_price"), decimals=2),
    }


def build_overview(cards: Sequence[Card], lookbacks: Sequence[str]) -> list[dict[str, Any]]:
    """Build the row of a symbol: one cell per lookback, problems and remarks."""
    rows = []
    for symbol in dict.fromkeys(card["symbol"] for card in cards):
        own = {card["lookback"]: card for card in cards if card["symbol"] == symbol}
        cells = [own[lookback] for lookback in lookbacks]
        troubles = _troubles(cells)
        good = [cell for cell in cells if cell["status"] == "ok"]  # their windows end together, at one price
        rows.append(
            {
                "symbol": symbol,
                "cells": cells,
                "price": good[0]["last_price"] if good else None,
                "price_change": good[0]["price_change"] if good else None,
                "bad": len(good) < len(cells) or bool(troubles),
                "troubles": troubles,
                "coverage": _coverage(cells),
            }
        )
    return rows


def _troubles(cards: Sequence[Card]) -> list[str]:
    """Describe what is missing of a symbol; a missing report is shown in its own cell."""
    missing = list(dict.fromkeys(text.split(":")[0] for card in cards for text in card["troubles"]))
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    damaged = {path for card in cards if card["status"] == "ok" for path in card["damaged"]}
    return [
        *([f"not all came from {', '.join(missing[:NAMED])}{more}"] if missing else []),
        *([f"{len(damaged)} damaged file{'s' if len(damaged) > 1 else ''} left out"] if damaged else []),
    ]


def _coverage(cards: Sequence[Card]) -> str:
    """Describe windows that are not covered completely."""
    known = [(card["lookback"], card["coverage"]) for card in cards if card["status"] == "ok"]
    said = [
        f"{lookback} {'unknown' if share is None else format_coverage(share)}"
        for lookback, share in known
        if share is None or share < WHOLE
    ]
    return f"coverage {', '.join(said)}" if said else ""


def describe_change(new: float, old: float | None, decimals: int = 0) -> str | None:
    """Format a change: ``+35%``, ``-4.20%``, ``× 12`` from ten on; None if it has no meaning."""
    if not old or old < 0:
        return None
    factor = new / old
    if factor >= 10:
        return f"× {factor:,.0f}"
    text = f"{100 * (factor - 1):+.{decimals}f}"
    return f"{'±0' if float(text) == 0 else text}%"


def percent(part: float, whole: float) -> float:
    """Return a share in percent, for the length of a bar."""
    return round(100 * part / whole, 2) if whole > 0 else 0.0


ALERTS_SHOWN = 6  # further ones are folded
Summary = dict[str, Any]
Neighbours = tuple[str | None, str | None]  # previous and next day with a page


def write_day(folder: Path, summary: Summary, neighbours: Neighbours) -> None:
    """Write page, digest and summary of a day beside its reports."""
    text = json.dumps(summary, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    (folder / SUMMARY).write_text(text, encoding="utf-8")
    (folder / PAGE).write_text(_render_day(summary, neighbours), encoding="utf-8")
    (folder / "digest.md").write_text(render_template("digest.md", _values(summary, "")), encoding="utf-8")


def renew_links(folder: Path, summary: Summary, neighbours: Neighbours) -> None:
    """Rewrite the page of a finished day if its neighbours have changed."""
    text = _render_day(summary, neighbours).encode()
    if (folder / PAGE).read_bytes() != text:
        replace_file(folder / PAGE, text)


def render_index(days: Sequence[str], summaries: Mapping[str, Summary]) -> str:
    """
    Render the index: the newest day's cards, and a row a day back in time.

    Parameters
    ----------
    days : sequence of str
        Days to list, oldest first.
    summaries : mapping
        Day -> summary, at least one; a day without one is not finished.
    """
    newest = max(day for day, summary in summaries.items() if summary.get("format") == FORMAT)
    older = max((day for day in summaries if day < newest), default=None)
    values = {
        **_values(summaries[newest], f"{newest}/"),
        **build_history(days, summaries, summaries[newest]),
        **{"up": "", "older": older, "newer": None},
    }
    return render_template(PAGE, {**values, **_style()})


def _render_day(summary: Summary, neighbours: Neighbours) -> str:
    older, newer = neighbours
    values = {**_values(summary, ""), "history": [], "up": "../", "older": older, "newer": newer}
    return render_template(PAGE, {**values, **_style()})


def _values(summary: Summary, prefix: str) -> dict[str, Any]:
    cards = [build_card(entry) for entry in summary["reports"]]
    lookbacks = list(dict.fromkeys(card["lookback"] for card in cards))
    pages = {card["name"]: card["files"]["html"] for card in cards if card["status"] == "ok"}
    alerts = [{**alert, "page": pages[alert["report"]]} for alert in summary["alerts"]]
    return {
        "summary": summary,
        "market": summary.get("market"),  # days of earlier versions have none
        "levels": summary.get("levels") or [],
        "state": describe_state(summary),
        "lookbacks": lookbacks,
        "groups": [(lookback, [card for card in cards if card["lookback"] == lookback]) for lookback in lookbacks],
        "overview": build_overview(cards, lookbacks),
        "new_alerts": [alert for alert in alerts if alert["new"]],
        "old_alerts": [alert for alert in alerts if not alert["new"]],
        "alerts_shown": ALERTS_SHOWN,
        "prefix": prefix,
        "meta": {"version": __version__},
    }


def _style() -> dict[str, str]:
    """Return the style sheet, and its hash for the content security policy."""
    folder = data_folder("templates")
    style = "".join((folder / name).read_text(encoding="utf-8") for name in ("style.css", "daily.css"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {"style": style, "style_hash": digest}
