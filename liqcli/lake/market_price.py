"""
Move bankruptcy, order and trigger prices to the price range traded in their minute (``--price market``).

A bankruptcy price lies about one maintenance margin beyond the fill, so a heat map of several exchanges shows the same
move at two prices. A price is moved as little as possible: to the nearest end of its minute's candle, or not at all
when it lies inside. Fills are unchanged, and so are events without a candle; both are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.core.errors import EmptyWindowError
from liqcli.core.model import US_PER_S, Window
from liqcli.lake.candle_selection import list_series, list_substitutes
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake
from liqcli.query.query_engine import QueryEngine

PRICES = ("reported", "market")
MINUTE = "1m"
MINUTE_US = 60 * US_PER_S
MINUTE_COLUMNS = ("ts", "low", "high")
# For exchanges without candles of their own, those of these exchanges are used; the deepest order books first.
SUBSTITUTE_EXCHANGES = ("binance", "bybit", "okx", "gate")


@dataclass(frozen=True, slots=True)
class MarketPrices:
    """
    The outcome of moving prices; ``basis`` names the candles used.

    ``moved`` events now lie inside a candle, ``filled`` ones were fills, ``kept`` ones have no candle and keep their
    price. ``damaged`` lists candle files that could not be read.
    """

    basis: tuple[str, ...]
    moved: int
    filled: int
    kept: int
    damaged: tuple[Path, ...] = ()


def move_to_market(engine: QueryEngine, lake: Lake, pairs: Sequence[tuple[str, str]], window: Window) -> MarketPrices:
    """
    Let ``liquidations`` stand for the events of ``reported`` with prices moved to the market.

    Parameters
    ----------
    pairs : sequence of (str, str)
        Exchange and symbol of the events. For an exchange without candles of its own, those of another exchange are
        used, of the same symbol or a substitute (:func:`liqcli.lake.candle_selection.list_substitutes`). Series are
        not mixed. Only candles closed by the window's end count.
    window : Window
        Half-open. [UTC]

    Raises
    ------
    EmptyWindowError
        The window has no one-minute candles; the message says how to get them.
    """
    import pyarrow as pa

    around = Window(window.start_us - window.start_us % MINUTE_US, window.end_us)
    symbols = sorted({symbol for _, symbol in pairs})
    found, damaged = _find_minutes(engine, lake, symbols, around)
    chosen = [(pair, p) for pair in pairs for p in _choose(found, *pair)]
    if not chosen:
        names = ",".join(symbols)
        raise EmptyWindowError(
            f"--price market: the lake has no one-minute candles of {names} in the window; to fetch them: "
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
    engine.create("moved", "market_price", {"end_us": window.end_us})
    engine.alias("liquidations", "moved")
    columns = engine.run("price_kinds")
    events = dict(zip(columns["price_kind"].tolist(), columns["events"].tolist(), strict=True))
    moved, filled = events.pop("market", 0), events.pop("fill", 0)
    basis = tuple(sorted({f"{p.exchange} {p.symbol} {p.interval}" for _, p in chosen}))
    return MarketPrices(basis, moved, filled, sum(events.values()), damaged)


def _find_minutes(
    engine: QueryEngine, lake: Lake, symbols: Sequence[str], window: Window
) -> tuple[list[Partition], tuple[Path, ...]]:
    """Open the files with one-minute candles in the window as ``stored_minutes``; also return the damaged ones."""
    names = {*symbols, *(other for symbol in symbols for other in list_substitutes(symbol))}
    found = [p for p in lake.find("candles", sorted(names), window) if p.interval == MINUTE]
    paths = {str(p.path(lake.root)): p for p in found}
    if not found:
        return [], ()
    damaged = engine.open_files("stored_minutes", [Path(name) for name in paths], MINUTE_COLUMNS)
    held = engine.run("minutes_held", {"start_us": window.start_us, "end_us": window.end_us})
    return [paths[name] for name in held["filename"].tolist()], tuple(damaged)


def _choose(found: Sequence[Partition], exchange: str, symbol: str) -> Sequence[Partition]:
    """Choose the files of one series for an exchange and symbol: its own candles, else substitutes."""
    series = list_series(found, [symbol], [exchange, *(name for name in SUBSTITUTE_EXCHANGES if name != exchange)])
    return series[0].partitions if series else ()
