"""Sums of one pass over files: exactly what the SQL files give, or none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from row_files import DAY, EXCHANGES, T0, WINDOW, assert_same, make_rows, scan, write

from liqcli.analysis.heatmap import GridOptions, choose_fine_axes, plan_grid
from liqcli.core.model import BinWidth
from liqcli.query import price_ticks
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.query.file_parts import FilePart
from liqcli.query.file_sums import sum_files
from liqcli.query.scans import scan_heatmap, scan_profile, scan_totals


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("options", "position", "min_usd", "cut"),
    [
        (GridOptions(), "both", 0.0, False),
        (GridOptions(bin=BinWidth(3, 10), bucket_us=3_600_000_000), "short", 0.0, True),
        (GridOptions(bins=7, price_low=95.05, price_high=101.3), "both", 50.0, False),
        (GridOptions(price_low=99.95), "long", 0.0, True),
    ],
    ids=["plain", "short", "range", "low"],
)
def test_sums_are_those_of_the_sql_files(tmp_path, seed, options, position, min_usd, cut) -> None:
    rows = [make_rows(2 * seed + k) for k in range(2)]
    interval = (T0 + DAY // 3, T0 + 2 * DAY) if cut else (0, 2**62)
    parts = []
    for exchange, table in zip(EXCHANGES, rows, strict=True):
        write(tmp_path / f"{exchange}.parquet", table)
        parts.append(FilePart(tmp_path / f"{exchange}.parquet", exchange, "SOLUSDT", [interval] if cut else None))
    sums = sum_files(parts, lambda low, high: choose_fine_axes(WINDOW, options, low, high), position, min_usd)
    assert sums is not None
    with DuckDBEngine() as engine:
        scan(engine, [((e, t), interval) for e, t in zip(EXCHANGES, rows, strict=True)], position, min_usd)
        assert_same(sums.totals, scan_totals(engine))
        profile = scan_profile(engine)
        assert_same(sums.profile, profile)
        plan = plan_grid(profile, WINDOW, options)
        axes = plan.bucket_us, plan.bin, plan.price_low, plan.price_high
        assert_same(sums.sum_cells(*axes), scan_heatmap(engine, *axes))


def sum_one(path, rows, **options):
    write(path, rows)
    axes = GridOptions(**options)
    part = FilePart(path, "gate", "SOLUSDT", None)
    return sum_files([part], lambda low, high: choose_fine_axes(WINDOW, axes, low, high), "both", 0.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"qty": math.nan}, {"qty": math.inf}, {"qty": -1.0}, {"notional": 0.0}, {"notional": 1e10}, {"notional": None},
        {"qty": 1e8}, {"position": "buy"}, {"source": "okx"}, {"completeness": "sampled"}, {"price": -3.0},
    ],
    ids=str,
)  # fmt: skip
def test_other_rows_are_left_to_the_sql_files(tmp_path, changes) -> None:
    """One row of 900 is invalid, too large for exact doubles, or has another word than the rest of its row group."""
    rows = make_rows(1)
    assert sum_one(tmp_path / "a.parquet", rows) is not None
    for name, value in changes.items():
        column = [rows[name]] * 900 if isinstance(rows[name], str) else rows[name].tolist()
        column[450] = value
        rows[name] = column
    assert sum_one(tmp_path / "b.parquet", rows) is None


def test_cells_cut_by_a_price_or_a_bin_are_left_to_the_sql_files(tmp_path) -> None:
    """Fine bins are 0.05 wide: 0.1 consists of whole ones, 0.03 does not; 99.92 cuts 99.9 to 99.95, 99.9 nothing."""
    sums = sum_one(
        tmp_path / "a.parquet", make_rows(3) | {"price": np.tile([99.91, 99.93, 100.5], 300)}, bin=BinWidth(5, 100)
    )
    bucket_us = sums.axes.bucket_us
    assert sums.sum_cells(bucket_us, BinWidth(1, 10), 99.9, math.inf).events.sum() == 900
    assert sums.sum_cells(bucket_us, BinWidth(1, 10), 100.0, math.inf).events.sum() == 300
    assert sums.sum_cells(bucket_us, BinWidth(1, 10), 99.92, math.inf) is None
    assert sums.sum_cells(bucket_us, BinWidth(3, 100), 0.0, math.inf) is None
    assert sums.sum_cells(2 * bucket_us, BinWidth(1, 10), 0.0, math.inf) is None


@pytest.mark.parametrize("axes", [{"bin": BinWidth(1, 10_000)}, {"bucket_us": 1_000_000}], ids=["bin", "bucket"])
def test_a_grid_that_takes_too_much_memory_is_left_to_the_sql_files(tmp_path, axes) -> None:
    """Prices from 90 to 110 in steps of 0.0001, or three days in steps of a second: 2 and 7 GB per thread."""
    assert sum_one(tmp_path / "a.parquet", make_rows(1), **axes) is None


def test_many_prices_between_ticks_are_joined(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(price_ticks, "MOST_WAITING", 100)
    rows = make_rows(5) | {"price": np.tile(100 + np.arange(300) / 7, 3)}
    sums = sum_one(tmp_path / "a.parquet", rows)
    assert sums.profile.price.tolist() == (100 + np.arange(300) / 7).tolist()
    assert sums.profile.events.tolist() == [3] * 300
