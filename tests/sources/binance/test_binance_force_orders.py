"""Binance frames and recorded rows; with documented values."""

import json

import pytest

from liqcli.sources.binance.force_orders import iter_orders, parse_order, parse_recorded_row

UM = {
    "s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.190", "p": "82338.30", "ap": "82651.90",
    "X": "FILLED", "l": "0.155", "z": "0.190", "T": 1791565602120, "ps": "BTCUSDT", "st": 1,
}  # fmt: skip
CM = {
    "s": "BTCUSD_200925", "ps": "BTCUSD", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "3", "p": "9314.5",
    "ap": "9352.7", "X": "FILLED", "l": "3", "z": "3", "T": 1594622954021,
}  # fmt: skip


def test_a_usd_m_sell_is_a_long_at_the_average_price():
    row = parse_order(UM)
    assert (row.position, row.symbol, row.price, row.price_kind, row.qty) == ("long", "BTCUSDT", 82651.9, "fill", 0.19)
    assert row.notional == pytest.approx(15_703.861, rel=1e-12)  # 0.190 x 82651.90
    assert row.ts_us == 1_791_565_602_120_000
    assert (row.completeness, row.source, row.exchange, row.event_id) == ("sampled", "binance", "binance", None)
    assert (row.contracts, row.contract_size) == (None, None)


def test_a_buy_is_a_short():
    assert parse_order({**UM, "S": "BUY"}).position == "short"


def test_coin_m_contracts_are_100_usd_for_btc_and_10_for_others():
    row = parse_order(CM)
    assert (row.position, row.symbol, row.notional) == ("long", "BTCUSD-200925", 300)
    assert (row.contracts, row.contract_size) == (3, 100)
    assert row.qty == pytest.approx(0.0320763, abs=5e-8)
    assert row.instrument == "BTCUSD_200925"
    assert parse_order({**CM, "s": "ETHUSD_PERP"}).notional == 30
    assert parse_order({**CM, "s": "BTCUSD", "st": 2}).notional == 300
    with pytest.raises(ValueError, match="COIN-M according to st, USD-M according to its name"):
        parse_order({**UM, "st": 2})


def test_a_quarterly_is_not_the_perpetual():
    row = parse_order({**UM, "s": "BTCUSDT_261225"})
    assert (row.symbol, row.instrument) == ("BTCUSDT-261225", "BTCUSDT_261225")
    assert row.notional == pytest.approx(15_703.861, rel=1e-12)  # coins as ever: 0.190 x 82651.90


@pytest.mark.parametrize("average", ["0", "", None, "missing"])
def test_without_an_average_the_order_price_is_taken_and_called_so(average):
    order = {**UM, "ap": average}
    if average == "missing":
        del order["ap"]
    row = parse_order(order)
    assert (row.price, row.price_kind) == (82338.3, "order")


@pytest.mark.parametrize(
    "message",
    [
        {"stream": "!forceOrder@arr", "data": {"e": "forceOrder", "E": 1, "o": UM}},
        {"e": "forceOrder", "E": 1, "o": UM},
        {"message": {"stream": "x", "data": {"e": "forceOrder", "o": UM}}},
        [{"e": "forceOrder", "o": UM}],
        {"data": [{"e": "forceOrder", "o": UM}]},
        UM,
    ],
)
def test_wrappers(message):
    assert list(iter_orders(json.loads(json.dumps(message)))) == [UM]


@pytest.mark.parametrize(
    "message", [{"result": None, "id": 1}, {"e": "aggTrade", "s": "A", "S": "B"}, 7, "x", None, []]
)
def test_frames_without_an_order(message):
    assert list(iter_orders(message)) == []


def test_the_rest_spelling():
    rest = {"symbol": "BTCUSDT", "side": "SELL", "price": "9425.5", "averagePrice": "9496.5", "status": "FILLED",
            "executedQty": "0.009", "origQty": "0.009", "time": 1591154240950}  # fmt: skip
    (order,) = iter_orders(rest)
    row = parse_order(order)
    assert (row.price, row.qty, row.ts_us) == (9496.5, 0.009, 1_591_154_240_950_000)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"X": "EXPIRED"}, "order status is 'EXPIRED'"),
        ({"X": None}, "order status is None"),
        ({"S": "LONG"}, "neither BUY nor SELL"),
        ({"z": "0"}, "above zero"),
        ({"z": None}, "not a number"),
        ({"ap": "nan"}, "not a finite number"),
        ({"s": "ETHBTC"}, "not quoted in dollars"),
        ({"s": "../x"}, "not a contract name"),
        ({"s": "<script>"}, "not a contract name"),
        ({"T": None}, "trade time cannot be read"),
        ({"T": "2024-12-04 22:16:25"}, "no offset"),
    ],
)
def test_bad_orders_say_why(change, reason):
    with pytest.raises(ValueError) as caught:
        parse_order({**UM, **change})
    assert reason in str(caught.value)


def test_a_partial_fill_counts_what_was_filled():
    row = parse_order({**UM, "X": "PARTIALLY_FILLED", "z": "0.1"})
    assert row.qty == 0.1


NAMED = ["BTCUSDT", "SELL", "LIMIT", "IOC", "0.013", "94434.91", "94809.6", "FILLED", "0.013", "0.013"]


def test_a_recorded_row_with_header_takes_trade_time_with_its_offset():
    row = parse_recorded_row([*NAMED, "2024-12-04 22:16:25.587000+05:30", "2024-12-04 22:16:25.584000+05:30"], False)
    assert row.ts_us == 1_733_330_785_584_000  # 2024-12-04T16:46:25.584Z
    assert (row.price, row.qty, row.position) == (94809.6, 0.013, "long")


@pytest.mark.parametrize(
    ("cut", "whole"),
    [("LRC", "LRCUSDT"), ("BTCUSDC", "BTCUSDC"), ("NEIROETH", "NEIROETHUSDT"), ("1000PEPE", "1000PEPEUSDT")],
)
def test_a_recorded_row_without_header_gets_its_quote_back(cut, whole):
    row = parse_recorded_row([cut, *NAMED[1:], "1737908829829", "0.000038"], True)
    assert (row.symbol, row.instrument, row.ts_us) == (whole, whole, 1_737_908_829_829_000)
    assert row.notional == pytest.approx(94809.6 * 0.013, rel=1e-12)  # not the last column


def test_a_row_of_another_width_is_refused():
    with pytest.raises(ValueError, match="6 columns instead of 12"):
        parse_recorded_row(["2024-12-06 23:45:11.043000+05:30", "Short Trade", "1", "1", "1", "0"], False)
