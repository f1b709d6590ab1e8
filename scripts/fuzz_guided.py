"""Fuzz the import by coverage: atheris keeps inputs that reach new lines of liqcli, and changes them further.

``.venv/bin/python -m pip install atheris`` first (it has wheels for some systems only, so it is no requirement); then
``.venv/bin/python scripts/fuzz_guided.py --seconds 600``. An input that breaks a rule ends the run and is kept.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description="Fuzz the import by coverage, with atheris.")
    parser.add_argument("--seconds", type=int, default=60, help="stop after so long")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="stop after so many inputs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("fuzz-out"), help="where an input that breaks a rule is kept")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print("needs atheris: .venv/bin/python -m pip install atheris", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["liqcli"]):
        import liqcli.ingest.files.formats
        import liqcli.ingest.files.importer  # noqa: F401 - what is imported here is watched
    import fuzz
    import fuzz_inputs

    logging.disable(logging.CRITICAL)
    cases = [case for case in fuzz_inputs.CASES if case.can_be_read]
    folder = Path(tempfile.mkdtemp(dir=fuzz.MEMORY if fuzz.MEMORY.is_dir() else None))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, case in enumerate(cases):
        content = case.pack(case.content) if case.pack else case.content
        (corpus / case.name).write_bytes(bytes([number]) + content)

    def try_one(content: bytes) -> None:
        """Try an input; its first byte picks the format."""
        if not content:
            return
        case = cases[content[0] % len(cases)]
        _result, fault = fuzz.run_one(content[1:], case, folder / case.file_name, folder, store=False)
        if fault:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"guided-{case.file_name}").write_bytes(content[1:])
            raise RuntimeError(fault)

    words = (f"-runs={options.inputs}", f"-max_total_time={options.seconds}", f"-seed={options.seed}", "-max_len=8192")
    atheris.Setup([sys.argv[0], str(corpus), *words], try_one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
