"""Estimate the leverage weights from realized liquidations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.lots import DEFAULT_LEVERAGES, SIDES, Lots
from liqcli.analysis.levels.steps import Steps
from liqcli.analysis.levels.walk import compute_unit_losses, estimate_matching

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Mean of four published mixes (5x, 10x, 20x or 25x, 50x, 100x): .15 .30 .25 .20 .10; .10 .20 .30 .25 .15; - .30 .35 .25
# .10; .20 .35 .30 .15 -. None of them is measured.
DEFAULT_WEIGHTS = dict(zip(DEFAULT_LEVERAGES, (0.1125, 0.2875, 0.30, 0.2125, 0.0875), strict=True))
LEAST_ORDERS = 200  # in the training stretch
LEAST_OF_SIDE = 50  # of them on each side
PRIOR_ORDERS = 50.0  # weight of the default mix, in orders: it decides where realized liquidations do not
LEAST_STEPS = 500  # of an estimate of the matching
USUAL_MATCHING = 0.07  # as measured on Binance BTC, ETH and SOL from February to April 2026: 0.07 to 0.08
LEAST_MEAN = 0.05  # orders in a step: the squared error of a step is compared with at least this
WALKS = 5  # the losses depend on the weights a little: what is lost opens anew
UPDATES = 200  # multiplicative updates after each walk


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    Leverage weights, and how they were found.

    ``weights``, shape ``(2, n_leverages)``, rows summing to 1; ``calibrated`` is False for the default weights, then
    ``reason`` says why. ``scale``, shape ``(2,)``: realized USD per USD that the model lost in the training stretch,
    NaN when not calibrated. ``orders`` realized in it, from ``start_us`` to ``end_us`` [µs UTC]. ``dispersion``, shape
    ``(2,)``: variance of the orders of a step per expected order, where few are expected; NaN when not calibrated.
    ``matching``: see :func:`liqcli.analysis.levels.walk.estimate_matching`.
    """

    weights: Floats
    calibrated: bool
    reason: str
    scale: Floats
    orders: int
    start_us: int
    end_us: int
    dispersion: Floats
    matching: float


def default_weights(leverages: Floats) -> Floats:
    """Return the default weights of the leverages, shape (2, n_leverages), rows summing to 1."""
    row = np.array([DEFAULT_WEIGHTS.get(float(leverage), 0.0) for leverage in leverages])
    row = row / row.sum() if row.sum() > 0 else np.full(len(leverages), 1 / len(leverages))
    return np.tile(row, (len(SIDES), 1))


def calibrate(steps: Steps, lots: Lots, realized: Floats, orders: Ints, *, end_us: int) -> Calibration:
    """
    Estimate the weights by non-negative maximum quasi-likelihood on a stretch that ends before ``end_us``.

    The realized orders of a side in step ``t``, ``r_t`` (USD divided by the mean order), have the mean ``m_t = sum_j
    v_j u_jt``, where ``u_jt`` is what the side would have lost if all its contracts had leverage ``j``, and the
    variance ``d_t m_t`` with ``d_t = a (1 + b m_t)``: orders differ in size, and the model errs in proportion. ``a``
    and ``b`` are estimated from the residuals, so that a few large moves do not decide alone. Each ``v_j`` has a gamma
    prior whose mean is the default mix and whose weight is ``p_j = PRIOR_ORDERS * default_j`` orders: it decides for
    leverages that price did not reach. The updates ``v_j <- (v_j sum_t r_t u_jt / (m_t d_t) + p_j) / (sum_t u_jt / d_t
    + p_j / prior_j)`` keep ``v`` positive. The weights are ``v`` divided by its sum, the scale. Steps after ``end_us``
    are not looked at.

    Parameters
    ----------
    steps, lots : Steps, Lots
        Of any length; only the steps closed by ``end_us`` are used.
    realized : array, shape (2, n)
        Realized USD per side and step. [USD]
    orders : array of int64, shape (2, n)
        Realized orders per side and step; the prints of one second and side are one order.
    end_us : int
        End of the training stretch. [µs UTC]
    """
    n = steps.count_until(end_us)
    weights = default_weights(lots.leverages)
    start_us = int(steps.ts_us[0]) if n else end_us
    counts = orders[:, :n].sum(axis=1)
    unknown = np.full(len(SIDES), np.nan)
    kept, placed = cut_steps(steps, n), cut_lots(lots, n)
    matching = estimate_matching(kept, placed, weights) if n >= LEAST_STEPS else USUAL_MATCHING
    none = Calibration(weights, False, "", unknown, int(counts.sum()), start_us, end_us, unknown, matching)
    if counts.sum() < LEAST_ORDERS or counts.min() < LEAST_OF_SIDE:
        return replace(none, reason=_describe_shortage(counts))
    steps, lots = kept, placed
    order_usd = realized[:, :n].sum(axis=1) / counts
    usual = weights[0]
    v = np.zeros_like(weights)
    spread = np.tile([1.0, 0.0], (len(SIDES), 1))
    for walk in range(WALKS):
        losses = _in_usd(steps, compute_unit_losses(steps, lots, weights, matching))
        for side in range(len(SIDES)):
            unit, target = losses[side] / order_usd[side], realized[side, :n] / order_usd[side]
            at_stake = unit.sum(axis=0) > 0
            unit, target = unit[:, at_stake], target[at_stake]
            if not target.sum() > 0:
                return replace(none, reason="price reached no estimated level before the window")
            if walk:
                spread[side] = _estimate_spread(target, v[side] @ unit)
            v[side] = _fit(unit, target, usual, spread[side])
        weights = v / v.sum(axis=1, keepdims=True)
    return replace(none, weights=weights, calibrated=True, scale=v.sum(axis=1), dispersion=spread[:, 0])


def _describe_shortage(counts: Ints) -> str:
    longs, shorts = counts.tolist()
    return (
        f"{longs} long and {shorts} short realized orders before the window; "
        f"{LEAST_ORDERS} are needed, {LEAST_OF_SIDE} of each side"
    )


def _in_usd(steps: Steps, lost: Floats) -> Floats:
    """Convert contracts lost in each step, shape (2, n_leverages, n), to USD."""
    return lost * steps.close if steps.kind == "linear" else lost


def _fit(unit: Floats, target: Floats, usual: Floats, spread: Floats) -> Floats:
    """
    Fit one side.

    ``unit``, shape (n_leverages, n), is what each leverage would have lost, ``target``, shape (n,), what was realized;
    both in orders. ``usual`` are the default weights, ``spread`` the ``a`` and ``b`` of the variance.
    """
    prior = usual * target.sum() / (usual @ unit).sum()
    known = usual > 0
    v: Floats = np.array(prior)
    strength = PRIOR_ORDERS * usual[known]
    for _ in range(UPDATES):
        mean = v @ unit
        variance = spread[0] * (1 + spread[1] * mean)
        rate = unit[known] @ (1 / variance) + strength / prior[known]
        v[known] = (v[known] * (unit[known] @ (target / (mean * variance))) + strength) / rate
    return v


def _estimate_spread(target: Floats, mean: Floats) -> Floats:
    """Estimate ``a`` (at least 1) and ``b`` (not negative) of the variance ``a mean (1 + b mean)`` from residuals."""
    scale = np.maximum(mean, LEAST_MEAN)
    columns = np.stack([mean, mean**2], axis=1) / scale[:, None]
    found = np.linalg.lstsq(columns, (target - mean) ** 2 / scale)[0]
    least = max(float(found[0]), 1.0)
    return np.array([least, max(float(found[1]), 0.0) / least])


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
