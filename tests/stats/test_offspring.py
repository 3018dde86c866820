"""How many each signer brought, against scipy, statsmodels and R."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import chi2, nbinom, poisson

from funnel.errors import DataError, DefinitionError
from funnel.stats import fit_offspring, lorenz

# Ebola in Conakry, 152 cases: Faye et al. 2015, Lancet Infect Dis 15:320, as in a vignette of R's superspreading.
EBOLA = [
    1, 2, 2, 5, 14, 1, 4, 4, 1, 3, 3, 8, 2, 1, 1, 4, 9, 9, 1, 1, 17, 2, 1,
    1, 1, 4, 3, 3, 4, 2, 5, 1, 2, 2, 1, 9, 1, 3, 1, 2, 1, 1, 2, *[0] * 109,
]  # fmt: skip


def likelihood(counts, mean, k):
    law = poisson(mean) if math.isinf(k) else nbinom(k, k / (k + mean))
    return law.logpmf(counts).sum()


def over_k(counts, mean):
    best = minimize_scalar(lambda x: -likelihood(counts, mean, math.exp(x)), bounds=(-12, 12), method="bounded")
    return max(-best.fun, likelihood(counts, mean, math.inf))


def test_the_fit_is_that_of_r():
    # R 4.2.2: optim(method = "BFGS") on sum(dnbinom(log = TRUE)), the intervals by uniroot on optimize's profiles.
    fit = fit_offspring(EBOLA)
    assert (fit.mean, fit.k) == pytest.approx((145 / 152, 0.1815061525), rel=1e-6)
    assert fit.log_likelihood == pytest.approx(-177.1965994, abs=1e-6)
    assert (fit.mean_low, fit.mean_high) == pytest.approx((0.6423406820, 1.4747477158), rel=1e-6)
    assert (fit.k_low, fit.k_high) == pytest.approx((0.1173021841, 0.2786559424), rel=1e-6)


def test_the_fit_is_that_of_statsmodels():
    random = np.random.default_rng(1)
    counts = random.negative_binomial(0.4, 0.4 / 1.3, 400)
    theirs = sm.NegativeBinomial(counts, np.ones(400)).fit(disp=False)
    ours = fit_offspring(counts)
    assert ours.mean == pytest.approx(math.exp(theirs.params[0]), rel=1e-4)
    assert ours.k == pytest.approx(1 / theirs.params[1], rel=1e-3)
    assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-6)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=40), st.floats(0.5, 0.99))
@settings(max_examples=40, deadline=None)
def test_the_ends_of_the_intervals_are_as_unlikely_as_the_level_says(counts, level):
    assume(any(counts))
    fit = fit_offspring(counts, level=level)
    best = likelihood(counts, fit.mean, fit.k)
    assert fit.log_likelihood == pytest.approx(best, abs=1e-6)
    assert best == pytest.approx(over_k(counts, fit.mean), abs=1e-5)
    drop = chi2.ppf(level, 1) / 2
    assert fit.mean_low < fit.mean == pytest.approx(np.mean(counts))
    assert fit.k_low < fit.k <= fit.k_high
    assert best - over_k(counts, fit.mean_low) == pytest.approx(drop, abs=1e-4)
    if fit.mean_high < 1e4:
        assert best - over_k(counts, fit.mean_high) == pytest.approx(drop, abs=1e-4)
    for k in (fit.k_low, fit.k_high):
        if math.isfinite(k):
            assert best - likelihood(counts, fit.mean, k) == pytest.approx(drop, abs=1e-5)
        else:
            assert best - likelihood(counts, fit.mean, math.inf) <= drop + 1e-9
    assert math.isinf(fit.k) == (np.var(counts) <= np.mean(counts) + 1e-12)


def test_counts_may_come_tallied():
    counts, signers = np.unique(EBOLA, return_counts=True)
    assert fit_offspring(counts, signers) == fit_offspring(EBOLA)
    assert lorenz(counts, signers).concentration(0.8) == lorenz(EBOLA).concentration(0.8)


def test_a_relay_that_brought_a_hundred_thousand_is_no_trouble():
    counts = [0] * 50 + [1, 2, 5, 5_000, 100_000]
    fit = fit_offspring(counts)
    best = minimize_scalar(lambda x: -likelihood(counts, fit.mean, math.exp(x)), bounds=(-9, 2), method="bounded")
    assert fit.k == pytest.approx(math.exp(best.x), rel=1e-4)
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-6)


def test_of_nobody_brought_nothing_is_known_of_k():
    fit = fit_offspring([0] * 100)
    assert (fit.mean, fit.mean_low, fit.k_low, fit.k_high) == (0, 0, 0, math.inf)
    assert fit.mean_high == pytest.approx(chi2.ppf(0.95, 1) / 200)
    assert math.isnan(fit.k)


def test_counts_no_more_spread_than_poisson_have_no_finite_k():
    fit = fit_offspring([1] * 30)
    assert fit.k == fit.k_high == math.inf
    assert fit.k_low > 5


def test_intervals_of_mean_and_k_hold_at_their_level():
    random, runs = np.random.default_rng(3), 300
    held = np.zeros(2)
    for _ in range(runs):
        fit = fit_offspring(*np.unique(random.negative_binomial(0.3, 0.3 / 0.9, 400), return_counts=True))
        held += fit.mean_low <= 0.6 <= fit.mean_high, fit.k_low <= 0.3 <= fit.k_high
    assert np.all(np.abs(held / runs - 0.95) < 4 * math.sqrt(0.95 * 0.05 / runs))


@pytest.mark.slow
def test_the_coverage_of_the_fits_printed(capsys):
    random, runs = np.random.default_rng(4), 2_000
    for mean, k, signers in ((0.3, 0.1, 100), (0.3, 0.1, 1_000), (0.6, 0.3, 400), (0.9, 0.2, 5_000), (0.5, 5, 300)):
        held = np.zeros(2)
        for _ in range(runs):
            counts = random.negative_binomial(k, k / (k + mean), signers)
            fit = fit_offspring(*np.unique(counts, return_counts=True))
            held += fit.mean_low <= mean <= fit.mean_high, fit.k_low <= k <= fit.k_high
        with capsys.disabled():
            print(f"\nmean {mean}, k {k}, {signers:,}: holds the mean {held[0] / runs:.3f}, k {held[1] / runs:.3f}")
        assert np.all(held / runs > 0.92)


# Who brought what


def test_the_curve_starts_with_those_who_brought_most():
    curve = lorenz([0, 0, 0, 0, 1, 1, 2, 4])
    assert curve.signers.tolist() == [0, 1 / 8, 2 / 8, 4 / 8, 1]
    assert curve.signatures.tolist() == [0, 4 / 8, 6 / 8, 1, 1]
    assert curve.concentration(0.8) == pytest.approx(0.25 + 0.25 * 0.2)
    assert curve.concentration(1) == 0.5
    assert math.isnan(lorenz([0, 0]).concentration(0.8))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(1, 100))
def test_the_concentration_is_that_of_counting_down_the_list(counts, percent):
    assume(any(counts))
    wanted = percent / 100 * sum(counts)
    taken = brought = 0.0
    for count in sorted(counts, reverse=True):
        part = min(1.0, (wanted - brought) / count) if count else 0.0
        taken, brought = taken + part, brought + part * count
        if part < 1:
            break
    assert lorenz(counts).concentration(percent / 100) == pytest.approx(taken / len(counts), abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([],), "There are no signers, so there is nothing to fit. Give the counts of 1 signer or more."),
        (([1, 2], [0, 0]), "There are no signers, so there is nothing to fit. Give the counts of 1 signer or more."),
        (([1, 2], [1]), "2 counts for 1 numbers of signers. Give one of each."),
        (([[1, 2]],), "2 counts for 2 numbers of signers. Give one of each."),
        (([1, -2],), "A count is negative, missing or no whole number. Give how many each signer brought."),
        (([1, 0.5],), "A count is negative, missing or no whole number. Give how many each signer brought."),
        (([1, math.nan],), "A count is negative, missing or no whole number. Give how many each signer brought."),
        ((["a"],), "A count is negative, missing or no whole number. Give how many each signer brought."),
        (([1, math.inf],), "A count is infinite. Give how many each signer brought."),
    ],
)
def test_what_are_no_counts_is_refused(arguments, sentence):
    for question in (fit_offspring, lorenz):
        with pytest.raises(DataError) as refused:
            question(*arguments)
        assert str(refused.value) == sentence


def test_what_is_no_level_or_share_is_refused():
    with pytest.raises(DefinitionError) as refused:
        fit_offspring([1, 2], level=95)
    assert str(refused.value) == "level=95 is no share between 0 and 1. Write level=0.95 for 95 %."
    with pytest.raises(DefinitionError) as refused:
        lorenz([1]).concentration(0)
    assert str(refused.value) == "share=0 is no share of the signatures. Write share=0.8 for 80 %."
