"""The rank of a window among others, against counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel.errors import DataError, DefinitionError
from funnel.stats.placebo import Placebo, placebo_rank, placebo_test, window_excesses


def test_the_observed_counts_among_the_placebos():
    assert placebo_rank(10, [1, 2, 3]) == Placebo(p=0.25, above=0, ties=0, windows=3)
    assert placebo_rank(0, [1, 2, 3]) == Placebo(p=1.0, above=3, ties=0, windows=3)


def test_ties_count_against_the_window():
    assert placebo_rank(2, [2, 2, 1]) == Placebo(p=0.75, above=0, ties=2, windows=3)


def test_sums_of_the_same_parts_in_another_order_tie():
    assert placebo_rank(0.1 + 0.2, [0.3, 0.0]).ties == 1


def test_without_other_windows_p_is_one():
    assert placebo_rank(5, [math.nan]) == Placebo(p=1.0, above=0, ties=0, windows=0)


@given(
    st.lists(st.one_of(st.integers(0, 5), st.just(math.nan)), min_size=4, max_size=25),
    st.integers(1, 4),
    st.integers(0, 24),
)
@settings(max_examples=100, deadline=None)
def test_the_rank_is_that_of_counting_by_hand(counts, length, start):
    expected = [0.5 + (minute % 3) for minute in range(len(counts))]
    starts = range(len(counts) - length + 1)
    sums = [sum(counts[minute + k] - expected[minute + k] for k in range(length)) for minute in starts]
    assert window_excesses(counts, expected, length=length) == pytest.approx(sums, nan_ok=True)
    if start in starts and not math.isnan(sums[start]):
        others = [sums[s] for s in starts if abs(s - start) >= length and not math.isnan(sums[s])]
        as_large = sum(other >= sums[start] - 1e-6 for other in others)
        found = placebo_test(counts, expected, start=start, length=length)
        assert found.p == pytest.approx((1 + as_large) / (1 + len(others)))


def test_minutes_that_are_not_eligible_start_no_placebo():
    counts = [0, 0, 9, 0, 9, 0, 0, 0]
    eligible = [True, True, True, True, False, True, True, True]
    everywhere = placebo_test(counts, np.ones(8), start=2, length=1)
    elsewhere = placebo_test(counts, np.ones(8), start=2, length=1, eligible=eligible)
    assert (everywhere.p, elsewhere.p) == (2 / 8, 1 / 7)


def test_p_is_uniform_when_nothing_was_said():
    random = np.random.default_rng(8)
    values = [placebo_test(random.poisson(3, 120), np.full(120, 3.0), start=60, length=10).p for _ in range(400)]
    for share in (0.05, 0.2, 0.5):
        assert np.mean(np.array(values) <= share) <= share + 3 * math.sqrt(share * (1 - share) / 400)


@pytest.mark.parametrize(
    ("question", "error", "sentence"),
    [
        (
            lambda: placebo_rank(math.nan, [1]),
            DataError,
            "The window's own excess is missing, so it has no rank. Give a window with counts.",
        ),
        (
            lambda: window_excesses([1, 2], [1, 2], length=3),
            DefinitionError,
            "length=3 is no window of 2 minutes. Give 1, 2, ... up to 2.",
        ),
        (
            lambda: placebo_test([1, 2], [1, 2], start=1, length=2),
            DefinitionError,
            "start=1 starts no window. Give a minute from 0 to 0.",
        ),
        (
            lambda: placebo_test([1, 2], [1, 2], start=0, length=1, eligible=[True]),
            DataError,
            "1 eligible for 2 minutes. Give one a minute.",
        ),
        (
            lambda: window_excesses([1, 2], [1], length=1),
            DataError,
            "2 counts and 1 expected. Give one of each a minute.",
        ),
        (
            lambda: window_excesses([1, -2], [1, 1], length=1),
            DataError,
            "A count or an expected count is negative. Give 0 or more, and NaN where a minute is missing.",
        ),
    ],
)
def test_what_is_no_window_is_refused(question, error, sentence):
    with pytest.raises(error) as refused:
        question()
    assert str(refused.value) == sentence
