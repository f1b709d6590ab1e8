"""Deribit: the taker's direction against T, M and MT, USD against coins, pages that leak and have no order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from loopback.deribit import DeribitServer, count_truth, make_trades
from loopback.faults import FAULTS, spoilt
from loopback.scenes import HOUR_US, aim, every_file, fetch_truth, stored
from loopback.server import Asked, Reply
from loopback.truth import Truth, tidy, two_days

from liqcli.core.errors import ExitCode
from liqcli.core.model import US_PER_S, Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net.client import RefusalError
from liqcli.sources.contracts import ListedContract
from liqcli.sources.deribit import liquidations as deribit_liquidations
from liqcli.sources.rows import build_answer

FOLDER = Path(__file__).parent.parent / "responses/deribit"
INVERSE = ListedContract("deribit", "BTCUSD", "BTC-PERPETUAL", 1.0, inverse=True)
LINEAR = ListedContract("deribit", "SOLUSDC", "SOL_USDC-PERPETUAL", 1.0)
SYMBOLS = {"BTC-PERPETUAL": "BTCUSD", "ETH-PERPETUAL": "ETHUSD", "SOL_USDC-PERPETUAL": "SOLUSDC"}
WINDOW = two_days(now_us())
TRADES = {name: make_trades(WINDOW, n, 900, "USDC" not in name) for n, name in enumerate(SYMBOLS)}


def read_trades(name: str) -> list[Any]:
    result = deribit_liquidations.decode((FOLDER / name).read_bytes())
    assert isinstance(result, dict)
    return [
        side for raw in result["trades"] for side in deribit_liquidations.split_sides(raw) if raw.get("liquidation")
    ]


def serve(**options: Any) -> DeribitServer:
    return DeribitServer(TRADES, now_us() // 1000, **options)


def truth_of(server: DeribitServer) -> Truth:
    return server.truth(WINDOW, TRADES, SYMBOLS)


def test_the_crash_of_2020() -> None:
    """
    Recorded, 2020-03-13: a taker sold 1120 USD at 4469.5 = 0.250587 BTC, T: a long. A taker bought 2500 USD at 4458.5
    = 0.560727 BTC, M: the maker sold, so a long again.
    """
    first, second = (deribit_liquidations.parse_row(raw, INVERSE) for raw in read_trades("inverse.json")[:2])
    assert (first.position, first.price, first.price_kind, first.notional) == ("long", 4469.5, "fill", 1120.0)
    assert (second.position, second.price, second.notional) == ("long", 4458.5, 2500.0)
    assert (round(first.qty, 6), round(second.qty, 6)) == (0.250587, 0.560727)
    assert (first.ts_us, first.event_id, first.completeness) == (1584058044032_000, "66460463", "full")
    assert (first.contracts, first.contract_size) == (None, None)


def test_both_sides_become_two_rows() -> None:
    """MT: taker and maker were liquidated, one long and one short of 300 USD, both under the trade's id."""
    rows = [deribit_liquidations.parse_row(raw, INVERSE) for raw in read_trades("inverse.json")[2:4]]
    assert [(row.position, row.notional, row.event_id) for row in rows] == [
        ("short", 300.0, "90000003"),
        ("long", 300.0, "90000003"),
    ]
    assert (rows[0].contracts, rows[0].contract_size) == (30.0, 10.0)


def test_linear() -> None:
    """12.5 SOL at 140.2: 1752.5 USD; a buying taker was liquidated, so a short."""
    answer = build_answer(
        read_trades("linear.json"), lambda raw: deribit_liquidations.parse_row(raw, LINEAR), Window(0, 2**62), "deribit"
    )
    assert [(row.position, row.qty, row.notional) for row in answer.rows] == [("short", 12.5, 1752.5)]
    assert [bad.reason for bad in answer.rejected] == ["unclear which side was liquidated: 'X'"]


def test_recorded_messages(real_data: Path) -> None:
    name = "messages/tardis-node/deribit.jsonl"
    answers = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][name]["expected"]
    lines = (real_data / name).read_text(encoding="utf-8").splitlines()
    raws = [raw for line in lines for raw in json.loads(line)["message"]["params"]["data"]]
    for raw, answer in zip(raws, answers, strict=True):
        row = deribit_liquidations.parse_row(raw, INVERSE)
        assert (row.instrument, row.position, row.price_kind) == (
            answer["symbol"],
            answer["position"],
            answer["price_kind"],
        )
        assert (row.price, row.notional) == (float(answer["price"]), float(answer["quantity"]))
        assert row.ts_us == answer["time_ms"] * 1000


def test_instruments() -> None:
    """Perpetuals only; a dated future shares the symbol, and a linear BTC-PERPETUAL would be read in the wrong unit."""
    assert (
        deribit_liquidations.parse_market({"instrument_name": "BTC-PERPETUAL", "instrument_type": "reversed"})
        == INVERSE
    )
    assert (
        deribit_liquidations.parse_market({"instrument_name": "SOL_USDC-PERPETUAL", "instrument_type": "linear"})
        == LINEAR
    )
    assert deribit_liquidations.parse_market({"instrument_name": "BTC-25DEC26", "instrument_type": "reversed"}) is None
    assert deribit_liquidations.parse_market({"instrument_name": "BTC-PERPETUAL", "instrument_type": "linear"}) is None
    assert set(deribit_liquidations.spell_markets(["BTC", "SOLUSDC", "ETHUSDT"]).markets) == {
        "BTCUSD",
        "BTCUSDC",
        "SOLUSDC",
    }


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"busy \(10028"):
        deribit_liquidations.decode(DeribitServer.BUSY_200.body)
    with pytest.raises(RefusalError, match="-32602 Invalid params"):
        deribit_liquidations.decode(b'{"jsonrpc": "2.0", "error": {"code": -32602, "message": "Invalid params"}}')


@pytest.mark.parametrize("options", [{"cap": 10_000}, {"cap": 130}, {"cap": 1000, "strict": True}], ids=str)
def test_two_days(monkeypatch: pytest.MonkeyPatch, lake: Path, options: dict[str, Any]) -> None:
    """Three instruments, in one page a window, in pages of 130, and from a server that refuses more than 1000."""
    with serve(**options) as server:
        aim(monkeypatch, "deribit", server.url)
        truth = truth_of(server)
        assert all(sum(rows.values()) > 150 for rows in truth.rows.values())
        assert fetch_truth(lake, "deribit", truth).exit_code == ExitCode.DONE
        before = every_file(lake)
        server.asked.clear()
        assert fetch(Lake(lake), WINDOW, list(truth.rows), ["deribit"]).exit_code == ExitCode.DONE
        assert server.asked == []
        assert every_file(lake) == before


@pytest.mark.parametrize("cap", [10_000, 130])
@pytest.mark.parametrize("symbols", [["BTCUSD"], list(SYMBOLS.values())], ids=len)
def test_every_fourth_page_is_another(
    monkeypatch: pytest.MonkeyPatch, lake: Path, cap: int, symbols: list[str]
) -> None:
    """A cache gives every fourth request the page before: all trades are found, and no gap is claimed."""
    with serve(cap=cap) as server:
        aim(monkeypatch, "deribit", server.url)
        with spoilt(server, FAULTS["duplicate"], 4) as spoiled:
            summary = fetch(Lake(lake), WINDOW, symbols, ["deribit"])
        truth = truth_of(server)
    assert len(spoiled) >= 2
    assert [(row.cut, row.error, row.result) for row in summary.rows] == [(0, None, "ok")] * len(symbols)
    assert summary.exit_code == ExitCode.DONE
    for symbol in symbols:
        assert tidy(stored(lake, symbol)) == tidy(truth.rows[symbol])
        assert Lake(lake).read_fetch_log("deribit", symbol, "deribit").missing(WINDOW) == []


def test_a_page_of_other_trades_is_no_end(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Each request by number gets a page of ten earlier trades, once: paging goes on."""
    stale: set[str] = set()

    class Stale(DeribitServer):
        def answer(self, asked: Asked) -> Reply:
            if asked.path.endswith("get_last_trades_by_instrument"):
                seqs = {"start_seq": "1000", "end_seq": "1008", "count": "10"}
                if asked.params["start_seq"] not in stale:
                    stale.add(asked.params["start_seq"])
                    return super().answer(asked._replace(params=asked.params | seqs))
            return super().answer(asked)

    with Stale(TRADES, now_us() // 1000) as server:
        aim(monkeypatch, "deribit", server.url)
        (row,) = fetch(Lake(lake), WINDOW, ["BTCUSD"], ["deribit"]).rows
        truth = truth_of(server)
    assert len(stale) >= 2
    assert (row.cut, row.result) == (0, "ok")
    assert tidy(stored(lake, "BTCUSD")) == tidy(truth.rows["BTCUSD"])


def test_a_hole_that_stays_is_cut(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Trades 1200 to 1204 never come: their stretch of time is cut, everything else is complete."""
    with serve() as server:
        aim(monkeypatch, "deribit", server.url)
        rows = server.rows["BTC-PERPETUAL"]
        server.rows["BTC-PERPETUAL"] = [row for row in rows if not 1200 <= row["trade_seq"] < 1205]
        row = fetch(Lake(lake), WINDOW, ["BTCUSD"], ["deribit"]).rows[0]
    assert (row.cut, row.result) == (1, "partial")
    edges = [raw["timestamp"] * 1000 for raw in rows if raw["trade_seq"] in (1199, 1205)]
    grain = Lake(lake).read_fetch_log("deribit", "BTCUSD", "deribit").missing(WINDOW)
    assert grain == [Window(edges[0], edges[1] + 1000)]


def test_young_trades_are_not_asked(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """The mark comes an hour late: of the last five hours, three are asked for and the note says so."""
    now = now_us()
    window = Window(now // US_PER_S * US_PER_S - 5 * HOUR_US, now)
    trades = {"BTC-PERPETUAL": make_trades(window, 8, 300, inverse=True)}
    with DeribitServer(trades, now // 1000) as server:
        aim(monkeypatch, "deribit", server.url)
        row = fetch(Lake(lake), window, ["BTCUSD"], ["deribit"]).rows[0]
        ends = [int(asked.params["end_timestamp"]) for asked in server.paths("_and_time")]
    assert max(ends) * 1000 <= now_us() - 2 * HOUR_US
    assert row.result == "ok"
    assert "has not published data after" in row.notes[0]
    old = count_truth(trades["BTC-PERPETUAL"], Window(window.start_us, max(ends) * 1000), inverse=True)
    assert tidy(stored(lake, "BTCUSD")) == tidy(old)


def test_unlisted_mirror_and_unknown_instrument(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """A mirror without get_instruments: names are spelled, and one that is not there fails by name."""

    class Bare(DeribitServer):
        def answer(self, asked: Asked) -> Reply:
            return Reply(404) if asked.path.endswith("get_instruments") else super().answer(asked)

    with Bare(TRADES, now_us() // 1000) as server:
        aim(monkeypatch, "deribit", server.url)
        rows = fetch(Lake(lake), WINDOW, ["ETHUSD", "XXXUSDC"], ["deribit"]).rows
    assert [row.result for row in rows] == ["ok", "failed"]
    assert "answered 400" in (rows[1].error or "")
