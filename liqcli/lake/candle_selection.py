"""Whose candles are used: those of the liquidated symbol, else of another instrument that trades at the same price.

The order, best first; within each the exchanges with liquidations (by USD), then others, then the finest interval:

1. the liquidated symbols themselves, by USD;
2. the same base in another USD quote: USDT, USDC, USD, FDUSD, BUSD, TUSD, USDE;
3. the bare base (``ETH`` for ``ETHUSDT``), as files without a quote are stored.

A symbol quoted in anything else (``BTCEUR``) has no stand-in, nor has a contract on a multiple (``1000PEPEUSDT`` is not
``PEPEUSDT``) or a dated one (it trades at its own price). Two series are never mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqcli.core.symbols import expiry_of, split_symbol
from liqcli.core.times import parse_length
from liqcli.lake.partitions import Partition

USD_QUOTES = ("USDT", "USDC", "USD", "FDUSD", "BUSD", "TUSD", "USDE")  # the deepest books first


@dataclass(frozen=True, slots=True)
class Series:
    """The files of one instrument, interval and source; ``stand_in`` says whom it stands in for, None where nobody."""

    partitions: tuple[Partition, ...]
    stand_in: str | None

    @property
    def interval(self) -> str:
        """Length of its candles, empty for open interest."""
        return self.partitions[0].interval

    @property
    def name(self) -> str:
        """What a reader knows it by: ``binance BTCUSDT 1h``."""
        first = self.partitions[0]
        return " ".join(filter(None, (first.exchange, first.symbol, first.interval)))


def list_stand_ins(symbol: str) -> list[str]:
    """List the symbols that trade at the same price, best first; none for a dated one or a quote that is no USD."""
    base, quote = split_symbol(symbol)
    if expiry_of(symbol) or (quote and quote not in USD_QUOTES):
        return []
    names = [*(base + other for other in USD_QUOTES), base]
    return [name for name in names if name != symbol]


def list_series(found: Sequence[Partition], symbols: Sequence[str], exchanges: Sequence[str]) -> list[Series]:
    """
    Group files into series, the best one first.

    Parameters
    ----------
    found : sequence of Partition
        Files of candles or open interest, also of other symbols, which are left out unless they can stand in.
    symbols, exchanges : sequence of str
        What was liquidated where, most USD first.
    """
    names = list(dict.fromkeys([*symbols, *(other for symbol in symbols for other in list_stand_ins(symbol))]))
    groups: dict[tuple[str, str, str, str], list[Partition]] = {}
    for p in found:
        if p.symbol in names:
            groups.setdefault((p.symbol, p.exchange, p.interval, p.source), []).append(p)

    def place(key: tuple[str, str, str, str]) -> tuple[int, int, str, int, str]:
        symbol, exchange, interval, source = key
        rank = list(exchanges).index(exchange) if exchange in exchanges else len(exchanges)
        return names.index(symbol), rank, exchange, parse_length(interval) if interval else 0, source

    return [
        Series(tuple(groups[key]), _explain(key[0], key[1], symbols, exchanges)) for key in sorted(groups, key=place)
    ]


def _explain(symbol: str, exchange: str, symbols: Sequence[str], exchanges: Sequence[str]) -> str | None:
    if symbol in symbols and (exchange in exchanges or not exchanges):
        return None
    where = f" on {', '.join(exchanges)}" if exchanges else ""
    return f"no candles of {', '.join(symbols)}{where} cover this window; {symbol} on {exchange} stands in"
