"""Open the events that count in a window: those of whole files, and parts of files where sources take turns."""

from __future__ import annotations

from collections.abc import Sequence

from liqcli.core.choices import PositionFilter
from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_count
from liqcli.core.model import Window
from liqcli.lake.invalid_rows import count_invalid
from liqcli.lake.inventory import LAKE_COLUMNS, StoredFile
from liqcli.lake.source_ranking import SourceAssignment, assigned_table, list_assigned_intervals
from liqcli.lake.store import Lake
from liqcli.query.columns import Totals
from liqcli.query.file_parts import FilePart
from liqcli.query.file_sums import ChooseAxes, FileSums, sum_files
from liqcli.query.query_engine import QueryEngine

MOST_LOADED = 2_000_000  # events; a table of them takes about 200 MB


def open_events(
    engine: QueryEngine,
    lake: Lake,
    files: Sequence[StoredFile],
    assignment: SourceAssignment,
    window: Window,
    filters: tuple[PositionFilter, float],
    watch: bool = False,
) -> str:
    """
    Open the events of a window, and return the name of the view.

    The view reads the files at each use. Another call replaces it: load its rows first if they are still needed.

    Parameters
    ----------
    files : sequence of StoredFile
        Readable files with events in the window, at least one.
    filters : (str, float)
        Position, and least USD of an event.
    watch : bool
        Fail when a file is replaced, for a view that is not loaded.
    """
    engine.open_files("stored", [h.path for h in files], LAKE_COLUMNS, watch=watch)
    whole = [h for h in files if _counts_whole(h, assignment, window)]
    cut = [h for h in files if h not in whole]
    position, least_usd = filters
    params = {"position": position, "min_notional": least_usd}
    if whole:
        engine.open_subset("whole_files", [h.path for h in whole])
        engine.create_view("whole_rows", "select_whole_files", params)
    if cut:
        assigned = list_assigned_intervals([h.partition for h in cut], assignment.shares)
        engine.register("assigned", assigned_table(lake.root, assigned))
        engine.open_subset("cut_files", [h.path for h in cut])
        bounds = {"start_us": window.start_us, "end_us": window.end_us}
        engine.create_view("cut_rows", "select_liquidations", {**bounds, **params})
    if whole and cut:
        engine.create_view("all_rows", "select_all_files")
        return "all_rows"
    return "whole_rows" if whole else "cut_rows"


def fit_memory(files: Sequence[StoredFile]) -> bool:
    """Return whether the events of these files are few enough to be loaded."""
    return sum(h.events for h in files) <= MOST_LOADED


def sum_events(
    files: Sequence[StoredFile],
    assignment: SourceAssignment,
    window: Window,
    filters: tuple[PositionFilter, float],
    choose: ChooseAxes,
) -> FileSums | None:
    """
    Sum the events of a window in one pass over its files; None if the rows are not all plain.

    Parameters as of :func:`open_events`.
    """
    parts = []
    for h in files:
        place = h.partition
        mine = assignment.shares.get((place.exchange, place.symbol), {}).get(place.source, ())
        whole = _counts_whole(h, assignment, window)
        parts.append(FilePart(h.path, place.exchange, place.symbol, None if whole else mine))
    return sum_files([part for part in parts if part.intervals != ()], choose, *filters)


def check_rows(totals: Totals, lake: Lake) -> None:
    """
    Check that all selected rows are valid.

    Raises
    ------
    DamagedError
        Unknown values, or numbers that are not positive and finite.
    """
    invalid = sum(count_invalid(totals).values())
    if invalid:
        raise DamagedError(
            f"{format_count(invalid)} invalid row{'s'[: invalid != 1]} in {lake.root}: unknown position, price "
            "kind or completeness, or a price, quantity or USD that is not a positive number; "
            "liqcli verify names the files"
        )


def _counts_whole(held: StoredFile, assignment: SourceAssignment, window: Window) -> bool:
    """Return whether all rows of a file lie inside the window and in the time of its source."""
    place = held.partition
    mine = assignment.shares.get((place.exchange, place.symbol), {}).get(place.source, ())
    first_us, past_us = held.first_us, held.last_us + 1
    inside = window.start_us <= first_us and past_us <= window.end_us and not held.later
    return inside and any(start <= first_us and past_us <= end for start, end in mine)
