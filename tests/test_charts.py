"""Facts about the figures: what they show, in whose words, in which colours, and that they carry aggregates only."""

import base64
import json
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product

import numpy as np
import pandas
import pytest

from funnel import charts
from funnel.errors import DefinitionError
from funnel.language import Language, language
from funnel.stats import wilson

UNKNOWN = (math.nan, math.nan, math.nan)


def step(name, after, visitors, *, dropped=0, pending=0, rate=UNKNOWN, overall=(1.0, 1.0, 1.0), **by):
    rates = dict(zip(("step_rate", "step_rate_low", "step_rate_high"), rate, strict=True))
    overalls = dict(zip(("overall_rate", "overall_rate_low", "overall_rate_high"), overall, strict=True))
    return {
        **by,
        "step": name,
        "after": after,
        "visitors": visitors,
        "dropped": dropped,
        "pending": pending,
        **rates,
        **overalls,
    }


def funnel_rows(visit, sign, share, partner, pending, **by):
    def rate(successes, n):
        share_of = wilson(successes, n)
        return share_of.value, share_of.low, share_of.high

    signed = rate(sign, visit - pending)
    return [
        step("visit", None, visit, **by),
        step("sign", "visit", sign, dropped=visit - sign - pending, pending=pending, rate=signed, overall=signed, **by),
        step("share", "sign", share, dropped=sign - share, rate=rate(share, sign), overall=rate(share, visit), **by),
        step("partner_click", "sign", partner, dropped=sign - partner, rate=rate(partner, sign),
             overall=rate(partner, visit), **by),
    ]  # fmt: skip


def combination(name, first, visitors, pending, everyone, **by):
    rate = wilson(visitors, everyone)
    rates = {"last_step_rate": rate.value, "last_step_rate_low": rate.low, "last_step_rate_high": rate.high}
    return {**by, "combination": name, "first": first, "visitors": visitors, "pending": pending, **rates}


def joint_rows(everyone=9_000, **by):
    rows = [
        ("share", None, 1_602, 40),
        ("partner_click", None, 810, 31),
        ("share + partner_click", "share", 198, 0),
        ("share + partner_click", "partner_click", 81, 0),
        ("share + partner_click", "same time", 3, 0),
    ]
    rest = everyone - sum(row[2] for row in rows)
    return [combination(*row, everyone, **by) for row in [("none", None, rest, 495), *rows]]


def curve_rows(outcome, after, times, final):
    grown = np.linspace(0, final, len(times))
    bounds = [wilson(rate * 9_000, 9_000) for rate in grown]
    return [
        {"outcome": outcome, "after": after, "elapsed_seconds": time, "rate": rate, "rate_low": bound.low,
         "rate_high": bound.high, "at_risk": 9_000 - 100 * place}
        for place, (time, rate, bound) in enumerate(zip(times, grown, bounds, strict=True))
    ]  # fmt: skip


def definition(name, entered, converted):
    rate = wilson(converted, entered)
    rates = {"overall_rate": rate.value, "overall_rate_low": rate.low, "overall_rate_high": rate.high}
    return {"definition": name, "entered": entered, "converted": converted, **rates}


STEPS = pandas.DataFrame(funnel_rows(60_000, 9_000, 1_900, 1_100, 2_100))
BY_CHANNEL = pandas.DataFrame(
    [
        *funnel_rows(9_800, 2_300, 420, 350, 343, channel="email"),
        *funnel_rows(24_100, 4_100, 1_010, 480, 843, channel="social"),
        *funnel_rows(3_900, 330, 50, 25, 136, channel=None),
        *funnel_rows(900, 70, 10, 5, 0, channel="<b>press</b>"),
    ]
)
JOINT = pandas.DataFrame(joint_rows())
JOINT_BY_CHANNEL = pandas.DataFrame([*joint_rows(4_100, channel="social"), *joint_rows(9_000, channel=None)])
DAY = 86_400
CURVES = pandas.DataFrame(
    [
        *curve_rows("sign", "visit", np.linspace(0, 7 * DAY, 40), 0.15),
        *curve_rows("share", "sign", [0, *np.geomspace(1, 3 * DAY, 30)], 0.21),
        *curve_rows("partner_click", "sign", [0, *np.geomspace(1, 3 * DAY, 30)], 0.12),
    ]
)
EDGES = [0, 1, 10, 60, 600, 3_600, 6 * 3_600, DAY, 3 * DAY, math.inf]
TIMES = pandas.DataFrame(
    [
        {
            "step": name,
            "after": after,
            "elapsed_from_seconds": low,
            "elapsed_to_seconds": high,
            "visitors": 10 * place + 5,
        }
        for name, after in (("sign", "visit"), ("share", "sign"))
        for place, (low, high) in enumerate(pairwise(EDGES))
    ]
)
COHORTS = pandas.DataFrame(
    [
        {"entered_on": pandas.Timestamp(2018, 1, day).date(), "visitors": 1_000 + day, "age_days": age,
         "overall_rate": 0.1 + 0.01 * age if day + age < 22 else None}
        for day, age in product(range(10, 22), range(8))
    ]
)  # fmt: skip
DEFINITIONS = pandas.DataFrame(
    [definition("As asked", 60_000, 9_000), definition("First attempt of each visitor", 60_000, 8_520)]
)
CHARTS: dict[str, Callable] = {
    "funnel_bars": partial(charts.funnel_bars, STEPS),
    "funnel_bars by": partial(charts.funnel_bars, BY_CHANNEL, by=("channel",)),
    "branch_diagram": partial(charts.branch_diagram, JOINT, after="sign"),
    "branch_diagram by": partial(charts.branch_diagram, JOINT_BY_CHANNEL, after="sign", by=("channel",)),
    "curves": partial(charts.curves, CURVES),
    "time_to_convert": partial(charts.time_to_convert, TIMES),
    "cohort_triangle": partial(charts.cohort_triangle, COHORTS),
    "groups": partial(charts.groups, BY_CHANNEL, ("channel",)),
    "sensitivity": partial(charts.sensitivity, DEFINITIONS),
}
# Names in the data, units that need no translation, and months, which Babel writes.
NOT_TO_TRANSLATE = {"visit", "sign", "share", "partner_click", "email", "social", "b", "press"}
NOT_TO_TRANSLATE |= {"As", "asked", "First", "attempt", "of", "each", "visitor", "s", "min", "h", "janv", "janvier"}
every_chart = pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS)


def drawn(draw, **options):
    return json.loads(draw(**options).to_json())


def strings(value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def numbers_in(value) -> Iterator[float]:
    """Yield every fraction in what a figure is made of, whole numbers aside."""
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from numbers_in(each)
    elif isinstance(value, float):
        yield value


def words_on(figure) -> Iterator[str]:
    """Yield every text that a reader of the figure can see or hover."""
    layout = figure["layout"]
    yield layout["title"]["text"]
    for each in layout.get("annotations", []):
        yield each["text"]
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")) and axis.get("visible", True):
            yield axis.get("title", {}).get("text", "")
            yield from axis.get("ticktext", [])
    for trace in figure["data"]:
        yield trace.get("name", "")
        yield from strings(trace.get("hovertext", []))
        yield from strings(trace.get("text", []))


def trace_of(figure, name):
    return next(trace for trace in figure["data"] if trace.get("name") == name)


def whiskers(trace):
    ends = zip(trace["x"], trace["error_x"]["arrayminus"], trace["error_x"]["array"], strict=True)
    return [(rate - below, rate, rate + above) for rate, below, above in ends]


# What every chart has in common


@every_chart
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("code", ["en", "fr"])
def test_every_colour_is_a_role_of_the_theme_so_that_a_page_can_turn_it(draw, theme, code):
    figure = drawn(draw, language=code, theme=theme)
    used = {each for each in strings(figure) if re.fullmatch(r"#[0-9a-fA-F]{3,8}|rgba?\(.*\)", each)}
    assert used <= {*charts.themes[theme].values(), "rgba(0,0,0,0)"}


def test_the_themes_have_the_same_roles_and_light_tells_them_apart():
    light, dark = charts.themes["light"], charts.themes["dark"]
    assert list(light) == list(dark)
    assert len({colour.lower() for colour in light.values()}) == len(light)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_stand_out_enough_for_weak_eyes(theme):
    # WCAG 2.2: 1.4.3 text at 4.5:1, 1.4.11 graphics at 3:1; the pages behind the cards are #f5f4f0 and #12161c.
    colours = charts.themes[theme]
    for ground in (colours["card"], {"light": "#f5f4f0", "dark": "#12161c"}[theme]):
        for role in ("ink", "muted"):
            assert contrast(colours[role], ground) >= 4.5, role
        for role in ("blue", "vermilion", "green", "purple", "neutral"):
            assert contrast(colours[role], ground) >= 3, role
    assert contrast(colours["ink"], colours["heat_low"]) >= 4.5
    assert contrast(colours["ink"], colours["heat_high"]) >= 4.5


def contrast(first, second):
    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    bright, dim = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@every_chart
def test_a_figure_is_transparent_titled_and_has_no_template_of_plotly(draw):
    layout = drawn(draw)["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["title"]["text"]
    assert layout["height"] > 100
    assert "colorway" not in json.dumps(layout["template"])


@every_chart
def test_no_array_is_longer_than_the_frame(draw):
    figure = drawn(draw)
    rows = len(draw.args[0])
    assert max(lengths(figure["data"])) <= rows


def lengths(value) -> Iterator[int]:
    """Yield the length of every array, those that plotly packs in base64 too."""
    if isinstance(value, dict):
        if "bdata" in value:
            yield len(np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"]))
        for each in value.values():
            yield from lengths(each)
    elif isinstance(value, list):
        yield len(value)
        for each in value:
            yield from lengths(each)


@every_chart
def test_every_word_comes_from_the_catalogue(draw, monkeypatch):
    def marked(self, source):
        return f"⟦{source}⟧"

    def marked_plural(self, one, many, n, /, **values):
        return f"⟦{many.format(n=self.number(n), **values)}⟧"

    with monkeypatch.context() as patched:
        patched.setattr(Language, "_translation", marked)
        patched.setattr(Language, "plural", marked_plural)
        texts = list(words_on(drawn(draw, language="fr")))
    for text in texts:
        rest = re.sub(r"</?b>|<br>|&lt;|&gt;", " ", text)
        while "⟦" in rest:
            rest = re.sub(r"⟦[^⟦⟧]*⟧", " ", rest)
        assert set(re.findall(r"[^\W\d]+", rest.replace(".", " "))) <= NOT_TO_TRANSLATE, text


@every_chart
def test_names_from_the_data_are_shown_as_they_are_written(draw):
    assert not any("<b>press" in text for text in words_on(drawn(draw)))


@every_chart
def test_a_title_can_be_given_or_left_out(draw):
    assert drawn(draw, title="Petition")["layout"]["title"]["text"] == "Petition"
    bare = drawn(draw, title="")["layout"]
    assert bare["title"]["text"] == ""
    assert bare["margin"]["t"] < drawn(draw)["layout"]["margin"]["t"]


def test_a_long_title_is_broken_where_a_phone_ends():
    title = "Where visitors of the petition leave, and how many of them still have time to sign it"
    lines = drawn(CHARTS["funnel_bars"], title=title)["layout"]["title"]["text"].split("<br>")
    assert " ".join(lines) == title
    assert max(map(len, lines)) <= 44


def test_the_upload_button_is_off():
    config = charts.config()
    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""
    assert config["displaylogo"] is False
    assert config["responsive"] is True


def test_an_unknown_theme_is_refused():
    with pytest.raises(DefinitionError) as refused:
        charts.funnel_bars(STEPS, theme="drak")
    assert str(refused.value) == (
        "No theme 'drak'. Did you mean 'dark'? Known: light, dark. Write theme='light' or theme='dark'."
    )


# The funnel


def test_a_bar_is_made_of_those_who_reached_the_step_those_who_may_and_those_who_left():
    figure = drawn(CHARTS["funnel_bars"])
    parts = [trace_of(figure, name)["x"] for name in ("Reached it", "Still have time", "Left before")]
    assert parts[0] == pytest.approx([1, 0.15, 1_900 / 60_000, 1_100 / 60_000])
    assert parts[1] == pytest.approx([0, 2_100 / 60_000, 0, 0])
    # The parts are together all who reached the step before.
    assert np.sum(parts, axis=0) == pytest.approx([1, 1, 0.15, 0.15])
    assert figure["layout"]["barmode"] == "stack"
    assert figure["layout"]["xaxis"]["range"] == [0, 1]


def test_whiskers_are_the_interval_of_the_overall_rate():
    found = whiskers(trace_of(drawn(CHARTS["funnel_bars"]), "Rate and interval"))
    expected = STEPS.iloc[1:][["overall_rate_low", "overall_rate", "overall_rate_high"]].to_numpy()
    assert np.array(found) == pytest.approx(expected)


def test_counts_and_both_rates_are_written_out():
    text = " | ".join(words_on(drawn(CHARTS["funnel_bars"]))).replace("\u00a0", " ")
    assert "<b>share</b>  1,900" in text
    assert "21.1% [20.3 to 22.0] after sign · 3.2% overall" in text
    assert "48,900 left · 2,100 still have time" in text


def test_french_writes_numbers_the_french_way():
    text = " | ".join(words_on(drawn(CHARTS["funnel_bars"], language="fr")))
    assert "1\u202f900" in text
    assert "21,1\u00a0% [20,3" in text


def test_groups_follow_one_another_the_largest_first():
    figure = drawn(CHARTS["funnel_bars by"])
    headings = [each["text"] for each in figure["layout"]["annotations"]]
    order = ["social", "email", "not given", "&lt;b&gt;press&lt;/b&gt;"]
    assert [text for text in headings if text in order] == order
    assert len(trace_of(figure, "Reached it")["x"]) == len(BY_CHANNEL)


@pytest.mark.parametrize(
    "draw",
    [
        partial(charts.funnel_bars, by=("group",)),
        partial(charts.groups, by=("group",)),
    ],
)
def test_more_than_a_dozen_groups_are_cut_and_the_chart_says_so(draw):
    many = pandas.DataFrame([row for n in range(15) for row in funnel_rows(900 + n, 90, 9, 9, 0, group=n)])
    texts = list(words_on(drawn(partial(draw, many))))
    assert "The 12 largest of 15 groups." in texts
    assert "14" in texts
    assert "2" not in texts


def test_nobody_at_all_is_still_a_chart():
    nobody = pandas.DataFrame(
        [step("visit", None, 0), step("sign", "visit", 0, rate=UNKNOWN, overall=UNKNOWN)],
    )
    figure = drawn(partial(charts.funnel_bars, nobody))
    assert trace_of(figure, "Reached it")["x"] == [0, 0]
    assert "– after visit" in list(words_on(figure))


# After the last step


def test_the_branches_add_up_to_the_bar_they_leave():
    figure = drawn(CHARTS["branch_diagram"])
    *paths, trunk = figure["layout"]["shapes"]
    ends = [[float(y) for y in re.findall(r"(?<=,)[\d.]+", path["path"])] for path in paths]
    tops, bottoms = [each[0] for each in ends], [each[-1] for each in ends]
    assert len(paths) == len(JOINT)
    assert [trunk["y0"], *bottoms] == pytest.approx([*tops, trunk["y1"]], abs=0.11)
    thickness = dict(zip([1_602, 810, 198, 81, 3, 6_306], np.subtract(bottoms, tops), strict=True))
    assert thickness[6_306] / thickness[1_602] == pytest.approx(6_306 / 1_602, rel=0.01)


def test_every_branch_is_labelled_with_its_count_rate_and_interval():
    text = " | ".join(words_on(drawn(CHARTS["branch_diagram"]))).replace("\u00a0", " ")
    assert "<b>sign</b>  9,000" in text
    assert "<b>share only</b><br>1,602 · 17.8% [17.0 to 18.6]<br>40 still have time" in text
    assert "<b>both, share first</b><br>198 · 2.2% [1.9 to 2.5]" in text
    assert "<b>both, at the same time</b><br>3 · " in text
    assert "<b>nothing more</b><br>6,306 · 70.1% [69.1 to 71.0]<br>495 still have time" in text


def test_three_follow_ups_are_named_in_full():
    rows = [("none", None, 50, 0), ("a + b", "a", 30, 0), ("a + b + c", "c", 20, 0)]
    frame = pandas.DataFrame([combination(*row, 100) for row in rows])
    text = " | ".join(words_on(drawn(partial(charts.branch_diagram, frame))))
    assert "a + b, a first" in text
    assert "a + b + c, c first" in text


def test_groups_are_cut_into_the_same_combinations_whatever_came_first():
    figure = drawn(CHARTS["branch_diagram by"])
    assert [trace["name"] for trace in figure["data"]] == ["share only", "partner_click only", "both", "nothing more"]
    both = trace_of(figure, "both")
    # The larger group first: 9,000 whose channel is not given, then 4,100.
    assert both["x"] == pytest.approx([282 / 9_000, 282 / 4_100])
    assert np.sum([trace["x"] for trace in figure["data"]], axis=0) == pytest.approx([1, 1])


# With time


def test_a_curve_is_a_step_line_with_its_band_in_a_panel_of_its_step():
    figure = drawn(CHARTS["curves"])
    lines = [trace for trace in figure["data"] if "hovertext" in trace]
    assert [line["name"].split("<br>")[0] for line in lines] == ["sign", "share", "partner_click"]
    assert [line["xaxis"] for line in lines] == ["x", "x2", "x2"]
    assert {trace["line"]["shape"] for trace in figure["data"]} == {"hv"}
    low, high, line = figure["data"][:3]
    signed = CURVES[CURVES["outcome"] == "sign"]
    for trace, column in ((low, "rate_low"), (high, "rate_high"), (line, "rate")):
        assert trace["x"] == pytest.approx(signed["elapsed_seconds"].tolist())
        assert trace["y"] == pytest.approx(signed[column].tolist())
    assert high["fill"] == "tonexty"


def test_those_still_followed_stand_under_the_ticks_of_their_time_axis():
    layout = drawn(CHARTS["curves"])["layout"]
    first = [each for each in layout["annotations"] if each["xref"] == "x"]
    assert [each["x"] for each in first] == layout["xaxis"]["tickvals"]
    assert layout["xaxis"]["ticktext"] == ["0\u00a0s", "2\u00a0days", "4\u00a0days", "6\u00a0days"]
    # The 40 times are 7 / 39 days apart; those at risk at the first one at or after the tick: places 0, 12, 23, 34.
    assert [each["text"] for each in first] == ["9,000", "7,800", "6,700", "5,600"]


def test_the_time_axis_is_logarithmic_only_where_most_happens_early():
    layout = drawn(CHARTS["curves"])["layout"]
    assert layout["xaxis"].get("type") is None
    assert layout["xaxis2"]["type"] == "log"
    texts = [each["text"] for each in layout["annotations"]]
    assert "Time since visit" in texts
    assert "Time since sign, logarithmic" in texts
    seconds = [each["x"] for each in layout["annotations"] if each["xref"] == "x2"]
    assert seconds == pytest.approx([math.log10(value) for value in layout["xaxis2"]["tickvals"]])


def test_a_curve_ends_where_its_rate_is_no_longer_known():
    frame = CURVES[CURVES["outcome"] == "sign"].copy()
    frame.loc[frame["elapsed_seconds"] > 3 * DAY, ["rate", "rate_low", "rate_high"]] = math.nan
    figure = drawn(partial(charts.curves, frame))
    assert max(figure["data"][2]["x"]) <= 3 * DAY
    assert figure["layout"]["xaxis"]["range"][1] <= 3 * DAY


def test_a_curve_without_any_known_rate_says_that_data_are_missing():
    frame = CURVES.assign(rate=math.nan, rate_low=math.nan, rate_high=math.nan)
    names = [trace["name"] for trace in drawn(partial(charts.curves, frame))["data"] if "hovertext" in trace]
    assert names[0] == "sign: not enough data"


def test_bars_of_time_say_their_interval_count_and_share():
    figure = drawn(CHARTS["time_to_convert"])
    assert [trace["y"] for trace in figure["data"]] == [[10 * place + 5 for place in range(9)]] * 2
    hover = figure["data"][0]["hovertext"]
    assert hover[3] == "<b>sign</b><br>1\u00a0min to 10\u00a0min<br>35, 8.6% of them"
    assert hover[-1].startswith("<b>sign</b><br>3\u00a0days or more<br>")
    assert figure["layout"]["xaxis"]["title"]["text"] == "Time since visit"


def test_an_interval_of_time_that_is_missing_leaves_a_gap():
    frame = TIMES[(TIMES["step"] == "sign") & (TIMES["elapsed_from_seconds"] != 60)]
    assert drawn(partial(charts.time_to_convert, frame))["data"][0]["x"] == [0.5, 1.5, 2.5, 4.5, 5.5, 6.5, 7.5, 8.5]


# By day of entry


def test_the_unobservable_corner_is_hatched_and_said_to_be():
    figure = drawn(CHARTS["cohort_triangle"])
    corner, heat = figure["data"]
    # Days 10 to 21 of January; from the 15th on, the last ages lie after the 21st.
    assert corner["y"] == [5, 6, 7, 8, 9, 10, 11]
    assert corner["x"] == [1, 2, 3, 4, 5, 6, 7]
    assert corner["base"] == [6.5, 5.5, 4.5, 3.5, 2.5, 1.5, 0.5]
    assert corner["marker"]["pattern"]["shape"] == "/"
    assert [row.count(None) for row in heat["z"]] == [0] * 5 + [1, 2, 3, 4, 5, 6, 7]
    assert "Hatched: not observable yet" in list(words_on(figure))


def test_rates_are_written_in_few_cells_and_read_from_a_scale_in_many():
    heat = drawn(CHARTS["cohort_triangle"])["data"][1]
    assert heat["text"][0][:3] == ["10.0", "11.0", "12.0"]
    assert heat["showscale"] is False
    assert heat["hovertext"][0][1] == "January\u00a010, 2018<br>1 day after entry<br>11.0% of 1,010 entries"
    wide = pandas.DataFrame(
        [{"entered_on": "2018-01-10", "visitors": 5, "age_days": age, "overall_rate": 0.1} for age in range(31)]
    )
    heat = drawn(partial(charts.cohort_triangle, wide))["data"][1]
    assert "text" not in heat
    assert heat["showscale"] is True


# Groups, definitions


def test_groups_have_a_dot_and_an_interval_each_the_largest_on_top():
    figure = drawn(CHARTS["groups"])
    assert [trace["name"] for trace in figure["data"]] == ["sign", "share", "partner_click"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["social", "email", "not given", "&lt;b&gt;press&lt;/b&gt;"]
    social = BY_CHANNEL[(BY_CHANNEL["channel"] == "social") & (BY_CHANNEL["step"] == "sign")].iloc[0]
    expected = (social["step_rate_low"], social["step_rate"], social["step_rate_high"])
    assert whiskers(figure["data"][0])[0] == pytest.approx(expected)
    assert "17.6% (4,100)" in list(words_on(figure))


def test_a_group_without_a_rate_has_no_dot():
    new = [step("visit", None, 3, channel="b"), step("sign", "visit", 0, pending=3, channel="b")]
    frame = pandas.DataFrame([*funnel_rows(100, 10, 1, 1, 0, channel="a"), *new])
    figure = drawn(partial(charts.groups, frame, ["channel"]))
    assert len(trace_of(figure, "sign")["x"]) == 1
    assert "– (0)" in list(words_on(figure))


def test_definitions_are_compared_on_one_axis_from_zero_with_the_first_as_a_line():
    figure = drawn(CHARTS["sensitivity"])
    expected = DEFINITIONS[["overall_rate_low", "overall_rate", "overall_rate_high"]].to_numpy()
    assert np.array(whiskers(figure["data"][0])) == pytest.approx(expected)
    assert figure["layout"]["xaxis"]["range"][0] == 0
    assert figure["layout"]["xaxis"]["title"]["text"] == "Share of entries (%)"
    assert figure["layout"]["shapes"][0]["x0"] == pytest.approx(0.15)
    text = " | ".join(words_on(figure)).replace("\u00a0", " ")
    assert "<b>As asked</b>" in text
    assert "15.0% [14.7 to 15.3] · 9,000 of 60,000" in text


# Axes


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (1.0, ["0%", "25%", "50%", "75%", "100%"]),
        (0.16, ["0%", "5%", "10%", "15%"]),
        (0.021, ["0%", "1%", "2%"]),
        (0.006, ["0.0%", "0.2%", "0.4%", "0.6%"]),
        (0.0, ["0.00%", "0.25%", "0.50%", "0.75%", "1.00%"]),
    ],
)
def test_ticks_of_shares_are_round_and_written_with_the_digits_they_need(highest, expected):
    from funnel.charts.look import percent_ticks

    assert percent_ticks(highest, language("en"), most=4)["ticktext"] == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (7 * DAY, ["0 s", "2 days", "4 days", "6 days"]),
        (5 * 3_600, ["0 s", "2 h", "4 h"]),
        (90, ["0 s", "30 s", "1 min", "1 min 30 s"]),
        (3 * 365 * DAY, ["0 s", "365 days", "730 days", "1,095 days"]),
    ],
)
def test_ticks_of_time_are_round_in_the_units_people_use(last, expected):
    from funnel.charts.look import time_ticks

    assert [text.replace("\u00a0", " ") for text in time_ticks(last, language("en"), most=4)["ticktext"]] == expected


def test_logarithmic_ticks_are_one_of_each_unit():
    from funnel.charts.look import long_time_ticks

    assert long_time_ticks(1, 3 * DAY, language("en"))["tickvals"] == [1, 60, 3_600, DAY]
    assert long_time_ticks(60, 6 * 3_600, language("en"))["tickvals"] == [60, 600, 3_600, 21_600]


def test_a_long_name_is_shortened_in_its_middle_and_never_read_as_markup():
    from funnel.charts.look import plain

    assert plain("a very long name of a step", 20) == "a very long n…a step"
    assert plain("a<b & c") == "a&lt;b &amp; c"
