"""How long work shows how far it is: bars on a terminal, lines elsewhere, nothing with ``--quiet``."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from liqcli.cli.options import STATE, say

if TYPE_CHECKING:
    from liqcli.ingest.fetch.progress import Progress
    from liqcli.ingest.files.progress import ImportProgress


def show_progress() -> AbstractContextManager[Progress]:
    """Choose how progress is shown; enter it for as long as the work lasts."""
    if not STATE.quiet and _is_terminal():
        from liqcli.cli.progress_bars import ProgressBars

        return ProgressBars()
    from liqcli.ingest.fetch.progress import Progress

    return nullcontext(Progress(say))


def show_import() -> AbstractContextManager[ImportProgress]:
    """Choose how the progress of an import is shown; enter it for as long as the work lasts."""
    if not STATE.quiet and _is_terminal():
        from liqcli.cli.progress_bars import ImportBar

        return ImportBar()
    from liqcli.ingest.files.progress import ImportProgress

    return nullcontext(ImportProgress(say))


def _is_terminal() -> bool:
    """Whether stderr is a screen on which lines can be drawn anew; FORCE_COLOR makes no file one."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
