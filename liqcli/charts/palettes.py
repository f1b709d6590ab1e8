"""Palettes, and the scales that map values to their colours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, Normalize
from numpy.typing import NDArray

from liqcli.core.choices import PALETTES, SCALES, PaletteName, ScaleName, ThemeName, check_choice

# Cold to hot: green, yellow, red. The coldest colour differs from the background, so that it cannot be taken for an
# empty cell, and a hotter colour is never nearer to the background.
_LIQ: dict[ThemeName, tuple[tuple[float, str], ...]] = {
    "dark": (
        (0.0, "#12796f"),
        (0.22, "#1f9560"),
        (0.42, "#62a83c"),
        (0.60, "#d6bb36"),
        (0.80, "#fb8c26"),
        (1.0, "#ff2338"),
    ),
    "light": (
        (0.0, "#79b8a8"),
        (0.22, "#3f9f78"),
        (0.42, "#5f9a1f"),
        (0.60, "#cf9400"),
        (0.80, "#de5a0c"),
        (1.0, "#b00020"),
    ),
}
# The part of a stock palette that contrasts with the page; reversed on white, so that more is always further from it.
_STRETCH: dict[PaletteName, dict[ThemeName, tuple[float, float]]] = {
    "viridis": {"dark": (0.20, 1.0), "light": (0.74, 0.0)},
    "magma": {"dark": (0.36, 0.98), "light": (0.77, 0.08)},
    "cividis": {"dark": (0.24, 1.0), "light": (0.76, 0.0)},
}
# The field behind the cells has the same hues, darker (on white: lighter) and translucent, so that cells stand out.
_GLOW: dict[ThemeName, tuple[tuple[float, str], ...]] = {
    "dark": (
        (0.0, "#0f4a3c"),
        (0.30, "#1c7a45"),
        (0.52, "#8c8f22"),
        (0.68, "#c99a1c"),
        (0.84, "#d8641c"),
        (1.0, "#d3202f"),
    ),
    "light": (
        (0.0, "#a9d8c4"),
        (0.30, "#8ecb96"),
        (0.52, "#d6cf6c"),
        (0.68, "#efb650"),
        (0.84, "#ee8348"),
        (1.0, "#dc3a44"),
    ),
}
_OPACITY: dict[ThemeName, tuple[float, float]] = {"dark": (0.10, 0.82), "light": (0.10, 0.80)}
_STOCK_OPACITY = (0.0, 0.6)
_SHADES = 256
_LEAST_SPAN = 20.0  # minimum ratio that a log scale covers, so that similar cells look similar
_LARGEST_SPAN = 1e6  # maximum ratio, so that tiny values do not use up the colours


def find_palette(name: PaletteName, theme: ThemeName) -> ListedColormap:
    """
    Build a palette for a theme: 0 is the coldest colour, 1 the hottest, and "bad" (no value) is transparent.

    Raises
    ------
    UsageError
        Unknown name.
    """
    if check_choice(name, PALETTES, "--palette") == "liq":
        base = LinearSegmentedColormap.from_list("liq", list(_LIQ[theme]), N=_SHADES)
        shades = base(np.linspace(0, 1, _SHADES))
    else:
        low, high = _STRETCH[name][theme]
        shades = colormaps[name](np.linspace(low, high, _SHADES))
    return ListedColormap(shades, name=f"liqcli-{name}-{theme}", bad=(0.0, 0.0, 0.0, 0.0))


def find_glow(name: PaletteName, theme: ThemeName) -> ListedColormap:
    """
    Build the translucent colours of the field behind the cells, from least to most.

    Raises
    ------
    UsageError
        Unknown name.
    """
    shades = find_palette(name, theme)(np.linspace(0, 1, _SHADES))
    low, high = _STOCK_OPACITY
    if name == "liq":
        shades = LinearSegmentedColormap.from_list("glow", list(_GLOW[theme]), N=_SHADES)(np.linspace(0, 1, _SHADES))
        low, high = _OPACITY[theme]
    shades[:, 3] = np.linspace(low, high, _SHADES)
    return ListedColormap(shades, name=f"liqcli-glow-{name}-{theme}")


class HeatNorm(Normalize):
    """
    Map positive values to 0..1 by logarithm, linearly, or by rank among the cells.

    Parameters
    ----------
    values : ndarray
        All cells; zeros are ignored.
    scale : {"log", "linear", "percentile"}
        The mapping.

    Raises
    ------
    UsageError
        Unknown scale.
    """

    def __init__(self, values: NDArray[Any], scale: ScaleName) -> None:
        self.scale = check_choice(scale, SCALES, "--scale")
        filled = np.asarray(values, dtype=np.float64)
        filled = np.sort(filled[np.isfinite(filled) & (filled > 0)])
        top = float(filled[-1]) if filled.size else 1.0
        floor = 0.0
        if scale == "log":
            usual = float(np.quantile(filled, 0.05)) if filled.size else top
            floor = min(max(usual, top / _LARGEST_SPAN), top / _LEAST_SPAN)
        super().__init__(vmin=floor, vmax=top, clip=True)
        self.floor, self.top = floor, top
        self._levels = np.unique(filled) if filled.size else np.array([top])
        # The rank of a value is the number of lower cells, the largest being 1: equal cells (mostly one event each)
        # are all cold instead of all hot.
        below = np.searchsorted(filled, self._levels, side="left").astype(np.float64)
        self._ranks = below / below[-1] if len(below) > 1 else np.ones(1)

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map values to 0..1, clipped at both ends."""
        if self.scale == "percentile":
            return np.interp(values, self._levels, self._ranks)
        if self.scale == "linear":
            return np.clip(values / self.top, 0.0, 1.0)
        safe = np.maximum(values, self.floor)
        return np.clip(np.log(safe / self.floor) / math.log(self.top / self.floor), 0.0, 1.0)

    def value_at(self, place: float) -> float:
        """Return the value of the colour at ``place`` in 0..1."""
        if self.scale == "percentile":
            return float(np.interp(place, self._ranks, self._levels))
        if self.scale == "linear":
            return self.top * place
        return self.floor * math.exp(place * math.log(self.top / self.floor))

    def __call__(self, value: Any, clip: bool | None = None) -> Any:  # noqa: ANN401  (matplotlib's own signature)
        """Normalise as matplotlib expects, keeping the mask."""
        data = np.ma.masked_invalid(np.ma.asarray(value, dtype=np.float64))
        return np.ma.array(self.spread(data.filled(self.top)), mask=np.ma.getmaskarray(data))
