"""Published experiments, analysed: what their figures say, and what they were mistaken for."""

import math
import re
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaln
from scipy.stats import (
    boschloo_exact,
    chi2_contingency,
    chisquare,
    false_discovery_control,
    fisher_exact,
    multivariate_normal,
    norm,
)
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

from funnel.stats import (
    benjamini_hochberg,
    boschloo,
    dunnett_critical,
    holm,
    newcombe,
    ratio_score,
    required_visitors,
    same_share,
    sample_ratio,
    sequential_sample_ratio,
    wilson,
    z_test,
)

FOLDER = Path(__file__).parents[1] / "data" / "published"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
FILES = sorted(FOLDER.glob("*.csv"))
# The p-value under which the split is said to be broken.
ALARM = 0.001


def figures(name):
    """Return a file's figures, one row a variant."""
    return pd.read_csv(FOLDER / f"{name}.csv").set_index("variant")


def two_arms(name, successes, visitors):
    """Return x1, n1, x0, n0 of a file with a control in its first row and a treatment in its second."""
    frame = figures(name)
    return tuple(int(frame[column].iloc[row]) for row in (1, 0) for column in (successes, visitors))


# The files


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_small_cited_and_explained_column_by_column(path):
    frame = pd.read_csv(path)
    (section,) = re.findall(rf"^## {re.escape(path.name)}\n(.+?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert [name for cell in cells for name in re.findall(r"`(\w+)`", cell)] == list(frame.columns)
    assert re.search(r"licence|Figures\s+only|CC\s+BY", section)
    assert re.search(r"\b(19|20)\d\d\b", section)
    assert len(frame) < 25
    assert not frame.isna().any(axis=None)
    assert f"| `{path.name}` |" in PAGE


def test_the_readme_names_no_file_that_is_not_there():
    assert set(re.findall(r"^## (\w+\.csv)$", PAGE, flags=re.MULTILINE)) == {path.name for path in FILES}


# A library's button: five labels


@pytest.fixture(scope="module")
def buttons():
    return figures("montana_library_buttons")


@pytest.fixture(scope="module")
def labels(buttons):
    """The four new labels, each to be compared with the old one."""
    return buttons.drop(index="Interact")


def p_values(frame, denominator):
    """Return the p-value of each new label against Interact, of clicks over a denominator."""
    control = frame.loc["Interact"]
    return {
        label: z_test(row["clicks"], row[denominator], control["clicks"], control[denominator]).p
        for label, row in frame.drop(index="Interact").iterrows()
    }


def test_the_buttons_are_the_published_ones(buttons):
    assert list(buttons.index) == ["Interact", "Connect", "Learn", "Help", "Services"]
    assert list(buttons["visits"]) == [10_283, 2_742, 2_747, 3_180, 2_064]
    assert list(buttons["clicks"]) == [42, 53, 21, 38, 45]
    assert list(buttons["all_clicks"]) == [3_714, 1_587, 1_652, 1_717, 1_348]


def test_the_labels_differ(buttons):
    tested = same_share(buttons["clicks"], buttons["visits"])
    expected = chi2_contingency([buttons["clicks"], buttons["visits"] - buttons["clicks"]])
    assert (tested.statistic, tested.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)
    assert (f"{tested.statistic:.3f}", f"{tested.p:.1e}") == ("96.743", "4.9e-20")


def test_the_rate_of_a_label_is_of_its_visits(buttons):
    rates = wilson(buttons["clicks"], buttons["visits"])
    assert [f"{rate:.2%}" for rate in rates.value] == ["0.41%", "1.93%", "0.76%", "1.19%", "2.18%"]
    low, high = proportion_confint(buttons["clicks"], buttons["visits"], method="wilson")
    assert rates.low == pytest.approx(np.array(low), rel=1e-12)
    assert rates.high == pytest.approx(np.array(high), rel=1e-12)


def test_all_four_labels_beat_interact_after_holm_and_learn_barely(buttons, labels):
    p = p_values(buttons, "visits")
    alone = [proportions_ztest([row["clicks"], 42], [row["visits"], 10_283])[1] for _, row in labels.iterrows()]
    adjusted = dict(zip(p, holm(list(p.values())), strict=True))
    assert list(p.values()) == pytest.approx(alone, rel=1e-9)
    assert list(adjusted.values()) == pytest.approx(list(multipletests(alone, method="holm")[1]), rel=1e-9)
    assert {label for label, each in adjusted.items() if each < 0.05} == {"Connect", "Learn", "Help", "Services"}
    assert {label for label, each in adjusted.items() if each < 0.01} == {"Connect", "Help", "Services"}
    assert f"{adjusted['Learn']:.3f}" == "0.017"
    assert benjamini_hochberg(list(p.values())) == pytest.approx(false_discovery_control(alone), rel=1e-9)


def test_simultaneous_intervals_ask_more_of_learn_than_holm_does(labels):
    critical = dunnett_critical(labels["visits"], 10_283)
    weight = np.sqrt(labels["visits"] / (labels["visits"] + 10_283)).to_numpy()
    together = multivariate_normal(cov=np.outer(weight, weight) + np.diag(1 - weight**2), seed=1)
    assert together.cdf([critical] * 4, lower_limit=[-critical] * 4) == pytest.approx(0.95, abs=0.0005)
    level = 2 * NormalDist().cdf(critical) - 1
    difference = newcombe(labels["clicks"], labels["visits"], 42, 10_283, level=level)
    for place, (clicks, visits) in enumerate(zip(labels["clicks"], labels["visits"], strict=True)):
        each = confint_proportions_2indep(clicks, visits, 42, 10_283, method="newcomb", alpha=1 - level)
        assert (difference.low[place], difference.high[place]) == pytest.approx(each, abs=1e-12)
    assert dict(zip(labels.index, difference.low > 0, strict=True)) == {
        "Connect": True,
        "Learn": False,
        "Help": True,
        "Services": True,
    }
    # By itself, Learn's interval is above 0: two correct answers to two questions.
    assert newcombe(21, 2_747, 42, 10_283).low > 0 > difference.low[1] > -0.0002


def test_the_two_best_labels_are_not_told_apart():
    difference = newcombe(45, 2_064, 53, 2_742)
    assert difference.low < 0 < difference.high
    assert z_test(45, 2_064, 53, 2_742).p == pytest.approx(proportions_ztest([45, 53], [2_064, 2_742])[1])
    assert z_test(45, 2_064, 53, 2_742).p > 0.5


def test_clicks_over_all_clicks_print_another_rate_and_another_order(buttons):
    right, wrong = buttons["clicks"] / buttons["visits"], buttons["clicks"] / buttons["all_clicks"]
    assert [f"{wrong[label]:.1%}" for label in ("Connect", "Services")] == ["3.3%", "3.3%"]
    assert list(right.sort_values(ascending=False).index) == ["Services", "Connect", "Help", "Learn", "Interact"]
    assert list(wrong.sort_values(ascending=False).index) == ["Connect", "Services", "Help", "Learn", "Interact"]


def test_over_all_clicks_learn_would_no_longer_beat_interact(buttons):
    right = dict(zip(buttons.index[1:], holm(list(p_values(buttons, "visits").values())), strict=True))
    wrong = dict(zip(buttons.index[1:], holm(list(p_values(buttons, "all_clicks").values())), strict=True))
    assert right["Learn"] < 0.05 < 0.5 < wrong["Learn"]
    assert right["Help"] < 0.00001 < 0.001 < wrong["Help"]


def test_all_clicks_are_no_count_of_visitors_and_the_label_changes_them(buttons):
    """A denominator must be what was split over the arms; clicks come after, and differ by more than one button."""
    clicks_per_visit = buttons["all_clicks"] / buttons["visits"]
    assert {label: round(each, 2) for label, each in clicks_per_visit.items()} == {
        "Interact": 0.36,
        "Connect": 0.58,
        "Learn": 0.60,
        "Help": 0.54,
        "Services": 0.65,
    }
    without_the_button = (buttons["all_clicks"] - buttons["clicks"]) / buttons["visits"]
    assert without_the_button.drop(index="Interact").min() > 1.4 * without_the_button["Interact"]


@pytest.mark.parametrize(
    ("arms", "shares"),
    [
        (["Interact", "Connect", "Learn", "Help", "Services"], [0.2] * 5),
        (["Interact", "Connect", "Learn", "Help", "Services"], [0.5] + [0.125] * 4),
        (["Connect", "Learn", "Help", "Services"], [0.25] * 4),
    ],
)
def test_no_plan_of_round_shares_explains_the_visits_which_is_no_verdict_without_a_plan(buttons, arms, shares):
    """The planned shares are published nowhere. The alarm says that these were not they, and nothing of the labels."""
    visits = buttons.loc[arms, "visits"]
    tested, expected = sample_ratio(visits, shares), chisquare(visits, np.array(shares) * visits.sum())
    assert tested.statistic == pytest.approx(expected.statistic)
    assert tested.p == pytest.approx(expected.pvalue)
    assert tested.p < 1e-40
    # Under the shares that came out any split passes: a plan taken from the counts would check nothing.
    assert sample_ratio(visits, visits / visits.sum()).p == pytest.approx(1)


# A product's onboarding: the split and the lift


def test_a_third_of_visitors_in_an_arm_planned_at_a_fifth_is_a_broken_split():
    arms = figures("posthog_self_driving")
    # Printed: SRM p-value of 2.40e-149.
    assert sample_ratio(arms["exposed"], arms["planned_share"]).p == pytest.approx(2.40e-149, rel=0.005)
    assert sequential_sample_ratio(arms["exposed"], arms["planned_share"]).p < 1e-100


def test_a_rare_baseline_hides_from_the_lift_what_the_difference_shows():
    x1, n1, x0, n0 = two_arms("posthog_self_driving", "activated", "exposed")
    assert (x1, n1, x0, n0) == (29, 2_035, 9, 4_072)
    assert z_test(x1, n1, x0, n0).p == pytest.approx(proportions_ztest([x1, x0], [n1, n0])[1], rel=1e-6)
    assert z_test(x1, n1, x0, n0).p < fisher_exact([[x1, n1 - x1], [x0, n0 - x0]]).pvalue < 1e-7
    assert newcombe(x1, n1, x0, n0).low > 0.007
    # The lift tested as if it were normal, by the delta method: gbstats 0.8.0 gives 0.027, and the issue prints 0.314.
    treatment, control = x1 / n1, x0 / n0
    variance = treatment * (1 - treatment) / n1 + (treatment / control) ** 2 * control * (1 - control) / n0
    on_the_lift = 2 * norm.sf((treatment / control - 1) * control / math.sqrt(variance))
    assert on_the_lift == pytest.approx(0.027, abs=0.001)
    lift = ratio_score(x1, n1, x0, n0)
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="score", compare="ratio")
    assert (lift.low, lift.high) == pytest.approx((low, high), rel=1e-3)
    assert lift.low > 3


# A page five seconds slower: the visitors who are missing


def test_a_lift_may_consist_of_the_visitors_who_are_missing():
    arms = figures("slow_page")
    x1, n1, x0, n0 = two_arms("slow_page", "conversions", "subjects")
    # Printed: 2.51 % against 2.48 %, a lift of 1.18 %, and a split of p = 2.2e-16, the smallest that R shows.
    assert (f"{x1 / n1:.2%}", f"{x0 / n0:.2%}", f"{x1 / n1 / (x0 / n0) - 1:.2%}") == ("2.51%", "2.48%", "1.18%")
    split = sample_ratio(arms["subjects"], arms["planned_share"])
    assert split.p == pytest.approx(chisquare(arms["subjects"]).pvalue, rel=1e-9)
    assert split.p < 2.2e-16
    assert z_test(x1, n1, x0, n0).p > 0.9
    # As many visitors as the control had, and none of the missing converted: the other end of what may be true.
    assert z_test(x1, n0, x0, n0).p == pytest.approx(proportions_ztest([x1, x0], [n0, n0])[1])
    assert z_test(x1, n0, x0, n0).p < 0.05
    assert newcombe(x1, n0, x0, n0).high < 0


# Splits


def test_a_mismatch_too_small_to_see():
    arms = figures("kohavi_sample_ratio")
    control, treatment = arms["users"]
    assert f"{treatment / control:.3f}" == "0.993"
    once = sample_ratio(arms["users"], arms["planned_share"])
    assert once.p == pytest.approx(chisquare(arms["users"]).pvalue, rel=1e-9)
    assert f"{once.p:.1e}" == "1.8e-06"  # as printed
    # A check that holds at every look asks for more: what sounds once is for it a suspicion yet.
    every_look = sequential_sample_ratio(arms["users"], arms["planned_share"])
    log_factor = betaln(50 + control, 50 + treatment) - betaln(50, 50) - (control + treatment) * math.log(0.5)
    assert every_look.p == pytest.approx(math.exp(-log_factor), rel=1e-6)
    assert once.p < ALARM < every_look.p < 0.01


def test_a_check_of_every_split_would_cost_few_of_the_sound_experiments():
    archive = pd.read_csv(FOLDER / "upworthy_archive.csv", parse_dates=["first_on", "last_on"])
    whole, affected = archive["experiments"]
    assert f"{affected / whole:.0%}" == "22%"
    assert (archive["last_on"] - archive["first_on"]).dt.days.tolist() == [826, 199]
    assert affected > 200 * (whole - affected) * ALARM


# A campaign's splash page: the best of 24


@pytest.fixture(scope="module")
def splash():
    """The arms as whole numbers, as near as the rounded rates allow: x1, n1, x0, n0."""
    arms = figures("obama_splash_page")
    original, best = (round(arms["visitors_about"].iloc[row] * arms["sign_up_rate"].iloc[row]) for row in (0, 1))
    return best, 13_000, original, 13_000


def test_the_best_of_24_beats_the_page_there_was_by_less_than_it_seems_sure_to(splash):
    x1, n1, x0, n0 = splash
    # Printed: 40.6 %, of rates that were not rounded; rounded ones give 39.7 % to 41.1 %.
    assert 0.1155 / 0.08265 - 1 < 0.406 < 0.1165 / 0.08255 - 1
    critical = dunnett_critical([n1] * 23, n0)
    level = 2 * NormalDist().cdf(critical) - 1
    alone, best_of_many = newcombe(x1, n1, x0, n0), newcombe(x1, n1, x0, n0, level=level)
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", alpha=1 - level)
    assert (best_of_many.low, best_of_many.high) == pytest.approx((low, high), abs=1e-12)
    assert 0.02 < best_of_many.low < alone.low < alone.high < best_of_many.high < 0.05


def test_millions_of_addresses_have_an_interval_too(splash):
    # Printed: of 10 million sign-ups 2,880,000 would not have come with the page there was.
    owed = 10e6 * (1 - 0.0826 / 0.116)
    assert owed == pytest.approx(2_880_000, abs=5_000)
    level = 2 * NormalDist().cdf(dunnett_critical([13_000] * 23, 13_000)) - 1
    lift = ratio_score(*splash, level=level)
    low, high = confint_proportions_2indep(*splash, method="score", compare="ratio", alpha=1 - level)
    assert (lift.low, lift.high) == pytest.approx((low, high), rel=1e-4)
    fewest, most = (10e6 * (1 - 1 / each) for each in (lift.low, lift.high))
    assert fewest < 2_200_000 < owed < 3_500_000 < most


# Small arms


def test_in_small_arms_the_choice_of_test_is_the_verdict():
    x1, n1, x0, n0 = two_arms("perondi_epinephrine", "survived", "patients")
    table = [[x1, x0], [n1 - x1, n0 - x0]]
    fisher, exact = fisher_exact(table).pvalue, boschloo(x1, n1, x0, n0).p
    pooled = z_test(x1, n1, x0, n0).p
    assert exact == pytest.approx(boschloo_exact(table, n=64).pvalue, rel=1e-6)
    assert pooled == pytest.approx(proportions_ztest([x1, x0], [n1, n0])[1], rel=1e-9)
    assert pooled < exact < 0.05 < fisher
    difference = newcombe(x1, n1, x0, n0)
    # R's contingencytables prints 0.0189 to 0.3404, arms the other way around.
    assert (-difference.high, -difference.low) == pytest.approx((0.0189, 0.3404), abs=0.00005)


# Rates to plan with


def test_the_same_action_is_three_in_a_hundred_or_seventy_by_its_denominator():
    share = pd.read_csv(FOLDER / "milieudefensie_benchmarks.csv").set_index(["action", "of"])["share"]
    joined, opened = share["join a WhatsApp group", "visitors"], share["open the WhatsApp page", "visitors"]
    of_openers = share["join a WhatsApp group", "visitors who opened the WhatsApp page"]
    assert joined / opened == pytest.approx(of_openers, abs=0.002)
    plans = [required_visitors(rate, lift=0.1).n for rate in (joined, of_openers)]
    assert plans == [two_proportions(rate, 1.1 * rate) for rate in (joined, of_openers)]
    # As many as eighty times the visitors, to see a lift of a tenth, if all are exposed and few open.
    assert plans[0] > 70 * plans[1]


def two_proportions(control, treatment, *, alpha=0.05, power=0.8):
    """Fleiss 1981, as R's power.prop.test: visitors an arm."""
    middle = (control + treatment) / 2
    under_none = norm.isf(alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    under_some = norm.ppf(power) * math.sqrt(control * (1 - control) + treatment * (1 - treatment))
    return math.ceil(((under_none + under_some) / (treatment - control)) ** 2)
