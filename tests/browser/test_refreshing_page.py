"""A page that is drawn again and again, in a real browser: it renews itself where the reader is, and stays quiet."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

import liqcli

sys.path.insert(0, str(Path(__file__).parent))
from chromium import Page, find_chromium, run_chromium


@pytest.mark.slow
def test_a_page_renews_itself_where_the_reader_is(sample: Path, tmp_path: Path) -> None:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on this machine (Debian and Ubuntu: apt install chromium)")
    path = tmp_path / "map.html"
    results = liqcli.Lake(sample).heatmap(
        "BTCUSDT", until="latest", sections="clusters,exchanges,hours,data", theme="dark"
    )
    results.save(path, refresh_s=2)
    with run_chromium(program, tmp_path / "profile") as browser:
        page = Page(browser)
        page.shape(700, 250)
        page.open(path.as_uri())
        page.evaluate("window.scrollTo(0, document.getElementById('data').offsetTop - 50)")
        before = page.evaluate("scrollY")
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("<h1>", "<h1>Renewed "), encoding="utf-8")
        deadline = time.monotonic() + 30
        while not page.evaluate(
            "(document.querySelector('h1') || {textContent: ''}).textContent.startsWith('Renewed')"
        ):
            assert time.monotonic() < deadline, "it did not load again"
            time.sleep(0.2)
        time.sleep(0.3)
        assert before > 100
        assert abs(page.evaluate("scrollY") - before) < 5
        assert page.troubles() == []
        page.close()
