"""Quantiles of counts beside scipy.stats, and what defines them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, nbinom, poisson

from funnel.stats.laws import binomial_quantile, negative_binomial_quantile, poisson_quantile

SHARES = [1e-4, 0.025, 0.2, 0.45, 0.9, 0.975, 1 - 1e-4]  # no tie: at a share that a count has exactly, either is right


@pytest.mark.parametrize("share", SHARES)
def test_binomial_quantiles_are_scipys(share):
    draws, chance = np.meshgrid([0, 1, 2, 7, 100, 60_000], [0.0, 1e-5, 0.01, 0.3, 0.5, 0.97, 1.0])
    assert np.array_equal(binomial_quantile(share, draws, chance), binom.ppf(share, draws, chance).clip(0))


@pytest.mark.parametrize("share", SHARES)
def test_negative_binomial_quantiles_are_scipys(share):
    size, chance = np.meshgrid([0.01, 0.3, 1, 2.5, 40, 1e4], [0.02, 0.3, 0.9, 0.999])
    assert np.array_equal(negative_binomial_quantile(share, size, chance), nbinom.ppf(share, size, chance).clip(0))


@pytest.mark.parametrize("share", SHARES)
def test_poisson_quantiles_are_scipys(share):
    mean = np.array([0, 1e-9, 0.02, 0.7, 1, 3, 50, 1e4, 1e6])
    assert np.array_equal(poisson_quantile(share, mean), poisson.ppf(share, mean).clip(0))


@given(share=st.floats(0.001, 0.999), draws=st.integers(1, 40), chance=st.floats(0.01, 0.99))
def test_a_binomial_quantile_is_the_least_count_that_a_share_does_not_exceed(share, draws, chance):
    chances = [1.0]  # of 0, 1, ... in so many draws, one draw after the other
    for _ in range(draws):
        padded = [0.0, *chances, 0.0]
        chances = [chance * one + (1 - chance) * more for one, more in pairwise(padded)]
    up_to = np.cumsum(chances)
    count = int(binomial_quantile(share, draws, chance))
    assert up_to[count] > share - 1e-9
    assert count == 0 or up_to[count - 1] < share + 1e-9


def test_one_number_gives_one_number():
    assert float(poisson_quantile(0.975, 10)) == 17  # tables of the Poisson law: 0.973 up to 16, 0.986 up to 17
    assert float(binomial_quantile(0.5, 10, 0.5)) == 5
    assert float(negative_binomial_quantile(0.5, 1, 0.5)) == 0
