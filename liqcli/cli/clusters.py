"""``liqcli clusters``: the ranked clusters of a window on stdout."""

from __future__ import annotations

from typing import Any

import typer

from liqcli.cli.options import ClusterOptions, FormatOption, RunOptions, WindowOptions, expand_options
from liqcli.cli.output import say, set_verbosity, warn
from liqcli.cli.tables import render_rows, render_table
from liqcli.core.choices import check_choice

CSV = (
    "rank", "low", "high", "peak_price", "notional", "share", "events", "long_notional", "short_notional", "exchanges",
    "first_seen", "last_seen", "active_buckets", "distance_pct", "key_levels", "role",
)  # fmt: skip


@expand_options
def clusters(
    *,
    window: WindowOptions,
    output_format: FormatOption = "table",
    search: ClusterOptions,
    run: RunOptions,
) -> None:
    """Rank the price bands that stand out, with key levels, cascades and the trade checklist."""
    from liqcli.api import Lake
    from liqcli.core.wording import describe_dated
    from liqcli.report.html_markdown import render_json

    set_verbosity(run.quiet, run.debug)
    check_choice(output_format, ("table", "json", "csv"), "--format")
    results = Lake(run.lake).heatmap(**window.arguments(), **search.arguments())
    report = results.sections("meta", "clusters", "nearest", "heavy_outside", "checklist", "coverage")
    for name in report["coverage"]["damaged"]:
        warn(f"{name}: damaged, left out")
    for band in report["heavy_outside"]:
        say(f"large, but not a cluster: {_describe(band)}")
    if dated := describe_dated(report["meta"]["dated"]):
        say(f"{report['meta']['symbol']} {dated}")
    found, shortage = report["clusters"], report["meta"]["too_little_data"]
    if output_format == "json":
        typer.echo(render_json({key: report[key] for key in ("meta", "clusters", "nearest", "checklist")}), nl=False)
    elif output_format == "csv":
        typer.echo(render_rows(CSV, [[_plain(c[name]) for name in CSV] for c in found]))
    elif found:
        typer.echo(_table(found))
    elif shortage:
        say(f"too little data: {shortage}")
    else:
        say("no price band stands out from its surroundings in this window")


def _describe(band: dict[str, Any]) -> str:
    from liqcli.core.formatting import format_counted, format_price, format_usd

    span = f"{format_price(band['low'], band['step'])} – {format_price(band['high'], band['step'])}"
    usd, events = format_usd(band["notional"]), format_counted(band["events"], "event")
    return f"{span} with {usd} USD in {events} ({band['reason']})"


def _plain(value: object) -> object:
    if isinstance(value, list):
        return "; ".join(item["name"] if isinstance(item, dict) else str(item) for item in value)
    return "" if value is None else value


def _table(found: list[dict[str, Any]]) -> str:
    from liqcli.core.formatting import format_count, format_percent_signed, format_price, format_share, format_usd

    rows = []
    for c in found:
        distance = c["distance_pct"]
        levels = c["key_levels"]
        rows.append(
            (
                str(c["rank"]),
                f"{format_price(c['low'], c['step'])} – {format_price(c['high'], c['step'])}",
                format_price(c["peak_price"]),
                format_usd(c["notional"]),
                format_share(c["share"], 1.0),
                format_share(c["long_notional"], c["notional"]),
                format_count(c["events"]),
                "unknown" if distance is None else format_percent_signed(distance),
                c["checklist"]["score"],
                "unknown" if levels is None else str(_plain(levels)) or "none",
            )
        )
    header = ("#", "price band", "peak", "USD", "share", "longs", "events", "from last", "checklist", "key levels")
    return render_table(header, rows, right=(0, 2, 3, 4, 5, 6, 7), short=_shorten)


def _shorten(word: str) -> str:
    return {"from last": "dist.", "checklist": "check"}.get(word, word)
