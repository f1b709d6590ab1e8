"""
The server's log of every source: whatever goes wrong, it is never asked faster than it documents.

What a server documents stands in its loopback twin (``PACE``), written apart from the adapters. Their limits are
scaled down alike, a few requests in a short time, so that they bind within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from loopback.cases import CASES
from loopback.faults import FAULTS, spoilt
from loopback.market import BinanceMarket, BybitMarket, GateMarket, MarketServer, OkxMarket, VisionMarket
from loopback.scenes import DAY_US, NOBODY, be_swift, fetch_market, point
from loopback.server import Asked, Loopback

from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.net import client
from liqcli.net.client import BusyError
from liqcli.net.rate_limit import Limit, RateLimiter, shared_rate_limiter
from liqcli.sources.market_base import MarketSource
from liqcli.sources.registry import load_market_sources, load_source

PER_S = 60.0  # so many requests a second remain of every limit
FEW = 4.0  # and so many in one burst
ORDERS = "/api/v5/public/liquidation-orders"  # OKX documents this path by itself
WHOLE = (
    "okx",
    "tardis",
    "bitfinex",
    "binance-vision",
)  # few requests for two days; of the others eight hours are enough
FUTURES = "/futures/data/"
CANDLES = "/api/v5/market/"
INTEREST = "/api/v5/rubik/"


class Slot(NamedTuple):
    """A place of candles and open interest: what of it is asked for, and what it documents for that path."""

    server: type[MarketServer]
    name: str
    kind: str
    days: int
    pace: tuple[int, float]
    path: str = ""


PLACES = (
    Slot(BinanceMarket, "binance", "candles", 14, BinanceMarket.PACE, "/fapi/"),
    Slot(BinanceMarket, "binance", "open-interest", 9, (1000, 300.0), FUTURES),
    Slot(BybitMarket, "bybit", "candles", 10, BybitMarket.PACE),
    Slot(OkxMarket, "okx", "candles", 1, (20, 2.0), CANDLES),
    Slot(OkxMarket, "okx", "open-interest", 1, OkxMarket.PACE, INTEREST),
    Slot(GateMarket, "gate", "open-interest", 3, GateMarket.PACE),
    Slot(VisionMarket, "binance-vision", "candles", 8, VisionMarket.PACE),
)


class Scale:
    """A smaller world for an adapter and its server: ``count`` of the requests in ``time`` of the seconds."""

    def __init__(self, limits: Sequence[Limit], most: float, weight: float = 1.0) -> None:
        first = limits[0]
        self.count = min(1.0, FEW * weight / min(first.most, most * weight))
        self.time = self.count * first.most / weight / first.seconds / PER_S

    def share(self, source: str, url: str, limits: Sequence[Limit], folder: Path) -> RateLimiter:
        smaller = [limit._replace(most=limit.most * self.count, seconds=limit.seconds * self.time) for limit in limits]
        return shared_rate_limiter(source, url, smaller, folder)


def check_log(asked: Sequence[Asked], pace: tuple[int, float], scale: Scale, weigh: bool = False) -> None:
    """In no stretch of the documented length did the server see more than is documented."""
    most, seconds = pace[0] * scale.count, pace[1] * scale.time
    seen = sorted((one.at_s, weight_of(one) if weigh else 1.0) for one in asked)
    for number, (start, _) in enumerate(seen):
        inside = sum(weight for at, weight in seen[number:] if at < start + seconds)
        assert inside <= most + 1e-9, f"{inside} in {seconds:.3f} s, and {most} are allowed"


def weight_of(asked: Asked) -> float:
    """What Binance documents for klines, as parts of the 240 requests of 10 that its twin allows a minute."""
    limit = int(asked.params["limit"])
    return (1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10) / 10


def check_even(asked: Sequence[Asked], limits: Sequence[Limit]) -> None:
    """An even limit implies a minimum duration, so it was in effect."""
    if limits[0].even:
        times = [one.at_s for one in asked]
        assert max(times) - min(times) >= (len(times) - 1) / PER_S - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_no_source_is_asked_faster_than_it_documents(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str) -> None:
    """Every seventh answer is a 429; listings, pages and retries of all threads count together."""
    case = CASES[name]()
    be_swift(monkeypatch)
    monkeypatch.setattr(client, "BACKOFF_S", 0.001)
    for variable, value in case.environment.items():
        monkeypatch.setenv(variable, value)
    for number, value in case.limits.items():
        monkeypatch.setattr(number, value)
    limits = load_source(name).limits
    scale = Scale(limits, case.server.PACE[0])
    monkeypatch.setattr(client, "shared_rate_limiter", scale.share)
    monkeypatch.delenv(f"LIQCLI_RATE_{name.upper().replace('-', '_')}")
    end_us = case.truth.window.end_us
    window = Window(end_us - DAY_US // 3, end_us) if name not in WHOLE else case.truth.window
    with case.server as server, spoilt(server, FAULTS["429"], 7) as spoiled:
        point(monkeypatch, **{name.replace("-", "_"): server.url})
        exchange = [case.exchange] if case.exchange else []
        fetch(Lake(lake), window, list(case.truth.rows), [name], exchange)
        log = [one for one in server.asked if name != "okx" or one.path == ORDERS]
    assert len(log) > min(FEW, limits[0].most)
    assert spoiled or len(log) < 7
    check_log(log, server.PACE, scale)
    check_even(server.asked, limits)


def _places(place: Slot) -> list[MarketSource]:
    return [source for source in load_market_sources(place.name.partition("-")[0]) if source.name == place.name]


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.name} {place.kind}")
def test_no_place_of_candles_is_asked_faster_than_it_documents(
    monkeypatch: pytest.MonkeyPatch, lake: Path, place: Slot
) -> None:
    exchange, source = place.name.partition("-")[0], _places(place)[0]
    weigh = place.path == "/fapi/"
    be_swift(monkeypatch)
    for other in ("BINANCE", "BYBIT"):
        monkeypatch.setenv(f"LIQCLI_URL_{other}", NOBODY)
    monkeypatch.setattr(client, "BACKOFF_S", 0.001)
    monkeypatch.delenv(f"LIQCLI_RATE_{place.name.upper().replace('-', '_')}", raising=False)
    end_us = now_us() // DAY_US * DAY_US - 3 * DAY_US + (DAY_US if place.name == "okx" else 0)
    scale = Scale([limit for limit in source.limits if limit.path == place.path], place.pace[0], 10.0 if weigh else 1.0)
    monkeypatch.setattr(client, "shared_rate_limiter", scale.share)
    with place.server() as server, spoilt(server, FAULTS["429"], 7):
        point(monkeypatch, **{place.name.replace("-", "_"): server.url})
        window = Window(end_us - place.days * DAY_US, end_us)
        fetch_market(lake, window, ["BTCUSDT", "ETHUSDT"], [place.kind], [exchange])
    assert len(server.asked) > FEW
    check_log(server.asked, place.pace, scale, weigh)


def test_the_check_itself_can_fail() -> None:
    """Five requests at once where four are allowed."""
    scale = Scale((Limit(200, 10),), 200)
    at_once = [Asked("/x", {}, {}, 1.0)] * 5
    check_log(at_once[:4], (200, 10.0), scale)
    with pytest.raises(AssertionError, match="are allowed"):
        check_log(at_once, (200, 10.0), scale)


@cache
def servers() -> dict[str, type[Loopback]]:
    return {name: type(make().server) for name, make in CASES.items()}


def test_loopback_is_written_from_the_same_documents() -> None:
    """No adapter's limit is above what its server documents, whatever their shapes: in any stretch of its length."""
    for name, server in servers().items():
        most, seconds = server.PACE
        limit = load_source(name).limits[0]
        assert limit.most / limit.seconds <= most / seconds, name
        assert limit.even or limit.most <= most, name


def test_who_says_busy_inside_a_200_is_left_in_peace_by_all() -> None:
    """A garbled answer is asked for again by who got it; after a busy one all others wait too."""
    busy = {(server, load_source(name).decode) for name, server in servers().items()}
    busy |= {(place.server, source.decode) for place in PLACES for source in _places(place)}
    polite = [(server, decode) for server, decode in busy if server.BUSY_200 != server.NO_200]
    assert len(polite) > 10
    for server, decode in polite:
        with pytest.raises(BusyError):
            decode(server.BUSY_200.body)
