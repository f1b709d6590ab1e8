"""Import snapshots of open positions: sides, units, times, repeats, and files of the Reservoir."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from import_helpers import bytes_of, import_one, put, rejected_of

from liqcli.core.errors import UsageError
from liqcli.core.positions import OpenPosition
from liqcli.lake.positions import PositionSnapshot, find_positions
from liqcli.lake.store import Lake

AT_US = 1_760_043_120_000_000  # 2025-10-09 20:52:00 UTC
HEADER = "time,exchange,symbol,position,size,notional,entry_price,liquidation_price,leverage,wallet\n"
ROWS = (
    "2025-10-09T20:52:00Z,hyperliquid,BTCUSDC,long,2,240000,118000,95000,5,a\n"
    "2025-10-09T20:52:00Z,hyperliquid,BTCUSDC,short,0.5,60000,119000,,20,b\n"
)


@pytest.fixture
def store(tmp_path):
    return Lake(tmp_path / "lake")


def snapshots(store, base="BTC", oldest_us=0, end_us=AT_US):
    return find_positions(store, base, oldest_us, end_us)[0]


def test_rows_of_one_time_are_a_snapshot_and_a_second_import_changes_nothing(store, tmp_path):
    path = put(tmp_path, "held.csv", HEADER + ROWS)
    file = import_one(store, path)  # the columns say what it is
    assert (file.format, file.rows, file.new, file.known) == ("positions", 2, 2, 0)
    expected = (
        OpenPosition("BTCUSDC", "long", 2.0, 240_000.0, 118_000.0, 95_000.0, 5.0),
        OpenPosition("BTCUSDC", "short", 0.5, 60_000.0, 119_000.0, None, 20.0),
    )
    assert snapshots(store) == [PositionSnapshot("hyperliquid", "import", AT_US, expected)]
    before = bytes_of(store.root)
    again = import_one(store, path)
    assert (again.new, again.known, bytes_of(store.root)) == (0, 2, before)


def test_liquidations_that_state_the_prices_of_the_position_are_none(store, tmp_path):
    """A column of the price of the event is ambiguous, unless the user names it, or those of positions."""
    header = "time,exchange,symbol,position,qty,price,entry_price,liquidation_price\n"
    path = put(tmp_path, "a.csv", header + "2025-10-09T20:52:00Z,gate,BTCUSDT,long,0.5,60000,65000,60100\n")
    with pytest.raises(UsageError, match="fit positions and liquidations: pass --kind positions or --kind liq"):
        import_one(store, path)
    assert import_one(store, path, columns="price=price").format == "generic"
    assert snapshots(store) == []
    assert import_one(store, path, columns="entry_price=entry_price").format == "positions"


def test_a_file_of_the_reservoir_needs_no_options(store, tmp_path):
    path = tmp_path / f"757690000_{AT_US // 1000}.parquet"
    table = pa.table({
        "user": ["0x1", "0x2", "0x2", "0x3"],
        "market": ["BTC", "BTC", "ETH", "xyz:TSLA"],
        "size": [2.0, -0.5, 10.0, 1.0],
        "notional": [240_000.0, 60_000.0, 43_000.0, 400.0],
        "entry_price": [118_000.0, 119_000.0, 4_200.0, 390.0],
        "liquidation_price": pa.array([95_000.0, 140_000.0, None, 200.0]),
        "leverage_type": ["cross", "isolated", "cross", "cross"],
        "leverage": pa.array([5, 20, 3, 2], pa.uint32()),
        "funding_pnl": [0.0] * 4,
        "account_value": [1.0] * 4,
        "account_mode": ["x"] * 4,
    })  # fmt: skip
    pq.write_table(table, path)
    file = import_one(store, path)
    assert (file.new, file.exchanges, file.symbols) == (3, ("hyperliquid",), ("BTCUSDC", "ETHUSDC"))
    assert "not a contract name" in rejected_of(file)[0]["reason"]
    (found,) = snapshots(store)
    assert [(row.position, row.size, row.liquidation_price) for row in found.positions] == [
        ("long", 2.0, 95_000.0),
        ("short", 0.5, 140_000.0),  # a negative size is a short
    ]
    assert snapshots(store, "ETH")[0].positions[0].liquidation_price is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025-10-09T20:52:00Z,hyperliquid,BTCUSDC,long,2,240000,118000,95000,5,a", "another position of this side"),
        ("2025-10-09T20:52:00Z,hyperliquid,BTCUSDC,buy,2,240000,118000,95000,5,c", "neither long nor short"),
        ("2025-10-09T20:52:00Z,hyperliquid,BTCUSDC,long,-2,240000,118000,95000,5,c", "size is negative"),
        ("2025-10-09T20:52:00Z,hyperliquid,BTCUSDC,long,0,240000,118000,95000,5,c", "not above zero"),
        ("2025-10-09T20:52:00Z,hyperliquid,BTCUSDC,long,2,240000,,95000,5,c", "empty"),
        ("2025-10-09T20:52:00Z,bybit,BTCUSD,long,2,240000,118000,95000,5,c", "inverse"),
        ("2031-10-09T20:52:00Z,hyperliquid,BTCUSDC,long,2,240000,118000,95000,5,c", "time outside"),
    ],
)
def test_a_wrong_row_is_rejected_and_the_rest_is_stored(store, tmp_path, row, reason):
    file = import_one(store, put(tmp_path, "held.csv", HEADER + ROWS + row + "\n"))
    assert (file.new, file.rejected) == (2, 1)
    assert reason in rejected_of(file)[0]["reason"]


def test_sizes_in_contracts_and_missing_times_are_refused(store, tmp_path):
    in_contracts = HEADER + ROWS.replace(",2,240000", ",20000,240000").replace(",0.5,60000", ",5000,60000")
    with pytest.raises(UsageError, match="does not seem to count"):
        import_one(store, put(tmp_path, "contracts.csv", in_contracts))
    without = "exchange,symbol,size,entry_price,liquidation_price\nhyperliquid,BTCUSDC,2,118000,95000\n"
    with pytest.raises(UsageError, match="no column recognised as ts: pass --columns ts=COLUMN"):
        import_one(store, put(tmp_path, "untimed.csv", without))
    file = import_one(store, put(tmp_path, "untimed.csv", without), columns="ts=:2025-10-09T20:52:00Z")
    assert file.new == 1


def test_the_last_snapshot_until_the_end_counts_and_symbols_that_a_file_lacks_are_kept(store, tmp_path):
    import_one(store, put(tmp_path, "a.csv", HEADER + ROWS))
    later = ROWS.replace("20:52", "21:52").replace("95000", "96000")
    import_one(store, put(tmp_path, "b.csv", HEADER + later))
    import_one(store, put(tmp_path, "c.csv", HEADER + ROWS.replace("BTC", "ETH")))  # same instant, another symbol
    hour_us = 3600 * 1_000_000
    for end_us, price in ((AT_US, 95_000.0), (AT_US + hour_us - 1, 95_000.0), (AT_US + hour_us, 96_000.0)):
        assert snapshots(store, end_us=end_us)[0].positions[0].liquidation_price == price
    assert snapshots(store, end_us=AT_US - 1) == []
    assert snapshots(store, oldest_us=AT_US + 1, end_us=AT_US + hour_us - 1) == []
    path = next(store.root.rglob("import-215200000.parquet"))
    path.write_bytes(b"PAR1 torn")
    found, damaged = find_positions(store, "BTC", 0, AT_US + hour_us)
    assert (found[0].ts_us, damaged) == (AT_US, [path])
