"""Whatever a lake holds, every form of a report says the same, and what plain Python counts in the stored rows."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_figure, make_liquidation, read_rows
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.price_bins import parse_bin
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_count, format_iso, format_usd
from liqcli.core.times import parse_moment
from liqcli.lake.selection import Query
from liqcli.lake.status import build_status
from liqcli.report.csv_parquet import render_csv, render_parquet
from liqcli.report.document import build_document
from liqcli.report.html_markdown import render_html, render_json, render_markdown
from liqcli.report.results import ViewOptions, compute_results

pytestmark = pytest.mark.usefixtures("empty_pictures")

SOURCES = {"gate": ("gate", "tardis"), "okx": ("okx", "cryptohftdata")}
SYMBOLS = ("SOLUSDT", "SOLUSD")
# What a reader of a page must never meet: exponents, minus nothing, a thousand of a unit, numbers that are none.
UNSIGHTLY = re.compile(
    r"(?<![\w.#-])\d+(?:\.\d+)?e[-+]?\d+\b|-0(?:\.0+)?(?![\d.])|\b1,?000(?:\.0+)?[KMB]\b|\b(?:nan|inf)\b"
)


@st.composite
def scenes(draw):
    """Rows of several sources, what these remember, a query, and how to cut the axes; a lake of any price and size."""
    scale = draw(st.sampled_from([Decimal("0.00000001"), Decimal("0.01"), Decimal(1000)]))
    start = T0 + draw(st.sampled_from([0, 30 * DAY])) + draw(st.integers(0, 3 * HOUR))  # the second one ends a month
    length = draw(st.sampled_from([50 * MINUTE, 26 * HOUR, 60 * HOUR]))
    money = draw(st.sampled_from([1, 1e3, 4e15]))  # the largest order, in 1e-6 USD
    speakers = [(e, y, s) for e, names in SOURCES.items() for y in SYMBOLS for s in names]
    chosen = draw(st.lists(st.sampled_from(speakers), min_size=1, max_size=5, unique=True))
    kinds = st.tuples(st.sampled_from(["full", "sampled"]), st.sampled_from(["fill", "order", "bankruptcy"]))
    moments = st.one_of(
        st.integers(start - HOUR, start + length + HOUR),
        st.sampled_from([start - 1, start, start + length - 1, start + length]),
        st.integers(start + length // 2, start + length // 2 + 2 * MINUTE),  # a burst
    )
    orders = st.tuples(
        moments,
        st.integers(9_000 * 8, 11_000 * 8).map(lambda k: float(scale * k / 8)),
        st.floats(1, money).map(lambda e6: int(e6) / 1e6),
        st.sampled_from(["long", "short"]),
        st.integers(1, 2),  # twins are two orders
    )
    rows, memories = [], {}
    for exchange, symbol, source in chosen:
        completeness, kind = draw(kinds)
        for ts, price, usd, position, copies in draw(st.lists(orders, max_size=40)):
            words = {"exchange": exchange, "symbol": symbol, "source": source, "price_kind": kind}
            row = make_liquidation(ts, price, usd / price, notional=usd, position=position, **words)
            rows += [row._replace(completeness=completeness)] * copies
        if draw(st.booleans()):
            heard = start + draw(st.integers(-HOUR, length))
            memories[exchange, symbol, source] = [(heard, heard + draw(st.integers(1, length)), "complete")]
    query = Query(
        draw(st.sampled_from(["SOL", "SOL-USDT-SWAP"])), since=format_iso(start), until=format_iso(start + length),
        exchanges=draw(st.sampled_from([(), (), ("okx",)])), position=draw(st.sampled_from(["both", "both", "short"])),
        min_usd=draw(st.sampled_from([0.0, money / 2e6])),
    )  # fmt: skip
    cut = st.tuples(st.integers(9_000, 9_900), st.integers(10_000, 11_000)).map(
        lambda ends: (float(scale * ends[0] + scale / 4), float(scale * ends[1] + scale / 3))
    )
    width = scale * draw(st.sampled_from([1, Decimal("2.5"), 20, 100]))
    bucket = draw(st.sampled_from([MINUTE, 90_000_000, HOUR]))
    return rows, memories, query, width, bucket, draw(st.one_of(st.just((None, None)), cut))


def e6(row):
    """A row's USD as the whole number of millionths that it counts."""
    return int((Decimal(row.notional) * 1_000_000).quantize(Decimal(1), ROUND_HALF_UP))


def add(rows):
    return sum(map(e6, rows)) / 1e6


def tell(rows):
    """Events and USD: of all, of longs, of shorts."""
    sides = [[row for row in rows if row.position == side] for side in ("long", "short")]
    return len(rows), add(rows), add(sides[0]), add(sides[1])


def told(record):
    return tuple(record[name] for name in ("events", "notional", "long_notional", "short_notional"))


def find_counted(stored, memories, query):
    """
    One source an exchange, symbol and instant: the best that recorded then, else the best without a log whose rows lie
    around it, else the best of all. What comes after the window decides nothing.
    """
    start, end = parse_moment(query.since, ""), parse_moment(query.until, "")
    groups = defaultdict(lambda: defaultdict(list))
    wanted = SYMBOLS if query.symbol == "SOL" else SYMBOLS[:1]
    for exchange, symbol, source, rows in [
        *((*key, []) for key in memories),
        *((row.exchange, row.symbol, row.source, [row]) for row in stored if row.ts_us < end),
    ]:
        if symbol in wanted and exchange in (query.exchanges or SOURCES):
            groups[exchange, symbol][source] += rows
    for key, sources in groups.items():
        ranked, spans, logs = [], {}, {}
        for source, rows in sources.items():
            files = defaultdict(list)
            for row in rows:
                files[format_iso(row.ts_us)[:7]].append(row.ts_us)
            inside = [times for times in files.values() if max(times) >= start]
            near = sum(map(len, inside))
            quality = (all(r.completeness != "full" for r in rows), all(r.price_kind != "fill" for r in rows))
            logs[source] = [(a, b) for a, b, _ in memories.get((*key, source), ())]
            spans[source] = [] if logs[source] else [(min(times), max(times) + 1) for times in inside]
            if near or any(a < end and b > start for a, b in logs[source]):
                ranked.append((*quality, -near, source))
        names = [rank[-1] for rank in sorted(ranked)]
        for row in [row for rows in sources.values() for row in rows if start <= row.ts_us < end]:
            claims = [(s, known[s]) for known in (logs, spans) for s in names]
            found = (s for s, stretches in claims if any(a <= row.ts_us < b for a, b in stretches))
            if next(found, names[0]) == row.source and query.position in ("both", row.position):
                yield from [row] if row.notional >= query.min_usd else []


def find_bin(price, width):
    """The bin whose decimal edges, as doubles, hold a price."""
    k = int(Decimal(price) / width)
    return next(n for n in (k - 1, k, k + 1) if float(width * n) <= price < float(width * (n + 1)))


def check_cells(grid, rows, width, bucket):
    cells = defaultdict(list)
    for row in rows:
        cells[row.ts_us - row.ts_us % bucket, find_bin(row.price, width), row.position].append(row)
    expected = [
        [format_iso(ts), float(width * k), float(width * (k + 1)), side, add(held), len(held)]
        for (ts, k, side), held in sorted(cells.items())
    ]
    *table, qty = zip(*(_split(row) for row in csv.reader(io.StringIO(render_csv(grid)))), strict=True)
    found = [list(row) for row in zip(*table, strict=True)][1:]
    assert [[row[0], *map(float, row[1:3]), row[3], float(row[4]), int(row[5])] for row in found] == expected
    assert list(map(float, qty[1:])) == pytest.approx([sum(r.qty for r in held) for _, held in sorted(cells.items())])
    stored = pq.read_table(io.BytesIO(render_parquet(grid))).to_pylist()
    assert [[*map(repr, list(cell.values())[1:3]), repr(cell["notional"])] for cell in stored] == [
        [*row[1:3], row[4]] for row in found
    ]
    return cells


def _split(row):
    return [*row[:5], row[6], row[5]]


def check_parts(report, counted, drawn, bucket):
    """Every part of the JSON against the rows it is about."""
    meta, last = report["meta"], report["meta"]["last_price"]
    assert told(meta) == tell(counted)
    assert (meta["outside_events"], meta["outside_notional"]) == (
        len(counted) - len(drawn),
        add(set_aside(counted, drawn)),
    )
    for part in report["exchanges"]:
        assert told(part) == tell([row for row in counted if row.exchange == part["exchange"]])
    assert sum(part["events"] for part in report["exchanges"]) == len(counted)
    hours, step = report["hours"], report["hours"]["step_s"] * 1_000_000
    by_step = defaultdict(list)
    for row in counted:
        start = (row.ts_us % DAY if hours["of_day"] else row.ts_us) // step * step
        by_step[format_iso(start)[11:16] if hours["of_day"] else format_iso(start)].append(row)
    assert [(r["start"], *told(r)) for r in hours["rows"] if r["events"]] == [
        (start, *tell(rows)) for start, rows in sorted(by_step.items())
    ]
    below, above = ([row for row in drawn if (row.price < last) is under] for under in (True, False))
    for name, rows in (("below", below), ("above", above)):
        sums = report["cumulative"]
        assert (sums["reach"][-1][name], sums[f"{name}_long"][-1], sums[f"{name}_short"][-1]) == tell(rows)[1:]
    for cluster in report["clusters"]:
        inside = [row for row in drawn if cluster["low"] <= row.price < cluster["high"]]
        assert told(cluster) == tell(inside)
        assert cluster["active_buckets"] == len({row.ts_us // bucket for row in inside})
        assert cluster["side"] == (
            "above" if cluster["low"] > last else "below" if cluster["high"] <= last else "at price"
        )
        assert (cluster["distance_pct"] > 0) is (cluster["peak_price"] > last)
    for band in report["bands"]:
        assert told(band) == tell([row for row in drawn if band["low"] <= row.price < band["high"]])
    for burst in report["cascades"]:
        start, end = parse_moment(burst["start"], ""), parse_moment(burst["end"], "")
        inside = [row for row in counted if start <= row.ts_us <= end]
        assert told(burst) == tell(inside)
        orders = {(row.exchange, row.symbol, row.position, row.ts_us // 1_000_000) for row in inside}
        assert burst["orders"] == len(orders)
        assert min(r.price for r in inside) <= burst["extreme"] <= max(r.price for r in inside)


def set_aside(counted, drawn):
    left = list(counted)
    for row in drawn:
        left.remove(row)
    return left


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate])
@given(scene=scenes())
def test_every_form_tells_what_is_stored(scene):
    check_scene(scene)


@pytest.mark.soak
@settings(max_examples=150, deadline=None, derandomize=True, phases=[Phase.generate])
@given(scene=scenes())
def test_every_form_tells_what_is_stored_in_many_lakes(scene):
    check_scene(scene)


def check_scene(scene):
    rows, memories, query, width, bucket, (low, high) = scene
    with tempfile.TemporaryDirectory() as folder:
        lake = fill_lake(Path(folder), rows or [make_liquidation()], memories)
        stored = read_rows(lake)
        for held in build_status(lake)[0]:
            mine = [r for r in stored if (r.exchange, r.symbol, r.source) == (held.exchange, held.symbol, held.source)]
            assert (held.events, held.notional) == tell(mine)[:2]
        counted = list(find_counted(stored, memories, query))
        drawn = [row for row in counted if low is None or low <= row.price < high]
        if bucket > parse_moment(query.until, "") - parse_moment(query.since, ""):
            bucket = 1_000_000  # a bucket longer than the window is refused
        options = GridOptions(bucket, parse_bin(f"{width:f}"), None, low, high)
        if not drawn:
            with pytest.raises(EmptyWindowError):
                compute_results(lake, query, options, ViewOptions())
            return
        findings = compute_results(lake, query, options, ViewOptions())
    axis = findings.grid  # its automatic range leaves far events out, which are counted beside it
    drawn = [row for row in drawn if low is not None or axis.price_low <= row.price < axis.price_high]
    report = build_document(findings)
    cells = check_cells(findings.grid, drawn, width, bucket)
    assert json.loads(render_json(report)) == report
    grid = report["grid"]
    first = find_bin(grid["price_edges"][0], width)
    in_grid = {
        (parse_moment(ts, ""), first + k): usd
        for k, row in enumerate(grid["notional"])
        for ts, usd in zip(grid["bucket_start"], row, strict=True)
        if usd
    }
    both = defaultdict(list)
    for (ts, k, _), held in cells.items():
        both[ts, k] += held
    assert in_grid == {cell: add(held) for cell, held in both.items()}
    check_parts(report, counted, drawn, bucket)
    figure = make_figure()
    for page in (render_markdown(report, {"heatmap": figure}), render_html(report, {"heatmap": [figure]})):
        assert f"{format_usd(add(counted))} USD" in page
        assert format_count(len(counted)) in page
    assert not UNSIGHTLY.findall(render_markdown(report, {"heatmap": figure}))
