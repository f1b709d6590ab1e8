"""Quarterlies among perpetuals: in the base's figures, named with their share; apart from the perpetual's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import RunCli
from factories import T0, fill_lake, make_liquidation

from liqcli.core.formatting import format_iso

PERPETUAL, QUARTERLY = "SOLUSDT", "SOLUSDT-260626"
SPAN = ("--since", format_iso(T0 - 1_000_000), "--until", format_iso(T0 + 60_000_000))
CAPTION = "includes dated futures, which trade at their own prices: SOLUSDT-260626 (25 % of the USD)"


@pytest.fixture
def filled(lake: Path) -> Path:
    """300 USD of the perpetual, 100 USD of the quarterly: a quarter of the whole."""
    rows = [make_liquidation(T0 + n, price=100, qty=1) for n in range(3)]
    dated = make_liquidation(T0 + 5, price=102, qty=100 / 102, symbol=QUARTERLY, instrument="SOLUSDT_260626")
    fill_lake(lake, [*rows, dated._replace(notional=100.0)])
    return lake


@pytest.mark.parametrize(
    ("word", "symbols", "usd"),
    [
        ("SOL", [PERPETUAL, QUARTERLY], 400),
        ("SOLUSDT", [PERPETUAL], 300),
        ("SOL_260626", [QUARTERLY], 100),
        ("SOLUSDT_260626", [QUARTERLY], 100),
        ("SOL-USDT-260626", [QUARTERLY], 100),
        ("SOLUSDT-26JUN26", [QUARTERLY], 100),
    ],
)
def test_what_a_word_means(run_cli: RunCli, filled: Path, word: str, symbols: list[str], usd: float) -> None:
    done = run_cli("clusters", "--symbol", word, *SPAN, "--format", "json", check=0)
    meta = json.loads(done.stdout)["meta"]
    assert (meta["symbols"], meta["notional"]) == (symbols, usd)
    mixed = len(symbols) > 1
    wanted = [{"symbol": QUARTERLY, "events": 1, "notional": 100.0, "share": 0.25}] if mixed else []
    assert meta["dated"] == wanted
    assert (CAPTION in done.stderr) == mixed


def test_reports_and_pictures_say_it(run_cli: RunCli, filled: Path, tmp_path: Path) -> None:
    page, text = tmp_path / "sol.html", tmp_path / "sol.md"
    run_cli("heatmap", "--symbol", "SOL", *SPAN, "-o", str(page), "-o", str(text), check=0)
    for path in (page, text):
        assert CAPTION in path.read_text(encoding="utf-8")
        assert "Dated futures" in path.read_text(encoding="utf-8")
    run_cli("heatmap", "--symbol", "SOLUSDT", *SPAN, "-o", str(page), check=0)
    assert "dated futures" not in page.read_text(encoding="utf-8")


def test_fetch_says_how_a_dated_contract_gets_into_the_lake(run_cli: RunCli, lake: Path) -> None:
    done = run_cli("fetch", "--symbol", "BTCUSDT_261225", "--lookback", "1h", check=2)
    assert "BTCUSDT-261225 is a dated contract, and fetch gets perpetuals only" in done.stderr
