"""Write the results of one window to files, each in the format of its suffix."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from liqcli.core.durations import format_length
from liqcli.core.errors import EmptyWindowError, OutputError, UsageError
from liqcli.core.files import replace_file
from liqcli.core.formatting import format_iso, format_time
from liqcli.core.model import Window
from liqcli.core.symbols import normalise_symbol
from liqcli.lake.selection import Query, Selection
from liqcli.report.csv_parquet import render_csv, render_parquet
from liqcli.report.figures import FIGURES, HEATMAP, WindowFigures
from liqcli.report.results import WindowResults

SUFFIXES = (".html", ".md", ".png", ".json", ".csv", ".parquet")
ALIKE = {
    ".md": (".markdown", ".mdown", ".txt"),
    ".png": (".jpg", ".jpeg", ".gif", ".svg", ".webp"),
    ".csv": (".tsv", ".xlsx", ".xls"),
    ".json": (".jsonl", ".ndjson", ".yaml"),
    ".parquet": (".pq", ".arrow", ".feather"),
}  # what people may mean by an ending that is not written
GENERATOR = b'<meta name="generator" content="liqcli '  # in the head of every page


def check_outputs(paths: Sequence[Path], suffixes: Sequence[str] = SUFFIXES) -> None:
    """
    Check the names given with ``-o`` before any work is done.

    Raises
    ------
    UsageError
        A suffix that is not in ``suffixes``, a folder, or a file in a folder that does not exist.
    """
    for path in paths:
        if path.is_dir():
            raise UsageError(f"-o: {path} is a folder; name a file in it, such as {path / f'report{suffixes[0]}'}")
        if str(path) in ("-", "/dev/stdout"):
            raise UsageError(f"-o: {path}: only files are written here, by their ending: {', '.join(suffixes)}")
        if path.suffix.lower() not in suffixes:
            raise UsageError(f"-o: cannot write {path.name!r}; {_suggest_suffix(path, suffixes)}")
        if not (folder := path.parent).exists():
            raise UsageError(
                f"-o: the folder {folder} does not exist; to create it: mkdir -p {shlex.quote(str(folder))}"
            )


def _suggest_suffix(path: Path, suffixes: Sequence[str]) -> str:
    """Suggest a suffix that is spelled similarly, else one for the same use, else list all."""
    suffix = path.suffix.lower()
    close = [name for name in suffixes if suffix[:3] == name[:3] or suffix in ALIKE.get(name, ())]
    if close and suffix:
        return f"did you mean {path.with_suffix(close[0]).name}?"
    if suffix == ".pdf" and ".html" in suffixes:
        return f"write {path.with_suffix('.html').name} and print it to PDF in a browser"
    return f"possible endings: {', '.join(suffixes)}"


def choose_output(selection: Selection) -> Path:
    """Name the page of a symbol that is written without ``-o``; see :func:`name_page`."""
    return name_page(normalise_symbol(selection.query.symbol), selection.window, selection.query)


def name_page(stem: str, window: Window, query: Query) -> Path:
    """
    Name the page that is written without ``-o``: ``BTC-24h.html`` in the current folder.

    A window with a fixed start or end has its start in the name: ``BTC-2026-03-02-1000-4h.html``. A page of an earlier
    run is replaced.

    Raises
    ------
    OutputError
        A file of this name exists that liqcli did not write.
    """
    if query.since or (query.until or "now").strip().lower() not in ("now", "latest"):
        start = format_time(window.start_us).replace(" ", "-").replace(":", "")
        span = f"{start}-{format_length(window.end_us - window.start_us)}"
    else:
        span = query.lookback.strip().lower()
    path = Path(f"{stem}-{span}.html")
    if path.exists() and not _is_own_page(path):
        raise OutputError(f"{path} exists and was not written by liqcli; choose another name with -o")
    return path


def _is_own_page(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return GENERATOR in file.read(4096)
    except OSError:
        return False


def write_outputs(
    results: WindowResults,
    paths: Sequence[Path],
    made: str | None = None,
    report: dict[str, Any] | None = None,
    picture: str = HEATMAP,
    refresh_s: int | None = None,
) -> list[Path]:
    """
    Write the files of ``-o``, and the PNG files beside a Markdown report.

    Parameters
    ----------
    results : WindowResults
        The results to write.
    paths : sequence of Path
        Names that passed :func:`check_outputs`.
    made : str, optional
        Generation time for the pages [ISO 8601]. Without it the same results give the same bytes.
    report : dict, optional
        The document of :func:`liqcli.report.document.build_document`, where it is already built.
    picture : str
        Content of a ``.png``: a name of :data:`liqcli.report.figures.FIGURES`.
    refresh_s : int, optional
        Interval at which a browser loads an ``.html`` again. [s]

    Returns
    -------
    list of Path
        All files written, in order.

    Raises
    ------
    OutputError
        A file cannot be written; the message names it.
    EmptyWindowError
        The lake has no data for the ``.png``.
    """
    content = _Content(results, made, report, refresh_s)
    written: dict[Path, None] = {}
    for path in paths:
        for name, data in content.iter_files(path, picture):
            write_file(name, data)
            written[name] = None
    return list(written)


def render_text(
    results: WindowResults, output_format: str, made: str | None = None, report: dict[str, Any] | None = None
) -> str:
    """Render the results as one text: ``html``, ``json`` or ``csv``, as :func:`write_outputs` writes it to a file."""
    content = _Content(results, made, report)
    ((_path, data),) = content.iter_files(Path(f"stdout.{output_format}"), HEATMAP)
    return data.decode()


class _Content:
    """The content of the files of one window; document and figures are built when a file first needs them."""

    def __init__(
        self, results: WindowResults, made: str | None, document: dict[str, Any] | None, refresh_s: int | None = None
    ) -> None:
        self._results = results
        self._made = made
        self._refresh_s = refresh_s
        if document is not None:
            self.document = document

    @cached_property
    def document(self) -> dict[str, Any]:
        """The dict that HTML, Markdown and JSON share."""
        from liqcli.report.document import build_document

        return build_document(self._results)

    @cached_property
    def figures(self) -> WindowFigures:
        """The figures, drawn on demand."""
        return WindowFigures(self._results)

    def iter_files(self, path: Path, picture: str) -> Iterator[tuple[Path, bytes]]:
        """Yield name and bytes of each file for one ``-o``, its own last."""
        suffix, theme, sections = path.suffix.lower(), self._results.view.theme, self._results.view.sections
        if suffix == ".csv":
            yield path, render_csv(self._results.grid).encode()
            return
        if suffix == ".parquet":
            yield path, render_parquet(self._results.grid)
            return
        if suffix == ".png":
            figure = self.figures.alone(picture)
            if figure is None:
                raise explain_unknown(self._results, picture)
            yield path, figure.png
            return
        # Only now: pictures and grids need no document, and its modules take a tenth of their time to import.
        from liqcli.report.html_markdown import render_html, render_json, render_markdown

        if suffix == ".json":
            yield path, render_json(self.document).encode()
        elif suffix == ".html":
            figures = self.figures.on_page()
            yield path, render_html(self.document, figures, theme, self._made, sections, self._refresh_s).encode()
        else:
            beside = self.figures.beside(path)
            for figure in beside.values():
                yield path.with_name(figure.file), figure.png
            yield path, render_markdown(self.document, beside, self._made, sections).encode()


def explain_unknown(results: WindowResults, picture: str) -> EmptyWindowError:
    """Build the error for a figure that the lake has no data for; it names the fetch command to get them."""
    window, symbol = results.selection.window, results.selection.symbols[0]
    start, end = format_iso(window.start_us), format_iso(window.end_us)
    return EmptyWindowError(
        f"-o: {picture.replace('_', ' ')} of {results.selection.label} is not known in this window; to get it: "
        f"liqcli fetch --kind {FIGURES[picture].needs} --symbol {symbol} --since {start} --until {end}"
    )


def write_file(path: Path, content: bytes) -> None:
    """
    Replace a file atomically.

    Raises
    ------
    OutputError
        It cannot be written; the message names it.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise OutputError(f"-o: cannot write {path} ({error.strerror or error})") from error
