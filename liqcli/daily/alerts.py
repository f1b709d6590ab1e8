"""Which clusters and cascades pass the thresholds, in one sentence each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liqcli.formats import format_percent_signed, format_price, format_time, format_usd
from liqcli.model import to_us
from liqcli.settings import Alerts

Entry = dict[str, Any]


def find_alerts(entries: Sequence[Entry], limits: Alerts) -> list[dict[str, Any]]:
    """
    Compare each report's clusters and cascades with the thresholds.

    ``distance_pct`` narrows ``cluster_usd``; alone it watches the largest cluster of each report.

    Returns
    -------
    list of dict
        ``kind`` (``cluster`` or ``cascade``), ``report``, ``notional`` [USD], ``text``.
    """
    found = []
    for entry in entries:
        if entry["status"] != "ok":
            continue
        found += [_alert("cluster", entry, p, _tell_cluster(entry, p)) for p in entry["clusters"] if _hot(p, limits)]
        if limits.cascade_usd is not None:
            large = [burst for burst in entry["cascades"] if burst["notional"] >= limits.cascade_usd]
            found += [_alert("cascade", entry, burst, _tell_cascade(entry, burst)) for burst in large]
    return found


def _hot(place: dict[str, Any], limits: Alerts) -> bool:
    if limits.cluster_usd is None and limits.distance_pct is None:
        return False
    if limits.cluster_usd is None and place["rank"] != 1:
        return False
    distance = place["distance_pct"]
    near = limits.distance_pct is None or (distance is not None and abs(distance) <= limits.distance_pct)
    return near and place["notional"] >= (limits.cluster_usd or 0.0)


def _alert(kind: str, entry: Entry, item: dict[str, Any], text: str) -> dict[str, Any]:
    return {"kind": kind, "report": entry["name"], "notional": item["notional"], "text": text}


def _tell_cluster(entry: Entry, place: dict[str, Any]) -> str:
    step = entry["bin_width"]
    word = "cluster" if entry["places"] == "clusters" else "price band"
    distance = place["distance_pct"]
    where = f", {format_percent_signed(distance)} from the last price" if distance is not None else ""
    return (
        f"{entry['symbol']} {entry['lookback']}: {word} {format_price(place['low'], step)} to "
        f"{format_price(place['high'], step)} holds {format_usd(place['notional'])} USD realized{where}"
    )


def _tell_cascade(entry: Entry, burst: dict[str, Any]) -> str:
    from datetime import datetime

    start = format_time(to_us(datetime.fromisoformat(burst["start"])))
    return (
        f"{entry['symbol']} {entry['lookback']}: cascade of {burst['position']}s from {start} UTC, "
        f"{format_usd(burst['notional'])} USD in {burst['events']} events"
    )
