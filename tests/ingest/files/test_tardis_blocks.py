"""Blocks of Tardis lines: the same rows, rejections and errors as line by line, whatever the file holds."""

from __future__ import annotations

import gzip
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from import_helpers import import_one, put, rejected_of, rows_of

from liqcli.core.errors import DamagedError, LiqcliError
from liqcli.core.model import Liquidation, Rejected
from liqcli.ingest.files import text_blocks
from liqcli.ingest.files.formats import open_reader
from liqcli.ingest.files.json_records import csv_records
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.readers import iter_lines
from liqcli.ingest.files.row_reader import convert_rows, require_columns
from liqcli.lake.store import Lake
from liqcli.sources.tardis import files as tardis_files

NOW_US = 1_800_000_000_000_000
SIZES = {"BTC-USDT-SWAP": 0.01, "XBTUSD": 1.0, "BAD": -1.0}
NAMES = ["exchange", "symbol", "timestamp", "local_timestamp", "id", "side", "price", "amount"]
PLAIN = ["binance-futures", "BTCUSDT", "1709251200123456", "1709251200223456", "", "sell", "61000.5", "0.25"]

# Per column: the usual cells, and those that a person, a spreadsheet or a bad disk makes of them.
CELLS = {
    "exchange": "binance-futures|binance-delivery|okex-swap|bybit|bitmex|deribit|huobi-dm|bitget-futures"
    "|cryptofacilities|lighter|bitfinex-derivatives|ftx|| bybit|nowhere",
    "symbol": "BTCUSDT|ETHUSDT|BTCUSD_PERP|BTC-USDT-SWAP|ETH-USD-SWAP|XBTUSD|BTC-PERPETUAL|BTCUSD|BTC_CQ|PI_XBTUSD"
    "|BTCUSD_DMCBL|BTC-PERP|3|7||ETHBTC|b/c?|ÄUSDT|BAD",
    "timestamp": "1709251200123456|1740528000000000|1740527999999999|1709251200123|01709251200123456|-1|"
    "| 1709251200123456|1709251200123456 |+1709251200123456|0x61234567890ab|0x061234567890ab|17092512001234567|1e15"
    "|1900000000000000|1000000000000000|1709251200 23456|170925120012345\uff16|170925120012345a",
    "local_timestamp": "1709251200223456||x",
    "id": "|a1|8f3c-11| |ß|" + "x" * 50,
    "side": "sell|buy|SELL| Buy |unknown|",
    "price": "61000.5|3e3|1.5E-7|.5|5.| 7 |\t7|+8|-1|0||nan|inf|1e400|1e-400|1_000|0x10|12,5|1e9999999999"
    "|123456789012345678901234567890|0.1234567890123456789|\uff17|7\x0b",
    "amount": "0.25|100|1e5|9e99|1e-12|-0.5|0||None|1 000|2\xa0|1\x00",
}
SERIES = (
    "binance-futures BTCUSDT|binance-delivery BTCUSD_PERP|okex-swap BTC-USDT-SWAP|okex-swap ETH-USD-SWAP|bybit BTCUSD"
    "|bybit BTCUSDT|bitmex XBTUSD|deribit BTC-PERPETUAL|huobi-dm BTC_CQ|bitget-futures BTCUSDT|lighter 3"
    "|bitget-futures BTCUSD_DMCBL|cryptofacilities PI_XBTUSD"
)
MARKS = [None] * 12 + ["quoted", "unclosed", "inner", "short", "long", "trailing", "spaces", "blank", "nul"]
HEADERS = [",".join(NAMES)] * 4 + [
    ",".join(f'"{name}"' for name in NAMES),
    " ,".join(NAMES),
    ",".join([*NAMES, "amount"]),
    ",".join([*NAMES[:-1], "size"]),
]


@st.composite
def lines(draw):
    """One line: mostly plain, with one or two cells or its whole form spoilt."""
    cells = dict(zip(NAMES, PLAIN, strict=True))
    cells["exchange"], cells["symbol"] = draw(st.sampled_from(SERIES.split("|"))).split()
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=2)):
        cells[name] = draw(st.sampled_from(CELLS[name].split("|")))
    row = list(cells.values())
    mark = draw(st.sampled_from(MARKS))
    if mark in ("quoted", "unclosed", "inner"):
        place = draw(st.integers(0, len(row) - 1))
        row[place] = {"quoted": f'"{row[place]}"', "unclosed": f'"{row[place]}', "inner": f'{row[place]}"x'}[mark]
    row = {"short": row[:-1], "long": [*row, "1"], "trailing": [*row, " "]}.get(str(mark), row)
    return {"blank": "", "spaces": " \t ", "nul": "\0,\0", "bom": "\ufeff" + ",".join(row), "empty": '""'}.get(
        str(mark), ",".join(row)
    )


def read_by_line(path, options):
    """Read a file as the import did before it read blocks."""
    if not any(iter_lines(path)):
        return []
    header, records, *_ = csv_records(iter_lines(path))
    require_columns(path, "tardis", header, [c for c in NAMES if c not in ("id", "local_timestamp")])
    head = list(itertools.islice(records, 1))
    is_numbered = any(cells and tardis_files.is_numbered(cells) for _, _, cells, _ in head)
    market = tardis_files.NumberedMarket(options.symbol if is_numbered else None)
    sizes = dict(options.contract_sizes)

    def parse(row):
        return tardis_files.parse_row(row, sizes, market.name_of(row))

    return list(convert_rows(path.name, itertools.chain(head, records), parse, NOW_US))


def read_blocks(path, options):
    items = []
    for item in open_reader(path, options, NOW_US).items:
        if isinstance(item, tuple):
            items.append(item)
            continue
        table = item.set_column(2, "ts_us", item["ts"].cast("int64"))
        items += [Liquidation(**row) for row in table.to_pylist()]
    return items


def split(items):
    rejected = [item for item in items if isinstance(item, Rejected)]
    return sorted(map(repr, (item for item in items if isinstance(item, Liquidation)))), rejected


def outcome(read, path, options):
    try:
        return split(read(path, options))
    except LiqcliError as error:
        return type(error), str(error)


FILES = given(
    header=st.sampled_from(HEADERS),
    body=st.lists(lines(), min_size=0, max_size=12),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    close=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    block_bytes=st.sampled_from([1, 37, 200, 8_000_000]),
    symbol=st.sampled_from([None, "ETH"]),
)


def check_file(header, body, end, close, encoding, block_bytes, symbol):
    options = ImportOptions(format="tardis", contract_sizes=SIZES, symbol=symbol)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
        path = Path(folder) / "t.csv"
        path.write_bytes((end.join([header, *body]) + end * close).encode(encoding))
        assert outcome(read_blocks, path, options) == outcome(read_by_line, path, options)


test_blocks_give_what_lines_give = settings(max_examples=60, deadline=None)(FILES(check_file))
test_blocks_give_what_lines_give_in_many_files = pytest.mark.soak(
    settings(max_examples=5000, deadline=None)(FILES(check_file))
)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [lambda b: b[:-9], lambda b: b[:40] + b"\xff" * 9 + b[49:], lambda b: b + b"\0"])
@pytest.mark.parametrize("lines_count", [3, 20_000])
def test_a_damaged_gzip_is_refused_as_a_whole(tmp_path, lake, spoil, lines_count):
    content = gzip.compress("\n".join([",".join(NAMES), *[",".join(PLAIN)] * lines_count]).encode())
    path = put(tmp_path, "t.csv.gz", spoil(content))
    options = ImportOptions(format="tardis")
    found = outcome(read_blocks, path, options)
    assert found == outcome(read_by_line, path, options)
    if found[0] is DamagedError:
        with pytest.raises(DamagedError):
            import_one(Lake(lake), path, format="tardis")
        assert rows_of(Lake(lake)) == []


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"\xc3"])
@pytest.mark.parametrize("block_bytes", [50, 8_000_000])
def test_bytes_that_are_not_utf8_damage_the_file(tmp_path, monkeypatch, bad, block_bytes):
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", block_bytes)
    row = ",".join(PLAIN).encode()
    path = put(tmp_path, "t.csv", b"\n".join([",".join(NAMES).encode(), row, row.replace(b"sell", bad), row]))
    options = ImportOptions(format="tardis")
    found = outcome(read_blocks, path, options)
    assert found == outcome(read_by_line, path, options)
    assert found[0] is DamagedError


@pytest.mark.parametrize("length", [999_998, 999_999, 1_000_000, 5_000_001])
@pytest.mark.parametrize("letter", ["x", "ä"])
def test_a_line_of_a_million_characters_is_no_table(tmp_path, length, letter):
    row = PLAIN.copy()
    row[4] = letter * (length - len(",".join(PLAIN)))
    path = put(tmp_path, "t.csv", "\n".join([",".join(NAMES), ",".join(PLAIN), ",".join(row), ",".join(PLAIN)]))
    options = ImportOptions(format="tardis")
    found = outcome(read_blocks, path, options)
    assert found == outcome(read_by_line, path, options)
    assert (found[0] is DamagedError) == (length > 999_998)


def test_rejected_lines_keep_number_reason_and_text(tmp_path, lake, monkeypatch):
    """Line 3 has no price, line 5 too few cells, line 6 is blank; the blocks hold two lines each."""
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 2 * len(",".join(PLAIN)) + 2)
    good = ",".join(PLAIN)
    path = put(
        tmp_path, "t.csv", "\n".join([",".join(NAMES), good, good.replace("61000.5", "-"), good, "a,b", "", good])
    )
    file = import_one(Lake(lake), path)
    assert (file.rows, file.new, file.rejected) == (5, 3, 2)
    assert [(row["line"], row["reason"], row["raw"]) for row in rejected_of(file)] == [
        (3, "not a number: '-'", good.replace("61000.5", "-")),
        (5, "2 cells, but the header has 8", "a,b"),
    ]
    # Three equal rows of one file are three events: 61000.5 x 0.25 = 15250.125 USD each.
    assert [(row["notional"], row["position"]) for row in rows_of(Lake(lake))] == [(15250.125, "long")] * 3


def test_events_of_all_symbols_show_when_a_recorder_ran(tmp_path, lake):
    """BTC every 40 minutes of a day, ETH 20 minutes later: 20 minutes are no gap, 40 minutes of one symbol are none."""
    start = 1_709_251_200_000_000
    rows = []
    for k in range(72):
        symbol = "ETHUSDT" if k % 2 else "BTCUSDT"
        rows.append(",".join([*PLAIN[:1], symbol, str(start + k * 20 * 60_000_000), *PLAIN[3:]]))
    import_one(Lake(lake), put(tmp_path, "t.csv", "\n".join([",".join(NAMES), *rows])))
    for symbol in ("BTCUSDT", "ETHUSDT"):
        log = Lake(lake).read_fetch_log("binance", symbol, "tardis")
        assert list(log.covered(("inferred",))) == [(start, start + 71 * 20 * 60_000_000 + 1)]
