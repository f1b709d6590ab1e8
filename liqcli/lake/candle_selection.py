"""
Select the series of candles or open interest for liquidated symbols: their own, else a substitute at the same price.

Order of preference; within each step exchanges with liquidations (by USD), then others, then the finest interval:

1. the liquidated symbols themselves, by USD;
2. the same base in another USD quote: USDT, USDC, USD, FDUSD, BUSD, TUSD, USDE;
3. the bare base (``ETH`` for ``ETHUSDT``), which is how files without a quote are stored.

Symbols in any other quote (``BTCEUR``) have no substitute, nor have contracts on a multiple (``1000PEPEUSDT`` is not
``PEPEUSDT``) or dated ones, which trade at their own price. Two series are never mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqcli.core.durations import parse_length
from liqcli.core.symbols import expiry_of, split_symbol
from liqcli.lake.partitions import Partition

USD_QUOTES = ("USDT", "USDC", "USD", "FDUSD", "BUSD", "TUSD", "USDE")  # the deepest books first


@dataclass(frozen=True, slots=True)
class Series:
    """The files of one instrument, interval and source; ``substitution`` names what it replaces, None if nothing."""

    partitions: tuple[Partition, ...]
    substitution: str | None

    @property
    def interval(self) -> str:
        """Interval of its candles, empty for open interest."""
        return self.partitions[0].interval

    @property
    def name(self) -> str:
        """Display name: ``binance BTCUSDT 1h``."""
        first = self.partitions[0]
        return " ".join(filter(None, (first.exchange, first.symbol, first.interval)))


def list_substitutes(symbol: str) -> list[str]:
    """List the symbols that trade at the same price, best first; none for dated contracts and quotes but USD."""
    base, quote = split_symbol(symbol)
    if expiry_of(symbol) or (quote and quote not in USD_QUOTES):
        return []
    names = [*(base + other for other in USD_QUOTES), base]
    return [name for name in names if name != symbol]


def list_series(found: Sequence[Partition], symbols: Sequence[str], exchanges: Sequence[str]) -> list[Series]:
    """
    Group files into series, the preferred one first.

    Parameters
    ----------
    found : sequence of Partition
        Files of candles or open interest; those of symbols that are no substitute are ignored.
    symbols, exchanges : sequence of str
        The liquidated symbols and their exchanges, most USD first.
    """
    names = list(dict.fromkeys([*symbols, *(other for symbol in symbols for other in list_substitutes(symbol))]))
    groups: dict[tuple[str, str, str, str], list[Partition]] = {}
    for p in found:
        if p.symbol in names:
            groups.setdefault((p.symbol, p.exchange, p.interval, p.source), []).append(p)

    def place(key: tuple[str, str, str, str]) -> tuple[int, int, str, int, str]:
        symbol, exchange, interval, source = key
        rank = list(exchanges).index(exchange) if exchange in exchanges else len(exchanges)
        return names.index(symbol), rank, exchange, parse_length(interval) if interval else 0, source

    return [
        Series(tuple(groups[key]), _describe_substitution(key[0], key[1], symbols, exchanges))
        for key in sorted(groups, key=place)
    ]


def _describe_substitution(symbol: str, exchange: str, symbols: Sequence[str], exchanges: Sequence[str]) -> str | None:
    if symbol in symbols and (exchange in exchanges or not exchanges):
        return None
    where = f" on {', '.join(exchanges)}" if exchanges else ""
    return f"no candles of {', '.join(symbols)}{where} cover this window; {symbol} on {exchange} is used instead"
