"""HTX: the v5 row counts contracts, the v3 and websocket row base coins; paging by id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from liqcli.core.model import Window
from liqcli.net.client import RefusalError
from liqcli.sources.base import Answer
from liqcli.sources.contracts import ListedContract
from liqcli.sources.htx import liquidations as htx_liquidations
from liqcli.sources.rows import build_answer

FOLDER = Path(__file__).parent.parent / "responses/htx"
MARKET = ListedContract("htx", "BTCUSDT", "BTC-USDT", 0.001)
COIN = ListedContract("htx", "BTCUSD", "BTC-USD", 100.0, inverse=True)
WINDOW = Window(1781848800_000_000, 1781852400_000_000)


def read_answer(name: str) -> Answer:
    raws = htx_liquidations.decode((FOLDER / name).read_bytes())
    assert isinstance(raws, list)
    return build_answer(raws, lambda raw: htx_liquidations.parse_row(raw, MARKET), Window(0, 2**62), "htx")


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


def test_an_older_multiplier_follows_from_the_row() -> None:
    """Listed is 0.001 today, but 2 contracts turned over 1259.57 USD: 0.02 BTC. The listed size is not stored."""
    raw = json.loads((FOLDER / "v5.json").read_text())["data"][0] | {"trade_turnover": "1259.57"}
    row = htx_liquidations.parse_row(raw, MARKET)
    assert row.qty == pytest.approx(0.02, rel=1e-12)
    assert (row.notional, row.contracts, row.contract_size) == (1259.57, 2.0, None)


def test_recorded_websocket_message(real_data: Path) -> None:
    name = "messages/tardis-node/huobi-dm-linear-swap.jsonl"
    expected = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][name]["expected"]
    lines = (real_data / name).read_text(encoding="utf-8").splitlines()
    rows = [htx_liquidations.parse_row(raw, MARKET) for line in lines for raw in json.loads(line)["message"]["data"]]
    for row, answer in zip(rows, expected, strict=True):
        assert (row.instrument, row.position, row.ts_us) == (
            answer["symbol"],
            answer["position"],
            answer["time_ms"] * 1000,
        )
        assert (row.contracts, row.price) == (float(answer["quantity"]), float(answer["price"]))
        assert (row.price_kind, row.qty, row.notional) == ("bankruptcy", 0.227, 5300.5635)


def test_coin_margined() -> None:
    """The documented row: 173 contracts of 100 USD at 17102.9 are 17,300 USD, 1.01152 BTC; a buy closes a short."""
    (row,) = build_answer(
        htx_liquidations.decode((FOLDER / "coin_v3.json").read_bytes()),
        lambda raw: htx_liquidations.parse_row(raw, COIN),
        Window(0, 2**62),
        "htx",
    ).rows
    assert (row.symbol, row.position, row.price, row.price_kind) == ("BTCUSD", "short", 17102.9, "bankruptcy")
    assert (row.contracts, row.contract_size, row.notional) == (173.0, 100.0, 17300.0)
    assert row.qty == pytest.approx(1.0115243613656164, rel=1e-12)
    assert (row.event_id, row.ts_us, row.completeness) == ("111000", 1606381842485_000, "full")


def test_coin_margined_of_another_size() -> None:
    """10.115243613656164 BTC x 17102.9 = 173,000 USD: the contract was 1000 USD then, and that is not stored."""
    raw = json.loads((FOLDER / "coin_v3.json").read_text())["data"][0] | {"amount": 10.115243613656164}
    row = htx_liquidations.parse_row(raw, COIN)
    assert (row.qty, row.contract_size) == (10.115243613656164, None)
    assert row.notional == pytest.approx(173_000, rel=1e-12)


def test_coin_margined_is_asked_of_v3() -> None:
    assert htx_liquidations.page_request(COIN, WINDOW, "7").text == (
        "/swap-api/v3/swap_liquidation_orders?contract=BTC-USD&trade_type=0"
        "&start_time=1781848800000&end_time=1781852400000&direct=next&from_id=7"
    )


@pytest.mark.parametrize(
    ("wanted", "asked", "found"),
    [
        (["BTCUSDT"], ["linear-swap-api"], ["BTCUSDT"]),
        (["BTCUSD"], ["swap-api"], ["BTCUSD"]),
        (["BTC"], ["linear-swap-api", "swap-api"], ["BTCUSDT", "BTCUSD"]),
    ],
)
def test_lists(wanted: list[str], asked: list[str], found: list[str]) -> None:
    """Each kind of margin has its own list; one that was taken offline (None) lists nothing."""
    lists = {
        "linear-swap-api": [{"contract_code": "BTC-USDT", "contract_size": 0.001}],
        "swap-api": [{"contract_code": "BTC-USD", "contract_size": 100}],
    }
    for offline in (False, True):
        asking = htx_liquidations.SOURCE.ask_markets("htx", wanted)
        request = next(asking)
        for family in asked:
            assert request.path == f"/{family}/v1/swap_contract_info"
            try:
                request = asking.send(None if offline and family == "swap-api" else lists[family])
            except StopIteration as end:
                listing = end.value
        kept = [symbol for symbol in found if not (offline and symbol == "BTCUSD")]
        assert list(listing.markets) == kept


def test_without_v5_the_older_path_is_used() -> None:
    """404, or code 10000 inside a 200, for v5: v3 returns the same in its own format."""
    assert htx_liquidations.decode(b'{"status": "error", "err_code": 10000, "err_msg": "offline"}') is None
    assert htx_liquidations.page_request(MARKET, WINDOW, None).absent == (404,)
    asking = htx_liquidations.SOURCE.ask_window(MARKET, WINDOW)
    next(asking)
    request = asking.send(None)
    assert request.text == (
        "/linear-swap-api/v3/swap_liquidation_orders?contract=BTC-USDT&trade_type=0"
        "&start_time=1781848800000&end_time=1781852400000&direct=next"
    )
    raw = json.loads((FOLDER / "v3.json").read_text())["data"][0] | {"created_at": 1781849000000}
    request = asking.send([raw])
    assert dict(request.params)["from_id"] == str(raw["query_id"]), "how long a page is was not said: it goes on"
    asking.send([])
    with pytest.raises(StopIteration) as end:
        asking.send([])
    assert [row.qty for row in end.value.value.rows] == [0.227]
    asking = htx_liquidations.SOURCE.ask_window(MARKET, WINDOW)
    next(asking)
    asking.send(None)
    with pytest.raises(RefusalError, match="not a list"):
        asking.send(None)


def test_contracts() -> None:
    assert htx_liquidations.parse_market({"contract_code": "BTC-USDT", "contract_size": 0.001}) == MARKET
    assert htx_liquidations.parse_market({"contract_code": "BTC-USDT-261225", "contract_size": 0.001}) is None, (
        "a dated future"
    )
    assert htx_liquidations.parse_market({"contract_code": "BTC-USD", "contract_size": 100}) == COIN
    assert htx_liquidations.parse_market({"contract_code": "BTC261225", "contract_size": 100}) is None, (
        "a dated coin future"
    )


def test_errors_inside_a_200() -> None:
    with pytest.raises(ValueError, match="busy"):
        htx_liquidations.decode(
            b'{"status": "error", "err_code": 1032, "err_msg": "The number of access exceeded the limit."}'
        )
    with pytest.raises(RefusalError, match="1067 out of range"):
        htx_liquidations.decode(b'{"code": 1067, "message": "out of range", "data": null}')
    with pytest.raises(ValueError, match="empty body"):
        htx_liquidations.decode(b"  ")


@pytest.mark.parametrize("repeats_last", [False, True])
def test_pages_by_id(repeats_last: bool) -> None:
    """250 rows in pages of 100, whether or not `from` itself comes again; each id once."""
    row = json.loads((FOLDER / "v5.json").read_text())["data"][0]
    rows = [{**row, "id": str(n)} for n in range(250)]
    asking = htx_liquidations.SOURCE.ask_window(MARKET, WINDOW)
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
    assert pages == (3 if repeats_last else 5), "52 rows are the end; 50 may be a shorter page, and nothing comes twice"


def test_a_page_that_came_before_is_asked_again() -> None:
    """50 rows a page where 100 were asked: the first page again, in place of the second, is no end."""
    row = json.loads((FOLDER / "v5.json").read_text())["data"][0]
    rows = [{**row, "id": str(n)} for n in range(90)]
    asking = htx_liquidations.SOURCE.ask_window(MARKET, WINDOW)
    next(asking)
    second = asking.send(rows[:50])
    assert dict(second.params)["from"] == "49"
    assert asking.send(rows[:50]) == second
    further = asking.send(rows[50:])
    assert dict(further.params)["from"] == "89", "40 rows may be a shorter page still"
    asking.send([])
    with pytest.raises(StopIteration) as end:
        asking.send([])
    assert len(end.value.value.rows) == 90


def test_ids_need_not_come_in_order() -> None:
    """It goes on from the highest id, as documented, not from the last one."""
    row = json.loads((FOLDER / "v5.json").read_text())["data"][0]
    asking = htx_liquidations.SOURCE.ask_window(MARKET, WINDOW)
    next(asking)
    page = [{**row, "id": str(n)} for n in (*range(50, 100), *range(50))]
    assert dict(asking.send(page).params)["from"] == "99"
