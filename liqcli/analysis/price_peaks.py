"""
Find the bands of a price profile: ranges of the price axis that hold more than their surroundings.

The steps, each a function here or in :mod:`liqcli.analysis.profile_surface`:

1. **ground**: a low quantile over half the axis, smoothed; a broad hill or a trend raises it, a band does not;
2. **peaks** of the lightly smoothed profile above its ground, by topographic prominence, each with its range from
   valley to valley; a bump on a shoulder is not a peak;
3. **trimming** each range to the run of bins with the largest sum above half its own mean, so that a dip inside a band
   does not split it and a stray event beside it does not extend it;
4. **joining** neighbors when the gap between them is no emptier than chance explains, up to the width of the widest
   band; wider ranges are cut at their valleys;
5. **keeping** what holds enough, and with certainty several times its surroundings, or a large part of everything.

When all events lie on a short part of the axis, the widest band is a part of it, so that a dense hour shows its detail.
A band without neighbors is searched first and may be wider: nothing beside it justifies cutting it in two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from liqcli.analysis.profile_surface import (
    Profile,
    ProfileSurface,
    build_surface,
    cut_wide,
    drop_empty_rim,
    join_ranges,
    measure_ground,
    split_at_valleys,
)

DEFAULT_MIN_SHARE = 0.02
CONTRAST = 2.6  # least weight of a band relative to its surroundings,
FAINT_CONTRAST = 1.5  # or this if the window has no such band,
SIGMAS = 3.0  # after subtracting this many standard deviations of its weight;
LARGE_SHARE, LARGE_CONTRAST = 0.1, 2.5  # or this share of the window's USD, at this multiple of the USD beside it
BESIDE = 0.5  # of the widest band: the surroundings on either side
DENSE = 1.5  # least density of the core of a hill relative to the rest


@dataclass(frozen=True, slots=True)
class PeakBand:
    """
    A run of bins ``[low, high)``; ``peak`` is the bin with the most USD.

    ``usd`` is its sum [1e-6 USD]; ``contrast`` compares its mean weight per bin, less three standard deviations, with
    that of the bins beside it; ``usd_contrast`` compares its mean USD per bin with theirs (inf when nothing is beside
    it).
    """

    low: int
    high: int
    peak: int
    usd: int
    contrast: float
    usd_contrast: float


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
        Most bins of a band.
    min_share : float
        Least share of the USD of the whole profile, 0 to 1.
    widest_alone : int or None
        Most bins of a band without neighbors; None: ``widest``.

    Returns
    -------
    list of PeakBand
        Empty for an empty or level profile. If nothing rises above a broad ground that is itself a hill, the core of
        the hill; else bands that are faint but certain.
    """
    total = int(usd.sum())
    if total <= 0:
        return []
    surface = build_surface(roots, usd, widest, measure_ground(roots))
    alone = [band for band in _find_alone(roots, usd, widest, widest_alone or widest) if band.usd >= min_share * total]
    runs = [
        run
        for part in join_ranges(surface, split_at_valleys(surface))
        for run in cut_wide(surface, part.low, part.high)
    ]
    runs = [drop_empty_rim(usd, *run) for run in runs if not any(b.low < run[1] and run[0] < b.high for b in alone)]
    heavy = [run for run in runs if int(usd[slice(*run)].sum()) >= min_share * total]
    taken = [*heavy, *((b.low, b.high) for b in alone)]
    bands = [*alone, *(_describe(surface, *run, _list_beside(surface, taken, *run)) for run in heavy)]
    bands.sort(key=lambda b: b.low)
    plain = [b for b in bands if b.contrast >= CONTRAST or _is_large(b, total)]
    return plain or [b for b in bands if b.contrast >= FAINT_CONTRAST] or _find_core(surface)


def _find_alone(roots: Profile, usd: Profile, widest: int, widest_alone: int) -> list[PeakBand]:
    """
    Find bands wider than ``widest`` that rise above everything beside them, other bands included.

    The ground is taken as 0: on a short axis it would be measured inside the band.
    """
    if widest_alone <= widest:
        return []
    bare = build_surface(roots, usd, widest_alone, np.zeros(len(roots)))
    runs = [drop_empty_rim(usd, part.low, part.high) for part in join_ranges(bare, split_at_valleys(bare))]
    bands = [_describe_alone(bare, *run) for run in runs if widest < run[1] - run[0] <= widest_alone]
    return [band for band in bands if band.contrast >= CONTRAST]


def _list_beside(surface: ProfileSurface, runs: list[tuple[int, int]], low: int, high: int) -> list[int]:
    """List the bins beside a run, except those of other runs."""
    reach = _reach(surface)
    taken = {k for run in runs for k in range(*run)}
    return [k for k in range(max(0, low - reach), min(len(surface.weight), high + reach)) if k not in taken]


def _reach(surface: ProfileSurface) -> int:
    return max(2, round(BESIDE * surface.widest))


def _describe_alone(surface: ProfileSurface, low: int, high: int) -> PeakBand:
    """Describe a band compared with everything beside it; beyond the ends of the axis there is nothing."""
    beside = _list_beside(surface, [(low, high)], low, high)
    return _describe(surface, low, high, beside, 2 * _reach(surface) - len(beside))


def _describe(surface: ProfileSurface, low: int, high: int, beside: list[int], beyond: int = 0) -> PeakBand:
    """Describe a band by its contents, the bins ``beside`` it and the number of empty ones ``beyond`` the axis."""
    peak = low + int(np.argmax(surface.usd[low:high]))  # the lower one on a tie
    weight, usd = float(surface.weight[low:high].sum()), float(surface.usd[low:high].sum())
    sure = max(weight - SIGMAS * math.sqrt(usd), 0.0)
    count = len(beside) + beyond
    # A band surrounded by other bands has no contrast of its own; it can still be large.
    unknown = 0.0 if high - low == len(surface.weight) else math.inf
    contrast = _divide(sure / (high - low), float(surface.weight[beside].sum()) / count if count else unknown)
    usd_contrast = _divide(usd / (high - low), float(surface.usd[beside].sum()) / count if count else 0.0)
    return PeakBand(low, high, peak, int(usd), contrast, usd_contrast)


def _divide(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.inf if part > 0 else 0.0


def _is_large(band: PeakBand, total: int) -> bool:
    return band.usd >= LARGE_SHARE * total and band.usd_contrast >= LARGE_CONTRAST


def _find_core(surface: ProfileSurface) -> list[PeakBand]:
    """Find the heaviest run of the widest width, if it is with certainty denser than the rest."""
    n, width = len(surface.weight), min(surface.widest, len(surface.weight))
    sums = np.convolve(surface.weight, np.ones(width), "valid")
    low = int(np.argmax(sums))
    rest = [k for k in range(n) if not low <= k < low + width]
    core = _describe(surface, low, low + width, rest)
    return [core] if core.contrast >= DENSE else []
