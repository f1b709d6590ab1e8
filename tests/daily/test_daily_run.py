"""What a daily run leaves behind."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import RunCli
from daily_scene import UNTIL, check_usable, tree

from liqcli.core.errors import UsageError
from liqcli.core.settings import Settings
from liqcli.core.times import parse_moment
from liqcli.daily import DailyResult, run_daily
from liqcli.daily.day import resolve_day
from liqcli.daily.pages import describe_change
from liqcli.lake.store import Lake

pytestmark = pytest.mark.usefixtures("empty_pictures")

pytest_plugins = ("daily_fixtures",)
Run = Callable[..., DailyResult]
DAY_FILES = ("index.html", "summary.json", "digest.md", "market.html", "market.json", ".liqcli.json")


@pytest.mark.slow
def test_the_same_run_again_gives_the_same_bytes(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and all, with one thread and with two."""
    settings = Settings(("SOLUSDT",), lookbacks=("4h",), themes=("dark",), out=tmp_path, fetch=False, levels=False)
    run_daily(settings, Lake(sample), UNTIL, print, print)
    first = tree(tmp_path)
    assert check_usable(tmp_path) == 3
    shutil.rmtree(tmp_path / "2026-01-07")
    monkeypatch.setenv("LIQCLI_THREADS", "1")
    run_daily(settings, Lake(sample), UNTIL, print, print)
    assert tree(tmp_path) == first


def test_what_a_run_leaves(run: Run, tmp_path: Path) -> None:
    out, both = tmp_path / "out", {"symbols": ("BTCUSDT", "SOLUSDT")}
    run("2026-01-07", **both)
    assert run(UNTIL, **both).index == out / "index.html"
    first = tree(out)
    assert check_usable(out) == 4
    reports = [f"{s}-1h{end}" for s in both["symbols"] for end in (".html", ".json", "-dark.png", "-light.png")]
    for folder in ("2026-01-06", "2026-01-07", "latest"):
        names = [name.split("/")[1] for name in first if name.startswith(f"{folder}/")]
        assert sorted(names) == sorted([*reports, *DAY_FILES])
    latest = {name[7:]: content for name, content in first.items() if name.startswith("latest/")}
    assert latest == {name[11:]: content for name, content in first.items() if name.startswith("2026-01-07/")}
    run("2026-01-07", **both)  # an older day once more: the newest stays in front
    assert tree(out) == first
    run(UNTIL)  # fewer reports: the others go
    left = {name for name in tree(out) if "BTCUSDT" in name}
    assert {name.split("/")[0] for name in left} == {"2026-01-06"}
    check_usable(out)


def test_days_lead_to_the_days_beside_them(run: Run, tmp_path: Path) -> None:
    """Also when the day between is made last, and when the oldest goes."""

    def links(page: str) -> list[str]:
        return re.findall(r'href="([^"]*)" rel="(?:prev|next)"', (tmp_path / "out" / page).read_text())

    for until in ("2026-01-06", "2026-01-08"):
        run(until)
    assert links("2026-01-05/index.html") == ["../2026-01-07/index.html"]
    run("2026-01-07")
    assert links("2026-01-05/index.html") == ["../2026-01-06/index.html"]
    assert links("2026-01-06/index.html") == ["../2026-01-05/index.html", "../2026-01-07/index.html"]
    assert links("2026-01-07/index.html") == links("latest/index.html") == ["../2026-01-06/index.html"]
    assert links("index.html") == ["2026-01-06/index.html"]
    run("2026-01-09", retention_days=2)
    assert links("2026-01-07/index.html") == ["../2026-01-08/index.html"]
    assert check_usable(tmp_path / "out") == 4


def test_a_wanted_day_outlives_retention_and_latest_outlives_a_day_without_data(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sample ends in January: in November every folder is older than 90 days and there is nothing to draw."""
    out = tmp_path / "out"
    run("2026-01-06")  # as cron would
    run("2026-01-08", keep=True)
    latest = tree(out / "latest")
    capsys.readouterr()
    done = run("2026-11-29")
    printed = capsys.readouterr().out
    assert sorted(day.name for day in out.iterdir() if day.name[0] == "2") == ["2026-01-07", "2026-11-28"]
    assert done.removed == ("2026-01-05",)
    assert "removed 2026-01-05: retention_days is 90\n" in printed
    assert f"2026-11-28 has no data; {out / 'latest'} still shows 2026-01-07\n" in printed
    assert json.loads((out / "latest/summary.json").read_text())["day"] == "2026-01-07"
    links = re.findall(r'href="([^"]*)" rel="(?:prev|next)"', (out / "latest/index.html").read_text())
    assert links == ["../2026-11-28/index.html"]
    assert {name for name, content in tree(out / "latest").items() if latest[name] != content} == {"index.html"}
    check_usable(out)
    run("2026-01-08")  # made once more by a plain run, the day is still kept
    assert run("2026-11-29").removed == ()


def test_retention_counts_what_it_removes(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for until in ("2026-01-04", "2026-01-05", "2026-01-06", "2026-01-07"):
        run(until)
    assert run("2026-01-08", retention_days=1).removed == ("2026-01-03", "2026-01-04", "2026-01-05", "2026-01-06")
    assert "removed 4 days, 2026-01-03 to 2026-01-06: retention_days is 1" in capsys.readouterr().out


def test_a_time_on_the_command_line_keeps_its_day(run_cli: RunCli, env: dict[str, str], tmp_path: Path) -> None:
    settings = 'symbols = ["SOLUSDT"]\nlookbacks = ["1h"]\ntheme = "dark"\nout = "out"\n'
    (tmp_path / "liqcli.toml").write_text(settings + 'levels = false\nsections = "clusters"\n')
    run_cli("daily", "--no-fetch", "--until", UNTIL, env=env, check=0)
    done = run_cli("daily", "--no-fetch", "--until", "cut", env=env, check=4)
    assert "still shows 2026-01-07" in done.stderr
    assert (tmp_path / "out/2026-01-07/SOLUSDT-1h.html").is_file()
    assert json.loads((tmp_path / "out/latest/summary.json").read_text())["day"] == "2026-01-07"
    kept = [json.loads(path.read_text()).get("kept") for path in sorted((tmp_path / "out").glob("2*/.liqcli.json"))]
    assert kept == [True, None]


def test_a_day_of_another_version_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    run("2026-01-06")
    day = tmp_path / "out/2026-01-05"
    summary = json.loads((day / "summary.json").read_text())
    for changed in ({**summary, "format": 0}, {**summary, "reports": [{"status": "ok"}]}, [1], {"day": "2026-01-05"}):
        (day / "summary.json").write_text(json.dumps(changed))
        before = (day / "index.html").read_bytes()
        run("2026-01-07")
        assert (day / "index.html").read_bytes() == before
        index = (tmp_path / "out/index.html").read_text()
        listed = 'href="2026-01-05/index.html">2026-01-05</a></th>' in index
        assert listed == (changed == {**summary, "format": 0}), "what cannot be read is listed as unfinished"
        assert ("unfinished" in index) != listed


@pytest.mark.slow
def test_the_numbers_are_those_of_the_reports(run: Run, tmp_path: Path) -> None:
    wanted: dict[str, Any] = {"symbols": ("SOL",), "lookbacks": ("24h",)}
    run("2026-01-07T00:00Z", **wanted)
    result = run(UNTIL, **wanted)
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


def test_a_cluster_that_holds_the_last_price_is_neither_above_nor_below(run: Run, tmp_path: Path) -> None:
    entry = run(UNTIL, symbols=("BTCUSDT",), lookbacks=("24h",)).summary["reports"][0]
    price = entry["last_price"]
    around, above, below = (entry[name] for name in ("around", "above", "below"))
    assert around["low"] <= price < around["high"]
    assert around["rank"] == 1  # the largest of all
    assert above["low"] > price
    assert below is None  # the sample's day has a cluster around the price, one above it and none below
    card = (tmp_path / "out/index.html").read_text()
    band = f"{around['low']:,.0f} – {around['high']:,.0f}"
    assert f"<dt>at the price</dt>\n<dd>{band} <small>" in card
    assert card.count(band) == 1
    assert f"| {band} (" in (tmp_path / "out/latest/digest.md").read_text()


def test_the_page_allows_its_style_and_its_pictures_alone(run: Run, tmp_path: Path) -> None:
    run(themes=("light", "dark"))
    out = tmp_path / "out"
    text = (out / "index.html").read_text()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; img-src 'self' data:; style-src 'sha256-{digest}'; base-uri 'none'" in text
    assert "//" not in text.replace(digest, "")  # no address anywhere; a hash may hold two slashes
    pages = json.loads((out / "2026-01-07/summary.json").read_text())["reports"][0]["files"]["pages"]
    assert pages == {"light": "SOLUSDT-1h.html", "dark": "SOLUSDT-1h-dark.html"}
    assert len({(out / "latest" / name).read_bytes() for name in pages.values()}) == 2


def test_days_are_cut_in_the_zone() -> None:
    now = parse_moment("2026-03-29T23:30Z", "now")  # 01:30 on the 30th in Berlin, two hours into summer time
    assert resolve_day("cut", "UTC", now) == resolve_day("2026-03-29T00:00Z", "UTC", now)
    day = resolve_day("cut", "Europe/Berlin", now)
    assert (day.name, day.end_us) == ("2026-03-29", parse_moment("2026-03-29T22:00Z", "end"))
    assert resolve_day("2026-03-29T22:00:01Z", "Europe/Berlin", now).name == "2026-03-30"
    with pytest.raises(UsageError, match="cut, now or a time"):
        resolve_day("latest", "UTC", now)


def test_changes_in_words() -> None:
    assert describe_change(135, 100) == "+35%"
    assert describe_change(95.8, 100, decimals=2) == "-4.20%"
    assert describe_change(100.2, 100) == "±0%"
    assert describe_change(1200, 100) == "× 12"
    assert describe_change(5, 0) is None
    assert describe_change(5, None) is None
