"""Context: the right candles and nothing after the window, unknown where data is missing, values by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liqcli.analysis.cascades import Cascade
from liqcli.analysis.context import BARS_NEEDED, build_context
from liqcli.analysis.indicators import compute_atr, compute_rsi
from liqcli.analysis.open_interest import OpenInterestChange, measure_window
from liqcli.core.market_data import Candle, Candles, MarketData, OpenInterest, OpenInterestSeries, choose_step
from liqcli.core.model import PriceSeries, Window
from liqcli.core.wording import describe_interest
from liqcli.lake.market_series import read_market
from liqcli.lake.market_tables import write_candles, write_open_interest
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.records import change_record, context_record

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_733_356_800 * 1_000_000  # 2024-12-05 00:00 UTC
TODAY = Window(T0, T0 + DAY)


def make_candles(
    close: np.ndarray, start_us: int, step_us: int = MINUTE, volume: np.ndarray | None = None, spread: float = 0.5
) -> Candles:
    close = np.asarray(close, dtype=np.float64)
    ts_us = start_us + step_us * np.arange(len(close), dtype=np.int64)
    prices = PriceSeries(ts_us, close, close + spread, close - spread, close, step_us, "test candle")
    return Candles(prices, np.ones(len(close)) if volume is None else np.asarray(volume, dtype=np.float64))


def walk(n: int, seed: int = 1) -> np.ndarray:
    return 1000 + np.random.default_rng(seed).normal(size=n).cumsum()


def two_days(step_us: int = MINUTE) -> Candles:
    return make_candles(walk(2 * DAY // step_us), T0 - DAY, step_us)


# ---------------------------------------------------------------------------------------------------- unknown


def test_nothing_known_is_unknown() -> None:
    context = build_context(TODAY, MarketData(), [(1.0, 2.0)])
    record = context_record(context)
    words = ("rsi_state", "divergence", "trend", "order_flow")
    assert [record.pop(word) for word in words] == ["unknown"] * 4
    assert record.pop("approaches") == [{"low": 1.0, "high": 2.0, "arrived": None, "volume_ratio": None}]
    interest = record.pop("open_interest")
    assert (record.pop("bars"), record.pop("bars_needed")) == (0, BARS_NEEDED)
    assert set(record.values()) == {None}
    assert interest.pop("cascades") == []
    assert set(interest.values()) == {None}


def test_too_little_history_is_unknown() -> None:
    """With 59 closed bars of 15 minutes everything is unknown; 60 are enough."""
    short = make_candles(walk(59), T0 + DAY - 59 * 15 * MINUTE, 15 * MINUTE)
    context = build_context(TODAY, MarketData(short))
    assert (context.bars, context.rsi, context.trend, context.divergence, context.atr) == (
        59,
        None,
        "unknown",
        "unknown",
        None,
    )
    enough = make_candles(walk(60), T0 + DAY - 60 * 15 * MINUTE, 15 * MINUTE)
    assert build_context(TODAY, MarketData(enough)).rsi is not None


def test_candles_that_end_early_leave_the_end_unknown() -> None:
    candles = two_days()
    stale = build_context(TODAY, MarketData(candles.until(T0 + DAY - HOUR)))
    assert (stale.bars, stale.rsi, stale.trend) == (0, None, "unknown")
    fresh = build_context(TODAY, MarketData(candles.until(T0 + DAY - 20 * MINUTE)))
    assert fresh.rsi is not None


def test_hole_restarts_the_count_of_bars() -> None:
    """Three hours before yesterday noon are missing: the 36 hours since then make 144 bars of 15 minutes."""
    candles = two_days()
    keep = (candles.prices.ts_us < T0 - 15 * HOUR) | (candles.prices.ts_us >= T0 - 12 * HOUR)
    assert build_context(TODAY, MarketData(candles.take(keep))).bars == 36 * 4


def test_unknown_volume_is_unknown() -> None:
    candles = two_days()
    blind = replace(candles, volume=np.full(len(candles.volume), np.nan))
    context = build_context(TODAY, MarketData(blind), [(0.0, 5000.0)])
    assert context.volume_ratio is None
    assert context.approaches[0].volume_ratio is None
    assert context.rsi is not None


# ---------------------------------------------------------------------------------------------------- bars


@pytest.mark.parametrize(
    ("lookback", "stored", "bar"),
    [
        (HOUR, MINUTE, MINUTE),
        (4 * HOUR, MINUTE, 5 * MINUTE),
        (DAY, MINUTE, 15 * MINUTE),
        (7 * DAY, MINUTE, HOUR),
        (30 * DAY, MINUTE, 4 * HOUR),
        (DAY, HOUR, HOUR),
        (HOUR, 5 * MINUTE, 5 * MINUTE),
        (8 * HOUR, 3 * MINUTE, 3 * MINUTE),
    ],
)
def test_bar_length(lookback: int, stored: int, bar: int) -> None:
    assert choose_step(lookback, stored) == bar


def test_resample_by_hand() -> None:
    """
    Minutes 1 to 9 into bars of 3: the first bar lacks minute 0 and is dropped, minute 7 had no trade.

    Bar 3: opens 3, high 5 + 0.5, low 3 - 0.5, closes 5, volume 3. Bar 6: 6 to 8, volume 2. Bar 9 is as long as it is.
    """
    candles = make_candles(np.arange(1.0, 10.0), T0 + MINUTE)
    bars = candles.take(candles.prices.ts_us != T0 + 7 * MINUTE).resample(3 * MINUTE)
    assert ((bars.prices.ts_us - T0) // MINUTE).tolist() == [3, 6, 9]
    assert (bars.prices.open.tolist(), bars.prices.close.tolist()) == ([3, 6, 9], [5, 8, 9])
    assert (bars.prices.high.tolist(), bars.prices.low.tolist()) == ([5.5, 8.5, 9.5], [2.5, 5.5, 8.5])
    assert bars.volume.tolist() == [3, 2, 1]
    assert candles.resample(MINUTE) is candles
    assert len(make_candles(np.array([1.0]), T0 + MINUTE).resample(HOUR).volume) == 0


def test_nothing_after_the_window_is_read() -> None:
    candles = two_days()
    longer = make_candles(np.append(candles.prices.close, [9e9] * 60), T0 - DAY)
    bands = [(990.0, 1010.0)]
    assert build_context(TODAY, MarketData(candles), bands) == build_context(TODAY, MarketData(longer), bands)


def test_a_bar_that_is_not_closed_is_left_out() -> None:
    """A window to 23:50 reads 15-minute bars to 23:45."""
    window = Window(T0, T0 + DAY - 10 * MINUTE)
    context = build_context(window, MarketData(two_days()))
    assert context.bars == 191
    assert context.rsi == build_context(Window(T0, T0 + DAY - 15 * MINUTE), MarketData(two_days())).rsi


def test_numbers_are_those_of_the_indicators() -> None:
    candles = two_days(15 * MINUTE)
    p = candles.prices
    context = build_context(TODAY, MarketData(candles))
    assert (context.bars, context.step_us, context.basis) == (192, 15 * MINUTE, "test candle")
    assert context.rsi == compute_rsi(p.close)[-1]
    assert context.atr == compute_atr(p.high, p.low, p.close)[-1]
    assert context.usual_move == pytest.approx(context.atr * 96**0.5)


@pytest.mark.parametrize(
    ("close", "trend", "state"),
    [
        (np.linspace(100, 200, 192), "up", "overbought"),
        (np.linspace(200, 100, 192), "down", "oversold"),
        (np.append(np.linspace(100, 200, 180), np.linspace(199, 170, 12)), "mixed", "oversold"),
        (np.full(192, 100.0), "mixed", "neutral"),
        (np.linspace(50_000, 50_100, 192), "up", "overbought"),  # 2.62 in 5 bars: +0.01%
        (np.linspace(50_000, 50_050, 192), "mixed", "overbought"),  # 1.31 in 5 bars, 0.0026%, is shown as 0.00%
    ],
)
def test_trend_and_rsi_state(close: np.ndarray, trend: str, state: str) -> None:
    context = build_context(TODAY, MarketData(make_candles(close, T0 - DAY, 15 * MINUTE)))
    assert (context.trend, context.rsi_state) == (trend, state)


@pytest.mark.parametrize(
    ("rsi", "state"), [(69.96, "overbought"), (69.94, "neutral"), (30.04, "oversold"), (30.06, "neutral")]
)
def test_rsi_state_is_that_of_the_shown_figure(rsi: float, state: str) -> None:
    """69.96 is written 70.0, and overbought begins at 70."""
    assert replace(build_context(TODAY, MarketData()), rsi=rsi).rsi_state == state


def test_divergence_inside_the_window_only() -> None:
    """
    Falls to 900 at bar 130, rises to 950, drifts slowly to 899 at bar 150: lower low, gentler fall, higher RSI.

    Bar 150 is confirmed at the close of bar 153, the 154th bar: 38.5 hours after the first.
    """
    close = np.concatenate([np.full(110, 1000.0), np.linspace(995, 900, 21), np.linspace(910, 950, 6)])
    close = np.concatenate([close, np.linspace(946, 899, 14), np.linspace(905, 960, 41)])
    candles = make_candles(close, T0 - DAY, 15 * MINUTE)
    context = build_context(TODAY, MarketData(candles))
    assert (context.divergence, context.divergence_us) == ("bullish", T0 - DAY + 154 * 15 * MINUTE)
    later = Window(T0 + 16 * HOUR, T0 + DAY)
    assert build_context(later, MarketData(candles)).divergence == "none"


# ---------------------------------------------------------------------------------------------------- bands, flow


def test_volume_as_price_nears_a_band() -> None:
    """
    Flat at 100 until bar 150 of 192, then 10 a bar up: the band 140 to 145 is reached at bar 154.

    Volume 1 a bar, 3 from bar 152 on: of the last three bars up to 154 all hold 3, the 20 before all but none.
    """
    close = np.concatenate([np.full(150, 100.0), 100 + 10.0 * np.arange(1, 43)])
    volume = np.where(np.arange(192) >= 152, 3.0, 1.0)
    candles = make_candles(close, T0 - DAY, 15 * MINUTE, volume, spread=0.0)
    context = build_context(TODAY, MarketData(candles), [(150.0, 155.0), (5.0, 6.0), (90.0, 101.0)])
    reached, never, start = context.approaches
    assert (reached.touched_us, reached.volume_ratio) == (T0 - DAY + 154 * 15 * MINUTE, 3.0)
    assert (never.touched_us, never.volume_ratio) == (None, None)
    assert start.touched_us is None  # price sat there since the bars begin: nobody saw it arrive


def test_order_flow_needs_taker_volume() -> None:
    candles = make_candles(walk(192), T0 - DAY, 15 * MINUTE)
    assert build_context(TODAY, MarketData(candles)).order_flow == "unknown"
    # 55.4% is shown as 55%, which is not above 55%; 55.6% is shown as 56%.
    flows = ((0.6, "buying"), (0.556, "buying"), (0.554, "balanced"), (0.5, "balanced"), (0.446, "balanced"))
    for share, word in (*flows, (0.44, "selling")):
        context = build_context(TODAY, MarketData(replace(candles, taker_buy=candles.volume * share)))
        assert context.taker_share == pytest.approx(share)
        assert context.order_flow == word


def make_cascade(start_us: int, end_us: int) -> Cascade:
    return Cascade(1, start_us, end_us, "long", 1.0, 9, 9, 5e6, 5e6, 0.0, 1e6, 100.0, 99.0, 98.0, 0.5, None, None)


def test_open_interest_by_hand() -> None:
    """
    Snapshots of 100, 90, 95 coins at 00:00, 12:00, 24:00: 10% fewer over a cascade at 11:59, 5% over the day.

    A coin cost 10,000 / 100 = 100 USD at first, so 5 coins are 500 USD; the later fall to 95 USD does not count.
    """
    times = np.array([T0, T0 + 11 * HOUR + 30 * MINUTE, T0 + 12 * HOUR, T0 + DAY])
    series = OpenInterestSeries(times, np.array([100.0, 100, 90, 95]), np.array([1e4, 1e4, 8.1e3, 9.025e3]), "test")
    cascade = make_cascade(T0 + 11 * HOUR + 59 * MINUTE, T0 + 11 * HOUR + 59 * MINUTE + 1)
    context = build_context(TODAY, MarketData(open_interest=series), (), [cascade])
    assert context.open_interest == OpenInterestChange(
        100.0, -5.0, pytest.approx(-5.0), pytest.approx(-500.0), 1e4, "coins", T0, T0 + DAY
    )
    assert context.cascade_open_interest == (
        OpenInterestChange(
            100.0,
            -10.0,
            pytest.approx(-10.0),
            pytest.approx(-1000.0),
            1e4,
            "coins",
            T0 + 11 * HOUR + 30 * MINUTE,
            T0 + 12 * HOUR,
        ),
    )
    record = context_record(context, [cascade])["open_interest"]
    assert (record["change_coins"], record["cascades"][0]["change_coins"]) == (-5.0, -10.0)
    assert record["cascades"][0]["notional"] == 5e6


def test_open_interest_is_unknown_without_two_snapshots() -> None:
    series = OpenInterestSeries(np.array([T0, T0 + DAY]), np.array([100.0, 90.0]), np.array([np.nan, 9e3]), "test")
    without_price = OpenInterestChange(100.0, -10.0, -10.0, None, None, "coins", T0, T0 + DAY)
    assert measure_window(series, T0, T0 + DAY) == without_price
    assert measure_window(series, T0 + 2 * HOUR, T0 + DAY) == OpenInterestChange()
    assert measure_window(series, T0, T0 + 5 * MINUTE) == OpenInterestChange()
    assert measure_window(None, T0, T0 + DAY) == OpenInterestChange()
    assert describe_interest(change_record(OpenInterestChange())) == "Open interest is unknown for this window."


def test_open_interest_known_only_in_usd_is_compared_in_usd() -> None:
    """From 10,000 to 9,000 USD: 1,000 USD or 10% less; and 500 USD or 5% less over a cascade."""
    times = np.array([T0, T0 + 12 * HOUR, T0 + DAY])
    series = OpenInterestSeries(times, np.full(3, np.nan), np.array([1e4, 9.5e3, 9e3]), "test")
    cascade = make_cascade(T0 + HOUR // 2, T0 + 11 * HOUR + 30 * MINUTE)
    record = context_record(build_context(TODAY, MarketData(open_interest=series), (), [cascade]), [cascade])
    interest = record["open_interest"]
    assert (interest["unit"], interest["start_usd"], interest["start_coins"]) == ("usd", 1e4, None)
    assert (interest["change_usd"], interest["change_pct"], interest["change_coins"]) == (-1000.0, -10.0, None)
    assert (interest["cascades"][0]["change_usd"], interest["cascades"][0]["change_pct"]) == (-500.0, -5.0)
    assert describe_interest(interest).startswith(
        "Open interest in USD changed by -10.00% (-1.00K USD, including price changes"
    )


def test_open_interest_that_starts_inside_the_window_states_its_start() -> None:
    """60 coins at 06:00, the first known, and 75 at 18:00: 25% more; from 0 on there is no percentage."""
    times = np.array([T0 + 6 * HOUR, T0 + 18 * HOUR])
    series = OpenInterestSeries(times, np.array([60.0, 75.0]), np.array([600.0, 900.0]), "test")
    change = measure_window(series, T0, T0 + DAY)
    assert (change.change_pct, change.change_usd, change.first_us, change.last_us) == (25.0, 150.0, *times.tolist())
    said = describe_interest(change_record(change))
    assert said == (
        "Open interest changed by +25.00% (+150 USD at the first price) from 2024-12-05 06:00 to 2024-12-05 18:00 UTC"
    )
    begun = measure_window(replace(series, coins=np.array([0.0, 75.0])), T0, T0 + DAY)
    assert (begun.change_pct, begun.change_coins, begun.change_usd) == (None, 75.0, None)
    assert describe_interest(change_record(begun)).startswith("Open interest started at 0 and changed by +75.0 coins")


# ---------------------------------------------------------------------------------------------------- the lake


def test_read_market_from_the_lake(tmp_path: Path) -> None:
    """History up to the end, the exchange that was named first; open interest from an hour before."""
    lake = Lake(tmp_path / "lake")
    rows = [Candle(T0 + k * HOUR, 10.0, 12.0, 9.0, 11.0, None if k % 2 else 5.0) for k in range(-300, 48)]
    write_candles(lake, "binance", "BTCUSDT", "1h", "import", rows)
    write_candles(lake, "okx", "BTCUSDT", "1h", "import", [c._replace(close=10.5) for c in rows])
    snapshots = [OpenInterest(T0 + k * HOUR, 7.0 + k, None) for k in range(-5, 48)]
    write_open_interest(lake, "binance", "BTCUSDT", "import", snapshots)
    with DuckDBEngine(threads=1) as engine:
        market, damaged = read_market(engine, lake, ["BTCUSDT"], ["okx", "binance"], TODAY)
        assert market.candles is not None
        assert market.open_interest is not None
        assert damaged == []
        times = market.candles.prices.ts_us
        assert ((times - T0) // HOUR).tolist() == list(range(-200, 24))  # closed when the day ends
        assert market.candles.prices.basis == "okx BTCUSDT 1h candle"
        assert market.candles.prices.close[0] == 10.5
        assert np.isnan(market.candles.volume).tolist() == [bool(k % 2) for k in range(-200, 24)]
        assert market.followed is not None
        assert int(market.followed.ts_us[-1]) == T0 + 24 * HOUR  # an hour more, to say what followed
        assert market.open_interest.coins.tolist() == [7.0 + k for k in range(-1, 25)]
        assert np.isnan(market.open_interest.usd).all()
        further, _ = read_market(engine, lake, ["BTCUSDT"], [], TODAY, history_us=12 * DAY)
        assert further.candles is not None
        assert int(further.candles.prices.ts_us[0]) == T0 - 12 * DAY
        assert further.candles.prices.basis == "binance BTCUSDT 1h candle"
        nothing, _ = read_market(engine, lake, ["ETHUSDT"], [], TODAY)
        assert nothing == MarketData(None, None)


def test_damaged_market_files_are_named_and_left_out(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    write_candles(lake, "binance", "BTCUSDT", "1h", "import", [Candle(T0 + HOUR, 10.0, 12.0, 9.0, 11.0, 5.0)])
    write_candles(lake, "okx", "BTCUSDT", "1h", "import", [Candle(T0 + HOUR, 10.0, 12.0, 9.0, 11.5, 5.0)])
    (path,) = (lake.root / "candles" / "exchange=binance").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:100])
    with DuckDBEngine(threads=1) as engine:
        market, damaged = read_market(engine, lake, ["BTCUSDT"], ["binance"], TODAY)
    assert damaged == [path]
    assert market.candles is not None
    assert market.candles.prices.close.tolist() == [11.5]


def test_order_flow_is_read_from_the_lake_where_the_feed_has_taker_volume(tmp_path: Path) -> None:
    """Buyers took 7 of 10 coins in each bar of the window: 70%; without the column it stays unknown."""
    lake = Lake(tmp_path / "lake")
    rows = [Candle(T0 + k * HOUR, 10.0, 12.0, 9.0, 11.0, 10.0, 7.0) for k in range(-300, 24)]
    write_candles(lake, "binance", "BTCUSDT", "1h", "binance", rows)
    write_candles(lake, "okx", "BTCUSDT", "1h", "okx", [c._replace(taker_buy=None) for c in rows])
    with DuckDBEngine(threads=1) as engine:
        for exchange, share, flow in (("binance", 0.7, "buying"), ("okx", None, "unknown")):
            market, _damaged = read_market(engine, lake, ["BTCUSDT"], [exchange], TODAY)
            context = build_context(TODAY, market)
            assert context.taker_share == (None if share is None else pytest.approx(share))
            assert context.order_flow == flow
