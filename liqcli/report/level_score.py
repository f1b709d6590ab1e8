"""Walk through the lake day by day: levels known at midnight, judged by what the day liquidated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from liqcli.analysis.levels.liquidation_price import find_rule
from liqcli.analysis.levels.lots import place_lots
from liqcli.analysis.score.days import DAY_US, NEW_US, LevelMap, align_map, list_days, read_day
from liqcli.analysis.score.forward import MEMORY_DAYS, ForwardMap, estimate_forward
from liqcli.analysis.score.levels import DayScores, score_maps, summarise
from liqcli.analysis.score.orders import Orders, merge_prints
from liqcli.analysis.score.result import Score
from liqcli.core.errors import EmptyWindowError
from liqcli.core.model import Window
from liqcli.lake.selection import Query, Selection, build_selection
from liqcli.lake.store import Lake
from liqcli.query.columns import OrderPrintRows
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.query.scans import scan_order_prints
from liqcli.report.levels_data import LevelInputs, LevelsQuery, find_tiers, read_inputs, read_realized


@dataclass(frozen=True, eq=False)
class LevelScore:
    """The score of the levels of a window, the maps that were judged, and what they rest on."""

    inputs: LevelInputs
    score: Score
    maps: tuple[ForwardMap, ...]
    exchanges: tuple[str, ...]
    damaged: tuple[Path, ...]

    @property
    def calibrated(self) -> int:
        """Number of maps with calibrated weights."""
        return sum(one.calibration.calibrated for one in self.maps)


def compute_level_score(lake: Lake, query: LevelsQuery) -> LevelScore:
    """
    Score the levels of each whole day of a window.

    Raises
    ------
    UsageError, EmptyWindowError
        See :func:`liqcli.report.levels_data.load_levels`, or no liquidation in the window.
    """
    inputs = read_inputs(lake, query, MEMORY_DAYS * DAY_US)
    orders, exchanges, missed = read_orders(lake, query, inputs.window)
    realized, unread = read_realized(lake, query, inputs.steps, inputs.window.end_us)
    midnights = list_days(inputs.window.start_us, inputs.window.end_us)
    tiers, unreadable = find_tiers(lake, inputs.exchange, inputs.contract, inputs.window)
    lots = place_lots(inputs.steps, tiers.tiers, rule=find_rule(inputs.exchange))
    maps = estimate_forward(inputs.steps, realized, midnights, lots)
    score = summarise(judge_maps(inputs, [one.level_map for one in maps], orders))
    damaged = tuple(dict.fromkeys((*inputs.damaged, *missed, *unread, *unreadable)))
    return LevelScore(inputs, score, tuple(maps), exchanges, damaged)


def score_written_maps(lake: Lake, query: LevelsQuery, maps: Sequence[LevelMap]) -> tuple[Score, list[DayScores]]:
    """
    Score maps that were written before, each on the 24 hours after it.

    Parameters
    ----------
    query : LevelsQuery
        From the first map to a day after the last one.
    maps : sequence of LevelMap
        By rising time.

    Returns
    -------
    score, days : Score, list of DayScores
        Of all maps, and of those whose day could be scored.

    Raises
    ------
    UsageError, EmptyWindowError
        See :func:`compute_level_score`.
    """
    inputs = read_inputs(lake, query, 2 * NEW_US)
    orders, _exchanges, _missed = read_orders(lake, query, inputs.window)
    days = judge_maps(inputs, maps, orders)
    return summarise(days), days


def judge_maps(inputs: LevelInputs, maps: Sequence[LevelMap], orders: Orders) -> list[DayScores]:
    """Score maps, each on the day that begins with it."""
    days, aligned = [], []
    for one in maps:
        candles = inputs.candles.since(one.as_of_us - NEW_US)
        day = read_day(one.as_of_us, candles.prices, candles.volume, orders)
        if day is not None:
            days.append(day)
            aligned.append(align_map(one, day.open))
    return score_maps(days, aligned)


def read_orders(lake: Lake, query: LevelsQuery, window: Window) -> tuple[Orders, tuple[str, ...], tuple[Path, ...]]:
    """
    Read the forced orders of a window, with prices that are not fills moved to prices that traded.

    Returns
    -------
    orders, exchanges, damaged
        The orders, the exchanges they come from, and files that were left out.

    Raises
    ------
    EmptyWindowError
        No liquidation in the window.
    """
    wanted = Query(
        query.symbol, since=window.start.isoformat(), until=window.end.isoformat(), exchanges=query.exchanges
    )
    try:
        selection, rows = _scan(lake, replace(wanted, price="market"))
    except EmptyWindowError:  # also where no one-minute candles are stored to move prices to
        selection, rows = _scan(lake, wanted)
    exchanges = tuple(sorted({one.exchange for one in selection.coverage}))
    orders = merge_prints(rows.second_us, rows.price, rows.position == "long", rows.notional_e6 / 1e6)
    return orders, exchanges, selection.damaged


def _scan(lake: Lake, wanted: Query) -> tuple[Selection, OrderPrintRows]:
    with DuckDBEngine() as engine:
        return build_selection(engine, lake, wanted), scan_order_prints(engine)
