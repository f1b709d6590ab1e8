"""Tardis rows: each venue's unit, price kind and side, by hand from the messages in tardis-node's own tests."""

# ruff: noqa: E501 - the table reads by columns

import json
from datetime import datetime

import pytest

from liqcli.core.model import to_us
from liqcli.ingest.files.formats import open_reader
from liqcli.ingest.files.options import ImportOptions
from liqcli.sources.tardis.files import COLUMNS, EXCHANGES, VENUES, parse_row


def row(exchange, symbol, side, price, amount, ts="1700000000000000", event_id=""):
    return {
        "exchange": exchange,
        "symbol": symbol,
        "timestamp": ts,
        "local_timestamp": ts,
        "id": event_id,
        "side": side,
        "price": price,
        "amount": amount,
    }


SIZES = {"BTC-USDT-SWAP": 0.01, "BTC-USDT": 0.001, "BTC-USDT-211231": 0.01}

# exchange, instrument, side, price, amount -> liqcli exchange, symbol, position, qty, notional, price_kind
CASES = [
    ("binance-futures", "BTCUSDT", "buy", "4793.91", "0.014", "binance", "BTCUSDT", "short", 0.014, 67.11474, "order"),
    ("binance-delivery", "BTCUSD_200925", "sell", "9314.5", "3", "binance", "BTCUSD-200925", "long", 300 / 9314.5, 300, "order"),
    ("binance-delivery", "ETHUSD_PERP", "buy", "2000", "4", "binance", "ETHUSD", "short", 0.02, 40, "order"),
    ("aster-futures", "SOLUSDT", "sell", "150", "2", "aster", "SOLUSDT", "long", 2, 300, "order"),
    ("bybit", "BTCUSD", "buy", "23216", "836", "bybit", "BTCUSD", "short", 836 / 23216, 836, "bankruptcy"),
    ("bybit", "BTCUSDM24", "sell", "50000", "100", "bybit", "BTCUSD-240628", "long", 0.002, 100, "bankruptcy"),
    ("bybit", "PIPPINUSDT", "buy", "0.02456", "2846", "bybit", "PIPPINUSDT", "short", 2846, 69.89776, "bankruptcy"),
    ("bybit", "BTCPERP", "buy", "50000", "0.1", "bybit", "BTCUSDC", "short", 0.1, 5000, "bankruptcy"),
    ("bybit", "BTC-27MAR26", "buy", "50000", "0.1", "bybit", "BTCUSDC-260327", "short", 0.1, 5000, "bankruptcy"),
    ("okex-swap", "BTC-USDT-SWAP", "sell", "82655.7", "8.55", "okx", "BTCUSDT", "long", 0.0855, 7067.06235, "bankruptcy"),
    ("okex-futures", "BTC-USDT-211231", "buy", "49674.2", "40", "okx", "BTCUSDT-211231", "short", 0.4, 19869.68, "bankruptcy"),
    ("okex-futures", "BTC-USD-210326", "buy", "24515.8", "8", "okx", "BTCUSD-210326", "short", 800 / 24515.8, 800, "bankruptcy"),
    ("okex-swap", "UNI-USD-SWAP", "sell", "3.523", "8", "okx", "UNIUSD", "long", 80 / 3.523, 80, "bankruptcy"),
    ("huobi-dm-linear-swap", "BTC-USDT", "sell", "23350.5", "227", "htx", "BTCUSDT", "long", 0.227, 5300.5635, "bankruptcy"),
    ("huobi-dm-swap", "BTC-USD", "buy", "20000", "2", "htx", "BTCUSD", "short", 0.01, 200, "bankruptcy"),
    ("huobi-dm", "ETH_CQ", "buy", "2000", "2", "htx", "ETHUSD-CQ", "short", 0.01, 20, "bankruptcy"),
    ("huobi-dm", "BTC201225", "buy", "20000", "2", "htx", "BTCUSD-201225", "short", 0.01, 200, "bankruptcy"),
    ("deribit", "BTC-PERPETUAL", "sell", "4469.5", "1120", "deribit", "BTCUSD", "long", 1120 / 4469.5, 1120, "fill"),
    ("deribit", "BTC-27MAR20", "buy", "5000", "100", "deribit", "BTCUSD-200327", "short", 0.02, 100, "fill"),
    ("deribit", "SOL_USDC-PERPETUAL", "buy", "150", "2", "deribit", "SOLUSDC", "short", 2, 300, "fill"),
    ("cryptofacilities", "PI_XRPUSD", "sell", "0.1736", "12000", "kraken", "XRPUSD", "long", 12000 / 0.1736, 12000, "fill"),
    ("cryptofacilities", "PF_XBTUSD", "buy", "50000", "0.2", "kraken", "BTCUSD", "short", 0.2, 10000, "fill"),
    ("bitmex", "XBTUSD", "buy", "10106", "9214", "bitmex", "BTCUSD", "short", 9214 / 10106, 9214, "bankruptcy"),
    ("dydx-v4", "BTC-USD", "sell", "22.87", "3.9", "dydx", "BTCUSD", "long", 3.9, 89.193, "fill"),
    ("lighter", "BTC", "buy", "75602.8", "0.01664", "lighter", "BTCUSDC", "short", 0.01664, 1258.030592, "fill"),
    ("ftx", "BTC-PERP", "sell", "50000", "0.5", "ftx", "BTCUSD", "long", 0.5, 25000, "fill"),
    ("bitget-futures", "APEUSDT", "sell", "0.1649", "13.70319", "bitget", "APEUSDT", "long", 83.1, 13.70319, "bankruptcy"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_units_sides_and_price_kinds(case):
    venue, instrument, side, price, amount, exchange, symbol, position, qty, notional, kind = case
    found = parse_row(row(venue, instrument, side, price, amount), SIZES)
    assert (found.exchange, found.symbol, found.position, found.price_kind) == (exchange, symbol, position, kind)
    assert found.instrument == instrument
    assert found.qty == pytest.approx(qty, rel=1e-12)
    assert found.notional == pytest.approx(notional, rel=1e-12)
    assert found.price == float(price)
    assert found.source == "tardis"


@pytest.mark.parametrize(
    "name", ["binance-futures", "bybit", "okex-futures", "okex-swap", "deribit", "huobi-dm-linear-swap"]
)
def test_recorded_events_in_the_shape_of_tardis(real_data, name):
    """What tardis-node made of recorded messages, as rows of its files: position, price, time, and what 1 unit is."""
    file = f"messages/tardis-node/{name}.jsonl"
    answers = json.loads((real_data / "expected.json").read_text(encoding="utf-8"))["messages"][file]["expected"]
    lines = (real_data / file).read_text(encoding="utf-8").splitlines()
    events = [event for line in lines for event in json.loads(line)["normalized"]]
    for event, answer in zip(events, answers, strict=True):
        ts_us = to_us(datetime.fromisoformat(event["timestamp"]))
        raw = row(name, event["symbol"], event["side"], str(event["price"]), str(event["amount"]), str(ts_us))
        found = parse_row(raw, SIZES)
        assert (found.instrument, found.position) == (answer["symbol"], answer["position"])
        assert (found.price, found.ts_us) == (float(answer["price"]), answer["time_ms"] * 1000)
        amount = float(answer["quantity"])
        if answer["quantity_unit"] == "base":
            assert (found.qty, found.notional) == (amount, pytest.approx(amount * found.price, rel=1e-12))
        elif answer["quantity_unit"].startswith("usd"):
            assert (found.notional, found.qty) == (amount, pytest.approx(amount / found.price, rel=1e-12))
        else:
            assert found.contracts == amount


def test_partial_liquidations_of_kraken_are_missing():
    """So what there is is a floor."""
    assert parse_row(row("cryptofacilities", "PF_XBTUSD", "buy", "50000", "0.2"), {}).completeness == "sampled"


def test_each_venue_has_a_case():
    assert {c[0] for c in CASES} == set(VENUES)
    assert EXCHANGES["cryptofacilities"] == "kraken"
    assert EXCHANGES["bitfinex-derivatives"] == "bitfinex"


def test_contracts_and_size_are_kept_where_the_venue_counts_in_them():
    found = parse_row(row("okex-swap", "BTC-USDT-SWAP", "sell", "82655.7", "8.55"), SIZES)
    assert (found.contracts, found.contract_size) == (8.55, 0.01)
    found = parse_row(row("bybit", "BTCUSDT", "sell", "50000", "1"), {})
    assert (found.contracts, found.contract_size) == (None, None)


def test_time_is_microseconds_and_an_id_is_kept():
    found = parse_row(row("deribit", "BTC-PERPETUAL", "sell", "1", "1", "1584058044032123", "77"), {})
    assert found.ts_us == 1_584_058_044_032_123
    assert found.event_id == "77"


@pytest.mark.parametrize(
    ("venue", "ts", "completeness"),
    [
        ("bybit", "1740527999999999", "sampled"),  # the last microsecond of 2025-02-25
        ("bybit", "1740528000000000", "full"),
        ("binance-futures", "1740528000000000", "sampled"),
        ("deribit", "1584058044032000", "full"),
    ],
)
def test_completeness_follows_the_feed(venue, ts, completeness):
    symbol = "BTC-PERPETUAL" if venue == "deribit" else "BTCUSDT"
    assert parse_row(row(venue, symbol, "sell", "10", "1", ts), {}).completeness == completeness


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("okex-swap", "NEW-USDT-SWAP", "sell", "1", "1"), "--contract-size NEW-USDT-SWAP=SIZE"),
        (row("bitfinex-derivatives", "BTCF0:USTF0", "sell", "9135.9", "0.1"), "entry price"),
        (row("nowhere", "BTCUSDT", "sell", "1", "1"), "unknown Tardis exchange 'nowhere'"),
        (row("bybit", "BTCUSDT", "Long", "1", "1"), "neither buy nor sell: 'Long'"),
        (row("bybit", "BTCUSDT", "sell", "nan", "1"), "not a finite number"),
        (row("bybit", "BTCUSDT", "sell", "1_000", "1"), "not a number"),
        (row("bybit", "BTCUSDT", "sell", "0", "1"), "above zero"),
        (row("bybit", "BTCUSDT", "sell", "1", "-1"), "above zero"),
        (row("bybit", "BTCUSDT", "sell", "1", "1", "2024-01-01"), "whole number of microseconds"),
        (row("bybit", "../x", "sell", "1", "1"), "not a contract name"),
        (row("deribit", "BTC-27MAR20-8000-C", "sell", "1", "1"), "option"),
        (row("bitmex", "ETHUSD", "sell", "1", "1"), "quanto"),
        (row("lighter", "1", "sell", "1", "1"), "market number 1"),
        (row("binance-futures", "ETHBTC", "sell", "1", "1"), "not quoted in dollars"),
        (
            row("cryptofacilities", "XX_1", "sell", "1", "1"),
            "the name does not say whether this kraken contract is linear or inverse",
        ),
    ],
)
def test_bad_rows_say_why(bad, reason):
    with pytest.raises(ValueError) as caught:
        parse_row(bad, {})
    assert reason in str(caught.value)


def test_lighter_numbers_get_a_name(tmp_path):
    """0.01664 BTC at 75,602.8 are 1,258.030592 USD; a second number in the file is not BTC as well."""
    rows = ("lighter,1,1700000000000000,1700000000000000,7,buy,75602.8,0.01664",
            "lighter,2,1700000000000000,1700000000000000,8,buy,75602.8,0.01664")  # fmt: skip
    path = tmp_path / "lighter.csv"
    path.write_text("\n".join((",".join(COLUMNS), *rows)) + "\n")
    feed = open_reader(path, ImportOptions(symbol="BTC"), 1_795_940_000_000_000)
    first, second = feed.items
    assert (first.symbol, first.instrument, first.exchange) == ("BTCUSDC", "1", "lighter")
    assert first.notional == pytest.approx(1258.030592, rel=1e-12)
    assert "market 2, but --symbol BTC is market 1" in second.reason
    assert feed.notes == []
    (first, second) = open_reader(path, ImportOptions(), 1_795_940_000_000_000).items
    assert "pass --symbol NAME" in first.reason
