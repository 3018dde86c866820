"""Trees as branching processes, against R's superspreading and epichains, closed forms, enumeration and simulation."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lambertw
from scipy.stats import nbinom, poisson

from funnel.errors import DataError, DefinitionError
from funnel.stats import (
    branching,
    chain_size_pmf,
    concentration,
    expected_total,
    extinction_probability,
    lorenz,
    structural_virality,
)

CASES = Counter()
means = st.floats(0.01, 20)
dispersions = st.one_of(st.floats(0.01, 100), st.just(math.inf))


def draws(random, r, k, size):
    return random.poisson(r, size) if math.isinf(k) else random.negative_binomial(k, k / (k + r), size)


def trees(random, r, k, *, runs, most):
    """Grow trees generation by generation; the size of each, infinite where it passed `most`."""
    alive, size = np.ones(runs, dtype=int), np.ones(runs)
    while alive.any():
        # Together, n signers bring a negative binomial of k n: that of the sum.
        brought = np.zeros(runs, dtype=int)
        busy = alive > 0
        many = alive[busy]
        brought[busy] = random.poisson(r * many) if math.isinf(k) else random.negative_binomial(k * many, k / (k + r))
        size += brought
        size[size > most] = math.inf
        alive = np.where(np.isfinite(size), brought, 0)
    return size


# Extinction


def test_extinction_is_that_of_superspreading():
    # superspreading, tests/testthat/_snaps/probability_epidemic.md and probability_contain.md; it stops at 1e-5 or so.
    assert extinction_probability(1.5, 0.5) == pytest.approx(0.7675919, abs=2e-5)
    assert 1 - extinction_probability(1.5, 0.5) == pytest.approx(0.2324081, abs=2e-5)
    assert 1 - extinction_probability(1.5, math.inf) == pytest.approx(0.5828111, abs=2e-5)
    assert extinction_probability(0.5, 0.1, seeds=50) == 1
    # SARS of Lloyd-Smith 2005 (R 1.63, k 0.16): 0.1198705 there.
    assert 1 - extinction_probability(1.63, 0.16) == pytest.approx(0.1198705, abs=2e-5)


@pytest.mark.parametrize("r", [1.0001, 1.2, 1.5, 2, 5, 30])
def test_extinction_of_poisson_is_lambert_s(r):
    assert extinction_probability(r, math.inf) == pytest.approx(-lambertw(-r * math.exp(-r)).real / r, rel=1e-9)


@pytest.mark.parametrize("r", [1.01, 1.5, 4, 100])
def test_extinction_of_geometric_offspring_is_one_in_r(r):
    # k = 1: q = 1 / R, Harris 1963, ch. I.
    assert extinction_probability(r, 1) == pytest.approx(1 / r, rel=1e-12)


def test_lotka_s_family_names_die_out():
    # Lotka 1931, of American men: 0.4825 without sons, 0.2126 * 0.5893**(j - 1) with j, extinction 0.819. That is no
    # negative binomial (its zeros are a law of their own): with the same mean and variance one comes within 0.005.
    zeros, b, c = 0.4825, 0.2126, 0.5893
    s = 0.0
    for _ in range(1_000):
        s = zeros + b * s / (1 - c * s)
    assert s == pytest.approx(0.819, abs=0.001)
    mean = b / (1 - c) ** 2
    variance = b * (1 + c) / (1 - c) ** 3 - mean**2
    assert extinction_probability(mean, mean**2 / (variance - mean)) == pytest.approx(0.819, abs=0.005)


@given(means, dispersions)
def test_extinction_solves_its_equation_and_is_the_smallest_solution(r, k):
    CASES["extinction"] += 1
    q = extinction_probability(r, k)

    def g(s):
        return math.exp(-r * (1 - s)) if math.isinf(k) else (1 + r * (1 - s) / k) ** -k

    assert g(q) == pytest.approx(q, rel=1e-9)
    s = 0.0
    for _ in range(300):  # iterating from 0 climbs to the smallest solution and never passes it
        s = g(s)
        assert s <= q + 1e-9


@given(means, st.floats(0.01, 100), st.integers(0, 20), st.floats(1, 3))
def test_extinction_falls_with_the_mean_with_k_and_with_seeds(r, k, seeds, factor):
    q = extinction_probability(r, k, seeds=seeds)
    assert extinction_probability(r * factor, k, seeds=seeds) <= q + 1e-12
    assert extinction_probability(r, k * factor, seeds=seeds) <= q + 1e-12
    assert extinction_probability(r, k, seeds=seeds + 1) <= q
    assert q == pytest.approx(extinction_probability(r, k) ** seeds)
    assert (q == 1) == (r <= 1 or seeds == 0)


def test_a_large_k_is_poisson():
    for r in (0.3, 1.0, 1.2, 3):
        assert extinction_probability(r, 1e9) == pytest.approx(extinction_probability(r, math.inf), rel=1e-7)
        assert concentration(r, 1e9) == pytest.approx(concentration(r, math.inf), rel=1e-6)
        assert chain_size_pmf([1, 2, 5, 40], r, 1e9) == pytest.approx(chain_size_pmf([1, 2, 5, 40], r, math.inf), 1e-6)


def test_extremes_of_extinction_are_exact():
    assert extinction_probability(0, 0.5) == extinction_probability(1, 0.5) == extinction_probability(0.99, 3) == 1
    assert extinction_probability(700, math.inf) == pytest.approx(math.exp(-700), rel=1e-12)
    # Near 1 the chance to go on is 2 (R - 1) / (1 + 1 / k), from the second derivative of g.
    assert 1 - extinction_probability(1 + 1e-6, 0.5) == pytest.approx(2e-6 / 3, rel=1e-4)


@pytest.mark.parametrize(("r", "k"), [(1.5, 0.5), (1.2, math.inf), (3, 0.1)])
def test_grown_trees_die_out_as_often_as_reckoned(r, k):
    runs = 20_000
    died = np.isfinite(trees(np.random.default_rng(5), r, k, runs=runs, most=2_000)).mean()
    q = extinction_probability(r, k)
    assert died == pytest.approx(q, abs=4 * math.sqrt(q * (1 - q) / runs))


# Sizes


def test_chain_sizes_are_those_of_epichains():
    # epichains, tests/testthat/test-stat_likelihoods.R and test-likelihood.R, to its five decimals.
    sizes = [1, 1, 4, 7]
    expected = [-0.25055, -0.25055, -3.79542, -4.83785]
    assert np.log(chain_size_pmf(sizes, 0.5, 0.2)) == pytest.approx(expected, abs=5e-6)
    # prob = 0.5 and size = 0.2 there are a mean of 0.2.
    expected = [-0.13863, -0.13863, -4.41775, -6.19443]
    assert np.log(chain_size_pmf(sizes, 0.2, 0.2)) == pytest.approx(expected, abs=5e-6)
    assert np.log(chain_size_pmf(sizes, 0.5, math.inf)).sum() == pytest.approx(-8.6072, abs=5e-6)


@pytest.mark.parametrize(("r", "k"), [(0.5, 0.2), (1, 2), (1.7, 0.6), (0.8, math.inf)])
def test_chain_sizes_are_those_of_the_generating_function(r, k):
    # T(s) = s g(T(s)) as a power series: the sum over numbers of offspring of that many trees side by side.
    most = 12
    offspring = (poisson(r) if math.isinf(k) else nbinom(k, k / (k + r))).pmf(np.arange(most + 1))
    tree = np.zeros(most + 1)
    for _ in range(most):
        side_by_side, total = np.eye(1, most + 1)[0], np.zeros(most + 1)
        for chance in offspring:
            total += chance * side_by_side
            side_by_side = np.convolve(side_by_side, tree)[: most + 1]
        tree = np.concatenate([[0.0], total[:-1]])
    assert chain_size_pmf(np.arange(1, most + 1), r, k) == pytest.approx(tree[1:], rel=1e-10)


@given(st.floats(0, 3), dispersions)
@settings(max_examples=50)
def test_chain_sizes_sum_to_the_chance_of_ending(r, k):
    CASES["sizes"] += 1
    sizes = np.arange(1, 20_000)
    chances = chain_size_pmf(sizes, r, k)
    q = extinction_probability(r, k)
    assert np.all(chances >= 0)
    assert chances.sum() <= q + 1e-9
    # Near 1 the tail falls as slowly as size**-1.5, and with a small k it begins late.
    if abs(r - 1) > 0.2 and k > 0.05:
        assert chances.sum() == pytest.approx(q, abs=1e-6)
        if r < 1:
            assert chances @ sizes == pytest.approx(expected_total(r), rel=1e-4)


def test_grown_trees_have_the_sizes_reckoned():
    runs = 50_000
    sizes = trees(np.random.default_rng(6), 0.6, 0.3, runs=runs, most=10**6)
    for size, chance in enumerate(chain_size_pmf(np.arange(1, 7), 0.6, 0.3), start=1):
        assert (sizes == size).mean() == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / runs))
    assert sizes.mean() == pytest.approx(expected_total(0.6), abs=4 * sizes.std() / math.sqrt(runs))


def test_where_nobody_brings_anybody_trees_are_their_seed():
    for k in (0.3, math.inf):
        assert chain_size_pmf([1, 2, 3], 0, k).tolist() == [1, 0, 0]
    assert chain_size_pmf([], 0.5, 1).tolist() == []
    assert float(chain_size_pmf(1, 0.5, math.inf)) == pytest.approx(math.exp(-0.5))


def test_expected_totals():
    assert expected_total(0) == 1
    assert expected_total(0.75, seeds=10) == 40
    assert expected_total(1) == expected_total(2, seeds=3) == math.inf
    assert expected_total(2, seeds=0) == 0


# Concentration


def test_concentration_is_that_of_superspreading():
    # superspreading, tests/testthat/_snaps/proportion_transmission.md, format_prop = FALSE: R 1, 2, 3 for each k.
    printed = {
        0.1: [0.08693433, 0.09208820, 0.09389299],
        0.2: [0.14293729, 0.15561248, 0.16024765],
        0.3: [0.18158065, 0.20282175, 0.21039108],
    }
    for k, shares in printed.items():
        assert [concentration(r, k) for r in (1, 2, 3)] == pytest.approx(shares, abs=5e-9)
    assert concentration(2, 0.5) == pytest.approx(0.264419, abs=5e-7)
    assert concentration(2, math.inf) == pytest.approx(0.529, abs=5e-4)
    assert concentration(2, 0.5, share=0.9999) == pytest.approx(0.553, abs=5e-4)


def test_everything_is_brought_by_all_who_brought_anything():
    assert concentration(2, 0.5, share=1) == pytest.approx(1 - nbinom.pmf(0, 0.5, 0.2))
    assert concentration(2, math.inf, share=1) == pytest.approx(1 - math.exp(-2))
    assert math.isnan(concentration(0, 0.5))


@given(st.floats(0.05, 20), st.floats(0.02, 50), st.floats(0.05, 0.95))
def test_fewer_bring_a_share_when_k_or_the_share_is_smaller(r, k, share):
    CASES["concentration"] += 1
    here = concentration(r, k, share=share)
    assert 0 < here <= share + 1e-12
    assert concentration(r, k * 1.5, share=share) >= here - 1e-9
    assert concentration(r, k, share=share * 1.05) >= here - 1e-12


@pytest.mark.parametrize(("r", "k"), [(0.7, 0.3), (5, 1.5), (2, math.inf)])
def test_the_curve_of_many_signers_is_that_of_their_law(r, k):
    values = np.arange(400)
    law = poisson(r) if math.isinf(k) else nbinom(k, k / (k + r))
    rows = np.round(law.pmf(values) * 1e12).astype(int)
    for share in (0.2, 0.5, 0.8, 0.99):
        assert lorenz(values, rows).concentration(share) == pytest.approx(concentration(r, k, share=share), abs=1e-6)


# Structural virality


def all_pairs(parents):
    """The mean distance over pairs, by way of every distance from every signature (Floyd and Warshall)."""
    n = len(parents)
    distance = np.where(np.eye(n, dtype=bool), 0.0, np.inf)
    for child, parent in enumerate(parents):
        if parent is not None:
            distance[child, parent] = distance[parent, child] = 1
    for middle in range(n):
        distance = np.minimum(distance, distance[:, [middle]] + distance[[middle], :])
    return distance.sum() / (n * (n - 1))


@pytest.mark.parametrize("n", [2, 3, 10, 1_001])
def test_stars_and_chains_have_their_closed_forms(n):
    # Goel et al. 2016: a broadcast tends to 2; a chain is (n + 1) / 3.
    assert structural_virality([None] + [0] * (n - 1)) == pytest.approx(2 - 2 / n)
    assert structural_virality([*range(1, n), None]) == pytest.approx((n + 1) / 3)


@given(st.lists(st.integers(0, 10**6), max_size=25), st.randoms())
def test_structural_virality_is_the_mean_distance_over_all_pairs(picks, random):
    CASES["trees"] += 1
    parents = [None] + [pick % position for position, pick in enumerate(picks, start=1)]
    order = list(range(len(parents)))
    random.shuffle(order)
    shuffled = [None] * len(parents)
    for position, parent in enumerate(parents):
        shuffled[order[position]] = None if parent is None else order[parent]
    if len(parents) == 1:
        assert math.isnan(structural_virality(shuffled))
    else:
        assert structural_virality(shuffled) == pytest.approx(all_pairs(parents), rel=1e-12)


def test_two_hundred_thousand_signatures_in_one_chain_are_no_trouble():
    n = 200_000
    assert structural_virality([None, *range(n - 1)]) == pytest.approx((n + 1) / 3, rel=1e-12)


# What is refused


@pytest.mark.parametrize(
    ("parents", "sentence"),
    [
        ([], "A tree has one root; this one of 0 signatures has 0. Give None for the root alone."),
        ([None, 0, None], "A tree has one root; this one of 3 signatures has 2. Give None for the root alone."),
        ([1, 0], "A tree has one root; this one of 2 signatures has 0. Give None for the root alone."),
        ([None, 2, 1, 1], "2 of 4 signatures are in a circle of referrals. Break the circle first."),
        ([None, 1], "1 of 2 signatures are in a circle of referrals. Break the circle first."),
        ([None, 7], "The parent 7 is no position in this tree. Give positions from 0 to 1."),
        ([None, -1], "The parent -1 is no position in this tree. Give positions from 0 to 1."),
        ([None, "0"], "The parent '0' is no position in this tree. Give positions from 0 to 1."),
    ],
)
def test_what_is_no_tree_is_refused(parents, sentence):
    with pytest.raises(DataError) as refused:
        structural_virality(parents)
    assert str(refused.value) == sentence


NO_MEAN = "r={} is no mean number of referred signatures. Give a number of 0 or more."
NO_DISPERSION = "k={} is no dispersion. Give a number above 0, or math.inf for Poisson."


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (lambda: extinction_probability(-1, 1), NO_MEAN.format(-1)),
        (lambda: chain_size_pmf([1], math.nan, 1), NO_MEAN.format("nan")),
        (lambda: concentration(math.inf, 1), NO_MEAN.format("inf")),
        (lambda: expected_total(-0.5), NO_MEAN.format(-0.5)),
        (lambda: extinction_probability(1, 0), NO_DISPERSION.format(0)),
        (lambda: concentration(1, math.nan), NO_DISPERSION.format("nan")),
        (
            lambda: extinction_probability(2, 1, seeds=1.5),
            "seeds=1.5 is no number of signers. Give 0, 1, 2 or more.",
        ),
        (lambda: expected_total(0.5, seeds=-1), "seeds=-1 is no number of signers. Give 0, 1, 2 or more."),
        (lambda: concentration(1, 1, share=80), "share=80 is no share of the signatures. Write share=0.8 for 80 %."),
    ],
)
def test_what_is_no_law_is_refused(question, sentence):
    with pytest.raises(DefinitionError) as refused:
        question()
    assert str(refused.value) == sentence


@pytest.mark.parametrize("size", [0, 1.5, -3, math.nan, math.inf])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(DataError) as refused:
        chain_size_pmf([1, size], 0.5, 1)
    assert str(refused.value) == (
        "A size is no whole number of 1 or more. Give the signatures of a tree, its seed among them."
    )


def test_all_of_it_is_found_under_one_name():
    assert sorted(branching.__all__) == branching.__all__
    assert all(callable(getattr(branching, name)) for name in branching.__all__)
