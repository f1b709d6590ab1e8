"""Ranks of cascades in a strip above the bars, each with a line to its cascade."""

from __future__ import annotations

from collections.abc import Sequence

from liqcli.charts.bars import Burst
from liqcli.charts.canvas import Canvas
from liqcli.charts.text_fit import spread
from liqcli.charts.timeline import Timeline

_WIDE, _FURTHEST = 26, 45  # space for a rank; its maximum distance from the cascade [px]


def draw_ranks(sheet: Canvas, time: Timeline, bursts: Sequence[Burst], y: float, bottom: float, most: int) -> None:
    """Draw the best ranks at height ``y``, as many as fit, with a line down to ``bottom``. [px]"""
    for (_start, _end, rank), at, x in place_ranks(sheet, time, bursts, most):
        plate = sheet.chip(x, y, rank)
        sheet.line((x, plate.bottom), (at, bottom), sheet.theme.muted, 0.9)


def place_ranks(sheet: Canvas, time: Timeline, bursts: Sequence[Burst], most: int) -> list[tuple[Burst, float, float]]:
    """
    Choose which of the ``most`` best ranks to draw, so that each stays near its cascade.

    Returns
    -------
    list of (burst, at, x)
        Centre of the cascade and of its plate. [px]
    """
    wide, furthest = sheet.px(_WIDE), sheet.px(_FURTHEST)
    chosen: list[tuple[Burst, float, float]] = []
    for burst in sorted(bursts, key=lambda b: b[2])[:most]:
        middle = time.x((burst[0] + burst[1]) / 2)
        tried = sorted(
            [*((b, at) for b, at, _ in chosen), (burst, middle)], key=lambda placed: (placed[1], placed[0][2])
        )
        if len(tried) * wide > time.width:
            break
        places = spread([at for _, at in tried], wide, time.left + wide / 2, time.right - wide / 2)
        moved = [(b, at, x) for (b, at), x in zip(tried, places, strict=True)]
        if all(abs(x - at) <= furthest for _, at, x in moved):
            chosen = moved
    return chosen
