"""``liqcli demo``: reports from the embedded sample, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liqcli.cli.options import DebugOption, QuietOption
from liqcli.cli.output import say, set_verbosity


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the lake and the reports.")
    ] = Path("liqcli-demo"),
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write reports from the embedded synthetic sample, without network or setup."""
    from liqcli.demo import run_demo

    set_verbosity(quiet, debug)
    written = run_demo(output, say)
    say("open in a browser:")
    typer.echo(written[0].resolve())
