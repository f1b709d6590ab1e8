"""Which source is asked for an exchange that a user names: the best for the window, and it is said."""

from __future__ import annotations

import pytest

from liqcli.core.model import US_PER_S, Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch.source_selection import select_pairs
from liqcli.sources.base import DAY_US

NOW = now_us()
RECENT = Window(NOW - DAY_US, NOW)
ARCHIVE = Window(1_704_153_600 * US_PER_S, 1_704_153_600 * US_PER_S + 2 * DAY_US)  # 2024-01-02
FREE_DAY = Window(1_706_745_600 * US_PER_S, 1_706_745_600 * US_PER_S + DAY_US)  # 2024-02-01
OLD = Window(1_580_601_600 * US_PER_S, 1_580_601_600 * US_PER_S + DAY_US)  # 2020-02-02, no free day


@pytest.mark.parametrize(
    ("exchange", "window", "symbol", "sources"),
    [
        ("binance", RECENT, "BTCUSDT", ["cryptohftdata"]),
        ("bybit", RECENT, "BTCUSDT", ["cryptohftdata"]),
        ("binance", ARCHIVE, "BTCUSD", ["binance-vision"]),
        ("binance", FREE_DAY, "BTCUSDT", ["tardis"]),
        ("binance", OLD, "BTCUSDT", ["tardis"]),
        ("gate", RECENT, "BTCUSDT", ["gate"]),
        ("okx", RECENT, "BTCUSDT", ["okx"]),
        ("okx", Window(NOW - 4 * DAY_US, NOW), "BTCUSDT", ["okx", "cryptohftdata"]),
        ("bitget", RECENT, "BTCUSDT", ["bitget"]),
        ("dydx", RECENT, "BTCUSD", ["dydx"]),
    ],
)
def test_best_source(exchange: str, window: Window, symbol: str, sources: list[str]) -> None:
    said: list[str] = []
    pairs = select_pairs([], [exchange], window, [symbol], said.append)
    assert [(source.name, name) for source, name in pairs] == [(source, exchange) for source in sources]
    assert said == [f"{exchange}: using {', '.join(sources)}"]


def test_a_named_source_is_taken() -> None:
    pairs = select_pairs(["tardis"], ["binance"], RECENT, ["BTCUSDT"])
    assert [source.name for source, _exchange in pairs] == ["tardis"]


def test_the_default_set_is_all_that_can_serve_without_a_key() -> None:
    """The exchanges' own, and the recordings of the two largest; no archives that ended, no markets without them."""
    names = [(source.name, exchange) for source, exchange in select_pairs([], [], RECENT, ["BTCUSDT"])]
    own = [("gate", "gate"), ("htx", "htx"), ("okx", "okx"), ("bitget", "bitget"), ("coinex", "coinex")]
    assert set(own) <= set(names)
    assert {("cryptohftdata", "binance"), ("cryptohftdata", "bybit")} <= set(names)
    assert not {name for name, _exchange in names} & {"binance-vision", "tardis", "dydx", "deribit", "kraken"}
    dollars = {source.name for source, _exchange in select_pairs([], [], RECENT, ["BTCUSD"])}
    assert {"deribit", "kraken"} <= dollars


def test_a_base_that_no_source_answered_for_means_its_usdt_contract() -> None:
    """Candles of ``BTC`` do not exist; of its listed contracts they do."""
    from liqcli.ingest.fetch import spell_out

    assert spell_out(["BTC", "ETH"], ["BTC", "ETHUSD", "ETHUSDT"]) == ["BTCUSDT", "ETHUSD", "ETHUSDT"]
