"""The letters of the pictures: the fonts that ship with matplotlib, and what becomes of letters that they lack.

Such letters (``币安人生USDT``) are drawn with a font of the system, if one has them. Only then are the system's fonts
looked at. Where none has them, code points stand in for them: ``(U+5E01 U+5B89)``, and the page says so.
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
    """Give the shipped font. By file, not by family: another DejaVu on the machine must not change a byte."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / _FONTS[bold]


class _FileFonts(FontProperties):
    """Fonts by file, in the order in which they are tried: matplotlib asks for each "family" and gets that file."""

    def get_file(self) -> str:
        return str(self.get_family()[0])

    def __copy__(self) -> _FileFonts:  # matplotlib's own would forget the class
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new


def choose_font(text: str, bold: bool, points: float) -> FontProperties:
    """Give the shipped font, followed by fonts of the system for the letters of this text that it lacks."""
    shipped = str(font_file(bold))
    others = () if text.isascii() else _find_others(text)
    if not others:
        return FontProperties(fname=shipped, size=points)
    return _FileFonts(family=[shipped, *others], size=points)


def printable(text: str) -> str:
    """Put a space for a tab or line break, and stand-ins for letters that no font has."""
    return replace_unknown("".join(" " if c.isspace() else c for c in text).strip())


@lru_cache(maxsize=1024)
def replace_unknown(text: str) -> str:
    """Put code points for letters that no font of this machine has, the replacement sign for what is no letter."""
    lacking = _list_lacking(text)
    lost = lacking - {c for path in _find_others(text) for c in _list_known(path, lacking)}
    if not lost:
        return text
    runs = itertools.groupby(text, key=lambda c: c in lost)
    return "".join(_stand_in("".join(run)) if unknown else "".join(run) for unknown, run in runs)


def describe_stand_in(text: str) -> str:
    """Say what the pictures write for a name whose letters no font of this machine has; nothing if they have them."""
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
    """List the fonts of the system that are needed for a text; the system is looked at only if there are any."""
    lacking = frozenset(c for c in _list_lacking(text) if c.isprintable())
    return _find_fonts(lacking) if lacking else ()


@cache
def _find_fonts(letters: frozenset[str]) -> tuple[str, ...]:
    """Take upright fonts before others, by path, until all letters have one; fonts that add none are left out."""
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
    """Give the readable, scalable fonts of the system, upright ones first."""
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
    """Open a font of the system; None where it cannot be read, or holds pictures instead of outlines."""
    try:
        face = get_font(path) if Path(path).stat().st_size <= _LARGEST_BYTES else None
    except (OSError, RuntimeError, ValueError):
        return None
    return face if face is not None and face.scalable else None
