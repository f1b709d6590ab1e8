"""CryptoHFTData's hourly files: units a venue, frames, hours without a file, rows that come late."""

from __future__ import annotations

import io
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loopback.cryptohftdata import CryptoHftDataServer, make_parquet
from loopback.scenes import HOUR_US, WINDOW, be_swift, every_file, point, stored
from loopback.server import Asked, json_reply
from loopback.truth import HOUR_MS, Event, count_expected, inside, make_events
from loopback.venues import OkxServer

from liqcli.core.errors import ExitCode
from liqcli.core.model import Window
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net.client import RefusalError
from liqcli.sources.base import Answer
from liqcli.sources.contracts import ListedContract
from liqcli.sources.cryptohftdata import api as cryptohftdata_api

RAWS = json.loads((Path(__file__).parent.parent / "responses/cryptohftdata/rows.json").read_text())
FIRST_HOUR = WINDOW.start_us // HOUR_US * HOUR_US
QUIET = Window(FIRST_HOUR + 3 * HOUR_US, FIRST_HOUR + 4 * HOUR_US)
WIDE = Window(FIRST_HOUR, FIRST_HOUR + 6 * HOUR_US)


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


@pytest.mark.parametrize(
    ("number", "symbol", "position", "price", "kind", "qty", "usd", "completeness"),
    [
        (0, "BTCUSDT", "long", 82651.9, "fill", 0.19, 15703.861, "sampled"),
        (1, "BTCUSDT", "long", 82396.9, "bankruptcy", 0.006, 494.3814, "full"),
        (2, "PIPPINUSDT", "short", 0.02456, "bankruptcy", 2846, 69.89776, "full"),
        (3, "BTCUSD", "short", 23216, "bankruptcy", 0.0360096, 836, "full"),
        (4, "BTCUSDT", "long", 82655.7, "bankruptcy", 0.0855, 7067.06235, "sampled"),
        (5, "APEUSDT", "long", 0.1649, "bankruptcy", 83.1, 13.70319, "sampled"),
        (6, "IPUSDT", "long", 0.500280739469, "bankruptcy", 286.5, 143.330431857868, "sampled"),
        (7, "XRPUSD", "long", 0.1736, "fill", 69124.4, 12000, "sampled"),
        (8, "BTCUSD", "short", 80000, "fill", 0.25, 20000, "sampled"),
        (9, "ETHUSDT", "short", 3010, "order", 1.5, 4515, "sampled"),
    ],
)
def test_vectors(
    number: int, symbol: str, position: str, price: float, kind: str, qty: float, usd: float, completeness: str
) -> None:
    """Facts, section 1: OKX 8.55 x 0.01 x 82655.7; Bitget 13.70319 / 0.1649 = 83.1; Aster without a fill: `price`."""
    raw = RAWS[number]
    size = 0.01 if raw["venue"] == "okx" else None
    row = cryptohftdata_api.parse_row(raw, ListedContract(raw["venue"], symbol, raw["symbol"], size))
    assert (row.symbol, row.position, row.price, row.price_kind, row.completeness) == (
        symbol, position, price, kind, completeness,
    )  # fmt: skip
    assert row.qty == pytest.approx(qty, rel=2e-6)
    assert row.notional == pytest.approx(usd, rel=1e-12)
    assert row.ts_us == (raw["trade_time"] or raw["event_time"]) * 1000
    assert row.exchange == raw["venue"]


@pytest.mark.parametrize(
    ("number", "change", "reason"),
    [
        (0, {"order_status": "NEW"}, "not filled"),
        (0, {"side": "LONG"}, "unknown order side"),
        (0, {"symbol": "ETHUSDT"}, "requested"),
        (1, {"quantity": "-1"}, "above zero"),
        (1, {"price": "nan"}, "finite"),
        (4, {}, "contract size of BTC-USDT-SWAP is unknown"),
        (5, {"quantity": "83.1"}, "unit is unclear"),
    ],
)
def test_refused_rows(number: int, change: dict[str, str], reason: str) -> None:
    """83.1 APE would be 503.94178 APE if it were money: Bitget rows in coins are not taken."""
    raw = RAWS[number]
    with pytest.raises(ValueError, match=reason):
        cryptohftdata_api.parse_row(raw | change, ListedContract(raw["venue"], "X", raw["symbol"], None))


def test_a_zstd_frame_is_recognised_by_its_first_bytes() -> None:
    row = dict.fromkeys(("average_price", "order_type", "time_in_force", "order_status")) | {
        "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.006", "price": "1", "last_filled_quantity": None,
        "filled_quantity": None, "received_time": 1, "event_time": 2, "trade_time": None,
    }  # fmt: skip
    plain, framed = (make_parquet([row, row], framed=f) for f in (False, True))
    assert (plain[:4], framed[:4]) == (b"PAR1", b"\x28\xb5\x2f\xfd")
    assert cryptohftdata_api.decode(plain) == cryptohftdata_api.decode(framed)
    assert len(cryptohftdata_api.decode(plain)) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [b'{"symbols": ["BTCUSDT"]}', b'["BTCUSDT"]', b'[{"symbol": "BTCUSDT"}]', b'{"symbols": [{"symbol": "BTCUSDT"}]}'],
)
def test_lists_of_symbols(body: bytes) -> None:
    """The documented shape, and what else a list of names may look like."""
    assert cryptohftdata_api.decode(body) == ["BTCUSDT"]


def test_times_typed_as_such() -> None:
    """2026-11-10 00:00:00.083000123 received, .080 at the exchange: numbers of ns and ms all the same."""
    sink = io.BytesIO()
    table = pa.table(
        {
            "received_time": pa.array([1_794_268_800_083_000_123], pa.timestamp("ns")),
            "event_time": pa.array([1_794_268_800_080_000], pa.timestamp("us", "UTC")),
            "symbol": ["BTCUSDT"], "side": ["BUY"], "quantity": ["0.006"], "price": ["1"],
        }
    )  # fmt: skip
    pq.write_table(table, sink)
    (row,) = cryptohftdata_api.decode(sink.getvalue())  # type: ignore[misc]
    assert (row["received_time"], row["event_time"]) == (1_794_268_800_083_000_123, 1_794_268_800_080)


def answer_window(files: dict[int, list[dict[str, Any]] | None], hours: int) -> Answer:
    """Ask for some hours of BTCUSDT at Bybit; ``files`` by the number of the question."""
    asking = cryptohftdata_api.SOURCE.ask_window(
        ListedContract("bybit", "BTCUSDT", "BTCUSDT", None), Window(FIRST_HOUR, FIRST_HOUR + hours * HOUR_US)
    )
    next(asking)
    for number in range(20):
        try:
            asking.send(files.get(number))
        except StopIteration as end:
            return end.value
    pytest.fail("it asks on and on")


def make_raw(ts_us: int) -> dict[str, Any]:
    return RAWS[1] | {"event_time": ts_us // 1000, "trade_time": None, "received_time": ts_us * 1000}


def test_a_repeated_file_does_not_count_for_another_hour() -> None:
    """The first hour's file in place of the second one's, for good: its rows must not stand twice."""
    first, second = [make_raw(FIRST_HOUR + 1_000_000)], [make_raw(FIRST_HOUR + HOUR_US + 2_000_000)]
    assert len(answer_window({0: first, 1: first, 2: second}, 2).rows) == 2
    with pytest.raises(RefusalError, match="neither match the request"):
        answer_window(dict.fromkeys(range(20), first), 2)


def test_rows_received_elsewhere_are_believed_when_said_four_times() -> None:
    """An hour's file of late rows alone: odd, but the same whenever it is asked for. A cache may repeat itself once."""
    late, right = [make_raw(FIRST_HOUR - 60_000_000)], [make_raw(FIRST_HOUR + 1_000_000)]
    assert [row.ts_us for row in answer_window(dict.fromkeys(range(4), late), 1).rows] == [FIRST_HOUR - 60_000_000]
    cached = {0: late, 1: late, 2: late, 3: right}
    assert [row.ts_us for row in answer_window(cached, 1).rows] == [FIRST_HOUR + 1_000_000]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"PAR1 and no more", b"\x28\xb5\x2f\xfdx", b'{"error": "busy"}', b"[]"]
)
def test_garbled_is_asked_again(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        cryptohftdata_api.decode(body)


def test_a_file_of_something_else_is_named() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"price": ["1"]}), sink)
    with pytest.raises(ValueError, match="no liquidations file: its columns are price"):
        cryptohftdata_api.decode(sink.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("exchange", "name", "symbol"),
    [
        ("binance", "1000PEPEUSDT", "1000PEPEUSDT"),
        ("binance", "BTCUSDT_260327", None),
        ("bybit", "BTCPERP", "BTCUSDC"),
        ("bybit", "BTC-27MAR26", None),
        ("bybit", "BTCUSDZ26", None),
        ("okx", "SOL-USDT-SWAP", "SOLUSDT"),
        ("okx", "BTC-USD-260327", None),
        ("kraken", "PF_XBTUSD", "BTCUSD"),
        ("kraken", "PI_XBTUSD", "BTCUSD"),
        ("kraken", "FI_XBTUSD_260327", None),
        ("aster", "ETHUSDT", "ETHUSDT"),
    ],
)
def test_names(exchange: str, name: str, symbol: str | None) -> None:
    contract = cryptohftdata_api.read_instrument(exchange, name)
    assert (contract.symbol if contract else None) == symbol
    if symbol and name not in ("PI_XBTUSD",):
        assert cryptohftdata_api.spell(exchange, symbol) == name


def _binance(**options: object) -> CryptoHftDataServer:
    truth = {("binance_futures", "BTCUSDT"): _orders(1, 300), ("binance_futures", "ETHUSDT"): _orders(2, 90)}
    return CryptoHftDataServer(truth, **options)  # type: ignore[arg-type]


def _orders(seed: int, busy: int) -> list[Event]:
    """Nothing arrives (0.4 s late) in the hour ``QUIET``."""
    later = Event(WIDE.end_us // 1000 + 60_000, "long", 1, Decimal(60_000))
    return [e for e in make_events(WINDOW, seed, busy=busy) if not QUIET.contains(e.ts_ms * 1000 + 400_000)] + [later]


def test_lake_equals_truth(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Twins, edges, an hour without events (404): that hour stays unknown, and the second run asks it again."""
    with _binance() as server:
        point(monkeypatch, cryptohftdata=server.url)
        summary = fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["cryptohftdata"], ["binance"])
        for seed, busy, symbol in ((1, 300, "BTCUSDT"), (2, 90, "ETHUSDT")):
            assert inside(stored(lake, symbol), WINDOW) == count_expected(_orders(seed, busy), WINDOW, Decimal(1))
        assert summary.exit_code == ExitCode.PARTIAL
        assert "1 of 6 hours have no file" in summary.rows[0].troubles[0]
        memory = Lake(lake).read_fetch_log("binance", "BTCUSDT", "cryptohftdata")
        # The quiet hour, and the hour before, whose late rows might be in that file.
        assert memory.missing(WIDE) == [Window(QUIET.start_us - HOUR_US, QUIET.end_us)]
        assert list(memory.covered()) == [(FIRST_HOUR, QUIET.start_us), (QUIET.end_us, WIDE.end_us)]
        before = every_file(lake)
        server.asked.clear()
        fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["cryptohftdata"], ["binance"])
        assert len(server.paths("/download")) == 3, "two hours, and the one after them"
        assert inside(stored(lake, "BTCUSDT"), WINDOW) == count_expected(_orders(1, 300), WINDOW, Decimal(1))
        assert set(every_file(lake)) == set(before)


def test_complete_hours_are_not_asked_again(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    hour_ms = FIRST_HOUR // 1000
    events = [Event(hour_ms + n * HOUR_MS // 4, "long", 7, Decimal(100 + n)) for n in range(40)]
    with CryptoHftDataServer({("bybit", "BTCUSDT"): events}) as server:
        point(monkeypatch, cryptohftdata=server.url)
        assert fetch(Lake(lake), WIDE, ["BTCUSDT"], ["cryptohftdata"], ["bybit"]).exit_code == ExitCode.DONE
        assert stored(lake, "BTCUSDT") == count_expected(events, WIDE, Decimal(1))
        asked, before = len(server.asked), every_file(lake)
        assert fetch(Lake(lake), WIDE, ["BTCUSDT"], ["cryptohftdata"], ["bybit"]).exit_code == ExitCode.DONE
        assert len(server.asked) == asked
        assert every_file(lake) == before


def test_late_rows_of_okx(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Every seventh row arrives half an hour late and may stand in the next file; OKX says 0.01 a contract."""
    events = make_events(WINDOW, 5, busy=200)
    sizes = {"BTC-USDT-SWAP": "0.01"}
    with (
        CryptoHftDataServer({("okx_futures", "BTC-USDT-SWAP"): events}) as server,
        OkxServer({}, sizes, WINDOW.end_us // 1000) as okx,
    ):
        point(monkeypatch, cryptohftdata=server.url, okx=okx.url)
        for _ in range(2):
            fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["cryptohftdata"], ["okx"])
            assert inside(stored(lake, "BTCUSDT"), WINDOW) == count_expected(events, WINDOW, Decimal("0.01"))


def test_a_late_row_of_a_missing_hour_stands_once(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """
    Received 0.4 s late, so in the next hour's file, while its own hour has none; two windows meet between the two.

    Both tell of the row; twins stay twins.
    """
    edge_us = (WINDOW.start_us // (6 * HOUR_US) + 1) * 6 * HOUR_US
    near = Window(edge_us - 2 * HOUR_US, edge_us + 2 * HOUR_US)
    late = Event(edge_us // 1000 - 100, "long", 7, Decimal(60_000))
    twin = Event(edge_us // 1000 - 50, "short", 7, Decimal(60_001))
    with CryptoHftDataServer({("bybit", "BTCUSDT"): [late, twin, twin]}) as server:
        point(monkeypatch, cryptohftdata=server.url)
        for _ in range(2):
            assert fetch(Lake(lake), near, ["BTCUSDT"], ["cryptohftdata"], ["bybit"]).exit_code == ExitCode.PARTIAL
            assert stored(lake, "BTCUSDT") == count_expected([late, twin, twin], near, Decimal(1))


def test_two_contracts_of_one_kraken_symbol(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """PF_ counts coins, PI_ dollars; an hour with one of the two files alone stays unknown, its rows are kept."""
    at = FIRST_HOUR // 1000 + 60_000
    coins, dollars = Event(at, "long", 2, Decimal(50_000)), Event(at + HOUR_MS, "short", 1000, Decimal(50_000))
    truth = {("kraken_derivatives", "PF_XBTUSD"): [coins], ("kraken_derivatives", "PI_XBTUSD"): [dollars]}
    with CryptoHftDataServer(truth) as server:
        point(monkeypatch, cryptohftdata=server.url)
        for _ in range(2):
            row = fetch(Lake(lake), WINDOW, ["BTCUSD"], ["cryptohftdata"], ["kraken"]).rows[0]
            assert (row.result, row.covered) == ("failed", ())
            assert stored(lake, "BTCUSD") == Counter(
                {
                    (at * 1000, "long", 50_000.0, 2.0, 100_000.0): 1,
                    ((at + HOUR_MS) * 1000, "short", 50_000.0, 0.02, 1000.0): 1,
                }
            )
        assert not Lake(lake).read_fetch_log("kraken", "BTCUSD", "cryptohftdata").covered()


def test_blocked_host_is_no_missing_file(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """403 is a block, 404 a missing file."""

    class Blocked(CryptoHftDataServer):
        def answer(self, asked: Asked):
            return json_reply({"error": "blocked"}, 403) if asked.path == "/v1/download" else super().answer(asked)

    with Blocked({("bybit", "BTCUSDT"): _orders(1, 9)}) as server:
        point(monkeypatch, cryptohftdata=server.url)
        summary = fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["cryptohftdata"], ["bybit"])
    assert summary.exit_code == ExitCode.SOURCE
    assert "403" in (summary.rows[0].error or "")
    assert not summary.rows[0].troubles


def test_days_before_the_first_file_are_said(lake: Path) -> None:
    day = Window(cryptohftdata_api.FIRST_US - 24 * HOUR_US, cryptohftdata_api.FIRST_US)
    assert cryptohftdata_api.find_obstacle(day) == "its files begin on 2025-06-28"
    assert cryptohftdata_api.find_obstacle(Window(day.end_us, day.end_us + HOUR_US)) is None
