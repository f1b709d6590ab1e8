"""
Photograph the sample's report page for the README: ``docs/pictures/report-page.webp``; needs Chromium on this machine.

Fonts differ from machine to machine, so no test compares it: make it anew when the page looks different, and look.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests/browser")]  # a checkout photographs itself, with the driver of its tests

from chromium import Page, find_chromium, run_chromium  # noqa: E402
from make_pictures import find_sample  # noqa: E402

from liqcli.report.output_files import write_outputs  # noqa: E402

TARGET = ROOT / "docs/pictures/report-page.webp"
WIDTH, HEIGHT = 1280, 1596  # [px]: head, numbers, map, the first of the clusters
LARGEST = 300_000  # [bytes]


def main() -> int:
    """Write the screenshot; 1 without a browser, or when it came out too large."""
    program = find_chromium()
    if program is None:
        print("no Chromium on this machine (Debian and Ubuntu: apt install chromium)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        png = photograph(program, Path(folder))
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(out, "WEBP", quality=86, method=6)
    if len(out.getvalue()) > LARGEST:
        print(f"{len(out.getvalue())} bytes are more than {LARGEST}", file=sys.stderr)
        return 1
    TARGET.write_bytes(out.getvalue())
    print(f"wrote {TARGET.relative_to(ROOT)}: {len(out.getvalue())} bytes; look at it")
    return 0


def photograph(program: str, folder: Path) -> bytes:
    """Make the sample's report and give the top of its page as PNG, in the dark theme."""
    report = folder / "report.html"
    write_outputs(find_sample(folder), [report])
    with run_chromium(program, folder / "profile") as browser:
        page = Page(browser)
        page.shape(WIDTH, HEIGHT, theme="dark")
        page.open(report.as_uri())
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "scale": 1}
        shot = page.send("Page.captureScreenshot", clip=clip)
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    raise SystemExit(main())
