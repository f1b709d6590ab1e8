"""The results of a window compute what is used, and nothing else."""

from __future__ import annotations

import json
import pickle

import pytest
from factories import MINUTE, T0, fill_lake, make_liquidation
from typer.testing import CliRunner

from liqcli.analysis.heatmap import GridOptions
from liqcli.cli import app
from liqcli.core.errors import UsageError
from liqcli.lake.selection import Query
from liqcli.report import results as results_module
from liqcli.report.document import SECTIONS, build_document, build_sections
from liqcli.report.output_files import write_outputs
from liqcli.report.results import ViewOptions, compute_results

# 24 orders of 1,000 USD in one minute: a cluster and a cascade.
ROWS = [make_liquidation(T0 + 30 * MINUTE + k * 2_000_000, price=100.2, qty=1000 / 100.2) for k in range(24)]
QUERY = Query("SOL", since="2026-03-01T00:00Z", until="2026-03-01T02:00Z")
ANALYSES = ("scan_clusters", "scan_cascades", "scan_cumulative", "scan_hours", "build_context")


@pytest.fixture
def store(lake):
    return fill_lake(lake, ROWS)


@pytest.fixture
def ran(monkeypatch):
    """The analyses that ran, in order."""
    names = []

    def record(name):
        analysis = getattr(results_module, name)

        def call(*args, **kwargs):
            names.append(name)
            return analysis(*args, **kwargs)

        return call

    for name in ANALYSES:
        monkeypatch.setattr(results_module, name, record(name))
    return names


def find(store):
    return compute_results(store, QUERY, GridOptions(), ViewOptions(theme="dark"))


def test_nothing_is_analyzed_before_it_is_used(store, ran):
    results = find(store)
    assert ran == []
    assert [c.rank for c in results.cascades] == [1]
    assert ran == ["scan_cascades"]
    assert [c.cascades for c in results.clusters] == [("1",)]
    assert ran == ["scan_cascades", "scan_clusters"]


def test_tables_of_the_grid_need_no_analysis(store, ran, tmp_path):
    write_outputs(find(store), [tmp_path / "a.csv", tmp_path / "a.parquet"])
    assert ran == []


def test_the_picture_of_cascades_finds_no_clusters(store, ran, tmp_path):
    write_outputs(find(store), [tmp_path / "a.png"], picture="cascades")
    assert ran == ["scan_cascades"]


def test_the_cascades_command_finds_no_clusters(store, ran):
    args = ["cascades", "-s", "SOL", "--since", QUERY.since, "--until", QUERY.until, "--lake", str(store.root)]
    done = CliRunner().invoke(app, [*args, "--format", "json"])
    assert done.exit_code == 0, done.output
    assert [c["notional"] for c in json.loads(done.stdout)["cascades"]] == [24_000.0]
    assert ran == ["scan_cascades"]


def test_everything_can_be_computed_at_once_and_in_another_view(store, ran):
    results = find(store).compute_all()
    assert sorted(ran) == sorted(ANALYSES)
    other = results.with_view(ViewOptions(theme="light"))
    assert (results.view.theme, other.view.theme) == ("dark", "light")
    assert other.clusters is results.clusters
    one, two = build_document(results), build_document(other)
    assert one["content_hash"] == two["content_hash"]
    assert sorted(ran) == sorted(ANALYSES)


def test_computed_results_can_be_pickled(store):
    results = find(store).compute_all()
    assert build_document(pickle.loads(pickle.dumps(results))) == build_document(results)


def test_sections_are_those_of_the_document(store):
    results = find(store)
    whole = build_document(results)
    assert {*whole} - {*SECTIONS} == {"brief", "command", "content_hash"}
    for name in SECTIONS:
        assert build_sections(results, [name]) == {name: whole[name]}


def test_a_bucket_that_does_not_fit_fails_before_any_analysis(store, ran):
    with pytest.raises(UsageError):
        compute_results(store, QUERY, GridOptions(bucket_us=3_600_000_000 * 24), ViewOptions())
    assert ran == []
