"""``liqcli status``: what the lake holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import ExchangeOption, FormatOption, RunOptions, expand_options
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.cli.tables import render_rows, render_table
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode

if TYPE_CHECKING:
    from liqcli.api.status import LakeStatus
    from liqcli.lake.status import StatusRow

SHORT = {"coverage": "cov.", "liquidations": "liq.", "open-interest": "OI"}  # on a narrow screen
SPARE = ("MB", "gaps", "first")


HEADER = ("exchange", "symbol", "source", "kind", "first", "last", "events", "USD", "coverage", "gaps", "MB")
CSV = (
    "exchange", "symbol", "source", "kind", "first", "last", "events", "notional", "coverage", "gaps", "files", "bytes",
    "counted", "unconfirmed",
)  # fmt: skip


@expand_options
def status(
    *,
    symbol: Annotated[
        str | None,
        typer.Option(
            "--symbol",
            "-s",
            metavar="X,Y",
            help="Only these symbols, comma separated; SOL means every contract on SOL.",
            autocompletion=completion.stored_symbols,
        ),
    ] = None,
    exchange: ExchangeOption = None,
    output_format: FormatOption = "table",
    run: RunOptions,
) -> None:
    """List what the lake holds: exchange, symbol, source, first, last, events, USD, coverage, gaps, size."""
    import json

    from liqcli.cli.lake import open_lake

    set_verbosity(run.quiet, run.debug)
    check_choice(output_format, ("table", "json", "csv"), "--format")
    lake = open_lake(run.lake)
    held = lake.status(symbol or (), exchange or ())
    for path in held.damaged:
        warn(f"{path}: damaged")
    if output_format == "json":
        typer.echo(json.dumps(held.to_dict(), ensure_ascii=False, indent=1))
    elif output_format == "csv":
        typer.echo(render_rows(CSV, [[_plain(record[name]) for name in CSV] for record in held.to_dict()]))
    elif held.rows:
        body = [*map(_cells, held.rows), *_totals(held)]
        typer.echo(render_table(HEADER, body, right=(6, 7, 8, 9, 10), short=_shorten, spare=SPARE))
        for line in [*held.overlaps, *held.unconfirmed]:
            say(line)
    elif symbol or exchange:
        say(f"the lake {lake.path} holds nothing of {' on '.join(filter(None, (symbol, exchange)))}")
    else:
        say(f"the lake {lake.path} is empty; start with: liqcli fetch, liqcli import FILE, or liqcli demo")
    if held.damaged:
        raise typer.Exit(int(ExitCode.DAMAGED))


def _cells(row: StatusRow) -> tuple[str, ...]:
    from liqcli.core.formatting import format_count, format_usd

    return (
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


def _totals(held: LakeStatus) -> Iterator[tuple[str, ...]]:
    """
    Yield one line per kind with more than one row.

    Events and USD stay empty if sources overlap: they are never added up.
    """
    from liqcli.core.formatting import format_count, format_counted, format_usd

    overlaps = any(row.left_us for row in held.rows)
    for kind in dict.fromkeys(row.kind for row in held.rows):
        rows = [row for row in held.rows if row.kind == kind]
        if len(rows) == 1:
            continue
        add = kind != "liquidations" or not overlaps
        amounts = [row.notional for row in rows if row.notional is not None]
        yield (
            "total",
            format_counted(len({row.symbol for row in rows}), "symbol"),
            format_counted(len({row.source for row in rows}), "source"),
            kind,
            _moment(min((row.first_us for row in rows if row.first_us is not None), default=None)),
            _moment(max((row.last_us for row in rows if row.last_us is not None), default=None)),
            format_count(sum(row.events for row in rows)) if add else "",
            format_usd(sum(amounts)) if amounts and add else "",
            "",
            "",
            f"{sum(row.size for row in rows) / 1e6:.2f}",
        )


def _plain(value: object) -> object:
    if isinstance(value, list):
        return len(value)
    return "" if value is None else value


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
