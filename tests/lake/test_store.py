"""The lake: no duplicates, no losses, and readers never see half a file."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import (
    HOUR,
    MINUTE,
    T0,
    at,
    covered,
    fill_lake,
    make_liquidation,
    make_window,
    read_rows,
    snapshot,
)

from liqcli.core.errors import DamagedError, ExitCode, LakeError, UsageError
from liqcli.core.model import Rejected
from liqcli.lake.partitions import Partition, month_of, months_of
from liqcli.lake.store import Lake

FILE = "liquidations/exchange=gate/symbol=SOLUSDT/month=2026-03/gate.parquet"


def replace(lake, rows, *windows):
    lake.replace_window("gate", "SOLUSDT", "gate", [covered(*w) for w in windows], rows)


def prices(lake):
    return [row.price for row in read_rows(lake)]


# ------------------------------------------------------------------ replace_window


def test_a_window_fetched_again_changes_no_byte(lake):
    store = Lake(lake)
    rows = [make_liquidation(T0 + k, price=100 + k % 3) for k in range(50)]
    replace(store, rows, (T0, T0 + HOUR))
    before = snapshot(lake)
    assert list(before) == [FILE, "windows/exchange=gate/symbol=SOLUSDT/gate.json"]
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        replace(store, rows, (T0, T0 + HOUR))
    assert snapshot(lake) == before


def test_rows_come_back_exactly_as_they_went_in(lake):
    whole = make_liquidation(
        T0 + 123_457, price=0.00002105, qty=0.1 + 0.2, notional=1 / 3, position="short", price_kind="bankruptcy",
        contracts=7.0, contract_size=0.01, completeness="sampled", event_id="ü'\"<x>", instrument="SOL-USDT",
    )  # fmt: skip
    bare = make_liquidation(T0 + 123_458)
    replace(Lake(lake), [bare, whole], (T0, T0 + HOUR))
    assert read_rows(Lake(lake)) == [whole, bare]
    schema = pq.read_schema(lake / FILE)
    assert schema.names == [
        "ts", "instrument", "position", "price", "price_kind", "qty", "notional", "contracts", "contract_size",
        "completeness", "event_id", "source",
    ]  # fmt: skip
    assert schema.field("ts").type == pa.timestamp("us")
    assert schema.field("price").type == pa.float64()


def test_a_newer_answer_replaces_inside_and_keeps_outside(lake):
    store = Lake(lake)
    old = [make_liquidation(T0 + hour * HOUR, price=100 + hour) for hour in range(4)]
    replace(store, old, (T0, T0 + 4 * HOUR))
    # Hours 1 and 2 again: the start is inside, the end is not.
    replace(store, [make_liquidation(T0 + 2 * HOUR - 1, price=500)], (T0 + HOUR, T0 + 3 * HOUR))
    assert prices(store) == [100, 500, 103]


def test_identical_rows_are_kept_and_not_multiplied(lake):
    store = Lake(lake)
    rows = [make_liquidation(T0 + 5)] * 3 + [make_liquidation(T0 + 5, qty=2)]
    for _ in range(2):
        replace(store, rows, (T0, T0 + HOUR))
        assert [r.qty for r in read_rows(store)] == [1, 1, 1, 2]


def test_empty_answer_removes_rows_and_file_but_is_logged(lake):
    store = Lake(lake)
    replace(store, [make_liquidation()], (T0, T0 + HOUR))
    replace(store, [], (T0, T0 + HOUR))
    assert not (lake / FILE).exists()
    assert store.partitions() == []
    assert list(store.read_fetch_log("gate", "SOLUSDT", "gate").covered()) == [(T0, T0 + HOUR)]


def test_an_empty_answer_takes_only_its_own_rows(lake):
    store = Lake(lake)
    replace(store, [make_liquidation(), make_liquidation(T0 + HOUR, price=7)], (T0, T0 + 2 * HOUR))
    replace(store, [], (T0, T0 + HOUR))
    assert prices(store) == [7]


def test_a_window_over_a_month_end_divides_at_midnight(lake):
    store = Lake(lake)
    april = at("2026-04-01")
    rows = [make_liquidation(april + offset, price=10 + k) for k, offset in enumerate((-HOUR, -1, 0, HOUR - 1))]
    replace(store, rows, (april - HOUR, april + HOUR))
    assert [(p.month, pq.read_metadata(p.path(lake)).num_rows) for p in store.partitions()] == [
        ("2026-03", 2),
        ("2026-04", 2),
    ]
    # Only the last microsecond of March and the first of April again.
    replace(store, [make_liquidation(april, price=99)], (april - 1, april + 1))
    assert prices(store) == [10, 99, 13]
    before = snapshot(lake)
    replace(store, [make_liquidation(april, price=99)], (april - 1, april + 1))
    assert snapshot(lake) == before


def test_an_event_on_the_end_of_its_window_is_not_stored(lake):
    replace(Lake(lake), [make_liquidation(T0), make_liquidation(T0 + HOUR, price=3)], (T0, T0 + HOUR))
    assert prices(Lake(lake)) == [100]


def test_several_windows_in_one_answer(lake):
    rows = [make_liquidation(T0 + hour * HOUR, price=100 + hour) for hour in range(3)]
    replace(Lake(lake), rows, (T0, T0 + HOUR), (T0 + 2 * HOUR, T0 + 3 * HOUR))
    assert prices(Lake(lake)) == [100, 102]


def test_months_of_a_window():
    assert months_of(make_window("2025-12-31T23:59:59.999999", "2026-01-01")) == ["2025-12"]
    assert months_of(make_window("2025-11-30T23:00", "2026-02-01T00:00:00.000001")) == [
        "2025-11", "2025-12", "2026-01", "2026-02",
    ]  # fmt: skip
    assert month_of(at("2026-02-28T23:59:59.999999")) == "2026-02"
    assert month_of(at("2026-03-01T00:59:59+01:00")) == "2026-02"


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "x;DROP", "<script>", "", ".", "..", "a b", "a=b", "x\0y", "é/..", "a\nb"]
)
def test_hostile_names_are_rejected_and_write_nothing(lake, name):
    lake.mkdir()
    for change in ({"exchange": name}, {"symbol": name}, {"source": name}):
        with pytest.raises(UsageError, match="is not a valid name in the lake"):
            fill_lake(lake, [make_liquidation(**change)])
    with pytest.raises(UsageError):
        Lake(lake).replace_window("gate", name, "gate", [covered(T0, T0 + 1)], [make_liquidation()])
    assert snapshot(lake.parent) == {}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../../etc/passwd", "-..-etc-passwd.jsonl"),
        ("a b/c.csv", "a-b-c.csv.jsonl"),
        ("...", "rows.jsonl"),
        ("", "rows.jsonl"),
        ("<script>;x", "-script--x.jsonl"),
        ("\udcff.csv", "-.csv.jsonl"),  # a Linux name that is no UTF-8
        ("x" * 300, "x" * 200 + ".jsonl"),
        ("漢" * 120, "漢" * 66 + ".jsonl"),  # 3 bytes each, and a name has at most 255
    ],
)
def test_rejected_rows_get_a_harmless_name(lake, name, file):
    rejected = [Rejected("in.csv", 3, "price is not a number", "x,\ud800,ü\n"), Rejected("\udcff", 4, "r", "")]
    path = Lake(lake).write_rejected(name, rejected)
    assert path == lake / "rejected" / file
    assert list(snapshot(lake.parent)) == [f"lake/rejected/{file}"]
    assert [Rejected(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()] == rejected
    Lake(lake).write_rejected(name, rejected[:1])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize("name", ["a [b] c", "x*z", "q'uo\"te", "ünï", "p%20c", "a=b", "{a,b}", "$x", "exchange=foo"])
def test_a_lake_may_lie_in_a_folder_of_any_name(tmp_path, name):
    """``x*z`` as a pattern would also match its neighbour ``xyz``, and mix two lakes."""
    fill_lake(tmp_path / "xyz", [make_liquidation(price=1)])
    store = fill_lake(tmp_path / name, [make_liquidation(price=2)])
    replace(store, [make_liquidation(T0 + HOUR, price=3)], (T0 + HOUR, T0 + 2 * HOUR))
    assert prices(store) == [2, 3]


def test_files_that_lie_elsewhere_in_the_lake_are_no_partitions(lake):
    store = fill_lake(lake, [make_liquidation()])
    for stray in ("liquidations/exchange=gate/copy.parquet", "liquidations/exchange=gate/symbol=X/copy.parquet"):
        (lake / stray).parent.mkdir(exist_ok=True)
        (lake / stray).write_bytes((lake / FILE).read_bytes())
    (lake / FILE).with_name(".gate.parquet.123.tmp").write_bytes(b"half")
    assert store.partitions() == [Partition("liquidations", "gate", "SOLUSDT", "2026-03", "gate")]


def test_find_takes_symbols_months_and_exchanges(lake):
    rows = [
        make_liquidation(T0),
        make_liquidation("2026-04-01"),
        make_liquidation(T0, symbol="BTCUSD"),
        make_liquidation(T0, exchange="okx", source="okx"),
    ]
    store = fill_lake(lake, rows)
    assert store.symbols() == ["BTCUSD", "SOLUSDT"]
    assert store.exchanges() == ["gate", "okx"]

    def found(*arguments, **named):
        return [(p.exchange, p.month) for p in store.find("liquidations", ["SOLUSDT"], *arguments, **named)]

    assert found() == [("gate", "2026-03"), ("gate", "2026-04"), ("okx", "2026-03")]
    assert found(make_window("2026-03-01", "2026-04-01")) == [("gate", "2026-03"), ("okx", "2026-03")]
    assert found(make_window("2026-04-01", "2026-04-02")) == [("gate", "2026-04")]
    assert found(exchanges=["okx"]) == [("okx", "2026-03")]


def test_contract_sizes_are_added_to_those_known(lake):
    store = Lake(lake)
    assert store.read_contracts("okx") == {}
    store.write_contracts("okx", {"SOL-USDT-SWAP": 1.0, "BTC-USDT-SWAP": 0.01})
    store.write_contracts("okx", {"SOL-USDT-SWAP": 10.0})
    assert store.read_contracts("okx") == {"SOL-USDT-SWAP": 10.0, "BTC-USDT-SWAP": 0.01}
    for text in ("{", "[1]", '{"a": "x"}', "\xff"):
        (lake / "contracts/okx.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(DamagedError, match=r"contracts/okx\.json.*delete it"):
            store.read_contracts("okx")


# ------------------------------------------------------------------ damage


def damage_footer(content):
    return content[:-20] + b"\0" * 16 + content[-4:]


def damage_pages(content):
    """Everything between the magic word and the footer: what is left says the right things about wrong bytes."""
    footer = int.from_bytes(content[-8:-4], "little") + 8
    return content[:4] + b"\xaa" * (len(content) - 4 - footer) + content[-footer:]


def other_columns(_content):
    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1, 2]}), out)
    return out.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "damage",
    [damage_footer, damage_pages, other_columns, lambda c: c[: len(c) // 2], lambda c: b"", lambda c: b"<html>"],
    ids=["footer", "pages", "columns", "truncated", "empty", "html"],
)
def test_a_damaged_target_is_named_and_left_alone(lake, damage):
    store = fill_lake(lake, [make_liquidation(T0 + k) for k in range(100)])
    path = lake / FILE
    path.write_bytes(damage(path.read_bytes()))
    before = snapshot(lake)
    with pytest.raises(DamagedError, match=r"month=2026-03/gate\.parquet") as caught:
        replace(store, [make_liquidation()], (T0, T0 + 50))  # half of the old rows stay, and must be read
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == ExitCode.DAMAGED
    with pytest.raises(DamagedError):
        fill_lake(lake, [make_liquidation()])
    assert snapshot(lake) == before


# ------------------------------------------------------------------ a disk that says no


def refuse(number):
    def fail(*_args, **_named):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("owner", "name", "number", "words"),
    [
        (Path, "replace", errno.EACCES, "Permission denied"),
        (Path, "replace", errno.EROFS, "Read-only file system"),
        (os, "fsync", errno.ENOSPC, "No space left on device"),
        (Path, "mkdir", errno.EACCES, "Permission denied"),
    ],
)
def test_failing_disk_is_reported_in_one_line_and_old_data_stay(lake, monkeypatch, owner, name, number, words):
    store = fill_lake(lake, [make_liquidation()])
    before = snapshot(lake)
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, refuse(number))
        with pytest.raises(LakeError) as caught:
            replace(store, [make_liquidation(T0 + 5)], (T0, T0 + HOUR))
        with pytest.raises(LakeError):
            store.write_rejected("x", [Rejected("f", 1, "r", "")])
    assert str(caught.value) == f"{lake}: cannot write the lake ({words}); its previous contents are unchanged"
    assert snapshot(lake) == before
    replace(store, [make_liquidation(T0 + 5)], (T0, T0 + HOUR))  # and the lock is free again
    assert [row.ts_us for row in read_rows(store)] == [T0 + 5]


@pytest.mark.slow
def test_a_full_disk_while_parquet_is_written(lake, monkeypatch):
    """A file-size limit is the one full disk that a test can make: the engine's own write fails half way."""
    fill_lake(lake, [make_liquidation()])
    before = snapshot(lake)
    program = f"""
import resource, signal, sys
sys.path[:0] = {sys.path!r}
from factories import *
from liqcli.core.errors import LakeError
rows = [make_liquidation(T0 + k * k, price=100 + k / 7) for k in range(20_000)]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    fill_lake(Path({str(lake)!r}), rows)
except LakeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1, done.stderr
    assert "cannot write the lake" in done.stdout
    assert "unchanged" in done.stdout
    assert snapshot(lake) == before


def test_a_file_where_the_lake_should_be(tmp_path):
    (tmp_path / "lake").write_text("mine")
    with pytest.raises(LakeError, match=r"cannot write the lake \((File exists|Not a directory)\)"):
        replace(Lake(tmp_path / "lake"), [make_liquidation()], (T0, T0 + HOUR))
    assert (tmp_path / "lake").read_text() == "mine"
    assert Lake(tmp_path / "lake").partitions() == []


def test_a_folder_where_the_file_should_be(lake):
    (lake / FILE / "x").mkdir(parents=True)
    with pytest.raises((LakeError, DamagedError), match=r"lake"):
        replace(Lake(lake), [make_liquidation()], (T0, T0 + HOUR))
    assert (lake / FILE / "x").is_dir()


def test_unchanged_content_is_not_written_again(lake):
    store = Lake(lake)
    path = lake / "contracts" / "okx.json"
    store.write_contracts("okx", {"A": 1.0})
    os.utime(path, (1, 1))
    store.write_contracts("okx", {"A": 1.0})
    assert path.stat().st_mtime == 1


# ------------------------------------------------------------------ several writers, and one that dies


def write_rounds(root, symbol, worker, rounds, together):
    store = Lake(Path(root))
    together.wait(60)
    for k in range(rounds):
        start = T0 + (3 * k + worker) * MINUTE
        row = make_liquidation(start, symbol=symbol, price=1000 * (worker + 1) + k)
        store.replace_window("gate", symbol, "gate", [covered(start, start + MINUTE, "complete", 1)], [row])


def test_three_processes_write_at_once(lake):
    """Two of them write to the same file."""
    rounds, symbols = 10, ("SOLUSDT", "SOLUSDT", "BTCUSD")
    spawn = multiprocessing.get_context("spawn")
    given = (rounds, spawn.Barrier(len(symbols)))
    workers = [spawn.Process(target=write_rounds, args=(str(lake), s, k, *given)) for k, s in enumerate(symbols)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    found = sorted((row.symbol, row.price) for row in read_rows(Lake(lake)))
    assert found == sorted((s, 1000.0 * (k + 1) + n) for k, s in enumerate(symbols) for n in range(rounds))
    for k, symbol in enumerate(symbols):
        memory = Lake(lake).read_fetch_log("gate", symbol, "gate")
        assert sum(item.events or 0 for item in memory.windows) == rounds * symbols.count(symbol)
        assert memory.missing(make_window(T0 + k * MINUTE, T0 + (k + 1) * MINUTE)) == []


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_a_readable_lake(lake):
    """Each batch is 500 rows of one hour; after SIGKILL every stored hour is complete, no logged one is missing."""
    program = f"""
import sys
sys.path[:0] = {sys.path!r}
from factories import *
store = Lake(Path({str(lake)!r}))
for hour in range(int(sys.argv[1]), 10_000):
    rows = [make_liquidation(T0 + hour * HOUR + k, price=100 + k) for k in range(500)]
    window = covered(T0 + hour * HOUR, T0 + (hour + 1) * HOUR, "complete", 500)
    store.replace_window("gate", "SOLUSDT", "gate", [window], rows)
    print(hour, flush=True)
"""
    shuffler = random.Random(11)
    done = 0
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", program, str(done)], stdout=subprocess.PIPE, text=True)
        done = int(writer.stdout.readline()) + 1
        time.sleep(shuffler.random() * 0.1)
        writer.send_signal(signal.SIGKILL)
        done = max([done, *(int(line) + 1 for line in writer.stdout.read().split())])
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
        store = Lake(lake)
        rows = read_rows(store)
        assert len(rows) in (500 * done, 500 * (done + 1))  # the batch under way is there whole, or not at all
        assert {r.ts_us // HOUR for r in rows} >= {T0 // HOUR + hour for hour in range(done)}
        assert store.read_fetch_log("gate", "SOLUSDT", "gate").missing(make_window(T0, T0 + done * HOUR)) == []
    row = make_liquidation("2026-12-01")
    Lake(lake).replace_window("gate", "SOLUSDT", "gate", [covered("2026-12-01", "2026-12-02")], [row])
    assert row in read_rows(Lake(lake))


def test_what_killed_writers_left_is_swept_up(lake):
    """A temporary beside its target, and a spill folder of a process that is gone."""
    store = fill_lake(lake, [make_liquidation(T0)])
    (target,) = [p.path(lake) for p in store.partitions()]
    left = target.with_name(f".{target.name}.999999999.tmp")
    left.write_bytes(b"half")
    spilled = lake / ".staging" / "999999999-abc"
    spilled.mkdir(parents=True)
    (spilled / "0.parquet").write_bytes(b"half")
    fill_lake(lake, [make_liquidation(T0 + HOUR)])
    assert not left.exists()
    assert not spilled.exists()
    assert sorted(p.name for p in target.parent.iterdir()) == [target.name]
