"""Write the whole market to files: HTML, Markdown, PNG, JSON, CSV."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.core.durations import format_length
from liqcli.core.formatting import format_change
from liqcli.report.html_markdown import read_style, render_json, render_template
from liqcli.report.output_files import write_file
from liqcli.report.overview_document import render_symbols_csv
from liqcli.report.overview_results import OverviewResults

if TYPE_CHECKING:
    from liqcli.report.figure import Figure

SUFFIXES = (".html", ".md", ".png", ".json", ".csv")
ROWS_SHOWN = 25  # symbols above the fold
CASCADES_SHOWN = 10
GAPS_SHOWN = 6


def write_overview(
    results: OverviewResults,
    paths: Sequence[Path],
    report: dict[str, Any],
    links: Mapping[str, str],
    back: str = "",
    made: str | None = None,
) -> list[Path]:
    """
    Write the files of ``-o``, and the PNG file beside a Markdown page.

    Parameters
    ----------
    results : OverviewResults
        The results to write.
    paths : sequence of Path
        Names with one of ``SUFFIXES``.
    report : dict
        From :func:`liqcli.report.overview_document.build_overview_document`.
    links : mapping
        Symbol -> address of its report.
    back : str
        Address of the page that leads here; empty: none.
    made : str, optional
        Generation time for the pages [ISO 8601]. Without it the same results give the same bytes.

    Returns
    -------
    list of Path
        All files written, in order.

    Raises
    ------
    OutputError
        A file cannot be written; the message names it.
    """
    content = _Content(results, report, links, back, made)
    written: dict[Path, None] = {}
    for path in paths:
        for name, data in content.iter_files(path):
            write_file(name, data)
            written[name] = None
    return list(written)


def render_overview(
    results: OverviewResults, output_format: str, report: dict[str, Any], made: str | None = None
) -> str:
    """Render as one text: ``html``, ``json`` or ``csv``, as :func:`write_overview` writes it to a file."""
    content = _Content(results, report, {}, "", made)
    ((_path, data),) = content.iter_files(Path(f"stdout.{output_format}"))
    return data.decode()


class _Content:
    """The content of the files; pictures are drawn when a file first needs them."""

    def __init__(
        self, results: OverviewResults, report: dict[str, Any], links: Mapping[str, str], back: str, made: str | None
    ) -> None:
        self._results = results
        self._report = report
        self._links, self._back, self._made = links, back, made

    def iter_files(self, path: Path) -> Iterator[tuple[Path, bytes]]:
        """Yield name and bytes of each file for one ``-o``, its own last."""
        suffix = path.suffix.lower()
        if suffix == ".json":
            yield path, render_json(self._report).encode()
        elif suffix == ".csv":
            yield path, render_symbols_csv(self._report).encode()
        elif suffix == ".png":
            yield path, self._picture.png
        elif suffix == ".html":
            yield path, self._render_html().encode()
        else:
            picture = path.with_name(f"{path.stem}.png")
            yield picture, self._picture.png
            shown = {"alt": self._picture.alt, "note": self._picture.note, "file": picture.name}
            yield path, render_template("overview.md", {**self._values(), "picture": shown}).encode()

    @cached_property
    def _picture(self) -> Figure:
        from liqcli.report.overview_figure import draw_overview_figure

        return draw_overview_figure(self._results)

    def _render_html(self) -> str:
        from concurrent.futures import ThreadPoolExecutor
        from dataclasses import replace
        from operator import attrgetter

        from liqcli.report.overview_figure import build_hover_map, draw_overview_figure

        view = self._results.view
        plain = self._results.with_view(replace(view, size=None))
        pictures: dict[str, list[Figure]] = {"wide": [], "narrow": []}
        with ThreadPoolExecutor(1, "webp") as pool:  # packs one picture outside the GIL while the next one is drawn
            for layout, found in pictures.items():
                for theme in view.figure_themes:
                    found.append(draw_overview_figure(plain, theme, portrait=layout == "narrow"))
                    pool.submit(attrgetter("webp"), found[-1])
        style = read_style("style.css") + read_style("overview.css")
        values = {
            **self._values(),
            "pictures": pictures,
            "marks": build_hover_map(self._results, pictures["wide"][0]),
            "theme": view.theme,
            "style": style,
            "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        }
        return render_template("overview.html", values)

    def _values(self) -> dict[str, Any]:
        return {
            **self._report,
            "ranked": [row for row in self._report["symbols"] if row["events"]],
            "quiet": [row for row in self._report["symbols"] if not row["events"]],
            "length": format_length(self._results.selection.window.length_us),
            "links": self._links,
            "back": self._back,
            "made": self._made,
            "change": format_change,
            "rows_shown": ROWS_SHOWN,
            "cascades_shown": CASCADES_SHOWN,
            "gaps_shown": GAPS_SHOWN,
        }
