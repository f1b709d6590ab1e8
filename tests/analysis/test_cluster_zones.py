"""Which clusters form one zone, by hand."""

from __future__ import annotations

from types import SimpleNamespace

from liqcli.analysis.cluster_zones import Zone, join_clusters


def cluster(rank, low, high, usd, step=0.1):
    return SimpleNamespace(rank=rank, low=low, high=high, step=step, notional=usd, share=usd / 100)


def test_clusters_at_most_one_step_apart_are_one_zone():
    found = join_clusters(
        [
            cluster(1, 0.5, 0.7, 40.0),
            cluster(2, 0.8, 1.0, 20.0),  # one step above the first: 0.8 - 0.7 is slightly more than 0.1
            cluster(3, 1.0, 1.1, 5.0),
            cluster(4, 1.4, 1.5, 10.0),  # three steps above
            cluster(5, 3.0, 3.1, 30.0),
            cluster(6, 3.1, 3.4, 50.0),
        ]
    )
    assert found == (
        Zone((5, 6), 3.0, 3.4, 0.1, 80.0, 0.8),
        Zone((1, 2, 3), 0.5, 1.1, 0.1, 65.0, 0.65),
    )


def test_clusters_two_steps_apart_are_none():
    assert join_clusters([cluster(1, 0.5, 0.7, 40.0), cluster(2, 0.9, 1.0, 20.0)]) == ()
    assert join_clusters([cluster(1, 0.5, 0.7, 40.0)]) == ()
    assert join_clusters([]) == ()
