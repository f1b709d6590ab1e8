"""Two sources of the same exchange and time: exactly one counts at each instant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liqcli.core.intervals import Intervals
from liqcli.core.model import Window
from liqcli.lake.partitions import Partition
from liqcli.lake.source_ranking import SourceCandidate, divide_window, list_assigned_intervals, rank_sources

DAY = Window(0, 24)


def divide(*views):
    return {source: list(share) for source, share in divide_window(views, DAY).items()}


def view(source, *covered, full=True, fill=True, events=1):
    return SourceCandidate(source, Intervals(covered), full, fill, events)


def test_rank_is_full_then_fill_then_events_then_name():
    views = [
        view("e", full=False, fill=True, events=99),
        view("d", full=True, fill=False, events=99),
        view("c", events=1),
        view("b", events=2),
        view("a", events=1),
    ]
    assert [v.source for v in rank_sources(views)] == ["b", "a", "c", "d", "e"]


def test_full_beats_sampled_and_the_rest_is_filled_by_the_other():
    shares = divide(view("sampled", (0, 24), full=False, events=50), view("full", (6, 12), (18, 20)))
    assert shares == {"full": [(6, 12), (18, 20)], "sampled": [(0, 6), (12, 18), (20, 24)]}


def test_uncovered_time_goes_to_the_best_source():
    shares = divide(view("full", (6, 12)), view("sampled", (10, 18), full=False))
    assert shares == {"full": [(0, 12), (18, 24)], "sampled": [(12, 18)]}
    assert divide(view("only")) == {"only": [(0, 24)]}
    assert divide() == {}


def test_coverage_outside_the_window_is_cut_off():
    assert divide(view("a", (-5, 30)), view("b", (-9, 99), full=False)) == {"a": [(0, 24)], "b": []}


def test_three_sources():
    views = [view("c", (0, 24), full=False), view("b", (4, 10), fill=False), view("a", (8, 12))]
    assert divide(*views) == {"a": [(8, 12)], "b": [(4, 8)], "c": [(0, 4), (12, 24)]}


@given(
    st.lists(
        st.tuples(st.lists(st.tuples(st.integers(-3, 27), st.integers(-3, 27)), max_size=3), st.booleans()),
        min_size=1,
        max_size=4,
    )
)
def test_every_instant_belongs_to_exactly_one_source(scene):
    views = [view(f"s{k}", *covered, full=full) for k, (covered, full) in enumerate(scene)]
    shares = divide(*views)
    hours = sorted(hour for pieces in shares.values() for start, end in pieces for hour in range(start, end))
    assert hours == list(range(24))


def test_claims_are_spread_over_a_sources_files():
    files = [Partition("liquidations", "gate", "X", month, "gate") for month in ("2026-03", "2026-04")]
    other = Partition("liquidations", "okx", "X", "2026-03", "okx")
    claims = list_assigned_intervals([*files, other], {("gate", "X"): {"gate": [(0, 6), (12, 24)]}})
    assert claims == [(files[0], (0, 6)), (files[0], (12, 24)), (files[1], (0, 6)), (files[1], (12, 24))]
