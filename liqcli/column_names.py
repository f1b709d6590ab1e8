"""Which of a file's columns is which of our words: as the user says, and by well-known names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from liqcli.csv_layout import looks_like_row
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


def describe_header(header: Sequence[str]) -> str:
    """Say which columns a file has, for a message; where its first line is a row, how to say so."""
    if list(header) == [str(number) for number in range(1, len(header) + 1)]:
        return f"the file has {len(header)} columns, 1 to {len(header)}"
    if looks_like_row(header):
        return (
            f"its first line looks like a row, not like column names ({', '.join(header)[:100]}): if it is one, pass "
            "--no-header and name the columns by their numbers, as in --columns ts=1,price=4"
        )
    return f"the file has: {', '.join(header)[:300]}"


def check_once(columns: Mapping[str, str], header: Sequence[str]) -> None:
    """
    See that no column that is used shares its name with another.

    Raises
    ------
    UsageError
        Which of the two is meant cannot be told.
    """
    for word, column in columns.items():
        if header.count(column) > 1:
            raise UsageError(
                f"{word}={column}: {header.count(column)} columns are called {column}; rename one in the file's first "
                "line, or pass --no-header and name the columns by their numbers, as in --columns ts=1,price=4"
            )


def fill_columns(
    columns: Mapping[str, str], header: Sequence[str], known: Mapping[str, Sequence[str]], needed: Sequence[str]
) -> dict[str, str]:
    """
    Map by their well-known names what must be known of a row and ``--columns`` does not name.

    ``needed`` are words, or several of which one will do, as in ``symbol|instrument``, or which belong together, as in
    ``contracts&contract_size``: all are taken, if none is named. What nobody has to say is left out: who names columns
    may have reasons to leave out others.
    """
    lacking: list[str] = []
    for words in needed:
        if not set(re.split("[|&]", words)) & set(columns):
            lacking += words.split("&") if "&" in words else words.split("|")[:1]
    guessed = guess_columns(header, known)
    return {**columns, **{word: guessed[word] for word in lacking if word in guessed}}
