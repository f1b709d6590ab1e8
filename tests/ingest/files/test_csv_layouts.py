"""Tables that begin with a stray line, name too few columns or none, or lie in a database: read, or asked about."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from liqcli.core.errors import DamagedError, UsageError
from liqcli.ingest.files.csv_layout import find_layout
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.readers import TextLine
from liqcli.ingest.files.summary import FileSummary
from liqcli.lake.store import Lake

HEAD = "ts,symbol,position,price,qty"
ROWS = ("2024-03-01T00:00:00Z,BTCUSDT,long,60000,0.5", "2024-03-01T00:01:00Z,ETHUSDT,short,3000,2")
WANT = [("BTCUSDT", "long", 60_000.0, 0.5, 30_000.0), ("ETHUSDT", "short", 3_000.0, 2.0, 6_000.0)]
NUMBERS = "ts=1,symbol=2,position=3,price=4,qty=5"


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def put(folder: Path, *lines: str) -> Path:
    path = folder / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def import_one(store: Lake, path: Path, **options) -> FileSummary:
    (file,) = import_files(store, [path], ImportOptions(**{"exchange": "x", **options})).files
    if file.error:
        raise file.error
    return file


def stored(store: Lake) -> list[tuple]:
    rows = []
    for part in store.partitions():
        for row in pq.ParquetFile(part.path(store.root)).read().to_pylist():
            rows.append((part.symbol, row["position"], row["price"], row["qty"], row["notional"]))
    return rows


@pytest.mark.parametrize(
    "lines",
    [
        ("exported 2024-03-02", HEAD, *ROWS),
        ("sep=,", HEAD, *ROWS),
        ("# by a, b", "# for c", HEAD, *ROWS),
        ("# " + HEAD, *ROWS),
        (HEAD, *(f"{row}," for row in ROWS)),
        (HEAD + ",", *ROWS),
        (HEAD, *(f"{row},seen" for row in ROWS)),
        (HEAD, *(f"{number},{row}" for number, row in enumerate(ROWS))),
    ],
    ids=["title", "excel", "comments", "hash", "end", "end-of-first", "last-unnamed", "first-unnamed"],
)
def test_unusual_tables_give_the_same_rows(store, tmp_path, lines):
    file = import_one(store, put(tmp_path, *lines))
    assert (file.rows, file.new, file.rejected) == (2, 2, 0)
    assert stored(store) == WANT


def test_what_is_skipped_or_left_out_is_said(store, tmp_path):
    file = import_one(store, put(tmp_path, "exported 2024-03-02", HEAD, *(f"{row},seen" for row in ROWS)))
    assert "line 1 skipped, not part of the table: 'exported 2024-03-02'" in file.notes
    assert "rows have one cell more than the header; the last cell is ignored" in file.notes


def test_a_cell_that_could_be_any_is_refused(store, tmp_path):
    """With prices all over, a leading and a trailing cell make equal sense: nothing is guessed."""
    lines = [TextLine(number, text) for number, text in enumerate(("a,b,price", "1,1,1,1", "2,2,2,2"), 1)]
    assert find_layout(lines).unnamed == "none"
    file = import_one(store, put(tmp_path, HEAD, ROWS[0], ROWS[1] + ",9"))  # one row alone
    assert (file.new, file.rejected) == (1, 1)


def test_a_table_without_names(store, tmp_path):
    path = put(tmp_path, *ROWS)
    with pytest.raises(
        UsageError,
        match=r"the first line looks like a row.*--no-header and refer to columns by number.*no column",
    ):
        import_one(store, path)
    with pytest.raises(UsageError, match="the first line looks like a row"):
        import_one(store, path, columns=NUMBERS)
    with pytest.raises(UsageError, match="no such column; the file has 5 columns, 1 to 5"):
        import_one(store, path, columns=NUMBERS.replace("qty=5", "qty=6"), no_header=True)
    file = import_one(store, path, columns=NUMBERS, no_header=True)
    assert (file.rows, file.new) == (2, 2)
    assert stored(store) == WANT


def test_candles_without_names(store, tmp_path):
    minutes = [f"2024-03-01T00:0{minute}:00Z,1,2,0.5,1.5" for minute in range(3)]
    words = "ts=1,open=2,high=3,low=4,close=5"
    path = put(tmp_path, *minutes)
    file = import_one(store, path, kind="candles", symbol="BTCUSDT", columns=words, no_header=True)
    assert (file.new, file.rejected) == (3, 0)


def test_a_name_that_stands_twice_is_asked_about(store, tmp_path):
    path = put(tmp_path, HEAD + ",price", *(f"{row},1" for row in ROWS))
    with pytest.raises(UsageError, match="2 columns are named price"):
        import_one(store, path)
    assert import_one(store, path, columns=NUMBERS, no_header=True).new == 2  # its first line is then a refused row


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "events.db"
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE "liq ""x""" (ts TEXT, symbol TEXT, position TEXT, price REAL, qty REAL)')
        rows = [row.split(",") for row in ROWS]
        connection.executemany('INSERT INTO "liq ""x""" VALUES (?, ?, ?, ?, ?)', rows)
    connection.close()
    return path


def test_the_only_table_of_a_database_is_read(store, database):
    before = database.read_bytes()
    file = import_one(store, database)
    assert (file.format, file.new) == ("generic", 2)
    assert 'reading table liq "x"' in file.notes
    assert stored(store) == WANT
    assert database.read_bytes() == before
    assert not database.with_name("events.db-journal").exists()


def test_several_tables_are_listed_and_one_is_named(store, database):
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE candles (ts TEXT)")
        connection.execute("INSERT INTO \"liq \"\"x\"\"\" VALUES (x'ff00', 'BTCUSDT', 'long', 'NaN', 1)")
    connection.close()
    with pytest.raises(UsageError, match=r'has 2 tables \(candles, liq "x"\): pass --table NAME'):
        import_one(store, database)
    with pytest.raises(UsageError, match="no such table"):
        import_one(store, database, table="liq")
    file = import_one(store, database, table='liq "x"')
    assert (file.new, file.rejected) == (2, 1)
    assert json.loads(file.rejected_path.read_text())["line"] == 3


def test_a_damaged_database_is_named(store, database):
    content = bytearray(database.read_bytes())
    content[100:] = bytes(len(content) - 100)
    database.write_bytes(content)
    with pytest.raises(DamagedError, match=r"events\.db: "):
        import_one(store, database)
