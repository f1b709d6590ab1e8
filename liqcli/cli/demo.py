"""``liqcli demo``: the embedded sample as reports, offline, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liqcli.cli.options import DebugOption, QuietOption
from liqcli.cli.output import say, set_verbosity


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for lake and reports.")] = Path(
        "liqcli-demo"
    ),
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Make reports from the embedded synthetic sample: no network, no key, nothing to set up."""
    from liqcli.demo import run_demo

    set_verbosity(quiet, debug)
    written = run_demo(output, say)
    say("open this one in a browser:")
    typer.echo(written[0].resolve())
