"""Build the column map of a generic file from ``--columns``, well-known names and the other options."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from liqcli.core.errors import UsageError
from liqcli.core.model import Position
from liqcli.core.symbols import doubt_exchange
from liqcli.core.times import parse_zone
from liqcli.ingest.files.column_mapping import Claim, fill_columns, guess_columns, parse_columns, plain_name
from liqcli.ingest.files.generic_rows import (
    AVERAGES,
    KNOWN_NAMES,
    ORDER_PRICES,
    TableMap,
    check_columns,
    exchange_of,
    fill_cell,
)
from liqcli.ingest.files.json_records import SourceRow
from liqcli.ingest.files.names import canonical_name, canonical_symbol, check_quote, is_same_exchange, is_same_symbol
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.quantities import IN_COINS, ContractSizes, check_size_options, doubt_coins
from liqcli.ingest.files.sides import BUY_MEANS

_NAMING_WORDS = ("exchange", "symbol", "instrument")


def build_table_map(header: Sequence[str], options: ImportOptions) -> tuple[TableMap, list[str]]:
    """
    Build the column map of a generic file from ``--columns`` or well-known names.

    Returns
    -------
    table : TableMap
    notes : list of str
        Messages for the user.

    Raises
    ------
    UsageError
        A needed column is missing, or an option is not a valid name.
    """
    words = tuple(KNOWN_NAMES)
    named = parse_columns(options.columns, words) if options.columns is not None else None
    if named is None:
        columns = guess_columns(header, KNOWN_NAMES)
    else:
        columns = fill_columns(named, header, KNOWN_NAMES, _needed_words(options, named))
    columns, buy_means = _split_buy_meaning(columns, header)
    columns, in_coins = _split_unit(columns, header)
    check_size_options(options.contract_sizes, columns)
    notes = []
    if options.exchange and (doubt := doubt_exchange(options.exchange)):
        notes.append(doubt)
    try:
        table = TableMap(
            columns=columns,
            exchange=canonical_name(options.exchange, "exchange") if options.exchange else None,
            symbol=options.symbol,
            zone=parse_zone(options.tz or "UTC"),
            quote=check_quote(options.quote),
            source=canonical_name(options.source, "source") if options.source else "import",
            buy_means=buy_means,
            guessed=frozenset(columns).difference(named or ()),
            in_coins=in_coins,
            sizes=ContractSizes(options.contract_sizes),
        )
        table = _add_claims(table, header)
    except ValueError as error:
        raise UsageError(str(error)) from None
    check_columns(table, header)
    if not in_coins:
        notes += doubt_coins(exchange_of(table), columns)
    if "side" in columns:
        notes.append(
            f"{columns['side']} is read as the order side: sell means that a long was liquidated, buy a short; "
            f"if buy means long: --columns position={columns['side']}:buy-is-long"
        )
    return table, notes


def _add_claims(table: TableMap, header: Sequence[str]) -> TableMap:
    """
    Compare --exchange and --symbol with columns of the same meaning; a constant in ``--columns`` overrides both.

    Raises
    ------
    ValueError
        --symbol is not a symbol.
    """
    found = {**guess_columns(header, {word: KNOWN_NAMES[word] for word in _NAMING_WORDS}), **table.columns}
    exchange = None if found.get("exchange", "").startswith(":") else table.exchange
    symbol = None if found.get("symbol", "").startswith(":") else table.symbol
    claims = []
    if exchange and (column := found.get("exchange")):
        claims.append((column, Claim("exchange", exchange, column, partial(is_same_exchange, exchange))))
    if symbol:
        name = canonical_symbol(symbol, table.quote)
        if column := found.get("symbol") or found.get("instrument"):
            claims.append((column, Claim("symbol", name, column, partial(is_same_symbol, name))))
    return dataclasses.replace(table, exchange=exchange, symbol=symbol, claims=claims)


def use_order_price(table: TableMap, header: Sequence[str], rows: Iterable[SourceRow]) -> tuple[TableMap, str, str]:
    """
    Use the order price with its own price kind if the average price is blank in every row or the user maps it.

    Parameters
    ----------
    rows : iterable of SourceRow
        Rows of the file. Read up to the first average price.

    Returns
    -------
    table : TableMap
    remark : str
        Sentence for the summary, or empty.
    column_remark : str
        Remark on the price column, or empty.
    """
    price = table.columns["price"]
    averages = [name for name in header if name.strip().lower() in (*AVERAGES, "ap")]
    if price in averages:
        average = price
        others = guess_columns([name for name in header if name not in averages], {"price": ORDER_PRICES})
        if not others or not _is_column_blank(average, rows):
            return table, "", ""
        price, blank = others["price"], True
    elif averages and plain_name(price) in map(plain_name, ORDER_PRICES):
        average = averages[0]
        blank = _is_column_blank(average, rows)
        if "price_kind" in table.columns:
            return table, "", f"{average} is blank in every row" if blank else ""
    else:
        return table, "", ""
    columns = {**table.columns, "price": price}
    columns.setdefault("price_kind", ":order")
    kind = columns["price_kind"].removeprefix(":")
    table = dataclasses.replace(table, columns=columns)
    if blank:
        why = f"{average} is blank in every row"
        return table, f"{why}: using the order price ({price}, price_kind={kind})", why
    return (
        table,
        f"{price} is the order price, {average} the fill price (price_kind={kind})",
        f"the order price; {average} holds the fill price",
    )


def _is_column_blank(column: str, rows: Iterable[SourceRow]) -> bool:
    return all(row.cells is None or _is_blank(row.cells.get(column)) for row in rows)


def _is_blank(cell: object) -> bool:
    """Return whether a price cell holds no price: empty, None, NaN or 0."""
    text = str(fill_cell(cell)).strip().lower()
    return text in ("none", "null", "nan", "nat", "n/a", "-") or text.strip("0") in ("", ".")


def _split_buy_meaning(columns: dict[str, str], header: Sequence[str]) -> tuple[dict[str, str], Position | None]:
    """
    Split ``position=side:buy-is-long`` into the column and the meaning of "buy".

    Raises
    ------
    UsageError
        Another word follows the colon.
    """
    named, colon, meaning = columns.get("position", "").rpartition(":")
    if not named or not colon or columns["position"] in header:
        return columns, None
    if meaning not in BUY_MEANS:
        raise UsageError(f"--columns position={columns['position']}: {meaning!r} is neither {' nor '.join(BUY_MEANS)}")
    return {**columns, "position": named}, BUY_MEANS[meaning]


def _split_unit(columns: dict[str, str], header: Sequence[str]) -> tuple[dict[str, str], bool]:
    """
    Split ``qty=sz:coins`` into the column and whether the user states that it holds coins.

    Raises
    ------
    UsageError
        Another word follows the colon.
    """
    named, colon, unit = columns.get("qty", "").rpartition(":")
    if not named or not colon or columns["qty"] in header:
        return columns, False
    if unit != IN_COINS:
        raise UsageError(
            f"--columns qty={columns['qty']}: {unit!r} is not {IN_COINS}; a column of contracts is contracts={named}, "
            f"one of USD is notional={named}"
        )
    return {**columns, "qty": named}, True


def _needed_words(options: ImportOptions, named: Mapping[str, str]) -> list[str]:
    """List the words that each row must state because no option does."""
    words = ["ts", "position|side", "price", "qty&notional&contracts&contract_size", "contract_kind"]
    if "contracts" in named and not options.contract_sizes and not {"qty", "notional"} & set(named):
        words.append("contract_size")
    words += [] if options.exchange else ["exchange"]
    return words + ([] if options.symbol else ["symbol|instrument"])
