"""Facts about the figures of experiments: what they show, in whose words, and what becomes of bounds without an end."""

import math
import re
from collections.abc import Callable
from datetime import date
from functools import partial

import numpy as np
import pandas
import pytest
from scipy.integrate import trapezoid
from scipy.stats import beta, norm

from funnel import charts
from funnel.charts.whiskers import scale
from funnel.language import Language, language
from funnel.stats import newcombe, wilson
from tests.test_charts import curve_rows, drawn, numbers_in, strings, trace_of, whiskers, words_on

DAY = 86_400
NAN, INFINITE = math.nan, math.inf


def result_row(outcome, role, variant, converted, visitors, control, *, wider=1.25, **others):
    rate = wilson(converted, visitors)
    row = {
        "outcome": outcome,
        "role": role,
        "kind": "share",
        "variant": variant,
        "visitors": visitors,
        "pending": 120,
        "total": converted,
    }
    row |= {"rate": rate.value, "rate_low": rate.low, "rate_high": rate.high}
    row |= dict.fromkeys(
        ("difference", "difference_low", "difference_high", "simultaneous_low", "simultaneous_high"), NAN
    )
    if control is not None:
        found = newcombe(converted, visitors, *control)
        row |= {"difference": found.value, "difference_low": found.low, "difference_high": found.high}
        row["simultaneous_low"] = found.value - wider * (found.value - found.low)
        row["simultaneous_high"] = found.value + wider * (found.high - found.value)
    row |= {"lift": NAN, "lift_low": NAN, "lift_high": NAN, "p": NAN, "p_adjusted": NAN, "correction": None}
    return {**row, "method": "newcombe", "margin": NAN, "safety": None, "note": "", **others}


def conversion(outcome, role, counts, *, visitors=3_050, margin=NAN, safety=()):
    """Return the rows of an outcome, converted by variant, the control first."""
    (first, converted), *others = counts.items()
    rows = [result_row(outcome, role, first, converted, visitors, None, margin=margin)]
    for place, (variant, each) in enumerate(others):
        said = safety[place] if safety else None
        rows.append(
            result_row(
                outcome, role, variant, each, visitors + 7 * place, (converted, visitors), margin=margin, safety=said
            )
        )
    return rows


def number(outcome, role, means, *, error=0.021):
    """Return the rows of an outcome that is a number a visitor."""
    (first, mean), *others = means.items()
    rows = [result_row(outcome, role, first, 10, 3_050, None) | {"kind": "mean", "rate": mean}]
    for variant, each in others:
        difference = each - mean
        row = result_row(outcome, role, variant, 10, 3_050, None) | {"kind": "mean", "rate": each}
        row["difference"] = difference
        row |= {"difference_low": difference - 1.96 * error, "difference_high": difference + 1.96 * error}
        row |= {"simultaneous_low": difference - 2.35 * error, "simultaneous_high": difference + 2.35 * error}
        rows.append(row)
    return rows


FOUR = ("thanks_only", "share", "partner", "both")
RESULT = pandas.DataFrame(
    [
        *conversion("share", "primary", dict(zip(FOUR, (310, 655, 298, 540), strict=True))),
        *conversion("partner_click", "secondary", dict(zip(FOUR, (150, 141, 420, 330), strict=True))),
        *number("sign brought", "secondary", dict(zip(FOUR, (0.081, 0.162, 0.079, 0.135), strict=True))),
        *number("partner_click per share", "exploratory", dict(zip(FOUR, (0.4, 0.3, 1.4, 0.6), strict=True)),
                error=0.11),
        *conversion("unsubscribe", "guardrail", dict(zip(FOUR, (28, 31, 62, 41), strict=True)), margin=0.005,
                    safety=("safe", "harmful", "not shown safe")),
    ]
)  # fmt: skip
CURVES = pandas.DataFrame(
    [
        {**row, "variant": variant}
        for outcome, finals in (("share", (0.10, 0.21, 0.10, 0.18)), ("partner_click", (0.05, 0.046, 0.14, 0.11)))
        for variant, final in zip(FOUR, finals, strict=True)
        for row in curve_rows(outcome, "exposure", [0, *np.geomspace(1, 3 * DAY, 30)], final)
    ]
)[["outcome", "variant", "elapsed_seconds", "rate", "rate_low", "rate_high", "at_risk"]]


def look_rows(variant, paths, critical, *, every=1_200):
    return [
        {"variant": variant, "looked_on": date(2018, 1, 15 + place), "visitors": every * (place + 1),
         "fraction": (place + 1) / len(paths), "difference": 0.01 * z, "difference_low": 0.01 * z - 0.03,
         "difference_high": 0.01 * z + 0.03, "z": z, "critical": needed}
        for place, (z, needed) in enumerate(zip(paths, critical, strict=True))
    ]  # fmt: skip


# The boundary of five looks: Lan and DeMets 1983, O'Brien-Fleming (rpact 3.3.4).
FIVE_LOOKS = (4.877, 3.357, 2.680, 2.290, 2.031)
LOOKS = pandas.DataFrame(
    [
        *look_rows("share", (1.4, 2.9, 3.7, 5.2, 6.1), FIVE_LOOKS),
        *look_rows("partner", (0.3, -0.8, -0.4, -0.9, -0.5), FIVE_LOOKS, every=1_180),
        *look_rows("both", (-0.3, 1.8, 1.4, 2.9, 3.5), (INFINITE, *FIVE_LOOKS[1:])),
    ]
)
FIXED = pandas.DataFrame(
    [
        *look_rows("share", (0.4, 2.2, 1.4, 2.5, 1.7), (NAN, NAN, NAN, NAN, 1.96)),
        *look_rows("partner", (0.3, -0.8, -0.4, -0.9, -0.5), (NAN, NAN, NAN, NAN, 1.96)),
    ]
)
ANYTIME = pandas.DataFrame(
    look_rows("share", [0.2 * day for day in range(15)], [4.5 - 0.1 * min(day, 12) for day in range(15)])
)


def posterior_row(variant, converted, visitors, probability):
    believed = beta(1 + converted, 1 + visitors - converted)
    return {"variant": variant, "visitors": visitors, "converted": converted, "rate": believed.mean(),
            "rate_low": believed.ppf(0.025), "rate_high": believed.ppf(0.975), "probability_best": probability,
            "expected_loss": 0.001}  # fmt: skip


POSTERIOR = pandas.DataFrame(
    [
        posterior_row("thanks_only", 310, 3_050, 0.0),
        posterior_row("share", 560, 3_050, 0.713),
        posterior_row("partner", 298, 3_061, 0.0),
        posterior_row("both", 540, 3_052, 0.287),
    ]
)


def segment_rows(column, variant, groups, p, adjusted):
    rows = []
    for group, visitors, difference, error in groups:
        shrunk = 0.11 + (difference - 0.11) * 0.4
        rows.append(
            {"column": column, "group": group, "variant": variant, "visitors": visitors,
             "control_visitors": visitors + 11, "difference": difference, "difference_low": difference - 1.96 * error,
             "difference_high": difference + 1.96 * error, "shrunk": shrunk, "shrunk_low": shrunk - 1.5 * error,
             "shrunk_high": shrunk + 1.5 * error, "interaction_p": p, "interaction_p_adjusted": adjusted}
        )  # fmt: skip
    return rows


CHANNELS = (
    ("social", 1_500, 0.125, 0.012),
    ("email", 900, 0.08, 0.015),
    ("press", 40, 0.3, 0.09),
    (None, 300, 0.11, 0.03),
)
DEVICES = (("mobile", 2_000, 0.12, 0.01), ("desktop", 1_000, 0.10, 0.014))
SEGMENTS = pandas.DataFrame(
    [
        *segment_rows("channel", "share", CHANNELS, 0.0214, 0.128),
        *segment_rows("channel", "both", CHANNELS, 0.00002, 0.0001),
        *segment_rows("device", "share", DEVICES, 0.44, 0.66),
        *segment_rows("device", "both", DEVICES, NAN, NAN),
    ]
)


def novelty_rows(clock, variant, effects):
    return [
        {"clock": clock, "day": day, "variant": variant, "visitors": 900 - 20 * day, "difference": effect,
         "difference_low": effect - 0.02, "difference_high": effect + 0.02}
        for day, effect in enumerate(effects)
    ]  # fmt: skip


NOVELTY = pandas.DataFrame(
    [
        *novelty_rows("since exposure", "share", (0.09, 0.02, 0.004)),
        *novelty_rows("since exposure", "both", (0.06, 0.012, 0.002)),
        *novelty_rows("since start", "share", np.linspace(0.14, 0.09, 14)),
        *novelty_rows("since start", "both", np.linspace(0.09, 0.07, 14)),
    ]
)


def power_of(visitors, lift, rate=0.1):
    other = rate * (1 + lift)
    error = math.sqrt((rate * (1 - rate) + other * (1 - other)) / visitors)
    return float(norm.cdf(rate * lift / error - norm.ppf(0.975)))


POWER = pandas.DataFrame(
    [
        {"visitors": visitors, "lift": lift, "power": power_of(visitors, lift)}
        for lift in (0.05, 0.1, 0.2, 0.5)
        for visitors in range(250, 20_001, 250)
    ]
)
EXPERIMENT_CHARTS: dict[str, Callable] = {
    "difference_forest": partial(charts.difference_forest, RESULT),
    "segment_forest": partial(charts.segment_forest, SEGMENTS),
    "variant_curves": partial(charts.variant_curves, CURVES),
    "boundary": partial(charts.boundary, LOOKS),
    "boundary fixed": partial(charts.boundary, FIXED),
    "boundary anytime": partial(charts.boundary, ANYTIME),
    "posterior": partial(charts.posterior, POSTERIOR, control="thanks_only"),
    "power_curve": partial(charts.power_curve, POWER),
    "experiment_novelty": partial(charts.experiment_novelty, NOVELTY),
}
every_chart = pytest.mark.parametrize("draw", EXPERIMENT_CHARTS.values(), ids=EXPERIMENT_CHARTS)
LONG = "a_variant_with_a_very_long_name_that_goes_on"
SIX = ("thanks_only", "share", "partner", "both", LONG, "<b>video</b>")
SIX_ROWS = pandas.DataFrame(
    conversion(
        "a_step_with_quite_a_long_name_of_its_own",
        "primary",
        dict(zip(SIX, (31, 65, 29, 54, 0, 41), strict=True)),
        visitors=310,
    )
)
OPEN = RESULT[RESULT["outcome"].isin(["share", "sign brought", "unsubscribe"])].copy()
OPEN.loc[OPEN["variant"] == "share", "difference_high"] = INFINITE
OPEN.loc[OPEN["variant"] == "share", "simultaneous_high"] = INFINITE
OPEN.loc[OPEN["variant"] == "partner", ["simultaneous_low", "simultaneous_high"]] = [-INFINITE, INFINITE]
OPEN.loc[OPEN["variant"] == "both", [name for name in OPEN if name.startswith(("difference", "simultaneous"))]] = NAN
EDGES: dict[str, Callable] = {
    "forest of six": partial(charts.difference_forest, SIX_ROWS),
    "forest open": partial(charts.difference_forest, OPEN),
    "curves of six": partial(
        charts.variant_curves,
        pandas.DataFrame(
            [
                {**row, "variant": variant}
                for place, variant in enumerate(SIX)
                for row in curve_rows("share", "exposure", np.linspace(0, 3 * DAY, 30), 0.02 + 0.03 * place)
            ]
        ),
    ),
    "posterior of six": partial(
        charts.posterior,
        pandas.DataFrame(
            [posterior_row(name, 20 + 9 * place, 300, 0.1) for place, name in enumerate(SIX[:5])]
            + [{**posterior_row(SIX[5], 0, 0, NAN)}]
        ),
    ),
    "boundary of one look": partial(charts.boundary, FIXED[FIXED["looked_on"] == date(2018, 1, 19)]),
    "boundary not yet": partial(charts.boundary, LOOKS.assign(critical=INFINITE)),
    "novelty open": partial(
        charts.experiment_novelty,
        NOVELTY.assign(
            difference_high=[
                INFINITE if day % 3 == 1 else high
                for day, high in zip(NOVELTY["day"], NOVELTY["difference_high"], strict=True)
            ]
        ),
        unit="number",
    ),
    "segments of many": partial(
        charts.segment_forest,
        pandas.DataFrame(
            segment_rows(
                "region",
                LONG,
                [(f"region {n}", 900 - n, 0.1 + 0.01 * n, 0.01 + 0.005 * n) for n in range(17)],
                0.2,
                NAN,
            )
        ),
    ),
}


every_edge = pytest.mark.parametrize("draw", EDGES.values(), ids=EDGES)


# What every chart has in common


@pytest.mark.parametrize("draw", [*EXPERIMENT_CHARTS.values(), *EDGES.values()], ids=[*EXPERIMENT_CHARTS, *EDGES])
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


# Names in the data, the letters of statistics, units that need no translation, and months, which Babel writes.
NOT_TO_TRANSLATE = {
    "thanks",
    "only",
    "partner",
    "both",
    "partner_click",
    "per",
    "share",
    "sign",
    "brought",
    "b",
    "z",
    "p",
}
NOT_TO_TRANSLATE |= {"s", "min", "h", "janv", "janvier"}


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


@pytest.mark.parametrize(
    ("chart", "frame"),
    [
        (charts.difference_forest, RESULT),
        (charts.segment_forest, SEGMENTS),
        (charts.variant_curves, CURVES),
        (charts.boundary, LOOKS),
        (charts.posterior, POSTERIOR),
        (charts.power_curve, POWER),
        (charts.experiment_novelty, NOVELTY),
    ],
)
def test_a_frame_without_rows_gives_a_figure_that_says_so(chart, frame):
    figure = drawn(partial(chart, frame.iloc[:0]))
    assert figure["data"] == []
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["Nothing to show yet."]
    assert figure["layout"]["title"]["text"] == drawn(partial(chart, frame))["layout"]["title"]["text"]


def test_names_from_the_data_are_shown_as_they_are_written():
    for draw in EDGES.values():
        assert not any("<b>video</b>" in text.replace("<b>&lt;", "") for text in words_on(drawn(draw)))
    assert any("&lt;b&gt;video&lt;/b&gt;" in text for text in words_on(drawn(EDGES["forest of six"])))


@every_edge
def test_no_bound_without_an_end_reaches_the_figure(draw):
    assert all(map(math.isfinite, numbers_in(draw().to_dict())))


# The differences


def texts_of(figure):
    return [each["text"].replace("\u00a0", " ") for each in figure["layout"]["annotations"]]


def test_a_panel_an_outcome_a_row_a_variant_and_none_for_the_control():
    figure = drawn(EXPERIMENT_CHARTS["difference_forest"])
    bars = [trace for trace in figure["data"] if trace["error_x"]["thickness"] == 7]
    assert [trace["xaxis"] for trace in bars] == ["x", "x2", "x3", "x4", "x5"]
    for trace, outcome in zip(bars, RESULT["outcome"].unique(), strict=True):
        treated = RESULT[(RESULT["outcome"] == outcome) & (RESULT["variant"] != "thanks_only")]
        expected = treated[["difference_low", "difference", "difference_high"]].to_numpy()
        assert np.array(whiskers(trace)) == pytest.approx(expected)
    assert not any(text.startswith("<b>thanks only") for text in texts_of(figure))


def test_the_thin_line_is_the_interval_that_holds_for_all_variants_at_once():
    figure = drawn(EXPERIMENT_CHARTS["difference_forest"])
    thin = next(trace for trace in figure["data"] if trace["error_x"]["thickness"] == 1.5)
    treated = RESULT[(RESULT["outcome"] == "share") & (RESULT["variant"] != "thanks_only")]
    expected = treated[["simultaneous_low", "difference", "simultaneous_high"]].to_numpy()
    assert np.array(whiskers(thin)) == pytest.approx(expected)
    assert "95% interval for all variants at once" in texts_of(figure)


def test_one_variant_alone_has_no_second_interval_to_explain():
    two = RESULT[(RESULT["outcome"] == "share") & RESULT["variant"].isin(["thanks_only", "share"])]
    alone = two.assign(simultaneous_low=two["difference_low"], simultaneous_high=two["difference_high"])
    said = texts_of(drawn(partial(charts.difference_forest, alone)))
    assert "95% interval of each variant alone" in said
    assert "95% interval for all variants at once" not in said


def test_shares_are_written_in_percentage_points_and_other_numbers_as_they_are():
    said = texts_of(drawn(EXPERIMENT_CHARTS["difference_forest"]))
    # 655 and 310 of 3,050: 21.475 and 10.164 %; Newcombe's interval by statsmodels: 9.50 to 13.12.
    assert "<b>share</b>  +11.3 [+9.5 to +13.1]" in said
    # 0.162 and 0.081 a visitor; 1.96 standard errors of 0.021 are 0.041.
    assert "<b>share</b>  +0.081 [+0.040 to +0.122]" in said
    assert "primary outcome · percentage points, compared<br>with “thanks only”" in said
    assert "secondary outcome · compared with “thanks only”" in said


def test_which_outcomes_are_shares_can_be_said():
    told = drawn(partial(charts.difference_forest, RESULT, shares=["sign brought"]))
    said = texts_of(told)
    assert "<b>share</b>  +0.113 [+0.095 to +0.131]" in said
    assert "<b>share</b>  +8.1 [+4.0 to +12.2]" in said


def test_zero_is_a_line_in_every_row_and_the_margin_a_dashed_one_with_its_word():
    layout = drawn(EXPERIMENT_CHARTS["difference_forest"])["layout"]
    lines = [shape for shape in layout["shapes"] if shape["xref"] != "paper"]
    assert [shape["xref"] for shape in lines if shape["x0"] == shape["x1"] == 0].count("x5") == 3
    margins = [shape for shape in lines if shape["x0"] == 0.005]
    assert [(shape["xref"], shape["line"]["dash"]) for shape in margins] == [("x5", "dot")] * 3
    assert [each["x"] for each in layout["annotations"] if each["text"] == "margin +0.5"] == [0.005]


def test_a_guardrail_says_safe_harmful_or_not_shown_safe():
    said = texts_of(drawn(EXPERIMENT_CHARTS["difference_forest"]))
    found = [text for text in said if text in ("safe: within the margin", "harmful", "not shown safe")]
    assert found == ["safe: within the margin", "harmful", "not shown safe"]


def test_left_of_zero_is_fewer_and_right_is_more():
    layout = drawn(EXPERIMENT_CHARTS["difference_forest"])["layout"]
    sides = [(each["text"], each["x"]) for each in layout["annotations"] if "←" in each["text"] or "→" in each["text"]]
    assert sides[:2] == [("← fewer", 0), ("more →", 1)]
    for name, each in layout.items():
        if name.startswith("xaxis"):
            assert each["range"][0] < 0 < each["range"][1]


def test_an_interval_without_an_end_stops_at_the_edge_with_a_tip():
    figure = drawn(EDGES["forest open"])
    low, high = figure["layout"]["xaxis"]["range"]
    thin, thin_tips, bar, bar_tips = (trace for trace in figure["data"] if trace["xaxis"] == "x")
    assert whiskers(bar)[0][2] == pytest.approx(high)
    assert whiskers(thin)[1] == pytest.approx((low, bar["x"][1], high))
    assert (thin_tips["x"], thin_tips["marker"]["symbol"]) == (
        [high, low, high],
        ["triangle-right", "triangle-left", "triangle-right"],
    )
    assert bar_tips["x"] == [high]
    said = texts_of(figure)
    assert "<b>share</b>  +11.3 [+9.5 to +∞]" in said


def test_a_variant_without_a_difference_keeps_its_row_and_has_no_dot():
    figure = drawn(EDGES["forest open"])
    assert len(figure["data"][0]["x"]) == 2
    assert "<b>both</b>  –" in texts_of(figure)


# The segments


def test_a_group_has_the_shrunk_difference_strong_and_the_counted_one_faint():
    figure = drawn(EXPERIMENT_CHARTS["segment_forest"])
    faint, strong = figure["data"][:2]
    assert (faint["marker"]["color"], strong["marker"]["color"]) == (
        charts.themes["light"]["neutral"],
        charts.themes["light"]["blue"],
    )
    # Largest first: social, email, not given, press.
    order = [0, 1, 3, 2]
    expected = SEGMENTS.iloc[order]
    assert np.array(whiskers(strong)) == pytest.approx(expected[["shrunk_low", "shrunk", "shrunk_high"]].to_numpy())
    counted = expected[["difference_low", "difference", "difference_high"]].to_numpy()
    assert np.array(whiskers(faint)) == pytest.approx(counted)
    assert all(below > above for below, above in zip(faint["y"], strong["y"], strict=True))


def test_whether_groups_differ_stands_under_the_head_of_each_panel():
    said = [text.replace("<br>", " ") for text in texts_of(drawn(EXPERIMENT_CHARTS["segment_forest"]))]
    assert said[said.index("<b>share, by channel</b>") + 1] == (
        "Nothing shows that the groups differ (p = 0.0214; corrected, p = 0.1280)."
    )
    assert (
        said[said.index("<b>both, by channel</b>") + 1] == "The groups differ (p &lt; 0.0001; corrected, p = 0.0001)."
    )
    assert said[said.index("<b>both, by device</b>") + 1] == "Not enough data to tell whether the groups differ."
    assert "<b>not given</b>  +11.0 [+6.5 to +15.5]" in said


def test_all_panels_of_segments_have_one_scale():
    layout = drawn(EXPERIMENT_CHARTS["segment_forest"])["layout"]
    assert len({tuple(layout[f"xaxis{suffix}"]["range"]) for suffix in ("", "2", "3", "4")}) == 1


def test_a_counted_interval_far_out_does_not_squeeze_the_others():
    wild = SEGMENTS.copy()
    wild.loc[2, ["difference_low", "difference_high"]] = [-0.9, 0.95]
    figure = drawn(partial(charts.segment_forest, wild))
    low, high = figure["layout"]["xaxis"]["range"]
    assert -0.4 < low < high < 0.7
    assert next(trace["x"] for trace in figure["data"] if "symbol" in trace["marker"]) == [low, high]


def test_more_than_a_dozen_groups_or_panels_are_cut_and_the_chart_says_so():
    said = texts_of(drawn(EDGES["segments of many"]))
    assert any("The 12 largest of 17 groups." in text for text in said)
    assert any(text.startswith("<b>region 11</b>") for text in said)
    assert not any(text.startswith("<b>region 12</b>") for text in said)
    panels = [row for n in range(14) for row in segment_rows(f"column_{n}", "share", DEVICES, 0.5, 0.9)]
    figure = drawn(partial(charts.segment_forest, pandas.DataFrame(panels)))
    assert "The first 12 of 14 panels." in texts_of(figure)
    assert "xaxis12" in figure["layout"]
    assert "xaxis13" not in figure["layout"]


# With time


def test_a_variant_is_a_step_line_with_its_band_and_the_control_is_neutral():
    figure = drawn(EXPERIMENT_CHARTS["variant_curves"])
    lines = [trace for trace in figure["data"] if "hovertext" in trace]
    assert [line["xaxis"] for line in lines] == ["x"] * 4 + ["x2"] * 4
    palette = charts.themes["light"]
    hues = [palette[role] for role in ("neutral", "blue", "vermilion", "purple")]
    assert [line["line"]["color"] for line in lines[:4]] == hues
    low, high, line = figure["data"][3:6]
    share = CURVES[(CURVES["outcome"] == "share") & (CURVES["variant"] == "share")]
    for trace, column in ((low, "rate_low"), (high, "rate_high"), (line, "rate")):
        assert trace["y"] == pytest.approx(share[column].tolist())
    assert high["fill"] == "tonexty"


def test_the_control_can_be_named():
    figure = drawn(partial(charts.variant_curves, CURVES, control="both"))
    assert trace_of(figure, "both")["line"]["color"] == charts.themes["light"]["neutral"]
    assert trace_of(figure, "share")["line"]["color"] != charts.themes["light"]["neutral"]


def test_numbers_still_followed_stand_in_a_row_a_variant_under_the_ticks():
    layout = drawn(EDGES["curves of six"])["layout"]
    rows = [each for each in layout["annotations"] if each["xref"] == "x"]
    ticks = layout["xaxis"]["tickvals"]
    assert layout["xaxis"]["ticktext"] == ["0\u00a0s", "1\u00a0day", "2\u00a0days", "3\u00a0days"]
    assert [each["x"] for each in rows] == ticks * 6
    # The 30 times are 3 / 29 days apart, 100 fewer at each: at the first one at or after the ticks, 0, 10, 20 and 29.
    assert [each["text"] for each in rows[:4]] == ["9,000", "8,000", "7,000", "6,100"]
    assert len({each["y"] for each in rows}) == 6


def test_the_last_rate_of_each_variant_stands_beside_its_stroke():
    figure = drawn(EXPERIMENT_CHARTS["variant_curves"])
    # 21 % of 9,000 by Wilson's interval (statsmodels): 20.2 to 21.9.
    assert "<b>share</b>  21.0% [20.2 to 21.9]" in texts_of(figure)
    strokes = [shape for shape in figure["layout"]["shapes"] if shape["xsizemode"] == "pixel"]
    assert len(strokes) == 8


def test_the_time_axis_is_logarithmic_only_where_most_happens_early():
    early = drawn(EXPERIMENT_CHARTS["variant_curves"])
    assert early["layout"]["xaxis"]["type"] == "log"
    assert "Time since exposure, logarithmic" in texts_of(early)
    steady = drawn(EDGES["curves of six"])
    assert "type" not in steady["layout"]["xaxis"]
    assert "Time since exposure" in texts_of(steady)


def test_a_variant_without_any_known_rate_says_that_data_are_missing():
    frame = CURVES.copy()
    frame.loc[frame["variant"] == "both", ["rate", "rate_low", "rate_high"]] = NAN
    assert "both: not enough data" in texts_of(drawn(partial(charts.variant_curves, frame)))


# The looks


def bounds_of(figure, axis="x"):
    purple = charts.themes["light"]["purple"]
    return [trace for trace in figure["data"] if trace["xaxis"] == axis and trace["line"].get("color") == purple]


def test_the_boundary_is_drawn_on_both_sides_and_not_where_it_is_infinite():
    figure = drawn(EXPERIMENT_CHARTS["boundary"])
    above, below = bounds_of(figure)
    assert above["y"] == pytest.approx(FIVE_LOOKS)
    assert below["y"] == pytest.approx([-value for value in FIVE_LOOKS])
    assert trace_of(figure, "share")["y"] == pytest.approx([1.4, 2.9, 3.7, 5.2, 6.1])
    assert bounds_of(figure, "x3")[0]["x"] == [2_400, 3_600, 4_800, 6_000]
    assert bounds_of(figure, "x3")[0]["y"] == pytest.approx(FIVE_LOOKS[1:])


def test_beyond_the_boundary_is_shaded_to_the_end_of_the_scale():
    figure = drawn(EXPERIMENT_CHARTS["boundary"])
    shades = [trace for trace in figure["data"] if trace.get("fill") == "tonexty" and trace["xaxis"] == "x"]
    low, high = figure["layout"]["yaxis"]["range"]
    assert [min(map(abs, trace["y"])) for trace in shades] == pytest.approx([high, -low])


def test_a_fixed_test_has_its_boundary_at_the_end_and_says_that_it_holds_there_only():
    figure = drawn(EXPERIMENT_CHARTS["boundary fixed"])
    assert min(bounds_of(figure)[0]["x"]) > 0.97 * 6_000
    assert bounds_of(figure)[0]["y"] == pytest.approx([1.96, 1.96])
    said = " ".join(texts_of(figure)).replace("<br>", " ")
    assert "The boundary holds at the end only: planned for one look, the test says nothing before." in said
    assert "The boundary holds at the end only" not in " ".join(texts_of(drawn(EXPERIMENT_CHARTS["boundary"])))


def test_looks_at_which_nothing_could_stop_say_so():
    figure = drawn(EDGES["boundary not yet"])
    said = " ".join(texts_of(figure)).replace("<br>", " ")
    assert "At none of these looks could a difference have been enough to stop." in said
    assert "boundary: beyond it, enough to stop" not in said
    assert bounds_of(figure) == []


def test_a_look_without_z_is_left_out_of_the_path():
    frame = LOOKS.copy()
    frame.loc[0, "z"] = NAN
    assert trace_of(drawn(partial(charts.boundary, frame)), "share")["x"] == [2_400, 3_600, 4_800, 6_000]


def test_the_hover_of_a_look_says_its_day_z_and_boundary():
    hover = trace_of(drawn(EXPERIMENT_CHARTS["boundary"]), "share")["hovertext"][1]
    assert hover == "<b>share</b><br>January\u00a016, 2018<br>2,400 visitors<br>z +2.90, boundary 3.36"


# What is believed


def test_the_density_is_that_of_the_beta_distribution():
    figure = drawn(EXPERIMENT_CHARTS["posterior"])
    curve = trace_of(figure, "share")
    # The normal curve of the same mean and spread, within a hundredth at the top: 560 of 3,050.
    rate = 561 / 3_052
    spread = math.sqrt(rate * (1 - rate) / 3_053)
    assert max(curve["y"]) == pytest.approx(norm.pdf(0) / spread, rel=0.01)
    area = trapezoid(curve["y"], curve["x"])
    assert area == pytest.approx(1, abs=0.001)


def test_a_posterior_says_in_words_how_likely_the_best_it_is_and_never_that_this_is_certain():
    said = texts_of(drawn(EXPERIMENT_CHARTS["posterior"]))
    assert "the best with a probability of 71.3%" in said
    assert said.count("the best with a probability under 0.1%") == 2
    sure = pandas.DataFrame([posterior_row("share", 900, 3_050, 1.0)])
    assert "the best with a probability over 99.9%" in texts_of(drawn(partial(charts.posterior, sure)))
    assert any(text.startswith("Looking early and often") for text in said)


def test_a_variant_without_visitors_has_no_density():
    figure = drawn(EDGES["posterior of six"])
    assert trace_of(figure, "&lt;b&gt;video&lt;/b&gt;")["x"] == []
    assert any("not enough data" in text for text in texts_of(figure))
    assert figure["layout"]["xaxis"]["range"][1] < 0.4


def test_the_named_control_is_neutral_among_the_posteriors():
    figure = drawn(EXPERIMENT_CHARTS["posterior"])
    assert trace_of(figure, "share")["line"]["color"] == charts.themes["light"]["blue"]
    assert figure["data"][0]["line"]["color"] == charts.themes["light"]["neutral"]


# Planning


def test_power_has_a_line_a_lift_and_says_from_how_many_visitors_on_it_is_four_in_five():
    figure = drawn(EXPERIMENT_CHARTS["power_curve"])
    assert [trace["name"] for trace in figure["data"]] == ["+5%", "+10%", "+20%", "+50%"]
    said = texts_of(figure)
    # (1.96 + 0.8416)^2 (0.1 * 0.9 + 0.11 * 0.89) / 0.01^2 = 14,749; three digits, rounded up.
    assert "<b>+10%</b>  about 14,800" in said
    assert "<b>+5%</b>  more than 20,000" in said
    goal = next(shape for shape in figure["layout"]["shapes"] if shape.get("yref") != "paper")
    assert goal["y0"] == goal["y1"] == 0.8


def test_a_lift_found_from_the_first_size_on_says_that_or_fewer():
    frame = pandas.DataFrame({"visitors": [100, 200], "lift": [0.5, 0.5], "power": [0.9, 0.99]})
    assert "<b>+50%</b>  100 or fewer" in texts_of(drawn(partial(charts.power_curve, frame)))


# Day by day


def test_novelty_has_a_panel_a_clock_and_variant_and_a_scale_a_clock():
    figure = drawn(EXPERIMENT_CHARTS["experiment_novelty"])
    assert [(trace["name"], trace["xaxis"]) for trace in figure["data"]] == [
        ("share", "x"),
        ("both", "x2"),
        ("share", "x3"),
        ("both", "x4"),
    ]
    first = figure["data"][0]
    assert first["x"] == [0, 1, 2]
    assert first["y"] == pytest.approx([0.09, 0.02, 0.004])
    assert first["error_y"]["array"] == pytest.approx([0.02] * 3)
    layout = figure["layout"]
    ranges = [layout[f"yaxis{suffix}"]["range"] for suffix in ("", "2", "3", "4")]
    assert ranges[0] == ranges[1] != ranges[2] == ranges[3]
    assert [layout[f"xaxis{suffix}"]["title"]["text"] for suffix in ("", "3")] == [
        "Days since exposure",
        "Days since the experiment began",
    ]


def test_a_day_without_an_end_of_its_interval_points_on():
    tips = drawn(EDGES["novelty open"])["data"][1]
    assert tips["marker"]["symbol"] == ["triangle-up"]
    assert tips["x"] == [1]


# Scales


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ((-0.02, 0.13), "points", ["0", "+5", "+10"]),
        ((-0.004, 0.003), "points", ["−0.4", "−0.2", "0.0", "+0.2"]),
        ((-1.2, 3.1), "number", ["−1", "0", "+1", "+2", "+3"]),
        ((0.0, 0.0), "points", ["−1.0", "−0.5", "0.0", "+0.5", "+1.0"]),
        ((), "number", ["−1.0", "−0.5", "0.0", "+0.5", "+1.0"]),
        ((NAN, INFINITE, 0.2), "number", ["0.00", "+0.05", "+0.10", "+0.15", "+0.20"]),
    ],
)
def test_ticks_of_differences_are_round_signed_and_on_both_sides_of_zero(values, unit, expected):
    assert scale(values, widths=[], unit=unit, words=language("en")).ticks()["ticktext"] == expected


@pytest.mark.parametrize(
    ("width", "unit", "value", "expected"),
    [
        (0.036, "points", 0.113, "+11.3"),
        (0.004, "points", -0.0012, "−0.12"),
        (0.3, "points", 0.113, "+11.3"),
        (0.08, "number", 0.0814, "+0.081"),
        (25.0, "number", 118.2, "+118"),
        (0.036, "points", -0.0001, "0.0"),
        (0.036, "points", -INFINITE, "−∞"),
    ],
)
def test_a_difference_is_written_with_the_digits_its_interval_deserves(width, unit, value, expected):
    assert scale([value], widths=[width], unit=unit, words=language("en")).written(value) == expected
