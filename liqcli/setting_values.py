"""Values of ``liqcli.toml``: each check lets one kind of value pass and says what is wrong with any other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from liqcli.errors import UsageError
from liqcli.symbols import nearest


def check_names(table: dict[str, Any], known: list[str], where: str) -> None:
    """Refuse a key that nobody knows; the nearest are given."""
    for name in table:
        if name not in known:
            raise UsageError(f"{where}{name!r} is no setting{nearest(name, known)}")


def check_table(value: object, name: str) -> dict[str, Any]:
    """Let a table pass."""
    if not isinstance(value, dict):
        raise UsageError(f"{name}: write it as a table, [{name}]")
    return value


def check_text(value: object, name: str) -> str:
    """Let a text pass that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name}: {value!r} is not a text")
    return value


def check_texts(value: object, name: str, least: int = 0, secret: bool = False) -> list[str]:
    """Let a list of texts pass, or one text alone; a secret one is not shown."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
        shown = "it" if secret else repr(value)
        raise UsageError(f'{name}: {shown} is not a list of texts, ["…", "…"]')
    if len(items) < least:
        raise UsageError(f"{name}: the list is empty")
    return items


def expand_path(path: Path | str, where: str) -> Path:
    """
    Write out the ``~`` of a path that a user gave; ``where`` says what the message shall name.

    Raises
    ------
    UsageError
        A ``~name`` that nobody has, or a character that no file's name holds.
    """
    if any(ord(character) < 32 for character in str(path)):
        raise UsageError(f"{where}: {str(path)!r} holds a line break or control character")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # the standard library's own kind for this
        raise UsageError(f"{where}: {str(path)!r}: there is no such user") from error


def check_choice(value: object, name: str, choices: tuple[str, ...]) -> str:
    """Let one of the choices pass."""
    if value not in choices:
        hint = nearest(value, choices) if isinstance(value, str) and value else ""
        raise UsageError(f"{name}: {value!r} is none of {', '.join(choices)}{hint}")
    return str(value)


def check_whole(value: object, name: str, allowed: range) -> int:
    """Let a whole number of the range pass."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise UsageError(f"{name}: {value!r} is not a whole number from {allowed[0]} to {allowed[-1]}")
    return value


def check_amount(value: object, name: str) -> float:
    """Let a finite number above zero pass."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UsageError(f"{name}: {value!r} is not a number above 0")
    return float(value)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Drop what was said before, keep the order."""
    return tuple(dict.fromkeys(names))
