"""Invalid candles and open interest, as other programs may write them, are treated as unknown."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import HOUR, MINUTE, T0, make_window

from liqcli.core.market_data import Candle, OpenInterest
from liqcli.lake.market_series import read_market
from liqcli.lake.market_tables import write_candles, write_open_interest
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine

HOURS = make_window(T0, T0 + 3 * HOUR)


def spoil(store, kind, column, value):
    """Put a value into the second row of the only file of a kind."""
    (partition,) = store.partitions(kind)
    path = partition.path(store.root)
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[1] = value
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, pa.array(values, pa.float64())), path)


def read(store):
    with DuckDBEngine() as engine:
        market, damaged = read_market(engine, store, ["SOLUSDT"], ["gate"], HOURS)
    assert damaged == []
    return market.prices_in(HOURS), market


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
@pytest.mark.parametrize("wrong", [None, math.nan, math.inf, -1.0, 0.0])
def test_a_candle_that_cannot_be_true_is_a_missing_one(lake, column, wrong):
    store = Lake(lake)
    candles = [Candle(T0 + k * MINUTE, 100.0, 102.0, 99.0, 101.0, 5.0, 2.0) for k in range(60)]
    write_candles(store, "gate", "SOLUSDT", "1m", "gate", candles)
    spoil(store, "candles", column, wrong)
    prices, market = read(store)
    others = [T0, *(T0 + k * MINUTE for k in range(2, 60))]
    assert prices.ts_us.tolist() == market.candles.prices.ts_us.tolist() == others
    assert set(prices.close.tolist()) == {101.0}
    assert len(market.candles.volume) == len(market.candles.taker_buy) == 59


@pytest.mark.parametrize("wrong", [None, math.nan, math.inf, -1.0])
def test_an_amount_that_cannot_be_true_is_unknown(lake, wrong):
    store = Lake(lake)
    write_candles(
        store,
        "gate",
        "SOLUSDT",
        "1m",
        "gate",
        [Candle(T0 + k * MINUTE, 1.0, 1.0, 1.0, 1.0, 5.0, 2.0) for k in range(3)],
    )
    write_open_interest(store, "gate", "SOLUSDT", "gate", [OpenInterest(T0 + k * HOUR, 5.0, 7.0) for k in range(3)])
    for kind, column in (("candles", "volume"), ("open_interest", "open_interest_usd")):
        spoil(store, kind, column, wrong)
    _, market = read(store)
    assert np.isnan(market.candles.volume).tolist() == [False, True, False]
    assert np.isnan(market.open_interest.usd).tolist() == [False, True, False]
    assert market.open_interest.coins.tolist() == [5.0, 5.0, 5.0]


def candles(start_us, count, step_us, price):
    return [Candle(start_us + k * step_us, price, price, price, price, 1.0, None) for k in range(count)]


@pytest.mark.parametrize(
    ("minutes", "hours", "used"),
    [
        ((0, 180), (0, 3), "binance SOLUSDT 1m"),  # both cover all: the exchange with more USD first
        ((120, 180), (0, 3), "bybit SOLUSDT 1h"),  # an hour of minutes does not hide three hours
        ((0, 100), (0, 3), "bybit SOLUSDT 1h"),  # nor candles that ended 80 minutes ago those of now
        ((0, 180), (0, 1), "binance SOLUSDT 1m"),
        ((120, 180), (0, 2), "bybit SOLUSDT 1h"),  # ends an hour earlier, no more, and covers twice as much
        ((150, 180), (0, 1), "binance SOLUSDT 1m"),  # covers less, but the other ended two hours ago
    ],
)
def test_a_series_that_ends_earlier_or_covers_less_gives_way(lake, minutes, hours, used):
    """Of a window of three hours; the numbers are the first and last minute, and hour, of each series."""
    store = Lake(lake)
    write_candles(
        store, "binance", "SOLUSDT", "1m", "x", candles(T0 + minutes[0] * MINUTE, minutes[1] - minutes[0], MINUTE, 1.0)
    )
    write_candles(store, "bybit", "SOLUSDT", "1h", "x", candles(T0 + hours[0] * HOUR, hours[1] - hours[0], HOUR, 2.0))
    with DuckDBEngine() as engine:
        market, _ = read_market(engine, store, ["SOLUSDT"], ["binance", "bybit"], HOURS)
    assert market.candles.prices.basis == f"{used} candle"
