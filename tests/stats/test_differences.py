import ast
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import boschloo_exact, chi2_contingency, hypergeom, norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from funnel.errors import DataError, DefinitionError
from funnel.stats import boschloo, newcombe, score_test, z_test

EMPTY = "An arm has no visitors, so there is nothing to compare. Give arms of 1 visitor or more."

arm = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
tables = st.tuples(arm, arm).map(lambda arms: (*arms[0], *arms[1]))
small_arm = st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
small_tables = st.tuples(small_arm, small_arm).map(lambda arms: (*arms[0], *arms[1]))
levels = st.floats(0.5, 0.999)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:873, table II, contrasts (a) to (h), method 10.
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0000),
        ((10, 10, 0, 10), 0.6075, 1.0000),
        # An HIV trial in SAS, WUSS 2016 paper 127, p. 9.
        ((84, 101, 89, 105), -0.1177, 0.0851),
        # Perondi 2004, printed by R's contingencytables (Newcombe_hybrid_score_CI_2x2).
        ((7, 34, 1, 34), 0.0189, 0.3404),
    ],
)
def test_the_interval_is_the_one_printed(table, low, high):
    x1, n1, x0, n0 = table
    difference = newcombe(*table)
    assert difference.value == pytest.approx(x1 / n1 - x0 / n0)
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=0.00005)


@given(tables, levels)
def test_newcombe_agrees_with_statsmodels(table, level):
    difference = newcombe(*table, level=level)
    low, high = confint_proportions_2indep(*table, method="newcomb", compare="diff", alpha=1 - level)
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=1e-12)


@given(tables, levels)
def test_newcombe_holds_the_difference_and_turns_around_with_the_arms(table, level):
    x1, n1, x0, n0 = table
    difference, turned = newcombe(*table, level=level), newcombe(x0, n0, x1, n1, level=level)
    assert -1 <= difference.low <= difference.value <= difference.high <= 1
    assert (difference.value, difference.low, difference.high) == (-turned.value, -turned.high, -turned.low)


@given(tables)
def test_a_higher_level_never_gives_a_narrower_interval(table):
    limits = [newcombe(*table, level=level) for level in (0.5, 0.8, 0.95, 0.999)]
    assert [each.low for each in limits] == sorted((each.low for each in limits), reverse=True)
    assert [each.high for each in limits] == sorted(each.high for each in limits)


def test_arrays_give_arrays_and_broadcast():
    differences = newcombe([1, 2, 3], 10, 2, [10, 20, 30])
    each = [newcombe(*table) for table in ((1, 10, 2, 10), (2, 10, 2, 20), (3, 10, 2, 30))]
    assert differences.low.tolist() == [one.low for one in each]
    assert isinstance(each[0].value, float)
    assert newcombe([], [], [], []).value.shape == (0,)


def test_a_billion_visitors_an_arm_keep_their_digits():
    # The Wilson ends of 3 in a billion (scaled: 3 successes, Poisson limit) are 1.02e-9 and 8.82e-9.
    difference = newcombe(3, 10**9, 0, 10**9)
    assert difference.low == pytest.approx(3e-9 - np.hypot(3e-9 - 1.0203e-9, 3.8415e-9), rel=1e-4)
    assert difference.high == pytest.approx(8.8212e-9, rel=1e-4)


@given(tables)
def test_z_squared_is_pearsons_chi_squared(table):
    x1, n1, x0, n0 = table
    tested = z_test(*table)
    if 0 < x1 + x0 < n1 + n0:
        expected = chi2_contingency([[x1, n1 - x1], [x0, n0 - x0]], correction=False)
        assert tested.statistic**2 == pytest.approx(expected.statistic, rel=1e-9, abs=1e-12)
        assert tested.p == pytest.approx(expected.pvalue, rel=1e-7, abs=1e-300)
    else:
        assert (tested.statistic, tested.p) == (0, 1)


@pytest.mark.parametrize(("alternative", "theirs"), [("two-sided",) * 2, ("greater", "larger"), ("less", "smaller")])
@pytest.mark.parametrize(
    "table", [(56, 70, 48, 80), (3, 1000, 9, 1100), (0, 50, 6, 40), (90_000, 10**6, 89_000, 10**6)]
)
def test_every_alternative_of_z_agrees_with_statsmodels(table, alternative, theirs):
    x1, n1, x0, n0 = table
    tested = z_test(*table, alternative=alternative)
    z, p = proportions_ztest([x1, x0], [n1, n0], alternative=theirs)
    assert (tested.statistic, tested.p) == pytest.approx((z, p), rel=1e-9)


def test_z_is_the_one_that_r_prints():
    # contingencytables, Pearson_chi_squared_test_2x2(rbind(c(3, 1), c(1, 3))): P = 0.15730, T = 2.000. prop.test
    # (correct = FALSE) prints the same.
    assert z_test(3, 4, 1, 4).statistic ** 2 == pytest.approx(2)
    assert z_test(3, 4, 1, 4).p == pytest.approx(0.15730, abs=0.000005)


def test_a_rare_outcome_is_tested_by_its_difference_and_not_by_its_lift():
    # 9 of 4,072 against 29 of 2,035: Fisher 6.5e-8, pooled z 1.7e-8; a z of the ratio says 0.027 (gbstats 0.8.0), and
    # PostHog printed 0.314 for these counts (issue 84351).
    assert z_test(9, 4_072, 29, 2_035).p == pytest.approx(1.7e-8, abs=0.05e-8)
    assert score_test(9, 4_072, 29, 2_035).p == pytest.approx(1.7e-8, abs=0.05e-8)


def test_a_control_without_successes_is_no_reason_for_a_p_of_1():
    # gbstats 0.8.0 gives the interval [0, 0] and p = 1 for 5 of 1,000 against none; tea-tasting 2.0.0 a lift of inf.
    fishers = hypergeom.sf(4, 2_000, 5, 1_000) * 2
    assert fishers == pytest.approx(0.0622, abs=0.0001)
    assert z_test(5, 1_000, 0, 1_000).p == pytest.approx(norm.sf(np.sqrt(5 / (1 - 0.0025))) * 2)
    difference = newcombe(5, 1_000, 0, 1_000)
    assert difference.low < 0.005 < difference.high
    assert difference.low == pytest.approx(0.005 - np.hypot(0.005 - 0.002137, 0.003827), abs=1e-6)


def test_a_table_without_successes_has_a_p_of_1_where_scipy_raises():
    # scipy's chi2_contingency refuses an empty margin; tea-tasting 2.0.0 and statsmodels answer nan.
    for x1, n1, x0, n0 in ((0, 50, 0, 70), (50, 50, 70, 70)):
        with pytest.raises(ValueError, match="zero element"):
            chi2_contingency([[x1, n1 - x1], [x0, n0 - x0]], correction=False)
        assert (z_test(x1, n1, x0, n0).statistic, z_test(x1, n1, x0, n0).p) == (0, 1)


@pytest.mark.parametrize(
    "table",
    [
        (3, 10**9, 0, 10**9),
        (10**9 - 3, 10**9, 10**9, 10**9),
        (1, 1, 0, 10**9),
        (500_000_000, 10**9, 500_100_000, 10**9),
    ],
)
def test_z_of_a_billion_visitors_equals_exact_fractions(table):
    x1, n1, x0, n0 = map(Fraction, table)
    pooled = (x1 + x0) / (n1 + n0)
    squared = (x1 / n1 - x0 / n0) ** 2 / (pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    assert z_test(*table).statistic ** 2 == pytest.approx(float(squared), rel=1e-7)


def test_boschloo_is_the_one_that_scipy_tests_against_r():
    # scipy's test_hypotests.py has these from R: exact.test(method = "Boschloo", alternative = "less") of Exact.
    for table, statistic, p in (
        ([[2, 7], [8, 2]], 0.01852173, 0.009886142),
        ([[5, 1], [10, 10]], 0.9782609, 0.9450994),
        ([[5, 16], [20, 25]], 0.08913823, 0.05827348),
        ([[10, 5], [10, 1]], 0.1652174, 0.08565611),
        ([[5, 0], [1, 4]], 1, 1),
        ([[0, 1], [3, 2]], 0.5, 0.34375),
        ([[7, 12], [8, 3]], 0.06406797, 0.03410916),
        ([[10, 24], [25, 37]], 0.2009359, 0.1512882),
    ):
        (x1, x0), (y1, y0) = table
        tested = boschloo(x1, x1 + y1, x0, x0 + y0, alternative="less")
        assert (tested.statistic, tested.p) == pytest.approx((statistic, p), rel=1e-6)


@given(small_tables)
@settings(max_examples=30)
def test_boschloo_is_the_largest_chance_of_a_fisher_p_as_small(table):
    x1, n1, x0, n0 = table

    def fisher(a, b):
        return hypergeom.cdf(a, n1 + n0, a + b, n1)

    grid = np.linspace(0, 1, 2_001)
    chances = {}
    for a in range(n1 + 1):
        for b in range(n0 + 1):
            if fisher(a, b) <= fisher(x1, x0) + 1e-12:
                chances[a + b] = chances.get(a + b, 0) + comb(n1, a) * comb(n0, b)
    largest = max(sum(w * grid**k * (1 - grid) ** (n1 + n0 - k) for k, w in chances.items()))
    assert boschloo(*table, alternative="less").p == pytest.approx(largest, abs=2e-4)


@given(small_tables)
@settings(max_examples=30)
def test_boschloo_never_says_less_than_fisher_and_turns_around_with_the_arms(table):
    x1, n1, x0, n0 = table
    one_sided = boschloo(*table, alternative="greater")
    assert one_sided.p <= hypergeom.sf(x1 - 1, n1 + n0, x1 + x0, n1) + 1e-9
    assert boschloo(x0, n0, x1, n1, alternative="less").p == pytest.approx(one_sided.p, abs=1e-6)
    assert 0 <= boschloo(*table).p <= 1


def test_boschloo_with_nobody_or_everybody_is_no_surprise():
    for table in ((0, 9, 0, 7), (9, 9, 7, 7), (0, 1, 0, 1)):
        assert (boschloo(*table).statistic, boschloo(*table).p) == (1, 1)
    assert boschloo(10, 10, 0, 10).p == boschloo_exact([[10, 0], [0, 10]], n=64).pvalue < 1e-5


def test_too_many_visitors_for_boschloo_are_refused():
    with pytest.raises(DataError) as refused:
        boschloo(5, 1_000, 9, 1_000)
    assert str(refused.value) == (
        "Boschloo's test of 2000 visitors takes too long; it is meant for at most 600 in both arms. Use score_test."
    )
    with pytest.raises(DataError) as refused:
        boschloo(0.5, 10, 1, 10)
    assert str(refused.value) == "Boschloo's test counts people, and a count is not whole. Give whole numbers."


@pytest.mark.parametrize("compare", [newcombe, z_test, boschloo])
def test_what_is_no_table_is_refused(compare):
    for empty in ((0, 0, 1, 2), (1, 2, 0, 0), (1, 2, 1, np.nan), (1, 2, 1, np.inf)):
        with pytest.raises(DataError) as refused:
            compare(*empty)
        assert str(refused.value) == EMPTY
    for impossible in ((3, 2, 1, 2), (-1, 2, 1, 2), (1, 2, np.nan, 2)):
        with pytest.raises(DataError) as refused:
            compare(*impossible)
        assert str(refused.value) == (
            "A proportion has fewer than 0 or more than n successes. Give successes from 0 to n."
        )


@pytest.mark.parametrize("test", [z_test, boschloo, score_test])
def test_an_unknown_alternative_and_arrays_are_refused(test):
    with pytest.raises(DefinitionError) as refused:
        test(1, 2, 1, 2, alternative="larger")
    assert str(refused.value) == (
        "alternative='larger' is not known. "
        "Write 'two-sided', 'greater' (treatment above control) or 'less' (treatment below control)."
    )
    with pytest.raises(DataError) as refused:
        test([1, 2], 2, 1, 2)
    assert str(refused.value) == "A test takes one table of two arms, not arrays. Call it once for each table."


def test_newcombe_covers_the_true_difference_at_about_its_level():
    # Every outcome of two arms of 40 and 60, weighted by its probability: no simulation error.
    coverage = exact_coverage(newcombe, 40, 60, shares=np.linspace(0.05, 0.95, 10))
    assert np.mean(coverage) == pytest.approx(0.953, abs=0.006)
    assert min(coverage) > 0.925


@pytest.mark.slow
def test_newcombe_covers_at_many_sizes():
    for n1, n0 in ((15, 15), (30, 90), (200, 200), (1_000, 250)):
        coverage = simulated_coverage(newcombe, n1, n0, tables=100_000)
        print(f"newcombe {n1} v {n0}: " + ", ".join(f"{p1:g} v {p0:g} {share:.4f}" for (p1, p0), share in coverage))
        assert min(share for _, share in coverage) > 0.925
        assert np.mean([share for _, share in coverage]) > 0.945


def test_nothing_calls_the_score_difference_of_statsmodels():
    # Its constrained maximum likelihood is wrong for differences: statsmodels issue 10269, open in 0.15.0.
    names = {
        "confint_proportions_2indep",
        "test_proportions_2indep",
        "score_test_proportions_2indep",
        "tost_proportions_2indep",
    }
    package = Path(__file__).parents[2] / "funnel"
    called = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            # A call, an import under whatever name, and the name as a string that getattr might be given.
            said = {getattr(node, kind, None) for kind in ("id", "attr", "name")}
            said |= {node.value} if isinstance(node, ast.Constant) else set()
            called += [f"{path.name}: {name}" for name in names if name in said]
    assert called == []


def exact_coverage(interval, n1, n0, *, shares):
    """Return the chance that the interval holds the true difference, for every pair of the shares."""
    from scipy.stats import binom

    x1, x0 = (grid.ravel() for grid in np.meshgrid(np.arange(n1 + 1), np.arange(n0 + 1), indexing="ij"))
    limits = interval(x1, n1, x0, n0)
    coverage = []
    for p1 in shares:
        for p0 in shares:
            chance = binom.pmf(x1, n1, p1) * binom.pmf(x0, n0, p0)
            held = (limits.low <= p1 - p0 + 1e-12) & (p1 - p0 - 1e-12 <= limits.high)
            coverage.append(float(chance[held].sum()))
    return coverage


def simulated_coverage(interval, n1, n0, *, tables, true=lambda p1, p0: p1 - p0):
    random = np.random.default_rng(20180115)
    coverage = []
    for p1, p0 in ((0.02, 0.02), (0.03, 0.02), (0.12, 0.10), (0.5, 0.5), (0.9, 0.6), (0.99, 0.97)):
        seen = np.column_stack([random.binomial(n1, p1, tables), random.binomial(n0, p0, tables)])
        distinct, times = np.unique(seen, axis=0, return_counts=True)
        limits = interval(distinct[:, 0], n1, distinct[:, 1], n0)
        held = (limits.low <= true(p1, p0)) & (true(p1, p0) <= limits.high)
        coverage.append(((p1, p0), times[held].sum() / tables))
    return coverage
