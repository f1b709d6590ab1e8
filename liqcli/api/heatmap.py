"""Results of one window as a Python object."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.api.arguments import time_of_making
from liqcli.core.choices import TEXTS, THEMES, check_choice

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from liqcli.analysis.cascades import Cascade
    from liqcli.analysis.clusters import Cluster
    from liqcli.analysis.context import Context
    from liqcli.analysis.window_change import WindowChange
    from liqcli.core.coverage import ExchangeCoverage
    from liqcli.core.model import HeatmapGrid, Window
    from liqcli.report.results import WindowResults


class Heatmap:
    """
    Liquidations of one symbol in one window: grid, clusters, cascades, context, pictures and reports.

    Returned by :meth:`liqcli.Lake.heatmap`. Jupyter shows its picture.

    Attributes
    ----------
    results : WindowResults
        All results, as the report package reads them.
    """

    def __init__(self, results: WindowResults) -> None:
        self.results = results
        self._report: dict[str, Any] | None = None

    @property
    def symbol(self) -> str:
        """Canonical symbol, or the base where several symbols were added up."""
        return self.results.selection.label

    @property
    def window(self) -> Window:
        """Half-open ``[start, end)``. [UTC]"""
        return self.results.selection.window

    @property
    def grid(self) -> HeatmapGrid:
        """``notional`` of shape (n_bins, n_buckets) [USD], ``price_edges`` [quote], ``bucket_starts_us`` [µs UTC]."""
        return self.results.grid

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Price bands that stand out, best rank first."""
        return self.results.clusters

    @property
    def cascades(self) -> tuple[Cascade, ...]:
        """Bursts of liquidations, largest first."""
        return self.results.cascades

    @property
    def context(self) -> Context:
        """RSI, trend, volume and open interest around the window; parts are None where candles are missing."""
        return self.results.context

    @property
    def against(self) -> WindowChange | None:
        """What changed since the window before, where it was requested with ``against="previous"``."""
        return self.results.against

    @property
    def coverage(self) -> tuple[ExchangeCoverage, ...]:
        """Covered share of the window by exchange and symbol, and the gaps."""
        return self.results.selection.coverage

    @property
    def damaged(self) -> tuple[Path, ...]:
        """Files of the lake that cannot be read and were left out."""
        return self.results.damaged

    @property
    def report(self) -> dict[str, Any]:
        """Every number of the report as plain data, as ``-o report.json`` writes it."""
        from liqcli.report.document import build_document

        if self._report is None:
            self._report = build_document(self.results)
        return self._report

    def sections(self, *names: str) -> dict[str, Any]:
        """Return some sections of :attr:`report`; only what they need is computed."""
        from liqcli.report.document import build_sections

        return build_sections(self.results, names)

    def to_arrow(self) -> pa.Table:
        """Return the non-empty cells in long form: one row per bucket, bin and position, as ``-o grid.parquet``."""
        from liqcli.report.csv_parquet import build_table

        return build_table(self.grid)

    def to_pandas(self) -> Any:  # noqa: ANN401 - pandas is optional, and so are its types
        """Return :meth:`to_arrow` as a DataFrame; needs pandas."""
        return self.to_arrow().to_pandas()

    def save(
        self, *paths: str | Path, picture: str = "heatmap", stamp: bool = False, refresh_s: int | None = None
    ) -> list[Path]:
        """
        Write files. The suffix selects the format: .html .md .png .json .csv .parquet.

        Parameters
        ----------
        paths : str or Path
            Default: ``BTC-24h.html`` in the current folder, named after symbol and lookback. It replaces a page of an
            earlier run, but no other file.
        picture : {"heatmap", "cascades", "cumulative", "open-interest"}
            Content of a ``.png``.
        stamp : bool
            Add a generation timestamp to pages; their bytes then differ from run to run.
        refresh_s : int, optional
            Interval at which a browser loads an ``.html`` again, for a page that is written again and again. [s]

        Returns
        -------
        list of Path
            All files written. A Markdown report puts its pictures beside it.

        Raises
        ------
        OutputError
            A file cannot be written, or the default name is taken by a file that liqcli did not write.
        """
        from liqcli.report.output_files import check_outputs, choose_output, write_outputs

        names = [Path(path) for path in paths] or [choose_output(self.results.selection)]
        check_outputs(names)
        name = _check_picture(picture)
        return write_outputs(self.results, names, time_of_making(stamp), self._report, name, refresh_s)

    def render(self, output_format: str = "json", stamp: bool = False) -> str:
        """
        Return the text that :meth:`save` writes to a file.

        Parameters
        ----------
        output_format : {"json", "csv", "html"}
        stamp : bool
            As for :meth:`save`.
        """
        from liqcli.report.output_files import render_text

        check_choice(output_format, TEXTS, "--format")
        return render_text(self.results, output_format, time_of_making(stamp), self._report)

    def figure(self, picture: str = "heatmap") -> Figure:
        """
        Draw a picture as a matplotlib Figure.

        Parameters
        ----------
        picture : {"heatmap", "cascades", "cumulative", "open-interest"}

        Raises
        ------
        EmptyWindowError
            Open interest is not known in this window.
        """
        from liqcli.report.figures import WindowFigures
        from liqcli.report.output_files import explain_unknown

        name = _check_picture(picture)
        figure = WindowFigures(self.results).alone(name)
        if figure is None:
            raise explain_unknown(self.results, name)
        return figure.to_matplotlib()

    def with_theme(self, theme: str) -> Heatmap:
        """Return the same results in another theme: ``auto``, ``dark`` or ``light``."""
        view = replace(self.results.view, theme=check_choice(theme, THEMES, "--theme"))
        return Heatmap(self.results.with_view(view))

    def _repr_png_(self) -> bytes:
        from liqcli.report.figures import WindowFigures

        figure = WindowFigures(self.results).alone()
        return figure.png if figure else b""

    def __repr__(self) -> str:
        from liqcli.core.formatting import format_counted, format_time, format_usd

        sums, window = self.results.summary.sums, self.window
        return (
            f"<Heatmap {self.symbol} {format_time(window.start_us)} to {format_time(window.end_us)} UTC: "
            f"{format_counted(sums.events, 'liquidation')}, {format_usd(sums.notional)} USD, "
            f"{format_counted(len(self.clusters), 'cluster')}, {format_counted(len(self.cascades), 'cascade')}>"
        )


def _check_picture(picture: str) -> str:
    from liqcli.report.figures import FIGURES

    names = [name.replace("_", "-") for name in FIGURES]
    return check_choice(picture.replace("_", "-"), names, "--picture").replace("-", "_")
