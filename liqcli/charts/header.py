"""The header: title, subtitle, headline numbers, and the mark of a synthetic sample."""

from __future__ import annotations

from dataclasses import dataclass, field

from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import HeadlineNumber, TitledFigure
from liqcli.charts.fonts import printable
from liqcli.charts.text_fit import cut, wrap

SAMPLE_MARK = "SYNTHETIC SAMPLE"
_TITLE_SIZES = (27, 25, 23, 21, 19, 17)
_SUBTITLE_SIZE, _SUBTITLE_LINE = 13.5, 20
_VALUE_SIZE, _LABEL_SIZE = 21, 13
_GAP, _TOP = 34, 48  # between two numbers; from the upper edge to the first baseline
_SIDE_SHARE = 0.58  # of the width; wider headline numbers get their own row
_MARK_SIZE = 12.5


@dataclass(frozen=True, slots=True)
class _Number:
    value: str
    label: str
    color: str
    width: float


@dataclass(slots=True)
class HeaderPlan:
    """The measured layout of the header; ``height`` is the space it needs. [px]"""

    title: list[str] = field(default_factory=list)
    title_size: float = _TITLE_SIZES[0]
    subtitle: list[str] = field(default_factory=list)
    numbers: list[_Number] = field(default_factory=list)
    shrink: float = 1.0
    stacked: bool = False
    height: float = 0.0


def plan_header(sheet: Canvas, picture: TitledFigure) -> HeaderPlan:
    """Measure all texts of the header and choose sizes, line breaks and height."""
    plan = HeaderPlan()
    room = sheet.width - 2 * sheet.px(28)
    _plan_numbers(sheet, picture.headline, room, plan)
    taken = 0.0 if plan.stacked or not plan.numbers else _row_width(sheet, plan) + sheet.px(40)
    _plan_words(sheet, picture, room - taken, plan)
    lines = _TOP + _title_line(plan) * (len(plan.title) - 1) + _SUBTITLE_LINE * len(plan.subtitle) + 16
    if plan.stacked:
        lines += 58
    plan.height = sheet.px(max(lines, 88))
    return plan


def _plan_numbers(sheet: Canvas, headline: tuple[HeadlineNumber, ...], room: float, plan: HeaderPlan) -> None:
    for shrink in (1.0, 0.9, 0.8):
        plan.shrink, plan.numbers = shrink, [_measure(sheet, number, shrink) for number in headline]
        if _row_width(sheet, plan) <= _SIDE_SHARE * room:
            return
    plan.stacked = True
    while len(plan.numbers) > 1 and _row_width(sheet, plan) > room:
        plan.numbers.pop()
    if plan.numbers and plan.numbers[0].width > room:
        only = headline[0]
        value = cut(printable(only.value), room, lambda t: sheet.text_width(t, _VALUE_SIZE * plan.shrink, bold=True))
        label = cut(printable(only.label), room, lambda t: sheet.text_width(t, _LABEL_SIZE * plan.shrink))
        plan.numbers = [_Number(value, label, plan.numbers[0].color, room)]


def _measure(sheet: Canvas, number: HeadlineNumber, shrink: float) -> _Number:
    value, label = printable(number.value), printable(number.label)
    width = max(
        sheet.text_width(value, _VALUE_SIZE * shrink, bold=True),
        sheet.text_width(label, _LABEL_SIZE * shrink),
    )
    return _Number(value, label, sheet.theme.tone(number.tone), width)


def _row_width(sheet: Canvas, plan: HeaderPlan) -> float:
    gaps = sheet.px(_GAP) * plan.shrink * max(len(plan.numbers) - 1, 0)
    return sum(number.width for number in plan.numbers) + gaps


def _mark_width(sheet: Canvas) -> float:
    return sheet.text_width(SAMPLE_MARK, _MARK_SIZE, bold=True) + sheet.px(20)


def _title_line(plan: HeaderPlan) -> float:
    return plan.title_size * 1.3


def _plan_words(sheet: Canvas, picture: TitledFigure, room: float, plan: HeaderPlan) -> None:
    title_room = room - (_mark_width(sheet) + sheet.px(16) if picture.sample else 0.0)
    title, subtitle = printable(picture.title), printable(picture.subtitle)
    for size in _TITLE_SIZES:
        plan.title_size = size
        if sheet.text_width(title, size, bold=True) <= title_room:
            break
    plan.title = wrap(title, title_room, lambda t: sheet.text_width(t, plan.title_size, bold=True), 2)
    plan.subtitle = wrap(subtitle, room, lambda t: sheet.text_width(t, _SUBTITLE_SIZE), 3)


def draw_header(sheet: Canvas, picture: TitledFigure, plan: HeaderPlan) -> None:
    """Draw the header as planned."""
    left, y = sheet.px(28), sheet.height - sheet.px(_TOP)
    for row, line in enumerate(plan.title):
        sheet.text(left, y - row * sheet.px(_title_line(plan)), line, plan.title_size, bold=True)
    if picture.sample:
        after = sheet.text_width(plan.title[0], plan.title_size, bold=True) + sheet.px(16) if plan.title else 0.0
        _draw_mark(sheet, left + after, y + sheet.px(plan.title_size) * 0.36)
    y -= sheet.px(_title_line(plan)) * (len(plan.title) - 1)
    for line in plan.subtitle:
        y -= sheet.px(_SUBTITLE_LINE if line is not plan.subtitle[0] else _SUBTITLE_LINE + 6)
        sheet.text(left, y, line, _SUBTITLE_SIZE, sheet.theme.muted)
    if plan.stacked:
        _draw_numbers(sheet, plan, left, y - sheet.px(36), left_aligned=True)
    else:
        _draw_numbers(sheet, plan, sheet.width - left - _row_width(sheet, plan), sheet.height - sheet.px(_TOP))


def _draw_mark(sheet: Canvas, left: float, middle: float) -> None:
    height = sheet.px(22)
    box = Box(left, middle - height / 2, _mark_width(sheet), height)
    sheet.pill(box, sheet.theme.warn)
    sheet.text(
        left + box.width / 2,
        middle,
        SAMPLE_MARK,
        _MARK_SIZE,
        sheet.theme.warn_text,
        bold=True,
        ha="center",
        va="center_baseline",
    )


def _draw_numbers(sheet: Canvas, plan: HeaderPlan, left: float, y: float, left_aligned: bool = False) -> None:
    for number in plan.numbers:
        # Right-aligned at the right edge of the page; left-aligned in their own row.
        x, ha = (left, "left") if left_aligned else (left + number.width, "right")
        sheet.text(x, y, number.value, _VALUE_SIZE * plan.shrink, number.color, bold=True, ha=ha)
        sheet.text(x, y - sheet.px(22), number.label, _LABEL_SIZE * plan.shrink, sheet.theme.muted, ha=ha)
        left += number.width + sheet.px(_GAP) * plan.shrink
