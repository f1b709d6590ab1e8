"""The bytes: the same again and again, small, and independent of the user's matplotlib."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chart_cases import busy_picture, draw, draw_busy, make_busy, make_grid, make_picture
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.image import AxesImage
from PIL import Image

from liqcli.charts import render_png, renderer
from liqcli.charts.field import PixelImage
from liqcli.charts.png import render_pixels

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
    picture = make_picture(make_grid([(3, 10, "long", 700.0)]))
    for dpi in (72, 200):
        png = render_png(draw(picture, size=size, dpi=dpi))
        assert Image.open(io.BytesIO(png)).size == size


def test_two_renders_are_the_same_and_carry_no_program_or_date():
    first, anew = render_png(draw_busy()), render_png(draw(busy_picture()))
    assert first == anew
    assert set(Image.open(io.BytesIO(first)).info) <= {"dpi"}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_busy_picture_is_small(theme):
    assert len(render_png(draw(make_picture(make_busy(orders=6000)), theme=theme))) < 400_000


@pytest.mark.slow
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


def test_a_text_is_rasterised_once_for_both_themes(monkeypatch):
    drawn = []
    draw_text = RendererAgg.draw_text
    monkeypatch.setattr(RendererAgg, "draw_text", lambda self, *a, **k: (drawn.append(a[3]), draw_text(self, *a, **k)))
    renderer._DRAWN.clear()
    picture = make_picture(make_grid([(3, 10, "long", 700.0)]))
    dark = render_pixels(draw(picture, theme="dark"))
    assert "BTCUSDT liquidation heat map" in drawn
    drawn.clear()
    light = render_pixels(draw(picture, theme="light"))
    assert drawn == []
    renderer._DRAWN.clear()
    assert np.array_equal(light, render_pixels(draw(picture, theme="light")))
    assert not np.array_equal(dark, light)


def test_the_field_has_the_pixels_of_a_resampled_image(monkeypatch):
    figure = draw_busy()
    plain = render_pixels(figure).astype(int)
    monkeypatch.setattr(PixelImage, "make_image", AxesImage.make_image)
    assert np.abs(plain - render_pixels(figure)).max() <= 1  # matplotlib rounds twice


@pytest.mark.slow
def test_a_command_imports_matplotlib_without_3d_and_docstrings_a_program_with_them():
    script = "import sys\nfrom liqcli.core import process\n{}\nimport liqcli.charts\n"
    script += "from matplotlib.lines import Line2D\n"
    script += "print('mpl_toolkits.mplot3d' in sys.modules, bool(Line2D.set.__doc__), len(Line2D([0], [0]).set(lw=2)))"
    for start, expected in (("process.run_as_command()", "False False 1"), ("", "True True 1")):
        command = [sys.executable, "-W", "error", "-c", script.format(start)]
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert (done.stdout.strip(), done.stderr) == (expected, "")
