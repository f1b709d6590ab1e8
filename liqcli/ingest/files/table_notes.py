"""Notes for the user about a generic file: columns used, assumptions made, doubtful sides."""

from __future__ import annotations

from collections.abc import Mapping

from liqcli.ingest.files.column_mapping import describe_used, parse_columns
from liqcli.ingest.files.generic_rows import ALTERNATIVES, ASSUMED, KNOWN_NAMES, TableMap, exchange_of
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.quantities import IN_COINS
from liqcli.ingest.files.sides import BUY_MEANS, EXCHANGE_FEEDS, ORDER_SIDE, SIDE_UNCLEAR


def describe_columns(
    table: TableMap, options: ImportOptions, first: Mapping[str, object] | None, price_remark: str
) -> list[str]:
    """
    Describe which columns are used; empty if the user named all of them.

    Parameters
    ----------
    table : TableMap
    first : mapping or None
        First row of a file without column names. Its values show what each column number holds.
    price_remark : str
        Why this column is the price, or empty.
    """
    columns = dict(table.columns)
    if table.buy_means:
        meaning = next(word for word, position in BUY_MEANS.items() if position == table.buy_means)
        columns["position"] += f":{meaning}"
    if table.in_coins:
        columns["qty"] += f":{IN_COINS}"
    named = parse_columns(options.columns, tuple(KNOWN_NAMES)) if options.columns is not None else None
    if columns == named and first is None:
        return []
    for word in ("position", "qty"):
        if first and word in columns and columns[word] != table.columns[word]:
            first = {**first, columns[word]: first.get(table.columns[word], "")}
    return [describe_used(columns, first, {"price": price_remark})]


def describe_assumptions(table: TableMap) -> list[str]:
    """Describe what the file does not state, what is assumed instead, and how to change it."""
    assumed = {word: value for word, value in ASSUMED.items() if word not in table.columns}
    if not assumed:
        return []
    values = ", ".join(f"{word}={value}" for word, value in assumed.items())
    feed = EXCHANGE_FEEDS.get(exchange_of(table) or "")
    if (
        feed
        and table.buy_means == "long"
        and (own := {word: feed.values[word] for word in assumed if word in feed.values})
    ):
        return [
            f"not stated in the file, assumed: {values}. {feed.facts}; "
            f"for its own rows add {_as_constants(own)} to --columns"
        ]
    other = _as_constants({word: ALTERNATIVES[word] for word in assumed})
    return [f"not stated in the file, assumed: {values} (otherwise pass, for example, --columns {other})"]


def describe_inverse(table: TableMap) -> str:
    """Describe which contracts were assumed to be inverse, once all rows are read; empty if none."""
    if not table.assumed_inverse:
        return ""
    shown = [
        f"{symbol}: inverse, {' or '.join(f'{size:g}' for size in sorted(sizes))} USD a contract"
        for symbol, sizes in sorted(table.assumed_inverse.items())
    ]
    more = [f"{len(shown) - 3} more"] if len(shown) > 3 else []
    return f"{', '.join([*shown[:3], *more])} (assumed; if linear: --columns contract_kind=:linear)"


def doubt_meaning(table: TableMap) -> list[str]:
    """Warn if the given meaning of buy is the opposite of its meaning in the exchange's own feed."""
    exchange = exchange_of(table) or ""
    if table.buy_means == "long" and exchange in ORDER_SIDE:
        column = table.columns["position"]
        return [
            f"position={column}:buy-is-long is the opposite of the exchange's own meaning: {ORDER_SIDE[exchange]}. "
            f"For rows of that feed pass position={column}:buy-is-short with --replace"
        ]
    if table.buy_means != "short" or exchange not in EXCHANGE_FEEDS:
        return []
    column = table.columns["position"]
    return [
        f"position={column}:buy-is-short is the opposite of the exchange's own meaning: {SIDE_UNCLEAR[exchange]}. "
        f"It is right for files of Tardis and CryptoHFTData; for the exchange's own pass position={column}:buy-is-long"
    ]


def _as_constants(values: Mapping[str, str]) -> str:
    return ",".join(f"{word}=:{value}" for word, value in values.items())
