"""One dict in, text out: HTML, Markdown and JSON of the same report."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from liqcli import formats, words
from liqcli.model import to_us
from liqcli.resources import data_folder

if TYPE_CHECKING:
    from jinja2 import Environment


def render_html(report: dict[str, Any], picture: bytes, alt: str) -> str:
    """Write the one-file page: no script, no outside request, the style allowed by its hash alone."""
    style = (data_folder("templates") / "style.css").read_text(encoding="utf-8")
    style_hash = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    image = base64.b64encode(picture).decode()
    return (
        _environment()
        .get_template("report.html")
        .render(**report, style=style, style_hash=style_hash, image=image, alt=alt)
    )


def render_markdown(report: dict[str, Any], picture_name: str, alt: str) -> str:
    """Write the Markdown twin; the picture stands beside it under ``picture_name``."""
    return _environment().get_template("report.md").render(**report, picture_name=picture_name, alt=alt)


def render_json(report: dict[str, Any]) -> str:
    """Write every number of the report; keys as in ``docs/units.md#json``."""
    return json.dumps(report, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def render_template(name: str, values: Mapping[str, Any]) -> str:
    """Fill any other template; HTML is escaped, and a value that is not there is an error."""
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_folder("templates")),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        usd=formats.format_usd,
        usd_exact=formats.format_usd_exact,
        count=formats.format_count,
        share=lambda part: formats.format_share(part, 1.0),
        coverage=formats.format_coverage,
        signed=formats.format_percent_signed,
        price=formats.format_price,
        time=lambda iso, seconds=False: formats.format_time(_iso_us(iso), seconds),
        duration=lambda seconds: formats.format_duration(round(seconds * 1e6)),
        cell=escape_markdown,
    )
    environment.globals.update(
        completeness_words=words.COMPLETENESS,
        price_kind_words=words.PRICE_KINDS,
        coverage_words=words.describe_coverage,
    )
    return environment


def escape_markdown(text: object) -> str:
    """Make a word harmless inside a Markdown table: no pipe, backtick, link, tag or line break acts."""
    escaped = str(text).replace("\\", "\\\\")
    for character in "|`*_[]<>#":
        escaped = escaped.replace(character, f"\\{character}")
    return " ".join(escaped.split())


def _iso_us(iso: str) -> int:
    from datetime import datetime

    return to_us(datetime.fromisoformat(iso))
