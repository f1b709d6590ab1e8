"""The index's table back in time: a row a day, a cell a symbol. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from liqcli.daily.cards import percent
from liqcli.errors import ExitCode

ROWS_SHOWN = 31  # earlier days fold away
Summary = dict[str, Any]
_STATES = {
    ExitCode.SOURCE: "no source answered",
    ExitCode.NO_DATA: "no data",
    ExitCode.DAMAGED: "failed",
    ExitCode.PARTIAL: "partial",
}


def build_history(days: Sequence[str], summaries: Mapping[str, Summary], newest: Summary) -> dict[str, Any]:
    """
    Give the values of ``daily_table.html``: the first lookback of each of the newest day's symbols, day by day.

    Parameters
    ----------
    days : sequence of str
        Oldest first.
    summaries : mapping
        Day -> summary; a day without one is not finished.
    newest : dict
        The summary that says which symbols there are.
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
    """Say in a word what a run came to; nothing where all went well."""
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
    """Give each cell the lengths of its bar, in percent of the longest."""
    largest = max((cell["notional"] for cell in cells), default=0.0)
    for cell in cells:
        cell["percent"] = percent(cell["notional"], largest)
        cell["long_percent"] = percent(cell["long_notional"], largest)
