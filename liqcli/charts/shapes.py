"""Many rectangles at once, as matplotlib's collections want them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rectangles(left: ArrayLike, right: ArrayLike, bottom: ArrayLike, top: ArrayLike) -> list[NDArray[np.float64]]:
    """Corners of n rectangles from their sides, n arrays of shape (4, 2); a side may be one number for all."""
    x0, x1, y0, y1 = np.broadcast_arrays(left, right, bottom, top)
    corners = [np.column_stack(pair) for pair in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
    return list(np.stack(corners, axis=1).astype(np.float64))
