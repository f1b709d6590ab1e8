"""Staging: rows of files and streams are added once, whatever their order and number."""

from __future__ import annotations

import random

import pyarrow.parquet as pq
import pytest
from factories import (
    ALL_COPIES,
    DAY,
    T0,
    fill_lake,
    make_liquidation,
    read_rows,
    snapshot,
)

from liqcli.lake import staging
from liqcli.lake.merge import UNLIMITED
from liqcli.lake.row_blocks import rows_to_block, sort_block
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake


def prices(lake):
    return [row.price for row in read_rows(lake)]


def test_importing_twice_changes_nothing_and_keeps_identical_rows(lake):
    rows = [make_liquidation(T0 + 5)] * 2 + [make_liquidation(T0 + 9, price=50)]
    fill_lake(lake, rows)
    before = snapshot(lake)
    fill_lake(lake, rows)
    assert snapshot(lake) == before
    assert prices(Lake(lake)) == [100, 100, 50]


def test_overlapping_files_are_not_doubled(lake):
    def row(k):
        return make_liquidation(T0 + k, price=100 + k)

    fill_lake(lake, [row(0), row(1), row(1), row(2)])
    fill_lake(lake, [row(1), row(2), row(2), row(2), row(3)])
    # Row 1 stands twice in the first file, row 2 three times in the second: each as often as in the fuller file.
    assert prices(Lake(lake)) == [100, 101, 101, 102, 102, 102, 103]


def test_rows_that_differ_in_any_column_are_different_events(lake):
    base = make_liquidation()
    changes = [
        {"instrument": "X"}, {"position": "short"}, {"price": 1.0}, {"price_kind": "order"}, {"qty": 2.0},
        {"notional": 3.0}, {"contracts": 1.0}, {"contract_size": 1.0}, {"completeness": "sampled"}, {"event_id": "1"},
        {"ts_us": T0 + 1},
    ]  # fmt: skip
    rows = [base, *(base._replace(**change) for change in changes)]
    fill_lake(lake, rows)
    fill_lake(lake, rows, most_copies=1)
    assert sorted(map(str, read_rows(Lake(lake)))) == sorted(map(str, rows))


def test_most_copies_one_keeps_a_single_of_each(lake):
    fill_lake(lake, [make_liquidation()] * 5 + [make_liquidation(T0 + 1)] * 2, most_copies=1)
    assert [row.ts_us for row in read_rows(Lake(lake))] == [T0, T0 + 1]


def test_order_and_chunks_do_not_matter_for_the_bytes(tmp_path):
    shuffler = random.Random(7)
    rows = [
        make_liquidation(T0 + shuffler.randrange(40 * DAY), price=shuffler.randrange(5), symbol=symbol, event_id=event)
        for symbol in ("SOLUSDT", "BTCUSD")
        for event in (None, "a", "b")
        for _ in range(50)
    ] + [make_liquidation(T0 + 77)] * 4
    fill_lake(tmp_path / "whole", rows)
    expected = snapshot(tmp_path / "whole")
    assert len(expected) == 4  # two symbols, two months
    for seed in range(2):
        random.Random(seed).shuffle(rows)
        fill_lake(tmp_path / f"shuffled{seed}", rows)
        assert snapshot(tmp_path / f"shuffled{seed}") == expected
    # In chunks a row may stand in two of them; as long as no chunk splits twins, nothing changes.
    rows.sort()
    fill_lake(tmp_path / "chunks", rows[:160])
    fill_lake(tmp_path / "chunks", rows[140:])
    assert snapshot(tmp_path / "chunks") == expected


@pytest.mark.parametrize("rows_in_memory", [1, 3, 50])
def test_spilled_rows_give_the_same_bytes(tmp_path, monkeypatch, rows_in_memory):
    shuffler = random.Random(3)
    rows = [
        make_liquidation(T0 + shuffler.randrange(50) * DAY, price=shuffler.randrange(3), symbol=symbol)
        for symbol in ("SOLUSDT", "BTCUSD", "ETHUSDT")
        for _ in range(20)
    ]
    rows += [make_liquidation(T0, exchange="okx", source="okx")]
    fill_lake(tmp_path / "memory", rows)
    monkeypatch.setattr(Staging, "ROWS_IN_MEMORY", rows_in_memory)
    fill_lake(tmp_path / "spilled", rows)
    found = snapshot(tmp_path / "spilled")
    assert found == snapshot(tmp_path / "memory")
    assert sum(pq.read_metadata(tmp_path / "spilled" / name).num_rows for name in found) == 61


def test_nothing_reaches_the_lake_before_commit(lake, monkeypatch):
    monkeypatch.setattr(Staging, "ROWS_IN_MEMORY", 1)
    with Staging(Lake(lake)) as staging:
        staging.add(make_liquidation())
        assert [p.symbol for p in staging.partitions()] == ["SOLUSDT"]
        assert Lake(lake).partitions() == []
    assert snapshot(lake) == {}


def test_copies_are_bound_to_one_source(lake):
    """The same words from two sources are two files: which counts is decided when they are read."""
    store = fill_lake(lake, [make_liquidation(), make_liquidation(source="tardis")], most_copies=ALL_COPIES)
    assert [p.source for p in store.partitions()] == ["gate", "tardis"]


@pytest.mark.parametrize("rows_in_memory", [1, 7, 40, 1000])
@pytest.mark.parametrize("shuffled", [False, True])
def test_rows_sorted_in_memory_give_the_bytes_that_duckdb_gives(tmp_path, monkeypatch, rows_in_memory, shuffled):
    """Times tie in groups of about four, pieces overlap in time, and every other column decides somewhere."""
    chooser = random.Random(rows_in_memory)
    rows = [
        make_liquidation(
            T0 + k // 4 + chooser.randrange(3), price=chooser.choice([1.0, 2.0]),
            position=chooser.choice(["long", "short"]),
            event_id=chooser.choice([None, "", "a", "ä", "Z"]), contracts=chooser.choice([None, 1.0]),
            instrument=chooser.choice(["b", "B", "a-1"]), symbol=chooser.choice(["SOLUSDT", "BTCUSD"]),
        )
        for k in range(120)
    ]  # fmt: skip
    if shuffled:
        chooser.shuffle(rows)
    monkeypatch.setattr(Staging, "ROWS_IN_MEMORY", rows_in_memory)
    fill_lake(tmp_path / "memory", rows, most_copies=UNLIMITED)
    monkeypatch.setattr(staging, "MOST_SORTED", -1)
    fill_lake(tmp_path / "duckdb", rows, most_copies=UNLIMITED)
    assert snapshot(tmp_path / "memory") == snapshot(tmp_path / "duckdb")
    assert sorted(map(repr, read_rows(Lake(tmp_path / "memory")))) == sorted(map(repr, rows))


def test_rows_wait_only_for_pieces_that_overlap_them(lake):
    """Pieces of 0..9 and 20..29 µs wait for nothing; one of 5..25 µs waits for the latter with its 21 rows."""
    with Staging(Lake(lake)) as staged:
        for start, count in ((0, 10), (20, 10), (5, 21)):
            staged.add_block(sort_block(rows_to_block([make_liquidation(T0 + start + k) for k in range(count)])))
        (pieces,) = staged._held.values()
    by_time = sorted(pieces, key=lambda piece: piece.first_us)
    assert staging._count_overlapping([by_time[0], by_time[2]]) == 0
    assert staging._count_overlapping(by_time) == 21
