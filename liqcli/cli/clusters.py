"""``liqcli clusters``: the ranked clusters of a window, on stdout or in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from liqcli.cli.options import ClusterOptions, EngineOption, FormatOption, RunOptions, WindowOptions, expand_options
from liqcli.cli.output import STDOUT, say, set_verbosity, warn
from liqcli.cli.tables import render_rows, render_table
from liqcli.core.choices import check_choice

CSV = (
    "rank", "low", "high", "peak_price", "notional", "share", "events", "long_notional", "short_notional", "exchanges",
    "first_seen", "last_seen", "active_buckets", "distance_pct", "key_levels", "role",
)  # fmt: skip
JSON = ("meta", "clusters", "nearest", "checklist", "context")
HEADER = ("#", "price band", "peak", "USD", "share", "longs", "events", "from last", "checklist", "key levels")
NOTHING = "no price band stands out from its surroundings in this window"
RIGHT = (0, 2, 3, 4, 5, 6, 7)  # right-aligned columns


@expand_options
def clusters(
    *,
    window: WindowOptions,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write .json, .csv or .md, or - for stdout; repeatable.",
            show_default="-",
        ),
    ] = None,
    output_format: FormatOption = "table",
    search: ClusterOptions,
    engine: EngineOption = None,
    run: RunOptions,
) -> None:
    """Rank the price bands that stand out, with key levels, cascades and the trade checklist."""
    from liqcli.cli.lake import open_lake
    from liqcli.core.wording import describe_dated
    from liqcli.report.output_files import check_outputs, write_file

    set_verbosity(run.quiet, run.debug)
    outputs = [path for path in output or [] if path != STDOUT]
    check_outputs(outputs, (".json", ".csv", ".md"))
    check_choice(output_format, ("table", "json", "csv"), "--format")
    results = open_lake(run.lake, engine).heatmap(**window.arguments(), **search.arguments())
    report = results.sections(*JSON, "heavy_outside", "coverage")
    for name in report["coverage"]["damaged"]:
        warn(f"{name}: damaged, left out")
    for band in report["heavy_outside"]:
        say(f"large, but not a cluster: {_describe(band)}")
    if dated := describe_dated(report["meta"]["dated"]):
        say(f"{report['meta']['symbol']} {dated}")
    found, shortage = report["clusters"], report["meta"]["too_little_data"]
    for path in outputs:
        write_file(path, _render(path.suffix.lower().removeprefix("."), report).encode())
        say(f"wrote {path}")
    if outputs and STDOUT not in (output or []):
        return
    if output_format != "table":
        typer.echo(_render(output_format, report), nl=False)
    elif found:
        typer.echo(render_table(HEADER, map(_cells, found), right=RIGHT, short=_shorten))
    elif shortage:
        say(f"too little data: {shortage}")
    else:
        say(NOTHING)


def _render(output_format: str, report: dict[str, Any]) -> str:
    """Render the clusters as ``json``, ``csv`` or ``md``."""
    from liqcli.report.html_markdown import render_json

    found = report["clusters"]
    if output_format == "json":
        return render_json({key: report[key] for key in JSON})
    if output_format == "csv":
        return render_rows(CSV, [[_plain(c[name]) for name in CSV] for c in found]) + "\n"
    return _render_markdown(report["meta"], found)


def _render_markdown(meta: dict[str, Any], found: list[dict[str, Any]]) -> str:
    from liqcli.report.html_markdown import escape_markdown

    start, end = (str(meta[name])[:16].replace("T", " ") for name in ("start", "end"))
    lines = [f"# {escape_markdown(meta['symbol'])}: clusters of realized liquidations, {start} to {end} UTC", ""]
    if found:
        lines.append(f"| {' | '.join(escape_markdown(name) for name in HEADER)} |")
        lines.append(f"| {' | '.join('---:' if k in RIGHT else ':---' for k in range(len(HEADER)))} |")
        lines += [f"| {' | '.join(map(escape_markdown, _cells(c)))} |" for c in found]
    else:
        shortage = meta["too_little_data"]
        lines.append(escape_markdown(f"Too little data: {shortage}" if shortage else f"{NOTHING.capitalize()}."))
    return "\n".join(lines) + "\n"


def _describe(band: dict[str, Any]) -> str:
    from liqcli.core.formatting import format_counted, format_price, format_usd

    span = f"{format_price(band['low'], band['step'])} – {format_price(band['high'], band['step'])}"
    usd, events = format_usd(band["notional"]), format_counted(band["events"], "event")
    return f"{span} with {usd} USD in {events} ({band['reason']})"


def _plain(value: object) -> object:
    if isinstance(value, list):
        return "; ".join(item["name"] if isinstance(item, dict) else str(item) for item in value)
    return "" if value is None else value


def _cells(c: dict[str, Any]) -> tuple[str, ...]:
    from liqcli.core.formatting import format_count, format_percent_signed, format_price, format_share, format_usd

    distance = c["distance_pct"]
    levels = c["key_levels"]
    return (
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


def _shorten(word: str) -> str:
    return {"from last": "dist.", "checklist": "check"}.get(word, word)
