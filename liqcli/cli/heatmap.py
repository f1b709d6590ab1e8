"""``liqcli heatmap``: one symbol, one window, any number of output files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import (
    BinOption,
    BinsOption,
    BucketOption,
    DebugOption,
    ExchangeOption,
    HalfLifeOption,
    LakeOption,
    LookbackOption,
    MaxClustersOption,
    MinShareOption,
    MinUsdOption,
    PaletteOption,
    PositionOption,
    PriceOption,
    PriceRangeOption,
    QuietOption,
    SinceOption,
    SizeOption,
    SymbolOption,
    ThemeOption,
    UntilOption,
    check_choice,
    read_cluster_options,
    read_grid_options,
    read_query,
    read_size,
)
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.cli.progress import show_progress
from liqcli.core.errors import EmptyWindowError, ExitCode, SourceError, UsageError
from liqcli.report.figures import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liqcli.core.model import Window
    from liqcli.lake.selection import Query
    from liqcli.lake.store import Lake

PICTURES = tuple(name.replace("_", "-") for name in FIGURES)
BY = ("notional", "count", "qty")
SCALES = ("log", "linear", "percentile")


def heatmap(
    symbol: SymbolOption,
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", metavar="FILE", help=".html .md .png .json .csv .parquet; may be given again."),
    ] = None,
    lookback: LookbackOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    exchange: ExchangeOption = None,
    position: PositionOption = "both",
    bucket: BucketOption = None,
    bin_width: BinOption = None,
    bins: BinsOption = None,
    price_range: PriceRangeOption = None,
    min_usd: MinUsdOption = 0.0,
    price: PriceOption = "reported",
    min_share: MinShareOption = None,
    max_clusters: MaxClustersOption = None,
    half_life: HalfLifeOption = None,
    by: Annotated[
        str,
        typer.Option(help="What a cell shows: notional (USD), count or qty.", autocompletion=completion.one_of(*BY)),
    ] = "notional",
    palette: PaletteOption = "liq",
    scale: Annotated[
        str, typer.Option(help="Colour scale: log, linear or percentile.", autocompletion=completion.one_of(*SCALES))
    ] = "log",
    picture: Annotated[
        str,
        typer.Option(
            help="What a .png shows: heatmap, cascades, cumulative or open-interest.",
            autocompletion=completion.one_of(*PICTURES),
        ),
    ] = "heatmap",
    theme: ThemeOption = "auto",
    size: SizeOption = None,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Write the time of making into pages; their bytes then differ each time.")
    ] = False,
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="First fetch what is missing: liquidations, candles, open interest."),
    ] = False,
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Draw where and when positions were liquidated, as a report, a picture or plain numbers."""
    from liqcli.core.environment import lake_root
    from liqcli.core.settings import PALETTES, THEMES
    from liqcli.lake.store import Lake
    from liqcli.report.output_files import check_outputs, write_outputs
    from liqcli.report.results import ViewOptions, compute_results

    set_verbosity(quiet, debug)
    outputs = output or []
    check_outputs(outputs)
    view = ViewOptions(
        check_choice(by, BY, "--by"),
        check_choice(palette, PALETTES, "--palette"),
        check_choice(scale, SCALES, "--scale"),
        check_choice(theme, THEMES, "--theme"),
        read_size(size),
    )
    check_choice(picture, PICTURES, "--picture")
    options = read_grid_options(bucket, bin_width, bins, price_range)
    clusters = read_cluster_options(min_share, max_clusters, half_life)
    store = Lake(lake_root(lake))
    query = read_query(store, symbol, (lookback, since, until), exchange, position, min_usd, price)
    fetched = _fetch_first(store, query) if fetch else ExitCode.DONE
    try:
        findings = compute_results(store, query, options, view, clusters)
    except EmptyWindowError as error:
        if fetched == ExitCode.SOURCE:
            raise SourceError(f"nothing could be fetched, and there are {error.fact}") from error
        raise
    for path in findings.damaged:
        warn(f"{path}: damaged, left out; liqcli verify says what to do")
    for path in write_outputs(findings, outputs, _now() if stamp else None, picture=picture.replace("-", "_")):
        say(f"wrote {path}")
    if findings.damaged or fetched:
        raise typer.Exit(int(ExitCode.PARTIAL))


def _now() -> str:
    from liqcli.core.formatting import format_iso
    from liqcli.core.times import now_us

    return format_iso(now_us())


def _fetch_first(store: Lake, query: Query) -> ExitCode:
    """Get what the report uses and the lake lacks; failures are reported, and the report is made from what there is."""
    from liqcli.core.times import resolve_window
    from liqcli.ingest.fetch import fetch as run_fetch
    from liqcli.ingest.fetch.messages import list_problems, suggest_next_step

    if (query.until or "").strip().lower() == "latest":
        raise UsageError("--fetch gets what the window lacks, and latest is what the lake has: use --until now")
    window = resolve_window(query.since, query.until, query.lookback, None)
    with show_progress() as progress:
        summary = run_fetch(store, window, (query.symbol,), (), query.exchanges, progress.say, progress=progress)
    lines = dict.fromkeys(list_problems(summary), True)
    listed = [row.symbol for row in summary.rows if row.usable]
    for line, lacking in _fetch_market(store, query, window, listed):
        lines[line] = lines.get(line, False) or lacking
    for line, matters in lines.items():
        (warn if matters else say)(line)
    for line in suggest_next_step(lines):
        say(line)
    return summary.exit_code


def _fetch_market(store: Lake, query: Query, window: Window, listed: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """
    Get open interest of the window, and candles from as far back as key levels and indicators look.

    Yields what did not come, and whether the lake now lacks it: a report without them says so itself.
    """
    from liqcli.core.errors import LakeError, LiqcliError
    from liqcli.core.model import Window
    from liqcli.ingest.fetch.market_data import fetch_market, spell_out
    from liqcli.ingest.fetch.messages import list_market_problems
    from liqcli.report.window_data import LEVEL_HISTORY_US

    symbols = spell_out((query.symbol,), listed)
    wider = Window(window.start_us - LEVEL_HISTORY_US, window.end_us)
    for kind, whole in (("candles", wider), ("open-interest", window)):
        try:
            with show_progress() as progress:
                rows = fetch_market(store, whole, symbols, (kind,), query.exchanges, progress=progress)
        except LakeError:
            raise
        except LiqcliError as error:
            yield f"{kind}: {error}", True
        else:
            yield from list_market_problems(rows)
