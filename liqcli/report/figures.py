"""
The registry of figures, and the figures of one window.

To add a figure, write a module with ``draw`` and ``build_hover_map`` and register it in ``FIGURES``. The command line,
HTML and Markdown pages and the Python API take their names from here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from liqcli.core.choices import SectionName

if TYPE_CHECKING:
    from liqcli.core.choices import ThemeName
    from liqcli.report.figure import Figure
    from liqcli.report.hover_map import Mark
    from liqcli.report.results import ViewOptions, WindowResults

HEATMAP, PORTRAIT = "heatmap", "heatmap_portrait"
LEVELS = "levels"  # estimated, so not among the figures of realized liquidations


class FigureModule(Protocol):
    """Functions that the module of a figure defines."""

    def draw(self, results: WindowResults, view: ViewOptions) -> Figure | None:
        """Draw the figure; None where the lake has no data for it."""

    def build_hover_map(self, results: WindowResults, figure: Figure) -> list[Mark]:
        """Build the rectangles that show values on hovering, the lowest layer first."""


@dataclass(frozen=True, slots=True)
class FigureSpec:
    """
    A registered figure.

    ``module`` is imported when the figure is first drawn, so that reading the names does not load matplotlib. ``needs``
    is the ``--kind`` of data to fetch where it cannot be drawn. A page shows it in ``section``, if ``on_page`` holds.
    """

    module: str
    section: SectionName
    needs: str = ""
    on_page: Callable[[WindowResults], bool] = lambda _results: True

    def load(self) -> FigureModule:
        """Import the module."""
        return cast(FigureModule, importlib.import_module(self.module))


# In the order of a page.
FIGURES: dict[str, FigureSpec] = {
    HEATMAP: FigureSpec("liqcli.report.heatmap_figure", "map"),
    PORTRAIT: FigureSpec("liqcli.report.heatmap_portrait_figure", "map"),
    "cascades": FigureSpec("liqcli.report.cascade_figure", "cascades", on_page=lambda results: bool(results.cascades)),
    "cumulative": FigureSpec("liqcli.report.cumulative_figure", "nearest"),
    "open_interest": FigureSpec("liqcli.report.open_interest_figure", "context", needs="open-interest"),
}


def draw_figure(results: WindowResults, name: str = HEATMAP, view: ViewOptions | None = None) -> Figure | None:
    """Draw a figure by name, in the view of the results or another; None where the lake has no data for it."""
    return FIGURES[name].load().draw(results, view or results.view)


class WindowFigures:
    """
    The figures of one window, each drawn at most once.

    Theme ``auto`` draws both themes for an HTML page, which then follows the reader's system; elsewhere it means dark.
    """

    def __init__(self, results: WindowResults) -> None:
        self._results = results
        self.themes = results.view.figure_themes
        self._drawn: dict[tuple[str, ViewOptions], Figure | None] = {}

    def alone(self, name: str = HEATMAP) -> Figure | None:
        """Return one figure in the size asked for; None where the lake has no data for it."""
        return self._draw(name, replace(self._results.view, theme=self.themes[0]))

    def on_page(self) -> dict[str, list[Figure]]:
        """
        Return the figures of an HTML page by name, the first with its hover map.

        The heat map is drawn once per theme. The others, also its portrait format for narrow screens, are drawn in the
        last theme, and the style sheet of the page inverts them for the other one: drawing each twice would take longer
        than the heat map.
        """
        found: dict[str, list[Figure]] = {}
        with ThreadPoolExecutor(1, "webp") as pool:  # packs one figure outside the GIL while the next one is drawn
            for name in self._names():
                for theme in self.themes if name == HEATMAP else self.themes[-1:]:
                    figure = self._draw(name, replace(self._results.view, theme=theme, size=None))
                    if figure is None:
                        continue
                    if name != HEATMAP:  # no fine shades of colour in them
                        figure = replace(figure, colour_step=8)
                    if name not in found:
                        marks = FIGURES[name].load().build_hover_map(self._results, figure)
                        figure = replace(figure, marks=marks)
                    pool.submit(attrgetter("webp"), figure)
                    found.setdefault(name, []).append(figure)
            for theme in self.themes:
                if (figure := self._draw_levels(theme)) is not None:
                    pool.submit(attrgetter("webp"), figure)
                    found.setdefault(LEVELS, []).append(figure)
        return found

    def beside(self, page: Path) -> dict[str, Figure]:
        """Return the figures of a Markdown page by name, each with the name of its file beside the page."""
        found = {}
        for name in self._names():
            if name == PORTRAIT:
                continue
            figure = self._draw(name, replace(self._results.view, theme=self.themes[0], size=None))
            if figure is not None:
                suffix = "" if name == HEATMAP else f"-{name.replace('_', '-')}"
                found[name] = replace(figure, file=f"{page.stem}{suffix}.png")
        if (figure := self._draw_levels(self.themes[0])) is not None:
            found[LEVELS] = replace(figure, file=f"{page.stem}-levels.png")
        return found

    def _draw_levels(self, theme: ThemeName) -> Figure | None:
        levels = self._results.levels
        if levels is None or isinstance(levels, str):
            return None
        from liqcli.report.levels_figure import draw_level_figure

        return draw_level_figure(levels, theme, self._results.view.palette)

    def _names(self) -> list[str]:
        return [
            name
            for name, spec in FIGURES.items()
            if spec.section in self._results.view.sections and spec.on_page(self._results)
        ]

    def _draw(self, name: str, view: ViewOptions) -> Figure | None:
        key = name, view
        if key not in self._drawn:
            self._drawn[key] = draw_figure(self._results, name, view)
        return self._drawn[key]
