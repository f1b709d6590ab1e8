"""The COIN-M archive; the rows are those of peers.md section 6, number 11."""

import pytest

from liqcli.sources.binance_vision import COLUMNS, parse_row, symbol_of_file, undouble

ROWS = [
    "1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7",
    "1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7",
    "1687656473356,BUY,LIMIT,IOC,43,30756.6,30631.6,FILLED,1,43",
    "1687656473356,BUY,LIMIT,IOC,43,30756.6,30631.6,FILLED,1,43",
]


def parse(line):
    return parse_row(dict(zip(COLUMNS, line.split(","), strict=True)), "BTCUSD_PERP")


def test_two_short_liquidations_of_50_contracts():
    rows, dropped, how = undouble(parse(line) for line in ROWS)
    assert [row.position for row in rows] == ["short", "short"]
    assert sum(row.contracts for row in rows) == 50
    assert sum(row.notional for row in rows) == 5000
    assert dropped == 2
    assert "half" in how
    first = rows[0]
    assert (first.symbol, first.instrument, first.source, first.completeness) == (
        "BTCUSD",
        "BTCUSD_PERP",
        "binance-vision",
        "sampled",
    )
    assert (first.price, first.price_kind, first.ts_us) == (30631.6, "fill", 1_687_656_471_926_000)
    assert first.qty == pytest.approx(700 / 30631.6, rel=1e-12)


def test_a_genuine_twin_among_doubled_rows_survives():
    rows, dropped, _ = undouble(parse(line) for line in [*ROWS, ROWS[0], ROWS[0]])
    assert [row.contracts for row in rows] == [7, 7, 43]
    assert dropped == 3


def test_uneven_doubling_leaves_one_each():
    rows, dropped, how = undouble(parse(line) for line in ROWS[:3])
    assert [row.contracts for row in rows] == [7, 43]
    assert dropped == 1
    assert "one of each" in how


def test_nothing_doubled_nothing_said():
    rows, dropped, how = undouble([parse(ROWS[0])])
    assert (len(rows), dropped, how) == (1, 0, "")
    assert undouble([]) == ([], 0, "")


def test_other_coins_are_10_usd_a_contract():
    cells = dict(zip(COLUMNS, ROWS[0].split(","), strict=True))
    assert parse_row(cells, "ETHUSD_PERP").notional == 70


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSD_PERP-liquidationSnapshot-2023-06-25.zip", "BTCUSD_PERP"),
        ("ETHUSD_230929-liquidationSnapshot-2023-06-25.csv", "ETHUSD_230929"),
        ("trades.zip", None),
    ],
)
def test_symbol_of_file(name, symbol):
    assert symbol_of_file(name) == symbol
