"""From a request to files: computes once, draws once, writes each ``-o`` in its own form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from liqcli.core.errors import EmptyWindowError, OutputError, UsageError
from liqcli.core.files import replace_file
from liqcli.core.formatting import format_iso
from liqcli.core.symbols import nearest
from liqcli.report.csv_parquet import render_csv, render_parquet
from liqcli.report.document import build_document
from liqcli.report.figure_cache import HEATMAP, FigureCache
from liqcli.report.html_markdown import render_html, render_json, render_markdown
from liqcli.report.results import WindowResults

SUFFIXES = (".html", ".md", ".png", ".json", ".csv", ".parquet")


def check_outputs(paths: Sequence[Path], suffixes: Sequence[str] = SUFFIXES) -> None:
    """
    Check the names given with ``-o`` before any work is done; ``suffixes`` are the endings that can be written.

    Raises
    ------
    UsageError
        None given, an ending nobody can write, or a folder.
    """
    if not paths:
        raise UsageError("say where to: -o report.html (or .md .png .json .csv .parquet; several -o are allowed)")
    for path in paths:
        if path.is_dir():
            raise UsageError(f"-o: {path} is a folder; name a file in it, such as {path / f'report{suffixes[0]}'}")
        if str(path) in ("-", "/dev/stdout"):
            raise UsageError(
                f"-o: {path}: only files are written, by their ending: {', '.join(suffixes)}; "
                "for numbers on stdout: liqcli clusters --format json, or csv, and liqcli cascades"
            )
        if path.suffix.lower() not in suffixes:
            raise UsageError(f"-o: cannot write {path.name!r}{nearest(path.suffix.lower(), suffixes)}")


def write_outputs(
    findings: WindowResults,
    paths: Sequence[Path],
    made: str | None = None,
    report: dict[str, Any] | None = None,
    picture: str = HEATMAP,
) -> list[Path]:
    """
    Write every asked-for file, and the pictures beside a Markdown report.

    Parameters
    ----------
    findings : Findings
        What to write.
    paths : sequence of Path
        As :func:`check_outputs` lets them through.
    made : str or None
        Time of making [ISO 8601] for pages to say; None, and the same findings give the same bytes.
    report : dict, optional
        What :func:`liqcli.report.document.build_document` gave for these findings, where it is known already.
    picture : str
        Which one a ``.png`` shows: a name of :data:`liqcli.report.figure_cache.NAMES`.

    Returns
    -------
    list of Path
        All files written, in order.

    Raises
    ------
    OutputError
        A file cannot be written; the message names it.
    EmptyWindowError
        Nothing is known of what a ``.png`` is to show.
    """
    report = report or build_document(findings)
    album = FigureCache(findings)
    written: dict[Path, None] = {}
    for path in paths:
        for name, content in _contents(path, findings, report, album, (made, picture)):
            write_file(name, content)
            written[name] = None
    return list(written)


def _contents(
    path: Path, findings: WindowResults, report: dict[str, Any], album: FigureCache, asked: tuple[str | None, str]
) -> Iterator[tuple[Path, bytes]]:
    """Give what belongs to one ``-o``: files and their bytes, the asked-for one last."""
    suffix, (made, picture) = path.suffix.lower(), asked
    if suffix == ".json":
        yield path, render_json(report).encode()
    elif suffix == ".csv":
        yield path, render_csv(findings.grid).encode()
    elif suffix == ".parquet":
        yield path, render_parquet(findings.grid)
    elif suffix == ".png":
        yield path, _draw(findings, album, picture)
    elif suffix == ".html":
        yield path, render_html(report, album.page(), findings.view.theme, made).encode()
    else:
        pictures = album.beside(path)
        for shown in pictures.values():
            yield path.with_name(shown.name), shown.images[album.themes[0]]
        yield path, render_markdown(report, pictures, made).encode()


def _draw(findings: WindowResults, album: FigureCache, picture: str) -> bytes:
    png = album.png(picture)
    if png is None:
        raise explain_unknown(findings, picture)
    return png


def explain_unknown(findings: WindowResults, picture: str) -> EmptyWindowError:
    """Build the error for a picture whose subject the lake does not hold; it names the fetch that would get it."""
    window = findings.selection.window
    words = picture.replace("_", " ")
    symbol, start, end = findings.selection.symbols[0], format_iso(window.start_us), format_iso(window.end_us)
    return EmptyWindowError(
        f"-o: {words} of {findings.selection.label} is not known in this window; to get it: "
        f"liqcli fetch --kind open-interest --symbol {symbol} --since {start} --until {end}"
    )


def write_file(path: Path, content: bytes) -> None:
    """
    Write a file: it is whole, or the old one.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise OutputError(f"-o: cannot write {path} ({error.strerror or error})") from error
