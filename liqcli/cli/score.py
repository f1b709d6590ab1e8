"""``liqcli score``: how good levels and clusters were, out of sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from liqcli.cli import completion
from liqcli.cli.options import (
    ExchangeOption,
    RunOptions,
    SinceOption,
    SymbolOption,
    UntilOption,
    choose_symbol,
    expand_options,
)
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.cli.tables import render_table
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode, UsageError

KINDS = ("levels", "clusters")
HEADER = ("measure", "value", "baseline", "its value", "difference", "95% interval", "corrected")


@expand_options
def score(
    *,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="What to score: levels or clusters.", autocompletion=completion.one_of(*KINDS)
        ),
    ],
    symbol: SymbolOption = None,
    lookback: Annotated[
        str | None, typer.Option(metavar="30d", help="Length of the window up to --until.", show_default="30d")
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    exchange: ExchangeOption = None,
    clusters: Annotated[
        str, typer.Option(metavar="24h", help="With clusters: lookback in which they are found.")
    ] = "24h",
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", metavar="FILE", help="Also write .json, or a forest plot as .png; repeatable."),
    ] = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--format", help="Output format: table or json.", autocompletion=completion.one_of("table", "json")
        ),
    ] = "table",
    run: RunOptions,
) -> None:
    """Score levels or clusters on what happened next, compared with baselines, with 95% intervals."""
    from liqcli.cli.lake import open_lake
    from liqcli.report.output_files import check_outputs

    set_verbosity(run.quiet, run.debug)
    check_choice(output_format, ("table", "json"), "--format")
    if kind not in KINDS:
        raise UsageError(
            f"WHAT: {kind!r} is invalid (choose levels or clusters), such as: liqcli score levels -s BTCUSDT"
        )
    outputs = output or []
    check_outputs(outputs, (".json", ".png"))
    lake, name = open_lake(run.lake), choose_symbol(None, symbol)
    if kind == "levels":
        found = lake.score_levels(name, lookback=lookback, since=since, until=until, exchanges=exchange or ())
    else:
        found = lake.score_clusters(
            name, lookback=lookback, since=since, until=until, exchanges=exchange or (), clusters=clusters
        )
    for path in found.damaged:
        warn(f"{path}: damaged, left out; to repair it: liqcli verify")
    for note in found.report["meta"]["notes"]:
        say(note)
    for path in found.save(*outputs):
        say(f"wrote {path}")
    if output_format == "json":
        typer.echo(found.render(), nl=False)
    else:
        typer.echo(f"{found.report['symbol']} {kind}: {found.sentence}")
        if found.report["measures"]:
            typer.echo(_render_table(found.report["measures"]))
    if found.damaged:
        raise typer.Exit(int(ExitCode.PARTIAL))


def _render_table(measures: list[dict[str, Any]]) -> str:
    from liqcli.report.score_document import format_value

    def interval(one: dict[str, Any], low: str, high: str) -> str:
        if one[low] is None or one[high] is None:
            return "unknown"
        return " … ".join(format_value(one["name"], one[end], signed=True) for end in (low, high))

    rows = [
        (
            one["name"],
            format_value(one["name"], one["value"]),
            one["baseline"],
            format_value(one["name"], one["baseline_value"]),
            format_value(one["name"], one["difference"], signed=True),
            interval(one, "difference_low", "difference_high"),
            interval(one, "corrected_low", "corrected_high"),
        )
        for one in measures
    ]
    return render_table(HEADER, rows, right=(1, 3, 4), spare=("corrected", "its value"))
