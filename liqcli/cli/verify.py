"""``liqcli verify``: is the lake whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import DebugOption, LakeOption, QuietOption, check_choice
from liqcli.cli.output import say, set_verbosity
from liqcli.core.errors import ExitCode

if TYPE_CHECKING:
    from liqcli.lake.store import Lake
    from liqcli.lake.verify import Verdict


def verify(
    output_format: Annotated[
        str, typer.Option("--format", help="table or json.", autocompletion=completion.one_of("table", "json"))
    ] = "table",
    move: Annotated[
        bool,
        typer.Option(
            "--move-dated",
            help="First move dated contracts that stand under a perpetual's symbol to their own. Safe to interrupt.",
        ),
    ] = False,
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """
    Read every file of the lake and name what is damaged.

    Judged are footers, pages, schema, order, place, values, rows that stand twice or almost, and whether the rows that
    were fetched are there. Exit code 5 when something is damaged; a suspicion alone is no damage.
    """
    import json

    from liqcli.core.environment import lake_root
    from liqcli.lake.store import Lake
    from liqcli.lake.verify import verdict_record, verify_lake
    from liqcli.sources.registry import KNOWN_SOURCES

    set_verbosity(quiet, debug)
    check_choice(output_format, ("table", "json"), "--format")
    store = Lake(lake_root(lake))
    if move:
        _move_dated(store)
    verdict = verify_lake(store, KNOWN_SOURCES)
    if output_format == "json":
        typer.echo(json.dumps(verdict_record(store, verdict), ensure_ascii=False, indent=1))
    elif verdict.findings:
        typer.echo(render_findings(store, verdict))
    say(render_verdict(store, verdict))
    if verdict.damage:
        raise typer.Exit(int(ExitCode.DAMAGED))


def _move_dated(lake: Lake) -> None:
    from liqcli.core.formatting import format_counted
    from liqcli.lake.verify.dated_contracts import move_dated

    rows = 0
    for moved in move_dated(lake):
        rows += moved.rows
        old = moved.partition
        say(f"{old.exchange} {old.symbol} {old.month}: {format_counted(moved.rows, 'row')} moved to {moved.symbol}")
    if not rows:
        say("no dated contract stands under the symbol of another")


def render_findings(lake: Lake, verdict: Verdict) -> str:
    """Write what was found, damage first: a line for the file (from the lake's folder on), what it is, what to do."""
    lines = []
    for finding in verdict.findings:
        word = "damage" if finding.damage else "suspicion"
        lines += [
            f"{word:<11}{finding.path.relative_to(lake.root)}",
            f"{'':<11}{finding.what}",
            f"{'':<11}to do: {finding.do}",
        ]
    return "\n".join(lines)


def render_verdict(lake: Lake, verdict: Verdict) -> str:
    """Write the verdict in one line."""
    from liqcli.core.formatting import format_count, format_counted

    if not verdict.files and not verdict.findings:
        return f"the lake {lake.root} is empty; start with: liqcli fetch, liqcli import FILE, or liqcli demo"
    files = len({finding.path for finding in verdict.damage})
    state = f"{format_count(files)} damaged" if files else "nothing damaged"
    if verdict.suspicions:
        state += f", {format_count(len(verdict.suspicions))} to look at"
    return (
        f"{lake.root}: {format_counted(verdict.files, 'file')} with {format_counted(verdict.rows, 'row')} read, {state}"
    )
