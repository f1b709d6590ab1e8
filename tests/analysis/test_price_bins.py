"""Round steps of both axes."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liqcli.analysis.price_bins import (
    MANY_EVENTS,
    MOST_ROWS,
    check_exact,
    check_size,
    choose_bin,
    choose_bucket,
    choose_rows,
    count_rows,
    fit_cells,
    parse_bin,
    parse_bucket,
    parse_price_range,
)
from liqcli.core.durations import parse_length
from liqcli.core.errors import UsageError


@pytest.mark.parametrize(
    ("lookback", "bucket", "columns"),
    [
        ("90s", "1s", 90),
        ("15m", "10s", 90),
        ("1h", "30s", 120),
        ("4h", "2m", 120),
        ("24h", "10m", 144),
        ("51h", "30m", 102),
        ("7d", "2h", 84),
        ("30d", "6h", 120),
        ("90d", "1d", 90),
        ("1s", "1s", 1),
    ],
)
def test_bucket(lookback, bucket, columns):
    step = choose_bucket(parse_length(lookback))
    assert step == parse_length(bucket)
    assert parse_length(lookback) / step == columns


@pytest.mark.parametrize("lookback", ["1h", "4h", "12h", "24h", "51h", "7d", "14d", "30d", "60d", "90d"])
@pytest.mark.parametrize("events", [1, 5, 31, 73, 400, 10_000, 1_000_000])
def test_columns_are_at_least_9_px_wide_and_fewer_for_few_events(lookback, events):
    """The heat is 1,302 px wide on a picture of 1600 x 1000: 144 columns of 9.04 px."""
    length = parse_length(lookback)
    columns = length / choose_bucket(length, events)
    assert 1302 / columns >= 9
    assert columns <= length / choose_bucket(length, 10 * events)
    assert columns >= 12


@given(st.floats(1e-8, 1e6), st.floats(1e-6, 100), st.integers(1, 1_000_000))
def test_rows_are_at_least_7_px_high_and_fewer_for_few_events(low, spread, events):
    """586 px are left for the heat, 6% of them for margins."""
    high = low * (1 + spread)
    rows = (high - low) / choose_bin(low, high, choose_rows(events), None, MOST_ROWS).width
    assert 0.94 * 586 / rows >= 7
    assert rows >= 8
    if events >= MANY_EVENTS:
        assert rows >= 78 / 2.01  # 2.5 and 5 are a factor of 2 apart


def test_pictures_of_other_sizes_hold_fewer_cells():
    assert fit_cells((1600, 1000)) == fit_cells((2400, 1500)) == (144, 78)
    assert fit_cells((800, 500)) == (67, 30)
    assert fit_cells((800, 1100)) == (65, 50)
    assert choose_bucket(parse_length("24h"), columns=67) == parse_length("30m")


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (94_000, 102_000, "50"),  # 8,000 / 160 = 50
        (140, 156, "0.1"),  # 16 / 160
        (140, 150, "0.05"),  # 0.0625: nearer to 0.05 than to 0.1
        (2000, 2400, "2.5"),
        (0.00002, 0.000021, "0.000000005"),  # 1e-6 / 160 = 6.25e-9
        (0.02, 0.36, "0.002"),  # 0.34 / 160 = 0.002125
        (1, 1_600_001, "10000"),
        (100, 100, "0.01"),  # one price: a ten-thousandth
        (0.00002105, 0.00002105, "0.000000002"),
    ],
)
def test_bin(low, high, text):
    assert choose_bin(low, high).text() == text


@given(st.floats(1e-8, 1e6), st.floats(1e-6, 100))
@example(0.00001, 1e-6)
def test_bins_are_round_and_rows_are_100_to_260(low, spread):
    high = low * (1 + spread)
    width = choose_bin(low, high)
    assert width.text().replace(".", "").strip("0") in ("1", "2", "25", "5")
    assert 100 <= (high - low) / width.width <= 260


def test_bins_is_the_approximate_number_of_rows():
    assert choose_bin(0, 1000, 100).text() == "10"
    assert choose_bin(0, 1000, 1).text() == "1000"
    assert choose_bin(97, 103, 5000).text() == "0.002"  # 6 / 5,000 is nearest to 0.001, and 6,000 rows are too many


@pytest.mark.parametrize("price", [0.3, 1e-9, 9_999_999.9])
def test_prices_that_differ_by_a_rounding_get_a_width_that_can_be_asked_for(price):
    low, high = price, math.nextafter(price, math.inf)
    width = choose_bin(low, high)
    check_size(288, count_rows(low, high, width.width), width)
    check_exact(high, width)
    assert parse_bin(width.text()) == width  # as the command says that makes the report again


@pytest.mark.parametrize(
    ("text", "shown", "num", "den"),
    [
        ("0.05", "0.05", 5, 100),
        (" 50 ", "50", 50, 1),
        ("0.50", "0.5", 5, 10),
        ("1e-8", "0.00000001", 1, 100_000_000),
        ("1E3", "1000", 1000, 1),
        ("0.25", "0.25", 25, 100),
        ("2.5", "2.5", 25, 10),
        ("0.001", "0.001", 1, 1000),
    ],
)
def test_parse_bin_is_exact(text, shown, num, den):
    width = parse_bin(text)
    assert (width.text(), width.num, width.den) == (shown, num, den)
    assert width.width == float(shown)


@pytest.mark.parametrize(
    "text", ["0", "-1", "nan", "inf", "x", "", "1,5", "1e13", "1e-20", "0.1234567890123456", "12345e-23", "-0"]
)
def test_parse_bin_rejects(text):
    with pytest.raises(UsageError, match=r"^--bin: "):
        parse_bin(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("95000:101000", (95000, 101000)), (" 0 : 0.5 ", (0, 0.5)), ("1e-5:2e-5", (1e-5, 2e-5))]
)
def test_parse_price_range(text, expected):
    assert parse_price_range(text) == expected


@pytest.mark.parametrize("text", ["", "1", "1:2:3", "2:1", "1:1", "-1:2", "nan:1", "1:inf", "a:b", "1_0:20"])
def test_parse_price_range_rejects(text):
    with pytest.raises(UsageError, match=r"^--price-range: "):
        parse_price_range(text)


def test_parse_bucket():
    assert parse_bucket("5m") == 300_000_000
    with pytest.raises(UsageError, match=r"^--bucket: "):
        parse_bucket("5")


def test_grid_too_large_for_a_figure_is_rejected():
    width = parse_bin("0.01")
    check_size(20_000, 1000, width)
    check_size(4_000, 5_000, width)
    with pytest.raises(UsageError, match=r"^--bucket: 20,001 columns .*at most 20,000"):
        check_size(20_001, 1, width)
    with pytest.raises(UsageError, match=r"^--bin: a width of 0.01 makes 5,001 rows.*--bins 160"):
        check_size(1, 5_001, width)
    with pytest.raises(UsageError, match=r"^--bin"):
        check_size(4_001, 5_000, width)


def test_width_with_too_many_digits_is_rejected():
    check_exact(118_000, parse_bin("0.00000001"))  # 1.18e5 x 1e8 = 1.18e13 < 2**53 = 9.007e15
    check_exact(90_071_992, parse_bin("0.00000001"))
    with pytest.raises(UsageError, match=r"^--bin: 0.00000001 has too many figures for prices up to 90,071,993"):
        check_exact(90_071_993, parse_bin("0.00000001"))
    with pytest.raises(UsageError, match="too many figures"):
        check_exact(100, parse_bin("0.123456789012345"))
