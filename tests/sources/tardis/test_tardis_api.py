"""Tardis daily files: which file to ask, what stands in it, which days are free."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from loopback.scenes import be_swift, point
from loopback.server import Asked, Loopback, Reply

from liqcli.core.model import US_PER_S, Window
from liqcli.ingest.fetch.planner import plan_windows
from liqcli.net.client import Client, RefusalError
from liqcli.sources.base import DAY_US, HOUR_US
from liqcli.sources.contracts import ListedContract
from liqcli.sources.tardis import api as tardis_api

FOLDER = Path(__file__).parent.parent / "responses/tardis"
DAY = Window(1_583_971_200 * US_PER_S, 1_583_971_200 * US_PER_S + DAY_US)  # 2020-03-12
MARKET = ListedContract("binance", "BTCUSDT", "BTCUSDT", None)


def test_one_day() -> None:
    """buy = a short was liquidated: 0.014 x 4793.91 = 67.11474 USD; two rows are refused, one cut short."""
    asking = tardis_api.SOURCE.ask_window(MARKET, Window(DAY.start_us + DAY_US, DAY.end_us + DAY_US))
    assert next(asking).text == "/v1/binance-futures/liquidations/2020/03/13/BTCUSDT.csv.gz"
    with pytest.raises(StopIteration) as end:
        asking.send(tardis_api.decode(gzip.compress((FOLDER / "BTCUSDT.csv").read_bytes())))
    answer = end.value.value
    assert [(r.position, r.price, r.qty, r.price_kind, r.ts_us) for r in answer.rows] == [
        ("short", 4793.91, 0.014, "order", 1584059031421000),
        ("long", 4790.0, 2.0, "order", 1584059032421000),
    ]
    assert answer.rows[0].notional == pytest.approx(67.11474, rel=1e-12)
    assert [bad.line for bad in answer.rejected] == [3, 4]
    assert answer.rejected[1].reason == "wrong number of columns"


def test_a_file_of_another_day_or_symbol_is_requested_again() -> None:
    """Received on 13 March: the wrong file for 12 March, which would pass for a day without liquidations."""
    rows = tardis_api.decode((FOLDER / "BTCUSDT.csv").read_bytes())
    march_13 = Window(DAY.start_us + DAY_US, DAY.end_us + DAY_US)
    for market, day in ((MARKET, DAY), (ListedContract("binance", "ETHUSDT", "ETHUSDT", None), march_13)):
        asking = tardis_api.SOURCE.ask_window(market, day)
        request = next(asking)
        assert asking.send(rows) == asking.send(rows) == request
        with pytest.raises(RefusalError, match="do not match the request"):
            asking.send(rows)


def test_the_beginning_of_the_next_day_is_not_missed() -> None:
    """A tail: what was received in the first quarter of an hour after the wanted day. No file there is no gap."""
    tail = Window(DAY.start_us, DAY.start_us + HOUR_US // 4)
    asking = tardis_api.SOURCE.ask_window(MARKET, tail)
    assert next(asking).path.endswith("/2020/03/12/BTCUSDT.csv.gz")
    with pytest.raises(StopIteration) as end:
        asking.send(None)
    assert (end.value.value.absent, end.value.value.unknown) == (None, [tail])


def test_plan_goes_on_into_the_next_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only behind a wanted midnight, only once it is published (30 h after the day began), only with a key for it."""
    tail = Window(DAY.end_us, DAY.end_us + HOUR_US // 4)
    later = DAY.end_us + 30 * HOUR_US
    monkeypatch.setenv("LIQCLI_KEY_TARDIS", "k")
    assert plan_windows(tardis_api.SOURCE, [DAY], later).windows == (DAY, tail)
    assert plan_windows(tardis_api.SOURCE, [DAY], later - 1).windows == (DAY,)
    assert plan_windows(tardis_api.SOURCE, [Window(DAY.start_us, DAY.end_us - HOUR_US // 4)], later).windows == (DAY,)
    next_day = Window(DAY.end_us, DAY.end_us + DAY_US)
    beside = [Window(DAY.start_us, DAY.end_us), Window(DAY.end_us + HOUR_US, DAY.end_us + 2 * HOUR_US)]
    assert plan_windows(tardis_api.SOURCE, beside, later).windows == (DAY, next_day)
    monkeypatch.delenv("LIQCLI_KEY_TARDIS")
    free = Window(1_772_323_200 * US_PER_S, 1_772_409_600 * US_PER_S)  # 2026-03-01
    plan = plan_windows(tardis_api.SOURCE, [free], free.end_us + 30 * DAY_US)
    assert (plan.windows, plan.gaps) == ((free,), ()), "what was not wanted needs no key"


def test_missing_file_is_not_zero() -> None:
    asking = tardis_api.SOURCE.ask_window(MARKET, DAY)
    assert next(asking).absent == (404,)
    with pytest.raises(StopIteration) as end:
        asking.send(None)
    assert end.value.value.absent == "no file /v1/binance-futures/liquidations/2020/03/12/BTCUSDT.csv.gz"


@pytest.mark.parametrize(
    ("exchange", "symbol", "expected"),
    [
        ("binance", "BTCUSDT", ("binance-futures", "BTCUSDT")),
        ("binance", "BTCUSD", ("binance-delivery", "BTCUSD_PERP")),
        ("okx", "SOLUSDT", ("okex-swap", "SOL-USDT-SWAP")),
        ("okx", "BTCUSD", ("okex-swap", "BTC-USD-SWAP")),
        ("htx", "BTCUSDT", ("huobi-dm-linear-swap", "BTC-USDT")),
        ("htx", "BTCUSD", ("huobi-dm-swap", "BTC-USD")),
        ("deribit", "BTCUSD", ("deribit", "BTC-PERPETUAL")),
        ("deribit", "SOLUSDC", ("deribit", "SOL_USDC-PERPETUAL")),
        ("deribit", "SOLUSDT", None),
        ("bybit", "BTCUSDC", ("bybit", "BTCPERP")),
        ("bitmex", "BTCUSD", ("bitmex", "XBTUSD")),
        ("ftx", "SOLUSD", ("ftx", "SOL-PERP")),
        ("kraken", "BTCUSD", None),
    ],
)
def test_spelling(exchange: str, symbol: str, expected: tuple[str, str] | None) -> None:
    """Each spelling reads back as the symbol it was made of."""
    from liqcli.sources.tardis.files import EXCHANGES, read_contract

    pair = tardis_api.spell(exchange, symbol)
    assert pair == expected
    if pair:
        assert read_contract(*pair).symbol == symbol
        assert EXCHANGES[pair[0]] == exchange


def test_sizes_of_okx_are_lent() -> None:
    """Contracts of OKX need the size that OKX states; without it the row is refused."""
    body = b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    body += b"okex-swap,BTC-USDT-SWAP,1608251468794000,1608251468800000,,sell,22376.9,30\n"
    for size, kept in ((0.01, 1), (None, 0)):
        near = tardis_api.SOURCE.ask_window(
            ListedContract("okx", "BTCUSDT", "BTC-USDT-SWAP", size),
            Window(1_608_249_600 * US_PER_S, 1_608_336_000 * US_PER_S),
        )
        next(near)
        with pytest.raises(StopIteration) as end:
            near.send(tardis_api.decode(body))
        assert len(end.value.value.rows) == kept
        assert len(end.value.value.rejected) == 1 - kept


def test_first_of_month_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Window(1_772_323_200 * US_PER_S, 1_772_409_600 * US_PER_S)  # 2026-03-01
    assert tardis_api.find_obstacle(first) is None
    assert "LIQCLI_KEY_TARDIS" in (tardis_api.find_obstacle(DAY) or "")
    monkeypatch.setenv("LIQCLI_KEY_TARDIS", "k")
    assert tardis_api.find_obstacle(DAY) is None


@pytest.mark.parametrize("body", [b"", b"<html>blocked</html>", b"\x1f\x8b\x08broken", b"a,b\n1,2\n"])
def test_garbled_files_are_asked_again(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"empty body|instead of a liquidations CSV|broken gzip"):
        tardis_api.decode(body)


def test_truncated_gzip_is_asked_again() -> None:
    whole = gzip.compress((FOLDER / "BTCUSDT.csv").read_bytes())
    with pytest.raises(ValueError, match="broken gzip"):
        tardis_api.decode(whole[:-20])


def test_empty_packed_file_is_an_empty_day() -> None:
    assert tardis_api.decode(gzip.compress(b"")) == []
    assert tardis_api.decode(gzip.compress(gzip.compress(b""))) == [], "packed once more for the way"


class Packed(Loopback):
    """Says in a header that the file is packed, as a server of stored files does; ``faults`` break the packing off."""

    BODY = gzip.compress((FOLDER / "BTCUSDT.csv").read_bytes())

    def answer(self, asked: Asked) -> Reply:
        return Reply(200, self.BODY, {"Content-Encoding": "gzip"})


@pytest.mark.parametrize("kept", [len(Packed.BODY) - 20, len(Packed.BODY) // 2, 0])
def test_content_encoding_that_broke_off_is_asked_again(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """The whole HTTP message came, but its packed content is not whole: the rows at its end would be missing."""
    be_swift(monkeypatch)
    with Packed(faults={1: Reply(200, Packed.BODY[:kept], {"Content-Encoding": "gzip"})}) as server:
        point(monkeypatch, tardis=server.url)
        client = Client("tardis", server.url, ())
        rows = client.get(tardis_api.day_request("binance-futures", "BTCUSDT", DAY), tardis_api.decode)
        client.close()
        assert rows == tardis_api.decode(Packed.BODY)
        assert len(server.asked) == 2
