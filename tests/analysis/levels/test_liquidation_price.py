"""Published liquidation prices, and the definition: equity at the price equals the maintenance margin."""

from __future__ import annotations

import numpy as np
import pytest

from liqcli.analysis.levels.liquidation_price import MARGIN_RULES, find_rule, liquidation_price
from liqcli.analysis.levels.tiers import build_tiers, flat_tier

# BTCUSDT brackets of Binance, captured 2026-08-02.
FLOORS = (0, 300_000, 800_000, 3_000_000)
RATES = (0.004, 0.005, 0.0065, 0.01)
LEVERAGES = (150, 100, 75, 50)


@pytest.mark.parametrize(
    ("deduction", "size", "entry", "rate", "maintenance", "pnl", "expected"),
    [
        (135_365, 3683.979, 1456.84, 0.10, 0, 0, 1114.78),
        (16_300, 109.488, 32481.98, 0.025, 0, 0, 18778.73),
        (135_365, 3683.979, 1456.84, 0.10, 71_200.81144, -56_354.57, 1153.26),
        (16_300, 109.488, 32481.98, 0.025, 356_512.508, -448_192.89, 26316.89),
    ],
)
def test_published_prices_of_binance(deduction, size, entry, rate, maintenance, pnl, expected):
    price = liquidation_price(
        entry,
        1.0,
        "long",
        flat_tier(rate, deduction),
        size=size,
        balance=1_535_443.01,
        other_maintenance=maintenance,
        other_pnl=pnl,
    )
    assert round(float(price), 2) == expected


def test_isolated_example_and_the_trap_in_its_short():
    tiers = flat_tier(0.004)
    assert round(float(liquidation_price(67_000, 10, "long", tiers)), 2) == 60_542.17
    # The page that states the long prints 69,920.32 for this short; 34,840 / 0.502 is 69,402.39.
    assert round(float(liquidation_price(67_000, 25, "short", tiers, size=0.5)), 2) == 69_402.39


def test_bybit_values_the_margin_at_the_entry():
    rule, tiers = MARGIN_RULES["bybit"], flat_tier(0.005)
    assert float(liquidation_price(10_000, 50, "long", tiers, size=1, rule=rule)) == pytest.approx(9_850, abs=1e-9)
    assert float(liquidation_price(8_000, 40, "short", tiers, rule=rule)) == pytest.approx(8_160, abs=1e-9)


def test_bybit_inverse_long_with_a_deduction():
    # 10,000 USD at 50,000, 10x: (1 + 0.005) * 10,000 / (0.2 + 0.02 + 0.001) coins
    price = liquidation_price(
        50_000, 10, "long", flat_tier(0.005, 0.001), size=10_000, contract="inverse", rule=MARGIN_RULES["bybit"]
    )
    assert float(price) == pytest.approx(10_050 / 0.221, rel=1e-12)


def test_okx_and_gate_add_the_taker_fee():
    tiers = flat_tier(0.004)
    okx = liquidation_price(100, 10, "long", tiers, rule=find_rule("okx"))
    assert float(okx) == pytest.approx(90 / (1 - 0.0045), rel=1e-12)
    gate = liquidation_price(100, 10, "short", tiers, rule=find_rule("gate"))
    assert float(gate) == pytest.approx(110 / (1 + 0.00475), rel=1e-12)


def test_okx_charges_the_rate_of_the_tier_on_the_whole_position():
    tiers = build_tiers([0, 500], [0.004, 0.01], marginal=False, unit="base")
    price = liquidation_price(100, 10, "long", tiers, size=[499, 500], rule=find_rule("okx"))
    np.testing.assert_allclose(price, [90 / (1 - 0.0045), 90 / (1 - 0.0105)], rtol=1e-12)


def test_hyperliquid_formula_gives_the_same_price():
    # price - s * available / size / (1 - l s), available = margin - maintenance at the entry; 40x: l = 1.25 %
    margin, size, entry, rate = 10_000.0, 1.0, 100_000.0, 0.0125
    for position, sign in (("long", 1), ("short", -1)):
        published = entry - sign * (margin - size * entry * rate) / size / (1 - rate * sign)
        tiers = build_tiers([0, 150e6], [0.0125, 0.025])
        assert float(liquidation_price(entry, 10, position, tiers, size=size)) == pytest.approx(published, rel=1e-12)
    assert float(build_tiers([0, 150e6], [0.0125, 0.025]).max_leverage) == 40


def test_deductions_of_the_published_table():
    tiers = build_tiers([0, 50e3, 250e3, 1e6, 10e6], [0.005, 0.01, 0.025, 0.05, 0.1])
    margins = {10e3: 50, 50e3: 250, 100e3: 750, 250e3: 2_250, 500e3: 8_500, 1e6: 21_000}
    margins |= {5e6: 221_000, 10e6: 471_000, 20e6: 1_471_000}
    np.testing.assert_allclose(tiers.maintenance(np.array(list(margins))), list(margins.values()), rtol=1e-12)
    published = build_tiers(FLOORS, RATES, LEVERAGES)
    np.testing.assert_allclose(published.deductions, [0, 300, 1_500, 12_000], rtol=1e-12)  # Binance's own `cum`


@pytest.mark.parametrize("contract", ["linear", "inverse"])
@pytest.mark.parametrize("position", ["long", "short"])
def test_margin_equals_maintenance_at_the_price(contract, position):
    tiers = build_tiers(FLOORS, RATES, LEVERAGES)
    if contract == "inverse":
        tiers = build_tiers([0, 10, 40, 100], RATES, LEVERAGES)  # in coins
    sign = 1 if position == "long" else -1
    entry = 50_000.0
    values = np.concatenate([floor * np.linspace(0.9, 1.12, 16) for floor in tiers.floors[1:]] + [[1.0, 2.0]])  # 50
    assert len(values) == 50
    leverage = np.resize([3.0, 10.0, 20.0, 45.0], 50)
    size = values / entry if contract == "linear" else values * entry
    price = liquidation_price(entry, leverage, position, tiers, size=size, contract=contract)
    margin = values / leverage
    if contract == "linear":
        equity, value = margin + sign * size * (price - entry), size * price
    else:
        equity, value = margin + sign * size * (1 / entry - 1 / price), size / price
    np.testing.assert_allclose(equity, tiers.maintenance(value), rtol=1e-9)
    assert (sign * (entry - price) > 0).all()
    assert len(set(tiers.find(value).tolist())) == 4  # every tier is tried


def test_a_position_that_cannot_be_liquidated_has_no_price():
    tiers = flat_tier(0.004)
    assert np.isnan(liquidation_price(100, 1, "long", tiers))
    assert np.isnan(liquidation_price(100, 1, "short", tiers, contract="inverse"))
    assert np.isnan(liquidation_price(100, 1, "long", tiers, size=1, balance=1_000))
    assert float(liquidation_price(100, 1, "short", tiers)) == pytest.approx(200 / 1.004)


@pytest.mark.parametrize(
    ("floors", "rates"), [([1, 2], [0.01, 0.02]), ([0, 0], [0.01, 0.02]), ([0, 1], [0.02, 0.01]), ([0], [0.01, 0.02])]
)
def test_invalid_tiers_are_refused(floors, rates):
    with pytest.raises(ValueError, match="margin tiers"):
        build_tiers(floors, rates)
