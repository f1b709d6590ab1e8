"""
The numbers of a daily run in the text format of Prometheus, for the textfile collector of node_exporter.

docs: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4). The collector rejects samples
with a time of their own, so the time of the run is a metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from liqcli.core.errors import OutputError, UsageError
from liqcli.core.files import replace_file
from liqcli.core.model import US_PER_S, to_us

Labels = dict[str, str]
Sample = tuple[Labels, float]


class Metric(NamedTuple):
    """A family of samples: name without ``liqcli_``, and the text of HELP."""

    name: str
    help: str


LIQUIDATED = Metric(
    "liquidated_usd", "USD liquidated in the window; a minimum where completeness is not full (realized)."
)
LIQUIDATIONS = Metric("liquidations", "Liquidations in the window.")
COVERAGE = Metric("coverage_ratio", "Share of the window that is covered by fetches, 0 to 1; absent if unknown.")
LARGEST = Metric("largest_liquidation_usd", "USD of the largest liquidation in the window.")
CLUSTER = Metric("largest_cluster_usd", "USD of the largest cluster in the window; 0 without clusters.")
CASCADE = Metric("largest_cascade_usd", "USD of the largest cascade in the window; 0 without cascades.")
LAST_PRICE = Metric("last_price", "Last price known at the end of the window, in the quote currency.")
LAST_EVENT = Metric("last_event_timestamp_seconds", "Time of the last liquidation in the window.")
WINDOW_END = Metric("window_end_timestamp_seconds", "End of the window.")
SYNTHETIC = Metric("report_synthetic", "1 if the report shows the synthetic sample, else 0.")
SUCCESS = Metric("report_success", "1 if the report was written, 0 if it failed or has no data.")
ALERTS = Metric("alerts", "Alerts of the run.")
NEW_ALERTS = Metric("alerts_new", "Alerts of the run that are new.")
EXIT_CODE = Metric("run_exit_code", "Exit code of the run.")
RUN_TIME = Metric("run_timestamp_seconds", "Time when the run ended.")
DURATION = Metric("run_duration_seconds", "Duration of the run.")
BUILD = Metric("build_info", "1, with the version of liqcli as a label.")


def check_metrics_file(path: Path) -> None:
    """
    Check before a run that the file can be written.

    Raises
    ------
    UsageError
        It is a folder, or its folder does not exist.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"--metrics: {path} is not a file in an existing folder")


def write_metrics(path: Path, summary: dict[str, Any], started_us: int, ended_us: int) -> None:
    """
    Write the file, readable by other users; a reader sees the old one or the new one.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    try:
        replace_file(path, render_metrics(summary, started_us, ended_us).encode(), mode=0o644)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def render_metrics(summary: dict[str, Any], started_us: int, ended_us: int) -> str:
    """
    Render ``summary.json`` of a run.

    Parameters
    ----------
    summary : dict
        Keys of ``docs/units.md#daily``.
    started_us, ended_us : int
        Time of the run. [µs UTC]
    """
    families: list[tuple[Metric, list[Sample]]] = [
        *_families_of_reports(summary["reports"]),
        (ALERTS, _count_alerts(summary["reports"], summary["alerts"])),
        (NEW_ALERTS, [({}, float(sum(alert["new"] for alert in summary["alerts"])))]),
        (EXIT_CODE, [({}, float(summary["exit_code"]))]),
        (RUN_TIME, [({}, ended_us / US_PER_S)]),
        (DURATION, [({}, (ended_us - started_us) / US_PER_S)]),
        (BUILD, [({"version": summary["version"]}, 1.0)]),
    ]
    return "".join(line for metric, samples in families for line in _render_family(metric, samples))


def _families_of_reports(reports: Iterable[dict[str, Any]]) -> Iterator[tuple[Metric, list[Sample]]]:
    reports = list(reports)
    good = [(_labels(entry), entry) for entry in reports if entry["status"] == "ok"]
    rows = [({**labels, "exchange": row["exchange"]}, row) for labels, entry in good for row in entry["by_exchange"]]
    yield (
        LIQUIDATED,
        [
            ({**labels, "position": position, "completeness": row["completeness"]}, row[f"{position}_notional"])
            for labels, row in rows
            for position in ("long", "short")
        ],
    )
    yield LIQUIDATIONS, [(labels, row["events"]) for labels, row in rows]
    yield COVERAGE, [(labels, row["coverage"]) for labels, row in rows if row["coverage"] is not None]
    yield LARGEST, [(labels, entry["largest"]) for labels, entry in good]
    yield CLUSTER, [(labels, _largest_cluster(entry)) for labels, entry in good]
    yield CASCADE, [(labels, (entry["largest_cascade"] or {"notional": 0.0})["notional"]) for labels, entry in good]
    yield LAST_PRICE, [(labels, entry["last_price"]) for labels, entry in good]
    yield LAST_EVENT, [(labels, _seconds(entry["last_event"])) for labels, entry in good]
    yield WINDOW_END, [(labels, _seconds(entry["end"])) for labels, entry in good]
    yield SYNTHETIC, [(labels, float(entry["sample"])) for labels, entry in good]
    yield SUCCESS, [(_labels(entry), float(entry["status"] == "ok")) for entry in reports]


def _largest_cluster(entry: dict[str, Any]) -> float:
    """Return the USD of the largest cluster; a report without clusters lists price bands in their place."""
    if entry["places"] != "clusters":
        return 0.0
    return max((place["notional"] for place in entry["clusters"]), default=0.0)


def _count_alerts(reports: Iterable[dict[str, Any]], alerts: Iterable[dict[str, Any]]) -> list[Sample]:
    """Count alerts by symbol and kind, 0 included, so that a rule never compares with an absent series."""
    counts = {(entry["symbol"], kind): 0 for entry in reports for kind in ("cluster", "order", "cascade")}
    for alert in alerts:
        key = (alert["symbol"], alert["kind"])
        counts[key] = counts.get(key, 0) + 1
    return [({"symbol": symbol, "kind": kind}, float(count)) for (symbol, kind), count in counts.items()]


def _labels(entry: dict[str, Any]) -> Labels:
    return {"symbol": entry["symbol"], "lookback": entry["lookback"]}


def _seconds(moment: str) -> float:
    return to_us(datetime.fromisoformat(moment)) / US_PER_S


def _render_family(metric: Metric, samples: list[Sample]) -> Iterator[str]:
    if not samples:
        return
    name = f"liqcli_{metric.name}"
    yield f"# HELP {name} {_escape(metric.help)}\n"
    yield f"# TYPE {name} gauge\n"
    for labels, value in samples:
        shown = ",".join(f'{key}="{_escape(text, quoted=True)}"' for key, text in labels.items())
        yield f"{name}{{{shown}}} {_number(value)}\n" if shown else f"{name} {_number(value)}\n"


def _escape(text: str, quoted: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quoted else escaped


def _number(value: float) -> str:
    """Format a number exactly; whole ones without decimals."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
