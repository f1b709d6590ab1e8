"""Poloniex's liquidation orders: the documented rows, full pages cut in two, and what an empty answer proves."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from loopback.poloniex import PoloniexServer
from loopback.scenes import WINDOW, be_swift, every_file, point, stored
from loopback.truth import Event, count_expected, make_events

from liqcli.core.errors import ExitCode, UsageError
from liqcli.core.model import Window
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net.client import BusyError, RefusalError
from liqcli.sources.contracts import ListedContract
from liqcli.sources.poloniex import liquidations as poloniex_liquidations

RESPONSES = Path(__file__).parent.parent / "responses/poloniex"
BODY = (RESPONSES / "liquidation_order.json").read_bytes()
BTC = ListedContract("poloniex", "BTCUSDT", "BTC_USDT_PERP", 0.001)
SIZES = {"BTC_USDT_PERP": "0.001", "ETH_USDT_PERP": "0.01", "BTC_USD_PERP": "1"}


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


def _truth() -> dict[str, list[Event]]:
    """Bursts of more than a page in eight seconds, and an event an hour before the window: nothing is forgotten."""
    before = Event(WINDOW.start_us // 1000 - 3_600_000, "long", 5, Decimal(60_000))
    return {
        "BTC_USDT_PERP": [*make_events(WINDOW, 41, busy=450), before],
        "ETH_USDT_PERP": [*make_events(WINDOW, 42, busy=120), before],
    }


def test_the_documented_rows() -> None:
    """13 contracts of 0.001 BTC at 68741.828: 0.013 BTC, 893.643764 USD; BUY closes a SHORT."""
    first, second, third = (poloniex_liquidations.parse_row(raw, BTC) for raw in poloniex_liquidations.decode(BODY))  # type: ignore[attr-defined]
    assert (first.position, first.price, first.price_kind) == ("short", 68741.828, "bankruptcy")
    assert (first.qty, first.contracts, first.notional) == (0.013, 13, 893.643764)
    assert first.ts_us == 1_730_341_275_050_000
    assert (first.completeness, first.source, first.event_id) == ("sampled", "poloniex", None)
    assert second.notional == pytest.approx(3 * 0.001 * 71983.165, rel=1e-12)
    assert third.notional == pytest.approx(15 * 0.001 * 80909.279, rel=1e-12)


def test_the_documented_contract() -> None:
    (raw,) = poloniex_liquidations.decode((RESPONSES / "all_instruments.json").read_bytes())  # type: ignore[misc]
    assert poloniex_liquidations.parse_market(raw) == BTC
    assert poloniex_liquidations.parse_market(raw | {"ctType": "INVERSE"}) is None
    assert poloniex_liquidations.parse_market(raw | {"symbol": "BTC_USDT_251226"}) is None


@pytest.mark.parametrize(("side", "stated", "position"), [("SELL", "LONG", "long"), ("SELL", "BOTH", "long")])
def test_sides(side: str, stated: str, position: str) -> None:
    raw = json.loads(BODY)["data"][0] | {"side": side, "posSide": stated}
    assert poloniex_liquidations.parse_row(raw, BTC).position == position


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"side": "SELL"}, "side is unclear: side SELL, posSide SHORT"),
        ({"side": "HOLD"}, "unknown order side"),
        ({"sz": "x"}, "x"),
        ({"bkPx": "0"}, "price is not positive"),
        ({"symbol": "ETHUSDTPERP"}, "row of 'ETHUSDTPERP'"),
        ({"uTime": None}, "."),
    ],
)
def test_refused_rows(change: dict[str, object], reason: str) -> None:
    raw = json.loads(BODY)["data"][0] | change
    with pytest.raises((ValueError, TypeError), match=reason):
        poloniex_liquidations.parse_row(raw, BTC)


def test_errors_inside_an_answer() -> None:
    with pytest.raises(BusyError, match="busy"):
        poloniex_liquidations.decode(b'{"code": 429, "msg": "Too many requests"}')
    with pytest.raises(RefusalError, match="11001 Param error"):
        poloniex_liquidations.decode(b'{"code": 11001, "msg": "Param error"}')


@pytest.mark.parametrize("strict", [False, True])
def test_lake_equals_truth(monkeypatch: pytest.MonkeyPatch, lake: Path, strict: bool) -> None:
    """Whichever way the bounds are meant; the second run asks nothing and changes nothing."""
    with PoloniexServer(_truth(), SIZES, strict=strict, plain=not strict) as server:
        point(monkeypatch, poloniex=server.url)
        assert fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["poloniex"]).exit_code == ExitCode.DONE
        for symbol, name in (("BTCUSDT", "BTC_USDT_PERP"), ("ETHUSDT", "ETH_USDT_PERP")):
            assert stored(lake, symbol) == count_expected(_truth()[name], WINDOW, Decimal(SIZES[name]))
        before, asked = every_file(lake), len(server.asked)
        assert fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["poloniex"]).exit_code == ExitCode.DONE
        assert len(server.asked) == asked
        assert every_file(lake) == before


def test_a_millisecond_fuller_than_a_page_is_cut(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """130 events in one: 100 come, and it is said to hold more; its neighbours too, which are asked a bit wider."""
    at = WINDOW.start_us // 1000 + 5_000
    events = [Event(at, "long", 1, Decimal(100 + n)) for n in range(130)] + [Event(at - 9_000, "long", 1, Decimal(9))]
    with PoloniexServer({"BTC_USDT_PERP": events}, SIZES) as server:
        point(monkeypatch, poloniex=server.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["poloniex"]).rows[0]
    assert (row.cut, row.events) == (3, 100)
    assert Lake(lake).read_fetch_log("poloniex", "BTCUSDT", "poloniex").missing(WINDOW) == [
        Window((at - 1) * 1000, (at + 2) * 1000)
    ]


def test_data_that_may_have_been_dropped_are_not_called_empty(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """It keeps only what is younger than the window's third hour: before the first event nothing is known."""
    kept_ms = WINDOW.start_us // 1000 + 3 * 3_600_000
    with PoloniexServer(_truth(), SIZES, kept_ms) as server:
        point(monkeypatch, poloniex=server.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["poloniex"]).rows[0]
    first = min(e.ts_ms for e in _truth()["BTC_USDT_PERP"] if e.ts_ms >= kept_ms)
    missing = Lake(lake).read_fetch_log("poloniex", "BTCUSDT", "poloniex").missing(WINDOW)
    assert missing == [Window(WINDOW.start_us, first * 1000)]
    assert "it may have been dropped" in row.troubles[0]
    assert row.result == "partial"
    assert row.events == sum(stored(lake, "BTCUSDT").values()) > 40


def test_nothing_at_all_is_unknown(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with PoloniexServer({}, SIZES) as server:
        point(monkeypatch, poloniex=server.url)
        summary = fetch(Lake(lake), WINDOW, ["ETHUSDT"], ["poloniex"])
    assert (summary.rows[0].result, summary.rows[0].covered) == ("failed", ())


def test_names(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """An unknown name gets the nearest; inverse contracts are not listed."""
    with PoloniexServer(_truth(), SIZES) as server:
        point(monkeypatch, poloniex=server.url)
        with pytest.raises(UsageError, match=r"unknown symbol 'BTTUSDT'.*BTCUSDT"):
            fetch(Lake(lake), WINDOW, ["BTTUSDT"], ["poloniex"])
        with pytest.raises(UsageError, match="unknown symbol 'BTCUSD'"):
            fetch(Lake(lake), WINDOW, ["BTCUSD"], ["poloniex"])
