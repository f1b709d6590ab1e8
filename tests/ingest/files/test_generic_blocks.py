"""Blocks of lines of any table: the same rows, rejections, notes and errors as line by line."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from import_helpers import import_one, put, rows_of

from liqcli.core.errors import LiqcliError
from liqcli.core.model import Liquidation, Rejected
from liqcli.core.times import parse_time_cell
from liqcli.ingest.files import generic_file, importer, parquet_rows, text_blocks
from liqcli.ingest.files.block_times import read_times
from liqcli.ingest.files.generic_file import open_generic
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.readers import ReadProgress
from liqcli.ingest.files.row_collector import RowCollector
from liqcli.lake.store import Lake

NOW_US = 1_800_000_000_000_000
T = 1_709_251_200_000_000
# Per column: the cell of a plain row, then what other rows may have.
CELLS = {
    "time": "2024-03-01T00:00:00.5Z|2024-03-01 00:00:01|1709251200123|1709251200|1709251200123456|1709251200123456789"
    "|2024-03-01T00:00:00+00:00|2024-03-01T05:30:00+05:30|2024-02-30T00:00:00|2024-03-01|1709251200.5| 1709251200|x|"
    "|2014-03-01T00:00:00Z|2031-03-01T00:00:00Z|2024-03-10T02:30:00",
    "exchange": "gate|okx|kraken|binance|htx|kucoin||GATE | gate|b/d",
    "symbol": "BTCUSDT|BTC_USDT|ETH-USDT-SWAP|BTCUSD|PI_XBTUSD|ETHBTC|SOL||BTC/USDT:USDT|<b>",
    "instrument": "|BTC_USDT|ETH-USDT-SWAP|BTC-USD-SWAP|BTC-USDT-241227|x y",
    "position": "long|short|LONG| short |buy|sell|",
    "side": "sell|buy|SELL||long",
    "price": "61000.5|3e3|7| 8 |0|-1||nan|1_000|12,5|0x10|1e400",
    "price_kind": "fill|bankruptcy|order||FILL|market",
    "qty": "0.25|2|1e5||0|-1|None|1e-9| ",
    "notional": "15250.125|15251|6100||0|1e11|x",
    "contracts": "25|1||0|1000",
    "contract_size": "0.01|1|100||0",
    "contract_kind": "|linear|inverse|quanto|x",
    "completeness": "full|sampled||x",
    "event_id": "|a1|8f-3| |ß|" + "x" * 201,
}
SETS = (
    "time exchange symbol position price qty",
    "time exchange symbol side price qty notional event_id",
    "time exchange symbol instrument position price price_kind qty notional contracts contract_size completeness "
    "event_id",
    "time exchange symbol position price contracts contract_size contract_kind",
    "time exchange symbol position price contracts qty",
    "time position price qty",
    "time symbol side price notional",
)
OPTIONS = (
    {},
    {"exchange": "gate"},
    {"exchange": "okx", "symbol": "BTCUSDT"},
    {"exchange": "gate", "symbol": "BTC_USDT", "tz": "Europe/Berlin"},
    {"quote": "USDT", "source": "mine"},
    {"contract_sizes": {"BTC_USDT": 0.01, "ETH-USDT-SWAP": 0.1}},
    {"columns": "contract_size=:0.01"},
    {"columns": "position=side:buy-is-long"},
    {"columns": "position=position:buy-is-short"},
    {"columns": "side=side"},
    {"columns": "side=side,qty=qty:coins"},
    {"columns": "contracts=qty", "contract_sizes": {"BTCUSDT": 0.001}},
    {"columns": "exchange=:okx,price_kind=:order"},
)
MARKS = [None] * 12 + ["quoted", "unclosed", "short", "trailing", "blank", "nul"]


@st.composite
def files(draw):
    """A table: some columns, rows that are mostly plain, and options."""
    names = draw(st.sampled_from(SETS)).split()
    delimiter = draw(st.sampled_from([",", ",", ";", "\t"]))
    lines = [delimiter.join(names)]
    for _ in range(draw(st.integers(0, 14))):
        spoilt = draw(st.lists(st.sampled_from(names), max_size=2))
        row = [draw(st.sampled_from(CELLS[n].split("|"))) if n in spoilt else CELLS[n].split("|")[0] for n in names]
        mark = draw(st.sampled_from(MARKS))
        if mark in ("quoted", "unclosed"):
            place = draw(st.integers(0, len(row) - 1))
            row[place] = f'"{row[place]}' + '"' * (mark == "quoted")
        row = {"short": row[:-1], "trailing": [*row, ""]}.get(str(mark), row)
        lines.append({"blank": " ", "nul": "\0" + delimiter}.get(str(mark), delimiter.join(row)))
    return "\n".join(lines), draw(st.sampled_from(OPTIONS)), draw(st.sampled_from([60, 300, 8_000_000]))


def read(path, options):
    """Rows, rejections, notes and remark; or the error."""
    try:
        reader = open_generic(path, ImportOptions(format="generic", **options), NOW_US, None)
        rows, rejected, blocks = [], [], 0
        for item in reader.items:
            if isinstance(item, Rejected):
                rejected.append(item)
            elif isinstance(item, Liquidation):
                rows.append(item)
            else:
                blocks += 1
                table = item.set_column(2, "ts_us", item["ts"].cast("int64"))
                rows += [Liquidation(**row) for row in table.to_pylist()]
    except LiqcliError as error:
        return (type(error), str(error)), 0
    return (sorted(map(repr, rows)), rejected, reader.notes, reader.remark), blocks


FILES = given(file=files())


def check_file(file):
    content, options, block_bytes = file
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
        path = Path(folder) / "t.csv"
        path.write_bytes(content.encode())
        in_blocks, _ = read(path, options)
        patch.setattr(generic_file, "column_kinds", lambda table, layout: None)
        by_line, blocks = read(path, options)
        assert not blocks
        assert in_blocks == by_line


test_blocks_give_what_lines_give = settings(max_examples=80, deadline=None)(FILES(check_file))
test_blocks_give_what_lines_give_in_many_files = pytest.mark.soak(
    settings(max_examples=5000, deadline=None)(FILES(check_file))
)


TYPES = {
    "time": (pa.string(), pa.int64(), pa.timestamp("us"), pa.timestamp("ns", "UTC"), pa.timestamp("s"), pa.float64()),
    "word": (pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.large_string(), pa.int64()),
    "number": (pa.float64(), pa.float64(), pa.float32(), pa.int64(), pa.string(), pa.decimal128(20, 4)),
}
NUMBERS = [None, float("nan"), float("inf"), 0.0, -1.0, 2.0, 0.3, 1e-9, 3e9, 15251.0]
TIMES_US = [None, 0, 1_500_000_000_000, -T, 10**14 - 1, 10**17, T // 1000, T // 1_000_000, 1000 * T, NOW_US + 10**13]


@st.composite
def parquet_files(draw):
    names = draw(st.sampled_from(SETS)).split()
    count, columns = draw(st.integers(1, 9)), {}
    for name in names:
        is_number = name in ("price", "qty", "notional", "contracts", "contract_size")
        kind = draw(
            st.sampled_from(
                TYPES["time" if name == "time" else "number" if is_number else "word"][: draw(st.sampled_from([1, 9]))]
            )
        )
        usual = (
            T
            if name == "time"
            else {"price": 61000.0, "qty": 0.25, "notional": 15250.0, "contracts": 25.0}.get(name, 0.01)
            if is_number
            else CELLS[name].split("|")[0]
        )
        others = TIMES_US if name == "time" else NUMBERS if is_number else [None, *CELLS[name].split("|")]
        cells = [draw(st.sampled_from([usual] * 8 + others)) for _ in range(count)]
        if pa.types.is_string(kind) and name == "time":
            cells = [
                draw(st.sampled_from(["2024-03-01T00:00:00Z", "2024-03-01 00:00:00", str(T)])) if c == T else None
                for c in cells
            ]
        columns[name] = make_column(cells, kind)
    return pa.table(columns), draw(st.sampled_from(OPTIONS)), draw(st.sampled_from([1, 3, 16_384]))


def make_column(cells, kind):
    """Build a column; cells that the type cannot hold become null."""
    made = []
    for cell in cells:
        try:
            if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
                cell = None if cell is None else int(cell) if not isinstance(cell, str) else 7
                if kind == pa.timestamp("s") and cell is not None and abs(cell) > 9e15:
                    cell = None  # Parquet has no seconds, and cannot hold it in ms
                pa.array([cell], pa.int64() if pa.types.is_timestamp(kind) else kind)
            elif pa.types.is_decimal(kind):
                cell = None if cell is None else Decimal(str(cell)).quantize(Decimal("0.0001"))
            elif pa.types.is_string(kind) and cell is not None:
                cell = str(cell)
            pa.array([cell], kind)
        except (pa.ArrowException, OverflowError, ValueError, ArithmeticError):
            cell = None
        made.append(cell)
    return pa.array(made, kind)


PARQUET_FILES = given(file=parquet_files())


def check_parquet_file(file):
    table, options, rows_at_once = file
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_rows, "ROWS_AT_ONCE", rows_at_once)
        path = Path(folder) / "t.parquet"
        pq.write_table(table, path)
        in_batches, _ = read(path, options)
        patch.setattr(generic_file, "column_kinds", lambda table, layout: None)
        by_row, blocks = read(path, options)
        assert not blocks
        assert in_batches == by_row


test_batches_of_parquet_give_what_rows_give = settings(max_examples=60, deadline=None)(
    PARQUET_FILES(check_parquet_file)
)
test_batches_of_parquet_give_what_rows_give_in_many_files = pytest.mark.soak(
    settings(max_examples=5000, deadline=None)(PARQUET_FILES(check_parquet_file))
)


def test_parquet_is_read_in_batches(tmp_path, lake):
    """An export of liqcli: times as timestamps, empty cells as nulls; 0.25 coins at 60,000 are 15,000 USD."""
    table = pa.table({
        "ts": pa.array([T, T + 1], pa.timestamp("us", "UTC")), "exchange": ["gate"] * 2, "symbol": ["BTCUSDT"] * 2,
        "position": ["long", "short"], "price": [60000.0] * 2, "qty": [0.25] * 2, "notional": [15000.0] * 2,
        "contracts": pa.array([None, None], pa.float64()), "contract_size": pa.array([None, None], pa.float64()),
        "event_id": pa.array(["a", None]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    (found, rejected, _, _), blocks = read(tmp_path / "t.parquet", {})
    assert (len(found), rejected, blocks) == (2, [], 1)
    import_one(Lake(lake), tmp_path / "t.parquet")
    assert [(row["position"], row["event_id"], row["notional"]) for row in rows_of(Lake(lake))] == [
        ("long", "a", 15000.0), ("short", None, 15000.0),
    ]  # fmt: skip


def test_plain_rows_are_read_in_blocks(tmp_path, lake):
    """Four rows of two coins: one block. 25 x 0.01 coins at 60,000 are 15,000 USD, close to the stated ones."""
    header = "time,exchange,symbol,position,price,qty,notional,contracts,contract_size"
    rows = [f"{T // 1000 + k},gate,{coin}_USDT,{side},60000,,15000.4,25,0.01" for k, (coin, side) in
            enumerate([("BTC", "long"), ("BTC", "short"), ("ETH", "long"), ("ETH", "long")])]  # fmt: skip
    path = put(tmp_path, "t.csv", "\n".join([header, *rows, ""]))
    (found, rejected, _, _), blocks = read(path, {})
    assert (len(found), rejected, blocks) == (4, [], 1)
    import_one(Lake(lake), path)
    stored = rows_of(Lake(lake))
    assert [(row["notional"], row["qty"], row["contracts"], row["contract_size"]) for row in stored] == [
        (15000.4, 15000.4 / 60000, 25.0, 0.01)
    ] * 4


def test_one_constant_size_for_two_coins_is_named_by_its_first_rows(tmp_path):
    """The price of the first row is not plain, but the row parser reads it, so its coin comes first in the message."""
    rows = [f"{T},okx,{coin}-USDT-SWAP,long,{price},3" for coin, price in (("SOL", "+70"), ("BTC", "60000"))]
    path = put(tmp_path, "t.csv", "\n".join(["time,exchange,symbol,position,price,contracts", *rows, rows[1], ""]))
    (_, message), _ = read(path, {"columns": "contracts=contracts,contract_size=:0.01"})
    assert "would apply to contracts on SOL (okx) and to BTC-USDT-SWAP (okx)" in message


TIMES = (
    "1709251200 1709251200123 1709251200123456 1709251200123456789 0 99999999999 100000000000 2024-02-29T23:59:59Z "
    "2024-02-29T23:59:59.1 2024-02-29T23:59:59.123456+00:00 0001-01-01T00:00:00 9999-12-31T23:59:59.999999Z "
    "2000-02-29T00:00:00 1900-03-01T00:00:00 1969-12-31T23:59:59.5Z"
)
OTHERS = (
    "2023-02-29T00:00:00 2024-13-01T00:00:00 2024-00-10T00:00:00 2024-04-31T00:00:00 2024-01-01T24:00:00 "
    "2024-01-01T00:60:00 2024-01-01T00:00:60 0000-01-01T00:00:00 2024-01-01T00:00:00.1234567 2024-01-01T00:00:00,5 "
    "2024-01-01T00:00:00+01:00 2024-01-01T00:00 20240101T000000 1709251200.5 -1709251200 2024-01-01t00:00:00 1e9 x"
)


def test_times_are_read_as_single_ones() -> None:
    plain, other = [*TIMES.split(), "2024-02-29 23:59:59"], [*OTHERS.split(), "", " 1709251200", "9" * 19, "1" * 20]
    times, is_plain = read_times(pa.array(plain + other), in_utc=True)
    assert is_plain.tolist() == [True] * len(plain) + [False] * len(other)
    assert times[: len(plain)].tolist() == [parse_time_cell(text) for text in plain]
    assert read_times(pa.array(["2024-02-29 23:59:59", "2024-02-29 23:59:59Z", "1709251200"]), in_utc=False)[
        1
    ].tolist() == [
        False,
        True,
        True,
    ]


def test_a_file_is_closed_when_its_import_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = ReadProgress()
    monkeypatch.setattr(importer, "ReadProgress", lambda: meter)
    monkeypatch.setattr(RowCollector, "add_all", lambda _self, items: next(iter(items)) and 1 / 0)
    path = tmp_path / "feed.csv"
    path.write_text("time,exchange,symbol,position,price,qty\n2024-03-01T00:00:00Z,okx,BTCUSDT,long,60000,7\n")
    with pytest.raises(ZeroDivisionError):
        importer.import_files(Lake(tmp_path / "lake"), [path], ImportOptions())
    assert len(meter.opened) >= 3  # to detect the format, the first rows, and the blocks
    assert all(file.closed for file in meter.opened)
