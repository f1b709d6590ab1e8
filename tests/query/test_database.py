"""Connections of one process share a database; their tables, settings and spilled files do not mix."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from liqcli.query.database import Connection

LARGE = "CREATE TABLE large AS SELECT i, repeat('x', 50) || i AS text FROM range(1500000) t (i)"  # over 100 MB


def rows(connection: Connection, statement: str) -> list[tuple[object, ...]]:
    return connection.duckdb.execute(statement).fetchall()


def test_tables_views_and_registered_data_belong_to_one_connection() -> None:
    first, second = Connection({}), Connection({})
    for connection, value in ((first, 1), (second, 2)):
        connection.duckdb.execute(f"CREATE TABLE stored AS SELECT {value} AS x")
        connection.duckdb.table("stored").create_view("seen")
        connection.duckdb.register("given", pa.table({"x": [value]}))
    everything = "SELECT stored.x, seen.x, given.x FROM stored, seen, given"
    assert rows(first, everything) == [(1, 1, 1)]
    second.close()
    assert rows(first, everything) == [(1, 1, 1)]
    first.close()
    third = Connection({})
    with pytest.raises(duckdb.CatalogException):
        rows(third, "FROM stored")
    third.close()


def test_nothing_stays_of_a_closed_connection() -> None:
    second = Connection({})
    databases = "FROM duckdb_databases() SELECT count(*)"
    before = rows(second, databases)
    first = Connection({})
    first.duckdb.execute("CREATE TABLE stored AS SELECT range AS x FROM range(100)")
    with pytest.raises(duckdb.Error):
        second.duckdb.execute("SELECT 1 + 'text'")
    first.close()
    first.close()
    assert rows(second, databases) == before
    second.close()


def test_settings_are_kept_apart() -> None:
    one, two = Connection({"threads": 1}), Connection({"threads": 2})
    threads = "SELECT current_setting('threads')"
    assert (rows(one, threads), rows(two, threads)) == ([(1,)], [(2,)])
    one.close()
    two.close()


def test_a_connection_spills_into_its_folder_and_leaves_nothing(tmp_path: Path) -> None:
    settings = {"threads": 1, "memory_limit": "60MB"}
    for name in ("a", "b"):  # the second one finds a database of another folder
        connection = Connection(settings, tmp_path / name)
        connection.duckdb.execute(LARGE)
        assert any((tmp_path / name).iterdir())
        other = Connection(settings, tmp_path / f"{name}-other")  # while the database is in use
        assert rows(other, "SELECT current_setting('temp_directory')") == [(str(tmp_path / f"{name}-other"),)]
        other.close()
        connection.close()
        assert not (tmp_path / name).exists()
    last = Connection(settings, tmp_path / "c")
    assert rows(last, "SELECT current_setting('temp_directory')") == [(str(tmp_path / "c"),)]
    last.close()


def test_a_forked_process_opens_its_own_database() -> None:
    connection = Connection({})
    child = os.fork()
    if child == 0:
        found = Connection({})
        os._exit(0 if rows(found, "SELECT sum(i) FROM range(1000000) t (i)") == [(499999500000,)] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert rows(connection, "SELECT 1") == [(1,)]
    connection.close()
