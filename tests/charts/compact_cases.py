"""Compact pictures to try the charts on: bursts, open interest, sums outward; a busy day, and what breaks charts."""

from dataclasses import replace

import numpy as np
from chart_cases import DAY_S, START, make_busy, make_candles, make_grid

from liqcli.charts import HeadlineNumber
from liqcli.charts.figure_spec import CascadeMark, CascadesSpec, CumulativeSpec, OpenInterestLine, OpenInterestSpec
from liqcli.core.model import US_PER_S

MINUTE_US = 60 * US_PER_S
DAY_US = DAY_S * US_PER_S
HEADLINE = (
    HeadlineNumber("19", "cascades"),
    HeadlineNumber("13.0M USD", "in cascades"),
    HeadlineNumber("2.55M", "largest, longs", "long"),
    HeadlineNumber("97.5%", "coverage", "warn"),
)
SUBTITLE = "realized · bybit, binance, gate and 2 more (partly sampled, totals are minimums) · 2024-12-04 16:00 UTC on"


def make_bursts(count, length_us=DAY_US, seed=2, price=97_000.0):
    """Bursts all over a window, USD falling with the rank."""
    random = np.random.default_rng(seed)
    starts = START + (random.random(count) * 0.95 * length_us).astype(np.int64)
    return [
        CascadeMark(
            rank,
            int(start),
            int(start) + int(random.integers(1, 1200)) * US_PER_S,
            "long" if rank % 3 else "short",
            5e6 / rank,
            0.3 / rank,
            price,
            price * (1 + float(random.normal(scale=0.01))),
        )
        for rank, start in enumerate(starts.tolist(), start=1)
    ]


def cascades(**changes):
    """A day with 19 bursts, candles and a gap."""
    random = np.random.default_rng(4)
    minutes = START + np.sort(random.choice(1440, 500, replace=False)) * MINUTE_US
    usd = np.exp(random.normal(8, 2.5, size=(2, 500))) * (random.random((2, 500)) < 0.7)
    grid = make_busy()
    picture = CascadesSpec(
        title="BTCUSDT liquidation cascades",
        subtitle=SUBTITLE,
        headline=HEADLINE,
        start_us=START,
        end_us=START + DAY_US,
        minutes_us=minutes,
        long=usd[0],
        short=usd[1],
        median=0.0,
        hot=73_500.0,
        hot_orders=7,
        bursts=make_bursts(19),
        gaps=[(START + 7 * 60 * MINUTE_US, START + 11 * 60 * MINUTE_US)],
        prices=make_candles(grid, 60),
    )
    return replace(picture, **changes)


def _one_print():
    trace = (np.array([START]), np.array([0.00002105]))
    one = {"minutes_us": np.array([START + 600 * MINUTE_US]), "long": np.array([12.5]), "short": np.array([0.0])}
    return cascades(**one, hot=62.5, bursts=(), gaps=(), prices=None, trace=trace)


def _crowded():
    minutes = [START + rank * MINUTE_US for rank in range(1, 121)]
    bursts = zip(make_bursts(120), minutes, strict=True)
    return cascades(bursts=[replace(burst, start_us=minute, end_us=minute) for burst, minute in bursts])


def _month_of_bursts():
    return cascades(end_us=START + 30 * DAY_US, bursts=make_bursts(17, 30 * DAY_US), sample=True)


def _quiet():
    nothing = np.array([], dtype=np.float64)
    return cascades(
        minutes_us=np.array([], dtype=np.int64), long=nothing, short=nothing, bursts=(), prices=None, headline=()
    )


CASCADES = {
    "day": cascades,
    "one print": _one_print,
    "crowded": _crowded,
    "month": _month_of_bursts,
    "quiet": _quiet,
    "shorts only": lambda: cascades(long=np.zeros(500)),
    "no price": lambda: cascades(prices=None),
    "long words": lambda: cascades(title="1000000CHEEMSUSDT-20261225 " * 3, subtitle=SUBTITLE * 4, sample=True),
}


def make_interest(values, step_s=300, unit="USD"):
    """Snapshots from the start of the window on."""
    values = np.asarray(values, dtype=np.float64)
    return OpenInterestLine(START + np.arange(len(values)) * step_s * US_PER_S, values, unit, "binance BTCUSDT")


def interest(**changes):
    """A day with open interest falling by a few percent."""
    random = np.random.default_rng(6)
    worth = 8.2e9 + np.cumsum(random.normal(scale=8e6, size=289))
    grid = make_busy()
    picture = OpenInterestSpec(
        title="BTCUSDT open interest and liquidations",
        subtitle=SUBTITLE + " · open interest of binance BTCUSDT",
        headline=HEADLINE,
        start_us=START,
        end_us=START + DAY_US,
        interest=make_interest(worth),
        contracts=make_interest(worth * np.linspace(1, 1.03, 289)),
        starts_us=grid.bucket_starts_us,
        step_us=grid.bucket_us,
        long=grid.long_notional.sum(axis=0),
        short=grid.short_notional.sum(axis=0),
        cascades=[(b.start_us, b.end_us, b.rank) for b in make_bursts(19)],
        gaps=[(START + 7 * 60 * MINUTE_US, START + 11 * 60 * MINUTE_US)],
    )
    return replace(picture, **changes)


def _no_liquidations():
    grid = make_grid([])
    nothing = np.zeros(48)
    return interest(starts_us=grid.bucket_starts_us, step_us=grid.bucket_us, long=nothing, short=nothing, cascades=())


def _lone(*given):
    return interest(contracts=None, interest=make_interest(*given))


INTEREST = {
    "day": interest,
    "coins alone": lambda: _lone([2_100.5, 2_100.25, 2_099], 40_000, "BTC"),
    "flat": lambda: _lone([5e6, 5e6], 80_000),
    "nothing open": lambda: _lone([0.0, 0.0], 80_000),
    "broken": lambda: _lone([8e9, np.nan, 8.1e9, 8.2e9], 20_000),
    "no liquidations": _no_liquidations,
    "long words": lambda: interest(title="1000000CHEEMSUSDT-20261225 " * 3, subtitle=SUBTITLE * 4, sample=True),
}


def cumulative(**changes):
    """Sums of a day, most of them below the last price."""
    random = np.random.default_rng(8)

    def sums(count, size):
        return np.insert(np.cumsum(np.exp(random.normal(10, 1.5, size=count))) * size, 0, 0.0)

    picture = CumulativeSpec(
        title="BTCUSDT liquidated within x% of the last price",
        subtitle=SUBTITLE,
        headline=HEADLINE,
        last_price=91_206.8,
        step_pct=0.05,
        below_long=sums(76, 2.0),
        below_short=sums(76, 0.5),
        above_long=sums(60, 0.2),
        above_short=sums(60, 1.0),
    )
    return replace(picture, **changes)


def make_zeros(count):
    return np.zeros(count + 1)


CUMULATIVE = {
    "day": cumulative,
    "one event": lambda: cumulative(
        last_price=0.00002105,
        step_pct=0.001,
        below_long=make_zeros(0),
        below_short=make_zeros(0),
        above_long=np.array([0.0, 12.5]),
        above_short=make_zeros(1),
    ),
    "all above": lambda: cumulative(below_long=make_zeros(0), below_short=make_zeros(0)),
    "all far below": lambda: cumulative(
        step_pct=1.0,
        below_long=np.append(make_zeros(98), 5e9),
        below_short=make_zeros(99),
        above_long=make_zeros(0),
        above_short=make_zeros(0),
    ),
    "nothing": lambda: cumulative(**{f"{p}_{s}": make_zeros(0) for p in ("below", "above") for s in ("long", "short")}),
    "high price": lambda: cumulative(last_price=104_233.7),
    "low price": lambda: cumulative(last_price=0.0000210512),
    "long words": lambda: cumulative(title="1000000CHEEMSUSDT-20261225 " * 3, subtitle=SUBTITLE * 4, sample=True),
}
