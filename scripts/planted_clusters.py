"""Windows with planted price bands: the truth that the cluster finder is scored against."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from liqcli.analysis.clusters import Cluster, ClusterOptions
from liqcli.analysis.heatmap import GridOptions
from liqcli.core.model import Window

if TYPE_CHECKING:
    from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.window_scans import scan_clusters, scan_grid

Floats = NDArray[np.float64]

GROUNDS = ("empty", "hill", "slope", "path")
SCALES = (0.00001, 0.1, 150.0, 3_000.0, 100_000.0)
UNITS = 160  # the price axis, in units of 0.05% of the scale
UNIT = 0.0005
FLOOR_UNITS = 1900  # the axis begins at 95% of the scale
TICKS = 50  # a unit
SIGMA = 1.5  # of the logarithm of order sizes; recorded days have 1.5 to 1.9
FACTOR = 3.0  # a planted band stands out when it holds this times the ground around it
LEAST_SHARE = 0.025  # and a quarter more than the default least share of a cluster
DAY_US = 86_400_000_000
START_US = 1_772_323_200_000_000  # 2026-03-01


@dataclass(frozen=True, slots=True)
class Planted:
    """A band ``[low, high)`` in units of the axis; ``heavy`` when it must be found."""

    low: int
    high: int
    heavy: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A day of events: place on the axis in units, USD and time; the ground's USD per unit; the planted bands."""

    place: Floats
    usd: Floats
    ts_us: NDArray[np.int64]
    ground: Floats
    planted: tuple[Planted, ...]


def make_scene(seed: int, ground: str) -> Scene:
    """Plant 1 to 12 bands, 1 to 8 units wide and at least 3 apart, on a ground of heavy-tailed orders."""
    rng = np.random.default_rng([seed, GROUNDS.index(ground)])
    spans = _make_spans(rng)
    place, when = _make_ground(rng, ground)
    usd = np.exp(rng.normal(0, SIGMA, len(place)))
    level = np.bincount(place.astype(int), usd, minlength=UNITS).astype(np.float64)
    mean = float(np.exp(SIGMA**2 / 2))
    places, sums, times = [place], [usd], [when]
    for low, high in spans:
        around = max(_around(level, low, high), float(level.mean()) / 2)
        wanted = mean * rng.uniform(60, 400) if ground == "empty" else around * (high - low) * rng.uniform(FACTOR, 10)
        orders = max(20, int(wanted / mean))
        middle, half = (low + high) / 2, (high - low) / 2
        even = rng.random() < 0.5
        spots = rng.uniform(low, high, orders) if even else rng.normal(middle, half / 1.65, orders)
        sizes = np.exp(rng.normal(0, SIGMA, orders))
        places.append(np.clip(spots, low, high - 1e-6))
        sums.append(sizes * wanted / sizes.sum())
        times.append(rng.uniform(0, 1, orders))
    usd = np.concatenate(sums)
    planted = tuple(
        Planted(low, high, bool(_is_heavy(float(own.sum()), usd, level, low, high)))
        for (low, high), own in zip(spans, sums[1:], strict=True)
    )
    ts_us = START_US + (np.concatenate(times) * (DAY_US - 1)).astype(np.int64)
    return Scene(np.concatenate(places), usd, ts_us, level, planted)


def _make_spans(rng: np.random.Generator) -> list[tuple[int, int]]:
    widths = rng.integers(1, 9, int(rng.integers(1, 13)))
    free = UNITS - int(widths.sum()) - 3 * (len(widths) + 1)
    before = np.sort(rng.integers(0, free + 1, len(widths)))
    lows = 3 + before + np.concatenate(([0], np.cumsum(widths + 3)[:-1]))
    return [(int(low), int(low + width)) for low, width in zip(lows, widths, strict=True)]


def _make_ground(rng: np.random.Generator, ground: str) -> tuple[Floats, Floats]:
    """Give place and time (0 to 1) of the ground's orders; two small ones always mark the ends of the axis."""
    ends = np.array([0.0, UNITS - 0.01])
    n = int(rng.integers(1000, 4001))
    when = np.sort(rng.uniform(0, 1, n))
    if ground == "empty":
        return ends, np.array([0.0, 1.0])
    if ground == "hill":  # price came back to one region again and again
        place = rng.normal(rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.35), n) * UNITS
    elif ground == "slope":  # more and more was liquidated on the way
        steep = rng.uniform(0.5, 1.0)
        place = (
            UNITS * (np.sqrt((1 - steep) ** 2 + rng.uniform(0, 1, n) * (1 - (1 - steep) ** 2)) - (1 - steep)) / steep
        )
    else:  # a random walk with a drift from 10% to 90% of the axis: price dwells here and there
        walk = np.cumsum(rng.normal(0, 1, 5000))
        bridge = walk - np.linspace(0, walk[-1], len(walk))
        bridge *= rng.uniform(0.05, 0.12) * UNITS / np.abs(bridge).max()
        path = np.linspace(0.1, 0.9, len(walk)) * UNITS + bridge
        place = path[(when * (len(walk) - 1)).astype(int)] + rng.normal(0, 1, n)
    inside = (place >= 0) & (place < UNITS)
    return np.concatenate((ends, place[inside])), np.concatenate(([0.0, 1.0], when[inside]))


def _around(ground: Floats, low: int, high: int) -> float:
    """Give the mean of the ground in a band and 10 units to either side. [USD a unit]"""
    return float(ground[max(0, low - 10) : high + 10].mean())


def _is_heavy(own: float, usd: Floats, ground: Floats, low: int, high: int) -> bool:
    return own >= LEAST_SHARE * float(usd.sum()) and own >= FACTOR * _around(ground, low, high) * (high - low)


def register_scene(engine: DuckDBEngine, scene: Scene, scale: float) -> float:
    """Make a scene the engine's table ``liquidations`` at a price scale; gives the last price in it."""
    import pyarrow as pa

    # Whole ticks by one division: the prices are the doubles nearest to their decimals.
    ticks = FLOOR_UNITS * TICKS + np.floor(scene.place * TICKS)
    price = ticks * round(scale * 1e5) / (1e5 * TICKS / UNIT)
    n = len(price)
    columns = {
        "ts_us": pa.array(scene.ts_us),
        "exchange": ["gate"] * n,
        "symbol": ["X"] * n,
        "source": ["planted"] * n,
        "position": ["long" if k % 3 else "short" for k in range(n)],
        "price": pa.array(price),
        "price_kind": ["fill"] * n,
        "qty": pa.array(np.ones(n)),
        "completeness": ["full"] * n,
        "notional_e6": pa.array(np.rint(scene.usd * 1e9).astype(np.int64)),
    }
    engine.register("liquidations", pa.table(columns))
    return float(price[-1])


def find_in_scene(
    engine: DuckDBEngine, scene: Scene, scale: float, options: ClusterOptions | None = None
) -> Sequence[Cluster]:
    """Run the program's own way from events to clusters."""
    last_price = register_scene(engine, scene, scale)
    grid = scan_grid(engine, Window(START_US, START_US + DAY_US), GridOptions())
    return scan_clusters(engine, grid, last_price, options).clusters


def to_units(price: float, scale: float) -> float:
    """Give the place of a price on the axis."""
    return round(price / (scale * UNIT) - FLOOR_UNITS, 6)


@dataclass
class Score:
    """Counts over scenes; ``errors`` of both bounds of each band that was found, in units of the axis."""

    heavy: int = 0
    found: int = 0
    right: int = 0
    natural: int = 0
    wrong: int = 0
    errors: list[float] = field(default_factory=list)

    def add(self, scene: Scene, clusters: Sequence[Cluster], scale: float) -> None:
        """Match the clusters of a scene: each with the planted band its peak lies in, each band once."""
        self.heavy += sum(band.heavy for band in scene.planted)
        taken: set[Planted] = set()
        for cluster in clusters:
            low, high, peak = (to_units(p, scale) for p in (cluster.low, cluster.high, cluster.peak_price))
            hits = [
                band
                for band in scene.planted
                if band not in taken and low < band.high and high > band.low and band.low - 1 <= peak <= band.high + 1
            ]
            if hits:
                band = min(hits, key=lambda b: abs((b.low + b.high) / 2 - peak))
                taken.add(band)
                self.right += 1
                self.found += band.heavy
                self.errors += [abs(low - band.low), abs(high - band.high)] * band.heavy
            elif self._is_natural(scene, low, high):
                self.natural += 1
            else:
                self.wrong += 1

    @property
    def recall(self) -> float:
        """Bands that count and were matched, of those that count."""
        return self.found / self.heavy

    @property
    def strict(self) -> float:
        """Clusters that match a planted band, of all clusters."""
        return self.right / (self.right + self.natural + self.wrong)

    @property
    def precision(self) -> float:
        """As strict, but natural heat counts as right."""
        return (self.right + self.natural) / (self.right + self.natural + self.wrong)

    @staticmethod
    def _is_natural(scene: Scene, low: float, high: float) -> bool:
        """Whether the ground itself holds there what would make a planted band stand out: the price dwelt there."""
        first, last = int(np.floor(low)), max(int(np.ceil(high)), int(np.floor(low)) + 1)
        beside = np.concatenate((scene.ground[max(0, first - 10) : first], scene.ground[last : last + 10]))
        return float(scene.ground[first:last].mean()) >= FACTOR * float(beside.mean()) > 0
