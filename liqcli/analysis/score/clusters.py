"""
Score clusters: does price reach them, turn at them and liquidate in them more than in placebo bands?

The placebo of a cluster is its mirror image: a band of the same width at the same distance on the other side of the
price. Where that overlaps a cluster it is shifted by whole widths, outward and inward by turns, to the nearest free
place. Distances are in log price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.score.days import DAY_US
from liqcli.analysis.score.intervals import estimate
from liqcli.analysis.score.orders import Floats, Ints, Orders
from liqcli.analysis.score.result import Score, build_measure, judge
from liqcli.core.model import US_PER_S, PriceSeries

HOUR_US = 3600 * US_PER_S
HORIZONS_H = (4, 12, 24)
ATRS = 1.0  # how far price has to move from a touched band
LEAST_TOUCHES = 100  # of a verdict
BLOCK = 3  # days: a cut, its longest horizon, and the time a touch takes to resolve
MEASURES = ("turned", "reached", "liquidated")
PLACEBO = "placebo bands"
ROUNDING = 1e-9  # log price: a price on an edge may be computed just beside it
MOST_SHIFTS = 3  # widths that a mirror image is moved to get clear of clusters


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """
    What was known at one instant: ``price`` and the bands ``[low, high)`` of its clusters, shape ``(n, 2)`` [quote].

    ``atr`` is the average true range of an hour, as a share of the price.
    """

    ts_us: int
    price: float
    atr: float
    bands: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ClusterSums:
    """
    Sums by day, shape ``(n_days, n_horizons, n_measures, 2, 2)``.

    The last axes are cluster or placebo, and numerator or denominator of a rate.
    """

    sums: Floats
    horizons_h: tuple[int, ...]

    @property
    def touches(self) -> int:
        """Number of touches of clusters that resolved, at the longest horizon."""
        return int(self.sums[:, -1, MEASURES.index("turned"), 0, 1].sum())


def sum_cuts(
    cuts: Sequence[Cut],
    candles: PriceSeries,
    orders: Orders,
    horizons_h: Sequence[int] = HORIZONS_H,
    atrs: float = ATRS,
) -> ClusterSums:
    """
    Sum up what price did at the clusters of all cuts and at their placebos.

    A horizon counts where the candles go on for twice as long: a touch at its end has as much time to resolve. Cuts are
    closer together than horizons are long, so several cuts see the same touch of the same band: only the first one
    counts for turning. Repeats would add no information, and weigh some touches more than others.
    """
    days = sorted({cut.ts_us // DAY_US for cut in cuts})
    sums = np.zeros((len(days), len(horizons_h), len(MEASURES), 2, 2))
    ends_us = int(candles.ts_us[-1]) + candles.step_us if len(candles.ts_us) else 0
    path = _Path(candles.ts_us, np.log(candles.low), np.log(candles.high))
    seen: list[_Touches] = [{} for _ in horizons_h]
    for cut in sorted(cuts, key=lambda one: one.ts_us):
        bands, placebos = pair_bands(cut)
        row = days.index(cut.ts_us // DAY_US)
        for at, hours in enumerate(horizons_h):
            if len(bands) and cut.ts_us + 2 * hours * HOUR_US <= ends_us:
                pairs = np.concatenate([bands, placebos])
                both, touched = _measure(cut, pairs, path, orders, hours, atrs)
                repeated = _find_repeated(seen[at], touched, pairs, float(np.log(cut.price)))
                both[MEASURES.index("turned"), :, repeated] = 0.0
                sums[row, at] += both.reshape(len(MEASURES), 2, 2, -1).sum(axis=3).transpose(0, 2, 1)
    return ClusterSums(sums, tuple(horizons_h))


def summarise_clusters(found: ClusterSums, events: int) -> Score:
    """
    Estimate the differences to the placebo, and give the verdict.

    The verdict is about turning: skill if price turned at clusters more often than at their placebos within any of the
    horizons, by intervals that hold for all horizons at once.

    Parameters
    ----------
    events : int
        Orders that the scored stretch holds.
    """
    kept = found.sums[found.sums[:, :, :, 0, 1].any(axis=(1, 2))]
    shape = found.sums.shape[1:]

    flat = kept.reshape(len(kept), -1)
    placebo = _divide(shape, flat.sum(axis=0))[..., 1]
    measures = []
    for measure, name in enumerate(MEASURES):
        # One measure at a time: the correction is for having looked at several horizons of it.
        own = estimate(flat, partial(_own_rate, shape, measure), BLOCK)
        apart = estimate(flat, partial(_difference, shape, measure), BLOCK)
        for at, hours in enumerate(found.horizons_h):
            if not np.isnan(apart[at].value):
                base = float(placebo[at, measure])
                measures.append(build_measure(f"{name} within {hours} h", PLACEBO, own[at], base, apart[at]))
    turned = [m.wide_low for m in measures if m.name.startswith(MEASURES[0]) and m.wide_low is not None]
    lowest = max(turned, default=None)
    verdict = judge(len(kept), events, lowest) if found.touches >= LEAST_TOUCHES else "too little data"
    return Score(len(kept), events, verdict, tuple(measures), found.touches)


def _divide(shape: tuple[int, ...], sums: Floats) -> Floats:
    """Divide sums of shape ``(..., n)`` to rates of shape ``(..., n_horizons, n_measures, 2)``; NaN for 0 / 0."""
    both = sums.reshape(*sums.shape[:-1], *shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(both[..., 0] / both[..., 1])


def _own_rate(shape: tuple[int, ...], measure: int, sums: Floats) -> Floats:
    return np.asarray(_divide(shape, sums)[..., measure, 0])


def _difference(shape: tuple[int, ...], measure: int, sums: Floats) -> Floats:
    rates = _divide(shape, sums)[..., measure, :]
    return np.asarray(rates[..., 0] - rates[..., 1])


def pair_bands(cut: Cut) -> tuple[Floats, Floats]:
    """
    Return the bands that lie beside the price and have a placebo, and the placebos: log distances, shape ``(n, 2)``.

    Neither reaches across the price.
    """
    bands = np.log(cut.bands / cut.price).reshape(-1, 2)
    pairs = [(band, placebo) for band in bands if (placebo := _place_placebo(band, bands)) is not None]
    if not pairs:
        return np.zeros((0, 2)), np.zeros((0, 2))
    return np.array([band for band, _ in pairs]), np.array([placebo for _, placebo in pairs])


def _place_placebo(band: Floats, bands: Floats) -> Floats | None:
    if band[0] <= 0 <= band[1]:
        return None
    mirrored = -band[::-1]
    width = float(band[1] - band[0])
    outward = np.sign(mirrored[0]) * width
    for shift in range(MOST_SHIFTS + 1):
        for way in (1, -1) if shift else (1,):
            placed = mirrored + way * shift * outward
            beside = bool((placed > 0).all() or (placed < 0).all())
            if beside and not ((placed[0] < bands[:, 1]) & (bands[:, 0] < placed[1])).any():
                return np.asarray(placed)
    return None


# Touched bands [log price] by what touched them: candle, whether from below, and whether the band is a placebo.
_Touches = dict[tuple[int, bool, bool], list[Floats]]


def _find_repeated(seen: _Touches, touched: Ints, bands: Floats, origin: float) -> NDArray[np.intp]:
    """
    Find the bands whose touch was seen from an earlier cut, and add the others to ``seen``.

    A touch is the same if the same candle reached an overlapping band from the same side, of the same kind: ``bands``
    are the clusters and then their placebos, ``touched`` the candle of each, -1 if none.
    """
    repeated = []
    for k in np.flatnonzero(touched >= 0).tolist():
        band = bands[k] + origin
        same = seen.setdefault((int(touched[k]), bool(bands[k, 0] > 0), 2 * k >= len(bands)), [])
        if any(other[0] < band[1] and band[0] < other[1] for other in same):
            repeated.append(k)
        else:
            same.append(band)
    return np.array(repeated, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    ts_us: Ints
    low: Floats
    high: Floats


def _measure(cut: Cut, bands: Floats, path: _Path, orders: Orders, hours: float, atrs: float) -> tuple[Floats, Ints]:
    """
    Measure what price did at bands after a cut.

    A touched band turned if price moved ``atrs`` ATRs (or the width of the band, if that is more) back from its nearer
    edge before it moved as far beyond this edge: in a random walk one of two does, whatever the width. It has the
    horizon for that, counted from the touch. A candle that does both counts half.

    Returns
    -------
    rates : array, shape ``(n_measures, 2, n_bands)``
        Numerators and denominators of the rates.
    touched : array, shape ``(n_bands,)``
        The candle that touched each band, -1 where none did.
    """
    length_us = round(hours * HOUR_US)
    start, stop, last = np.searchsorted(
        path.ts_us, [cut.ts_us, cut.ts_us + length_us, cut.ts_us + 2 * length_us]
    ).tolist()
    origin = float(np.log(cut.price))
    above = bands[:, 0] > 0
    near = np.where(above, bands[:, 0], -bands[:, 1]) - ROUNDING
    far = np.maximum(atrs * cut.atr, bands[:, 1] - bands[:, 0])
    falls, rises = origin - path.low[start:last], path.high[start:last] - origin
    ahead = (np.maximum.accumulate(falls), np.maximum.accumulate(rises))
    reached_at = np.where(above, np.searchsorted(ahead[1], near), np.searchsorted(ahead[0], near))
    reached = reached_at < stop - start
    turned, resolved = np.zeros(len(bands)), np.zeros(len(bands))
    for k in np.flatnonzero(reached):
        first, sign = start + int(reached_at[k]), 1.0 if above[k] else -1.0
        span = slice(first, min(first + stop - start, last))
        toward = sign * ((path.high if above[k] else path.low)[span] - origin)
        back = sign * ((path.low if above[k] else path.high)[span] - origin)
        through = toward >= near[k] + far[k]
        away = back <= near[k] - far[k]
        away[0] = False  # of the candle that touched, the way back may have been the way there
        either = np.flatnonzero(through | away)
        if len(either):
            resolved[k] = 1.0
            turned[k] = 0.5 if through[either[0]] and away[either[0]] else float(away[either[0]])
    inside = orders.between(cut.ts_us, cut.ts_us + length_us)
    total = float(inside.notional.sum())
    offset = np.log(inside.price) - origin + ROUNDING
    hit = (offset >= bands[:, :1]) & (offset < bands[:, 1:])
    share = hit @ inside.notional / total if total > 0 else np.zeros(len(bands))
    one = np.ones(len(bands))
    known = one if total > 0 else 0 * one
    rates = np.array([[turned, resolved], [reached * 1.0, one], [share, known]])
    return rates, np.where(reached, start + reached_at, -1)
