"""The bytes: the same again and again, small, and independent of the user's matplotlib."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from chart_cases import busy_picture, draw
from PIL import Image

from liqcli.charts import render_png

HERE = Path(__file__).resolve().parent
_DIGEST = """
import hashlib, sys
sys.path.insert(0, {here!r})
from chart_cases import busy_picture, draw
from liqcli.charts import render_png
print(hashlib.sha256(render_png(draw(busy_picture()))).hexdigest())
"""


def digest(tmp_path, **variables):
    """Render in a process of its own, and give the hash of the bytes."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), **variables}
    command = [sys.executable, "-c", _DIGEST.format(here=str(HERE))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("size", [(1600, 1000), (1200, 800)])
def test_size_in_pixels_whatever_the_dpi(size):
    for dpi in (72, 100, 200):
        png = render_png(draw(busy_picture(), size=size, dpi=dpi))
        assert Image.open(io.BytesIO(png)).size == size


def test_two_renders_are_the_same_and_carry_no_program_or_date():
    figure = draw(busy_picture())
    first, again, anew = render_png(figure), render_png(figure), render_png(draw(busy_picture()))
    assert first == again == anew
    assert set(Image.open(io.BytesIO(first)).info) <= {"dpi"}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_busy_picture_is_small(theme):
    assert len(render_png(draw(busy_picture(), theme=theme))) < 400_000


def test_neither_matplotlibrc_nor_time_zone_nor_locale_changes_a_byte(tmp_path):
    hostile = "font.family: serif\nfont.size: 31\ntext.usetex: False\naxes.grid: True\nfigure.autolayout: True\n"
    hostile += "savefig.dpi: 33\nsavefig.bbox: tight\npath.simplify: False\ntext.antialiased: False\nimage.cmap: jet\n"
    (tmp_path / "matplotlibrc").write_text(hostile, encoding="utf-8")
    elsewhere = {"TZ": "Asia/Kolkata", "LC_ALL": "de_DE.UTF-8", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "7"}
    plain = tmp_path / "plain"
    plain.mkdir()
    assert digest(tmp_path, **elsewhere) == digest(plain, TZ="UTC", LC_ALL="C.UTF-8")


def test_charts_need_neither_pyplot_nor_the_engine_nor_the_net():
    code = (
        "import sys, liqcli.charts;"
        "print([m for m in ('matplotlib.pyplot', 'duckdb', 'requests', 'pyarrow') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
