"""``--price market``: bankruptcy, order and trigger prices moved to where the market traded in their minute.

A bankruptcy price lies about a maintenance margin beyond the fill, so a map of several exchanges shows one event at two
heights. A price is moved as little as possible: to the nearest end of its minute's candle, and not at all when it lies
inside. Fills stay as they are, and so does what has no candle; both are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.engine import Engine
from liqcli.errors import EmptyWindowError
from liqcli.lake import Lake
from liqcli.model import US_PER_S, Window
from liqcli.partition import Partition

PRICES = ("reported", "market")
MINUTE = "1m"
MINUTE_COLUMNS = ("ts", "low", "high")
# Whose candles stand in for an exchange without any of its own: the deepest books first.
STAND_INS = ("binance", "bybit", "okx", "gate")


@dataclass(frozen=True, slots=True)
class MarketPrices:
    """
    What came of moving prices; ``basis`` names the candles used.

    ``moved`` events lie in a candle now, ``filled`` were fills before, ``kept`` have no candle and keep their price.
    ``damaged`` names candle files that were left out.
    """

    basis: tuple[str, ...]
    moved: int
    filled: int
    kept: int
    damaged: tuple[Path, ...] = ()


def move_to_market(engine: Engine, lake: Lake, pairs: Sequence[tuple[str, str]], window: Window) -> MarketPrices:
    """
    Make table ``liquidations`` of table ``reported``, with prices moved to the market.

    Parameters
    ----------
    pairs : sequence of (str, str)
        Exchange and symbol of the events. An exchange without candles of its own takes those of another, of the same
        symbol; series are not mixed.
    window : Window
        Half-open. [UTC]

    Raises
    ------
    EmptyWindowError
        No candle of one minute in the window; says how to get some.
    """
    import pyarrow as pa

    minute_us = 60 * US_PER_S
    around = Window(window.start_us - window.start_us % minute_us, window.end_us)
    symbols = sorted({symbol for _, symbol in pairs})
    found = [p for p in lake.find("candles", symbols, around) if p.interval == MINUTE]
    chosen = [(pair, p) for pair in pairs for p in _choose(found, *pair)]
    if not chosen:
        names = ",".join(symbols)
        raise EmptyWindowError(
            f"--price market: the lake holds no candles of one minute of {names} in the window; to get some: "
            f"liqcli fetch --kind candles --symbol {names}"
        )
    paths = list(dict.fromkeys(p.path(lake.root) for _, p in chosen))
    damaged = engine.open_files("stored_minutes", paths, MINUTE_COLUMNS)
    engine.register(
        "minute_files",
        pa.table(
            {
                "filename": pa.array([str(p.path(lake.root)) for _, p in chosen], pa.string()),
                "exchange": pa.array([exchange for (exchange, _), _ in chosen], pa.string()),
                "symbol": pa.array([symbol for (_, symbol), _ in chosen], pa.string()),
            }
        ),
    )
    engine.create("liquidations", "market_price")
    columns = engine.run("price_kinds")
    events = dict(zip(columns["price_kind"].tolist(), columns["events"].tolist(), strict=True))
    moved, filled = events.pop("market", 0), events.pop("fill", 0)
    basis = tuple(sorted({f"{p.exchange} {p.symbol} {p.interval}" for _, p in chosen}))
    return MarketPrices(basis, moved, filled, sum(events.values()), tuple(damaged))


def _choose(found: Sequence[Partition], exchange: str, symbol: str) -> list[Partition]:
    """The files of one series for an exchange and symbol: its own candles, else those of a stand-in."""
    held = {p.exchange for p in found if p.symbol == symbol}
    best = next((name for name in (exchange, *STAND_INS, *sorted(held)) if name in held), None)
    return [p for p in found if p.exchange == best and p.symbol == symbol]
