"""The position that a row closed, from columns of long and short or of buy and sell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from liqcli.core.model import Position, shorten

POSITIONS: dict[str, Position] = {"long": "long", "short": "short"}
_MEANINGS: dict[Position | None, dict[str, Position]] = {
    None: POSITIONS,
    "long": {"buy": "long", "sell": "short"},
    "short": {"sell": "long", "buy": "short"},
}
# Meaning of a buy/sell column: suffix of the column name in --columns -> position that "buy" stands for.
BUY_MEANS: dict[str, Position] = {"buy-is-long": "long", "buy-is-short": "short"}
# Exchanges for which `side=` alone is ambiguous. The feeds of Bybit and Bitget state the position side (buy: a long was
# liquidated; bybit-exchange/docs all-liquidation, Bitget v3 liquidations), ccxt does the same for Gate, and the other
# feeds state no order side of the liquidated party, so the author of such a column chose its meaning.
SIDE_UNCLEAR: dict[str, str] = {
    "bybit": "Bybit's own feed states the position side: Buy means that a long was liquidated",
    "bitget": "Bitget's own feed states the position side: buy means that a long was liquidated",
    "gate": "Gate states a signed size instead of a side, and ccxt turns a liquidated long into a buy",
    "bitfinex": "Bitfinex states a signed amount instead of an order side",
    "deribit": "Deribit states the taker side, and either maker or taker may have been liquidated",
    "hyperliquid": "Hyperliquid states the side of either party",
    "lighter": "Lighter states the maker side",
    "coinex": "CoinEx states the position side",
}

# Exchanges whose own feed states the order side: a buy closes a short. (docs/sources.md, "side" of each.)
ORDER_SIDE: dict[str, str] = {
    "binance": "Binance's own feed states the order side: BUY means that a short was liquidated",
    "aster": "Aster's own feed states the order side: BUY means that a short was liquidated",
    "okx": "OKX's own feed states the order side: buy means that a short was liquidated",
    "htx": "HTX's own feed states the order side: buy means that a short was liquidated",
}


class ExchangeFeed(NamedTuple):
    """Known facts about an exchange's own feed: as a sentence, and as values of liqcli's columns."""

    facts: str
    values: Mapping[str, str]


# Feeds that state the position side as buy and sell (liqcli/sources/bybit/stream.py,
# liqcli/sources/bitget/liquidations.py).
EXCHANGE_FEEDS: dict[str, ExchangeFeed] = {
    "bybit": ExchangeFeed(
        "Bybit's own feed (allLiquidation) states bankruptcy prices and every liquidation",
        {"price_kind": "bankruptcy", "completeness": "full"},
    ),
    "bitget": ExchangeFeed("Bitget's own feed states bankruptcy prices", {"price_kind": "bankruptcy"}),
}


def describe_own_feed(exchange: str | None) -> str:
    """Explain the side in an exchange's own feed and the ``--columns`` that fit it; empty if unambiguous."""
    if exchange not in SIDE_UNCLEAR:
        return ""
    if exchange not in EXCHANGE_FEEDS:
        return f"; {SIDE_UNCLEAR[exchange]}"
    constants = "".join(f",{word}=:{value}" for word, value in EXCHANGE_FEEDS[exchange].values.items())
    return f"; {SIDE_UNCLEAR[exchange]}: position=COLUMN:buy-is-long{constants}"


def ask_side(exchange: str, column: str) -> str:
    """Build the message for an ambiguous ``side=``."""
    return (
        f"side={column} is ambiguous: {SIDE_UNCLEAR[exchange]}. Pass --columns position={column}:buy-is-long "
        f"(as in Bybit's and Bitget's feeds) or position={column}:buy-is-short (order side, as in files of Tardis and "
        "CryptoHFTData)"
    )


def read_position(
    cells: Mapping[str, object], columns: Mapping[str, str], buy_means: Position | None, exchange: str
) -> Position:
    """
    Read which position was liquidated, from ``position`` and ``side``.

    Parameters
    ----------
    columns : mapping
        Our word -> column, for messages.
    buy_means : {"long", "short"} or None
        Meaning of "buy" in the ``position`` column; None if the column holds long and short.

    Raises
    ------
    ValueError
        A value is unknown, both columns disagree, or the exchange's own feed makes ``side`` ambiguous.
    """
    found = []
    if "position" in cells:
        found.append(_read_word(cells, "position", _MEANINGS[buy_means]))
    if "side" in cells:
        if exchange in SIDE_UNCLEAR:
            raise ValueError(ask_side(exchange, columns["side"]))
        found.append(_read_word(cells, "side", _MEANINGS["short"]))
    if len(set(found)) != 1:
        raise ValueError("position and side contradict each other")
    return found[0]


def _read_word(cells: Mapping[str, object], word: str, meaning: Mapping[str, Position]) -> Position:
    text = str(cells[word]).strip().lower()
    if position := meaning.get(text):
        return position
    hint = ""
    if meaning is POSITIONS and text in ("buy", "sell"):
        hint = "; state the meaning of buy: --columns position=COLUMN:buy-is-long or position=COLUMN:buy-is-short"
    raise ValueError(f"{word} is neither {' nor '.join(meaning)}: {shorten(cells[word])}{hint}")
