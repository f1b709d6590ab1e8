"""The report and the index in a real browser: quiet, closed, narrow enough for a phone, and alive without a script."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from products import pairs

import liqcli
from liqcli.core.settings import Settings
from liqcli.daily import run_daily
from liqcli.lake.store import Lake

sys.path.insert(0, str(Path(__file__).parent))
from chromium import Chromium, Page, find_chromium, run_chromium

REPORT, INDEX = "2026-01-07/BTCUSDT-24h.html", "index.html"
MARKET, COMPARE = "2026-01-07/market.html", "compare.html"
PAGES = [REPORT, INDEX, MARKET, COMPARE]
DESKTOP, PHONE = (1280, 900), (400, 800)
Open = Callable[..., Page]

# Everything that reaches beyond the screen, but for what scrolls inside a frame of its own.
TOO_WIDE = """
(() => {
  const beyond = [];
  for (const e of document.querySelectorAll('body, body *')) {
    const frame = e.parentElement && e.parentElement.closest('.scroll, .frame');
    if (frame || e.closest('.sr') || e.closest('svg')) continue;
    const box = e.getBoundingClientRect();
    if (box.width && (box.right > WIDTH + 0.5 || box.left < -0.5)) {
      beyond.push(`${e.tagName}.${e.className} ${box.right}`);
    }
  }
  return [document.documentElement.scrollWidth, beyond];
})()
"""
# Images below the screen load when they come near it.
LOAD = "Promise.all([...document.images].map(i => { i.loading = 'eager'; return i.decode().catch(() => null) }))"
IMAGES = "[...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length > 0, i.currentSrc.length])"
UNFOLD = "document.querySelectorAll('details').forEach(d => { d.open = true })"
# Links within the page whose place is missing, or is not seen after going there.
LOST = """
[...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href')).filter(href => {
  const place = document.getElementById(href.slice(1));
  if (!place) return true;
  location.hash = href;
  const box = place.getBoundingClientRect();
  return box.bottom < 0 || box.top > innerHeight;
})
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all tests of this file."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on this machine (Debian and Ubuntu: apt install chromium)")
    with run_chromium(program, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def out(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day of daily reports on the sample, and a comparison of two symbols beside it."""
    folder = tmp_path_factory.mktemp("daily")
    settings = Settings(symbols=("BTCUSDT",), lookbacks=("24h",), out=folder / "out", fetch=False)
    assert run_daily(settings, Lake(sample), "2026-01-08", lambda _: None, lambda _: None).exit_code == 0
    symbols = ["BTCUSDT", "SOLUSDT"]
    liqcli.Lake(sample).compare(symbols, lookback="24h", until="2026-01-08").save(folder / "out" / COMPARE)
    return folder / "out"


@pytest.fixture
def open_page(browser: Chromium, out: Path) -> Iterator[Open]:
    """Open a page of the daily run at a size and theme."""
    pages: list[Page] = []

    def open_(name: str, size: tuple[int, int] = DESKTOP, theme: str = "light", media: str = "") -> Page:
        page = Page(browser)
        pages.append(page)
        page.shape(*size, theme=theme, media=media)
        page.open((out / name).as_uri())
        return page

    yield open_
    for page in pages:
        page.close()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "theme"), pairs(PAGES, ["light", "dark"]))
def test_a_page_is_quiet_asks_for_nothing_and_its_links_lead_somewhere(open_page: Open, name: str, theme: str) -> None:
    page = open_page(name, theme=theme)
    assert page.troubles() == []
    icon = page.evaluate("document.querySelector('link[rel=icon]').href")
    assert icon.startswith("data:image/svg+xml,")  # else a browser asks the server for /favicon.ico
    page.evaluate(LOAD)
    images = page.evaluate(IMAGES)
    assert images
    assert all(loaded and described for loaded, described, _ in images)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) > 600) is (theme == "light")
    if name == REPORT:
        assert page.evaluate("document.querySelectorAll('a[href^=\"#\"]').length") > 20
    assert page.evaluate(LOST) == []


def test_a_page_that_is_not_closed_would_be_noticed(open_page: Open, out: Path) -> None:
    """So that the test above can fail: what the policy holds back, and what it cannot."""
    text = (out / REPORT).read_text(encoding="utf-8")
    evil = text.replace("</main>", "<script>document.title='x'</script><img src='http://e.invalid/x.png'></main>")
    (out / "evil.html").write_text(evil, encoding="utf-8")
    said = "\n".join(open_page("evil.html").troubles())
    assert "ContentSecurityPolicyIssue" in said
    assert "inline script" in said
    (out / "open.html").write_text(evil.replace("img-src data:", "img-src *"), encoding="utf-8")
    assert "asked for http://e.invalid/x.png" in open_page("open.html").troubles()


def test_the_picture_follows_the_reader(open_page: Open, out: Path) -> None:
    assert (out / REPORT).stat().st_size < 600_000  # the map in both themes and in portrait
    sources = [open_page(REPORT, theme=theme).evaluate("document.images[0].currentSrc") for theme in ("light", "dark")]
    assert sources[0] != sources[1]
    assert all(source.startswith("data:image/") for source in sources)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_phone(open_page: Open, name: str) -> None:
    page = open_page(name, PHONE)
    assert page.evaluate("innerWidth") == PHONE[0]
    for _ in range(2):  # folded, then unfolded
        assert page.evaluate(TOO_WIDE.replace("WIDTH", str(PHONE[0]))) == [PHONE[0], []]
        page.evaluate(UNFOLD)


def test_a_phone_gets_the_portrait_without_scrolling_sideways(open_page: Open) -> None:
    page = open_page(REPORT, PHONE)
    shown = "document.querySelector('#map img')"
    assert page.evaluate(f"{shown}.currentSrc === document.querySelector('#map source').srcset")
    frame = "document.querySelector('#map .frame')"
    assert page.evaluate(f"{frame}.scrollWidth - {frame}.clientWidth") == 0
    assert page.evaluate(f"{shown}.clientWidth / {shown}.clientHeight") == pytest.approx(800 / 1100, abs=0.01)
    assert style_of(page, "#map .over", "display") == "none"  # its places are those of the wide picture
    wide = open_page(REPORT)
    assert wide.evaluate(f"{shown}.currentSrc !== document.querySelector('#map source').srcset")
    assert style_of(wide, "#map .over", "display") != "none"


@pytest.mark.parametrize(("size", "first"), [((1280, 800), ["h1", "#brief", "#map img"]), (PHONE, ["h1"])])
def test_the_first_screen_holds_the_essential(open_page: Open, size: tuple[int, int], first: list[str]) -> None:
    page = open_page(REPORT, size)
    tops = page.evaluate(f"{first}.map(s => document.querySelector(s).getBoundingClientRect().top)")
    assert all(0 <= top < 560 for top in tops)  # what starts 240 px above the fold is seen
    price = "document.querySelector('header .price b')"
    assert page.evaluate(f"{price}.textContent") == "91,206.8"
    assert page.evaluate(f"{price}.getBoundingClientRect().bottom") < 200  # also on a phone
    if size != PHONE:
        assert page.evaluate("document.documentElement.scrollHeight") < 4 * 800  # details are folded


def middle_of(page: Page, selector: str) -> tuple[float, float]:
    """Scroll an element into the middle of the window, and give its own middle. [px]"""
    script = """
    (() => {
      const e = document.querySelector(SELECTOR);
      e.scrollIntoView({block: 'center', inline: 'center'});
      const b = e.getBoundingClientRect();
      return [b.x + b.width / 2, b.y + b.height / 2];
    })()
    """
    x, y = page.evaluate(script.replace("SELECTOR", repr(selector)))
    return x, y


def style_of(page: Page, selector: str, name: str) -> str:
    return str(page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).{name}"))


def test_rows_and_places_light_each_other_up(open_page: Open) -> None:
    page = open_page(REPORT)
    page.point_at(1, 1)
    plain = style_of(page, "#cluster-1", "backgroundColor")
    assert style_of(page, "#band-1", "opacity") == "0"
    page.point_at(*middle_of(page, "#cluster-1"))
    assert (style_of(page, "#band-1", "opacity"), style_of(page, "#band-2", "opacity")) == ("1", "0")
    page.point_at(*middle_of(page, "#cascade-2"))
    assert (style_of(page, "#burst-2", "opacity"), style_of(page, "#band-1", "opacity")) == ("1", "0")
    assert (style_of(page, "#flash-2", "opacity"), style_of(page, "#entry-3", "opacity")) == ("1", "0")
    assert style_of(page, "#cluster-1", "backgroundColor") == plain
    page.point_at(*middle_of(page, "#band-2 rect"))
    assert style_of(page, "#cluster-2", "backgroundColor") != plain
    assert style_of(page, "#cluster-1", "backgroundColor") == plain
    page.evaluate("location.hash = '#band-1'")
    assert style_of(page, "#band-1", "opacity") == "1"


def test_a_place_in_the_picture_tells_its_numbers(open_page: Open) -> None:
    """The hottest cell, 14:00 and 91,200: where it is drawn hottest, the pointer meets its numbers."""
    page = open_page(REPORT)
    hot = page.evaluate(
        "[...document.querySelectorAll('.over title')].filter(t => t.textContent.includes("
        "'14:00 – 14:10 UTC\\n91,200 – 91,300')).map(t => { const b = t.parentElement; "
        "return [b.x.baseVal.value, b.y.baseVal.value, b.width.baseVal.value, b.height.baseVal.value] })"
    )
    assert len(hot) == 1
    x, y, width, height = hot[0]
    # Where this pixel of the picture is on the screen, what lies over it there, and its colour.
    script = f"""
    (() => {{
      const shown = document.querySelector('.sheet img'), x = {x + width / 2}, y = {y + height / 2};
      shown.scrollIntoView({{block: 'center'}});
      const scale = shown.getBoundingClientRect().width / 1600;
      document.querySelector('.frame').scrollLeft += shown.getBoundingClientRect().x + x * scale - innerWidth / 2;
      const box = shown.getBoundingClientRect();
      const top = document.elementFromPoint(box.x + x * scale, box.y + y * scale);
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [1600, 1000];
      const pen = canvas.getContext('2d');
      pen.drawImage(shown, 0, 0);
      return [scale, top.querySelector('title').textContent, [...pen.getImageData(x, y, 1, 1).data]];
    }})()
    """
    scale, said, (red, green, blue, _) = page.evaluate(script)
    assert said == "2026-01-07 14:00 – 14:10 UTC\n91,200 – 91,300\nlongs 1.59M, shorts 0 USD, 2 events"
    assert scale == pytest.approx(1200 / 1600, abs=0.02)
    assert red > 2 * max(green, blue)  # the hot end of the palette: the marks lie where the picture has its cells


@pytest.mark.parametrize("name", [MARKET, COMPARE])
def test_other_pages_print_within_the_paper(open_page: Open, name: str) -> None:
    page = open_page(name, (720, 1000), theme="dark", media="print")
    assert style_of(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(TOO_WIDE.replace("WIDTH", "720")) == [720, []]


def test_the_market_leads_to_the_report_and_back(open_page: Open, out: Path) -> None:
    links = "[...document.querySelectorAll('a[href]')].map(a => new URL(a.getAttribute('href'), document.URL).href)"
    for name, other in ((MARKET, REPORT), (INDEX, MARKET)):
        assert (out / other).as_uri() in [link.split("#")[0] for link in open_page(name).evaluate(links)]


def test_it_prints_whole_and_bright(open_page: Open, tmp_path: Path) -> None:
    page = open_page(REPORT, (720, 1000), theme="dark", media="print")
    assert style_of(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
    assert style_of(page, ".over", "display") == "none"
    assert page.evaluate("document.documentElement.scrollWidth") == 720
    bright = open_page(REPORT, theme="light").evaluate("document.images[0].currentSrc")
    assert page.evaluate("document.images[0].currentSrc") == bright  # dark ink is for nobody
    page.shape(720, 1000, theme="dark")
    page.print(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.slow
def test_who_listens_to_the_page_finds_the_way(open_page: Open) -> None:
    page = open_page(REPORT)
    nodes: list[dict[str, Any]] = page.send("Accessibility.getFullAXTree")["nodes"]
    shown = [
        (n["role"]["value"], n.get("name", {}).get("value", ""))
        for n in nodes
        if not n["ignored"] and n["role"]["type"] != "internalRole"
    ]
    roles = [role for role, _ in shown]
    assert [roles.count(role) for role in ("main", "navigation", "banner", "contentinfo")] == [1, 1, 1, 1]
    named = {"link", "image", "img", "table", "region", "navigation", "columnheader", "rowheader", "heading"}
    assert [node for node in shown if node[0] in named and not node[1].strip()] == []
    assert ("group", "Clusters in the picture, each linked to its row in the table") in shown
    images = [name for role, name in shown if role in ("image", "img")]
    assert any("1,232 events, 19.8M USD" in name for name in images)
    # Places in the picture are for the pointer; only the clusters' links are read out, once each.
    assert sum(name.startswith("Cluster 1: ") for role, name in shown if role == "link") == 1
    assert not any("14:00 – 14:10 UTC" in name for _, name in shown)
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(deeper - before <= 1 for before, deeper in pairwise(levels))
