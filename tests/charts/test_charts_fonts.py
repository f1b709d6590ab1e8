"""The font of the pictures ships with matplotlib: what is said can be drawn, and figures line up under each other."""

import ast
from pathlib import Path

import pytest
from matplotlib.font_manager import get_font

import liqcli
from liqcli.charts import fonts
from liqcli.charts.fonts import choose_font, describe_stand_in, font_file, printable
from liqcli.charts.renderer import measure_text

PACKAGE = Path(liqcli.__file__).parent
BOTH = pytest.mark.parametrize("bold", [False, True])


def said():
    """Collect what the string literals behind the pictures consist of, documentation left out."""
    for path in [
        *PACKAGE.glob("charts/*.py"),
        *PACKAGE.glob("report/*figure*.py"),
        PACKAGE / "report/shared_captions.py",
        PACKAGE / "core/formatting.py",
        PACKAGE / "core/wording.py",
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
    face = get_font(str(font_file(bold)))
    signs = {c for c in said() if c.isprintable()} | {"\ufffd"}
    assert {"▲", "▼", "▮", "━", "╌", "×", "·"} <= signs
    assert [c for c in sorted(signs) if not face.get_char_index(ord(c))] == []
    assert printable("Å ж Ω\t\ue900|") == "Å ж Ω \ufffd|"


@pytest.fixture
def system(monkeypatch):
    """The fonts of the system are what the test says; nothing is remembered of others."""
    listed: list[str] = []

    def list_fonts() -> list[str]:
        looked.append(1)
        return listed

    looked: list[int] = []
    monkeypatch.setattr(fonts.font_manager, "findSystemFonts", list_fonts)
    caches = (fonts._find_fonts, fonts._find_others, fonts.replace_unknown, measure_text)
    for cache in caches:
        cache.cache_clear()
    yield listed, looked
    for cache in caches:
        cache.cache_clear()


def test_the_system_is_looked_at_only_for_letters_that_are_lacking(system):
    _listed, looked = system
    assert printable("BTCUSDT · 5m × 50 USDT · Å ж Ω ▲") == "BTCUSDT · 5m × 50 USDT · Å ж Ω ▲"
    assert fonts.choose_font("BTCUSDT · ▲", True, 12.0).get_file() == str(font_file(True))
    assert looked == []
    printable("币")
    assert looked == [1]


def test_letters_of_no_font_are_written_as_code_points(system):
    """币安人生 are U+5E01, U+5B89, U+4EBA, U+751F."""
    assert printable("币安人生USDT") == "(U+5E01 U+5B89 U+4EBA U+751F)USDT"
    assert describe_stand_in("币安人生USDT") == (
        "The picture shows 币安人生USDT as (U+5E01 U+5B89 U+4EBA U+751F)USDT "
        "because no font on this machine has these letters."
    )
    assert describe_stand_in("BTCUSDT") == ""


def test_a_font_of_the_system_lends_its_letters(system):
    """U+1D81 stands in STIX and not in DejaVu; a file that is no font is passed over."""
    listed, _looked = system
    stix = font_file(False).with_name("STIXGeneral.ttf")
    letter = "\u1d81"
    assert not get_font(str(font_file(False))).get_char_index(ord(letter))
    listed += [__file__, "/nowhere/none.ttf", str(font_file(False)), str(stix)]
    assert printable(f"{letter}USDT") == f"{letter}USDT"
    assert describe_stand_in(f"{letter}USDT") == ""
    chosen = fonts.choose_font(f"{letter}USDT", True, 12.0)
    found = fonts.font_manager.fontManager._find_fonts_by_props(chosen.copy())
    assert [str(getattr(f, "path", f)) for f in found] == [str(font_file(True)), str(stix)]
    assert measure_text(letter, choose_font(letter, False, 12.0), 100.0)[0] > 0


@BOTH
def test_figures_are_of_one_width(bold):
    assert len({measure_text(digit * 20, choose_font("0", bold, 12.0), 100.0) for digit in "0123456789"}) == 1
