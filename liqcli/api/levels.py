"""Estimated levels as a Python object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.api.arguments import Names, read_grid_options, split_names
from liqcli.core.choices import PALETTES, THEMES, check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from matplotlib.figure import Figure

    from liqcli.analysis.levels.estimate import LevelEstimate
    from liqcli.analysis.levels.field import LevelField
    from liqcli.core.model import Window
    from liqcli.lake.store import Lake as Store
    from liqcli.report.levels_data import LevelsData
    from liqcli.report.levels_outputs import LevelsContent


class Levels:
    """
    Estimated levels of one symbol: where open positions would be liquidated. Nothing in it is realized.

    Returned by :meth:`liqcli.Lake.levels`. Jupyter shows its picture.

    Attributes
    ----------
    data : LevelsData
        The estimate and its inputs, as the report package reads them.
    """

    def __init__(self, content: LevelsContent) -> None:
        self._content = content
        self.data: LevelsData = content.data

    @property
    def symbol(self) -> str:
        """Canonical symbol, or the base as requested."""
        return self.data.label

    @property
    def window(self) -> Window:
        """Half-open ``[start, end)``. [UTC]"""
        return self.data.window

    @property
    def estimate(self) -> LevelEstimate:
        """The model run: ``standing``, ``levels``, ``longs``, ``shorts``, ``calibration``, ``walk``."""
        return self.data.estimate

    @property
    def field(self) -> LevelField:
        """``long_notional`` and ``short_notional`` of shape (n_bins, n_columns) [USD], with their axes."""
        return self.data.estimate.field

    @property
    def damaged(self) -> tuple[Path, ...]:
        """Files of the lake that cannot be read and were left out."""
        return self.data.damaged

    @property
    def report(self) -> dict[str, Any]:
        """Every number as plain data, as ``-o levels.json`` writes it."""
        return self._content.document

    def to_arrow(self) -> pa.Table:
        """Return the non-empty cells of the field: one row per bucket, bin and position."""
        from liqcli.report.levels_outputs import build_field_table

        return build_field_table(self.field)

    def figure(self) -> Figure:
        """Draw the picture as a matplotlib Figure."""
        return self._content.draw("light" if self._content.view.theme == "light" else "dark").to_matplotlib()

    def save(self, *paths: str | Path) -> list[Path]:
        """
        Write files, each in the format of its suffix: ``.html``, ``.png``, ``.json``, ``.csv`` or ``.parquet``.

        Raises
        ------
        UsageError
            Another suffix, or a folder that does not exist.
        OutputError
            A file cannot be written.
        """
        from liqcli.report.levels_outputs import SUFFIXES
        from liqcli.report.output_files import check_outputs

        names = [Path(path) for path in paths]
        check_outputs(names, SUFFIXES)
        return self._content.write(names)

    def render(self, output_format: str) -> str:
        """Return ``json``, ``csv`` or ``html`` as text."""
        return self._content.render(f".{output_format}").decode()

    def _repr_png_(self) -> bytes:
        return self._content.render(".png")

    def __repr__(self) -> str:
        from liqcli.core.formatting import format_time, format_usd

        levels = self.estimate.levels
        return (
            f"<Levels {self.symbol} at {format_time(self.window.end_us)} UTC, estimated: "
            f"{format_usd(float(levels.long_notional.sum()))} USD of longs below, "
            f"{format_usd(float(levels.short_notional.sum()))} USD of shorts above>"
        )


def open_levels(
    store: Store,
    stored: Sequence[str],
    symbol: str,
    window: tuple[str | None, str | None, str | None],
    exchanges: Names,
    axes: tuple[str | None, float | str | None, int | None, tuple[float, float] | str | None],
    view: tuple[str, str, tuple[int, int] | None],
) -> Levels:
    """Check the arguments of :meth:`liqcli.Lake.levels` and estimate the levels."""
    from liqcli.analysis.levels.estimate import LevelAxes
    from liqcli.core.symbols import check_exchange
    from liqcli.core.times import check_lookback
    from liqcli.report.levels_data import LevelsQuery, load_levels
    from liqcli.report.levels_outputs import LevelsContent, LevelsView

    palette, theme, size = view
    shown = LevelsView(check_choice(palette, PALETTES, "--palette"), check_choice(theme, THEMES, "--theme"), size)
    grid = read_grid_options(*axes)
    low, high = grid.price_low, grid.price_high
    lookback, since, until = window
    query = LevelsQuery(
        symbol,
        check_lookback(lookback, since),
        since,
        until,
        tuple(check_exchange(name, stored) for name in split_names(exchanges)),
        LevelAxes(grid.bucket_us, grid.bin, grid.bins, None if low is None or high is None else (low, high)),
    )
    return Levels(LevelsContent(load_levels(store, query), shown))
