"""HTX: the v5 row counts contracts, the v3 and websocket row base coins; paging by id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liqcli.http import RefusalError
from liqcli.model import Window
from liqcli.sources import htx
from liqcli.sources.common import Answer, Market, build_answer

FOLDER = Path(__file__).parent / "responses/htx"
MARKET = Market("htx", "BTCUSDT", "BTC-USDT", 0.001)


def read_answer(name: str) -> Answer:
    raws = htx.decode((FOLDER / name).read_bytes())
    assert isinstance(raws, list)
    return build_answer(raws, lambda raw: htx.parse_row(raw, MARKET), Window(0, 2**62), "htx")


def test_v5() -> None:
    """2 contracts of 0.001 BTC at 62978.5 are 125.957 USD (the recorded row); 40 in one-way mode: a sell, so a long."""
    answer = read_answer("v5.json")
    first, second = answer.rows
    assert (first.position, first.price, first.price_kind) == ("short", 62978.5, "bankruptcy")
    assert (first.contracts, first.contract_size, first.qty, first.notional) == (2.0, 0.001, 0.002, 125.957)
    assert (first.event_id, first.ts_us, first.completeness) == ("150153038758", 1781849094165_000, "full")
    assert (second.position, second.qty, second.notional) == ("long", 0.04, 2480.0)
    assert [bad.reason for bad in answer.rejected] == ["side is unclear: side sell, position_side short"]


def test_v3_and_websocket() -> None:
    """227 contracts, 0.227 BTC x 23350.5 = 5300.5635 USD; a sell closes a long."""
    (row,) = read_answer("v3.json").rows
    assert (row.position, row.price, row.price_kind) == ("long", 23350.5, "bankruptcy")
    assert (row.contracts, row.qty, row.notional) == (227.0, 0.227, 5300.5635)
    assert (row.event_id, row.ts_us) == ("452057", 1608226502284_000)


def test_older_multiplier_is_told_by_the_row() -> None:
    """Listed is 0.001 today, but 2 contracts turned over 1259.57 USD: 0.02 BTC. The listed size is not stored."""
    raw = json.loads((FOLDER / "v5.json").read_text())["data"][0] | {"trade_turnover": "1259.57"}
    row = htx.parse_row(raw, MARKET)
    assert row.qty == pytest.approx(0.02, rel=1e-12)
    assert (row.notional, row.contracts, row.contract_size) == (1259.57, 2.0, None)


def test_recorded_websocket_message(real_data: Path) -> None:
    name = "messages/tardis-node/huobi-dm-linear-swap.jsonl"
    expected = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][name]["expected"]
    lines = (real_data / name).read_text(encoding="utf-8").splitlines()
    rows = [htx.parse_row(raw, MARKET) for line in lines for raw in json.loads(line)["message"]["data"]]
    for row, answer in zip(rows, expected, strict=True):
        assert (row.instrument, row.position, row.ts_us) == (
            answer["symbol"],
            answer["position"],
            answer["time_ms"] * 1000,
        )
        assert (row.contracts, row.price) == (float(answer["quantity"]), float(answer["price"]))


def test_contracts() -> None:
    assert htx.parse_market({"contract_code": "BTC-USDT", "contract_size": 0.001}) == MARKET
    assert htx.parse_market({"contract_code": "BTC-USDT-261225", "contract_size": 0.001}) is None, "a dated future"


def test_errors_inside_a_200() -> None:
    with pytest.raises(ValueError, match="busy"):
        htx.decode(b'{"status": "error", "err_code": 1032, "err_msg": "The number of access exceeded the limit."}')
    with pytest.raises(RefusalError, match="1067 out of range"):
        htx.decode(b'{"code": 1067, "message": "out of range", "data": null}')
    with pytest.raises(ValueError, match="empty body"):
        htx.decode(b"  ")


@pytest.mark.parametrize("repeats_last", [False, True])
def test_pages_by_id(repeats_last: bool) -> None:
    """250 rows in pages of 100, whether or not `from` itself comes again; each id once."""
    row = json.loads((FOLDER / "v5.json").read_text())["data"][0]
    rows = [{**row, "id": str(n)} for n in range(250)]
    window = Window(1781848800_000_000, 1781852400_000_000)
    asking = htx.SOURCE.ask_window(MARKET, window)
    request = next(asking)
    pages = 0
    answer: Any = None
    while answer is None:
        params = dict(request.params)
        assert (params["start_time"], params["end_time"]) == ("1781848800000", "1781852400000")
        start = int(params["from"]) + (0 if repeats_last else 1) if "from" in params else 0
        pages += 1
        try:
            request = asking.send(rows[start : start + 100])
        except StopIteration as end:
            answer = end.value
    assert sorted(int(r.event_id) for r in answer.rows) == list(range(250))
    assert pages == 4
