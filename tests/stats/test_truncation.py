"""Delays seen only when they are short enough, against lifelines in reversed time and the truth of simulations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from funnel.errors import DataError
from funnel.stats.truncation import right_truncated

PAIRS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda pair: (pair[0], sum(pair))), min_size=1)


@given(PAIRS)
def test_each_share_is_the_product_over_longer_delays_as_it_is_written(pairs):
    delays, limits = np.array(pairs).T
    found = right_truncated(delays, limits)
    for time, share in zip(found.time, found.share, strict=True):
        product = 1.0
        for longer in sorted(set(delays[delays > time])):
            at_risk = sum(delay <= longer <= limit for delay, limit in pairs)
            product *= 1 - sum(delays == longer) / at_risk
        assert share == pytest.approx(product, abs=1e-12)


def test_it_is_kaplan_meier_in_reversed_time():
    generator = np.random.default_rng(3)
    delays, limits = generator.exponential(2, 4_000), generator.uniform(0, 6, 4_000)
    delays, limits = delays[delays <= limits], limits[delays <= limits]
    found = right_truncated(delays, limits)
    reversed_time = KaplanMeierFitter().fit(6 - delays, entry=6 - limits - 1e-9)
    # P(delay <= t) is P(6 - delay >= 6 - t): just before 6 - t.
    theirs = reversed_time.survival_function_at_times(6 - found.time - 1e-7).to_numpy()
    assert found.share == pytest.approx(theirs, abs=1e-6)


def test_it_recovers_delays_of_which_recent_ones_are_seen_only_when_short():
    generator = np.random.default_rng(4)
    delays, limits = generator.exponential(1, 200_000), generator.uniform(0, 5, 200_000)
    seen = delays <= limits
    found = right_truncated(delays[seen], limits[seen])
    # The truth, given that a delay lasts at most 5, and what one would say without the limits.
    truth = (1 - np.exp(-1)) / (1 - np.exp(-5))
    assert found.by(1.0)[0] == pytest.approx(truth, abs=0.005)
    assert np.mean(delays[seen] <= 1) > truth + 0.05


def test_without_truncation_it_is_the_share_of_delays_that_are_as_short():
    delays = np.array([3.0, 1.0, 2.0, 2.0])
    found = right_truncated(delays, np.full(4, 10.0))
    assert found.time.tolist() == [1, 2, 3]
    assert found.share == pytest.approx([0.25, 0.75, 1.0])
    assert found.by([0.5, 1, 2.5, 99]).tolist() == pytest.approx([0, 0.25, 0.75, 1])
    assert [found.quantile(share) for share in (0.25, 0.5, 0.75, 1.0)] == [1, 2, 2, 3]
    assert found.longest == 10


def test_no_delays_are_an_empty_distribution():
    found = right_truncated([], [])
    assert found.by([1.0]).tolist() == [0]
    assert np.isnan(found.quantile(0.5))
    assert np.isnan(found.longest)


@pytest.mark.parametrize(
    ("delays", "limits", "sentence"),
    [
        ([1.0], [1.0, 2.0], "2 limits for 1 delays. Give one of each, in two lists."),
        ([2.0], [1.0], "A delay is negative, missing, or longer than its limit. Give 0 or more, up to the limit."),
        ([-1.0], [1.0], "A delay is negative, missing, or longer than its limit. Give 0 or more, up to the limit."),
        ([np.nan], [1.0], "A delay is negative, missing, or longer than its limit. Give 0 or more, up to the limit."),
    ],
)
def test_delays_that_cannot_be_are_refused(delays, limits, sentence):
    with pytest.raises(DataError) as refused:
        right_truncated(delays, limits)
    assert str(refused.value) == sentence
