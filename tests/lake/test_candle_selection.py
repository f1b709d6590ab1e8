"""The selection of candles: own ones, substitutes, and their order."""

from __future__ import annotations

import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.market_data import Candle
from liqcli.lake.candle_selection import list_series, list_substitutes
from liqcli.lake.market_tables import write_candles
from liqcli.lake.partitions import Partition
from liqcli.lake.selection import Query
from liqcli.report.document import build_document
from liqcli.report.results import ViewOptions, compute_results

DAY_ONE = {"since": "2026-03-01T00:00Z", "until": "2026-03-02T00:00Z"}


def test_same_base_in_other_usd_then_bare():
    assert list_substitutes("ETHUSDC") == ["ETHUSDT", "ETHUSD", "ETHFDUSD", "ETHBUSD", "ETHTUSD", "ETHUSDE", "ETH"]
    assert list_substitutes("HYPE") == [
        f"HYPE{quote}" for quote in ("USDT", "USDC", "USD", "FDUSD", "BUSD", "TUSD", "USDE")
    ]


@pytest.mark.parametrize("symbol", ["BTCEUR", "ETHBTC", "BTCUSDT-251226", "BTC-251226"])
def test_another_quote_or_a_dated_contract_has_no_substitute(symbol):
    assert list_substitutes(symbol) == []


@pytest.mark.parametrize(
    ("symbol", "other"), [("1000PEPEUSDT", "PEPEUSDT"), ("PEPEUSDT", "KPEPE"), ("BTCUSDT", "BTCEUR")]
)
def test_a_multiple_is_another_instrument(symbol, other):
    assert other not in list_substitutes(symbol)
    assert symbol not in list_substitutes(other)


def test_order_is_symbol_then_exchange_then_interval():
    def part(symbol, exchange, interval):
        return Partition("candles", exchange, symbol, "2026-03", "made", interval)

    best_first = [
        part("BTCUSD", "kraken", "1m"),  # the symbol with most USD, on an exchange with liquidations
        part("BTCUSD", "kraken", "1h"),
        part("BTCUSD", "binance", "1m"),
        part("BTCUSDC", "binance", "1m"),  # liquidated too, with less
        part("BTCUSDT", "kraken", "1h"),
        part("BTCUSDT", "binance", "1m"),
        part("BTC", "binance", "1m"),
    ]
    others = [part("BTCEUR", "kraken", "1m"), part("ETHUSD", "kraken", "1m")]
    found = list_series([*others, *reversed(best_first)], ["BTCUSD", "BTCUSDC"], ["kraken"])
    assert [series.partitions for series in found] == [(p,) for p in best_first]
    assert [series.substitution is None for series in found] == [True, True, *[False] * 5]


@pytest.mark.parametrize(
    ("wanted", "stored"), [("HYPE", "HYPEUSDT"), ("BTCUSD", "BTCUSDT"), ("ETHUSDT", "ETH"), ("BTCUSDC", "BTCUSDT")]
)
@pytest.mark.parametrize("price", ["reported", "market"])
def test_a_report_names_the_substitute_it_uses(lake, wanted, stored, price):
    rows = [make_liquidation(T0 + HOUR, price=99.0, symbol=wanted, price_kind="bankruptcy", exchange="bybit")]
    store = fill_lake(lake, rows)
    candles = [Candle(T0 + k * MINUTE, 100.0, 101.0, 99.5, 100.0, 1.0) for k in range(2 * 60)]
    write_candles(store, "binance", stored, "1m", "made", candles)
    write_candles(store, "binance", "HYPEEUR", "1m", "made", candles)
    findings = compute_results(store, Query(wanted, **DAY_ONE, price=price), GridOptions(), ViewOptions())
    meta = build_document(findings)["meta"]
    assert meta["price_line"] == f"binance {stored} 1m candle"
    assert meta["candles_stand_in"] == (
        f"no candles of {wanted} on bybit cover this window; {stored} on binance is used instead"
    )
    assert (meta["last_price"], meta["last_price_kind"]) == (100.0, "candle")
    if price == "market":  # 99 lies below its minute, 99.5 to 101
        assert meta["market_prices"] == {"basis": [f"binance {stored} 1m"], "moved": 1, "filled": 0, "kept": 0}


def test_own_candles_need_no_note_and_instruments_are_not_mixed(lake):
    """SOLUSDT's own candles end at 12:00; SOLUSDC's go on. The line is one of them, not both."""
    store = fill_lake(lake, [make_liquidation(T0 + HOUR)])
    half = [Candle(T0 + k * HOUR, 100.0, 101.0, 99.0, 100.0, 1.0) for k in range(12)]
    rest = [Candle(T0 + k * HOUR, 200.0, 201.0, 199.0, 200.0, 1.0) for k in range(24)]
    write_candles(store, "gate", "SOLUSDT", "1h", "made", half)
    write_candles(store, "gate", "SOLUSDC", "1h", "made", rest)
    findings = compute_results(store, Query("SOLUSDT", **DAY_ONE), GridOptions(), ViewOptions())
    assert findings.prices is not None
    assert (set(findings.prices.close.tolist()), findings.candle_stand_in) == ({100.0}, None)
    later = Query("SOLUSDT", since="2026-03-01T00:30Z", until="2026-03-02T00:00Z")
    assert compute_results(store, later, GridOptions(), ViewOptions()).last.ts_us == T0 + 12 * HOUR


def test_candles_before_the_window_do_not_rule_out_a_substitute(lake):
    store = fill_lake(lake, [make_liquidation(T0 + HOUR)])
    write_candles(store, "gate", "SOLUSDT", "1h", "made", [Candle(T0 - DAY, 100.0, 101.0, 99.0, 100.0, 1.0)])
    write_candles(store, "gate", "SOLUSDC", "1h", "made", [Candle(T0 + HOUR, 100.0, 101.0, 99.0, 100.0, 1.0)])
    findings = compute_results(store, Query("SOLUSDT", **DAY_ONE), GridOptions(), ViewOptions())
    assert findings.prices is not None
    assert findings.prices.basis == "gate SOLUSDC 1h candle"
