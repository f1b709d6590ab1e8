"""Rows of a table of liquidations in any layout, given a map from liqcli's words to the file's column names.

exchange: as stated in the file or by --exchange (lower-case letters, digits, dashes)
docs: docs/cli.md, `liqcli import --columns`
gives: the rows of the file
limits: none for files on disk
side: `position` is the liquidated side (long, short), or buy and sell with a meaning stated by the user
    (`position=side:buy-is-long`); `side`, the order side (sell = long), only if the user maps it, and not for exchanges
    whose feeds use another meaning or have no such side (SIDE_UNCLEAR)
price: the mapped column; price_kind from its own column, otherwise fill
qty: base coins, or contracts x contract_size (coins if linear, USD if inverse), or notional / price; where the exchange
    itself counts contracts or USD, a column is base coins only if its name or the user states it (`qty=sz:coins`)
time: ISO 8601, or s, ms, µs, ns by magnitude; without an offset read in --tz (default UTC), rejected if ambiguous
completeness: from a mapped column, otherwise sampled, because nothing states that the table is complete
changed: never; the column map is the format
fixture: tests/ingest/files/test_generic_rows.py (rows written by hand)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, cast

from liqcli.core.errors import UsageError
from liqcli.core.instruments import Contract
from liqcli.core.model import PRICE_KINDS, Completeness, Liquidation, Position, PriceKind, shorten
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
from liqcli.ingest.files.names import canonical_name, check_letters
from liqcli.ingest.files.quantities import (
    ContractSizes,
    QuantityColumn,
    ask_size,
    describe_missing_quantity,
    knows_faces,
)
from liqcli.ingest.files.sides import POSITIONS, SIDE_UNCLEAR, ask_side, describe_own_feed, read_position

# A column of average prices holds fill prices; "price" beside it is the order's limit price.
AVERAGES = ("fill_price", "average_price", "avg_price", "averageprice", "avgprice")
ORDER_PRICES = ("price", "order_price", "limit_price", "p")
# liqcli's words and their well-known column names; the first name present is used.
KNOWN_NAMES: dict[str, tuple[str, ...]] = {
    "ts": ("time_utc", "ts", "timestamp", "ts_us", "ts_ms", "event_ms", "time", "datetime", "event_time", "date"),
    "exchange": EXCHANGE_NAMES,
    "symbol": SYMBOL_NAMES,
    "instrument": INSTRUMENT_NAMES,
    "position": ("position", "position_side", "liquidated_side"),
    "side": (),  # order side or position side: only the user knows
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
_CHOICES: dict[str, tuple[str, ...]] = {
    "position": tuple(POSITIONS),
    "side": ("sell", "buy"),
    "price_kind": PRICE_KINDS,
    "completeness": ("full", "sampled"),
    "contract_kind": amounts.KINDS,
}
# Assumed values of columns that most tables lack. A note states them, and how to pass another value.
ASSUMED = {"price_kind": "fill", "completeness": "sampled"}
ALTERNATIVES = {"price_kind": "bankruptcy", "completeness": "full"}


@dataclass(frozen=True, slots=True)
class TableMap:
    """
    Map from the columns of a file to the fields of a liquidation.

    Attributes
    ----------
    columns : mapping
        liqcli's word -> column of the file, or a constant written ``:text``.
    exchange, symbol : str or None
        Value of the option for all rows.
    zone : tzinfo
        Time zone of times without an offset.
    quote : str or None
        Appended to symbols without a recognised quote.
    buy_means : {"long", "short"} or None
        Position that "buy" stands for in a ``position`` column of buy and sell.
    guessed : frozenset of str
        Words whose column the user did not name.
    in_coins : bool
        Whether the user states that the ``qty`` column holds coins (``qty=size:coins``).
    sizes : ContractSizes
        Contract sizes that no column states.
    claims : sequence of (column, Claim)
        Columns to compare with an option of the same meaning.
    assumed_inverse : dict
        Symbol -> contract sizes [USD] of contracts assumed to be inverse. Filled as rows are read.
    """

    columns: Mapping[str, str]
    exchange: str | None = None
    symbol: str | None = None
    zone: tzinfo = UTC
    quote: str | None = None
    source: str = "import"
    buy_means: Position | None = None
    guessed: frozenset[str] = frozenset()
    in_coins: bool = False
    sizes: ContractSizes = field(default_factory=ContractSizes)
    claims: Sequence[tuple[str, Claim]] = ()
    assumed_inverse: dict[str, set[float]] = field(default_factory=dict)


def check_columns(table: TableMap, header: Sequence[str]) -> None:
    """
    Check that the map fits the file and that nothing needed is missing.

    Raises
    ------
    UsageError
        Names the missing columns and those that the file has.
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
    if missing := list(_iter_missing(table, header)):
        said = [has, *missing] if looks_like_row(header) else [*missing, has]
        raise UsageError("; ".join(said))


def _iter_missing(table: TableMap, header: Sequence[str]) -> Iterator[str]:
    """List everything that no column states, each with the option that states it."""
    given = set(table.columns)
    exchange = exchange_of(table)
    if table.exchange is None and "exchange" not in given:
        yield "exchange not specified: pass --exchange NAME or --columns exchange=…"
    if table.symbol is None and not given & {"symbol", "instrument"}:
        yield "symbol not specified: pass --symbol NAME or --columns symbol=…"
    if not given & {"position", "side"}:
        yield (
            "liquidated position not specified: pass --columns position=COLUMN if the column holds long and short; "
            "if it holds buy and sell, position=COLUMN:buy-is-long (as in Bybit's and Bitget's feeds), "
            "position=COLUMN:buy-is-short (as in files of Tardis and CryptoHFTData), "
            "or side=COLUMN for an order side "
            f"(sell closes a long){describe_own_feed(table.exchange)}"
        )
    if not given & {"qty", "notional", "contracts"}:
        yield describe_missing_quantity(exchange, header)
    elif not given & {"qty", "notional", "contract_size"} and not table.sizes.given and not knows_faces(exchange):
        yield ask_size(table.symbol or "INSTRUMENT")
    if unknown := [word for word in ("ts", "price") if word not in given]:
        named = ",".join(f"{word}=COLUMN" for word in unknown)
        yield f"no column recognised as {', '.join(unknown)}: pass --columns {named}"


def _check_constant(word: str, text: str) -> None:
    """Reject an invalid constant at once; otherwise every row would be rejected for it."""
    choices = _CHOICES.get(word)
    if choices and text.strip().lower() not in choices:
        raise UsageError(f"--columns {word}=:{text}: invalid value (choose {', '.join(choices)})")


def exchange_of(table: TableMap) -> str | None:
    """Return the exchange of all rows, stated by the option or a constant; None if a column states it."""
    constant = table.columns.get("exchange", "")
    return constant[1:].strip().lower() if constant.startswith(":") else table.exchange


def select_cells(record: Mapping[str, Any], table: TableMap) -> dict[str, object]:
    """Return the cells and constants of a row by liqcli's words; empty cells are None."""
    return {
        word: column[1:] if column.startswith(":") else fill_cell(record.get(column))
        for word, column in table.columns.items()
    }


def parse_record(record: Mapping[str, Any], table: TableMap) -> Liquidation:
    """
    Parse one row (column -> text or value) as a liquidation.

    Raises
    ------
    ValueError
        The row is invalid; the message is the reason.
    MixedSeriesError
        The row's exchange or symbol differs from the option.
    """
    for column, claim in table.claims:
        claim.check(record.get(column))
    cells = select_cells(record, table)
    name = table.symbol or cells.get("symbol") or cells.get("instrument")
    if not isinstance(name, str):
        raise ValueError("symbol is empty" if name is None else f"symbol is not text: {shorten(name)}")
    exchange = canonical_name(str(table.exchange or cells.get("exchange") or ""), "exchange")
    contract = find_row_contract(exchange, name, cells.get("instrument"), table)
    price = amounts.read_positive(cells, "price")
    shown = str(cells.get("instrument") or name)
    _add_size(cells, table, (shown, name), contract, exchange)
    quantity = None if table.in_coins else table.columns.get("qty")
    doubted = QuantityColumn(quantity, "qty" in table.guessed) if quantity else None
    measured = amounts.measure(cells, price, contract, exchange, shown, doubted)
    if measured.is_assumed and measured.contract_size:
        table.assumed_inverse.setdefault(contract.symbol, set()).add(measured.contract_size)
    event_id = cells.get("event_id")
    return Liquidation(
        ts_us=parse_time_cell(cells.get("ts"), table.zone),
        exchange=exchange,
        symbol=contract.symbol,
        instrument=check_letters(shown),
        position=read_position(cells, table.columns, table.buy_means, exchange),
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


def _add_size(
    cells: dict[str, object], table: TableMap, names: Sequence[str], contract: Contract, exchange: str
) -> None:
    """
    Add the size of a row's contracts, where no column states it: of ``--contract-size``, or the known face value.

    Raises
    ------
    ValueError
        The size is unknown, and only contracts are stated.
    MixedSeriesError
        A stated size would apply to several contracts.
    """
    if cells.get("contracts") is None:
        return
    if table.columns.get("contract_size", "").startswith(":"):
        table.sizes.check_constant(amounts.read_positive(cells, "contract_size"), names[0], contract, exchange)
    elif cells.get("contract_size") is None:
        size = table.sizes.find(names, contract, exchange)
        if size is None and cells.get("qty") is None and cells.get("notional") is None:
            size = contract.face if contract.face != 1 else None  # a face of 1 means USD, not the size of a contract
            if size is None:
                raise ValueError(ask_size(names[0]))
        if size is not None:
            cells["contract_size"] = size


def find_row_contract(exchange: str, name: str, instrument: object, table: TableMap) -> Contract:
    """Read symbol and instrument of a row; check their characters."""
    stated = None if instrument is None else check_letters(str(instrument))
    try:
        return amounts.find_contract(exchange, check_letters(name), stated, table.quote, table.symbol is not None)
    except UsageError as error:
        raise ValueError(str(error)) from None


def fill_cell(cell: object) -> object:
    """Return the cell as text where it is bytes, and None where it is empty."""
    if isinstance(cell, bytes):  # Parquet and SQLite columns without a text type
        cell = cell.decode(errors="replace")
    return None if cell is None or (isinstance(cell, str) and not cell.strip()) else cell


def _read_id(cell: object) -> str:
    """Check that an id can be stored; half a surrogate pair cannot be encoded."""
    text = str(cell)
    if len(text) > 200 or len(text.encode(errors="ignore")) < len(text):
        raise ValueError(f"event_id is not a text of at most 200 characters: {shorten(text)}")
    return text


def _one_of(cells: Mapping[str, object], word: str, allowed: Sequence[str], default: str) -> str:
    cell = cells.get(word)
    if cell is None:
        return default
    text = str(cell).strip().lower()
    if text not in allowed:
        raise ValueError(f"{word} is not one of {', '.join(allowed)}: {shorten(cell)}")
    return text
