"""A command of ``liqcli``: plain names in its help, a ``LIQCLI_*`` variable per option, ``--lake`` before its name."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand

from liqcli.cli.plain_values import use_plain_values
from liqcli.core.errors import UsageError

# Options that exclude each other: one on the command line overrides a variable of the other.
ALTERNATIVES = (("symbol_argument", "symbol"), ("lookback", "since"), ("bin_width", "bins"))
SHARED = ("lake", "quiet", "debug")  # options that may also come before the name of the command


def name_variable(command: str, option: str) -> str:
    """Name the variable of an option: ``LIQCLI_HEATMAP_MIN_USD`` for ``--min-usd`` of ``heatmap``."""
    return f"LIQCLI_{command}_{option.lstrip('-')}".upper().replace("-", "_")


def name_values(params: list[Any]) -> list[Any]:
    """
    Show ``TEXT`` and ``N`` in the help in place of Python types, and nothing for a flag.

    The name of an argument says enough.
    """
    for param in params:
        if param.param_type_name == "argument" or param.is_flag:
            param.display_type_rich = lambda ctx: ""
        elif param.metavar is None:
            param.metavar = "N" if param.bare_type() in ("int", "float") else "TEXT"
    return params


class Command(TyperCommand):
    """A command, built by :func:`liqcli.cli.group.load_command`."""

    def __init__(self, name: str | None, **attributes: Any) -> None:  # noqa: ANN401 - typer's own copy of Click is private
        super().__init__(name, **attributes)
        for param in self.params:
            if param.param_type_name == "option" and param.envvar is None:
                param.envvar = name_variable(str(name), next(word for word in param.opts if word.startswith("--")))
                param.show_envvar = False  # type: ignore[attr-defined] # docs/units.md states the rule

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as above
        """List arguments and options, with plain names for their values."""
        return name_values(use_plain_values(super().get_params(ctx)))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - as above
        """Parse the words after the name; then apply options given before it, and drop overridden variables."""
        try:
            rest = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            if error.param is not None and _source(ctx, str(error.param.name)) == "ENVIRONMENT":
                error.param_hint = str(error.param.envvar)
            raise
        _take_shared(ctx)
        for pair in ALTERNATIVES:
            for name, other in (pair, pair[::-1]):
                if _source(ctx, name) == "COMMANDLINE" and _source(ctx, other) == "ENVIRONMENT":
                    ctx.params[other] = None
        return rest


def _take_shared(ctx: Any) -> None:  # noqa: ANN401 - as above
    """Use ``--lake``, ``--quiet`` and ``--debug`` of the group unless the command has its own."""
    given = ctx.parent.params if ctx.parent is not None else {}
    for name in SHARED:
        if given.get(name) and name in ctx.params and _source(ctx, name) != "COMMANDLINE":
            ctx.params[name] = given[name]
    if given.get("lake") and "lake" not in ctx.params:
        raise UsageError(f"liqcli {ctx.info_name} does not use a lake: leave out --lake")


def _source(ctx: Any, name: str) -> str:  # noqa: ANN401 - as above
    source = ctx.get_parameter_source(name)
    return "" if source is None else str(source.name)
