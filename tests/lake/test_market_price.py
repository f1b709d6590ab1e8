"""``--price market``: prices other than fills move to the nearest price traded in their minute."""

from __future__ import annotations

import json

import pytest
from factories import HOUR, MINUTE, T0, fill_lake, make_liquidation
from typer.testing import CliRunner

from liqcli.analysis.summary import build_summary
from liqcli.cli import app
from liqcli.core.errors import EmptyWindowError
from liqcli.core.market_data import Candle
from liqcli.lake.market_tables import write_candles
from liqcli.lake.selection import Query, build_selection
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.query.scans import scan_totals

DAY_ONE = ["--since", "2026-03-01T00:00Z", "--until", "2026-03-02T00:00Z"]
BYBIT = {"exchange": "bybit", "source": "tardis", "price_kind": "bankruptcy"}


@pytest.fixture
def store(lake):
    """
    A fill on Gate at 100, and what Bybit and OKX say of the same fall: 99.5 and 99.4, half a percent beyond.

    Bybit has candles of its own (low 99.9), Gate and OKX none, so OKX takes those of Bybit.
    """
    rows = [
        make_liquidation(T0 + HOUR, price=100.0),
        make_liquidation(T0 + HOUR + 1, price=99.5, **BYBIT),
        make_liquidation(T0 + HOUR + 2, price=99.4, **{**BYBIT, "exchange": "okx"}),
        make_liquidation(T0 + 2 * HOUR, price=99.0, position="short", **BYBIT),
    ]
    store = fill_lake(lake, rows)
    write_candles(store, "bybit", "SOLUSDT", "1m", "bybit", [Candle(T0 + HOUR, 100.2, 100.4, 99.9, 100.1, 5.0)])
    return store


def run(store, *words):
    result = CliRunner().invoke(app, [*words, "--lake", str(store.root)])
    assert result.exit_code == 0, result.stderr
    return result


def test_moved_filled_and_kept_are_counted_separately(store):
    with DuckDBEngine() as engine:
        query = Query("SOLUSDT", since="2026-03-01T00:00Z", until="2026-03-02T00:00Z", price="market")
        found = build_selection(engine, store, query).market_prices
        kinds = build_summary(scan_totals(engine)).price_kinds
    assert found is not None
    assert (found.moved, found.filled, found.kept) == (2, 1, 1)
    assert found.basis == ("bybit SOLUSDT 1m",)
    assert kinds == ("bankruptcy", "fill", "market")


@pytest.mark.usefixtures("empty_pictures")
def test_report_aligns_prices_and_states_it(store, tmp_path):
    files = [tmp_path / f"r.{kind}" for kind in ("json", "html", "md", "csv")]
    outputs = [word for path in files for word in ("-o", str(path))]
    run(
        store,
        "heatmap",
        "--symbol",
        "SOLUSDT",
        *DAY_ONE,
        "--bin",
        "0.1",
        "--price",
        "market",
        "--theme",
        "dark",
        *outputs,
    )
    meta = json.loads(files[0].read_text())["meta"]
    assert meta["market_prices"] == {"basis": ["bybit SOLUSDT 1m"], "moved": 2, "filled": 1, "kept": 1}
    assert meta["price"] == "market"
    assert meta["notional"] == pytest.approx(100 + 99.5 + 99.4 + 99.0)  # what was liquidated does not change
    rows = [line.split(",") for line in files[3].read_text().splitlines()[1:]]
    assert [(row[1], row[3], row[6]) for row in rows] == [
        ("99.9", "long", "2"),
        ("100.0", "long", "1"),
        ("99.0", "short", "1"),
    ]
    for path in files[1:3]:
        text = path.read_text()
        assert "prices adjusted to the market" in text
        assert "2 events were moved into the candle of their minute" in text
        assert "--price market" in text  # also in the command that re-makes it


def test_reported_is_the_rule(store, tmp_path):
    path = tmp_path / "r.json"
    run(store, "heatmap", "--symbol", "SOLUSDT", *DAY_ONE, "-o", str(path))
    data = json.loads(path.read_text())
    assert data["meta"]["price"] == "reported"
    assert data["meta"]["market_prices"] is None
    assert data["meta"]["price_kinds"] == ["bankruptcy", "fill"]
    assert "--price" not in data["command"]


@pytest.mark.parametrize("command", ["clusters", "cascades"])
def test_the_other_commands_take_it(store, command):
    said = json.loads(
        run(store, command, "--symbol", "SOLUSDT", *DAY_ONE, "--price", "market", "--format", "json").stdout
    )
    assert said["meta"]["market_prices"]["moved"] == 2


def test_without_candles_the_error_suggests_a_fetch(lake):
    store = fill_lake(lake, [make_liquidation(T0 + HOUR, **BYBIT)])
    write_candles(store, "bybit", "SOLUSDT", "1h", "bybit", [Candle(T0 + HOUR, 1.0, 2.0, 0.5, 1.5, 5.0)])
    with (
        pytest.raises(EmptyWindowError, match="liqcli fetch --kind candles --symbol SOLUSDT"),
        DuckDBEngine() as engine,
    ):
        build_selection(engine, store, Query("SOLUSDT", until="2026-03-02T00:00Z", price="market"))


def test_unknown_price_option_is_rejected(store):
    result = CliRunner().invoke(app, ["clusters", "--symbol", "SOL", "--price", "marked", "--lake", str(store.root)])
    assert result.exit_code == 2
    assert "did you mean market" in result.stderr


def test_an_exchanges_own_candles_come_first(store):
    """Binance's candle of the hour would move Bybit's event to 90; Bybit's own wins for Bybit, Binance's for OKX."""
    candle = Candle(T0 + HOUR, 85.0, 90.0, 80.0, 85.0, 5.0)
    write_candles(store, "binance", "SOLUSDT", "1m", "binance", [candle])
    with DuckDBEngine() as engine:
        query = Query("SOLUSDT", since="2026-03-01T00:00Z", until="2026-03-02T00:00Z", price="market")
        assert build_selection(engine, store, query).market_prices.basis == ("binance SOLUSDT 1m", "bybit SOLUSDT 1m")
        found = engine.run("trace", {"bucket_us": MINUTE})
    assert found["price"].tolist() == [90.0, 99.0]  # the last print of each minute
