"""The page is closed: no script, no outside request, nothing unescaped."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections import Counter

import jinja2
import pytest
from factories import DAY, T0, fill_lake, make_figure, make_liquidation
from page_readers import Forge, Page

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.choices import SECTIONS, read_sections
from liqcli.core.errors import UsageError
from liqcli.lake.selection import Query
from liqcli.report.document import build_document
from liqcli.report.html_markdown import escape_markdown, load_environment, render_html, render_json, render_markdown
from liqcli.report.results import ViewOptions, compute_results

HOSTILE = "<script>alert(1)</script>|`x`\"'& ~~s~~ $y$ [l](http://e.vil) ![i](x) **b** &lt;"


def themes(alt="a picture"):
    """The figures of an HTML page."""
    return {"heatmap": [make_figure("dark", alt), make_figure("light", alt)]}


def beside(alt="a picture", file="r.png"):
    """The figures of a Markdown page."""
    return {"heatmap": make_figure(alt=alt, file=file)}


@pytest.fixture
def report(lake):
    rows = [
        make_liquidation(T0),
        make_liquidation(T0 + DAY - 1, price=200.0, exchange="okx", source="okx", position="short"),
    ]
    store = fill_lake(lake, rows)
    query = Query("SOL", since="2026-03-01", until="2026-03-02")
    return build_document(compute_results(store, query, GridOptions(), ViewOptions()))


def named(report, word):
    """The report with every word that comes from outside replaced."""
    evil = copy.deepcopy(report)
    evil["meta"] |= {"symbol": word, "exchanges": [word], "sources": [word], "price_line": word}
    evil["exchanges"][0] |= {"exchange": word, "sources": [word], "symbols": [word]}
    evil["coverage"]["by_exchange"][0] |= {"exchange": word, "symbol": word}
    evil["coverage"] |= {"overlaps": [word], "damaged": [word]}
    evil["brief"] = [word]
    evil["missing"]["parts"] = [word]
    return evil


def test_a_target_nearer_than_fees_and_levels_inside_other_clusters_say_so():
    parts = load_environment().get_template("parts.md").module
    bands = [{"rank": 1, "low": 110, "high": 112}, {"rank": 2, "low": 112, "high": 114}]
    near = {"target_trade": "long", "target_at": 109.9, "target_pct": 0.0999, "target_distance_atr": 0.05}
    stop = {"stop_trade": "short", "stop_beyond": 112.5, "stop_pct": 2.27}
    assert parts.target_level(near, bands[0], bands, 2.0) == (
        "long: 109.9 (+0.10%, +0.05 ATR; less than the usual fees)"
    )
    assert parts.target_level({**near, "target_pct": 0.1}, bands[0], bands, 2.0) == "long: 109.9 (+0.10%, +0.05 ATR)"
    assert parts.stop_level(stop, bands[0], bands, 2.0) == "short: 112.5 (+2.27%; inside cluster 2)"
    assert parts.stop_level({"stop_beyond": None}, bands[0], bands, None) == "unknown"


def test_the_policy_lets_in_the_style_and_nothing_else(report):
    html = render_html(report, themes("a picture"))
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
    page = Page(render_html(report, themes("a picture")))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "iframe", "object", "embed", "form", "base", "video", "audio"}
    asking = ("src", "href", "srcset", "action", "data", "poster", "xlink:href", "ping", "background")
    loaded = {(tag, k): v for tag, a in page.tags for k, v in a.items() if k in asking and not v.startswith("#")}
    assert loaded.pop(("link", "href")).startswith("data:image/svg+xml,")
    assert loaded == {
        ("img", "src"): make_figure("dark").data_uri,
        ("source", "srcset"): make_figure("light").data_uri,
    }
    assert not any(name.startswith("on") or name == "style" for _, a in page.tags for name in a)
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert next(a["alt"] for tag, a in page.tags if tag == "img") == "a picture"


def test_every_place_of_the_page_is_there_once_and_every_link_leads_to_one(report):
    page = Page(render_html(report, themes()))
    places = [a["id"] for _, a in page.tags if "id" in a]
    assert len(places) == len(set(places))
    links = {a["href"] for tag, a in page.tags if tag == "a"}
    assert {"#clusters", "#cascades", "#hours", "#data"} <= links
    assert {link[1:] for link in links} <= set(places) | {"band-1", "band-2"}  # those lie over the real picture


@pytest.mark.parametrize(
    ("theme", "root"), [("auto", '<html lang="en">'), ("dark", '<html lang="en" data-theme="dark">')]
)
def test_a_theme_that_is_asked_for_holds_for_the_whole_page(report, theme, root):
    assert root in render_html(report, themes(), theme)


def test_the_time_of_making_is_said_only_when_asked_for(report):
    made = "2026-03-02T07:08:09Z"
    for plain, stamped in (
        (render_html(report, themes()), render_html(report, themes(), made=made)),
        (render_markdown(report, beside()), render_markdown(report, beside(), made)),
    ):
        assert "2026-03-02 07:08:09 UTC" in stamped
        assert "07:08:09" not in plain


def test_hostile_words_are_escaped_in_html(report):
    html = render_html(named(report, HOSTILE), themes(HOSTILE))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;|`x`&#34;&#39;&amp;" in html
    plain = Page(render_html(named(report, "word"), themes("a")))
    evil = Page(html)
    assert {tag for tag, _ in evil.tags} == {tag for tag, _ in plain.tags}
    assert next(a["alt"] for tag, a in evil.tags if tag == "img") == HOSTILE


def test_the_markdown_reads_as_meant(report):
    forge = Forge(render_markdown(report, beside("the |alt| `text`", "my report.png")))
    plain = {"thead_open", "heading_open", "image", "fence", "html_inline", "html_block", "link_open", "s_open", "hr"}
    counted = {kind: n for kind, n in forge.kinds.items() if kind in plain}
    # Reach, price steps, checklist and its rules, hours, exchanges; too few events for the tables of clusters
    # and cascades, and no open interest is known.
    assert counted == {"thead_open": 6, "heading_open": 16, "image": 1, "fence": 1}
    image = forge.images()[0]
    assert (image.attrs["src"], image.content) == ("my%20report.png", "the \\|alt\\| \\`text\\`")
    assert ["1", "200 – 205", "200", "67%", "0", "200", "1", "+1.25%"] in [r[:8] for r in forge.rows]
    assert [r[0] for r in forge.rows if r[0].endswith("?")] == [c["question"] for c in report["checklist"]["checks"]]


def test_hostile_words_are_harmless_in_markdown(report):
    evil = Forge(render_markdown(named(report, HOSTILE), beside(HOSTILE)))
    good = Forge(render_markdown(named(report, "word"), beside("alt")))
    apart = Counter(text=1000, text_special=1000)  # escaping cuts words into pieces
    assert evil.kinds - apart == good.kinds - apart
    assert [len(row) for row in evil.rows] == [len(row) for row in good.rows]
    assert any(row[0] == HOSTILE for row in evil.rows)  # by exchange: shown as it is, and nothing of it acts
    assert Forge.words(evil.images()[0]) == HOSTILE


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain-1.5", "plain-1.5"),
        ("a|b", "a\\|b"),
        ("`x`", "\\`x\\`"),
        ("<b>*_[l](u)_*</b>", "\\<b\\>\\*\\_\\[l\\](u)\\_\\*\\</b\\>"),
        ("a\n\n# b\r\n\tc", "a \\# b c"),
        ("\\|", "\\\\\\|"),
        ("$x$ ~y~ &lt;", "\\$x\\$ \\~y\\~ \\&lt;"),
        ("https://e.vil/a www.e.vil", "https\\://e.vil/a www\\.e.vil"),
        ("a\u202eb\x1b[31m", "a\ufffdb\ufffd\\[31m"),
        (5, "5"),
    ],
)
def test_escape_markdown(text, escaped):
    assert escape_markdown(text) == escaped


def test_the_picture_stands_beside_the_markdown(report):
    assert "](my%20report%20%29.png)" in render_markdown(report, beside("alt", "my report ).png"))


def test_a_number_that_is_missing_is_an_error_and_no_blank(report):
    del report["meta"]["version"]
    with pytest.raises(jinja2.UndefinedError):
        render_html(report, themes("a"))
    with pytest.raises(jinja2.UndefinedError):
        render_markdown(report, beside("a", "r.png"))


def test_json_has_no_nan_and_keeps_letters(report):
    report["meta"]["symbol"] = "币"
    assert json.loads(render_json(report))["meta"]["symbol"] == "币"
    assert "币" in render_json(report)
    report["meta"]["notional"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        render_json(report)


def test_the_brief_stands_first_and_is_the_same_in_every_format(report):
    html, markdown = render_html(report, themes()), render_markdown(report, beside())
    assert len(report["brief"]) == 4  # too little data: the second sentence says so of clusters and cascades
    assert json.loads(render_json(report))["brief"] == report["brief"]
    for sentence in report["brief"]:
        assert f"<li>{sentence}</li>" in html
        assert f"- {escape_markdown(sentence)}\n" in markdown
    assert html.index("In brief</h2>") < html.index("<figure")
    assert '<dl class="numbers"' not in html  # the picture has them
    whole = render_html(report, themes(), sections=SECTIONS)
    assert whole.index("In brief</h2>") < whole.index('<dl class="numbers"') < whole.index("<figure")


def test_only_the_chosen_sections_appear(report):
    chosen = read_sections(["data", "brief"])
    assert chosen == ("brief", "data")  # in the order of the page
    html, markdown = render_html(report, {}, sections=chosen), render_markdown(report, {}, sections=chosen)
    assert [a["href"] for tag, a in Page(html).tags if tag == "a"] == ["#brief", "#data"]
    assert "<figure" not in html
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert headings[1:] == ["## In brief", "## Data and method", "### How to read it", "### Reproduce"]
    for name in SECTIONS:
        render_html(report, themes(), sections=(name,))  # each stands alone
        render_markdown(report, beside(), sections=(name,))


def test_an_unknown_section_names_the_choices():
    with pytest.raises(UsageError, match=r"invalid --sections 'breif' \(choose brief, figures, .*did you mean brief"):
        read_sections(["breif"])
    with pytest.raises(UsageError, match="--sections: no section given"):
        read_sections([])
