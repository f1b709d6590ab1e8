"""How the columns of a generic file become liquidations: by ``--columns``, by well-known names, by what is assumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from liqcli.column_names import Claim, fill_columns, guess_columns, parse_columns
from liqcli.errors import UsageError
from liqcli.records import Record
from liqcli.sources import generic
from liqcli.symbols import doubt_exchange
from liqcli.time_cells import parse_zone

if TYPE_CHECKING:
    from liqcli.import_formats import ImportOptions
    from liqcli.model import Position


_PLACES = ("exchange", "symbol", "instrument")


def build_table_map(header: Sequence[str], options: ImportOptions) -> tuple[generic.TableMap, list[str]]:
    """
    Make the column map of a generic file, from ``--columns`` or by well-known names, and words that say which it is.

    Raises
    ------
    UsageError
        Something needed is missing, or a name cannot be one.
    """
    words = tuple(generic.KNOWN_NAMES)
    named = parse_columns(options.columns, words) if options.columns is not None else None
    if named is None:
        columns = guess_columns(header, generic.KNOWN_NAMES)
    else:
        columns = fill_columns(named, header, generic.KNOWN_NAMES, _needed_words(options))
    columns, buy_means = _read_meaning(columns, header)
    notes = []
    if columns != named:
        notes.append("columns taken: " + ",".join(f"{word}={column}" for word, column in columns.items()))
    if options.exchange and (meant := doubt_exchange(options.exchange)):
        notes.append(meant)
    try:
        table = generic.TableMap(
            columns=columns,
            exchange=generic.canonical_name(options.exchange, "exchange") if options.exchange else None,
            symbol=options.symbol,
            zone=parse_zone(options.tz or "UTC"),
            quote=generic.check_quote(options.quote),
            source=generic.canonical_name(options.source, "source") if options.source else "import",
            buy_means=buy_means,
            guessed=frozenset(columns).difference(named or ()),
        )
        table = _hold_names(table, header)
    except ValueError as error:
        raise UsageError(str(error)) from None
    generic.check_columns(table, header)
    if "side" in columns:
        notes.append(
            f"{columns['side']} is read as the order's side: sell means that a long was liquidated, buy a short; "
            f"if buy means a long: --columns position={columns['side']}:buy-is-long"
        )
    return table, notes


def _hold_names(table: generic.TableMap, header: Sequence[str]) -> generic.TableMap:
    """
    Hold --exchange and --symbol against the columns that say the same; a constant in ``--columns`` overrules both.

    Raises
    ------
    ValueError
        --symbol is no symbol.
    """
    found = {**guess_columns(header, {word: generic.KNOWN_NAMES[word] for word in _PLACES}), **table.columns}
    exchange = None if found.get("exchange", "").startswith(":") else table.exchange
    symbol = None if found.get("symbol", "").startswith(":") else table.symbol
    claims = []
    if exchange and (column := found.get("exchange")):
        claims.append((column, Claim("exchange", exchange, column, partial(generic.is_same_exchange, exchange))))
    if symbol:
        name = generic.canonical_symbol(symbol, table.quote)
        if column := found.get("symbol") or found.get("instrument"):
            claims.append((column, Claim("symbol", name, column, partial(generic.is_same_symbol, name))))
    return dataclasses.replace(table, exchange=exchange, symbol=symbol, claims=claims)


def describe_assumptions(table: generic.TableMap) -> list[str]:
    """Say what the file does not state and what is assumed."""
    unsaid = [f"{word} ({default})" for word, default in generic.UNSAID if word not in table.columns]
    if not unsaid:
        return []
    return [
        f"the file does not say {' nor '.join(unsaid)}; what stands in brackets is assumed, "
        "--columns price_kind=:bankruptcy,completeness=:full says otherwise"
    ]


def use_order_price(
    table: generic.TableMap, header: Sequence[str], rows: Iterable[Record]
) -> tuple[generic.TableMap, str]:
    """
    Take the order's price where the column of averages is blank in every row; the words say so, or are empty.

    Parameters
    ----------
    rows : iterable of Record
        The rows of the file; read only as far as the first average.
    """
    average = table.columns["price"]
    others = guess_columns([name for name in header if name != average], {"price": generic.ORDER_PRICES})
    if average.strip().lower() not in (*generic.AVERAGES, "ap") or not others:
        return table, ""
    if any(row.cells is not None and not generic.is_blank(row.cells.get(average)) for row in rows):
        return table, ""
    columns = {"price_kind": ":order", **table.columns, "price": others["price"]}
    return dataclasses.replace(table, columns=columns), (
        f"{average} is blank in every row: the order's price is taken ({others['price']}, price_kind=order)"
    )


def _read_meaning(columns: dict[str, str], header: Sequence[str]) -> tuple[dict[str, str], Position | None]:
    """
    Part ``position=side:buy-is-long`` into the column and what "buy" means in it.

    Raises
    ------
    UsageError
        Another word stands behind the colon.
    """
    named, colon, meaning = columns.get("position", "").rpartition(":")
    if not named or not colon or columns["position"] in header:
        return columns, None
    if meaning not in generic.BUY_MEANS:
        raise UsageError(
            f"--columns position={columns['position']}: {meaning!r} is neither {' nor '.join(generic.BUY_MEANS)}"
        )
    return {**columns, "position": named}, generic.BUY_MEANS[meaning]


def _needed_words(options: ImportOptions) -> list[str]:
    """What a row of a generic file must say, as far as the options do not say it for all."""
    words = ["ts", "position|side", "price", "qty&notional&contracts&contract_size", "contract_kind"]
    words += [] if options.exchange else ["exchange"]
    return words + ([] if options.symbol else ["symbol|instrument"])
