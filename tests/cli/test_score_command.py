"""``liqcli score`` on a simulated market: data on stdout, the rest on stderr, exit codes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from factories import HOUR, T0, fill_lake, make_liquidation
from simulated_market import START_US, simulate

from liqcli.core.market_data import Candle, Candles, OpenInterest
from liqcli.lake.market_tables import write_candles, write_open_interest
from liqcli.report.cluster_score import _find_latest
from liqcli.report.levels_data import LevelsQuery

DAYS = 12
KEYS = {
    "name", "value", "low", "high", "baseline", "baseline_value", "difference", "difference_low", "difference_high",
    "corrected_low", "corrected_high",
}  # fmt: skip


def day(number: int) -> str:
    return datetime.fromtimestamp(START_US / 1e6 + number * 86_400, tz=UTC).date().isoformat()


@pytest.fixture(scope="module")
def market_lake(tmp_path_factory):
    market = simulate(3, DAYS)
    prints = zip(*(c.tolist() for c in (market.prints.ts_us, market.prints.price, market.prints.is_long,
                                        market.prints.notional)), strict=True)  # fmt: skip
    rows = [
        make_liquidation(ts, price, usd / price, exchange="gate", position="long" if is_long else "short", notional=usd)
        for ts, price, is_long, usd in prints
    ]
    root = tmp_path_factory.mktemp("market") / "lake"
    lake = fill_lake(root, rows)
    symbol, joined = rows[0].symbol, Candles(market.candles, market.volume).resample(1_800_000_000)
    c = joined.prices
    columns = zip(*(x.tolist() for x in (c.ts_us, c.open, c.high, c.low, c.close, joined.volume)), strict=True)
    write_candles(lake, "gate", symbol, "30m", "gate", [Candle(*row) for row in columns])
    steps = zip([*c.ts_us.tolist(), int(c.ts_us[-1]) + c.step_us], market.interest[::6].tolist(), strict=True)
    write_open_interest(lake, "gate", symbol, "gate", [OpenInterest(ts, coins, None) for ts, coins in steps])
    return root, symbol


def test_levels_of_a_market_with_positions(run_cli, market_lake, tmp_path):
    root, symbol = market_lake
    window = ("--since", day(5), "--until", day(DAYS), "--lake", str(root))
    found = run_cli("score", "levels", "-s", symbol, *window, "--format", "json", check=0)
    report = json.loads(found.stdout)
    assert {"symbol", "start", "end", "days", "events", "verdict", "measures"} < set(report)
    assert (report["symbol"], report["start"][:10], report["end"][:10]) == (symbol, day(5), day(DAYS))
    assert report["verdict"] == "too little data"
    assert report["days"] == 3
    first = report["measures"][0]
    assert set(first) == KEYS
    assert first["difference"] == pytest.approx(first["value"] - first["baseline_value"])
    assert (first["difference_low"], first["difference_high"]) == (None, None)  # three days have no interval
    assert len(report["maps"]) == DAYS - 5
    assert len({one["sha256"] for one in report["maps"]}) == DAYS - 5
    picture = tmp_path / "score.png"
    table = run_cli("score", "levels", "-s", symbol, *window, "-o", str(picture), check=0)
    assert table.stdout.splitlines()[0].startswith(f"{symbol} levels: in 7 days of this lake, ")
    assert table.stdout.splitlines()[0].endswith("too little data (10 usable days and 200 orders are needed)")
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert f"wrote {picture}" in table.stderr


def test_a_map_depends_on_nothing_after_its_midnight(run_cli, market_lake):
    root, symbol = market_lake
    hashes = []
    for until in (day(8), day(DAYS)):
        window = ("--since", day(5), "--until", until, "--lake", str(root))
        shown = run_cli("score", "levels", "-s", symbol, *window, "--format", "json", check=0)
        hashes.append([one["sha256"] for one in json.loads(shown.stdout)["maps"]])
    assert hashes[1][:3] == hashes[0]


def test_clusters(run_cli, market_lake):
    root, symbol = market_lake
    window = ("--since", day(9), "--until", day(DAYS), "--lake", str(root))
    report = json.loads(run_cli("score", "clusters", "-s", symbol, *window, "--format", "json", check=0).stdout)
    assert report["verdict"] == "too little data"
    assert 0 < report["meta"]["cuts"] <= 8  # every six hours of two days; the first day has no whole lookback
    assert {m["name"].split(" within")[0] for m in report["measures"]} <= {"turned", "reached", "liquidated"}
    latest = run_cli("score", "clusters", "-s", symbol, "--until", "latest", "--lookback", "2d", "--lake", str(root),
                     "--format", "json", check=0)  # fmt: skip
    assert day(DAYS - 1) <= json.loads(latest.stdout)["end"] <= day(DAYS) + "T00:01:00Z"


def test_latest_is_that_of_the_chosen_exchanges(lake):
    """The last liquidation on gate is at T0, that on okx an hour later."""
    store = fill_lake(lake, [make_liquidation(T0, exchange="gate"), make_liquidation(T0 + HOUR, exchange="okx")])
    found = [_find_latest(store, ["SOLUSDT"], LevelsQuery("SOL", until="latest", exchanges=e)) for e in (("gate",), ())]
    assert found == [T0, T0 + HOUR]


def test_missing_data_is_exit_4_and_usage_exit_2(run_cli, market_lake):
    root, symbol = market_lake
    empty = run_cli("score", "levels", "-s", symbol, "--since", "2027-01-01", "--until", "2027-01-02", "--lake",
                    str(root), check=4)  # fmt: skip
    assert "candles" in empty.stderr
    assert "choose levels or clusters" in run_cli("score", "walls", "-s", symbol, check=2).stderr
