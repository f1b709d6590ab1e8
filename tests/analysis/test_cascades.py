"""Find planted cascades to the minute, and none in quiet days or split orders; values are worked out by hand."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from liqcli.analysis.cascade_thresholds import Baseline, CascadeRule, count_covered_minutes, find_thresholds
from liqcli.analysis.cascades import (
    Cascade,
    find_price_after,
)
from liqcli.core.intervals import Interval
from liqcli.core.model import PriceSeries, Window, to_us
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.records import cascade_record
from liqcli.report.window_scans import scan_cascades

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_733_356_800 * SECOND  # 2024-12-05 00:00 UTC
TODAY = Window(T0, T0 + DAY)


class Print(NamedTuple):
    """A row of table ``liquidations``, as far as cascades read it."""

    ts_us: int
    position: str
    usd: float
    price: float = 100.0
    exchange: str = "binance"


def make_table(prints: Iterable[Print]) -> pa.Table:
    rows = list(prints)
    words = {"symbol": "BTCUSDT", "source": "test", "price_kind": "fill", "completeness": "full"}
    return pa.table(
        {
            "ts_us": pa.array([p.ts_us for p in rows], pa.int64()),
            "exchange": pa.array([p.exchange for p in rows], pa.string()),
            "position": pa.array([p.position for p in rows], pa.string()),
            "price": pa.array([p.price for p in rows], pa.float64()),
            "qty": pa.array([p.usd / p.price for p in rows], pa.float64()),
            "notional_e6": pa.array([round(p.usd * 1e6) for p in rows], pa.int64()),
            **{name: pa.array([word] * len(rows), pa.string()) for name, word in words.items()},
        }
    )


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine(threads=2) as opened:
        yield opened


NO_FLOOR = CascadeRule(least_usd=0)  # so that the arithmetic of a test can have small numbers


def find(
    engine: DuckDBEngine,
    prints: Iterable[Print],
    window: Window = TODAY,
    gaps: Sequence[Interval] = (),
    prices: PriceSeries | None = None,
    rule: CascadeRule = NO_FLOOR,
) -> tuple[Cascade, ...]:
    engine.register("liquidations", make_table(prints))
    return scan_cascades(engine, window, gaps, prices, rule)[0]


def make_quiet(rng: np.random.Generator, per_minute: float, minutes: int = 1440, start_us: int = T0) -> list[Print]:
    """Orders that come independently of each other, sizes lognormal (sigma 1.5), a third split into 2 to 8 prints."""
    n = int(rng.poisson(per_minute * minutes))
    times = start_us + rng.integers(0, minutes * MINUTE, n)
    return [p for ts in times.tolist() for p in make_order(rng, ts, "long" if rng.random() < 0.5 else "short")]


def make_order(rng: np.random.Generator, ts_us: int, position: str, times: float = 1.0) -> list[Print]:
    pieces = int(rng.integers(2, 9)) if rng.random() < 1 / 3 else 1
    usd = float(rng.lognormal(8, 1.5)) * times
    second = ts_us - ts_us % SECOND
    exchange = ("binance", "okx")[int(rng.integers(0, 2))]
    return [Print(second + (ts_us + k * 1000) % SECOND, position, usd / pieces, 100.0, exchange) for k in range(pieces)]


def plant(rng: np.random.Generator, start_us: int, minutes: float, per_minute: float) -> list[Print]:
    n = int(minutes * per_minute)
    times = np.sort(start_us + rng.integers(0, int(minutes * MINUTE), n))
    position = "long" if rng.random() < 0.5 else "short"
    return [p for ts in times.tolist() for p in make_order(rng, ts, position, times=2.0)]


# ---------------------------------------------------------------------------------------------------- planted truth


@pytest.mark.parametrize("per_minute", [0.0, 0.02, 0.5, 3.0])
def test_planted_cascades_are_found_to_the_minute(engine: DuckDBEngine, per_minute: float) -> None:
    """Four seeds a ground, 1 to 4 cascades of 2 to 15 minutes: each found once, nothing else, both ends in 60 s."""
    for seed in range(4):
        rng = np.random.default_rng([seed, int(100 * per_minute)])
        prints, planted = make_quiet(rng, per_minute), []
        for k in range(int(rng.integers(1, 5))):
            start = T0 + (1 + 6 * k) * HOUR + int(rng.integers(0, 4 * HOUR))
            burst = plant(rng, start, rng.uniform(2, 15), rng.uniform(25, 60) + 4 * per_minute)
            planted.append((min(p.ts_us for p in burst), max(p.ts_us for p in burst), burst[0].position))
            prints += burst
        found = sorted(find(engine, prints), key=lambda c: c.start_us)
        assert len(found) == len(planted), seed
        for cascade, (start, end, position) in zip(found, planted, strict=True):
            assert abs(cascade.start_us - start) <= MINUTE, seed
            assert abs(cascade.end_us - end) <= MINUTE, seed
            assert cascade.position == position


@pytest.mark.slow
@pytest.mark.parametrize("per_minute", [0.01, 0.3, 1.0, 5.0, 20.0])
def test_quiet_days_have_no_cascade(engine: DuckDBEngine, per_minute: float) -> None:
    """Two days at each of 5 rates."""
    found = [find(engine, make_quiet(np.random.default_rng(seed), per_minute)) for seed in range(2)]
    assert sum(map(len, found)) == 0


def test_one_large_order_in_40_prints_is_not_a_cascade(engine: DuckDBEngine) -> None:
    rng = np.random.default_rng(1)
    start = T0 + 9 * HOUR
    quiet = [p for p in make_quiet(rng, 0.2) if not start <= p.ts_us < start + MINUTE]
    split = [Print(start + 20_000 * k, "long", 250_000.0) for k in range(40)]
    assert find(engine, quiet + split) == ()
    # The same money as 40 orders, one a second, is one.
    (found,) = find(engine, quiet + [Print(start + SECOND * k, "long", 250_000.0) for k in range(40)])
    assert (found.start_us, found.end_us) == (start, start + 39 * SECOND)
    assert found.orders == found.events == 40


def test_minutes_with_too_few_orders_are_counted_and_the_largest_is_named(engine: DuckDBEngine) -> None:
    quiet = [Print(T0 + k * HOUR + 7 * MINUTE, "long", 100.0) for k in range(24)]
    whales = [Print(T0 + hour * HOUR, "short", usd) for hour, usd in ((3, 2e6), (9, 5e6), (15, 5e6))]
    burst = [Print(T0 + 20 * HOUR + SECOND * k, "long", 250_000.0) for k in range(40)]
    engine.register("liquidations", make_table(quiet + whales + burst))
    cascades, sums = scan_cascades(engine, TODAY, [], None, NO_FLOOR)
    assert len(cascades) == 1
    assert sums is not None
    assert sums.few is not None
    assert (sums.few.minutes, sums.few.start_us, sums.few.notional) == (3, T0 + 9 * HOUR, 5e6)
    assert sums.few.orders == 1
    engine.register("liquidations", make_table(burst))
    _, alone = scan_cascades(engine, TODAY, [], None, NO_FLOOR)
    assert alone is not None
    assert alone.few is None


def test_many_tiny_orders_are_not_a_cascade(engine: DuckDBEngine) -> None:
    rng = np.random.default_rng(2)
    dust = [Print(T0 + 9 * HOUR + SECOND * k, "long", 1.0) for k in range(40)]
    assert find(engine, make_quiet(rng, 0.2) + dust) == ()


# ---------------------------------------------------------------------------------------------------- by hand


def by_hand() -> list[Print]:
    """
    Ten ordinary minutes of 100 USD, one order each; then 12:00 with six orders, 12:01 with two, 12:04 with five.

    12:00 holds 6 x 500 = 3,000 USD, of them 500 short, one order of two prints; 12:01 holds 1,000; 12:04 2,500.
    """
    noon = T0 + 12 * HOUR
    prints = [Print(T0 + k * HOUR, "long", 100.0) for k in range(10)]
    prints += [Print(noon + 10 * SECOND * k, "long", 500.0, 100.0 - k) for k in range(4)]
    prints += [Print(noon + 45 * SECOND, "short", 500.0, 97.0)]
    prints += [Print(noon + 50 * SECOND + k, "long", 250.0, 90.0 + k) for k in range(2)]
    prints += [Print(noon + MINUTE + 5 * SECOND * k, "long", 500.0, 95.0) for k in range(2)]
    prints += [Print(noon + 4 * MINUTE + 2 * SECOND * k, "long", 500.0, 94.0 - k) for k in range(5)]
    return prints


def test_by_hand(engine: DuckDBEngine) -> None:
    """
    1,440 minutes, 13 of them filled, the typical order (mean of its minute, median over them) 100 USD.

    Rate r = -ln(1427/1440) = 0.009: hot from ceil(r + 5 √r + 25/6 = 4.65) = 5 orders and so 500 USD, warm from
    ceil(r + 3 √r + 1.5 = 1.79) = 2 and 200 USD. 12:00 and 12:04 are hot, 12:01 is warm; the two empty minutes between
    are no quiet gap. The window holds 1,000 + 6,500 USD.
    """
    (found,) = find(engine, by_hand())
    noon = T0 + 12 * HOUR
    assert found == Cascade(
        rank=1,
        start_us=noon,
        end_us=noon + 4 * MINUTE + 8 * SECOND,
        position="long",
        position_share=6000 / 6500,
        events=14,
        orders=13,
        notional=6500.0,
        long_notional=6000.0,
        short_notional=500.0,
        peak_per_minute=3000.0,
        price_from=100.0,
        price_to=90.0,
        extreme=90.0,
        share=6500 / 7500,
        price_after_15m_pct=None,
        price_after_1h_pct=None,
    )


def test_less_than_ten_thousand_usd_is_not_a_cascade(engine: DuckDBEngine) -> None:
    """The burst by hand holds 3,000 + 1,000 + 2,500 = 6,500 USD: times 1.5 it is 9,750, times 1.6 it is 10,400."""
    by_factor = {
        factor: find(engine, [p._replace(usd=p.usd * factor) for p in by_hand()], rule=CascadeRule())
        for factor in (1.0, 1.5, 1.6)
    }
    assert [len(found) for found in by_factor.values()] == [0, 0, 1]
    assert by_factor[1.6][0].notional == 10_400


def test_a_quiet_gap_ends_a_cascade(engine: DuckDBEngine) -> None:
    """With two quiet minutes enough to end one, 12:00 to 12:01 and 12:04 are two; the one with more USD ranks first."""
    found = find(engine, by_hand(), rule=CascadeRule(quiet_minutes=2, least_usd=0))
    assert [(c.rank, c.notional, c.orders) for c in found] == [(1, 4000.0, 8), (2, 2500.0, 5)]


def test_warm_minute_alone_is_not_a_cascade(engine: DuckDBEngine) -> None:
    """Hot is 5 orders and 500 USD, as above: six orders of 60 USD make a minute of 360, warm and no more."""
    ordinary = [Print(T0 + k * HOUR, "long", 100.0) for k in range(13)]
    noon = T0 + 12 * HOUR + 5 * MINUTE
    assert find(engine, ordinary + [Print(noon + 5 * SECOND * k, "long", 60.0) for k in range(6)]) == ()
    assert len(find(engine, ordinary + [Print(noon + 5 * SECOND * k, "long", 100.0) for k in range(6)])) == 1


def test_three_warm_minutes_in_a_row_are_a_cascade(engine: DuckDBEngine) -> None:
    """Three orders of 100 USD a minute: warm. Two such minutes are none, three (9 orders, 900 USD) are one."""
    ordinary = [Print(T0 + k * HOUR, "long", 100.0) for k in range(13)]
    slow = [Print(T0 + 13 * HOUR + 20 * SECOND * k, "long", 100.0) for k in range(9)]
    assert find(engine, ordinary + slow[:6]) == ()
    (found,) = find(engine, ordinary + slow)
    assert (found.orders, found.end_us - found.start_us) == (9, 160 * SECOND)
    # With an empty minute before the last they do not lie in a row.
    assert find(engine, ordinary + slow[:6] + [p._replace(ts_us=p.ts_us + MINUTE) for p in slow[6:]]) == ()


def test_a_warm_minute_further_on_is_not_part_of_it(engine: DuckDBEngine) -> None:
    ordinary = [Print(T0 + k * HOUR, "long", 100.0) for k in range(13)]
    hot = [Print(T0 + 13 * HOUR + 5 * SECOND * k, "long", 100.0) for k in range(8)]
    warm = [Print(T0 + 13 * HOUR + 2 * MINUTE + 5 * SECOND * k, "long", 100.0) for k in range(3)]
    (found,) = find(engine, ordinary + hot + warm)
    assert (found.orders, found.end_us) == (8, hot[-1].ts_us)


def thresholds_of(rows: dict[str, int]) -> tuple[int, int, int, int]:
    found = find_thresholds(Baseline(**rows), CascadeRule())
    return found.hot_usd_e6, found.hot_orders, found.warm_usd_e6, found.warm_orders


def test_thresholds_of_a_busy_window_by_hand() -> None:
    """
    100 orders a minute, spread √100 = 10 (1.4826 x 4 is less): 100 + 50 + 25/6 = 154.2 and 100 + 30 + 1.5 = 131.5.

    USD 900 + 5 x 1.4826 x 200 = 2382.6, warm 900 + 3 x 1.4826 x 200 = 1789.6; 155 and 132 orders of 9 are less.
    """
    busy = {"minutes": 1440, "empty_minutes": 0, "usd_median": 900, "usd_mad": 200, "typical_order": 9}
    assert thresholds_of({**busy, "orders_median": 100, "orders_mad": 4}) == (2383, 155, 1790, 132)


def test_thresholds_of_a_thin_window_by_hand() -> None:
    """9 of 10 minutes empty, rate -ln 0.9 = 0.105, √ 0.325: 0.105 + 1.62 + 4.17 = 5.9 and 0.105 + 0.97 + 1.5 = 2.6."""
    thin = {"minutes": 10, "empty_minutes": 9, "usd_median": 0, "usd_mad": 0, "typical_order": 30}
    assert thresholds_of({**thin, "orders_median": 0, "orders_mad": 0}) == (180, 6, 90, 3)


# ---------------------------------------------------------------------------------------------------- invariances


def busy_day(seed: int = 5) -> list[Print]:
    rng = np.random.default_rng(seed)
    return make_quiet(rng, 1.0) + plant(rng, T0 + 3 * HOUR + 12345, 6, 40) + plant(rng, T0 + 15 * HOUR, 3, 60)


def test_threads_and_row_order_do_not_matter() -> None:
    prints = busy_day()
    results = []
    for threads, seed in ((1, 0), (2, 1), (4, 2)):
        shuffled = [prints[k] for k in np.random.default_rng(seed).permutation(len(prints))]
        with DuckDBEngine(threads=threads) as engine:
            results.append(find(engine, shuffled))
    assert len(results[0]) == 2
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("factor", [1e-3, 1024.0])
def test_scale_does_not_matter(engine: DuckDBEngine, factor: float) -> None:
    """All sizes and prices by a factor: the same bursts, money and prices by that factor."""
    base = find(engine, busy_day())
    scaled = find(engine, [p._replace(usd=p.usd * factor, price=p.price * factor) for p in busy_day()])
    assert [(c.start_us, c.end_us, c.orders, c.events) for c in scaled] == [
        (c.start_us, c.end_us, c.orders, c.events) for c in base
    ]
    assert [c.notional for c in scaled] == pytest.approx([c.notional * factor for c in base], rel=1e-3)


def test_cascades_add_up_and_do_not_overlap(engine: DuckDBEngine) -> None:
    prints = busy_day()
    found = find(engine, prints)
    for c in found:
        inside = [p for p in prints if c.start_us <= p.ts_us <= c.end_us]
        assert c.notional == pytest.approx(sum(p.usd for p in inside), rel=1e-9)
        assert c.events == len(inside)
        assert c.orders == len({(p.exchange, p.position, p.ts_us // SECOND) for p in inside})
        assert c.long_notional + c.short_notional == pytest.approx(c.notional, rel=1e-12)
    ordered = sorted(found, key=lambda c: c.start_us)
    assert all(a.end_us < b.start_us for a, b in pairwise(ordered))
    assert [c.rank for c in found] == [1, 2]
    assert found[0].notional >= found[1].notional


def test_minutes_without_data_are_not_quiet(engine: DuckDBEngine) -> None:
    """
    Two hours with 8 orders every minute: that is what the window usually does. The other 22 hours had no recorder.

    Taken for silence they would make the whole stretch a cascade.
    """
    prints = [Print(T0 + k * MINUTE + 5 * SECOND * j, "long", 1000.0) for k in range(120) for j in range(8)]
    gap = (T0 + 2 * HOUR, T0 + DAY)
    assert find(engine, prints, gaps=[gap]) == ()
    assert [c.orders for c in find(engine, prints)] == [960]


def test_covered_minutes() -> None:
    """Of 00:00 to 00:05 a gap from 00:01:30 to 00:03 takes the minutes 1 and 2; a print in minute 2 gives it back."""
    window = Window(T0, T0 + 5 * MINUTE)
    gaps = [(T0 + 90 * SECOND, T0 + 3 * MINUTE)]
    assert count_covered_minutes(window, gaps, np.array([T0 + 2 * MINUTE])) == 4
    assert count_covered_minutes(window, gaps, np.array([T0])) == 3
    odd = Window(T0 + 30 * SECOND, T0 + 90 * SECOND)
    assert count_covered_minutes(odd, [], np.array([], dtype=np.int64)) == 2


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_few_events_are_not_a_cascade(engine: DuckDBEngine, n: int) -> None:
    assert find(engine, [Print(T0 + 7 * SECOND * k, "long", 1e6) for k in range(n)]) == ()


def test_first_and_last_instant_with_several_prints(engine: DuckDBEngine) -> None:
    """Two prints in the first instant: the larger one gives the price, whatever the order of the rows."""
    burst = [Print(T0 + HOUR + 4 * SECOND * k, "short", 1000.0, 100.0 + k) for k in range(8)]
    twin = burst[0]._replace(usd=10.0, price=50.0)
    for prints in ([twin, *burst], [*burst, twin]):
        (found,) = find(engine, prints)
        assert (found.price_from, found.price_to, found.extreme, found.orders) == (100.0, 107.0, 107.0, 8)


# ---------------------------------------------------------------------------------------------------- price after


def make_prices(closes: Sequence[float], step_us: int = MINUTE, start_us: int = T0) -> PriceSeries:
    close = np.array(closes, dtype=np.float64)
    ts_us = start_us + step_us * np.arange(len(close), dtype=np.int64)
    return PriceSeries(ts_us, close, close, close, close, step_us, "test 1m candle")


def test_price_after_by_hand() -> None:
    """The end at 00:00:30 closes at 00:01 with 100; 15 minutes on, at 00:16, the close is 103 and at 01:01 it is 90."""
    prices = make_prices([100.0] + [101.0] * 14 + [103.0] + [99.0] * 44 + [90.0])
    assert find_price_after(prices, T0 + 30 * SECOND, 15 * MINUTE) == pytest.approx(3.0)
    assert find_price_after(prices, T0 + 30 * SECOND, HOUR) == pytest.approx(-10.0)
    assert find_price_after(prices, T0 + MINUTE, 15 * MINUTE) == pytest.approx(3.0)


def test_price_after_is_unknown_without_its_candles() -> None:
    prices = make_prices([100.0] * 16)
    assert find_price_after(None, T0, 15 * MINUTE) is None
    assert find_price_after(prices, T0, HOUR) is None
    assert find_price_after(prices, T0 - HOUR, 15 * MINUTE) is None
    coarse = make_prices([100.0] * 48, HOUR)
    assert find_price_after(coarse, T0 + HOUR, HOUR) is None
    assert find_price_after(coarse, T0 + HOUR, 3 * HOUR) == 0.0
    keep = np.arange(16) != 15
    holed = replace(prices, ts_us=prices.ts_us[keep], close=prices.close[keep])
    assert find_price_after(holed, T0 + 30 * SECOND, 15 * MINUTE) is None


def test_record_is_plain(engine: DuckDBEngine) -> None:
    (found,) = find(engine, by_hand())
    record = cascade_record(found)
    assert record["start"] == "2024-12-05T12:00:00Z"
    assert record["end"] == "2024-12-05T12:04:08Z"
    assert record["seconds"] == 248.0
    promised = {"start", "end", "position", "events", "notional", "peak_per_minute", "price_from", "price_to", "share"}
    assert promised < set(record)
    assert all(value is None or isinstance(value, str | int | float) for value in record.values())


# ---------------------------------------------------------------------------------------------------- recorded days


def read_binance_days(folder: Path) -> list[Print]:
    """The first 1,844 rows: order side SELL liquidates a long; average price x filled quantity; trade time."""
    with (folder / "binance-btcusdt-2024-12" / "liquidation_orders.csv").open(newline="") as handle:
        rows = list(csv.reader(handle))[1:1845]
    numbers = [(r, float(r[6]), float(r[9])) for r in rows]
    return [
        Print(to_us(datetime.fromisoformat(r[11])), "long" if r[1] == "SELL" else "short", price * qty, price)
        for r, price, qty in numbers
    ]


def test_binance_days_of_december_2024(engine: DuckDBEngine, real_data: Path) -> None:
    """
    The squeeze of 4 December from 97,394 to 98,864 comes first; no cascade lies where the recorder was off.

    The stream sends at most one order a second, so orders are events.
    """
    prints = read_binance_days(real_data)
    window = Window(to_us(datetime(2024, 12, 4, 16, 46, tzinfo=UTC)), to_us(datetime(2024, 12, 6, 18, 13, tzinfo=UTC)))
    off = [("05T01:54", "05T06:43"), ("05T08:29", "05T17:03"), ("05T20:47", "06T18:08")]
    gaps = [tuple(to_us(datetime.fromisoformat(f"2024-12-{at}+00:00")) for at in pair) for pair in off]
    found = find(engine, prints, window, gaps)  # type: ignore[arg-type]
    assert sum(p.usd for p in prints) == pytest.approx(26_853_827.8972, abs=1e-3)
    assert all(c.orders == c.events for c in found)
    assert not [c for c in found for start, end in gaps if c.start_us < end and c.end_us > start]
    first = found[0]
    assert (first.position, first.position_share, first.extreme) == ("short", 1.0, pytest.approx(98864, abs=1))
    squeeze = to_us(datetime(2024, 12, 4, 20, 6, tzinfo=UTC)), to_us(datetime(2024, 12, 4, 20, 23, tzinfo=UTC))
    assert first.start_us <= squeeze[0] + MINUTE
    assert first.end_us >= squeeze[1]
    flush = to_us(datetime(2024, 12, 5, 19, 54, tzinfo=UTC))
    assert [c.position for c in found if c.start_us <= flush <= c.end_us] == ["long"]
    assert sum(c.share for c in found) < 1
