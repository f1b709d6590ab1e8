"""The golden cases of ``tests/query/sql`` on Sail, and arithmetic that Spark defines differently."""

from __future__ import annotations

import csv
import json
import random
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from test_sql import TESTED, TYPES, read_header

from liqcli.core.settings import EngineSettings
from liqcli.query.sql import read_query

pytest.importorskip("pyspark", reason="pyspark-client is not installed: make setup installs it")
pytest.importorskip("sqlglot", reason="sqlglot is not installed: make setup installs it")

from liqcli.query.spark_engine import SparkEngine
from liqcli.query.spark_sql import translate

# Rows are written by DuckDB alone; these queries return whole rows of the lake.
CASES = [folder for folder in TESTED if not read_header(folder.parent.name, "gives").startswith("the lake's columns")]


def check_case(engine: SparkEngine, folder: Path) -> None:
    """Check that columns, types and rows are those of DuckDB, in the same order where the query has one."""
    query = folder.parent.name
    params = json.loads((folder / "params.json").read_text(encoding="utf-8"))
    params = {name: float("inf") if value == "Infinity" else value for name, value in params.items()}
    with duckdb.connect() as connection:
        for path in folder.glob("*.csv"):
            if path.name == "expected.csv":
                continue
            relation = read_header(query, "reads").split(" ")[0] if path.stem == "input" else path.stem
            with path.open(encoding="utf-8", newline="") as handle:
                names = next(csv.reader(handle))
            rows = connection.read_csv(str(path), dtype={name: TYPES.get(name, "VARCHAR") for name in names})
            rows.create_view(relation)
            engine.register(relation, rows.to_arrow_table())
        expected = connection.sql(read_query(query), params=params).to_arrow_table()
    found = engine._plan(query, params).toArrow()
    assert found.column_names == expected.column_names
    rows, wanted = ([str(row) for row in table.to_pylist()] for table in (found, expected))  # as text: NaN equals NaN
    if read_header(query, "order").startswith("none"):
        rows, wanted = sorted(rows), sorted(wanted)
    assert rows == wanted
    same = pa.types.is_integer  # numpy gets 64 bits of each
    assert all(a == b or (same(a) and same(b)) for a, b in zip(found.schema.types, expected.schema.types, strict=True))


def check_numbers(engine: SparkEngine) -> None:
    """
    Check that doubles become the same decimals, integers and times as in DuckDB.

    ``1.005 * 100`` is below 100.5 as a double but ``1.005`` is not as text: DuckDB takes the product, Spark the text.

    Also halves of the eighth place, doubles above 2^53 in units of it, rests of both signs, and what no BIGINT holds.
    """
    pick = random.Random(12)
    numbers = [pick.random() * 10 ** pick.uniform(-9, 15) for _ in range(300)]
    numbers += [round(number, pick.randint(0, 12)) for number in numbers]
    numbers += [(pick.randint(0, 10**9) * 2 + 1) / 2e8 for _ in range(100)]
    numbers += [1.005e-6, 2.0**63, -(2.0**63), 9.2e18, 1e30, float("nan"), float("inf"), 0.49999999999999994]
    statement = """
        WITH stated AS (
            SELECT
                ts,
                x,
                CASE WHEN ABS(x) < 1e20 THEN x ELSE 0 END AS y,
                CAST(CASE WHEN ABS(x) < 1e20 THEN x ELSE 0 END AS DECIMAL(38, 8)) AS d
            FROM numbers
        ),
        rests AS (
            SELECT ts, x, d, y - CAST(d AS DOUBLE) AS rest
            FROM stated
        ),
        summed AS (
            SELECT MOD(EPOCH_US(ts), 7) AS part, SUM(d) AS d, SUM(CAST(rest AS DECIMAL(38, 20))) AS rest
            FROM rests
            GROUP BY MOD(EPOCH_US(ts), 7)
        )
        SELECT EPOCH_US(ts) AS us, TRY_CAST(ROUND(x * 10) AS BIGINT) AS whole, CAST(d AS DOUBLE) AS a, rest AS b
        FROM rests
        UNION ALL
        SELECT part, NULL, CAST(d AS DOUBLE), CAST(rest AS DOUBLE)
        FROM summed
        ORDER BY us, whole, a, b
    """
    table = pa.table({"ts": pa.array(range(len(numbers)), pa.timestamp("us")), "x": numbers})
    engine.register("numbers", table)
    with duckdb.connect() as connection:
        connection.register("numbers", table)
        expected = connection.sql(statement).to_arrow_table()
    found = engine._spark.sql(translate(statement).text).toArrow()
    assert found.num_rows == len(numbers) + 7
    assert found.to_pylist() == expected.to_pylist()


def check_weights(engine: SparkEngine) -> None:
    """Check that 20,000 amounts, each in a bin of its own, are halved by age to the same 1e-6 USD as in DuckDB."""
    draw = random.Random(4)
    count, newest_us, half_life_us = 20_000, 10**15, 21_600_000_000.0
    columns = {
        "ts_us": [newest_us - draw.randrange(60 * 21_600_000_000) for _ in range(count)],
        "exchange": ["gate"] * count,
        "position": ["long"] * count,
        "price": [float(place) for place in range(count)],
        "notional_e6": [int(10 ** draw.uniform(6, 18)) for _ in range(count)],
    }
    rows = pa.table(columns)
    params = {"bin_num": 1.0, "bin_den": 1.0, "price_low": 0.0, "price_high": float(count)}
    params |= {"newest_us": newest_us, "half_life_us": half_life_us}
    with duckdb.connect() as connection:
        connection.register("liquidations", rows)
        wanted = connection.sql(read_query("cluster_bins"), params=params).to_arrow_table()["recent_e6"].to_pylist()
    engine.register("liquidations", rows)
    assert engine._plan("cluster_bins", params).toArrow()["recent_e6"].to_pylist() == wanted
    for place in range(0, count, 50):
        ts_us, notional_e6, recent_e6 = columns["ts_us"][place], columns["notional_e6"][place], wanted[place]
        exact = notional_e6 * Decimal(2) ** (Decimal(ts_us - newest_us) / Decimal(half_life_us))
        assert abs(recent_e6 - exact) <= Decimal("0.5") + exact * Decimal("4e-15")  # half-lives are exact to 2^-48


@pytest.fixture(scope="module")
def engine(sail):
    with SparkEngine(EngineSettings(sail), Path("/")) as engine:
        yield engine


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_case(engine, folder) -> None:
    check_case(engine, folder)


def test_doubles_become_the_same_decimals_integers_and_times(engine) -> None:
    check_numbers(engine)


def test_amounts_are_halved_by_age_alike(engine) -> None:
    check_weights(engine)


def test_a_query_names_the_tables_that_it_reads() -> None:
    assert translate("WITH a AS (SELECT x FROM b) SELECT a.x FROM a JOIN c ON a.x = c.x").tables == {"b", "c"}
