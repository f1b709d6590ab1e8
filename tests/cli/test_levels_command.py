"""``liqcli levels``: data on stdout, the rest on stderr, exit codes."""

from __future__ import annotations

import json

from factories import T0, fill_lake

from liqcli.core.market_data import Candle, OpenInterest
from liqcli.lake.market_tables import write_candles, write_open_interest

HOUR = 3_600_000_000


def fill(root):
    lake = fill_lake(root, [])
    prices = [100 + (k % 12) for k in range(97)]
    candles = [
        Candle(T0 + k * HOUR, prices[k], max(prices[k : k + 2]) + 0.5, min(prices[k : k + 2]) - 0.5, prices[k + 1], 1.0)
        for k in range(96)
    ]
    write_candles(lake, "gate", "SOLUSDT", "1h", "gate", candles)
    interest = [OpenInterest(T0 + k * HOUR, 1e4 + 100 * k, None) for k in range(97)]
    write_open_interest(lake, "gate", "SOLUSDT", "gate", interest)


def test_table_json_csv_and_files(run_cli, lake, tmp_path):
    fill(lake)
    window = ("--since", "2026-03-04", "--until", "2026-03-05")
    shown = run_cli("levels", "SOLUSDT", *window, check=0)
    assert shown.stdout.splitlines()[0].split()[0] == "move"
    assert "estimated from open interest of gate SOLUSDT, not realized" in shown.stderr
    assert "uncalibrated" in shown.stderr
    assert "largest level of longs below" in shown.stderr
    report = json.loads(run_cli("levels", "-s", "sol_usdt", *window, "--format", "json", check=0).stdout)
    assert report["meta"]["kind"] == "estimated"
    header = run_cli("levels", "SOLUSDT", *window, "--format", "csv", check=0).stdout.splitlines()[0]
    assert header == "bucket_start,price_low,price_high,position,estimated_notional"
    page = tmp_path / "levels.html"
    written = run_cli("levels", "SOLUSDT", *window, "-o", str(page), check=0)
    assert written.stdout == ""
    assert f"wrote {page}" in written.stderr
    assert "estimated liquidation levels" in page.read_text()


def test_missing_data_is_exit_4_and_usage_exit_2(run_cli, lake):
    fill(lake)
    empty = run_cli("levels", "SOLUSDT", "--since", "2027-01-01", "--until", "2027-01-02", check=4)
    assert "levels are estimated from candles and open interest" in empty.stderr
    assert run_cli("levels", "SOLUSDT", "-o", "x.md", check=2).stderr.count("\n") == 1
    assert "missing symbol" in run_cli("levels", check=2).stderr
