"""The tables of one database are separate imports, although their bytes are the same."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from liqcli.cli import app
from liqcli.lake.store import Lake

COLUMNS = "ts TEXT, symbol TEXT, position TEXT, price REAL, qty REAL"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Table ``orders`` has 2 events of 100 and 200 USD; ``fills`` has 3 of 10, 20 and 30 USD, one row without price."""
    path = tmp_path / "bot.db"
    tables = {"orders": [100, 200], "fills": [10, 20, 30, None]}
    with sqlite3.connect(path) as connection:
        for table, prices in tables.items():
            connection.execute(f"CREATE TABLE {table} ({COLUMNS})")
            rows = [(f"2024-03-01T00:0{i}:00Z", "BTCUSDT", "long", price, 1) for i, price in enumerate(prices)]
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    return path


def run(path: Path, lake: Path, table: str, *more: str, code: int = 0) -> Result:
    words = ["import", str(path), "--table", table, "--lake", str(lake), *(more or ("--exchange", "x"))]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result


def prices(lake: Path) -> list[float]:
    parts = Lake(lake).partitions()
    return sorted(row["price"] for part in parts for row in pq.ParquetFile(part.path(lake)).read().to_pylist())


def test_the_second_table_is_imported_and_the_same_again_is_known(database, lake):
    assert "2 rows · 2 stored" in run(database, lake, "orders").stdout
    assert "4 rows · 3 stored · 1 rejected" in run(database, lake, "fills", code=6).stdout
    assert prices(lake) == [10, 20, 30, 100, 200]
    assert "2 rows · 0 new · 2 already stored" in run(database, lake, "orders").stdout
    assert "4 rows · 0 new · 3 already stored · 1 rejected" in run(database, lake, "fills", code=6).stdout
    assert len(list((lake / "rejected").iterdir())) == 1, "the clean table removed the list of the other"


def test_other_options_for_one_table_are_still_refused(database, lake):
    run(database, lake, "orders")
    run(database, lake, "fills", code=6)
    other = run(database, lake, "orders", "--exchange", "y", code=2)
    assert "then with --exchange x, now with --exchange y" in other.stderr
    assert prices(lake) == [10, 20, 30, 100, 200]


def test_an_older_log_names_the_table_in_the_options_alone(database, lake):
    """Older versions logged a database under the hash of its bytes."""
    run(database, lake, "orders")
    path = lake / "imports.json"
    log = json.loads(path.read_text())
    log["files"] = {key.partition(":")[0]: entry for key, entry in log["files"].items()}
    path.write_text(json.dumps(log))
    assert run(database, lake, "orders", "--exchange", "y", code=2).exit_code == 2
    run(database, lake, "fills", code=6)
    assert "2 rows · 0 new · 2 already stored" in run(database, lake, "orders").stdout
    assert sorted(key.partition(":")[2] for key in json.loads(path.read_text())["files"]) == ["fills", "orders"]
