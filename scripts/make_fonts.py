"""
Cut the two fonts of the pictures out of Inter (https://rsms.me/inter, SIL Open Font License): ``liqcli/charts/fonts/``.

Give it the variable font of Inter 4.1, ``Inter[opsz,wght].ttf`` (``pip download fontpkg-inter`` holds one). Only what
pictures may say is kept, figures all have one width, and a few signs of the legends are drawn that Inter lacks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FOLDER = Path(__file__).resolve().parent.parent / "liqcli/charts/fonts"
WEIGHTS = {"Inter-Regular.ttf": 430, "Inter-Bold.ttf": 660}
SIZE = 16  # the optical size: made for small words
SPACE = 1.2  # words in small bold type want more air between them
LETTERS = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x391, 0x3CA), *range(0x400, 0x460)]
SIGNS = [0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x2190, 0x2191, 0x2192, 0x2193, 0x20AC]
SIGNS += [0x2212, 0x221A, 0x2264, 0x2265, 0x25A0, 0x25B2, 0x25BC]
# Code point -> advance and rectangles (left, bottom, right, top), in the font's units of 1/2048.
DRAWN = {
    0x2501: (1500, [(60, 620, 1440, 800)]),
    0x254C: (1500, [(60, 620, 660, 800), (840, 620, 1440, 800)]),
    0x25AE: (900, [(200, 0, 700, 1490)]),
    0xFFFD: (1300, [(100, 0, 1200, 120), (100, 1370, 1200, 1490), (100, 120, 220, 1370), (1080, 120, 1200, 1370)]),
}


def main() -> int:
    """Write both weights."""
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} 'Inter[opsz,wght].ttf'", file=sys.stderr)
        return 2
    for name, weight in WEIGHTS.items():
        font = instantiateVariableFont(TTFont(sys.argv[1], recalcTimestamp=False), {"wght": weight, "opsz": SIZE})
        even_figures(font)
        cut(font)
        draw_signs(font)
        advance, bearing = font["hmtx"]["space"]
        font["hmtx"]["space"] = (round(advance * SPACE), bearing)
        font.save(FOLDER / name)
        print(f"wrote {FOLDER / name}: {(FOLDER / name).stat().st_size} bytes")
    return 0


def even_figures(font: Any) -> None:  # noqa: ANN401  (fontTools has no types)
    """Put the tabular figures in place of the proportional ones: numbers under each other line up."""
    table = font["GSUB"].table
    wanted = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    even: dict[str, str] = {}
    for index in sorted(wanted):
        for part in table.LookupList.Lookup[index].SubTable:
            even.update(getattr(getattr(part, "ExtSubTable", part), "mapping", {}))
    for cmap in font["cmap"].tables:
        for code in range(ord("0"), ord("9") + 1):
            if code in cmap.cmap:
                cmap.cmap[code] = even.get(cmap.cmap[code], cmap.cmap[code])


def cut(font: Any) -> None:  # noqa: ANN401
    """Keep the letters and signs that pictures use, and their kerning."""
    options = subset.Options(layout_features=["kern", "mark", "mkmk"], hinting=False, name_IDs=["*"])
    options.notdef_outline = True
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[*LETTERS, *SIGNS])
    cutter.subset(font)


def draw_signs(font: Any) -> None:  # noqa: ANN401
    """Add the signs of :data:`DRAWN`."""
    scale = font["head"].unitsPerEm / 2048
    order = font.getGlyphOrder()
    for code, (advance, boxes) in DRAWN.items():
        pen = TTGlyphPen(None)
        for left, bottom, right, top in boxes:
            corners = [(left, bottom), (left, top), (right, top), (right, bottom)]
            pen.moveTo(tuple(round(scale * c) for c in corners[0]))
            for corner in corners[1:]:
                pen.lineTo(tuple(round(scale * c) for c in corner))
            pen.closePath()
        name = f"uni{code:04X}"
        order = [*order, name]
        font.setGlyphOrder(order)
        font["glyf"].glyphs[name] = pen.glyph()
        font["glyf"].setGlyphOrder(order)
        font["hmtx"][name] = (round(scale * advance), round(scale * boxes[0][0]))
        for cmap in font["cmap"].tables:
            cmap.cmap[code] = name


if __name__ == "__main__":
    raise SystemExit(main())
