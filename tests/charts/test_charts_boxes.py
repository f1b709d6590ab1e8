"""No word leaves the page, none lies on another: other sizes and styles than those of test_charts_cases."""

import pytest
from boxes import faults
from chart_cases import CASES, busy_picture, draw
from products import pairs

OFTEN_CUT = ("busy", "long words", "tiny price", "many headlines", "month", "90 s", "40 bands")
SIZES = ((2400, 1500), (800, 500), (1600, 700), (800, 1100))


@pytest.mark.slow
@pytest.mark.parametrize(("case", "size"), pairs(OFTEN_CUT, SIZES))
def test_words_stay_apart_at_other_sizes(case, size):
    assert list(faults(draw(CASES[case](), size=size, theme="light"))) == []


def test_the_check_sees_an_overlap_and_a_clipped_word():
    figure = draw(busy_picture())
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.5, "two")
    figure.text(0.999, 0.7, "out of the page")
    told = list(faults(figure))
    assert "'one' lies on 'two'" in told
    assert any("leaves the page" in fault for fault in told)


@pytest.mark.parametrize(
    ("scale", "palette", "theme"),
    [
        ("log", "viridis", "dark"),
        ("linear", "magma", "light"),
        ("percentile", "cividis", "dark"),
        ("log", "liq", "light"),
    ],
)
def test_scales_and_palettes(scale, palette, theme):
    figure = draw(CASES["half uncovered"](), theme=theme, palette=palette, scale=scale)
    assert list(faults(figure)) == []
