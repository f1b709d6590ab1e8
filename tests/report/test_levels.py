"""Estimated levels from a lake: inputs, outputs, missing inputs, and no look-ahead."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, T0, fill_lake, make_liquidation

import liqcli
from liqcli.core.errors import EmptyWindowError
from liqcli.core.market_data import Candle, OpenInterest
from liqcli.lake.market_tables import write_candles, write_open_interest

pytestmark = pytest.mark.usefixtures("empty_pictures")

DAYS = 8
NOW = "2026-03-09T00:00:00Z"  # T0 is 2026-03-01
WINDOW = {"since": "2026-03-07", "until": NOW}


def market(days=DAYS, price=100.0):
    """Hourly candles that swing by 10 %, and open interest that grows by day and shrinks by night."""
    rng = np.random.default_rng(5)
    n = 24 * days
    close = price * np.exp(0.1 * np.sin(np.arange(n) / 9) + np.cumsum(rng.normal(0, 0.004, n)))
    before = np.concatenate([[price], close[:-1]])
    candles = [
        Candle(
            T0 + k * HOUR, before[k], 1.003 * max(before[k], close[k]), 0.997 * min(before[k], close[k]), close[k], 5.0
        )
        for k in range(n)
    ]
    coins = 1e4 * (1 + 0.2 * np.sin(np.arange(n + 1) / 4))
    values = np.concatenate([[price], close]) * coins
    interest = [OpenInterest(T0 + k * HOUR, coins[k], values[k]) for k in range(n + 1)]
    return candles, interest


def fill(root, candles=None, interest=None, rows=(), symbol="SOLUSDT", exchange="binance"):
    lake = fill_lake(root, rows)
    whole = market()
    write_candles(lake, exchange, symbol, "1h", exchange, whole[0] if candles is None else candles)
    if interest := (whole[1] if interest is None else interest):
        write_open_interest(lake, exchange, symbol, exchange, interest)
    return liqcli.Lake(root)


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("lake")).levels("SOLUSDT", **WINDOW)


def test_the_document_has_the_promised_keys(levels):
    report = json.loads(levels.render("json"))
    meta = report["meta"]
    assert (meta["symbol"], meta["kind"], meta["as_of"], meta["calibrated"]) == ("SOLUSDT", "estimated", NOW, False)
    assert sum(meta["weights"].values()) == pytest.approx(1)
    assert list(meta["weights"]) == ["5", "10", "25", "50", "100"]
    assert "assumed" in meta["tiers_source"]
    assert meta["tiers_date"] is None
    coins, price = market()[1][-1].open_interest, market()[0][-1].close
    assert meta["open_interest"] == pytest.approx(coins * price)
    assert meta["open_interest_basis"] == "binance SOLUSDT"
    assert set(report["levels"][0]) == {"price_low", "price_high", "long_notional", "short_notional"}
    for word in ("nearest", "largest"):
        assert report[word]["long"]["price_low"] < meta["last_price"] < report[word]["short"]["price_high"]


def test_all_outputs_add_up_to_the_same_levels(levels, tmp_path):
    report = levels.report
    total = sum(row["long_notional"] for row in report["levels"])
    assert total == pytest.approx(report["meta"]["long_notional"])
    for position in ("long", "short"):
        row = report["accounting"][position]
        assert row["standing"] + row["unplaced"] == pytest.approx(row["open_interest"])
    reached = [row["long_notional"] for row in report["reach"] if row["long_notional"] is not None]
    assert reached == sorted(reached)
    rows = list(csv.DictReader(io.StringIO(levels.render("csv"))))
    assert list(rows[0]) == ["bucket_start", "price_low", "price_high", "position", "estimated_notional"]
    (path,) = levels.save(tmp_path / "levels.parquet")
    table = pq.read_table(path)
    assert table.column_names == list(rows[0])
    assert table.num_rows == len(rows)
    assert sum(table["estimated_notional"].to_pylist()) == pytest.approx(
        levels.field.long_notional.sum() + levels.field.short_notional.sum()
    )


def test_everything_is_marked_as_estimated(levels):
    from liqcli.report.levels_figure import build_spec, describe_levels

    page = levels.render("html")
    assert "<title>SOLUSDT estimated liquidation levels" in page
    assert "estimated, not realized" in page
    assert "<script" not in page
    assert "http" not in page.split("<main>")[1].replace("http-equiv", "")
    assert describe_levels(levels.data).startswith("Estimated, not realized")
    spec = build_spec(levels.data)
    assert "estimated" in spec.title
    assert "not realized" in spec.subtitle
    assert repr(levels).startswith("<Levels SOLUSDT at 2026-03-09 00:00 UTC, estimated: ")


def test_the_same_lake_gives_the_same_bytes(levels, tmp_path):
    again = fill(tmp_path).levels("SOLUSDT", **WINDOW)
    for suffix in ("json", "csv"):
        assert levels.render(suffix) == again.render(suffix)


def test_later_data_change_nothing(levels, tmp_path):
    """Two more days of data after the window do not change its levels."""
    candles, interest = market(DAYS + 2)
    rows = [make_liquidation(T0 + 9 * DAY + k * 60_000_000, 120.0, exchange="binance") for k in range(300)]
    whole = fill(tmp_path / "whole", candles, interest, rows)
    short = fill(tmp_path / "short", candles[: 24 * DAYS], interest[: 24 * DAYS + 1])
    assert whole.levels("SOLUSDT", **WINDOW).render("json") == short.levels("SOLUSDT", **WINDOW).render("json")


def test_realized_orders_before_the_window_calibrate(tmp_path):
    rows = [
        make_liquidation(
            T0 + HOUR * (5 + k % 130) + 1_000_000 * k,
            100.0,
            exchange="binance",
            position="long" if k % 2 else "short",
            qty=10.0,
        )
        for k in range(400)
    ]
    found = fill(tmp_path, rows=rows).levels("SOLUSDT", **WINDOW)
    meta = found.report["meta"]
    assert meta["calibrated"]
    assert meta["calibration"]["orders"] == 400
    assert meta["calibration"]["end"] == "2026-03-07T00:00:00Z"
    assert meta["weights_long"] != meta["weights_short"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"interest": ()}, r"no open interest of SOLUSDT .* liqcli fetch --kind open-interest --symbol SOLUSDT"),
        ({"interest": market()[1][:20]}, "no open interest with candles"),
        ({"candles": market()[0][-1:]}, "no second candle"),
    ],
)
def test_missing_inputs_are_one_sentence(tmp_path, change, words):
    if change.get("interest") == ():
        lake = liqcli.Lake(tmp_path)
        write_candles(lake._store, "binance", "SOLUSDT", "1h", "binance", market()[0])
    else:
        lake = fill(tmp_path, **change)
    with pytest.raises(EmptyWindowError, match=words) as error:
        lake.levels("SOLUSDT", **WINDOW)
    assert "levels" in str(error.value)


def test_no_candles_are_named(tmp_path):
    lake = liqcli.Lake(tmp_path)
    write_open_interest(lake._store, "binance", "SOLUSDT", "binance", market()[1])
    with pytest.raises(EmptyWindowError, match=r"no candles of SOLUSDT .* --kind candles"):
        lake.levels("SOLUSDT", **WINDOW)


def test_a_listing_in_the_middle_is_hatched_and_said(tmp_path):
    candles, interest = market()
    cut = 24 * 7  # a day into the window of two days
    found = fill(tmp_path, candles[cut:], interest[cut:]).levels("SOLUSDT", **WINDOW)
    assert found.report["meta"]["notes"][0].startswith("candles with open interest start at 2026-03-08 00:00 UTC")
    assert not found.field.known[: np.searchsorted(found.field.starts_us, T0 + 7 * DAY)].any()
    assert found.field.long_notional[:, ~found.field.known].sum() == 0


def test_open_interest_in_usd_only(tmp_path):
    interest = [one._replace(open_interest=None) for one in market()[1]]
    found = fill(tmp_path, interest=interest).levels("SOLUSDT", **WINDOW)
    assert found.report["meta"]["open_interest_unit"] == "usd"
    assert found.report["meta"]["long_notional"] > 0


def test_inverse_contracts(tmp_path):
    found = fill(tmp_path, symbol="BTCUSD").levels("BTCUSD", **WINDOW)
    meta = found.report["meta"]
    assert meta["contract_kind"] == "inverse"
    assert meta["open_interest"] == pytest.approx(market()[1][-1].open_interest_usd)


def test_gaps_are_said(tmp_path):
    candles, interest = market()
    holed = candles[: 24 * 5] + candles[24 * 5 + 7 :]
    found = fill(tmp_path, holed, interest).levels("SOLUSDT", **WINDOW)
    assert found.report["meta"]["notes"] == [
        "1 gap in the candles; what opened there has no estimated level",
        *found.report["meta"]["notes"][1:],
    ]


def test_the_price_axis_can_be_chosen(tmp_path):
    found = fill(tmp_path).levels("SOLUSDT", price_range="80:120", bin="2", **WINDOW)
    edges = found.field.price_edges
    np.testing.assert_array_equal(edges, np.arange(80.0, 121, 2))
    meta = found.report["meta"]
    standing = found.estimate.standing
    assert meta["long_notional"] + meta["long_outside"] == pytest.approx(standing.notional[standing.side == 0].sum())


def test_tiers_of_the_lake_are_used_and_dated(tmp_path):
    from liqcli.core.margin_tiers import MarginTier
    from liqcli.lake.margin_tiers import write_margin_tiers

    lake = fill(tmp_path)
    write_margin_tiers(lake._store, "binance", T0 + DAY, [MarginTier("SOLUSDT", 0.0, 0.01, 0.0, 30.0)])
    meta = lake.levels("SOLUSDT", **WINDOW).report["meta"]
    assert (meta["tiers_source"], meta["tiers_date"]) == ("binance SOLUSDT snapshot", "2026-03-02")
    assert list(meta["weights"]) == ["5", "10", "25"]  # at most 30x
    write_margin_tiers(lake._store, "binance", T0 + 20 * DAY, [MarginTier("SOLUSDT", 0.0, 0.02, 0.0, 20.0)])
    assert lake.levels("SOLUSDT", **WINDOW).report["meta"]["tiers_date"] == "2026-03-02"


@pytest.fixture(scope="module")
def with_events(tmp_path_factory):
    rows = [make_liquidation(T0 + 6 * DAY + k * HOUR, 100.0, exchange="binance", qty=50.0) for k in range(24)]
    return fill(tmp_path_factory.mktemp("events"), rows=rows)


def test_a_report_has_levels_only_where_asked(with_events, tmp_path):
    plain = with_events.heatmap("SOLUSDT", theme="dark", sections="brief,data", **WINDOW)
    asked = with_events.heatmap("SOLUSDT", levels=True, theme="dark", sections="brief,data", **WINDOW)
    assert "levels" not in plain.report
    estimated = asked.report["levels"]
    alone = with_events.levels("SOLUSDT", **WINDOW).report
    assert estimated["levels"] == alone["levels"]
    assert {k: v for k, v in asked.report.items() if k not in ("levels", "command", "content_hash")} == {
        k: v for k, v in plain.report.items() if k not in ("command", "content_hash")
    }
    assert "--levels" in asked.report["command"]
    score = estimated["score"]
    assert (score["start"], score["end"], score["verdict"]) == ("2026-02-07T00:00:00Z", NOW, "too little data")
    scored = with_events.score_levels("SOLUSDT", until=NOW, lookback="30d")
    assert score["sentence"] == scored.sentence
    assert (score["days"], score["events"]) == (scored.report["days"], scored.report["events"])
    page, text = tmp_path / "r.html", tmp_path / "r.md"
    asked.save(page, text)
    html = page.read_text()
    assert '<h2 id="levels">Estimated levels</h2>' in html
    assert "estimates only in their own section" in html
    assert "realized liquidations, no estimates" not in html
    assert "## Estimated levels" in text.read_text()
    for written in (html, text.read_text()):
        assert f"Score of such levels, each day against what was liquidated after it: {score['sentence']}." in written
    assert (tmp_path / "r-levels.png").exists()
    plain.save(page)
    assert 'id="levels"' not in page.read_text()
    assert "realized liquidations, no estimates" in page.read_text()


def test_a_report_without_open_interest_says_why_it_has_no_levels(tmp_path):
    rows = [make_liquidation(T0 + 6 * DAY + k * HOUR, 100.0) for k in range(24)]
    lake = fill_lake(tmp_path / "lake", rows)
    found = liqcli.Lake(lake.root).heatmap("SOLUSDT", levels=True, theme="dark", **WINDOW)
    reason = found.report["levels"]["reason"]
    assert reason.startswith("no candles and open interest of SOLUSDT in 2026-03-07 00:00 to 2026-03-09 00:00 UTC")
    found.save(tmp_path / "r.html")
    assert f"No estimate: {reason}." in (tmp_path / "r.html").read_text()


def test_open_interest_of_another_exchange_is_said(tmp_path):
    rows = [make_liquidation(T0 + k * HOUR, 100.0, exchange="bybit") for k in range(3)]
    meta = fill(tmp_path, rows=rows).levels("SOLUSDT", exchanges="bybit", **WINDOW).report["meta"]
    assert meta["open_interest_basis"] == "binance SOLUSDT"
    assert "no open interest on bybit; that of binance SOLUSDT is used instead" in meta["notes"]
