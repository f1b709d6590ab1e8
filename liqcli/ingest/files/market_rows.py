"""Parse table cells as candles, open interest and positions: series, time, numbers and units."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from typing import Any, NamedTuple

from liqcli.core.errors import MixedSeriesError, UsageError
from liqcli.core.market_data import Candle, OpenInterest, find_candle_fault, find_open_interest_fault
from liqcli.core.model import parse_number
from liqcli.core.symbols import doubt_exchange, nearest, split_symbol
from liqcli.core.times import parse_time_cell, parse_zone
from liqcli.ingest.files.column_mapping import Claim, plain_name
from liqcli.ingest.files.market_columns import LINEAR_ONLY, MARKETS, read_interval, read_market
from liqcli.ingest.files.names import canonical_name, canonical_symbol, check_quote, is_same_exchange, is_same_symbol
from liqcli.ingest.files.options import ImportOptions

SPOT_ENDING = "-spot"
_SPOT = re.compile(r"[-_:]SPOT$", re.IGNORECASE)
LINEAR_QUOTES = (
    "USDT",
    "USDC",
    "FDUSD",
    "BUSD",
    "TUSD",
    "USDE",
)  # quotes whose contracts and sums are certain to count coins


class Key(NamedTuple):
    """One series: exchange (``binance-spot`` for spot candles), symbol and, if stated, the length of its candles."""

    exchange: str
    symbol: str
    interval: str = ""


@dataclass(slots=True)
class MarketReader:
    """
    Parses the cells of a row as a candle or a snapshot of open interest, and determines its series.

    ``market`` applies to all rows: ``spot``, ``futures`` or None if unknown; ``guessed`` holds the words whose
    column the user did not name.
    """

    kind: str
    columns: Mapping[str, str]
    guessed: Collection[str]
    exchange: str | None
    symbol: str | None
    market: str | None
    zone: tzinfo
    quote: str | None
    claims: Mapping[str, Claim]
    _names: dict[Key, tuple[str, str]] = field(default_factory=dict)
    _unstated: set[str] = field(default_factory=set)

    def check_names(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """
        Compare the first rows with the options, so that all contradictions are reported at once.

        Raises
        ------
        MixedSeriesError
            Rows contradict options.
        """
        found = []
        for word, claim in self.claims.items():
            try:
                for cells in rows:
                    claim.check(self.read_cell(cells, word))
            except MixedSeriesError as error:
                found.append(str(error))
        if found:
            raise MixedSeriesError("; ".join(found))

    def parse(self, cells: Mapping[str, Any], now_us: int) -> tuple[Key, Candle | OpenInterest]:
        """
        Parse one row.

        Raises
        ------
        ValueError
            The row is invalid or incomplete.
        MixedSeriesError
            It contradicts an option, or two names in the file map to one symbol.
        """
        key, ts_us = self.parse_place(cells)
        row: Candle | OpenInterest
        if self.kind == "candles":
            prices = (parse_number(self.read_cell(cells, word)) for word in ("open", "high", "low", "close"))
            row = Candle(ts_us, *prices, *(self.read_number(cells, word) for word in ("volume", "taker_buy")))
            fault = find_candle_fault(row, now_us)
        else:
            row = OpenInterest(ts_us, *self._read_amounts(cells, key.symbol))
            fault = find_open_interest_fault(row, now_us)
        if fault:
            raise ValueError(fault)
        return key, row

    def parse_place(self, cells: Mapping[str, Any]) -> tuple[Key, int]:
        """Parse the series and the time of a row [µs UTC]; raises like :meth:`parse`."""
        for word, claim in self.claims.items():
            claim.check(self.read_cell(cells, word))
        return self._read_key(cells), parse_time_cell(self.read_cell(cells, "ts"), self.zone)

    def notes(self) -> list[str]:
        """List the assumptions made."""
        if not self._unstated:
            return []
        return [
            f"market of the candles of {', '.join(sorted(self._unstated))} not specified, assumed: futures "
            "(pass --market spot or --market futures)"
        ]

    def _read_key(self, cells: Mapping[str, Any]) -> Key:
        exchange = self.exchange or canonical_name(str(self.read_cell(cells, "exchange") or ""), "exchange")
        text = self.symbol or str(self.read_cell(cells, "symbol") or "").strip()
        if not text:
            raise ValueError("symbol is empty")
        name, spot_name = _read_symbol(text, self.quote)
        cell = self.read_cell(cells, "market")
        market = self.market or (read_market(cell) if cell is not None else "spot" if spot_name else None)
        if market is None and exchange.endswith(SPOT_ENDING):
            market = "spot"
        if self.kind != "candles" and (market == "spot" or exchange.endswith(SPOT_ENDING)):
            raise ValueError("spot markets have no open interest and no positions")
        if market is None and self.kind == "candles":
            self._unstated.add(exchange)
        if market == "spot" and not exchange.endswith(SPOT_ENDING):
            exchange += SPOT_ENDING
        interval = self.read_cell(cells, "interval") if self.kind == "candles" else None
        key = Key(exchange, name, read_interval(interval) if interval is not None else "")
        self._check_name(key, text)
        return key

    def _check_name(self, key: Key, text: str) -> None:
        """Reject two differently named contracts that would be stored under one symbol."""
        if self.symbol:
            return
        plain = plain_name(text)
        known, shown = self._names.setdefault(key, (plain, text))
        if plain != known:
            raise MixedSeriesError(
                f"the file contains {shown[:60]} and {text[:60]}, which would both be stored as {key.exchange} "
                f"{key.symbol}: import them separately with --source NAME or --symbol NAME"
            )

    def _read_amounts(self, cells: Mapping[str, Any], symbol: str) -> tuple[float | None, float | None]:
        linear = split_symbol(symbol)[1] in LINEAR_QUOTES
        for word in ("open_interest", "open_interest_usd"):
            if not linear and word in self.guessed and plain_name(self.columns[word]) in LINEAR_ONLY:
                raise ValueError(
                    f"{self.columns[word]} of {symbol} may count contracts or coins: pass "
                    f"--columns open_interest=COLUMN (coins) or open_interest_usd=COLUMN"
                )
        coins, usd = (self.read_number(cells, word) for word in ("open_interest", "open_interest_usd"))
        contracts, size = (self.read_number(cells, word) for word in ("contracts", "contract_size"))
        if coins is None and contracts is not None and size is not None:
            if not linear:
                raise ValueError(
                    f"contracts of {symbol} may be worth coins or USD: pass --columns open_interest=COLUMN or "
                    "open_interest_usd=COLUMN"
                )
            if size <= 0:
                raise ValueError(f"contract_size must be above zero: {size:g}")
            coins = contracts * size
        return coins, usd

    def read_cell(self, cells: Mapping[str, Any], word: str) -> object:
        """Return the cell of a word, or its constant; None where there is none."""
        column = self.columns.get(word)
        if column is None:
            return None
        cell = column[1:] if column.startswith(":") else cells.get(column)
        return None if isinstance(cell, str) and not cell.strip() else cell

    def read_number(self, cells: Mapping[str, Any], word: str) -> float | None:
        """Parse the cell of a word as a number; None where there is none."""
        cell = self.read_cell(cells, word)
        return None if cell is None else parse_number(cell)


def build_reader(
    options: ImportOptions, columns: Mapping[str, str], guessed: Collection[str], named_market: str | None
) -> MarketReader:
    """
    Build the reader of a file.

    Parameters
    ----------
    named_market : str or None
        ``spot`` or ``futures`` if the file name states it.

    Raises
    ------
    UsageError
        An option is invalid or contradicts another.
    """
    if options.market is not None and options.market not in MARKETS:
        raise UsageError(f"--market: unknown market {options.market!r}{nearest(options.market, MARKETS)}")
    if options.market == "spot" and options.kind != "candles":
        raise UsageError("--market spot: spot markets have no open interest")
    exchange, symbol = columns.get("exchange", ""), columns.get("symbol", "")
    quote = check_quote(options.quote)
    # A constant in --columns overrides the file.
    exchange_option = exchange[1:] if exchange.startswith(":") else options.exchange
    symbol_option = symbol[1:] if symbol.startswith(":") else options.symbol
    claims = {}
    spot_name = False
    try:
        if exchange_option:
            exchange_option = canonical_name(exchange_option, "exchange")
        if symbol_option:
            symbol_option, spot_name = _read_symbol(symbol_option, quote)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if exchange_option and exchange and not exchange.startswith(":"):
        claims["exchange"] = Claim("exchange", exchange_option, exchange, partial(_names_exchange, exchange_option))
    if symbol_option and symbol and not symbol.startswith(":"):
        claims["symbol"] = Claim("symbol", symbol_option, symbol, partial(_names_symbol, symbol_option))
    return MarketReader(
        kind=options.kind,
        columns=columns,
        guessed=guessed,
        exchange=exchange_option,
        symbol=symbol_option,
        market=options.market or (None if "market" in columns else "spot" if spot_name else named_market),
        zone=parse_zone(options.tz or "UTC"),
        quote=quote,
        claims=claims,
    )


def doubt_name(exchange: str | None) -> str:
    """Return a warning if an exchange name looks misspelt, ignoring the suffix of spot markets; otherwise empty."""
    return doubt_exchange(exchange.strip().lower().removesuffix(SPOT_ENDING)) if exchange else ""


def _names_symbol(symbol: str, text: str) -> bool:
    return is_same_symbol(symbol, _SPOT.sub("", text.strip()).replace("/", "" if ":" not in text else "/"))


def _names_exchange(exchange: str, text: str) -> bool:
    return is_same_exchange(exchange, text) or is_same_exchange(exchange.removesuffix(SPOT_ENDING), text)


def _read_symbol(text: str, quote: str | None) -> tuple[str, bool]:
    """Normalise a symbol; also return whether it is written as a spot market (``BTC/USDT``, ``BTCUSDT-SPOT``)."""
    name = text.strip()
    ended = (
        name.upper().removesuffix("SPOT").rstrip("-_:") if name.upper().endswith(("-SPOT", "_SPOT", ":SPOT")) else ""
    )
    if ended or (name.count("/") == 1 and ":" not in name):
        return canonical_symbol((ended or name).replace("/", ""), quote), True
    return canonical_symbol(name, quote), False
