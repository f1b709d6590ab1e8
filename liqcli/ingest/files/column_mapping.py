"""Which of a file's columns is which of our words: as the user says, and by well-known names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from liqcli.core.errors import MixedSeriesError, UsageError
from liqcli.core.symbols import nearest
from liqcli.ingest.files.csv_layout import looks_like_row

EXCHANGE_NAMES = ("exchange", "venue", "exch", "exchange_name", "exchange_id", "venue_name")
SYMBOL_NAMES = (
    "symbol",
    "pair",
    "market",
    "ticker",
    "coin",
    "trading_pair",
    "symbol_name",
    "product_id",
    "base",
    "base_asset",
    "base_coin",
    "asset",
)
INSTRUMENT_NAMES = ("instrument", "instrument_id", "inst_id", "contract", "contract_code")


class Claim:
    """
    An option that names the exchange or symbol of every row, where a column of the file names it too.

    Parameters
    ----------
    word : str
        ``exchange`` or ``symbol``.
    value : str
        What the option says.
    column : str
        The column that says it too.
    agrees : callable
        Whether a cell means the same as the option.
    """

    def __init__(self, word: str, value: str, column: str, agrees: Callable[[str], bool]) -> None:
        self._word, self._value, self._column = word, value, column
        self._agrees = agrees
        self._agreed: set[str] = {""}

    def check(self, cell: object) -> None:
        """
        Compare one row's cell with the option; an empty cell says nothing.

        Raises
        ------
        MixedSeriesError
            They differ: rows of one exchange or symbol would be stored as another's.
        """
        text = "" if cell is None else str(cell).strip()
        if text in self._agreed:
            return
        if not self._agrees(text):
            raise MixedSeriesError(
                f"column {self._column} says {text[:60]!r}, --{self._word} says {self._value}: leave --{self._word} "
                f"out (each row then keeps its own), or pass --columns {self._word}=:{self._value} "
                "if that column means something else"
            )
        self._agreed.add(text)


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


def plain_name(name: str) -> str:
    """Reduce a column's name to letters and digits: ``Open time``, ``open_time`` and ``openTime`` are one name."""
    return re.sub(r"[\W_]+", "", name).lower()


def guess_columns(header: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Map our words to the well-known column names that a header has, however they are written."""
    plain = {plain_name(name): name for name in reversed(header)}
    found: dict[str, str] = {}
    for word, names in known.items():
        for name in names:
            if plain_name(name) in plain:
                found[word] = plain[plain_name(name)]
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


def describe_taken(
    columns: Mapping[str, str], first: Mapping[str, object] | None = None, remarks: Mapping[str, str] | None = None
) -> str:
    """
    Say which column is taken for which word.

    Parameters
    ----------
    columns : mapping
        Our word -> column.
    first : mapping, optional
        The first row (column -> cell), for files without column names: its values are shown.
    remarks : mapping, optional
        Our word -> what to say about its column.
    """
    parts = []
    for word, column in columns.items():
        value = " ".join(str(first[column]).split())[:40] if first and column in first else ""
        said = [text for text in (value, (remarks or {}).get(word, "")) if text]
        parts.append(f"{word}={column}" + (f" ({'; '.join(said)})" if said else ""))
    return "columns taken: " + (", " if first else ",").join(parts)


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


def check_named(columns: Mapping[str, str], header: Sequence[str]) -> None:
    """
    See that each mapped column is there, and once; constants (``:text``) are no columns.

    Raises
    ------
    UsageError
        Names every column that is absent, or stands twice.
    """
    named = {word: column for word, column in columns.items() if not column.startswith(":")}
    if absent := [f"{word}={column}" for word, column in named.items() if column not in header]:
        raise UsageError(f"--columns {','.join(absent)}: no such column; {describe_header(header)}")
    check_once(named, header)
