"""``liqcli doctor``: check the installation."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.daily import ConfigOption
from liqcli.cli.options import DebugOption, LakeOption, QuietOption
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Send no requests: skip the checks of hosts and clock.")
    ] = False,
    config: ConfigOption = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--format", help="Output format: table or json.", autocompletion=completion.one_of("table", "json")
        ),
    ] = "table",
    lake: LakeOption = None,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """
    Check the installation: versions, settings, lake, disk, fonts, clock, and whether the sources' hosts answer.

    Sends one request without a key to each host. Exit code 6 means that a check failed.
    """
    import json

    from liqcli.api.doctor import diagnose
    from liqcli.core.environment import use_settings
    from liqcli.core.formatting import format_counted
    from liqcli.core.settings import expand_path

    set_verbosity(quiet, debug)
    check_choice(output_format, ("table", "json"), "--format")
    use_settings(expand_path(config, "--config") if config else None)
    for name, hint in _unknown_variables():
        warn(f"unknown variable {name}{hint}")
    result = diagnose(lake, config, offline=offline)
    if output_format == "json":
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=1))
    else:
        width = max(len(check.name) for check in result.checks)
        for check in result.checks:
            typer.echo(f"{'ok     ' if check.ok else 'PROBLEM'}  {check.name:<{width}}  {check.text}")
            if not check.ok:
                typer.echo(f"{'':<{width + 11}}to do: {check.do}")
    problems = sum(not check.ok for check in result.checks)
    say(format_counted(problems, "problem") if problems else "no problems found")
    if problems:
        raise typer.Exit(int(ExitCode.PARTIAL))


def _unknown_variables() -> list[tuple[str, str]]:
    """List set ``LIQCLI_*`` variables that nothing reads, with the nearest known names; never their values."""
    from liqcli.cli.group import COMMANDS, load_command
    from liqcli.core.symbols import nearest
    from liqcli.sources.registry import LIVE_SOURCES, MARKET_SOURCES, SOURCES

    known = {"LIQCLI_LAKE", "LIQCLI_CONFIG", "LIQCLI_THREADS", "LIQCLI_QUIET", "LIQCLI_DEBUG", "LIQCLI_REAL_DATA"}
    known |= {"LIQCLI_ENGINE", "LIQCLI_KEY_SPARK"}
    for name in {*SOURCES, *LIVE_SOURCES, *MARKET_SOURCES}:
        known |= {f"LIQCLI_{kind}_{name.upper().replace('-', '_')}" for kind in ("URL", "RATE", "KEY")}
    for command in COMMANDS:
        known |= {str(param.envvar) for param in load_command(command).params if param.envvar}
    found = sorted(name for name in os.environ if name.startswith("LIQCLI_") and name not in known)
    return [(name, nearest(name, known)) for name in found]
