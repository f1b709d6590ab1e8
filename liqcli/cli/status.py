"""``liqcli status``: what the lake holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import RunOptions, expand_options
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.cli.tables import render_table
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode

if TYPE_CHECKING:
    from liqcli.lake.status import StatusRow

SHORT = {"coverage": "cov.", "liquidations": "liq.", "open-interest": "OI"}  # on a narrow screen
SPARE = ("MB", "gaps", "first")


@expand_options
def status(
    *,
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="Output format: table or json.",
            autocompletion=completion.one_of("table", "json"),
        ),
    ] = "table",
    run: RunOptions,
) -> None:
    """List what the lake holds: exchange, symbol, source, first, last, events, USD, coverage, gaps, size."""
    import json

    from liqcli.api import Lake
    from liqcli.core.formatting import format_count, format_usd

    set_verbosity(run.quiet, run.debug)
    check_choice(output_format, ("table", "json"), "--format")
    lake = Lake(run.lake)
    held = lake.status()
    for path in held.damaged:
        warn(f"{path}: damaged")
    if output_format == "json":
        typer.echo(json.dumps(held.to_dict(), ensure_ascii=False, indent=1))
    elif held.rows:
        header = ("exchange", "symbol", "source", "kind", "first", "last", "events", "USD", "coverage", "gaps", "MB")
        body = [
            (
                row.exchange,
                row.symbol,
                row.source,
                row.kind,
                _moment(row.first_us),
                _moment(row.last_us),
                format_count(row.events),
                format_usd(row.notional) if row.notional is not None else "",
                _coverage(row),
                str(len(row.gaps)) if row.coverage is not None or row.gaps else "",
                f"{row.size / 1e6:.2f}",
            )
            for row in held.rows
        ]
        typer.echo(render_table(header, body, right=(6, 7, 8, 9, 10), short=_shorten, spare=SPARE))
        for line in held.overlaps:
            say(line)
    else:
        say(f"the lake {lake.path} is empty; start with: liqcli fetch, liqcli import FILE, or liqcli demo")
    if held.damaged:
        raise typer.Exit(int(ExitCode.DAMAGED))


def _coverage(row: StatusRow) -> str:
    from liqcli.core.formatting import format_coverage

    if row.kind != "liquidations":
        return ""
    return "unknown" if row.coverage is None else format_coverage(row.coverage)


def _shorten(word: str) -> str:
    """Shorten a word; a time becomes its date."""
    is_moment = len(word) == len("2026-01-31 12:00") and word[4] == "-" and word[13] == ":"
    return word[:10] if is_moment else SHORT.get(word, word)


def _moment(ts_us: int | None) -> str:
    from liqcli.core.formatting import format_time

    return "never" if ts_us is None else format_time(ts_us)
