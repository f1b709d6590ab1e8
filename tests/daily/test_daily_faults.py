"""What a daily run leaves when things go wrong."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from conftest import RunCli, cli_environment
from daily_scene import UNTIL, check_usable, tree
from loopback.scenes import WINDOW, be_swift, gate_server, htx_server, point

from liqcli.core.errors import LakeError
from liqcli.core.formatting import format_iso
from liqcli.core.model import US_PER_S
from liqcli.core.settings import Settings
from liqcli.daily import DailyResult, folders, pages, run_daily
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report.results import WindowResults, compute_results

pytestmark = pytest.mark.usefixtures("empty_pictures")

pytest_plugins = ("daily_fixtures",)
Run = Callable[..., DailyResult]


@pytest.mark.soak
def test_two_at_once(run_cli: RunCli, run: Run, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "liqcli.toml").write_text('symbols = ["SOLUSDT"]\nlookbacks = ["1h"]\nout = "both"\n')
    words = ("daily", "--no-fetch", "--quiet", "--until", UNTIL)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run_cli, *words, env={"LIQCLI_LAKE": str(sample)}, check=0) for _ in range(2)]
        assert {done.result().stdout for done in runs} == {f"{tmp_path}/both/index.html\n"}
    assert check_usable(tmp_path / "both") == 3
    run(keep=True)
    pictures = ("SOLUSDT-1h.html", "-dark.png", "-light.png")  # not drawn here
    one, two = (
        {name: content for name, content in tree(tmp_path / out).items() if not name.endswith(pictures)}
        for out in ("both", "out")
    )
    assert one == two


@pytest.mark.parametrize("points", [1, pytest.param(1_000, marks=pytest.mark.soak)])
def test_killed_at_changes_on_disk(killable: Any, two_days: Path, tmp_path: Path, points: int) -> None:
    """From a folder with two days, of which one is to be pruned; then one good run equals a clean one."""
    clean = tmp_path / "clean"
    shutil.copytree(two_days, clean)
    word, changes = killable(clean, UNTIL)
    assert word == "done"
    assert {name.split("/")[0] for name in tree(clean)} == {"2026-01-06", "2026-01-07", "index.html", "latest"}
    assert changes > 30
    for last in sorted({changes * (2 * number + 1) // (2 * points) for number in range(points)}):
        out = tmp_path / f"out-{last}"
        shutil.copytree(two_days, out)
        assert killable(out, UNTIL, last) == ("killed", last)
        assert check_usable(out) >= 4
        assert killable(out, UNTIL)[0] == "done"
        assert tree(out) == tree(clean)


@pytest.mark.soak
def test_killed_at_ten_instants(run_cli: RunCli, sample: Path, tmp_path: Path) -> None:
    """The whole program, pictures and all, killed wherever it is: whoever looks finds whole pages; then a clean run."""
    text = 'symbols = ["SOLUSDT", "BTCUSDT"]\nlookbacks = ["4h", "24h"]\nout = "{out}"\nretention_days = 2\n'
    environment = cli_environment(sample)

    def words(out: str, until: str) -> list[str]:
        (tmp_path / f"{out}.toml").write_text(text.format(out=out))
        return ["daily", "--no-fetch", "--quiet", "--config", str(tmp_path / f"{out}.toml"), "--until", until]

    for until in ("2026-01-06", "2026-01-07"):
        run_cli(*words("start", until), env={"LIQCLI_LAKE": str(sample)}, check=0)
    shutil.copytree(tmp_path / "start", tmp_path / "clean")
    started = time.monotonic()
    run_cli(*words("clean", UNTIL), env={"LIQCLI_LAKE": str(sample)}, check=0)
    taken = time.monotonic() - started
    killed = 0
    for number in range(1, 11):
        out = tmp_path / f"out{number}"
        shutil.copytree(tmp_path / "start", out)
        command = [sys.executable, "-m", "liqcli", *words(out.name, UNTIL)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(taken * number / 10.5)
            killed += process.poll() is None
            process.kill()
        assert check_usable(out) >= 4
        run_cli(*words(out.name, UNTIL), env={"LIQCLI_LAKE": str(sample)}, check=0)
        assert tree(out) == tree(tmp_path / "clean")
    assert killed >= 8, "or the runs were over before"


def test_a_lake_that_moved_away_is_named(run_cli: RunCli, tmp_path: Path) -> None:
    """The pages that others read do not name folders; who runs it must know where it looked."""
    done = run_cli("daily", "--no-fetch", "--quiet", "--out", tmp_path / "out", "--lake", tmp_path / "moved", check=4)
    assert f"liqcli: warning: no report has data; the lake is {tmp_path / 'moved'}\n" in done.stderr
    assert str(tmp_path) not in (tmp_path / "out/latest/digest.md").read_text()


def test_a_day_without_data(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run()
    done = run("2026-02-01")
    assert done.exit_code == 4
    message = done.summary["reports"][0]["message"]
    assert message.startswith("no liquidations of SOLUSDT in 2026-01-31 23:00 to 2026-02-01 00:00 UTC; the lake holds ")
    assert message.endswith(" UTC"), "no advice for a shell, such as --until latest, that daily does not take"
    check_usable(out)
    index = (out / "index.html").read_text()
    assert index.count("no data") >= 4
    assert 'href="2026-01-07/SOLUSDT-1h.html"' in index
    assert json.loads((out / "latest/summary.json").read_text())["day"] == "2026-01-07"  # the last day with data
    assert "**no data**" in (out / "2026-01-31/digest.md").read_text()
    assert run(UNTIL, lake=tmp_path / "none", symbols=("SOL",)).exit_code == 4
    assert "no liquidations of SOL in the lake (it is empty)" in (out / "2026-01-07/digest.md").read_text()
    check_usable(out)


def test_a_symbol_without_data_is_partial(run: Run, sample: Path, tmp_path: Path) -> None:
    done = run(symbols=("XRPUSDT", "SOLUSDT"))
    assert done.exit_code == 6
    assert [(e["name"], e["status"]) for e in done.summary["reports"]] == [
        ("XRPUSDT-1h", "no data"), ("SOLUSDT-1h", "ok")
    ]  # fmt: skip
    assert str(sample) not in (tmp_path / "out/index.html").read_text()
    check_usable(tmp_path / "out")


def test_a_damaged_file_is_named(run: Run, sample: Path, tmp_path: Path) -> None:
    """Its report is made of the others: partial. Where all of them are damaged: failed, and the lake's place unsaid."""
    lake = tmp_path / "own"
    shutil.copytree(sample, lake)
    files = sorted(lake.glob("liquidations/*/symbol=SOLUSDT/**/*.parquet"))
    files[0].write_bytes(b"PAR1")
    done = run(lake=lake)
    assert (done.exit_code, done.summary["reports"][0]["damaged"]) == (6, [files[0].name])
    assert "1 damaged file left out" in (tmp_path / "out/index.html").read_text()
    for path in files:
        path.write_bytes(b"PAR1")
    done = run(lake=lake)
    assert (done.exit_code, done.summary["reports"][0]["status"]) == (5, "failed")
    assert "nothing readable: the lake/liquidations/" in (tmp_path / "out/2026-01-07/digest.md").read_text()
    assert str(tmp_path) not in (tmp_path / "out/index.html").read_text()
    check_usable(tmp_path / "out")


def test_an_unforeseen_fault_costs_one_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from liqcli.report import results

    def fail_for_btc(lake: Lake, query: Query, *rest: Any) -> WindowResults:
        if query.symbol == "BTCUSDT":
            raise ZeroDivisionError("oh")
        return compute_results(lake, query, *rest)

    monkeypatch.setattr(results, "compute_results", fail_for_btc)
    done = run(symbols=("BTCUSDT", "SOLUSDT"))
    assert done.exit_code == 6
    assert [(e["status"], e.get("message")) for e in done.summary["reports"]] == [
        ("failed", "unforeseen fault: ZeroDivisionError: oh"), ("ok", None)
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------------- sources


def fetched(out: Path, lake: Path, until_us: int = WINDOW.end_us, **changes: Any) -> tuple[dict[str, Any], list[str]]:
    """Run a day of the loopback exchanges; gives its summary and its warnings."""
    settings = Settings(("BTCUSDT", "ETHUSDT"), lookbacks=("4h",), out=out, sources=("gate", "htx"), levels=False)
    warnings: list[str] = []
    result = run_daily(replace(settings, **changes), Lake(lake), format_iso(until_us), print, warnings.append)
    check_usable(out)
    return result.summary, warnings


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_source_that_is_down_while_another_is_up(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named wherever somebody may look; the next run, when it is up again, is whole."""
    be_swift(monkeypatch)
    out = tmp_path / "out"
    with gate_server() as gate, htx_server() as htx:
        point(monkeypatch, gate=gate.url)
        summary, warnings = fetched(out, lake)
        assert summary["exit_code"] == 6
        assert [(e["status"], e["exchanges"]) for e in summary["reports"]] == [("ok", ["gate"])] * 2
        said = "htx BTCUSDT, ETHUSDT: cannot be reached: Connection refused (127.0.0.1)"
        assert [line[: len(said)] for line in summary["fetch"]["troubles"]] == [said]
        assert warnings == summary["fetch"]["troubles"]
        assert summary["reports"][0]["troubles"][0].startswith("htx: cannot be reached: ")
        assert {row["source"]: row["result"] for row in summary["fetch"]["rows"]} == {"gate": "ok", "htx": "failed"}
        for page in (out / "index.html", out / "latest/index.html"):
            text = page.read_text()
            assert text.count("not all came from htx") == 2, "beside each symbol"
            assert said in text
        digest = (out / "latest/digest.md").read_text()
        assert "**partial**" in digest
        assert "cannot be reached: Connection refused" in digest
        notes = summary["fetch"]["notes"]
        assert notes[:4] == [
            f"candles and open interest: {place}: cannot be reached: Connection refused (127.0.0.1)"
            for place in ("binance", "binance-vision", "bybit", "okx")
        ]
        assert [note.split(": ")[0] for note in notes[4:]] == [
            "candles BTCUSDT, ETHUSDT",
            "open-interest BTCUSDT, ETHUSDT",
        ]
        point(monkeypatch, htx=htx.url)
        summary, warnings = fetched(out, lake)
    assert (summary["exit_code"], warnings, summary["fetch"]["troubles"]) == (0, [], [])
    assert [e["exchanges"] for e in summary["reports"]] == [["gate", "htx"]] * 2
    assert "not all came from" not in (out / "index.html").read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_no_source_answers(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing in the lake that is a failure of the network, not a quiet day; with something it is partial."""
    be_swift(monkeypatch)
    summary, _ = fetched(tmp_path, lake)
    assert summary["exit_code"] == 3
    assert [e["status"] for e in summary["reports"]] == ["no data", "no data"]
    assert "no source answered" in (tmp_path / "index.html").read_text()
    with gate_server() as gate:
        point(monkeypatch, gate=gate.url)
        fetched(tmp_path, lake, sources=("gate",))
    later = WINDOW.end_us + 60 * US_PER_S
    summary, _ = fetched(tmp_path, lake, later, sources=("htx",))
    assert [e["status"] for e in summary["reports"]] == ["ok", "ok"]
    assert summary["exit_code"] == 6


@pytest.mark.usefixtures("undrawn")
def test_a_symbol_that_no_exchange_lists(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in one name costs that name alone."""
    be_swift(monkeypatch)
    with gate_server() as gate:
        point(monkeypatch, gate=gate.url)
        summary, _ = fetched(tmp_path, lake, symbols=("BTCUSDT", "BTCUSDTT"), sources=("gate",))
    assert summary["exit_code"] == 6
    assert [(e["name"], e["status"]) for e in summary["reports"]] == [
        ("BTCUSDT-4h", "ok"), ("BTCUSDTT-4h", "failed")
    ]  # fmt: skip
    assert "did you mean BTCUSDT" in summary["reports"][1]["message"]
    assert any("BTCUSDTT" in line for line in summary["fetch"]["troubles"])


# ---------------------------------------------------------------------------------------------------- hostile


def test_hostile_names_arrive_harmless(run: Run, tmp_path: Path) -> None:
    """Settings refuse such names; if one came through another way, it is still only text, and only a file's name."""
    summary = run().summary
    hostile = '<script>alert(1)</script>"; DROP `x` | ../../'
    entry = summary["reports"][0]
    entry["symbol"] = entry["alt"] = entry["exchanges"][0] = hostile
    entry["troubles"] = [hostile]
    summary["reports"].append({**entry, "lookback": "7d", "status": "failed", "message": hostile})
    summary["alerts"] = [
        {"text": hostile, "kind": "cluster", "report": entry["name"], "since": hostile, "new": new}
        for new in (True, False)
    ]
    summary["fetch"]["troubles"] = summary["fetch"]["notes"] = [hostile]
    made = tmp_path / "made"
    made.mkdir()
    pages.write_day(made, summary, (None, None))
    for page in ((made / "index.html").read_text(), pages.render_index([UNTIL], {UNTIL: summary})):
        assert "<script" not in page
        assert '"; DROP' not in page
    digest = (made / "digest.md").read_text()
    assert "<script" not in digest.replace("\\<script", "")
    assert "`x`" not in digest
    rows = [line for line in digest.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert json.loads((made / "summary.json").read_text())["reports"][0]["symbol"] == hostile


def test_a_hostile_folder_arrives_harmless(run: Run, sample: Path, tmp_path: Path) -> None:
    """A lake may lie anywhere: its name is only text, in a shell line too."""
    lake = tmp_path / '<script>`id` | $(id) "; DROP TABLE x --'
    shutil.copytree(sample, lake)
    assert run(lake=lake).exit_code == 0
    for page in (tmp_path / "out").rglob("*.html"):
        assert "<script" not in page.read_text()
    check_usable(tmp_path / "out")


# ---------------------------------------------------------------------------------------------------- the disk


def test_retention_removes_only_what_liqcli_made(killable: Any, two_days: Path, tmp_path: Path) -> None:
    shutil.copytree(two_days, tmp_path, dirs_exist_ok=True)
    for name in ("2020-01-01", "2020-02-31", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("kept")
    (tmp_path / "2026-01-05/mine.txt").write_text("kept")
    manifest = tmp_path / "2026-01-05" / folders.MANIFEST
    names = json.loads(manifest.read_text())["files"]
    manifest.write_text(json.dumps({"files": [*names, "../notes/mine.txt", "..", "", 3]}))
    killable(tmp_path, UNTIL)
    assert not (tmp_path / "2026-01-05/index.html").exists()
    assert "2026-01-05" not in (tmp_path / "index.html").read_text()
    kept = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/mine.txt"))
    assert kept == [f"{name}/mine.txt" for name in ("2020-01-01", "2020-02-31", "2026-01-05", "notes")]
    assert [p.name for p in (tmp_path / "2026-01-05").iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_two_settings_that_share_a_folder_are_told(sample: Path, tmp_path: Path, undrawn: None) -> None:
    warnings: list[str] = []
    for symbol in ("SOLUSDT", "BTCUSDT", "BTCUSDT"):
        settings = Settings((symbol,), lookbacks=("1h",), out=tmp_path, fetch=False, levels=False)
        run_daily(settings, Lake(sample), UNTIL, print, warnings.append)
    assert warnings == ["2026-01-07: no more SOLUSDT-1h, written by an earlier run (with another liqcli.toml?)"]
    check_usable(tmp_path)


def test_a_file_in_the_way_is_said_in_one_line(run_cli: RunCli, tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "out").write_text("a file")
    done = run_cli("daily", "--no-fetch", "--quiet", env=env, check=5)
    assert done.stderr.count("\n") == 1
    assert f"{tmp_path}/out: cannot be written (File exists)" in done.stderr


@pytest.mark.parametrize("limit", [0, 2_000, 20_000])
def test_a_full_disk_leaves_what_there_was(run: Run, tmp_path: Path, limit: int) -> None:
    """Nothing, a small file, a page can still be written: whatever fails, the run ends and the old pages are whole."""
    run("2026-01-07")
    before = tree(tmp_path / "out")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(LakeError, match=r"out: cannot be written \(File too large\); the pages that were there"):
            run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert tree(tmp_path / "out") == before
    assert not (tmp_path / "out" / folders.MAKING).exists()
    run()
    check_usable(tmp_path / "out")


def test_the_disk_is_full_between_two_pages(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("2026-01-07")
    monkeypatch.setattr(folders, "_write_manifest", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(LakeError, match="No space left on device"):
        run()
    check_usable(tmp_path / "out")
    assert "2026-01-06" in (tmp_path / "out/index.html").read_text()


def test_a_disk_without_second_names(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    with_links = tree(tmp_path / "out")
    assert (tmp_path / "out/latest/SOLUSDT-1h.html").samefile(tmp_path / "out/2026-01-07/SOLUSDT-1h.html")
    shutil.rmtree(tmp_path / "out")
    monkeypatch.setattr(Path, "hardlink_to", Mock(side_effect=OSError(1, "Operation not permitted")))
    run()
    assert tree(tmp_path / "out") == with_links
