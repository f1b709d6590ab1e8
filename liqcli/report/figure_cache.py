"""The pictures of one window, each drawn when it is first needed and never twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.report.hover_map import build_marks
from liqcli.report.hover_map_compact import COMPACT_MARKS
from liqcli.report.html_markdown import EmbeddedFigure
from liqcli.report.inline_images import pack_webp
from liqcli.report.results import WindowResults

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from liqcli.report.figure_registry import RenderedFigure

HEATMAP = "heatmap"
NAMES = (HEATMAP, "cascades", "cumulative", "open_interest")
MARKS = {HEATMAP: build_marks, **COMPACT_MARKS}
FOLLOWED = ("dark", "light")  # what theme "auto" draws; where only one fits, the first


class FigureCache:
    """
    The pictures of a window in the themes that are asked for.

    Theme ``auto`` puts both into a page, so that it follows the reader; a picture alone is dark then. Pages have
    pictures of the usual size.
    """

    def __init__(self, findings: WindowResults) -> None:
        self._findings = findings
        self.themes: tuple[str, ...] = FOLLOWED if findings.view.theme == "auto" else (findings.view.theme,)
        self._drawn: dict[tuple[str, str, tuple[int, int] | None], RenderedFigure | None] = {}

    def png(self, kind: str = HEATMAP) -> bytes | None:
        """Give one picture alone, in the size that is asked for; None where what it is about is not known."""
        poster = self._draw(kind, self.themes[0], self._findings.view.size)
        return poster.png if poster is not None else None

    def figure(self, kind: str = HEATMAP) -> Figure | None:
        """Return one picture as a matplotlib Figure; None where what it is about is not known."""
        poster = self._draw(kind, self.themes[0], self._findings.view.size)
        return poster.figure if poster is not None else None

    def page(self) -> dict[str, EmbeddedFigure]:
        """Give the pictures of a page, with what lies over them."""
        with ThreadPoolExecutor(1, "packing") as pool:  # one is packed, beside Python, while the next one is drawn
            packing = {
                kind: {theme: pool.submit(pack_webp, poster.pixels) for theme, poster in self._posters(kind)}
                for kind in self._wanted()
            }
            return {kind: self._put_together(kind, images) for kind, images in packing.items() if images}

    def beside(self, page: Path) -> dict[str, EmbeddedFigure]:
        """Give the pictures that stand beside a Markdown page: the heat map under its name, others with an addition."""
        shown = {}
        for kind in self._wanted():
            addition = "" if kind == HEATMAP else f"-{kind.replace('_', '-')}"
            for theme, poster in islice(self._posters(kind), 1):
                images, name = {theme: poster.png}, f"{page.stem}{addition}.png"
                shown[kind] = EmbeddedFigure(
                    images, poster.width, poster.height, poster.alt, name=name, note=poster.note
                )
        return shown

    def _wanted(self) -> list[str]:
        """Name the pictures that a page has a place for: bursts are shown where there are any."""
        return [kind for kind in NAMES if kind != "cascades" or self._findings.cascades]

    def _posters(self, kind: str) -> Iterator[tuple[str, RenderedFigure]]:
        """Draw a picture in each theme; none where what it is about is not known."""
        for theme in self.themes:
            if poster := self._draw(kind, theme, None):
                yield theme, poster

    def _put_together(self, kind: str, packing: Mapping[str, Future[bytes]]) -> EmbeddedFigure:
        _theme, poster = next(self._posters(kind))
        marks = MARKS[kind](self._findings, poster)
        images = {theme: image.result() for theme, image in packing.items()}
        return EmbeddedFigure(images, poster.width, poster.height, poster.alt, marks, note=poster.note)

    def _draw(self, kind: str, theme: str, size: tuple[int, int] | None) -> RenderedFigure | None:
        from liqcli.report import figure_registry  # matplotlib is heavy

        key = kind, theme, size
        if key not in self._drawn:
            findings = replace(self._findings, view=replace(self._findings.view, theme=theme, size=size))
            self._drawn[key] = figure_registry.draw_figure(findings, kind)
        return self._drawn[key]
