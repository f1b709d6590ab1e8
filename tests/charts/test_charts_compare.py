"""Panels below each other: no word on another, and sizes that cannot be drawn."""

import pytest
from boxes import faults
from chart_cases import DAY_S, START, make_busy

from liqcli.charts import HeadlineNumber
from liqcli.charts.compare import ComparePanel, CompareSpec, draw_compare
from liqcli.core.errors import UsageError
from liqcli.core.model import US_PER_S

WORDS = [("88.3M USD", "plain"), ("61% longs", "long"), ("39% shorts", "short"), ("coverage 97.5%", "warn")]


def make_picture(names):
    return CompareSpec(
        title=f"Liquidations of {', '.join(names)}",
        subtitle="realized · 2026-03-01 00:00 to 2026-03-02 00:00 UTC · each panel has its own price axis",
        headline=(HeadlineNumber("88.3M USD", "liquidated"),),
        start_us=START,
        end_us=START + DAY_S * US_PER_S,
        panels=[ComparePanel(name, WORDS, make_busy() if k % 3 != 2 else None) for k, name in enumerate(names)],
    )


@pytest.mark.parametrize("size", [None, (800, 700), (2400, 1600)])
@pytest.mark.parametrize("names", [("BTC", "ETH", "SOL"), ("1000000MOGUSDT-251226" * 3, "$x^2$"), tuple("ABCDEFGH")])
def test_words_stay_apart(names, size):
    assert list(faults(draw_compare(make_picture(names), size=size).figure)) == []


@pytest.mark.parametrize("names", [("BTC", "ETH", "SOL"), ("1000000MOGUSDT-251226" * 3, "$x^2$"), tuple("ABCDEFGH")])
def test_the_picture_for_phones(names):
    """190 px and 380 per panel, drawn twice as large as it is shown; every word of a panel is there."""
    figure = draw_compare(make_picture(names), portrait=True).figure
    assert [round(side * figure.dpi) for side in figure.get_size_inches()] == [800, 190 + 380 * len(names)]
    assert list(faults(figure)) == []
    written = [text.get_text() for text in figure.texts]
    assert all(written.count(words) == len(names) for words, _tone in WORDS)


def test_a_size_that_cannot_be_drawn():
    with pytest.raises(UsageError, match="500 to 8000 px a side"):
        draw_compare(make_picture(("BTC", "ETH")), size=(200, 900))
