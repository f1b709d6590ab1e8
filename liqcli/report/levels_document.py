"""The document of estimated levels: one dict for JSON and the page. Keys as in ``docs/levels.md``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.estimate import LevelEstimate
from liqcli.analysis.levels.field import Reach, SideBands
from liqcli.analysis.levels.lots import DEFAULT_POSITION_USD, SIDES
from liqcli.core.formatting import format_iso
from liqcli.core.version import __version__
from liqcli.report.lake_records import path_in_lake
from liqcli.report.level_records import band_record, level_records
from liqcli.report.levels_data import LevelsData
from liqcli.report.levels_measured import measured_record

DISTANCES_PCT = (0.5, 1, 2, 3, 5, 7.5, 10, 15, 20)


def build_levels_document(data: LevelsData) -> dict[str, Any]:
    """Build the document; every amount is estimated, except under ``measured``. [USD]"""
    estimate = data.estimate
    return {
        "meta": _meta(data),
        "levels": level_records(estimate.levels),
        "nearest": _named(estimate, "nearest"),
        "largest": _named(estimate, "largest"),
        "reach": _reach(estimate),
        "accounting": _accounting(estimate),
        "measured": None if data.measured is None else measured_record(data.measured),
    }


def _meta(data: LevelsData) -> dict[str, Any]:
    estimate = data.estimate
    calibration, steps = estimate.calibration, estimate.steps
    leverages = [f"{leverage:g}" for leverage in estimate.walk.lots.leverages.tolist()]

    def mix(row: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(leverages, row.tolist(), strict=True))

    scale, dispersion = (
        [float(one) if np.isfinite(one) else None for one in row] for row in (calibration.scale, calibration.dispersion)
    )
    return {
        "symbol": data.label,
        "kind": "estimated",
        "start": format_iso(estimate.window.start_us),
        "end": format_iso(estimate.window.end_us),
        "as_of": format_iso(int(steps.closes_us[-1])),
        "last_price": estimate.last_price,
        "calibrated": calibration.calibrated,
        "calibration": {
            "reason": calibration.reason or None,
            "orders": calibration.orders,
            "start": format_iso(calibration.start_us),
            "end": format_iso(calibration.end_us),
            "scale_long": scale[0],
            "scale_short": scale[1],
            "dispersion_long": dispersion[0],
            "dispersion_short": dispersion[1],
            "matching": calibration.matching,
        },
        "weights": mix(calibration.weights.mean(axis=0)),
        "weights_long": mix(calibration.weights[0]),
        "weights_short": mix(calibration.weights[1]),
        "tiers_source": estimate.tiers.source,
        "tiers_date": estimate.tiers.date,
        "open_interest": estimate.interest_usd,
        "open_interest_basis": f"{data.exchange} {data.contract}",
        "open_interest_unit": steps.unit,
        "candles": data.prices.basis,
        "contract_kind": steps.kind,
        "history_start": format_iso(int(steps.ts_us[0])),
        "step_s": steps.step_us / 1e6,
        "position_usd": DEFAULT_POSITION_USD,
        "bucket_s": estimate.bucket_us / 1e6,
        "bin_width": estimate.field.bin.width,
        "long_notional": float(estimate.levels.long_notional.sum()),
        "short_notional": float(estimate.levels.short_notional.sum()),
        "long_outside": estimate.levels.long_outside,
        "short_outside": estimate.levels.short_outside,
        "notes": list(data.notes),
        "damaged": [path_in_lake(path) for path in data.damaged],
        "version": __version__,
    }


def _named(estimate: LevelEstimate, word: str) -> dict[str, dict[str, float] | None]:
    sides: dict[str, SideBands] = {"long": estimate.long_bands, "short": estimate.short_bands}
    return {position: band_record(getattr(bands, word)) for position, bands in sides.items()}


def _reach(estimate: LevelEstimate) -> list[dict[str, Any]]:
    """List what is liquidated if price moves by a round distance, within the price axis."""
    last = estimate.last_price
    rows = []
    for distance in DISTANCES_PCT:
        falls, rises = last * (1 - distance / 100), last * (1 + distance / 100)
        longs, shorts = _sum_to(estimate.longs, falls), _sum_to(estimate.shorts, rises)
        if longs is None and shorts is None:
            break
        rows.append(
            {
                "distance_pct": distance,
                "price_below": falls,
                "long_notional": longs,
                "price_above": rises,
                "short_notional": shorts,
            }
        )
    return rows


def _sum_to(reach: Reach, price: float) -> float | None:
    """Return the sum of the bins that price has passed completely; None beyond the axis."""
    outward = reach.price >= price if reach.price[-1] < reach.price[0] else reach.price <= price
    if outward.all() and reach.price[-1] != price:
        return None
    return float(reach.notional[outward][-1])


def _accounting(estimate: LevelEstimate) -> dict[str, dict[str, float]]:
    """Account for the open interest of each side at the end, and for what moved before. [USD at the last price]"""
    walk = estimate.walk
    inside = walk.steps.closes_us > estimate.window.start_us
    price = estimate.last_price if walk.steps.kind == "linear" else 1.0
    return {
        position: {
            "open_interest": float(walk.steps.interest[-1]) * price,
            "standing": float(walk.standing[side, :, -1].sum()) * price,
            "unplaced": float(walk.unplaced[side, -1]) * price,
            "lost": float(walk.lost[side][:, inside].sum()) * price,
            "replaced": float(walk.replaced[side, inside].sum()) * price,
            "left": float(walk.left[side, inside].sum()) * price,
        }
        for side, position in enumerate(SIDES)
    }
