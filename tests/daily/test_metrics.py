"""``liqcli daily --metrics``: numbers for Prometheus, in the format that its collector accepts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import RunCli

from liqcli.core.errors import OutputError
from liqcli.daily.metrics import render_metrics, write_metrics

pytestmark = pytest.mark.usefixtures("empty_pictures")

EVENTS = (
    "ts,exchange,symbol,position,price,qty,price_kind,completeness\n"
    "2026-03-01T10:10:00Z,gate,BTCUSDT,long,100,10,fill,full\n"
    "2026-03-01T22:10:00Z,gate,BTCUSDT,short,110,30,fill,full\n"
    "2026-03-01T22:10:30Z,okx,BTCUSDT,short,110,1,fill,sampled\n"
)
START = 1_772_409_600_000_000  # 2026-03-02 00:00 UTC
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SAMPLE = re.compile(r'(?P<name>[^{ ]+)(?:\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (?P<value>[^ ]+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def parse(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """
    Read the text format by its rules.

    HELP, then TYPE, then all samples of a family; a line feed at the end; no sample twice; no time of its own.
    """
    assert text.endswith("\n")
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    families: list[str] = []
    lines = text.removesuffix("\n").split("\n")
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("# HELP "):
            families.append(line.split(" ")[2])
            assert NAME.fullmatch(families[-1])
            assert families.count(families[-1]) == 1, "a family is in one place"
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {families[-1]} gauge"
            assert before.startswith(f"# HELP {families[-1]} ")
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match["name"] == families[-1]
            labels = tuple((key, unescape(value)) for key, value in LABEL.findall(match["labels"] or ""))
            assert (match["name"], labels) not in found
            found[match["name"], labels] = float(match["value"])
    return found


def unescape(text: str) -> str:
    return re.sub(r"\\.", lambda found: {"\\": "\\", '"': '"', "n": "\n"}[found[0][1]], text)


def make_summary(**changes: Any) -> dict[str, Any]:
    entry = {
        "symbol": "BTCUSDT", "lookback": "24h", "status": "ok", "largest": 3300.0, "last_price": 110.0, "sample": False,
        "last_event": "2026-03-01T22:10:30.5Z", "end": "2026-03-02T00:00:00Z", "places": "bands",
        "clusters": [{"notional": 3410.0}], "largest_cascade": None,
        "by_exchange": [
            {"exchange": "gate", "completeness": "full", "events": 2, "long_notional": 1000.0, "short_notional": 3300.0,
             "coverage": None},
        ],
        **changes,
    }  # fmt: skip
    failed = {"symbol": "ETH", "lookback": "7d", "status": "failed", "message": "damaged"}
    return {"reports": [entry, failed], "alerts": [], "exit_code": 6, "version": "1.2"}


def test_samples_and_units() -> None:
    found = parse(render_metrics(make_summary(), START, START + 2_500_000))
    report = (("symbol", "BTCUSDT"), ("lookback", "24h"))
    gate = (*report, ("exchange", "gate"))
    long = (*gate, ("position", "long"), ("completeness", "full"))
    assert found["liqcli_liquidated_usd", long] == 1000.0
    assert found["liqcli_liquidations", gate] == 2
    assert found["liqcli_last_event_timestamp_seconds", report] == START / 1e6 - 6569.5
    assert found["liqcli_window_end_timestamp_seconds", report] == START / 1e6
    assert found["liqcli_largest_cluster_usd", report] == 0, "bands are not clusters"
    assert found["liqcli_largest_cascade_usd", report] == 0
    assert found["liqcli_report_success", report] == 1
    assert found["liqcli_report_success", (("symbol", "ETH"), ("lookback", "7d"))] == 0
    assert found["liqcli_run_exit_code", ()] == 6
    assert found["liqcli_run_timestamp_seconds", ()] == START / 1e6 + 2.5
    assert found["liqcli_run_duration_seconds", ()] == 2.5
    assert found["liqcli_build_info", (("version", "1.2"),)] == 1
    assert not any(name == "liqcli_coverage_ratio" for name, _ in found), "unknown is absent, not 0"


def test_alerts_are_counted_by_kind() -> None:
    summary = make_summary()
    summary["alerts"] = [
        {"symbol": "BTCUSDT", "kind": "cascade", "new": True},
        {"symbol": "BTCUSDT", "kind": "cascade", "new": False},
    ]
    found = parse(render_metrics(summary, START, START))
    assert found["liqcli_alerts", (("symbol", "BTCUSDT"), ("kind", "cascade"))] == 2
    assert found["liqcli_alerts", (("symbol", "BTCUSDT"), ("kind", "cluster"))] == 0
    assert found["liqcli_alerts_new", ()] == 1


def test_labels_are_escaped() -> None:
    hostile = 'a"b\\c\nd'
    found = parse(render_metrics(make_summary(symbol=hostile), START, START))
    assert found["liqcli_last_price", (("symbol", hostile), ("lookback", "24h"))] == 110.0


def test_the_file_is_replaced_and_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "liqcli.prom"
    path.write_text("old")
    write_metrics(path, make_summary(), START, START)
    assert path.read_text() == render_metrics(make_summary(), START, START)
    assert path.stat().st_mode & 0o044 == 0o044 & ~_umask()
    assert list(tmp_path.iterdir()) == [path], "no temporary file stays"
    with pytest.raises(OutputError, match="cannot be written"):
        write_metrics(path / "x.prom", make_summary(), START, START)


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_run_writes_them(run_cli: RunCli, imported: Callable[[str, Path], Path], lake: Path, tmp_path: Path) -> None:
    imported(EVENTS, lake)
    (tmp_path / "liqcli.toml").write_text(
        'symbols = "BTCUSDT"\nlookbacks = "24h"\nfetch = false\nout = "r"\nmetrics = "set.prom"\n'
        'levels = false\nsections = "clusters"\n'
    )
    run_cli("daily", "--until", "2026-03-02", check=0)
    found = parse((tmp_path / "set.prom").read_text())
    usd = {dict(labels)["exchange"] + " " + dict(labels)["position"]: value for (name, labels), value in found.items()
           if name == "liqcli_liquidated_usd"}  # fmt: skip
    assert usd == {"gate long": 1000, "gate short": 3300, "okx long": 0, "okx short": 110}
    run_cli("daily", "--until", "2026-03-02", "--metrics", "flag.prom", check=0)
    assert (tmp_path / "flag.prom").is_file()
    done = run_cli("daily", "--metrics", "no/flag.prom", check=2)
    assert "no/flag.prom is not a file in an existing folder" in done.stderr
