"""CoinEx's liquidation history: which price is kept, pages by number in either order, a page that comes twice."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from loopback.coinex import CoinexServer
from loopback.scenes import WINDOW, be_swift, every_file, point, stored
from loopback.server import Asked, Reply
from loopback.truth import Event, count_expected, make_events

from liqcli.core.errors import ExitCode, UsageError
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net.client import RefusalError
from liqcli.sources.coinex import liquidations as coinex_liquidations
from liqcli.sources.contracts import ListedContract

BODY = (Path(__file__).parent.parent / "responses/coinex/liquidation_history.json").read_bytes()
LAT = ListedContract("coinex", "LATUSDT", "LATUSDT", None)
SIZE = Decimal("0.001")


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


def _truth() -> dict[str, list[Event]]:
    return {"BTCUSDT": make_events(WINDOW, 31, busy=450), "ETHUSDT": make_events(WINDOW, 32, busy=120)}


def test_trigger_price_and_where_it_is_missing_bankruptcy() -> None:
    """The documentation's sample: 184378262 x 0.009061 = 1670651.431982 USD; without liq_price 1000 x 0.009016."""
    (first, second), more = coinex_liquidations.decode(BODY)  # type: ignore[misc]
    row, other = coinex_liquidations.parse_row(first, LAT), coinex_liquidations.parse_row(second, LAT)
    assert (row.position, row.price, row.price_kind, row.qty) == ("long", 0.009061, "trigger", 184378262)
    assert row.notional == pytest.approx(1670651.431982, rel=1e-12)
    assert row.ts_us == 1691482451000000
    assert (other.position, other.price, other.price_kind) == ("short", 0.009016, "bankruptcy")
    assert other.notional == pytest.approx(9.016, rel=1e-12)
    assert more is False


@pytest.mark.parametrize(
    "change", [{"side": "buy"}, {"liq_price": "-1"}, {"liq_amount": "0"}, {"market": "X"}, {"created_at": None}]
)
def test_refused_rows(change: dict[str, object]) -> None:
    raw = json.loads(BODY)["data"][0] | change
    with pytest.raises(ValueError, match=r"."):
        coinex_liquidations.parse_row(raw, LAT)


def test_errors_inside_an_answer() -> None:
    with pytest.raises(ValueError, match="busy"):
        coinex_liquidations.decode(b'{"code": 4213, "message": "rate limit"}')
    with pytest.raises(RefusalError, match="3639"):
        coinex_liquidations.decode(b'{"code": 3639, "message": "Invalid Parameter"}')


@pytest.mark.parametrize("options", [{}, {"rising": True}, {"strict": True}])
def test_lake_equals_truth(monkeypatch: pytest.MonkeyPatch, lake: Path, options: dict[str, Any]) -> None:
    with CoinexServer(_truth(), SIZE, **options) as server:
        point(monkeypatch, coinex=server.url)
        assert fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["coinex"]).exit_code == ExitCode.DONE
        for symbol, events in _truth().items():
            assert stored(lake, symbol) == count_expected(events, WINDOW, SIZE)
        before, asked = every_file(lake), len(server.asked)
        assert fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["coinex"]).exit_code == ExitCode.DONE
        assert len(server.asked) == asked
        assert every_file(lake) == before


def test_names(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """An unknown name gets the nearest; inverse markets are not listed; without a list the name is taken as it is."""
    with CoinexServer(_truth(), SIZE) as server:
        point(monkeypatch, coinex=server.url)
        with pytest.raises(UsageError, match=r"unknown symbol 'BTTUSDT'.*BTCUSDT"):
            fetch(Lake(lake), WINDOW, ["BTTUSDT"], ["coinex"])
        with pytest.raises(UsageError, match="unknown symbol 'BTCUSD'"):
            fetch(Lake(lake), WINDOW, ["BTCUSD"], ["coinex"])
    with CoinexServer(_truth(), SIZE, listed=False) as server:
        point(monkeypatch, coinex=server.url)
        fetch(Lake(lake), WINDOW, ["ETHUSDT"], ["coinex"])
    assert stored(lake, "ETHUSDT") == count_expected(_truth()["ETHUSDT"], WINDOW, SIZE)


def test_paging_that_does_not_go_on_is_no_answer(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    class Deaf(CoinexServer):
        def answer(self, asked: Asked) -> Reply:
            asked.params["page"] = "1"
            return super().answer(asked)

    with Deaf(_truth(), SIZE) as server:
        point(monkeypatch, coinex=server.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["coinex"]).rows[0]
    assert "paging does not advance" in (row.error or "")
