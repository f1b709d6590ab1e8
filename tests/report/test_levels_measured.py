"""Measured positions beside an estimate: sums, share of open interest, comparison, and what is left out."""

from __future__ import annotations

import json

import pytest
from factories import HOUR, T0
from test_levels import DAYS, NOW, WINDOW, fill, market

import liqcli
from liqcli.core.errors import EmptyWindowError
from liqcli.core.market_data import OpenInterest
from liqcli.core.positions import OpenPosition
from liqcli.lake.market_tables import write_open_interest
from liqcli.lake.positions import write_positions
from liqcli.lake.store import Lake

pytestmark = pytest.mark.usefixtures("empty_pictures")

END_US = T0 + DAYS * 24 * HOUR
AT_US = END_US - 2 * HOUR
CANDLES = market()[0]
LAST, LOW = CANDLES[-1].close, min(candle.low for candle in CANDLES[-2:])


def held(position, size, liquidation, interest=None):
    return OpenPosition("SOLUSDC", position, size, size * 100.0, 100.0, liquidation, 10.0, interest)


# 40 coins of longs: 10 reached since, 5 that no price liquidates, 25 below; 30 of shorts, 4 of them far above
LONGS = [held("long", 10.0, LOW), held("long", 5.0, None), held("long", 25.0, 0.95 * LOW)]
SHORTS = [held("short", 26.0, 1.08 * LAST), held("short", 4.0, 3.0 * LAST)]


def levels_of(root, rows=(*LONGS, *SHORTS), at_us=AT_US, exchanges=()):
    lake = fill(root)
    write_positions(Lake(root), "hyperliquid", "import", at_us, rows)
    return lake.levels("SOLUSDT", exchanges=exchanges, **WINDOW)


def test_sums_and_shares_by_hand(tmp_path):
    report = levels_of(tmp_path, [row._replace(open_interest=50.0) for row in (*LONGS, *SHORTS)]).report
    measured = report["measured"]
    meta = measured["meta"]
    assert (meta["kind"], meta["symbol"], meta["exchange"]) == ("measured", "SOLUSDC", "hyperliquid")
    assert meta["as_of"] == "2026-03-08T22:00:00Z"
    assert [meta[f"long_{name}"] for name in ("positions", "size", "size_without_price", "covered")] == [3, 40, 5, 0.8]
    assert [meta[f"short_{name}"] for name in ("positions", "size", "size_without_price", "covered")] == [2, 30, 0, 0.6]
    assert meta["long_reached"] == pytest.approx(10 * LOW)
    assert meta["long_notional"] == pytest.approx(25 * 0.95 * LOW)
    assert meta["short_notional"] == pytest.approx(26 * 1.08 * LAST)
    assert meta["short_outside"] == pytest.approx(4 * 3 * LAST)
    assert len(measured["levels"]) == 2
    (row,) = [row for row in measured["levels"] if row["long_notional"]]
    assert row["price_low"] <= 0.95 * LOW < row["price_high"]
    assert measured["largest"]["short"]["notional"] == pytest.approx(26 * 1.08 * LAST)
    assert measured["comparison"] == {"long": None, "short": None}  # too few positions
    assert measured["sentence"] == (
        "measured: 5 positions of hyperliquid SOLUSDC at 2026-03-08 22:00 UTC, 80.0% of the open interest of longs and "
        "60.0% of shorts"
    )
    assert report["levels"] == fill(tmp_path / "without").levels("SOLUSDT", **WINDOW).report["levels"]  # apart


def test_open_interest_of_the_same_exchange_is_used_and_otherwise_the_share_is_unknown(tmp_path):
    unknown = levels_of(tmp_path / "unknown")
    assert unknown.report["measured"]["meta"]["long_covered"] is None
    page = unknown.render("html")
    assert "Measured, not estimated" in page
    assert "their share of open interest is unknown (no open interest of hyperliquid SOLUSDC)" in page
    lake = Lake(tmp_path / "known")
    write_open_interest(lake, "hyperliquid", "SOLUSDC", "import", [OpenInterest(AT_US - HOUR // 2, 80.0, None)])
    assert levels_of(tmp_path / "known").report["measured"]["meta"]["long_covered"] == pytest.approx(0.5)


def test_positions_that_are_old_or_later_or_elsewhere_are_left_out(tmp_path):
    for number, at_us in enumerate((END_US - 49 * HOUR, END_US + 1_000_000)):
        assert levels_of(tmp_path / str(number), at_us=at_us).report["measured"] is None
    assert levels_of(tmp_path / "elsewhere", exchanges="binance").report["measured"] is None


@pytest.mark.slow
def test_an_estimate_agrees_with_positions_that_stand_where_it_says(tmp_path):
    walk = fill(tmp_path / "model").levels("SOLUSDT", **WINDOW).estimate
    then = walk.walk.standing_after(walk.steps.count_until(AT_US) - 1)
    rows = [
        held("long" if side == 0 else "short", float(size), float(price))
        for side, price, size in zip(then.side, then.price, then.contracts, strict=True)
        if size > 0
    ]
    found = levels_of(tmp_path / "same", rows).report["measured"]["comparison"]
    for side in found.values():
        assert side["correlation"] == pytest.approx(1.0)
        assert side["measured_median_pct"] == pytest.approx(side["estimated_median_pct"])
        assert side["top_share"] > 0.4
    moved = [
        row._replace(liquidation_price=row.liquidation_price * (0.9 if row.position == "long" else 1.1)) for row in rows
    ]
    other = levels_of(tmp_path / "moved", moved).report["measured"]["comparison"]
    assert max(side["correlation"] for side in other.values()) < 0.7


def test_the_command_shows_them(tmp_path, run_cli, lake):
    levels_of(lake)
    words = ("--since", "2026-03-07", "--until", NOW)
    done = run_cli("levels", "SOLUSDT", *words, "--format", "json", check=0)
    assert "measured: 5 positions of hyperliquid SOLUSDC" in done.stderr
    assert json.loads(done.stdout)["measured"]["meta"]["kind"] == "measured"


def test_positions_alone_are_named_with_what_is_missing(tmp_path):
    write_positions(Lake(tmp_path), "hyperliquid", "import", AT_US, [*LONGS, *SHORTS])
    with pytest.raises(EmptyWindowError) as error:
        liqcli.Lake(tmp_path).levels("SOL", **WINDOW)
    said = str(error.value)
    assert said.startswith(
        "no candles and open interest of SOL in 2026-03-07 00:00 to 2026-03-09 00:00 UTC: levels are"
    )
    assert "; 5 measured positions of hyperliquid SOLUSDC at 2026-03-08 22:00 UTC in the lake are shown beside" in said
    assert "liqcli fetch --kind candles,open-interest --symbol SOL --since" in said


def test_an_empty_lake_has_no_measured_positions_to_name(tmp_path):
    with pytest.raises(EmptyWindowError) as error:
        liqcli.Lake(tmp_path).levels("SOL", **WINDOW)
    assert "measured" not in str(error.value)
