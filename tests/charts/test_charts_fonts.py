"""The font of the pictures ships with matplotlib: what is said can be drawn, and figures line up under each other."""

import ast
from pathlib import Path

import pytest
from matplotlib.font_manager import get_font

import liqcli
from liqcli.charts.sheet import _font_file, _measure, printable

PACKAGE = Path(liqcli.__file__).parent
BOTH = pytest.mark.parametrize("bold", [False, True])


def said():
    """Collect what the string literals behind the pictures consist of, documentation left out."""
    for path in [
        *PACKAGE.glob("charts/*.py"),
        *PACKAGE.glob("poster/*.py"),
        PACKAGE / "formats.py",
        PACKAGE / "words.py",
    ]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        texts = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, documented) and ast.get_docstring(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
                yield from node.value


@BOTH
def test_every_sign_of_the_pictures_is_in_the_font(bold):
    face = get_font(str(_font_file(bold)))
    signs = {c for c in said() if c.isprintable()} | {"\ufffd"}
    assert {"▲", "▼", "▮", "━", "╌", "×", "·"} <= signs
    assert [c for c in sorted(signs) if not face.get_char_index(ord(c))] == []
    assert printable("币 Å ж Ω") == "\ufffd Å ж Ω"


@BOTH
def test_figures_are_of_one_width(bold):
    assert len({_measure(digit * 20, 12.0, bold, 100.0) for digit in "0123456789"}) == 1
