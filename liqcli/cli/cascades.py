"""``liqcli cascades``: the cascades of a window on stdout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from liqcli.cli.options import EngineOption, FormatOption, PictureOptions, RunOptions, WindowOptions, expand_options
from liqcli.cli.output import STDOUT, say, set_verbosity, warn
from liqcli.cli.tables import render_rows, render_table
from liqcli.core.choices import check_choice

CSV = (
    "rank", "start", "end", "position", "position_share", "events", "orders", "notional", "peak_per_minute",
    "price_from", "price_to", "extreme", "share", "price_after_15m_pct", "price_after_1h_pct",
)  # fmt: skip
SPARE = ("share", "peak/min", "events", "length")  # left out on a narrow screen, in this order


@expand_options
def cascades(
    *,
    window: WindowOptions,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Also write a .png, .json or .csv; - is stdout, in --format; repeatable.",
            show_default="-",
        ),
    ] = None,
    output_format: FormatOption = "table",
    shown: PictureOptions,
    engine: EngineOption = None,
    run: RunOptions,
) -> None:
    """List the bursts of liquidations: time, side, size, and the price move that followed."""
    from liqcli.cli.lake import open_lake
    from liqcli.core.wording import describe_dated
    from liqcli.report.output_files import check_outputs, write_file

    set_verbosity(run.quiet, run.debug)
    outputs = [path for path in output or [] if path != STDOUT]
    check_outputs(outputs, (".png", ".json", ".csv"))
    check_choice(output_format, ("table", "json", "csv"), "--format")
    results = open_lake(run.lake, engine).heatmap(**window.arguments(), **shown.arguments())
    report = results.sections("meta", "cascades", "coverage")
    for path in outputs:
        if path.suffix.lower() == ".png":
            results.save(path, picture="cascades")
        else:
            write_file(path, _render(path.suffix.lower().removeprefix("."), report).encode())
        say(f"wrote {path}")
    for name in report["coverage"]["damaged"]:
        warn(f"{name}: damaged, left out")
    if dated := describe_dated(report["meta"]["dated"]):
        say(f"{report['meta']['symbol']} {dated}")
    found, shortage = report["cascades"], report["meta"]["too_little_data"]
    if output_format != "table":
        typer.echo(_render(output_format, report), nl=False)
    elif found:
        typer.echo(_table(found))
    elif shortage:
        say(f"too little data: {shortage}")
    else:
        say("no burst rose above the window's baseline")


def _render(output_format: str, report: dict[str, Any]) -> str:
    """Render the cascades as ``json`` or ``csv``."""
    from liqcli.report.html_markdown import render_json

    if output_format == "json":
        return render_json({key: report[key] for key in ("meta", "cascades")})
    rows = [["" if c[name] is None else c[name] for name in CSV] for c in report["cascades"]]
    return render_rows(CSV, rows) + "\n"


def _table(found: list[dict[str, Any]]) -> str:
    from liqcli.core.formatting import (
        format_count,
        format_duration,
        format_percent_signed,
        format_price,
        format_share,
        format_usd,
    )

    def after(value: float | None) -> str:
        return "unknown" if value is None else format_percent_signed(value)

    rows = [
        (
            str(c["rank"]),
            str(c["start"])[:19].replace("T", " "),
            format_duration(round(c["seconds"] * 1e6)),
            f"{format_share(c['position_share'], 1.0)} {c['position']}s",
            format_usd(c["notional"]),
            format_share(c["share"], 1.0),
            format_count(c["events"]),
            format_usd(c["peak_per_minute"]),
            f"{format_price(c['price_from'])} to {format_price(c['price_to'])}",
            after(c["price_after_15m_pct"]),
            after(c["price_after_1h_pct"]),
        )
        for c in found
    ]
    header = (
        "#",
        "start (UTC)",
        "length",
        "liquidated",
        "USD",
        "share",
        "events",
        "peak/min",
        "price",
        "+15 min",
        "+1 h",
    )
    return render_table(header, rows, right=(0, 4, 5, 6, 7, 9, 10), short=_shorten, spare=SPARE)


def _shorten(word: str) -> str:
    """Leave out the seconds of a moment."""
    is_moment = len(word) == len("2026-01-31 12:00:00") and word[4] == "-" and word[13] == ":"
    return word[:16] if is_moment else word
