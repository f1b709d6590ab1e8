"""Windows with more events than are loaded into memory: their files are scanned instead, with the same results."""

from __future__ import annotations

import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation

from liqcli.analysis.clusters import ClusterOptions
from liqcli.analysis.heatmap import GridOptions
from liqcli.core.errors import DamagedError, LakeError
from liqcli.lake import event_selection
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.document import build_document
from liqcli.report.results import ViewOptions, compute_results

WINDOW_QUERIES = {
    "totals", "price_profile", "heatmap", "last_prints", "symbol_largest", "hours", "cumulative", "symbol_minutes",
    "price_extent", "cluster_bins", "active_buckets", "cascade_prices",
}  # fmt: skip
HALF_OF_MARCH = {"since": "2026-03-01T00:00Z", "until": "2026-03-16T00:00Z"}


@pytest.fixture
def store(lake) -> Lake:
    """Gate in one whole file; OKX up to the window's end and beyond; Bybit from two sources that take turns."""
    rows = []
    for k in range(400):
        at, side = T0 + k * 50 * MINUTE, "long" if k % 3 else "short"
        price = 100 + k % 40 / 4
        rows.append(make_liquidation(at, price, 10 + k % 7, position=side))
        rows.append(
            make_liquidation(T0 + 20 * k * HOUR // 10, price, 3 + k % 5, exchange="okx", source="okx", position=side)
        )
        for source in ("bybit", "tardis"):
            rows.append(make_liquidation(at + MINUTE, price, 5, exchange="bybit", source=source, position=side))
    rows += [make_liquidation(T0 + 5 * DAY + k * 2_000_000, 104, 50) for k in range(24)]  # a cascade
    half = T0 + 7 * DAY
    memories = {
        ("gate", "SOLUSDT", "gate"): [(T0, T0 + 15 * DAY, "complete")],
        ("bybit", "SOLUSDT", "bybit"): [(T0, half, "complete")],
        ("bybit", "SOLUSDT", "tardis"): [(half, T0 + 15 * DAY, "complete")],
    }
    return fill_lake(lake, rows, memories)


def document(store: Lake, **changes):
    query = Query("SOLUSDT", **{**HALF_OF_MARCH, **changes})
    return build_document(compute_results(store, query, GridOptions(), ViewOptions(), ClusterOptions()))


@pytest.mark.parametrize(
    "changes", [{}, {"position": "short"}, {"min_usd": 1000.0}, {"exchanges": ("gate",)}, {"until": "latest"}], ids=str
)
def test_files_give_what_a_table_gives(store, monkeypatch, changes) -> None:
    loaded = document(store, **changes)
    assert len(loaded["cascades"]) == (0 if "position" in changes else 1)
    tables, queries = [], []
    run = DuckDBEngine.run
    monkeypatch.setattr(DuckDBEngine, "load", lambda self, name, view: tables.append(name))
    monkeypatch.setattr(
        DuckDBEngine, "run", lambda self, query, params=None: queries.append(query) or run(self, query, params)
    )
    monkeypatch.setattr(event_selection, "MOST_LOADED", 0)
    assert document(store, **changes) == loaded
    assert tables == []
    assert set(queries) & WINDOW_QUERIES <= {"cascade_prices"}  # the rest is summed in two passes


def test_a_file_that_is_replaced_between_two_scans_is_named(store, monkeypatch) -> None:
    monkeypatch.setattr(event_selection, "MOST_LOADED", 0)
    results = compute_results(store, Query("SOLUSDT", **HALF_OF_MARCH), GridOptions(), ViewOptions())
    path = next(p for p in store.partitions() if p.exchange == "gate").path(store.root)
    copy = path.with_suffix(".new")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    with pytest.raises(LakeError, match=r"gate\.parquet: replaced by another process while it was read; run the comm"):
        _ = results.cascades


def test_more_usd_than_an_integer_holds_is_refused(lake) -> None:
    """Two exchanges with 500 orders of 9.3 billion USD each are 9.3 trillion; 2^63 millionths are 9.22 trillion."""
    rows = [make_liquidation(T0 + k, 1000.0, 9_300_000.0) for k in range(500)]
    store = fill_lake(lake, [*rows, *(row._replace(exchange="okx", source="okx") for row in rows)])
    with pytest.raises(DamagedError, match=r"add up to 9,300,000,000,000 USD, more than can be summed exactly \(9,22"):
        document(store)
