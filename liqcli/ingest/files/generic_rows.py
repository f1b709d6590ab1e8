"""Anybody's table of liquidations: CSV, JSON lines or Parquet with a map from our words to the file's column names.

exchange: whatever the file or --exchange says (lower-case letters, digits, dashes)
docs: docs/cli.md, `liqcli import --columns`
gives: what the file holds
limits: none for files on disk
side: `position` is the liquidated side (long, short), or buy and sell with what the user says they mean
    (`position=side:buy-is-long`); `side`, the order's (sell = long), only where the user maps it, and not for exchanges
    whose feeds mean something else or that state no such side (SIDE_UNCLEAR)
price: the mapped column; price_kind from its column, else fill
qty: base coins; else contracts x contract_size (coins when linear, USD when inverse), else notional / price
time: ISO 8601 or s, ms, µs, ns by magnitude; without an offset it is read in --tz (default UTC), ambiguous ones refused
completeness: from a mapped column, else sampled: nobody said that nothing is missing
changed: never; the map is the format
fixture: tests/ingest/files/test_generic_rows.py (rows written by hand)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple, cast

from liqcli.core.errors import UsageError
from liqcli.core.instruments import Contract
from liqcli.core.model import PRICE_KINDS, Completeness, Liquidation, Position, PriceKind, shorten
from liqcli.core.symbols import add_quote, normalise_symbol, split_symbol
from liqcli.core.times import parse_time_cell
from liqcli.ingest.files import amounts
from liqcli.ingest.files.column_mapping import (
    EXCHANGE_NAMES,
    INSTRUMENT_NAMES,
    SYMBOL_NAMES,
    Claim,
    check_once,
    describe_header,
)
from liqcli.ingest.files.csv_layout import looks_like_row

# A column of averages is what was paid; beside it, "price" is the order's limit.
AVERAGES = ("fill_price", "average_price", "avg_price", "averageprice", "avgprice")
ORDER_PRICES = ("price", "order_price", "limit_price", "p")
# Our words, and the column names that are taken for them when no map is given; the first that is there wins.
KNOWN_NAMES: dict[str, tuple[str, ...]] = {
    "ts": ("time_utc", "ts", "timestamp", "ts_us", "ts_ms", "event_ms", "time", "datetime", "event_time", "date"),
    "exchange": EXCHANGE_NAMES,
    "symbol": SYMBOL_NAMES,
    "instrument": INSTRUMENT_NAMES,
    "position": ("position", "position_side", "liquidated_side"),
    "side": (),  # an order's side or the position's? Only the user can say
    "price": (*AVERAGES, "price"),
    "price_kind": ("price_kind",),
    "qty": ("qty", "amount_base", "base_qty", "quantity", "size", "amount"),
    "notional": ("notional", "notional_usd"),
    "contracts": ("contracts",),
    "contract_size": ("contract_size",),
    "contract_kind": ("contract_kind",),
    "completeness": ("completeness",),
    "event_id": ("event_id", "trade_id"),
}
_POSITIONS: dict[str, Position] = {"long": "long", "short": "short"}
_MEANINGS: dict[Position | None, dict[str, Position]] = {
    None: _POSITIONS,
    "long": {"buy": "long", "sell": "short"},
    "short": {"sell": "long", "buy": "short"},
}
# What a column of buy and sell may mean: the word behind the column's name in --columns, and the position of "buy".
BUY_MEANS: dict[str, Position] = {"buy-is-long": "long", "buy-is-short": "short"}
# Exchanges for which `side=` is not taken at its word. Bybit's and Bitget's own feeds state the position's side (buy: a
# long was liquidated; bybit-exchange/docs all-liquidation, Bitget v3 liquidations), ccxt writes the same for Gate, and
# the others state no order side of the liquidated one, so whoever wrote such a column decided what it means.
SIDE_UNCLEAR: dict[str, str] = {
    "bybit": "Bybit's own feed writes the position's side: Buy means that a long was liquidated",
    "bitget": "Bitget's own feed writes the position's side: buy means that a long was liquidated",
    "gate": "Gate states a signed size, no side, and ccxt makes a long liquidation a buy",
    "bitfinex": "Bitfinex states a signed amount, no order side",
    "deribit": "Deribit states the taker's side, and maker or taker may be the liquidated one",
    "hyperliquid": "Hyperliquid states the side of either party's fill",
    "lighter": "Lighter states the maker's side",
    "coinex": "CoinEx states the position's side",
}
_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}$")

_CHOICES: dict[str, tuple[str, ...]] = {
    "position": tuple(_POSITIONS),
    "side": ("sell", "buy"),
    "price_kind": PRICE_KINDS,
    "completeness": ("full", "sampled"),
    "contract_kind": amounts.KINDS,
}

# What a table seldom says, and what is assumed then: the user is told, and what to type if it is something else.
UNSAID = {"price_kind": "fill", "completeness": "sampled"}
OTHERWISE = {"price_kind": "bankruptcy", "completeness": "full"}


class Feed(NamedTuple):
    """What an exchange's own feed is known to say: in words, and as values of our columns."""

    what: str
    says: Mapping[str, str]


# Feeds that write the position's side as buy and sell (liqcli/sources/bybit/stream.py,
# liqcli/sources/bitget/liquidations.py).
FEEDS: dict[str, Feed] = {
    "bybit": Feed(
        "Bybit's own feed (allLiquidation) states bankruptcy prices and every liquidation",
        {"price_kind": "bankruptcy", "completeness": "full"},
    ),
    "bitget": Feed("Bitget's own feed states bankruptcy prices", {"price_kind": "bankruptcy"}),
}


@dataclass(frozen=True, slots=True)
class TableMap:
    """
    How a file's columns become a liquidation.

    ``columns`` maps our word to the file's column, or to a constant written ``:text``; ``zone`` is for times without
    an offset; ``quote`` is appended to symbols in which no quote is recognised; ``buy_means`` is the position that
    "buy" stands for in a position's column of buy and sell; ``guessed`` words got their column without the user's word;
    ``claims`` hold columns that say what an option says too against that option; ``assumed_inverse`` fills up, as rows
    are read, with the contract sizes [USD] by symbol of contracts that are only assumed to be inverse.
    """

    columns: Mapping[str, str]
    exchange: str | None = None
    symbol: str | None = None
    zone: tzinfo = UTC
    quote: str | None = None
    source: str = "import"
    buy_means: Position | None = None
    guessed: frozenset[str] = frozenset()
    claims: Sequence[tuple[str, Claim]] = ()
    assumed_inverse: dict[str, set[float]] = field(default_factory=dict)


def check_columns(table: TableMap, header: Sequence[str]) -> None:
    """
    See that the map fits the file and that nothing needed is missing.

    Raises
    ------
    UsageError
        Says which column is absent and which the file has.
    """
    has = describe_header(header)
    check_once(table.columns, header)
    for word, column in table.columns.items():
        if column.startswith(":"):
            _check_constant(word, column[1:])
        elif column not in header:
            raise UsageError(f"--columns {word}={column}: no such column; {has}")
    if "side" in table.columns and table.exchange in SIDE_UNCLEAR:
        raise UsageError(ask_side(table.exchange, table.columns["side"]))
    if missing := list(_iter_missing(table)):
        said = [has, *missing] if looks_like_row(header) else [*missing, has]
        raise UsageError("; ".join(said))


def _iter_missing(table: TableMap) -> Iterator[str]:
    """Say what no column states and how to name it, all of it at once."""
    given = set(table.columns)
    if table.exchange is None and "exchange" not in given:
        yield "no column says the exchange: pass --exchange NAME or --columns exchange=…"
    if table.symbol is None and not given & {"symbol", "instrument"}:
        yield "no column says the symbol: pass --symbol NAME or --columns symbol=…"
    if not given & {"position", "side"}:
        yield (
            "no column says which position was liquidated: pass --columns position=COLUMN (long, short); for a column "
            "of buy and sell position=COLUMN:buy-is-long (as Bybit and Bitget write it) or "
            "position=COLUMN:buy-is-short (as Tardis and CryptoHFTData write it), whichever it means, "
            "or side=COLUMN if it is the order's side "
            f"(sell closes a long){_describe_own_feed(table.exchange)}"
        )
    if not given & {"qty", "notional"} and not {"contracts", "contract_size"} <= given:
        yield "no column says the quantity: pass --columns qty=COLUMN (or notional=COLUMN)"
    if unknown := [word for word in ("ts", "price") if word not in given]:
        named = ",".join(f"{word}=COLUMN" for word in unknown)
        yield f"no column is known as {', '.join(unknown)}: pass --columns {named}"


def _describe_own_feed(exchange: str | None) -> str:
    """Say what an exchange's own feed means by a side, and all that has to be typed for it."""
    if exchange not in SIDE_UNCLEAR:
        return ""
    if exchange not in FEEDS:
        return f"; {SIDE_UNCLEAR[exchange]}"
    constants = "".join(f",{word}=:{value}" for word, value in FEEDS[exchange].says.items())
    return f"; {SIDE_UNCLEAR[exchange]}: position=COLUMN:buy-is-long{constants}"


def ask_side(exchange: str, column: str) -> str:
    """Ask what buy and sell mean where the exchange's own feed makes a plain ``side=`` doubtful."""
    return (
        f"side={column}: {SIDE_UNCLEAR[exchange]}; say what it means here: --columns position={column}:buy-is-long "
        f"(as Bybit and Bitget write it), or position={column}:buy-is-short (the order's side, as Tardis and "
        "CryptoHFTData write it)"
    )


def _check_constant(word: str, text: str) -> None:
    """A constant that is no value of its word would have every row refused."""
    choices = _CHOICES.get(word)
    if choices and text.strip().lower() not in choices:
        raise UsageError(f"--columns {word}=:{text}: {word} is one of {', '.join(choices)}")


def parse_record(record: Mapping[str, Any], table: TableMap) -> Liquidation:
    """
    Turn one row (column -> text or value) into a liquidation.

    Raises
    ------
    ValueError
        The row cannot be read; the message says why.
    MixedSeriesError
        It is of another exchange or symbol than an option says.
    """
    for column, claim in table.claims:
        claim.check(record.get(column))
    cells = {
        word: column[1:] if column.startswith(":") else _filled(record.get(column))
        for word, column in table.columns.items()
    }
    name = table.symbol or cells.get("symbol") or cells.get("instrument")
    if not isinstance(name, str):
        raise ValueError("symbol is empty" if name is None else f"symbol is not text: {shorten(name)}")
    exchange = canonical_name(str(table.exchange or cells.get("exchange") or ""), "exchange")
    contract = _find_contract(exchange, name, cells.get("instrument"), table)
    price = amounts.read_positive(cells, "price")
    guessed = table.columns["qty"] if "qty" in table.guessed else None
    measured = amounts.measure(cells, price, contract, exchange, guessed)
    if measured.is_assumed and measured.contract_size:
        table.assumed_inverse.setdefault(contract.symbol, set()).add(measured.contract_size)
    event_id = cells.get("event_id")
    return Liquidation(
        ts_us=parse_time_cell(cells.get("ts"), table.zone),
        exchange=exchange,
        symbol=contract.symbol,
        instrument=_check_letters(str(cells.get("instrument") or name)),
        position=_read_position(cells, table, exchange),
        price=price,
        price_kind=cast(PriceKind, _one_of(cells, "price_kind", PRICE_KINDS, "fill")),
        qty=measured.qty,
        notional=measured.notional,
        contracts=measured.contracts,
        contract_size=measured.contract_size,
        completeness=cast(Completeness, _one_of(cells, "completeness", _CHOICES["completeness"], "sampled")),
        event_id=None if event_id is None else _read_id(event_id),
        source=table.source,
    )


def _find_contract(exchange: str, name: str, instrument: object, table: TableMap) -> Contract:
    """Read symbol and instrument of a row, their letters checked."""
    told = None if instrument is None else _check_letters(str(instrument))
    try:
        return amounts.find_contract(exchange, _check_letters(name), told, table.quote, table.symbol is not None)
    except UsageError as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=20_000)
def canonical_symbol(text: str, quote: str | None) -> str:
    """
    Write a symbol our way; one without a recognised quote is kept, or gets ``quote`` appended.

    Raises
    ------
    ValueError
        Characters that no contract name has, or a spot market.
    """
    try:
        symbol = normalise_symbol(_check_letters(text))
    except UsageError as error:
        raise ValueError(str(error)) from None
    return add_quote(symbol, quote) if quote and not split_symbol(symbol)[1] else symbol


def is_same_symbol(symbol: str, text: str) -> bool:
    """Whether a cell names a symbol: the same contract in any spelling, or its bare coin."""
    try:
        name = canonical_symbol(text, None)
    except ValueError:
        return False
    return name == symbol or (not split_symbol(name)[1] and name == split_symbol(symbol)[0])


def is_same_exchange(exchange: str, text: str) -> bool:
    """Whether a cell names an exchange."""
    return text.lower() == exchange


@lru_cache(maxsize=1000)
def canonical_name(text: str, what: str) -> str:
    """
    Write an exchange or source name our way: lower-case letters, digits and dashes.

    Raises
    ------
    ValueError
        Anything else.
    """
    name = text.strip().lower()
    if not _NAME.match(name):
        raise ValueError(f"{what} is not a name of letters, digits and dashes: {shorten(text)}")
    return name


def check_quote(text: str | None) -> str | None:
    """
    Write ``--quote`` our way.

    Raises
    ------
    UsageError
        Not a currency's letters.
    """
    if text is None:
        return None
    if not re.fullmatch(r"[A-Za-z]{2,8}", text):
        raise UsageError(f"--quote: {text!r} is not a currency such as USD or USDT")
    return text.upper()


@lru_cache(maxsize=20_000)
def _check_letters(text: str) -> str:
    """Let letters, digits and the dashes of contract names pass: safe in a path, in SQL, in HTML."""
    name = text.strip()
    if len(name) > 60 or not re.sub(r"[-_/:]", "", name).isalnum():
        raise ValueError(f"not a contract name: {shorten(text)}")
    return name


def _filled(cell: object) -> object:
    if isinstance(cell, bytes):  # Parquet and SQLite columns without a text type
        cell = cell.decode(errors="replace")
    return None if cell is None or (isinstance(cell, str) and not cell.strip()) else cell


def _read_id(cell: object) -> str:
    """Let what can be stored pass: half a surrogate pair has no bytes."""
    text = str(cell)
    if len(text) > 200 or len(text.encode(errors="ignore")) < len(text):
        raise ValueError(f"event_id is no text of at most 200 letters: {shorten(text)}")
    return text


def is_blank(cell: object) -> bool:
    """Whether a cell of a price says that there is none: empty, None, NaN or 0."""
    text = str(_filled(cell)).strip().lower()
    return text in ("none", "null", "nan", "nat", "n/a", "-") or text.strip("0") in ("", ".")


def _read_position(cells: Mapping[str, object], table: TableMap, exchange: str) -> Position:
    found = []
    if "position" in cells:
        found.append(_read_word(cells, "position", _MEANINGS[table.buy_means]))
    if "side" in cells:
        if exchange in SIDE_UNCLEAR:
            raise ValueError(ask_side(exchange, table.columns["side"]))
        found.append(_read_word(cells, "side", _MEANINGS["short"]))
    if len(set(found)) != 1:
        raise ValueError("position and side contradict each other")
    return found[0]


def _read_word(cells: Mapping[str, object], word: str, meaning: Mapping[str, Position]) -> Position:
    text = str(cells[word]).strip().lower()
    if position := meaning.get(text):
        return position
    hint = ""
    if meaning is _POSITIONS and text in ("buy", "sell"):
        hint = "; say what buy means: --columns position=COLUMN:buy-is-long, or position=COLUMN:buy-is-short"
    raise ValueError(f"{word} is neither {' nor '.join(meaning)}: {shorten(cells[word])}{hint}")


def _one_of(cells: Mapping[str, object], word: str, allowed: Sequence[str], default: str) -> str:
    cell = cells.get(word)
    if cell is None:
        return default
    text = str(cell).strip().lower()
    if text not in allowed:
        raise ValueError(f"{word} is none of {', '.join(allowed)}: {shorten(cell)}")
    return text
