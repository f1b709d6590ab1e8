"""Published totals of Kraken: the liquidated volume of each minute, in a unit that is documented nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import RunCli
from loopback.kraken import Fill, KrakenServer
from loopback.server import Asked, Reply, json_reply
from loopback.truth import DAY_MS

from liqcli.core.formatting import format_iso, format_time
from liqcli.core.times import now_us
from liqcli.lake.liquidation_totals import read_totals
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.net.client import RefusalError
from liqcli.sources.kraken import scan
from liqcli.sources.registry import KNOWN_SOURCES

HOUR_MS = 3_600_000
START_MS = now_us() // 1000 // DAY_MS * DAY_MS - 3 * DAY_MS  # three days ago, midnight
PRICE = Decimal(50_000)
FETCH = ("fetch", "--exchange", "kraken", "--quiet")


def forced(hour: int, quantities: list[str]) -> list[Fill]:
    """Longs that were liquidated at 50,000 USD in the first minutes of an hour."""
    times = (START_MS + hour * HOUR_MS + 60_000 * n for n in range(len(quantities)))
    kind = ("Sell", "Liquidation", "Post", PRICE)
    return [Fill(ts, *kind, Decimal(quantity)) for ts, quantity in zip(times, quantities, strict=True)]


TRUTH = {"PF_XBTUSD": [*forced(0, ["0.1", "0.3"]), *forced(1, ["0.2"])], "PI_XBTUSD": forced(0, ["400", "500"])}


@pytest.fixture
def fetch(run_cli: RunCli) -> Callable[..., Any]:
    """Fetch hours of BTCUSD from a server; return the row of the summary."""

    def run(server: KrakenServer, kind: str, hours: int, *more: str, symbol: str = "BTCUSD", check: int = 0) -> Any:
        env = {"LIQCLI_URL_KRAKEN": server.url, "LIQCLI_RATE_KRAKEN": "unlimited"}
        since, until = (format_iso((START_MS + h * HOUR_MS) * 1000) for h in (0, hours))
        words = (*FETCH, "--kind", kind, "-s", symbol, "--since", since, "--until", until, "--format", "json", *more)
        done = json.loads(run_cli(*words, env=env, check=check).stdout)
        return [*done["liquidations"], *done["market"]][0]

    return run


def test_each_contract_keeps_its_own_unit(fetch: Callable[..., Any], lake: Path) -> None:
    """Two days are 2880 minutes of two contracts; pages of 700 points, so a window of 2000 minutes takes three."""
    with KrakenServer(TRUTH, points=700) as server:
        row = fetch(server, "liquidation-totals", 48)
        asked = server.paths("PF_XBTUSD/liquidation-volume")
        assert (row["rows"], row["result"], len(asked)) == (2 * 2880, "ok", 5)  # 2000 minutes in 3, 880 in 2
        assert {a.params["interval"] for a in asked} == {"60"}
        server.asked.clear()
        assert fetch(server, "liquidation-totals", 48)["requests"] == 0
        assert server.asked == []
    stored = Lake(lake)
    parts = stored.partitions("liquidation_totals")
    totals = [total for part in parts for total in read_totals(stored, part).values() if total.total_native]
    assert {(t.instrument, t.native_unit, (t.ts_us // 1000 - START_MS) // 60_000, t.total_native) for t in totals} == {
        ("PF_XBTUSD", "BTC", 0, 0.1),
        ("PF_XBTUSD", "BTC", 1, 0.3),
        ("PF_XBTUSD", "BTC", 60, 0.2),
        ("PI_XBTUSD", "USD", 0, 400.0),
        ("PI_XBTUSD", "USD", 1, 500.0),
    }
    assert {(t.long_usd, t.short_usd, t.total_usd) for t in totals} == {(None, None, None)}
    assert verify_lake(stored, KNOWN_SOURCES).issues == []


def test_completeness_says_that_the_unit_is_unproven(
    fetch: Callable[..., Any], run_cli: RunCli, tmp_path: Path
) -> None:
    """
    Kraken publishes 0.25 BTC in hour 1 of PF_XBTUSD and lists 0.2, which is 80 %. PF_XBTUSD as a whole: 0.6 of 0.65, or
    92.3 %. PI_XBTUSD: 900 of 900 USD.
    """
    with KrakenServer(TRUTH) as server:
        server.volumes["PF_XBTUSD"][(START_MS + HOUR_MS) // 1000] += Decimal("0.05")
        fetch(server, "liquidation-totals", 2)
        fetch(server, "liquidations", 2, "--source", "kraken")
    text = run_cli("verify", "--against-totals", check=0).stdout.splitlines()
    at = format_time((START_MS + HOUR_MS) * 1000)
    assert f"kraken BTCUSD PF_XBTUSD, {at} UTC (1 h): 0.20 BTC stored, 0.25 BTC published: 80.0% of" in text[1]
    assert text[1].endswith("own total (unit unproven)")
    assert text[-2:] == [
        "totals     kraken BTCUSD PF_XBTUSD: 92.3% of the exchange's own total (0.6000 of 0.6500 BTC in 2 hours); "
        "unit unproven, taken as BTC; hours that differ by more than 1%: 1",
        "totals     kraken BTCUSD PI_XBTUSD: 100.0% of the exchange's own total (900 of 900 USD in 2 hours); "
        "unit unproven, taken as USD; hours that differ by more than 1%: 0",
    ]
    found = json.loads(run_cli("verify", "--against-totals", "--format", "json", check=0).stdout)["totals"]
    assert [(series["unit"], series["unit_proven"], series["published_usd"]) for series in found] == [
        ("BTC", False, None),
        ("USD", False, None),
    ]
    since, until = (format_iso((START_MS + h * HOUR_MS) * 1000) for h in (0, 2))
    words = ("heatmap", "-s", "BTCUSD", "--since", since, "--until", until, "-o", "r.md", "--sections", "data")
    run_cli(*words, cwd=tmp_path, check=0)
    assert "(0.6000 of 0.6500 BTC in 2 hours); unit unproven, taken as BTC" in (tmp_path / "r.md").read_text()


@pytest.mark.parametrize(
    ("name", "factor", "said"),
    [
        # 0.4 BTC of hour 0 at 50,000 are 20,000 USD
        (
            "PF_XBTUSD",
            PRICE,
            "0.4000 BTC stored, 20,000.0000 published in 1 hour: the published total appears to be in USD",
        ),
        # 900 USD are 0.018 BTC
        (
            "PI_XBTUSD",
            1 / PRICE,
            "900.0000 USD stored, 0.0180 published in 1 hour: the published total appears to be in BTC",
        ),
    ],
)
def test_a_total_in_the_other_unit_gives_no_completeness(
    fetch: Callable[..., Any], run_cli: RunCli, name: str, factor: Decimal, said: str
) -> None:
    with KrakenServer({name: TRUTH[name]}) as server:
        for second in server.volumes[name]:
            server.volumes[name][second] *= factor
        fetch(server, "liquidation-totals", 1)
        fetch(server, "liquidations", 1, "--source", "kraken")
    (line,) = run_cli("verify", "--against-totals", check=0).stdout.splitlines()  # and no hour is named
    assert line == f"totals     kraken BTCUSD {name}: {said}, so completeness is unknown"
    (series,) = json.loads(run_cli("verify", "--against-totals", "--format", "json", check=0).stdout)["totals"]
    assert series["share"] is None


class Refusing(KrakenServer):
    """Lists a contract without a volume series, and answers others with an error in the body of a 200."""

    def answer(self, asked: Asked) -> Reply:
        if "PF_SOLUSD" in asked.path:
            return json_reply({"result": None, "errors": []}, 404)
        if "PF_ETHUSD" in asked.path:
            error = {
                "severity": "E",
                "error_class": "Query",
                "type": "invalid",
                "msg": "interval too short",
                "value": "60",
            }
            return json_reply({"result": {}, "errors": [error]})
        return super().answer(asked)


def test_refusals_and_unknown_names(fetch: Callable[..., Any], lake: Path) -> None:
    with Refusing({"PF_SOLUSD": [], "PF_ETHUSD": []}) as server:
        row = fetch(server, "liquidation-totals", 1, symbol="ETHUSD", check=3)
        assert row["troubles"][0].endswith("Query invalid interval too short")
        for symbol, hint in (("SOLUSD", ""), ("DOGEUSD", ""), ("SOLUSDT", "; try SOLUSD")):
            row = fetch(server, "liquidation-totals", 1, symbol=symbol, check=3)
            assert row["troubles"] == [f"kraken does not list {symbol}{hint}"]
    assert not (lake / "liquidation_totals").exists()


def test_times_and_numbers() -> None:
    """Seconds or milliseconds, numbers or texts; anything else is refused, a null is no point."""
    assert scan.read_points({"timestamp": [1784898300, 1784898360000], "data": ["231", 0.5]}) == {
        1784898300: 231.0,
        1784898360: 0.5,
    }
    assert scan.read_points({"timestamp": [60, 120], "data": [None, 0]}) == {120: 0.0}
    for data in ([["1", "2", "0", "1"]], ["many"], [1, 2]):
        with pytest.raises(RefusalError, match="not a volume series"):
            scan.read_points({"timestamp": [60], "data": data})
