"""From a request to files: computes once, draws once, writes each ``-o`` in its own form."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from liqcli.errors import LiqcliError, UsageError
from liqcli.export import render_csv, render_parquet
from liqcli.findings import Findings
from liqcli.render import render_html, render_json, render_markdown
from liqcli.report import build_report
from liqcli.symbols import nearest

SUFFIXES = (".html", ".md", ".png", ".json", ".csv", ".parquet")


def check_outputs(paths: Sequence[Path]) -> None:
    """
    Check the names given with ``-o`` before any work is done.

    Raises
    ------
    UsageError
        None given, an ending nobody can write, or a folder.
    """
    if not paths:
        raise UsageError("say where to: -o report.html (or .md .png .json .csv .parquet; several -o are allowed)")
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"-o: cannot write {path.name!r}{nearest(path.suffix.lower(), SUFFIXES)}")
        if path.is_dir():
            raise UsageError(f"-o: {path} is a folder; name a file in it")


def write_outputs(findings: Findings, paths: Sequence[Path]) -> list[Path]:
    """
    Write every asked-for file, and the picture beside a Markdown report.

    Returns
    -------
    list of Path
        All files written, in order.

    Raises
    ------
    LiqcliError
        A file cannot be written; the message names it.
    """
    report = build_report(findings)
    picture: bytes | None = None
    written: list[Path] = []
    for path in paths:
        suffix = path.suffix.lower()
        if suffix in (".html", ".md", ".png") and picture is None:
            from liqcli.poster import draw_png

            picture = draw_png(findings)
        if suffix == ".md":
            beside = path.with_suffix(".png")
            _write(beside, picture or b"")
            if beside not in written:
                written.append(beside)
        _write(path, _content(suffix, findings, report, picture or b"", path))
        if path not in written:
            written.append(path)
    return written


def _content(suffix: str, findings: Findings, report: dict[str, object], picture: bytes, path: Path) -> bytes:
    if suffix == ".png":
        return picture
    if suffix == ".json":
        return render_json(report).encode()
    if suffix == ".csv":
        return render_csv(findings.grid).encode()
    if suffix == ".parquet":
        return render_parquet(findings.grid)
    from liqcli.poster import build_alt_text

    alt = build_alt_text(findings)
    if suffix == ".md":
        return render_markdown(report, path.with_suffix(".png").name, alt).encode()
    return render_html(report, picture, alt).encode()


def _write(path: Path, content: bytes) -> None:
    """Write beside and move into place: a report is whole or the old one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise LiqcliError(f"-o: cannot write {path} ({error.strerror or error})") from error
    finally:
        if temporary.exists():
            temporary.unlink()
