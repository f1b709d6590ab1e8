"""``--price market``: bankruptcy, order and trigger prices moved to where the market traded in their minute.

A bankruptcy price lies about a maintenance margin beyond the fill, so a map of several exchanges shows one event at two
heights. A price is moved as little as possible: to the nearest end of its minute's candle, and not at all when it lies
inside. Fills stay as they are, and so does what has no candle; both are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.core.errors import EmptyWindowError
from liqcli.core.model import US_PER_S, Window
from liqcli.lake.candle_selection import list_series, list_stand_ins
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake
from liqcli.query.engine import Engine

PRICES = ("reported", "market")
MINUTE = "1m"
MINUTE_US = 60 * US_PER_S
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
        symbol, else of one that trades at the same price (``stand_ins``); series are not mixed. Only candles that were
        closed by the window's end count.
    window : Window
        Half-open. [UTC]

    Raises
    ------
    EmptyWindowError
        No candle of one minute in the window; says how to get some.
    """
    import pyarrow as pa

    around = Window(window.start_us - window.start_us % MINUTE_US, window.end_us)
    symbols = sorted({symbol for _, symbol in pairs})
    found, damaged = _find_minutes(engine, lake, symbols, around)
    chosen = [(pair, p) for pair in pairs for p in _choose(found, *pair)]
    if not chosen:
        names = ",".join(symbols)
        raise EmptyWindowError(
            f"--price market: the lake holds no candles of one minute of {names} in the window; to get some: "
            f"liqcli fetch --kind candles --symbol {names}"
        )
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
    engine.create("liquidations", "market_price", {"end_us": window.end_us})
    columns = engine.run("price_kinds")
    events = dict(zip(columns["price_kind"].tolist(), columns["events"].tolist(), strict=True))
    moved, filled = events.pop("market", 0), events.pop("fill", 0)
    basis = tuple(sorted({f"{p.exchange} {p.symbol} {p.interval}" for _, p in chosen}))
    return MarketPrices(basis, moved, filled, sum(events.values()), damaged)


def _find_minutes(
    engine: Engine, lake: Lake, symbols: Sequence[str], window: Window
) -> tuple[list[Partition], tuple[Path, ...]]:
    """Open the files that hold a candle of one minute of the window, as ``stored_minutes``; and name the damaged."""
    names = {*symbols, *(other for symbol in symbols for other in list_stand_ins(symbol))}
    found = [p for p in lake.find("candles", sorted(names), window) if p.interval == MINUTE]
    paths = {str(p.path(lake.root)): p for p in found}
    if not found:
        return [], ()
    damaged = engine.open_files("stored_minutes", [Path(name) for name in paths], MINUTE_COLUMNS)
    held = engine.run("minutes_held", {"start_us": window.start_us, "end_us": window.end_us})
    return [paths[name] for name in held["filename"].tolist()], tuple(damaged)


def _choose(found: Sequence[Partition], exchange: str, symbol: str) -> Sequence[Partition]:
    """The files of one series for an exchange and symbol: its own candles, else those of a stand-in."""
    series = list_series(found, [symbol], [exchange, *(name for name in STAND_INS if name != exchange)])
    return series[0].partitions if series else ()
