"""Blocks of rows: split by file of the lake, added up, hashed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from factories import T0, make_liquidation

from liqcli.lake.row_blocks import count_words, near_hashes, rows_to_block, sort_block, times_of

MONTH = 31 * 86_400 * 1_000_000
S = 1_000_000


def hashes(*rows):
    return sort_block(rows_to_block(rows)).rows["row_hash"].to_pylist()


def test_rows_are_split_by_exchange_symbol_month_and_source_and_added_up():
    rows = [
        make_liquidation(T0 + 9, notional=100.25),
        make_liquidation(T0 + 3, notional=0.0000015, position="short"),
        make_liquidation(T0 + MONTH, notional=1e10),
        make_liquidation(T0 + MONTH + 1, notional=1e10),
        make_liquidation(T0 + 5, symbol="BTCUSD", notional=7),
    ]
    totals = sorted(sort_block(rows_to_block(rows)).totals())
    # 1.5e-6 USD is rounded to the even millionth, as by round().
    assert [
        (p.partition.symbol, p.events, p.longs, p.notional_e6, p.first_us - T0, p.last_us - T0) for p in totals
    ] == [
        ("BTCUSD", 1, 1, 7_000_000, 5, 5),
        (rows[0].symbol, 2, 1, 100_250_002, 3, 9),
        (rows[0].symbol, 2, 2, 2 * 10**16, MONTH, MONTH + 1),
    ]
    assert {p.partition.kind for p in totals} == {"liquidations"}


def test_a_sum_that_exceeds_64_bits_is_exact():
    (total,) = sort_block(rows_to_block([make_liquidation(T0, notional=1e10)] * 2000)).totals()
    assert total.notional_e6 == 2 * 10**19


@pytest.mark.parametrize(
    "change",
    [
        {"instrument": "X"}, {"position": "short"}, {"price": 1.0}, {"price_kind": "order"}, {"qty": 2.0},
        {"notional": 3.0}, {"contracts": 1.0}, {"contract_size": 1.0}, {"completeness": "sampled"},
        {"event_id": ""}, {"event_id": "1"}, {"event_id": "1" * 7}, {"event_id": "1" * 8},
    ],
)  # fmt: skip
def test_every_column_but_the_time_changes_the_hash(change):
    base = make_liquidation(T0)
    first, second, later = hashes(base, base._replace(**change), base._replace(ts_us=T0 + 1))
    assert first == later != second


def test_a_hash_depends_on_nothing_but_the_row():
    ids = [None, "a", "b", "8f3c", "8f3d", "a" * 40, "", "ä"]
    rows = [make_liquidation(T0, event_id=event, price=price) for event in ids for price in (1.0, 2.0)]
    alone = [hashes(row)[0] for row in rows]
    assert len(set(alone)) == len(rows)
    assert hashes(*rows) == alone
    shuffled = list(zip(rows, alone, strict=True))
    random.Random(3).shuffle(shuffled)
    assert hashes(*(row for row, _ in shuffled)) == [found for _, found in shuffled]


def test_the_digest_shows_swapped_sides_but_no_other_order():
    rows = [make_liquidation(T0), make_liquidation(T0 + 1, position="short")]
    swapped = [make_liquidation(T0, position="short"), make_liquidation(T0 + 1)]
    (one,), (turned,), (other,) = (sort_block(rows_to_block(r)).totals() for r in (rows, rows[::-1], swapped))
    assert one == turned
    assert one._replace(digest=0) == other._replace(digest=0)
    assert one.digest != other.digest


def test_near_repeats_are_close_in_time_and_of_equal_hash():
    def found(*pairs):
        ts, keys = zip(*pairs, strict=True)
        return near_hashes(np.array(ts, np.int64), np.array(keys, np.uint64), 2 * S).tolist()

    assert found((5, 1), (9, 2), (5 + 2 * S, 1)) == [1]
    assert found((5 + 2 * S, 1), (9, 2), (5, 1)) == [1]
    assert not found((5, 1), (9, 2), (6 + 2 * S, 1))
    assert not found((5, 1), (5, 1))  # twins of one instant are two events
    assert not found((5, 1))


def test_words_and_times_are_counted_over_the_block():
    rows = [make_liquidation(T0, exchange="gate"), make_liquidation(T0 + 1, exchange="okx", price_kind="order")]
    block = rows_to_block([*rows, rows[0]])
    assert count_words(block, "price_kind") == {"fill": 2, "order": 1}
    assert {name: times.tolist() for name, times in times_of(block).items()} == {"gate": [T0, T0], "okx": [T0 + 1]}
