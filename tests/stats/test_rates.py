"""The excess of a window over its baseline, against R, statsmodels, brute force and simulation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import f as fisher
from statsmodels.stats.rates import confint_poisson_2indep

from funnel.errors import DataError, DefinitionError
from funnel.stats.rates import dispersion, garwood, poisson_excess, quasi_poisson_excess, rate_excess

# Poisson counts


def test_the_example_of_r_is_reproduced():
    # R 4.2.2, ?poisson.test: poisson.test(c(11, 6+8+7), c(800, 1083+1050+878)), of Fredericia's lung cancers.
    found = poisson_excess(11, 800, [6, 8, 7], [1083, 1050, 878])
    assert found.ratio.value == pytest.approx(1.971488, abs=5e-7)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((0.8584264, 4.2772659), abs=5e-8)
    assert found.p == pytest.approx(0.07967, abs=5e-6)
    assert found.method == "poisson"


@pytest.mark.parametrize(
    ("count", "baseline", "time", "baseline_time", "low", "high", "p"),
    [
        # R 4.2.2: poisson.test(c(count, baseline), c(time, baseline_time))
        (129, 1043, 60, 1680, 2.861454903, 4.161749483, 4.155447881e-30),
        (3, 2, 1, 28, 4.811197792, 5.028565032e02, 3.891054567e-04),
        (0, 5, 2, 7, 0.0, 3.8194768681, 0.5933885417),
        (5, 0, 2, 7, 3.2072455006, math.inf, 0.0005419228099),
        (0, 0, 2, 7, 0.0, math.inf, 1.0),
    ],
)
def test_ratios_and_p_values_are_those_of_r(count, baseline, time, baseline_time, low, high, p):
    found = poisson_excess(count, time, baseline, baseline_time)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((low, high), rel=1e-9)
    assert found.p == pytest.approx(p, rel=1e-9)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_p_is_the_sum_of_the_outcomes_no_likelier(count, baseline, time, baseline_time):
    n, share = count + baseline, Fraction(time, time + baseline_time)
    chances = [math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    exact = sum(chance for chance in chances if chance <= chances[count])
    assert poisson_excess(count, time, baseline, baseline_time).p == pytest.approx(float(exact), rel=1e-6)


@pytest.mark.parametrize("counts", [(11, 21), (40, 3), (0, 4), (9, 0)])
def test_the_interval_of_the_excess_is_that_of_statsmodels(counts):
    low, high = confint_poisson_2indep(
        counts[0], 8, counts[1], 30, method="mover", compare="diff", method_mover="exact-c"
    )
    found = poisson_excess(counts[0], 8, counts[1], 30)
    assert (found.excess.low, found.excess.high) == pytest.approx((low * 8, high * 8), rel=1e-9)


def test_one_count_has_the_interval_of_r():
    # R, ?poisson.test: poisson.test(137, 24.19893), deaths of Welsh nickel workers.
    one = garwood(137)
    assert (one.low / 24.19893, one.high / 24.19893) == pytest.approx((4.753125, 6.692709), abs=5e-7)
    assert garwood([0, 137]).low.tolist() == [0.0, one.low]
    assert garwood(0).high == pytest.approx(-math.log(0.025))


def test_a_baseline_without_any_event_gives_an_excess_with_both_ends_and_a_ratio_with_one():
    found = poisson_excess(9, 60, [0, 0, 0], [60, 60, 60])
    assert (found.expected, found.excess.value, found.ratio.value, found.ratio.high) == (0, 9, math.inf, math.inf)
    # Garwood: 4.115 to 17.085 for 9; up to 3.689 for 0, a third of which falls to the window.
    assert found.excess.low == pytest.approx(9 - math.hypot(9 - 4.115, 3.689 / 3), abs=1e-3)
    assert found.excess.high == pytest.approx(17.085, abs=1e-3)


def test_nothing_in_either_says_nothing_of_the_ratio():
    found = poisson_excess(0, 1, 0, 1)
    assert math.isnan(found.ratio.value)
    assert (found.ratio.low, found.ratio.high, found.p, found.excess.value) == (0, math.inf, 1, 0)


# Counts that vary more

COUNTS, TIMES = [12, 30, 7, 21], [60, 60, 45, 60]


def test_the_dispersion_is_that_of_r():
    # R 4.2.2: summary(glm(y ~ w + offset(log(t)), quasipoisson))$dispersion, to the tolerance of its iterations.
    assert dispersion(COUNTS, TIMES).value == pytest.approx(4.351227618, abs=1e-4)
    assert dispersion(COUNTS, TIMES).degrees_of_freedom == 3
    assert dispersion(COUNTS, TIMES).is_over


def test_the_dispersion_of_one_stretch_or_of_zeros_is_unknown():
    assert math.isnan(dispersion([7], [60]).value)
    assert math.isnan(dispersion([0, 0], [60, 60]).p)
    assert not dispersion([7], [60]).is_over


def test_the_quasi_poisson_test_is_that_of_r():
    # R 4.2.2: anova(m0, m, test = "F"): F 12.91207, Pr 0.036936; intervals by uniroot on its deviances.
    found = quasi_poisson_excess(45, 30, COUNTS, TIMES)
    assert found.p == pytest.approx(0.036936, abs=2e-6)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((1.222005082, 16.85247717), rel=1e-5)
    assert (found.excess.low, found.excess.high) == pytest.approx((2.857672412, 96.29028064), rel=5e-5)


def deviance(count, mean):
    return 2 * ((count * math.log(count / mean) if count else 0) - count + mean)


@pytest.mark.parametrize(("count", "baseline"), [(45, COUNTS), (3, [40, 90, 10]), (0, [3, 12, 30]), (900, [1, 9, 0])])
def test_the_ends_of_the_excess_are_where_the_test_just_does_not_reject(count, baseline):
    times = [60.0] * len(baseline)
    found = quasi_poisson_excess(count, 30, baseline, times)
    scale, total = 30 / sum(times), sum(baseline)
    allowed = fisher.ppf(0.95, 1, len(baseline) - 1) * max(dispersion(baseline, times).value, 1)
    floor = deviance(count, count) if count else 0

    def rise(excess):
        def both(log):
            usual = max(0.0, -excess / scale) + math.exp(log)
            return deviance(count, max(scale * usual + excess, 1e-300)) + deviance(total, usual)

        best = min(
            minimize_scalar(both, bounds=(low, low + 6), method="bounded", options={"xatol": 1e-10}).fun
            for low in np.arange(-20, 12, 4.0)
        )
        return best - floor

    middle = count - scale * total
    assert rise(found.excess.low) == pytest.approx(allowed, rel=1e-3)
    high = brentq(lambda excess: rise(excess) - allowed, middle, 4000, xtol=1e-6)
    assert found.excess.high == pytest.approx(high, rel=1e-3)


@given(st.integers(0, 60), st.lists(st.integers(0, 40), min_size=2, max_size=6).filter(any))
@settings(max_examples=60, deadline=None)
def test_the_test_and_both_intervals_agree(count, baseline):
    found = quasi_poisson_excess(count, 1, baseline, np.ones(len(baseline)))
    if abs(found.p - 0.05) > 1e-3:
        assert (found.p < 0.05) == (not found.excess.low <= 0 <= found.excess.high)
        assert (found.p < 0.05) == (not found.ratio.low <= 1 <= found.ratio.high)


def test_the_baseline_decides_which_law_is_used():
    assert rate_excess(45, 30, COUNTS, TIMES).method == "quasi-poisson"
    assert rate_excess(45, 30, [19, 22, 24, 17], [60] * 4).method == "poisson"
    assert rate_excess(45, 30, [19], [60]).method == "poisson"
    assert rate_excess(9, 30, [0, 0], [60, 60]).method == "poisson"


# How often the intervals hold


def coverage(*, mean, spread, stretches, extra, runs, seed):
    random = np.random.default_rng(seed)

    def usual(size):
        if spread == 1:
            return random.poisson(mean, size)
        return random.negative_binomial(mean / (spread - 1), 1 / spread, size)

    held = quasi = 0
    for _ in range(runs):
        count = int(usual(1)[0] + random.poisson(extra))
        found = rate_excess(count, 1, usual(stretches), np.ones(stretches))
        held += found.excess.low <= extra <= found.excess.high
        quasi += found.method != "poisson"
    return held / runs, quasi / runs


@pytest.mark.parametrize("spread", [1, 4])
def test_the_interval_holds_the_excess(spread):
    held, _ = coverage(mean=40, spread=spread, stretches=10, extra=40, runs=300, seed=3)
    assert held > 0.91


@pytest.mark.slow
def test_the_coverage_of_the_excess_printed(capsys):
    for mean in (5, 50, 500):
        for spread in (1, 1.3, 2, 5):
            for stretches in (4, 10, 28):
                for extra in (0, 2 * mean):
                    held, quasi = coverage(mean=mean, spread=spread, stretches=stretches, extra=extra, runs=600, seed=4)
                    with capsys.disabled():
                        print(
                            f"\nbaseline {mean}, dispersion {spread}, {stretches} stretches, excess {extra}: "
                            f"95 % intervals hold it {held:.3f} of the time, quasi-Poisson {quasi:.2f}"
                        )
                    assert held > 0.87


# What is refused


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((-1, 1, [1], [1]), "count=-1 is no number of events. Give 0, 1, 2 or more."),
        ((1, 0, [1], [1]), "time=0 is no length of time. Give a number above 0, in the unit of baseline_times."),
        ((1, 1, [1, 2], [1]), "2 baseline counts and 1 times. Give one of each a stretch, 1 or more."),
        ((1, 1, [], []), "0 baseline counts and 0 times. Give one of each a stretch, 1 or more."),
        (
            (1, 1, [0.5], [1]),
            "A baseline count is negative, broken or missing. Give how many events each stretch had.",
        ),
        ((1, 1, [1], [0]), "A baseline stretch has no length. Give times above 0, all in one unit."),
    ],
)
def test_what_is_no_window_or_baseline_is_refused(arguments, sentence):
    with pytest.raises(DataError) as refused:
        rate_excess(*arguments)
    assert str(refused.value) == sentence


def test_a_dispersion_that_is_unknown_is_refused():
    with pytest.raises(DataError) as refused:
        quasi_poisson_excess(5, 1, [7], [1])
    assert str(refused.value) == (
        "The baseline has fewer than 2 stretches, or only zeros: how much it varies is unknown. "
        "Give the counts of 2 stretches or more, or use poisson_excess."
    )


@pytest.mark.parametrize("question", [poisson_excess, quasi_poisson_excess])
def test_a_level_in_percent_is_refused(question):
    with pytest.raises(DefinitionError) as refused:
        question(1, 1, [1, 2], [1, 1], level=95)
    assert str(refused.value) == "level=95 is no share between 0 and 1. Write level=0.95 for 95 %."
