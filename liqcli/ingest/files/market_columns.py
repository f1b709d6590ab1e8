"""Column names and units of tables of candles, open interest and positions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from liqcli.core.errors import UsageError
from liqcli.core.market_data import INTERVAL_US, INTERVALS
from liqcli.ingest.files.column_mapping import (
    EXCHANGE_NAMES,
    INSTRUMENT_NAMES,
    SYMBOL_NAMES,
    check_named,
    describe_header,
    guess_columns,
    parse_columns,
    plain_name,
)

_TIMES = (
    "open_time_utc", "open_time", "open_time_ms", "time_utc", "ts", "timestamp", "timestamp_ms", "ts_ms", "ts_us",
    "time", "datetime", "start_time", "start", "create_time", "date",
)  # fmt: skip
_PLACES = {
    "exchange": EXCHANGE_NAMES,
    "symbol": (*SYMBOL_NAMES, *INSTRUMENT_NAMES, "currency", "underlying"),
    "market": ("market_type", "instrument_type", "inst_type", "contract_type", "type", "category", "market"),
}
KNOWN_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "candles": {
        "ts": _TIMES,
        **_PLACES,
        "interval": ("interval", "timeframe", "time_frame", "resolution", "bar", "period", "granularity"),
        "open": ("open", "open_price"),
        "high": ("high", "high_price"),
        "low": ("low", "low_price"),
        "close": ("close", "close_price"),
        "volume": ("volume_base", "base_volume", "volume"),
        "taker_buy": ("taker_buy", "taker_buy_base", "taker_buy_volume", "taker_buy_base_asset_volume"),
    },
    "open-interest": {
        "ts": _TIMES,
        **_PLACES,
        "open_interest": (
            "open_interest_base", "open_interest_coins", "open_interest_coin", "open_interest_ccy",
            "oi_base", "oi_coins", "oi_coin", "oi_ccy", "sum_open_interest",
        ),
        "open_interest_usd": (
            "open_interest_usd", "open_interest_usdt", "oi_usd", "oi_usdt", "usd_open_interest", "usd_oi",
            "open_interest_value", "open_interest_notional", "oi_value", "oi_notional", "sum_open_interest_value",
        ),
        "contracts": ("open_interest_contracts", "oi_contracts"),
        "contract_size": ("contract_size", "contract_multiplier"),
    },
    "positions": {
        "ts": _TIMES,
        **{word: _PLACES[word] for word in ("exchange", "symbol")},
        "account": ("user", "account", "address", "wallet", "trader"),
        "position": ("position", "position_side"),
        "size": ("size", "szi", "qty", "quantity", "position_size"),
        "notional": ("notional", "notional_usd", "position_value"),
        "entry_price": ("entry_price", "entry_px", "avg_entry_price", "entry"),
        "liquidation_price": ("liquidation_price", "liquidation_px", "liq_price", "liq_px"),
        "leverage": ("leverage", "leverage_value"),
    },
}  # fmt: skip
_NEEDED = {
    "candles": ("ts", "open", "high", "low", "close"),
    "open-interest": ("ts",),
    "positions": ("ts", "size", "entry_price", "liquidation_price"),
}
_OPTIONAL = ("interval", "account", "position", "notional", "leverage")  # used beside columns that the user names
_AMOUNTS = ("open_interest", "open_interest_usd", "contracts")
# Column names of open interest that do not state the unit: coins, USD or contracts, depending on the exchange.
_UNCLEAR = ("open_interest", "oi", "total_open_interest", "hold_vol", "holding_amount", "open_contracts")
_LAKE_COLUMNS = {"ts", "open_interest", "open_interest_usd", "source"}  # liqcli's own files, in coins (docs/units.md)
# Binance states these in coins and USD for contracts in USDT, but in contracts and coins for inverse contracts.
LINEAR_ONLY = frozenset(
    map(plain_name, ("sum_open_interest", "sum_open_interest_value", "open_interest_value", "oi_value"))
)
MARKETS = ("futures", "spot")
_MARKET_WORDS = {
    **dict.fromkeys(("spot", "cash", "margin"), "spot"),
    **dict.fromkeys(
        (
            "futures", "future", "fut", "perp", "perps", "perpetual", "perpetuals", "swap", "swaps", "linear",
            "inverse", "um", "cm", "usdm", "coinm", "usdtm", "usdtfutures", "coinfutures", "usdcfutures", "delivery",
            "derivatives", "currentquarter", "nextquarter",
        ),
        "futures",
    ),
}  # fmt: skip
_NAMED_MARKETS = {"spot": {"spot"}, "futures": {"futures", "perp", "perpetual", "swap", "um", "cm", "usdm", "coinm"}}
_UNIT_S = {"s": 1, "sec": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
_FORCED = ("position", "position_side", "liquidated_side", "side")
_DOLLARS, _COINS = {"usd", "usdt", "usdc", "dollar", "dollars"}, {"coin", "coins", "base"}


@dataclass(frozen=True, slots=True)
class MarketColumns:
    """Map of liqcli's words to columns or constants ``:text``, with notes for the user."""

    columns: dict[str, str]
    guessed: frozenset[str]
    notes: list[str] = field(default_factory=list)


def detect_kind(header: Sequence[str], columns: str | None = None) -> str:
    """
    Detect the kind of rows from the columns of a table or the words of ``--columns``.

    Raises
    ------
    UsageError
        The columns fit several kinds.
    """
    names = set(map(plain_name, header))
    words = {part.partition("=")[0].strip() for part in (columns or "").split(",")}
    prices = _NEEDED["candles"][1:]
    interest = (*_UNCLEAR[:3], *(name for word in _AMOUNTS for name in KNOWN_NAMES["open-interest"][word]))
    found = []
    held = ("entry_price", "liquidation_price")
    is_position = all(word in words or names & set(map(plain_name, KNOWN_NAMES["positions"][word])) for word in held)
    if is_position and (words & set(held) or not {"price"} & (words | names)):
        return "positions"
    if is_position and "price" not in words:  # the price of an event: liquidations may state those of a position too
        found.append("positions")
    if all(word in words or names & set(map(plain_name, KNOWN_NAMES["candles"][word])) for word in prices):
        found.append("candles")
    if words & {"open_interest", "open_interest_usd"} or names & set(map(plain_name, interest)):
        found.append("open-interest")
    forced = bool(found[:1] == ["positions"] or words & {"position", "side"} or names & set(map(plain_name, _FORCED)))
    if found == ["open-interest"] and forced:
        return "liquidations"  # liquidations with the open interest at that time
    found += ["liquidations"] * (forced and bool(found))
    if len(found) > 1:
        kinds = " or ".join(f"--kind {kind}" for kind in found)
        raise UsageError(f"the columns fit {' and '.join(found)}: pass {kinds}; {describe_header(header)}")
    return found[0] if found else "liquidations"


def read_market(cell: object) -> str:
    """
    Parse the market of a row: ``spot`` or ``futures`` (any contract).

    Raises
    ------
    ValueError
        The cell is neither.
    """
    market = _MARKET_WORDS.get(plain_name(str(cell)))
    if market is None:
        raise ValueError(f"market is neither spot nor futures: {str(cell)[:60]!r}")
    return market


def market_of_name(file_name: str) -> str | None:
    """Return the market that a file name states; None if it states neither or both."""
    words = set(re.split(r"[\W_]+", file_name.lower()))
    found = [market for market, names in _NAMED_MARKETS.items() if words & names]
    return found[0] if len(found) == 1 else None


def read_interval(cell: object) -> str:
    """
    Parse the length of a candle: ``1m``, ``60min``, ``1H``, ``1 day``.

    Raises
    ------
    ValueError
        Candles of this length are not stored.
    """
    text = str(cell).strip()
    match = re.fullmatch(r"(\d{1,4})\s*([a-zA-Z]+)", text)
    unit = match[2] if match else ""
    seconds = _UNIT_S.get(unit.lower().removesuffix("s") or "s", 0) if unit != "M" else 0  # 1M is a month
    name = INTERVALS.get(int(match[1]) * seconds) if match else None
    if name is None:
        raise ValueError(f"interval is not one of {', '.join(INTERVAL_US)}: {text[:60]!r}")
    return name


def build_columns(
    kind: str, header: Sequence[str], sample: Sequence[Mapping[str, Any]], columns: str | None, given: Sequence[str]
) -> MarketColumns:
    """
    Map the columns of a file of candles, open interest or positions by ``--columns`` and well-known names.

    Parameters
    ----------
    sample : sequence of mapping
        First rows. Only their values show what a column named ``market``, ``type`` or ``period`` holds.
    given : sequence of str
        Words that an option sets for all rows (``exchange``, ``symbol``).

    Raises
    ------
    UsageError
        Names everything that is missing or unclear, and the options to pass.
    """
    known = KNOWN_NAMES[kind]
    named = parse_columns(columns, tuple(known)) if columns is not None else {}
    skipped = _AMOUNTS if kind == "open-interest" and set(named) & set(_AMOUNTS) else ()
    guessed = _guess(header, sample, {w: names for w, names in known.items() if w not in (*named, *skipped)})
    if kind == "open-interest" and not skipped and set(header) >= _LAKE_COLUMNS:
        guessed["open_interest"] = "open_interest"
    if columns is not None:  # the user may have left out other columns on purpose
        wanted = {*_NEEDED[kind], *_PLACES, *_AMOUNTS, *_OPTIONAL, "contract_size"}
        guessed = {word: column for word, column in guessed.items() if word in wanted}
    found = MarketColumns({**guessed, **named}, frozenset(guessed))
    check_named(found.columns, header)
    _check_units(named)
    _check_missing(kind, found, header, given)
    if kind == "open-interest":
        _note_unclear(found, header)
    return found


def _guess(
    header: Sequence[str], sample: Sequence[Mapping[str, Any]], known: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Guess columns by name, for ``market`` and ``interval`` only if their values fit."""
    readers: dict[str, Callable[[object], str]] = {"market": read_market, "interval": read_interval}
    settled: dict[str, str] = {}
    for word, read in readers.items():
        for name in known.get(word, ()):
            column = guess_columns(header, {word: (name,)}).get(word)
            if column and word not in settled and _all_fit(sample, column, read):
                settled[word] = column
    rest = [column for column in header if column not in settled.values()]
    return {**guess_columns(rest, {word: names for word, names in known.items() if word not in readers}), **settled}


def _all_fit(sample: Sequence[Mapping[str, Any]], column: str, read: Callable[[object], str]) -> bool:
    cells = [row.get(column) for row in sample if row.get(column) not in (None, "")]
    try:
        return bool([read(cell) for cell in cells])
    except ValueError:
        return False


def _check_missing(kind: str, found: MarketColumns, header: Sequence[str], given: Sequence[str]) -> None:
    missing = [word for word in _NEEDED[kind] if word not in found.columns]
    advice = [f"--columns {','.join(f'{word}=COLUMN' for word in missing)}"] if missing else []
    if kind == "open-interest" and not {"open_interest", "open_interest_usd"} & set(found.columns):
        if {"contracts", "contract_size"} <= set(found.columns):
            pass
        elif "contracts" in found.columns:
            advice.append(f"--columns contracts={found.columns['contracts']},contract_size=:SIZE")
            missing.append("contract_size")
        else:
            missing.append("open_interest")
            advice.append(_ask_unit(_unclear_column(header) or "COLUMN"))
    places = [word for word in ("exchange", "symbol") if word not in found.columns and word not in given]
    advice += [f"--{word} NAME" for word in places]
    if missing or places:
        what = f"no column recognised as {', '.join(missing + places)}"
        raise UsageError(f"{what}: pass {' and '.join(advice)}; {describe_header(header)}")


def _ask_unit(column: str) -> str:
    return (
        f"--columns open_interest={column} if it counts base coins, open_interest_usd={column} if USD, "
        f"contracts={column},contract_size=:SIZE if contracts"
    )


def _unclear_column(header: Sequence[str]) -> str | None:
    return guess_columns(header, {"unclear": _UNCLEAR}).get("unclear")


def _note_unclear(found: MarketColumns, header: Sequence[str]) -> None:
    column = _unclear_column(header)
    if column and column not in found.columns.values():
        found.notes.append(f"column {column} is not used because its unit is unknown: pass {_ask_unit(column)}")


def _check_units(named: dict[str, str]) -> None:
    """Reject a column whose name states another unit than the word it is mapped to."""
    for word, wrong, right in (
        ("open_interest", _DOLLARS, "open_interest_usd"),
        ("open_interest_usd", _COINS, "open_interest"),
    ):
        column = named.get(word, "")
        if wrong & _words_of(column):
            unit = "USD" if wrong is _DOLLARS else "coins"
            raise UsageError(f"--columns {word}={column}: according to its name it holds {unit}; pass {right}={column}")


def _words_of(column: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    return set(re.split(r"[\W_]+", spaced.lower()))
