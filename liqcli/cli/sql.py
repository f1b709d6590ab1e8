"""``liqcli sql``: one SELECT over the lake."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liqcli.cli import completion
from liqcli.cli.options import RunOptions, expand_options
from liqcli.cli.output import STDOUT, say, set_verbosity, warn
from liqcli.cli.tables import render_rows, render_table
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "csv", "json", "parquet")
NUMBERS = ("int", "uint", "float", "double", "decimal", "hugeint")


@expand_options
def sql(
    *,
    statement: Annotated[
        str, typer.Argument(metavar="SELECT", help="DuckDB SQL over liquidations, candles and open_interest.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write a .csv, .json or .parquet file; - is stdout."),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Output format: table, csv, json, or parquet (not on a terminal).",
            show_default="table; with -o from the file name",
            autocompletion=completion.one_of(*FORMATS),
        ),
    ] = None,
    run: RunOptions,
) -> None:
    """
    Run one SELECT over the lake.

    The view liquidations counts each exchange and instant from one source only, like reports. The other views are
    candles and open_interest.
    """
    from liqcli.cli.lake import open_lake
    from liqcli.report.output_files import write_file

    set_verbosity(run.quiet, run.debug)
    output = None if output == STDOUT else output
    chosen = _choose_format(output_format, output)
    damaged: list[Path] = []
    table = open_lake(run.lake).sql(statement, on_damaged=damaged.append)
    for path in damaged:
        warn(f"{path}: damaged, left out; to repair it: liqcli verify")
    if output is None and chosen == "parquet":
        sys.stdout.buffer.write(_pack(table, chosen))
    elif output is None:
        typer.echo(_render(table, chosen))
    else:
        write_file(output, _pack(table, chosen))
        say(f"wrote {output}")
    if damaged:
        raise typer.Exit(int(ExitCode.PARTIAL))


def _choose_format(chosen: str | None, output: Path | None) -> str:
    by_ending = output.suffix.lower().lstrip(".") if output is not None else "table"
    if chosen is None and by_ending not in FORMATS:
        raise UsageError(f"-o: cannot write {str(output)!r}: use .csv, .json or .parquet, or give --format")
    name = check_choice(chosen or by_ending, FORMATS, "--format")
    if name == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("--format parquet is not for a terminal; write a file: -o rows.parquet")
    return name


def _pack(table: pa.Table, chosen: str) -> bytes:
    import io

    if chosen != "parquet":
        return (_render(table, chosen) + "\n").encode()
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _render(table: pa.Table, chosen: str) -> str:
    import json

    names = table.column_names
    rows = [[_plain(value) for value in row.values()] for row in table.to_pylist()]  # no name is there twice
    if chosen == "json":
        return json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False, indent=1)
    if chosen == "csv":
        return render_rows(names, [["" if value is None else value for value in row] for row in rows])
    right = [k for k, kind in enumerate(table.schema.types) if str(kind).startswith(NUMBERS)]
    return render_table(names, [["" if value is None else str(value) for value in row] for row in rows], right)


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON knows
    """Convert a value to JSON: times to ISO 8601 UTC, NaN and infinity to null."""
    import math
    from datetime import UTC, datetime
    from decimal import Decimal

    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
