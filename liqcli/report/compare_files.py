"""Write several symbols side by side to files: HTML, Markdown, PNG, JSON."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from liqcli.report.compare_figure import draw_compare_figure
from liqcli.report.compare_results import CompareResults
from liqcli.report.html_markdown import read_style, render_json, render_template
from liqcli.report.output_files import write_file

SUFFIXES = (".html", ".md", ".png", ".json")
TEXTS = ("json", "html")  # formats of standard output


def write_compare(
    results: CompareResults, paths: Sequence[Path], report: dict[str, Any], made: str | None = None
) -> list[Path]:
    """
    Write the files of ``-o``, and the PNG file beside a Markdown page; returns all of them, in order.

    Parameters
    ----------
    report : dict
        From :func:`liqcli.report.compare_document.build_compare_document`.
    made : str, optional
        Generation time for the pages [ISO 8601]. Without it the same results give the same bytes.

    Raises
    ------
    OutputError
        A file cannot be written; the message names it.
    """
    written: dict[Path, None] = {}
    for path in paths:
        for name, data in iter_files(results, path, report, made):
            write_file(name, data)
            written[name] = None
    return list(written)


def render_compare(results: CompareResults, output_format: str, report: dict[str, Any], made: str | None = None) -> str:
    """Render as one text: ``html`` or ``json``, as :func:`write_compare` writes it to a file."""
    ((_path, data),) = iter_files(results, Path(f"stdout.{output_format}"), report, made)
    return data.decode()


def iter_files(
    results: CompareResults, path: Path, report: dict[str, Any], made: str | None
) -> Iterator[tuple[Path, bytes]]:
    """Yield name and bytes of each file for one ``-o``, its own last."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        yield path, render_json(report).encode()
    elif suffix == ".png":
        yield path, draw_compare_figure(results).png
    elif suffix == ".html":
        themes = results.view.figure_themes
        style = read_style("style.css")
        values = {
            **report,
            "pictures": [draw_compare_figure(results, theme) for theme in themes],
            "portrait": draw_compare_figure(results, themes[-1], portrait=True),
            "made": made,
            "theme": results.view.theme,
            "style": style,
            "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        }
        yield path, render_template("compare.html", values).encode()
    else:
        figure, picture = draw_compare_figure(results), path.with_name(f"{path.stem}.png")
        yield picture, figure.png
        shown = {"alt": figure.alt, "note": figure.note, "file": picture.name}
        yield path, render_template("compare.md", {**report, "picture": shown, "made": made}).encode()
