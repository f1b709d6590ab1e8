"""The candles of a window, from the exchange that fits the liquidations best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.engine import Engine
from liqcli.errors import DamagedError
from liqcli.lake import Lake
from liqcli.model import PriceSeries, Window
from liqcli.partition import Partition
from liqcli.timespan import parse_length

CANDLE_COLUMNS = ("ts", "open", "high", "low", "close")
LONGEST_CANDLE_US = 86_400 * 1_000_000


def read_prices(
    engine: Engine, lake: Lake, symbols: Sequence[str], exchanges: Sequence[str], window: Window
) -> tuple[PriceSeries | None, list[Path]]:
    """
    Read the candles that touch a window.

    Of several series the one of the earliest symbol and exchange in the given order wins (callers list them by USD),
    then any other exchange, then the finest interval; series are never mixed.

    Returns
    -------
    prices, damaged
        None without candles; and candle files that cannot be read.
    """
    before = Window(window.start_us - LONGEST_CANDLE_US, window.end_us)
    found = lake.find("candles", symbols, before)
    damaged: list[Path] = []
    for group in _in_order(found, symbols, exchanges):
        paths = [p.path(lake.root) for p in group]
        step_us = parse_length(group[0].interval, "candle interval")
        bounds = {"start_us": window.start_us, "end_us": window.end_us, "step_us": step_us}
        columns, bad = _read_sound(engine, paths, bounds)
        damaged += bad
        columns = keep_sound(columns) if columns is not None else None
        if columns is not None and len(columns["ts_us"]):
            first = group[0]
            numbers = {name: columns[name].astype(np.float64) for name in ("open", "high", "low", "close")}
            basis = f"{first.exchange} {first.symbol} {first.interval} candle"
            return PriceSeries(
                ts_us=columns["ts_us"].astype(np.int64), step_us=step_us, basis=basis, **numbers
            ), damaged
    return None, damaged


def keep_sound(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """
    Leave out candles whose prices cannot be true, as another program may have written them: they are not known.

    ``liqcli verify`` names them. One such candle would move averages, or stop the picture.
    """
    opened, high, low, close = (columns[name].astype(np.float64) for name in ("open", "high", "low", "close"))
    holds = (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close))  # false for NaN
    sound = (low > 0) & np.isfinite(high) & holds
    return {name: column[sound] for name, column in columns.items()}


def _in_order(found: Sequence[Partition], symbols: Sequence[str], exchanges: Sequence[str]) -> list[list[Partition]]:
    groups: dict[tuple[str, str, str, str], list[Partition]] = {}
    for p in found:
        groups.setdefault((p.symbol, p.exchange, p.interval, p.source), []).append(p)

    def place(key: tuple[str, str, str, str]) -> tuple[int, int, str, int, str]:
        symbol, exchange, interval, source = key
        rank = list(exchanges).index(exchange) if exchange in exchanges else len(exchanges)
        return list(symbols).index(symbol), rank, exchange, parse_length(interval), source

    return [groups[key] for key in sorted(groups, key=place)]


def _read_sound(
    engine: Engine, paths: Sequence[Path], bounds: Mapping[str, int]
) -> tuple[Mapping[str, NDArray[Any]] | None, list[Path]]:
    """Read one series without its damaged files; damage inside a page shows only when it is read."""
    for thorough in (False, True):
        try:
            bad = engine.open_files("stored_candles", paths, CANDLE_COLUMNS, thorough)
            return engine.run("candles", bounds), bad
        except DamagedError:
            continue
    return None, list(paths)
