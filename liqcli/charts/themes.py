"""Colours of the page: a dark and a light theme with the same roles."""

from __future__ import annotations

from dataclasses import dataclass, replace

from liqcli.charts.figure_spec import Tone
from liqcli.core.choices import FIGURE_THEMES, PaletteName, ThemeName, check_choice


@dataclass(frozen=True, slots=True)
class Theme:
    """One colour per role; hues are reserved for liquidations, prices are neutral."""

    name: ThemeName
    page: str
    panel: str
    grid: str
    text: str
    muted: str
    long: str
    short: str
    interest: str
    warn: str
    warn_text: str
    candle_up: str
    candle_down: str
    candle_wick: str
    halo: str
    ring: str
    tag: str
    tag_text: str
    gap: str
    hatch: str
    band: str
    chip: str
    chip_text: str

    def tone(self, tone: Tone) -> str:
        """Return the text colour of a headline number."""
        return {"plain": self.text, "long": self.long, "short": self.short, "warn": self.warn}[tone]


DARK = Theme(
    name="dark",
    page="#0a0d13",
    panel="#10151e",
    grid="#1c2430",
    text="#eef1f6",
    muted="#939db0",
    long="#f5609f",
    short="#5cc4ff",
    interest="#b3a1ff",
    warn="#f5c84b",
    warn_text="#1a1405",
    candle_up="#aab4c4",
    candle_down="#2c3646",
    candle_wick="#8f9bb0",
    halo="#0a0d13",
    ring="#ffffff",
    tag="#eef1f6",
    tag_text="#0a0d13",
    gap="#0c1017",
    hatch="#aab6ca",
    band="#232c3a",
    chip="#f5c84b",
    chip_text="#14110a",
)

LIGHT = Theme(
    name="light",
    page="#ffffff",
    panel="#f7f8fa",
    grid="#e6e9ee",
    text="#141a24",
    muted="#5a6577",
    long="#b0187a",
    short="#0a6fb8",
    interest="#6a45d6",
    warn="#955d00",
    warn_text="#ffffff",
    candle_up="#ffffff",
    candle_down="#7b8698",
    candle_wick="#5b6678",
    halo="#ffffff",
    ring="#05070b",
    tag="#141a24",
    tag_text="#ffffff",
    gap="#eff1f4",
    hatch="#3b4a63",
    band="#e3e8ef",
    chip="#955d00",
    chip_text="#ffffff",
)

THEMES: dict[ThemeName, Theme] = {"dark": DARK, "light": LIGHT}


# For the colour-blind safe palette: orange and blue differ for every kind of colour blindness, red and green do
# not. The middle of the palette is grey, so candles are less prominent.
_SAFE_PALETTE: PaletteName = "cividis"
_SAFE: dict[ThemeName, Theme] = {
    "dark": replace(
        DARK, long="#ff9a4d", short="#4fb3ff", candle_up="#748093", candle_down="#222b38", candle_wick="#6b7689"
    ),
    "light": replace(
        LIGHT, long="#b04a00", short="#0a66b8", candle_up="#ffffff", candle_down="#c0c8d4", candle_wick="#838da0"
    ),
}


def find_theme(name: ThemeName, palette: PaletteName = "liq") -> Theme:
    """
    Look up a theme by name; the colour-blind safe palette also changes the hues of longs and shorts.

    Raises
    ------
    UsageError
        Unknown name.
    """
    themes = _SAFE if palette == _SAFE_PALETTE else THEMES
    return themes[check_choice(name, FIGURE_THEMES, "--theme")]
