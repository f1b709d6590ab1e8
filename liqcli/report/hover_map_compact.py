"""What lies over the compact pictures: bursts, time steps under open interest, steps from the last price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from liqcli.core.formatting import format_percent_signed, format_price, format_usd
from liqcli.report.hover_map import Mark, PixelRegions, describe_bucket, describe_cascade, describe_sides

if TYPE_CHECKING:
    from liqcli.analysis.cumulative import DistanceSums
    from liqcli.report.figure_registry import RenderedFigure
    from liqcli.report.results import WindowResults

_BURSTS = (("cascade", "flash"), ("label", "entry"))  # region of the picture -> mark over it


def build_cascade_marks(findings: WindowResults, poster: RenderedFigure) -> list[Mark]:
    """Say of each shaded burst, and of its row in the list, what a table would."""
    places, words = PixelRegions(poster), {c.rank: describe_cascade(c) for c in findings.cascades}
    regions = [(mark, region) for kind, mark in _BURSTS for region in places.find(kind).values()]
    return [places.mark(mark, r, words[r.key]) for mark, r in regions if r.width and r.height]


def build_interest_marks(findings: WindowResults, poster: RenderedFigure) -> list[Mark]:
    """Say of each time step what was liquidated in it and what was open at its end."""
    places, grid, series = PixelRegions(poster), findings.grid, findings.open_interest
    marks = []
    for column, region in places.find("bucket").items():
        words = describe_bucket(grid, column, findings.gaps)
        end_us = min(int(grid.bucket_starts_us[column]) + grid.bucket_us, findings.selection.window.end_us)
        row = series.find_before(end_us) if series is not None else None
        known = series is not None and row is not None and series.usd[row] == series.usd[row]
        open_at_end = f"{format_usd(float(series.usd[row]))} USD" if series is not None and known else "unknown"
        marks.append(places.mark("column", region, f"{words}\nopen interest {open_at_end}"))
    return marks


def build_cumulative_marks(findings: WindowResults, poster: RenderedFigure) -> list[Mark]:
    """Say of each step what lies between it and the last price, the step itself included."""
    places, sums = PixelRegions(poster), findings.cumulative

    def say(key: int) -> str:
        side: DistanceSums
        side, steps, way = (sums.above, key + 1, 1) if key >= 0 else (sums.below, -key, -1)
        percent = way * steps * sums.step_pct
        price = format_price(sums.last_price * (1 + percent / 100))
        long, short = int(side.long_e6[steps]) / 1e6, int(side.short_e6[steps]) / 1e6
        return f"within {format_percent_signed(percent)} ({price})\n{describe_sides(long, short)}"

    return [places.mark("column", region, say(key)) for key, region in places.find("step").items()]


COMPACT_MARKS: Mapping[str, Callable[[WindowResults, RenderedFigure], list[Mark]]] = {
    "cascades": build_cascade_marks,
    "open_interest": build_interest_marks,
    "cumulative": build_cumulative_marks,
}
