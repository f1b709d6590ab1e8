"""What is read of a day: ``index.html``, ``digest.md``, ``summary.json``, and the index of all days."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from liqcli import __version__
from liqcli.atomic import replace_file
from liqcli.daily.cards import build_card, build_overview
from liqcli.daily.folders import FORMAT, PAGE, SUMMARY
from liqcli.daily.history import build_history, describe_state
from liqcli.render import render_template
from liqcli.resources import data_folder

ALERTS_SHOWN = 6  # more of them fold away
Summary = dict[str, Any]
Neighbours = tuple[str | None, str | None]  # the day before and the day after that have a page


def write_day(folder: Path, summary: Summary, neighbours: Neighbours) -> None:
    """Write a day's own page, digest and summary beside its reports."""
    text = json.dumps(summary, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    (folder / SUMMARY).write_text(text, encoding="utf-8")
    (folder / PAGE).write_text(_render_day(summary, neighbours), encoding="utf-8")
    (folder / "digest.md").write_text(render_template("digest.md", _values(summary, "")), encoding="utf-8")


def renew_links(folder: Path, summary: Summary, neighbours: Neighbours) -> None:
    """Write a finished day's page anew, if the days before and after it are others now."""
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
    """Give the style sheet and the hash that alone lets the page use it."""
    folder = data_folder("templates")
    style = "".join((folder / name).read_text(encoding="utf-8") for name in ("style.css", "daily.css"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {"style": style, "style_hash": digest}
