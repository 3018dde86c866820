"""Half-life, delay and size of an excess, against a direct search of the likelihood and the truth of simulations."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import chi2

from funnel.errors import DataError, DefinitionError
from funnel.stats.decay import decay


def excess(minutes, total, half_life, delay):
    """Return the mean excess of each minute, integrated by quadrature; `total` to the end of the minutes."""
    rate = math.log(2) / half_life

    def a_minute(minute):
        begin = max(minute, delay)
        return quad(lambda t: rate * math.exp(-rate * (t - delay)), begin, max(minute + 1, begin))[0]

    each = np.array([a_minute(minute) for minute in range(minutes)])
    return total * each / each.sum()


def likelihood(counts, mean):
    return float((counts * np.log(mean) - mean).sum())


USUAL = np.full(90, 2.0)
COUNTS = np.random.default_rng(11).poisson(USUAL + excess(90, 150, 12, 3))


def best(delay):
    """Return the largest likelihood at a delay, by Nelder and Mead over the logs of total and half-life."""

    def loss(logs):
        return -likelihood(COUNTS, USUAL + excess(90, math.exp(logs[0]), math.exp(logs[1]), delay))

    found = minimize(loss, [math.log(150), math.log(10)], method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6})
    return -found.fun, np.exp(found.x)


def test_the_estimates_are_where_the_likelihood_is_largest():
    searched = {delay: best(delay) for delay in range(7)}
    delay = max(searched, key=lambda each: searched[each][0])
    highest, (total, half_life) = searched[delay]
    found = decay(COUNTS, USUAL, latest_delay=6)
    assert found.delay.value == delay
    assert found.half_life.value == pytest.approx(half_life, rel=1e-3)
    assert found.total.value == pytest.approx(total, rel=1e-3)
    # Hansen 2000, table 1: 7.35 for 95 %.
    within = [each for each, (height, _) in searched.items() if 2 * (highest - height) <= 7.35]
    assert (found.delay.low, found.delay.high) == (min(within), max(within))
    mean = USUAL + excess(90, total, half_life, delay)
    terms = np.where(COUNTS > 0, COUNTS * np.log(np.maximum(COUNTS, 1) / mean), 0)
    assert found.deviance == pytest.approx(2 * (terms - COUNTS + mean).sum(), rel=1e-4)


def test_the_ends_of_the_half_life_are_where_the_likelihood_has_fallen_enough():
    found = decay(COUNTS, USUAL, latest_delay=6)
    height = max(best(delay)[0] for delay in range(7))
    for half_life in (found.half_life.low, found.half_life.high):
        along = max(
            -minimize(
                lambda log, delay=delay, half_life=half_life: (
                    -likelihood(COUNTS, USUAL + excess(90, math.exp(log[0]), half_life, delay))
                ),
                [math.log(150)],
                method="Nelder-Mead",
                options={"xatol": 1e-4, "fatol": 1e-6},
            ).fun
            for delay in range(7)
        )
        assert 2 * (height - along) == pytest.approx(chi2.ppf(0.95, 1), rel=0.02)


def test_what_begins_and_what_is_seen_follow_from_the_total():
    found = decay(COUNTS, USUAL, latest_delay=6)
    after = 90 - found.delay.value
    assert found.share_seen == pytest.approx(1 - 0.5 ** (after / found.half_life.value))
    assert found.initial == pytest.approx(found.total.value / found.share_seen * math.log(2) / found.half_life.value)


def test_minutes_left_out_change_little_and_are_counted_in_the_total():
    counts = COUNTS.astype(float)
    counts[[20, 21, 22, 40]] = math.nan
    whole, holes = decay(COUNTS, USUAL), decay(counts, USUAL)
    assert holes.half_life.value == pytest.approx(whole.half_life.value, rel=0.1)
    assert holes.total.value == pytest.approx(whole.total.value, rel=0.1)


def test_overdispersion_widens_every_interval():
    narrow, wide = decay(COUNTS, USUAL), decay(COUNTS, USUAL, dispersion=3)
    assert wide.half_life.low < narrow.half_life.low
    assert wide.half_life.high > narrow.half_life.high
    assert wide.total.low < narrow.total.low
    assert wide.total.high > narrow.total.high


def test_where_there_is_no_excess_nothing_is_said_of_its_half_life():
    found = decay(np.ones(60), np.full(60, 1.5))
    assert math.isnan(found.half_life.value)
    assert math.isnan(found.delay.value)
    assert (found.half_life.low, found.half_life.high) == (0, math.inf)
    assert (found.total.value, found.total.low, found.initial) == (0, 0, 0)
    # Not even the slowest: 60 x 0.5 less than expected, and still a few may hide in it.
    assert 0 < found.total.high < 10


def test_an_excess_of_one_minute_has_no_lower_end():
    counts = np.full(60, 2.0)
    counts[4] = 90
    found = decay(counts, np.full(60, 2.0))
    assert found.delay.value == 4
    assert found.half_life.low == 0
    assert found.half_life.high < 1


def test_an_excess_that_does_not_fade_has_no_upper_end():
    counts = np.concatenate([np.full(5, 2.0), np.full(60, 12.0)])
    found = decay(counts, np.full(65, 2.0))
    assert found.delay.value == 5
    assert found.half_life.high == math.inf


# How often the intervals hold


def coverage(*, usual, total, half_life, delay, minutes, runs, seed):
    random = np.random.default_rng(seed)
    mean = usual + excess(minutes, total, half_life, delay)
    held = np.zeros(3)
    for _ in range(runs):
        found = decay(random.poisson(mean), np.full(minutes, float(usual)), latest_delay=10)
        truths = ((found.half_life, half_life), (found.delay, delay), (found.total, total))
        held += [each.low <= truth <= each.high for each, truth in truths]
    return held / runs


def test_the_intervals_hold_the_truth():
    held = coverage(usual=2, total=150, half_life=10, delay=2, minutes=90, runs=25, seed=5)
    assert np.all(held >= 0.8)


@pytest.mark.slow
def test_the_coverage_of_the_decay_printed(capsys):
    cases = ((2, 300, 10, 2, 180), (2, 60, 10, 2, 180), (20, 300, 15, 4, 180), (0.5, 40, 30, 0, 240))
    for usual, total, half_life, delay, minutes in cases:
        held = coverage(usual=usual, total=total, half_life=half_life, delay=delay, minutes=minutes, runs=120, seed=6)
        with capsys.disabled():
            print(
                f"\nbaseline {usual} a minute, excess {total}, half-life {half_life}, delay {delay}: 95 % intervals "
                f"hold the half-life {held[0]:.3f}, the delay {held[1]:.3f}, the total {held[2]:.3f} of the time"
            )
        assert np.all(held > 0.88)


# What is refused


@pytest.mark.parametrize(
    ("question", "error", "sentence"),
    [
        (lambda: decay([1, 2, 3], [1, 2]), DataError, "3 counts and 2 expected. Give one of each a minute."),
        (
            lambda: decay([1, -2, 3], [1, 2, 3]),
            DataError,
            "A count or an expected count is negative. Give 0 or more, and NaN where a minute is missing.",
        ),
        (
            lambda: decay([1, 2, 3], [0, 0, 1]),
            DataError,
            "1 minutes have a count and an expected count above 0. "
            "Give 3 or more, and an expected count above 0: half an event over the minutes of a baseline without any.",
        ),
        (
            lambda: decay([1, 2, 3], [1, 1, 1], latest_delay=-1),
            DefinitionError,
            "latest_delay=-1 is no number of minutes. Give 0, 1, 2 or more.",
        ),
        (
            lambda: decay([1, 2, 3], [1, 1, 1], dispersion=0.5),
            DefinitionError,
            "dispersion=0.5 is below 1 or no number. Write 1 for Poisson counts.",
        ),
        (
            lambda: decay([1, 2, 3], [1, 1, 1], level=95),
            DefinitionError,
            "level=95 is no share between 0 and 1. Write level=0.95 for 95 %.",
        ),
    ],
)
def test_what_is_no_series_is_refused(question, error, sentence):
    with pytest.raises(error) as refused:
        question()
    assert str(refused.value) == sentence
