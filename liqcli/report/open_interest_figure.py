"""The figure of open interest and liquidations: content, texts and hover map."""

from __future__ import annotations

from liqcli.charts.figure_spec import HeadlineNumber, OpenInterestLine, OpenInterestSpec
from liqcli.charts.open_interest import draw_interest_picture
from liqcli.core.formatting import format_percent_signed, format_share, format_usd
from liqcli.core.market_data import Unit
from liqcli.core.symbols import split_symbol
from liqcli.report.figure import Figure, compact_style, render_figure
from liqcli.report.hover_map import Mark, PixelRegions, describe_bucket
from liqcli.report.results import ViewOptions, WindowResults
from liqcli.report.shared_captions import coverage_headline, list_limits, list_origin


def draw(results: WindowResults, view: ViewOptions) -> Figure | None:
    """Draw open interest above the liquidations per bucket; None where the lake has no open interest in USD."""
    spec = build_spec(results)
    if spec is None:
        return None
    drawn = draw_interest_picture(spec, **compact_style(view))
    return render_figure(drawn, describe(results, spec), results, view.figure_themes[0])


def build_line(results: WindowResults) -> OpenInterestLine | None:
    """
    Return open interest from the last snapshot before the window to the last one inside it, as in the context.

    In USD, or in coins where no price is stored; None with fewer than two snapshots.
    """
    return _take(results, "usd") or _take(results, "coins")


def build_spec(results: WindowResults) -> OpenInterestSpec | None:
    """Collect what the figure shows; None where open interest is not known in USD."""
    worth, coins = _take(results, "usd"), _take(results, "coins")
    if worth is None:
        return None
    window, grid = results.selection.window, results.grid
    return OpenInterestSpec(
        title=f"{results.selection.label} open interest and liquidations",
        subtitle=" · ".join([*list_origin(results), f"open interest of {worth.basis}", *list_limits(results)]),
        headline=_build_headline(results, worth, coins),
        start_us=window.start_us,
        end_us=window.end_us,
        interest=worth,
        contracts=_at_first_price(worth, coins),
        starts_us=grid.bucket_starts_us,
        step_us=grid.bucket_us,
        long=grid.long_notional.sum(axis=0),
        short=grid.short_notional.sum(axis=0),
        cascades=[(c.start_us, c.end_us, c.rank) for c in results.cascades],
        gaps=results.gaps,
        sample=results.sample,
    )


def describe(results: WindowResults, picture: OpenInterestSpec) -> str:
    """Write the alt text."""
    first, last = picture.interest.ends
    change = _change(picture.contracts)
    contracts = f" (contracts {change})" if change else ""
    return (
        f"Open interest of {picture.interest.basis} and realized {results.selection.label} liquidations: "
        f"from {format_usd(first)} to {format_usd(last)} USD{contracts}, while "
        f"{format_usd(results.summary.sums.notional)} USD were liquidated."
    )


def _take(results: WindowResults, unit: Unit) -> OpenInterestLine | None:
    series, window = results.open_interest, results.selection.window
    span = series.find_span(unit, window.start_us, window.end_us) if series else None
    if series is None or span is None:
        return None
    base, _quote = split_symbol(series.basis.rsplit(" ", 1)[-1])
    return OpenInterestLine(
        series.ts_us[span], series.amounts(unit)[span], "USD" if unit == "usd" else base, series.basis
    )


def _at_first_price(worth: OpenInterestLine, coins: OpenInterestLine | None) -> OpenInterestLine | None:
    """Value the contracts at the price of the first snapshot, so that only their number moves the line."""
    if coins is None or coins.ts_us[0] != worth.ts_us[0] or coins.values[0] <= 0:
        return None
    price = worth.values[0] / coins.values[0]
    return OpenInterestLine(coins.ts_us, coins.values * price, "USD", coins.basis)


def _change(contracts: OpenInterestLine | None) -> str:
    first, last = contracts.ends if contracts is not None else (0.0, 0.0)
    if first <= 0:  # open interest that starts at 0 has no change in percent
        return ""
    return format_percent_signed(100 * (last / first - 1))


def _build_headline(
    results: WindowResults, worth: OpenInterestLine, coins: OpenInterestLine | None
) -> tuple[HeadlineNumber, ...]:
    numbers = [HeadlineNumber(f"{format_usd(worth.ends[1])} USD", "open interest at the end")]
    change = _change(coins)
    if change:
        numbers.append(HeadlineNumber(change, "contracts"))
    numbers.append(HeadlineNumber(f"{format_usd(results.summary.sums.notional)} USD", "liquidated"))
    exchange, symbol = worth.basis.split(" ", 1)
    # Liquidations and open interest of the same exchange and contract.
    for part in results.summary.exchanges:
        if part.exchange == exchange and part.symbols == (symbol,) and worth.ends[0] > 0:
            share = format_share(part.sums.notional, worth.ends[0])
            numbers.append(HeadlineNumber(share, f"of {exchange} open interest liquidated"))
    return (*numbers, *coverage_headline(results))


def build_hover_map(results: WindowResults, figure: Figure) -> list[Mark]:
    """Describe for each bucket its liquidations and the open interest at its end."""
    regions, grid, series = (
        PixelRegions(figure.regions, figure.width, figure.height),
        results.grid,
        results.open_interest,
    )
    marks = []
    for column, region in regions.find("bucket").items():
        text = describe_bucket(grid, column, results.gaps)
        end_us = min(int(grid.bucket_starts_us[column]) + grid.bucket_us, results.selection.window.end_us)
        row = series.find_before(end_us) if series is not None else None
        known = series is not None and row is not None and series.usd[row] == series.usd[row]
        open_at_end = f"{format_usd(float(series.usd[row]))} USD" if series is not None and known else "unknown"
        marks.append(regions.mark("column", region, f"{text}\nopen interest {open_at_end}"))
    return marks
