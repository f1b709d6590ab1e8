"""Find the peaks of a row of numbers and their topographic prominence."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def find_peaks(values: NDArray[Any]) -> list[int]:
    """Find the local maxima, ends included; of a flat top its middle bin, the lower of two."""
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
    Compute the prominence of each peak: how far one must descend before reaching higher ground.

    Beyond the ends there is nothing: the highest peak has its height above the higher of the lowest points on its two
    sides, as in ``scipy.signal.find_peaks``, whose reference values a test checks.
    """
    heights = values.tolist()

    def base(peak: int, step: int) -> float:
        lowest, k = heights[peak], peak
        while 0 <= k < len(heights) and heights[k] <= heights[peak]:
            lowest = min(lowest, heights[k])
            k += step
        return float(lowest)

    return [heights[peak] - max(base(peak, -1), base(peak, +1)) for peak in peaks]
