"""Fixtures of all tests: an empty lake, the sample, the program run as a user runs it, recorded data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plain_pictures
import pytest
from filelock import FileLock
from fork_server import ForkClient, ForkServers, needs_new_interpreter, skip_fsync
from sail import start_sail

from liqcli.lake.store import Lake
from liqcli.net.host_health import network

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class CliResult:
    """Result of one run of the program: stdout carries data, stderr everything else."""

    exit_code: int
    stdout: str
    stderr: str


RunCli = Callable[..., CliResult]
FORK_SERVERS = pytest.StashKey[ForkServers]()


@pytest.fixture(autouse=True)
def _no_liqcli_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's own lake, keys, mirrors and fonts cache, and what other tests could reach, out of a test."""
    network.forget()
    for name in list(os.environ):
        if name.startswith("LIQCLI_") and name != "LIQCLI_REAL_DATA":
            monkeypatch.delenv(name)
    monkeypatch.delenv("COLUMNS", raising=False)  # tables are cut to it
    monkeypatch.setenv("LIQCLI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session", autouse=True)
def _no_fsync() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", skip_fsync)
        yield


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """The folder of an empty lake (it does not exist yet); ``run_cli`` uses the same one."""
    return tmp_path / "lake"


def make_once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Lake], object]) -> Path:
    """Fill a lake once for all workers of a test run; its folder is only to be read."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not folder.exists():
            filling = shared / f"{name}-filling"
            shutil.rmtree(filling, ignore_errors=True)
            fill(Lake(filling / "lake"))
            filling.rename(folder)
    return folder / "lake"


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lake with the synthetic sample: only to be read."""
    from liqcli.demo import fill_lake

    return make_once(tmp_path_factory, "sample", fill_lake)


@pytest.fixture(scope="session")
def sail() -> Iterator[str]:
    """The address of a Spark Connect server, Sail on one machine; skips where its packages are not installed."""
    with start_sail() as address:
        yield address


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], Path]:
    """``imported(text, lake)`` puts what ``liqcli import`` makes of a CSV file there; each text is imported once."""
    from liqcli.ingest.files.importer import import_files
    from liqcli.ingest.files.options import ImportOptions

    made: dict[str, Path] = {}

    def fill(text: str, lake: Path) -> Path:
        if text not in made:
            folder = tmp_path_factory.mktemp("imported")
            (folder / "events.csv").write_text(text)
            import_files(Lake(folder / "lake"), [folder / "events.csv"], ImportOptions())
            made[text] = folder / "lake"
        return Path(shutil.copytree(made[text], lake))

    return fill


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start the fork servers once for all workers of a test run."""
    stash = node.config.stash
    if FORK_SERVERS not in stash:
        stash[FORK_SERVERS] = ForkServers(cli_environment(Path("unused")))
    node.workerinput["fork_servers"] = stash[FORK_SERVERS].addresses


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the fork servers."""
    if FORK_SERVERS in config.stash:
        config.stash[FORK_SERVERS].close()


@pytest.fixture(scope="session")
def fork_client(request: pytest.FixtureRequest) -> ForkClient:
    """Runs the program by forking processes that have everything imported; without xdist, they start here."""
    config = request.config
    if hasattr(config, "workerinput"):
        return ForkClient(config.workerinput["fork_servers"])
    config.stash[FORK_SERVERS] = ForkServers(cli_environment(Path("unused")))
    return ForkClient(config.stash[FORK_SERVERS].addresses)


@pytest.fixture
def empty_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave pictures empty, also those of ``run_cli``, unless a test is marked ``drawn``: a page takes a third."""
    if has_empty_pictures(request):
        plain_pictures.skip_drawing(monkeypatch.setattr)


def has_empty_pictures(request: pytest.FixtureRequest) -> bool:
    """Return True if a test uses ``empty_pictures`` and is not marked ``drawn``."""
    return "empty_pictures" in request.fixturenames and request.node.get_closest_marker("drawn") is None


@pytest.fixture
def run_cli(request: pytest.FixtureRequest, tmp_path: Path, fork_client: ForkClient) -> RunCli:
    """
    Run ``python -m liqcli ARGS`` in a process of its own, in a folder of its own.

    ``run_cli("status", env={"LIQCLI_THREADS": "1"}, cwd=..., check=0)``: ``env`` is added to the environment, ``check``
    is the expected exit code (None: any), ``stdin`` what the program may read. ``cold`` starts a new interpreter in
    place of a fork of a process that has everything imported (see fork_server.py).
    """

    def run(
        *args: object,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
        check: int | None = None,
        timeout_s: float = 120,
        cold: bool = False,
    ) -> CliResult:
        words, plain = list(map(str, args)), has_empty_pictures(request)
        environment = cli_environment(tmp_path / "lake", env)
        if cold or needs_new_interpreter(env or {}):
            done = subprocess.run(
                [sys.executable, "-m", "liqcli", *words],
                input=stdin,
                capture_output=True,
                text=True,
                encoding="utf-8",
                env=environment,
                cwd=cwd or tmp_path,
                timeout=timeout_s,
                check=False,
            )
            result = CliResult(done.returncode, done.stdout, done.stderr)
        else:
            result = CliResult(*fork_client.run(words, environment, cwd or tmp_path, stdin, timeout_s, plain))
        assert check is None or result.exit_code == check, f"liqcli {' '.join(map(str, args))}: {result}"
        return result

    return run


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of recorded market data, for local tests only; without it the test is skipped."""
    named = os.environ.get("LIQCLI_REAL_DATA")
    if not named:
        pytest.skip("LIQCLI_REAL_DATA is not set: recorded market data are not part of the repository")
    folder = Path(named).expanduser().resolve()
    if not (folder / "expected.json").is_file():
        pytest.skip(f"LIQCLI_REAL_DATA: {folder} has no expected.json")
    return folder


# Columns of recorded files whose layout has to be stated.
RECORDED = {
    "pacifica-2026-03/events_utc.csv.gz": {
        "exchange": "pacifica",
        "columns": "ts=time_utc,symbol=symbol,position=position,price=price,qty=amount_base",
    },
    "multi-venue-eth-2026-04-03/events_utc.csv": {
        "columns": "ts=event_ms,exchange=exchange,symbol=symbol,position=position,price=price,qty=amount_base",
    },
}


@pytest.fixture(scope="session")
def recorded(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``recorded("binance-btcusdt-2024-12/forceorder.jsonl")``: a lake with one recorded file: only to be read."""
    from liqcli.ingest.files.importer import import_files
    from liqcli.ingest.files.options import ImportOptions

    def find(name: str) -> Path:
        options = ImportOptions(**RECORDED.get(name, {}))
        key = name.replace("/", "-")
        return make_once(
            tmp_path_factory, f"recorded-{key}", lambda lake: import_files(lake, [real_data / name], options)
        )

    return find


def cli_environment(lake: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a run: no LIQCLI_* but the lake, this checkout's code, plain UTF-8 text 100 columns wide."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQCLI_")}
    fixed = {
        "LIQCLI_LAKE": str(lake),
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    for forcing in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
        kept.pop(forcing, None)
    return {**kept, **fixed, **(extra or {})}
