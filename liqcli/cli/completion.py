"""Shell completion of option values. It reads only names, so that it answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

Completion = Callable[[str], list[str]]


def one_of(*choices: str) -> Completion:
    """Complete one of some words."""

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def some_of(*choices: str) -> Completion:
    """Complete a comma-separated list of some words, each once."""

    def complete(incomplete: str) -> list[str]:
        return _continue_list(incomplete, choices)

    return complete


def exchanges(incomplete: str) -> list[str]:
    """Complete a comma-separated list of exchanges."""
    from liqcli.core.symbols import EXCHANGES

    return _continue_list(incomplete, EXCHANGES)


def sources(incomplete: str) -> list[str]:
    """Complete a comma-separated list of sources."""
    from liqcli.sources.registry import SOURCES

    return _continue_list(incomplete, SOURCES)


def one_source(incomplete: str) -> list[str]:
    """Complete a source."""
    from liqcli.sources.registry import SOURCES

    return [name for name in SOURCES if name.startswith(incomplete)]


def stored_symbols(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a symbol of the lake, or the base of several."""
    from liqcli.core.environment import lake_root
    from liqcli.core.symbols import split_symbol

    given: Any = ctx.params.get("lake") or (ctx.parent.params.get("lake") if ctx.parent else None)
    folders = lake_root(Path(given) if given else None).glob("liquidations/exchange=*/symbol=*")
    held = {folder.name.removeprefix("symbol=") for folder in folders}
    return sorted(name for name in held | {split_symbol(one)[0] for one in held} if name.startswith(incomplete.upper()))


def default_symbols(incomplete: str) -> list[str]:
    """Complete a comma-separated list of well-known symbols."""
    from liqcli.core.symbols import WELL_KNOWN_BASES

    return _continue_list(incomplete.upper(), [f"{base}USDT" for base in WELL_KNOWN_BASES])


def _continue_list(incomplete: str, choices: Iterable[str]) -> list[str]:
    *before, last = incomplete.split(",")
    start = "".join(f"{word}," for word in before)
    return [f"{start}{choice}" for choice in choices if choice.startswith(last) and choice not in before]
