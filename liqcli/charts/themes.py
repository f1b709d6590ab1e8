"""The colours of the page: a dark and a light set with the same roles."""

from __future__ import annotations

from dataclasses import dataclass

from liqcli.charts.picture import ThemeName, Tone
from liqcli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Theme:
    """One colour a role; hues are kept for liquidations, everything about price is neutral."""

    name: ThemeName
    page: str
    panel: str
    grid: str
    text: str
    muted: str
    long: str
    short: str
    warn: str
    warn_text: str
    candle_up: str
    candle_down: str
    candle_wick: str
    halo: str
    tag: str
    tag_text: str
    gap: str
    hatch: str
    band: str
    chip: str
    chip_text: str
    heat_alpha: float

    def tone(self, tone: Tone) -> str:
        """The text colour of a headline number."""
        return {"plain": self.text, "long": self.long, "short": self.short, "warn": self.warn}[tone]


DARK = Theme(
    name="dark",
    page="#0a0d13",
    panel="#10151e",
    grid="#1c2430",
    text="#eef1f6",
    muted="#939db0",
    long="#ff5f66",
    short="#2bd49b",
    warn="#f5c84b",
    warn_text="#1a1405",
    candle_up="#aab4c4",
    candle_down="#2c3646",
    candle_wick="#8f9bb0",
    halo="#0a0d13",
    tag="#eef1f6",
    tag_text="#0a0d13",
    gap="#0c1017",
    hatch="#aab6ca",
    band="#232c3a",
    chip="#f5c84b",
    chip_text="#14110a",
    heat_alpha=0.55,
)

LIGHT = Theme(
    name="light",
    page="#ffffff",
    panel="#f7f8fa",
    grid="#e6e9ee",
    text="#141a24",
    muted="#5a6577",
    long="#d3263f",
    short="#0a8f63",
    warn="#a86800",
    warn_text="#ffffff",
    candle_up="#ffffff",
    candle_down="#7b8698",
    candle_wick="#5b6678",
    halo="#ffffff",
    tag="#141a24",
    tag_text="#ffffff",
    gap="#eff1f4",
    hatch="#3b4a63",
    band="#e3e8ef",
    chip="#1f2937",
    chip_text="#ffffff",
    heat_alpha=0.55,
)

THEMES: dict[ThemeName, Theme] = {"dark": DARK, "light": LIGHT}


def find_theme(name: str) -> Theme:
    """
    Look a theme up by name.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    for known, theme in THEMES.items():
        if known == name:
            return theme
    raise UsageError(f"--theme: {name!r} is not known; valid are {', '.join(THEMES)}")
