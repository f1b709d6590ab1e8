"""Which clusters, heavy orders and cascades pass the thresholds, in one sentence each, and since when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from liqcli.core.formatting import format_count, format_percent_signed, format_price, format_time, format_usd
from liqcli.core.model import to_us
from liqcli.core.settings import Alerts

GROWN = 2.0  # what holds so many times as much as when it was told is news again
Entry = dict[str, Any]
Alert = dict[str, Any]


def find_alerts(entries: Sequence[Entry], limits: Alerts, told: Sequence[Alert] = (), day: str = "") -> list[Alert]:
    """
    Compare each report's clusters, heavy orders and cascades with the thresholds.

    ``distance_pct`` narrows ``cluster_usd``; alone it watches the largest cluster of each report. What another lookback
    shows once more is named once.

    Parameters
    ----------
    entries : sequence of dict
        Reports of one day, as ``docs/units.md#daily`` says.
    limits : Alerts
        The thresholds.
    told : sequence of dict
        Alerts of the reports that these are compared with: what they told is no news, unless it has doubled since.
    day : str
        The day of the reports.

    Returns
    -------
    list of dict
        ``kind`` (``cluster``, ``order`` or ``cascade``), ``report``, ``symbol``, ``notional`` [USD], where it lies
        (``low``, ``high`` [quote]) or when (``start``, ``end``), ``text``, ``since`` (a day), ``new``; the new first.
    """
    found: list[Alert] = []
    for entry in entries:
        if entry["status"] == "ok":
            found += [alert for alert in _of_report(entry, limits) if not _is_shown_twice(alert, found)]
    for alert in found:
        before = [old["since"] for old in told if _is_same(alert, old) and alert["notional"] < GROWN * old["notional"]]
        alert["since"] = min(before, default=day)
        alert["new"] = not before
    return sorted(found, key=lambda alert: not alert["new"])


def _of_report(entry: Entry, limits: Alerts) -> Iterator[Alert]:
    for place in entry["clusters"]:
        if _is_hot(place, limits):
            word = "cluster" if entry["places"] == "clusters" else "price band"
            yield _alert("cluster", entry, place, f"{word} {_tell_place(entry, place)}")
    for place in entry["heavy_outside"]:
        if limits.cluster_usd is not None and _is_hot(place, limits):
            yield _alert("order", entry, place, f"{_tell_place(entry, place)}, {_tell_events(place)} and no cluster")
    for burst in entry["cascades"]:
        if limits.cascade_usd is not None and burst["notional"] >= limits.cascade_usd:
            yield _alert("cascade", entry, burst, _tell_cascade(burst))


def _is_hot(place: dict[str, Any], limits: Alerts) -> bool:
    if limits.cluster_usd is None and limits.distance_pct is None:
        return False
    if limits.cluster_usd is None and place["rank"] != 1:
        return False
    distance = place["distance_pct"]
    near = limits.distance_pct is None or (distance is not None and abs(round(distance, 2)) <= limits.distance_pct)
    return near and place["notional"] >= (limits.cluster_usd or 0.0)


def _is_shown_twice(alert: Alert, found: Sequence[Alert]) -> bool:
    """Whether a lookback named before shows the same cascade of the symbol, or a place with the same figures."""
    if alert["kind"] == "cascade":
        return any(_is_same(alert, other) for other in found)
    same = ("kind", "symbol", "low", "high", "notional")
    return any(all(alert[key] == other.get(key) for key in same) for other in found)


def _is_same(alert: Alert, old: Alert) -> bool:
    """Whether two alerts tell of one thing: the same price band of one report, or one burst of a symbol."""
    if any(alert.get(key) != old.get(key) for key in ("kind", "symbol", "position")):
        return False
    if alert["kind"] == "cascade":
        return bool(alert["start"] <= old["end"] and old["start"] <= alert["end"])
    return bool(alert["report"] == old["report"] and alert["low"] < old["high"] and old["low"] < alert["high"])


def _alert(kind: str, entry: Entry, item: dict[str, Any], text: str) -> Alert:
    where = ("start", "end", "position") if kind == "cascade" else ("low", "high")
    return {
        "kind": kind,
        "report": entry["name"],
        "symbol": entry["symbol"],
        "notional": item["notional"],
        **{key: item[key] for key in where},
        "text": f"{entry['symbol']} {entry['lookback']}: {text}",
    }


def _tell_place(entry: Entry, place: dict[str, Any]) -> str:
    step = place.get("step", entry["bin_width"])
    distance = place["distance_pct"]
    where = f", {format_percent_signed(distance)} from the last price" if distance is not None else ""
    return (
        f"{format_price(place['low'], step)} to {format_price(place['high'], step)} holds "
        f"{format_usd(place['notional'])} USD realized{where}"
    )


def _tell_cascade(burst: dict[str, Any]) -> str:
    start = format_time(to_us(datetime.fromisoformat(burst["start"])))
    usd = format_usd(burst["notional"])
    return f"cascade of {burst['position']}s from {start} UTC, {usd} USD in {_tell_events(burst)}"


def _tell_events(item: dict[str, Any]) -> str:
    return "1 event" if item["events"] == 1 else f"{format_count(item['events'])} events"
