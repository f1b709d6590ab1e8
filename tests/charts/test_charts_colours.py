"""Colours that can be told apart: WCAG contrast in both themes, and the safe palette as the colour-blind see it."""

import re

import numpy as np
import pytest
from chart_cases import CASES, draw
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from liqcli.charts.palettes import PALETTES, find_palette
from liqcli.charts.png import render_pixels
from liqcli.charts.renderer import MeasuringCanvas
from liqcli.charts.themes import find_theme
from liqcli.core.files import data_folder

THEMES = ("dark", "light")
TEXT, MARK = 4.5, 3.0  # WCAG AA
CELL = 2.0  # the coldest cell must still be told from an empty one
# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
BLIND = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    darker, lighter = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def lab(light):
    """CIELAB of linear RGB, shape (3,) or (3, n)."""
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = (np.array(matrix) @ np.clip(light, 0, 1)).T / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one, other, sight):
    return float(np.linalg.norm(lab(sight @ linear(one)) - lab(sight @ linear(other))))


def test_the_measure_is_the_known_one():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the grey that just fails AA
    assert distance("#ff0000", "#ff0000", np.eye(3)) == 0
    assert distance("#000000", "#ffffff", np.eye(3)) == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("name", THEMES)
def test_words_and_marks_stand_out(name, palette):
    theme = find_theme(name, palette)
    for role in ("text", "muted", "long", "short", "interest", "warn"):
        for ground in ("page", "panel"):
            assert contrast(getattr(theme, role), getattr(theme, ground)) >= TEXT, (role, ground)
    for words, plate in (
        ("text", "band"),
        ("muted", "band"),
        ("tag_text", "tag"),
        ("chip_text", "chip"),
        ("warn_text", "warn"),
    ):
        assert contrast(getattr(theme, words), getattr(theme, plate)) >= TEXT, (words, plate)
    assert contrast(theme.candle_wick, theme.panel) >= MARK  # outline of every candle
    assert contrast(theme.chip, theme.panel) >= MARK
    assert contrast(theme.tag, theme.page) >= MARK


@pytest.mark.parametrize(("case", "name"), [("half uncovered", "dark"), ("busy", "light"), ("40 bands", "dark")])
def test_every_word_stands_out_from_what_is_drawn_behind_it(case, name):
    figure = draw(CASES[case](), theme=name)
    words = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    renderer = MeasuringCanvas(figure).get_renderer()
    boxes = [text.get_window_extent(renderer).extents.round().astype(int) for text in words]
    for text in words:
        text.set_visible(False)
    ground = render_pixels(figure)[::-1]  # upwards, as the boxes
    for text, (left, bottom, right, top) in zip(words, boxes, strict=True):
        behind = np.median(ground[bottom:top, left:right].reshape(-1, 3), axis=0) / 255
        assert contrast(text.get_color(), behind) >= TEXT, text.get_text()
    assert len(words) > 30


@pytest.mark.parametrize("name", THEMES)
def test_words_of_a_page_stand_out(name):
    style = (data_folder("templates") / "style.css").read_text(encoding="utf-8")
    rules = {":root {": "light", ':root[data-theme="dark"] {': "dark"}
    (rule,) = (part for start, part in re.findall(r"(?m)^(:root[^{]*\{)([^}]*)\}", style) if rules[start] == name)
    colors = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", rule))
    for words in ("ink", "soft", "long", "short", "warn", "link"):
        for ground in ("page", "card"):
            assert contrast(colors[words], colors[ground]) >= TEXT, (words, ground)
    assert contrast(colors["warn"], colors["warn-back"]) >= TEXT
    for words in ("ink", "link"):
        assert contrast(colors[words], colors["mark"]) >= TEXT, words


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("name", THEMES)
def test_every_cell_is_told_from_an_empty_one(name, palette):
    shades = find_palette(palette, name)(np.linspace(0, 1, 33))[:, :3]
    assert min(contrast(shade, find_theme(name, palette).panel) for shade in shades) >= CELL


@pytest.mark.parametrize("palette", ["viridis", "magma", "cividis"])
@pytest.mark.parametrize("name", THEMES)
def test_more_is_further_from_the_page_for_every_eye(name, palette):
    """Lightness alone tells more from less, so no kind of colour blindness takes the order away."""
    shades = find_palette(palette, name)(np.linspace(0, 1, 33))[:, :3]
    for sight in (np.eye(3), *map(np.array, BLIND.values())):
        lightness = [lab(sight @ linear(shade))[0] for shade in shades]
        steps = np.diff(lightness if name == "dark" else lightness[::-1])
        assert (steps > 0).all()


@pytest.mark.parametrize("name", THEMES)
def test_the_safe_palette_keeps_longs_and_shorts_apart_for_every_eye(name):
    safe, usual = find_theme(name, "cividis"), find_theme(name, "liq")
    for kind in ("deuteranopia", "protanopia"):
        sight = np.array(BLIND[kind])
        assert distance(safe.long, safe.short, sight) > 60, kind
        assert distance(usual.long, usual.short, sight) > 20, kind
    assert distance(safe.long, safe.short, np.array(BLIND["tritanopia"])) > 40
