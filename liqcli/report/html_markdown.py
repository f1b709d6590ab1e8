"""Render the document of a window as HTML, Markdown and JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from liqcli.analysis.trade_levels import USUAL_FEES_PCT
from liqcli.core import formatting, wording
from liqcli.core.choices import DEFAULT_SECTIONS, SectionName
from liqcli.core.files import data_folder
from liqcli.core.model import to_us
from liqcli.report.brief import describe_zone
from liqcli.report.data_sentence import describe_move, list_moves
from liqcli.report.hover_map import build_highlights
from liqcli.report.reading_guide import build_reading_guide

if TYPE_CHECKING:
    from jinja2 import Environment

    from liqcli.report.figure import Figure

BLOCKS = 16
CLUSTERS_SHOWN = 6  # the others are in a folded section
CASCADES_SHOWN = 5
SECTION_TITLES: Mapping[SectionName, str] = {
    "brief": "In brief",
    "figures": "Figures",
    "map": "Map",
    "nearest": "Nearest levels",
    "clusters": "Clusters",
    "cascades": "Cascades",
    "checklist": "Trade checklist",
    "context": "Context",
    "hours": "By hour",
    "exchanges": "By exchange",
    "data": "Data and method",
}
# Control characters except tab and line breaks; marks that change the writing direction; the byte order mark.
_STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def render_html(
    report: dict[str, Any],
    figures: Mapping[str, Sequence[Figure]],
    theme: str = "auto",
    made: str | None = None,
    sections: Sequence[SectionName] = DEFAULT_SECTIONS,
    refresh_s: int | None = None,
) -> str:
    """
    Render the HTML page: one file without scripts or requests; a CSP allows only its own style.

    Parameters
    ----------
    report : dict
        From :func:`liqcli.report.document.build_document`.
    figures : mapping
        Figures by name, one per theme: ``heatmap``, and any other of :data:`liqcli.report.figures.FIGURES`.
    theme : str
        ``dark``, ``light``, or ``auto``: that of the reader's system.
    made : str, optional
        Generation time for the page [ISO 8601].
    sections : sequence of str
        What the page shows, in its order.
    refresh_s : int, optional
        Interval at which a browser loads the page again; never for pages that are sent to others. [s]
    """
    rows = min(len(report["cascades"]), CASCADES_SHOWN)
    style = read_style("style.css") + build_highlights(len(report["clusters"]), rows)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    values = {**_values(report, figures, made, sections), "theme": theme, "style": style, "style_hash": digest}
    return render_template("report.html", {**values, "refresh_s": refresh_s})


def render_markdown(
    report: dict[str, Any],
    figures: Mapping[str, Figure],
    made: str | None = None,
    sections: Sequence[SectionName] = DEFAULT_SECTIONS,
) -> str:
    """Render the Markdown page; it refers to the PNG files beside it by ``Figure.file``."""
    return render_template("report.md", _values(report, figures, made, sections))


def _values(
    report: dict[str, Any], figures: Mapping[str, Any], made: str | None, sections: Sequence[SectionName]
) -> dict[str, Any]:
    return {
        **report,
        "pictures": figures,
        "made": made,
        "reading": build_reading_guide(report),
        "sections": list(sections),
        "against_after": "clusters" if "clusters" in sections else sections[-1],
    }


def render_json(report: dict[str, Any]) -> str:
    """Render the document as JSON; keys as in ``docs/units.md#json``."""
    return json.dumps(report, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def render_template(name: str, values: Mapping[str, Any]) -> str:
    """Render a template; HTML is escaped, and an undefined value is an error."""
    return load_environment().get_template(name).render(values)


def read_style(name: str) -> str:
    """Read a style sheet from the templates."""
    return (data_folder("templates") / name).read_text(encoding="utf-8")


@cache
def load_environment() -> Environment:
    """Return the templates' environment, with filters and words."""
    import jinja2

    from liqcli.report.template_cache import open_cache

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_folder("templates")),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=clean,
        optimized=False,  # else a cached template keeps what the filters of another version made of its constants
        bytecode_cache=open_cache(),
    )
    environment.filters.update(
        usd=formatting.format_usd,
        usd_signed=formatting.format_usd_signed,
        usd_exact=formatting.format_usd_exact,
        count=formatting.format_count,
        share=lambda part: formatting.format_share(part, 1.0),
        coverage=formatting.format_coverage,
        percent=formatting.format_percent,
        signed=formatting.format_percent_signed,
        times_signed=formatting.format_times_signed,
        price=formatting.format_price,
        time=lambda iso, seconds=False: formatting.format_time(_iso_us(iso), seconds),
        duration=lambda seconds: formatting.format_duration(round(seconds * 1e6)),
        cell=escape_markdown,
    )
    environment.globals.update(
        completeness_words=wording.COMPLETENESS,
        short_completeness=wording.SHORT_COMPLETENESS,
        dated_words=wording.describe_dated,
        price_kind_words=wording.PRICE_KINDS,
        coverage_words=wording.describe_coverage,
        few_orders_words=wording.describe_few_orders,
        move_words=describe_move,
        moves=list_moves,
        zone_words=describe_zone,
        hour_words=wording.describe_hours,
        interest_words=wording.describe_interest,
        percent=_percent,
        usual_fees_pct=USUAL_FEES_PCT,
        blocks=_blocks,
        change=formatting.format_change,
        cascades_shown=CASCADES_SHOWN,
        clusters_shown=CLUSTERS_SHOWN,
        section_titles=SECTION_TITLES,
    )
    return environment


def escape_markdown(text: object) -> str:
    """Escape text for a Markdown table cell: pipes, backticks, links, tags and line breaks have no effect."""
    escaped = re.sub(r"([\\|`*_\[\]<>#~$&])", r"\\\1", str(clean(str(text))))
    escaped = re.sub(
        r"(?i)(:)(?=//)|(?<=www)(\.)", r"\\\g<0>", escaped
    )  # Markdown renderers link text that looks like a URL
    return " ".join(escaped.split())


def clean(text: object) -> object:
    """
    Replace characters that control a terminal or change the writing direction.

    In the name of a source, such a character could make a page show other text than its bytes contain.
    """
    return _STEERING.sub("\ufffd", text) if isinstance(text, str) and _STEERING.search(text) else text


def _percent(part: float, whole: float) -> float:
    """Compute the length of a bar in percent of the longest one."""
    return round(100 * part / whole, 2) if whole > 0 else 0.0


def _blocks(part: Mapping[str, float], whole: float) -> str:
    """Draw longs and shorts as a text bar of at most 16 characters."""
    longs = round(BLOCKS * part["long_notional"] / whole) if whole > 0 else 0
    both = round(BLOCKS * part["notional"] / whole) if whole > 0 else 0
    return "█" * longs + "░" * (both - longs)


def _iso_us(iso: str) -> int:
    from datetime import datetime

    return to_us(datetime.fromisoformat(iso))
