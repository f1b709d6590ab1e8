"""One scene an exchange that can be recorded: a server that breaks as told, and what the lake must then hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from loopback.htx_stream import HtxStream
from loopback.okx_stream import OkxStream
from loopback.order_streams import BackpackStream, BitfinexStream, BitgetStream, BybitStream, ForceOrderStream
from loopback.stream_scenes import inverse, linear
from loopback.streams import Fault, StreamServer
from loopback.trade_streams import DydxStream, ExtendedStream, KrakenStream, LighterStream
from loopback.truth import Event, Rows

Truth = Mapping[str, Sequence[Event]]
Faults = Mapping[int | str, Fault]


class Case(NamedTuple):
    """``names``: instrument -> symbol, and its size: coins (text) or USD (number) of a contract of the truth."""

    names: dict[str, tuple[str, str | int]]
    start: Callable[[Truth, Faults], StreamServer]

    def rows(self, truth: Truth) -> dict[str, Rows]:
        found: dict[str, Rows] = {}
        for name, events in truth.items():
            symbol, size = self.names[name]
            found[symbol] = linear(events, size) if isinstance(size, str) else inverse(events, size)
        return found


def _force_orders(path: str) -> Callable[[Truth, Faults], StreamServer]:
    return lambda truth, faults: ForceOrderStream(truth, path, faults=faults)


CASES = {
    "binance": Case(
        {"BTCUSDT": ("BTCUSDT", "0.001"), "BTCUSD_PERP": ("BTCUSD", 100)}, _force_orders(ForceOrderStream.PATHS[0])
    ),
    "aster": Case({"BTCUSDT": ("BTCUSDT", "0.001")}, _force_orders(ForceOrderStream.PATHS[1])),
    "bybit": Case(
        {"BTCUSDT": ("BTCUSDT", "0.001"), "ETHUSD": ("ETHUSD", 1)},
        lambda truth, faults: BybitStream(truth, faults=faults),
    ),
    "okx": Case(
        {"BTC-USDT-SWAP": ("BTCUSDT", "0.01"), "BTC-USD-SWAP": ("BTCUSD", 100)},
        lambda truth, faults: OkxStream(
            truth,
            {"BTC-USDT-SWAP": ("0.01", "1", "linear"), "BTC-USD-SWAP": ("100", "1", "inverse")},
            faults=faults,
        ),
    ),
    "htx": Case(
        {"BTC-USDT": ("BTCUSDT", "0.001"), "ETH-USD": ("ETHUSD", 10)},
        lambda truth, faults: HtxStream(truth, {"BTC-USDT": "0.001", "ETH-USD": "10"}, faults=faults),
    ),
    "bitget": Case(
        {"BTCUSDT": ("BTCUSDT", "0.001"), "BTCPERP": ("BTCUSDC", "0.001")},
        lambda truth, faults: BitgetStream(truth, "0.001", faults=faults),
    ),
    "kraken": Case(
        {"PF_XBTUSD": ("BTCUSD", "0.001"), "PF_ETHUSD": ("ETHUSD", "0.001")},
        lambda truth, faults: KrakenStream(truth, list(truth), faults=faults),
    ),
    "bitfinex": Case(
        {"tBTCF0:USTF0": ("BTCUSDT", "0.001"), "tETHF0:USTF0": ("ETHUSDT", "0.001")},
        lambda truth, faults: BitfinexStream(truth, faults=faults),
    ),
    "dydx": Case(
        {"BTC-USD": ("BTCUSD", "0.001"), "ETH-USD": ("ETHUSD", "0.001")},
        lambda truth, faults: DydxStream(truth, list(truth), faults=faults),
    ),
    "lighter": Case(
        {"BTC": ("BTCUSDC", "0.001"), "ETH": ("ETHUSDC", "0.001")},
        lambda truth, faults: LighterStream(truth, {"BTC": 1, "ETH": 0}, faults=faults),
    ),
    "extended": Case(
        {"BTC-USD": ("BTCUSD", "0.001"), "ETH-USD": ("ETHUSD", "0.001")},
        lambda truth, faults: ExtendedStream(truth, faults=faults),
    ),
    "backpack": Case(
        {"BTC_USDC_PERP": ("BTCUSDC", "0.01"), "SOL_USDC_PERP": ("SOLUSDC", "0.01")},
        lambda truth, faults: BackpackStream(truth, list(truth), faults=faults),
    ),
}
