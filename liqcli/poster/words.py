"""Words that stand on every picture of a window: who, how completely, when."""

from __future__ import annotations

from liqcli.analysis.coverage import overall_share
from liqcli.charts.picture import HeadlineNumber
from liqcli.findings import Findings
from liqcli.formats import format_coverage, format_time
from liqcli.words import SHORT_COMPLETENESS, list_exchanges


def list_origin(findings: Findings) -> list[str]:
    """Say what is counted, of whom, and when: the first words of every subtitle."""
    window = findings.selection.window
    exchanges = list_exchanges([e.exchange for e in findings.summary.exchanges])
    return [
        "realized",
        f"{exchanges} ({SHORT_COMPLETENESS[findings.summary.completeness]})",
        f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC",
    ]


def list_limits(findings: Findings) -> list[str]:
    """Say which part of the events was asked for, and what was done to them: the last words of every subtitle."""
    selection = findings.selection
    parts = [f"{selection.query.position}s only"] if selection.query.position != "both" else []
    return [*parts, "prices moved to the market"] if selection.market_prices else parts


def coverage_number(findings: Findings) -> tuple[HeadlineNumber, ...]:
    """Give the headline number of coverage."""
    share = overall_share(findings.selection.coverage)
    if share is None:
        return (HeadlineNumber("unknown", "coverage", "warn"),)
    return (HeadlineNumber(format_coverage(share), "coverage", "plain" if share >= 0.999 else "warn"),)
