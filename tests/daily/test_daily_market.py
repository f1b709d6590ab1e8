"""The first page of a day: the whole market, linked with the reports of its symbols in both directions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from daily_scene import UNTIL, Links, check_usable

from liqcli.core.settings import Settings
from liqcli.daily.market import link_reports
from liqcli.daily.run import run_daily
from liqcli.lake.store import Lake

pytestmark = pytest.mark.usefixtures("empty_pictures")
pytest_plugins = ("daily_fixtures",)


def entry(symbol: str, lookback: str = "24h", status: str = "ok"):
    return {"symbol": symbol, "lookback": lookback, "status": status, "files": {"html": f"{symbol}-{lookback}.html"}}


def test_a_symbol_links_to_its_own_report_or_else_to_that_of_its_base():
    names = ["BTCUSD", "BTCUSDT", "ETHUSDT", "币安人生USDT"]
    entries = [entry("BTC"), entry("BTCUSDT"), entry("ETHUSDT", "4h"), entry("币安人生USDT")]
    assert link_reports(names, entries, "24h") == {
        "BTCUSD": "BTC-24h.html",
        "BTCUSDT": "BTCUSDT-24h.html",
        "币安人生USDT": "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT-24h.html",
    }
    assert link_reports(names, [entry("ETHUSDT", status="failed")], "24h") == {}


@pytest.mark.slow
def test_the_page_links_to_the_reports_and_the_day_to_the_page(sample: Path, tmp_path: Path) -> None:
    settings = Settings(
        ("SOLUSDT",), lookbacks=("24h",), out=tmp_path, fetch=False, levels=False, sections=("clusters",)
    )
    run_daily(settings, Lake(sample), UNTIL, print, print)
    check_usable(tmp_path)
    day = tmp_path / "2026-01-07"
    assert {"SOLUSDT-24h.html", "index.html"} <= set(Links(day / "market.html").targets)
    assert "market.html" in Links(day / "index.html").targets
    assert "2026-01-07/market.html" in Links(tmp_path / "index.html").targets
    numbers = json.loads((day / "market.json").read_text())
    summary = json.loads((day / "summary.json").read_text())
    assert summary["market"]["notional"] == numbers["meta"]["notional"]
    assert summary["market"]["symbols"] == len(numbers["meta"]["symbols"]) > 1
    own = next(row for row in numbers["symbols"] if row["symbol"] == "SOLUSDT")
    assert own["notional"] == json.loads((day / "SOLUSDT-24h.json").read_text())["meta"]["notional"]
    market = r"\[The whole market\]\(market\.html\): .* USD of positions was liquidated on .* in the 24h to"
    assert re.search(market, (day / "digest.md").read_text())


def test_an_overview_that_fails_leaves_the_other_pages(
    sample: Path, tmp_path: Path, undrawn: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liqcli.core.errors import DamagedError
    from liqcli.report import overview_results

    def fail(*_arguments: object) -> None:
        raise DamagedError("2 invalid rows")

    monkeypatch.setattr(overview_results, "compute_overview", fail)
    told: list[str] = []
    settings = Settings(("SOLUSDT",), lookbacks=("1h",), out=tmp_path, fetch=False, levels=False)
    result = run_daily(settings, Lake(sample), UNTIL, print, told.append)
    assert "overview: 2 invalid rows" in told
    assert result.summary["market"] is None
    assert "market.html" not in (tmp_path / "index.html").read_text()
    assert check_usable(tmp_path) == 3


def test_without_a_network_one_line_says_so():
    """Two sources that cannot be reached are one problem; where one of them answers, the other is named."""
    from liqcli.daily.fetch import FetchOutcome, _shorten_offline
    from liqcli.net.client import UNREACHED

    lost = f"{UNREACHED}: DNS lookup failed for api.gateio.ws"
    rows = [{"source": name, "troubles": [lost]} for name in ("gate", "htx")]
    found = FetchOutcome(rows, [f"gate: {lost}", f"htx: {lost}"], [f"candles: binance: {lost}", "disk slow"])
    _shorten_offline(found)
    assert found.troubles == [f"no source could be reached: is this machine online? The first: {lost}"]
    assert found.notes == ["disk slow"]
    partly = FetchOutcome([rows[0], {"source": "htx", "troubles": []}], [f"gate: {lost}"])
    _shorten_offline(partly)
    assert partly.troubles == [f"gate: {lost}"]
