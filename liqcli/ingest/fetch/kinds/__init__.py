"""
Kinds of data that a fetch gets, one module each.

A module describes its kind (:class:`~liqcli.ingest.fetch.tasks.Kind`) and lists the targets of a run. To add a
kind: write its module, list it below and in ``core.choices``, and write the modules of its sources.
"""

from __future__ import annotations

from collections.abc import Callable

from liqcli.ingest.fetch.kinds import (
    candles,
    liquidation_targets,
    liquidation_totals,
    margin_tiers,
    open_interest,
    positions,
)
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.tasks import Scope, Target

KINDS: dict[str, Callable[[Scope, Scheduler], list[Target]]] = {
    "liquidations": liquidation_targets.list_targets,
    "candles": candles.list_targets,
    "open-interest": open_interest.list_targets,
    "margin-tiers": margin_tiers.list_targets,
    "liquidation-totals": liquidation_totals.list_targets,
    "positions": positions.list_targets,
}
