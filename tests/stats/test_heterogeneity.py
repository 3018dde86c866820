import math
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm
from statsmodels.stats.meta_analysis import combine_effects

from funnel.errors import DataError, DefinitionError
from funnel.stats import heterogeneity, trend

# Rubin 1981, J Educ Stat 6:377, table 1: coaching in eight schools, points gained and their standard errors.
SCHOOLS = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]

# Colditz et al. 1994, JAMA 271:698: tuberculosis with and without the BCG vaccine in 13 trials; cases and others.
VACCINE = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
])  # fmt: skip

groups = st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 20)), min_size=2, max_size=12)


def log_risk_ratios():
    ill, well, ill_without, well_without = VACCINE.T
    treated, untreated = ill + well, ill_without + well_without
    ratios = np.log(ill / treated) - np.log(ill_without / untreated)
    return ratios, np.sqrt(1 / ill - 1 / treated + 1 / ill_without - 1 / untreated)


# Whether the groups differ, and by how much


def test_the_eight_schools_do_not_differ_and_are_all_the_whole():
    schools = heterogeneity(*SCHOOLS)
    # Gelman et al., Bayesian Data Analysis, section 5.5: the pooled estimate is 7.7 with a standard error of 4.1.
    assert (schools.whole.value, schools.whole.standard_error) == pytest.approx((7.7, 4.1), abs=0.05)
    assert schools.between == 0
    assert schools.shrunk.value == pytest.approx([schools.whole.value] * 8)
    # By hand: the sum of the squared distances from it, each over its squared error, on 7 degrees of freedom.
    gained, errors = np.array(SCHOOLS, dtype=float)
    weights = errors**-2
    q = (weights * (gained - (weights * gained).sum() / weights.sum()) ** 2).sum()
    assert (schools.test.statistic, schools.test.p) == pytest.approx((q, chi2.sf(q, 7)))
    assert schools.test.p > 0.5


def test_the_vaccine_trials_differ_as_metafor_says():
    # R's metafor, rma(yi, vi, data = dat, method = "DL") of dat.bcg, measure "RR": tau^2 0.3088, Q(df = 12) = 152.2330,
    # estimate -0.7141 (SE 0.1787), interval -1.0644 to -0.3638.
    trials = heterogeneity(*log_risk_ratios())
    assert trials.between == pytest.approx(0.3088, abs=0.00005)
    assert trials.test.statistic == pytest.approx(152.2330, abs=0.00005)
    assert trials.test.p < 1e-20
    whole = trials.whole
    assert (whole.value, whole.standard_error) == pytest.approx((-0.7141, 0.1787), abs=0.00005)
    assert (whole.low, whole.high) == pytest.approx((-1.0644, -0.3638), abs=0.00006)


def test_two_groups_worked_by_hand():
    # Errors of 1: mean 2, Q = 4 + 4 = 8 on one degree of freedom; between = (8 - 1) / (2 - 2 / 2) = 7. A group keeps
    # 7/8 of its distance of 2; the whole has variance 8 / 2 = 4, a group 7/8 + (1/8)^2 x 4 = 0.9375, and as `between`
    # is not known but has variance 2 / (2 / 64) = 64, (1 x 2 / 64)^2 x 64 = 0.0625 more: 1 in all.
    pair = heterogeneity([0, 4], [1, 1])
    assert (pair.test.statistic, pair.between) == (8, 7)
    assert pair.test.p == pytest.approx(2 * norm.sf(4 / math.sqrt(2)))
    assert (pair.whole.value, pair.whole.standard_error) == (2, 2)
    assert pair.shrunk.value == pytest.approx([0.25, 3.75])
    assert pair.shrunk.high - pair.shrunk.value == pytest.approx([1.959964] * 2, rel=1e-6)


@given(groups)
@settings(max_examples=60)
def test_all_agrees_with_statsmodels(rows):
    differences, errors = np.array(rows).T
    ours = heterogeneity(differences, errors)
    with np.errstate(all="ignore"):  # it goes on with a negative variance, and may divide by 0
        theirs = combine_effects(differences, errors**2, method_re="chi2")
    assert ours.test.statistic == pytest.approx(theirs.q, rel=1e-7, abs=1e-7)
    # Near Q = 0 its rounding moves p by the square root of it, for two groups.
    assert ours.test.p == pytest.approx(chi2.sf(theirs.q, len(rows) - 1), rel=1e-6, abs=1e-4 if theirs.q < 1e-8 else 0)
    assert ours.between == pytest.approx(max(theirs.tau2, 0), rel=1e-6, abs=1e-7)
    if theirs.tau2 > 1e-6:
        assert ours.whole.value == pytest.approx(theirs.mean_effect_re, rel=1e-6, abs=1e-7)
        assert ours.whole.standard_error == pytest.approx(theirs.sd_eff_w_re, rel=1e-6)


# Each group drawn toward the whole


def posterior(differences, errors, between):
    """Return means and covariance of the true differences given that variance: the joint normal of groups and whole."""
    size = len(differences)
    precision = np.diag([*(1 / errors**2 + 1 / between), size / between])
    precision[:size, size] = precision[size, :size] = -1 / between
    covariance = np.linalg.inv(precision)
    means = covariance @ np.append(differences / errors**2, 0)
    return means, covariance


@given(groups)
@settings(max_examples=60)
def test_what_is_believed_of_a_group_is_its_normal_posterior_and_what_between_leaves_open(rows):
    differences, errors = np.array(rows).T
    ours = heterogeneity(differences, errors)
    if ours.between < 1e-3:
        return
    means, covariance = posterior(differences, errors, ours.between)
    assert ours.shrunk.value == pytest.approx(means[:-1], rel=1e-6, abs=1e-6)
    assert ours.whole.value == pytest.approx(means[-1], rel=1e-6, abs=1e-6)

    def moved(between):
        return between / (between + errors**2) * (differences - means[-1])

    step = ours.between * 1e-4
    slope = (moved(ours.between + step) - moved(ours.between - step)) / (2 * step)
    information = ((ours.between + errors**2) ** -2.0).sum() / 2  # Fisher's, of the variance between groups
    expected = np.sqrt(covariance.diagonal()[:-1] + slope**2 / information)
    assert (ours.shrunk.high - ours.shrunk.value) / norm.ppf(0.975) == pytest.approx(expected, rel=1e-4)


@given(groups, st.randoms(use_true_random=False), st.floats(0.5, 0.999))
def test_a_group_lies_between_its_own_difference_and_the_whole_in_any_order(rows, random, level):
    differences, errors = np.array(rows).T
    ours = heterogeneity(differences, errors, level=level)
    lowest, highest = np.minimum(differences, ours.whole.value), np.maximum(differences, ours.whole.value)
    assert (lowest - 1e-9 <= ours.shrunk.value).all()
    assert (ours.shrunk.value <= highest + 1e-9).all()
    assert (ours.shrunk.low < ours.shrunk.value).all()
    places = list(range(len(rows)))
    random.shuffle(places)
    turned = heterogeneity(differences[places], errors[places], level=level)
    assert turned.shrunk.low == pytest.approx(ours.shrunk.low[places], rel=1e-6, abs=1e-6)


@given(groups, st.sampled_from([1e-6, 1e-3, 1e4]))
def test_the_unit_of_the_differences_does_not_matter(rows, unit):
    differences, errors = np.array(rows).T
    ours, scaled = heterogeneity(differences, errors), heterogeneity(differences * unit, errors * unit)
    assert scaled.test.statistic == pytest.approx(ours.test.statistic, rel=1e-6, abs=1e-6)
    assert scaled.between / unit**2 == pytest.approx(ours.between, rel=1e-6, abs=1e-6)
    assert scaled.shrunk.high / unit == pytest.approx(ours.shrunk.high, rel=1e-6, abs=1e-5)


def test_a_group_known_far_better_than_the_others_is_the_whole_and_loses_no_digits():
    # The weight of the first is 10^18 times that of the others, and 10^18 + 1 is 10^18 to a computer.
    weights = [Fraction(10) ** 18, Fraction(1), Fraction(1)]
    divisor = sum(weights) - sum(weight**2 for weight in weights) / sum(weights)
    lopsided = heterogeneity([1.0, 11.0, -9.0], [1e-9, 1.0, 1.0])
    assert lopsided.test.statistic == pytest.approx(200)
    assert lopsided.between == pytest.approx(float((200 - 2) / divisor), rel=1e-9)


# What cannot be known


def test_one_group_is_the_whole_and_there_is_nothing_to_test():
    alone = heterogeneity([0.02], [0.01])
    assert math.isnan(alone.test.statistic)
    assert math.isnan(alone.test.p)
    assert (alone.between, alone.whole.value, alone.whole.standard_error) == (0, 0.02, 0.01)
    assert alone.shrunk.value.tolist() == [0.02]
    assert (alone.shrunk.low[0], alone.shrunk.high[0]) == pytest.approx((0.02 - 0.0195996, 0.02 + 0.0195996), abs=1e-6)
    assert (alone.whole.low, alone.whole.high) == pytest.approx((alone.shrunk.low[0], alone.shrunk.high[0]))


@pytest.mark.parametrize(
    ("difference", "error"),
    [(0.0, 0.0), (5.0, 0.0), (5.0, math.inf), (5.0, math.nan), (math.nan, 1.0), (math.inf, 1.0), (math.nan, math.inf)],
)
def test_a_group_of_which_nothing_is_known_is_the_whole_and_changes_nothing(difference, error):
    without = heterogeneity([0, 4], [1, 1])
    together = heterogeneity([0, difference, 4], [1, error, 1])
    assert together.test == without.test
    assert (together.between, together.whole.value) == (without.between, without.whole.value)
    assert together.shrunk.low[[0, 2]] == pytest.approx(without.shrunk.low)
    # One more group of the same kind: variance 7 between groups and 4 of the whole.
    assert together.shrunk.value[1] == without.whole.value
    assert together.shrunk.high[1] - together.shrunk.value[1] == pytest.approx(1.959964 * math.sqrt(11), rel=1e-6)


def test_where_nothing_is_known_of_any_group_everything_is_open():
    nothing = heterogeneity([0.0, 0.1, math.nan], [0.0, math.inf, 0.1])
    assert math.isnan(nothing.test.p)
    assert math.isnan(nothing.between)
    assert math.isnan(nothing.whole.value)
    assert (nothing.whole.low, nothing.whole.high, nothing.whole.standard_error) == (-math.inf, math.inf, math.inf)
    assert np.isnan(nothing.shrunk.value).all()
    assert (nothing.shrunk.low.tolist(), nothing.shrunk.high.tolist()) == ([-math.inf] * 3, [math.inf] * 3)


def test_what_are_no_groups_is_refused():
    with pytest.raises(DataError) as refused:
        heterogeneity([0.1, 0.2], [0.1])
    assert str(refused.value) == "1 standard errors for 2 values. Give one of each for one group or more."
    with pytest.raises(DataError) as refused:
        heterogeneity([], [])
    assert str(refused.value) == "0 standard errors for 0 values. Give one of each for one group or more."
    with pytest.raises(DataError) as refused:
        heterogeneity([0.1, 0.2], [0.1, -0.1])
    assert str(refused.value) == (
        "A standard error is negative. Give 0 or more, and infinity or NaN where it is unknown."
    )
    with pytest.raises(DefinitionError) as refused:
        heterogeneity([0.1, 0.2], [0.1, 0.1], level=95)
    assert str(refused.value) == "level=95 is no share between 0 and 1. Write level=0.95 for 95 %."


# The trend


def test_a_slope_worked_by_hand():
    # Equal errors of 0.5 at 0, 1, 2: slope (5 - 1) / 2, standard error 0.5 / sqrt(2).
    slope, test = trend([1, 4, 5], [0.5, 0.5, 0.5], [0, 1, 2])
    assert slope.value == pytest.approx(2)
    assert slope.high - slope.value == pytest.approx(1.959964 * 0.5 / math.sqrt(2), rel=1e-6)
    assert test.statistic == pytest.approx(2 / (0.5 / math.sqrt(2)))
    assert test.p == pytest.approx(2 * norm.sf(test.statistic))


points = st.lists(
    st.tuples(st.floats(-5, 5), st.floats(0.05, 5), st.integers(0, 40)),
    min_size=3,
    max_size=25,
    unique_by=lambda p: p[2],
)


@given(points, st.floats(0.5, 0.999))
@settings(max_examples=60)
def test_the_slope_agrees_with_the_weighted_least_squares_of_statsmodels(rows, level):
    values, errors, at = np.array(rows).T
    slope, test = trend(values, errors, at, level=level)
    fit = sm.WLS(values, sm.add_constant(at), weights=errors**-2.0).fit(cov_type="fixed scale")
    assert slope.value == pytest.approx(fit.params[1], rel=1e-6, abs=1e-8)
    assert (test.statistic, test.p) == pytest.approx((fit.tvalues[1], fit.pvalues[1]), rel=1e-6, abs=1e-8)
    assert (slope.low, slope.high) == pytest.approx(tuple(fit.conf_int(1 - level)[1]), rel=1e-6, abs=1e-8)


def test_days_of_which_nothing_is_known_are_left_out_of_the_trend():
    plain, tested = trend([1, 4, 5], [0.5, 0.4, 0.3], [0, 1, 2])
    patchy, again = trend([1, 0, 4, 9, math.nan, 5], [0.5, 0, 0.4, math.inf, 1, 0.3], [0, 7, 1, 3, 4, 2])
    assert (patchy.value, patchy.low, again.p) == pytest.approx((plain.value, plain.low, tested.p))


@pytest.mark.parametrize(
    ("values", "errors", "at"), [([1], [1], [0]), ([1, 2], [1, 1], [3, 3]), ([1, 2], [1, 0], [0, 1]), ([0], [0], [0])]
)
def test_without_two_days_there_is_no_trend(values, errors, at):
    slope, test = trend(values, errors, at)
    assert math.isnan(slope.value)
    assert (slope.low, slope.high) == (-math.inf, math.inf)
    assert math.isnan(test.p)


def test_what_is_no_line_is_refused():
    with pytest.raises(DataError) as refused:
        trend([1, 2], [1, 1], [0])
    assert str(refused.value) == "1 places for 2 values. Give one of each."
    with pytest.raises(DataError) as refused:
        trend([1, 2], [1, 1], [0, math.nan])
    assert str(refused.value) == (
        "A place on the line is missing or infinite. Give a number, such as a day, for each value."
    )
