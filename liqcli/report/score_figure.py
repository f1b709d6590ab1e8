"""The forest plot of a score from its document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liqcli.charts.forest import ForestRow, draw_forest
from liqcli.core.choices import ThemeName
from liqcli.report.score_document import IN_NATS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_score_figure(document: dict[str, Any], theme: ThemeName = "dark") -> Figure:
    """Draw the measures that are shares; likelihoods have another unit and are left to the table."""
    rows = [_row(one) for one in document["measures"] if one["name"] != IN_NATS]
    span = f"{document['start'][:10]} to {document['end'][:10]}"
    title = f"{document['symbol']} {document['meta']['kind']}, {span}: {document['verdict']}"
    return draw_forest(rows, title, str(document["sentence"]), theme)


def _row(one: dict[str, Any]) -> ForestRow:
    def points(name: str) -> float | None:
        value = one[name]
        return None if value is None else 100 * value

    label = f"{one['name']} against {one['baseline']}"
    bounds = [points(name) for name in ("difference_low", "difference_high", "corrected_low", "corrected_high")]
    return ForestRow(label, 100 * one["difference"], *bounds)
