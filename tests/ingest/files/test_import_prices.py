"""Which price of two is taken, and what a blank average means."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from liqcli.cli import app
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.summary import FileSummary
from liqcli.lake.store import Lake

HEAD = "ts,symbol,position,price,average_price,qty"
FRAME = (
    '{"e":"forceOrder","o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"2","p":"60000","ap":%s,"X":"FILLED",'
    '"l":"2","z":"2","T":170925120%d000}}'
)


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def import_one(store: Lake, path: Path, **options) -> FileSummary:
    (file,) = import_files(store, [path], ImportOptions(**{"exchange": "x", **options})).files
    if file.error:
        raise file.error
    return file


def put(folder: Path, *averages: str) -> Path:
    path = folder / "a.csv"
    rows = [f"2024-03-01T00:0{minute}:00Z,BTCUSDT,long,60000,{cell},2" for minute, cell in enumerate(averages)]
    path.write_text("\n".join([HEAD, *rows]))
    return path


def stored(store: Lake) -> list[tuple[float, str, float]]:
    rows = []
    for part in store.partitions():
        rows += pq.ParquetFile(part.path(store.root)).read().to_pylist()
    return [(row["price"], row["price_kind"], row["notional"]) for row in rows]


def test_the_average_is_the_fill_and_not_the_limit(store, tmp_path):
    """2 coins at 60,100 paid are 120,200 USD; the limit of 60,000 is not used."""
    file = import_one(store, put(tmp_path, "60100"))
    assert stored(store) == [(60_100, "fill", 120_200)]
    assert file.remark == ""
    assert any("average_price" in note and "columns used" in note for note in file.notes)


@pytest.mark.parametrize("blanks", [("None", "None"), ("", ""), ("0", "0.00"), ("nan", "null")])
@pytest.mark.parametrize("columns", [None, "price=average_price"])
def test_a_column_of_blank_averages_gives_way_to_the_orders_price(store, tmp_path, blanks, columns):
    """2 x 60,000 = 120,000 USD a row, as an order's price, and said in the line of the file."""
    path = put(tmp_path, *blanks)
    done = CliRunner().invoke(
        app,
        ["import", str(path), "--exchange", "x", "--lake", str(store.root)]
        + (["--columns", columns] if columns else []),
    )
    assert done.exit_code == 0
    assert stored(store) == [(60_000, "order", 120_000)] * 2
    said = "average_price is blank in every row: using the order price (price, price_kind=order)"
    assert said in done.stdout
    assert "price_kind (fill)" not in done.stderr


def test_one_average_and_the_blank_rows_are_refused(store, tmp_path):
    file = import_one(store, put(tmp_path, "", "60100", "0"))
    assert (file.new, file.rejected) == (1, 2)
    assert stored(store) == [(60_100, "fill", 120_200)]


def test_frames_without_an_average_have_the_orders_price(store, tmp_path):
    path = tmp_path / "a.jsonl"
    cells = ('"60100"', '"None"', '"0"', "null", '""', "0")
    path.write_text("\n".join(FRAME % (cell, second) for second, cell in enumerate(cells)))
    file = import_one(store, path)
    assert (file.new, file.rejected) == (6, 0)
    assert sorted(stored(store)) == [*[(60_000, "order", 120_000)] * 5, (60_100, "fill", 120_200)]
    assert file.remark == "5 rows without an average price, at the order price (price_kind=order)"


def test_symbols_without_a_quote_are_reported(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ts,symbol,position,price,qty\n2024-03-01T00:00:00Z,BTC,long,60000,1\n")
    said = "no quote in 1 symbol (BTC): reports on BTCUSDT do not include it; pass --symbol BTCUSDT or --quote USDT"
    assert any(note.startswith(said) for note in import_one(store, path).notes)
    file = import_one(store, path, quote="USDT", replace=True)
    assert not any("--quote" in note for note in file.notes)
    assert file.symbols == ("BTCUSDT",)


def run(store: Lake, path: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["import", str(path), "--exchange", "x", "--lake", str(store.root), *more])


def test_the_orders_price_that_is_named_beside_blank_averages_stays_an_orders_price(store, tmp_path):
    """2 x 60,000 = 120,000 USD, as without --columns; and the line of columns says what was taken."""
    done = run(store, put(tmp_path, "None", "None"), "--columns", "price=price")
    assert stored(store) == [(60_000, "order", 120_000)] * 2
    assert "price=price (average_price is blank in every row)" in done.stderr
    assert "price=average_price" not in done.stderr
    assert "average_price is blank in every row: using the order price (price, price_kind=order)" in done.stdout


def test_the_orders_price_that_is_named_beside_averages_is_no_fill(store, tmp_path):
    done = run(store, put(tmp_path, "60100"), "--columns", "price=price")
    assert stored(store) == [(60_000, "order", 120_000)]
    assert "price is the order price, average_price the fill price (price_kind=order)" in done.stdout


def test_a_price_kind_that_is_named_wins(store, tmp_path):
    run(store, put(tmp_path, "60100"), "--columns", "price=price,price_kind=:trigger")
    assert stored(store) == [(60_000, "trigger", 120_000)]


def test_a_price_alone_is_taken_for_a_fill(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ts,symbol,position,price,qty\n2024-03-01T00:00:00Z,BTCUSDT,long,60000,2\n")
    run(store, path, "--columns", "price=price")
    assert stored(store) == [(60_000, "fill", 120_000)]


def test_the_same_bytes_with_another_price_kind_are_not_counted_twice(store, tmp_path):
    """Rows that differ in price_kind alone are two rows to the lake: 120,000 USD would become 240,000."""
    path = put(tmp_path, "60100")
    assert run(store, path, "--columns", "price=price,price_kind=:fill").exit_code == 0
    for columns, shown in (
        ("price=price", "then with --columns price_kind=:fill, now with --columns price_kind=:order"),
        ("price=price,price_kind=:fill,completeness=:full", "then without --columns, now with"),
    ):
        done = run(store, path, "--columns", columns)
        assert done.exit_code == 2
        assert "counted twice" in done.stderr
        assert shown in done.stderr
    assert stored(store) == [(60_000, "fill", 120_000)]
    assert run(store, path, "--columns", "price=price", "--replace").exit_code == 0
    assert stored(store) == [(60_000, "order", 120_000)]


def test_options_that_differ_are_named_as_they_are_typed(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ts,symbol,position,price,qty\n2024-03-01T00:00:00Z,BTC,long,60000,2\n")
    assert run(store, path).exit_code == 0
    done = run(store, path, "--quote", "USDC", "--drop-near-repeats")
    assert done.exit_code == 2
    assert "then without --quote, now with --quote USDC" in done.stderr
    assert "then without --drop-near-repeats, now with --drop-near-repeats" in done.stderr
    assert "None" not in done.stderr


@pytest.mark.parametrize(
    ("columns", "offered"),
    [
        ("price=price", "--columns price_kind=:bankruptcy,completeness=:full)"),
        ("price=price,price_kind=:order", "pass, for example, --columns completeness=:full)"),
        ("price=price,completeness=:full", "pass, for example, --columns price_kind=:bankruptcy)"),
        ("price=price,completeness=:full,price_kind=:fill", ""),
    ],
)  # fmt: skip
def test_only_what_is_assumed_is_offered(store, tmp_path, columns, offered):
    path = tmp_path / "a.csv"
    path.write_text("ts,symbol,position,price,qty\n2024-03-01T00:00:00Z,BTCUSDT,long,60000,2\n")
    done = run(store, path, "--columns", columns)
    assert offered in done.stderr
    assert (", assumed: " in done.stderr) == bool(offered)


def test_columns_that_are_numbers_are_shown_with_the_first_rows_values(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("2024-03-01T00:00:00.000Z,XRPUSDT,Buy,2.00,10\n2024-03-01T00:00:01.000Z,XRPUSDT,Sell,2.10,10\n")
    done = run(store, path, "--no-header", "--columns", "ts=1,symbol=2,position=3:buy-is-long,price=4,qty=5")
    assert (
        "columns used: ts=1 (2024-03-01T00:00:00.000Z), symbol=2 (XRPUSDT), position=3:buy-is-long (Buy), "
        "price=4 (2.00), qty=5 (10)"
    ) in done.stderr
    assert len(stored(store)) == 2  # the row that is shown is stored too


def test_candles_without_column_names_are_shown_too(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("2024-03-01T00:00:00Z,1,2,1,2,5\n2024-03-01T00:01:00Z,2,3,2,3,5\n")
    columns = "ts=1,open=2,high=3,low=4,close=5,volume=6,interval=:1m"
    done = run(store, path, "--no-header", "--kind", "candles", "--symbol", "BTCUSDT", "--columns", columns)
    assert "columns used: ts=1 (2024-03-01T00:00:00Z), open=2 (1), high=3 (2)" in done.stderr


@pytest.mark.parametrize(("exchange", "quote"), [("hyperliquid", "USDC"), ("x", "USDT")])
def test_the_quote_that_is_offered_is_the_exchanges(store, tmp_path, exchange, quote):
    path = tmp_path / "a.csv"
    path.write_text("ts,symbol,position,price,qty\n2024-03-01T00:00:00Z,BTC,long,60000,1\n")
    file = import_one(store, path, exchange=exchange)
    assert any(f"pass --symbol BTC{quote} or --quote {quote} (or" in note for note in file.notes)


def test_open_interest_of_a_bare_base_is_pointed_out(store, tmp_path):
    path = tmp_path / "oi.csv"
    path.write_text("ts,open_interest\n2024-03-01T00:00:00Z,5\n")
    said = "no quote in 1 symbol (BTC): reports on BTCUSDT do not include it; pass --symbol BTCUSDT or --quote USDT"
    coins = ("--columns", "open_interest=open_interest")
    done = run(store, path, "--symbol", "BTC", *coins)
    assert said in done.stderr
    assert "(or the actual quote) with --replace" in done.stderr
    done = run(store, path, "--symbol", "BTCUSDT", *coins, "--replace")
    assert done.exit_code == 0
    assert "no quote" not in done.stderr
    assert [p.symbol for p in store.partitions("open_interest")] == ["BTCUSDT"]


def test_a_missing_file_stops_all_of_them(store, tmp_path):
    path = put(tmp_path, "60100")
    done = run(store, path, str(tmp_path / "missing.csv"))
    assert done.exit_code == 2
    assert "missing.csv: no such file; nothing was imported" in done.stderr
    assert not list(store.partitions())
