"""Find clusters, large orders and cascades that pass the thresholds; one sentence each, with the first day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from liqcli.core.formatting import format_count, format_percent_signed, format_price, format_time, format_usd
from liqcli.core.model import to_us
from liqcli.core.settings import Alerts

GROWN = 2.0  # an alert counts as new again when its USD grew by this factor
Entry = dict[str, Any]
Alert = dict[str, Any]


def find_alerts(entries: Sequence[Entry], limits: Alerts, earlier: Sequence[Alert] = (), day: str = "") -> list[Alert]:
    """
    Compare the clusters, large orders and cascades of each report with the thresholds.

    ``distance_pct`` narrows ``cluster_usd``; alone it applies to the largest cluster of each report. What several
    lookbacks show is listed once, with the lookbacks.

    Parameters
    ----------
    entries : sequence of dict
        Reports of one day, as ``docs/units.md#daily`` says.
    limits : Alerts
        The thresholds.
    earlier : sequence of dict
        Alerts of the reports that these are compared with. They are not new, unless their USD has doubled.
    day : str
        The day of the reports.

    Returns
    -------
    list of dict
        ``kind`` (``cluster``, ``order`` or ``cascade``), ``report``, ``symbol``, ``lookbacks`` that show it,
        ``notional`` [USD], where it lies (``low``, ``high`` [quote]) or when (``start``, ``end``), ``text``, ``since``
        (a day), ``new``; the new first.
    """
    found: list[Alert] = []
    for entry in entries:
        if entry["status"] == "ok":
            for alert in _of_report(entry, limits):
                _add(found, alert)
    for alert in found:
        alert["text"] = f"{alert['symbol']} {', '.join(alert['lookbacks'])}: {alert.pop('words')}"
        before = [
            old["since"] for old in earlier if _is_same(alert, old) and alert["notional"] < GROWN * old["notional"]
        ]
        alert["since"] = min(before, default=day)
        alert["new"] = not before
    return sorted(found, key=lambda alert: not alert["new"])


def _of_report(entry: Entry, limits: Alerts) -> Iterator[Alert]:
    for place in entry["clusters"]:
        if _is_hot(place, limits):
            word = "cluster" if entry["places"] == "clusters" else "price band"
            yield _alert("cluster", entry, place, f"{word} {_describe_place(entry, place)}")
    for place in entry["heavy_outside"]:
        if limits.cluster_usd is not None and _is_hot(place, limits):
            yield _alert(
                "order", entry, place, f"{_describe_place(entry, place)}, {_describe_events(place)} and no cluster"
            )
    for burst in entry["cascades"]:
        if limits.cascade_usd is not None and burst["notional"] >= limits.cascade_usd:
            yield _alert("cascade", entry, burst, _describe_cascade(burst))


def _is_hot(place: dict[str, Any], limits: Alerts) -> bool:
    if limits.cluster_usd is None and limits.distance_pct is None:
        return False
    if limits.cluster_usd is None and place["rank"] != 1:
        return False
    distance = place["distance_pct"]
    near = limits.distance_pct is None or (distance is not None and abs(round(distance, 2)) <= limits.distance_pct)
    return near and place["notional"] >= (limits.cluster_usd or 0.0)


def _add(found: list[Alert], alert: Alert) -> None:
    """Add an alert, or merge it into that of another lookback: one line per zone, with the figures of the most USD."""
    twin = next((other for other in found if _is_same(alert, other, any_report=True)), None)
    if twin is None:
        found.append(alert)
        return
    lookbacks = list(dict.fromkeys([*twin["lookbacks"], *alert["lookbacks"]]))
    if alert["notional"] > twin["notional"]:
        twin.update(alert)
    twin["lookbacks"] = lookbacks


def _is_same(alert: Alert, old: Alert, any_report: bool = False) -> bool:
    """Return True if two alerts mean the same price band, of one report or of any, or the same cascade of a symbol."""
    if any(alert.get(key) != old.get(key) for key in ("kind", "symbol", "position")):
        return False
    if alert["kind"] == "cascade":
        return bool(alert["start"] <= old["end"] and old["start"] <= alert["end"])
    shared = any_report or bool({*alert["lookbacks"]} & {*old.get("lookbacks", [old["report"].rpartition("-")[2]])})
    return bool(shared and alert["low"] < old["high"] and old["low"] < alert["high"])


def _alert(kind: str, entry: Entry, item: dict[str, Any], text: str) -> Alert:
    where = ("start", "end", "position") if kind == "cascade" else ("low", "high")
    return {
        "kind": kind,
        "report": entry["name"],
        "symbol": entry["symbol"],
        "notional": item["notional"],
        **{key: item[key] for key in where},
        "lookbacks": [entry["lookback"]],
        "words": text,
    }


def _describe_place(entry: Entry, place: dict[str, Any]) -> str:
    step = place.get("step", entry["bin_width"])
    distance = place["distance_pct"]
    where = f", {format_percent_signed(distance)} from the last price" if distance is not None else ""
    return (
        f"{format_price(place['low'], step)} to {format_price(place['high'], step)} holds "
        f"{format_usd(place['notional'])} USD realized{where}"
    )


def _describe_cascade(burst: dict[str, Any]) -> str:
    start = format_time(to_us(datetime.fromisoformat(burst["start"])))
    usd = format_usd(burst["notional"])
    return f"cascade of {burst['position']}s from {start} UTC, {usd} USD in {_describe_events(burst)}"


def _describe_events(item: dict[str, Any]) -> str:
    return "1 event" if item["events"] == 1 else f"{format_count(item['events'])} events"
