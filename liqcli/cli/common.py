"""What every subcommand shares: the shared flags, and how it speaks (data on stdout, narration on stderr)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from liqcli.errors import UsageError


@dataclass(slots=True)
class State:
    """How this run speaks."""

    quiet: bool = False
    debug: bool = False


STATE = State()

LakeOption = Annotated[
    Path | None,
    typer.Option(
        "--lake",
        metavar="DIR",
        envvar="LIQCLI_LAKE",
        help="Folder of the Parquet lake.",
        show_default="the user's data directory",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No narration on stderr.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
LookbackOption = Annotated[str, typer.Option(help="Length of the window: 90s 15m 1h 4h 24h 7d 30d.")]
SinceOption = Annotated[
    str | None, typer.Option(metavar="T", help="Start of the window, ISO 8601 (UTC unless it says otherwise).")
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        metavar="T", help="End of the window: ISO 8601, now, or latest (the last stored event).", show_default="now"
    ),
]


def set_speech(quiet: bool, debug: bool) -> None:
    """Note how this run speaks; the first thing every subcommand does."""
    STATE.quiet, STATE.debug = quiet, debug


def say(text: str) -> None:
    """Narrate on stderr, unless ``--quiet``."""
    if not STATE.quiet:
        typer.echo(text, err=True)


def warn(text: str) -> None:
    """Say on stderr what the user must know, ``--quiet`` or not."""
    typer.echo(f"liqcli: warning: {text}", err=True)


def fail(text: str) -> None:
    """Say on stderr, in one line, why it ended."""
    typer.echo(f"liqcli: {' '.join(text.split())}", err=True)


def split_names(text: str | None) -> tuple[str, ...]:
    """Cut ``a,b`` into names; None and blanks give nothing."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def check_choice(value: str, choices: Sequence[str], flag: str) -> str:
    """
    Check a flag value against the ones there are.

    Raises
    ------
    UsageError
        None of them; the nearest are given.
    """
    from liqcli.symbols import nearest

    if value not in choices:
        raise UsageError(f"{flag}: {value!r} is none of {', '.join(choices)}{nearest(value, choices) if value else ''}")
    return value


def render_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Lay out a plain text table; ``right`` names the columns whose cells are flushed right."""
    table = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[k]) for row in table) for k in range(len(header))]
    flush = set(right)
    lines = (
        "  ".join(
            cell.rjust(w) if k in flush else cell.ljust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)
