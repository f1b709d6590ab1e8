"""Several symbols in the same window: one set of results each, as their own reports have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_iso
from liqcli.core.model import Window
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report.results import ViewOptions, WindowResults, compute_results

PANEL_BINS = 60  # rows of a panel, about


@dataclass(frozen=True, eq=False)
class CompareResults:
    """
    The results of each symbol, in the order of the request.

    ``missing`` maps the symbols without liquidations in the window to what the lake holds of them.
    """

    window: Window
    query: Query
    view: ViewOptions
    names: tuple[str, ...]
    found: Mapping[str, WindowResults]
    missing: Mapping[str, str]


def compare_windows(
    lake: Lake, names: Sequence[str], query: Query, window: Window, bucket_us: int | None, view: ViewOptions
) -> CompareResults:
    """
    Load and analyze the same window of several symbols.

    Parameters
    ----------
    names : sequence of str
        Symbols in any spelling.
    query : Query
        The other filters; its symbol and times are replaced.
    window : Window
        Half-open. [UTC]
    bucket_us : int or None
        Step of the time axis [µs]; None: from the window.

    Raises
    ------
    UsageError, DamagedError
        See :func:`liqcli.lake.selection.build_selection`.
    EmptyWindowError
        None of the symbols has a liquidation in the window.
    """
    found: dict[str, WindowResults] = {}
    missing: dict[str, str] = {}
    start, end = format_iso(window.start_us), format_iso(window.end_us)
    first_error: EmptyWindowError | None = None
    for name in names:
        mine = replace(query, symbol=name, since=start, until=end)
        try:
            found[name] = compute_results(lake, mine, GridOptions(bucket_us, None, PANEL_BINS), view)
        except EmptyWindowError as error:
            missing[name] = error.fact or str(error)
            first_error = first_error or error
    if first_error and not found:
        raise first_error
    return CompareResults(window, query, view, tuple(names), found, missing)
