"""The daily run: what it leaves, twice, at once, killed, without data, with a dead source, with hostile names."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from conftest import RunCli, cli_environment

from liqcli.daily import folders, run_daily
from liqcli.daily.alerts import find_alerts
from liqcli.daily.day import resolve_day
from liqcli.daily.notify import send_alerts
from liqcli.daily.pages import describe_change
from liqcli.demo import fill_lake
from liqcli.errors import UsageError
from liqcli.lake import Lake
from liqcli.settings import Alerts, Settings
from liqcli.timespan import parse_moment

UNTIL = "2026-01-08"
FLAGS = ("daily", "--no-fetch", "--quiet", "--until")
SETTINGS = 'symbols = ["BTCUSDT", "SOLUSDT"]\nlookbacks = ["4h"]\nout = "out"\n'


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with the synthetic sample; tests only read it."""
    lake = Lake(tmp_path_factory.mktemp("sample") / "lake")
    fill_lake(lake)
    return lake.root


@pytest.fixture
def env(sample: Path, tmp_path: Path) -> dict[str, str]:
    """The sample's lake, and settings in the folder where the program runs."""
    (tmp_path / "liqcli.toml").write_text(SETTINGS)
    return {"LIQCLI_LAKE": str(sample)}


def tree(out: Path) -> dict[str, bytes]:
    """Everything that people see in the reports' folder."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in (folders.LOCK, folders.NOTES)
    }


class Links(HTMLParser):
    """What a page points at."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        assert not [name for name, _ in attrs if name == "style" or name.startswith("on")]
        self.targets += [value or "" for name, value in attrs if name in ("href", "src", "srcset")]


def check_usable(out: Path) -> int:
    """Every page is whole and everything it points at is there and whole; gives the number of pages."""
    pages = [page for page in (out / "index.html", *out.glob("*/index.html")) if page.exists()]
    for page in pages:
        if not page.parent.name.startswith("."):
            for target in Links(page).targets:
                path, _, anchor = target.partition("#")
                file = page.parent / unquote(path) if path else page
                content = file.read_bytes()
                ends = {".html": b"</html>\n", ".json": b"}\n", ".md": b"\n", ".png": b"IEND\xaeB`\x82"}
                assert content.endswith(ends[file.suffix]), file
                assert not anchor or f'id="{anchor}"'.encode() in content
    return len(pages)


# ---------------------------------------------------------------------------------------------------- what it leaves


def test_a_run_and_the_same_run_again(run_cli: RunCli, tmp_path: Path, env: dict[str, str]) -> None:
    out = tmp_path / "out"
    run_cli(*FLAGS, "2026-01-07", env=env, check=0)
    done = run_cli(*FLAGS, UNTIL, env=env, check=0)
    assert done.stdout == f"{out}/index.html\n"
    first = tree(out)
    assert check_usable(out) == 4
    assert {name for name in first if name.startswith("2026-01-07/") and not name.endswith(".png")} == {
        f"2026-01-07/{name}"
        for name in ("BTCUSDT-4h.html", "BTCUSDT-4h.json", "SOLUSDT-4h.html", "SOLUSDT-4h.json", "index.html",
                     "summary.json", "digest.md", ".liqcli.json")
    }  # fmt: skip
    run_cli(*FLAGS, UNTIL, env={**env, "LIQCLI_THREADS": "1"}, check=0)
    assert tree(out) == first
    assert {name[7:]: content for name, content in first.items() if name.startswith("latest/")} == {
        name[11:]: content for name, content in first.items() if name.startswith("2026-01-07/")
    }
    run_cli(*FLAGS, "2026-01-07", env=env, check=0)  # an older day once more: the newest stays in front
    assert tree(out) == first
    (tmp_path / "liqcli.toml").write_text(SETTINGS.replace('"BTCUSDT", ', ""))  # fewer reports: the others go
    run_cli(*FLAGS, UNTIL, env=env, check=0)
    left = {name for name in tree(out) if "BTCUSDT" in name}
    assert {name.split("/")[0] for name in left} == {"2026-01-06"}
    check_usable(out)


def test_the_numbers_are_those_of_the_reports(sample: Path, tmp_path: Path) -> None:
    settings = Settings(symbols=("SOL",), lookbacks=("24h",), out=tmp_path / "out", fetch=False)
    run_daily(settings, Lake(sample), "2026-01-07T00:00Z", print, print)
    result = run_daily(settings, Lake(sample), UNTIL, print, print)
    assert result.exit_code == 0
    day = tmp_path / "out/2026-01-07"
    meta = json.loads((day / "SOL-24h.json").read_text())["meta"]
    summary = json.loads((day / "summary.json").read_text())
    assert summary == json.loads(json.dumps(result.summary))
    entry = summary["reports"][0]
    for key in ("notional", "long_notional", "short_notional", "events", "last_price", "coverage", "start", "end"):
        assert entry[key] == meta[key]
    old = json.loads((tmp_path / "out/2026-01-06/SOL-24h.json").read_text())["meta"]
    assert summary["previous_day"] == "2026-01-06"
    assert entry["previous"]["notional"] == old["notional"]
    change = describe_change(meta["notional"], old["notional"])
    assert change
    assert change in (day / "digest.md").read_text()
    assert change in (tmp_path / "out/index.html").read_text()
    assert "Synthetic sample data" in (tmp_path / "out/index.html").read_text()


def test_the_page_allows_its_style_and_its_pictures_alone(sample: Path, tmp_path: Path) -> None:
    settings = Settings(symbols=("SOLUSDT",), lookbacks=("4h",), out=tmp_path, themes=("light", "dark"), fetch=False)
    run_daily(settings, Lake(sample), UNTIL, print, print)
    text = (tmp_path / "index.html").read_text()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; img-src 'self'; style-src 'sha256-{digest}'; base-uri 'none'" in text
    assert "//" not in text.replace(digest, "")  # no address anywhere; a hash may hold two slashes
    pages = json.loads((tmp_path / "2026-01-07/summary.json").read_text())["reports"][0]["files"]["pages"]
    assert pages == {"light": "SOLUSDT-4h.html", "dark": "SOLUSDT-4h-dark.html"}
    assert len({(tmp_path / "latest" / name).read_bytes() for name in pages.values()}) == 2


def test_days_are_cut_in_the_zone() -> None:
    now = parse_moment("2026-03-29T23:30Z", "now")  # 01:30 on the 30th in Berlin, two hours into summer time
    assert resolve_day("cut", "UTC", now) == resolve_day("2026-03-29T00:00Z", "UTC", now)
    day = resolve_day("cut", "Europe/Berlin", now)
    assert (day.name, day.end_us) == ("2026-03-29", parse_moment("2026-03-29T22:00Z", "end"))
    assert resolve_day("2026-03-29T22:00:01Z", "Europe/Berlin", now).name == "2026-03-30"
    with pytest.raises(UsageError, match="cut, now or a time"):
        resolve_day("latest", "UTC", now)


def test_changes_in_words() -> None:
    assert describe_change(135, 100) == "+35 %"
    assert describe_change(95.8, 100, decimals=2) == "-4.20 %"
    assert describe_change(100.2, 100) == "±0 %"
    assert describe_change(1200, 100) == "× 12"
    assert describe_change(5, 0) is None
    assert describe_change(5, None) is None


# ---------------------------------------------------------------------------------------------------- what goes wrong


def test_two_at_once(run_cli: RunCli, tmp_path: Path, env: dict[str, str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run_cli, *FLAGS, UNTIL, env=env, check=0) for _ in range(2)]
        assert len({run.result().stdout for run in runs}) == 1
    both = tree(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    run_cli(*FLAGS, UNTIL, env=env, check=0)
    assert tree(tmp_path / "out") == both


# A process with everything imported, that forks a child a line; the child kills itself before its n-th change on disk.
ZYGOTE = """
import os, signal, sys
from pathlib import Path
from liqcli.daily import run_daily
from liqcli.lake import Lake
from liqcli.settings import Settings
import matplotlib.backends.backend_agg, duckdb, jinja2, filelock, PIL.PngImagePlugin
import liqcli.daily.make, liqcli.poster
liqcli.poster.draw_png = lambda findings: b"the slow part"
liqcli.daily.make.draw_thumbnail = lambda picture, **options: b"IEND\\xaeB`\\x82"
changes = 0
def counted(change):
    def call(*args, **kwargs):
        global changes
        if changes == last:
            os.kill(os.getpid(), signal.SIGKILL)
        changes += 1
        return change(*args, **kwargs)
    return call
for line in sys.stdin:
    out, until, last = line.split()
    last = int(last)
    if os.fork() == 0:
        for name in ("replace", "unlink", "write_bytes", "rmdir"):
            setattr(Path, name, counted(getattr(Path, name)))
        quiet = lambda text: None
        settings = Settings(("SOLUSDT",), lookbacks=("1h",), out=Path(out), fetch=False, retention_days=2)
        run_daily(settings, Lake(Path(sys.argv[1])), until, quiet, quiet)
        print("done", changes, flush=True)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.wait()[1]):
        print("killed", last, flush=True)
"""


@pytest.fixture
def killable(sample: Path, tmp_path: Path) -> Iterator[Any]:
    """Run one day in a process that is killed before its n-th change on disk; gives what it said."""
    process = subprocess.Popen(
        [sys.executable, "-c", ZYGOTE, sample], env=cli_environment(sample), text=True, stdin=-1, stdout=-1
    )

    def run(out: Path, until: str, last: int = -1) -> tuple[str, int]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{out} {until} {last}\n")
        process.stdin.flush()
        word, number = process.stdout.readline().split()
        return word, int(number)

    yield run
    process.communicate(timeout=20)


def test_killed_at_any_change_on_disk(killable: Any, tmp_path: Path) -> None:
    """From a folder with two days, of which one is to be pruned; then one good run equals a clean one."""
    start = tmp_path / "start"
    for day in ("2026-01-06", "2026-01-07"):
        assert killable(start, day)[0] == "done"
    clean = tmp_path / "clean"
    shutil.copytree(start, clean)
    word, changes = killable(clean, UNTIL)
    assert word == "done"
    assert {name.split("/")[0] for name in tree(clean)} == {"2026-01-06", "2026-01-07", "index.html", "latest"}
    assert changes > 30
    for number in range(10):
        out = tmp_path / f"out-{number}"
        shutil.copytree(start, out)
        last = changes * number // 10
        assert killable(out, UNTIL, last) == ("killed", last)
        assert check_usable(out) >= 4
        assert killable(out, UNTIL)[0] == "done"
        assert tree(out) == tree(clean)


def test_a_day_without_data(run_cli: RunCli, tmp_path: Path, env: dict[str, str]) -> None:
    out = tmp_path / "out"
    run_cli(*FLAGS, UNTIL, env=env, check=0)
    done = run_cli(*FLAGS, "2026-02-01", env=env, check=4)
    assert "SOLUSDT-4h: no data: no liquidations of SOLUSDT in 2026-01-31 20:00" in done.stderr
    check_usable(out)
    index = (out / "index.html").read_text()
    assert index.count("no data") >= 4
    assert 'href="2026-01-07/SOLUSDT-4h.html"' in index
    assert json.loads((out / "latest/summary.json").read_text())["day"] == "2026-01-31"
    assert "**no data**" in (out / "2026-01-31/digest.md").read_text()
    run_cli(*FLAGS, UNTIL, env={"LIQCLI_LAKE": str(tmp_path / "none")}, check=4)
    check_usable(out)


def test_a_symbol_without_data_is_partial(run_cli: RunCli, tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "liqcli.toml").write_text(SETTINGS.replace("BTCUSDT", "XRPUSDT"))
    run_cli(*FLAGS, UNTIL, env=env, check=6)
    states = [
        (e["name"], e["status"]) for e in json.loads((tmp_path / "out/latest/summary.json").read_text())["reports"]
    ]
    assert states == [("XRPUSDT-4h", "no data"), ("SOLUSDT-4h", "ok")]
    assert str(env["LIQCLI_LAKE"]) not in (tmp_path / "out/index.html").read_text()
    check_usable(tmp_path / "out")


def test_a_source_that_is_down(run_cli: RunCli, tmp_path: Path, env: dict[str, str], sample: Path) -> None:
    """It is named, and the reports are made from what there is: partial, not a failure."""
    lake = tmp_path / "own"
    shutil.copytree(sample, lake)
    env = {"LIQCLI_LAKE": str(lake)}
    for source in ("GATE", "HTX", "OKX", "BINANCE", "BINANCE_VISION", "BYBIT"):
        env |= {f"LIQCLI_URL_{source}": "http://127.0.0.1:9", f"LIQCLI_RATE_{source}": "unlimited"}
    done = run_cli("daily", "--until", UNTIL, env=env, check=6, timeout_s=60)
    assert "gate" in done.stderr
    out = tmp_path / "out"
    assert check_usable(out) == 3
    summary = json.loads((out / "latest/summary.json").read_text())
    assert [entry["status"] for entry in summary["reports"]] == ["ok", "ok"]
    assert any(line.startswith("gate gate BTCUSDT: ") for line in summary["fetch"]["troubles"])
    assert {row["result"] for row in summary["fetch"]["rows"]} <= {"failed", "nothing", "partial", "ok"}
    assert "What is missing" in (out / "index.html").read_text()
    assert "What is missing" in (out / "latest/digest.md").read_text()


def test_hostile_names_arrive_harmless(sample: Path, tmp_path: Path) -> None:
    """Settings refuse such names; if one came through another way, it is still only text, and only a file's name."""
    summary = run_daily(
        Settings(symbols=("SOLUSDT",), lookbacks=("4h",), out=tmp_path, fetch=False), Lake(sample), UNTIL, print, print
    ).summary
    hostile = '<script>alert(1)</script>"; DROP `x` | ../../'
    entry = summary["reports"][0]
    entry["symbol"] = entry["alt"] = entry["exchanges"][0] = hostile
    summary["reports"].append({**entry, "status": "failed", "message": hostile})
    summary["alerts"] = [{"text": hostile, "kind": "cluster", "report": hostile, "notional": 1.0}]
    summary["fetch"]["troubles"] = [hostile]
    folders.write_atomically(tmp_path / "2026-01-07/summary.json", json.dumps(summary).encode())
    from liqcli.daily import pages

    index = pages.render_index(tmp_path, ["2026-01-07"])
    assert "<script" not in index
    assert '"; DROP' not in index
    made = tmp_path / "made"
    made.mkdir()
    pages.write_day(made, summary)
    digest = (made / "digest.md").read_text()
    assert "<script" not in digest.replace("\\<script", "")
    assert "`x`" not in digest
    rows = [line for line in digest.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert json.loads((made / "summary.json").read_text())["reports"][0]["symbol"] == hostile


def test_retention_removes_only_what_liqcli_made(killable: Any, tmp_path: Path) -> None:
    for name in ("2020-01-01", "2020-02-31", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("kept")
    for until in ("2026-01-06", "2026-01-07"):
        killable(tmp_path, until)
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


def test_a_file_in_the_way_is_said_in_one_line(run_cli: RunCli, tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "out").write_text("a file")
    done = run_cli(*FLAGS, UNTIL, env=env, check=5)
    assert done.stderr.count("\n") == 1
    assert f"{tmp_path}/out: cannot be written" in done.stderr


# ---------------------------------------------------------------------------------------------------- alerts


def entry_of(*clusters: tuple[int, float, float | None]) -> dict[str, Any]:
    made = [
        {"rank": rank, "low": 100.0, "high": 101.0, "notional": usd, "share": 0.1, "distance_pct": distance}
        for rank, usd, distance in clusters
    ]
    burst = {"start": "2026-01-07T13:37:00Z", "position": "long", "events": 9, "notional": 4e6}
    return {
        "status": "ok", "name": "SOLUSDT-24h", "symbol": "SOLUSDT", "lookback": "24h", "bin_width": 0.5,
        "places": "clusters", "clusters": made, "cascades": [burst],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "amounts"),
    [
        (Alerts(), []),
        (Alerts(cluster_usd=2e6), [5e6, 2e6]),
        (Alerts(cluster_usd=2e6, distance_pct=1), [2e6]),
        (Alerts(distance_pct=5), [5e6]),
        (Alerts(distance_pct=1), []),
        (Alerts(cascade_usd=4e6), [4e6]),
        (Alerts(cascade_usd=4e6 + 1), []),
    ],
)
def test_thresholds(limits: Alerts, amounts: list[float]) -> None:
    entry = entry_of((1, 5e6, -3.0), (2, 2e6, 0.5), (3, 1e6, None))
    empty = {"status": "no data", "name": "x"}
    assert [alert["notional"] for alert in find_alerts([empty, entry], limits)] == amounts


def test_the_words_of_alerts() -> None:
    texts = [a["text"] for a in find_alerts([entry_of((1, 5e6, -3.0))], Alerts(cluster_usd=1, cascade_usd=1))]
    assert texts == [
        "SOLUSDT 24h: cluster 100.0 to 101.0 holds 5.00M USD realized, -3.00 % from the last price",
        "SOLUSDT 24h: cascade of longs from 2026-01-07 13:37 UTC, 4.00M USD in 9 events",
    ]


def test_alerts_reach_digest_summary_and_exit_status(sample: Path, tmp_path: Path) -> None:
    settings = Settings(symbols=("SOLUSDT",), lookbacks=("4h",), out=tmp_path, fetch=False)
    for exit_code in (0, 10):
        limits = Alerts(cluster_usd=1.0, exit_code=exit_code)
        result = run_daily(replace(settings, alerts=limits), Lake(sample), UNTIL, print, print)
        assert result.exit_code == exit_code
    text = json.loads((tmp_path / "latest/summary.json").read_text())["alerts"][0]["text"]
    assert text.split(" holds ")[0] in (tmp_path / "latest/digest.md").read_text()
    assert text in (tmp_path / "index.html").read_text()


class FakeApprise(types.ModuleType):
    """Takes messages as Apprise does; an address with ``down`` in it fails, one with ``fault`` raises."""

    def __init__(self) -> None:
        super().__init__("apprise")
        self.sent: list[tuple[str, str]] = []
        self.Apprise = lambda: self
        self.address = ""

    def add(self, address: str) -> bool:
        self.address = address
        return address.startswith("json://")

    def notify(self, title: str, body: str) -> bool:
        if "fault" in self.address:
            raise OSError(self.address)
        self.sent.append((title, body))
        return "down" not in self.address


def test_alerts_are_sent_once_and_addresses_stay_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeApprise()
    monkeypatch.setitem(sys.modules, "apprise", fake)
    warnings: list[str] = []
    alerts = [{"text": "SOLUSDT 24h: one"}]
    good = Alerts(notify=("json://user:hush@host",))
    for _ in range(2):
        send_alerts(tmp_path, "2026-01-07", alerts, good, warnings.append)
    assert fake.sent == [("liqcli 2026-01-07: 1 alert", "- SOLUSDT 24h: one")]
    send_alerts(tmp_path, "2026-01-07", [*alerts, {"text": "two"}], good, warnings.append)
    assert fake.sent[1:] == [("liqcli 2026-01-07: 1 alert", "- two")]
    assert not warnings
    bad = Alerts(notify=("json://hush.down", "hush://x", "json://hush.fault"))
    send_alerts(tmp_path, "2026-01-08", alerts, bad, warnings.append)
    assert warnings == [f"alerts were not sent to address {n} of 3 under [alerts] notify" for n in (1, 2, 3)]
    send_alerts(tmp_path, "2026-01-08", alerts, bad, warnings.append)
    assert len(warnings) == 6, "what nobody got is tried again"


def test_without_apprise_a_warning_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    warnings: list[str] = []
    send_alerts(tmp_path, "2026-01-07", [{"text": "x"}], Alerts(notify=("json://hush",)), warnings.append)
    assert warnings == ["alerts were not sent: Apprise is not installed; pip install 'liqcli[alerts]'"]
