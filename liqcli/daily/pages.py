"""What is read of a day: ``index.html``, ``digest.md``, ``summary.json``, and the index of all days."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liqcli import __version__
from liqcli.daily.folders import SUMMARY, read_summary
from liqcli.render import render_template
from liqcli.resources import data_folder

ROWS_SHOWN, ALERTS_SHOWN = 31, 6  # further days and alerts fold away
Summary = dict[str, Any]


def write_day(folder: Path, summary: Summary) -> None:
    """Write a day's own page, digest and summary beside its reports."""
    text = json.dumps(summary, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    (folder / SUMMARY).write_text(text, encoding="utf-8")
    values = {**_values(summary, ""), "history": []}
    (folder / "index.html").write_text(render_template("index.html", {**values, **_style()}), encoding="utf-8")
    (folder / "digest.md").write_text(render_template("digest.md", values), encoding="utf-8")


def render_index(out: Path, days: Sequence[str]) -> str:
    """
    Render the index: the newest day's cards, and a row a day back in time.

    Parameters
    ----------
    out : Path
        Folder of the daily reports; the summaries are read from it.
    days : sequence of str
        Days to list, oldest first; at least one.
    """
    summaries = {day: summary for day in days if (summary := read_summary(out, day))}
    newest = summaries[max(summaries)]
    names = [entry["name"] for entry in newest["reports"]]
    lookback = newest["reports"][0]["lookback"]
    shown = [name for name, entry in zip(names, newest["reports"], strict=True) if entry["lookback"] == lookback]
    history = [_history_row(day, summaries.get(day), shown) for day in reversed(days)]
    _scale_bars([cell for row in history for cell in row["cells"] if cell])
    values = {
        **_values(newest, f"{newest['day']}/"),
        "history": history,
        "history_lookback": lookback,
        "history_symbols": [e["symbol"] for e in newest["reports"] if e["lookback"] == lookback],
        "rows_shown": ROWS_SHOWN,
    }
    return render_template("index.html", {**values, **_style()})


def _values(summary: Summary, prefix: str) -> dict[str, Any]:
    cards = [_card(entry, summary["previous_day"]) for entry in summary["reports"]]
    lookbacks = list(dict.fromkeys(card["lookback"] for card in cards))
    return {
        "summary": summary,
        "groups": [(lookback, [card for card in cards if card["lookback"] == lookback]) for lookback in lookbacks],
        "prefix": prefix,
        "alerts_shown": ALERTS_SHOWN,
        "meta": {"version": __version__},
    }


def _card(entry: dict[str, Any], previous_day: str | None) -> dict[str, Any]:
    """Add what the templates would otherwise have to compute."""
    if entry["status"] != "ok":
        return entry
    old = entry.get("previous")
    long_percent = _percent(entry["long_notional"], entry["notional"])
    card = {**entry, "long_percent": long_percent, "change": None, "price_change": None, "previous_day": previous_day}
    if old:
        card["change"] = describe_change(entry["notional"], old.get("notional"))
        card["price_change"] = describe_change(entry["last_price"], old.get("last_price"), decimals=2)
    return card


def describe_change(new: float, old: float | None, decimals: int = 0) -> str | None:
    """Write a change for people: ``+35 %``, ``-4.20 %``, ``× 12`` from ten on; None where it has no meaning."""
    if not old or old < 0:
        return None
    factor = new / old
    if factor >= 10:
        return f"× {factor:,.0f}"
    text = f"{100 * (factor - 1):+.{decimals}f}"
    return f"{'±0' if float(text) == 0 else text} %"


def _history_row(day: str, summary: Summary | None, names: Sequence[str]) -> dict[str, Any]:
    reports = {entry["name"]: entry for entry in summary["reports"]} if summary else {}
    good = [entry for entry in reports.values() if entry["status"] == "ok"]
    cells = [_history_cell(reports.get(name)) for name in names]
    if not summary:
        state = "unfinished"
    elif not good:
        state = "no data"
    else:
        state = "" if summary["exit_code"] != 6 else "partial"
    alerts = len(summary["alerts"]) if summary else 0
    return {"day": day, "cells": cells, "state": state, "alerts": alerts, "whole": summary is not None}


def _history_cell(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    if entry is None or entry["status"] != "ok":
        return None
    keys = ("notional", "long_notional", "short_notional", "name")
    return {**{key: entry[key] for key in keys}, "page": entry["files"]["html"]}


def _scale_bars(cells: Sequence[dict[str, Any]]) -> None:
    """Give each cell the lengths of its bar, in percent of the longest."""
    largest = max((cell["notional"] for cell in cells), default=0.0)
    for cell in cells:
        cell["percent"] = _percent(cell["notional"], largest)
        cell["long_percent"] = _percent(cell["long_notional"], largest)


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 2) if whole > 0 else 0.0


def _style() -> dict[str, str]:
    """Give the style sheet and the hash that alone lets the page use it."""
    folder = data_folder("templates")
    style = "".join((folder / name).read_text(encoding="utf-8") for name in ("style.css", "daily.css"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {"style": style, "style_hash": digest}
