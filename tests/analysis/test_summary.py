"""Headline numbers and the choice of the last price."""

from __future__ import annotations

import numpy as np
import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation

from liqcli.analysis.summary import LastPrice, build_summary, find_last_price
from liqcli.core.market_data import Candle
from liqcli.core.model import PriceSeries, Window
from liqcli.lake.market_series import read_market
from liqcli.lake.market_tables import write_candles
from liqcli.lake.selection import Query, build_selection
from liqcli.lake.store import Lake
from liqcli.query.columns import LastPrintRows
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.query.scans import scan_last_prints, scan_totals

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
    with DuckDBEngine() as engine:
        build_selection(engine, store, Query("SOL", since="2026-03-01", until="2026-03-02"))
        summary = build_summary(scan_totals(engine))
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


def prints(*points):
    """points: (price kind, ts_us, price), the last event of each kind."""
    kinds, times, prices = zip(*points, strict=True)
    return LastPrintRows(np.array(kinds), np.array(times), np.array(prices))


def series(*points, step=MINUTE):
    closes = np.array([p for _, p in points], dtype=float)
    times = np.array([t for t, _ in points], dtype=np.int64)
    return PriceSeries(times, closes, closes, closes, closes, step, "gate SOLUSDT 1h candle")


def test_last_price_is_the_newer_of_close_and_print():
    fill = prints(("fill", T0 + HOUR, 2.0))
    wanted = LastPrice(2.0, "fill", "fill price of the last liquidation", T0 + HOUR)
    assert find_last_price(None, fill) == wanted
    assert find_last_price(series((T0 + HOUR - MINUTE - 1, 9.0)), fill) == wanted  # it closed a microsecond before
    close = LastPrice(9.0, "candle", "close of the last gate SOLUSDT 1h candle", T0 + HOUR)
    assert find_last_price(series((T0, 8.0), (T0 + HOUR - MINUTE, 9.0)), fill) == close


@pytest.mark.parametrize("kind", ["order", "bankruptcy", "trigger"])
def test_a_price_beside_the_market_counts_when_it_is_five_minutes_newer(kind):
    def last(minutes, near=("fill", T0, 2.0)):
        return find_last_price(None, prints(near, (kind, T0 + round(minutes * MINUTE), 3.0)))

    assert last(5).kind == "fill"
    assert last(5.1) == LastPrice(3.0, kind, f"{kind} price of the last liquidation", T0 + round(5.1 * MINUTE))
    assert last(5, near=("market", T0, 2.0)).kind == "market"
    assert find_last_price(series((T0 - MINUTE, 9.0)), prints((kind, T0 + 5 * MINUTE, 3.0))).kind == "candle"


def test_the_last_print_of_each_kind_is_the_largest_of_its_instant(lake):
    rows = [
        make_liquidation(T0 + 1, price=1.0, qty=900.0),
        make_liquidation(T0 + 2, price=2.0, qty=10.0),
        make_liquidation(T0 + 2, price=3.0, qty=20.0),
        make_liquidation(T0 + 3, price=4.0, price_kind="order"),
    ]
    with DuckDBEngine() as engine:
        build_selection(engine, fill_lake(lake, rows), Query("SOL", since="2026-03-01", until="2026-03-02"))
        found = scan_last_prints(engine)
    assert list(zip(found.price_kind, found.ts_us.tolist(), found.price.tolist(), strict=True)) == [
        ("fill", T0 + 2, 3.0),
        ("order", T0 + 3, 4.0),
    ]


def candle(ts, close):
    return Candle(ts, close, close, close, close, None)


def read(store, symbols=("SOLUSDT",), exchanges=("gate", "okx")):
    with DuckDBEngine() as engine:
        market, damaged = read_market(engine, store, symbols, exchanges, WINDOW)
        return market.prices_in(WINDOW), damaged


def test_candles_of_the_exchange_with_most_usd_then_the_finest(lake):
    store = Lake(lake)
    assert read(store) == (None, [])
    write_candles(store, "binance", "SOLUSDT", "1m", "vision", [candle(T0, 3.0)])
    assert read(store)[0].basis == "binance SOLUSDT 1m candle"  # any other exchange is better than none
    write_candles(store, "okx", "SOLUSDT", "1h", "okx", [candle(T0, 2.0)])
    assert read(store)[0].basis == "okx SOLUSDT 1h candle"
    write_candles(store, "okx", "SOLUSDT", "5m", "okx", [candle(T0 + 5 * k * MINUTE, 2.5) for k in range(12)])
    assert (read(store)[0].basis, read(store)[0].step_us) == ("okx SOLUSDT 5m candle", 5 * MINUTE)
    assert read(store, exchanges=("gate", "binance"))[0].basis == "binance SOLUSDT 1m candle"
    assert read(store, symbols=("BTCUSD",)) == (None, [])


def test_candles_that_touch_the_window_and_are_closed_when_it_ends(lake):
    store = Lake(lake)
    times = [T0 - MINUTE, T0 - 30_000_000, T0, T0 + DAY - MINUTE, T0 + DAY - 1, T0 + DAY]
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
