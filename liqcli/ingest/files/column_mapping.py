"""Map liqcli's words to the columns of a file: by ``--columns`` and by well-known names."""

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
    Comparison of ``--exchange`` or ``--symbol`` with a column of the same meaning.

    Parameters
    ----------
    word : str
        ``exchange`` or ``symbol``.
    value : str
        Value of the option.
    column : str
        Column with the same meaning.
    agrees : callable
        Takes a cell; true if it means the same as the option.
    """

    def __init__(self, word: str, value: str, column: str, agrees: Callable[[str], bool]) -> None:
        self._word, self._value, self._column = word, value, column
        self._agrees = agrees
        self._agreed: set[str] = {""}

    def check(self, cell: object) -> None:
        """
        Compare one row's cell with the option; empty cells are ignored.

        Raises
        ------
        MixedSeriesError
            They differ: rows of one exchange or symbol would be stored as those of another.
        """
        text = "" if cell is None else str(cell).strip()
        if text in self._agreed:
            return
        if not self._agrees(text):
            raise MixedSeriesError(
                f"column {self._column} holds {text[:60]!r}, but --{self._word} is {self._value}: omit --{self._word} "
                f"to use the column, or pass --columns {self._word}=:{self._value} to override it"
            )
        self._agreed.add(text)


def parse_columns(text: str, words: Sequence[str]) -> dict[str, str]:
    """
    Parse ``ts=time_utc,price=price``.

    Raises
    ------
    UsageError
        Wrong form, or an unknown word on the left.
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
    """Reduce a column name to lower-case letters and digits, so that ``Open time`` equals ``openTime``."""
    return re.sub(r"[\W_]+", "", name).lower()


def guess_columns(header: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Map liqcli's words to well-known column names in a header, ignoring case and punctuation."""
    plain = {plain_name(name): name for name in reversed(header)}
    found: dict[str, str] = {}
    for word, names in known.items():
        for name in names:
            if plain_name(name) in plain:
                found[word] = plain[plain_name(name)]
                break
    return found


def describe_header(header: Sequence[str]) -> str:
    """Describe the columns of a file for a message; suggest --no-header if its first line looks like a row."""
    if list(header) == [str(number) for number in range(1, len(header) + 1)]:
        return f"the file has {len(header)} columns, 1 to {len(header)}"
    if looks_like_row(header):
        return (
            f"the first line looks like a row, not like column names ({', '.join(header)[:100]}): if it is a row, pass "
            "--no-header and refer to columns by number, as in --columns ts=1,price=4"
        )
    return f"the file has: {', '.join(header)[:300]}"


def describe_used(
    columns: Mapping[str, str], first: Mapping[str, object] | None = None, remarks: Mapping[str, str] | None = None
) -> str:
    """
    Describe which column is used for which word.

    Parameters
    ----------
    columns : mapping
        liqcli's word -> column.
    first : mapping, optional
        First row (column -> cell) of a file without column names; its values are shown.
    remarks : mapping, optional
        liqcli's word -> remark on its column.
    """
    parts = []
    for word, column in columns.items():
        value = " ".join(str(first[column]).split())[:40] if first and column in first else ""
        said = [text for text in (value, (remarks or {}).get(word, "")) if text]
        parts.append(f"{word}={column}" + (f" ({'; '.join(said)})" if said else ""))
    return "columns used: " + (", " if first else ",").join(parts)


def check_once(columns: Mapping[str, str], header: Sequence[str]) -> None:
    """
    Check that no used column shares its name with another.

    Raises
    ------
    UsageError
        A name is ambiguous.
    """
    for word, column in columns.items():
        if header.count(column) > 1:
            raise UsageError(
                f"{word}={column}: {header.count(column)} columns are named {column}; rename one of them in "
                "the file, or pass --no-header and refer to columns by number, as in --columns ts=1,price=4"
            )


def fill_columns(
    columns: Mapping[str, str], header: Sequence[str], known: Mapping[str, Sequence[str]], needed: Sequence[str]
) -> dict[str, str]:
    """
    Add needed words that ``--columns`` does not name, by well-known column names.

    ``needed`` holds words, alternatives of which one suffices (``symbol|instrument``), or groups that belong together
    (``contracts&contract_size``; all are added if none is named). Optional words are not added: a user who names
    columns may have left out others on purpose.
    """
    missing: list[str] = []
    for words in needed:
        if not set(re.split("[|&]", words)) & set(columns):
            missing += words.split("&") if "&" in words else words.split("|")[:1]
    guessed = guess_columns(header, known)
    return {**columns, **{word: guessed[word] for word in missing if word in guessed}}


def check_named(columns: Mapping[str, str], header: Sequence[str]) -> None:
    """
    Check that each mapped column exists exactly once; constants (``:text``) are not columns.

    Raises
    ------
    UsageError
        Names every column that is missing or ambiguous.
    """
    named = {word: column for word, column in columns.items() if not column.startswith(":")}
    if absent := [f"{word}={column}" for word, column in named.items() if column not in header]:
        raise UsageError(f"--columns {','.join(absent)}: no such column; {describe_header(header)}")
    check_once(named, header)
