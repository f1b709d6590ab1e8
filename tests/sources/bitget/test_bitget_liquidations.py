"""Bitget's liquidations: amount is money, side is the position, cursors, a page that comes twice."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from loopback.bitget import BitgetServer
from loopback.scenes import HOUR_US, be_swift, every_file, point, stored
from loopback.server import Asked, Reply
from loopback.truth import Event, count_expected, make_events

from liqcli.core.errors import ExitCode, UsageError
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net.client import RefusalError
from liqcli.sources.bitget import liquidations as bitget_liquidations
from liqcli.sources.contracts import ListedContract

BODY = (Path(__file__).parent.parent / "responses/bitget/liquidations.json").read_bytes()
NOW = now_us()
WINDOW = Window(NOW // HOUR_US * HOUR_US - 47 * HOUR_US, NOW // HOUR_US * HOUR_US - 42 * HOUR_US)
SIZE = Decimal("0.001")


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


def _truth() -> dict[str, list[Event]]:
    later = [Event(WINDOW.end_us // 1000 + n, "long", 1, Decimal(60_000 + n)) for n in range(1, 140)]
    older = [Event(WINDOW.start_us // 1000 - 3_600_000 - n, "short", 1, Decimal(60_000)) for n in range(150)]
    busy = make_events(WINDOW, 21, busy=500) + later + older
    return {"BTCUSDT": busy, "ETHUSDT": make_events(WINDOW, 22, busy=120), "BTCPERP": busy[:150],
            "BTCUSD": make_events(WINDOW, 23, busy=150)}  # fmt: skip


def _server(**options: object) -> BitgetServer:
    return BitgetServer(_truth(), SIZE, NOW // 1000, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "symbol", "qty", "usd"), [(0, "APEUSDT", 83.1, 13.70319), (1, "IPUSDT", 286.5, 143.330431857868)]
)
def test_amount_is_money(number: int, symbol: str, qty: float, usd: float) -> None:
    """Facts, section 1: 13.70319 / 0.1649 = 83.1 and 143.330431857868 / 0.500280739469 = 286.5 exactly; buy = long."""
    raw = bitget_liquidations.decode(BODY)["list"][number]  # type: ignore[index]
    row = bitget_liquidations.parse_row(raw, ListedContract("bitget", symbol, symbol, None))
    assert (row.position, row.notional, row.price_kind) == ("long", usd, "bankruptcy")
    assert row.qty == pytest.approx(qty, rel=1e-12)
    assert row.ts_us == int(raw["ts"]) * 1000
    assert (row.completeness, row.contracts) == ("sampled", None)


@pytest.mark.parametrize(
    "change", [{"side": "long"}, {"price": "0"}, {"amount": "-1"}, {"amount": ""}, {"symbol": "X"}, {"ts": "soon"}]
)
def test_refused_rows(change: dict[str, str]) -> None:
    raw = json.loads(BODY)["data"]["list"][0] | change
    with pytest.raises(ValueError, match=r"."):
        bitget_liquidations.parse_row(raw, ListedContract("bitget", "APEUSDT", "APEUSDT", None))


def test_errors_inside_an_answer() -> None:
    with pytest.raises(ValueError, match="busy"):
        bitget_liquidations.decode(b'{"code": "429", "msg": "Too Many Requests"}')
    with pytest.raises(RefusalError, match="400172"):
        bitget_liquidations.decode(b'{"code": "400172", "msg": "Parameter verification failed"}')
    with pytest.raises(ValueError, match="without a code"):
        bitget_liquidations.decode(b"{}")


def test_coin_margined_amounts_are_dollars(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """0.021 coins at 62,978.5 are 1,322.5485 USD; 1,000 at that price may be coins, contracts or USD: refused."""
    market = ListedContract("bitget", "BTCUSD", "BTCUSD", None, inverse=True)
    raw = {"symbol": "BTCUSD", "side": "sell", "price": "62978.5", "amount": "1322.5485", "ts": "1777334400000"}
    row = bitget_liquidations.parse_row(raw, market)
    assert (row.symbol, row.position, row.notional) == ("BTCUSD", "short", 1322.5485)
    assert row.qty == pytest.approx(0.021, rel=1e-12)
    with pytest.raises(ValueError, match="unit is unclear: amount 1000"):
        bitget_liquidations.parse_row({**raw, "amount": "1000"}, market)
    with _server() as server:
        point(monkeypatch, bitget=server.url)
        assert fetch(Lake(lake), WINDOW, ["BTCUSD"], ["bitget"]).exit_code == ExitCode.DONE
        categories = {asked.params["category"] for asked in server.asked}
    assert categories == {"COIN-FUTURES"}
    assert stored(lake, "BTCUSD") == count_expected(_truth()["BTCUSD"], WINDOW, SIZE)


def test_lake_equals_truth(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with _server() as server:
        point(monkeypatch, bitget=server.url)
        symbols = ["BTCUSDT", "ETHUSDT", "BTCUSDC"]
        summary = fetch(Lake(lake), WINDOW, symbols, ["bitget"])
        assert summary.exit_code == ExitCode.DONE
        for symbol, name in (("BTCUSDT", "BTCUSDT"), ("ETHUSDT", "ETHUSDT"), ("BTCUSDC", "BTCPERP")):
            assert stored(lake, symbol) == count_expected(_truth()[name], WINDOW, SIZE), symbol
        oldest = _truth()["BTCUSDT"]
        pages = [a for a in server.paths("liquidations") if a.params["symbol"] == "BTCUSDT"]
        assert len(pages) < -(-len(oldest) // 100), "walks on behind the window's start"
        before, asked = every_file(lake), len(server.asked)
        assert fetch(Lake(lake), WINDOW, symbols, ["bitget"]).exit_code == ExitCode.DONE
        assert len(server.asked) == asked
        assert every_file(lake) == before


@pytest.mark.parametrize("arriving", [1, 3])
def test_rows_that_arrive_while_it_is_read_push_none_in_twice(
    monkeypatch: pytest.MonkeyPatch, lake: Path, arriving: int
) -> None:
    """The cursor counts rows, and before each answer some more stand in front; twins and all come once."""
    with _server(arriving=arriving) as server:
        point(monkeypatch, bitget=server.url)
        assert fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["bitget"]).exit_code == ExitCode.DONE
    assert stored(lake, "BTCUSDT") == count_expected(_truth()["BTCUSDT"], WINDOW, SIZE)


def test_without_a_list_of_contracts(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with _server(listed=False) as server:
        point(monkeypatch, bitget=server.url)
        fetch(Lake(lake), WINDOW, ["BTCUSDT", "BTCUSDC"], ["bitget"])
    assert stored(lake, "BTCUSDC") == count_expected(_truth()["BTCPERP"], WINDOW, SIZE)


def test_unknown_symbol_names_the_nearest(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with _server() as server:
        point(monkeypatch, bitget=server.url)
        with pytest.raises(UsageError, match=r"unknown symbol 'BTTUSDT'.*BTCUSDT"):
            fetch(Lake(lake), WINDOW, ["BTTUSDT"], ["bitget"])


def test_paging_that_does_not_go_on_is_no_answer(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    class Deaf(BitgetServer):
        def answer(self, asked: Asked) -> Reply:
            asked.params.pop("cursor", None)
            return super().answer(asked)

    with Deaf(_truth(), SIZE, NOW // 1000) as server:
        point(monkeypatch, bitget=server.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["bitget"]).rows[0]
    assert "paging does not advance" in (row.error or "")
    assert row.result == "failed"
