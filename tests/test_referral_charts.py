"""Facts about the figures of referrals: what they show, in whose words, and what becomes of what is not known."""

import math
import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pandas
import pytest
from scipy.stats import nbinom

from funnel import charts
from funnel.language import Language
from tests.test_charts import drawn, lengths, numbers_in, strings, trace_of, words_on

NAN, INFINITE = math.nan, math.inf
HOUR, DAY = 3_600, 86_400


def generation_rows(signatures, k_factors):
    return pandas.DataFrame(
        [
            {"generation": place, "signatures": count, "share": count / sum(signatures),
             "referred": signatures[place + 1] if place + 1 < len(signatures) else 0,
             "k_factor": k[0], "k_factor_low": k[1], "k_factor_high": k[2]}
            for place, (count, k) in enumerate(zip(signatures, k_factors, strict=True))
        ]
    )  # fmt: skip


def day_rows(seeded, referred, numbers):
    return pandas.DataFrame(
        [
            {"signed_on": date(2018, 1, 14) + timedelta(days=place), "seeded": alone, "referred": brought,
             "reproduction_number": r, "reproduction_number_low": low, "reproduction_number_high": high}
            for place, (alone, brought, (r, low, high)) in enumerate(zip(seeded, referred, numbers, strict=True))
        ]
    )  # fmt: skip


def offspring_rows(signers, law):
    everyone = sum(signers.values())
    return pandas.DataFrame(
        [
            {"brought": brought, "signers": count, "expected": everyone * float(law(brought))}
            for brought, count in signers.items()
        ]
    )


def cycle_rows(edges, counts, shares):
    return pandas.DataFrame(
        {
            "elapsed_from_seconds": edges[:-1],
            "elapsed_to_seconds": edges[1:],
            "signatures": counts,
            "share": shares,
        },
        dtype=float,
    )


NOT_YET = (NAN, NAN, NAN)
GENERATIONS = generation_rows(
    [6_000, 3_000, 750, 250], [(0.51, 0.48, 0.54), (0.26, 0.22, 0.31), (0.4, 0.2, 0.7), (NAN, 0, INFINITE)]
)
DAYS = day_rows(
    [1_500, 700, 300, 200, 900, 0, 120],
    [200, 400, 320, 210, 260, 0, 90],
    [NOT_YET, NOT_YET, (0.9, 0.8, 1.0), (1.1, 1.0, 1.21), (0.95, 0.9, 1.02), NOT_YET, (0.8, 0.6, 1.05)],
)
OFFSPRING = offspring_rows({0: 9_300, 1: 400, 2: 150, 3: 80, 5: 40, 8: 20, 13: 9, 48: 1}, nbinom(0.1, 0.25).pmf)
CYCLE = cycle_rows(
    [0, 60, 600, HOUR, 3 * HOUR, 12 * HOUR, DAY, 14 * DAY, 16 * DAY + 23 * HOUR],
    [0, 40, 900, 700, 300, 400, 1_500, 13],
    [0, 0.01, 0.2, 0.15, 0.1, 0.1, 0.42, 0.02],
)
REFERRAL_CHARTS: dict[str, Callable] = {
    "generation_bars": partial(charts.generation_bars, GENERATIONS),
    "reproduction_over_time": partial(charts.reproduction_over_time, DAYS),
    "offspring_bars": partial(charts.offspring_bars, OFFSPRING),
    "cycle_bars": partial(charts.cycle_bars, CYCLE),
}
every_chart = pytest.mark.parametrize("draw", REFERRAL_CHARTS.values(), ids=REFERRAL_CHARTS)
EDGES: dict[str, Callable] = {
    "one generation": partial(charts.generation_bars, generation_rows([1], [(0, 0, 3.7)])),
    "generations of open ends": partial(
        charts.generation_bars, generation_rows([1_000_000, 20], [(1.25, 1.2, 1.3), (2.5, 0.5, INFINITE)])
    ),
    "many generations": partial(
        charts.generation_bars, generation_rows([900 - 20 * n for n in range(17)], [(0.97, 0.9, 1.04)] * 17)
    ),
    "days far above 1": partial(
        charts.reproduction_over_time,
        day_rows(
            [5, 0, 0, 9, 1],
            [0, 30, 90, 400, 1_600],
            [(5.2, 2.1, INFINITE), (4.0, 2.0, 60.0), (3.0, NAN, NAN), (2.5, 2.2, 2.9), (2.2, 2.1, 2.4)],
        ),
    ),
    "one day": partial(charts.reproduction_over_time, day_rows([3], [0], [NOT_YET])),
    "days apart": partial(
        charts.reproduction_over_time, day_rows([3, 0, 2], [0, 0, 1], [NOT_YET, NOT_YET, (0.3, 0.1, 1.4)])
    ),
    "a year of days": partial(
        charts.reproduction_over_time,
        day_rows(
            [1_000_000 // (day + 1) for day in range(400)],
            [500 + day for day in range(400)],
            [(1 + math.sin(day / 30) / 3, 0.6, 1.4) for day in range(400)],
        ),
    ),
    "nobody brought anybody": partial(
        charts.offspring_bars, pandas.DataFrame({"brought": [0], "signers": [1], "expected": [NAN]})
    ),
    "one brought very many": partial(
        charts.offspring_bars,
        offspring_rows({0: 4_200_000, 1: 60_000, 2: 9_000, 7: 300, 40: 9, 350: 2, 2_600: 1}, nbinom(0.02, 0.05).pmf),
    ),
    "one span": partial(charts.cycle_bars, cycle_rows([0, 60], [3], [1])),
    "spans without an end": partial(
        charts.cycle_bars, cycle_rows([0, 10 * DAY + 13 * HOUR, 100 * DAY + 3 * HOUR, INFINITE], [3, 2, 1], [1, 0, NAN])
    ),
}


# What every chart has in common


@pytest.mark.parametrize("draw", [*REFERRAL_CHARTS.values(), *EDGES.values()], ids=[*REFERRAL_CHARTS, *EDGES])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("code", ["en", "fr"])
def test_every_colour_is_a_role_of_the_theme_so_that_a_page_can_turn_it(draw, theme, code):
    figure = drawn(draw, language=code, theme=theme)
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
def test_no_array_is_longer_than_the_frame(draw):
    assert max(length for trace in drawn(draw)["data"] for length in lengths(trace)) <= len(draw.args[0])


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
        # Units and months need no translation: Babel writes the months.
        assert set(re.findall(r"[^\W\d]+", rest.replace(".", " "))) <= {"s", "min", "h", "janv", "janvier", "er"}, text


@every_chart
def test_a_frame_without_rows_gives_a_figure_that_says_so(draw):
    figure = drawn(partial(draw.func, draw.args[0].iloc[:0]))
    assert figure["data"] == []
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["Nothing to show yet."]
    assert figure["layout"]["title"]["text"] == drawn(draw)["layout"]["title"]["text"]


@pytest.mark.parametrize("draw", [*REFERRAL_CHARTS.values(), *EDGES.values()], ids=[*REFERRAL_CHARTS, *EDGES])
def test_nothing_unknown_or_without_an_end_reaches_the_figure(draw):
    assert all(map(math.isfinite, numbers_in(draw().to_dict())))


# What each shows


def texts_of(figure):
    return [each["text"].replace("\u00a0", " ").replace("<br>", " ") for each in figure["layout"]["annotations"]]


def test_a_generation_says_its_signatures_and_what_each_of_them_brings():
    figure = drawn(REFERRAL_CHARTS["generation_bars"])
    assert figure["data"][0]["x"] == [6_000, 3_000, 750, 250]
    assert texts_of(figure)[:4] == [
        "<b>By themselves</b>  6,000 · 60.0%",
        "each brings 0.51 [0.48 to 0.54]",
        "<b>Generation 1</b>  3,000 · 30.0%",
        "each brings 0.26 [0.22 to 0.31]",
    ]


def test_those_who_came_by_themselves_are_in_a_colour_of_their_own():
    light = charts.themes["light"]
    marks = drawn(REFERRAL_CHARTS["generation_bars"])["data"][0]["marker"]["color"]
    assert marks == [light["vermilion"], *[light["blue"]] * 3]
    days = drawn(REFERRAL_CHARTS["reproduction_over_time"])
    assert trace_of(days, "By themselves")["marker"]["color"] == light["vermilion"]
    assert trace_of(days, "By a friend’s link")["marker"]["color"] == light["blue"]


def test_a_generation_without_time_is_too_early_to_tell():
    assert texts_of(drawn(REFERRAL_CHARTS["generation_bars"]))[-1] == "too early to tell how many each brings"


def test_an_interval_without_an_upper_end_is_told_by_its_lower_one():
    assert texts_of(drawn(EDGES["generations of open ends"]))[-1] == "each brings 2.50, 0.50 at the least"


def test_after_a_dozen_generations_the_chart_says_that_there_are_more():
    figure = drawn(EDGES["many generations"])
    assert len(figure["data"][0]["x"]) == 12
    assert texts_of(figure)[-1] == "The first 12 of 17 generations."


def test_the_bars_of_a_day_add_up_to_its_signatures():
    figure = drawn(REFERRAL_CHARTS["reproduction_over_time"])
    assert figure["layout"]["barmode"] == "stack"
    assert trace_of(figure, "By themselves")["y"] == [1_500, 700, 300, 200, 900, 0, 120]
    assert trace_of(figure, "By a friend’s link")["y"] == [200, 400, 320, 210, 260, 0, 90]


def test_both_panels_have_one_axis_of_days():
    figure = drawn(REFERRAL_CHARTS["reproduction_over_time"])
    assert {trace.get("xaxis", "x") for trace in figure["data"]} == {"x"}
    assert "xaxis2" not in figure["layout"]


def test_the_line_is_broken_where_there_is_no_reproduction_number():
    lines = [
        trace
        for trace in drawn(REFERRAL_CHARTS["reproduction_over_time"])["data"]
        if trace.get("name") == "One signature brings"
    ]
    assert [(line["x"], line["y"], line["mode"]) for line in lines] == [
        ([2, 3, 4], [0.9, 1.1, 0.95], "lines"),
        ([6], [0.8], "lines+markers"),
    ]


@pytest.mark.parametrize("name", ["reproduction_over_time", "one day", "days far above 1", "a year of days"])
def test_the_line_at_one_is_always_on_the_scale(name):
    figure = drawn((REFERRAL_CHARTS | EDGES)[name])
    low, high = figure["layout"]["yaxis"]["range"]
    assert figure["data"][0]["line"]["dash"] == "dash"
    assert figure["data"][0]["y"] == [1, 1]
    assert figure["data"][0]["x"] == figure["layout"]["xaxis"]["range"]
    assert low < 1 < high


def test_a_band_that_runs_far_above_its_line_or_is_not_known_stops_at_the_edge():
    figure = drawn(EDGES["days far above 1"])
    top = figure["layout"]["yaxis"]["range"][1]
    assert 5.2 < top < 10
    lower, upper, line = figure["data"][1:4]
    assert line["y"] == [5.2, 4.0, 3.0, 2.5, 2.2]
    assert upper["y"] == [top, top, top, 2.9, 2.4]
    assert lower["y"] == [2.1, 2.0, 0.0, 2.2, 2.1]


def test_days_without_any_reproduction_number_say_that_it_is_too_early():
    assert "Too early to tell." in texts_of(drawn(EDGES["one day"]))
    assert "Too early to tell." not in texts_of(drawn(EDGES["days apart"]))


def test_signers_stand_over_what_they_brought_with_the_law_as_dots():
    figure = drawn(REFERRAL_CHARTS["offspring_bars"])
    bars, law = figure["data"]
    assert bars["x"] == law["x"] == [0, 1, 2, 3, 5, 8, 13, 48]
    assert bars["y"] == [9_300, 400, 150, 80, 40, 20, 9, 1]
    assert law["y"][:7] == pytest.approx(list(OFFSPRING["expected"][:7]))
    assert figure["layout"]["yaxis"]["type"] == "log"


def test_where_the_law_expects_less_than_half_a_signer_a_tip_points_down():
    law = drawn(REFERRAL_CHARTS["offspring_bars"])["data"][1]
    assert OFFSPRING["expected"].iloc[-1] < 0.5
    assert 0.5 < law["y"][-1] < 0.7
    assert law["marker"]["symbol"] == [*["circle"] * 7, "triangle-down"]


def test_how_many_brought_nobody_is_said_in_words():
    assert texts_of(drawn(REFERRAL_CHARTS["offspring_bars"]))[0] == (
        "9,300 of 10,000 signers (93.0%) have brought nobody so far; 48 is the most that one has brought."
    )


def test_where_nobody_brought_anybody_the_chart_says_only_that():
    assert texts_of(drawn(EDGES["nobody brought anybody"]))[0] == (
        "The 1 signer came without a friend’s link: nobody has brought anybody yet."
    )


def test_every_day_says_who_came_how_and_what_each_brings():
    said = trace_of(drawn(REFERRAL_CHARTS["reproduction_over_time"]), "By themselves")["hovertext"]
    assert said[0].replace("\u00a0", " ") == "<b>January 14, 2018</b><br>1,500 by themselves<br>200 by a friend’s link"
    assert said[2].endswith("<br>each brings 0.90 [0.80 to 1.00]")


def test_a_long_tail_is_on_a_logarithmic_axis_that_says_so():
    axis = drawn(EDGES["one brought very many"])["layout"]["xaxis"]
    assert axis["title"]["text"] == "Signatures brought, logarithmic"
    assert axis["ticktext"][0] == "0"
    assert axis["ticktext"][-1] == "1,000"
    assert drawn(REFERRAL_CHARTS["offspring_bars"])["layout"]["xaxis"]["title"]["text"] == "Signatures brought"


def test_a_law_that_is_not_known_has_no_dots_and_no_key():
    figure = drawn(EDGES["nobody brought anybody"])
    assert len(figure["data"]) == 1
    assert "Signers by the law" not in texts_of(figure)


def test_a_span_of_time_has_its_share_beside_it():
    figure = drawn(REFERRAL_CHARTS["cycle_bars"])
    assert figure["data"][0]["x"] == list(CYCLE["share"])
    assert figure["data"][0]["text"][2:4] == ["20.0%", "15.0%"]
    said = texts_of(figure)
    assert said[:3] == ["under 1 min", "1 min to 10 min", "10 min to 1 h"]
    assert said[7] == "14 days to 16 days 23 h"
    assert texts_of(drawn(EDGES["spans without an end"]))[2] == "100 days 3 h or more"


def test_without_referred_signatures_there_is_no_time_to_show():
    figure = drawn(partial(charts.cycle_bars, cycle_rows([0, 60], [0], [NAN])))
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["Nothing to show yet."]
