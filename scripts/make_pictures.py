"""
Draw the pictures of the README and the documents from the embedded sample: ``docs/pictures/*.png``.

``--check`` writes nothing and exits with 1 when one of them shows something else than what is drawn now.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout draws itself, also where another liqcli is installed

from liqcli.analysis.heatmap import GridOptions  # noqa: E402
from liqcli.core.choices import PaletteName, ThemeName  # noqa: E402
from liqcli.demo import fill_lake, read_facts  # noqa: E402
from liqcli.lake.selection import Query  # noqa: E402
from liqcli.lake.store import Lake  # noqa: E402
from liqcli.report.figures import draw_figure  # noqa: E402
from liqcli.report.results import ViewOptions, WindowResults, compute_results  # noqa: E402

FOLDER = ROOT / "docs/pictures"
NAME = "sample-btcusdt-24h"


class Variant(NamedTuple):
    """A picture's name and how it looks."""

    picture: str = "heatmap"
    theme: ThemeName = "dark"
    palette: PaletteName = "liq"


# Ending of the file name -> what it shows. The first one is what `liqcli demo` draws.
VARIANTS = {
    "": Variant(),
    "-light": Variant(theme="light"),
    "-cividis": Variant(palette="cividis"),
    "-cascades": Variant("cascades"),
    "-open-interest": Variant("open_interest"),
    "-cumulative": Variant("cumulative"),
}


def main() -> int:
    """Draw or check all pictures."""
    parser = argparse.ArgumentParser(description="Draw docs/pictures from the embedded sample.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a picture is stale")
    check = parser.parse_args().check
    stale = []
    for path, png in draw_all().items():
        if path.exists() and same_picture(path.read_bytes(), png):
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.write_bytes(png)
    if check and stale:
        print(f"stale: {', '.join(stale)}; run `make pictures`, look at them, and commit them", file=sys.stderr)
        return 1
    for name in stale:
        print(f"wrote {name}")
    return 0


def draw_all() -> dict[Path, bytes]:
    """Draw every variant; file -> PNG."""
    with tempfile.TemporaryDirectory() as folder:
        findings = find_sample(Path(folder))
    return {FOLDER / f"{NAME}{ending}.png": draw(findings, variant) for ending, variant in VARIANTS.items()}


def find_sample(folder: Path) -> WindowResults:
    """Compute what the demo's first report is made of."""
    lake = Lake(folder / "lake")
    fill_lake(lake)
    query = Query("BTCUSDT", lookback="24h", until=str(read_facts()["show_until"]))
    return compute_results(lake, query, GridOptions(), ViewOptions())


def draw(findings: WindowResults, variant: Variant) -> bytes:
    """Draw one variant as PNG bytes."""
    view = replace(findings.view, theme=variant.theme, palette=variant.palette)
    figure = draw_figure(findings, variant.picture, view)
    if figure is None:
        raise SystemExit(f"the sample has no data for {variant.picture}")
    return figure.png


def same_picture(one: bytes, other: bytes) -> bool:
    """Whether two PNGs show the same pixels; how tightly they are packed depends on the machine's zlib."""
    import io

    import numpy as np
    from matplotlib.image import imread

    first, second = (imread(io.BytesIO(png)) for png in (one, other))
    return bool(first.shape == second.shape and np.array_equal(first, second))


if __name__ == "__main__":
    raise SystemExit(main())
