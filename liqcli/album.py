"""The pictures of one window, each drawn when it is first needed and never twice."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.findings import Findings
from liqcli.overlay import build_marks
from liqcli.render import PagePicture

if TYPE_CHECKING:
    from liqcli.poster import Poster

HEATMAP = "heatmap"
FOLLOWED = ("dark", "light")  # what theme "auto" draws; where only one fits, the first


class Album:
    """
    The pictures of a window in the themes that are asked for.

    Theme ``auto`` puts both into a page, so that it follows the reader; a picture alone is dark then.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.themes: tuple[str, ...] = FOLLOWED if findings.view.theme == "auto" else (findings.view.theme,)
        self._draw = cache(self._draw_uncached)

    @property
    def png(self) -> bytes:
        """The heat map alone."""
        return self._draw(HEATMAP, self.themes[0]).png

    def page(self) -> dict[str, PagePicture]:
        """Give the pictures of a page, with what lies over them."""
        return {HEATMAP: self._picture(HEATMAP, self.themes, marked=True)}

    def beside(self, page: Path) -> dict[str, PagePicture]:
        """Give the pictures that stand beside a Markdown page: the heat map under its name, others with an addition."""
        return {HEATMAP: replace(self._picture(HEATMAP, self.themes[:1]), name=page.with_suffix(".png").name)}

    def _picture(self, kind: str, themes: tuple[str, ...], marked: bool = False) -> PagePicture:
        posters = {theme: self._draw(kind, theme) for theme in themes}
        poster = posters[themes[0]]
        marks = build_marks(self._findings, poster) if marked else []
        images = {theme: drawn.png for theme, drawn in posters.items()}
        return PagePicture(images, poster.width, poster.height, poster.alt, marks)

    def _draw_uncached(self, kind: str, theme: str) -> Poster:
        from liqcli import poster  # matplotlib is heavy

        findings = replace(self._findings, view=replace(self._findings.view, theme=theme))
        return poster.draw_poster(findings)
