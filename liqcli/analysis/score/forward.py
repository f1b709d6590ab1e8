"""
Estimate the levels of every midnight of a stretch, each from what was known by then.

The weights are calibrated once a week on the realized liquidations of the weeks before; the mass is walked forward from
:data:`MEMORY_DAYS` before. Nothing after a midnight enters its map.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from liqcli.analysis.levels.calibration import Calibration, calibrate
from liqcli.analysis.levels.estimate import Realized
from liqcli.analysis.levels.lots import Lots
from liqcli.analysis.levels.steps import Steps
from liqcli.analysis.levels.walk import Standing, walk_forward
from liqcli.analysis.score.days import DAY_US, SPAN, STEP, LevelMap
from liqcli.analysis.score.orders import Floats

MEMORY_DAYS = 30  # as much as `liqcli levels` walks at least
CALIBRATED_DAYS = 7  # weights hold this long
LEAST_DAYS = 3  # of open interest before the first map
BINS_OF_STEP = 2  # bins of a map are this much finer than those of the score


@dataclass(frozen=True, slots=True, eq=False)
class ForwardMap:
    """The map of one midnight, and the weights behind it."""

    level_map: LevelMap
    calibration: Calibration


def estimate_forward(steps: Steps, realized: Realized, midnights_us: Sequence[int], lots: Lots) -> list[ForwardMap]:
    """
    Estimate the map of each midnight; the weights are calibrated again every week.

    Parameters
    ----------
    steps : Steps
        The whole stretch and what is known before it.
    realized : Realized
        Of the same steps.
    midnights_us : sequence of int
        Rising. Those without enough open interest before them, or without a step just before them, have no map.
        [µs UTC]
    lots : Lots
        Of the same steps.

    Returns
    -------
    list of ForwardMap
        By rising time.
    """
    found: list[ForwardMap] = []
    rest = [one for one in midnights_us if int(steps.ts_us[0]) <= one - LEAST_DAYS * DAY_US]
    while rest:
        week = [one for one in rest if one < rest[0] + CALIBRATED_DAYS * DAY_US]
        found += estimate_maps(steps, realized, week, lots)
        rest = rest[len(week) :]
    return found


def estimate_maps(steps: Steps, realized: Realized, midnights_us: Sequence[int], lots: Lots) -> list[ForwardMap]:
    """Estimate the map of each midnight with weights calibrated before the first one; see estimate_forward."""
    begin = midnights_us[0]
    low = int(np.searchsorted(steps.ts_us, begin - MEMORY_DAYS * DAY_US))
    high = steps.count_until(midnights_us[-1])
    if high - low < 2:
        return []
    part, own = _cut_steps(steps, low, high), _cut_lots(lots, low, high)
    calibration = calibrate(part, own, realized.usd[:, low:high], realized.orders[:, low:high], end_us=begin)
    walk = walk_forward(part, own, calibration.weights, calibration.matching)
    found = []
    for midnight in midnights_us:
        step = part.count_until(midnight) - 1
        if step >= 0 and int(part.closes_us[step]) > midnight - DAY_US // 24:
            price = float(part.close[step])
            found.append(ForwardMap(build_map(walk.standing_after(step), midnight, price), calibration))
    return found


def hash_map(level_map: LevelMap) -> str:
    """Compute the SHA-256 of a map: of its time, edges and masses as little-endian numbers."""
    digest = hashlib.sha256(np.int64(level_map.as_of_us).astype("<i8").tobytes())
    for column in (level_map.price_edges, level_map.long_notional, level_map.short_notional):
        digest.update(column.astype("<f8").tobytes())
    return digest.hexdigest()


def build_map(standing: Standing, as_of_us: int, price: float) -> LevelMap:
    """Sum what stands in bins of equal log width around a price."""
    n = round(SPAN / STEP) * BINS_OF_STEP
    edges: Floats = price * np.exp(np.arange(-n, n + 1) * (STEP / BINS_OF_STEP))
    sides = [
        np.histogram(standing.price[standing.side == side], edges, weights=standing.notional[standing.side == side])[0]
        for side in (0, 1)
    ]
    return LevelMap(as_of_us, edges, sides[0], sides[1])


def _cut_steps(steps: Steps, low: int, high: int) -> Steps:
    names = ("ts_us", "low", "high", "close", "interest", "opened", "closed", "entry_low", "entry_high")
    return replace(steps, **{name: getattr(steps, name)[low:high] for name in names})


def _cut_lots(lots: Lots, low: int, high: int) -> Lots:
    """Return the lots that open in the steps ``[low, high)``, counted from there."""
    kept = (lots.born >= low) & (lots.born < high)
    return Lots(
        price=lots.price[kept],
        born=lots.born[kept] - low,
        gone=np.minimum(lots.gone[kept], high) - low,
        share=lots.share[kept],
        side=lots.side[kept],
        leverage=lots.leverage[kept],
        opening=lots.opening[kept],
        leverages=lots.leverages,
    )
