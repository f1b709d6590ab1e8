"""Headline numbers, and where the last price comes from."""

from __future__ import annotations

import numpy as np
import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation

from liqcli.analysis.prices import read_prices
from liqcli.analysis.selection import Query, build_selection
from liqcli.analysis.summary import build_summary, find_last_price
from liqcli.engine import Engine
from liqcli.lake import Lake
from liqcli.market_data import Candle, write_candles
from liqcli.model import PriceSeries, Window

WINDOW = Window(T0, T0 + DAY)


def test_sums_by_hand(lake):
    rows = [
        make_liquidation(T0 + 2, notional=0.1, position="long"),
        make_liquidation(T0 + 2, notional=0.1, position="long"),  # a twin counts
        make_liquidation(T0 + 9, notional=0.1, position="short", price_kind="order"),
        make_liquidation(T0 + 1, notional=50.0, position="short", exchange="okx", source="okx", completeness="sampled"),
        make_liquidation(T0 + 3, notional=0.3, exchange="htx", source="htx"),
    ]
    store = fill_lake(lake, rows)
    with Engine() as engine:
        build_selection(engine, store, Query("SOL", since="2026-03-01", until="2026-03-02"))
        summary = build_summary(engine)
    sums = summary.sums
    assert (sums.events, sums.notional, sums.largest) == (5, 50.6, 50)
    assert (sums.long_events, sums.long_notional) == (3, 0.5)
    assert (sums.short_events, sums.short_notional) == (2, 50.1)
    assert (sums.first_us, sums.last_us) == (T0 + 1, T0 + 9)
    # By falling USD; 0.3 against 0.1 + 0.1 + 0.1 is a tie in millionths, so the name decides.
    assert [(e.exchange, e.sums.notional) for e in summary.exchanges] == [("okx", 50), ("gate", 0.3), ("htx", 0.3)]
    assert summary.exchanges[1].price_kinds == ("fill", "order")
    assert (summary.sources, summary.price_kinds) == (("gate", "htx", "okx"), ("fill", "order"))
    assert summary.completeness == "mixed"


def trace(*points):
    return {"ts_us": np.array([t for t, _ in points]), "price": np.array([p for _, p in points])}


def series(*points, step=MINUTE):
    closes = np.array([p for _, p in points], dtype=float)
    times = np.array([t for t, _ in points], dtype=np.int64)
    return PriceSeries(times, closes, closes, closes, closes, step, "gate SOLUSDT 1m candle")


FIRST_DAY = Window(T0, T0 + DAY)


def test_last_price_is_the_close_of_the_last_candle_unless_events_go_on_long_after_it():
    events = trace((T0, 1.0), (T0 + HOUR, 2.0))
    assert find_last_price(None, events, FIRST_DAY) == (2.0, "price of the last liquidation", T0 + HOUR)
    candles = series((T0, 10.0), (T0 + HOUR, 20.0))
    expected = (20.0, "close of the last gate SOLUSDT 1m candle", T0 + HOUR + MINUTE)
    assert find_last_price(candles, events, FIRST_DAY) == expected
    # A candle that ended up to one candle before the event still tells the market better than a forced order's price.
    assert find_last_price(series((T0 + HOUR - 2 * MINUTE + 1, 10.0)), events, FIRST_DAY)[0] == 10.0
    assert find_last_price(series((T0 + HOUR - 2 * MINUTE, 10.0)), events, FIRST_DAY)[0] == 2.0


def test_a_candle_that_goes_on_beyond_the_window_is_no_last_price():
    events = trace((T0 + HOUR, 2.0))
    candles = series((T0 + HOUR - MINUTE, 10.0), (T0 + HOUR, 20.0))
    assert find_last_price(candles, events, Window(T0, T0 + HOUR + MINUTE - 1))[0] == 10.0
    assert find_last_price(candles, events, Window(T0, T0 + HOUR + MINUTE))[0] == 20.0


def candle(ts, close):
    return Candle(ts, close, close, close, close, None)


def read(store, symbols=("SOLUSDT",), exchanges=("gate", "okx")):
    with Engine() as engine:
        return read_prices(engine, store, symbols, exchanges, WINDOW)


def test_candles_of_the_exchange_with_most_usd_then_the_finest(lake):
    store = Lake(lake)
    assert read(store) == (None, [])
    write_candles(store, "binance", "SOLUSDT", "1m", "vision", [candle(T0, 3.0)])
    assert read(store)[0].basis == "binance SOLUSDT 1m candle"  # any other exchange is better than none
    write_candles(store, "okx", "SOLUSDT", "1h", "okx", [candle(T0, 2.0)])
    assert read(store)[0].basis == "okx SOLUSDT 1h candle"
    write_candles(store, "okx", "SOLUSDT", "5m", "okx", [candle(T0, 2.5)])
    assert (read(store)[0].basis, read(store)[0].step_us) == ("okx SOLUSDT 5m candle", 5 * MINUTE)
    assert read(store, exchanges=("gate", "binance"))[0].basis == "binance SOLUSDT 1m candle"
    assert read(store, symbols=("BTCUSD",)) == (None, [])


def test_candles_that_touch_the_window(lake):
    store = Lake(lake)
    times = [T0 - MINUTE, T0 - 30_000_000, T0, T0 + DAY - 1, T0 + DAY]
    write_candles(store, "gate", "SOLUSDT", "1m", "gate", [candle(ts, 1.0 + k) for k, ts in enumerate(times)])
    prices, damaged = read(store)
    assert prices.ts_us.tolist() == times[1:4]
    assert prices.close.tolist() == [2, 3, 4]
    assert damaged == []


@pytest.mark.parametrize("cut", [slice(None, 40), slice(None, -9)])
def test_damaged_candles_are_named_and_other_candles_used(lake, cut):
    store = Lake(lake)
    write_candles(store, "gate", "SOLUSDT", "1m", "gate", [candle(T0, 1.0)])
    write_candles(store, "okx", "SOLUSDT", "1m", "okx", [candle(T0, 2.0)])
    path = next(p.path(lake) for p in store.partitions("candles") if p.exchange == "gate")
    path.write_bytes(path.read_bytes()[cut])
    prices, damaged = read(store)
    assert prices.basis == "okx SOLUSDT 1m candle"
    assert damaged == [path]


def test_candles_with_a_broken_page_are_named_and_other_candles_used(lake):
    store = Lake(lake)
    write_candles(store, "gate", "SOLUSDT", "1m", "gate", [candle(T0 + k * MINUTE, 100 + k / 7) for k in range(300)])
    write_candles(store, "okx", "SOLUSDT", "1m", "okx", [candle(T0, 2.0)])
    path = next(p.path(lake) for p in store.partitions("candles") if p.exchange == "gate")
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(content[:4] + b"\xaa" * (len(content) - 4 - footer) + content[-footer:])
    prices, damaged = read(store)
    assert prices.basis == "okx SOLUSDT 1m candle"
    assert damaged == [path]
