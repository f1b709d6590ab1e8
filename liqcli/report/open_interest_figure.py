"""The picture of open interest against liquidations, and its line for the heat map."""

from __future__ import annotations

from liqcli.charts.figure_spec import HeadlineNumber, OpenInterestLine, OpenInterestSpec
from liqcli.charts.open_interest import draw_interest_picture
from liqcli.core.formatting import format_percent_signed, format_share, format_usd
from liqcli.core.market_data import Unit
from liqcli.core.symbols import split_symbol
from liqcli.report.captions import coverage_headline, list_limits, list_origin
from liqcli.report.figure import RenderedFigure, compact_style, render_figure
from liqcli.report.results import WindowResults


def draw_open_interest_figure(findings: WindowResults) -> RenderedFigure | None:
    """Draw open interest over the liquidations per bucket; None where the lake does not know it in USD."""
    picture = build_interest_picture(findings)
    if picture is None:
        return None
    drawing = draw_interest_picture(picture, **compact_style(findings))
    return render_figure(drawing, describe_interest(findings, picture), findings)


def build_interest(findings: WindowResults) -> OpenInterestLine | None:
    """
    Take open interest from the last snapshot before the window to the last one inside it, as the context does.

    In USD, or in coins where no price is stored; None where fewer than two snapshots are known.
    """
    return _take(findings, "usd") or _take(findings, "coins")


def build_interest_picture(findings: WindowResults) -> OpenInterestSpec | None:
    """Choose what the picture says; None where open interest is not known in USD."""
    worth, coins = _take(findings, "usd"), _take(findings, "coins")
    if worth is None:
        return None
    window, grid = findings.selection.window, findings.grid
    return OpenInterestSpec(
        title=f"{findings.selection.label} open interest and liquidations",
        subtitle=" · ".join([*list_origin(findings), f"open interest of {worth.basis}", *list_limits(findings)]),
        headline=_build_headline(findings, worth, coins),
        start_us=window.start_us,
        end_us=window.end_us,
        interest=worth,
        contracts=_at_first_price(worth, coins),
        starts_us=grid.bucket_starts_us,
        step_us=grid.bucket_us,
        long=grid.long_notional.sum(axis=0),
        short=grid.short_notional.sum(axis=0),
        cascades=[(c.start_us, c.end_us, c.rank) for c in findings.cascades],
        gaps=findings.gaps,
        sample=findings.sample,
    )


def describe_interest(findings: WindowResults, picture: OpenInterestSpec) -> str:
    """Say in a sentence what the picture shows, for readers who cannot see it."""
    first, last = picture.interest.ends
    change = _change(picture.contracts)
    contracts = f", the number of contracts by {change}" if change else ""
    return (
        f"Open interest of {picture.interest.basis} over realized {findings.selection.label} liquidations: "
        f"from {format_usd(first)} to {format_usd(last)} USD{contracts}, while "
        f"{format_usd(findings.summary.sums.notional)} USD were liquidated."
    )


def _take(findings: WindowResults, unit: Unit) -> OpenInterestLine | None:
    series, window = findings.open_interest, findings.selection.window
    span = series.find_span(unit, window.start_us, window.end_us) if series else None
    if series is None or span is None:
        return None
    base, _quote = split_symbol(series.basis.rsplit(" ", 1)[-1])
    return OpenInterestLine(
        series.ts_us[span], series.amounts(unit)[span], "USD" if unit == "usd" else base, series.basis
    )


def _at_first_price(worth: OpenInterestLine, coins: OpenInterestLine | None) -> OpenInterestLine | None:
    """Value the contracts at the price of the first snapshot: then only their number moves the line."""
    if coins is None or coins.ts_us[0] != worth.ts_us[0] or coins.values[0] <= 0:
        return None
    price = worth.values[0] / coins.values[0]
    return OpenInterestLine(coins.ts_us, coins.values * price, "USD", coins.basis)


def _change(contracts: OpenInterestLine | None) -> str:
    first, last = contracts.ends if contracts is not None else (0.0, 0.0)
    if first <= 0:  # a contract that begins within the window has no change in percent
        return ""
    return format_percent_signed(100 * (last / first - 1))


def _build_headline(
    findings: WindowResults, worth: OpenInterestLine, coins: OpenInterestLine | None
) -> tuple[HeadlineNumber, ...]:
    numbers = [HeadlineNumber(f"{format_usd(worth.ends[1])} USD", "open interest at the end")]
    change = _change(coins)
    if change:
        numbers.append(HeadlineNumber(change, "contracts"))
    numbers.append(HeadlineNumber(f"{format_usd(findings.summary.sums.notional)} USD", "liquidated"))
    exchange, symbol = worth.basis.split(" ", 1)
    # Only like with like: what this exchange liquidated of this contract, against the contracts open on it.
    for part in findings.summary.exchanges:
        if part.exchange == exchange and part.symbols == (symbol,) and worth.ends[0] > 0:
            share = format_share(part.sums.notional, worth.ends[0])
            numbers.append(HeadlineNumber(share, f"of {exchange}'s contracts liquidated"))
    return (*numbers, *coverage_headline(findings))
