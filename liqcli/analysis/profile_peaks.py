"""From a price profile to bands: which stretches of the price axis hold more than the ground they stand on.

Pure numbers, no price and no clock: a profile is USD per bin, a band is a run of bins. The steps, each a function:

1. **ground** – a low quantile over half the axis, smoothed: a broad hill or a trend lifts it, a band does not;
2. **peaks** – of the lightly smoothed profile above its ground, by topographic prominence, each with the stretch from
   valley to valley; a bump on a shoulder is no peak;
3. **trimming** – of a stretch to the run of bins that holds the most above half its own mean, so that a dip inside a
   band does not cut it and a stray print beside it does not stretch it;
4. **joining** – of neighbours whose gap is no emptier than chance would leave it, judged by the size of the orders:
   ten thousand small orders make a valley believable, ten large ones do not;
5. **keeping** – of what holds enough, stands well above its ground and is more than one large order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.prominence import find_peaks, find_prominences

Profile = NDArray[np.int64]
Floats = NDArray[np.float64]

DEFAULT_MIN_SHARE = 0.02
CONTRAST = 2.5  # a band holds at least so many times its ground
FAINT_CONTRAST = 1.5  # where there is no such band and no hill either, bands so faint count if they are certain:
FAINT_SIGMAS = 4.0  # what they hold above the ground is so many times its own scatter
GROUND_QUANTILE = 0.4  # below the median: bands may cover half of the axis
SHOULDER = 0.15  # a peak whose prominence is less than this part of its height is a bump on a shoulder
EDGE = 0.5  # a band ends where a bin holds less than half of the band's mean
OPEN_GAP = 0.6  # a gap that is filled to more than this part of its thinner neighbour is no gap
GAP_SIGMAS = 2.0
LEAST_ORDERS = 2.0  # what makes a cluster: the weight of two equal orders at the least
FEW_ORDERS = 10.0  # with less than ten times that in the window, single orders count
CORE_EDGE = 0.8  # where only one broad hill is there, its core is what exceeds this part of the core's mean
DENSE = 1.5  # a wide band is so much denser than the window's average
NARROW_BINS = 3  # a band as narrow as this is compact by itself,
NARROW_PART = 0.05  # or as this part of the axis


@dataclass(frozen=True, slots=True)
class Band:
    """
    A run of bins ``[low, high)`` with its highest bin.

    ``weight`` is the profile's sum inside; ``orders`` the number of equal orders that would scatter as much (Kish's
    effective number); ``contrast`` the weight over that of the ground below it (inf on empty ground).
    """

    low: int
    high: int
    peak: int
    weight: int
    orders: float
    contrast: float


@dataclass(frozen=True, slots=True)
class _Terrain:
    """The profile as the steps see it: weight per bin, sum of squared orders per bin, ground, what is above it."""

    weight: Floats
    squares: Floats
    ground: Floats
    above: Floats
    smooth: Floats
    orders: float

    def limit(self, most: float) -> float:
        """A number of sigmas, relaxed where the whole window is but a few orders."""
        return min(most, math.sqrt(self.orders / FEW_ORDERS))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Valley to valley ``[left, right)``, and the trimmed run ``[low, high)`` inside."""

    left: int
    right: int
    low: int
    high: int


def find_bands(profile: Profile, squares: Floats, min_share: float = DEFAULT_MIN_SHARE) -> list[Band]:
    """
    Find the bands of a profile: disjoint, by rising bin.

    Parameters
    ----------
    profile : array of int64, shape ``(n_bins,)``
        What each bin holds [1e-6 USD], not negative.
    squares : array of float64, shape ``(n_bins,)``
        Sum of the squares of the single orders in each bin [(1e-6 USD)²]: tells one order from many.
    min_share : float
        Part of the whole profile that a band must hold.

    Returns
    -------
    list of Band
        Empty for an empty profile and for one that is level. Where nothing stands out of a broad ground but the
        ground itself is a hill, the core of that hill; else bands that are faint but certain.
    """
    total = int(profile.sum())
    if total <= 0:
        return []
    terrain = _survey(profile, squares)
    stretches = _join(terrain, _split(terrain))
    bands = [_describe(terrain, profile, s.low, s.high) for s in stretches]
    sound = [band for band in bands if _is_sound(terrain, band, total, min_share)]
    plain = [band for band in sound if band.contrast >= CONTRAST]
    faint = [band for band in sound if band.contrast >= FAINT_CONTRAST and math.sqrt(band.orders) >= FAINT_SIGMAS]
    return plain or _find_core(terrain, profile, total, min_share) or faint


def measure_ground(profile: Profile) -> Floats:
    """Give the level that bands stand on, shape ``(n_bins,)``: a low quantile over half the axis, then a mean."""
    n = len(profile)
    reach = max(4, n // 4)
    level = np.empty(n)
    for k in range(n):
        around = np.sort(profile[max(0, k - reach) : k + reach + 1])
        level[k] = around[int(GROUND_QUANTILE * (len(around) - 1))]
    near = max(1, reach // 2)
    return np.array([level[max(0, k - near) : k + near + 1].mean() for k in range(n)])


def _survey(profile: Profile, squares: Floats) -> _Terrain:
    padded = np.concatenate(([0], profile, [0]))
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    ground = measure_ground(profile)
    weight = profile.astype(np.float64)
    orders = float(weight.sum()) ** 2 / max(float(squares.sum()), 1e-300)
    return _Terrain(weight, squares, ground, weight - ground, smooth - ground, orders)


def _split(terrain: _Terrain) -> list[_Stretch]:
    """Cut the axis at the valleys between the peaks that stand out of their shoulders."""
    # The axis goes on beyond its ends, and nothing is there: a peak at the end stands as high as it is.
    framed = np.concatenate(([-terrain.ground[0]], terrain.smooth, [-terrain.ground[-1]]))
    tops = [peak for peak in find_peaks(framed) if 0 < peak <= len(terrain.smooth) and framed[peak] > 0]
    heights = zip(tops, find_prominences(framed, tops), strict=True)
    peaks = [peak - 1 for peak, prominence in heights if prominence >= SHOULDER * framed[peak]]
    valleys = [a + int(np.argmin(terrain.smooth[a : b + 1])) for a, b in pairwise(peaks)]
    cuts = [0, *valleys, len(terrain.smooth)]
    return [_stretch(terrain, a, b) for a, b in pairwise(cuts)] if peaks else []


def _stretch(terrain: _Terrain, left: int, right: int) -> _Stretch:
    return _Stretch(left, right, *_trim(terrain.above, left, right, EDGE))


def _trim(above: Floats, left: int, right: int, edge: float) -> tuple[int, int]:
    """Shrink a stretch to the run with the largest sum over ``edge`` times its own mean, until nothing changes."""
    low, high = left, right
    for _ in range(32):
        level = edge * max(float(above[low:high].mean()), 0.0)
        start, end = _heaviest_run(above[left:right] - level)
        if (left + start, left + end) == (low, high):
            break
        low, high = left + start, left + end
    return low, high


def _heaviest_run(values: Floats) -> tuple[int, int]:
    """Give the run ``[start, end)`` with the largest sum, the first one on a tie (Kadane)."""
    best, span, running, start = -math.inf, (0, 1), 0.0, 0
    for k, value in enumerate(values.tolist()):
        if running <= 0:
            running, start = 0.0, k
        running += value
        if running > best:
            best, span = running, (start, k + 1)
    return span


def _join(terrain: _Terrain, stretches: list[_Stretch]) -> list[_Stretch]:
    """Join the two neighbours with the least believable gap, until every gap is believable."""
    limit = terrain.limit(GAP_SIGMAS)
    gaps = [_gap_sigmas(terrain, a, b) for a, b in pairwise(stretches)]
    while gaps and min(gaps) < limit:
        k = gaps.index(min(gaps))
        stretches[k : k + 2] = [_stretch(terrain, stretches[k].left, stretches[k + 1].right)]
        del gaps[k]
        for j in (k - 1, k):
            if 0 <= j < len(gaps):
                gaps[j] = _gap_sigmas(terrain, stretches[j], stretches[j + 1])
    return stretches


def _gap_sigmas(terrain: _Terrain, below: _Stretch, over: _Stretch) -> float:
    """By how many standard deviations the gap holds less than it would if the thinner neighbour went on through it."""
    width = over.low - below.high
    # One bin more than the band has: a lone order in one bin must not pass for a density.
    densities = [float(terrain.above[s.low : s.high].sum()) / (s.high - s.low + 1) for s in (below, over)]
    expected = min(densities) * width
    if expected <= 0:
        return 0.0
    held = max(float(terrain.above[below.high : over.low].sum()), 0.0)
    if held > OPEN_GAP * expected:
        return 0.0
    reach = slice(below.low, over.high)
    order_size = float(terrain.squares[reach].sum()) / float(terrain.weight[reach].sum())
    ground = float(terrain.ground[below.high : over.low].sum())
    return (expected - held) / math.sqrt(order_size * (expected + ground))


def _describe(terrain: _Terrain, profile: Profile, low: int, high: int) -> Band:
    filled = np.flatnonzero(profile[low:high])
    if len(filled):  # an empty bin at the rim is not where the heat is
        low, high = low + int(filled[0]), low + int(filled[-1]) + 1
    inside = range(low, high)
    peak = max(inside, key=lambda k: (int(profile[k]), float(terrain.smooth[k]), -k))
    weight, ground = int(profile[low:high].sum()), float(terrain.ground[low:high].sum())
    above = max(float(terrain.above[low:high].sum()), 0.0)
    orders = above**2 / max(float(terrain.squares[low:high].sum()), 1e-300)
    return Band(low, high, peak, weight, orders, weight / ground if ground > 0 else math.inf)


def _is_sound(terrain: _Terrain, band: Band, total: int, min_share: float) -> bool:
    return (
        band.weight > 0
        and band.weight >= min_share * total
        and math.sqrt(band.orders) >= terrain.limit(math.sqrt(LEAST_ORDERS))
        and _is_compact(band, total, len(terrain.weight))
    )


def _is_compact(band: Band, total: int, n_bins: int) -> bool:
    """Whether what makes a band wide is dense: sparse prints strung along a quarter of the axis are no cluster."""
    beyond = band.high - band.low - max(NARROW_BINS, n_bins * NARROW_PART)
    return band.weight * n_bins >= DENSE * beyond * total


def _find_core(terrain: _Terrain, profile: Profile, total: int, min_share: float) -> list[Band]:
    """Where nothing stands out of the ground: the core of the ground itself, if that is one hill."""
    n = len(profile)
    band = _describe(terrain, profile, *_trim(terrain.weight, 0, n, CORE_EDGE))
    dense = n <= NARROW_BINS or band.weight * n >= DENSE * (band.high - band.low) * total
    sound = band.weight**2 >= terrain.limit(math.sqrt(LEAST_ORDERS)) ** 2 * float(
        terrain.squares[band.low : band.high].sum()
    )
    return [band] if dense and sound and band.weight >= min_share * total and _is_compact(band, total, n) else []
