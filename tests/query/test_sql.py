"""
Run every golden case of ``tests/query/sql/<query>/<case>/`` through ``liqcli/query/sql/<query>.sql``.

A case is ``input.csv`` (the single relation of the query's ``reads`` line) or one ``<relation>.csv`` for each,
``params.json``, ``expected.csv``, and ``README.md`` with the arithmetic. Every query needs at least one case; a new
folder is found by itself. ``tests/query/sql/run`` runs these tests alone.
"""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb
import pytest

from liqcli.query.sql import read_query

CASES = Path(__file__).parent / "sql"
QUERIES = Path(__file__).parents[2] / "liqcli/query/sql"
TESTED = sorted(path.parent for path in CASES.glob("*/*/expected.csv"))

_DOUBLES = (
    "price high low open close volume taker_buy qty notional contracts contract_size open_interest open_interest_usd "
    "long_usd short_usd total_usd total_native"
)
_INTEGERS = (
    "copies ts_us start_us end_us first_us last_us step_us notional_e6 burst minute_us band file line pair "
    "interval_s hour_us"
)
TYPES = {
    "ts": "TIMESTAMP",
    "left_out": "BOOLEAN",
    "in_dollars": "BOOLEAN",
    **dict.fromkeys(_DOUBLES.split(), "DOUBLE"),
    **dict.fromkeys(_INTEGERS.split(), "BIGINT"),
}


def read_header(query: str, key: str) -> str:
    found = re.search(rf"^-- {key}  +(\S.*)$", read_query(query), re.MULTILINE)
    assert found, f"{query}.sql: no line '-- {key}'"
    return found[1]


@cache
def connect(threads: int) -> duckdb.DuckDBPyConnection:
    """One database for all cases; each case drops its views."""
    return duckdb.connect(":memory:", config={"threads": threads})


def run_case(folder: Path, threads: int) -> tuple[list[str], list[list[str]], list[str]]:
    """Columns, rows as text, and types."""
    query = folder.parent.name
    params = json.loads((folder / "params.json").read_text(encoding="utf-8"))
    params = {name: float("inf") if value == "Infinity" else value for name, value in params.items()}
    connection, views = connect(threads), []
    try:
        for path in sorted(folder.glob("*.csv")):
            if path.name == "expected.csv":
                continue
            relation = read_header(query, "reads").split(" ")[0] if path.stem == "input" else path.stem
            with path.open(encoding="utf-8", newline="") as handle:
                names = next(csv.reader(handle))
            types = {name: TYPES.get(name, "VARCHAR") for name in names}
            connection.read_csv(str(path), header=True, dtype=types).create_view(relation)
            views.append(relation)
        result = connection.sql(read_query(query), params=params)
        rows = [[show(value) for value in row] for row in result.fetchall()]
        return list(result.columns), rows, [str(kind) for kind in result.types]
    finally:
        for view in views:
            connection.execute(f'DROP VIEW "{view}"')


def show(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("folder", TESTED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_case(folder: Path, threads: int) -> None:
    columns, rows, types = run_case(folder, threads)
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as handle:
        expected = list(csv.reader(handle))
    assert columns == expected[0]
    if read_header(folder.parent.name, "order").startswith("none"):
        rows, expected[1:] = sorted(rows), sorted(expected[1:])
    assert rows == expected[1:]
    # The header's "gives" line says every column with its type.
    gives = read_header(folder.parent.name, "gives")
    if not gives.startswith("the lake's columns"):
        promised = re.findall(r"(\w+) (BIGINT|DOUBLE|VARCHAR|BOOLEAN|TIMESTAMP)\b", gives)
        assert list(zip(columns, types, strict=True)) == promised


@pytest.mark.parametrize("folder", TESTED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_case_has_a_readme(folder: Path) -> None:
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# ")
    assert (QUERIES / f"{folder.parent.name}.sql").is_file()


def test_every_query_has_a_case() -> None:
    queries = {path.stem for path in QUERIES.glob("*.sql")}
    assert queries - {folder.parent.name for folder in TESTED} == set(), "queries without a folder in tests/query/sql"
