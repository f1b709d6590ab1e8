"""The document of a score: one dict for JSON, table and figure, and one sentence for reports."""

from __future__ import annotations

from typing import Any

from liqcli.analysis.score.clusters import LEAST_TOUCHES
from liqcli.analysis.score.days import DAY_US
from liqcli.analysis.score.levels import PLACEBO
from liqcli.analysis.score.result import LEAST_DAYS, LEAST_EVENTS, Measure, Score
from liqcli.core.formatting import format_count, format_counted, format_iso
from liqcli.core.model import Window
from liqcli.core.version import __version__
from liqcli.report.cluster_score import ClusterScore
from liqcli.report.level_score import LevelScore

IN_NATS = "log-likelihood gain"


def build_level_document(found: LevelScore) -> dict[str, Any]:
    """Build the document of a score of levels."""
    from liqcli.analysis.score.forward import hash_map

    inputs = found.inputs
    document = _build("levels", inputs.label, inputs.window, found.score)
    document["meta"] = {
        **document["meta"],
        "exchanges": list(found.exchanges),
        "open_interest": f"{inputs.exchange} {inputs.contract}",
        "maps": len(found.maps),
        "calibrated_maps": found.calibrated,
        "notes": list(inputs.notes),
    }
    document["maps"] = [
        {"as_of": format_iso(one.level_map.as_of_us), "sha256": hash_map(one.level_map)} for one in found.maps
    ]
    return document


def build_cluster_document(found: ClusterScore) -> dict[str, Any]:
    """Build the document of a score of clusters."""
    document = _build("clusters", found.label, found.window, found.score)
    document["meta"] = {
        **document["meta"],
        "exchanges": list(found.exchanges),
        "cuts": found.cuts,
        "clusters": found.clusters,
        "lookback_h": found.lookback_us / 3.6e9,
        "notes": list(found.notes),
    }
    return document


def _build(kind: str, symbol: str, window: Window, score: Score) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "start": format_iso(window.start_us),
        "end": format_iso(window.end_us),
        "days": score.days,
        "events": score.events,
        "verdict": score.verdict,
        "touches": score.touches,
        "sentence": describe_score(kind, score, window),
        "measures": [_measure(one) for one in score.measures],
        "meta": {"kind": kind, "version": __version__},
    }


def _measure(one: Measure) -> dict[str, Any]:
    return {
        "name": one.name,
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "baseline": one.baseline,
        "baseline_value": one.baseline_value,
        "difference": one.difference,
        "difference_low": one.difference_low,
        "difference_high": one.difference_high,
        "corrected_low": one.wide_low,
        "corrected_high": one.wide_high,
    }


def describe_score(kind: str, score: Score, window: Window) -> str:
    """
    Describe a score in one sentence for reports.

    Examples
    --------
    "in 31 days of this lake, 214 touches: turned at 47%, placebo 45%, difference +2 points, −5 … +9: no evidence"
    """
    span = f"in {format_counted(round(window.length_us / DAY_US), 'day')} of this lake"
    if kind == "levels":
        seen = f"{format_count(score.events)} orders on {format_counted(score.days, 'usable day')}"
    else:
        seen = f"{format_count(score.touches or 0)} touches"
    if score.verdict == "too little data":
        touches = f", {LEAST_TOUCHES} touches" if kind == "clusters" else ""
        needed = f"{LEAST_DAYS} usable days and {LEAST_EVENTS} orders{touches} are needed"
        return f"{span}, {seen}: too little data ({needed})"
    first = _find_headline(kind, score)
    if first.name == IN_NATS:
        return f"{span}, {seen}: {_describe_gain(first)}: {score.verdict}"
    what = "held in the top fifth of the estimated levels" if kind == "levels" else first.name.split(" within")[0]
    return f"{span}, {seen}: {_describe_measure(what, first, kind)}: {score.verdict}"


def _find_headline(kind: str, score: Score) -> Measure:
    """Return the measure of the verdict that shows skill, else the share of levels, or the longest horizon."""
    if kind == "levels":
        candidates = [one for one in reversed(score.measures) if one.baseline == PLACEBO]
    else:
        candidates = [one for one in score.measures if one.name.startswith("turned")]
    clear = [one for one in candidates if one.wide_low is not None and one.wide_low > 0]
    return (clear or candidates)[-1]


def _describe_gain(one: Measure) -> str:
    value, base, difference = (format_value(IN_NATS, x) for x in (one.value, one.baseline_value, one.difference))
    low, high = (format_value(IN_NATS, x) for x in (one.wide_low, one.wide_high))
    return (
        f"log-likelihood gain of the estimated levels {value}, placebo {base}, difference {difference}, {low} … {high}"
    )


def _describe_measure(what: str, one: Measure, kind: str) -> str:
    low, high = one.wide_low, one.wide_high
    interval = "" if low is None or high is None else f", {format_points(low)} … {format_points(high)}"
    share = f"{100 * one.value:.0f}%"
    counted = f"{what} at {share}" if kind == "clusters" else f"{share} of the USD {what}"
    difference = f"difference {format_points(one.difference)} points{interval}"
    return f"{counted}, placebo {100 * one.baseline_value:.0f}%, {difference}"


def format_points(share: float) -> str:
    """Format a difference of shares in percentage points with its sign: ``+2``, ``−5``."""
    points = round(100 * share)
    return f"{'−' if points < 0 else '+'}{abs(points)}"


def format_value(name: str, value: float | None, signed: bool = False) -> str:
    """Format a value of a measure: shares as percent, likelihoods in nats; differences of shares as points."""
    if value is None:
        return "unknown"
    if name == IN_NATS:
        return f"{value:+.3f}".replace("-", "−")
    return f"{100 * value:+.1f}".replace("-", "−") if signed else f"{100 * value:.1f}%"
