"""Cutting, wrapping, moving apart, round numbers: the small arithmetic under the picture."""

import pytest

from liqcli.charts.text_fit import cut, spread, wrap
from liqcli.charts.ticks import nice_step, round_ticks, scale_ticks, time_ticks
from liqcli.core.formatting import format_amount, format_tick
from liqcli.core.model import US_PER_S

DAY_US = 86_400 * US_PER_S
NEW_YEAR_2025 = 1_735_689_600 * US_PER_S


def test_cut_keeps_what_fits_with_the_ellipsis():
    assert cut("liquidation", 11, len) == "liquidation"
    assert cut("liquidation", 6, len) == "liqui…"
    assert cut("liquidation", 0, len) == ""


@pytest.mark.parametrize(
    ("text", "room", "lines", "expected"),
    [
        ("one two three", 20, 2, ["one two three"]),
        ("one two three", 8, 2, ["one two", "three"]),
        ("one two three four", 8, 2, ["one two", "three f…"]),
        ("realized · binance · ten minutes", 22, 3, ["realized · binance", "ten minutes"]),
        ("realized · binance sampled feed", 22, 3, ["realized · binance", "sampled feed"]),
        ("abcdefghij", 4, 2, ["abcd", "efg…"]),
        ("", 4, 2, []),
        ("realized · gate · two days · 5m", 29, 3, ["realized · gate", "two days · 5m"]),  # no "5m" left alone
    ],
)
def test_wrap(text, room, lines, expected):
    assert wrap(text, room, len, lines) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], []),
        ([50], [50]),
        ([20, 60], [20, 60]),
        ([50, 50], [45, 55]),
        ([50, 52, 90], [46, 56, 90]),
        ([0, 0, 0], [0, 10, 20]),
        ([100, 100, 100], [80, 90, 100]),
        ([40, 50, 60], [40, 50, 60]),
    ],
)
def test_spread_moves_as_little_as_needed(wanted, expected):
    assert spread(wanted, 10, 0, 100) == pytest.approx(expected)


@pytest.mark.parametrize(("least", "step"), [(0.9, 1), (1.1, 2), (2.1, 2.5), (2.6, 5), (5.1, 10), (3e-8, 5e-8)])
def test_nice_step(least, step):
    assert nice_step(least) == pytest.approx(step)


def test_round_ticks_are_plain_decimals():
    assert round_ticks(0.29, 0.61, 4) == ([0.3, 0.4, 0.5, 0.6], 0.1)
    assert round_ticks(0.0000201, 0.0000204, 3) == ([0.0000201, 0.0000202, 0.0000203, 0.0000204], 0.0000001)
    assert round_ticks(94_700, 101_200, 3) == ([95_000, 97_500, 100_000], 2500)


def test_scale_ticks_are_decades_on_a_long_log_scale():
    assert scale_ticks(500, 2e6, True) == [1e3, 1e4, 1e5, 1e6]
    assert scale_ticks(30, 600, True) == [50, 100, 200, 500]
    assert scale_ticks(0, 10, False) == [2, 4, 6, 8, 10]


def test_time_ticks_of_a_day_name_the_midnight():
    ticks = time_ticks(NEW_YEAR_2025 - DAY_US // 4, NEW_YEAR_2025 + DAY_US // 4, 5)
    assert [(tick.label, tick.strong) for tick in ticks] == [
        ("18:00", False),
        ("21:00", False),
        ("1 Jan", True),
        ("03:00", False),
        ("06:00", False),
    ]


@pytest.mark.parametrize(
    ("length_us", "most", "labels"),
    [
        (90 * US_PER_S, 4, ["00:00:30", "00:01:00", "00:01:30"]),
        (30 * DAY_US, 5, ["6 Jan", "13 Jan", "20 Jan", "27 Jan"]),
        (400 * DAY_US, 5, ["2025", "Apr", "Jul", "Oct", "2026"]),
    ],
)
def test_time_ticks_from_seconds_to_years(length_us, most, labels):
    ticks = time_ticks(NEW_YEAR_2025, NEW_YEAR_2025 + length_us, most)
    assert [tick.label for tick in ticks][-len(labels) :] == labels


def test_amounts():
    assert format_amount(88_300_000, "USD") == "88.3M"
    assert format_amount(1844, "events") == "1,844"
    assert [format_tick(value, "USD") for value in (2e6, 2.5e6, 100_000, 500, 0)] == ["2M", "2.5M", "100K", "500", "0"]
