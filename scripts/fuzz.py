"""Feed damaged files to every import format: none may end in anything but a documented error, and no row may get lost.

``make fuzz`` runs a minute; ``make fuzz ARGS='--inputs 1000000 --seconds 28800'`` a night. A run is repeated by its
seed; an input that breaks a rule is written to ``fuzz-out/`` and the run ends with 1. ``fuzz_guided.py`` lets
atheris look for inputs that reach new lines instead.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz_inputs import CASES, Case, make_input

from liqcli.core.errors import LiqcliError
from liqcli.core.model import Liquidation, Rejected
from liqcli.core.times import now_us
from liqcli.ingest.files.csv_layout import find_layout
from liqcli.ingest.files.formats import open_reader
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.json_records import PEEKED_LINES, open_records
from liqcli.ingest.files.readers import TextLine
from liqcli.ingest.files.row_collector import RowCollector
from liqcli.ingest.progress import Progress
from liqcli.lake.row_blocks import SortedBlock
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY = Path("/dev/shm")  # noqa: S108 - where there is a disk in memory, files cost a tenth
STORED_EVERY = 200  # so many inputs are only read; the next one goes into a lake (a hundred times slower)


class BrokenRuleError(Exception):
    """What was read is not what was taken, refused and stored."""


def check(holds: object, otherwise: str) -> None:
    """See that a rule holds."""
    if not holds:
        raise BrokenRuleError(otherwise)


class NoLake:
    """A staging that only counts: storing costs a hundred times more than reading."""

    def __init__(self) -> None:
        self.count = 0

    def add_block(self, block: SortedBlock) -> None:
        """Take rows."""
        self.count += len(block.rows)


def count_rows(path: Path, case: Case, name: str) -> int | None:
    """
    Count the rows of a file another way than the import does: the lines of a text, whatever is in them.

    None where a row may hold several events or none.
    """
    if not case.one_event_a_row or name not in ("generic", "tardis"):
        return None
    content = path.read_bytes()
    if case.is_text and not case.pack:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        if not text.lstrip().startswith("["):
            lines = [line for line in re.split("\r\n|\r|\n", text) if line.strip()]
            if name == "generic" and lines[0].lstrip().startswith("{"):
                return len(lines)
            head = [TextLine(number, line) for number, line in enumerate(lines[:PEEKED_LINES], 1)]
            return len(lines) - (1 if name == "tardis" else find_layout(head, not case.options.no_header).skip)
    if name == "generic":
        return sum(1 for _ in open_records(path, has_header=not case.options.no_header, table=case.options.table).rows)
    return None


def check_read(path: Path, case: Case) -> str:
    """
    Read a file as an import does, without a lake.

    Raises
    ------
    BrokenRuleError
        Rows read are not rows taken, repeated and refused.
    LiqcliError
        As documented: a file that cannot be used.
    """
    feed = open_reader(path, case.options, now_us())
    staging = NoLake()
    intake = RowCollector(staging, feed.most_copies)  # type: ignore[arg-type]
    seen = Counter[type]()

    def watched() -> Iterable[Liquidation | Rejected | pa.Table]:
        for item in feed.items:
            seen[Rejected if isinstance(item, Rejected) else Liquidation] += getattr(item, "num_rows", 1)
            yield item

    intake.add_all(watched())
    told = sum(wrote.events for wrote in intake.wrote) + intake.repeats + intake.rejected_count
    check(seen.total() == told, f"{seen.total()} items, {told} accounted for")
    check(staging.count == sum(wrote.events for wrote in intake.wrote), "staged is not counted")
    if (rows := count_rows(path, case, feed.format)) is not None:
        check(rows == seen.total(), f"{rows} rows in the file, {seen.total()} read")
    return "read" if seen[Liquidation] else "nothing"


def check_stored(path: Path, case: Case, folder: Path) -> str:
    """
    Import a file into a lake of its own and count what the lake holds.

    Raises
    ------
    BrokenRuleError
        The summary and the lake differ, or a second import changes something.
    LiqcliError
        As documented: a file that cannot be used.
    """
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(dir=folder) as root:
        lake = Lake(Path(root))
        (file,) = import_files(lake, [path], case.options, Progress()).files
        if file.error:
            raise file.error
        kind = "liquidations" if case.can_be_read else case.options.kind.replace("-", "_")
        held = sum(pq.read_metadata(part.path(lake.root)).num_rows for part in lake.partitions(kind))
        check(file.rows == file.new + file.known + file.doubled + file.rejected, f"the summary does not add up: {file}")
        if kind == "liquidations":
            check(file.known == 0, f"{file.known} rows known to an empty lake")
        check(held == file.new, f"{file.new} said to be stored, the lake holds {held}")
        if (rows := count_rows(path, case, file.format)) is not None:
            check(rows == file.rows, f"{rows} rows in the file, {file.rows} accounted for")
        (again,) = import_files(lake, [path], case.options, Progress()).files
        check(again.error is None, f"a second import fails: {again.error}")
        after = sum(pq.read_metadata(part.path(lake.root)).num_rows for part in lake.partitions(kind))
        check(after == held, f"a second import makes {after} of {held} rows")
    return "stored" if held else "nothing"


def run_one(content: bytes, case: Case, path: Path, folder: Path, store: bool) -> tuple[str, str | None]:
    """Try one input; give what became of it, and the fault in words where a rule is broken."""
    path.write_bytes(content)
    try:
        if store:
            return check_stored(path, case, folder), None
        return check_read(path, case), None
    except LiqcliError as error:
        text = str(error)
        fault = None if text and len(text) < 2000 else f"a message of {len(text)} letters: {text[:200]}"
        return f"error {int(error.exit_code)}", fault
    except Exception:
        return "fault", traceback.format_exc()


def run_seeded(seed: int, inputs: int, seconds: float, cases: list[Case], out: Path) -> int:
    """Run mutated inputs of a seed until their number or the time is up; give how many rules were broken."""
    started = time.monotonic()
    became: Counter[str] = Counter()
    faults = count = 0
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as made:
        folder = Path(made)
        while count < inputs and time.monotonic() - started < seconds:
            rng = random.Random(f"{seed}-{count}")
            store = rng.randrange(STORED_EVERY) == 0
            (case,) = rng.choices(cases, [1 if store or case.can_be_read else 0.02 for case in cases])
            content = make_input(case, rng)
            result, fault = run_one(content, case, folder / case.file_name, folder, store or not case.can_be_read)
            became[f"{case.name}: {result}"] += 1
            count += 1
            if fault:
                faults += 1
                out.mkdir(parents=True, exist_ok=True)
                kept = out / f"{seed}-{count - 1}-{case.file_name}"
                kept.write_bytes(content)
                print(f"input {count - 1} ({case.name}), kept as {kept}\n{fault}", flush=True)
    took = time.monotonic() - started
    print(f"seed {seed}: {count:,} inputs in {took:.0f} s ({count / max(took, 0.001):.0f} a second), {faults} faults")
    for line, number in sorted(became.items()):
        print(f"  {number:>9,}  {line}")
    return faults


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60.0, help="stop after so long")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="stop after so many inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--out", type=Path, default=Path("fuzz-out"), help="where inputs that break a rule are kept")
    options = parser.parse_args()
    faulthandler.enable()
    logging.disable(logging.CRITICAL)
    cases = [case for case in CASES if options.only in case.name]
    if not cases:
        print(f"no case is called {options.only!r}; there are: {', '.join(case.name for case in CASES)}")
        return 2
    return 1 if run_seeded(options.seed, options.inputs, options.seconds, cases, options.out) else 0


if __name__ == "__main__":
    sys.exit(main())
