"""Recorded messages of Bybit and OKX, in the shapes their documentation shows; numbers worked out by hand."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from liqcli.core.errors import UsageError
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.store import Lake

BYBIT = (
    '{"topic":"allLiquidation.BTCUSDT","type":"snapshot","ts":1739502303204,"data":['
    '{"T":1739502302929,"s":"BTCUSDT","S":"Buy","v":"0.044","p":"73817.6"},'
    '{"T":1739502302930,"s":"BTCUSD","S":"Sell","v":"900","p":"60000"}]}'
)
SUBSCRIBED = '{"success":true,"ret_msg":"","op":"subscribe"}'
DETAIL = '{"bkLoss":"0","bkPx":"%s","ccy":"","posSide":"%s","side":"%s","sz":"%s","ts":"%d"}'
LONG = DETAIL % ("60000", "long", "sell", "7", 1709251200000)  # 7 x 0.01 BTC x 60,000 = 4,200 USD
SHORT = DETAIL % ("50000", "short", "buy", "6.5", 1709251200001)  # 6.5 x 0.01 x 50,000 = 3,250 USD
INVERSE = DETAIL % ("60000", "net", "sell", "12", 1709251200002)  # 12 x 100 = 1,200 USD, 0.02 BTC
ENTRY = '{"details":[%s],"instFamily":"BTC-USDT","instId":"%s","instType":"SWAP","uly":"BTC-USDT"}'
ARG = '"arg":{"channel":"liquidation-orders","instType":"SWAP"}'
OKX = '{%s,"data":[%s,%s]}' % (  # noqa: UP031 - braces
    ARG, ENTRY % (f"{LONG},{SHORT}", "BTC-USDT-SWAP"), ENTRY % (INVERSE, "BTC-USD-SWAP")
)  # fmt: skip
REST = '{"code":"0","msg":"","data":[%s]}' % (ENTRY % (LONG, "BTC-USDT-SWAP"))
SIZES = {"BTC-USDT-SWAP": 0.01}


@pytest.fixture
def store(lake):
    return Lake(lake)


def put(tmp_path, *lines):
    path = tmp_path / "feed.log"
    path.write_text("\n".join(lines))
    return path


def import_one(store, path, **options):
    file = import_files(store, [path], ImportOptions(**options)).files[0]
    if file.error:
        raise file.error
    return file


def rows_of(store):
    paths = (store.root / "liquidations").rglob("*.parquet")
    rows = [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
    return {
        (r["instrument"], r["position"], round(r["qty"], 9), round(r["notional"], 6), r["contracts"], r["price_kind"])
        for r in rows
    }


def test_bybits_side_is_the_positions_and_all_entries_count(store, tmp_path):
    """0.044 x 73,817.6 = 3,247.9744 USD; 900 USD at 60,000 are 0.015 BTC. The last line breaks off."""
    path = put(tmp_path, SUBSCRIBED, BYBIT, '{"op":"pong"}', BYBIT[:100])
    file = import_one(store, path)
    assert (file.format, file.new, file.rejected, file.exchanges) == ("bybit-stream", 2, 1, ("bybit",))
    assert (file.reasons[0].first.line, file.reasons[0].first.reason[:8]) == (4, "not JSON")
    assert "2 messages without liquidations skipped" in file.notes
    assert file.remark == "bankruptcy prices"
    assert {row[:4] for row in rows_of(store)} == {
        ("BTCUSDT", "long", 0.044, 3247.9744),
        ("BTCUSD", "short", 0.015, 900),
    }
    assert {row[5] for row in rows_of(store)} == {"bankruptcy"}
    assert import_one(store, path).known == 2


def test_identical_events_of_bybit_are_two(store, tmp_path):
    one = '{"topic":"allLiquidation.X","ts":1739502303204,"data":[%s]}'
    event = '{"T":1739502302929,"s":"BTCUSDT","S":"Buy","v":"0.1","p":"70000"}'
    file = import_one(store, put(tmp_path, one % f"{event},{event}"))
    assert (file.new, file.notional) == (2, 14_000)


def test_contracts_of_okx_have_their_own_size(store, tmp_path):
    """4,200 + 3,250 + 1,200 = 8,650 USD; without sizes 7 x 60,000 + 6.5 x 50,000 + 12 x 60,000 = 1,465,000."""
    path = put(tmp_path, f'{{"event":"subscribe",{ARG},"connId":"a4d3ae55"}}', OKX)
    unknown = import_one(store, path)
    assert (unknown.format, unknown.new, unknown.rejected, unknown.notional) == ("okx-stream", 1, 2, 1200)
    reason = "contract size of BTC-USDT-SWAP is unknown; pass --contract-size BTC-USDT-SWAP=SIZE"
    assert [found.first.reason for found in unknown.reasons] == [reason]
    file = import_one(store, path, contract_sizes=SIZES)
    assert (file.new, file.known, file.rejected, file.notional) == (2, 1, 0, 8650)
    assert "1 message without liquidations skipped" in file.notes
    assert rows_of(store) == {
        ("BTC-USDT-SWAP", "long", 0.07, 4200, 7, "bankruptcy"),
        ("BTC-USDT-SWAP", "short", 0.065, 3250, 6.5, "bankruptcy"),
        ("BTC-USD-SWAP", "long", 0.02, 1200, 12, "bankruptcy"),
    }


def test_an_answer_of_okx_equals_its_message(store, tmp_path):
    other = '{"arg":{"channel":"tickers","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","last":"1"}]}'
    file = import_one(store, put(tmp_path, REST, other), contract_sizes=SIZES)
    assert (file.format, file.new, file.rejected, file.notional) == ("okx-stream", 1, 0, 4200)
    import_one(store, put(tmp_path, OKX), contract_sizes=SIZES)
    assert len(rows_of(store)) == 3


def test_contradicting_sides_of_okx_are_rejected(store, tmp_path):
    wrong = ENTRY % (LONG.replace('"sell"', '"buy"'), "BTC-USDT-SWAP")
    file = import_one(store, put(tmp_path, f'{{{ARG},"data":[{wrong}]}}'), contract_sizes=SIZES)
    assert (file.new, file.rejected) == (0, 1)
    assert "side is unclear" in file.reasons[0].first.reason


def test_details_unpacked_to_lines_are_generic_and_asked_about(store, tmp_path):
    path = put(tmp_path, json.dumps({"instId": "BTC-USDT-SWAP", **json.loads(LONG)}))
    options = {"exchange": "okx", "columns": "symbol=instId,side=side,price=bkPx,qty=sz"}
    with pytest.raises(UsageError, match="okx counts contracts of 'BTC-USDT-SWAP'"):
        import_one(store, path, **options)
    options["columns"] = options["columns"].replace("qty=", "contracts=")
    assert import_one(store, path, **options, contract_sizes=SIZES).notional == pytest.approx(4200)


@pytest.mark.parametrize("name", ["bybit-stream", "okx-stream"])
def test_another_file_in_these_formats_is_rejected_line_by_line(store, tmp_path, name):
    file = import_one(store, put(tmp_path, "time,price", '"text"', "[]"), format=name)
    assert (file.new, file.rejected) == (0, 3)
