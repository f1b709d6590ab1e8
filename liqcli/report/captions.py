"""Words that stand on every picture of a window: who, how completely, when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from liqcli.analysis.summary import ExchangeSums
from liqcli.charts.figure_spec import HeadlineNumber
from liqcli.core.coverage import overall_share
from liqcli.core.formatting import format_coverage, format_time
from liqcli.core.wording import SHORT_COMPLETENESS, describe_dated, list_exchanges
from liqcli.report.results import WindowResults


def list_origin(results: WindowResults) -> list[str]:
    """Say what is counted, of whom, and when: the first words of every subtitle."""
    window = results.selection.window
    exchanges = list_exchanges([e.exchange for e in results.summary.exchanges])
    return [
        "realized",
        f"{exchanges} ({SHORT_COMPLETENESS[results.summary.completeness]})",
        f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC",
    ]


def list_limits(results: WindowResults) -> list[str]:
    """Say which part of the events was asked for, and what was done to them: the last words of every subtitle."""
    selection = results.selection
    parts = [f"{selection.query.position}s only"] if selection.query.position != "both" else []
    parts += ["prices moved to the market"] if selection.market_prices else []
    parts += ["too little data for clusters and cascades"] if results.too_little_data else []
    dated = describe_dated([asdict(part) for part in results.summary.dated])
    return [*parts, dated] if dated else parts


def list_price_kinds(exchanges: Sequence[ExchangeSums]) -> list[str]:
    """Name prices that are no fills, and whose they are: ``bankruptcy prices (bybit, okx)``."""
    said = []
    for kind in ("order", "bankruptcy", "trigger"):
        names = [f"{e.exchange}{' in part' * (len(e.price_kinds) > 1)}" for e in exchanges if kind in e.price_kinds]
        everywhere = all(e.price_kinds == (kind,) for e in exchanges)
        if names:
            whose = "" if everywhere and len(exchanges) > 1 else f" ({list_exchanges(names)})"
            said.append(f"{kind} prices{whose}")
    return said


def coverage_headline(results: WindowResults) -> tuple[HeadlineNumber, ...]:
    """Give the headline number of coverage."""
    share = overall_share(results.selection.coverage)
    if share is None:
        return (HeadlineNumber("unknown", "coverage", "warn"),)
    return (HeadlineNumber(format_coverage(share), "coverage", "plain" if share >= 0.999 else "warn"),)
