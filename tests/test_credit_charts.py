"""Facts about the flow of paths and credit by model: what is drawn, in whose words, and that nothing is lost."""

import math
from collections import Counter
from collections.abc import Callable
from functools import partial

import pandas
import pytest

from funnel import charts
from funnel.stats import wilson
from funnel.stats.credit import MODELS
from tests.test_charts import drawn, trace_of, whiskers
from tests.test_relay_charts import (
    check_colours,
    check_ground_and_title,
    check_numbers,
    check_without_rows,
    check_words,
    texts_of,
)

NAN = math.nan
NAMES = {"Radio", "Friend"}


def flow_rows(*rows):
    frame = pandas.DataFrame(rows, columns=["channel", "next", "touches_left", "visitors", "converted"])
    for name in ("channel", "next"):
        frame[name] = frame[name].astype(object)
    rate = wilson(frame["converted"].to_numpy(float), frame["visitors"].to_numpy(float))
    return frame.assign(rate=rate.value, rate_low=rate.low, rate_high=rate.high)


def credit_rows(channels, *, models=MODELS, has_trees=True):
    """Return rows in which each model gives channel i, of `channels` {name: conversions}, its conversions."""
    everyone = sum(channels.values())
    rows = []
    for model in models:
        for channel, credited in channels.items():
            known = {"credited": credited, "credited_low": 0.9 * credited}
            known |= {"credited_high": min(1.1 * credited, everyone)}
            known |= {"share": credited / everyone if everyone else NAN}
            known |= {"downstream": credited / 2, "downstream_share": credited / 2 / (everyone or 1)}
            rows.append({"channel": channel, "model": model, **known})
    frame = pandas.DataFrame(rows)
    return frame if has_trees else frame.assign(downstream=NAN, downstream_share=NAN)


FLOWS = flow_rows(
    ("Radio", None, 1, 500, 120),
    ("Friend", None, 1, 300, 150),
    ("other", None, 1, 700, 0),
    (None, None, 0, 20, 20),
    ("Friend", "Radio", 2, 60, 30),
    ("Radio", "Radio", 2, 40, 4),
    ("Radio", "Friend", 2, 25, 10),
    ("other", "Friend", 3, 9, 3),
)
CREDITS = credit_rows({"Radio": 120.0, "Friend": 250.0, "not given": 30.0, None: 20.0})
CREDIT_CHARTS: dict[str, Callable] = {
    "path_flow": partial(charts.path_flow, FLOWS),
    "credit_by_model": partial(charts.credit_by_model, CREDITS),
}
EDGES: dict[str, Callable] = {
    "one touch and nobody converted": partial(charts.path_flow, flow_rows(("Radio", None, 1, 7, 0))),
    "all converted without a touch": partial(charts.path_flow, flow_rows((None, None, 0, 7, 7))),
    "flows of many channels": partial(
        charts.path_flow,
        flow_rows(
            *[(f"a channel of a long name {place}", None, 1, 10_000 // (place + 1), 5) for place in range(12)],
            *[
                (f"a channel of a long name {place}", f"a channel of a long name {other}", 2, 9, 5)
                for place in range(12)
                for other in range(0, 12, 2)
            ],
        ),
    ),
    "one model of one channel, without trees": partial(
        charts.credit_by_model, credit_rows({"Radio": 3.0, None: 0.0}, models=["last"], has_trees=False)
    ),
    "credit of many channels": partial(
        charts.credit_by_model,
        credit_rows({**{f"a channel of a rather long name {place}": 10.0 + place for place in range(20)}, None: 4.0}),
    ),
    "credit without intervals": partial(
        charts.credit_by_model,
        credit_rows({"Radio": 60_000.0, "Friend": 0.0, None: 0.0}, models=["time_decay", "shapley"]).assign(
            credited_low=NAN, credited_high=NAN
        ),
    ),
}
ALL = CREDIT_CHARTS | EDGES
every_chart = pytest.mark.parametrize("draw", CREDIT_CHARTS.values(), ids=CREDIT_CHARTS)
every_case = pytest.mark.parametrize("draw", ALL.values(), ids=ALL)


@every_case
def test_every_colour_is_a_role_of_the_theme_so_that_a_page_can_turn_it(draw):
    check_colours(draw)


@every_chart
def test_a_figure_is_transparent_and_its_title_can_be_given_or_left_out(draw):
    check_ground_and_title(draw)


@every_chart
def test_every_word_comes_from_the_catalogue(draw, monkeypatch):
    check_words(draw, monkeypatch, NAMES | {"other"})


@every_chart
def test_a_frame_without_rows_gives_a_figure_that_says_so(draw):
    check_without_rows(draw)


@every_case
def test_nothing_unknown_or_without_an_end_reaches_the_figure(draw):
    check_numbers(draw)


# The flow of paths


def links_of(figure):
    """Return the visitors of each link by the names of its ends."""
    (trace,) = figure["data"]
    link, node = trace["link"], [text.split("</b>")[0].removeprefix("<b>") for text in trace["node"]["customdata"]]
    return Counter(
        {
            (node[start].split("  ")[0], node[end].split("  ")[0]): value
            for start, end, value in zip(link["source"], link["target"], link["value"], strict=True)
        }
    )


def test_the_last_touches_lead_to_all_visitors():
    found = links_of(drawn(CREDIT_CHARTS["path_flow"]))
    ends = {pair: value for pair, value in found.items() if pair[1] in ("Converted", "Not converted")}
    assert ends == {
        ("Radio", "Converted"): 120,
        ("Radio", "Not converted"): 380,
        ("Friend", "Converted"): 150,
        ("Friend", "Not converted"): 150,
        ("other", "Not converted"): 700,
        ("no touch", "Converted"): 20,
    }
    assert sum(ends.values()) == 1_520


def test_earlier_touches_lead_to_later_ones_of_the_next_column():
    figure = drawn(CREDIT_CHARTS["path_flow"])
    (trace,) = figure["data"]
    link = trace["link"]
    colour = charts.themes["light"]["purple_pale"]
    earlier = [
        (start, end, value)
        for start, end, value, hue in zip(link["source"], link["target"], link["value"], link["color"], strict=True)
        if hue == colour
    ]
    # The nodes: other; Radio, Friend; Radio, Friend, other, no touch; not converted, converted.
    assert trace["node"]["label"] == ["other", "Radio", "Friend", "Radio", "Friend", "other", "no touch", "", ""]
    assert sorted(earlier) == [(0, 2, 9), (1, 3, 40), (1, 4, 25), (2, 3, 60)]


def test_nodes_stay_in_the_order_they_are_given_and_the_last_touches_in_one_column():
    (trace,) = drawn(CREDIT_CHARTS["path_flow"])["data"]
    assert (trace["node"]["sort"], trace["node"]["align"], trace["arrangement"]) == ("input", "right", "fixed")


def test_the_key_says_how_many_converted():
    said = texts_of(drawn(CREDIT_CHARTS["path_flow"]))
    assert said[-2:] == ["Converted  290 · 19.1%", "Not converted  1,230 · 80.9%"]


def test_each_column_says_how_far_from_the_end_its_touches_are():
    assert texts_of(drawn(CREDIT_CHARTS["path_flow"]))[:4] == ["In the end", "Last touch", "Just before", "Earlier"]
    assert texts_of(drawn(EDGES["one touch and nobody converted"]))[:2] == ["In the end", "Last touch"]


def test_a_flow_says_its_visitors_and_who_of_them_converted():
    (trace,) = drawn(CREDIT_CHARTS["path_flow"])["data"]
    said = trace["link"]["customdata"]
    assert "<b>Friend, then Radio</b><br>60 visitors<br>30 converted (50.0%)" in said
    assert "<b>Radio</b><br>500 visitors<br>120 converted (24.0%)" in said


# Credit


def test_the_largest_channel_is_on_top_and_conversions_without_a_touch_last():
    assert texts_of(drawn(CREDIT_CHARTS["credit_by_model"]))[:4] == [
        "<b>Friend</b>  59.5%",
        "<b>Radio</b>  28.6%",
        "<b>not given</b>  7.1%",
        "<b>no touch</b>  4.8%",
    ]


def test_where_models_differ_the_least_and_the_most_are_said():
    frame = pandas.concat(
        [
            credit_rows({"Radio": 3.0, "Friend": 1.0}, models=["first"]),
            credit_rows({"Radio": 1.0, "Friend": 3.0}, models=["last"]),
        ]
    )
    said = texts_of(drawn(partial(charts.credit_by_model, frame)))
    assert said[:2] == ["<b>Friend</b>  25.0% to 75.0%", "<b>Radio</b>  25.0% to 75.0%"]


def test_a_full_mark_is_the_share_with_its_interval_and_a_hollow_one_has_what_signers_brought():
    figure = drawn(CREDIT_CHARTS["credit_by_model"])
    full = trace_of(figure, "first touch")
    shares = [each / 420 for each in (250, 120, 30, 20)]
    assert whiskers(full) == [pytest.approx((0.9 * share, share, 1.1 * share)) for share in shares]
    hollow = trace_of(figure, "first touch, with those that signers brought")
    assert hollow["x"] == pytest.approx([share / 2 for share in shares])
    assert hollow["y"] == full["y"]
    assert hollow["marker"]["symbol"] == "circle-open"


def test_models_come_in_one_order_in_every_channel_and_in_the_legend_each_with_a_mark_of_its_own():
    figure = drawn(CREDIT_CHARTS["credit_by_model"])
    named = [trace for trace in figure["data"] if trace.get("showlegend", True)]
    assert [trace["name"] for trace in named] == [
        "first touch",
        "last touch",
        "last touch that is not direct",
        "every touch alike",
        "40/20/40",
        "time decay",
        "Markov removal",
        "Shapley",
    ]
    for channel in range(4):
        places = [trace["y"][channel] for trace in named]
        assert places == sorted(places)
    assert len({(trace["marker"]["color"], trace["marker"]["symbol"]) for trace in named}) == len(MODELS)


def test_without_trees_there_is_no_hollow_mark_and_nothing_said_of_it():
    figure = drawn(EDGES["one model of one channel, without trees"])
    assert [trace["name"] for trace in figure["data"]] == ["last touch"]
    assert texts_of(figure) == ["<b>Radio</b>  100.0%"]


def test_a_share_without_interval_has_no_whisker():
    full = trace_of(drawn(EDGES["credit without intervals"]), "time decay")
    assert full["error_x"]["array"] == full["error_x"]["arrayminus"] == [0, 0]


def test_of_many_channels_a_dozen_are_drawn_and_those_without_a_touch_are_among_them():
    said = texts_of(drawn(EDGES["credit of many channels"]))
    assert said[11] == "<b>no touch</b>  1.0%"
    assert said[-1] == "The 12 largest of 21 groups."
    assert len([text for text in said if text.startswith("<b>")]) == 12


def test_where_nobody_converted_there_is_nothing_to_show():
    figure = drawn(partial(charts.credit_by_model, credit_rows({"Radio": 0.0, None: 0.0})))
    assert texts_of(figure) == ["Nothing to show yet."]
