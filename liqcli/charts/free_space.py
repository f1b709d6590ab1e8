"""Find free places for labels in a panel: which pixels are taken by data, and which by other labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from liqcli.charts.canvas import Box

_STEP = 4.0  # side of a field of the raster [px]
_WORDS = 10_000  # weight of other labels, which must not be covered


class FreeSpace:
    """
    A coarse raster of a panel: labels must not touch each other, and cover as little data as possible.

    Parameters
    ----------
    panel : Box
        The panel; labels stay inside it.
    """

    def __init__(self, panel: Box) -> None:
        self._panel = panel
        shape = int(np.ceil(panel.height / _STEP)) + 1, int(np.ceil(panel.width / _STEP)) + 1
        self._taken: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        self._sums: NDArray[np.int64] | None = None

    def take(self, boxes: Sequence[Box]) -> None:
        """Reserve the boxes of labels."""
        for box in boxes:
            left, right = self._columns(np.array([box.left, box.right]))
            bottom, top = self._rows(np.array([box.bottom, box.top]))
            self._taken[bottom : top + 1, left : right + 1] += _WORDS
        self._sums = None

    def cover(self, left: ArrayLike, right: ArrayLike, bottom: ArrayLike, top: ArrayLike, weight: int = 1) -> None:
        """Mark the places of data, n rectangles in pixels."""
        x0, x1, y0, y1 = np.broadcast_arrays(left, right, bottom, top)
        columns = self._columns(x0), self._columns(x1)
        rows = self._rows(y0), self._rows(y1)
        steps: NDArray[np.int64] = np.zeros(np.add(self._taken.shape, 1), dtype=np.int64)
        for row, column, sign in ((rows[0], columns[0], 1), (rows[1] + 1, columns[1] + 1, 1)):
            np.add.at(steps, (row, column), sign)
        for row, column in ((rows[0], columns[1] + 1), (rows[1] + 1, columns[0])):
            np.add.at(steps, (row, column), -1)
        covered = np.cumsum(np.cumsum(steps, axis=0), axis=1)[:-1, :-1] > 0
        self._taken += weight * covered
        self._sums = None

    def find(self, width: float, height: float, bottoms: Sequence[float], lefts: ArrayLike) -> tuple[Box, float] | None:
        """
        Find the place that covers the least data, the first of equals; None where labels are everywhere.

        Parameters
        ----------
        width, height : float
            Size of the label. [px]
        bottoms, lefts : sequences of float
            Places to try, best first. [px]

        Returns
        -------
        (Box, float) or None
            The place, and the covered share of it, 0 to 1.
        """
        panel = self._panel
        x = np.asarray(lefts, dtype=np.float64)
        x = x[(x >= panel.left) & (x + width <= panel.right)]
        best: tuple[Box, float] | None = None
        for bottom in bottoms:
            if not len(x) or bottom < panel.bottom or bottom + height > panel.top:
                continue
            cost, area = self._sum(x, x + width, bottom, bottom + height)
            k = int(np.argmin(cost))
            share = float(cost[k] / area[k])
            if cost[k] < _WORDS and (best is None or share < best[1] - 1e-9):
                best = Box(float(x[k]), bottom, width, height), share
        return best

    def _sum(
        self, left: NDArray[np.float64], right: NDArray[np.float64], bottom: float, top: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self._sums is None:
            self._sums = np.pad(np.cumsum(np.cumsum(self._taken, axis=0), axis=1), ((1, 0), (1, 0)))
        x0, x1 = self._columns(left), self._columns(right) + 1
        y0, y1 = (int(k) for k in self._rows(np.array([bottom, top])))
        y1 += 1
        sums = self._sums
        return sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0], (y1 - y0) * (x1 - x0)

    def _columns(self, x: ArrayLike) -> NDArray[np.int64]:
        return self._clip((np.asarray(x) - self._panel.left) / _STEP, self._taken.shape[1])

    def _rows(self, y: ArrayLike) -> NDArray[np.int64]:
        return self._clip((np.asarray(y) - self._panel.bottom) / _STEP, self._taken.shape[0])

    @staticmethod
    def _clip(at: NDArray[np.float64], count: int) -> NDArray[np.int64]:
        return np.clip(np.floor(at), 0, count - 1).astype(np.int64)
