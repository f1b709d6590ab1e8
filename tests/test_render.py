"""The page is closed: no script, no outside request, nothing unescaped."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser

import jinja2
import pytest
from factories import DAY, T0, fill_lake, make_liquidation

from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.selection import Query
from liqcli.findings import View, build_findings
from liqcli.render import escape_markdown, render_html, render_json, render_markdown
from liqcli.report import build_report

HOSTILE = "<script>alert(1)</script>|`x`\"'&"


@pytest.fixture
def report(lake):
    rows = [
        make_liquidation(T0),
        make_liquidation(T0 + DAY - 1, price=200.0, exchange="okx", source="okx", position="short"),
    ]
    store = fill_lake(lake, rows)
    query = Query("SOL", since="2026-03-01", until="2026-03-02")
    return build_report(build_findings(store, query, GridOptions(), View()))


def hostile(report):
    """The report with every word that comes from outside made evil."""
    evil = copy.deepcopy(report)
    evil["meta"] |= {"symbol": HOSTILE, "exchanges": [HOSTILE], "sources": [HOSTILE], "price_line": HOSTILE}
    evil["exchanges"][0] |= {"exchange": HOSTILE, "sources": [HOSTILE], "symbols": [HOSTILE]}
    evil["coverage"]["by_exchange"][0] |= {"exchange": HOSTILE, "symbol": HOSTILE}
    evil["coverage"] |= {"overlaps": [HOSTILE], "damaged": [HOSTILE]}
    return evil


class Page(HTMLParser):
    """Tags with their attributes, and whether they nest."""

    VOID = ("meta", "img", "br", "rect", "hr", "link", "input")

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.style = [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data


def test_the_policy_lets_in_the_style_and_nothing_else(report):
    html = render_html(report, b"png", "a picture")
    page = Page(html)
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert len(page.style) > 500
    # The browser must meet the policy before the style it judges.
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_the_page_asks_for_nothing(report):
    page = Page(render_html(report, b"png", "a picture"))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "form", "base", "video", "audio"}
    loaded = [
        v for _, a in page.tags for k, v in a.items() if k in ("src", "href", "srcset", "action", "data", "poster")
    ]
    assert loaded == ["data:image/png;base64," + base64.b64encode(b"png").decode()]
    assert not any(name.startswith("on") or name == "style" for _, a in page.tags for name in a)
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert next(a["alt"] for tag, a in page.tags if tag == "img") == "a picture"


def test_hostile_words_are_escaped_in_html(report):
    html = render_html(hostile(report), b"", HOSTILE)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;|`x`&#34;&#39;&amp;" in html
    plain = Page(render_html(report, b"", "a"))
    evil = Page(html)
    assert {tag for tag, _ in evil.tags} == {tag for tag, _ in plain.tags}
    assert next(a["alt"] for tag, a in evil.tags if tag == "img") == HOSTILE


def cells(line):
    return len(re.findall(r"(?<!\\)\|", line))


def test_hostile_words_are_escaped_in_markdown(report):
    text = render_markdown(hostile(report), "r.png", HOSTILE)
    assert "<script" not in text.replace("\\<script", "")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        lines = block.splitlines()
        assert {cells(line) for line in lines} == {cells(lines[0])}, block
    assert len(re.findall(r"^\|", text, re.MULTILINE)) == 3 + 4 + 7 + 4  # headline, clusters, answers, exchanges
    # Between the fences only the command stands, and no word ends a fence early.
    assert text.count("```") == 2
    assert len(re.findall(r"(?<!\\)`", text)) == 6 + 2  # the fences, and the hash


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain-1.5", "plain-1.5"),
        ("a|b", "a\\|b"),
        ("`x`", "\\`x\\`"),
        ("<b>*_[l](u)_*</b>", "\\<b\\>\\*\\_\\[l\\](u)\\_\\*\\</b\\>"),
        ("a\n\n# b\r\n\tc", "a \\# b c"),
        ("\\|", "\\\\\\|"),
        (5, "5"),
    ],
)
def test_escape_markdown(text, escaped):
    assert escape_markdown(text) == escaped


def test_the_picture_stands_beside_the_markdown(report):
    assert "](my%20report%20%29.png)" in render_markdown(report, "my report ).png", "alt")


def test_a_number_that_is_missing_is_an_error_and_no_blank(report):
    del report["meta"]["version"]
    with pytest.raises(jinja2.UndefinedError):
        render_html(report, b"", "a")
    with pytest.raises(jinja2.UndefinedError):
        render_markdown(report, "r.png", "a")


def test_json_has_no_nan_and_keeps_letters(report):
    report["meta"]["symbol"] = "币"
    assert json.loads(render_json(report))["meta"]["symbol"] == "币"
    assert "币" in render_json(report)
    report["meta"]["notional"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        render_json(report)
