"""The whole market on recorded data: sums held against the known answers, and against the symbols' own reports."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.symbols import normalise_symbol
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report.overview_results import compute_overview
from liqcli.report.results import ViewOptions, compute_results

pytestmark = pytest.mark.usefixtures("empty_pictures")

SETS = {
    "binance-allsymbols-2025-01": ("liquidations.csv", {}, "2025-01-26", "2025-02-07", 221),
    "pacifica-2026-03": (
        "events_utc.csv.gz",
        {
            "exchange": "pacifica",
            "columns": "ts=time_utc,symbol=symbol,position=position,price=price,qty=amount_base",
        },
        "2026-03-15",
        "2026-04-17",
        59,
    ),
}


@pytest.fixture(
    scope="module",
    params=[pytest.param("binance-allsymbols-2025-01", marks=pytest.mark.soak), "pacifica-2026-03"],
)
def recorded(request, real_data, tmp_path_factory):
    """Name of the set, its lake, a query over all of it, and the number of its symbols."""
    file, options, since, until, count = SETS[request.param]
    lake = Lake(tmp_path_factory.mktemp(request.param) / "lake")
    import_files(lake, [real_data / request.param / file], ImportOptions(**options))
    return request.param, lake, Query("", since=f"{since}T00:00Z", until=f"{until}T00:00Z"), count


@pytest.mark.slow
def test_every_symbol_has_its_known_sum(recorded, real_data):
    name, lake, query, count = recorded
    events = json.loads((real_data / "expected.json").read_text())["events"][f"{name}/{SETS[name][0]}"]
    known = events.get("after_event_key_dedup", events)
    overview = compute_overview(lake, query, ViewOptions()).overview
    assert len(overview.liquidated) == count

    def spell(symbol):
        return normalise_symbol(symbol if name.startswith("pacifica") or symbol.endswith("USDC") else f"{symbol}USDT")

    wanted = {spell(symbol): numbers for symbol, numbers in known["by_symbol"].items()}
    for symbol in overview.liquidated:
        assert symbol.summary.sums.events == wanted[symbol.symbol]["rows"]
        assert symbol.notional == pytest.approx(float(wanted[symbol.symbol]["sum_usd"]), abs=1e-3)
    assert overview.summary.sums.notional == pytest.approx(float(known["total"]["sum_usd"]), abs=0.005)


@pytest.mark.soak
def test_every_symbol_has_the_numbers_of_its_own_report(recorded):
    _name, lake, query, _count = recorded
    overview = compute_overview(lake, query, ViewOptions()).overview
    sum_e6 = 0
    for symbol in overview.liquidated:
        own = compute_results(lake, replace(query, symbol=symbol.symbol), GridOptions(), ViewOptions())
        assert symbol.summary == own.summary
        assert symbol.largest.notional == own.summary.sums.largest
        assert [(b.notional, b.events) for b in symbol.cascades.bursts] == [
            (c.notional, c.events) for c in own.cascades
        ]
        sum_e6 += round(own.summary.sums.notional * 1e6)
    assert sum_e6 == round(overview.summary.sums.notional * 1e6)
