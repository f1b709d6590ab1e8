"""How the columns of a generic file become liquidations: by ``--columns``, by well-known names, by what is assumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from liqcli.column_names import Claim, describe_taken, fill_columns, guess_columns, parse_columns, plain_name
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
    Make the column map of a generic file, from ``--columns`` or by well-known names, and what to know about it.

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


def describe_columns(
    table: generic.TableMap, options: ImportOptions, first: Mapping[str, object] | None, price_remark: str
) -> list[str]:
    """
    Say which columns were taken: nothing where the user named them all.

    Parameters
    ----------
    table : TableMap
        As the rows are read.
    first : mapping or None
        The first row of a file without column names; its values show what each number stands for.
    price_remark : str
        Why this column is the price, or empty.
    """
    columns = dict(table.columns)
    if table.buy_means:
        meaning = next(word for word, position in generic.BUY_MEANS.items() if position == table.buy_means)
        columns["position"] += f":{meaning}"
    named = parse_columns(options.columns, tuple(generic.KNOWN_NAMES)) if options.columns is not None else None
    if columns == named and first is None:
        return []
    if first and table.buy_means:
        first = {**first, columns["position"]: first.get(table.columns["position"], "")}
    return [describe_taken(columns, first, {"price": price_remark})]


def describe_assumptions(table: generic.TableMap) -> list[str]:
    """Say what the file does not state and what is assumed."""
    unsaid = {word: default for word, default in generic.UNSAID.items() if word not in table.columns}
    if not unsaid:
        return []
    assumed = " nor ".join(f"{word} ({default})" for word, default in unsaid.items())
    said = f"the file does not say {assumed}; what stands in brackets is assumed, "
    feed = generic.FEEDS.get(_exchange_of(table) or "")
    if feed and table.buy_means == "long" and (own := {word: feed.says[word] for word in unsaid if word in feed.says}):
        return [f"{said}but {feed.what}: if these rows are its own, add {_as_constants(own)} to --columns"]
    return [f"{said}--columns {_as_constants({word: generic.OTHERWISE[word] for word in unsaid})} says otherwise"]


def describe_inverse(table: generic.TableMap) -> str:
    """Say which contracts were assumed to be inverse, once the rows are read; empty where none were."""
    if not table.assumed_inverse:
        return ""
    shown = [
        f"{symbol}: inverse, {' or '.join(f'{size:g}' for size in sorted(sizes))} USD a contract"
        for symbol, sizes in sorted(table.assumed_inverse.items())
    ]
    more = [f"{len(shown) - 3} more"] if len(shown) > 3 else []
    return f"{', '.join([*shown[:3], *more])} (assumed; --columns contract_kind=:linear says otherwise)"


def doubt_meaning(table: generic.TableMap) -> list[str]:
    """Point out a meaning of buy that is the opposite of what the exchange's own feed means by it."""
    exchange = _exchange_of(table) or ""
    if table.buy_means != "short" or exchange not in generic.FEEDS:
        return []
    column = table.columns["position"]
    return [
        f"position={column}:buy-is-short means the opposite: {generic.SIDE_UNCLEAR[exchange]}; right for files of "
        f"Tardis and CryptoHFTData, for the exchange's own pass position={column}:buy-is-long"
    ]


def _exchange_of(table: generic.TableMap) -> str | None:
    constant = table.columns.get("exchange", "")
    return constant[1:].strip().lower() if constant.startswith(":") else table.exchange


def _as_constants(values: Mapping[str, str]) -> str:
    return ",".join(f"{word}=:{value}" for word, value in values.items())


def use_order_price(
    table: generic.TableMap, header: Sequence[str], rows: Iterable[Record]
) -> tuple[generic.TableMap, str, str]:
    """
    Take the order's price as such where averages stand beside it: they are blank, or the user names the order's price.

    Parameters
    ----------
    rows : iterable of Record
        The rows of the file; read only as far as the first average.

    Returns
    -------
    tuple
        The map, a sentence for the summary, and a remark on the price's column; both may be empty.
    """
    price = table.columns["price"]
    averages = [name for name in header if name.strip().lower() in (*generic.AVERAGES, "ap")]
    if price in averages:
        average = price
        others = guess_columns([name for name in header if name not in averages], {"price": generic.ORDER_PRICES})
        if not others or not _is_blank(average, rows):
            return table, "", ""
        price, blank = others["price"], True
    elif averages and plain_name(price) in map(plain_name, generic.ORDER_PRICES):
        average = averages[0]
        blank = _is_blank(average, rows)
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
        return table, f"{why}: the order's price is taken ({price}, price_kind={kind})", why
    why = f"the order's; {average} has what was paid"
    return table, f"{price} is the order's price beside {average} (price_kind={kind})", why


def _is_blank(column: str, rows: Iterable[Record]) -> bool:
    return all(row.cells is None or generic.is_blank(row.cells.get(column)) for row in rows)


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
