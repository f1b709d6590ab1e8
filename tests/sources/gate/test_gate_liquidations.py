"""Gate: signs, executed contracts, seconds and milliseconds, what to ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liqcli.core.model import Window
from liqcli.net.client import RefusalError
from liqcli.sources.base import Answer
from liqcli.sources.contracts import ListedContract
from liqcli.sources.gate import liquidations as gate_liquidations
from liqcli.sources.rows import build_answer

FOLDER = Path(__file__).parent.parent / "responses/gate"
MARKET = ListedContract("gate", "BTCUSDT", "BTC_USDT", 0.0001)
ROW = {
    "contract": "BTC_USDT",
    "left": 0,
    "size": -165,
    "fill_price": "28070",
    "order_price": "28225",
    "time": 1696736132,
}


def read_answer() -> Answer:
    rows = gate_liquidations.decode((FOLDER / "liq_orders.json").read_bytes())
    return build_answer(rows, lambda raw: gate_liquidations.parse_row(raw, MARKET), Window(0, 2**62), "gate")


def test_vector_of_the_facts() -> None:
    """165 contracts of 0.0001 BTC at 28070: a short, 0.0165 BTC, 463.155 USD at the fill."""
    row = gate_liquidations.parse_row(ROW, MARKET)
    assert row is not None
    assert (row.position, row.price, row.price_kind) == ("short", 28070.0, "fill")
    assert (row.contracts, row.contract_size, row.qty, row.notional) == (165.0, 0.0001, 0.0165, 463.155)
    assert (row.ts_us, row.exchange, row.symbol, row.instrument) == (1696736132_000000, "gate", "BTCUSDT", "BTC_USDT")
    assert (row.completeness, row.source) == ("full", "gate")


def test_rows_of_every_age() -> None:
    """600 contracts; 40 ordered of which 15 are left (the position was larger); the old row without order_size."""
    answer = read_answer()
    assert [(r.position, r.contracts, r.notional, r.ts_us) for r in answer.rows] == [
        ("long", 600.0, 205.44, 1548654951_345000),
        ("short", 25.0, 8.6, 1548654950_000000),
        ("short", 165.0, 463.155, 1548654949_000000),
    ]
    assert answer.skipped == 1, "nothing of the fourth order was executed"
    assert [(bad.line, bad.reason) for bad in answer.rejected] == [
        (5, "side is unclear: size 9, order_size 9"),
        (6, "row of '龙虾_USDT', requested 'BTC_USDT'"),
        (7, "field 'fill_price' is missing"),
    ]


def test_size_zero_has_no_side() -> None:
    with pytest.raises(ValueError, match="side is unclear"):
        gate_liquidations.parse_row({**ROW, "size": 0}, MARKET)


def test_time_ms_of_another_second_is_not_believed() -> None:
    assert gate_liquidations.parse_time({"time": 1696736132, "time_ms": 1696736139999}) == 1696736132_000000


def test_inverse_contract_is_one_dollar() -> None:
    """165 contracts of BTC_USD are 165 USD, 165 / 28070 BTC."""
    market = gate_liquidations.parse_market({"name": "BTC_USD", "type": "inverse", "quanto_multiplier": "0"})
    assert market == ListedContract("gate", "BTCUSD", "BTC_USD", 1.0, inverse=True)
    row = gate_liquidations.parse_row({**ROW, "contract": "BTC_USD"}, market)
    assert row is not None
    assert (row.notional, row.qty) == (165.0, 165 / 28070)


def test_contracts() -> None:
    linear = {"name": "龙虾_USDT", "type": "direct", "quanto_multiplier": "10"}
    assert gate_liquidations.parse_market(linear) == ListedContract("gate", "龙虾USDT", "龙虾_USDT", 10.0)
    assert gate_liquidations.parse_market({"name": "ETH_USD", "type": "direct", "quanto_multiplier": "1"}) is None, (
        "a quanto contract"
    )


def test_request_takes_both_bounds_inside() -> None:
    request = gate_liquidations.window_request("usdt", MARKET.instrument, 1696732800, 1696736400)
    assert request.text == (
        "/api/v4/futures/usdt/liq_orders?contract=BTC_USDT&from=1696732800&to=1696736399&limit=1000"
    )


HOUR = Window(1696734000_000000, 1696737600_000000)


def ask(answers: list[Any], window: Window = HOUR) -> tuple[Answer, list[str]]:
    """Answer a window's questions in turn; gives what was made of them, and the bounds that were asked."""
    asking = gate_liquidations.SOURCE.ask_window(MARKET, window)
    request = next(asking)
    asked = []
    for answer in answers:
        params = dict(request.params)
        asked.append(f"{params['from']} {params['to']}")
        try:
            request = asking.send(answer)
        except StopIteration as end:
            return end.value, asked
    pytest.fail("it wants another answer")


def test_an_empty_hour_is_said_twice() -> None:
    assert ask([[], []])[0].rows == []
    assert len(ask([[], [ROW]])[0].rows) == 1, "the first answer was a stale one"


@pytest.mark.parametrize("stray", [{"time": 1696740000}, {"contract": "ETH_USDT"}, {"time": 1696733000}])
def test_an_answer_to_another_request_is_requested_again(stray: dict[str, Any]) -> None:
    assert len(ask([[{**ROW, **stray}], [ROW]])[0].rows) == 1
    with pytest.raises(RefusalError, match="do not match the request"):
        ask([[{**ROW, **stray}]] * 4)


def test_a_page_written_twice_is_asked_again() -> None:
    other = {**ROW, "time": 1696736131}
    assert len(ask([[ROW, other, ROW, other], [ROW, other]])[0].rows) == 2
    assert len(ask([[ROW, ROW]])[0].rows) == 2, "twins"


def test_a_second_beside_the_window_is_no_other_question() -> None:
    """Should a bound be meant otherwise than documented, the hour is read all the same; the stray row is left out."""
    answer, asked = ask([[{**ROW, "time": 1696737600}, ROW, {**ROW, "time": 1696733999}]])
    assert [row.ts_us for row in answer.rows] == [1696736132_000000]
    assert asked == ["1696734000 1696737599"]


def test_halves_of_a_full_hour() -> None:
    """1000 rows say that there may be more: both halves are asked, each second once."""
    early, late = {**ROW, "time": 1696734000}, {**ROW, "time": 1696735800}
    answer, asked = ask([[early] * 600 + [late] * 400, [early] * 600, [late] * 700])
    assert len(answer.rows) == 1300
    assert asked == ["1696734000 1696737599", "1696734000 1696735799", "1696735800 1696737599"]
    assert answer.cut == []


def test_a_full_second_is_cut() -> None:
    answer, _ = ask([[ROW] * 1000], Window(1696736132_000000, 1696736133_000000))
    assert len(answer.rows) == 1000
    assert answer.cut == [Window(1696736132_000000, 1696736133_000000)]


@pytest.mark.parametrize("label", ["TOO_MANY_REQUESTS", "TOO_FAST", "TOO_BUSY", "SERVER_ERROR", "INTERNAL"])
def test_busy_inside_a_200(label: str) -> None:
    with pytest.raises(ValueError, match=f"busy .{label}"):
        gate_liquidations.decode(json.dumps({"label": label, "message": "slow"}).encode())


def test_errors_inside_a_200() -> None:
    with pytest.raises(RefusalError, match="INVALID_PARAM_VALUE range"):
        gate_liquidations.decode(b'{"label": "INVALID_PARAM_VALUE", "message": "range from/to must in 1 hour"}')


def test_recorded_answer(real_data: Path) -> None:
    """40 rows of a real answer: position, executed contracts, fill price, time; in two `size` is not the order."""
    name = "messages/recorded/gate_rest_liq_orders_usdt.json"
    expected = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][name]
    raws = gate_liquidations.decode((real_data / name).read_bytes())
    rows = [gate_liquidations.parse_row(raw, ListedContract("gate", "XUSDT", raw["contract"], 1.0)) for raw in raws]
    assert len(rows) == expected["events"] == 40
    for row, answer in zip(rows, expected["expected"], strict=True):
        assert row is not None
        assert (row.instrument, row.position) == (answer["symbol"], answer["position"])
        assert row.contracts == float(answer["quantity"])
        assert (row.price, row.ts_us) == (float(answer["average_price"]), answer["time_ms"] * 1000)
    assert [row.position for row in rows if row].count("long") == 28
