"""``liqcli init``: write a commented ``liqcli.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liqcli.cli.options import DebugOption, QuietOption
from liqcli.cli.output import STDOUT, say, set_verbosity


def init(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="File to write, or - for stdout.")] = Path(
        "liqcli.toml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a commented liqcli.toml, the settings of the daily run."""
    from liqcli.core.settings import expand_path, read_default_settings, write_default_settings

    set_verbosity(quiet, debug)
    if config == STDOUT:
        typer.echo(read_default_settings().decode(), nl=False)
        return
    path = write_default_settings(expand_path(config, "--config"), force)
    say("edit it, then run: liqcli daily; for a crontab line: liqcli schedule")
    typer.echo(path)
