"""How the exchanges of the sample tell the world about forced orders: their contracts, units, prices and gaps."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sample_market import Forced, Market

START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE_MS = 60_000
GAP_MS = (  # the recorder of the sampled stream was down on Wednesday, 09:12 to 12:15 UTC
    ((2 * 24 + 9) * 60 + 12) * 60_000,
    ((2 * 24 + 12) * 60 + 15) * 60_000,
)
GAP_EXCHANGE = "binance"
SPLIT_USD = 60_000.0  # orders above this are filled in pieces


class Listing(NamedTuple):
    """One contract as its exchange lists it; the decimal texts are exact."""

    instrument: str
    tick: str  # [quote]
    lot: str  # [contracts where there is a contract size, else base coin]
    contract_size: str  # [base coin], or "" where sizes are stated in the coin


class Habit(NamedTuple):
    """How an exchange tells the world about forced orders."""

    share: float  # of all forced orders
    price_kind: str
    completeness: str
    whole_seconds: bool
    listings: dict[str, Listing]


HABITS = {
    "binance": Habit(0.34, "fill", "sampled", False, {
        "BTCUSDT": Listing("BTCUSDT", "0.1", "0.001", ""),
        "ETHUSDT": Listing("ETHUSDT", "0.01", "0.001", ""),
        "SOLUSDT": Listing("SOLUSDT", "0.01", "0.01", ""),
    }),
    "bybit": Habit(0.28, "bankruptcy", "full", False, {
        "BTCUSDT": Listing("BTCUSDT", "0.1", "0.001", ""),
        "ETHUSDT": Listing("ETHUSDT", "0.01", "0.01", ""),
        "SOLUSDT": Listing("SOLUSDT", "0.01", "0.1", ""),
    }),
    "okx": Habit(0.18, "bankruptcy", "sampled", False, {
        "BTCUSDT": Listing("BTC-USDT-SWAP", "0.1", "0.01", "0.01"),
        "ETHUSDT": Listing("ETH-USDT-SWAP", "0.01", "0.01", "0.1"),
        "SOLUSDT": Listing("SOL-USDT-SWAP", "0.01", "0.01", "1"),
    }),
    "gate": Habit(0.13, "fill", "full", True, {
        "BTCUSDT": Listing("BTC_USDT", "0.1", "1", "0.0001"),
        "ETHUSDT": Listing("ETH_USDT", "0.01", "1", "0.01"),
        "SOLUSDT": Listing("SOL_USDT", "0.01", "1", "1"),
    }),
    "htx": Habit(0.07, "bankruptcy", "full", False, {
        "BTCUSDT": Listing("BTC-USDT", "0.1", "1", "0.001"),
        "ETHUSDT": Listing("ETH-USDT", "0.01", "1", "0.01"),
        "SOLUSDT": Listing("SOL-USDT", "0.001", "1", "1"),
    }),
}  # fmt: skip


class Row(NamedTuple):
    """One line of ``liquidations.csv``; sorts by time, then the rest."""

    ms: int
    exchange: str
    symbol: str
    instrument: str
    position: str
    price: Decimal
    price_kind: str
    qty: Decimal
    contracts: str
    contract_size: str
    completeness: str

    def text(self) -> str:
        """The line, without its end."""
        cells = [f"{v:f}" if isinstance(v, Decimal) else str(v) for v in self[1:]]
        return ",".join([stamp(self.ms), *cells])


def publish(market: Market, draw: random.Random) -> list[Row]:
    """Give every forced order to an exchange, and return what the exchanges would have told of it."""
    rows: list[Row] = []
    for order in market.forced:
        pick = draw.random()
        for exchange, habit in HABITS.items():  # noqa: B007 - the last one takes the rest
            pick -= habit.share
            if pick < 0:
                break
        rows += _pieces(order, exchange, habit, market.shape.symbol, draw)
    rows.sort()
    return _sample([r for r in rows if not (r.exchange == GAP_EXCHANGE and GAP_MS[0] <= r.ms < GAP_MS[1])])


def _pieces(order: Forced, exchange: str, habit: Habit, symbol: str, draw: random.Random) -> list[Row]:
    """Split an order as its exchange fills it: several prints within a second at nearly one price."""
    listing = habit.listings[symbol]
    sign = -1 if order.position == "long" else 1
    tick, lot = Decimal(listing.tick), Decimal(listing.lot)
    unit = lot * Decimal(listing.contract_size or "1")
    pieces = 1
    if order.usd > SPLIT_USD or draw.random() < 0.06:
        pieces = 2 + int(draw.random() * (3 if order.usd < 4 * SPLIT_USD else 6))
    even = draw.random() < 0.25  # an exchange that cuts in equal pieces makes twins
    beyond = 0.0044 + 0.0012 * draw.random() if habit.price_kind == "bankruptcy" else 0.00008 * (draw.random() - 0.5)
    stated = order.price * (1.0 + sign * beyond)
    rows, ms, walked = [], order.ms, 0
    # The pieces stay within the minute of the order, so that its candle knows their prices.
    last_ms = min(order.ms + 900, order.ms - order.ms % MINUTE_MS + MINUTE_MS - 1)
    for _ in range(pieces):
        part = order.usd / pieces * (1.0 if even else 0.4 + 1.2 * draw.random())
        lots = max(int(part / order.price / float(unit) + 0.5), 1)
        at = ms - ms % 1000 if habit.whole_seconds else ms
        ticks = int(stated / float(tick) + 0.5) + sign * walked
        contracts = f"{lots * lot:f}" if listing.contract_size else ""
        rows.append(Row(
            at, exchange, symbol, listing.instrument, order.position, ticks * tick, habit.price_kind, lots * unit,
            contracts, listing.contract_size, habit.completeness,
        ))  # fmt: skip
        if not even:
            ms = min(ms + int(draw.random() * 160), last_ms)
        if habit.price_kind == "fill" and draw.random() < 0.4:
            walked += 1
    return rows


def _sample(rows: Iterable[Row]) -> list[Row]:
    """Leave what a sampled stream shows: the largest order of a second, and never two within one second."""
    kept: list[Row] = []
    seconds: dict[tuple[str, int], Row] = {}
    for row in rows:
        if row.completeness == "full":
            kept.append(row)
            continue
        key = (row.exchange, row.ms // 1000)
        if key not in seconds or row.qty > seconds[key].qty:
            seconds[key] = row
    last: dict[str, int] = defaultdict(lambda: -1000)
    for row in sorted(seconds.values()):
        if row.ms - last[row.exchange] >= 1000:
            last[row.exchange] = row.ms
            kept.append(row)
    return sorted(kept)


def stamp(ms: int) -> str:
    """Write milliseconds since the start of the week as ISO 8601 UTC."""
    return (START + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
