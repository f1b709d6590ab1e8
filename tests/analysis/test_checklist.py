"""The trade checklist: each answer with its number and rule, unknown distinct from no, no advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from liqcli.analysis.checklist import (
    QUESTIONS,
    build_checklist,
    build_window_checklist,
    find_style,
)
from liqcli.analysis.context import Approach, Context, build_context
from liqcli.core.market_data import MarketData
from liqcli.core.model import Window
from liqcli.report.records import checklist_record

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_733_356_800 * 1_000_000
TODAY = Window(T0, T0 + DAY)


@dataclass(frozen=True)
class Band:
    """A minimal cluster."""

    low: float
    high: float
    key_levels: Sequence[object] | None = ()


UNKNOWN = build_context(TODAY, MarketData())
RISING = Context(
    basis="test candle",
    step_us=15 * MINUTE,
    bars=200,
    rsi=60.0,
    divergence="none",
    divergence_us=None,
    trend="up",
    ema_fast=101.0,
    ema_slow=100.0,
    slope_pct=0.4,
    atr=2.0,
    usual_move=20.0,
    volume_ratio=1.5,
    approaches=(),
    taker_share=None,
    open_interest_basis=None,
    open_interest=UNKNOWN.open_interest,
    cascade_open_interest=(),
)
ABOVE = Band(110.0, 112.0, ("round 110",))
BUSY = Approach(110.0, 112.0, T0, 2.0)


def answers(checklist: object) -> list[str]:
    return [check["answer"] for check in checklist_record(checklist)["checks"]]  # type: ignore[arg-type]


def test_four_of_four_by_hand() -> None:
    """Price 100: the band lies 10 above, half the usual move of 20; stop 112 + 2/4, target 110 - 2/10."""
    checklist = build_checklist(ABOVE, 100.0, RISING, BUSY, TODAY)
    record = checklist_record(checklist)
    assert answers(checklist) == ["yes"] * 4
    assert (record["score"], record["meets_bar"], record["direction"]) == ("4 of 4", "yes", "up")
    assert [c["number"] for c in record["checks"]] == [1, 2.0, 0.4, 0.5]
    assert (record["stop_beyond"], record["target_at"]) == (112.5, pytest.approx(109.8))
    assert [c["question"] for c in record["checks"]] == list(QUESTIONS.values())
    assert all(c["rule"] for c in record["checks"])


def test_below_is_the_mirror() -> None:
    """Price 100, band 88 to 90: the trade is short, so the trend up means no; stop 88 - 0.5, target 90 + 0.2."""
    checklist = build_checklist(Band(88.0, 90.0, ()), 100.0, RISING, replace(BUSY, volume_ratio=1.19), TODAY)
    assert answers(checklist) == ["no", "no", "no", "yes"]
    assert (checklist.direction, checklist.stop_beyond, checklist.target_at) == ("down", 87.5, pytest.approx(90.2))
    assert (checklist.passed, checklist.meets_bar) == (1, "no")


def test_unknown_is_not_no() -> None:
    """Without candles: the key level is known, three are not, so the bar of three could still be met."""
    checklist = build_checklist(ABOVE, 100.0, UNKNOWN, None, TODAY)
    assert answers(checklist) == ["yes", "unknown", "unknown", "unknown"]
    assert (checklist.passed, checklist.unknown, checklist.meets_bar) == (1, 3, "unknown")
    assert (checklist.stop_beyond, checklist.target_at) == (None, None)
    blind = build_checklist(Band(110.0, 112.0, None), 100.0, UNKNOWN, None, TODAY)
    assert answers(blind) == ["unknown"] * 4


def test_no_stop_below_a_price_of_nothing() -> None:
    """A range of 400 a bar: 88 - 100 is no price, and 90 + 40 lies behind the last price."""
    checklist = build_checklist(Band(88.0, 90.0, ()), 100.0, replace(RISING, atr=400.0), BUSY, TODAY)
    assert (checklist.direction, checklist.stop_beyond, checklist.target_at) == ("down", None, None)


def test_unknown_levels_are_not_counted_as_none() -> None:
    """Without candles clusters beside all round numbers are unknown, in the window as one by one."""
    blind = Band(110.0, 112.0, None)
    for found in (
        build_window_checklist([blind, blind], 100.0, UNKNOWN, TODAY),
        build_checklist(blind, 100.0, UNKNOWN, None, TODAY),
    ):
        assert (found.checks[0].answer, found.checks[0].number) == ("unknown", None)
        assert found.checks[0].rule == "not at a round number; other key levels need candles"


@pytest.mark.parametrize("price", [110.0, 111.0])
def test_price_inside_the_band_has_no_direction(price: float) -> None:
    """The band is half-open: 110 is inside, 112 is above it."""
    checklist = build_checklist(ABOVE, price, RISING, BUSY, TODAY)
    assert (checklist.direction, checklist.stop_beyond, checklist.target_at) == (None, None, None)
    assert answers(checklist) == ["yes", "yes", "unknown", "yes"]
    assert build_checklist(ABOVE, 112.0, RISING, BUSY, TODAY).direction == "down"


STYLES = {0.4: None, 0.5: "scalping", 1: "scalping", 2: "swing", 4: "swing", 8: "swing", 10: "broad", 24: "broad"}
STYLES |= {48: "broad", 72: "multi-day", 168: "multi-day", 336: "multi-day", 480: "position", 720: "position"}
STYLES |= {1440: "position", 1441: None}


@pytest.mark.parametrize("hours", STYLES)
def test_style_of_a_lookback(hours: float) -> None:
    assert find_style(int(hours * HOUR)) == STYLES[hours]


def test_lookback() -> None:
    far = Band(121.0, 122.0)
    check = build_checklist(far, 100.0, RISING, None, TODAY).checks[3]
    assert (check.answer, check.number) == ("no", pytest.approx(1.05))
    for days, suited in ((7, "7d suits multi-day trades (held days)"), (30, "30d suits position trades (held weeks)")):
        check = build_checklist(ABOVE, 100.0, RISING, None, Window(T0, T0 + days * DAY)).checks[3]
        assert (check.answer, check.number) == ("yes", 0.5)  # 10 away, half the usual move of 20
        assert check.rule.startswith(suited)
    quarter = build_checklist(ABOVE, 100.0, RISING, None, Window(T0, T0 + 90 * DAY)).checks[3]
    assert (quarter.answer, quarter.number) == ("no", None)
    assert quarter.rule == "90d matches no usual lookback (1h, 4h, 24h, 7d, 30d)"


@pytest.mark.parametrize(("ratio", "shown", "answer"), [(1.1994, "1.20", "yes"), (1.1949, "1.19", "no")])
def test_volume_is_compared_as_it_is_shown(ratio: float, shown: str, answer: str) -> None:
    """1.1994 is shown as 1.20, which meets the minimum of 1.20."""
    check = build_checklist(ABOVE, 100.0, RISING, replace(BUSY, volume_ratio=ratio), TODAY).checks[1]
    assert (check.answer, check.number, f"is {shown} x the average" in check.rule) == (answer, float(shown), True)
    assert check.rule.endswith("(needs at least 1.20)")


@pytest.mark.parametrize(("low", "shown", "answer"), [(120.08, 1.0, "yes"), (120.12, 1.01, "no")])
def test_distance_is_compared_as_it_is_shown(low: float, shown: float, answer: str) -> None:
    """20.08 of a usual move of 20 is 1.004, shown as 1.00, which meets the maximum of 1.00."""
    check = build_checklist(Band(low, 130.0), 100.0, RISING, None, TODAY).checks[3]
    assert (check.answer, check.number) == (answer, shown)
    assert f"{shown:.2f} x the usual move" in check.rule


def test_trend_number_is_the_one_shown() -> None:
    assert build_checklist(ABOVE, 100.0, replace(RISING, slope_pct=0.404), None, TODAY).checks[2].number == 0.4


def test_stop_and_target_are_of_two_trades() -> None:
    """Price 100, ATR 2, band 110 to 112: a short there stops at 112.5, a long from here is to reach 109.8."""
    record = checklist_record(build_checklist(ABOVE, 100.0, RISING, BUSY, TODAY))
    assert (record["stop_trade"], record["stop_beyond"], record["stop_distance_atr"]) == ("short", 112.5, 6.25)
    assert (record["target_trade"], record["target_distance_atr"]) == ("long", 4.9)
    assert record["target_at"] == pytest.approx(109.8)
    assert (record["stop_pct"], record["target_pct"]) == pytest.approx((100 * 2.5 / 110, 9.8))
    below = checklist_record(build_checklist(Band(88.0, 90.0), 100.0, RISING, BUSY, TODAY))
    assert (below["stop_trade"], below["stop_beyond"], below["stop_distance_atr"]) == ("long", 87.5, -6.25)
    assert (below["target_trade"], below["target_distance_atr"]) == ("short", -4.9)
    assert below["stop_pct"] == pytest.approx(-100 * 2.5 / 90)


def test_no_target_that_price_has_passed() -> None:
    """Price 100, ATR 2: 0.2 before a band from 100.1 on is 99.9, behind the price; the stop 102 + 0.5 stays."""
    record = checklist_record(build_checklist(Band(100.1, 102.0), 100.0, RISING, BUSY, TODAY))
    assert (record["target_at"], record["target_trade"], record["stop_beyond"]) == (None, None, 102.5)


def test_mixed_trend_is_no() -> None:
    assert build_checklist(ABOVE, 100.0, replace(RISING, trend="mixed"), None, TODAY).checks[2].answer == "no"


def test_window_checklist() -> None:
    """The window asks the first-ranked cluster for direction and distance, all of them for key levels."""
    first = Band(110.0, 112.0, ())
    checklist = build_window_checklist([first, Band(80.0, 81.0, ("low of yesterday",))], 100.0, RISING, TODAY)
    assert answers(checklist) == ["yes"] * 4
    assert [c.number for c in checklist.checks] == [1, 1.5, 0.4, 0.5]
    assert (checklist.stop_beyond, checklist.target_at) == (None, None)
    assert answers(build_window_checklist([first], 100.0, RISING, TODAY))[0] == "no"
    assert answers(build_window_checklist([Band(1.0, 2.0, None)], 100.0, RISING, TODAY))[0] == "unknown"
    assert answers(build_window_checklist([], 100.0, RISING, TODAY)) == ["unknown", "yes", "unknown", "unknown"]


def test_wording_describes_and_never_advises() -> None:
    texts = list(QUESTIONS.values())
    for context in (RISING, UNKNOWN, replace(RISING, trend="mixed")):
        for band in (ABOVE, Band(88.0, 90.0), Band(99.0, 101.0, None)):
            for window in (TODAY, Window(T0, T0 + 30 * DAY)):
                texts += [c.rule for c in build_checklist(band, 100.0, context, BUSY, window).checks]
    said = " ".join(texts).lower()
    for word in ("should", "buy", "sell", "magnet", "attract", "will ", "expect", "recommend", "enter", "target price"):
        assert word not in said, word
