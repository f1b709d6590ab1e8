"""Quarterlies among perpetuals: in the base's figures, named with their share; apart from the perpetual's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import RunCli
from factories import T0, fill_lake, make_liquidation

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.formatting import format_iso
from liqcli.core.market_data import Candle
from liqcli.lake.market_tables import write_candles
from liqcli.lake.selection import Query
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake
from liqcli.report.results import ViewOptions, compute_results

pytestmark = pytest.mark.usefixtures("empty_pictures")

PERPETUAL, QUARTERLY = "SOLUSDT", "SOLUSDT-260626"
SPAN = ("--since", format_iso(T0 - 1_000_000), "--until", format_iso(T0 + 60_000_000))
CAPTION = "includes dated futures, whose prices differ: SOLUSDT-260626 (25% of the USD)"


@pytest.fixture
def filled(lake: Path) -> Path:
    """300 USD of the perpetual, 100 USD of the quarterly: a quarter of the whole."""
    rows = [make_liquidation(T0 + n, price=100, qty=1) for n in range(3)]
    dated = make_liquidation(T0 + 5, price=102, qty=100 / 102, symbol=QUARTERLY, instrument="SOLUSDT_260626")
    fill_lake(lake, [*rows, dated._replace(notional=100.0)])
    return lake


@pytest.mark.parametrize(
    ("word", "symbols", "usd", "last"),
    [
        ("SOL", [PERPETUAL, QUARTERLY], 400, 100),
        ("SOLUSDT", [PERPETUAL], 300, 100),
        ("SOL_260626", [QUARTERLY], 100, 102),
        ("SOLUSDT_260626", [QUARTERLY], 100, 102),
        ("SOL-USDT-260626", [QUARTERLY], 100, 102),
        ("SOLUSDT-26JUN26", [QUARTERLY], 100, 102),
    ],
)
def test_what_a_word_means(
    run_cli: RunCli, filled: Path, word: str, symbols: list[str], usd: float, last: float
) -> None:
    """The last price of all contracts is the perpetual's, though the quarterly's print is newer."""
    done = run_cli("clusters", "--symbol", word, *SPAN, "--format", "json", check=0)
    meta = json.loads(done.stdout)["meta"]
    assert (meta["symbols"], meta["notional"], meta["last_price"]) == (symbols, usd, last)
    mixed = len(symbols) > 1
    wanted = [{"symbol": QUARTERLY, "events": 1, "notional": 100.0, "share": 0.25}] if mixed else []
    assert meta["dated"] == wanted
    assert (CAPTION in done.stderr) == mixed


def test_reports_and_pictures_say_it(run_cli: RunCli, filled: Path, tmp_path: Path) -> None:
    page, text = tmp_path / "sol.html", tmp_path / "sol.md"
    env = {"LIQCLI_HEATMAP_THEME": "dark", "LIQCLI_HEATMAP_SECTIONS": "brief,map,data"}
    run_cli("heatmap", "--symbol", "SOL", *SPAN, "-o", str(page), "-o", str(text), env=env, check=0)
    for path in (page, text):
        assert CAPTION in path.read_text(encoding="utf-8")
        assert "Dated futures" in path.read_text(encoding="utf-8")
    run_cli("heatmap", "--symbol", "SOLUSDT", *SPAN, "-o", str(page), env=env, check=0)
    assert "dated futures" not in page.read_text(encoding="utf-8")


def test_the_candles_of_all_contracts_are_the_perpetuals(filled: Path) -> None:
    """A file brought candles of both; okx's quarterly holds more USD here, and still trades at a price of its own."""
    store = Lake(filled)
    with Staging(store) as staging:
        staging.add(make_liquidation(T0 + 7, price=102, qty=100, symbol=QUARTERLY, exchange="okx", source="okx"))
        staging.commit(1)
    for exchange, symbol, close in (("gate", PERPETUAL, 100.0), ("okx", QUARTERLY, 102.0)):
        write_candles(store, exchange, symbol, "1m", "made", [Candle(T0, close, close, close, close, None)])
    query = Query("SOL", since=SPAN[1], until=SPAN[3])
    findings = compute_results(store, query, GridOptions(), ViewOptions())
    assert (findings.last.price, findings.last.kind) == (100.0, "candle")


def test_fetch_says_how_a_dated_contract_gets_into_the_lake(run_cli: RunCli, lake: Path) -> None:
    done = run_cli("fetch", "--symbol", "BTCUSDT_261225", "--lookback", "1h", check=2)
    assert "BTCUSDT-261225 is a dated contract, and fetch supports only perpetuals" in done.stderr
