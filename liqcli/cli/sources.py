"""``liqcli sources``: the sources of liquidations and their limits."""

from __future__ import annotations

from typing import Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.options import DebugOption, QuietOption
from liqcli.cli.output import set_verbosity
from liqcli.core.choices import check_choice


def sources(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Only this source, with all details.",
            show_default="all, in short",
            autocompletion=completion.one_source,
        ),
    ] = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--format", help="Output format: table or json.", autocompletion=completion.one_of("table", "json")
        ),
    ] = "table",
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """List each source: exchanges, history depth, completeness, price kind, limits, key needed."""
    import json

    from liqcli.sources.header import read_header
    from liqcli.sources.registry import LIVE_SOURCES, SOURCES, check_source

    set_verbosity(quiet, debug)
    check_choice(output_format, ("table", "json"), "--format")
    known = [*SOURCES, *LIVE_SOURCES]
    names = [name.lower() if name.lower() in known else check_source(name)] if name else known
    headers = {source: read_header(source) for source in names}
    if output_format == "json":
        typer.echo(json.dumps([{"source": s, **h} for s, h in headers.items()], ensure_ascii=False, indent=1))
        return
    wanted = None if name else ("exchange", "gives", "completeness", "price", "limits")
    for source, header in headers.items():
        typer.echo(source)
        for key, text in header.items():
            if wanted is None or key in wanted:
                typer.echo(_wrap(key, text))
        typer.echo("")
    if not name:
        typer.echo("for all details of a source: liqcli sources NAME")


def _wrap(key: str, text: str) -> str:
    import shutil
    import textwrap

    width = min(shutil.get_terminal_size((100, 24)).columns, 110)
    fill = textwrap.TextWrapper(
        width, initial_indent=f"  {key:<13}", subsequent_indent=" " * 15, break_on_hyphens=False, break_long_words=False
    )  # keep addresses in one piece, so that they can be clicked
    return fill.fill(text)
