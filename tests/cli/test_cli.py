"""Run the program as a user does: stdout carries data, stderr everything else, the exit code the outcome."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import random
import re
import shlex
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, RunCli
from matplotlib.image import imread

from liqcli import demo

pytestmark = pytest.mark.usefixtures("empty_pictures")

# Sums by hand: longs 2*100 + 1*101 = 301, shorts 3*102 + 1*103.5 + 2*99 + 4*100.5 = 1009.5
EVENTS = """\
ts,exchange,symbol,position,price,qty,price_kind,completeness
2026-03-02T10:00:00Z,gate,SOLUSDT,long,100,2,fill,full
2026-03-02T10:01:00Z,gate,SOLUSDT,short,102,3,fill,full
2026-03-02T10:02:30Z,okx,SOLUSDT,long,101,1,bankruptcy,sampled
2026-03-02T10:03:00Z,okx,SOLUSDT,short,103.5,1,bankruptcy,sampled
2026-03-02T10:04:59.999Z,gate,SOLUSDT,short,99,2,fill,full
2026-03-02T10:05:00Z,gate,SOLUSDT,short,100.5,4,fill,full
"""
WINDOW = ("--since", "2026-03-02T10:00Z", "--until", "2026-03-02T10:10Z")


@pytest.fixture
def filled(imported: Callable[[str, Path], Path], lake: Path) -> Path:
    """A lake with the six events."""
    return imported(EVENTS, lake)


def test_every_number_of_a_small_window(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    run_cli(
        "heatmap", "--symbol", "SOLUSDT", *WINDOW, "--bucket", "5m", "--bin", "1",
        "-o", out / "r.json", "-o", out / "r.csv", check=0,
    )  # fmt: skip
    report = json.loads((out / "r.json").read_text())
    meta = report["meta"]
    assert (meta["events"], meta["notional"], meta["long_notional"], meta["short_notional"]) == (6, 1310.5, 301, 1009.5)
    assert (meta["bucket_s"], meta["bin_width"], meta["completeness"], meta["sample"]) == (300, 1, "mixed", False)
    assert report["grid"]["bucket_start"] == ["2026-03-02T10:00:00Z", "2026-03-02T10:05:00Z"]
    assert report["grid"]["price_edges"] == [99, 100, 101, 102, 103, 104]
    assert report["grid"]["notional"] == [[198, 0], [200, 402], [101, 0], [306, 0], [103.5, 0]]
    rows = list(csv.DictReader((out / "r.csv").read_text().splitlines()))
    assert [(r["bucket_start"], r["price_low"], r["position"], r["notional"], r["events"]) for r in rows] == [
        ("2026-03-02T10:00:00Z", "99.0", "short", "198.0", "1"),
        ("2026-03-02T10:00:00Z", "100.0", "long", "200.0", "1"),
        ("2026-03-02T10:00:00Z", "101.0", "long", "101.0", "1"),
        ("2026-03-02T10:00:00Z", "102.0", "short", "306.0", "1"),
        ("2026-03-02T10:00:00Z", "103.0", "short", "103.5", "1"),
        ("2026-03-02T10:05:00Z", "100.0", "short", "402.0", "1"),
    ]


def test_without_output_the_page_is_named_after_symbol_and_lookback(
    filled: Path, run_cli: RunCli, tmp_path: Path
) -> None:
    words = ("heatmap", "-s", "sol", "--lookback", "1h", "--until", "latest", "--sections", "clusters", "--theme")
    assert run_cli(*words, "dark", check=0).stderr == "wrote SOL-1h.html\n"
    page = (tmp_path / "SOL-1h.html").read_bytes()
    run_cli(*words, "light", check=0)
    assert (tmp_path / "SOL-1h.html").read_bytes() != page, "a page of liqcli is replaced"
    run_cli(*words, "dark", "-o", tmp_path / "r.html", check=0)
    assert (tmp_path / "r.html").read_bytes() == page


def test_a_page_is_opened_in_the_browser(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    browser.chmod(0o755)
    env = {"BROWSER": f"{browser} %s", "LIQCLI_HEATMAP_SECTIONS": "clusters"}
    words = ("heatmap", "SOL", "--lookback", "1h", "--until", "latest", "--theme", "dark", "--open")
    run_cli(*words, env=env, check=0)
    run_cli(*words, "-o", "r.json", "-o", "a page.html", "-o", "b.html", env=env, check=0)
    opened = (tmp_path / "opened").read_text().splitlines()
    assert opened == [(tmp_path / name).as_uri() for name in ("SOL-1h.html", "a page.html")]
    assert "--open shows a page" in run_cli(*words, "-o", "q.json", env=env, check=2).stderr
    assert not (tmp_path / "q.json").exists()
    env |= {"BROWSER": "no-such-program %s", "PATH": str(tmp_path), "DISPLAY": ""}
    nothing = run_cli(*words, env=env, check=0)
    assert "liqcli: warning: no browser found to open SOL-1h.html" in nothing.stderr


@pytest.mark.parametrize("command", ["heatmap", "clusters", "cascades"])
def test_a_symbol_needs_no_flag(filled: Path, run_cli: RunCli, command: str) -> None:
    output = ("--format", "json") if command != "heatmap" else ("-o", "-", "--format", "json")
    named = run_cli(command, "-s", "SOLUSDT", *WINDOW, *output, check=0)
    every = (("sol-usdt-swap", *WINDOW), (*WINDOW, "SOLUSDT"), ("SOLUSDT", "-s", "SOLUSDT", *WINDOW))
    for words in every if command == "heatmap" else every[:1]:
        assert run_cli(command, *words, *output, check=0) == named
    assert run_cli(command, *WINDOW, *output, check=2).stderr.startswith("liqcli: missing symbol: use -s SOLUSDT")
    two = run_cli(command, "SOL", "-s", "BTC", *WINDOW, *output, check=2)
    assert two.stderr == "liqcli: one symbol at a time, not BTC and SOL\n"


@pytest.mark.parametrize(
    ("flags", "events", "notional"),
    [
        (("--position", "long"), 2, 301),
        (("--exchange", "okx"), 2, 204.5),
        (("--min-usd", "200"), 3, 908),
        (("--until", "2026-03-02T10:05Z"), 5, 908.5),
    ],
)
def test_filters_count_what_they_say(
    filled: Path, run_cli: RunCli, tmp_path: Path, flags: tuple[str, str], events: int, notional: float
) -> None:
    run_cli("heatmap", "--symbol", "SOL", *WINDOW, *flags, "-o", tmp_path / "r.json", check=0)
    meta = json.loads((tmp_path / "r.json").read_text())["meta"]
    assert (meta["events"], meta["notional"]) == (events, notional)


def test_a_price_range_counts_what_it_leaves_out(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("heatmap", "--symbol", "SOL", *WINDOW, "--price-range", "100:102", "-o", tmp_path / "r.json", check=0)
    report = json.loads((tmp_path / "r.json").read_text())
    inside = sum(sum(row) for row in report["grid"]["notional"])
    assert (inside, report["meta"]["outside_notional"], report["meta"]["outside_events"]) == (703, 607.5, 3)
    assert report["meta"]["notional"] == 1310.5
    run_cli(
        "heatmap", "-s", "SOL", *WINDOW, "--price-range", "90.5:110", "--bin", "2", "-o", tmp_path / "w.json", check=0
    )
    wide = json.loads((tmp_path / "w.json").read_text())["grid"]
    assert (wide["price_edges"][0], wide["price_edges"][-1], len(wide["notional"])) == (90, 110, 10)
    assert sum(map(sum, wide["notional"])) == 1310.5


def test_a_heavy_single_order_is_named_though_it_is_no_cluster(sample: Path, run_cli: RunCli) -> None:
    """Whatever is drawn: a bin of 5,000 holds the whole window."""
    for drawn in (["--bin", "5000"], ["--bin", "1"]):
        done = run_cli("clusters", "-s", "BTCUSDT", "--until", "latest", *drawn, "--lake", sample, check=0)
        assert done.stderr.splitlines() == [
            "large, but not a cluster: 93,800 – 93,820 with 1.85M USD in 3 events (one order holds more than half)",
            "large, but not a cluster: 92,040 – 92,060 with 895K USD in 6 events (fewer than 10 events)",
        ]


def test_the_printed_command_makes_the_same_report(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    first = tmp_path / "first.json"
    run_cli(
        "heatmap",
        "-s",
        "sol/usdt:usdt",
        "--until",
        "latest",
        "--lookback",
        "6m",
        "--theme",
        "light",
        "-o",
        first,
        check=0,
    )
    report = json.loads(first.read_text())
    words = shlex.split(report["command"])
    assert words[:2] == ["liqcli", "heatmap"]
    again = tmp_path / "again.json"
    run_cli(*words[1:-1], again, check=0)
    assert json.loads(again.read_text())["content_hash"] == report["content_hash"]
    assert report["meta"]["end"] == "2026-03-02T10:06:00Z"


@pytest.mark.drawn
def test_row_order_and_threads_do_not_change_a_byte(run_cli: RunCli, tmp_path: Path) -> None:
    random.seed(7)
    lines = [
        f"2026-03-02T10:{random.randrange(60):02d}:{random.randrange(60):02d}Z,gate,SOLUSDT,"
        f"{random.choice(['long', 'short'])},{random.randrange(9000, 11000) / 100},{random.randrange(1, 9999) / 1000}"
        for _ in range(3000)
    ]
    made: dict[str, list[bytes]] = {}
    numbers = ("json", "csv", "parquet")
    window = ("-s", "SOL", "--since", "2026-03-02T10:00Z", "--until", "2026-03-02T11:00Z")
    for threads, kinds in (
        ("1", ("png", "html", *numbers)),
        ("2", numbers),
        ("4", ("png", "html", *numbers)),
    ):
        random.shuffle(lines)
        folder = tmp_path / threads
        folder.mkdir()
        (folder / "events.csv").write_text("\n".join(["ts,exchange,symbol,position,price,qty", *lines]))
        env = {"LIQCLI_LAKE": str(folder / "lake"), "LIQCLI_THREADS": threads}
        run_cli("import", folder / "events.csv", env=env, check=0)
        flags = [word for kind in kinds for word in ("-o", str(folder / f"r.{kind}"))]
        run_cli("heatmap", *window, "--theme", "dark", "--sections", "clusters", *flags, env=env, check=0)
        for kind in kinds:
            made.setdefault(kind, []).append((folder / f"r.{kind}").read_bytes())
    assert [len(made[kind]) for kind in ("png", "html", *numbers)] == [2, 2, 3, 3, 3]
    for kind, versions in made.items():
        assert len(set(versions)) == 1, kind


def test_the_page_is_one_file_without_script_or_request(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    done = run_cli("heatmap", "-s", "SOLUSDT", *WINDOW, "-o", page, check=0)
    assert done.stdout == ""
    assert str(page) in done.stderr
    text = page.read_text()
    assert "<script" not in text
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", text)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in text
    assert "1,310.50" in text
    assert 'style="' not in text
    assert "Synthetic" not in text


def test_status_says_what_is_held(filled: Path, run_cli: RunCli) -> None:
    rows = json.loads(run_cli("status", "--format", "json", check=0).stdout)
    assert [(r["exchange"], r["symbol"], r["source"], r["events"], r["notional"]) for r in rows] == [
        ("gate", "SOLUSDT", "import", 4, 1106.0),
        ("okx", "SOLUSDT", "import", 2, 204.5),
    ]
    assert rows[0]["first"] == "2026-03-02T10:00:00Z"
    table = run_cli("status", env={"COLUMNS": "160"}, check=0).stdout.splitlines()
    assert table[0].split()[:4] == ["exchange", "symbol", "source", "kind"]
    totals = [
        "total",
        "1",
        "symbol",
        "1",
        "source",
        "liquidations",
        "2026-03-02",
        "10:00",
        "2026-03-02",
        "10:05",
        "6",
        "1.31K",
    ]
    assert table[3].split()[:-1] == totals
    assert len(table) == 4


def test_status_of_some_symbols_and_exchanges(sample: Path, run_cli: RunCli) -> None:
    words = ("status", "--lake", sample)
    every = json.loads(run_cli(*words, "--format", "json", check=0).stdout)
    chosen = json.loads(run_cli(*words, "-s", "btc,sol", "--exchange", "okx,gate", "--format", "json", check=0).stdout)
    symbols = ("BTCUSDT", "SOLUSDT")
    assert chosen == [r for r in every if r["symbol"] in symbols and r["exchange"] in ("okx", "gate")]
    assert 0 < len(chosen) < len(every)
    rows = list(csv.DictReader(run_cli(*words, "--format", "csv", check=0).stdout.splitlines()))
    assert list(rows[0]) == list(every[0])
    assert [(r["symbol"], r["kind"], r["gaps"], r["first"]) for r in rows] == [
        (r["symbol"], r["kind"], str(len(r["gaps"])), r["first"]) for r in every
    ]
    assert [r["notional"] and float(r["notional"]) for r in rows] == [r["notional"] or "" for r in every]
    assert "unknown symbol 'SOLUSTD'; did you mean SOLUSDT" in run_cli(*words, "-s", "SOLUSTD", check=2).stderr
    assert "unknown exchange 'gat'" in run_cli(*words, "--exchange", "gat", check=2).stderr
    nothing = run_cli(*words, "-s", "BTCUSDT", "--exchange", "kraken", check=0)
    assert (nothing.stdout, "holds nothing of BTCUSDT on kraken" in nothing.stderr) == ("", True)


def test_status_of_an_empty_lake_says_how_to_begin(run_cli: RunCli) -> None:
    done = run_cli("status", check=0)
    assert done.stdout == ""
    assert "liqcli fetch" in done.stderr


def test_version_sources_and_completion(run_cli: RunCli) -> None:
    assert re.fullmatch(r"liqcli \d+\.\d+\.\d+\n", run_cli("--version", check=0).stdout)
    listed = run_cli("sources", check=0).stdout
    assert all(name in listed for name in ("gate", "htx", "okx", "tardis"))
    assert "documented" in run_cli("sources", "gate", check=0).stdout
    assert "did you mean gate?" in run_cli("sources", "gat", check=2).stderr
    script = run_cli("--show-completion", env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert script.exit_code in (0, 2)
    completed = run_cli(env={"_LIQCLI_COMPLETE": "complete_bash", "COMP_WORDS": "liqcli heat", "COMP_CWORD": "1"})
    assert "heatmap" in completed.stdout or completed.exit_code == 0


@pytest.mark.soak  # .ci/run makes the demo too
def test_the_demo_tells_where_its_report_is(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three symbols; once more, of which one is enough, it changes neither the lake nor a report."""
    folder = tmp_path / "demo"
    done = run_cli("demo", "-o", folder, check=0)
    report = Path(done.stdout.strip())
    assert report == (folder / "BTCUSDT-24h.html").resolve()
    assert "Synthetic sample data" in report.read_text()
    assert "Synthetic sample data" in report.with_suffix(".md").read_text()
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.suffix}
    assert len(list(folder.glob("*.*"))) == 3 * (2 + 4)  # a page and its twin, and four pictures beside the twin
    monkeypatch.setattr(demo, "SYMBOLS", ("BTCUSDT",))
    assert len(demo.run_demo(folder, lambda _line: None)) == 2 + 4
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.suffix} == first
    shown = imread(ROOT / "docs/pictures/sample-btcusdt-24h.png")
    assert np.array_equal(imread(folder / "BTCUSDT-24h.png"), shown), "make pictures, and look at them"


def test_the_recorded_binance_days_give_the_known_totals(run_cli: RunCli, real_data: Path, tmp_path: Path) -> None:
    known = json.loads((real_data / "expected.json").read_text())["events"]
    name = "binance-btcusdt-2024-12/liquidation_orders.csv"
    total = known[name]["total"]
    run_cli("import", real_data / name, check=6)
    page, numbers = tmp_path / "report.html", tmp_path / "report.json"
    run_cli(
        "heatmap", "--symbol", "BTCUSDT", "--since", "2024-12-04T16:00Z", "--until", "2024-12-06T19:00Z",
        "--theme", "dark", "-o", page, "-o", numbers, check=0,
    )  # fmt: skip
    report = json.loads(numbers.read_text())
    meta = report["meta"]
    assert (meta["events"], meta["long_events"], meta["short_events"]) == (1844, total["long"], total["short"])
    assert meta["notional"] == pytest.approx(float(total["sum_usd"]), rel=1e-9)
    assert meta["long_notional"] == pytest.approx(float(total["sum_usd_long"]), rel=1e-9)
    assert sum(map(sum, report["grid"]["notional"])) == pytest.approx(float(total["sum_usd"]), rel=1e-9)
    assert "26,853,827.90" in page.read_text()
    gaps = [(g["start"][:16], g["end"][:16]) for g in report["coverage"]["gaps"]]
    quiet = [(a[:16], b[:16]) for a, b, _minutes in known[name]["quiet_periods_over_1h"]]
    assert gaps[1:-1] == quiet
    assert page.read_text().count("not recorded: ") == 5


# The grids 5, 7 and 9 are drawn by the order price; liqcli draws the fill where it is known.
@pytest.mark.parametrize(
    "number", [0, 4, 8, 13, *(pytest.param(n, marks=pytest.mark.soak) for n in (1, 2, 3, 6, 10, 11, 12, 14))]
)
def test_the_known_grids(
    run_cli: RunCli, real_data: Path, recorded: Callable[[str], Path], tmp_path: Path, number: int
) -> None:
    grid = json.loads((real_data / "expected.json").read_text())["grids"][number]
    assert grid["price"].lower() in ("price", "average price")
    symbol = {"BTC": "BTCUSDT", "DOGE": "DOGEUSDT", "ACH": "ACHUSDT"}.get(grid["symbol"], grid["symbol"])
    symbol = grid["symbol"] if grid["file"].startswith("pacifica") else symbol.split(",")[0]
    out = tmp_path / "g.csv"
    exchange = ["--exchange", "binance"] if "binance only" in grid["symbol"] else []
    run_cli(
        "heatmap", "--symbol", symbol, "--since", grid["window"][0], "--until", grid["window"][1], *exchange,
        "--bucket", f"{grid['bucket_seconds']}s", "--bin", grid["price_bin"],
        "--lake", recorded(grid["file"]), "-o", out, check=0,
    )  # fmt: skip
    cells: dict[tuple[str, float], float] = {}
    for row in csv.DictReader(out.read_text().splitlines()):
        key = (row["bucket_start"], float(row["price_low"]))
        cells[key] = cells.get(key, 0) + float(row["notional"])
    assert sum(cells.values()) == pytest.approx(float(grid["sum_usd"]), rel=1e-9)
    assert len(cells) == grid["non_empty_cells"]
    assert len({price for _start, price in cells}) == grid["non_empty_price_rows"]
    for top in grid["top_cells"]:
        key = (top["bucket_start"].replace(".000Z", "Z"), float(top["price_lo"]))
        assert cells[key] == pytest.approx(float(top["usd"]), rel=1e-9)


CLUSTER_KEYS = {
    "rank", "low", "high", "peak_price", "notional", "share", "events", "long_notional", "short_notional", "exchanges",
    "first_seen", "last_seen", "active_buckets", "distance_pct", "key_levels", "role",
}  # fmt: skip
CASCADE_KEYS = {"start", "end", "position", "events", "notional", "peak_per_minute", "price_from", "price_to", "share"}


@pytest.mark.parametrize("words", [("status",), ("cascades", "-s", "BTC"), ("clusters", "-s", "BTC")])
def test_tables_of_the_sample_fit_80_columns(sample: Path, run_cli: RunCli, words: tuple[str, ...]) -> None:
    window = () if words == ("status",) else ("--until", "2026-01-08T00:00Z")
    lines = run_cli(*words, *window, "--lake", sample, env={"COLUMNS": "80"}, check=0).stdout.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80


def test_a_dash_is_stdout(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    words = ("heatmap", "SOL", *WINDOW, "--theme", "dark", "--sections", "clusters")
    names = ("r.json", "r.csv", "r.html")
    run_cli(*words, *(part for name in names for part in ("-o", name)), check=0)
    for name in names:
        done = run_cli(*words, "-o", "-", "--format", name[2:], check=0)
        assert (done.stdout, done.stderr) == ((tmp_path / name).read_text(), "")
    both = run_cli(*words, "-o", "q.csv", "-o", "-", check=0)
    assert (both.stdout, both.stderr) == ((tmp_path / "r.json").read_text(), "wrote q.csv\n")
    assert sorted(path.name for path in tmp_path.glob("*.*")) == sorted(["q.csv", *names])
    assert "choose json, csv or html" in run_cli(*words, "-o", "-", "--format", "png", check=2).stderr
    for form in ("table", "json", "csv"):
        plain = run_cli("clusters", "SOL", *WINDOW, "--format", form, check=0)
        assert run_cli("clusters", "SOL", *WINDOW, "--format", form, "-o", "-", check=0) == plain


def test_clusters_go_into_files(sample: Path, run_cli: RunCli, tmp_path: Path) -> None:
    words = ("clusters", "BTCUSDT", "--until", "2026-01-08", "--lake", sample)
    names = ("c.json", "c.csv", "c.md")
    done = run_cli(*words, "-o", "c.json", "-o", "c.csv", "-o", "c.md", check=0)
    assert done.stdout == ""
    assert done.stderr.splitlines()[-3:] == [f"wrote {name}" for name in names]
    for name in ("json", "csv"):
        assert (tmp_path / f"c.{name}").read_text() == run_cli(*words, "--format", name, check=0).stdout
    run_cli("heatmap", *words[1:], "-o", "r.json", check=0)
    written, report = (json.loads((tmp_path / name).read_text()) for name in ("c.json", "r.json"))
    assert written == {key: report[key] for key in ("meta", "clusters", "nearest", "checklist", "context")}
    title, _, header, _, *rows = (tmp_path / "c.md").read_text().splitlines()
    assert title == "# BTCUSDT: clusters of realized liquidations, 2026-01-07 00:00 to 2026-01-08 00:00 UTC"
    assert header.startswith("| \\# | price band | peak | USD |")
    assert [int(row.split("|")[1]) for row in rows] == [c["rank"] for c in report["clusters"]]
    assert {row.count(" | ") for row in rows} == {header.count(" | ")}
    assert "cannot write 'c.html'" in run_cli(*words, "-o", "c.html", check=2).stderr


def test_clusters_and_cascades_of_the_sample_agree_with_its_report(
    sample: Path, run_cli: RunCli, tmp_path: Path
) -> None:
    window = ("--symbol", "BTCUSDT", "--until", "2026-01-08", "--lake", sample)
    # The clusters start and end at multiples of 50, so that bins of 50 add up to them.
    run_cli("heatmap", *window, "--bin", "50", "-o", tmp_path / "r.json", check=0)
    report = json.loads((tmp_path / "r.json").read_text())
    clusters = json.loads(run_cli("clusters", *window, "--format", "json", check=0).stdout)["clusters"]
    cascades = json.loads(run_cli("cascades", *window, "--format", "json", check=0).stdout)["cascades"]
    assert clusters == report["clusters"]
    assert cascades == report["cascades"]
    assert clusters
    assert all(set(c) >= CLUSTER_KEYS for c in clusters)
    assert all(set(c) >= CASCADE_KEYS for c in cascades)
    assert [c["rank"] for c in clusters] == list(range(1, len(clusters) + 1))
    bands = sorted((c["low"], c["high"]) for c in clusters)
    assert all(a[1] <= b[0] for a, b in pairwise(bands))
    for c in clusters:
        inside = [
            sum(row)
            for row, low in zip(report["grid"]["notional"], report["grid"]["price_edges"], strict=False)
            if c["low"] <= low < c["high"]
        ]
        assert c["notional"] == pytest.approx(sum(inside), rel=1e-12)
        assert c["share"] == pytest.approx(c["notional"] / report["meta"]["notional"])
    assert sum(c["notional"] for c in clusters) <= report["meta"]["notional"]
    table = run_cli("clusters", *window, check=0).stdout.splitlines()
    assert len(table) == 1 + len(clusters)
    drawn = tmp_path / "cascades.png"
    rows = run_cli("cascades", *window, "--format", "csv", "-o", drawn, check=0).stdout.splitlines()
    assert imread(drawn).shape == imread(ROOT / "docs/pictures/sample-btcusdt-24h-cascades.png").shape
    assert len(rows) == 1 + len(cascades)


def test_without_candles_context_is_unknown_and_never_guessed(filled: Path, run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("heatmap", "-s", "SOLUSDT", *WINDOW, "-o", tmp_path / "r.json", "-o", tmp_path / "r.md", check=0)
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["context"]["rsi"], report["context"]["trend"], report["context"]["atr"]) == (None, "unknown", None)
    assert report["context"]["open_interest"]["change_pct"] is None
    assert {c["answer"] for c in report["checklist"]["checks"] if c["key"] in ("volume", "trend")} == {"unknown"}
    assert "unknown" in (tmp_path / "r.md").read_text()


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_one_event_or_all_at_one_price_are_no_trouble(run_cli: RunCli, tmp_path: Path, rows: int) -> None:
    events = tmp_path / "events.csv"
    lines = [f"2026-03-02T10:{n:02d}:00Z,gate,SOLUSDT,long,100,1" for n in range(rows)]
    events.write_text("\n".join(["ts,exchange,symbol,position,price,qty", *lines]))
    run_cli("import", events, check=0)
    outputs = [word for kind in ("html", "md", "png", "json") for word in ("-o", tmp_path / f"r.{kind}")]
    env = {"LIQCLI_HEATMAP_SECTIONS": "" if rows == 1 else "clusters,cascades"}  # every picture of one event
    run_cli("heatmap", "-s", "SOLUSDT", "--until", "latest", "--theme", "dark", *outputs, env=env, check=0)
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["meta"]["notional"] == 100 * rows
    assert (report["clusters"], report["cascades"], report["heavy_outside"]) == ([], [], [])  # 4,000 USD at the most
    usd = {1: "100", 2: "200", 40: "4.00K"}[rows]
    shortage = (
        f"{rows} event{'s' * (rows > 1)}, {usd} USD; clusters and cascades need at least 20 events and 10,000 USD"
    )
    assert report["meta"]["too_little_data"] == f"{shortage} in the window"
    for kind in ("html", "md"):
        page = (tmp_path / f"r.{kind}").read_text()
        assert page.count(f"Too little data: {shortage}") == 2  # clusters, cascades
        assert "too little data" in page.split("clusters and cascades")[0].lower()  # among the first words
    for command in ("clusters", "cascades"):
        done = run_cli(command, "-s", "SOLUSDT", "--until", "latest", check=0)
        assert (done.stdout, f"too little data: {shortage}" in done.stderr) == ("", True)


def test_a_cascade_compares_prices_of_one_kind(run_cli: RunCli, tmp_path: Path) -> None:
    """Fills fall from 100 to 98.9; a bankruptcy price of 98.5 stands first and must not turn the fall into a rise."""
    rows = ["2026-03-02T10:30:00Z,bybit,SOLUSDT,long,98.5,10,bankruptcy"]
    rows += [f"2026-03-02T10:30:{n * 4 + 1:02d}Z,gate,SOLUSDT,long,{100 - n / 10},10,fill" for n in range(12)]
    events = tmp_path / "events.csv"
    quiet = [f"{hour}:{minute}" for hour in ("08", "11") for minute in ("01", "21", "41", "58")]
    rows += [f"2026-03-02T{time}:00Z,gate,SOLUSDT,short,100,0.1,fill" for time in quiet]
    events.write_text("\n".join(["ts,exchange,symbol,position,price,qty,price_kind", *rows]))
    run_cli("import", events, check=0)
    window = ("--since", "2026-03-02T08:00Z", "--until", "2026-03-02T12:00Z")
    (burst,) = json.loads(run_cli("cascades", "-s", "SOL", *window, "--format", "json", check=0).stdout)["cascades"]
    assert (burst["start"], burst["events"]) == ("2026-03-02T10:30:00Z", 13)
    assert (burst["price_from"], burst["price_to"], burst["extreme"]) == (100, 98.9, 98.9)
