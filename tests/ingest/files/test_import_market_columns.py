"""Import candles and open interest: units, kinds and columns, forms of files."""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from import_helpers import put
from market_files import (
    BINANCE,
    START,
    bytes_of,
    candles,
    held,
    import_one,
    rejected_of,
    stamp,
)

from liqcli.core.errors import LiqcliError, UsageError
from liqcli.ingest.files.importer import find_kind, import_files
from liqcli.ingest.files.market_columns import detect_kind
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


# ------------------------------------------------------------------------------------------- open interest


@pytest.mark.parametrize(
    ("column", "coins", "usd"),
    [
        ("oi_usd", None, 7e6),
        ("openInterestUsd", None, 7e6),
        ("open_interest_value", None, 7e6),
        ("sumOpenInterest", 7e6, None),
        ("oiCcy", 7e6, None),
        ("open_interest_base", 7e6, None),
    ],
)
def test_a_name_with_a_unit_is_taken(
    store: Lake, tmp_path: Path, column: str, coins: float | None, usd: float | None
) -> None:
    import_one(store, put(tmp_path, "oi.csv", f"time,{column}\n{stamp(0)},7000000\n"), **BINANCE)
    ((row,),) = held(store, "open_interest").values()
    assert (row["open_interest"], row["open_interest_usd"]) == (coins, usd)


@pytest.mark.parametrize("column", ["open_interest", "oi", "openInterest"])
def test_a_name_without_a_unit_needs_an_option(store: Lake, tmp_path: Path, column: str) -> None:
    """Gate calls contracts so, Bybit coins (of inverse ones USD), Hyperliquid coins."""
    path = put(tmp_path, "oi.csv", f"time,{column}\n{stamp(0)},7000\n")
    with pytest.raises(UsageError) as caught:
        import_one(store, path, **BINANCE)
    assert (
        f"pass --columns open_interest={column} if it counts base coins, open_interest_usd={column} if USD, "
        f"contracts={column},contract_size=:SIZE if contracts"
    ) in str(caught.value)
    file = import_one(store, path, **BINANCE, columns=f"contracts={column},contract_size=:0.001")
    assert file.new == 1
    ((row,),) = held(store, "open_interest").values()
    assert (row["open_interest"], row["open_interest_usd"]) == (7.0, None)  # 7,000 x 0.001


def test_dollars_are_not_stored_as_coins(store: Lake, tmp_path: Path) -> None:
    path = put(tmp_path, "oi.csv", f"time,oi_usd,open_interest\n{stamp(0)},7000000,100\n")
    with pytest.raises(UsageError, match="according to its name it holds USD; pass open_interest_usd=oi_usd"):
        import_one(store, path, **BINANCE, columns="open_interest=oi_usd")
    file = import_one(store, path, **BINANCE)
    assert "column open_interest is not used because its unit is unknown" in " ".join(file.notes)
    ((row,),) = held(store, "open_interest").values()
    assert (row["open_interest"], row["open_interest_usd"]) == (None, 7e6)


def test_units_of_inverse_contracts_are_not_certain(store: Lake, tmp_path: Path) -> None:
    """Binance's sumOpenInterest counts contracts of 100 USD there, and sumOpenInterestValue coins."""
    text = f"create_time,symbol,sum_open_interest,sum_open_interest_value\n{stamp(0)},BTCUSD_PERP,5,6\n"
    file = import_one(store, put(tmp_path, "m.csv", text), exchange="binance")
    assert (file.new, file.rejected) == (0, 1)
    assert "may count contracts or coins" in str(rejected_of(file)[0]["reason"])
    path = put(tmp_path, "n.csv", text.replace("sum_", "my_"))
    named = import_one(store, path, exchange="binance", columns="open_interest=my_open_interest_value")
    assert named.new == 1


def test_liqcli_reads_its_own_open_interest(store: Lake, tmp_path: Path) -> None:
    import_one(store, put(tmp_path, "oi.csv", f"time,oi_coins,oi_usd\n{stamp(0)},5,500\n"), **BINANCE)
    path = Partition("open_interest", "binance", "BTCUSDT", "2024-04", "import").path(store.root)
    other = Lake(tmp_path / "other")
    assert import_one(other, path, **BINANCE).new == 1
    assert held(other, "open_interest") == held(store, "open_interest")


def test_open_interest_may_begin_at_zero(store: Lake, tmp_path: Path) -> None:
    text = f"time,oi_coins\n{stamp(0)},0\n{stamp(5)},3\n{stamp(10)},-1\n{stamp(15)},nan\n2010-01-01T00:00:00Z,3\n"
    file = import_one(store, put(tmp_path, "oi.csv", text), **BINANCE)
    assert (file.new, file.rejected) == (2, 3)


# ------------------------------------------------------------------------------------------ kinds and columns


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("time,symbol,position,price,qty", "liquidations"),
        ("Open time,Open,High,Low,Close,Volume", "candles"),
        ("time,open_interest", "open-interest"),
        ("create_time,symbol,sum_open_interest,sum_open_interest_value", "open-interest"),
        ("time,side,price,qty,open_interest", "liquidations"),
        ("time,price,qty", "liquidations"),
    ],
)
def test_the_columns_say_what_a_file_holds(header: str, kind: str) -> None:
    assert detect_kind(header.split(",")) == kind


@pytest.mark.parametrize("header", ["time,open,high,low,close,open_interest", "time,open,high,low,close,side,qty"])
def test_columns_of_two_kinds_need_an_option(tmp_path: Path, header: str) -> None:
    with pytest.raises(UsageError, match="pass --kind candles or --kind"):
        find_kind(put(tmp_path, "a.csv", header + "\n"), ImportOptions())


def test_everything_that_is_missing_is_named_at_once(store: Lake, tmp_path: Path) -> None:
    path = put(tmp_path, "c.csv", "when,o,high,low,close\n1,2,3,4,5\n")
    with pytest.raises(UsageError) as caught:
        import_one(store, path, kind="candles")
    assert str(caught.value) == (
        "no column recognised as ts, open, exchange, symbol: pass --columns ts=COLUMN,open=COLUMN and --exchange NAME "
        "and --symbol NAME; the file has: when, o, high, low, close"
    )
    with pytest.raises(UsageError, match="ts=a,open=b: no such column"):
        import_one(store, path, kind="candles", columns="ts=a,open=b", **BINANCE)
    events = put(tmp_path, "e.csv", "when,symbol,qty\n")
    with pytest.raises(
        UsageError, match=r"^exchange not specified: .*position not specified.*no column recognised as ts, price: pass"
    ):
        import_one(store, events)
    twice = put(tmp_path, "t.csv", "time,open,high,low,close,close\n")
    with pytest.raises(UsageError, match="2 columns are named close"):
        import_one(store, twice, **BINANCE)


# --------------------------------------------------------------------------------------------- forms of files


def test_every_form_and_time_unit_gives_the_same_lake(tmp_path: Path) -> None:
    """ISO text, s, ms and µs; plain, gzip, zip, JSON lines, JSON array, Parquet."""
    names, *lines = (line.split(",") for line in candles(30).split())
    seconds = [int((START + timedelta(minutes=k)).timestamp()) for k in range(30)]
    numbers = [list(map(float, row[1:])) for row in lines]

    def text(unit: int) -> str:
        rows = [[s * unit, *row] for s, row in zip(seconds, numbers, strict=True)]
        return "\n".join(",".join(map(str, row)) for row in (names, *rows))

    entries = [dict(zip(names, [s * 1000, *row], strict=True)) for s, row in zip(seconds, numbers, strict=True)]
    files = [
        put(tmp_path, "iso.csv", candles(30)),
        *(put(tmp_path, f"{unit}.csv", text(unit)) for unit in (1, 1000, 1_000_000)),
        put(tmp_path, "a.csv.gz", gzip.compress(candles(30).encode())),
        put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, entries))),
        put(tmp_path, "a.json", json.dumps(entries)),
    ]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", candles(30))
    moments = [START + timedelta(minutes=k) for k in range(30)]
    columns = list(zip(*numbers, strict=True))
    pq.write_table(pa.table(dict(zip(names, [moments, *columns], strict=True))), tmp_path / "a.parquet")
    files += [tmp_path / "a.zip", tmp_path / "a.parquet"]
    lakes = []
    for number, path in enumerate(files):
        store = Lake(tmp_path / f"lake{number}")
        assert import_one(store, path, **BINANCE).new == 30
        lakes.append(bytes_of(store.root))
    assert all(lake == lakes[0] for lake in lakes)


def test_headers_that_are_repeated_are_refused_rows(store: Lake, tmp_path: Path) -> None:
    file = import_one(store, put(tmp_path, "cat.csv", candles(5) + candles(5, first=5)), **BINANCE)
    assert (file.rows, file.new, file.rejected) == (11, 10, 1)


def test_a_damaged_lake_stops_the_import(store: Lake, tmp_path: Path) -> None:
    import_one(store, put(tmp_path, "1.csv", candles(5)), **BINANCE)
    store.partitions("candles")[0].path(store.root).write_bytes(b"PAR1junk")
    with pytest.raises(LiqcliError, match="verify"):
        import_one(store, put(tmp_path, "2.csv", candles(9)), **BINANCE)


def test_candles_of_a_bare_base_are_reported_as_stand_ins(store, tmp_path):
    path = tmp_path / "candles.csv"
    path.write_text(
        "ts,symbol,open,high,low,close,volume\n2024-03-01T00:00:00Z,BTC,1,1,1,1,1\n2024-03-01T00:01:00Z,BTC,1,1,1,1,1\n"
    )
    (file,) = import_files(store, [path], ImportOptions(exchange="binance", market="futures")).files
    assert any("BTC: their candles are used for" in note for note in file.notes)
    assert not any("--quote" in note for note in file.notes)
