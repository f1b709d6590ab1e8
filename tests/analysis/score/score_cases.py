"""Simulated markets as the score of levels takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from simulated_market import Market, Prints, simulate, spread_evenly

from liqcli.analysis.score.days import DAY_US, DayOutcome, LevelMap, align_map, read_day
from liqcli.analysis.score.levels import score_maps, summarise
from liqcli.analysis.score.orders import Floats, Orders, merge_prints
from liqcli.analysis.score.result import Score

WARM_DAYS = 6  # before the first scored day: positions build up


@dataclass(frozen=True)
class Case:
    """The days of a market and the map of each, aligned at its opening price."""

    days: list[DayOutcome]
    maps: list[Floats]

    def score(self, order: list[int] | None = None) -> Score:
        """Score the maps, optionally those of other days."""
        maps = self.maps if order is None else [self.maps[k] for k in order]
        return summarise(score_maps(self.days, maps))


def merge(prints: Prints) -> Orders:
    return merge_prints(prints.ts_us, prints.price, prints.is_long, prints.notional)


def build_market(seed: int, days: int = 30) -> Market:
    return simulate(seed, days + WARM_DAYS)


def build_case(market: Market, orders: Orders, late_days: int = 0) -> Case:
    """Judge the true positions of each midnight, or of some days later, by the orders of the day."""
    outcomes, maps = [], []
    edges = np.exp(np.arange(np.log(market.path.min() * 0.8), np.log(market.path.max() * 1.25), 0.0005))
    for number in range(WARM_DAYS, market.days - late_days):
        start_us = market.midnight(number)
        day = read_day(start_us, market.candles, market.volume, orders)
        assert day is not None
        outcomes.append(day)
        maps.append(align_map(LevelMap(start_us, edges, *market.standing(number + late_days, edges)), day.open))
    return Case(outcomes, maps)


def true_case(seed: int, days: int = 30, shift_days: int = 0, late_days: int = 0) -> Case:
    """Liquidations of the true positions, optionally dated later than they were, or judged by later maps."""
    market = build_market(seed, days)
    return build_case(market, merge(market.prints).shifted(shift_days * DAY_US), late_days)


def null_case(seed: int, days: int = 30, memory: int = 1440) -> Case:
    """Liquidations spread evenly over prices not traded for ``memory`` minutes."""
    market = build_market(seed, days)
    return build_case(market, merge(spread_evenly(market, seed + 1_000_000, memory)))
