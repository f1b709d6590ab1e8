"""Estimated levels of a report, and how good such levels were in the month before its end."""

from __future__ import annotations

from liqcli.analysis.score.days import DAY_US
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_iso
from liqcli.lake.selection import Selection
from liqcli.lake.store import Lake
from liqcli.report.level_score import LevelScore, compute_level_score
from liqcli.report.levels_data import LevelsData, LevelsQuery, load_levels

SCORED_US = 30 * DAY_US


def load_window_levels(lake: Lake, selection: Selection) -> tuple[LevelsData | str, LevelScore | None]:
    """
    Estimate the levels of a selected window, and score those of the last month.

    Returns
    -------
    levels, score
        The levels, or the reason why there are none; None where they cannot be scored.
    """
    query, window = selection.query, selection.window

    def ask(start_us: int) -> LevelsQuery:
        since, until = format_iso(start_us), format_iso(window.end_us)
        return LevelsQuery(query.symbol, since=since, until=until, exchanges=query.exchanges)

    try:
        levels = load_levels(lake, ask(window.start_us))
    except EmptyWindowError as error:
        return error.fact, None
    try:
        return levels, compute_level_score(lake, ask(window.end_us - SCORED_US))
    except EmptyWindowError:  # the window has liquidations; candles may be too few
        return levels, None
