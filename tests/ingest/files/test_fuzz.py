"""The fuzzer's own files are good ones, and a few hundred damaged ones break no rule; ``make fuzz`` tries many more."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
sys.path.insert(0, str(SCRIPTS))
import fuzz  # noqa: E402
import fuzz_inputs  # noqa: E402


@pytest.mark.slow
@pytest.mark.parametrize("case", fuzz_inputs.CASES, ids=lambda case: case.name)
def test_an_undamaged_file_is_stored_twice_alike(case, tmp_path):
    content = case.pack(case.content) if case.pack else case.content
    assert fuzz.run_one(content, case, tmp_path / case.file_name, tmp_path, store=True) == ("stored", None)


@pytest.mark.parametrize("seed", range(5))
def test_damaged_files_break_no_rule(seed, tmp_path):
    cases = [case for case in fuzz_inputs.CASES if case.can_be_read]
    for number in range(60):
        rng = random.Random(f"{seed}-{number}")
        case = cases[number % len(cases)]
        content = fuzz_inputs.make_input(case, rng)
        result, fault = fuzz.run_one(content, case, tmp_path / case.file_name, tmp_path, store=False)
        assert fault is None, (case.name, result, fault)


def test_inputs_are_repeated_by_their_seed():
    case = fuzz_inputs.CASES[0]
    made = [fuzz_inputs.make_input(case, random.Random("7-3")) for _ in range(2)]
    assert made[0] == made[1] != case.content


def test_a_lost_row_is_noticed(tmp_path, monkeypatch):
    """A reader that loses the last row of a file breaks the rule."""
    from liqcli.ingest.files import generic_file, json_records

    original = json_records.csv_rows

    def lossy(lines, layout):
        rows = list(original(lines, layout))
        yield from rows[:-1]

    monkeypatch.setattr(json_records, "csv_rows", lossy)
    monkeypatch.setattr(generic_file, "column_kinds", lambda table, layout: None)
    case = fuzz_inputs.CASES[0]
    result, fault = fuzz.run_one(case.content, case, tmp_path / "a.csv", tmp_path, store=False)
    assert result == "fault"
    assert "4 rows in the file, 3 read" in fault
