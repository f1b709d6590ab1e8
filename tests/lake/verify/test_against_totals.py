"""``liqcli verify --against-totals``: the exchange's own totals against the events that it lists."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

from conftest import RunCli
from loopback.gate_totals import HOUR_MS, START_MS, GateTotals, every_minute
from loopback.truth import Event

from liqcli.core.formatting import format_iso, format_time


def hour(number: int) -> int:
    return (START_MS + number * HOUR_MS) * 1000


def test_an_hour_that_lacks_three_percent_is_named(run_cli: RunCli, tmp_path: Path) -> None:
    """
    Hours 0 and 1: ten events of 100 USD each. In hour 1 the exchange counts an event of 31 USD that it does not list:
    1000 of 1031 would be 97.0 % (0.96993).
    """
    listed = [*every_minute(0, 100), *every_minute(1, 100)]
    unlisted = Event(START_MS + HOUR_MS + 30_000, "long", 31, Decimal(1))
    with GateTotals(listed, [*listed, unlisted]) as server:
        env = {"LIQCLI_URL_GATE": server.url, "LIQCLI_RATE_GATE": "unlimited"}
        words = ("fetch", "--exchange", "gate", "-s", "BTCUSDT", "--since", format_iso(hour(0)), "--quiet", "--until")
        run_cli(*words, format_iso(hour(3)), "--kind", "liquidation-totals", env=env, check=0)
        run_cli(*words, format_iso(hour(2)), "--kind", "liquidations", env=env, check=0)
    text = run_cli("verify", "--against-totals", check=0).stdout.splitlines()
    assert text[0].startswith("suspicion  liquidation_totals/exchange=gate/symbol=BTCUSDT/")
    assert text[1].strip() == (
        f"gate BTCUSDT, {format_time(hour(1))} UTC (1 h): 1,000.00 USD stored, 1,031.00 USD published: "
        "97.0% of the exchange's own total; longs 500.00 stored, 531.00 published"
    )
    assert f"--since {format_iso(hour(1))} --until {format_iso(hour(2))}" in text[2]
    assert text[3:] == [
        "totals     gate BTCUSDT: 98.5% of the exchange's own total (2,000 of 2,031 USD in 2 hours); "
        "hours that differ by more than 1%: 1 (longs 1); 1 hour not fetched"
    ]
    (series,) = json.loads(run_cli("verify", "--against-totals", "--format", "json", check=0).stdout)["totals"]
    rows = [tuple(item[key] for key in ("start", "published_usd", "stored_usd", "differs")) for item in series["hours"]]
    assert rows == [
        (format_iso(hour(0)), 1000, 1000, False),
        (format_iso(hour(1)), 1031, 1000, True),
        (format_iso(hour(2)), 0, 0, False),
    ]
    assert (series["published_usd"], series["stored_usd"], series["hours_not_fetched"]) == (2031, 2000, 1)
    span = ("--since", format_iso(hour(0)), "--until", format_iso(hour(2)))
    files = ("-o", "r.json", "-o", "r.md", "-o", "r.html", "--sections", "data")
    run_cli("heatmap", "-s", "BTCUSDT", *span, *files, cwd=tmp_path, check=0)
    (measured,) = json.loads((tmp_path / "r.json").read_text())["coverage"]["totals"]
    assert (measured["published_usd"], measured["stored_usd"], measured["hours"]) == (2031, 2000, 2)
    said = "Measured: gate BTCUSDT: 98.5% of the exchange"
    assert said in (tmp_path / "r.md").read_text()
    assert said in (tmp_path / "r.html").read_text()
    assert "totals" not in json.loads(run_cli("verify", "--format", "json", check=0).stdout)


def test_an_hour_that_was_fetched_in_part_is_said_to_be(run_cli: RunCli) -> None:
    listed = [*every_minute(0, 100), *every_minute(1, 100)]
    with GateTotals(listed, listed) as server:
        env = {"LIQCLI_URL_GATE": server.url, "LIQCLI_RATE_GATE": "unlimited"}
        words = ("fetch", "--exchange", "gate", "-s", "BTCUSDT", "--since", format_iso(hour(0)), "--quiet", "--until")
        run_cli(*words, format_iso(hour(2)), "--kind", "liquidation-totals", env=env, check=0)
        run_cli(*words, format_iso(hour(1) + 5 * 60_000_000), "--kind", "liquidations", env=env, check=0)
    text = run_cli("verify", "--against-totals", check=0).stdout
    assert "75.0% of the exchange's own total (1,500 of 2,000 USD in 2 hours)" in text
    assert text.endswith("(longs 1, shorts 1); 1 hour fetched in part\n")


def test_an_hour_with_swapped_sides_is_named(run_cli: RunCli) -> None:
    """
    Hour 0: the exchange counts 300 USD of longs and 700 USD of shorts, and lists them the other way round. The totals
    agree. Hour 1: one of ten events of 100 USD has the wrong side, 500 and 500 become 400 and 600. Hour 2 is right.
    """
    counted, listed = [], []
    for number, longs, listed_longs in ((0, 3, 7), (1, 5, 4), (2, 5, 5)):
        for n in range(10):
            ts = START_MS + number * HOUR_MS + n * 60_000
            counted.append(Event(ts, "long" if n < longs else "short", 10, Decimal(10)))
            listed.append(Event(ts, "long" if n < listed_longs else "short", 10, Decimal(10)))
    with GateTotals(listed, counted) as server:
        env = {"LIQCLI_URL_GATE": server.url, "LIQCLI_RATE_GATE": "unlimited"}
        words = ("fetch", "--exchange", "gate", "-s", "BTCUSDT", "--since", format_iso(hour(0)), "--quiet", "--until")
        run_cli(*words, format_iso(hour(3)), "--kind", "liquidation-totals,liquidations", env=env, check=0)
    text = run_cli("verify", "--against-totals", check=0).stdout.splitlines()
    equal = "1,000.00 USD stored, 1,000.00 USD published: 100.0% of the exchange's own total"
    assert [line.strip() for line in text if "UTC (1 h)" in line] == [
        f"gate BTCUSDT, {format_time(hour(0))} UTC (1 h): {equal}; longs 700.00 stored, 300.00 published; "
        "shorts 300.00 stored, 700.00 published: the sides seem to be swapped",
        f"gate BTCUSDT, {format_time(hour(1))} UTC (1 h): {equal}; longs 400.00 stored, 500.00 published; "
        "shorts 600.00 stored, 500.00 published",
    ]
    assert text[-1] == (
        "totals     gate BTCUSDT: 100.0% of the exchange's own total (3,000 of 3,000 USD in 3 hours); "
        "hours that differ by more than 1%: 2 (longs 2, shorts 2); hours whose sides seem to be swapped: 1"
    )
    (series,) = json.loads(run_cli("verify", "--against-totals", "--format", "json", check=0).stdout)["totals"]
    assert [item["sides_swapped"] for item in series["hours"]] == [True, False, False]
    assert series["hours"][0]["sides"]["long"] == {"published_usd": 300, "stored_usd": 700, "differs": True}


def test_a_lake_without_totals_says_how_to_get_them(run_cli: RunCli, lake: Path) -> None:
    assert "liqcli fetch --kind liquidation-totals" in run_cli("verify", "--against-totals", check=0).stderr


def test_a_month_with_a_damaged_file_is_not_compared(run_cli: RunCli, lake: Path) -> None:
    """
    The exchange lists and counts ten events of 100 USD in hour 0, for two symbols. What is stored of a symbol whose
    file is damaged is unknown, so it is not compared; once both are damaged, verify still lists them.
    """
    listed = every_minute(0, 100)
    with GateTotals(listed, listed) as server:
        env = {"LIQCLI_URL_GATE": server.url, "LIQCLI_RATE_GATE": "unlimited"}
        words = ("fetch", "--exchange", "gate", "-s", "BTCUSDT", "--since", format_iso(hour(0)), "--quiet", "--until")
        for kind in ("liquidation-totals", "liquidations"):
            run_cli(*words, format_iso(hour(1)), "--kind", kind, env=env, check=0)
    for top in ("liquidations", "liquidation_totals"):
        shutil.copytree(lake / top / "exchange=gate/symbol=BTCUSDT", lake / top / "exchange=gate/symbol=ETHUSDT")

    def compare() -> list[str]:
        outcome = json.loads(run_cli("verify", "--against-totals", "--format", "json", check=5).stdout)
        assert {Path(item["file"]).relative_to(lake).parts[0] for item in outcome["damaged"]} == {"liquidations"}
        return [f"{series['symbol']} {series['share']}" for series in outcome["totals"]]

    files = sorted(lake.glob("liquidations/**/*.parquet"))
    for path, left in zip(files, (["ETHUSDT 1.0"], []), strict=True):
        path.write_bytes(path.read_bytes()[:-20])
        assert compare() == left
