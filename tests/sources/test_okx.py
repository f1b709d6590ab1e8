"""OKX: contracts times ctVal, exact instrument match, side against posSide, ties on page edges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liqcli.http import RefusalError
from liqcli.model import Window
from liqcli.sources import okx
from liqcli.sources.common import Market, build_answer

FOLDER = Path(__file__).parent / "responses/okx"
MARKET = Market("okx", "BTCUSDT", "BTC-USDT-SWAP", 0.01)
INVERSE = Market("okx", "BTCUSD", "BTC-USD-SWAP", 100.0, inverse=True)


def read_details(instrument: str) -> list[Any]:
    data = okx.decode((FOLDER / "page.json").read_bytes())
    assert isinstance(data, list)
    return [raw for entry in data if entry["instId"] == instrument for raw in entry["details"]]


def test_linear() -> None:
    """8.55 contracts of 0.01 BTC at 82655.7: 0.0855 BTC, 7067.06235 USD, a long; "net" + buy is a short."""
    answer = build_answer(
        read_details("BTC-USDT-SWAP"), lambda raw: okx.parse_row(raw, MARKET), Window(0, 2**62), "okx"
    )
    first, second = answer.rows
    assert (first.position, first.price, first.price_kind) == ("long", 82655.7, "bankruptcy")
    assert (first.contracts, first.contract_size, first.qty, first.notional) == (8.55, 0.01, 0.0855, 7067.06235)
    assert (first.ts_us, first.completeness) == (1791565600771_000, "sampled")
    assert (second.position, second.notional) == ("short", 2481.0)
    assert [bad.reason for bad in answer.rejected] == ["side is unclear: side buy, posSide long"]


def test_inverse() -> None:
    """41 contracts of 100 USD: 4100 USD, 0.05 BTC at 82000."""
    row = okx.parse_row(read_details("BTC-USD-SWAP")[0], INVERSE)
    assert (row.position, row.notional, row.qty) == ("short", 4100.0, 0.05)


def test_swaps() -> None:
    linear = {"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1", "ctType": "linear"}
    assert okx.parse_market(linear) == MARKET
    inverse = {"instId": "BTC-USD-SWAP", "ctVal": "100", "ctMult": "1", "ctType": "inverse"}
    assert okx.parse_market(inverse) == INVERSE
    assert okx.parse_market({**linear, "ctVal": ""}) == Market("okx", "BTCUSDT", "BTC-USDT-SWAP", None)


def test_errors_inside_a_200() -> None:
    with pytest.raises(ValueError, match="busy"):
        okx.decode(b'{"code": "50011", "msg": "Too Many Requests", "data": []}')
    with pytest.raises(RefusalError, match="50015"):
        okx.decode(b'{"code": "50015", "msg": "Either parameter uly or instFamily is required", "data": []}')


def test_only_the_very_instrument_counts() -> None:
    """An answer that holds BTC-USDT and BTC-USD rows: asked for BTC-USD, one row comes out, not four."""
    asking = okx.SOURCE.ask_window(INVERSE, Window(1791565000_000_000, 1791566000_000_000))
    assert "uly=BTC-USD&" in next(asking).text
    page = okx.decode((FOLDER / "page.json").read_bytes())
    asking.send(page)
    with pytest.raises(StopIteration) as end:
        asking.send([])
    assert [row.instrument for row in end.value.value.rows] == ["BTC-USD-SWAP"]


@pytest.mark.parametrize("ties", [1, 7, 99])
def test_ties_on_page_edges(ties: int) -> None:
    """400 rows, ``ties`` a millisecond, pages of 100, `after` strictly older: each comes once."""
    base = 1791565600000
    rows = [
        {"bkPx": str(1000 + n), "posSide": "long", "side": "sell", "sz": "1", "ts": str(base + n // ties)}
        for n in range(400)
    ]
    newest = sorted(rows, key=lambda raw: -int(raw["ts"]))
    asking = okx.SOURCE.ask_window(MARKET, Window(base * 1000, (base + 1000) * 1000))
    request = next(asking)
    answer: Any = None
    while answer is None:
        after = int(dict(request.params)["after"])
        page = [raw for raw in newest if int(raw["ts"]) < after][:100]
        try:
            request = asking.send([{"instId": "BTC-USDT-SWAP", "details": page}] if page else [])
        except StopIteration as end:
            answer = end.value
    assert sorted(row.price for row in answer.rows) == [float(1000 + n) for n in range(400)]
    assert answer.cut == []


def test_messages_of_three_generations(real_data: Path) -> None:
    """The recorded websocket messages: v3 tables, flat v5 rows, v5 rows with details."""
    expected = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"]
    for name in ("recorded/okx_ws", "tardis-node/okex-swap", "tardis-node/okex-futures"):
        answers = expected[f"messages/{name}.jsonl"]["expected"]
        markets = {a["symbol"]: Market("okx", "X", a["symbol"], 1.0) for a in answers}
        lines = (real_data / f"messages/{name}.jsonl").read_text(encoding="utf-8").splitlines()
        messages = [json.loads(line) for line in lines]
        rows = [row for m in messages for row in okx.parse_message(m.get("message", m), markets)]
        for row, answer in zip(rows, answers, strict=True):
            assert (row.instrument, row.position) == (answer["symbol"], answer["position"])
            assert (row.price, row.contracts) == (float(answer["price"]), float(answer["quantity"]))
            assert row.ts_us == answer["time_ms"] * 1000
    with pytest.raises(ValueError, match="contract size of UNI-USD-SWAP is unknown"):
        okx.parse_message({"arg": {"instId": "UNI-USD-SWAP"}, "data": [{}]}, {})


def test_recorded_answer(real_data: Path) -> None:
    """20 rows of a real answer: 750,891.63041 USD at the bankruptcy price, 16 long, 4 short."""
    name = "messages/recorded/okx_rest_liquidation_orders_BTC-USDT-SWAP.json"
    answers = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][name]["expected"]
    data = okx.decode((real_data / name).read_bytes())
    assert isinstance(data, list)
    rows = [okx.parse_row(raw, MARKET) for entry in data for raw in entry["details"]]
    for row, answer in zip(rows, answers, strict=True):
        assert (row.position, row.price) == (answer["position"], float(answer["price"]))
        assert (row.qty, row.notional) == (float(answer["amount_base"]), float(answer["usd"]))
        assert row.ts_us == answer["time_ms"] * 1000
    assert sum(row.notional for row in rows) == pytest.approx(750_891.63041, rel=1e-12)
    assert [row.position for row in rows].count("long") == 16
