"""
From a price profile to bands: which stretches of the price axis hold more than what lies beside them.

Pure numbers, no price and no clock: a profile is a row of bins, a band is a run of them. In the search each order
counts with the square root of its USD, so that many orders weigh more than one of the same sum. The steps, each a
function:

1. **ground** – a low quantile over half the axis, smoothed: a broad hill or a trend lifts it, a band does not;
2. **peaks** – of the lightly smoothed profile above its ground, by topographic prominence, each with the stretch from
   valley to valley; a bump on a shoulder is no peak;
3. **trimming** – of a stretch to the run of bins that holds the most above half its own mean, so that a dip inside a
   band does not cut it and a stray print beside it does not stretch it;
4. **joining** – of neighbours whose gap is no emptier than chance would leave it, as long as both together are no wider
   than a band may be; what is wider by itself is cut at its valleys;
5. **keeping** – of what holds enough, and surely several times what lies beside it, or a large part of all.

Where all events lie on a short piece of the axis, the widest band is a part of that piece, so that a dense hour shows
its detail. A band that stands alone there is searched first and may be wider: nothing beside it makes it two.

Peaks of a row of numbers and how far each stands out: topographic prominence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray


def find_peaks(values: NDArray[Any]) -> list[int]:
    """Find the local maxima, ends included; of a level top its middle bin, the lower of two."""
    heights = values.tolist()
    peaks, start = [], 0
    for end in range(1, len(heights) + 1):
        if end < len(heights) and heights[end] == heights[start]:
            continue
        rises = start == 0 or heights[start - 1] < heights[start]
        if rises and (end == len(heights) or heights[end] < heights[start]):
            peaks.append((start + end - 1) // 2)
        start = end
    return peaks


def find_prominences(values: NDArray[Any], peaks: list[int]) -> list[float]:
    """
    Measure how far one must descend from each peak before the way leads to higher ground.

    Beyond the ends there is nothing: the highest peak of all stands out by its height above the higher of the lowest
    points on its two sides, as in ``scipy.signal.find_peaks``, whose reference numbers the test replays.
    """
    heights = values.tolist()

    def base(peak: int, step: int) -> float:
        lowest, k = heights[peak], peak
        while 0 <= k < len(heights) and heights[k] <= heights[peak]:
            lowest = min(lowest, heights[k])
            k += step
        return float(lowest)

    return [heights[peak] - max(base(peak, -1), base(peak, +1)) for peak in peaks]


Profile = NDArray[np.int64]
Floats = NDArray[np.float64]

DEFAULT_MIN_SHARE = 0.02
CONTRAST = 2.6  # a band weighs at least so many times what lies beside it,
FAINT_CONTRAST = 1.5  # or so many where the window has no such band,
SIGMAS = 3.0  # even if it weighed so many of its standard deviations less;
LARGE_SHARE, LARGE_CONTRAST = 0.1, 2.5  # or it holds so much of the window's USD, and so many times the USD beside it
BESIDE = 0.5  # what lies beside a band: as far as this part of the widest band, on either side
DENSE = 1.5  # where the window is one hill, its core is so much denser than the rest
GROUND_QUANTILE = 0.4  # below the median: bands may cover half of the axis
SHOULDER = 0.15  # a peak whose prominence is less than this part of its height is a bump on a shoulder
EDGE = 0.5  # a band ends where a bin holds less than half of the band's mean
OPEN_GAP = 0.6  # a gap that is filled to more than this part of its thinner neighbour is no gap
GAP_SIGMAS = 2.5


@dataclass(frozen=True, slots=True)
class PeakBand:
    """
    A run of bins ``[low, high)``; ``peak`` is the one that holds the most USD.

    ``usd`` is what it holds; ``contrast`` by how many times its weight a bin exceeds that of the bins beside it, were
    it three standard deviations less; ``usd_contrast`` the same of its USD, as they are (inf where nothing is beside).
    """

    low: int
    high: int
    peak: int
    usd: int
    contrast: float
    usd_contrast: float


@dataclass(frozen=True, slots=True)
class _ProfileSurface:
    """
    The profile as the steps see it: weight per bin, ground, what is above it, the widest band.

    The USD of a bin are the sum of the squares of its orders' weights, so they are also the variance of its weight.
    """

    weight: Floats
    usd: Floats
    ground: Floats
    above: Floats
    smooth: Floats
    widest: int


@dataclass(frozen=True, slots=True)
class _BinRange:
    """Valley to valley ``[left, right)``, and the trimmed run ``[low, high)`` inside."""

    left: int
    right: int
    low: int
    high: int


def find_bands(
    roots: Profile,
    usd: Profile,
    widest: int,
    min_share: float = DEFAULT_MIN_SHARE,
    widest_alone: int | None = None,
) -> list[PeakBand]:
    """
    Find the bands of a profile: disjoint, by rising bin.

    Parameters
    ----------
    roots : array of int64, shape ``(n_bins,)``
        Sum of the square roots of the orders in each bin [(1e-6 USD)^0.5].
    usd : array of int64, shape ``(n_bins,)``
        Sum of the orders in each bin [1e-6 USD].
    widest : int
        Bins that a band may have.
    min_share : float
        Part of the USD of the whole profile that a band must hold.
    widest_alone : int or None
        Bins that a band may have which stands alone (None: no more than ``widest``).

    Returns
    -------
    list of Band
        Empty for an empty profile and for one that is level. Where nothing stands out of a broad ground but the
        ground itself is a hill, the core of that hill; else bands that are faint but certain.
    """
    total = int(usd.sum())
    if total <= 0:
        return []
    terrain = _survey(roots, usd, widest, measure_ground(roots))
    alone = [band for band in _find_alone(roots, usd, widest, widest_alone or widest) if band.usd >= min_share * total]
    runs = [run for stretch in _join(terrain, _split(terrain)) for run in _cut(terrain, stretch.low, stretch.high)]
    runs = [_shrink(usd, *run) for run in runs if not any(b.low < run[1] and run[0] < b.high for b in alone)]
    heavy = [run for run in runs if int(usd[slice(*run)].sum()) >= min_share * total]
    taken = [*heavy, *((b.low, b.high) for b in alone)]
    bands = [*alone, *(_describe(terrain, *run, _list_beside(terrain, taken, *run)) for run in heavy)]
    bands.sort(key=lambda b: b.low)
    plain = [b for b in bands if b.contrast >= CONTRAST or _is_large(b, total)]
    return plain or [b for b in bands if b.contrast >= FAINT_CONTRAST] or _find_core(terrain)


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


def _survey(roots: Profile, usd: Profile, widest: int, ground: Floats) -> _ProfileSurface:
    padded = np.concatenate(([0], roots, [0]))
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    weight = roots.astype(np.float64)
    return _ProfileSurface(weight, usd.astype(np.float64), ground, weight - ground, smooth - ground, widest)


def _find_alone(roots: Profile, usd: Profile, widest: int, widest_alone: int) -> list[PeakBand]:
    """
    Find the bands wider than ``widest`` that stand out of all that lies beside them, other bands included.

    The search takes the ground as 0: on a short axis it would be measured in the band itself.
    """
    if widest_alone <= widest:
        return []
    bare = _survey(roots, usd, widest_alone, np.zeros(len(roots)))
    runs = [_shrink(usd, stretch.low, stretch.high) for stretch in _join(bare, _split(bare))]
    bands = [_describe_alone(bare, *run) for run in runs if widest < run[1] - run[0] <= widest_alone]
    return [band for band in bands if band.contrast >= CONTRAST]


def _split(terrain: _ProfileSurface) -> list[_BinRange]:
    """Cut the axis at the valleys between the peaks that stand out of their shoulders."""
    # The axis goes on beyond its ends, and nothing is there: a peak at the end stands as high as it is.
    framed = np.concatenate(([-terrain.ground[0]], terrain.smooth, [-terrain.ground[-1]]))
    tops = [peak for peak in find_peaks(framed) if 0 < peak <= len(terrain.smooth) and framed[peak] > 0]
    heights = zip(tops, find_prominences(framed, tops), strict=True)
    peaks = [peak - 1 for peak, prominence in heights if prominence >= SHOULDER * framed[peak]]
    valleys = [a + int(np.argmin(terrain.smooth[a : b + 1])) for a, b in pairwise(peaks)]
    cuts = [0, *valleys, len(terrain.smooth)]
    return [_stretch(terrain, a, b) for a, b in pairwise(cuts)] if peaks else []


def _stretch(terrain: _ProfileSurface, left: int, right: int) -> _BinRange:
    return _BinRange(left, right, *_trim(terrain.above, left, right))


def _trim(above: Floats, left: int, right: int) -> tuple[int, int]:
    """Shrink a stretch to the run with the largest sum over ``EDGE`` times its own mean, until nothing changes."""
    low, high = left, right
    for _ in range(32):
        level = EDGE * max(float(above[low:high].mean()), 0.0)
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


def _join(terrain: _ProfileSurface, stretches: list[_BinRange]) -> list[_BinRange]:
    """Join the two neighbours with the least believable gap, until every gap is believable."""
    gaps = [_gap_sigmas(terrain, a, b) for a, b in pairwise(stretches)]
    while gaps and min(gaps) < GAP_SIGMAS:
        k = gaps.index(min(gaps))
        joined = _stretch(terrain, stretches[k].left, stretches[k + 1].right)
        stretches[k : k + 2] = [joined]
        del gaps[k]
        for j in (k - 1, k):
            if 0 <= j < len(gaps):
                gaps[j] = _gap_sigmas(terrain, stretches[j], stretches[j + 1])
    return stretches


def _gap_sigmas(terrain: _ProfileSurface, below: _BinRange, over: _BinRange) -> float:
    """
    By how many standard deviations the gap holds less than it would if the thinner neighbour went on through it.

    Infinite where both together would be wider than a band may be.
    """
    if over.high - below.low > terrain.widest:
        return math.inf
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
    order_size = float(terrain.usd[reach].sum()) / float(terrain.weight[reach].sum())
    ground = float(terrain.ground[below.high : over.low].sum())
    return (expected - held) / math.sqrt(order_size * (expected + ground))


def _cut(terrain: _ProfileSurface, low: int, high: int) -> list[tuple[int, int]]:
    """Cut a run that is wider than a band may be at the lowest place of its middle half, and again."""
    if high - low <= terrain.widest:
        return [(low, high)]
    quarter = (high - low) // 4
    valley = low + quarter + int(np.argmin(terrain.smooth[low + quarter : high - quarter]))
    return [
        part
        for left, right in ((low, valley), (valley, high))
        for part in _cut(terrain, *_trim(terrain.above, left, right))
    ]


def _shrink(usd: Profile, low: int, high: int) -> tuple[int, int]:
    """Leave out empty bins at the rim: the heat is not there."""
    filled = np.flatnonzero(usd[low:high])
    return (low + int(filled[0]), low + int(filled[-1]) + 1) if len(filled) else (low, low)


def _list_beside(terrain: _ProfileSurface, runs: list[tuple[int, int]], low: int, high: int) -> list[int]:
    """List the bins beside a run, other runs left out."""
    reach = _reach(terrain)
    taken = {k for run in runs for k in range(*run)}
    return [k for k in range(max(0, low - reach), min(len(terrain.weight), high + reach)) if k not in taken]


def _reach(terrain: _ProfileSurface) -> int:
    return max(2, round(BESIDE * terrain.widest))


def _describe_alone(terrain: _ProfileSurface, low: int, high: int) -> PeakBand:
    """Describe a band beside which nothing is left out, and beyond the ends of the axis nothing lies."""
    beside = _list_beside(terrain, [(low, high)], low, high)
    return _describe(terrain, low, high, beside, 2 * _reach(terrain) - len(beside))


def _describe(terrain: _ProfileSurface, low: int, high: int, beside: list[int], beyond: int = 0) -> PeakBand:
    """Describe a band by what it holds, the bins ``beside`` it and the number of empty ones ``beyond`` the axis."""
    peak = low + int(np.argmax(terrain.usd[low:high]))  # the lower one on a tie
    weight, usd = float(terrain.weight[low:high].sum()), float(terrain.usd[low:high].sum())
    sure = max(weight - SIGMAS * math.sqrt(usd), 0.0)
    count = len(beside) + beyond
    # A part of a wide hot stretch, with other parts on both sides, does not stand out of it; it may be large.
    unknown = 0.0 if high - low == len(terrain.weight) else math.inf
    contrast = _divide(sure / (high - low), float(terrain.weight[beside].sum()) / count if count else unknown)
    usd_contrast = _divide(usd / (high - low), float(terrain.usd[beside].sum()) / count if count else 0.0)
    return PeakBand(low, high, peak, int(usd), contrast, usd_contrast)


def _divide(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.inf if part > 0 else 0.0


def _is_large(band: PeakBand, total: int) -> bool:
    return band.usd >= LARGE_SHARE * total and band.usd_contrast >= LARGE_CONTRAST


def _find_core(terrain: _ProfileSurface) -> list[PeakBand]:
    """Where nothing stands out: the heaviest bins that make a band, if they are surely denser than the rest."""
    n, width = len(terrain.weight), min(terrain.widest, len(terrain.weight))
    sums = np.convolve(terrain.weight, np.ones(width), "valid")
    low = int(np.argmax(sums))
    rest = [k for k in range(n) if not low <= k < low + width]
    core = _describe(terrain, low, low + width, rest)
    return [core] if core.contrast >= DENSE else []
