"""Kraken: every spelling of a liquidation, taker and maker, USD against coins, and a scan narrowed by the volume."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from loopback.kraken import Fill, KrakenServer, count_truth, make_fills
from loopback.scenes import aim, every_file, fetch_truth, stored
from loopback.server import Asked, Reply
from loopback.truth import Truth, two_days

from liqcli.core.errors import ExitCode
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net.client import RefusalError
from liqcli.sources.contracts import ListedContract
from liqcli.sources.kraken import liquidations as kraken_liquidations
from liqcli.sources.kraken import scan

FOLDER = Path(__file__).parent.parent / "responses/kraken"
LINEAR = ListedContract("kraken", "BTCUSD", "PF_XBTUSD", 1.0)
INVERSE = ListedContract("kraken", "XRPUSD", "PI_XRPUSD", 1.0, inverse=True)
WINDOW = two_days(now_us())
NAMES = ("PF_XBTUSD", "PI_XBTUSD", "PF_ETHUSD", "PF_SOLUSD")
FILLS = {name: make_fills(WINDOW, n, 400, name.startswith("PI_")) for n, name in enumerate(NAMES)}
SYMBOLS = {"BTCUSD": ("PF_XBTUSD", "PI_XBTUSD"), "ETHUSD": ("PF_ETHUSD",), "SOLUSD": ("PF_SOLUSD",)}
TRUTH = Truth(WINDOW, {s: count_truth({n: FILLS[n] for n in names}, WINDOW) for s, names in SYMBOLS.items()})


def read_rows() -> list[Any]:
    page = kraken_liquidations.decode((FOLDER / "executions.json").read_bytes())
    assert isinstance(page, dict)
    return [row for element in page["elements"] for row in scan.iter_forced(element)]


def test_rows() -> None:
    """
    Of five executions the plain one gives nothing. Sell of 0.0125 at 90500.5, Liquidation: a long, 1131.25625 USD. Buy,
    PartialLiquidation: a short. A maker that sold, "partial liquidation": a long. Both sides: a short and a long.
    """
    rows = [kraken_liquidations.parse_row(raw, LINEAR) for raw in read_rows()]
    assert [row.position for row in rows] == ["long", "short", "long", "short", "long"]
    first = rows[0]
    assert (first.price, first.price_kind, first.qty, first.notional) == (90500.5, "fill", 0.0125, 1131.25625)
    assert (first.ts_us, first.event_id) == (1764200000368_000, "20000000-0000-0000-0000-000000000001")
    assert (first.symbol, first.instrument, first.completeness) == ("BTCUSD", "PF_XBTUSD", "full")


def test_inverse() -> None:
    """Recorded 2020-07-01: PI_XRPUSD sell 12000 at 0.1736: a long of 12,000 USD, 69,124.4 XRP."""
    raw = {"tradeable": "PI_XRPUSD", "direction": "sell", "quantity": 12000, "price": 0.1736, "uid": "u"}
    row = kraken_liquidations.parse_row(raw | {"timestamp": 1593561965283}, INVERSE)
    assert (row.position, row.notional, round(row.qty, 1)) == ("long", 12000.0, 69124.4)


def test_a_unit_that_the_usd_value_denies() -> None:
    raw = read_rows()[0]
    with pytest.raises(ValueError, match=r"unit is unclear: 1131.26 USD, but usdValue is 0.01"):
        kraken_liquidations.parse_row(raw | {"usdValue": "0.01"}, LINEAR)
    with pytest.raises(ValueError, match="requested 'PF_ETHUSD'"):
        kraken_liquidations.parse_row(raw, ListedContract("kraken", "ETHUSD", "PF_ETHUSD", 1.0))


@pytest.mark.parametrize(
    ("text", "forced"),
    [
        ("Liquidation", True),
        ("liquidation", True),
        ("PartialLiquidation", True),
        ("partialLiquidation", True),
        ("partial liquidation", True),
        ("CoveredLiquidation", True),
        ("Assignment", False),
        ("Unwind", False),
        ("Limit", False),
        (None, False),
    ],
)
def test_spellings(text: str | None, forced: bool) -> None:
    assert scan.is_forced(text) is forced


def test_contracts() -> None:
    """PF and PI of one base are one symbol; a dated contract and one quoted in XBT are none."""
    names = ["PI_XBTUSD", "PF_XBTUSD", "FI_XBTUSD_261225", "PV_XRPXBT", "PF_ETHUSD"]
    markets = kraken_liquidations.join_siblings(
        [m for name in names if (m := kraken_liquidations.parse_market({"symbol": name}))]
    )
    assert [(m.symbol, m.instrument, [s.instrument for s in m.siblings]) for m in markets] == [
        ("ETHUSD", "PF_ETHUSD", []),
        ("BTCUSD", "PF_XBTUSD", ["PI_XBTUSD"]),
    ]
    assert kraken_liquidations.parse_market({"symbol": "FI_XBTUSD_261225"}) is None


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"busy \(apiLimitExceeded"):
        kraken_liquidations.decode(KrakenServer.BUSY_200.body)
    with pytest.raises(RefusalError, match="no such thing"):
        kraken_liquidations.decode(b'{"errors": [{"msg": "no such thing"}]}')


def test_stretches() -> None:
    """Minutes 10 and 12 (with one on either side) touch, minute 40 stands alone, minute 59 has no point."""
    volumes = {minute * 60: 0.0 for minute in range(59)} | {600: 1.0, 720: 2.0, 2400: 0.5}
    assert list(scan.plan_parts(volumes, 0, 3600)) == [(540, 840), (2340, 2520), (3480, 3660)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"cap": 90}, {"points": 500}, {"tight": True}, {"by_end": True}], ids=lambda o: str(o or "plain")
)
def test_two_days(monkeypatch: pytest.MonkeyPatch, lake: Path, options: dict[str, Any]) -> None:
    """
    Four contracts of three symbols; small pages, a series in pieces, `since` outside, minutes named by their end. A
    page is filled beyond its stretch, so there are never more questions than reading everything takes.
    """
    with KrakenServer(FILLS, **options) as server:
        aim(monkeypatch, "kraken", server.url)
        assert all(sum(rows.values()) > 150 for rows in TRUTH.rows.values())
        assert fetch_truth(lake, "kraken", TRUTH).exit_code == ExitCode.DONE
        assert len(server.paths("PF_XBTUSD/executions")) <= len(FILLS["PF_XBTUSD"]) / server.cap + 3  # days, begun
        before = every_file(lake)
        server.asked.clear()
        assert fetch(Lake(lake), WINDOW, list(TRUTH.rows), ["kraken"]).exit_code == ExitCode.DONE
        assert server.asked == []
        assert every_file(lake) == before


def test_one_minute_of_a_busy_market_is_one_question(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """A fill a minute for two days, 29 pages of 100, and one liquidation: of the whole only its page is read."""
    start_ms = WINDOW.start_us // 1000
    times = range(start_ms, WINDOW.end_us // 1000, 60_000)
    fills = [Fill(ts, "Buy", "Limit", "Post", Decimal(140), Decimal(1)) for ts in times]
    fills[700] = fills[700]._replace(taker_type="Liquidation", taker="Sell")
    with KrakenServer({"PF_SOLUSD": fills}, cap=100) as server:
        aim(monkeypatch, "kraken", server.url)
        assert fetch(Lake(lake), WINDOW, ["SOLUSD"], ["kraken"]).exit_code == ExitCode.DONE
        assert len(server.paths("PF_SOLUSD/executions")) == 1
    assert stored(lake, "SOLUSD") == {((start_ms + 42_000_000) * 1000, "long", 140.0, 1.0, 140.0): 1}


def test_volume_without_a_mark_is_unknown(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Were recent executions not marked any more: the minutes with liquidated volume are missing, not empty."""
    with KrakenServer(FILLS, marked=False) as server:
        aim(monkeypatch, "kraken", server.url)
        row = fetch(Lake(lake), WINDOW, ["ETHUSD"], ["kraken"]).rows[0]
    assert (row.events, row.result) == (0, "partial")
    assert "PF_ETHUSD: liquidated volume, but no fill marked as a liquidation in" in row.troubles[0]
    missing = Lake(lake).read_fetch_log("kraken", "ETHUSD", "kraken").missing(WINDOW)
    minutes = {ts_us // 60_000_000 for ts_us, *_ in TRUTH.rows["ETHUSD"]}
    assert {m for w in missing for m in range(w.start_us // 60_000_000, w.end_us // 60_000_000)} == minutes


def test_no_series_means_a_full_scan(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Without the volume series, and without the list of contracts, everything is read and nothing is lost."""

    class Bare(KrakenServer):
        def answer(self, asked: Asked) -> Reply:
            return Reply(404) if "executions" not in asked.path else super().answer(asked)

    with Bare(FILLS) as server:
        aim(monkeypatch, "kraken", server.url)
        assert fetch(Lake(lake), WINDOW, ["BTCUSD"], ["kraken"]).exit_code == ExitCode.DONE
    assert sum(stored(lake, "BTCUSD").values()) == sum(TRUTH.rows["BTCUSD"].values())


def test_paging_that_does_not_go_on(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    class Deaf(KrakenServer):
        def answer(self, asked: Asked) -> Reply:
            asked.params.pop("continuation_token", None)
            return super().answer(asked)

    with Deaf(FILLS, cap=90) as server:
        aim(monkeypatch, "kraken", server.url)
        row = fetch(Lake(lake), WINDOW, ["SOLUSD"], ["kraken"]).rows[0]
    assert "paging does not advance" in (row.error or "")
    assert row.result != "ok"
