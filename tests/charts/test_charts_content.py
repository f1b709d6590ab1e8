"""What is drawn is what was given: bands, bars, profile, field, words; cells and axes are in test_charts_cases."""

from dataclasses import replace

import numpy as np
import pytest
from boxes import list_texts
from chart_cases import CASES, START, busy_picture, draw, draw_busy, make_busy, make_candles, make_grid, make_picture

from liqcli.charts import ClusterLabel
from liqcli.charts.cluster_labels import choose_bands
from liqcli.charts.palettes import HeatNorm
from liqcli.charts.price import thin_candles
from liqcli.core.errors import UsageError
from liqcli.core.model import US_PER_S

HOUR_US = 3600 * US_PER_S


def panel(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def artists(figure, where, label):
    return [artist for artist in panel(figure, where).get_children() if artist.get_label() == label]


def words(figure):
    return [text.get_text() for text in list_texts(figure)]


def test_panels_share_their_axes():
    figure = draw_busy()
    heat, profile, bars = (panel(figure, name) for name in ("heat", "profile", "bars"))
    assert heat.get_ylim() == profile.get_ylim()
    assert heat.get_xlim() == bars.get_xlim()
    assert heat.get_position().x0 == bars.get_position().x0
    assert heat.get_position().x1 == bars.get_position().x1
    assert heat.get_position().y0 == profile.get_position().y0


def test_bars_add_up_per_bucket_shorts_up_longs_down():
    grid = make_grid([(3, 10, "short", 700.0), (9, 10, "short", 300.0), (5, 10, "long", 250.0), (5, 30, "long", 40.0)])
    figure = draw(make_picture(grid))
    (up,), (down,) = artists(figure, "bars", "bars short"), artists(figure, "bars", "bars long")
    top = [path.vertices[:, 1].max() for path in up.get_paths()]
    bottom = [path.vertices[:, 1].min() for path in down.get_paths()]
    assert top == [1000.0]
    assert bottom == [-250.0, -40.0]
    assert "peak 1.00K USD" in words(figure)
    assert "peak 250 USD" in words(figure)


def test_profile_stacks_shorts_on_longs():
    grid = make_grid([(3, 10, "short", 700.0), (3, 12, "long", 300.0)])
    figure = draw(make_picture(grid))
    (long,), (short,) = (artists(figure, "profile", f"profile {side}") for side in ("long", "short"))
    assert [tuple(np.unique(path.vertices[:, 0])) for path in long.get_paths()] == [(0.0, 300.0)]
    assert [tuple(np.unique(path.vertices[:, 0])) for path in short.get_paths()] == [(300.0, 1000.0)]


def test_position_takes_the_other_side_out_of_profile_and_bars():
    figure = draw(busy_picture(), position="long")
    assert artists(figure, "profile", "profile short")[0].get_paths() == []
    assert artists(figure, "bars", "bars short")[0].get_paths() == []
    assert artists(figure, "bars", "bars long")[0].get_paths() != []


def field_of(figure):
    """Opacity of the field by pixel of the heat, row 0 at the bottom, and its left and lower pixel."""
    (image,) = artists(figure, "heat", "field")
    return np.asarray(image.get_array())[..., 3].astype(int), image.get_extent()


def test_field_begins_with_its_first_print_and_never_falls():
    grid = make_grid([(4, 10, "long", 100.0), (4, 20, "short", 300.0)])
    opacity, _ = field_of(draw(make_picture(grid)))
    along = opacity.max(axis=0)
    bucket = len(along) / 48
    assert (along[: int(10 * bucket)] == 0).all()
    assert (np.diff(along) >= 0).all()
    assert 0 < along[int(11.5 * bucket)] == along[int(19.5 * bucket)] < along[int(21.5 * bucket)] == along[-1]


def test_field_is_centred_on_its_print_and_fades_on_both_sides():
    grid = make_grid([(80, 10, "long", 100.0)], bins=160)
    opacity, (_, _, bottom, top) = field_of(draw(make_picture(grid)))
    column = opacity[:, -1]
    prices = bottom + (np.arange(len(column)) + 0.5) * (top - bottom) / len(column)
    centre = (grid.price_edges[80] + grid.price_edges[81]) / 2
    pixel = (top - bottom) / len(column)
    assert abs(prices[column > 0].mean() - centre) <= pixel
    peak = int(np.argmax(column))
    assert (np.diff(column[: peak + 1]) >= 0).all()
    assert (np.diff(column[peak:]) <= 0).all()


def test_legend_states_the_unit_of_cells_and_field_and_that_the_field_is_smoothed():
    said = words(draw_busy())
    assert {"Field: USD so far per 50", "already liquidated, smoothed"} <= set(said)
    assert any(text.startswith("Cell: USD per 5 min × 50") for text in said)
    uneven = busy_picture(unit="BTC", values=make_busy().qty)
    for size in ((1600, 1000), (800, 500), (800, 1100)):
        assert any(text.startswith("Cell: BTC per 5 min × 50") for text in words(draw(uneven, size=size))), size


def test_largest_cell_has_a_ring_and_its_value():
    grid = make_grid([(3, 10, "long", 700.0), (9, 30, "short", 1300.0), (9, 31, "short", 1300.0)])
    figure = draw(make_picture(grid))
    (ring,) = artists(figure, "heat", "ring")
    assert ring.get_x() <= grid.bucket_starts_us[30] < grid.bucket_starts_us[31] <= ring.get_x() + ring.get_width()
    assert ring.get_y() <= grid.price_edges[9] < grid.price_edges[10] <= ring.get_y() + ring.get_height()
    assert words(figure).count("max 1.30K") == 2  # at the cell and in the legend


def test_cascades_stand_as_ribbons_above_the_highest_bar():
    picture = busy_picture(cascades=[(START + HOUR_US, START + 2 * HOUR_US, 1)])
    figure = draw(picture)
    (ribbons,) = artists(figure, "bars", "cascade ribbons")
    (ribbon,) = ribbons.get_paths()
    (short,) = artists(figure, "bars", "bars short")
    axes = ribbons.axes
    bottom, top = axes.get_ylim()
    highest = max(path.vertices[:, 1].max() for path in short.get_paths())
    assert (highest - bottom) / (top - bottom) < ribbon.vertices[:, 1].min()
    assert sorted(set(ribbon.vertices[:, 0])) == [START + HOUR_US, START + 2 * HOUR_US]


def test_dollars_survive_and_strange_letters_do_not_stop_it():
    figure = draw(busy_picture(title="$TRUMP and $MELANIA", subtitle="a_b^c $x$ · 币安人生\n· tab\there"))
    assert "$TRUMP and $MELANIA" in words(figure)
    assert "a_b^c $x$ · (U+5E01 U+5B89 U+4EBA U+751F) · tab here" in words(figure)


def test_sample_is_marked():
    assert "SYNTHETIC SAMPLE" in words(draw(busy_picture(sample=True)))
    assert "SYNTHETIC SAMPLE" not in words(draw_busy())


def test_an_empty_window_says_so():
    assert "no liquidations in this window" in words(draw(CASES["empty"]()))


def test_gaps_are_hatched_where_they_lie_and_named():
    gap = (START + 7 * HOUR_US, START + 11 * HOUR_US)
    figure = draw(busy_picture(gaps=[gap, (START - 9 * HOUR_US, START - HOUR_US)]))
    for name in ("heat", "bars"):
        (patch,) = artists(figure, name, "gap")
        assert patch.get_hatch()
        assert (patch.get_x(), patch.get_x() + patch.get_width()) == gap
    assert words(figure).count("not recorded") == 2  # in the gap and in the legend
    narrow = draw(busy_picture(gaps=[(START + HOUR_US, START + HOUR_US + 60 * US_PER_S)]))
    assert words(narrow).count("not recorded") == 1
    assert words(draw(busy_picture(gaps=[]))).count("not recorded") == 0


def test_the_line_of_price_breaks_at_a_gap():
    grid = make_busy()
    trace = (grid.bucket_starts_us, np.linspace(97_000.0, 98_000.0, 288))
    gap = (START + 7 * HOUR_US, START + 11 * HOUR_US)
    line = artists(draw(make_picture(grid, trace=trace, gaps=[gap])), "heat", "price")[0]
    before, after = line.get_segments()
    assert before[-1, 0] < gap[0] <= after[0, 0]
    assert len(before) + len(after) == 288


def test_the_line_of_price_is_dotted_over_a_long_silence_and_a_lonely_print_is_a_dot():
    grid = make_busy()
    hours = np.array([0.0, 0.5, 1.0, 9.0, 20.0, 20.5])  # a silence of more than 4% of the day is one of an hour
    trace = ((START + hours * HOUR_US).astype(np.int64), 97_000.0 + hours)
    figure = draw(make_picture(grid, trace=trace))
    runs, bridges, (dots,) = (artists(figure, "heat", f"price{name}") for name in ("", " unknown", " dots"))
    assert [len(run) for run in runs[0].get_segments()] == [3, 1, 2]
    silences = [bridge[:, 1].tolist() for bridge in bridges[0].get_segments()]
    assert silences == [[97_001.0, 97_009.0], [97_009.0, 97_020.0]]
    assert dots.get_ydata().tolist() == [97_009.0]


def test_clusters_are_bracketed_and_labelled_with_rank_price_and_usd():
    bands = [ClusterLabel(rank, 100.0 * rank, 100.0 * rank + 5, 1.0, 0.1) for rank in (3, 1, 12, 2, 4)]
    assert [band.rank for band in choose_bands(bands)] == [1, 2, 3, 4, 12]
    assert len(choose_bands([ClusterLabel(rank, 1.0, 2.0, 1.0, 0.1) for rank in range(1, 30)])) == 10
    figure = draw(busy_picture(bands=[ClusterLabel(1, 97_000.0, 97_100.0, 3_290_000.0, 0.123, "97,037")]))
    assert {"1", "97,037 · 3.29M"} <= set(words(figure))
    (brackets,) = artists(figure, "heat", "brackets")
    (bracket,) = brackets.get_segments()
    assert set(bracket[:, 1]) == {97_000.0, 97_100.0}


def test_candles_join_without_losing_a_wick():
    candles = make_candles(make_busy(), 60)
    thin = thin_candles(candles, 200)
    assert (thin.step_us, len(thin.ts_us)) == (600 * US_PER_S, 144)
    assert thin.open[0] == candles.open[0]
    assert thin.close[-1] == candles.close[-1]
    assert np.array_equal(thin.high, candles.high.reshape(-1, 10).max(axis=1))
    assert np.array_equal(thin.low, candles.low.reshape(-1, 10).min(axis=1))


def test_one_burst_does_not_black_out_the_rest_on_a_log_scale():
    values = np.array([[1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e9]])
    assert HeatNorm(values, "log").spread(values)[0, 4] > 0
    assert HeatNorm(values, "linear").spread(values)[0, 4] < 1 / 256
    assert list(HeatNorm(values, "percentile").spread(values)[0]) == pytest.approx([k / 6 for k in range(7)])


@pytest.mark.parametrize("scale", ["log", "linear", "percentile"])
def test_scales_rise_to_one_at_the_largest(scale):
    values = make_busy().notional
    norm = HeatNorm(values, scale)
    filled = np.sort(values[values > 0])
    assert (np.diff(norm.spread(filled)) >= 0).all()
    assert norm.spread(filled[-1:])[0] == 1.0
    assert norm.value_at(1.0) == pytest.approx(filled[-1])


@pytest.mark.parametrize("flag", [{"theme": "blue"}, {"palette": "jet"}, {"scale": "cubic"}, {"size": (80, 60)}])
def test_what_cannot_be_drawn_is_said(flag):
    with pytest.raises(UsageError):
        draw(busy_picture(), **flag)


def test_cells_of_another_shape_are_refused():
    picture = busy_picture()
    with pytest.raises(UsageError, match="shape"):
        draw(replace(picture, values=picture.values[:-1]))
