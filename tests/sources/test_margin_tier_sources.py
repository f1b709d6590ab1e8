"""Margin tiers of five exchanges, from documented and recorded answers."""

import json

import pytest

from liqcli.core.margin_tiers import MarginTier
from liqcli.net.client import RefusalError
from liqcli.sources.registry import TIER_SOURCES, load_tier_source

# Recorded 2026-08-02: the lower brackets of BTCUSDT.
BRACKETS = {
    "code": "000000",
    "message": None,
    "data": {
        "brackets": [
            {
                "symbol": "BTCUSDT",
                "updateTime": 1755585384254,
                "notionalLimit": 100,
                "riskBrackets": [
                    {
                        "bracketSeq": seq,
                        "bracketNotionalFloor": floor,
                        "bracketNotionalCap": cap,
                        "bracketMaintenanceMarginRate": rate,
                        "cumFastMaintenanceAmount": deduction,
                        "minOpenPosLeverage": 1,
                        "maxOpenPosLeverage": leverage,
                    }
                    for seq, floor, cap, rate, deduction, leverage in (
                        (1, 0, 300000, 0.004, 0, 150),
                        (2, 300000, 800000, 0.005, 300, 100),
                        (3, 800000, 3000000, 0.0065, 1500, 75),
                        (4, 3000000, 12000000, 0.01, 12000, 50),
                    )
                ],
            },
            {"symbol": "ODDUSDT", "riskBrackets": []},
        ]
    },
}


def answer(exchange, symbol, *bodies):
    """Let a source read prepared answers; returns its tiers and the requests it made."""
    source = load_tier_source(exchange)
    asking = source.ask(symbol)
    requests, body = [next(asking)], iter(bodies)
    try:
        while True:
            requests.append(asking.send(source.decode(json.dumps(next(body)).encode())))
    except StopIteration as end:
        return end.value, requests


@pytest.mark.parametrize("exchange", ["binance", "aster"])
def test_brackets_of_binance_and_aster(exchange):
    tiers, requests = answer(exchange, "BTCUSDT", BRACKETS)
    assert requests[0].path == "/bapi/futures/v1/friendly/future/common/brackets"
    assert list(tiers) == ["BTCUSDT"]
    assert tiers["BTCUSDT"][1] == MarginTier("BTCUSDT", 300_000.0, 0.005, 300.0, 100.0)
    for lower, upper in zip(tiers["BTCUSDT"], tiers["BTCUSDT"][1:], strict=False):  # continuous at every border
        assert upper.floor * lower.rate - lower.deduction == pytest.approx(upper.floor * upper.rate - upper.deduction)


def test_risk_limits_of_bybit_start_where_the_one_below_ends():
    rows = [
        {"riskLimitValue": "1000000", "maintenanceMargin": "0.01", "mmDeduction": "1000", "maxLeverage": "50"},
        {"riskLimitValue": "200000", "maintenanceMargin": "0.005", "mmDeduction": "", "maxLeverage": "100"},
    ]
    tiers, requests = answer("bybit", "BTCUSDT", {"retCode": 0, "result": {"list": rows}})
    assert requests[0].params == (("category", "linear"), ("symbol", "BTCUSDT"))
    assert tiers["BTCUSDT"] == (
        MarginTier("BTCUSDT", 0.0, 0.005, 0.0, 100.0),
        MarginTier("BTCUSDT", 200_000.0, 0.01, 1_000.0, 50.0),
    )


def test_rates_in_percent_are_refused():
    rows = [{"riskLimitValue": "150", "maintenanceMargin": "0.5", "maxLeverage": "100.00"}]
    with pytest.raises(RefusalError, match="above the initial margin"):
        answer("bybit", "BTCUSDT", {"retCode": 0, "result": {"list": rows}})


def test_risk_limit_tiers_of_gate():
    rows = [
        {"tier": 1, "maintenance_rate": "0.01", "leverage_max": "50", "risk_limit": "20000", "deduction": "0"},
        {"tier": 2, "maintenance_rate": "0.013", "leverage_max": "40", "risk_limit": "30000", "deduction": "60"},
    ]
    tiers, requests = answer("gate", "ZTXUSDT", rows)
    assert requests[0].params == (("contract", "ZTX_USDT"),)
    assert tiers["ZTXUSDT"][1] == MarginTier("ZTXUSDT", 20_000.0, 0.013, 60.0, 40.0)


def test_position_tiers_of_okx_are_converted_to_coins_without_deductions():
    listed = {"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1"}]}
    rows = [
        {"tier": "1", "minSz": "1", "maxSz": "1000", "mmr": "0.004", "maxLever": "100"},
        {"tier": "2", "minSz": "1001", "maxSz": "3000", "mmr": "0.005", "maxLever": "90"},
    ]
    tiers, requests = answer("okx", "BTCUSDT", listed, {"code": "0", "data": rows})
    assert dict(requests[1].params)["instFamily"] == "BTC-USDT"
    assert tiers["BTCUSDT"] == (
        MarginTier("BTCUSDT", 0.0, 0.004, 0.0, 100.0, "base"),
        MarginTier("BTCUSDT", pytest.approx(10.01), 0.005, 0.0, 90.0, "base"),
    )


def test_contracts_that_settle_in_coins_are_not_requested():
    for exchange in ("bybit", "okx", "gate"):
        with pytest.raises(StopIteration) as end:
            next(load_tier_source(exchange).ask("BTCUSD"))
        assert end.value.value == {}


def test_every_source_is_named_like_its_exchange():
    for exchange in TIER_SOURCES:
        assert load_tier_source(exchange).name == exchange


def test_margin_tables_of_hyperliquid():
    meta = {  # from a recorded answer; a table below 50 is one tier with that leverage
        "universe": [
            {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
            {"name": "kPEPE", "szDecimals": 0, "maxLeverage": 10, "marginTableId": 10},
            {"name": "OLD", "maxLeverage": 3, "marginTableId": 3, "isDelisted": True},
        ],
        "marginTables": [
            [
                56,
                {
                    "description": "tiered 40x",
                    "marginTiers": [
                        {"lowerBound": "0.0", "maxLeverage": 40},
                        {"lowerBound": "150000000.0", "maxLeverage": 20},
                    ],
                },
            ]
        ],
    }
    tiers, requests = answer("hyperliquid", "BTCUSDC", meta)
    assert (requests[0].path, json.loads(requests[0].body)) == ("/info", {"type": "meta"})
    assert tiers == {
        # 150,000,000 x (2.5 % - 1.25 %) = 1,875,000
        "BTCUSDC": (
            MarginTier("BTCUSDC", 0.0, 0.0125, 0.0, 40.0),
            MarginTier("BTCUSDC", 150e6, 0.025, 1_875_000.0, 20.0),
        ),
        "KPEPEUSDC": (MarginTier("KPEPEUSDC", 0.0, 0.05, 0.0, 10.0),),
    }
