"""
Time ``liqcli daily`` from a filled lake against the bare drawing of the same pictures.

Five symbols by three lookbacks. The reference has every array ready (it reads them from one file), imports matplotlib
once, draws the pictures that the daily run drew, each of them, and saves them; nothing else. Both are timed as whole
processes, and once more inside one process, where neither pays for its start. CPU seconds stand beside the wall's: on a
busy machine they say more, on two idle cores the wall does, since a daily run computes while it draws.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

SYMBOLS = {"BTCUSDT": "XRPUSDT", "ETHUSDT": "DOGEUSDT", "SOLUSDT": None}  # of the sample, and under which name again
SETTINGS = """
symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT"]
lookbacks = ["4h", "24h", "7d"]
out = "reports"
lake = "lake"
fetch = false
"""
UNTIL = "2026-01-12"  # the end of the sample week
RECORD = """
import pickle, sys, time
from pathlib import Path
from liqcli.report import figures
from liqcli.daily import run_daily
from liqcli.lake.store import Lake
from liqcli.core.settings_file import read_settings
settings = read_settings(Path(sys.argv[1]))
drawn, draw = [], figures.draw_figure
def note(*wanted):
    figure = draw(*wanted)
    if figure:
        drawn.append(wanted)
    return figure
def run():
    run_daily(settings, Lake(settings.lake), sys.argv[2], lambda text: None, lambda text: None)
figures.draw_figure = note
run()
figures.draw_figure = draw
Path(sys.argv[3]).write_bytes(pickle.dumps(drawn))
def clocks():
    return time.perf_counter(), time.process_time()
for _ in range(int(sys.argv[4])):
    marks = [clocks()]
    run()
    marks.append(clocks())
    for number, wanted in enumerate(drawn):
        Path(sys.argv[3]).with_name(f"{number}.png").write_bytes(draw(*wanted).png)
    marks.append(clocks())
    print(*(after - before for a, b in zip(marks, marks[1:]) for before, after in zip(a, b)), flush=True)
"""
BARE = """
import pickle, sys
from pathlib import Path
from liqcli.report.figures import draw_figure
ready = Path(sys.argv[1])
for number, wanted in enumerate(pickle.loads(ready.read_bytes())):
    ready.with_name(f"{number}.png").write_bytes(draw_figure(*wanted).png)
"""

Command = Sequence[object]
Times = tuple[float, float]  # wall and CPU [s]


def bench_daily(out: Path, runs: int, environment: dict[str, str], python: str) -> None:
    """Make the lake and the ready arrays, then time both sides in turn, as processes and inside one."""
    folder = out / "daily"
    folder.mkdir()
    fill(folder, environment, python)
    settings, ready = folder / "liqcli.toml", folder / "ready.pickle"
    settings.write_text(SETTINGS, encoding="utf-8")
    inside = [python, "-c", RECORD, settings, UNTIL, ready, runs]
    said = subprocess.run(list(map(str, inside)), env=environment, capture_output=True, text=True, check=True).stdout
    daily = [python, "-m", "liqcli", "daily", "--config", settings, "--until", UNTIL, "--quiet"]
    bare = [python, "-c", BARE, ready]
    pairs = [(_time(daily, environment), _time(bare, environment)) for _ in range(runs + 1)][1:]
    _tell("daily, 5 symbols x 3 lookbacks: processes", pairs)
    lines = [list(map(float, line.split())) for line in said.splitlines()]
    _tell("daily, 5 symbols x 3 lookbacks: inside one", [((a, b), (c, d)) for a, b, c, d in lines])


def _time(command: Command, environment: dict[str, str]) -> Times:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(list(map(str, command)), env=environment, capture_output=True, check=True)
    taken = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _tell(name: str, pairs: Sequence[tuple[Times, Times]]) -> None:
    for number, clock in enumerate(("wall", "CPU")):
        both = [(daily[number], bare[number]) for daily, bare in pairs]
        shown = "  ".join(f"{daily:.2f}/{bare:.2f}" for daily, bare in both)
        median = statistics.median(daily / bare for daily, bare in both)
        print(f"  {name} {clock:<4} daily/bare drawing {shown}   median ratio {median:.2f}")


def fill(folder: Path, environment: dict[str, str], python: str) -> None:
    """Store the sample, and two of its symbols under other names."""
    command = [python, "-m", "liqcli", "demo", "--quiet", "-o", str(folder / "demo")]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    lake = (folder / "demo/lake").rename(folder / "lake")
    for symbol, again in SYMBOLS.items():
        for path in sorted(lake.glob(f"*/*/symbol={symbol}")) if again else ():
            shutil.copytree(path, path.with_name(f"symbol={again}"))
