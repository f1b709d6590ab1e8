"""
Score maps of levels: how much of what a day liquidated lay where its map, known at midnight, had the most mass?

Only bins that price newly reached count, each side by itself. The share of USD in the fifth of the bins with the most
mass is compared with a placebo at the same distance: the maps of other days, laid at the opening price of this one.
Both see the same path. Mass and liquidations both change with distance, so weaker baselines flatter a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liqcli.analysis.score.days import DAY_US, STEP, DayOutcome, count_bins
from liqcli.analysis.score.intervals import estimate
from liqcli.analysis.score.orders import Floats, Ints
from liqcli.analysis.score.result import Measure, Score, build_measure, judge

TOP = 0.2  # of the newly reached bins
EVEN = 0.1  # of the likelihood is spread evenly, so that an order at an empty bin costs a finite amount
LEAST_ORDERS = 3  # on a day
APART = 3  # days: maps nearer in time share most of their positions, so they are no placebo
LEAST_PLACEBOS = 3
BLOCK = 2  # days: differences to the placebo depend little on the day before
PLACEBO = "maps of other days"
BASELINES = ("distance", "minutes", "volume", "round numbers")
EVEN_SPREAD = "even spread"


@dataclass(frozen=True, slots=True)
class DayScores:
    """
    The scores of one day.

    ``share``: of the USD, what lies in the fifth of the bins with the most mass. ``gain``: log-likelihood of the map,
    less that of an even spread, as a mean over USD [nats]. ``placebo_share`` and ``placebo_gain``: means over the maps
    of other days. ``baselines``: shares of weaker comparisons, in the order of BASELINES, NaN where unknown.
    """

    start_us: int
    orders: int
    share: float
    placebo_share: float
    gain: float
    placebo_gain: float
    baselines: tuple[float, ...]


def score_maps(days: Sequence[DayOutcome], maps: Sequence[Floats], step: float = STEP) -> list[DayScores]:
    """
    Score the map of each day against the maps of days at least three days away.

    Parameters
    ----------
    maps : sequence of arrays, shape ``(2, n_bins)``
        The map of each day, aligned at its opening price, see :func:`liqcli.analysis.score.days.align_map`. [USD]

    Returns
    -------
    list of DayScores
        Days with fewer than three orders in newly reached bins, or without enough placebos, are left out.
    """
    stack = np.array(maps)
    number = np.array([day.start_us for day in days]) // DAY_US
    found = []
    for k, day in enumerate(days):
        far = np.abs(number - number[k]) >= APART
        if far.sum() >= LEAST_PLACEBOS and (scored := _score_day(day, stack[k], stack[far], step)):
            found.append(scored)
    return found


def _score_day(day: DayOutcome, own: Floats, others: Floats, step: float) -> DayScores | None:
    sides = [(side, bins) for side in (0, 1) if (bins := day.reached(side)) is not None]
    orders = sum(int(day.orders[side, bins].sum()) for side, bins in sides)
    if orders < LEAST_ORDERS:
        return None
    single = np.stack([own, others.mean(axis=0), day.minutes, day.volume, _nearness_to_round(day.open, step)])
    usd, placebo, log, placebo_log, total = np.zeros(len(single)), 0.0, 0.0, 0.0, 0.0
    for side, bins in sides:
        realized = day.notional[side, bins]
        ranks = _rank(others[:, side, bins])
        gain = np.log(_mix_even(own[side, bins]) * len(realized))
        total += float(realized.sum())
        usd += _weigh_top(_rank(single[:, side, bins])) @ realized
        placebo += float((_weigh_top(ranks) @ realized).mean())
        log += float(gain @ realized)
        placebo_log += float((_rearrange(gain, ranks) @ realized).mean())
    share = usd / total
    if not day.volume.any():
        share[1 + BASELINES.index("volume")] = np.nan
    baselines = tuple(share[1:].tolist())
    return DayScores(
        day.start_us, orders, float(share[0]), placebo / total, log / total, placebo_log / total, baselines
    )


def summarise(scores: Sequence[DayScores]) -> Score:
    """
    Estimate the measures of a score, the differences to the placebo first, and give the verdict.

    The verdict is skill if the map beats the maps of other days in its top fifth or in likelihood, by intervals that
    hold for both at once.
    """
    rows = [(1.0, s.share, s.placebo_share, s.gain, s.placebo_gain, TOP, 0.0, *s.baselines) for s in scores]
    days = np.array(rows).reshape(len(scores), 7 + len(BASELINES))
    names = [("share in top fifth", PLACEBO, 1, 2), ("log-likelihood gain", PLACEBO, 3, 4)]
    names += [("share in top fifth", EVEN_SPREAD, 1, 5), ("log-likelihood gain", EVEN_SPREAD, 3, 6)]
    names += [("share in top fifth", name, 1, 7 + k) for k, name in enumerate(BASELINES)]
    events = sum(s.orders for s in scores)
    measures: list[Measure] = []
    deciding = np.column_stack([days[:, 0], days[:, 1] - days[:, 2], days[:, 3] - days[:, 4]])
    placebo = estimate(deciding, _divide, BLOCK) if len(days) else []
    for name, baseline, value, compared in names:
        known = days[~np.isnan(days[:, compared])]
        if not len(known):
            continue
        columns = np.column_stack([known[:, 0], known[:, value], known[:, value] - known[:, compared]])
        own, difference = estimate(columns, _divide, BLOCK)
        if baseline == PLACEBO:
            difference = placebo[len(measures)]
        measures.append(build_measure(name, baseline, own, float(known[:, compared].mean()), difference))
    lowest = max((one.wide_low for one in measures[: len(placebo)] if one.wide_low is not None), default=None)
    return Score(len(scores), events, judge(len(scores), events, lowest), tuple(measures))


def _divide(sums: Floats) -> Floats:
    """Divide sums over days by the number of days, which comes first."""
    return np.asarray(sums[..., 1:] / sums[..., :1])


@dataclass(frozen=True, slots=True, eq=False)
class _Ranks:
    """Of each bin of each map, how many bins hold more mass and how many as much; shape ``(n_maps, n_bins)``."""

    more: Ints
    equal: Ints


def _rank(mass: Floats) -> _Ranks:
    rising = np.sort(mass, axis=1)
    more, equal = np.empty(mass.shape, dtype=np.int64), np.empty(mass.shape, dtype=np.int64)
    for k, row in enumerate(mass):
        end = np.searchsorted(rising[k], row, side="right")
        more[k] = mass.shape[1] - end
        equal[k] = end - np.searchsorted(rising[k], row, side="left")
    return _Ranks(more, equal)


def _weigh_top(ranks: _Ranks) -> Floats:
    """
    Mark the fifth of the bins with the most mass: 1 inside, 0 outside, a fraction where bins of equal mass share.

    Returns
    -------
    array, shape ``(n_maps, n_bins)``
        Each row sums to a fifth of the bins.
    """
    return np.asarray(np.clip((TOP * ranks.more.shape[1] - ranks.more) / ranks.equal, 0.0, 1.0))


def _rearrange(values: Floats, ranks: _Ranks) -> Floats:
    """
    Put the same values in the order of other maps; bins of equal mass share theirs.

    A placebo then differs from the map only in where its mass lies. A map whose mass is more even than that of others
    would otherwise gain likelihood in a market where no map knows anything.
    """
    sums = np.concatenate([[0.0], np.cumsum(np.sort(values)[::-1])])
    return np.asarray((sums[ranks.more + ranks.equal] - sums[ranks.more]) / ranks.equal)


def _mix_even(mass: Floats) -> Floats:
    """Turn masses into probabilities, a part of them spread evenly."""
    total = float(mass.sum())
    return (1 - EVEN) * mass / total + EVEN / len(mass) if total > 0 else np.full(len(mass), 1.0 / len(mass))


def _nearness_to_round(price: float, step: float) -> Floats:
    """Rank bins by how near they lie to round numbers: multiples of about 1/10, 1/20 and 1/100 of the price."""
    n = count_bins(step)
    unit = 10.0 ** np.floor(np.log10(price) - 1)  # 50,000 -> 1,000
    prices = price * np.exp(np.array([[-1.0], [1.0]]) * (np.arange(n) + 0.5) * step) / unit
    apart = [np.abs(prices / k - np.round(prices / k)) for k in (1.0, 0.5, 0.1)]
    return np.asarray(-sum(apart))
