"""Sums of a second pass over files, and events found by their statistics: exactly what the SQL files give."""

from __future__ import annotations

import math

import numpy as np
import pytest
from row_files import DAY, T0, WINDOW, assert_same, make_rows, scan, write

from liqcli.analysis.heatmap import GridOptions, choose_fine_axes
from liqcli.core.model import BinWidth
from liqcli.query import file_details, scans
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.query.file_details import list_jobs, sum_details
from liqcli.query.file_extremes import find_largest_events, find_last_prints
from liqcli.query.file_parts import FilePart
from liqcli.query.file_sums import FileSums, sum_files

HOUR = 3_600_000_000
MIDDLE = T0 + 300_500_000  # inside a second
ALL = (0, 2**62)


def in_ten_minutes(seed: int, order: str = "rising") -> dict[str, object]:
    """Rows of which several share a second, also across row groups."""
    ts = np.sort(T0 + np.random.default_rng(seed).integers(0, 600_000_000, 900))
    return make_rows(seed, ts=ts if order == "rising" else ts[::-1])


TABLES = {
    "two exchanges": [("gate", make_rows(1), ALL), ("okx", make_rows(2), ALL)],
    "orders": [("gate", in_ten_minutes(3), ALL), ("okx", in_ten_minutes(4), ALL)],
    "falling": [("gate", in_ten_minutes(5, "falling"), ALL)],
    "two sources": [
        ("gate", in_ten_minutes(6), (0, MIDDLE)),
        ("gate", in_ten_minutes(7) | {"source": "tardis"}, (MIDDLE, 2**62)),
    ],
    "two price kinds": [("gate", make_rows(8), ALL), ("okx", make_rows(9) | {"price_kind": "bankruptcy"}, ALL)],
}


def sum_tables(folder, tables, position: str = "both", min_usd: float = 0.0) -> FileSums:
    parts = []
    for number, (exchange, rows, interval) in enumerate(tables):
        write(folder / f"{number}.parquet", rows)
        parts.append(
            FilePart(folder / f"{number}.parquet", exchange, "SOLUSDT", None if interval is ALL else [interval])
        )

    def choose(low, high):
        return choose_fine_axes(WINDOW, GridOptions(), low, high)

    return sum_files(parts, choose, position, min_usd)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    ("position", "min_usd", "width", "low", "high"),
    [
        ("both", 0.0, BinWidth(1, 100), 0.0, math.inf),
        ("short", 500.0, BinWidth(3, 10), 0.0, math.inf),
        ("both", 0.0, BinWidth(1, 20), 97.03, 101.5),
    ],
    ids=["all", "short", "range"],
)
def test_details_are_those_of_the_sql_files(tmp_path, name, position, min_usd, width, low, high) -> None:
    tables = TABLES[name]
    sums = sum_tables(tmp_path, tables, position, min_usd)
    details = sum_details(sums, WINDOW, HOUR, width, low, high)
    with DuckDBEngine() as engine:
        scan(engine, [((e, rows), interval) for e, rows, interval in tables], position, min_usd)
        assert_same(details.minutes, scans.scan_minutes(engine))
        assert_same(details.bins, scans.scan_cluster_bins(engine, width, low, high, 0, None))
        assert details.extent == scans.scan_extent(engine, low, high)
        for steps in ((300_000_000, 0), (HOUR, DAY)):
            assert_same(details.sum_hours(*steps), scans.scan_hours(engine, *steps))
        for last in (100.0, 99.3, 120.0, 80.0):
            rings = last, BinWidth(1, 200), low, high
            assert_same(details.sum_rings(*rings), scans.scan_rings(engine, *rings))
        edges = [width.edge(details.bins.bin[0] + k) for k in (0, 3, 7, 20)]
        bands = [(max(edges[0], low), edges[1]), (edges[1], edges[2]), (edges[2], edges[3])]
        inside = "SELECT * FROM liquidations WHERE price >= ? AND price < ?"
        engine.register("liquidations", engine.run_statement(inside, [low, high]))
        assert details.count_active(bands) == scans.scan_active_buckets(engine, bands, HOUR)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("position", "min_usd"), [("both", 0.0), ("long", 2000.0)], ids=["all", "long"])
def test_last_and_largest_events_are_those_of_the_sql_files(tmp_path, name, position, min_usd) -> None:
    tables = TABLES[name]
    sums = sum_tables(tmp_path, tables, position, min_usd)
    with DuckDBEngine() as engine:
        scan(engine, [((e, rows), interval) for e, rows, interval in tables], position, min_usd)
        assert_same(find_last_prints(sums), scans.scan_last_prints(engine))
        assert_same(find_largest_events(sums), scans.scan_largest(engine))


def test_of_several_last_and_largest_events_the_sql_files_order_decides(tmp_path) -> None:
    """Two exchanges end in the same instant; the largest amount occurs four times."""
    rows = make_rows(1, 300)
    rows["ts"][-3:] = rows["ts"][-1]
    rows["notional"][[5, 9, -2, -1]] = 9e6
    tables = [("okx", rows, ALL), ("gate", {**rows, "price": rows["price"] + 1}, ALL)]
    sums = sum_tables(tmp_path, tables)
    with DuckDBEngine() as engine:
        scan(engine, [((e, rows), interval) for e, rows, interval in tables], "both", 0.0)
        assert_same(find_last_prints(sums), scans.scan_last_prints(engine))
        assert_same(find_largest_events(sums), scans.scan_largest(engine))
    assert find_largest_events(sums).exchange.tolist() == ["gate"]
    assert find_last_prints(sums).price.tolist() == [max(rows["price"][-2:]) + 1]


def test_only_row_groups_that_can_hold_the_event_are_read(tmp_path, monkeypatch) -> None:
    """Four row groups of 250 rows; the last ends last, and the second has the largest event."""
    rows = make_rows(1)
    rows["notional"][300] = 9e6
    sums = sum_tables(tmp_path, [("gate", rows, ALL)])
    read = []
    batches = file_details.iter_batches
    monkeypatch.setattr(
        "liqcli.query.file_extremes.iter_batches",
        lambda stored, columns: read.append(stored.number) or batches(stored, columns),
    )
    assert find_last_prints(sums).ts_us.tolist() == [rows["ts"][-1]]
    assert find_largest_events(sums).notional_e6.tolist() == [9_000_000_000_000]
    assert read == [3, 1]


def test_row_groups_that_may_share_an_order_are_one_job(tmp_path) -> None:
    """Groups of 250 rows: on gate all in one minute, so neighbours share a second; on okx a second apart each."""
    gate = make_rows(1, 500) | {"ts": T0 + np.arange(500) * 110_000}
    okx = make_rows(2, 500) | {"ts": T0 + np.arange(500) * 1_000_000}
    sums = sum_tables(tmp_path, [("gate", gate, ALL), ("okx", okx, ALL)])
    jobs = [[(stored.group.exchange, stored.number) for stored in job] for job in list_jobs(sums.groups)]
    assert jobs == [[("gate", 0), ("gate", 1)], [("okx", 0)], [("okx", 1)]]


@pytest.mark.parametrize("limit", ["MOST_CELLS", "MOST_ACTIVE", "MOST_MINUTES"])
def test_details_that_take_too_much_memory_are_left_to_the_sql_files(tmp_path, monkeypatch, limit) -> None:
    sums = sum_tables(tmp_path, TABLES["orders"])
    assert sum_details(sums, WINDOW, HOUR, BinWidth(1, 10), 0.0, math.inf) is not None
    monkeypatch.setattr(file_details, limit, 30)
    assert sum_details(sums, WINDOW, HOUR, BinWidth(1, 10), 0.0, math.inf) is None
