"""Pictures to try the charts on: a busy day, and the cases that break charts."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np

from liqcli.charts import ClusterLabel, HeadlineNumber, HeatmapSpec, draw_heatmap
from liqcli.core.model import US_PER_S, BinWidth, HeatmapGrid, PriceSeries, Window

START = 1_733_328_000 * US_PER_S  # 2024-12-04 16:00 UTC
DAY_S = 86_400


def draw(picture, **style):
    """Draw the heat map and give its figure."""
    return draw_heatmap(picture, **style).figure


@cache
def draw_busy():
    """The figure of the ordinary good case, drawn once: only to be read."""
    return draw(busy_picture())


def make_grid(cells, *, bins=40, buckets=48, bucket_s=1800, width="50", first_bin=1900, start_us=START):
    """Build a grid from (bin, bucket, position, USD) cells; one event a cell."""
    step = BinWidth.from_decimal(Decimal(width))
    bucket_us = bucket_s * US_PER_S
    edges = np.array([step.edge(first_bin + k) for k in range(bins + 1)])
    usd = {side: np.zeros((bins, buckets)) for side in ("long", "short")}
    for row, column, position, notional in cells:
        usd[position][row, column] += notional
    middle = ((edges[:-1] + edges[1:]) / 2)[:, np.newaxis]
    return HeatmapGrid(
        window=Window(start_us, start_us + buckets * bucket_us),
        bucket_us=bucket_us,
        bin=step,
        bucket_starts_us=start_us + np.arange(buckets, dtype=np.int64) * bucket_us,
        price_edges=edges,
        long_e6=np.rint(usd["long"] * 1e6).astype(np.int64),
        short_e6=np.rint(usd["short"] * 1e6).astype(np.int64),
        long_events=(usd["long"] > 0).astype(np.int64),
        short_events=(usd["short"] > 0).astype(np.int64),
        long_qty=usd["long"] / middle,
        short_qty=usd["short"] / middle,
    )


def make_picture(grid, **changes):
    """Wrap a grid into a picture with the usual words."""
    picture = HeatmapSpec(
        title="BTCUSDT liquidation heat map",
        subtitle="realized · binance (sampled: at most one order a second) · 2024-12-04 16:00 to 2024-12-05 16:00 UTC",
        headline=(
            HeadlineNumber("1,844", "events"),
            HeadlineNumber("26.9M USD", "liquidated"),
            HeadlineNumber("7.6M 28%", "longs", "long"),
            HeadlineNumber("19.3M 72%", "shorts", "short"),
            HeadlineNumber("58%", "coverage", "warn"),
        ),
        grid=grid,
        values=grid.notional,
        unit="USD",
        last_price=float(grid.price_edges[len(grid.price_edges) // 2]),
    )
    return replace(picture, **changes)


def make_candles(grid, step_s, *, swing=0.4, seed=5):
    """Walk a price over the window of a grid, about its middle."""
    random = np.random.default_rng(seed)
    span = grid.price_edges[-1] - grid.price_edges[0]
    ts_us = np.arange(grid.window.start_us, grid.window.end_us, step_s * US_PER_S, dtype=np.int64)
    walk = np.cumsum(random.normal(size=len(ts_us) + 1))
    walk = (walk - walk.mean()) / max(np.abs(walk - walk.mean()).max(), 1e-12)
    price = (grid.price_edges[0] + grid.price_edges[-1]) / 2 + swing * span * walk
    price = np.maximum(price, grid.bin.width)
    wick = np.abs(random.normal(size=len(ts_us))) * 0.01 * span * swing
    low = np.maximum(np.minimum(price[:-1], price[1:]) - wick, grid.bin.width / 2)
    high = np.maximum(price[:-1], price[1:]) + wick
    return PriceSeries(ts_us, price[:-1], high, low, price[1:], step_s * US_PER_S, "binance spot 1m")


@cache
def make_busy(bins=160, buckets=288, bucket_s=300, width="50", first_bin=1900, seed=3, orders=2000):
    """A busy window: a price path that leaves liquidations of heavy-tailed size on its way. Only to be read."""
    random = np.random.default_rng(seed)
    path = np.cumsum(random.normal(size=buckets))
    path = (path - path.min()) / np.ptp(path) * (bins - 11) + 5
    columns = random.integers(0, buckets, orders)
    rows = np.clip(path[columns] + random.normal(scale=3, size=orders), 0, bins - 1).astype(int)
    sides = np.where(random.random(orders) < 0.4, "long", "short")
    sizes = np.exp(random.normal(8, 2.2, size=orders))
    cells = zip(rows, columns, sides, sizes, strict=True)
    return make_grid(cells, bins=bins, buckets=buckets, bucket_s=bucket_s, width=width, first_bin=first_bin)


def make_bands(grid, count):
    """Cut the price axis into ``count`` bands, ranked by USD."""
    profile = grid.notional.sum(axis=1)
    parts = np.array_split(np.arange(len(profile)), count)
    ranked = sorted(parts, key=lambda part: -profile[part].sum())
    return [
        ClusterLabel(
            rank,
            float(grid.price_edges[part[0]]),
            float(grid.price_edges[part[-1] + 1]),
            float(profile[part].sum()),
            float(profile[part].sum() / profile.sum()),
        )
        for rank, part in enumerate(ranked, start=1)
    ]


def busy_picture(**changes):
    """The ordinary good case: 24 h, candles, bands, one gap."""
    grid = make_busy()
    changes = {"prices": make_candles(grid, 60), "bands": make_bands(grid, 8)} | changes
    grid = changes.pop("grid", grid)
    gap = (START + 7 * 3600 * US_PER_S, START + 11 * 3600 * US_PER_S)
    return make_picture(grid, **({"gaps": [gap]} | changes))


def _one_event():
    return make_picture(make_grid([(0, 20, "long", 1234.5)], bins=1))


def _one_price():
    cells = [(0, column, "short", 10.0 * (column + 1)) for column in range(48)]
    grid = make_grid(cells, bins=1)
    return make_picture(grid, bands=make_bands(grid, 1), trace=(grid.bucket_starts_us, np.full(48, 95_020.0)))


def _tiny_price():
    grid = make_busy(bins=120, buckets=96, bucket_s=900, width="0.00000005", first_bin=400)
    return make_picture(
        grid, title="1000PEPEUSDT liquidation heat map", prices=make_candles(grid, 900), bands=make_bands(grid, 6)
    )


def _hour():
    grid = make_busy(bins=150, buckets=240, bucket_s=15, width="2.5", first_bin=39_900)
    return make_picture(grid, prices=make_candles(grid, 60), bands=make_bands(grid, 5))


def _month():
    grid = make_busy(bins=150, buckets=180, bucket_s=4 * 3600, width="100", first_bin=900)
    gaps = [(START + k * 3 * DAY_S * US_PER_S, START + (k * 3 * DAY_S + 7200 * k) * US_PER_S) for k in range(10)]
    return make_picture(grid, prices=make_candles(grid, 3600), bands=make_bands(grid, 12), gaps=gaps)


def _ninety_seconds():
    grid = make_busy(bins=30, buckets=90, bucket_s=1, width="0.5", first_bin=190_000)
    trace = (grid.bucket_starts_us, np.linspace(grid.price_edges[0], grid.price_edges[-1], 90))
    return make_picture(grid, trace=trace, bands=make_bands(grid, 3))


def _forty_bands():
    return busy_picture(bands=make_bands(make_busy(), 40))


def _bands_at_one_place():
    grid = make_busy()
    low, high = float(grid.price_edges[100]), float(grid.price_edges[101])
    bands = [ClusterLabel(rank, low, high, 1e6 / rank, 0.2 / rank) for rank in range(1, 13)]
    return busy_picture(bands=bands, last_price=low)


def _only_longs():
    grid = make_busy()
    return busy_picture(grid=replace(grid, short_e6=grid.short_e6 * 0), values=grid.long_notional)


def _half_uncovered():
    middle = START + 12 * 3600 * US_PER_S
    return busy_picture(gaps=[(middle, START + DAY_S * US_PER_S), (START, START + 1200 * US_PER_S)], sample=True)


def _nothing_covered():
    return busy_picture(gaps=[(START - DAY_S * US_PER_S, START + 2 * DAY_S * US_PER_S)])


def _long_words():
    return busy_picture(
        title="1000000CHEEMSANDAVERYLONGNAMEINDEEDUSDT-20261225 liquidation heat map, all linear and $ inverse",
        subtitle=" · ".join(["realized", "binance bybit okx gate htx deribit kraken bitfinex bitget coinex"] * 6),
        sample=True,
    )


def _many_headlines():
    return busy_picture(
        headline=tuple(HeadlineNumber(f"{k},844,000,000 USD", f"a long label number {k}") for k in range(9)),
        sample=True,
    )


def _wide_candles():
    grid = make_busy()
    return busy_picture(prices=make_candles(grid, 60, swing=30.0))


def _empty():
    return make_picture(make_grid([]), last_price=None, headline=())


def _counted():
    grid = make_busy()
    return busy_picture(values=grid.events, unit="events")


def _coins():
    grid = make_busy()
    return busy_picture(values=grid.qty, unit="BTC")


def _no_words():
    return busy_picture(title="", subtitle="", headline=(), bands=())


CASES = {
    "busy": busy_picture,
    "one event": _one_event,
    "one price": _one_price,
    "tiny price": _tiny_price,
    "hour": _hour,
    "month": _month,
    "90 s": _ninety_seconds,
    "40 bands": _forty_bands,
    "bands at one place": _bands_at_one_place,
    "only longs": _only_longs,
    "half uncovered": _half_uncovered,
    "nothing covered": _nothing_covered,
    "long words": _long_words,
    "many headlines": _many_headlines,
    "wide candles": _wide_candles,
    "empty": _empty,
    "counted": _counted,
    "coins": _coins,
    "no words": _no_words,
}
