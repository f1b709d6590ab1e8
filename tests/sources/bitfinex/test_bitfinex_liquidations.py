"""Bitfinex: the sign is the position, matches only, the acquired price and not the entry, pages that end in a burst."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from loopback.bitfinex import BitfinexServer, Match, count_truth, make_matches
from loopback.scenes import DAY_US, aim, every_file, fetch_truth, stored
from loopback.server import Asked, Reply, json_reply
from loopback.truth import Truth, two_days

from liqcli.core.errors import ExitCode
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net.client import RefusalError
from liqcli.sources.bitfinex import liquidations as bitfinex_liquidations
from liqcli.sources.contracts import ListedContract
from liqcli.sources.rows import build_answer

FOLDER = Path(__file__).parent.parent / "responses/bitfinex"
AVAX = ListedContract("bitfinex", "AVAXUSDT", "tAVAXF0:USTF0", 1.0)
WINDOW = two_days(now_us())
SYMBOLS = {"BTCUSDT": "tBTCF0:USTF0", "ETHUSDT": "tETHF0:USTF0", "SOLUSDT": "tSOLF0:USTF0"}
MATCHES = {name: make_matches(WINDOW, n + 1, 130) for n, name in enumerate(SYMBOLS.values())}
TRUTH = Truth(WINDOW, {symbol: count_truth(MATCHES[name], WINDOW) for symbol, name in SYMBOLS.items()})


def read_page() -> list[Any]:
    page = bitfinex_liquidations.decode((FOLDER / "hist.json").read_bytes())
    assert isinstance(page, list)
    return [bitfinex_liquidations.name_fields(raw) for raw in page]


def test_rows() -> None:
    """
    ccxt's sample: -8 AVAX acquired at 33.255: a short, 266.04 USD; its trigger row counts nothing. 2.5 at 33.1: a long,
    82.75 USD. A match without an acquired price and what is no row are refused; other symbols are not looked at.
    """
    own = [raw for raw in read_page() if raw.get("symbol", AVAX.instrument) == AVAX.instrument]
    answer = build_answer(own, lambda raw: bitfinex_liquidations.parse_row(raw, AVAX), Window(0, 2**62), "bitfinex")
    first, second = answer.rows
    assert (first.position, first.qty, first.price, first.price_kind) == ("short", 8.0, 33.255, "fill")
    assert (first.notional, first.event_id, first.ts_us) == (266.04, "171085137", 1706395919788_000)
    assert (second.position, second.notional, second.completeness) == ("long", 82.75, "full")
    assert answer.skipped == 1
    assert [bad.reason for bad in answer.rejected] == ["not a number: None", "field 'amount' is missing"]


def test_recorded_messages(real_data: Path) -> None:
    """Three recorded rows, all triggers: the sign gives the expected position, and none counts as an execution."""
    name = "messages/tardis-node/bitfinex-derivatives.jsonl"
    answers = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][name]["expected"]
    lines = (real_data / name).read_text(encoding="utf-8").splitlines()
    raws = [bitfinex_liquidations.name_fields(row) for line in lines for row in json.loads(line)["message"][1]]
    for raw, answer in zip(raws, answers, strict=True):
        assert bitfinex_liquidations.read_position(raw["amount"]) == answer["position"]
        assert (raw["symbol"], raw["mts"]) == ("t" + answer["symbol"], answer["time_ms"])
        assert Decimal(str(abs(raw["amount"]))) == Decimal(answer["quantity"])
        assert raw["base_price"] == float(answer["price"]), "the entry of the position, which is not stored"
        assert bitfinex_liquidations.parse_row(raw, AVAX) is None


def test_a_trigger_stored_as_a_match_takes_the_acquired_price() -> None:
    """Facts: the row of 2020-06-30 entered at 9135.97 and was acquired at 9080."""
    raw = {"pos_id": 143683674, "mts": 1593522802742, "symbol": "tBTCF0:USTF0", "amount": 0.00268657}
    raw |= {"base_price": 9135.972557016, "is_match": 1, "price_acquired": 9080}
    row = bitfinex_liquidations.parse_row(raw, ListedContract("bitfinex", "BTCUSDT", "tBTCF0:USTF0", 1.0))
    assert row is not None
    assert (row.price, row.position) == (9080.0, "long")
    with pytest.raises(ValueError, match="neither trigger nor match: 2"):
        bitfinex_liquidations.parse_row(raw | {"is_match": 2}, AVAX)


def test_contracts_and_errors() -> None:
    assert bitfinex_liquidations.parse_market({"pair": "AVAXF0:USTF0"}) == AVAX
    assert bitfinex_liquidations.parse_market({"pair": "ETHF0:BTCF0"}) is None
    with pytest.raises(ValueError, match=r"busy \(11010 ratelimit: error\)"):
        bitfinex_liquidations.decode(BitfinexServer.BUSY_200.body)
    with pytest.raises(RefusalError, match="10020 limit: invalid"):
        bitfinex_liquidations.decode(b'["error", 10020, "limit: invalid"]')


@pytest.mark.parametrize("options", [{}, {"tight": True}], ids=["inside", "outside"])
def test_two_days(monkeypatch: pytest.MonkeyPatch, lake: Path, options: dict[str, Any]) -> None:
    """Three symbols out of one list: no question is asked twice, and a burst of 25 rows a millisecond spans pages."""
    with BitfinexServer(MATCHES, **options) as server:
        aim(monkeypatch, "bitfinex", server.url)
        assert all(sum(rows.values()) > 300 for rows in TRUTH.rows.values())
        assert fetch_truth(lake, "bitfinex", TRUTH).exit_code == ExitCode.DONE
        pages = server.paths("liquidations/hist")
        assert len(pages) == len({str(asked.params) for asked in pages}), "asked once for all symbols"
        assert len(server.rows) / 500 < len(pages) < len(server.rows) / 500 + 4
        before = every_file(lake)
        server.asked.clear()
        assert fetch(Lake(lake), WINDOW, list(TRUTH.rows), ["bitfinex"]).exit_code == ExitCode.DONE
        assert server.asked == []
        assert every_file(lake) == before


def test_a_millisecond_fuller_than_an_answer_is_cut(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """600 executions in one millisecond, one before: 500 or so and the one come, that millisecond is cut."""
    at = (WINDOW.start_us + DAY_US) // 1000
    matches = [Match(at, "long", Decimal(1), Decimal(100 + n), 7) for n in range(600)]
    matches.append(Match(at - 5000, "short", Decimal(1), Decimal(99), 8))
    with BitfinexServer({"tBTCF0:USTF0": matches}) as server:
        aim(monkeypatch, "bitfinex", server.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["bitfinex"]).rows[0]
    assert (row.cut, row.result) == (1, "partial")
    assert 490 <= row.events <= 501
    assert (at * 1000 - 5_000_000, "short", 99.0, 1.0, 99.0) in stored(lake, "BTCUSDT")
    assert Lake(lake).read_fetch_log("bitfinex", "BTCUSDT", "bitfinex").missing(WINDOW) == [
        Window(at * 1000, at * 1000 + 1000)
    ]


def test_days_of_silence_are_unknown(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """How far the list goes back is not known: the weeks before its first row were not quiet, they are unknown."""
    long = Window(WINDOW.start_us - 21 * DAY_US, WINDOW.end_us)
    with BitfinexServer(MATCHES) as server:
        aim(monkeypatch, "bitfinex", server.url)
        row = fetch(Lake(lake), long, ["BTCUSDT"], ["bitfinex"]).rows[0]
    assert row.result == "partial"
    assert "no row of any symbol from" in row.troubles[0]
    assert sum(stored(lake, "BTCUSDT").values()) >= sum(TRUTH.rows["BTCUSDT"].values())
    missing = Lake(lake).read_fetch_log("bitfinex", "BTCUSDT", "bitfinex").missing(long)
    assert sum(window.length_us for window in missing) >= 14 * DAY_US
    assert all(window.end_us <= WINDOW.start_us for window in missing)


def test_a_server_that_does_not_sort_is_refused(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    class Rising(BitfinexServer):
        def answer(self, asked: Asked) -> Reply:
            asked.params["sort"] = "1"
            return super().answer(asked)

    with Rising(MATCHES) as server:
        aim(monkeypatch, "bitfinex", server.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["bitfinex"]).rows[0]
    assert row.result != "ok"
    assert "not newest first" in (row.error or "")


def test_without_a_list_of_contracts(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    class Bare(BitfinexServer):
        def answer(self, asked: Asked) -> Reply:
            return json_reply(["error"], 404) if "conf" in asked.path else super().answer(asked)

    with Bare(MATCHES) as server:
        aim(monkeypatch, "bitfinex", server.url)
        assert fetch(Lake(lake), WINDOW, ["SOL"], ["bitfinex"]).exit_code == ExitCode.DONE
    assert sum(stored(lake, "SOLUSDT").values()) == sum(TRUTH.rows["SOLUSDT"].values())
