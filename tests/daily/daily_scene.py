"""What a daily run leaves, read as its users read it: every page, every link."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from liqcli.daily import folders

UNTIL = "2026-01-08"
SETTINGS = 'symbols = ["BTCUSDT", "SOLUSDT"]\nlookbacks = ["4h"]\nout = "out"\nlevels = false\n'


def tree(out: Path) -> dict[str, bytes]:
    """Everything that people see in the reports' folder."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in (folders.LOCK, folders.NOTES)
    }


class Links(HTMLParser):
    """What a page points at."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        assert not [name for name, _ in attrs if name == "style" or name.startswith("on")]
        targets = [value or "" for name, value in attrs if name in ("href", "src", "srcset")]
        self.targets += [target for target in targets if not target.startswith("data:image/")]  # carried, not sought


def check_usable(out: Path) -> int:
    """Every page is whole and everything it points at is there and whole; gives the number of pages."""
    pages = [page for page in (out / "index.html", *out.glob("*/index.html")) if page.exists()]
    for page in (*pages, *out.glob("*/market.html")):
        if not page.parent.name.startswith("."):
            for target in Links(page).targets:
                path, _, anchor = target.partition("#")
                file = page.parent / unquote(path) if path else page
                content = file.read_bytes()
                ends = {
                    ".html": b"</html>\n",
                    ".json": b"}\n",
                    ".md": b"\n",
                    ".png": b"IEND\xaeB`\x82",
                    ".parquet": b"PAR1",
                }
                assert content.endswith(ends[file.suffix]), file
                assert not anchor or f'id="{anchor}"'.encode() in content
    return len(pages)
