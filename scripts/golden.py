"""
Record every output of liqcli on fixed inputs, and compare a later version with the record.

``golden.py record FILE`` runs about 300 commands on the embedded sample and on the recorded market data
(``LIQCLI_REAL_DATA``, where set), with the clock frozen, and stores exit code, stdout, stderr and the SHA-256 of every
file that each command wrote, the files of the lake included. The contents are kept in ``FILE.outputs``.
``golden.py compare FILE`` runs them again, prints what differs, keeps old and new side by side in ``golden-diff`` and
exits with 1. ``golden.py list`` prints the commands. A change that must not alter behaviour is recorded before and
compared after it.

Folders are replaced by ``<work>``, ``<root>`` and ``<data>``, and lines of progress are left out. ``record`` (live
streams) depends on the real clock; the tests compare that.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import hashlib
import importlib
import json
import multiprocessing
import os
import pkgutil
import re
import shutil
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

NOW_US = 1_795_910_400_000_000  # 2026-11-29T00:00Z, the clock of every run
PRELOAD = "duckdb numpy.ma pyarrow.parquet requests jinja2 matplotlib.backends.backend_agg PIL.PngImagePlugin"
PICTURES = ("heatmap", "cascades", "cumulative", "open-interest")
DAYS = ("--since", "2024-12-04T16:00Z", "--until", "2024-12-06T19:00Z")
PROGRESS = re.compile(rb"[^\n]*(?:% read,| of [0-9,]+ windows)[^\n]*\n")  # how many such lines depends on the time
DEAD_URL = "http://127.0.0.1:9"  # the discard port: nothing answers

Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """
    One run of liqcli.

    ``lake`` is the folder of the lake below ``lakes/``. A case that ``writes`` the lake runs in its turn, the files of
    the lake are then part of its record; all others run in parallel and write below ``out/<name>/``.
    """

    name: str
    args: tuple[str, ...]
    lake: str = "sample"
    writes: bool = False
    columns: int = 120
    prepare: Callable[[Path], None] | None = None
    settings: str = ""
    with_servers: bool = False
    env: dict[str, str] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------ the commands


def list_cases(data: Path | None) -> list[Case]:
    """List all cases, those that fill a lake first; without recorded data only those of the sample."""
    market = ("--exchange", "binance", "--kind", "candles,open-interest")
    cases = [
        Case("lake/sample", ("demo", "-o", "lakes/sample-demo"), "sample-demo", writes=True),
        Case("lake/fetched", _fetch_args("--source", "gate,htx"), "fetched", writes=True, with_servers=True),
        Case("lake/fetched-market", _fetch_args(*market), "fetched", writes=True, with_servers=True),
        Case("lake/fetched-again", _fetch_args("--source", "gate,htx"), "fetched", writes=True, with_servers=True),
        Case("lake/damaged", ("verify",), "damaged", writes=True, prepare=_damage_a_lake),
    ]
    cases += [
        *_window_cases("sample-btc-24h", "sample", "BTCUSDT", ("--lookback", "24h", "--until", "latest"), options=True),
        *_window_cases("sample-eth-7d", "sample", "ETHUSDT", ("--lookback", "7d", "--until", "latest")),
        *_window_cases("sample-sol-all", "sample", "SOL", ("--lookback", "4h", "--until", "2026-01-10T12:00Z")),
        *_lake_cases("sample"),
        *_lake_cases("fetched"),
        *_lake_cases("damaged"),
        *_daily_cases("sample", ("BTCUSDT", "SOLUSDT"), "2026-01-10T00:00Z"),
        *_general_cases(),
    ]
    return cases + (list(_recorded_cases(data)) if data else [])


def _recorded_cases(data: Path) -> Iterator[Case]:
    december, january = data / "binance-btcusdt-2024-12", data / "binance-allsymbols-2025-01"
    pacifica, mixed = data / "pacifica-2026-03", data / "multi-venue-eth-2026-04-03"
    candles = ("--kind", "candles", "--exchange", "binance")
    interest = ("--kind", "open-interest", "--exchange", "binance")
    columns = ("--columns", "ts=time_utc,symbol=symbol,position=position,price=price,qty=amount_base")

    def load(lake: str, name: str, path: Path, *options: str) -> Case:
        return Case(f"import/{lake}-{name}", ("import", str(path), *options), lake, writes=True)

    def load_candles(lake: str, path: Path) -> Case:
        symbol = path.name.split("_")[3 if path.name.startswith("candles") else 4]
        kind = candles if path.name.startswith("candles") else interest
        return load(lake, path.name.split(".")[0], path, *kind, "--symbol", symbol)

    yield load("december", "orders", december / "liquidation_orders.csv")
    yield load("december", "orders-again", december / "liquidation_orders.csv")
    yield load("december", "frames", december / "forceorder.jsonl")
    yield load_candles("december", december / "candles_binance_spot_BTCUSDT_1m.csv.gz")
    yield load("january", "all", january / "liquidations.csv")
    for symbol in ("BTC", "ETH"):
        yield load_candles("january", january / f"candles_binance_spot_{symbol}USDT_1m.csv.gz")
    yield load("pacifica", "events", pacifica / "events_utc.csv.gz", "--exchange", "pacifica", *columns)
    for path in sorted(pacifica.glob("[co]*_binance_*.csv.gz")):
        yield load_candles("pacifica", path)
    yield load("mixed", "events", mixed / "events_utc.csv")
    yield load("messages", "tardis-frames", data / "messages/tardis-node/bybit.jsonl")
    for path in sorted((data / "messages/recorded").glob("*.json*")):
        yield load("messages", path.stem, path)
    yield from _window_cases("december", "december", "BTCUSDT", DAYS, options=True)
    yield from _window_cases("december-5th", "december", "BTCUSDT", ("--lookback", "24h", "--until", "2024-12-06"))
    yield from _window_cases("january-ach", "january", "ACHUSDT", ("--lookback", "24h", "--until", "2025-01-28T00:00Z"))
    yield from _window_cases("january-btc", "january", "BTC", ("--lookback", "7d", "--until", "latest"))
    month = ("--since", "2026-03-15", "--until", "2026-04-16T07:00Z")
    yield from _window_cases("pacifica-eth", "pacifica", "ETH", month)
    yield from _window_cases("pacifica-btc-7d", "pacifica", "BTC", ("--lookback", "7d", "--until", "2026-04-08T00:00Z"))
    yield from _window_cases("mixed-eth", "mixed", "ETHUSDT", ("--lookback", "24h", "--until", "latest"))
    for lake in ("december", "january", "pacifica", "mixed", "messages"):
        yield from _lake_cases(lake)
    yield from _daily_cases("december", ("BTCUSDT",), "2024-12-06T00:00Z")
    yield from _daily_cases("pacifica", ("BTC", "ETH"), "2026-04-08T00:00Z")


def _window_cases(name: str, lake: str, symbol: str, window: Sequence[str], options: bool = False) -> Iterator[Case]:
    """Every output of one window; with ``options`` also what each option changes."""
    base = ("-s", symbol, *window)

    def draw(what: str, *args: str) -> Case:
        return Case(f"{name}/{what}", ("heatmap", *base, *args), lake)

    forms = [word for ending in ("html", "md", "json", "csv", "parquet", "png") for word in ("-o", f"@/map.{ending}")]
    yield draw("forms", *forms)
    for theme in ("dark", "light") if options else ("light",):
        yield draw(f"html-{theme}", "--theme", theme, "-o", "@/map.html")
        for picture in PICTURES:
            yield draw(f"{picture}-{theme}", "--theme", theme, "--picture", picture, "-o", f"@/{picture}.png")
    for command in ("clusters", "cascades"):
        for form in ("table", "json", "csv"):
            for columns in (80, 120) if form == "table" else (120,):
                yield Case(
                    f"{name}/{command}-{form}-{columns}", (command, *base, "--format", form), lake, False, columns
                )
    yield Case(f"{name}/cascades-picture", ("cascades", *base, "-o", "@/cascades.png"), lake)
    if not options:
        return
    variants = {
        "long": ("--position", "long"), "count": ("--by", "count"), "qty": ("--by", "qty"),
        "market": ("--price", "market"), "linear": ("--scale", "linear"), "percentile": ("--scale", "percentile"),
        "viridis": ("--palette", "viridis"), "cividis": ("--palette", "cividis"), "half-life": ("--half-life", "6h"),
        "bins": ("--bins", "40"), "bucket": ("--bucket", "30m"), "min-usd": ("--min-usd", "20000"),
        "clusters": ("--min-share", "0.1", "--max-clusters", "3"), "exchange": ("--exchange", "binance"),
    }  # fmt: skip
    for what, args in variants.items():
        yield draw(f"with-{what}", *args, "-o", "@/map.json", "-o", "@/map.md", "-o", "@/map.png")
    yield draw("with-size", "--size", "2400x1500", "-o", "@/map.png")
    yield draw("with-stamp", "--stamp", "-o", "@/map.html", "-o", "@/map.md")


def _lake_cases(lake: str) -> Iterator[Case]:
    for command in ("status", "verify"):
        for form in ("table", "json", "csv"):
            for columns in (80, 120) if form == "table" else (120,):
                yield Case(f"{lake}/{command}-{form}-{columns}", (command, "--format", form), lake, columns=columns)


def _daily_cases(lake: str, symbols: Sequence[str], until: str) -> Iterator[Case]:
    text = f'symbols = {json.dumps(symbols)}\nlookbacks = ["24h", "7d"]\nfetch = false\nthemes = ["auto", "light"]\n'
    text += "[alerts]\ncluster_usd = 100_000\ncascade_usd = 100_000\n"

    args = ("daily", "--config", "@/liqcli.toml", "--out", "@/reports", "--no-fetch", "--until", until)
    yield Case(f"daily/{lake}", args, lake, settings=text)


def _general_cases() -> Iterator[Case]:
    yield Case("help", ("--help",), columns=100)
    yield Case("version", ("--version",))
    commands = "fetch import record heatmap daily init schedule clusters cascades status verify sources demo"
    for command in commands.split():
        yield Case(f"help/{command}", (command, "--help"), columns=100)
    for form in ("table", "json"):
        yield Case(f"sources/{form}", ("sources", "--format", form))
    yield Case("sources/narrow", ("sources",), columns=80)
    for source in ("gate", "okx", "binance-vision", "bybit"):
        yield Case(f"sources/{source}", ("sources", source))
    yield Case("init", ("init", "--config", "@/liqcli.toml"))
    yield Case("schedule", ("schedule", "--out", "reports"))
    mistakes = {
        "no-symbol": ("heatmap",), "no-output": ("heatmap", "-s", "BTC"),
        "unknown-symbol": ("heatmap", "-s", "BTCUSTD", "--until", "latest", "-o", "@/a.md"),
        "empty-window": ("heatmap", "-s", "BTCUSDT", "--until", "2020-01-01", "-o", "@/a.md"),
        "bad-time": ("heatmap", "-s", "BTC", "--since", "soon", "-o", "@/a.md"),
        "bad-ending": ("heatmap", "-s", "BTCUSDT", "--until", "latest", "-o", "map.pdf"),
        "bad-source": ("fetch", "--source", "gato"), "bad-record": ("record", "--exchange", "okx"),
        "bad-kind": ("fetch", "--kind", "trades"), "no-file": ("import", "nothing.csv"),
        "offline": ("fetch", "--source", "gate", "--symbol", "BTCUSDT", "--lookback", "2h", "--quiet"),
        "bad-settings": ("daily", "--config", "missing.toml"),
    }  # fmt: skip
    for what, args in mistakes.items():
        yield Case(f"mistake/{what}", args, env={"LIQCLI_URL_GATE": DEAD_URL})


def _fetch_args(*options: str) -> tuple[str, ...]:
    window = ("--since", "2026-11-26T00:13Z", "--until", "2026-11-26T05:13Z")
    return ("fetch", "--symbol", "BTCUSDT,ETHUSDT", *window, *options, "--format", "json")


def _damage_a_lake(work: Path) -> None:
    """Copy the sample and cut a file in half, so that ``verify`` has something to report."""
    target = work / "lakes/damaged"
    shutil.copytree(work / "lakes/sample", target)
    path = sorted(target.rglob("liquidations/**/*.parquet"))[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


# ------------------------------------------------------------------------------------------------ running


def preload() -> None:
    """Import everything once, so that a forked run starts at once."""
    import liqcli

    for name in PRELOAD.split():
        importlib.import_module(name)
    for module in pkgutil.walk_packages(liqcli.__path__, "liqcli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def freeze_clock() -> None:
    """Replace ``now_us`` in every module of liqcli that has it."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("liqcli", "loopback") and hasattr(module, "now_us"):
            module.now_us = lambda: NOW_US  # type: ignore[attr-defined]


def run_case(case: Case, work: Path, blobs: Path) -> tuple[str, Record]:
    """Run one case in a process of its own and describe what came out."""
    folder = work / "out" / case.name
    folder.mkdir(parents=True)
    if case.settings:
        (folder / "liqcli.toml").write_text(case.settings, encoding="utf-8")
    if case.prepare:
        case.prepare(work)
    args = [word.replace("@/", f"out/{case.name}/") for word in case.args]
    env = {
        "COLUMNS": str(case.columns), "LIQCLI_LAKE": f"lakes/{case.lake}", "HOME": str(work / "home"),
        "LANG": "C.UTF-8",
        "XDG_CONFIG_HOME": str(work / "config"), "XDG_STATE_HOME": str(work / "state"), "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT), "TZ": "UTC",
    }  # fmt: skip
    with serve(case.with_servers) as urls, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            _become(args, env | case.env | urls, work, out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0)
        err.seek(0)
        streams = {"stdout": out.read(), "stderr": PROGRESS.sub(b"", err.read())}
    if case.with_servers:  # sources answer in any order
        streams["stderr"] = b"".join(sorted(streams["stderr"].splitlines(keepends=True)))
    written = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    if case.writes:
        root = work / "lakes" / case.lake
        written |= {f"lake/{path.relative_to(root).as_posix()}": path for path in _files(root)}
    keep = partial(_keep, blobs, work)
    files = {name: keep(path.read_bytes()) for name, path in sorted(written.items())}
    return case.name, {
        "args": list(case.args),
        "exit": code,
        **{key: keep(text) for key, text in streams.items()},
        "files": files,
    }


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith((".lock", ".sqlite")))


def _keep(blobs: Path, work: Path, content: bytes) -> str:
    """Store a content under its SHA-256, with the folders of this run replaced, and return that."""
    data = os.environ.get("LIQCLI_REAL_DATA") or "<data>"
    for folder, name in ((str(work), b"<work>"), (str(ROOT), b"<root>"), (data, b"<data>")):
        content = content.replace(folder.encode(), name)
    digest = hashlib.sha256(content).hexdigest()
    path = blobs / digest
    if not path.exists():
        path.with_suffix(f".{os.getpid()}").write_bytes(zlib.compress(content, 1))
        path.with_suffix(f".{os.getpid()}").rename(path)
    return digest


def _become(args: list[str], env: dict[str, str], work: Path, out: int, err: int) -> NoReturn:
    code = 1
    try:
        for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
            os.dup2(stream, number)
        os.chdir(work)
        os.environ.clear()
        os.environ.update(env)
        time.tzset()
        freeze_clock()
        main: Any = sys.modules["__main__"]
        main.__package__ = "liqcli"
        sys.argv = [str(ROOT / "liqcli/__main__.py"), *args]
        importlib.import_module("liqcli.cli").main()
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for text in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                text.flush()
        os._exit(code)


@contextlib.contextmanager
def serve(wanted: bool) -> Iterator[dict[str, str]]:
    """Run the loopback exchanges of a case in another process, and give the variables that point liqcli at them."""
    if not wanted:
        yield {}
        return
    from_child, to_parent = os.pipe()
    stop_child, stop = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(stop)
        _serve_until_closed(to_parent, stop_child)
    os.close(to_parent)
    os.close(stop_child)
    with open(from_child) as pipe:
        urls = json.loads(pipe.readline())
    try:
        yield urls
    finally:
        os.close(stop)
        os.waitpid(pid, 0)


def _serve_until_closed(to_parent: int, stop: int) -> NoReturn:
    try:
        time.time = lambda: NOW_US / 1e6
        truth, market, venues = (importlib.import_module(f"loopback.{name}") for name in ("truth", "market", "venues"))
        freeze_clock()
        start_ms = NOW_US // 1000 - 3 * 86_400_000 + 13 * 60_000
        events = [
            truth.Event(start_ms + n * 61_007, "long" if n % 3 else "short", 7 + n % 50, Decimal(60_000 + n * 7 % 400))
            for n in range(280)
        ]
        sizes = {"BTC": "0.001", "ETH": "0.01"}
        with contextlib.ExitStack() as stack:
            gate = venues.GateServer({f"{c}_USDT": events for c in sizes}, {f"{c}_USDT": s for c, s in sizes.items()})
            htx = venues.HtxServer({f"{c}-USDT": events for c in sizes}, {f"{c}-USDT": s for c, s in sizes.items()})
            urls = {
                f"LIQCLI_URL_{name}": stack.enter_context(server).url
                for name, server in (("GATE", gate), ("HTX", htx), ("BINANCE", market.BinanceMarket()))
            }
            rates = {key.replace("URL", "RATE"): "unlimited" for key in urls}
            dead = {
                f"LIQCLI_URL_{name}": DEAD_URL for name in ("BINANCE_VISION", "CRYPTOHFTDATA", "TARDIS", "BYBIT", "OKX")
            }
            os.write(to_parent, json.dumps(urls | rates | dead).encode() + b"\n")
            os.read(stop, 1)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def run_all(names: str, blobs: Path, jobs: int) -> dict[str, Record]:
    """Run the cases whose names fit a pattern; those that fill lakes always run, first and in order."""
    data = os.environ.get("LIQCLI_REAL_DATA")
    cases = list_cases(Path(data) if data else None)
    if not data:
        print("LIQCLI_REAL_DATA is not set: only the embedded sample is run", file=sys.stderr)
    blobs.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="liqcli-golden-"))
    os.environ["MPLCONFIGDIR"] = str(work / "matplotlib")
    preload()
    try:
        first = [case for case in cases if case.writes]
        chains: dict[str, list[Case]] = {}
        for case in first[5:]:
            chains.setdefault(case.lake, []).append(case)
        results = dict(_run_chain(first[:1], work, blobs))
        (work / "lakes/sample").symlink_to(_find_lake(work / "lakes/sample-demo"))
        rest = [case for case in cases if not case.writes and fnmatch.fnmatch(case.name, names)]
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            run_chain = partial(_run_chain, work=work, blobs=blobs)
            for made in pool.map(run_chain, [first[1:4], first[4:5], *chains.values()], chunksize=1):
                results.update(made)
            for made in pool.imap_unordered(run_chain, [[case] for case in rest]):
                results.update(made)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for name in ("cli.md", "sources.md"):
        results[f"docs/{name}"] = {"exit": 0, "files": {name: _keep(blobs, work, (ROOT / "docs" / name).read_bytes())}}
    return dict(sorted(results.items()))


def _run_chain(chain: Sequence[Case], work: Path, blobs: Path) -> dict[str, Record]:
    return dict(run_case(case, work, blobs) for case in chain)


def _find_lake(folder: Path) -> Path:
    """Find the lake in the folder that ``liqcli demo`` filled."""
    return next(path.parent for path in sorted(folder.rglob("liquidations")) if path.is_dir())


# ------------------------------------------------------------------------------------------------ comparing


def compare(old: dict[str, Record], new: dict[str, Record], old_blobs: Path, new_blobs: Path, folder: Path) -> int:
    """Print every difference, copy both versions into a folder, and return the number of cases that differ."""
    shutil.rmtree(folder, ignore_errors=True)
    differing = 0
    for name in sorted(old.keys() | new.keys()):
        before, after = (_flatten(record.get(name, {})) for record in (old, new))
        changed = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
        differing += bool(changed)
        for key in changed:
            print(f"{name}: {key}: {_describe(before.get(key))} -> {_describe(after.get(key))}")
            for side, value, blobs in (("old", before.get(key), old_blobs), ("new", after.get(key), new_blobs)):
                if value and (blobs / value).is_file():
                    path = folder / side / name / key
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(zlib.decompress((blobs / value).read_bytes()))
    return differing


def _flatten(record: Record) -> dict[str, str]:
    flat = {key: str(record[key]) for key in ("exit", "stdout", "stderr") if key in record}
    files: dict[str, str] = record.get("files", {})
    return flat | files


def _describe(value: str | None) -> str:
    return "none" if value is None else value[:10]


def main() -> int:
    """Record, compare or list."""
    parser = argparse.ArgumentParser(description="Record the outputs of liqcli and compare them later.")
    parser.add_argument("action", choices=("record", "compare", "list"))
    parser.add_argument("file", type=Path, nargs="?", default=Path("golden.json"))
    parser.add_argument("--only", default="*", help="run only the cases of this name pattern: 'december/*'")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--diff", type=Path, default=Path("golden-diff"), help="folder for differing outputs")
    chosen = parser.parse_args()
    if chosen.action == "list":
        data = os.environ.get("LIQCLI_REAL_DATA")
        for case in list_cases(Path(data) if data else None):
            print(f"{case.name:40} liqcli {' '.join(case.args)}")
        return 0
    began = time.monotonic()
    blobs = chosen.file.with_name(f"{chosen.file.name}.outputs")
    if chosen.action == "record":
        shutil.rmtree(blobs, ignore_errors=True)
        results = run_all(chosen.only, blobs, chosen.jobs)
        chosen.file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(f"recorded {len(results)} cases in {time.monotonic() - began:.0f} s: {chosen.file}")
        return 0
    old = json.loads(chosen.file.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="liqcli-golden-new-") as made:
        results = run_all(chosen.only, Path(made), chosen.jobs)
        if chosen.only != "*":
            old = {name: record for name, record in old.items() if name in results}
        differing = compare(old, results, blobs, Path(made), chosen.diff)
    print(f"{len(results)} cases in {time.monotonic() - began:.0f} s, {differing} differ")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
