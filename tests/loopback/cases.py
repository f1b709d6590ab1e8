"""Two days of three symbols from every source of liquidations: a server that keeps its rules, and what must come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from liqcli.core.model import US_PER_S, Window
from liqcli.core.times import now_us
from loopback import bitfinex, deribit, kraken
from loopback.binance_vision import BinanceVisionServer
from loopback.bitget import BitgetServer
from loopback.coinex import CoinexServer
from loopback.cryptohftdata import CryptoHftDataServer
from loopback.dydx import DydxServer
from loopback.poloniex import PoloniexServer
from loopback.server import Loopback
from loopback.truth import HOUR_MS, Event, Rows, Truth, count_expected, count_inverse, make_events, two_days
from loopback.venues import GateServer, HtxServer, OkxServer, TardisServer

MINUTE_US = 60 * US_PER_S
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
LINEAR = {"BTCUSDT": "0.001", "ETHUSDT": "0.01", "SOLUSDT": "1"}


@dataclass(frozen=True)
class Case:
    """
    A source's scene: what must come, its server, and what a fetch of it needs besides.

    ``every`` so-manieth answer goes wrong where something does; ``limits`` are numbers of modules to make smaller, so
    that little data fill many pages.
    """

    truth: Truth
    server: Loopback
    exchange: str = ""
    every: int = 7
    environment: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)


def _events(window: Window, busy: int) -> dict[str, list[Event]]:
    """Of three linear symbols; in every hour there is something."""
    calm = window.start_us // 1000 + 2 * HOUR_MS
    few = [Event(calm + n * HOUR_MS // 6, "long", 7, Decimal(60_000 + n)) for n in range(6)]
    return {symbol: [*make_events(window, seed, busy), *few] for seed, symbol in enumerate(LINEAR, 11)}


def _linear(events: dict[str, list[Event]], window: Window, sizes: dict[str, str] = LINEAR) -> Truth:
    rows = {symbol: count_expected(own, window, Decimal(sizes[symbol])) for symbol, own in events.items()}
    return Truth(window, rows)


def gate() -> Case:
    """Whole hours and bisected ones; the third symbol is inverse, of 1 USD a contract."""
    window = two_days(now_us())
    events = _events(window, 1_300)
    truth = _linear({symbol: events[symbol] for symbol in ("BTCUSDT", "ETHUSDT")}, window)
    truth.rows["BTCUSD"] = count_inverse(events["SOLUSDT"], window, 1)
    named = {"BTC_USDT": events["BTCUSDT"], "ETH_USDT": events["ETHUSDT"], "BTC_USD": events["SOLUSDT"]}
    return Case(truth, GateServer(named, {"BTC_USDT": "0.001", "ETH_USDT": "0.01", "BTC_USD": "0"}))


def htx() -> Case:
    window = two_days(now_us())
    events = _events(window, 700)
    names = {symbol: f"{symbol[:3]}-USDT" for symbol in events}
    server = HtxServer({names[s]: own for s, own in events.items()}, {names[s]: size for s, size in LINEAR.items()})
    return Case(_linear(events, window), server)


def okx() -> Case:
    """It keeps a day: of two days the younger 22 hours come; what is older was forgotten by the server too."""
    now = now_us()
    young = Window((now - 23 * HOUR_US) // 1000 * 1000, (now - HOUR_US) // 1000 * 1000)
    window = Window(young.end_us - 2 * DAY_US, young.end_us)
    old = Event(window.start_us // 1000 + HOUR_MS, "long", 9, Decimal(50_000))
    events = {symbol: [*own, old] for symbol, own in _events(young, 500).items()}
    rows = _linear(
        {s: events[s] for s in ("BTCUSDT", "ETHUSDT")}, Window(young.start_us - 60_000_000, young.end_us)
    ).rows
    rows["BTCUSD"] = count_inverse(events["SOLUSDT"], Window(young.start_us - 60_000_000, young.end_us), 100)
    sizes = {"BTC-USDT-SWAP": "0.001", "ETH-USDT-SWAP": "0.01", "BTC-USD-SWAP": "100"}
    server = OkxServer(dict(zip(sizes, events.values(), strict=True)), sizes, now // 1000)
    return Case(Truth(window, rows), server)


def tardis() -> Case:
    """Three files a symbol, and a key, since two days of which none is the first of a month need one."""
    window = two_days(now_us())
    events = _events(window, 300)
    ones = dict.fromkeys(LINEAR, "1")
    environment = {"LIQCLI_KEY_TARDIS": TardisServer.KEY}
    return Case(_linear(events, window, ones), TardisServer(events), "binance", 3, environment)


def cryptohftdata() -> Case:
    """A file for every hour, so that none is unknown."""
    window = two_days(now_us())
    later = [Event(window.end_us // 1000 + n * HOUR_MS + 60_000, "long", 1, Decimal(60_000)) for n in range(2)]
    events = {symbol: [*own, *later] for symbol, own in _events(window, 200).items()}
    server = CryptoHftDataServer({("binance_futures", symbol): own for symbol, own in events.items()})
    return Case(_linear(events, window, dict.fromkeys(LINEAR, "1")), server, "binance")


def binance_vision() -> Case:
    """In the days of the archive; 100 USD a contract of BTC, 10 of the others."""
    start = 1_704_067_200 * US_PER_S + 13 * MINUTE_US  # 2024-01-01
    window = Window(start, start + 2 * DAY_US)
    events = {f"{symbol[:3]}USD": own for symbol, own in _events(window, 120).items()}
    rows = {symbol: count_inverse(own, window, 100 if symbol == "BTCUSD" else 10) for symbol, own in events.items()}
    server = BinanceVisionServer({f"{symbol}_PERP": own for symbol, own in events.items()})
    return Case(Truth(window, rows), server, every=4)


def bitget() -> Case:
    """Two of the three days that it keeps, reached by walking back from now; the third symbol is settled in USDC."""
    now = now_us()
    start = now // HOUR_US * HOUR_US - 60 * HOUR_US + 13 * MINUTE_US
    window = Window(start, start + 2 * DAY_US)
    later = [Event(window.end_us // 1000 + n * 60_000, "long", 1, Decimal(60_000 + n)) for n in range(1, 140)]
    older = [Event(window.start_us // 1000 - HOUR_MS - n, "short", 1, Decimal(60_000)) for n in range(150)]
    events = {symbol: [*own, *later, *older] for symbol, own in _events(window, 400).items()}
    truth = _linear(events, window, dict.fromkeys(LINEAR, "0.001"))
    truth.rows["BTCUSDC"] = truth.rows.pop("SOLUSDT")
    named = {"BTCUSDT": events["BTCUSDT"], "ETHUSDT": events["ETHUSDT"], "BTCPERP": events["SOLUSDT"]}
    return Case(truth, BitgetServer(named, Decimal("0.001"), now // 1000))


def coinex() -> Case:
    window = two_days(now_us())
    events = _events(window, 450)
    return Case(_linear(events, window, dict.fromkeys(LINEAR, "0.001")), CoinexServer(events, Decimal("0.001")))


def dydx() -> Case:
    """Two ordinary trades beside each liquidation, pages of 1000 trades."""
    window = two_days(now_us())
    events = {f"{symbol[:3]}USD": own for symbol, own in _events(window, 700).items()}
    server = DydxServer({f"{symbol[:3]}-USD": own for symbol, own in events.items()}, Decimal("0.001"))
    return Case(_linear(events, window, dict.fromkeys(events, "0.001")), server)


def deribit_() -> Case:
    """Two inverse instruments and a linear one, in pages of 400 trades."""
    window = two_days(now_us())
    symbols = {"BTC-PERPETUAL": "BTCUSD", "ETH-PERPETUAL": "ETHUSD", "SOL_USDC-PERPETUAL": "SOLUSDC"}
    trades = {name: deribit.make_trades(window, n, 900, "USDC" not in name) for n, name in enumerate(symbols)}
    server = deribit.DeribitServer(trades, now_us() // 1000, cap=400)
    return Case(server.truth(window, trades, symbols), server)


def kraken_() -> Case:
    """Four contracts of three symbols, in pages of 120 executions."""
    window = two_days(now_us())
    symbols = {"BTCUSD": ("PF_XBTUSD", "PI_XBTUSD"), "ETHUSD": ("PF_ETHUSD",), "SOLUSD": ("PF_SOLUSD",)}
    names = [name for own in symbols.values() for name in own]
    fills = {name: kraken.make_fills(window, n, 400, name.startswith("PI_")) for n, name in enumerate(names)}
    rows: dict[str, Rows] = {s: kraken.count_truth({n: fills[n] for n in own}, window) for s, own in symbols.items()}
    return Case(Truth(window, rows), kraken.KrakenServer(fills, cap=120))


def bitfinex_() -> Case:
    """One list of all symbols, in pages of 150 rows."""
    window = two_days(now_us())
    symbols = {"BTCUSDT": "tBTCF0:USTF0", "ETHUSDT": "tETHF0:USTF0", "SOLUSDT": "tSOLF0:USTF0"}
    matches = {name: bitfinex.make_matches(window, n + 1, 130) for n, name in enumerate(symbols.values())}
    truth = Truth(window, {s: bitfinex.count_truth(matches[name], window) for s, name in symbols.items()})
    return Case(truth, bitfinex.BitfinexServer(matches), limits={"liqcli.sources.bitfinex.liquidations.LIMIT": 150})


def poloniex() -> Case:
    """Days that are cut in two again and again, and an event before the window, so that nothing counts as forgotten."""
    window = two_days(now_us())
    before = Event(window.start_us // 1000 - HOUR_MS, "long", 9, Decimal(50_000))
    events = {symbol: [*own, before] for symbol, own in _events(window, 450).items()}
    names = {symbol: f"{symbol[:3]}_USDT_PERP" for symbol in events}
    server = PoloniexServer(
        {names[s]: own for s, own in events.items()}, {names[s]: size for s, size in LINEAR.items()}
    )
    return Case(_linear(events, window), server)


CASES: dict[str, Callable[[], Case]] = {
    "gate": gate,
    "htx": htx,
    "okx": okx,
    "tardis": tardis,
    "cryptohftdata": cryptohftdata,
    "deribit": deribit_,
    "kraken": kraken_,
    "bitfinex": bitfinex_,
    "bitget": bitget,
    "coinex": coinex,
    "dydx": dydx,
    "poloniex": poloniex,
    "binance-vision": binance_vision,
}
