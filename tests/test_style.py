"""The style sheet: contrast of every text in both themes and on paper, worked out from the colours themselves."""

from __future__ import annotations

import re
from itertools import product

import pytest

from liqcli.report.html_markdown import read_style

STYLE = read_style("style.css")
AA, LARGE = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11: text, and what is no text but must be seen
TEXT = ("ink", "soft", "long", "short", "warn", "link")
BACKGROUNDS = ("page", "card", "mark")


def colours(selector: str, text: str = STYLE) -> dict[str, str]:
    """The variables of a rule."""
    rule = re.search(rf"{selector}\s*{{([^}}]*)}}", text)
    assert rule, selector
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{3,6})\s*;", rule[1]))


PRINT = STYLE[STYLE.index("@media print") :]
THEMES = {
    "light": colours(r"^:root", STYLE[STYLE.index(":root") :]),
    "dark": colours(r":root:not\(\[data-theme\]\)"),
    "dark, asked for": colours(r'\n:root\[data-theme="dark"\]'),
    "print": colours(r"^@media print {\s*:root[^{]*", PRINT),
}


def luminance(colour: str) -> float:
    """WCAG's relative luminance, 0 black to 1 white."""
    digits = "".join(c * 2 for c in colour[1:]) if len(colour) == 4 else colour[1:]
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_ratio_itself():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.005)  # WCAG's well-known near miss


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_has_every_colour(theme):
    assert set(THEMES[theme]) == set(THEMES["light"])
    assert set(TEXT) | set(BACKGROUNDS) <= set(THEMES[theme])


def test_dark_is_the_same_however_it_comes():
    assert THEMES["dark"] == THEMES["dark, asked for"]


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read(theme):
    found = THEMES[theme]
    pairs = [*product(TEXT, BACKGROUNDS), ("warn", "warn-back"), ("ink", "warn-back"), ("card", "ink")]
    weak = {(text, back): contrast(found[text], found[back]) for text, back in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in weak.items() if ratio < AA} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_bars_can_be_seen(theme):
    found = THEMES[theme]
    assert all(contrast(found[side], found["card"]) >= LARGE for side in ("long", "short"))


def test_what_has_the_focus_is_seen():
    assert re.search(r":focus-visible {[^}]*outline: 3px solid var\(--link\)", STYLE)
    assert not re.search(r"(?<!over a:focus) {[^}]*outline: none", STYLE)
    # Inside the picture the outline is drawn as the place's own frame.
    assert re.search(r"\.over a:focus-visible rect {[^}]*stroke-width: 4", STYLE)
