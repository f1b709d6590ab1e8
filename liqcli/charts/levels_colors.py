"""Colours of a field of levels: from the dark of the panel to bright, so that only dense levels stand out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from numpy.typing import NDArray

from liqcli.charts.themes import Theme
from liqcli.core.choices import PaletteName, ThemeName

# The palette that hosted maps use, from the panel to yellow; on white from the panel to dark violet.
_OWN: dict[ThemeName, tuple[tuple[float, str], ...]] = {
    "dark": (
        (0.10, "#1d1836"),
        (0.28, "#3b2b70"),
        (0.45, "#33638d"),
        (0.62, "#1f9e89"),
        (0.78, "#6ece58"),
        (0.92, "#fde725"),
        (1.0, "#fffbd6"),
    ),
    "light": (
        (0.12, "#e3edf3"),
        (0.30, "#b5d9d8"),
        (0.48, "#63b8a5"),
        (0.65, "#2a7f8e"),
        (0.82, "#3b4a8a"),
        (1.0, "#2d0b4e"),
    ),
}
_STOCK = {"viridis": "viridis", "magma": "magma", "cividis": "cividis"}
_SHADES = 512
POWER = 0.85  # below 1, so that ordinary levels show beside the densest
DENSEST = 0.998  # quantile of the filled cells that gets the brightest colour


def find_field_palette(name: PaletteName, theme: Theme) -> ListedColormap:
    """Build the palette of a field: 0 is the colour of the panel, 1 the brightest (on white: the darkest)."""
    if name == "liq":
        stops: list[tuple[float, Any]] = [(0.0, theme.panel), *_OWN[theme.name]]
    else:
        stock = colormaps[_STOCK[name]]
        places = np.linspace(0.08, 1.0, 8) if theme.name == "dark" else np.linspace(0.95, 0.0, 8)
        stops = [(0.0, theme.panel), *zip(np.linspace(0.12, 1.0, 8).tolist(), map(stock, places), strict=True)]
    base = LinearSegmentedColormap.from_list("field", stops, N=_SHADES)
    return ListedColormap(base(np.linspace(0, 1, _SHADES)), name=f"liqcli-field-{name}-{theme.name}")


class FieldScale:
    """
    Maps USD of a cell to 0..1 by a power; the densest 0.2 % of the filled cells share the brightest colour.

    ``top`` is the amount that gets the brightest colour, ``largest`` the largest cell. [USD]
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        filled = values[values > 0]
        self.largest = float(filled.max()) if filled.size else 0.0
        self.top = float(np.quantile(filled, DENSEST)) if filled.size else 1.0

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map values to 0..1, clipped."""
        return np.asarray(np.clip(values / self.top, 0.0, 1.0) ** POWER)
