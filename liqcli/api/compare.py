"""Several symbols side by side, as a Python object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.api.arguments import time_of_making
from liqcli.core.choices import check_choice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from liqcli.core.model import Window
    from liqcli.report.compare_results import CompareResults
    from liqcli.report.results import WindowResults


class Comparison:
    """
    The same window of several symbols. Returned by :meth:`liqcli.Lake.compare`; Jupyter shows its picture.

    Attributes
    ----------
    results : CompareResults
        All results, as the report package reads them.
    """

    def __init__(self, results: CompareResults) -> None:
        self.results = results
        self._report: dict[str, Any] | None = None

    @property
    def window(self) -> Window:
        """Half-open ``[start, end)``. [UTC]"""
        return self.results.window

    @property
    def symbols(self) -> dict[str, WindowResults]:
        """The results of each symbol that has liquidations in the window, by the name it was requested with."""
        return dict(self.results.found)

    @property
    def missing(self) -> dict[str, str]:
        """The other symbols, and what the lake holds of them."""
        return dict(self.results.missing)

    @property
    def damaged(self) -> tuple[Path, ...]:
        """Files of the lake that cannot be read and were left out."""
        return tuple(dict.fromkeys(path for own in self.results.found.values() for path in own.damaged))

    @property
    def report(self) -> dict[str, Any]:
        """Every number as plain data, as ``-o compare.json`` writes it."""
        from liqcli.report.compare_document import build_compare_document

        if self._report is None:
            self._report = build_compare_document(self.results)
        return self._report

    def save(self, *paths: str | Path, stamp: bool = False) -> list[Path]:
        """
        Write files. The suffix selects the format: .html .md .png .json.

        Parameters
        ----------
        paths : str or Path
            Default: ``BTC-ETH-SOL-24h.html`` in the current folder.
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
        from liqcli.report.compare_files import SUFFIXES, write_compare
        from liqcli.report.output_files import check_outputs, name_page

        results = self.results
        names = [Path(path) for path in paths]
        names = names or [name_page("-".join(results.names), results.window, results.query)]
        check_outputs(names, SUFFIXES)
        return write_compare(results, names, self.report, time_of_making(stamp))

    def render(self, output_format: str = "json", stamp: bool = False) -> str:
        """
        Return the text that :meth:`save` writes to a file.

        Parameters
        ----------
        output_format : {"json", "html"}
        stamp : bool
            As for :meth:`save`.
        """
        from liqcli.report.compare_files import TEXTS, render_compare

        check_choice(output_format, TEXTS, "--format")
        return render_compare(self.results, output_format, self.report, time_of_making(stamp))

    def figure(self) -> Figure:
        """Draw the panels as a matplotlib Figure."""
        from liqcli.report.compare_figure import draw_compare_figure

        return draw_compare_figure(self.results).to_matplotlib()

    def _repr_png_(self) -> bytes:
        from liqcli.report.compare_figure import draw_compare_figure

        return draw_compare_figure(self.results).png

    def __repr__(self) -> str:
        from liqcli.core.formatting import format_time

        window = self.window
        names = ", ".join(self.results.names)
        return f"<Comparison of {names}, {format_time(window.start_us)} to {format_time(window.end_us)} UTC>"
