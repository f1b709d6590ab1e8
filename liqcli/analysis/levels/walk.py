"""Move standing mass forward in time: what price passes is consumed, what closes leaves in proportion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.lots import OPENINGS, SIDES, Lots
from liqcli.analysis.levels.steps import Steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEGLIGIBLE = 1e-9  # once this little of a side's older contracts is left, they count as closed


@dataclass(frozen=True, slots=True)
class Standing:
    """
    Mass that stands at one instant: rows of shape ``(m,)``, by side, then price.

    ``price`` at which it would be liquidated [quote]; ``side`` indexes :data:`SIDES`; ``leverage`` is that of the lot;
    ``contracts``; ``notional`` [USD]: contracts at their liquidation price.
    """

    price: Floats
    side: NDArray[np.int8]
    leverage: Floats
    contracts: Floats
    notional: Floats


@dataclass(frozen=True, slots=True)
class Flows:
    """
    What moves in each step; sides before steps.

    ``amounts`` opened, shape ``(openings, 2, n)``; ``left`` otherwise closed; ``factor`` of what stands that remains
    after closings; ``kept`` its running product, 1 again after a flush; ``flushed`` where everything older is closed;
    ``first`` open interest before the first step.
    """

    amounts: Floats
    left: Floats
    factor: Floats
    kept: Floats
    flushed: NDArray[np.bool_]
    unit_lost: Floats
    first: float


@dataclass(frozen=True, eq=False)
class Walk:
    """
    The state after each step. The axes are side (:data:`SIDES`), leverage and step.

    ``standing`` is the mass with a known liquidation price, ``lost`` what price consumed during the step, both of shape
    ``(2, n_leverages, n)``; ``unit_lost`` the same had every contract that leverage. ``unplaced``, shape ``(2, n)``, is
    the rest of the open interest: opened before the first step, or at unknown prices. ``replaced``, ``left`` (shape
    ``(2, n)``): contracts that replaced liquidated ones, and that were closed otherwise. All in contracts. For each
    side and step ``standing.sum(leverages) + unplaced = open interest``. ``mass`` and ``gone`` are the contracts of
    each lot, divided by what was kept until it opened, and the step at which it ends.
    """

    steps: Steps
    lots: Lots
    weights: Floats
    flows: Flows
    mass: Floats
    gone: Ints

    @property
    def unit_lost(self) -> Floats:
        """What price consumed, had every contract one leverage."""
        return self.flows.unit_lost

    @property
    def lost(self) -> Floats:
        """What price consumed."""
        return self.flows.unit_lost * self.weights[:, :, None]

    @property
    def replaced(self) -> Floats:
        """What replaced liquidated contracts."""
        return np.asarray(self.flows.amounts[OPENINGS.index("replaced")])

    @property
    def left(self) -> Floats:
        """What closed otherwise."""
        return self.flows.left

    @property
    def standing(self) -> Floats:
        """The mass with a known liquidation price."""
        return self._sums[0]

    @property
    def unplaced(self) -> Floats:
        """The open interest without one."""
        return self._sums[1]

    @cached_property
    def _sums(self) -> tuple[Floats, Floats]:
        n_leverages, n = self.lost.shape[1:]
        placed = _placed_shares(self.lots, _group(self.lots), n, n_leverages)
        arriving = (self.flows.amounts[:, :, None] * placed).sum(axis=0) * self.weights[:, :, None]
        return _sum_up(self.flows, self.lost, arriving)

    def standing_after(self, step: int) -> Standing:
        """Return the mass that stands after a step; steps count from 0, -1 is before the first one (nothing)."""
        lots = self.lots
        alive = (lots.born <= step) & (self.gone > step) & (self.mass > 0)
        side = lots.side[alive]
        contracts = self.mass[alive] * self.flows.kept[side, max(step, 0)]
        price = lots.price[alive]
        order = np.lexsort((price, side))
        notional = contracts * price if self.steps.kind == "linear" else contracts
        leverage = lots.leverages[lots.leverage[alive]]
        return Standing(price[order], side[order], leverage[order], contracts[order], notional[order])


def walk_forward(steps: Steps, lots: Lots, weights: Floats, matching: float = 1.0) -> Walk:
    """
    Walk the model forward, without look-ahead: the state after a step depends on that step and earlier ones only.

    In each step, for each side on its own: lots that price passes are lost. Lost contracts explain closed ones, as many
    as ``matching`` of them; the rest of what closed leaves in proportion from everything that stands, placed or not.
    Lost contracts that no closing matches were taken over by somebody at that price: they open anew. What opened is
    added to both sides alike.

    Parameters
    ----------
    steps : Steps
        Shape ``(n,)``.
    lots : Lots
        Of the same steps.
    weights : array of shape (2, n_leverages)
        Share of the contracts that a side opens with each leverage; each row sums to at most 1.
    matching : float
        Contracts that close per contract lost, 0 to 1; see :func:`estimate_matching`.

    Returns
    -------
    Walk
    """
    n, n_leverages = len(steps), len(lots.leverages)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (len(SIDES), n_leverages) or (weights < 0).any() or (weights.sum(axis=1) > 1 + 1e-9).any():
        raise ValueError("weights: shape (2, n_leverages), not negative, each row at most 1")
    group = _group(lots)
    flows = _walk(steps, lots, weights, group, matching)
    slot = (lots.opening * len(SIDES) + lots.side).astype(np.int64) * n + lots.born
    opened = (flows.amounts / flows.kept).reshape(-1)
    mass = opened[slot] * lots.share * weights.reshape(-1)[group]
    return Walk(steps, lots, weights, flows, mass, _end_at_flushes(lots, flows.flushed))


def compute_unit_losses(steps: Steps, lots: Lots, weights: Floats, matching: float = 1.0) -> Floats:
    """
    Compute what price consumed in each step had every contract one leverage: ``unit_lost`` of :func:`walk_forward`.

    Returns
    -------
    array, shape (2, n_leverages, n)
        Contracts.
    """
    return _walk(steps, lots, weights, _group(lots), matching).unit_lost


def estimate_matching(steps: Steps, lots: Lots, weights: Floats) -> float:
    """
    Estimate how many contracts close per contract that price consumes, by least squares over the steps.

    Closings are taken as a constant share of the open interest, plus this share of what both sides lose.
    """
    lost = (compute_unit_losses(steps, lots, weights, 0.0) * weights[:, :, None]).sum(axis=(0, 1))
    if not lost.any():
        return 0.0
    return float(np.clip(np.linalg.lstsq(np.stack([steps.interest, lost], axis=1), steps.closed)[0][1], 0.0, 1.0))


def _group(lots: Lots) -> Ints:
    """Number each lot by side and leverage."""
    return np.asarray(lots.side.astype(np.int64) * len(lots.leverages) + lots.leverage)


def _walk(steps: Steps, lots: Lots, weights: Floats, group: Ints, matching: float) -> Flows:
    """Walk through the steps, one after the other: what a step loses depends on what was opened before."""
    n, sides = len(steps), range(len(SIDES))
    n_groups = weights.size
    flat_weights = weights.reshape(-1)
    share, slot = lots.share, (lots.opening * len(SIDES) + lots.side).astype(np.int64) * n + lots.born
    bounds = np.searchsorted(lots.gone, np.arange(n + 1)).tolist()
    before = (steps.interest - steps.opened + steps.closed).tolist()
    opens, closes = steps.opened.tolist(), steps.closed.tolist()
    alive = np.zeros(len(OPENINGS) * len(SIDES) * n)  # contracts at birth divided by `kept` there
    passed = np.zeros((n, n_groups))
    # Scalars go into lists: writing one into an array takes several times as long.
    amounts: list[list[list[float]]] = [[[] for _ in sides] for _ in OPENINGS]
    left, factors, kept, before_step = ([[0.0] * n for _ in sides] for _ in range(4))
    flushed = np.zeros((len(SIDES), n), dtype=bool)
    remaining = [1.0 for _ in sides]
    fresh_at, anew_at = ([(opening * len(SIDES) + side) * n for side in sides] for opening in range(len(OPENINGS)))
    firsts, none = (0, n_groups // 2), [0.0 for _ in sides]
    for k in range(n):
        low, high = bounds[k], bounds[k + 1]
        if low < high:
            row = np.bincount(group[low:high], share[low:high] * alive[slot[low:high]], n_groups)
            passed[k] = row
            lost = (row * flat_weights).tolist()
            gone = [
                _add_up(lost[first : first + n_groups // 2]) * rest
                for first, rest in zip(firsts, remaining, strict=True)
            ]
        else:
            gone = none
        for side in sides:
            lost_here, closing = gone[side], closes[k]
            matched = min(matching * lost_here, closing)
            anew, leaving = lost_here - matched, closing - matched
            base = before[k] - lost_here
            if base > 0:
                factor = 1 - min(leaving, base) / base
            else:
                base = factor = 0.0
            fresh = opens[k] if leaving <= base else max(opens[k] - (leaving - base), 0.0)
            before_step[side][k] = rest = remaining[side]
            rest *= factor
            if rest < NEGLIGIBLE:
                rest, flushed[side, k] = 1.0, True
                alive.reshape(len(OPENINGS), len(SIDES), n)[:, side] = 0.0
            remaining[side] = rest
            factors[side][k], kept[side][k], left[side][k] = factor, rest, leaving
            amounts[0][side].append(fresh)
            amounts[1][side].append(anew)
            alive[fresh_at[side] + k] = fresh / rest
            alive[anew_at[side] + k] = anew / rest
    unit_lost = passed.T.reshape(len(SIDES), -1, n) * np.array(before_step)[:, None]
    return Flows(np.array(amounts), np.array(left), np.array(factors), np.array(kept), flushed, unit_lost, before[0])


def _add_up(values: list[float]) -> float:
    """Add from the first to the last; ``sum`` rounds differently from Python 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total


def _sum_up(flows: Flows, lost: Floats, arriving: Floats) -> tuple[Floats, Floats]:
    """Return standing mass, shape (2, n_leverages, n), and unplaced open interest, shape (2, n), after each step."""
    standing, unplaced = np.zeros_like(lost), np.zeros_like(flows.left)
    now, rest = np.zeros(lost.shape[:2]), np.full(len(SIDES), flows.first)
    unplaced_arriving = flows.amounts.sum(axis=0) - arriving.sum(axis=1)
    for k in range(lost.shape[2]):
        now = np.maximum(now - lost[:, :, k], 0) * flows.factor[:, k, None]
        rest = rest * flows.factor[:, k]
        if flows.flushed[:, k].any():
            at = flows.flushed[:, k]
            rest[at] += now[at].sum(axis=1)
            now[at] = 0.0
        standing[:, :, k] = now = now + arriving[:, :, k]
        unplaced[:, k] = rest = rest + unplaced_arriving[:, k]
    return standing, unplaced


def _placed_shares(lots: Lots, group: Ints, n: int, n_leverages: int) -> Floats:
    """Return the share of what opens that has a lot: shape (openings, sides, leverages, steps)."""
    shape = (len(OPENINGS), len(SIDES), n_leverages, n)
    key = (lots.opening * len(SIDES) * n_leverages + group) * n + lots.born
    sums = np.bincount(key, lots.share, int(np.prod(shape)))
    return np.minimum(sums, 1.0).reshape(shape)


def _end_at_flushes(lots: Lots, flushed: NDArray[np.bool_]) -> Ints:
    """Return when each lot ends: passed by price, or closed with everything that is as old."""
    gone = lots.gone.copy()
    for side in range(len(SIDES)):
        at = np.append(np.flatnonzero(flushed[side]), flushed.shape[1])
        mine = lots.side == side
        gone[mine] = np.minimum(
            gone[mine], at[np.searchsorted(at, lots.born[mine], side="right").clip(max=len(at) - 1)]
        )
    return gone
