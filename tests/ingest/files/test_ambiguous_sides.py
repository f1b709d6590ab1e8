"""What buy and sell mean in a file: asked where the exchange's own feed makes it doubtful, never turned in silence."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from liqcli.cli import app

HEAD = "ts,symbol,side,price,qty"
ROWS = "2024-03-01T00:00:00Z,BTCUSDT,Buy,60000,0.5\n2024-03-01T00:01:00Z,BTCUSDT,Sell,60000,0.1\n"


@pytest.fixture
def feed(tmp_path):
    path = tmp_path / "feed.csv"
    path.write_text(f"{HEAD}\n{ROWS}")
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, args)])


def positions(lake) -> list[str]:
    import pyarrow.parquet as pq

    return [row["position"] for path in lake.rglob("import.parquet") for row in pq.ParquetFile(path).read().to_pylist()]


@pytest.mark.parametrize("exchange", ["bybit", "bitget", "gate", "deribit", "hyperliquid"])
def test_an_ambiguous_side_is_rejected_with_both_options(feed, lake, exchange):
    """The first row says Buy, the second Sell; the message holds the words of both answers."""
    asked = run(feed, "--exchange", exchange, "--columns", "side=side", "--lake", lake)
    assert asked.exit_code == 2
    assert "--columns position=side:buy-is-long" in asked.stderr
    assert "position=side:buy-is-short" in asked.stderr
    assert not (lake / "liquidations").exists()
    words = ("--exchange", exchange, "--lake", lake, "--columns")
    assert run(feed, *words, "position=side:buy-is-long").exit_code == 0
    assert positions(lake) == ["long", "short"]
    other = run(feed, *words, "position=side:buy-is-short")
    assert other.exit_code == 2
    assert "counted twice" in other.stderr
    assert "then buy-is-long, now buy-is-short" in other.stderr
    assert run(feed, *words, "position=side:buy-is-short", "--replace").exit_code == 0
    assert positions(lake) == ["short", "long"]


def test_an_orders_side_is_read_as_one_and_said(feed, lake):
    done = run(feed, "--exchange", "okx", "--columns", "side=side", "--lake", lake)
    assert done.exit_code == 0
    assert "side is read as the order side: sell means that a long was liquidated, buy a short" in done.stderr
    assert positions(lake) == ["short", "long"]


def test_ambiguous_sides_are_checked_row_by_row(tmp_path, lake):
    path = tmp_path / "mixed.csv"
    lines = [f"{line},{name}" for line, name in zip(ROWS.split(), ("bybit", "binance"), strict=True)]
    path.write_text("\n".join([f"{HEAD},exchange", *lines]))
    done = run(path, "--columns", "side=side", "--lake", lake)
    assert done.exit_code == 6
    assert "Buy means that a long was liquidated" in done.stderr
    assert positions(lake) == ["long"]  # Binance's sell


def test_buy_in_a_column_of_positions_leads_to_the_words(feed, lake):
    done = run(feed, "--exchange", "bybit", "--columns", "position=side", "--lake", lake)
    assert done.exit_code == 5
    assert (
        "state the meaning of buy: --columns position=COLUMN:buy-is-long or position=COLUMN:buy-is-short" in done.stderr
    )
    wrong = run(feed, "--exchange", "bybit", "--columns", "position=side:buy-is-up", "--lake", lake)
    assert wrong.exit_code == 2
    assert "'buy-is-up' is neither buy-is-long nor buy-is-short" in wrong.stderr
    nothing = run(feed, "--exchange", "bybit", "--lake", lake)
    assert "position=COLUMN:buy-is-short (as in files of Tardis and CryptoHFTData)" in nothing.stderr
    assert "position=COLUMN:buy-is-long,price_kind=:bankruptcy,completeness=:full" in nothing.stderr


def test_bybits_own_meaning_suggests_what_its_feed_states(feed, lake):
    """liqcli/sources/bybit/stream.py: `p` is the bankruptcy price, and the feed is full."""
    words = ("--exchange", "bybit", "--lake", lake, "--columns")
    own = run(feed, *words, "position=side:buy-is-long")
    assert "Bybit's own feed (allLiquidation) states bankruptcy prices and every liquidation" in own.stderr
    assert "add price_kind=:bankruptcy,completeness=:full to --columns" in own.stderr
    assert "is the opposite" not in own.stderr
    done = run(feed, *words, "position=side:buy-is-long,price_kind=:bankruptcy,completeness=:full", "--replace")
    assert "own feed" not in done.stderr
    other = run(feed, *words, "position=side:buy-is-short", "--replace")
    lines = [
        line
        for line in other.stderr.splitlines()
        if "buy-is-short is the opposite of the exchange's own meaning: Bybit's own feed" in line
    ]
    assert len(lines) == 1


def test_bitgets_feed_is_sampled_and_not_offered_as_full(feed, lake):
    done = run(feed, "--exchange", "bitget", "--lake", lake, "--columns", "position=side:buy-is-long")
    assert "add price_kind=:bankruptcy to --columns" in done.stderr
    assert "completeness=:full" not in done.stderr


def test_the_first_question_names_what_bybit_means(feed, lake):
    done = run(feed, "--exchange", "bybit", "--lake", lake)
    assert "Bybit's own feed states the position side: Buy means that a long was liquidated" in done.stderr
    assert "Bybit's own feed" not in run(feed, "--exchange", "okx", "--lake", lake).stderr


def test_a_feed_of_order_sides_read_as_positions_is_warned_about(tmp_path, lake):
    """Binance writes SELL when a long is liquidated: two longs, one short; the summary counts what was read."""
    path = tmp_path / "orders.csv"
    times = ("SELL", "SELL", "BUY")
    rows = [f"2024-03-01T00:00:0{k}Z,BTCUSDT,{side},60000,0.5" for k, side in enumerate(times)]
    path.write_text("\n".join(["time,symbol,side,price,qty", *rows]))
    words = (path, "--exchange", "binance", "--lake", lake, "--columns")
    wrong = run(*words, "position=side:buy-is-long")
    assert "buy-is-long is the opposite of the exchange's own meaning: Binance's own feed states" in wrong.stderr
    assert "pass position=side:buy-is-short with --replace" in wrong.stderr
    assert "90,000.00 USD · 1 long, 2 shorts" in wrong.stdout
    right = run(*words, "position=side:buy-is-short", "--replace")
    assert "is the opposite" not in right.stderr
    assert "90,000.00 USD · 2 longs, 1 short" in right.stdout
