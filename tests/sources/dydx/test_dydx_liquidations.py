"""dYdX trades: which of them are liquidations, walking back by height, what the indexer has forgotten."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from loopback.dydx import DydxServer
from loopback.scenes import HOUR_US, WINDOW, be_swift, every_file, point, stored
from loopback.truth import Event, count_expected, make_events

from liqcli.core.errors import ExitCode, UsageError
from liqcli.core.model import Window
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net.client import RefusalError
from liqcli.sources.contracts import ListedContract
from liqcli.sources.dydx import liquidations as dydx_liquidations

TRADES = json.loads((Path(__file__).parent.parent / "responses/dydx/trades.json").read_text())["trades"]
AVAX = ListedContract("dydx", "AVAXUSD", "AVAX-USD", 1.0)
SIZE = Decimal("0.001")


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


def _truth() -> dict[str, list[Event]]:
    """Trades reach back beyond the window, as on a market that has traded before."""
    before = Event(WINDOW.start_us // 1000 - 60_000, "short", 7, Decimal(60_000))
    return {
        "BTC-USD": [*make_events(WINDOW, 41, busy=500), before],
        "ETH-USD": [*make_events(WINDOW, 42, busy=100), before],
    }


def test_liquidated_but_not_deleveraged() -> None:
    """Facts, section 1: a sell of 3.9 at 22.87 closed a long, 89.193 USD."""
    first, second, third = (dydx_liquidations.parse_row(raw, AVAX) for raw in TRADES)
    assert first is not None
    assert (second, third) == (None, None), "deleveraging and an ordinary trade are no liquidations"
    second = dydx_liquidations.parse_row({**TRADES[1], "type": "LIQUIDATED"}, AVAX)
    assert second is not None
    assert (first.position, first.qty, first.price, first.price_kind) == ("long", 3.9, 22.87, "fill")
    assert first.notional == pytest.approx(89.193, rel=1e-12)
    assert first.ts_us == 1722756890628000  # 2024-08-04T07:34:50.628Z
    assert first.event_id == TRADES[0]["id"]
    assert (first.completeness, first.contracts) == ("full", None)
    assert (second.position, second.ts_us) == ("short", 1722756889000000)


@pytest.mark.parametrize("change", [{"side": "LONG"}, {"size": ""}, {"price": "nan"}, {"createdAt": "yesterday"}])
def test_refused_rows(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        dydx_liquidations.parse_row(TRADES[0] | change, AVAX)


def test_errors_inside_an_answer() -> None:
    with pytest.raises(ValueError, match="busy"):
        dydx_liquidations.decode(b'{"errors": [{"msg": "Too many requests"}]}')
    with pytest.raises(RefusalError, match="not found"):
        dydx_liquidations.decode(b'{"errors": [{"msg": "not found"}]}')


def test_lake_equals_truth(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Ordinary trades between, several pages a window, twins (other ids) kept, the next run asks nothing."""
    with DydxServer(_truth(), SIZE) as server:
        point(monkeypatch, dydx=server.url)
        assert fetch(Lake(lake), WINDOW, ["BTC-USD", "ETHUSD"], ["dydx"]).exit_code == ExitCode.DONE
        for symbol, name in (("BTCUSD", "BTC-USD"), ("ETHUSD", "ETH-USD")):
            assert stored(lake, symbol) == count_expected(_truth()[name], WINDOW, SIZE)
        assert any("createdBeforeOrAtHeight" in asked.params for asked in server.asked)
        before, asked_before = every_file(lake), len(server.asked)
        assert fetch(Lake(lake), WINDOW, ["BTCUSD", "ETHUSD"], ["dydx"]).exit_code == ExitCode.DONE
        assert len(server.asked) == asked_before
        assert every_file(lake) == before


def test_what_the_indexer_forgot_stays_unknown(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Trades begin in the middle of the window: the part before is no empty time."""
    begin = WINDOW.start_us + 3 * HOUR_US
    events = [e for e in _truth()["BTC-USD"] if e.ts_ms * 1000 >= begin]
    with DydxServer({"BTC-USD": events}, SIZE) as server:
        point(monkeypatch, dydx=server.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSD"], ["dydx"]).rows[0]
    assert stored(lake, "BTCUSD") == count_expected(events, WINDOW, SIZE)
    assert row.result == "partial"
    assert "the indexer keeps no older ones" in row.troubles[0]
    oldest = min(e.ts_ms for e in events) * 1000
    assert Lake(lake).read_fetch_log("dydx", "BTCUSD", "dydx").missing(WINDOW) == [Window(WINDOW.start_us, oldest)]


def test_a_block_fuller_than_a_page_is_cut(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """1,200 trades in one block: those after 1,000 cannot be requested; that instant is cut, older ones are read."""
    at = WINDOW.start_us // 1000 + 7_200_000
    block = [Event(at, "long", 1, Decimal(100 + n)) for n in range(1200)]
    old = [Event(WINDOW.start_us // 1000 + 5 + n * 1000 - 500_000, "short", 1, Decimal(9)) for n in range(900)]
    with DydxServer({"BTC-USD": [*block, *old]}, SIZE, others=0) as server:
        point(monkeypatch, dydx=server.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSD"], ["dydx"]).rows[0]
    assert (row.cut, row.result) == (1, "partial")
    inside = [e for e in old if WINDOW.contains(e.ts_ms * 1000)]
    assert row.events == 1000 + len(inside)
    assert Lake(lake).read_fetch_log("dydx", "BTCUSD", "dydx").missing(WINDOW) == [Window(at * 1000, at * 1000 + 1000)]


def test_names(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with DydxServer(_truth(), SIZE) as server:
        point(monkeypatch, dydx=server.url)
        with pytest.raises(UsageError, match=r"unknown symbol 'BTTUSD'.*BTCUSD"):
            fetch(Lake(lake), WINDOW, ["BTTUSD"], ["dydx"])
    with DydxServer(_truth(), SIZE, listed=False) as server:
        point(monkeypatch, dydx=server.url)
        fetch(Lake(lake), WINDOW, ["ETH"], ["dydx"])
    assert stored(lake, "ETHUSD") == count_expected(_truth()["ETH-USD"], WINDOW, SIZE)
