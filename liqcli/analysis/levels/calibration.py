"""Estimate the leverage weights from realized liquidations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.lots import DEFAULT_LEVERAGES, SIDES, Lots
from liqcli.analysis.levels.steps import Steps
from liqcli.analysis.levels.walk import Walk, walk_forward

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Mean of four published mixes (5x, 10x, 20x or 25x, 50x, 100x): .15 .30 .25 .20 .10; .10 .20 .30 .25 .15; - .30 .35 .25
# .10; .20 .35 .30 .15 -. None of them is measured.
DEFAULT_WEIGHTS = dict(zip(DEFAULT_LEVERAGES, (0.1125, 0.2875, 0.30, 0.2125, 0.0875), strict=True))
LEAST_EVENTS = 200  # in the training stretch
LEAST_OF_SIDE = 50  # of them on each side
LEAST_EXPOSURE = 0.01  # of the loss of all tiers: a tier that price hardly reached keeps its default weight
WALKS = 5  # the losses depend on the weights a little: what is lost opens anew
UPDATES = 200  # multiplicative updates after each walk


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    Leverage weights, and how they were found.

    ``weights``, shape ``(2, n_leverages)``, rows summing to 1; ``calibrated`` is False for the default weights, then
    ``reason`` says why. ``scale``, shape ``(2,)``: realized USD per USD that the model lost in the training stretch,
    NaN when not calibrated. ``events`` realized in it, from ``start_us`` to ``end_us`` [µs UTC].
    """

    weights: Floats
    calibrated: bool
    reason: str
    scale: Floats
    events: int
    start_us: int
    end_us: int


def default_weights(leverages: Floats) -> Floats:
    """Return the default weights of the leverages, shape (2, n_leverages), rows summing to 1."""
    row = np.array([DEFAULT_WEIGHTS.get(float(leverage), 0.0) for leverage in leverages])
    row = row / row.sum() if row.sum() > 0 else np.full(len(leverages), 1 / len(leverages))
    return np.tile(row, (len(SIDES), 1))


def calibrate(steps: Steps, lots: Lots, realized: Floats, events: Ints, *, end_us: int) -> Calibration:
    """
    Estimate the weights by non-negative maximum likelihood on a stretch that ends before ``end_us``.

    The realized USD of side ``s`` in step ``t`` are taken as Poisson with mean ``sum_j v_sj u_sjt``, where ``u_sjt`` is
    what the side would have lost if all its contracts had leverage ``j``. The updates ``v_j <- v_j * (sum_t r_t u_jt /
    mean_t) / sum_t u_jt`` never decrease the likelihood and keep ``v`` non-negative (expectation maximization). The
    weights are ``v`` divided by its sum, the scale. Steps after ``end_us`` are not looked at.

    Parameters
    ----------
    steps, lots : Steps, Lots
        Of any length; only the steps closed by ``end_us`` are used.
    realized : array, shape (2, n)
        Realized USD per side and step. [USD]
    events : array of int64, shape (2, n)
        Realized events per side and step.
    end_us : int
        End of the training stretch. [µs UTC]
    """
    n = steps.count_until(end_us)
    weights = default_weights(lots.leverages)
    start_us = int(steps.ts_us[0]) if n else end_us
    counts = events[:, :n].sum(axis=1)
    none = Calibration(weights, False, "", np.full(len(SIDES), np.nan), int(counts.sum()), start_us, end_us)
    if counts.sum() < LEAST_EVENTS or counts.min() < LEAST_OF_SIDE:
        return replace(none, reason=f"{int(counts.sum())} realized events before the window, {LEAST_EVENTS} are needed")
    steps, lots = cut_steps(steps, n), cut_lots(lots, n)
    scale = np.full(len(SIDES), np.nan)
    for _ in range(WALKS):
        walk = walk_forward(steps, lots, weights)
        losses = _in_usd(walk)
        fitted = [_fit(losses[side], realized[side, :n], weights[side]) for side in range(len(SIDES))]
        weights, scale = np.stack([one[0] for one in fitted]), np.array([one[1] for one in fitted])
    if not np.isfinite(scale).all():
        return replace(none, reason="price reached no estimated level before the window")
    return Calibration(weights, True, "", scale, int(counts.sum()), start_us, end_us)


def _in_usd(walk: Walk) -> Floats:
    """Return what each tier would have lost, shape (2, n_leverages, n). [USD]"""
    return walk.unit_lost * walk.steps.close if walk.steps.kind == "linear" else walk.unit_lost


def _fit(unit: Floats, realized: Floats, start: Floats) -> tuple[Floats, float]:
    """Fit one side; ``unit`` has shape (n_leverages, n). Returns weights that sum to 1, and the scale, NaN if
    unknown.
    """
    exposure = unit.sum(axis=1)
    seen = exposure > LEAST_EXPOSURE * exposure.sum()
    usable = unit[seen].sum(axis=0) > 0  # elsewhere the model has nothing at stake
    if not seen.any() or not realized[usable].sum() > 0:
        return start, float("nan")
    part, target = unit[seen][:, usable], realized[usable]
    v = np.maximum(start[seen], 1e-3)
    v *= target.sum() / (v @ part).sum()
    for _ in range(UPDATES):
        v *= (part @ (target / (v @ part))) / part.sum(axis=1)
    unseen = start[~seen]
    weights = np.empty_like(start)
    weights[~seen] = unseen
    weights[seen] = v / v.sum() * (1 - unseen.sum())
    return weights, float(v.sum() / max(1 - unseen.sum(), 1e-9))


def cut_steps(steps: Steps, n: int) -> Steps:
    """Return the first ``n`` steps."""
    names = ("ts_us", "low", "high", "close", "interest", "opened", "closed", "entry_low", "entry_high")
    return replace(steps, **{name: getattr(steps, name)[:n] for name in names})


def cut_lots(lots: Lots, n: int) -> Lots:
    """Return the lots that open in the first ``n`` steps; those that end later do not end."""
    kept = lots.born < n
    return Lots(
        price=lots.price[kept],
        born=lots.born[kept],
        gone=np.minimum(lots.gone[kept], n),
        share=lots.share[kept],
        side=lots.side[kept],
        leverage=lots.leverage[kept],
        opening=lots.opening[kept],
        leverages=lots.leverages,
    )
