"""Which of a file's columns is which of our words: as the user says, and by well-known names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from liqcli.errors import UsageError
from liqcli.symbols import nearest


def parse_columns(text: str, words: Sequence[str]) -> dict[str, str]:
    """
    Read ``ts=time_utc,price=price``.

    Raises
    ------
    UsageError
        Not of that form, or an unknown word on the left.
    """
    columns: dict[str, str] = {}
    for part in text.split(","):
        word, equals, column = part.partition("=")
        word = word.strip()
        if not equals or not column.strip():
            raise UsageError(f"--columns: {part!r} is not WORD=COLUMN, as in ts=time_utc,price=price")
        if word not in words:
            raise UsageError(f"--columns: unknown word {word!r}{nearest(word, words)}")
        columns[word] = column.strip()
    return columns


def guess_columns(header: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Map our words to the well-known column names that a header has, in any case."""
    lowered = {name.strip().lower(): name for name in reversed(header)}
    found: dict[str, str] = {}
    for word, names in known.items():
        for name in names:
            if name in lowered:
                found[word] = lowered[name]
                break
    return found


def fill_columns(
    columns: Mapping[str, str], header: Sequence[str], known: Mapping[str, Sequence[str]], needed: Sequence[str]
) -> dict[str, str]:
    """
    Map by their well-known names what must be known of a row and ``--columns`` does not name.

    ``needed`` are words, or several of which one will do, as in ``symbol|instrument``. What nobody has to say is left
    out: who names columns may have reasons to leave out others.
    """
    lacking = [words.split("|")[0] for words in needed if not set(words.split("|")) & set(columns)]
    guessed = guess_columns(header, known)
    return {**columns, **{word: guessed[word] for word in lacking if word in guessed}}
