"""``liqcli verify``: check every file of the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import RunOptions, expand_options
from liqcli.cli.output import say, set_verbosity
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode

if TYPE_CHECKING:
    from liqcli.api import Lake
    from liqcli.lake.verify import Verdict


@expand_options
def verify(
    *,
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="Output format: table or json.",
            autocompletion=completion.one_of("table", "json"),
        ),
    ] = "table",
    move: Annotated[
        bool,
        typer.Option(
            "--move-dated",
            help="First move dated contracts stored under a perpetual to their own symbols; safe to interrupt.",
        ),
    ] = False,
    against_totals: Annotated[
        bool,
        typer.Option(
            "--against-totals",
            help="Also compare each hour with the exchange's own total (from fetch --kind liquidation-totals).",
        ),
    ] = False,
    run: RunOptions,
) -> None:
    """
    Read every file of the lake and list what is damaged.

    Checks footers, pages, schema, order, location, values, duplicates and near duplicates, and that fetched rows are
    present. Exit code 5 if something is damaged; warnings alone do not fail.
    """
    import json

    from liqcli.cli.lake import open_lake
    from liqcli.lake.store import Lake as Store
    from liqcli.lake.verify import verdict_record

    set_verbosity(run.quiet, run.debug)
    check_choice(output_format, ("table", "json"), "--format")
    lake = open_lake(run.lake)
    if move:
        _move_dated(lake)
    verdict = lake.verify(against_totals)
    if output_format == "json":
        typer.echo(json.dumps(verdict_record(Store(lake.path), verdict), ensure_ascii=False, indent=1))
    elif verdict.issues or verdict.totals:
        typer.echo("\n".join(filter(None, [render_issues(lake, verdict), *_describe_totals(verdict)])))
    if verdict.totals == [] and not verdict.damage:  # otherwise the damaged files are perhaps those to compare
        say("the lake has no published totals; to get them: liqcli fetch --kind liquidation-totals")
    say(render_verdict(lake, verdict))
    if verdict.damage:
        raise typer.Exit(int(ExitCode.DAMAGED))


def _move_dated(lake: Lake) -> None:
    from liqcli.core.formatting import format_counted

    rows = 0
    for moved in lake.move_dated():
        rows += moved.rows
        old = moved.partition
        say(f"{old.exchange} {old.symbol} {old.month}: {format_counted(moved.rows, 'row')} moved to {moved.symbol}")
    if not rows:
        say("no dated contract is stored under another symbol")


def _describe_totals(verdict: Verdict) -> list[str]:
    return [f"{'totals':<11}{series.describe()}" for series in verdict.totals or ()]


def render_issues(lake: Lake, verdict: Verdict) -> str:
    """Render the issues, damage first: the file relative to the lake, the problem, the fix."""
    lines = []
    for issue in verdict.issues:
        word = "damage" if issue.damage else "suspicion"
        lines += [
            f"{word:<11}{issue.path.relative_to(lake.path)}",
            f"{'':<11}{issue.what}",
            f"{'':<11}to do: {issue.do}",
        ]
    return "\n".join(lines)


def render_verdict(lake: Lake, verdict: Verdict) -> str:
    """Render the result in one line."""
    from liqcli.core.formatting import format_count, format_counted

    if not verdict.files and not verdict.issues:
        return f"the lake {lake.path} is empty; start with: liqcli fetch, liqcli import FILE, or liqcli demo"
    files = len({issue.path for issue in verdict.damage})
    state = f"{format_count(files)} damaged" if files else "nothing damaged"
    if verdict.suspicions:
        state += f", {format_count(len(verdict.suspicions))} to look at"
    return (
        f"{lake.path}: {format_counted(verdict.files, 'file')} with {format_counted(verdict.rows, 'row')} read, {state}"
    )
