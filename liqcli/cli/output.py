"""Output of a command: data on stdout; progress, warnings and errors on stderr."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import typer


@dataclass(slots=True)
class OutputState:
    """The flags ``--quiet`` and ``--debug`` of this run."""

    quiet: bool = False
    debug: bool = False


STATE = OutputState()
STDOUT = Path("-")  # the name of stdout after -o


def set_verbosity(quiet: bool, debug: bool) -> None:
    """Store the flags. Every command calls this first."""
    STATE.quiet, STATE.debug = quiet, debug


def say(text: str) -> None:
    """Print a progress message on stderr, unless ``--quiet``."""
    if not STATE.quiet:
        typer.echo(text, err=True)


def print_summary(text: str) -> None:
    """Print a summary on stdout, unless ``--quiet``."""
    if not STATE.quiet:
        typer.echo(text)


def warn(text: str) -> None:
    """Print a warning on stderr, also with ``--quiet``."""
    typer.echo(f"liqcli: warning: {text}", err=True)


def print_messages(messages: Iterable[tuple[str, bool]]) -> None:
    """Print messages on stderr; True marks a warning."""
    for text, is_warning in messages:
        (warn if is_warning else say)(text)


def fail(text: str) -> None:
    """Print an error on stderr, on one line."""
    typer.echo(f"liqcli: {' '.join(text.split())}", err=True)


def open_in_browser(path: Path) -> None:
    """Open a page, or warn that there is no browser."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        warn(f"no browser found to open {path}")


def is_page(path: Path) -> bool:
    """Return True for an HTML file."""
    return path.suffix.lower() == ".html"
