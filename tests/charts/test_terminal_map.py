"""The heat map on a terminal: where cells, price and labels are, and what the escape codes say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from chart_cases import CASES, START, make_grid, make_picture

from liqcli.charts.terminal_map import LEAST_COLUMNS, _nearest_of_256, draw_terminal_map
from liqcli.core.model import US_PER_S

CODES = re.compile(r"\x1b\[[0-9;]*m")
HOUR_US = 3600 * US_PER_S


def picture_of(cells, **changes):
    """A requested range of 40 bins, 95,000 to 97,000 in steps of 50, over 24 hours in steps of 30 min."""
    return replace(make_picture(make_grid(cells)), bounded=True, **changes)


def draw(picture, columns=100, **style):
    return draw_terminal_map(picture, columns=columns, **style).splitlines()


def test_cells_lie_where_axes_say():
    # The lowest bin at the start, and the highest at the end; 20 lines of 100, 48 half hours.
    picture = picture_of([(0, 0, "long", 1e6), (39, 47, "short", 1e3)], last_price=95_975.0)
    lines = draw(picture, colours="none", lines=20)
    width = len(lines[20])
    assert set(lines[20]) == {"─", "┴"}
    assert lines[19].startswith("█"), "95,000 to 95,050 at 16:00"
    assert lines[0][:width].strip() == "░" * len(lines[0][:width].strip()), "96,950 to 97,000 from 15:30 on"
    assert lines[0][:width].endswith("░")
    assert lines[0].index("░") == pytest.approx(width * 47 / 48, abs=1)
    assert [line for line in lines[1:19] if set(line[:width].strip()) - {"╌"}] == []
    assert lines[10].endswith(" ◄ 95,975 last"), "lines are 100 high; 95,975 is in the eleventh from 97,000 down"
    assert lines[10].startswith("╌╌╌")


def test_axes_have_round_labels():
    lines = draw(picture_of([(0, 0, "long", 1e6)], last_price=None), colours="none", lines=20)
    assert {k: line.split()[-1] for k, line in enumerate(lines[:20]) if line[-1:].isdigit()} == {
        0: "97,000", 5: "96,500", 10: "96,000", 15: "95,500", 19: "95,000",
    }  # fmt: skip
    assert lines[21].split() == ["16:00", "20:00", "5", "Dec", "04:00", "08:00", "12:00", "UTC"]
    marks = [k for k, mark in enumerate(lines[20]) if mark == "┴"]
    assert marks[:3] == [round(len(lines[20]) * k / 6 - 0.5) for k in range(3)]


def test_no_cell_is_lost_when_cells_are_summed():
    """40 bins and 48 buckets on 8 lines and few columns; the legend ends with the largest sum."""
    cells = [(row, column, "long", 1000.0) for row in range(40) for column in range(48)]
    picture = picture_of(cells)
    lines = draw(picture, columns=LEAST_COLUMNS, colours="none", lines=8)
    width = len(lines[8])
    per_character = 40 / 8 * -(-48 // width)
    assert lines[-1].split()[-2:] == [f"{per_character:.1f}K", "USD"]


def test_half_blocks_carry_two_cells():
    picture = picture_of([(39, 0, "long", 1e6), (38, 0, "long", 1e3)], last_price=None)
    first = draw(picture, lines=20)[0]
    assert first.startswith("\x1b[38;2;255;35;56m\x1b[48;2;18;121;111m▀"), "the hottest above the coldest"
    assert draw(picture, lines=20, colours="256")[0].startswith("\x1b[38;5;197m\x1b[48;5;29m▀")
    assert CODES.sub("", first).rstrip().startswith("▀")
    assert not CODES.search("\n".join(draw(picture, colours="none")))


@pytest.mark.parametrize(
    ("colour", "number"), [((255, 0, 0), 196), ((0, 0, 95), 17), ((8, 8, 8), 232), ((238, 238, 238), 255)]
)
def test_colours_of_xterm(colour, number):
    assert _nearest_of_256(colour) == number


def test_price_is_a_line_where_nothing_was_liquidated():
    ts_us = START + np.arange(24, dtype=np.int64) * HOUR_US
    picture = picture_of([(0, 0, "long", 1e6)], last_price=None, trace=(ts_us, np.full(24, 96_050.0)))
    lines = draw(picture, colours="none", lines=20)
    assert {k for k, line in enumerate(lines[:20]) if "·" in line} == {9}
    assert lines[9].count("·") == 24


@pytest.mark.parametrize(("columns", "colours"), [(LEAST_COLUMNS, "none"), (80, "256"), (200, "truecolor")])
@pytest.mark.parametrize("case", sorted(CASES))
def test_every_case_fits(case, columns, colours):
    lines = [CODES.sub("", line) for line in draw(CASES[case](), columns=columns, colours=colours)]
    assert len(lines) == 18 + 3
    assert max(map(len, lines)) <= columns
