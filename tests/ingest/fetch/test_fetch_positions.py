"""``liqcli fetch --kind positions`` against a server on this machine."""

import json

import pytest
from loopback.server import Loopback, Reply, json_reply

from liqcli.core.positions import OpenPosition
from liqcli.core.times import now_us
from liqcli.lake.positions import find_positions
from liqcli.lake.store import Lake

FIRST, SECOND = f"0x{'1' * 40}", f"0x{'aB' * 20}"


def held(coin, size, entry, liquidation, leverage, value):
    """One entry of assetPositions, in the form that the documentation shows."""
    position = {
        "coin": coin, "szi": size, "entryPx": entry, "liquidationPx": liquidation, "positionValue": value,
        "leverage": {"type": "cross", "value": leverage}, "marginUsed": "1.0", "maxLeverage": 40,
    }  # fmt: skip
    return {"type": "oneWay", "position": position}


STATES = {
    FIRST: [held("BTC", "0.5", "90000.0", "72000.0", 5, "45500.0"), held("kPEPE", "-300.0", "0.01", None, 3, "3.0")],
    SECOND.lower(): [held("BTC", "-2.0", "92000.0", "99000.0", 20, "182000.0")],
}


class Info(Loopback):
    """The info endpoint: the coins, and the state of each wallet."""

    states = STATES

    def answer(self, asked):
        body = json.loads(asked.body)
        if body["type"] == "metaAndAssetCtxs":
            coins = [{"name": "BTC", "maxLeverage": 40}, {"name": "kPEPE", "maxLeverage": 10}]
            return json_reply([{"universe": coins}, [{"openInterest": "33193.39724"}, {"openInterest": "7.0"}]])
        return json_reply({"assetPositions": self.states[body["user"]], "time": 1})


@pytest.fixture
def server():
    with Info() as running:
        yield running


@pytest.fixture
def fetch(run_cli, server, tmp_path):
    env = {"LIQCLI_URL_HYPERLIQUID": server.url, "LIQCLI_RATE_HYPERLIQUID": "unlimited"}
    wallets = tmp_path / "wallets.txt"

    def run(text, *words, check):
        wallets.write_text(text)
        words = ("fetch", "--kind", "positions", "--source", "hyperliquid", "--wallets", wallets, *words)
        return run_cli(*words, env=env, check=check)

    return run


def test_the_positions_of_each_wallet_once_are_one_snapshot(fetch, lake, server):
    before_us = now_us()
    done = fetch(f"# mine\n{FIRST}\n\n{SECOND} # his\n{FIRST.upper().replace('X', 'x')}\n", "--format", "json", check=0)
    (row,) = json.loads(done.stdout)["market"]
    assert (row["exchange"], row["rows"], row["requests"], row["result"]) == ("hyperliquid", 3, 3, "ok")
    (found,), _ = find_positions(Lake(lake), "BTC", before_us, now_us())
    assert found.positions == (
        OpenPosition("BTCUSDC", "long", 0.5, 45_500.0, 90_000.0, 72_000.0, 5.0, 33_193.39724),
        OpenPosition("BTCUSDC", "short", 2.0, 182_000.0, 92_000.0, 99_000.0, 20.0, 33_193.39724),
    )
    (other,), _ = find_positions(Lake(lake), "KPEPE", before_us, now_us())
    assert other.positions[0].liquidation_price is None
    assert [json.loads(asked.body)["type"] for asked in server.asked] == [
        "metaAndAssetCtxs",
        *["clearinghouseState"] * 2,
    ]


def test_nothing_is_stored_unless_every_wallet_answers(fetch, lake, server):
    server.faults[3] = Reply(422, b"Failed to deserialize the JSON body")
    done = fetch(f"{FIRST}\n{SECOND}\n", check=3)
    assert "hyperliquid: /info answered 422" in done.stderr
    assert not list(lake.rglob("*.parquet"))


def test_wallets_without_positions_are_no_data(fetch, lake, server):
    server.states = {FIRST: []}
    done = fetch(f"{FIRST}\n", check=4)
    assert "none of the 1 wallets has an open position" in done.stderr
    assert not list(lake.rglob("*.parquet"))


def test_missing_or_wrong_wallets_are_usage_errors(fetch, run_cli):
    assert "line 2 is not an address" in fetch(f"{FIRST}\n0x123\n", check=2).stderr
    assert "no address in it" in fetch("# none\n", check=2).stderr
    assert "needs --wallets FILE" in run_cli("fetch", "--kind", "positions", check=2).stderr
    other = fetch(f"{FIRST}\n", "--exchange", "binance", check=2)
    assert "positions are fetched from hyperliquid; import files of others" in other.stderr
