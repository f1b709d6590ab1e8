"""
Time ``liqcli fetch`` of many independent windows against what latency alone costs.

A test server on loopback takes 50 ms for every answer. The ideal is that time by the number of requests, over as many
as liqcli may have under way at once: no program that keeps to the same concurrency can be faster. Every window holds a
liquidation, so that none has to be asked for twice. The server runs in this process, the fetch in one of its own; what
it costs to start Python is in its time, and the span between the first request and the last one is shown beside it.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LATENCY_S = 0.050
DAYS = 10
SYMBOLS = ("BTCUSDT", "ETHUSDT")  # 480 windows of an hour
HOUR_MS = 3_600_000


def bench_fetch(out: Path, runs: int, environment: dict[str, str], python: str) -> None:
    """Fetch ten days of two symbols from a server like Gate's into an empty lake, again and again."""
    sys.path.insert(0, str(ROOT / "tests"))  # the servers of the tests; not checked for types, as tests are not
    make_event = import_module("loopback.truth").Event
    make_server = import_module("loopback.venues").GateServer

    from liqcli.net.rate_limit import MOST_AT_ONCE

    end_ms = int(time.time() * 1000) // HOUR_MS * HOUR_MS - 48 * HOUR_MS
    start_ms = end_ms - DAYS * 24 * HOUR_MS
    hours = range(start_ms, end_ms, HOUR_MS)
    events = [make_event(ts + HOUR_MS // 2, "long", 3, Decimal("95000.5")) for ts in hours]
    sizes = {symbol.replace("USDT", "_USDT"): "0.0001" for symbol in SYMBOLS}
    window = ("--since", _iso(start_ms), "--until", _iso(end_ms))
    command = [python, "-m", "liqcli", "fetch", "--source", "gate", "--symbol", ",".join(SYMBOLS), *window, "--quiet"]
    whole, spans = [], []
    for number in range(runs + 1):
        lake = out / "fetch-lake"
        shutil.rmtree(lake, ignore_errors=True)
        with make_server(dict.fromkeys(sizes, events), sizes, latency_s=LATENCY_S) as server:
            own = {
                "LIQCLI_LAKE": str(lake),
                "LIQCLI_URL_GATE": server.url,
                "LIQCLI_RATE_GATE": "unlimited",
                "XDG_STATE_HOME": str(out / "state"),
            }
            taken = _time(command, environment | own)
            asked = list(server.asked)
        ideal = len(asked) * LATENCY_S / MOST_AT_ONCE
        span = asked[-1].at_s - asked[0].at_s + LATENCY_S
        if number:
            whole.append(taken / ideal)
            spans.append(span / ideal)
            asking = f"{len(asked)} requests at {1e3 * LATENCY_S:.0f} ms, {MOST_AT_ONCE} at once"
            took = f"process {taken:.2f}, first request to last answer {span:.2f}"
            print(f"  fetch: {asking}: ideal {ideal:.2f}, {took}")
    print(f"  {'median ratio of the whole process':<44} {statistics.median(whole):.2f}")
    print(f"  {'median ratio from first request to last':<44} {statistics.median(spans):.2f}")


def _time(command: Sequence[object], environment: dict[str, Any]) -> float:
    start = time.perf_counter()
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")
    return taken


def _iso(ts_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(ts_ms / 1000))
