"""Fonts of the figures: those that ship with matplotlib, with fallbacks for letters they do not contain.

Other letters (``币安人生USDT``) are drawn with a system font that contains them; system fonts are searched only then.
Without such a font they are drawn as code points, ``(U+5E01 U+5B89)``, and the page says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import matplotlib
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.ft2font import FT2Font, StyleFlags

REPLACEMENT = "\ufffd"
_FONTS = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}
_LARGEST_BYTES = 100_000_000


@cache
def font_file(bold: bool) -> Path:
    """Return the file of the shipped font; a family name could select another DejaVu of the machine."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / _FONTS[bold]


class _FileFonts(FontProperties):
    """Fonts by file in search order: matplotlib looks up each "family" and receives that file."""

    def get_file(self) -> str:
        return str(self.get_family()[0])

    def __copy__(self) -> _FileFonts:  # matplotlib's version does not keep the class
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new


def choose_font(text: str, bold: bool, points: float) -> FontProperties:
    """Return the shipped font, followed by system fonts for letters of the text that it does not contain."""
    shipped = str(font_file(bold))
    others = () if text.isascii() else _find_others(text)
    if not others:
        return FontProperties(fname=shipped, size=points)
    return _FileFonts(family=[shipped, *others], size=points)


def printable(text: str) -> str:
    """Replace tabs and line breaks by spaces, and letters without a font by code points."""
    return replace_unknown("".join(" " if c.isspace() else c for c in text).strip())


@lru_cache(maxsize=1024)
def replace_unknown(text: str) -> str:
    """Replace letters without a font by code points, and other characters by the replacement sign."""
    lacking = _list_lacking(text)
    lost = lacking - {c for path in _find_others(text) for c in _list_known(path, lacking)}
    if not lost:
        return text
    runs = itertools.groupby(text, key=lambda c: c in lost)
    return "".join(_stand_in("".join(run)) if unknown else "".join(run) for unknown, run in runs)


def describe_stand_in(text: str) -> str:
    """Describe how figures show a name that the fonts of this machine cannot draw; empty if they can."""
    written = printable(text)
    if written == " ".join(text.split()):
        return ""
    return f"The picture shows {text} as {written} because no font on this machine has these letters."


def _stand_in(run: str) -> str:
    if not run.isprintable():
        return REPLACEMENT * len(run)
    return f"({' '.join(f'U+{ord(c):04X}' for c in run)})"


def _list_lacking(text: str) -> frozenset[str]:
    face = get_font(str(font_file(False)))
    return frozenset(c for c in text if not face.get_char_index(ord(c)))


@lru_cache(maxsize=1024)
def _find_others(text: str) -> tuple[str, ...]:
    """Find the system fonts that a text needs; searches the system only if there are any."""
    lacking = frozenset(c for c in _list_lacking(text) if c.isprintable())
    return _find_fonts(lacking) if lacking else ()


@cache
def _find_fonts(letters: frozenset[str]) -> tuple[str, ...]:
    """Choose fonts until all letters have one, upright fonts first, then by path."""
    chosen: list[str] = []
    wanted = set(letters)
    for path in _iter_system_fonts():
        if found := _list_known(path, frozenset(wanted)):
            chosen.append(path)
            wanted -= found
        if not wanted:
            break
    return tuple(chosen)


def _iter_system_fonts() -> Iterator[str]:
    """Yield the readable, scalable fonts of the system, upright ones first."""
    later = []
    for path in sorted(font_manager.findSystemFonts()):
        face = _open(path)
        if face is None:
            continue
        if face.style_flags != StyleFlags.NORMAL:
            later.append(path)
        else:
            yield path
    yield from later


def _list_known(path: str, letters: frozenset[str]) -> frozenset[str]:
    face = _open(path)
    return frozenset(c for c in letters if face is not None and face.get_char_index(ord(c)))


def _open(path: str) -> FT2Font | None:
    """Open a system font; None if it cannot be read or has bitmaps instead of outlines."""
    try:
        face = get_font(path) if Path(path).stat().st_size <= _LARGEST_BYTES else None
    except (OSError, RuntimeError, ValueError):
        return None
    return face if face is not None and face.scalable else None
