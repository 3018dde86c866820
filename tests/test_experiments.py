"""The answer of an experiment: every number against scipy, statsmodels, lifelines or the primitives called by hand."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import KaplanMeierFitter
from scipy import integrate, optimize, stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

import funnel
from funnel import Conversion, Count, Experiment, Guardrail, Ratio, Referred, Value
from funnel.stats import required_visitors
from funnel.stats.means import bootstrap_difference
from funnel.stats.planning import power
from funnel.stats.sequential import (
    confidence_sequence,
    confidence_sequence_test,
    obrien_fleming,
    peeking,
    repeated_p,
)

BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
COLUMNS = ["visitor_id", "event", "at", "variant", "device", "referred_by", "value"]
DAY = 86_400


def at(seconds):
    return BEGIN + timedelta(seconds=float(seconds))


def connected(rows, *, cutoff=30 * DAY, **options):
    """Return events given as rows of COLUMNS, `at` in seconds from the beginning."""
    frame = pd.DataFrame([(*row, *[None] * (len(COLUMNS) - len(row))) for row in rows], columns=COLUMNS)
    frame["occurred_at"] = pd.Timestamp(BEGIN) + pd.to_timedelta(frame.pop("at"), unit="s")
    for name in ("variant", "device", "referred_by"):
        frame[name] = frame[name].astype("string")
    frame["value"] = frame["value"].astype("float64")
    return funnel.connect(frame, cutoff=at(cutoff), **options)


def arm(variant, visitors, *, device=None, start=0.0, step=60.0, **did):
    """Return rows of an arm: visitors exposed one after the other, and how often each did each event, a minute later.

    `did` gives an event's counts, a number a visitor, or how many visitors did it once.
    """
    rows = []
    for number in range(visitors):
        who, when = f"{variant}{device or ''}{number}", start + step * number
        rows.append((who, "shown", when, variant, device))
        for event, counts in did.items():
            times = int(number < counts) if isinstance(counts, int) else counts[number]
            rows += [(who, event, when + 60 + each) for each in range(times)]
    return rows


def asked(**options):
    return Experiment("page", **{"control": "a", "exposure": "shown", "primary": Conversion("click")} | options)


def rows_of(result, outcome):
    return result.frame[result.frame["outcome"] == outcome].set_index("variant")


def close(found, expected, rel=1e-9):
    assert list(found) == pytest.approx(list(expected), rel=rel, abs=1e-12)


# Shares

SHARES = {"a": (50, 1000), "b": (80, 1000), "c": (45, 500)}


@pytest.fixture(scope="module")
def shares():
    return connected([row for name, (x, n) in SHARES.items() for row in arm(name, n, click=x)])


def newcombe(variant, alpha=0.05):
    """Return statsmodels' interval of the variant's difference to the control."""
    return confint_proportions_2indep(*SHARES[variant], *SHARES["a"], method="newcomb", compare="diff", alpha=alpha)


def dunnett(sizes, control):
    """Return the critical value from scipy's bivariate normal distribution: two treatments against one control."""
    loading = [math.sqrt(n / (n + control)) for n in sizes]
    correlation = loading[0] * loading[1]
    normal = stats.multivariate_normal(cov=[[1, correlation], [correlation, 1]], abseps=1e-10, releps=1e-10)
    return optimize.brentq(lambda c: normal.cdf([c, c], lower_limit=[-c, -c]) - 0.95, 1.9, 2.4)


def test_shares_are_compared_by_newcombe_pooled_z_holm_and_dunnett(shares):
    found = rows_of(asked().measure(shares), "click")
    assert list(found.index) == ["a", "b", "c"]
    assert list(found["visitors"]) == [1000, 1000, 500]
    assert list(found["total"]) == [50, 80, 45]
    assert found.loc["a", "difference":"bootstrap_high"].isna().all()
    level = 2 * NormalDist().cdf(-dunnett([1000, 500], 1000))
    p = [proportions_ztest([SHARES[name][0], 50], [SHARES[name][1], 1000])[1] for name in "bc"]
    close(found.loc[["b", "c"], "p_adjusted"], multipletests(p, method="holm")[1])
    for name, expected in zip("bc", p, strict=True):
        row, (x, n) = found.loc[name], SHARES[name]
        close(row[["rate", "rate_low", "rate_high"]], (x / n, *proportion_confint(x, n, method="wilson")))
        close(row[["difference", "difference_low", "difference_high"]], (x / n - 0.05, *newcombe(name)))
        close(row[["simultaneous_low", "simultaneous_high"]], newcombe(name, level), rel=1e-6)
        ratio = confint_proportions_2indep(x, n, 50, 1000, method="score", compare="ratio")
        close(row[["lift", "lift_low", "lift_high"]], (x / n / 0.05 - 1, *(each - 1 for each in ratio)), rel=1e-5)
        assert row["p"] == pytest.approx(expected)
        assert (row["correction"], row["method"]) == ("Holm over 2", "Newcombe; pooled z")


def score(difference, x1, n1, x0, n0):
    """Return Miettinen and Nurminen's statistic, the likelihood maximised numerically instead of by their cubic."""

    def unlikely(p0):
        p1 = p0 + difference
        return -(stats.binom.logpmf(x1, n1, p1) + stats.binom.logpmf(x0, n0, p0))

    edges = max(0, -difference) + 1e-12, min(1, 1 - difference) - 1e-12
    p0 = optimize.minimize_scalar(unlikely, bounds=edges, method="bounded", options={"xatol": 1e-12}).x
    p1, visitors = p0 + difference, n1 + n0
    variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * visitors / (visitors - 1)
    return (x1 / n1 - x0 / n0 - difference) / math.sqrt(variance)


def test_the_score_interval_holds_the_differences_that_its_test_does_not_reject(shares):
    found = rows_of(asked(interval="score").measure(shares), "click")
    for name in "bc":
        table, row = (*SHARES[name], *SHARES["a"]), found.loc[name]
        ends = [score(row[end], *table) for end in ("difference_low", "difference_high")]
        assert ends == pytest.approx([1.959964, -1.959964], abs=1e-5)
        assert row["p"] == pytest.approx(2 * stats.norm.sf(abs(score(0, *table))), rel=1e-6)
        assert row["method"] == "Miettinen-Nurminen; score test"


@pytest.mark.parametrize(
    ("treatment", "control", "method"),
    [
        ((9, 22), (3, 20), "Newcombe; pooled z"),
        ((8, 22), (1, 20), "Newcombe; Boschloo"),
        ((6, 100), (4, 100), "Newcombe; pooled z"),
        ((6, 100), (3, 100), "Newcombe; Boschloo"),
        ((99, 100), (92, 100), "Newcombe; Boschloo"),
        ((0, 30), (0, 31), "Newcombe; Boschloo"),
        ((31, 31), (30, 30), "Newcombe; Boschloo"),
        ((1, 400), (6, 400), "Newcombe; score test"),
        ((0, 400), (0, 400), "Newcombe; score test"),
    ],
)
def test_the_test_of_a_share_suits_the_smallest_expected_count(treatment, control, method):
    """Under 5 expected of an arm: Boschloo's up to 600 visitors, the score test beyond."""
    (x1, n1), (x0, n0) = treatment, control
    events = connected([*arm("a", n0, click=x0), *arm("b", n1, click=x1), ("zed", "click", 0)])
    row = rows_of(asked().measure(events), "click").loc["b"]
    if method.endswith("z"):
        expected = stats.chi2_contingency([[x1, n1 - x1], [x0, n0 - x0]], correction=False).pvalue
    elif method.endswith("Boschloo"):
        expected = min(stats.boschloo_exact([[x1, x0], [n1 - x1, n0 - x0]], n=64).pvalue, 1)
    else:
        share, visitors = (x1 + x0) / (n1 + n0), n1 + n0
        variance = share * (1 - share) * (1 / n1 + 1 / n0) * visitors / (visitors - 1)
        expected = 2 * stats.norm.sf(abs(x1 / n1 - x0 / n0) / math.sqrt(variance)) if variance else 1
    assert row["method"] == method
    assert row["p"] == pytest.approx(expected)
    assert (row["correction"], row["p_adjusted"]) == ("none", row["p"])
    ends = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff")
    close(row[["difference_low", "difference_high"]], ends)
    close(row[["simultaneous_low", "simultaneous_high"]], ends)


# Means, ratios, signatures brought

DRAW = np.random.default_rng(5)
CLICKS = {name: DRAW.poisson(mean, n) for name, mean, n in (("a", 0.4, 60), ("b", 0.9, 80), ("c", 0.5, 50))}
VIEWS = {name: DRAW.poisson(2, len(clicks)) + 1 for name, clicks in CLICKS.items()}


@pytest.fixture(scope="module")
def counts():
    return connected(
        [row for name in CLICKS for row in arm(name, len(CLICKS[name]), click=CLICKS[name], view=VIEWS[name])]
    )


def check_means(found, values):
    """Compare a frame's rows with Welch's test of these values, one a visitor."""
    for name in "bc":
        row, one, other = found.loc[name], values[name], values["a"]
        welch = stats.ttest_ind(one, other, equal_var=False)
        ends = welch.confidence_interval(0.95)
        close(row[["difference", "difference_low", "difference_high"]], (one.mean() - other.mean(), *ends))
        assert row["p"] == pytest.approx(welch.pvalue)
        precision = {each: len(v) / v.var(ddof=1) for each, v in values.items()}
        if found["kind"].iloc[0] == "ratio":
            precision = {each: len(v) for each, v in values.items()}
        level = 1 - 2 * NormalDist().cdf(-dunnett([precision["b"], precision["c"]], precision["a"]))
        close(row[["simultaneous_low", "simultaneous_high"]], welch.confidence_interval(level), rel=1e-6)
        assert row["lift"] == pytest.approx(one.mean() / other.mean() - 1)
        own = stats.t.interval(0.95, len(one) - 1, one.mean(), stats.sem(one))
        close(row[["rate", "rate_low", "rate_high"]], (one.mean(), *own))


def test_counts_are_compared_by_welch(counts):
    found = rows_of(asked(primary=Count("click")).measure(counts), "click per visitor")
    check_means(found, CLICKS)
    assert list(found["total"]) == [clicks.sum() for clicks in CLICKS.values()]
    assert set(found["method"].dropna()) == {"Welch's t"}


def test_values_are_compared_in_their_own_unit():
    amounts = {name: np.round(DRAW.gamma(2, 10, len(clicks)), 2) for name, clicks in CLICKS.items()}
    rows = [row for name, gave in amounts.items() for row in arm(name, len(gave), give=1)]
    for name, gave in amounts.items():
        rows += [(f"{name}{number}", "give", 60 * number + 60, None, None, None, x) for number, x in enumerate(gave)]
    found = rows_of(asked(primary=Value(event="give")).measure(connected(rows)), "value per visitor")
    check_means(found, amounts)
    close(found["total"], [gave.sum() for gave in amounts.values()])


def test_ratios_are_compared_by_the_delta_method(counts):
    """To first order a ratio is a mean: of the ratio plus what a visitor adds to its error, over the mean view."""
    found = rows_of(asked(primary=Ratio("click", "view")).measure(counts), "click per view")
    linear = {}
    for name, clicks in CLICKS.items():
        ratio = clicks.sum() / VIEWS[name].sum()
        linear[name] = ratio + (clicks - ratio * VIEWS[name]) / VIEWS[name].mean()
    check_means(found, linear)


def test_signatures_brought_have_a_bootstrap_interval_too():
    rows = [*arm("a", 40), *arm("b", 40)]
    brought = {"a": [1, 2, 0, 1], "b": [3, 0, 1, 5, 1]}
    rows += [(f"{name}{number}", "sign", 0) for name in "ab" for number in range(40)]
    for name, friends in brought.items():
        for number, many in enumerate(friends):
            root = f"{name}{number}"
            # Each friend brings the next: one of the first generation, all in the tree.
            chain = [root, *(f"{root} friend {each}" for each in range(many))]
            rows += [(one, "sign", 4000 + k, None, None, by) for k, (by, one) in enumerate(pairwise(chain))]
    result = asked(primary=Referred("sign")).measure(connected(rows))
    tree = {name: np.array(friends + [0] * (40 - len(friends))) for name, friends in brought.items()}
    for label, values in (
        ("sign brought", tree),
        ("sign brought directly", {n: v.clip(max=1) for n, v in tree.items()}),
    ):
        row = rows_of(result, label).loc["b"]
        welch = stats.ttest_ind(values["b"], values["a"], equal_var=False)
        close(row[["difference_low", "difference_high"]], welch.confidence_interval(0.95))
        drawn = bootstrap_difference(values["b"], values["a"])
        close(row[["bootstrap_low", "bootstrap_high"]], (drawn.low, drawn.high))
    assert list(result.frame["role"]) == ["primary"] * 2 + ["secondary"] * 2


def test_each_role_is_a_family_of_its_own(shares, counts):
    rows = []
    for name, (x, n) in SHARES.items():
        rows += arm(name, n // 5, click=x // 5, share=x // 4, sign=x // 3, leave=x // 10, view=n // 7)
    options = {
        "secondary": [Conversion("share"), Count("sign")],
        "exploratory": [Conversion("view"), Count("leave")],
        "guardrails": [Guardrail("leave", margin=0.02), Guardrail("sign", margin=0.3)],
    }
    frame = asked(**options).measure(connected(rows)).frame.dropna(subset=["difference"])
    names = {"primary": "Holm over 2", "secondary": "Holm over 4", "exploratory": "Benjamini-Hochberg over 4"}
    methods = {"primary": "holm", "secondary": "holm", "exploratory": "fdr_bh"}
    for role, family in frame.groupby("role"):
        if role == "guardrail":
            assert list(family["p_adjusted"]) == list(family["p"])
            assert set(family["correction"]) == {"none"}
            continue
        close(family["p_adjusted"], multipletests(family["p"], method=methods[role])[1])
        assert set(family["correction"]) == {names[role]}
    assert list(dict.fromkeys(frame["role"])) == ["primary", "secondary", "exploratory", "guardrail"]


def test_an_arm_that_still_has_time_stands_in_the_frame_without_numbers():
    rows = [*arm("a", 100, click=20), *arm("b", 100, click=30), *arm("c", 7, click=7, start=29 * DAY)]
    found = rows_of(asked().measure(connected(rows)), "click")
    assert list(found["visitors"]) == [100, 100, 0]
    assert list(found["pending"]) == [0, 0, 7]
    assert found.loc["c", ["rate", "difference", "simultaneous_low", "p", "p_adjusted"]].isna().all()
    row, expected = found.loc["b"], confint_proportions_2indep(30, 100, 20, 100, method="newcomb", compare="diff")
    assert (row["correction"], row["p_adjusted"]) == ("none", row["p"])
    close(row[["simultaneous_low", "simultaneous_high"]], expected)


def test_where_the_spread_is_unknown_the_interval_is_open_and_a_note_says_why():
    rows = [*arm("a", 5, click=[1] * 5), *arm("b", 1, click=[3])]
    result = asked(primary=Count("click")).measure(connected(rows))
    row = rows_of(result, "click per visitor").loc["b"]
    assert list(row[["difference", "difference_low", "difference_high", "p"]]) == [2, -math.inf, math.inf, 1]
    assert row["note"] == "The treatment has one visitor, so its spread is unknown and the interval is unbounded."
    assert row["note"] in result.notes


# Guardrails


def score_ends(table):
    """Return Miettinen and Nurminen's interval of a table, by the statistic above."""
    seen = table[0] / table[1] - table[2] / table[3]
    return tuple(
        optimize.brentq(lambda d, z=z: score(d, *table) - z, seen - 0.2, seen + 0.2, xtol=1e-10) for z in (1.96, -1.96)
    )


@pytest.mark.parametrize(
    ("treatment", "control", "worse", "answers"),
    [
        # The difference can be 0 or more: as the margin shrinks past the interval's end, safe becomes unproven.
        ((14, 900), (12, 900), "higher", ("not shown safe", "safe")),
        # Surely worse, and safe all the same where the margin is wide enough.
        ((60, 900), (20, 900), "higher", ("not shown safe", "safe")),
        # Donating less is worse.
        ((90, 900), (95, 900), "lower", ("not shown safe", "safe")),
        ((40, 900), (95, 900), "lower", ("not shown safe", "safe")),
    ],
)
def test_a_guardrail_is_safe_exactly_where_the_interval_ends_before_the_margin(treatment, control, worse, answers):
    table = (*treatment, *control)
    events = connected([*arm("a", 900, leave=control[0], click=9), *arm("b", 900, leave=treatment[0], click=9)])
    low, high = score_ends(table)
    end = high if worse == "higher" else -low
    for beyond, answer in zip((-1e-4, 1e-4), answers, strict=True):
        margin = end + beyond
        result = asked(guardrails=[Guardrail("leave", margin=margin, worse=worse)]).measure(events)
        row = rows_of(result, "leave").loc["b"]
        assert row["safety"] == answer
        assert row["margin"] == (margin if worse == "higher" else -margin)
        close(row[["difference_low", "difference_high"]], (low, high), rel=1e-4)
        z = score(margin if worse == "higher" else -margin, *table)
        assert row["p"] == pytest.approx(stats.norm.cdf(z if worse == "higher" else -z), rel=1e-4)
        assert (row["p"] < 0.025) == (answer == "safe")


@pytest.mark.parametrize(
    ("treatment", "control", "worse"), [((60, 900), (20, 900), "higher"), ((40, 900), (95, 900), "lower")]
)
def test_a_guardrail_is_harmful_exactly_where_the_interval_begins_beyond_the_margin(treatment, control, worse):
    events = connected([*arm("a", 900, leave=control[0], click=9), *arm("b", 900, leave=treatment[0], click=9)])
    low, high = score_ends((*treatment, *control))
    begin = low if worse == "higher" else -high
    for margin, answer in ((begin - 1e-4, "harmful"), (begin + 1e-4, "not shown safe")):
        result = asked(guardrails=[Guardrail("leave", margin=margin, worse=worse)]).measure(events)
        assert rows_of(result, "leave").loc["b"]["safety"] == answer


@pytest.mark.parametrize("looks", [4, "anytime"])
@pytest.mark.parametrize("worse", ["higher", "lower"])
def test_a_guardrail_read_early_is_safe_exactly_where_its_p_says_so(looks, worse):
    events = connected([*arm("a", 900, leave=80, click=9), *arm("b", 900, leave=82, click=9)])

    def read(margin):
        guarded = asked(looks=looks, planned=3600, guardrails=[Guardrail("leave", margin=margin, worse=worse)])
        return rows_of(guarded.measure(events), "leave").loc["b"]

    row = read(0.05)
    end = row["difference_high"] if worse == "higher" else -row["difference_low"]
    plain = score_ends((82, 900, 80, 900))
    assert row["difference_high"] - row["difference_low"] > 1.3 * (plain[1] - plain[0])
    safe, unproven = read(end + 1e-3), read(end - 1e-3)
    assert (safe["safety"], unproven["safety"]) == ("safe", "not shown safe")
    # The interval of a sequence is by the spread seen, the p-value too: they agree as nearly as the score allows.
    assert safe["p"] < 0.025 < unproven["p"]


# Looking early


def halves(converted=(30, 52)):
    return [*arm("a", 500, click=converted[0]), *arm("b", 500, click=converted[1])]


@pytest.fixture(scope="module")
def early():
    return connected(halves())


EARLY = (52, 500, 30, 500)
PLAIN_P = proportions_ztest([52, 30], [500, 500])[1]


def ends(alpha):
    return confint_proportions_2indep(*EARLY, method="newcomb", compare="diff", alpha=alpha)


def test_planned_looks_ask_what_obrien_and_fleming_ask_at_this_fraction(early):
    """Half of the planned visitors, at the second of four looks: 2.963 standard errors (SAS, R's rpact)."""
    row = rows_of(asked(looks=4, planned=2000).measure(early), "click").loc["b"]
    critical = obrien_fleming([0.25, 0.5]).critical[-1]
    assert critical == pytest.approx(2.963, abs=5e-4)
    close(row[["difference_low", "difference_high"]], ends(2 * stats.norm.sf(critical)))
    assert row["p"] == pytest.approx(repeated_p(stats.norm.isf(PLAIN_P / 2), [0.25, 0.5]), rel=1e-6)


def test_a_look_between_the_planned_ones_and_one_beyond_the_end_spend_what_they_may(early):
    for planned, fractions in ((1400, [0.25, 0.5, 1000 / 1400]), (900, [0.25, 0.5, 0.75, 10 / 9])):
        row = rows_of(asked(looks=4, planned=planned).measure(early), "click").loc["b"]
        assert row["p"] == pytest.approx(repeated_p(stats.norm.isf(PLAIN_P / 2), fractions), rel=1e-6)


def test_looks_of_unknown_size_share_the_error_evenly(early):
    row = rows_of(asked(looks=5).measure(early), "click").loc["b"]
    close(row[["difference_low", "difference_high"]], ends(0.01))
    assert row["p"] == pytest.approx(min(5 * PLAIN_P, 1))


def test_looking_at_any_time_is_a_confidence_sequence_tuned_to_the_planned_visitors(early):
    error = math.sqrt(0.104 * 0.896 / 500 + 0.06 * 0.94 / 500)
    for planned, size in ((2000, 2000), (None, 10_000)):
        row = rows_of(asked(looks="anytime", planned=planned).measure(early), "click").loc["b"]
        expected = confidence_sequence(0.044, error, 1000, planned=size)
        close(row[["difference_low", "difference_high"]], (expected.low, expected.high))
        assert row["p"] == pytest.approx(confidence_sequence_test(0.044, error, 1000, planned=size).p)


def test_several_arms_share_the_planned_visitors_and_the_error_of_early_looks():
    events = connected([*halves(), *arm("c", 1000, click=70)])
    found = rows_of(asked(looks="anytime", planned=4000).measure(events), "click")
    error = math.sqrt(0.07 * 0.93 / 1000 + 0.06 * 0.94 / 500)
    told = {"planned": 4000 * 1500 / 2000}
    one, both = (confidence_sequence(0.01, error, 1500, level=level, **told) for level in (0.95, 0.975))
    close(found.loc["c", ["difference_low", "difference_high"]], (one.low, one.high))
    close(found.loc["c", ["simultaneous_low", "simultaneous_high"]], (both.low, both.high))


def test_a_fixed_test_keeps_its_numbers_and_says_what_an_early_look_costs(early):
    result = asked(planned=4000).measure(early)
    row = rows_of(result, "click").loc["b"]
    close(row[["difference_low", "difference_high"]], ends(0.05))
    assert row["p"] == pytest.approx(PLAIN_P)
    assert result.decision.code == "wait"
    (note,) = (note for note in result.notes if note.startswith("Only 25% of the planned visitors are in."))
    assert f"if read now and again at the end, in {peeking([0.25, 1]):.1%};" in note


def by_day():
    """Return three days of exposures, each to be read at the day its window of a day is over."""
    days = [(100, 8, 100, 12), (150, 10, 140, 20), (120, 9, 130, 18)]
    rows = []
    for day, (n0, x0, n1, x1) in enumerate(days):
        for name, n, x in (("a", n0, x0), ("b", n1, x1)):
            rows += [(f"{day}{who}", *rest) for who, *rest in arm(name, n, start=day * DAY + 3600.0, click=x)]
    return rows, np.cumsum(days, axis=0)


@pytest.mark.parametrize("looks", ["fixed", 4, "anytime"])
def test_every_day_is_read_as_if_it_were_the_last(looks):
    rows, so_far = by_day()
    experiment = asked(looks=looks, planned=1000, window="1 day")
    found = experiment.measure(connected(rows)).looks().frame
    assert list(found["looked_on"]) == [date(2018, 1, 15 + day) for day in range(3)]
    assert set(found["variant"]) == {"b"}
    for day, (n0, x0, n1, x1) in enumerate(so_far):
        then = found.iloc[day]
        assert (then["visitors"], then["fraction"]) == (n0 + n1, (n0 + n1) / 1000)
        cutoff = (day + 2) * DAY
        alone = rows_of(experiment.measure(connected([r for r in rows if r[2] <= cutoff], cutoff=cutoff)), "click")
        names = ["difference", "difference_low", "difference_high"]
        close(then[names], alone.loc["b", names])
        error = math.sqrt(x1 / n1 * (1 - x1 / n1) / n1 + x0 / n0 * (1 - x0 / n0) / n0)
        if looks == "anytime":
            width = confidence_sequence(0.0, error, n0 + n1, planned=1000).high
            assert then["z"] == pytest.approx((x1 / n1 - x0 / n0) / error)
            assert then["critical"] == pytest.approx(width / error)
            continue
        assert then["z"] == pytest.approx(proportions_ztest([x1, x0], [n1, n0])[0])
        fraction = (n0 + n1) / 1000
        before = [each for each in (0.25, 0.5, 0.75) if each < fraction - 0.01]
        if looks == 4:
            assert then["critical"] == pytest.approx(obrien_fleming([*before, fraction]).critical[-1])
        elif day < 2:
            assert math.isnan(then["critical"])
        else:
            assert then["critical"] == pytest.approx(1.959964)


def test_days_are_those_of_the_events_time_zone():
    """Windows that end at 1 o'clock in London end the evening before in Toronto."""
    rows = [*arm("a", 20, click=2, start=3600.0), *arm("b", 20, click=4, start=3600.0)]
    for timezone, day in (("UTC", 15), ("America/Toronto", 14)):
        result = asked(window="1 day").measure(connected(rows, timezone=timezone))
        assert list(result.looks().frame["looked_on"]) == [date(2018, 1, day)]
        by_day = result.split().frame.set_index("check")
        assert by_day.loc["day", "group"] == date(2018, 1, day - 1)


# What else the same exposures say


def integral(value):
    """Return the integral of a function of a share, which bends between 0.03 and 0.12."""
    return integrate.quad(value, 0, 1, points=[0.03, 0.05, 0.08, 0.1, 0.12, 0.2], epsabs=1e-12)[0]


def chances(belief, others):
    """Return how likely a share is the largest, and how much it falls short of the largest on average."""
    best = integral(lambda share: belief.pdf(share) * math.prod(each.cdf(share) for each in others))
    return best, integral(lambda share: belief.cdf(share) * (1 - math.prod(each.cdf(share) for each in others)))


def test_the_posterior_is_that_of_a_uniform_prior(shares):
    found = asked().measure(shares).posterior().frame.set_index("variant")
    beliefs = {name: stats.beta(1 + x, 1 + n - x) for name, (x, n) in SHARES.items()}
    for name, belief in beliefs.items():
        close(found.loc[name, ["rate", "rate_low", "rate_high"]], (belief.mean(), *belief.interval(0.95)))
        expected = chances(belief, [each for other, each in beliefs.items() if other != name])
        assert list(found.loc[name, ["probability_best", "expected_loss"]]) == pytest.approx(expected, abs=1e-8)
    assert found["probability_best"].sum() == pytest.approx(1)
    assert list(found["visitors"]) == [1000, 1000, 500]
    assert list(found["converted"]) == [50, 80, 45]


GROUPS = {
    ("phone", "a"): (10, 200), ("phone", "b"): (40, 210), ("phone", "c"): (12, 190),
    ("tablet", "a"): (9, 90), ("tablet", "b"): (5, 80), ("tablet", "c"): (11, 100),
    (None, "a"): (2, 40), (None, "b"): (0, 45), (None, "c"): (3, 35),
}  # fmt: skip


def test_segments_test_the_interaction_first_and_draw_each_group_toward_the_whole():
    rows = [row for (device, name), (x, n) in GROUPS.items() for row in arm(name, n, device=device, click=x)]
    rows += arm("a", 12, device="watch", click=1)  # no visitor of another arm: nothing to compare
    result = asked(segments=["device"]).measure(connected(rows)).segments()
    pooled = {}
    for name, found in result.frame.groupby("variant"):
        assert [None if pd.isna(each) else each for each in found["group"]] == ["phone", "tablet", None]
        differences, errors = [], []
        for row, device in zip(found.itertuples(), ("phone", "tablet", None), strict=True):
            table = (*GROUPS[device, name], *GROUPS[device, "a"])
            differences.append(table[0] / table[1] - table[2] / table[3])
            assert (row.visitors, row.control_visitors) == (table[1], table[3])
            close((row.difference, row.difference_low, row.difference_high),
                  (differences[-1], *confint_proportions_2indep(*table, method="newcomb", compare="diff")))  # fmt: skip
            # Agresti and Caffo: a success and a failure more in each arm.
            spread = [((x + 1) / (n + 2), n + 2) for x, n in (table[:2], table[2:])]
            errors.append(math.sqrt(sum(p * (1 - p) / n for p, n in spread)))
        together = combine_effects(np.array(differences), np.array(errors) ** 2, method_re="chi2")
        pooled[name] = stats.chi2.sf(together.q, 2)
        between = max(together.tau2, 0)
        kept = between / (between + np.array(errors) ** 2)
        whole = together.mean_effect_re if between else together.mean_effect_fe
        close(found["shrunk"], whole + kept * (np.array(differences) - whole), rel=1e-6)
        assert set(found["interaction_p"].round(12)) == {round(pooled[name], 12)}
    close(result.frame.groupby("variant")["interaction_p_adjusted"].first(),
          multipletests([pooled["b"], pooled["c"]], method="fdr_bh")[1])  # fmt: skip


def delays(seed, *, many=400, cutoff=6 * DAY, window=3 * DAY):
    """Return rows of two arms whose visitors click after a while, and what a survival curve needs of each."""
    draw, rows, arms = np.random.default_rng(seed), [], {}
    for name, share in (("a", 0.2), ("b", 0.4)):
        shown = np.sort(draw.choice(np.arange(5 * DAY), many, replace=False))
        delay = draw.permutation(np.arange(1, 4 * DAY, 41))[:many].astype(float)
        delay[draw.random(many) > share] = np.inf
        delay[0] = window  # at the very end of the window, which counts
        rows += [(f"{name}{number}", "shown", when, name) for number, when in enumerate(shown)]
        rows += [
            (f"{name}{number}", "click", when + wait)
            for number, (when, wait) in enumerate(zip(shown, delay, strict=True))
            if when + wait <= cutoff
        ]
        follow_up = np.minimum(window, cutoff - shown)
        arms[name] = shown, delay, follow_up, delay <= follow_up
    return rows, arms


def test_curves_and_their_ends_are_kaplan_meier_of_each_arm():
    rows, arms = delays(3)
    result = asked(window="3 days").measure(connected(rows, cutoff=6 * DAY))
    curves, ends = result.curves().frame, result.horizon().frame.set_index("variant")
    last = {}
    for name, (_, delay, follow_up, seen) in arms.items():
        lasted = np.where(seen, delay, follow_up)
        fitted = KaplanMeierFitter().fit(lasted, seen)
        one = curves[curves["variant"] == name]
        np.testing.assert_allclose(one["rate"], 1 - fitted.predict(one["elapsed_seconds"]).to_numpy(), atol=1e-12)
        assert list(one["at_risk"]) == [int((lasted >= when).sum()) for when in one["elapsed_seconds"]]
        counts = fitted.event_table
        at_end = counts[counts.index <= 3 * DAY]
        staying = at_end["at_risk"] - at_end["observed"]
        survival = float(fitted.predict(3 * DAY))
        greenwood = survival**2 * (at_end["observed"] / (at_end["at_risk"] * staying)).sum()
        last[name] = 1 - survival, greenwood
        assert ends.loc[name, "visitors"] == 400
        assert ends.loc[name, "rate"] == pytest.approx(1 - survival)
    gap = last["b"][0] - last["a"][0]
    reach = 1.959964 * math.sqrt(last["a"][1] + last["b"][1])
    close(ends.loc["b", ["difference", "difference_low", "difference_high"]], (gap, gap - reach, gap + reach), rel=1e-5)
    assert ends.loc["a", ["difference", "difference_low", "difference_high"]].isna().all()


def test_the_days_since_exposure_add_up_to_the_whole_difference():
    rows, arms = delays(4)
    result = asked(window="3 days").measure(connected(rows, cutoff=6 * DAY))
    found = result.novelty().frame
    ages = found[found["clock"] == "since exposure"].set_index("day")
    assert list(ages.index) == [0, 1, 2]
    assert ages["difference"].sum() == pytest.approx(rows_of(result, "click").loc["b", "difference"])
    over = {name: shown + 3 * DAY <= 6 * DAY for name, (shown, *_) in arms.items()}
    starts = found[found["clock"] == "since start"].set_index("day")
    first = min(shown.min() for shown, *_ in arms.values())
    for day in range(3):
        early, late = day * DAY, (day + 1) * DAY
        did, cohort = {}, {}
        for name, (shown, delay, _, _) in arms.items():
            within = (early <= delay) & ((delay < late) | ((day == 2) & (delay == late)))
            did[name] = (int((within & over[name]).sum()), int(over[name].sum()))
            chosen = over[name] & ((shown - first) // DAY == day)
            cohort[name] = (int((chosen & (delay <= 3 * DAY)).sum()), int(chosen.sum()))
        for frame, table in ((ages, (*did["b"], *did["a"])), (starts, (*cohort["b"], *cohort["a"]))):
            expected = confint_proportions_2indep(*table, method="newcomb", compare="diff")
            close(frame.loc[day, ["difference_low", "difference_high"]], expected)
            assert frame.loc[day, "visitors"] == table[1] + table[3]


def test_trees_that_inherit_are_clusters():
    """45 roots an arm, up to five friends each who saw the same: OLS with errors clustered by tree."""
    draw, rows, people = np.random.default_rng(8), [], []
    for name, share in (("a", 0.3), ("b", 0.5)):
        for root in range(45):
            members = [f"{name}{root}", *(f"{name}{root} friend {k}" for k in range(draw.integers(0, 6)))]
            taste = draw.normal(0, 0.2)
            for k, who in enumerate(members):
                rows.append((who, "shown", 100 * k, name, None, members[max(k - 1, 0)] if k else None))
                clicks = draw.random() < share + taste
                rows += [(who, "click", 100 * k + 5)] * int(clicks)
                people.append((name, f"{name}{root}", int(clicks)))
    table = pd.DataFrame(people, columns=["variant", "tree", "clicks"])
    result = asked(referred="inherit", secondary=[Count("click")]).measure(connected(rows))
    found = result.clusters().frame.set_index(["outcome", "variant"])
    fitted = sm.OLS(table["clicks"], sm.add_constant((table["variant"] == "b").astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": table["tree"].astype("category").cat.codes}, use_t=True
    )
    for outcome in ("click", "click per visitor"):
        row = found.loc[outcome, "b"]
        names = ["difference", "difference_low", "difference_high"]
        close(row[names], (fitted.params.iloc[1], *fitted.conf_int().iloc[1]))
        assert row["p"] == pytest.approx(fitted.pvalues.iloc[1])
        assert (row["clusters"], row["visitors"]) == (45, (table["variant"] == "b").sum())
        assert row["rate"] == pytest.approx(table.loc[table["variant"] == "b", "clicks"].mean())
        assert row["method"] == "CR1, t(clusters - 1)"
    roots = table.groupby("tree").first()
    assert rows_of(result, "click").loc["b", "total"] == roots.loc[roots["variant"] == "b", "clicks"].sum()


def test_dilution_sets_all_who_were_assigned_beside_those_exposed():
    """Of 300 assigned an arm, 200 and 150 are exposed, an hour later; some click who never saw anything."""
    rows = []
    for name, exposed, clicks, blind in (("a", 200, 20, 4), ("b", 150, 33, 6)):
        for number in range(300):
            who = f"{name}{number}"
            rows.append((who, "assigned", number, name))
            if number < exposed:
                rows.append((who, "shown", 3600 + number, name))
            if number < clicks or number >= 300 - blind:
                rows.append((who, "click", 7200 + number))
    result = asked(assignment="assigned").measure(connected(rows)).dilution()
    found = result.frame.set_index("variant")
    assert list(found["assigned"]) == [300, 300]
    assert list(found["exposed"]) == [200, 150]
    for start, table in (("assigned", (39, 300, 24, 300)), ("exposed", (33, 150, 20, 200))):
        expected = confint_proportions_2indep(*table, method="newcomb", compare="diff")
        names = [f"{start}_difference", f"{start}_difference_low", f"{start}_difference_high"]
        close(found.loc["b", names], (table[0] / table[1] - table[2] / table[3], *expected))
    close(found.loc["b", ["exposed_rate_low", "exposed_rate_high"]], proportion_confint(150, 300, method="wilson"))
    p = stats.chi2_contingency([[200, 100], [150, 150]], correction=False).pvalue
    assert p < 0.0001
    assert result.notes == (
        "The variants expose different shares of those assigned (p\u00a0<\u00a00.0001): being exposed depends on the"
        " variant, so read the difference over all who were assigned.",
    )


def test_a_plan_is_what_the_controls_share_and_the_pace_ask_for(early):
    result = asked().measure(early)
    plan = result.plan([0.2, -0.3], power=0.9).frame
    # All were exposed within 500 minutes, thirty days before the cutoff: nobody came in the last seven days.
    assert plan["days"].isna().all()
    recent = asked().measure(connected(halves(), cutoff=7 * DAY))
    again = recent.plan([0.2, -0.3], power=0.9).frame
    for rows in (plan, again):
        for row, lift in zip(rows.itertuples(), (0.2, -0.3), strict=True):
            needed = required_visitors(0.06, lift, variants=2, power=0.9)
            assert (row.rate, row.visitors, row.total) == (needed.rate, needed.n, needed.total)
            assert row.power == pytest.approx(power(0.06, lift, n=500, variants=2))
    assert list(again["days"]) == [math.ceil(total / (1000 / 7)) for total in again["total"]]


# The split


def split(rows, **options):
    result = asked(**options).measure(connected(rows))
    return result.split().frame, result


def test_the_split_is_checked_overall_by_day_by_segment_and_at_every_look():
    counts = {
        (0, "phone"): (60, 40, 50),
        (0, "tablet"): (30, 35, 25),
        (1, "phone"): (45, 55, 62),
        (1, None): (20, 24, 21),
    }
    rows = []
    for (day, device), sizes in counts.items():
        for name, n in zip("abc", sizes, strict=True):
            rows += [
                (f"{day}{who}", *rest) for who, *rest in arm(name, n, device=device, start=day * DAY, click=n // 5)
            ]
    shares = {"a": 0.3, "b": 0.3, "c": 0.4}
    found, _ = split(rows, segments=["device"], shares=shares)
    table = pd.DataFrame(list(counts.values()))
    planned = np.array(list(shares.values()))

    def p(sizes):
        return stats.chisquare(sizes, sizes.sum() * planned).pvalue

    days = [table.iloc[:2].sum(), table.iloc[2:].sum()]
    devices = [table.iloc[[0, 2]].sum(), table.iloc[1], table.iloc[3]]
    of = dict(list(found.groupby("check")))
    close(of["overall"]["p"], [p(table.sum())])
    close(of["day"]["p"], [p(each) for each in days])
    close(of["segment"]["p"], [p(each) for each in devices])
    for check, family in (("day", days), ("segment", devices)):
        close(of[check]["p_adjusted"], multipletests([p(each) for each in family], method="holm")[1])
        assert list(of[check]["exposed"]) == [each.sum() for each in family]
    assert list(of["day"]["group"]) == [date(2018, 1, 14), date(2018, 1, 15)]
    evidence = []
    for sizes in (days[0], days[0] + days[1]):
        # Dirichlet-multinomial against multinomial, both of this sequence of visitors: Lindon and Malek's factor.
        alpha = 100 * planned
        mixed = stats.dirichlet_multinomial(alpha, sizes.sum()).logpmf(sizes.to_numpy())
        evidence.append(mixed - stats.multinomial(sizes.sum(), planned).logpmf(sizes.to_numpy()))
    assert of["sequential"]["p"].iloc[0] == pytest.approx(min(1, math.exp(-max(evidence))))
    assert not found["is_mismatch"].any()


def test_a_split_of_few_visitors_is_tested_exactly():
    found, _ = split([*arm("a", 2, click=1), *arm("b", 6, click=1)], shares={"a": 0.6, "b": 0.4})
    overall = found.iloc[0]
    assert overall["p"] == pytest.approx(stats.binomtest(2, 8, 0.6).pvalue)


def test_an_arm_planned_at_nothing_with_a_visitor_in_it_breaks_the_split():
    rows = [*arm("a", 50, click=5), *arm("b", 50, click=5), *arm("c", 1)]
    found, result = split(rows, shares={"a": 0.5, "b": 0.5, "c": 0})
    assert found.iloc[0]["p"] == 0
    assert found.iloc[0]["statistic"] == math.inf
    assert result.decision.code == "split broken"
    assert result.variants == ("a", "b", "c")
    unplanned, result = split(rows, shares={"a": 0.5, "b": 0.5})
    assert unplanned.iloc[0]["p"] == 0
    assert result.decision.code == "split broken"


def test_one_group_split_otherwise_withholds_the_verdict():
    rows = [*arm("a", 400, device="phone", click=40), *arm("b", 400, device="phone", click=60)]
    rows += [*arm("a", 60, device="old", click=5), *arm("b", 5, device="old", click=1)]
    found, result = split(rows, segments=["device"])
    assert list(found.loc[found["is_mismatch"], "group"]) == ["old"]
    assert result.decision.code == "split broken"
    assert result.verdict().startswith("This experiment cannot be read: the split is broken.")


# How it is told


@pytest.fixture(scope="module")
def told():
    rows = [*arm("a", 400, click=20, leave=2), *arm("b", 400, click=60, leave=3)]
    return asked(guardrails=[Guardrail("leave", margin=0.03)], planned=800, shares={"a": 0.5, "b": 0.5}).measure(
        connected(rows)
    )


def test_an_answer_is_written_as_json(told, tmp_path):
    path = tmp_path / "answer.json"
    text = told.to_json(path)
    assert path.read_text(encoding="utf-8") == text + "\n"
    answer = json.loads(text)
    assert answer["decision"] == {"code": "adopt", "variant": "b", "rivals": [], "passed_over": []}
    assert " ".join(answer["verdict"]) == told.verdict()
    assert len(answer["verdict"]) == 3
    assert answer["experiment"]["primary"] == {"kind": "Conversion", "step": "click", "window": None}
    assert answer["experiment"]["shares"] == {"a": 0.5, "b": 0.5}
    assert answer["cutoff"] == "2018-02-13T00:00:00+00:00"
    assert [row["visitors"] for row in answer["rows"]] == [400] * 4
    assert [row["difference"] for row in answer["rows"]] == [None, pytest.approx(0.1), None, pytest.approx(0.0025)]
    assert {row["check"] for row in answer["split"]} == {"overall", "sequential", "day"}


def test_an_answer_shows_itself_as_a_table_with_its_notes(told):
    lines = repr(told).splitlines()
    assert lines[0] == "Experiment “page”: each variant against the control"
    assert [line.removeprefix("- ") for line in lines if line.startswith("- ")] == list(told.notes)


def test_an_answer_speaks_french(told):
    french = told.speaking("fr")
    assert french.verdict() == told.verdict("fr") != told.verdict()
    assert french.frame is told.frame
    assert french.speaking("en").notes == told.notes


def test_every_further_answer_has_a_title_and_its_frame_in_the_promised_columns(told):
    columns = {
        "split": "check column group exposed statistic p p_adjusted is_mismatch",
        "curves": "outcome variant elapsed_seconds rate rate_low rate_high at_risk",
        "horizon": "outcome variant elapsed_seconds visitors rate rate_low rate_high"
        " difference difference_low difference_high",
        "looks": "variant looked_on visitors fraction difference difference_low difference_high z critical",
        "posterior": "variant visitors converted rate rate_low rate_high probability_best expected_loss",
        "novelty": "clock day variant visitors difference difference_low difference_high",
        "plan": "lift rate visitors total days power",
    }
    for name, expected in columns.items():
        further = getattr(told, name)()
        assert list(further.frame.columns) == expected.split()
        assert further.title
