"""A real Spark cluster: the results are DuckDB's, its executors compute them, also when one dies in a query."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spark_cluster import WORKERS, start_cluster
from test_spark_sql import CASES, check_case, check_numbers, check_weights

import liqcli
from liqcli.core.settings import EngineSettings
from liqcli.query.spark_engine import SparkEngine

pytestmark = pytest.mark.soak

EVENTS = 500_000  # of each file
T0 = 1_767_225_600_000_000  # 2026-01-01
DAY_US = 86_400_000_000
WINDOW = {"since": "2026-01-01T05:00", "until": "2026-01-21"}


def write_lake(root: Path) -> None:
    """Four exchanges and months of random events, of which the window cuts the first day."""
    rng = np.random.default_rng(5)
    for exchange in ("binance", "bybit", "gate", "okx"):
        price = np.round(100 + np.cumsum(rng.normal(0, 0.01, EVENTS)), 2)
        qty = np.round(rng.lognormal(2, 2, EVENTS), 3) + 0.001
        words = {"price_kind": "fill", "completeness": "full", "source": "import"}
        columns = {
            "ts": pa.array(np.sort(T0 + rng.integers(0, 21 * DAY_US, EVENTS)), pa.timestamp("us")),
            "instrument": pa.array(["SOLUSDT"] * EVENTS),
            "position": pa.array(rng.choice(["long", "short"], EVENTS)),
            "price": pa.array(price),
            "qty": pa.array(qty),
            "notional": pa.array(price * qty),
            "contracts": pa.nulls(EVENTS, pa.float64()),
            "contract_size": pa.nulls(EVENTS, pa.float64()),
            "event_id": pa.nulls(EVENTS, pa.string()),
            **{name: pa.array([word] * EVENTS) for name, word in words.items()},
        }
        path = root / f"liquidations/exchange={exchange}/symbol=SOLUSDT/month=2026-01/import.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=EVENTS // 8)


def save(lake: Path, engine: str, folder: Path, *kinds: str) -> dict[str, bytes]:
    heatmap = liqcli.Lake(lake, engine=engine).heatmap("SOLUSDT", half_life="6h", **WINDOW)
    folder.mkdir()
    heatmap.save(*(folder / f"map.{kind}" for kind in kinds))
    heatmap.results.data.engine.close()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_workers_give_the_same_bytes_also_when_one_is_killed_in_a_query(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    write_lake(lake)
    wanted = save(lake, "duckdb", tmp_path / "near", "csv", "json", "png")
    with start_cluster(tmp_path) as cluster:
        with SparkEngine(EngineSettings(cluster.address), Path("/")) as engine:
            check_numbers(engine)
            check_weights(engine)
            for folder in CASES:
                check_case(engine, folder)
        assert save(lake, cluster.address, tmp_path / "both", "csv", "json", "png") == wanted
        before = len(cluster.read_events())
        killer = threading.Thread(target=cluster.kill_busy_worker)
        killer.start()
        found = save(lake, cluster.address, tmp_path / "one", "csv")
        killer.join()
        events = cluster.read_events()
    assert found == {"map.csv": wanted["map.csv"]}
    done = [event for event in events[:before] if event["Event"] == "SparkListenerTaskEnd"]
    users = {task["Task Info"]["Executor ID"] for task in done if task["Task End Reason"]["Reason"] == "Success"}
    assert len(users) == WORKERS
    (removed,) = (event for event in events if event["Event"] == "SparkListenerExecutorRemoved")
    jobs = {event["Job ID"]: event for event in events if event["Event"] == "SparkListenerJobStart"}
    ends = {event["Job ID"]: event for event in events if event["Event"] == "SparkListenerJobEnd"}
    during = [
        number
        for number, job in jobs.items()
        if job["Submission Time"] <= removed["Timestamp"] <= ends[number]["Completion Time"]
    ]
    assert [ends[number]["Job Result"]["Result"] for number in during] == ["JobSucceeded"]
    lost = [
        task for task in events if task["Event"] == "SparkListenerTaskEnd" and "Lost" in str(task["Task End Reason"])
    ]
    assert {task["Task Info"]["Executor ID"] for task in lost} == {removed["Executor ID"]}
