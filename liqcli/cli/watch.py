"""``liqcli watch``: record a symbol and renew its page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liqcli.api.arguments import split_names
from liqcli.cli import completion
from liqcli.cli.options import DebugOption, LakeOption, QuietOption
from liqcli.cli.output import is_page, say, set_verbosity, warn
from liqcli.cli.record import RECORDED
from liqcli.core.choices import THEMES, check_choice
from liqcli.core.errors import ExitCode, UsageError
from liqcli.sources.registry import RECORDED_BY_DEFAULT

JOIN_S = 60


def watch(
    symbol: Annotated[
        str,
        typer.Option(
            "--symbol",
            "-s",
            help="Symbol in any spelling; SOL means every contract on SOL.",
            autocompletion=completion.default_symbols,
        ),
    ],
    exchange: Annotated[
        str | None,
        typer.Option(
            metavar="a,b",
            help=f"Exchanges to record, comma separated: {', '.join(RECORDED)}.",
            show_default=", ".join(RECORDED_BY_DEFAULT),
            autocompletion=completion.some_of(*RECORDED),
        ),
    ] = None,
    lookback: Annotated[str, typer.Option(help="Length of the window that ends now.")] = "24h",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.html", help="Page to write.", show_default="SYMBOL-live.html"),
    ] = None,
    every: Annotated[str, typer.Option(metavar="60s", help="Interval at which the page is redrawn.")] = "60s",
    theme: Annotated[
        str,
        typer.Option(
            help="Theme: dark, light or auto (both; takes longer).", autocompletion=completion.one_of(*THEMES)
        ),
    ] = "dark",
    length: Annotated[
        str | None, typer.Option("--for", metavar="1h", help="Duration of the recording.", show_default="until Ctrl-C")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """
    Record a symbol and show its heat map in a page that reloads itself.

    The page shows the symbol's events from every exchange in the lake, not only the recorded ones. It is replaced
    atomically and needs no script or server. When recording ends, the page becomes an ordinary report.
    """
    import multiprocessing

    from liqcli.cli.record import report_recording
    from liqcli.cli.record_view import open_view
    from liqcli.cli.refresh import WatchedPage, parse_interval, renew_page
    from liqcli.core.durations import parse_length
    from liqcli.core.environment import lake_root
    from liqcli.core.model import US_PER_S
    from liqcli.core.symbols import EVERY, normalise_symbol
    from liqcli.ingest.stream import record
    from liqcli.lake.store import Lake
    from liqcli.report.output_files import check_outputs

    set_verbosity(quiet, debug)
    check_choice(theme, THEMES, "--theme")
    name = normalise_symbol(symbol)
    if name == EVERY:
        raise UsageError("a page shows one symbol: liqcli watch -s BTCUSDT; to record all: liqcli record --symbol all")
    path = output or Path(f"{name}-live.html")
    check_outputs([path])
    if not is_page(path):
        raise UsageError(f"-o: {path} is not a page; name a file that ends in .html")
    every_s = parse_interval(every)
    parse_length(lookback)
    seconds = parse_length(length, "--for") / US_PER_S if length else None
    root = lake_root(lake)
    page = WatchedPage(root, name, (), lookback, path.absolute(), every_s, theme, open_page)
    here, there = multiprocessing.Pipe()
    spawning = multiprocessing.get_context("spawn")  # a fork would copy the threads of the recorder
    child = spawning.Process(target=renew_page, args=(page, there), name="liqcli-page", daemon=True)
    child.start()
    there.close()
    say(f"drawing {path} every {every_s} s")
    try:
        with open_view() as view:
            summary = record(
                Lake(root),
                [name],
                split_names(exchange or ""),
                seconds,
                view.say,
                view.warn,
                merge_s=min(60.0, every_s / 2),
                show=view.show,
            )
    finally:
        here.close()
        child.join(JOIN_S)
        if child.exitcode is None:
            warn(f"{path} is still being drawn and was not updated")
            child.kill()
    report_recording(summary.rows, summary.interrupted, "table")
    if summary.exit_code != ExitCode.DONE:
        raise typer.Exit(int(summary.exit_code))
