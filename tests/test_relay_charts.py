"""Facts about the drawing of the largest trees and the forest plot of relays: where things stand, what they say."""

import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel import charts
from funnel.charts.trees import layout
from funnel.language import Language
from tests.test_charts import drawn, numbers_in, strings, trace_of, words_on

NAN, INFINITE = math.nan, math.inf

# Names in the data, units that need no translation, and the d and h of times.
NAMES = {"singer", "actor", "union", "sheltered", "h", "min", "s"}


def tree_rows(*sizes):
    return pandas.DataFrame(
        [
            {"rank": place, "signatures": size, "share": size / 10_000, "generations": deep,
             "structural_virality": 2.5 + place / 7, "lasted_seconds": 86_400.0 * place}
            for place, (size, deep) in enumerate(sizes, start=1)
        ]
    )  # fmt: skip


def star(leaves):
    return (-1, *[0] * leaves), (1,) * (leaves + 1)


def chain(length):
    return tuple(range(-1, length - 1)), (1,) * length


# Someone with two friends, of whom the first brought three and the second nobody; of the three the first brought 40.
BUSHY = (-1, 0, 0, 1, 1, 1, 3), (1, 1, 1, 1, 1, 1, 40)


def relay_row(relay, wave, visitors, signatures, downstream, **other):
    total = signatures + downstream
    row = {"relay": relay, "kind": "personality", "wave": wave, "visitors": visitors, "signatures": signatures}
    for name, value in (("downstream", downstream), ("total", total)):
        row |= {name: value, f"{name}_low": 0.8 * value, f"{name}_high": 1.2 * value + 3}
    rate = signatures / visitors if visitors else NAN
    row |= {"rate": rate, "rate_low": 0.9 * rate, "rate_high": 1.1 * rate}
    return row | {"k_factor": 0.4, "k_factor_low": 0.3, "k_factor_high": 0.5} | other


def relay_rows(*rows):
    return pandas.DataFrame([relay_row(*row) for row in rows])


TREES = tree_rows((46, 3), (9, 1), (5, 4))
RELAYS = relay_rows(
    ("singer", "before launch", 900, 210, 90.5),
    ("actor", "after launch", 2_000, 400, 260.0),
    ("union", "before launch", 1_500, 300, 12.0),
    ("sheltered", None, 100, 40, 0.0),
    (None, None, 40_000, 8_000, 3_000.0),
)
RELAY_CHARTS: dict[str, Callable] = {
    "largest_trees": partial(charts.largest_trees, TREES, shapes=[BUSHY, star(8), chain(5)]),
    "relay_forest": partial(charts.relay_forest, RELAYS),
}
EDGES: dict[str, Callable] = {
    "one tree of one signature": partial(charts.largest_trees, tree_rows((1, 0)), shapes=[star(0)]),
    "trees of millions": partial(
        charts.largest_trees,
        tree_rows(*[(3_456_789 - place, 19) for place in range(14)]),
        shapes=[((-1, 0, 1), (1, 1, 3_456_787 - place)) for place in range(10)],
    ),
    "a long chain and a wide star": partial(
        charts.largest_trees, tree_rows((400, 399), (150, 1)), shapes=[chain(400), star(149)]
    ),
    "one relay without numbers": partial(
        charts.relay_forest,
        pandas.DataFrame(
            [relay_row("singer", None, 0, 0, 0.0, total_high=3.7, k_factor=NAN, k_factor_low=0, k_factor_high=INFINITE)]
        ),
    ),
    "many relays of one wave": partial(
        charts.relay_forest,
        relay_rows(
            *[(f"relay of a rather long name {place}", "before launch", 900, 200 + place, 1e6) for place in range(30)],
            (None, None, 0, 0, 0.0),
        ),
    ),
    "relays without trees and far whiskers": partial(
        charts.relay_forest,
        pandas.DataFrame(
            [
                relay_row("singer", "after launch", 50, 50, NAN, total=50, total_low=1, total_high=INFINITE),
                relay_row("actor", "after launch", 9, 1, 2.5, rate_low=0.02, rate_high=0.9),
            ]
        ),
    ),
}  # fmt: skip
ALL = RELAY_CHARTS | EDGES


# What every chart has in common; the charts of credit are held to the same


def said_on(figure):
    """Yield every text that a reader of the figure can see or hover, of nodes and links too."""
    yield from words_on(figure)
    for trace in figure["data"]:
        for part in ("node", "link"):
            yield from strings(trace.get(part, {}).get("label", []))
            yield from strings(trace.get(part, {}).get("customdata", []))


def check_colours(draw):
    for theme in ("light", "dark"):
        used = {
            each for each in strings(drawn(draw, theme=theme)) if re.fullmatch(r"#[0-9a-fA-F]{3,8}|rgba?\(.*\)", each)
        }
        assert used <= {*charts.themes[theme].values(), "rgba(0,0,0,0)"}


def check_ground_and_title(draw):
    layout = drawn(draw)["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["title"]["text"]
    assert drawn(draw, title="Petition")["layout"]["title"]["text"] == "Petition"
    assert drawn(draw, title="")["layout"]["margin"]["t"] < layout["margin"]["t"]


def check_words(draw, monkeypatch, names):
    """Check that every word is either a name of the data or comes from the catalogue."""
    with monkeypatch.context() as patched:
        patched.setattr(Language, "_translation", lambda self, source: f"⟦{source}⟧")
        patched.setattr(
            Language, "plural", lambda self, one, many, n, /, **values: f"⟦{many.format(n=self.number(n), **values)}⟧"
        )
        texts = list(said_on(drawn(draw, language="fr")))
    for text in texts:
        rest = re.sub(r"</?b>|<br>", " ", text)
        while "⟦" in rest:
            rest = re.sub(r"⟦[^⟦⟧]*⟧", " ", rest)
        assert set(re.findall(r"[^\W\d]+", rest)) <= names, text


def check_without_rows(draw):
    figure = drawn(partial(draw.func, draw.args[0].iloc[:0], **draw.keywords))
    assert figure["data"] == []
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["Nothing to show yet."]
    assert figure["layout"]["title"]["text"] == drawn(draw)["layout"]["title"]["text"]


def check_numbers(draw):
    assert all(map(math.isfinite, numbers_in(draw().to_dict())))


every_chart = pytest.mark.parametrize("draw", RELAY_CHARTS.values(), ids=RELAY_CHARTS)
every_case = pytest.mark.parametrize("draw", ALL.values(), ids=ALL)


@every_case
def test_every_colour_is_a_role_of_the_theme_so_that_a_page_can_turn_it(draw):
    check_colours(draw)


@every_chart
def test_a_figure_is_transparent_and_its_title_can_be_given_or_left_out(draw):
    check_ground_and_title(draw)


@every_chart
def test_every_word_comes_from_the_catalogue(draw, monkeypatch):
    check_words(draw, monkeypatch, NAMES)


@every_chart
def test_a_frame_without_rows_gives_a_figure_that_says_so(draw):
    check_without_rows(draw)


@every_case
def test_nothing_unknown_or_without_an_end_reaches_the_figure(draw):
    check_numbers(draw)


def texts_of(figure):
    return [each["text"].replace("\u00a0", " ").replace("<br>", " ") for each in figure["layout"]["annotations"]]


# Where the nodes of a tree stand


@st.composite
def shapes(draw):
    """Return a random shape: parents in order of generation, some leaves standing for several."""
    size = draw(st.integers(1, 60))
    wide = draw(st.sampled_from([1, 4, 60]))
    parents, generation = [-1], [0]
    for place in range(1, size):
        # In order of generation: never above the parent of the one before.
        first = max(parents[-1], 0, place - wide)
        parents.append(draw(st.integers(first, place - 1)))
        generation.append(generation[parents[-1]] + 1)
    numbers = [1 if place in parents else draw(st.sampled_from([1, 1, 2, 300])) for place in range(size)]
    return tuple(parents), tuple(numbers)


@settings(max_examples=100)
@given(shapes())
def test_children_stand_a_ring_further_out_and_no_two_nodes_on_one_spot(shape):
    parents, _ = shape
    placed = layout(shape)
    spots = [placed.at(place) for place in range(len(parents))]
    assert spots[0] == (0, 0)
    assert len(set(spots)) == len(spots)
    for place, parent in enumerate(parents[1:], start=1):
        assert math.hypot(*spots[place]) == pytest.approx(math.hypot(*spots[parent]) + 1, abs=1e-3)


@settings(max_examples=100)
@given(shapes())
def test_branches_keep_to_their_own_part_of_the_circle(shape):
    parents, _ = shape
    placed = layout(shape)
    inside = defaultdict(list)
    for place in range(len(parents)):
        at = place
        while at >= 0:
            inside[at].append(placed.angle[place])
            at = parents[at]
    siblings = defaultdict(list)
    for place, parent in enumerate(parents[1:], start=1):
        siblings[parent].append((min(inside[place]), max(inside[place])))
        assert min(inside[place]) <= placed.angle[place] <= max(inside[place])
    for beside in siblings.values():
        assert all(end < start for (_, end), (start, _) in pairwise(beside))
    assert 0 <= min(placed.angle) <= max(placed.angle) <= 2 * math.pi


def test_a_layout_takes_a_time_proportional_to_its_nodes():
    def taken(size):
        shape = tuple((place - 1) // 3 for place in range(size)), (1,) * size
        began = time.perf_counter()
        layout(shape)
        return time.perf_counter() - began

    assert min(taken(50_000) for _ in range(3)) < 40 * min(taken(5_000) for _ in range(3))


# The largest trees


def test_every_signature_of_a_tree_is_in_a_dot():
    figure = drawn(RELAY_CHARTS["largest_trees"])
    for name, shape in (("Tree 1", BUSHY), ("Tree 2", star(8)), ("Tree 3", chain(5))):
        dots = trace_of(figure, name)
        assert len(dots["x"]) == len(dots["hovertext"]) == len(shape[0])
    assert trace_of(figure, "Tree 1")["hovertext"] == [
        "<b>Tree 1</b><br>46 signatures<br>3 generations<br>0.5% of all signatures<br>structural virality 2.64"
        "<br>lasted 1\u00a0day",
        "<b>Generation 1</b><br>43 signatures below",
        "<b>Generation 1</b><br>0 signatures below",
        "<b>Generation 2</b><br>40 signatures below",
        "<b>Generation 2</b><br>0 signatures below",
        "<b>Generation 2</b><br>0 signatures below",
        "<b>Generation 3</b><br>40 signatures gathered",
    ]


def test_the_one_who_came_alone_is_in_the_middle_in_a_colour_of_its_own():
    light = charts.themes["light"]
    dots = trace_of(drawn(RELAY_CHARTS["largest_trees"]), "Tree 2")
    assert (dots["x"][0], dots["y"][0]) == (0, 0)
    assert dots["marker"]["color"] == [light["vermilion"], *[light["blue"]] * 8]


def test_a_dot_that_gathers_many_is_larger_and_the_chart_says_so():
    figure = drawn(RELAY_CHARTS["largest_trees"])
    size = trace_of(figure, "Tree 1")["marker"]["size"]
    assert size[6] > size[1] == size[5] == 4
    assert texts_of(figure)[-3].endswith("A large dot gathers several small branches.")
    assert "gathers" not in " ".join(texts_of(drawn(EDGES["a long chain and a wide star"])))


def test_a_branch_is_a_line_from_parent_to_child():
    figure = drawn(RELAY_CHARTS["largest_trees"])
    lines, dots = figure["data"][0], figure["data"][1]
    ends, piece = [], []
    for spot in zip(lines["x"], lines["y"], strict=True):
        if spot == (None, None):
            ends.append((piece[0], piece[-1]))
            piece = []
        else:
            piece.append(spot)
    spots = list(zip(dots["x"], dots["y"], strict=True))
    expected = [(spots[parent], spots[place]) for place, parent in enumerate(BUSHY[0]) if parent >= 0]
    assert Counter(ends) == Counter(expected)


def test_trees_are_as_wide_as_high():
    axes = drawn(RELAY_CHARTS["largest_trees"])["layout"]
    assert [axes[f"yaxis{number}"]["scaleanchor"] for number in ("", "2", "3")] == ["x", "x2", "x3"]


def test_after_ten_trees_the_chart_says_that_there_are_more():
    figure = drawn(EDGES["trees of millions"])
    assert len(figure["data"]) == 20
    assert any(text.endswith("The first 10 of 14 trees.") for text in texts_of(figure))


# Relays


def test_a_relay_says_its_signatures_and_its_rate_the_waves_apart_the_largest_first():
    assert texts_of(drawn(RELAY_CHARTS["relay_forest"]))[:8] == [
        "<b>Involved before launch</b>",
        "<b>union</b>  312 · 20.0%",
        "<b>singer</b>  300 · 23.3%",
        "<b>Involved after launch</b>",
        "<b>actor</b>  660 · 20.0%",
        "<b>Not known when involved</b>",
        "<b>sheltered</b>  40 · 40.0%",
        "<b>Without a relay</b>  11,000 · 20.0%",
    ]


def test_what_friends_brought_is_drawn_after_what_the_relay_did():
    figure = drawn(RELAY_CHARTS["relay_forest"])
    assert figure["layout"]["barmode"] == "stack"
    assert trace_of(figure, "Directly")["x"] == [300, 210, 400, 40]
    assert trace_of(figure, "By friends’ links")["x"] == [12, 90.5, 260, 0]


def test_whiskers_are_the_intervals_of_the_total_and_of_the_rate():
    figure = drawn(RELAY_CHARTS["relay_forest"])
    total = trace_of(figure, "Signatures")
    assert total["x"] == [312, 300.5, 660, 40]
    assert total["error_x"]["arrayminus"] == pytest.approx([0.2 * each for each in total["x"]])
    assert total["error_x"]["array"] == pytest.approx([0.2 * each + 3 for each in total["x"]])
    rate = trace_of(figure, "Signed (%)")
    assert rate["x"] == pytest.approx([300 / 1_500, 210 / 900, 400 / 2_000, 40 / 100, 8_000 / 40_000])
    assert rate["error_x"]["array"] == pytest.approx([0.1 * each for each in rate["x"]])
    assert (rate["xaxis"], rate["yaxis"]) == ("x2", "y2")


def test_signatures_start_at_zero_and_those_without_a_relay_leave_room():
    low, high = drawn(RELAY_CHARTS["relay_forest"])["layout"]["xaxis"]["range"]
    assert low == 0
    assert 660 < high < 1_100


def test_every_relay_is_beside_the_rate_of_those_without_one():
    shapes = drawn(RELAY_CHARTS["relay_forest"])["layout"]["shapes"]
    compared = [shape for shape in shapes if shape.get("xref") == "x2"]
    assert [(shape["x0"], shape["x1"]) for shape in compared] == [(0.2, 0.2)] * 4


def test_after_a_dozen_relays_of_a_wave_the_chart_says_that_there_are_more():
    figure = drawn(EDGES["many relays of one wave"])
    assert len(trace_of(figure, "Directly")["x"]) == 12
    assert "The 12 largest of 30 groups." in texts_of(figure)


def test_a_relay_whose_numbers_are_not_known_has_no_dot_and_no_claim():
    figure = drawn(EDGES["one relay without numbers"])
    assert trace_of(figure, "Signed (%)")["x"] == []
    assert trace_of(figure, "Directly")["hovertext"] == [
        "<b>singer</b><br>0 directly<br>0 [0 to 3] by friends’ links<br>0 [0 to 4] in all<br>0 visitors"
    ]
    assert texts_of(figure)[0] == "<b>singer</b>  0 · –"


def test_relays_whose_wave_nobody_knows_have_no_head():
    assert not any("known when" in text for text in texts_of(drawn(EDGES["one relay without numbers"])))
