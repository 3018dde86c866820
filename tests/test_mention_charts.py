"""Facts about the figures of mentions: what they show, in whose words, and what becomes of what is not known."""

import math
import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pandas
import pytest

from funnel import charts
from funnel.language import Language
from tests.test_charts import drawn, lengths, numbers_in, strings, trace_of, words_on

NAN, INFINITE = math.nan, math.inf


def life(name, first, friends, second=0, third=0, *, spread=0.3, together=None, outlet=None, thousand=NAN):
    total = sum(part for part in (first, friends, second, third) if not math.isnan(part))
    known = not math.isnan(first)
    return {
        "mention": name, "outlet": outlet, "first_life": first, "first_downstream": friends,
        "second_visits": 6 * second, "second_life": second, "second_downstream": third,
        "total": total if known else NAN,
        "total_low": total - spread * (first + friends) if known else NAN,
        "total_high": total + 2 * spread * (first + friends) if known else NAN,
        "per_thousand": thousand, "together_with": together,
    }  # fmt: skip


def minute_rows(*, before=36, after=36, step=5, peak=1_400, usual=8.0, hour=17):
    first = pandas.Timestamp(2018, 1, 21, hour, 40, tz="America/Toronto")
    rows = []
    for place in range(before + after):
        since = place - before
        seen = usual + (peak * 0.8**since if since >= 0 else (-1) ** place)
        rows.append(
            {"mention": "1", "outcome": "visit", "minute": since * step, "at": first + timedelta(minutes=place * step),
             "observed": round(seen), "expected": usual, "expected_low": max(usual - 6, 0), "expected_high": usual + 6,
             "is_window": since >= 0}
        )  # fmt: skip
    return pandas.DataFrame(rows)


def aired(*rows):
    return pandas.DataFrame(rows, columns=["mention", "from_minute", "to_minute", "is_own"])


def day_rows(days=21, first=7, last=8, *, level=300.0, jump=1_200.0, width=120.0, models=("interrupted series",)):
    rows = []
    for model in models:
        running = 0.0
        for day in range(days):
            during = first <= day <= last
            usual = level * (0.7 if day % 7 in (0, 6) else 1.0)
            seen = usual + (jump / (1 + day - first) if during else 7.0 * (-1) ** day)
            told = day % 5 != 3 or during
            running += seen - usual if during else 0.0
            rows.append(
                {"model": model, "on": date(2018, 1, 14) + timedelta(days=day), "observed": seen,
                 "counterfactual": usual, "counterfactual_low": max(usual - width, 0),
                 "counterfactual_high": usual + width,
                 "excess": seen - usual if told else NAN, "excess_low": seen - usual - width if told else NAN,
                 "excess_high": seen - usual + width if told else NAN,
                 "cumulative": running if during else NAN, "cumulative_low": running - 1.5 * width if during else NAN,
                 "cumulative_high": running + 1.5 * width if during else NAN, "is_effect": during}
            )  # fmt: skip
    return pandas.DataFrame(rows)


LIVES = pandas.DataFrame(
    [
        life("1", 1_196.0, 487.0, 285, 126, thousand=1.9, outlet="7"),
        life("2", 92.3, 168.5),
        life("3", 41.4, 6.2, spread=1.3),
        life("4", -12.0, -3.0, spread=2.5),
        life("5", NAN, NAN),
        life("6", NAN, NAN, together="2"),
    ]
)
MINUTES = minute_rows()
DAYS = day_rows(models=("interrupted series", "local level"))
ON_AIR = aired(("1", 0, 18, True), ("2", 60, 60, False))
MENTION_CHARTS: dict[str, Callable] = {
    "mention_ranking": partial(charts.mention_ranking, LIVES),
    "mention_timeline": partial(charts.mention_timeline, MINUTES, others=ON_AIR),
    "mention_counterfactual": partial(charts.mention_counterfactual, DAYS),
}
every_chart = pytest.mark.parametrize("draw", MENTION_CHARTS.values(), ids=MENTION_CHARTS)
NO_BASELINE = MINUTES.assign(expected=NAN, expected_low=NAN, expected_high=NAN)
LONG = "A talk show whose name is very long indeed, with a <b>tag</b> in it"
EDGES: dict[str, Callable] = {
    "mentions without a baseline": partial(charts.mention_ranking, LIVES.iloc[4:].reset_index(drop=True)),
    "one mention": partial(charts.mention_ranking, LIVES.iloc[:1]),
    "a second life alone": partial(charts.mention_ranking, pandas.DataFrame([life("1", NAN, NAN, 200, 30)])),
    "many mentions with long names": partial(
        charts.mention_ranking, pandas.DataFrame([life(f"{LONG} {n}", 900.0 / (n + 1), 90.0) for n in range(15)])
    ),
    "an excess without an end": partial(
        charts.mention_ranking,
        pandas.DataFrame([life("1", 80.0, 9.0) | {"total_high": INFINITE, "total_low": -INFINITE}]),
    ),
    "a timeline without a baseline": partial(charts.mention_timeline, NO_BASELINE, others=ON_AIR),
    "a timeline of one minute": partial(charts.mention_timeline, minute_rows(before=0, after=1), others=None),
    "a timeline of days": partial(charts.mention_timeline, minute_rows(before=60, after=240, step=60, peak=2_000_000)),
    "a timeline of many pieces": partial(
        charts.mention_timeline, MINUTES, others=aired(*((LONG, 40 * n, 40 * n + 15, not n) for n in range(6)))
    ),
    "a timeline across midnight": partial(charts.mention_timeline, minute_rows(hour=22, peak=9), others=ON_AIR),
    "a day without a sum": partial(charts.mention_counterfactual, day_rows(8, 7, 7)),
    "days of a large petition": partial(
        charts.mention_counterfactual, day_rows(400, 30, 60, level=80_000.0, jump=4_000_000.0, width=9_000.0)
    ),
    "days far below": partial(charts.mention_counterfactual, day_rows(jump=-290.0)),
}  # fmt: skip
both = pytest.mark.parametrize("draw", [*MENTION_CHARTS.values(), *EDGES.values()], ids=[*MENTION_CHARTS, *EDGES])


# What every chart has in common


@both
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_is_a_role_of_the_theme_so_that_a_page_can_turn_it(draw, theme):
    figure = drawn(draw, theme=theme)
    used = {each for each in strings(figure) if re.fullmatch(r"#[0-9a-fA-F]{3,8}|rgba?\(.*\)", each)}
    assert used <= {*charts.themes[theme].values(), "rgba(0,0,0,0)"}


@every_chart
def test_a_figure_is_transparent_and_its_title_can_be_given_or_left_out(draw):
    layout = drawn(draw)["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["title"]["text"]
    assert drawn(draw, title="Petition")["layout"]["title"]["text"] == "Petition"
    assert drawn(draw, title="")["layout"]["margin"]["t"] < layout["margin"]["t"]


@every_chart
def test_a_figure_holds_no_more_than_both_ends_of_each_row(draw):
    assert max(length for trace in drawn(draw)["data"] for length in lengths(trace)) <= 2 * len(draw.args[0])


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
        rest = re.sub(r"</?b>|<br>", " ", text)
        while "⟦" in rest:
            rest = re.sub(r"⟦[^⟦⟧]*⟧", " ", rest)
        assert set(re.findall(r"[^\W\d]+", rest.replace(".", " "))) <= {
            "s",
            "min",
            "h",
            "janv",
            "janvier",
            "février",
            "er",
        }


@every_chart
def test_a_frame_without_rows_gives_a_figure_that_says_so(draw):
    figure = drawn(partial(draw.func, draw.args[0].iloc[:0]))
    assert figure["data"] == []
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["Nothing to show yet."]


@both
def test_nothing_without_an_end_reaches_the_figure(draw):
    assert all(map(math.isfinite, numbers_in(draw().to_dict())))


# What each shows


def texts_of(figure):
    return [each["text"].replace("\u00a0", " ") for each in figure["layout"]["annotations"]]


def test_both_lives_follow_one_another_with_what_friends_added():
    figure = drawn(MENTION_CHARTS["mention_ranking"])
    bars = [trace for trace in figure["data"] if trace["type"] == "bar"]
    assert [bar["x"][0] for bar in bars] == [1_196, 487, 285, 126]
    assert [bar["name"] for bar in bars] == ["First life", "Their friends", "Second life", "Their friends"]
    assert ["pattern" in bar["marker"] for bar in bars] == [False, True, False, True]
    assert figure["layout"]["barmode"] == "relative"


def test_the_interval_is_of_the_whole_and_of_what_is_measured_alone():
    whiskers = drawn(MENTION_CHARTS["mention_ranking"])["data"][4]
    assert whiskers["x"] == pytest.approx([2_094, 260.8, 47.6, -15])
    assert whiskers["error_x"]["array"][0] == pytest.approx(0.6 * (1_196 + 487))


def test_what_has_no_baseline_is_told_in_words():
    said = texts_of(drawn(MENTION_CHARTS["mention_ranking"]))
    assert said[0] == "<b>1</b>  2,094 [1,589 to 3,104]"
    assert said[4:6] == ["<b>5</b>  no baseline", "<b>6</b>  counted with 2"]


def test_a_dozen_mentions_are_drawn_and_the_others_counted():
    figure = drawn(EDGES["many mentions with long names"])
    assert len(figure["data"][0]["x"]) == 12
    assert "The 12 largest of 15 groups." in texts_of(figure)


def test_a_bar_stands_on_each_bin_over_the_band_of_the_baseline():
    figure = drawn(MENTION_CHARTS["mention_timeline"])
    low, high, middle, bars = figure["data"]
    assert bars["y"] == MINUTES["observed"].astype(float).tolist()
    assert bars["x"][:2] == [-177.5, -172.5]
    assert (set(low["y"]), set(middle["y"]), set(high["y"])) == ({2}, {8}, {14})
    assert (low["x"][0], low["x"][-1]) == (-180, 180)


def test_each_mention_on_the_air_is_shaded_and_named_and_one_without_length_is_a_line():
    layout = drawn(MENTION_CHARTS["mention_timeline"])["layout"]
    shades = [each for each in layout["shapes"] if each.get("layer") == "below"]
    assert [(each["type"], each["x0"], each["x1"]) for each in shades] == [("rect", 0, 18), ("line", 60, 60)]
    assert texts_of({"layout": layout})[:2] == ["<b>1</b>", "<b>2</b>"]


def test_times_of_the_clock_stand_at_round_hours():
    axis = drawn(MENTION_CHARTS["mention_timeline"])["layout"]["xaxis"]
    # The mention is at 20:40.
    assert list(zip(axis["ticktext"], axis["tickvals"], strict=True)) == [("20:00", -40), ("22:00", 80)]


def test_a_timeline_without_a_baseline_has_bars_alone():
    figure = drawn(EDGES["a timeline without a baseline"])
    assert [trace["type"] for trace in figure["data"]] == ["bar"]
    assert not any("Usual" in text for text in texts_of(figure))


def test_three_panels_share_the_days_and_shade_those_of_the_mention():
    figure = drawn(MENTION_CHARTS["mention_counterfactual"])
    assert {trace.get("yaxis", "y") for trace in figure["data"]} == {"y", "y2", "y3"}
    shades = [each for each in figure["layout"]["shapes"] if each["type"] == "rect"]
    assert [(each["x0"], each["x1"]) for each in shades] == [(6.5, 8.5)] * 3


def test_the_first_model_is_drawn_and_days_that_tell_nothing_are_rings():
    figure = drawn(MENTION_CHARTS["mention_counterfactual"])
    counted = trace_of(figure, "As counted")
    assert len(counted["y"]) == 21
    card = charts.themes["light"]["card"]
    assert [place for place, colour in enumerate(counted["marker"]["color"]) if colour == card] == [3, 13, 18]


def test_the_sum_runs_over_the_days_of_the_mention():
    figure = drawn(MENTION_CHARTS["mention_counterfactual"])
    (sums,) = [trace for trace in figure["data"] if trace.get("yaxis") == "y3"]
    assert (sums["x"], sums["y"]) == ([7, 8], [1_200, 1_800])
