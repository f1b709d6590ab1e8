"""The first sentences of an overview: what happened, against what, who led, how far the numbers can be trusted."""

from __future__ import annotations

from collections import Counter

from liqcli.analysis.overview import Overview
from liqcli.analysis.overview_cascades import MarketBurst
from liqcli.core.durations import format_length
from liqcli.core.formatting import (
    format_change,
    format_count,
    format_counted,
    format_coverage,
    format_duration,
    format_price,
    format_share,
    format_time,
    format_usd,
)
from liqcli.core.wording import list_exchanges
from liqcli.report.overview_results import OverviewResults

LED = 3  # symbols named as leading
TOP = 10


def write_summary(results: OverviewResults) -> list[str]:
    """Write the sentences, the most important first."""
    return [
        _say_total(results),
        _say_change(results),
        _say_leaders(results.overview),
        _say_largest(results.overview),
        _say_cascades(results.overview),
        *_say_limits(results),
    ]


def _say_total(results: OverviewResults) -> str:
    window, overview = results.selection.window, results.overview
    sums = overview.summary.sums
    side = results.selection.query.position
    only = "" if side == "both" else f"{side} "
    exchanges = list_exchanges([part.exchange for part in overview.summary.exchanges])
    symbols = format_counted(len(overview.liquidated), "symbol")
    said = (
        f"{format_usd(sums.notional)} USD of {only}positions was liquidated on {exchanges} in the "
        f"{format_length(window.length_us)} to {format_time(window.end_us)} UTC, in "
        f"{format_counted(sums.events, 'event')} of {symbols}"
    )
    if only:
        return f"{said}."
    longs, shorts = (format_share(part, sums.notional) for part in (sums.long_notional, sums.short_notional))
    return f"{said}: {longs} longs, {shorts} shorts."


def _say_change(results: OverviewResults) -> str:
    comparable, length = results.overview.comparable, format_length(results.selection.window.length_us)
    if comparable.ratio is None:
        if comparable.symbols:
            return f"Nothing was liquidated in the previous {length}, as far as both periods are recorded."
        reasons = Counter(s.change.unknown for s in results.overview.symbols if s.change.unknown)
        (reason, _count) = min(reasons.items(), key=lambda item: (-item[1], item[0]))
        return f"Change from the previous {length}: unknown, because {reason}."
    change = f"Change from the previous {length}: {format_change(comparable.ratio, comparable.previous)}"
    if comparable.symbols == comparable.all_symbols:
        return f"{change}."
    covered = format_share(comparable.notional, results.overview.summary.sums.notional)
    return (
        f"{change}, counting the {format_count(comparable.symbols)} of {format_count(comparable.all_symbols)} symbols "
        f"that are recorded in both periods ({covered} of the USD)."
    )


def _say_leaders(overview: Overview) -> str:
    ranked, whole = overview.liquidated, overview.summary.sums.notional
    first = ranked[0]
    said = f"{first.symbol} leads with {format_usd(first.notional)} USD ({format_share(first.share, 1.0)})"
    others = [f"{s.symbol} ({format_share(s.share, 1.0)})" for s in ranked[1:LED]]
    if others:
        said += f", then {' and '.join(others)}"
    if len(ranked) > TOP:
        said += f"; the top {TOP} hold {format_share(sum(s.notional for s in ranked[:TOP]), whole)}"
    return f"{said}."


def _say_largest(overview: Overview) -> str:
    found = [(s.largest, s.symbol) for s in overview.liquidated if s.largest]
    event, symbol = min(found, key=lambda pair: (-pair[0].notional, pair[0].ts_us, pair[1]))
    return (
        f"The largest single event was a {symbol} {event.position} of {format_usd(event.notional)} USD on "
        f"{event.exchange} at {format_price(event.price)}, {format_time(event.ts_us)} UTC."
    )


def _say_cascades(overview: Overview) -> str:
    bursts = overview.cascades.bursts
    if not bursts:
        return "No market-wide cascade."
    usd = sum(burst.notional for burst in bursts)
    share = format_share(usd, overview.summary.sums.notional)
    if len(bursts) == 1:
        return f"One market-wide cascade holds {share} of the total: {describe_burst(bursts[0])}."
    return (
        f"{format_count(len(bursts))} market-wide cascades hold {share} of the total; the largest: "
        f"{describe_burst(bursts[0])}."
    )


def describe_burst(burst: MarketBurst) -> str:
    """Describe a cascade of the market: start, length, USD, side, leading symbols."""
    led = " and ".join(f"{symbol} ({format_share(share, 1.0)})" for symbol, share in burst.leaders[:2])
    return (
        f"{format_usd(burst.notional)} USD in {format_duration(burst.end_us - burst.start_us)} from "
        f"{format_time(burst.start_us)} UTC, {format_share(burst.position_share, 1.0)} {burst.position}s, "
        f"{format_counted(burst.symbols, 'symbol')}, led by {led}"
    )


def _say_limits(results: OverviewResults) -> list[str]:
    overview = results.overview
    said = []
    if overview.summary.completeness != "full":
        some = "Some feeds are samples" if overview.summary.completeness == "mixed" else "The feed is a sample"
        said.append(f"{some}, so totals are minimums.")
    cover = overview.coverage
    if cover.partial or cover.unknown:
        pairs = format_count(cover.complete + cover.partial + cover.unknown)
        mean = "unknown" if cover.share is None else format_coverage(cover.share)
        parts = [f"{format_count(cover.partial)} recorded in part"] if cover.partial else []
        parts += [f"{format_count(cover.unknown)} to an unknown extent"] if cover.unknown else []
        said.append(f"Average coverage {mean}: of {pairs} symbols, counted per exchange, {', '.join(parts)}.")
    return said
