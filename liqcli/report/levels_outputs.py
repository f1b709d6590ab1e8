"""Write estimated levels to files, each in the format of its suffix."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from liqcli.analysis.levels.field import LevelField
from liqcli.core.choices import PaletteName, ThemeName
from liqcli.core.formatting import format_iso
from liqcli.report.figure import Figure
from liqcli.report.html_markdown import read_style, render_json, render_template
from liqcli.report.levels_data import LevelsData
from liqcli.report.levels_document import build_levels_document
from liqcli.report.levels_figure import draw_level_figure
from liqcli.report.output_files import write_file

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".html", ".png", ".json", ".csv", ".parquet")
COLUMNS = ("bucket_start", "price_low", "price_high", "position", "estimated_notional")


@dataclass(frozen=True, slots=True)
class LevelsView:
    """How levels are shown; theme ``auto`` follows the reader's system on a page and is dark elsewhere."""

    palette: PaletteName = "liq"
    theme: str = "auto"
    size: tuple[int, int] | None = None


class LevelsContent:
    """The content of the files; document and figures are built when a file first needs them."""

    def __init__(self, data: LevelsData, view: LevelsView | None = None) -> None:
        self.data, self.view = data, view or LevelsView()
        self._drawn: dict[ThemeName, Figure] = {}

    @cached_property
    def document(self) -> dict[str, Any]:
        """The dict that page and JSON share."""
        return build_levels_document(self.data)

    def draw(self, theme: ThemeName) -> Figure:
        """Draw the figure in one theme, once."""
        if theme not in self._drawn:
            self._drawn[theme] = draw_level_figure(self.data, theme, self.view.palette, self.view.size)
        return self._drawn[theme]

    def render(self, suffix: str) -> bytes:
        """Render one format of :data:`SUFFIXES`."""
        if suffix == ".json":
            return render_json(self.document).encode()
        if suffix == ".csv":
            return render_field_csv(self.data.estimate.field).encode()
        if suffix == ".parquet":
            return _render_parquet(self.data.estimate.field)
        if suffix == ".png":
            return self.draw("light" if self.view.theme == "light" else "dark").png
        themes: dict[str, tuple[ThemeName, ...]] = {"dark": ("dark",), "light": ("light",)}
        figures = [self.draw(theme) for theme in themes.get(self.view.theme, ("dark", "light"))]
        style = read_style("style.css")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        values = {
            "meta": self.document["meta"],
            "est": self.document,
            "figures": figures,
            "theme": self.view.theme,
            "style": style,
            "style_hash": digest,
        }
        return render_template("levels.html", values).encode()

    def write(self, paths: Sequence[Path]) -> list[Path]:
        """
        Write files whose names passed :func:`liqcli.report.output_files.check_outputs`.

        Raises
        ------
        OutputError
            A file cannot be written; the message names it.
        """
        for path in paths:
            write_file(path, self.render(path.suffix.lower()))
        return list(paths)


def iter_field(field: LevelField) -> Iterator[tuple[str, float, float, str, float]]:
    """Yield the non-empty cells of the field ordered by bucket, price and position, with ``COLUMNS``. [USD]"""
    starts = [format_iso(t) for t in field.starts_us.tolist()]
    edges = field.price_edges.tolist()
    sides = (("long", field.long_notional), ("short", field.short_notional))
    columns, rows = np.nonzero((field.long_notional + field.short_notional).T > 0)
    for column, row in zip(columns.tolist(), rows.tolist(), strict=True):
        for position, notional in sides:
            if notional[row, column] > 0:
                yield starts[column], edges[row], edges[row + 1], position, float(notional[row, column])


def render_field_csv(field: LevelField) -> str:
    """Write the cells as CSV with a header; numbers are not rounded."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(iter_field(field))
    return out.getvalue()


def build_field_table(field: LevelField) -> pa.Table:
    """Return the cells as an Arrow table; ``bucket_start`` is a UTC timestamp there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: list[list[Any]] = [list(c) for c in zip(*iter_field(field), strict=True)] or [[] for _ in COLUMNS]
    text, number = pa.string(), pa.float64()
    types = [text, number, number, text, number]
    table = pa.table({n: pa.array(c, t) for n, c, t in zip(COLUMNS, columns, types, strict=True)})
    stamps = pc.cast(
        pc.strptime(table["bucket_start"], format="%Y-%m-%dT%H:%M:%SZ", unit="us"), pa.timestamp("us", "UTC")
    )
    return table.set_column(0, "bucket_start", stamps)


def _render_parquet(field: LevelField) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(build_field_table(field), out, compression="zstd")
    return out.getvalue()
