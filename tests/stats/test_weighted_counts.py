"""Sums of weighted counts: R's figures, Garwood's ends, how often the interval holds the truth."""

import numpy as np
import pytest
from scipy.stats import chi2

from funnel import DataError, DefinitionError
from funnel.stats.weighted_counts import weighted_count

# Births and cases of Down's syndrome by age of the mother (columns: birth order 1 to 5 and more) in Michigan, 1950-64:
# Fleiss 1981, Statistical Methods for Rates and Proportions, p. 249, the example of Fay and Feuer 1997 and of epitools.
BIRTHS = np.array(
    [
        [230061, 329449, 114920, 39487, 14208, 3052],
        [72202, 326701, 208667, 83228, 28466, 5375],
        [15050, 175702, 207081, 117300, 45026, 8660],
        [2293, 68800, 132424, 98301, 46075, 9834],
        [327, 30666, 123419, 149919, 104088, 34392],
    ]
)
CASES_OF_DOWN = np.array(
    [
        [107, 141, 60, 40, 39, 25],
        [25, 150, 110, 84, 82, 39],
        [3, 71, 114, 103, 108, 75],
        [1, 26, 64, 89, 137, 96],
        [0, 8, 63, 112, 262, 295],
    ]
)
EVERYONE = np.array([319933, 931318, 786511, 488235, 237863, 61313])
# R 4.2.2: the lines of epitools 0.5-10.1's ageadjust.direct, with R's qgamma; per 100,000 births.
IN_R = [
    (92.30452553, 80.44174985, 105.76334575),
    (91.17411683, 82.36121165, 100.86757632),
    (85.06922134, 77.18345340, 94.22356983),
    (92.71786506, 80.00999276, 114.66944482),
    (75.52900745, 67.70212042, 188.30017273),
]


@pytest.mark.parametrize("order", range(5))
def test_standardised_rates_are_those_of_r(order):
    weights = 1e5 * EVERYONE / EVERYONE.sum() / BIRTHS[order]
    counts = CASES_OF_DOWN[order]
    found = weighted_count(weights @ counts, weights**2 @ counts, weights.max())
    assert (found.value, found.low, found.high) == pytest.approx(IN_R[order], rel=1e-9)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # R 4.2.2: poisson.test(count)$conf.int
    [(0, 0.0, 3.688879454), (1, 0.02531780798, 5.57164339094), (7, 2.814363052, 14.422675362)],
)
def test_weights_of_one_give_the_exact_ends_of_a_poisson_count(count, low, high):
    found = weighted_count(count, count, 1)
    assert (found.value, found.low, found.high) == pytest.approx((count, low, high), rel=1e-9)


@pytest.mark.parametrize("weight", [0.25, 1, 3])
@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_equal_weights_scale_the_ends(weight, level, count):
    found = weighted_count(count * weight, count * weight**2, weight, level=level)
    low = chi2.ppf((1 - level) / 2, 2 * count) / 2 if count else 0
    ends = low, chi2.ppf((1 + level) / 2, 2 * count + 2) / 2
    assert (found.low, found.high) == pytest.approx(tuple(weight * end for end in ends))


def test_arrays_give_arrays():
    found = weighted_count([0, 6, 12], [0, 14, 40], 4)
    for place, (total, squares) in enumerate([(0, 0), (6, 14), (12, 40)]):
        one = weighted_count(total, squares, 4)
        assert isinstance(one.low, float)
        assert (found.value[place], found.low[place], found.high[place]) == (one.value, one.low, one.high)


@pytest.mark.parametrize(("total", "squares"), [(-1, 1), (float("nan"), 1), (2, 0), (0, 3), (3, float("inf"))])
def test_sums_that_cannot_be_are_refused(total, squares):
    with pytest.raises(DataError) as caught:
        weighted_count(total, squares, 1)
    assert str(caught.value) == (
        "A sum of weights is negative or missing. Give the sum of the weights and of their squares."
    )


@pytest.mark.parametrize("largest", [0, -1, float("nan"), float("inf")])
def test_a_largest_weight_that_cannot_be_is_refused(largest):
    with pytest.raises(DataError) as caught:
        weighted_count(2, 2, largest)
    assert str(caught.value) == "The largest weight is not above 0. Give the most that one more count may weigh."


def test_a_level_that_is_none_is_refused():
    with pytest.raises(DefinitionError) as caught:
        weighted_count(2, 2, 1, level=95)
    assert str(caught.value) == "level=95 is no share between 0 and 1. Write level=0.95 for 95 %."


# How often it holds the truth


def sizes(generator, count):
    """Return sizes of trees: 1 and what each of those there brings in turn, 0.3 on average, most of them nobody."""
    found, young = np.ones(count), np.ones(count, dtype=np.int64)
    while young.any():
        young = np.where(young > 0, generator.negative_binomial(np.maximum(0.5 * young, 1e-9), 0.5 / (0.5 + 0.3)), 0)
        found += young
    return found


def coverage(generator, mean, runs):
    """Return how often the interval holds the expected sum of trees whose number is Poisson with this mean."""
    truth = mean / (1 - 0.3)
    held = 0
    for trees in generator.poisson(mean, runs):
        each = sizes(generator, trees)
        largest = each.max() if trees else 1 / (1 - 0.3)
        found = weighted_count(each.sum(), (each**2).sum(), largest)
        held += found.low <= truth <= found.high
    return held / runs


def test_of_trees_by_the_hundred_the_interval_holds_the_expected_sum():
    assert 0.93 < coverage(np.random.default_rng(1), 200, 1_000) < 0.98


@pytest.mark.slow
def test_how_often_the_interval_holds_the_expected_sum():
    generator = np.random.default_rng(2)
    print()
    for mean in (3, 10, 30, 100, 300):
        held = coverage(generator, mean, 4_000)
        print(f"{mean} trees expected: the 95 % interval holds the truth in {held:.3f}")
        assert held > 0.92
