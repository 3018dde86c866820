"""A window beside the same hours of other days: R's and SciPy's exact test, closed forms, and how often it holds."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, f, fisher_exact
from scipy.stats.contingency import odds_ratio

from funnel.errors import DataError
from funnel.stats.rates import poisson_excess
from funnel.stats.slots import slot_dispersion, slot_excess

ALIKE = ([30, 24, 36], [18, 20, 22])
UNLIKE = ([80, 20, 36], [18, 40, 22])


def test_the_tea_table_is_as_r_prints_it():
    # Agresti 1990, p. 61, on R's help page of fisher.test, which prints p 0.4857 and 0.2117329 to 621.9337505: its
    # search for the upper end stops within 1 %.
    found = slot_excess(3, 1, [1], [3])
    assert found.p == pytest.approx(0.4857, abs=5e-5)
    assert found.ratio.low == pytest.approx(0.2117329, rel=1e-4)
    assert found.ratio.high == pytest.approx(621.9337505, rel=0.01)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 25)] * 4))
def test_poisson_counts_are_fisher_s_table(cells):
    count, before, usual, earlier = cells
    if not earlier:
        return
    found = slot_excess(count, before, [usual], [earlier])
    table = [[count, before], [usual, earlier]]
    assert found.p == pytest.approx(fisher_exact(table).pvalue)
    ends = odds_ratio(table).confidence_interval(0.95)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((ends.low, ends.high), rel=1e-5)
    assert found.excess.low <= found.excess.value <= found.excess.high


def test_expected_is_the_level_of_the_day_times_what_other_days_do():
    found = slot_excess(60, 20, *ALIKE)
    assert (found.expected, found.excess.value, found.ratio.value) == (30, 30, 2)
    assert found.method == "poisson"


def test_the_excess_has_the_ends_of_the_likelihood():
    found = slot_excess(60, 20, *ALIKE)
    cells = np.array([60, 20, 90, 60], dtype=float)

    def deviance(excess):
        # By brute force over the level of this day and the ratio of both slots.
        today, slot = np.meshgrid(np.linspace(5, 60, 2_200), np.linspace(0.9, 2.4, 1_500))
        others = 150 / (1 + slot)
        means = [today * slot + excess, today, others * slot, others]
        with np.errstate(invalid="ignore", divide="ignore"):
            terms = [2 * (cell * np.log(cell / mean) - cell + mean) for cell, mean in zip(cells, means, strict=True)]
        return np.nanmin(sum(terms))

    for end in (found.excess.low, found.excess.high):
        assert deviance(end) == pytest.approx(3.8414588, abs=0.01)


def test_dispersion_is_that_of_the_table_of_days():
    found = slot_dispersion(*UNLIKE)
    expected = chi2_contingency(np.array(UNLIKE), correction=False)
    assert found.value == pytest.approx(expected.statistic / 2)
    assert found.p == pytest.approx(expected.pvalue)
    # Days of another level, all alike otherwise, add nothing; a day without counts is none.
    assert slot_dispersion([10, 100, 0], [20, 200, 0]).value == pytest.approx(0)
    assert slot_dispersion([10, 100, 0], [20, 200, 0]).degrees_of_freedom == 1


def test_days_that_vary_more_than_chance_have_the_p_of_a_quasi_poisson_regression():
    found = slot_excess(60, 20, *UNLIKE)
    assert found.method == "quasi-poisson"
    cells = [60, 20, 136, 80]
    design = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1], [1, 0, 0]])
    deviance = sm.GLM(cells, design, family=sm.families.Poisson()).fit().deviance
    assert found.p == pytest.approx(f.sf(deviance / found.dispersion.value, 1, 2), rel=1e-6)
    assert found.ratio.low < 1 < found.ratio.high
    assert found.excess.low < 0 < found.excess.high


def test_a_large_excess_is_hardly_widened():
    # What is above the baseline is Poisson: 4,300 more are known to a little over 2 sqrt(4,500).
    found = slot_excess(4_500, 180, [230, 190, 240, 200, 260, 190], [160, 200, 180, 230, 150, 200])
    assert found.method == "quasi-poisson"
    assert found.excess.high - found.excess.value < 1.5 * 1.96 * np.sqrt(4_500)


def test_without_counts_in_the_hours_before_the_window_alone_is_compared():
    found = slot_excess(11, 5, [4, 6], [0, 0])
    assert found.expected == 5
    assert found.p == pytest.approx(poisson_excess(11, 1, [4, 6], [1, 1]).p)


def test_counts_of_nothing_are_told_apart_from_much():
    none = slot_excess(0, 0, [0, 0], [3, 4])
    assert (none.expected, none.p, none.ratio.low) == (0, 1, 0)
    assert np.isnan(none.ratio.value)
    some = slot_excess(7, 3, [0, 0], [5, 6])
    assert (some.ratio.value, some.ratio.high) == (np.inf, np.inf)
    assert some.ratio.low > 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([], []), "0 counts and 0 of the hours before. Give one of each a day, 1 or more."),
        (([1, 2], [1]), "2 counts and 1 of the hours before. Give one of each a day, 1 or more."),
        (([1.5], [1]), "A count is negative, broken or missing. Give how many events each stretch had."),
    ],
)
def test_what_is_no_count_is_refused(arguments, sentence):
    with pytest.raises(DataError) as caught:
        slot_excess(3, 1, *arguments)
    assert str(caught.value) == sentence


def held(noise, days, excess, *, draws, seed=1):
    """Return how often the interval holds the excess, and p is below 0.05; slots vary by `noise` beside Poisson."""
    rng, inside, rejected = np.random.default_rng(seed), 0, 0
    for _ in range(draws):
        level = rng.uniform(0.7, 1.3, days + 1)
        vary = rng.gamma(noise**-2, noise**2, (2, days + 1)) if noise else np.ones((2, days + 1))
        windows, hours = rng.poisson(level * 150 * vary[0]), rng.poisson(level * 200 * vary[1])
        found = slot_excess(windows[0] + rng.poisson(excess), hours[0], windows[1:], hours[1:])
        inside += found.excess.low <= excess <= found.excess.high
        rejected += found.p < 0.05
    return inside / draws, rejected / draws


def test_intervals_hold_the_excess():
    assert held(0.06, 10, 100, draws=80)[0] >= 0.88


@pytest.mark.slow
def test_intervals_hold_the_excess_at_their_rate():
    for noise in (0.0, 0.06, 0.12):
        for days in (4, 10):
            for excess in (0, 100, 2_000):
                inside, rejected = held(noise, days, excess, draws=500)
                print(f"noise {noise}, {days} days, excess {excess}: held {inside:.3f}, p below 0.05 {rejected:.3f}")
                assert inside >= 0.89
                assert excess or rejected <= 0.11
