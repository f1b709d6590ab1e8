"""
The profile surface: a row of price bins as the band search sees it, and the ways to divide it into runs of bins.

Pure numbers without prices or times. The weight of an order is the square root of its USD, so that many orders weigh
more than one of the same total.
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

GROUND_QUANTILE = 0.4  # below the median, as bands may cover half of the axis
SHOULDER = 0.15  # of its height: a peak of less prominence is a bump on a shoulder
EDGE = 0.5  # of its mean: a band ends where a bin holds less
OPEN_GAP = 0.6  # of its thinner neighbor: a gap that holds more is not a gap
GAP_SIGMAS = 2.5


@dataclass(frozen=True, slots=True)
class ProfileSurface:
    """
    The weight per bin, its ground, the weight above ground, plain and smoothed, and the widest band.

    The USD of a bin are the sum of the squares of its orders' weights, and therefore the variance of its weight.
    """

    weight: Floats
    usd: Floats
    ground: Floats
    above: Floats
    smooth: Floats
    widest: int


@dataclass(frozen=True, slots=True)
class BinRange:
    """A range from valley to valley ``[left, right)``, and the trimmed run ``[low, high)`` inside."""

    left: int
    right: int
    low: int
    high: int


def measure_ground(profile: Profile) -> Floats:
    """Measure the level below the bands, shape ``(n_bins,)``: a low quantile over half the axis, then a mean."""
    n = len(profile)
    reach = max(4, n // 4)
    level = np.empty(n)
    for k in range(n):
        around = np.sort(profile[max(0, k - reach) : k + reach + 1])
        level[k] = around[int(GROUND_QUANTILE * (len(around) - 1))]
    near = max(1, reach // 2)
    return np.array([level[max(0, k - near) : k + near + 1].mean() for k in range(n)])


def build_surface(roots: Profile, usd: Profile, widest: int, ground: Floats) -> ProfileSurface:
    """Build the surface of a profile above a ground of shape ``(n_bins,)``."""
    padded = np.concatenate(([0], roots, [0]))
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    weight = roots.astype(np.float64)
    return ProfileSurface(weight, usd.astype(np.float64), ground, weight - ground, smooth - ground, widest)


def split_at_valleys(surface: ProfileSurface) -> list[BinRange]:
    """Split the axis at the valleys between the peaks that rise above their shoulders."""
    # Beyond the ends the profile is 0, so a peak at an end has its full height.
    framed = np.concatenate(([-surface.ground[0]], surface.smooth, [-surface.ground[-1]]))
    tops = [peak for peak in find_peaks(framed) if 0 < peak <= len(surface.smooth) and framed[peak] > 0]
    heights = zip(tops, find_prominences(framed, tops), strict=True)
    peaks = [peak - 1 for peak, prominence in heights if prominence >= SHOULDER * framed[peak]]
    valleys = [a + int(np.argmin(surface.smooth[a : b + 1])) for a, b in pairwise(peaks)]
    cuts = [0, *valleys, len(surface.smooth)]
    return [trim_range(surface, a, b) for a, b in pairwise(cuts)] if peaks else []


def trim_range(surface: ProfileSurface, left: int, right: int) -> BinRange:
    """Trim the bins ``[left, right)`` to the run that holds most of them."""
    return BinRange(left, right, *_trim(surface.above, left, right))


def _trim(above: Floats, left: int, right: int) -> tuple[int, int]:
    """Shrink a range to the run with the largest sum above ``EDGE`` times its own mean, until nothing changes."""
    low, high = left, right
    for _ in range(32):
        level = EDGE * max(float(above[low:high].mean()), 0.0)
        start, end = _heaviest_run(above[left:right] - level)
        if (left + start, left + end) == (low, high):
            break
        low, high = left + start, left + end
    return low, high


def _heaviest_run(values: Floats) -> tuple[int, int]:
    """Find the run ``[start, end)`` with the largest sum, the first one on a tie (Kadane)."""
    best, span, running, start = -math.inf, (0, 1), 0.0, 0
    for k, value in enumerate(values.tolist()):
        if running <= 0:
            running, start = 0.0, k
        running += value
        if running > best:
            best, span = running, (start, k + 1)
    return span


def join_ranges(surface: ProfileSurface, ranges: list[BinRange]) -> list[BinRange]:
    """Join the two neighbors with the least significant gap, until every gap is significant."""
    gaps = [_gap_sigmas(surface, a, b) for a, b in pairwise(ranges)]
    while gaps and min(gaps) < GAP_SIGMAS:
        k = gaps.index(min(gaps))
        joined = trim_range(surface, ranges[k].left, ranges[k + 1].right)
        ranges[k : k + 2] = [joined]
        del gaps[k]
        for j in (k - 1, k):
            if 0 <= j < len(gaps):
                gaps[j] = _gap_sigmas(surface, ranges[j], ranges[j + 1])
    return ranges


def _gap_sigmas(surface: ProfileSurface, below: BinRange, over: BinRange) -> float:
    """
    Measure the significance of a gap: how many standard deviations it holds less than the thinner neighbor would.

    Infinite if both together would be wider than a band may be.
    """
    if over.high - below.low > surface.widest:
        return math.inf
    width = over.low - below.high
    # One extra bin, so that a single order in one bin does not look like a high density.
    densities = [float(surface.above[s.low : s.high].sum()) / (s.high - s.low + 1) for s in (below, over)]
    expected = min(densities) * width
    if expected <= 0:
        return 0.0
    held = max(float(surface.above[below.high : over.low].sum()), 0.0)
    if held > OPEN_GAP * expected:
        return 0.0
    reach = slice(below.low, over.high)
    order_size = float(surface.usd[reach].sum()) / float(surface.weight[reach].sum())
    ground = float(surface.ground[below.high : over.low].sum())
    return (expected - held) / math.sqrt(order_size * (expected + ground))


def cut_wide(surface: ProfileSurface, low: int, high: int) -> list[tuple[int, int]]:
    """Cut a run that is wider than a band may be at the lowest place of its middle half, recursively."""
    if high - low <= surface.widest:
        return [(low, high)]
    quarter = (high - low) // 4
    valley = low + quarter + int(np.argmin(surface.smooth[low + quarter : high - quarter]))
    return [
        part
        for left, right in ((low, valley), (valley, high))
        for part in cut_wide(surface, *_trim(surface.above, left, right))
    ]


def drop_empty_rim(usd: Profile, low: int, high: int) -> tuple[int, int]:
    """Drop the empty bins at both ends of a run."""
    filled = np.flatnonzero(usd[low:high])
    return (low + int(filled[0]), low + int(filled[-1]) + 1) if len(filled) else (low, low)
