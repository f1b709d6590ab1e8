"""Parts of the documents of estimated and measured levels."""

from __future__ import annotations

from liqcli.analysis.levels.field import LevelBand, Levels


def level_records(levels: Levels) -> list[dict[str, float]]:
    """List the bins that hold something. [quote], [USD]"""
    edges = levels.price_edges.tolist()
    return [
        {
            "price_low": edges[row],
            "price_high": edges[row + 1],
            "long_notional": float(levels.long_notional[row]),
            "short_notional": float(levels.short_notional[row]),
        }
        for row in range(len(edges) - 1)
        if levels.long_notional[row] > 0 or levels.short_notional[row] > 0
    ]


def band_record(band: LevelBand | None) -> dict[str, float] | None:
    """Return a bin as a dict, or None."""
    if band is None:
        return None
    return {
        "price_low": band.low,
        "price_high": band.high,
        "notional": band.notional,
        "distance_pct": band.distance_pct,
    }
