"""Contents of the lake, row by row."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from factories import HOUR, MINUTE, T0, fill_lake, make_liquidation

from liqcli.core.market_data import Candle, OpenInterest
from liqcli.lake.market_tables import write_candles, write_open_interest
from liqcli.lake.status import build_status, list_unconfirmed, status_record
from liqcli.lake.store import Lake


def build(lake):
    rows = [
        make_liquidation(T0, notional=0.1),
        make_liquidation(T0 + 31 * 24 * HOUR, notional=0.2),  # April: a second file
        make_liquidation(T0 + HOUR, notional=5.0, exchange="okx", source="okx"),
    ]
    windows = [(T0, T0 + HOUR, "complete"), (T0 + 2 * HOUR, T0 + 4 * HOUR, "complete")]
    store = fill_lake(lake, rows, {("gate", "SOLUSDT", "gate"): windows})
    write_candles(
        store, "gate", "SOLUSDT", "1m", "gate", [Candle(T0, 1, 1, 1, 1, None), Candle(T0 + MINUTE, 1, 1, 1, 1, 2)]
    )
    write_open_interest(store, "gate", "SOLUSDT", "gate", [OpenInterest(T0 + HOUR, 5.0, None)])
    return store


def test_coverage_that_is_not_known_is_no_share(lake):
    windows = [(T0, T0 + HOUR, "inferred"), (T0 + 2 * HOUR, T0 + 3 * HOUR, "unknown")]
    store = fill_lake(lake, [make_liquidation(T0)], {("gate", "SOLUSDT", "gate"): windows})
    ((row,), _) = build_status(store)
    assert (row.coverage, row.gaps) == (None, ((T0 + HOUR, T0 + 2 * HOUR),))


def test_unconfirmed_time_is_neither_covered_nor_a_gap(lake):
    """Of four hours two are covered, one is a gap, and in one the stream was silent."""
    windows = [
        (T0, T0 + HOUR, "complete"),
        (T0 + HOUR, T0 + 2 * HOUR, "unconfirmed"),
        (T0 + 3 * HOUR, T0 + 4 * HOUR, "complete"),
    ]
    store = fill_lake(lake, [make_liquidation(T0)], {("gate", "SOLUSDT", "gate"): windows})
    ((row,), _) = build_status(store)
    assert (row.coverage, row.gaps) == (0.5, ((T0 + 2 * HOUR, T0 + 3 * HOUR),))
    assert row.unconfirmed == ((T0 + HOUR, T0 + 2 * HOUR),)
    (said,) = list_unconfirmed([row])
    assert said.startswith("gate SOLUSDT: 1 h of gate unconfirmed, last until 2026-03-01 02:00 UTC: connected, but")


def test_rows_by_hand(lake):
    store = build(lake)
    rows, damaged = build_status(store)
    assert damaged == []
    sizes = {
        kind: sum(p.path(lake).stat().st_size for p in store.partitions(kind) if p.exchange == "gate")
        for kind in ("liquidations", "candles", "open_interest")
    }
    gate, okx, candles, interest = map(status_record, rows)
    assert gate == {
        "exchange": "gate",
        "symbol": "SOLUSDT",
        "source": "gate",
        "kind": "liquidations",
        "first": "2026-03-01T00:00:00Z",
        "last": "2026-04-01T00:00:00Z",
        "events": 2,
        "notional": 0.3,
        "coverage": 0.75,  # 3 of the 4 hours between the first and the last remembered instant
        "gaps": [{"start": "2026-03-01T01:00:00Z", "end": "2026-03-01T02:00:00Z", "seconds": 3600.0}],
        "files": 2,
        "bytes": sizes["liquidations"],
        "counted": 1.0,
        "unconfirmed": [],
    }
    assert (okx["exchange"], okx["coverage"], okx["gaps"], okx["notional"]) == ("okx", None, [], 5)
    assert (candles["kind"], candles["events"], candles["last"]) == ("candles 1m", 2, "2026-03-01T00:01:00Z")
    assert (candles["notional"], candles["bytes"]) == (None, sizes["candles"])
    assert (interest["kind"], interest["first"], interest["bytes"]) == (
        "open-interest",
        "2026-03-01T01:00:00Z",
        sizes["open_interest"],
    )


def test_an_empty_lake_holds_nothing(lake):
    assert build_status(Lake(lake)) == ([], [])


def test_damaged_files_are_named_and_the_rest_listed(lake):
    store = build(lake)
    broken = [
        next(p.path(lake) for p in store.partitions() if p.exchange == "okx"),
        store.partitions("candles")[0].path(lake),
    ]
    for path in broken:
        path.write_bytes(b"PAR1 no")
    rows, damaged = build_status(store)
    assert damaged == broken
    assert [(row.exchange, row.kind) for row in rows] == [("gate", "liquidations"), ("gate", "open-interest")]


def test_when_every_liquidation_file_is_damaged_the_rest_is_still_listed(lake):
    store = build(lake)
    broken = [p.path(lake) for p in store.partitions()]
    for path in broken:
        path.write_bytes(b"")
    rows, damaged = build_status(store)
    assert damaged == broken
    assert [row.kind for row in rows] == ["candles 1m", "open-interest"]


def test_a_file_with_other_types_adds_up_with_the_others(lake):
    """Somebody wrote whole USD as integers, in a file that comes first: 7 + 0.1 + 0.2 + 5."""
    store = build(lake)
    path = store.partitions()[0].path(lake)
    table = pq.read_table(path, partitioning=None)
    place = table.schema.get_field_index("notional")
    foreign = path.with_name("aaa.parquet")
    pq.write_table(table.set_column(place, "notional", pa.array([7] * len(table), pa.int64())), foreign)
    rows, damaged = build_status(store)
    assert damaged == []
    assert [row.notional for row in rows if row.kind == "liquidations"] == [7.0, 0.3, 5.0]


def test_a_damaged_page_of_candles_is_named(lake):
    """The footer is whole, so it shows only when rows are read."""
    store = build(lake)
    path = store.partitions("candles")[0].path(lake)
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(content[:4] + b"\xaa" * (len(content) - 4 - footer) + content[-footer:])
    rows, damaged = build_status(store)
    assert damaged == [path]
    assert [row.kind for row in rows] == ["liquidations", "liquidations", "open-interest"]
