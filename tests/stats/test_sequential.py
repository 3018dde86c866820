import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from funnel.errors import DataError, DefinitionError
from funnel.stats import (
    confidence_sequence,
    confidence_sequence_test,
    crossing,
    obrien_fleming,
    peeking,
    repeated_p,
)

# Planned looks

# rpact 3.3.4 on R 4.2.2: getDesignGroupSequential(informationRates, alpha = alpha / 2, typeOfDesign = "asOF").
RPACT = [
    (1, 0.05, [1.95996398]),
    (2, 0.05, [2.96258804, 1.96859565]),
    (3, 0.05, [3.71030287, 2.51142748, 1.99304748]),
    (4, 0.05, [4.33263365, 2.96313160, 2.35904428, 2.01409014]),
    (5, 0.05, [4.87688495, 3.35701192, 2.68028007, 2.28981677, 2.03103206]),
    (7, 0.05, [5.81532742, 4.03334937, 3.23510162, 2.76719449, 2.45537507, 2.22941961, 2.05617871]),
    (10, 0.05, [6.99135171, 4.87688520, 3.92968231, 3.36707907, 2.98932982,
                2.71480899, 2.50407740, 2.33582921, 2.19750338, 2.08117566]),
    ([0.1, 0.35, 0.8, 1], 0.05, [6.99135171, 3.61278874, 2.25206674, 2.02531644]),
    ([0.5, 0.75, 1], 0.05, [2.96258804, 2.35901771, 2.01408368]),
    (4, 0.01, [5.49296103, 3.80139502, 3.04448316, 2.60300720]),
    (3, 0.10, [3.20010197, 2.14081524, 1.69481196]),
]  # fmt: skip


@pytest.mark.parametrize(("looks", "alpha", "printed"), RPACT)
def test_boundaries_are_those_of_rpact(looks, alpha, printed):
    assert obrien_fleming(looks, alpha=alpha).critical == pytest.approx(printed, abs=1e-6)


@pytest.mark.parametrize(
    ("looks", "printed"), [(4, [4.333, 2.963, 2.359, 2.014]), (5, [4.877, 3.357, 2.680, 2.290, 2.031])]
)
def test_boundaries_are_those_of_the_tables(looks, printed):
    # Lan-DeMets boundaries of O'Brien-Fleming type, two-sided 5 %, as published to three decimals.
    assert obrien_fleming(looks).critical == pytest.approx(printed, abs=5e-4)
    # At the second of four looks SAS prints 2.96333 and rpact 2.96313: programs agree to 5e-4, hence that tolerance.
    assert obrien_fleming(4).critical[1] == pytest.approx(2.96333, abs=5e-4)


def test_what_is_spent_follows_the_formula_of_lan_and_demets():
    boundaries = obrien_fleming(4)
    t = np.array([0.25, 0.5, 0.75, 1])
    assert boundaries.fractions == pytest.approx(t)
    assert boundaries.spent == pytest.approx(2 * (2 - 2 * norm.cdf(norm.ppf(1 - 0.05 / 4) / np.sqrt(t))), rel=1e-9)
    assert boundaries.spent[-1] == pytest.approx(0.05)
    assert boundaries.p == pytest.approx(2 * norm.sf(boundaries.critical))


def test_the_chance_to_cross_agrees_with_the_multivariate_normal():
    # The z of the looks are normal with correlation sqrt(t_i / t_j): an integral by another method (Genz).
    boundaries = obrien_fleming([0.3, 0.5, 1])
    t = boundaries.fractions
    correlation = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    for drift in (0.0, 1.0, 2.8):
        inside = multivariate_normal(drift * np.sqrt(t), correlation, maxpts=10**6, abseps=1e-8, seed=1)
        stays = inside.cdf(boundaries.critical, lower_limit=-boundaries.critical)
        assert crossing(boundaries, drift=drift)[-1] == pytest.approx(1 - stays, abs=1e-6)


def test_the_price_of_looking_is_that_of_rpact():
    # rpact 3.3.4: getDesignCharacteristics(asOF, alpha 0.05 two-sided, beta 0.2)$inflationFactor.
    for looks, inflation in [(2, 1.00372503), (3, 1.01279481), (5, 1.02471988)]:
        drift = math.sqrt(inflation) * (norm.ppf(0.975) + norm.ppf(0.8))
        assert crossing(obrien_fleming(looks), drift=drift)[-1] == pytest.approx(0.8, abs=2e-6)


def test_a_boundary_never_depends_on_the_looks_to_come():
    whole = obrien_fleming([0.2, 0.45, 0.6, 1])
    so_far = obrien_fleming([0.2, 0.45])
    assert so_far.critical == pytest.approx(whole.critical[:2], abs=1e-9)
    assert so_far.spent[-1] < 0.05


def test_a_last_look_beyond_the_plan_spends_what_is_left():
    boundaries = obrien_fleming([0.5, 1.3])
    assert boundaries.spent[-1] == pytest.approx(0.05)
    assert crossing(boundaries, drift=0)[-1] == pytest.approx(0.05, abs=1e-10)


def test_a_look_with_nothing_to_spend_cannot_stop():
    boundaries = obrien_fleming([0.002, 1])
    assert boundaries.critical[0] == np.inf
    assert boundaries.critical[1] == pytest.approx(1.95996398)
    assert boundaries.p[0] == 0


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=8, unique=True),
    st.sampled_from([0.001, 0.01, 0.05, 0.2]),
)
@settings(max_examples=25, deadline=None)
def test_any_looks_keep_the_false_positive_rate(days, alpha):
    boundaries = obrien_fleming(np.array(sorted(days)) / 60, alpha=alpha)
    assert crossing(boundaries, drift=0) == pytest.approx(boundaries.spent, abs=1e-10)
    assert boundaries.spent[-1] <= alpha + 1e-12
    # The last look is at most a little stricter than the fixed test.
    assert boundaries.critical.min() >= norm.ppf(1 - alpha / 2) - 1e-9


@pytest.mark.parametrize("looks", [[0.5, 0.4], [0.0, 1.0], [0.5, 1.1, 1.2], [], [0.5, float("nan")], [[0.5, 1.0]]])
def test_fractions_that_do_not_increase_are_refused(looks):
    with pytest.raises(DefinitionError) as refused:
        obrien_fleming(looks)
    assert str(refused.value) == (
        f"These looks are no fractions of the planned visitors: {np.asarray(looks, dtype=float).tolist()}. Give 1 to "
        "100 numbers that increase, by 0.001 at least, with at most the last one beyond 1."
    )


def test_other_bad_looks_are_refused():
    with pytest.raises(DefinitionError) as refused:
        obrien_fleming(1000)
    assert str(refused.value) == (
        "looks=1000 is no number of planned looks from 1 to 100. To look more often, use a confidence sequence."
    )
    with pytest.raises(DefinitionError) as refused:
        obrien_fleming([0.5, math.inf])
    assert str(refused.value) == (
        "The last look is at infinity. Give the fraction of the planned visitors seen by then."
    )
    with pytest.raises(DefinitionError) as refused:
        obrien_fleming(4, alpha=5)
    assert str(refused.value) == "alpha=5 is no share between 0 and 1. Write alpha=0.05 for 5 %."


# A p-value for a planned look


@pytest.mark.parametrize(("looks", "alpha", "printed"), RPACT)
def test_on_the_boundary_of_rpact_the_repeated_p_is_its_alpha(looks, alpha, printed):
    fractions = obrien_fleming(looks).fractions
    for look, critical in enumerate(printed, start=1):
        assert repeated_p(critical, fractions[:look]) == pytest.approx(alpha, rel=2e-5)
        assert repeated_p(-critical, fractions[:look]) == pytest.approx(alpha, rel=2e-5)


looked = st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True).map(lambda days: np.array(sorted(days)) / 40)


@given(looked, st.floats(-7, 7), st.floats(1e-6, 0.9))
@settings(max_examples=60)
def test_it_is_at_most_alpha_exactly_where_the_boundary_is_reached(fractions, z, alpha):
    p, critical = repeated_p(z, fractions), obrien_fleming(fractions, alpha=alpha).critical[-1]
    assert 0 < p <= 1
    if abs(abs(z) - critical) > 1e-5:
        assert (p <= alpha) == (abs(z) > critical)


@given(looked, st.lists(st.floats(0, 40), min_size=2, max_size=4))
@settings(max_examples=40)
def test_it_never_rises_with_z_and_is_1_at_0(fractions, distances):
    p = [repeated_p(z, fractions) for z in sorted(distances)]
    assert all(later <= sooner * (1 + 1e-6) for sooner, later in itertools.pairwise(p))
    assert repeated_p(0, fractions) == 1
    # Having looked costs something, and stopping early more.
    assert p[0] >= 2 * norm.sf(min(*distances, 35)) * (1 - 1e-6)


@given(looked, st.sampled_from([1e-4, 0.01, 0.05, 0.3]))
@settings(max_examples=20)
def test_boundaries_of_a_larger_alpha_lie_within_those_of_a_smaller(fractions, alpha):
    # What makes the smallest alpha a p-value: reached at one, a boundary is reached at all above.
    wide, narrow = (
        obrien_fleming(fractions, alpha=alpha).critical,
        obrien_fleming(fractions, alpha=alpha * 1.2).critical,
    )
    finite = np.isfinite(wide)
    assert (narrow[finite] <= wide[finite] + 1e-9).all()


def test_one_look_at_the_end_has_the_fixed_p_value_and_an_early_one_cannot_be_reached():
    for z in (0.3, 1.96, 5.0):
        assert repeated_p(z, [1]) == repeated_p(z, [1.4]) == pytest.approx(2 * norm.sf(z), rel=1e-9)
    # After a hundredth of the visitors even alpha = 1 spends 4 x Phi(-6.7449) = 3e-11.
    assert repeated_p(6.5, [0.01]) == 1
    assert repeated_p(7.0, [0.01]) < 1
    assert repeated_p(math.inf, [0.5, 1]) == repeated_p(35, [0.5, 1]) < 1e-260


def test_z_that_is_missing_is_refused():
    with pytest.raises(DataError) as refused:
        repeated_p(math.nan, [0.5])
    assert str(refused.value) == "z is missing. Give the difference divided by its standard error."


def test_a_dozen_comparisons_at_the_fifth_look_take_a_fraction_of_a_second():
    repeated_p(2.0, 5)
    started = time.perf_counter()
    for z in np.linspace(0.5, 4, 12):
        repeated_p(z, [0.21, 0.4, 0.58, 0.83, 1.0])
    assert time.perf_counter() - started < 0.5  # 0.1 on an idle machine


# What looking does to a test that was to be read once


@pytest.mark.parametrize(
    ("alpha", "looks", "printed"),
    [
        # Armitage, McPherson and Rowe 1969, JRSS A 132:235, table 2; Jennison and Turnbull 2000, table 2.1.
        (0.05, [1, 2, 3, 4, 5, 10, 20, 50], [0.050, 0.083, 0.107, 0.126, 0.142, 0.193, 0.248, 0.320]),
        (0.01, [1, 2, 3, 4, 5, 10, 20, 50], [0.010, 0.018, 0.024, 0.029, 0.033, 0.047, 0.064, 0.088]),
        (0.10, [1, 2, 3, 4, 5, 10], [0.100, 0.160, 0.202, 0.234, 0.260, 0.342]),
    ],
)
def test_peeking_errs_as_often_as_the_published_tables_say(alpha, looks, printed):
    assert [peeking(each, alpha=alpha) for each in looks] == pytest.approx(printed, abs=0.00051)


def test_unequal_looks_agree_with_the_multivariate_normal():
    visitors = np.array([700, 1_000, 4_000])
    correlation = np.sqrt(np.minimum.outer(visitors, visitors) / np.maximum.outer(visitors, visitors))
    inside = multivariate_normal(np.zeros(3), correlation, maxpts=10**6, abseps=1e-8, seed=1)
    ends = np.full(3, norm.ppf(0.975))
    assert peeking(visitors) == pytest.approx(1 - inside.cdf(ends, lower_limit=-ends), abs=1e-6)
    assert peeking(visitors / 4_000) == pytest.approx(peeking(visitors), abs=1e-12)


def test_peeking_is_what_simulated_experiments_show():
    steps = np.random.default_rng(5).normal(size=(40_000, 30))
    z = steps.cumsum(axis=1) / np.sqrt(np.arange(1, 31))
    for looks in ([30], [10, 20, 30], range(1, 31)):
        seen = (np.abs(z[:, np.array(looks) - 1]) > norm.ppf(0.975)).any(axis=1).mean()
        assert peeking(np.array(looks)) == pytest.approx(seen, abs=4 * math.sqrt(0.25 * 0.75 / 40_000))


def test_every_look_adds_to_the_error_and_the_last_one_alone_adds_none():
    assert peeking([5]) == pytest.approx(0.05)
    rates = [peeking(np.arange(1, looks + 1)) for looks in range(1, 15)]
    assert all(later > sooner for sooner, later in itertools.pairwise(rates))
    assert peeking(365) == pytest.approx(0.466, abs=0.005)  # 0.465 to 0.468 in 40,000 experiments each, further down


def test_looks_a_handful_of_visitors_apart_count_as_one():
    assert peeking([1_000, 1_000.5, 2_000, 2_001]) == peeking([1_000, 2_000])
    assert peeking([1_000, 1_002, 2_000]) > peeking([1_000, 2_000])
    assert peeking([1_000, 1_001, 2_000]) - peeking([1_000, 2_000]) < 0.002


@pytest.mark.parametrize("looks", [[0.5, 0.4], [0, 1], [], [0.5, math.nan], [1, math.inf], [[1, 2]], 0, 5_000])
def test_what_are_no_looks_is_refused(looks):
    with pytest.raises(DefinitionError) as refused:
        peeking(looks)
    assert str(refused.value) == (
        "These are no looks at an experiment. Give 1 to 1000 numbers of visitors that increase, the first above 0, or "
        "how many looks there were."
    )


def test_an_alpha_in_per_cent_is_refused_when_peeking():
    with pytest.raises(DefinitionError) as refused:
        peeking(5, alpha=5)
    assert str(refused.value) == "alpha=5 is no share between 0 and 1. Write alpha=0.05 for 5 %."


# Looking at any time

# gbstats 0.8.0, SequentialTwoSidedTTest (absolute difference): counts, sequential_tuning_parameter, alpha, interval, p.
GBSTATS = [
    ((600, 5000, 500, 5000), 5000, 0.05, 0.0008516897655296875, 0.039148310234470296, 0.03348600165745385),
    ((600, 5000, 500, 5000), 10000, 0.05, 0.0010159869830163662, 0.038984013016983614, 0.03189485644427238),
    ((5300, 50000, 5000, 50000), 5000, 0.05, -0.0004144783065351005, 0.012414478306535083, 0.09987249683225627),
    ((29, 2035, 9, 4072), 5000, 0.05, 0.0037539107982081463, 0.02032688548298106, 0.0004801671001314009),
    ((9, 4072, 29, 2035), 6107, 0.05, -0.020321875335655108, -0.003758920945534098, 0.0005250106554104794),
    ((120, 1000, 100, 1000), 50000, 0.05, -0.05132654579786704, 0.09132654579786702, 0.8971534086255353),
    ((600, 5000, 480, 5000), 20000, 0.01, 0.001591016733853378, 0.046408983266146606, 0.004414406618040997),
    ((3, 40, 1, 50), 1000, 0.1, -0.11712071734847992, 0.2271207173484799, 0.96781095447828),
    ((600, 5000, 600, 5000), 10000, 0.05, -0.01972652352313041, 0.01972652352313041, 1.0),
]


def wald(x1, n1, x0, n0):
    p1, p0 = x1 / n1, x0 / n0
    return p1 - p0, math.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0), n1 + n0


@pytest.mark.parametrize(("counts", "planned", "alpha", "low", "high", "p"), GBSTATS)
def test_the_confidence_sequence_is_that_of_gbstats(counts, planned, alpha, low, high, p):
    interval = confidence_sequence(*wald(*counts), planned=planned, level=1 - alpha)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-12)
    assert confidence_sequence_test(*wald(*counts), planned=planned, level=1 - alpha).p == pytest.approx(p, rel=1e-10)


def test_it_is_wider_than_the_fixed_interval_by_what_the_research_measured():
    # gbstats 0.8.0, tuned to 5,000: 1.56 times the fixed interval at 5,000 an arm, 1.70 times at 50,000.
    def times_the_fixed(n, planned):
        return confidence_sequence(0.0, 1.0, n, planned=planned).high / norm.ppf(0.975)

    assert times_the_fixed(10_000, planned=5_000) == pytest.approx(1.56, abs=0.005)
    assert times_the_fixed(100_000, planned=5_000) == pytest.approx(1.70, abs=0.005)
    assert times_the_fixed(5_000, planned=5_000) == pytest.approx(1.55, abs=0.005)
    # Tuned to the plan, it is near its narrowest there, and grows slowly beyond.
    assert times_the_fixed(100_000, planned=100_000) < times_the_fixed(100_000, planned=5_000)


@given(st.floats(-0.5, 0.5), st.floats(1e-6, 0.2), st.integers(2, 10**8), st.floats(0.5, 0.999))
def test_the_p_value_and_the_interval_agree(difference, standard_error, n, level):
    interval = confidence_sequence(difference, standard_error, n, planned=20_000, level=level)
    test = confidence_sequence_test(difference, standard_error, n, planned=20_000, level=level)
    assert interval.low <= interval.value <= interval.high
    assert 0 <= test.p <= 1
    if abs(test.p - (1 - level)) > 1e-9:
        assert (test.p < 1 - level) == (interval.low > 0 or interval.high < 0)
    # Looking at any time is never narrower than looking once.
    assert interval.high - difference >= norm.ppf((1 + level) / 2) * standard_error


def test_arrays_hold_one_look_each():
    looks = confidence_sequence([0.01, 0.02], [0.01, 0.004], [1_000, 5_000], planned=5_000)
    single = confidence_sequence(0.02, 0.004, 5_000, planned=5_000)
    assert looks.low.shape == (2,)
    assert (looks.low[1], looks.high[1]) == (single.low, single.high)


def test_without_any_spread_nothing_is_known():
    looks = confidence_sequence([0.0, 0.0, 0.2], [0.0, 0.1, 0.0], [100, 0, 100], planned=1_000)
    assert np.isneginf(looks.low).all()
    assert np.isposinf(looks.high).all()
    assert confidence_sequence_test(0.0, 0.0, 100, planned=1_000).p == 1


def test_overwhelming_evidence_does_not_overflow():
    test = confidence_sequence_test(0.5, 1e-5, 10**8, planned=10**8)
    assert test.p == 0
    assert 1e8 < test.statistic < np.inf


def test_bad_looks_at_any_time_are_refused():
    with pytest.raises(DataError) as refused:
        confidence_sequence(0.1, -0.1, 100, planned=100)
    assert str(refused.value) == (
        "A standard error or a number of visitors is negative or missing. Give 0 or more for each look."
    )
    with pytest.raises(DataError) as refused:
        confidence_sequence(math.nan, 0.1, 100, planned=100)
    assert str(refused.value) == "A difference is missing or infinite. Give a number for each look."
    with pytest.raises(DefinitionError) as refused:
        confidence_sequence(0.1, 0.1, 100, planned=0)
    assert str(refused.value) == ("planned=0 is no number of visitors. Give how many both arms together should have.")
    with pytest.raises(DefinitionError) as refused:
        confidence_sequence(0.1, 0.1, 100, planned=100, level=95)
    assert str(refused.value) == "level=95 is no share between 0 and 1. Write level=0.95 for 95 %."


# What peeking does


def false_positives(experiments, *, days, daily, rate, planned_days, seed):
    """Return the share of experiments without a difference that are called at some daily look, by each rule."""
    rng = np.random.default_rng(seed)
    called = {"fixed, read once": 0, "fixed, peeked": 0, "planned looks": 0, "anytime, peeked": 0}
    n = daily * np.arange(1, days + 1)
    boundaries = obrien_fleming(n[:planned_days] / n[planned_days - 1]).critical
    for size in np.diff(np.append(np.arange(0, experiments, 1_000), experiments)):
        shares = rng.binomial(daily, rate, size=(2, size, days)).cumsum(axis=2) / n
        difference = shares[0] - shares[1]
        error = np.sqrt((shares * (1 - shares)).sum(axis=0) / n)
        z = np.abs(np.divide(difference, error, out=np.zeros_like(error), where=error > 0))
        anytime = confidence_sequence(difference, error, 2 * n, planned=2 * n[planned_days - 1])
        called["fixed, read once"] += (z[:, planned_days - 1] > 1.96).sum()
        called["fixed, peeked"] += (z > 1.96).any(axis=1).sum()
        called["planned looks"] += (z[:, :planned_days] > boundaries).any(axis=1).sum()
        called["anytime, peeked"] += ((anytime.low > 0) | (anytime.high < 0)).any(axis=1).sum()
    return {rule: int(count) / experiments for rule, count in called.items()}


def test_daily_peeking_misleads_the_fixed_test_and_not_the_others():
    called = false_positives(4_000, days=28, daily=500, rate=0.1, planned_days=28, seed=20180114)
    noise = 3 * math.sqrt(0.05 * 0.95 / 4_000)
    assert called["anytime, peeked"] <= 0.05 + noise
    assert called["planned looks"] == pytest.approx(0.05, abs=noise)
    assert called["fixed, read once"] == pytest.approx(0.05, abs=noise)
    assert called["fixed, peeked"] > 0.2


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "daily"), [(0.5, 200), (0.1, 500), (0.01, 1_000), (0.002, 2_000)])
def test_the_false_positive_rate_under_daily_peeking_for_a_year_printed(rate, daily):
    called = false_positives(40_000, days=365, daily=daily, rate=rate, planned_days=28, seed=7)
    print(f"\nrate {rate}, {daily} visitors an arm a day, planned for 28 days, looked at daily for 365: ", called)
    noise = 3 * math.sqrt(0.05 * 0.95 / 40_000)
    assert called["anytime, peeked"] <= 0.05 + noise
    assert called["planned looks"] <= 0.05 + noise
    assert called["fixed, peeked"] > 0.4
