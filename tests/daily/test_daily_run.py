"""What a daily run leaves behind."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from conftest import RunCli
from daily_scene import FLAGS, SETTINGS, UNTIL, check_usable, tree

from liqcli.daily import run_daily
from liqcli.daily.cards import describe_change
from liqcli.daily.day import resolve_day
from liqcli.errors import UsageError
from liqcli.lake import Lake
from liqcli.settings import Settings
from liqcli.timespan import parse_moment

pytest_plugins = ("daily_fixtures",)


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
