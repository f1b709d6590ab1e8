"""Results of the whole market as a Python object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.api.arguments import time_of_making
from liqcli.core.choices import TEXTS, THEMES, check_choice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from liqcli.analysis.overview import SymbolOverview
    from liqcli.core.model import Window
    from liqcli.report.overview_results import OverviewResults


class Overview:
    """
    Liquidations of every symbol of the lake in one window, ranked by USD.

    Returned by :meth:`liqcli.Lake.overview`. Jupyter shows its picture.

    Attributes
    ----------
    results : OverviewResults
        All results, as the report package reads them.
    """

    def __init__(self, results: OverviewResults) -> None:
        self.results = results
        self._report: dict[str, Any] | None = None

    @property
    def window(self) -> Window:
        """Half-open ``[start, end)``. [UTC]"""
        return self.results.selection.window

    @property
    def symbols(self) -> tuple[SymbolOverview, ...]:
        """Every symbol of the lake, by falling USD; those without liquidations last."""
        return self.results.overview.symbols

    @property
    def damaged(self) -> tuple[Path, ...]:
        """Files of the lake that cannot be read and were left out."""
        return self.results.damaged

    @property
    def left_out(self) -> dict[str, str]:
        """Symbols that were left out because of invalid rows: file and row, with the reason."""
        return {found.symbol: f"{found.path}: {found.reason}" for found in self.results.left_out}

    @property
    def report(self) -> dict[str, Any]:
        """Every number as plain data, as ``-o market.json`` writes it."""
        from liqcli.report.overview_document import build_overview_document

        if self._report is None:
            self._report = build_overview_document(self.results)
        return self._report

    def save(
        self, *paths: str | Path, links: Mapping[str, str] | None = None, back: str = "", stamp: bool = False
    ) -> list[Path]:
        """
        Write files. The suffix selects the format: .html .md .png .json .csv.

        Parameters
        ----------
        paths : str or Path
            Default: ``market-24h.html`` in the current folder, named after the lookback. It replaces a page of an
            earlier run, but no other file.
        links : mapping, optional
            Symbol -> address of its report, for pages.
        back : str
            Address of the page that leads here, for pages.
        stamp : bool
            Add a generation timestamp to pages; their bytes then differ from run to run.

        Returns
        -------
        list of Path
            All files written. A Markdown page puts its picture beside it.

        Raises
        ------
        OutputError
            A file cannot be written, or the default name is taken by a file that liqcli did not write.
        """
        from liqcli.report.output_files import check_outputs, name_page
        from liqcli.report.overview_files import SUFFIXES, write_overview

        selection = self.results.selection
        names = [Path(path) for path in paths] or [name_page("market", selection.window, selection.query)]
        check_outputs(names, SUFFIXES)
        return write_overview(self.results, names, self.report, links or {}, back, time_of_making(stamp))

    def render(self, output_format: str = "json", stamp: bool = False) -> str:
        """
        Return the text that :meth:`save` writes to a file.

        Parameters
        ----------
        output_format : {"json", "csv", "html"}
        stamp : bool
            As for :meth:`save`.
        """
        from liqcli.report.overview_files import render_overview

        check_choice(output_format, TEXTS, "--format")
        return render_overview(self.results, output_format, self.report, made=time_of_making(stamp))

    def figure(self) -> Figure:
        """Draw the treemap and the timeline as a matplotlib Figure."""
        from liqcli.report.overview_figure import draw_overview_figure

        return draw_overview_figure(self.results).to_matplotlib()

    def with_theme(self, theme: str) -> Overview:
        """Return the same results in another theme: ``auto``, ``dark`` or ``light``."""
        view = replace(self.results.view, theme=check_choice(theme, THEMES, "--theme"))
        return Overview(self.results.with_view(view))

    def _repr_png_(self) -> bytes:
        from liqcli.report.overview_figure import draw_overview_figure

        return draw_overview_figure(self.results).png

    def __repr__(self) -> str:
        from liqcli.core.formatting import format_counted, format_time, format_usd

        sums, window = self.results.overview.summary.sums, self.window
        return (
            f"<Overview {format_time(window.start_us)} to {format_time(window.end_us)} UTC: "
            f"{format_counted(len(self.results.overview.liquidated), 'symbol')}, "
            f"{format_counted(sums.events, 'liquidation')}, {format_usd(sums.notional)} USD>"
        )
