"""The model on recorded open interest, candles and liquidations of BTC: what it conserves, and how it is calibrated."""

import csv
import gzip
from datetime import UTC, datetime

import numpy as np

from liqcli.analysis.levels.calibration import calibrate
from liqcli.analysis.levels.lots import place_lots
from liqcli.analysis.levels.steps import build_steps
from liqcli.analysis.levels.tier_tables import default_tiers
from liqcli.analysis.levels.walk import walk_forward
from liqcli.core.market_data import OpenInterestSeries
from liqcli.core.model import PriceSeries, to_us


def read(path):
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def stamps(rows, name):
    return np.array([to_us(datetime.fromisoformat(row[name]).replace(tzinfo=UTC)) for row in rows])


def numbers(rows, name):
    return np.array([float(row[name]) for row in rows])


def test_sixty_five_days_of_btc(real_data):
    folder = real_data / "pacifica-2026-03"
    bars = read(folder / "candles_binance_spot_BTCUSDT_1h.csv.gz")
    rows = read(folder / "open_interest_binance_um_BTCUSDT_5m.csv.gz")
    events = [row for row in read(folder / "events_utc.csv.gz") if row["symbol"] == "BTC"]
    prices = PriceSeries(
        stamps(bars, "open_time_utc"),
        *(numbers(bars, name) for name in ("open", "high", "low", "close")),
        3600 * 10**6,
        "recorded candle",
    )
    coins, usd = numbers(rows, "open_interest_base"), numbers(rows, "open_interest_usd")
    steps = build_steps(prices, OpenInterestSeries(stamps(rows, "time_utc"), coins, usd, "recorded"))
    assert len(steps) == 1560
    np.testing.assert_allclose(steps.opened.sum() - steps.closed.sum(), coins[-1] - coins[0])
    lots = place_lots(steps, default_tiers("binance", "BTCUSDT").tiers)
    step = np.searchsorted(steps.closes_us, stamps(events, "time_utc"), side="right")
    side = np.array([row["position"] == "short" for row in events], dtype=int)
    realized, orders = np.zeros((2, len(steps))), np.zeros((2, len(steps)), dtype=np.int64)
    np.add.at(realized, (side, step), numbers(events, "price") * numbers(events, "amount_base"))
    np.add.at(orders, (side, step), 1)
    found = calibrate(steps, lots, realized, orders, end_us=to_us(datetime(2026, 4, 1, tzinfo=UTC)))
    assert found.calibrated
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)
    walk = walk_forward(steps, lots, found.weights)
    total = walk.standing.sum(axis=1)
    assert (total <= steps.interest * (1 + 1e-9)).all()
    np.testing.assert_allclose(total + walk.unplaced, np.tile(steps.interest, (2, 1)), rtol=1e-9)
    standing = walk.standing_after(len(steps) - 1)
    assert (standing.price[standing.side == 0] < steps.low[-1]).all()
    assert (standing.price[standing.side == 1] > steps.high[-1]).all()
