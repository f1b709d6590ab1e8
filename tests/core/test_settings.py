"""``liqcli.toml``: what it may say, what each mistake is answered with, where it is found."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from conftest import RunCli

from liqcli.core import environment
from liqcli.core.errors import UsageError
from liqcli.core.settings import Alerts, Settings, find_settings
from liqcli.core.settings_file import read_settings

FULL = """
symbols = ["sol-usdt-swap", "BTC", "SOLUSDT"]
exchanges = ["Gate", "okx"]
sources = "gate"
lookbacks = ["1440m", "7d", "24h"]
out = "reports"
lake = "/data/lake"
metrics = "liqcli.prom"
themes = ["light", "dark"]
palette = "magma"
scale = "percentile"
retention_days = 0
preview = false
levels = false
time_zone = "Europe/Berlin"
until = "now"
fetch = false
[alerts]
cluster_usd = 5_000_000
cascade_usd = 1e7
distance_pct = 2
exit_code = 10
notify = ["json://user:hush@host"]
[keys]
tardis = "TD.hush"
"""


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "liqcli.toml"
    path.write_text(text)
    return read_settings(path)


def test_every_key(tmp_path: Path) -> None:
    assert read(tmp_path, FULL) == Settings(
        symbols=("SOLUSDT", "BTC"),
        exchanges=("gate", "okx"),
        sources=("gate",),
        lookbacks=("24h", "7d"),
        out=tmp_path / "reports",
        lake=Path("/data/lake"),
        themes=("light", "dark"),
        palette="magma",
        scale="percentile",
        retention_days=0,
        time_zone="Europe/Berlin",
        until="now",
        fetch=False,
        preview=False,
        levels=False,
        metrics=tmp_path / "liqcli.prom",
        alerts=Alerts(5e6, 1e7, 2.0, 10, ("json://user:hush@host",)),
        keys={"tardis": "TD.hush"},
        path=tmp_path / "liqcli.toml",
    )
    assert read(tmp_path, 'theme = "light"').themes == ("light",)


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    assert "hush" not in repr(read(tmp_path, FULL))
    for text in ("[alerts]\nnotify = [1, 'x://hush']", "[keys]\ntardis = ['hush']"):
        with pytest.raises(UsageError) as caught:
            read(tmp_path, text)
        assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('symbol = ["SOL"]', r"unknown setting 'symbol'; did you mean symbols\?"),
        ("[alert]\ncluster_usd = 1", r"unknown setting 'alert'; did you mean alerts"),
        ("[alerts]\ncluster = 1", r"\[alerts\] unknown setting 'cluster'; did you mean cluster_usd\?"),
        ("symbols = []", "symbols: the list is empty"),
        ("symbols = [1]", r"symbols: \[1\] is not a list of texts"),
        ('symbols = ["SOL/USDT"]', "spot market"),
        ('symbols = ["../../etc/passwd"]', "is not a contract name"),
        ('symbols = ["<script>alert(1)</script>"]', "is not a contract name"),
        ('symbols = ["`x`|"]', "is not a contract name"),
        ('lookbacks = ["24"]', "lookbacks: '24' is not a length of time"),
        ('themes = ["drak"]', r"invalid themes 'drak' \(choose auto, dark or light\); did you mean dark\?"),
        ('theme = "dark"\nthemes = ["dark"]', "keep one"),
        ('palette = "jet"', "invalid palette 'jet'"),
        ("scale = 3", "invalid scale 3"),
        ('until = "latest"', "invalid until 'latest' \\(choose cut or now\\)"),
        ("retention_days = -1", "retention_days: -1 is not a whole number from 0"),
        ("retention_days = true", "retention_days: True is not a whole number"),
        ('time_zone = "Europe/Berln"', r"did you mean Europe/Berlin"),
        ('time_zone = "../etc"', "unknown time zone"),
        ('fetch = "no"', "fetch: 'no' is neither true nor false"),
        ('out = ""', "out: '' is not a text"),
        ('out = "a\\nb"', r"out: 'a\\nb' holds a line break or control character"),
        ('lake = "a\\u0000b"', r"lake: 'a\\x00b' holds a line break or control character"),
        ('out = "~nobody-has-this-name/x"', "out: '~nobody-has-this-name/x': there is no such user"),
        ('time_zone = "/etc/localtime"', "unknown time zone"),
        ('time_zone = "Europe"', "unknown time zone"),
        ('symbols = ["\\u001b[31mSOL"]', r"'\\x1b\[31mSOL' is not a contract name"),
        ('symbols = ["SOL\\"; DROP TABLE x"]', "is not a contract name"),
        ('"<script>" = 1', "unknown setting '<script>'"),
        ('"\\u001b[31m" = 1', r"unknown setting '\\x1b\[31m'"),
        ("[alerts]\nexit_code = 0.0", "exit_code: 0.0 is not a whole number"),
        ("[alerts]\nexit_code = false", "exit_code: False is not a whole number"),
        ("alerts = 3", r"alerts: write it as a table, \[alerts\]"),
        ("[alerts]\ncluster_usd = 0", r"\[alerts\] cluster_usd: 0 is not a number above 0"),
        ("[alerts]\ncluster_usd = nan", r"cluster_usd: nan is not a number above 0"),
        ("[alerts]\nexit_code = 6", r"exit_code: 6 is not a whole number from 7 to 125"),
        ("[alerts]\ncluster_usd = inf", "cluster_usd: inf is not a number above 0"),
        ("[alerts]\nexit_code = 126", r"\[alerts\] exit_code: 126 is not a whole number from 7 to 125"),
        ("[alerts]\nnotify = 3", r"\[alerts\] notify: it is not a list of texts"),
        ("[keys]\ntardis = ''", r"\[keys\] tardis: not a text"),
        ("keys = 3", r"keys: write it as a table, \[keys\]"),
        ('"a` - at `$.b" = 1', r"unknown setting 'a` - at `\$\.b'"),
        ("symbols = [", "not TOML"),
    ],
)
def test_mistakes_name_the_file_and_the_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'liqcli.toml'}: ")
    assert "\n" not in str(caught.value).replace(text, "")


def test_where_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, home = tmp_path / "here", tmp_path / "config"
    (home / "liqcli").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    assert find_settings(None) is None
    assert read_settings(None) == Settings()
    for path in (home / "liqcli/liqcli.toml", here / "liqcli.toml"):  # each goes before the last
        path.touch()
        assert find_settings(None) == path
    named = tmp_path / "mine.toml"
    monkeypatch.setenv("LIQCLI_CONFIG", str(named))
    with pytest.raises(UsageError, match="LIQCLI_CONFIG: there is no file"):
        find_settings(None)
    named.touch()
    assert find_settings(None) == named
    assert find_settings(here / "liqcli.toml") == here / "liqcli.toml"
    with pytest.raises(UsageError, match=r"--config: there is no file .*/no.toml"):
        find_settings(tmp_path / "no.toml")


def test_keys_and_lake_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "liqcli.toml").write_text(FULL)
    monkeypatch.chdir(tmp_path)
    assert environment.source_key("tardis") == "TD.hush"
    assert environment.source_key("gate") is None
    monkeypatch.setenv("LIQCLI_KEY_TARDIS", "first")
    assert environment.source_key("tardis") == "first"
    assert environment.lake_root(None) == tmp_path / "lake", "LIQCLI_LAKE goes first"
    monkeypatch.delenv("LIQCLI_LAKE")
    assert environment.lake_root(None) == Path("/data/lake")
    assert environment.lake_root(Path("other")) == Path("other")


def test_every_command_sees_the_lake_of_the_file(run_cli: RunCli, tmp_path: Path) -> None:
    """Who keeps the daily run's lake elsewhere would otherwise look into an empty one, and fetch into a second."""
    (tmp_path / "liqcli.toml").write_text('lake = "kept"\n')
    for words in (("status",), ("verify",)):
        done = run_cli(*words, cwd=tmp_path, env={"LIQCLI_LAKE": ""}, check=0)
        assert f"the lake {tmp_path / 'kept'} is empty" in done.stderr


def test_init_writes_what_the_defaults_are(run_cli: RunCli, tmp_path: Path) -> None:
    path = tmp_path / "liqcli.toml"
    assert run_cli("init", check=0).stdout == f"{path}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    bare = read_settings(path)
    assert (bare.out, bare.path) == (tmp_path / "reports", path)
    lines = path.read_text().splitlines()
    shown = [line.removeprefix("# ") for line in lines if " = " in line and not line.startswith("# ...")]
    defaults = [
        line for line in shown if line.split(" = ")[0] not in ("address", "lake", "metrics", "notify", "tardis")
    ]
    path.write_text("\n".join(line for line in defaults if not line.startswith(("cluster", "cascade", "dist", "exit"))))
    assert Settings(out=tmp_path / "reports", path=path) == read_settings(path), "the comments show the defaults"
    done = run_cli("init", check=2)
    assert "liqcli init --force replaces it" in done.stderr
    run_cli("init", "--force", check=0)
    assert path.read_text().splitlines() == lines


def test_a_mistake_stops_the_daily_run_before_anything(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "liqcli.toml").write_text('out = "out"\nlookback = ["24h"]')
    done = run_cli("daily", check=2)
    assert "did you mean lookbacks" in done.stderr
    (tmp_path / "liqcli.toml").write_text('out = "out"\nexchanges = ["gaet"]')
    assert "liqcli.toml: unknown exchange 'gaet'; did you mean gate" in run_cli("daily", check=2).stderr
    (tmp_path / "liqcli.toml").write_text('out = "out"\nsources = ["../gate\\u001b[2J"]')
    assert r"liqcli.toml: unknown source '../gate\x1b[2j'; did you mean gate" in run_cli("daily", check=2).stderr
    (tmp_path / "liqcli.toml").write_text('out = "out"\n[keys]\ntards = "x"')
    assert "did you mean tardis" in run_cli("daily", check=2).stderr
    assert not (tmp_path / "out").exists()
