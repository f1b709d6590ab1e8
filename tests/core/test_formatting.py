"""Number formats on both sides of every threshold."""

from __future__ import annotations

import pytest
from factories import HOUR, T0
from hypothesis import given
from hypothesis import strategies as st

from liqcli.core import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.00001, "0.00001"),  # never an exponent, however small: a cell of qty may hold so much
        (1e-13, "0.0000000000001"),
        (0.000123, "0.00012"),
        (0.0099, "0.0099"),
        (0.5, "0.5"),
        (0.68, "0.68"),
        (0.994, "0.99"),
        (0.996, "1.00"),
        (1, "1.00"),
        (9.994, "9.99"),
        (9.995, "10.0"),
        (88.34, "88.3"),
        (99.94, "99.9"),
        (99.95, "100"),
        (742, "742"),
        (999.4, "999"),
        (999.5, "1.00K"),
        (1000, "1.00K"),
        (1250, "1.25K"),
        (101272, "101K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (999_999, "1.00M"),
        (88_300_000, "88.3M"),
        (999_499_999, "999M"),
        (999_500_000, "1.00B"),
        (1.5e12, "1.50T"),
        (1e15, "1000T"),
        (-1234, "-1.23K"),
        (-0.5, "-0.5"),
    ],
)
def test_usd(value, text):
    assert formatting.format_usd(value) == text


@given(st.floats(1e-6, 1e15))
def test_usd_keeps_two_figures_and_no_exponent(value):
    text = formatting.format_usd(value)
    assert "e" not in text
    steps = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
    number = float(text.rstrip("KMBT")) * steps.get(text[-1], 1)
    assert number == pytest.approx(value, rel=0.051)


@pytest.mark.parametrize(
    ("value", "text"),
    [(104.5, "104.5"), (2.105e-05, "0.00002105"), (0.1 + 0.2, "0.30000000000000004"), (1e16, "10000000000000000")],
)
def test_exact(value, text):
    assert formatting.format_exact(value) == text
    assert float(text) == value


def test_usd_exact_and_counts():
    assert formatting.format_usd_exact(26_853_827.9) == "26,853,827.90"
    assert formatting.format_usd_exact(0.005) == "0.01"
    assert formatting.format_count(1844) == "1,844"
    assert formatting.format_count(0) == "0"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 100, "0%"),
        (0.09, 100, "<0.1%"),
        (0.1, 100, "0.1%"),
        (4.6, 100, "4.6%"),
        (9.94, 100, "9.9%"),
        (9.96, 100, "10%"),
        (10, 100, "10%"),
        (72.4, 100, "72%"),
        (99.4, 100, "99%"),
        (99.6, 100, "99.6%"),  # a day with six minutes missing is not "100%"
        (99.94, 100, "99.9%"),
        (99.96, 100, ">99.9%"),
        (100, 100, "100%"),
        (1, 3, "33%"),
        (0, 0, "–"),
        (1, 0, "–"),
    ],
)
def test_share(part, whole, text):
    assert formatting.format_share(part, whole) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5%"), (2.0, "2%"), (4.050000000000001, "4.05%"), (1000.0, "1,000%"), (6.7e11, "670,000,000,000%")],
)
def test_percent(value, text):
    assert formatting.format_percent(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (0.0004, "<0.1%"),
        (0.05, "5.0%"),
        (0.9746, "97.5%"),
        (0.999, "99.9%"),
        (0.99901, ">99.9%"),
        (1 - 1e-9, ">99.9%"),
        (1, "100%"),
    ],
)
def test_coverage(share, text):
    assert formatting.format_coverage(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.094, "+1.09%"),
        (-5.214, "-5.21%"),
        (0, "0.00%"),
        (-0.004, "0.00%"),
        (0.0049, "0.00%"),
        (-0.006, "-0.01%"),
        (1234.5, "+1,234.50%"),
    ],
)
def test_signed_percent(value, text):
    assert formatting.format_percent_signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00002105, "0.00002105"),
        (101272, "101,272"),
        (101272.4, "101,272"),
        (999999, "999,999"),
        (1000, "1,000"),
        (999.994, "999.99"),
        (999.996, "1,000"),
        (152.35, "152.35"),
        (1234.56, "1,234.6"),
        (12345.67, "12,345.7"),
        (0.1 + 0.2, "0.3"),
        (0.034567891, "0.034568"),
        (1e-9, "0.000000001"),
        (1.23456e-9, "0.0000000012346"),  # a thousandth of a satoshi's price has figures, too
        (4e-13, "0.0000000000004"),
        (0, "0"),
        (-152.35, "-152.35"),
        (-0.00002105, "-0.00002105"),
    ],
)
def test_price(value, text):
    assert formatting.format_price(value) == text


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [
        (101272, 50, "101,272"),
        (152.5, 0.1, "152.5"),
        (152, 0.1, "152.0"),
        (152.25, 0.25, "152.25"),
        (2.5, 2.5, "2.5"),
        (0.00002105, 0.00000001, "0.00002105"),
        (0.000021, 5e-9, "0.000021000"),
        (1.0005e-9, 1e-13, "0.0000000010005"),
        (1.00025e-9, 2.5e-13, "0.00000000100025"),
        (1e3, 1e3, "1,000"),
    ],
)
def test_price_with_step(value, step, text):
    assert formatting.format_price(value, step) == text


@pytest.mark.parametrize(
    ("step", "decimals"),
    [(50, 0), (1, 0), (2.5, 1), (0.25, 2), (0.1, 1), (1e-8, 8), (2.5e-13, 14), (0, 2), (-1, 2), (float("inf"), 2)],
)
def test_price_decimals(step, decimals):
    assert formatting.price_decimals(step) == decimals


def test_times():
    assert formatting.format_time(T0 + HOUR + 59_999_999) == "2026-03-01 01:00"
    assert formatting.format_time(T0 + 59_999_999, seconds=True) == "2026-03-01 00:00:59"
    assert formatting.format_iso(T0) == "2026-03-01T00:00:00Z"
    assert formatting.format_iso(T0 + 584_000) == "2026-03-01T00:00:00.584Z"
    assert formatting.format_iso(T0 + 584_001) == "2026-03-01T00:00:00.584001Z"
    assert formatting.format_iso(T0 + 1) == "2026-03-01T00:00:00.000001Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (35, "35 s"),
        (59.6, "1 min"),
        (90, "1 min 30 s"),  # a bucket of 90 s is not 2 min
        (300, "5 min"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (4 * 3600 + 48 * 60, "4 h 48 min"),
        (86400, "1 d"),
        (2 * 86400 + 3 * 3600, "2 d 3 h"),
        (2 * 86400 + 1800, "2 d"),
        (86399, "1 d"),
    ],
)
def test_duration(seconds, text):
    assert formatting.format_duration(round(seconds * 1e6)) == text


def test_count_with_its_noun() -> None:
    assert [formatting.format_counted(n, "row") for n in (0, 1, 2, 1844)] == ["0 rows", "1 row", "2 rows", "1,844 rows"]
