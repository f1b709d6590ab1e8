"""Estimated levels of a daily run: written with their hash before the day they are judged by, and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from daily_scene import check_usable
from factories import fill_lake, make_liquidation
from simulated_market import CANDLE, DAY_US, MINUTE_US, START_US, simulate

from liqcli.analysis.score.forward import hash_map
from liqcli.core.formatting import format_iso
from liqcli.core.market_data import Candle, OpenInterest
from liqcli.core.settings import Settings
from liqcli.daily import levels as daily_levels
from liqcli.daily.day import Day
from liqcli.daily.folders import MANIFEST
from liqcli.daily.reports import ReportTask
from liqcli.daily.run import run_daily
from liqcli.lake.market_tables import write_candles, write_open_interest
from liqcli.lake.store import Lake
from liqcli.report.level_maps import read_map

pytestmark = pytest.mark.usefixtures("undrawn")
pytest_plugins = ("daily_fixtures",)

DAYS = 11
MAP = "SOLUSDT-levels-map.parquet"


@pytest.fixture(scope="module")
def market_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Eleven days of a simulated market with its liquidations."""
    market = simulate(3, DAYS)
    prints = market.prints
    sides = ["long" if is_long else "short" for is_long in prints.is_long.tolist()]
    columns = (prints.ts_us.tolist(), prints.price.tolist(), prints.notional.tolist(), sides)
    rows = [
        make_liquidation(ts_us, price, qty=usd / price, notional=usd, position=side)
        for ts_us, price, usd, side in zip(*columns, strict=True)
    ]
    lake = fill_lake(tmp_path_factory.mktemp("market"), rows)
    p = market.candles
    candles = map(Candle, *(c.tolist() for c in (p.ts_us, p.open, p.high, p.low, p.close, market.volume)))
    write_candles(lake, "gate", "SOLUSDT", "5m", "gate", list(candles))
    taken = [START_US + k * CANDLE * MINUTE_US for k in range(len(market.interest))]
    write_open_interest(
        lake,
        "gate",
        "SOLUSDT",
        "gate",
        [OpenInterest(t, v, None) for t, v in zip(taken, market.interest.tolist(), strict=True)],
    )
    return lake


def write(lake: Lake, out: Path, day: int, monkeypatch: pytest.MonkeyPatch, late_us: int = 600_000_000) -> dict:
    """Write the levels of the day that ends at a midnight, some time after it; returns their entry."""
    end_us = START_US + day * DAY_US
    monkeypatch.setattr(daily_levels, "now_us", lambda: end_us + late_us)
    made = folder(out, day)
    made.mkdir(exist_ok=True)
    (made / MANIFEST).write_text(json.dumps({"files": []}))
    (entry,) = daily_levels.write_levels(ReportTask(lake, settings(out), made, Day(made.name, end_us)), print, print)
    return entry


def settings(out: Path) -> Settings:
    return Settings(("SOLUSDT",), lookbacks=("24h",), out=out, fetch=False)


def folder(out: Path, day: int) -> Path:
    return out / format_iso(START_US + day * DAY_US - 1)[:10]


@pytest.mark.slow
def test_todays_run_judges_the_map_that_yesterdays_run_wrote(market_lake, tmp_path, monkeypatch):
    entries = {day: write(market_lake, tmp_path, day, monkeypatch) for day in range(5, DAYS)}
    end = format_iso(START_US + DAYS * DAY_US)
    monkeypatch.setattr(daily_levels, "now_us", lambda: START_US + DAYS * DAY_US)
    (entries[DAYS],) = run_daily(settings(tmp_path), market_lake, end, print, print).summary["levels"]
    check_usable(tmp_path)
    for day, entry in entries.items():
        written = read_map(folder(tmp_path, day) / MAP)
        assert written.level_map.as_of_us == START_US + day * DAY_US
        assert written.sha256 == hash_map(written.level_map) == entry["sha256"]
        before = entries.get(day - 1)
        assert (entry["yesterday"] and entry["yesterday"]["sha256"]) == (before and before["sha256"])
    second = entries[6]["yesterday"]
    assert second["share"] is None  # there are no maps of other days yet
    assert "not judged" in second["sentence"]
    last = entries[DAYS]
    assert last["yesterday"]["orders"] >= 3
    assert 0 <= last["yesterday"]["placebo_share"] <= 1
    assert last["score"]["verdict"] == "too little data"
    assert "usable days and 200 orders are needed" in last["score"]["sentence"]
    page = (folder(tmp_path, DAYS) / "index.html").read_text()
    assert "Estimated, not realized" in page
    assert last["yesterday"]["sentence"] in page
    assert entries[DAYS - 1]["sha256"][:12] in page
    assert "estimates only in their own section" in (folder(tmp_path, DAYS) / "digest.md").read_text()
    summary = json.loads((folder(tmp_path, DAYS) / "summary.json").read_text())
    assert summary["levels"][0]["files"]["map"] == MAP


def test_a_later_run_of_a_day_keeps_its_map_and_a_changed_map_is_not_judged(market_lake, tmp_path, monkeypatch, capsys):
    first = write(market_lake, tmp_path, 6, monkeypatch)
    before = (folder(tmp_path, 6) / MAP).read_bytes()
    again = write(market_lake, tmp_path, 6, monkeypatch, late_us=DAY_US)
    assert ((folder(tmp_path, 6) / MAP).read_bytes(), again["sha256"]) == (before, first["sha256"])
    path = folder(tmp_path, 6) / MAP
    written = read_map(path)
    changed = replace(written.level_map, long_notional=written.level_map.long_notional * 2)
    content = daily_levels.render_map(changed, written.written_us)
    path.write_bytes(content.replace(hash_map(changed).encode(), written.sha256.encode()))
    assert write(market_lake, tmp_path, 7, monkeypatch)["yesterday"] is None
    assert "the map was changed after its SHA-256" in capsys.readouterr().out


def test_a_map_written_after_its_day_began_is_not_judged(market_lake, tmp_path, monkeypatch):
    write(market_lake, tmp_path, 6, monkeypatch, late_us=3 * 3_600_000_000)
    entry = write(market_lake, tmp_path, 7, monkeypatch)
    assert entry["yesterday"]["orders"] is None
    assert "more than an hour after that day began" in entry["yesterday"]["sentence"]
    assert entry["score"] is None


def test_a_lake_without_open_interest_has_no_section(sample, tmp_path):
    task = ReportTask(Lake(sample), settings(tmp_path), tmp_path, Day("2020-01-01", 1_577_923_200_000_000))
    assert daily_levels.write_levels(task, print, print) == []
