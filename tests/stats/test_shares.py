"""Several proportions at once, against scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from funnel.stats import same_share


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=2, max_size=8))
def test_agrees_with_scipy(groups):
    successes, failures = np.array(groups).T
    test = same_share(successes, successes + failures)
    if not successes.sum():
        assert math.isnan(test.p)
        return
    expected = chi2_contingency([successes, failures], correction=False)
    assert np.allclose([test.statistic, test.p], [expected.statistic, expected.pvalue])


def test_four_hospitals_are_those_that_r_prints():
    # Fleiss 1981, p. 139, in R's help of prop.test: smokers among patients, X-squared = 12.6004, df = 3, p = 0.005585.
    test = same_share([83, 90, 129, 70], [86, 93, 136, 82])
    assert test.statistic == pytest.approx(12.6004, abs=0.00005)
    assert test.p == pytest.approx(0.005585, abs=5e-7)


@pytest.mark.parametrize(
    "groups",
    [
        [(0, 30), (7, 40), (12, 12)],
        [(0, 10**9), (3, 10**9), (9, 10**9), (4, 10**8)],
        [(10**9 - 5, 10**9), (10**9, 10**9), (10**9 - 1, 10**9), (50, 50), (10, 10)],
        [(1, 2), (120_000, 10**6), (0, 3), (119_000, 10**6), (5, 5), (121_000, 10**6)],
    ],
)
def test_three_to_six_arms_with_nobody_and_everybody_agree_with_scipy(groups):
    successes, visitors = np.array(groups).T
    test, expected = same_share(successes, visitors), chi2_contingency([successes, visitors - successes])
    assert test.statistic == pytest.approx(expected.statistic, rel=1e-7)
    assert test.p == pytest.approx(expected.pvalue, rel=1e-6)


def test_one_group_cannot_differ():
    assert math.isnan(same_share([3, 0], [10, 0]).p)


def test_where_nobody_or_everybody_succeeds_groups_cannot_differ():
    for successes in ([0, 0, 0], [10, 20, 30]):
        assert math.isnan(same_share(successes, [10, 20, 30]).p)


def test_of_many_equal_groups_few_are_found_to_differ():
    """The false claims that comparing the extremes of twenty groups would make: 38 of 100."""
    random = np.random.default_rng(7)
    found = [same_share(random.binomial(500, 0.2, 20), np.full(20, 500)).p < 0.01 for _ in range(1000)]
    assert np.mean(found) < 0.02
