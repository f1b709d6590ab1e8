"""OKX: contracts times ctVal, exact instrument match, side against posSide, ties on page edges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from liqcli.core.model import Window
from liqcli.net.client import RefusalError
from liqcli.sources.base import Answer
from liqcli.sources.contracts import ListedContract
from liqcli.sources.okx import liquidations as okx_liquidations
from liqcli.sources.rows import build_answer

FOLDER = Path(__file__).parent.parent / "responses/okx"
MARKET = ListedContract("okx", "BTCUSDT", "BTC-USDT-SWAP", 0.01)
INVERSE = ListedContract("okx", "BTCUSD", "BTC-USD-SWAP", 100.0, inverse=True)


def read_details(instrument: str) -> list[Any]:
    data = okx_liquidations.decode((FOLDER / "page.json").read_bytes())
    assert isinstance(data, list)
    return [raw for entry in data if entry["instId"] == instrument for raw in entry["details"]]


def test_linear() -> None:
    """8.55 contracts of 0.01 BTC at 82655.7: 0.0855 BTC, 7067.06235 USD, a long; "net" + buy is a short."""
    answer = build_answer(
        read_details("BTC-USDT-SWAP"), lambda raw: okx_liquidations.parse_row(raw, MARKET), Window(0, 2**62), "okx"
    )
    first, second = answer.rows
    assert (first.position, first.price, first.price_kind) == ("long", 82655.7, "bankruptcy")
    assert (first.contracts, first.contract_size, first.qty, first.notional) == (8.55, 0.01, 0.0855, 7067.06235)
    assert (first.ts_us, first.completeness) == (1791565600771_000, "sampled")
    assert (second.position, second.notional) == ("short", 2481.0)
    assert [bad.reason for bad in answer.rejected] == ["side is unclear: side buy, posSide long"]


def test_inverse() -> None:
    """41 contracts of 100 USD: 4100 USD, 0.05 BTC at 82000."""
    row = okx_liquidations.parse_row(read_details("BTC-USD-SWAP")[0], INVERSE)
    assert (row.position, row.notional, row.qty) == ("short", 4100.0, 0.05)


def test_swaps() -> None:
    linear = {"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1", "ctType": "linear"}
    assert okx_liquidations.parse_market(linear) == MARKET
    inverse = {"instId": "BTC-USD-SWAP", "ctVal": "100", "ctMult": "1", "ctType": "inverse"}
    assert okx_liquidations.parse_market(inverse) == INVERSE
    assert okx_liquidations.parse_market({**linear, "ctVal": ""}) == ListedContract(
        "okx", "BTCUSDT", "BTC-USDT-SWAP", None
    )
    assert okx_liquidations.parse_market({**linear, "ctMult": "10"}) == ListedContract(
        "okx", "BTCUSDT", "BTC-USDT-SWAP", 0.1
    )
    assert okx_liquidations.parse_market({**linear, "ctMult": "x"}) == ListedContract(
        "okx", "BTCUSDT", "BTC-USDT-SWAP", None
    )
    assert okx_liquidations.parse_market({"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": ""}) == MARKET
    assert okx_liquidations.parse_market({"instId": "BTC-USD-SWAP", "ctVal": "100"}) == INVERSE, "100 USD, not 100 BTC"


def test_errors_inside_a_200() -> None:
    with pytest.raises(ValueError, match="busy"):
        okx_liquidations.decode(b'{"code": "50011", "msg": "Too Many Requests", "data": []}')
    with pytest.raises(RefusalError, match="50015"):
        okx_liquidations.decode(
            b'{"code": "50015", "msg": "Either parameter uly or instFamily is required", "data": []}'
        )


def test_only_the_very_instrument_counts() -> None:
    """An answer that holds BTC-USDT and BTC-USD rows: asked for BTC-USD, one row comes out, not four."""
    asking = okx_liquidations.SOURCE.ask_window(INVERSE, Window(1791565000_000_000, 1791566000_000_000))
    assert "uly=BTC-USD&" in next(asking).text
    with pytest.raises(StopIteration) as end:  # four rows: a page that is not full, so the last one
        asking.send(okx_liquidations.decode((FOLDER / "page.json").read_bytes()))
    assert [row.instrument for row in end.value.value.rows] == ["BTC-USD-SWAP"]


BASE_MS = 1791565600000
SECOND = Window(BASE_MS * 1000, (BASE_MS + 1000) * 1000)


def make_rows(times: Iterable[int]) -> list[dict[str, str]]:
    """Make a row a time [ms], each with its own price, newest first."""
    rows = [
        {"bkPx": str(1000 + n), "posSide": "long", "side": "sell", "sz": "1", "ts": str(ts)}
        for n, ts in enumerate(times)
    ]
    return sorted(rows, key=lambda raw: -int(raw["ts"]))


def ask(
    rows: list[dict[str, str]], window: Window, spoil: Callable[[int, list[Any]], list[Any]] = lambda _n, page: page
) -> tuple[Answer, list[str]]:
    """Answer a window's questions as OKX does; gives what was made of it, and each `after`."""
    asking = okx_liquidations.SOURCE.ask_window(MARKET, window)
    request = next(asking)
    asked: list[str] = []
    while True:
        params = dict(request.params)
        page = spoil(len(asked), [raw for raw in rows if int(raw["ts"]) < int(params["after"])][:100])
        asked.append(params["after"])
        try:
            request = asking.send([{"instId": "BTC-USDT-SWAP", "details": page}] if page else [])
        except StopIteration as end:
            return end.value, asked


@pytest.mark.parametrize("ties", [1, 7, 99])
def test_ties_on_page_edges(ties: int) -> None:
    """400 rows, ``ties`` a millisecond, pages of 100, `after` strictly older: each comes once."""
    answer, _ = ask(make_rows(BASE_MS + n // ties for n in range(400)), SECOND)
    assert sorted(row.price for row in answer.rows) == [float(1000 + n) for n in range(400)]
    assert answer.cut == []


def test_more_ties_than_a_page_are_a_cut() -> None:
    """250 rows in a millisecond: rows after the first 100 cannot be requested; older ones are read."""
    answer, _ = ask(make_rows([*range(BASE_MS, BASE_MS + 5), *[BASE_MS + 9] * 250]), SECOND)
    assert len(answer.rows) == 105
    assert answer.cut == [Window((BASE_MS + 9) * 1000, (BASE_MS + 10) * 1000)]


def test_a_cut_before_the_window_is_none_of_it() -> None:
    answer, _ = ask(make_rows([BASE_MS - 9] * 250), SECOND)
    assert (answer.rows, answer.cut) == ([], [])


def test_a_skipped_page_is_noticed() -> None:
    """The second page misses the millisecond that it should continue: it is requested again and nothing is lost."""
    rows = make_rows(range(BASE_MS, BASE_MS + 300))
    answer, asked = ask(rows, SECOND, lambda n, page: rows[200:] if n == 1 else page)
    assert len(answer.rows) == 300
    assert asked[1] == asked[2] == str(BASE_MS + 201), "the oldest of the first page, BASE + 200, and one more"


def test_a_page_written_twice_is_asked_again() -> None:
    """40 rows, and the same 40 behind them; each counts once, and the twin among them twice."""
    rows = make_rows([BASE_MS, *range(BASE_MS, BASE_MS + 39)])
    rows[-1]["bkPx"] = rows[-2]["bkPx"]
    answer, asked = ask(rows, SECOND, lambda n, page: page * 2 if n == 0 else page)
    assert len(answer.rows) == 40
    assert asked[0] == asked[1]


def test_what_is_forgotten_between_two_pages_is_kept() -> None:
    """The list ends where the first page did, and says so twice: the millisecond that was held back counts."""
    rows = make_rows(range(BASE_MS, BASE_MS + 150))
    answer, _ = ask(rows, SECOND, lambda n, page: page if n == 0 else [])
    assert sorted(row.ts_us // 1000 - BASE_MS for row in answer.rows) == list(range(50, 150))


def test_a_quiet_window_is_said_twice() -> None:
    older = make_rows([BASE_MS - 5000])
    assert ask(older, SECOND)[1] == [str(BASE_MS + 1000)] * 2
    fresh = make_rows([BASE_MS - 5000, BASE_MS + 5])
    answer, _ = ask(fresh, SECOND, lambda n, page: older if n == 0 else page)
    assert len(answer.rows) == 1


@pytest.mark.parametrize("step_s", [60, 15])
@pytest.mark.parametrize("kept", [450, 400, 399])
def test_a_long_list_that_ends_early_proves_nothing(monkeypatch: pytest.MonkeyPatch, kept: int, step_s: int) -> None:
    """
    Rows every minute, or every 15 s, the youngest of them now, two hours behind a window of six hours.

    The list may be cut behind 400 rows: what lies before its end is unknown, not empty. 399 rows in a day are all.
    """
    now_ms = BASE_MS + 8 * 3_600_000
    monkeypatch.setattr(okx_liquidations, "now_us", lambda: now_ms * 1000)
    window = Window(BASE_MS * 1000, (BASE_MS + 6 * 3_600_000) * 1000)
    times = [now_ms - 1 - n * step_s * 1000 for n in range(kept)]
    answer, _ = ask(make_rows(times), window)
    assert len(answer.rows) == sum(ts < now_ms - 2 * 3_600_000 for ts in times)
    end_us = min(window.end_us, times[-1] * 1000)
    assert answer.unknown == ([Window(window.start_us, end_us)] if kept >= 400 else [])
    assert (answer.absent is None) == (kept < 400)


def test_more_than_is_kept_for_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """23.5 h are kept for sure; what is still there of the half hour before comes with the window at that edge."""
    now_ms = BASE_MS + 23 * 3_600_000 + 1_800_000
    monkeypatch.setattr(okx_liquidations, "now_us", lambda: now_ms * 1000)
    rows = make_rows(BASE_MS + n * 60_000 for n in range(-25, 200))
    window = Window(BASE_MS * 1000, (BASE_MS + 3_600_000) * 1000)
    answer, _ = ask(rows, window)
    assert [row.ts_us // 60_000_000 for row in reversed(answer.rows)] == [BASE_MS // 60_000 + n for n in range(-25, 60)]
    assert answer.unknown == []


def test_recorded_messages(real_data: Path) -> None:
    """Rows of recorded websocket messages have the form of REST rows; their side, price and size are known."""
    name = "messages/recorded/okx_ws.jsonl"
    expected = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][name]["expected"]
    lines = (real_data / name).read_text(encoding="utf-8").splitlines()
    messages = [json.loads(line) for line in lines]
    entries = [entry for m in messages for entry in m.get("message", m).get("data", ()) if "details" in entry]
    rows = [
        okx_liquidations.parse_row(raw, ListedContract("okx", "X", entry["instId"], 1.0))
        for entry in entries
        for raw in entry["details"]
    ]
    assert rows
    for row, answer in zip(rows, expected, strict=True):
        assert (row.instrument, row.position) == (answer["symbol"], answer["position"])
        assert (row.price, row.contracts) == (float(answer["price"]), float(answer["quantity"]))
        assert (row.ts_us, row.price_kind) == (answer["time_ms"] * 1000, "bankruptcy")


def test_recorded_answer(real_data: Path) -> None:
    """20 rows of a real answer: 750,891.63041 USD at the bankruptcy price, 16 long, 4 short."""
    name = "messages/recorded/okx_rest_liquidation_orders_BTC-USDT-SWAP.json"
    answers = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][name]["expected"]
    data = okx_liquidations.decode((real_data / name).read_bytes())
    assert isinstance(data, list)
    rows = [okx_liquidations.parse_row(raw, MARKET) for entry in data for raw in entry["details"]]
    for row, answer in zip(rows, answers, strict=True):
        assert (row.position, row.price) == (answer["position"], float(answer["price"]))
        assert (row.qty, row.notional) == (float(answer["amount_base"]), float(answer["usd"]))
        assert row.ts_us == answer["time_ms"] * 1000
    assert sum(row.notional for row in rows) == pytest.approx(750_891.63041, rel=1e-12)
    assert [row.position for row in rows].count("long") == 16
