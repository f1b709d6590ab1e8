"""``liqcli fetch --kind margin-tiers`` against a server on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from liqcli.lake.margin_tiers import find_margin_tiers, list_tier_days
from liqcli.lake.store import Lake

BRACKET = {
    "bracketNotionalFloor": 0,
    "bracketMaintenanceMarginRate": 0.004,
    "cumFastMaintenanceAmount": 0,
    "maxOpenPosLeverage": 150,
}


@pytest.fixture
def server():
    body = {"code": "000000", "data": {"brackets": [{"symbol": "BTCUSDT", "riskBrackets": [BRACKET]}]}}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    running = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_snapshot_is_stored_and_reported(run_cli, lake, server):
    env = {"LIQCLI_URL_BINANCE": server, "LIQCLI_RATE_BINANCE": "unlimited"}
    words = ("fetch", "--kind", "margin-tiers", "--exchange", "binance", "--format", "json")
    done = run_cli(*words, "-s", "BTCUSDT", env=env, check=0)
    (row,) = json.loads(done.stdout)["market"]
    assert (row["kind"], row["exchange"], row["symbol"], row["rows"]) == ("margin-tiers", "binance", "BTCUSDT", 1)
    assert (row["result"], row["requests"]) == ("ok", 1)
    found, _ = find_margin_tiers(Lake(lake), "binance", "BTCUSDT", 4_000_000_000_000_000)
    assert [tier.rate for tier in found.tiers] == [0.004]
    missing = run_cli(*words, "-s", "NONEUSDT", env=env)
    assert "does not list NONEUSDT" in missing.stdout
    assert len(list_tier_days(Lake(lake), "binance")) == 1


def test_an_exchange_without_tiers_is_a_usage_error(run_cli):
    done = run_cli("fetch", "--kind", "margin-tiers", "--exchange", "kraken", check=2)
    assert "margin tiers are fetched from binance, aster, bybit, okx, gate" in done.stderr
