"""``liqcli alerts``: the thresholds of ``liqcli.toml``, evaluated now."""

from __future__ import annotations

from typing import Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.daily import ConfigOption
from liqcli.cli.options import DebugOption, LakeOption, QuietOption
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.core.choices import check_choice
from liqcli.core.errors import ExitCode, LiqcliError


def alerts(
    config: ConfigOption = None,
    until: Annotated[
        str, typer.Option(metavar="T", help="End of the windows: now, latest (the last stored event), or a time.")
    ] = "now",
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
    Evaluate the thresholds of liqcli.toml on the lake: exit code 1 if one is met, else 0.

    Prints one line per alert, for all symbols and lookbacks in the settings. Fetches and sends nothing. Exit codes of 2
    and above are errors, even if there are alerts: 4, 5 or 6 mean that a window has no data or could not be read.
    """
    import json
    import traceback

    from liqcli.core.environment import lake_root, use_settings
    from liqcli.core.settings import find_settings
    from liqcli.core.settings_file import read_settings
    from liqcli.daily.evaluate import evaluate_alerts

    set_verbosity(quiet, debug)
    check_choice(output_format, ("table", "json"), "--format")
    settings = read_settings(use_settings(find_settings(config)))
    try:
        result = evaluate_alerts(settings, lake_root(lake), until, warn)
    except LiqcliError:
        raise
    except Exception as error:  # Python would exit with 1, which here means an alert
        traceback.print_exc()
        raise typer.Exit(int(ExitCode.DAMAGED)) from error
    for entry in result.entries:
        if entry["status"] != "ok":
            warn(f"{entry['name']}: {entry['status']}: {entry['message']}")
    if output_format == "json":
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=1))
    else:
        for alert in result.alerts:
            typer.echo(alert["text"])
        if not result.exit_code:
            say("no threshold is met")
    if result.exit_code:
        raise typer.Exit(result.exit_code)
