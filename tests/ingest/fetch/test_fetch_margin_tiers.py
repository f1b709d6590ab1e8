"""``liqcli fetch --kind margin-tiers`` against a server on this machine."""

import json

import pytest
from loopback.server import Loopback, json_reply

from liqcli.lake.margin_tiers import find_margin_tiers, list_tier_days
from liqcli.lake.store import Lake

BRACKET = {
    "bracketNotionalFloor": 0,
    "bracketMaintenanceMarginRate": 0.004,
    "cumFastMaintenanceAmount": 0,
    "maxOpenPosLeverage": 150,
}


SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
FETCH = ("fetch", "--kind", "margin-tiers", "--exchange", "binance", "--format", "json")


class Website(Loopback):
    """Binance's website: one answer has every contract; SOLUSDT is not listed."""

    def answer(self, asked):
        contracts = [{"symbol": symbol, "riskBrackets": [BRACKET]} for symbol in SYMBOLS[:2]]
        return json_reply({"code": "000000", "data": {"brackets": contracts}})


@pytest.fixture
def server():
    with Website() as running:
        yield running


@pytest.fixture
def fetch(run_cli, server):
    """Run the command against the server on this machine."""
    env = {"LIQCLI_URL_BINANCE": server.url, "LIQCLI_RATE_BINANCE": "unlimited"}
    return lambda *words, check: run_cli(*FETCH, "-s", *words, env=env, check=check)


def rows_of(done):
    """Exchange, symbol, stored rows, requests and result of each row."""
    rows = json.loads(done.stdout)["market"]
    return [(row["exchange"], row["symbol"], row["rows"], row["requests"], row["result"]) for row in rows]


def test_one_request_serves_all_symbols_and_a_day(fetch, lake, server):
    done = fetch(",".join(SYMBOLS), check=0)
    assert rows_of(done) == [
        ("binance", "BTCUSDT", 1, 1, "ok"),
        ("binance", "ETHUSDT", 1, 0, "ok"),
        ("binance", "SOLUSDT", 0, 0, "nothing"),
    ]
    assert "binance does not list SOLUSDT" in done.stderr
    found, _ = find_margin_tiers(Lake(lake), "binance", "ETHUSDT", 4_000_000_000_000_000)
    assert [(tier.rate, tier.max_leverage) for tier in found.tiers] == [(0.004, 150.0)]
    assert rows_of(fetch("BTCUSDT", check=0)) == [("binance", "BTCUSDT", 0, 0, "ok")]
    assert rows_of(fetch("BTCUSDT", "--again", check=0)) == [("binance", "BTCUSDT", 1, 1, "ok")]
    missing = fetch("SOLUSDT", check=4)
    assert json.loads(missing.stdout)["market"][0]["notes"] == [
        "binance does not list SOLUSDT, or not with valid tiers"
    ]
    assert len(server.asked) == 3
    assert len(list_tier_days(Lake(lake), "binance")) == 1


def test_a_failed_request_is_not_sent_once_per_symbol(run_cli, lake):
    env = {"LIQCLI_URL_BINANCE": "http://127.0.0.1:9", "LIQCLI_RATE_BINANCE": "unlimited"}
    done = run_cli(*FETCH, "-s", "BTCUSDT,ETHUSDT", env=env, check=3)
    rows = json.loads(done.stdout)["market"]
    assert [row["result"] for row in rows] == ["failed", "failed"]
    assert [bool(row["requests"]) for row in rows] == [True, False]
    assert done.stderr.count("cannot be reached") == 1
    assert list_tier_days(Lake(lake), "binance") == []


def test_a_damaged_snapshot_is_named_and_again_replaces_it(fetch, lake, server):
    fetch("BTCUSDT", check=0)
    (path,) = lake.rglob("margin_tiers/**/*.parquet")
    path.write_bytes(b"PAR1 torn")
    assert "with --again" in fetch("BTCUSDT", check=5).stderr
    fetch("BTCUSDT", "--again", check=0)
    found, _ = find_margin_tiers(Lake(lake), "binance", "BTCUSDT", 4_000_000_000_000_000)
    assert found.tiers[0].rate == 0.004


def test_an_exchange_without_tiers_is_a_usage_error(run_cli):
    done = run_cli("fetch", "--kind", "margin-tiers", "--exchange", "kraken", check=2)
    assert "margin tiers are fetched from binance, aster, bybit, okx, gate" in done.stderr
