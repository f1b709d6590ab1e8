"""Two programs fetch into one lake at once and are killed at random: one more run, and the lake equals a clean one."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import cli_environment
from loopback.scenes import WINDOW, be_swift, gate_server, htx_server, parquet_bytes, point
from loopback.server import Loopback

from liqcli.core.errors import ExitCode
from liqcli.core.formatting import format_iso
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES

SYMBOLS = ("BTCUSDT", "ETHUSDT")
SOURCES = ("gate", "htx")
# What two programs ask for at once: all the same, different symbols, or different sources.
PAIRS = [
    ((SYMBOLS, SOURCES), (SYMBOLS, SOURCES)),
    ((SYMBOLS[:1], SOURCES), (SYMBOLS[1:], SOURCES)),
    ((SYMBOLS, SOURCES[:1]), (SYMBOLS, SOURCES[1:])),
    ((SYMBOLS, SOURCES), (SYMBOLS[:1], SOURCES[:1])),
]


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_two_at_once_with_kills(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rounds: int) -> None:
    rng = random.Random(20261122)
    be_swift(monkeypatch)
    with gate_server(latency_s=0.01) as gate, htx_server(latency_s=0.01) as htx:
        point(monkeypatch, gate=gate.url, htx=htx.url)
        servers = (gate, htx)
        assert fetch(Lake(tmp_path / "clean"), WINDOW, SYMBOLS, SOURCES).exit_code == ExitCode.DONE
        clean, whole = parquet_bytes(tmp_path / "clean"), _count(servers)
        assert len(clean) == 4
        ends: list[int] = []
        number = 0
        while number < rounds or not set(ends) - {0}:  # at least one was interrupted
            lake = tmp_path / f"lake-{number}"
            ends += _round(lake, rng, PAIRS[number % len(PAIRS)], servers, whole)
            began = time.time()
            assert fetch(Lake(lake), WINDOW, SYMBOLS, SOURCES).exit_code == ExitCode.DONE
            assert parquet_bytes(lake) == clean, f"round {number}"
            _check_tidy(lake, began)
            number += 1
    if rounds > 10:
        assert min(ends.count(-signal.SIGKILL), ends.count(int(ExitCode.INTERRUPTED)), ends.count(0)) >= 3, ends


def _round(
    lake: Path,
    rng: random.Random,
    pair: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...],
    servers: tuple[Loopback, Loopback],
    whole: int,
) -> list[int]:
    """Start two programs, send each a signal after some requests (or too late); gives how they ended."""
    env = {f"LIQCLI_URL_{name.upper()}": server.url for name, server in zip(SOURCES, servers, strict=True)}
    env |= {f"LIQCLI_RATE_{name.upper()}": "unlimited" for name in SOURCES}
    before = _count(servers)
    programs = []
    for share, (symbols, sources) in zip((0.4, 1.3), pair, strict=True):
        words = ["fetch", "--kind", "liquidations", "--symbol", ",".join(symbols), "--source", ",".join(sources)]
        words += ["--since", format_iso(WINDOW.start_us), "--until", format_iso(WINDOW.end_us), "--quiet"]
        program = subprocess.Popen(
            [sys.executable, "-m", "liqcli", *words],
            env=cli_environment(lake, env),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        sign = rng.choice([signal.SIGKILL, signal.SIGTERM])
        after, late_s = before + rng.randrange(1, int(whole * share)), rng.uniform(0, 0.06)
        threading.Thread(
            target=_interrupt, args=(program, sign, lambda n=after: _count(servers) >= n, late_s), daemon=True
        ).start()
        programs.append(program)
    ends = []
    for program in programs:
        said = program.communicate(timeout=120)[1].decode()
        # -SIGTERM: it came before the fetch began, or when all was stored.
        assert program.returncode in (0, ExitCode.INTERRUPTED, -signal.SIGKILL, -signal.SIGTERM), said
        assert "Traceback" not in said
        ends.append(program.returncode)
    return ends


def _interrupt(program: subprocess.Popen[bytes], sign: int, when: Callable[[], bool], late_s: float) -> None:
    while program.poll() is None and not when():
        time.sleep(0.002)
    time.sleep(late_s)
    program.send_signal(sign)  # does nothing where the program has ended


def _count(servers: tuple[Loopback, Loopback]) -> int:
    return sum(len(server.asked) for server in servers)


def _check_tidy(lake: Path, began: float) -> None:
    """Every file is intact, everything is logged as complete, and no leftovers of killed writers remain."""
    assert verify_lake(Lake(lake), KNOWN_SOURCES).issues == []
    for source in SOURCES:
        for symbol in SYMBOLS:
            assert Lake(lake).read_fetch_log(source, symbol, source).missing(WINDOW) == []
    left = [path for path in lake.rglob("*") if path.name.endswith(".tmp") or ".staging" in path.parts[:-1]]
    assert [path for path in left if path.stat().st_mtime < began] == []
