"""Axes without ticks and frame: the charts draw grid lines and labels themselves, as one artist each."""

from __future__ import annotations

from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis


class _NoTicks:
    """An axis that makes no tick, which is five artists, while the panel is set up; it is never drawn."""

    def set_tick_params(self, *_args: Any, **_settings: Any) -> None:  # noqa: ANN401
        """Keep the default ticks."""

    def grid(self, *_args: Any, **_settings: Any) -> None:  # noqa: ANN401
        """Keep the grid off."""

    def set_clip_path(self, path: Any, transform: Any = None) -> None:  # noqa: ANN401
        """Clip the axis, but no ticks."""
        Artist.set_clip_path(self, path, transform)  # type: ignore[arg-type]


class _HiddenX(_NoTicks, XAxis):
    pass


class _HiddenY(_NoTicks, YAxis):
    pass


class Panel(Axes):
    """A panel of a figure, made in half the time of ``Axes``."""

    def _init_axis(self) -> None:
        self.xaxis, self.yaxis = _HiddenX(self, clear=False), _HiddenY(self, clear=False)
        self.spines.bottom.register_axis(self.xaxis)
        self.spines.left.register_axis(self.yaxis)
        for part in (self.xaxis, self.yaxis, *self.spines.values()):
            part.set_visible(False)
