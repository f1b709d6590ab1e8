"""Parts of the subtitles and headlines that all figures share."""

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
    """List what every subtitle starts with: realized, exchanges with completeness, window."""
    window = results.selection.window
    exchanges = list_exchanges([e.exchange for e in results.summary.exchanges])
    return [
        "realized",
        f"{exchanges} ({SHORT_COMPLETENESS[results.summary.completeness]})",
        f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC",
    ]


def list_limits(results: WindowResults) -> list[str]:
    """List what every subtitle ends with: filters, adjusted prices, too little data, dated futures."""
    selection = results.selection
    parts = [f"{selection.query.position}s only"] if selection.query.position != "both" else []
    parts += ["prices adjusted to the market"] if selection.market_prices else []
    parts += ["too little data for clusters and cascades"] if results.too_little_data else []
    dated = describe_dated([asdict(part) for part in results.summary.dated])
    return [*parts, dated] if dated else parts


def list_price_kinds(exchanges: Sequence[ExchangeSums]) -> list[str]:
    """List the price kinds other than fills with their exchanges: ``bankruptcy prices (bybit, okx)``."""
    found = []
    for kind in ("order", "bankruptcy", "trigger"):
        names = [f"{e.exchange}{' partly' * (len(e.price_kinds) > 1)}" for e in exchanges if kind in e.price_kinds]
        everywhere = all(e.price_kinds == (kind,) for e in exchanges)
        if names:
            where = "" if everywhere and len(exchanges) > 1 else f" ({list_exchanges(names)})"
            found.append(f"{kind} prices{where}")
    return found


def coverage_headline(results: WindowResults) -> tuple[HeadlineNumber, ...]:
    """Build the headline number of coverage."""
    share = overall_share(results.selection.coverage)
    if share is None:
        return (HeadlineNumber("unknown", "coverage", "warn"),)
    return (HeadlineNumber(format_coverage(share), "coverage", "plain" if share >= 0.999 else "warn"),)
