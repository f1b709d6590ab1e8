"""``liqcli heatmap``: one symbol, one window, any number of output files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import (
    BucketOption,
    ClusterOptions,
    EngineOption,
    PictureOptions,
    RunOptions,
    WindowOptions,
    expand_options,
)
from liqcli.cli.output import STDOUT, is_page, open_in_browser, print_messages, say, set_verbosity, warn
from liqcli.cli.preview import print_preview, wants_preview
from liqcli.cli.progress import show_progress
from liqcli.core.choices import AGAINST, BY, SCALES, SECTIONS, TEXTS, check_choice
from liqcli.core.errors import ExitCode, UsageError
from liqcli.report.figures import FIGURES

if TYPE_CHECKING:
    from liqcli.api.fetch import FetchResult

PICTURES = tuple(name.replace("_", "-") for name in FIGURES)


@expand_options
def heatmap(
    *,
    window: WindowOptions,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Output file: .html .md .png .json .csv .parquet, or - for stdout; repeatable.",
            show_default="SYMBOL-LOOKBACK.html in this folder, such as BTC-24h.html",
        ),
    ] = None,
    output_format: Annotated[
        str,
        typer.Option("--format", help="Format of -o -: json, csv or html.", autocompletion=completion.one_of(*TEXTS)),
    ] = "json",
    bucket: BucketOption = None,
    clusters: ClusterOptions,
    by: Annotated[
        str,
        typer.Option(help="Value of a cell: notional (USD), count or qty.", autocompletion=completion.one_of(*BY)),
    ] = "notional",
    scale: Annotated[
        str, typer.Option(help="Colour scale: log, linear or percentile.", autocompletion=completion.one_of(*SCALES))
    ] = "log",
    shown: PictureOptions,
    picture: Annotated[
        str,
        typer.Option(
            help="Content of a .png: heatmap, heatmap-portrait, cascades, cumulative or open-interest.",
            autocompletion=completion.one_of(*PICTURES),
        ),
    ] = "heatmap",
    levels: Annotated[
        bool,
        typer.Option("--levels", help="Add a section of estimated levels to pages and JSON; see liqcli levels."),
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="previous",
            help="Add a section to pages and JSON: what changed since the preceding window of the same length.",
            autocompletion=completion.one_of(*AGAINST),
        ),
    ] = None,
    sections: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help=f"Sections of a page: {', '.join(SECTIONS)}.",
            show_default="all but figures, whose numbers are in brief and map",
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser: the first .html that is written.")
    ] = False,
    preview: Annotated[
        bool | None,
        typer.Option(
            "--preview/--no-preview",
            help="Print a small map on the terminal; never to a file or pipe.",
            show_default="without -o, unless preview = false in liqcli.toml",
        ),
    ] = None,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Add a generation timestamp to pages; their bytes then differ each time.")
    ] = False,
    fetch: Annotated[
        bool,
        typer.Option(
            "--fetch",
            help="First fetch missing liquidations, candles and open interest, with --against of both windows.",
        ),
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(
            metavar="60s",
            help="Redraw at this interval until Ctrl-C; pages reload themselves. Without --sections, pages have only "
            "the sections that draw quickly; without --theme, they are dark.",
        ),
    ] = None,
    engine: EngineOption = None,
    run: RunOptions,
) -> None:
    """Draw where and when positions were liquidated, as a report, a picture or plain numbers."""
    from dataclasses import replace

    from liqcli.cli.lake import open_lake
    from liqcli.cli.refresh import QUICK_SECTIONS, QUICK_THEME, parse_interval, repeat
    from liqcli.report.output_files import check_outputs

    set_verbosity(run.quiet, run.debug)
    outputs = [path for path in output or [] if path != STDOUT]
    to_stdout = STDOUT in (output or [])
    check_outputs(outputs)
    check_choice(output_format, TEXTS, "--format")
    if open_page and output and not any(map(is_page, outputs)):
        raise UsageError("--open shows a page: add -o report.html, or leave out -o")
    check_choice(picture, PICTURES, "--picture")
    every_s = parse_interval(every) if every else None
    if every_s and to_stdout:
        raise UsageError("--every writes files: use -o map.html instead of -o -")
    if every_s:
        sections = sections or QUICK_SECTIONS
        shown = replace(shown, theme=QUICK_THEME) if shown.theme == "auto" else shown
    lake = open_lake(run.lake, engine)
    shows_map, is_first = wants_preview(preview, bool(output)), True

    def draw() -> ExitCode:
        """Draw everything once."""
        nonlocal is_first
        fetched = ExitCode.DONE

        def report_fetch(result: FetchResult) -> None:
            nonlocal fetched
            fetched = result.exit_code
            print_messages(result.messages(notes=False))

        results = lake.heatmap(
            **window.arguments(),
            **clusters.arguments(),
            **shown.arguments(),
            bucket=bucket,
            by=by,
            sections=sections,
            scale=scale,
            levels=levels,
            against=against,
            fetch=report_fetch if fetch else False,
            progress=show_progress,
        )
        for path in results.damaged:
            warn(f"{path}: damaged, left out; to repair it: liqcli verify")
        if shows_map and is_first:
            print_preview(results)
        files = outputs or not to_stdout
        written = results.save(*outputs, picture=picture, stamp=stamp, refresh_s=every_s) if files else []
        for path in written if is_first else ():
            say(f"wrote {path}")
        if to_stdout:
            typer.echo(results.render(output_format, stamp), nl=False)
        if open_page and is_first:
            open_in_browser(next(filter(is_page, written)))
        is_first = False
        return ExitCode.PARTIAL if results.damaged or fetched else ExitCode.DONE

    if every_s:
        repeat(draw, every_s)
    elif code := draw():
        raise typer.Exit(int(code))
