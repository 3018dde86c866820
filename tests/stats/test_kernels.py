"""Mentions that overlap, against a direct search of the likelihood and the truth of simulations."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from funnel.errors import DataError, DefinitionError
from funnel.stats.kernels import separate


def kernel(minutes, start, half_life):
    """Return the share of an excess in each minute, of what falls in all of them."""
    since = np.arange(minutes + 1) - start
    to_date = 1 - 0.5 ** (np.maximum(since, 0) / half_life)
    return np.diff(to_date) / to_date[-1]


def mean_counts(minutes, usual, totals, starts, halves):
    pairs = zip(totals, starts, halves, strict=True)
    return np.full(minutes, float(usual)) + sum(total * kernel(minutes, start, half) for total, start, half in pairs)


USUAL = np.full(240, 2.0)
STARTS = [40, 58.5, 120]
KINDS = ["tv", "tv", "press"]
COUNTS = np.random.default_rng(21).poisson(mean_counts(240, 2, [180, 90, 120], STARTS, [14, 14, 40]))


def loss(logs, counts=COUNTS):
    """Minus the log likelihood of level, three totals, and the half-lives of tv and press; all as logs."""
    level, *totals = np.exp(logs[:4])
    halves = np.exp(logs[[4, 4, 5]])
    mean = level * USUAL + mean_counts(240, 0, totals, STARTS, halves)
    return -float((counts * np.log(mean) - mean).sum())


def searched(fixed=None):
    """Return the smallest loss and where it is, with one value (place, log) held if given."""
    start = np.log([1, 150, 150, 150, 20, 20])
    free = [place for place in range(6) if fixed is None or place != fixed[0]]

    def over(values):
        logs = start.copy()
        logs[free] = values
        if fixed is not None:
            logs[fixed[0]] = fixed[1]
        return loss(logs)

    found = minimize(over, start[free], method="BFGS", options={"gtol": 1e-5})
    return found.fun, found.x


def test_the_estimates_are_where_the_likelihood_is_largest():
    _, logs = searched()
    found = separate(COUNTS, USUAL, STARTS, kinds=KINDS)
    level, *totals = np.exp(logs[:4])
    assert found.level.value == pytest.approx(level, rel=1e-3)
    assert found.total.value == pytest.approx(totals, rel=2e-3)
    assert found.kinds == ("tv", "press")
    assert found.half_life.value == pytest.approx(np.exp(logs[4:]), rel=2e-3)
    assert found.groups == ((0,), (1,), (2,))
    assert found.reasons == ("alone", "alone", "alone")
    assert found.fitted.sum() == pytest.approx(COUNTS.sum(), rel=1e-6)
    rest = 240 - np.array(STARTS)
    assert found.share_seen == pytest.approx(1 - 0.5 ** (rest / found.half_life.value[[0, 0, 1]]))


@pytest.mark.parametrize("place", range(6))
def test_the_ends_are_where_the_likelihood_has_fallen_enough(place):
    floor, _ = searched()
    found = separate(COUNTS, USUAL, STARTS, kinds=KINDS, dispersion=1)
    low = np.concatenate([[found.level.low], found.total.low, found.half_life.low])
    high = np.concatenate([[found.level.high], found.total.high, found.half_life.high])
    for end in (low[place], high[place]):
        height, _ = searched(fixed=(place, math.log(end)))
        assert 2 * (height - floor) == pytest.approx(chi2.ppf(0.95, 1), rel=0.01)


def test_mentions_of_one_start_and_kind_are_reported_together():
    counts = np.random.default_rng(2).poisson(mean_counts(240, 2, [200], [40], [14]))
    found = separate(counts, USUAL, [40, 40, 150], kinds=["tv", "tv", "tv"])
    assert found.groups == ((0, 1), (2,))
    assert found.reasons == ("same start", "alone")
    assert found.condition_number == math.inf
    alone = separate(counts, USUAL, [40, 150])
    assert found.total.value == pytest.approx(alone.total.value)
    assert found.total.high == pytest.approx(alone.total.high, rel=1e-4)


def test_mentions_too_close_together_are_reported_together():
    counts = np.random.default_rng(3).poisson(mean_counts(240, 2, [100, 100], [40, 41], [20, 20]))
    found = separate(counts, USUAL, [40, 41])
    assert found.groups == ((0, 1),)
    assert found.reasons == ("overlap",)
    assert found.condition_number > 6
    assert found.variance_inflation[0] < 10
    assert found.total.low[0] <= 200 <= found.total.high[0]


def test_mentions_far_apart_do_not_inflate_each_other():
    counts = np.random.default_rng(4).poisson(mean_counts(600, 2, [100, 100], [100, 400], [10, 10]))
    found = separate(counts, np.full(600, 2.0), [100, 400])
    assert found.variance_inflation == pytest.approx(1, abs=0.2)


def test_an_excess_that_never_fades_is_not_told_from_the_baseline():
    counts = np.concatenate([[2.0], [12.0] * 99])
    found = separate(counts, np.full(100, 2.0), [1])
    assert found.reasons == ("baseline",)
    assert found.half_life.high[0] == math.inf


def test_a_mention_that_brought_nothing_has_no_half_life():
    counts = np.random.default_rng(5).poisson(mean_counts(240, 3, [200], [40], [14]))
    counts[150:190] = 0
    found = separate(counts, USUAL, [40, 150], kinds=["tv", "radio"])
    assert found.total.value[1] == 0
    assert found.total.low[1] == 0
    assert math.isnan(found.half_life.value[1])
    assert (found.half_life.low[1], found.half_life.high[1]) == (0, math.inf)


def test_minutes_that_are_missing_are_left_out():
    counts = COUNTS.astype(float)
    counts[70:75] = math.nan
    usual = USUAL.copy()
    usual[200] = 0
    found, whole = separate(counts, usual, STARTS, kinds=KINDS), separate(COUNTS, USUAL, STARTS, kinds=KINDS)
    assert found.total.value == pytest.approx(whole.total.value, rel=0.25)


def test_overdispersion_is_measured_and_widens():
    random = np.random.default_rng(6)
    mean = mean_counts(600, 6, [300], [100], [20])
    counts = random.negative_binomial(mean / 2, 1 / 3)  # variance three times the mean
    found = separate(counts, np.full(600, 6.0), [100])
    narrow = separate(counts, np.full(600, 6.0), [100], dispersion=1)
    assert found.dispersion == pytest.approx(3, rel=0.2)
    widening = (found.total.high - found.total.low) / (narrow.total.high - narrow.total.low)
    assert widening[0] == pytest.approx(math.sqrt(found.dispersion), rel=0.05)


# How often the intervals hold


def coverage(*, usual, totals, starts, half_life, runs, seed):
    random = np.random.default_rng(seed)
    mean = mean_counts(360, usual, totals, starts, [half_life] * len(starts))
    held, joined = np.zeros(len(totals) + 1), 0
    for _ in range(runs):
        found = separate(random.poisson(mean), np.full(360, float(usual)), starts)
        if len(found.groups) < len(totals):
            joined += 1
            continue
        low, high = np.append(found.total.low, found.half_life.low), np.append(found.total.high, found.half_life.high)
        truth = np.append(totals, half_life)
        held += (low <= truth) & (truth <= high)
    return held / max(runs - joined, 1), joined / runs


def test_the_intervals_hold_the_truth():
    held, joined = coverage(usual=2, totals=[200, 150], starts=[60, 80], half_life=15, runs=20, seed=7)
    assert np.all(held >= 0.8)
    assert joined == 0


@pytest.mark.slow
def test_the_coverage_of_the_separation_printed(capsys):
    for usual, totals, starts, half_life in (
        (2, [200, 150], [60, 75], 15),
        (2, [200, 150, 0], [60, 75, 200], 15),
        (0.5, [40, 30], [60, 90], 20),
        (2, [200, 150], [60, 63], 15),
    ):
        held, joined = coverage(usual=usual, totals=totals, starts=starts, half_life=half_life, runs=150, seed=8)
        with capsys.disabled():
            print(
                f"\nbaseline {usual}, totals {totals} from {starts}, half-life {half_life}: 95 % intervals hold totals "
                f"and half-life {np.round(held, 3)} of the time; reported together {joined:.2f}"
            )
        assert np.all(held > 0.88)


# What is refused


@pytest.mark.parametrize(
    ("question", "error", "sentence"),
    [
        (lambda: separate([1, 2], [1], [0]), DataError, "2 counts and 1 expected. Give one of each a minute."),
        (
            lambda: separate([1, -2], [1, 1], [0]),
            DataError,
            "A count or an expected count is negative. Give 0 or more, and NaN where a minute is missing.",
        ),
        (
            lambda: separate(COUNTS, USUAL, [1, 2], kinds=["tv"]),
            DataError,
            "2 starts and 1 kinds. Give one of each a mention, 1 or more.",
        ),
        (
            lambda: separate(COUNTS, USUAL, [240]),
            DataError,
            "A mention starts outside the 240 minutes, or its start is missing. "
            "Give starts in minutes from the first of counts.",
        ),
        (
            lambda: separate([1, 2, 3], [1, 1, 1], [0]),
            DataError,
            "3 minutes have a count and an expected count above 0, too few for 1 mentions. "
            "Give more minutes, some of them before the first mention.",
        ),
        (
            lambda: separate([0] * 9, [1] * 9, [2]),
            DataError,
            "All counts are 0, so there is nothing to tell apart. Give minutes in which something happened.",
        ),
        (
            lambda: separate(COUNTS, USUAL, [1], dispersion=0.2),
            DefinitionError,
            "dispersion=0.2 is below 1 or no number. Write 1 for Poisson counts.",
        ),
        (
            lambda: separate(COUNTS, USUAL, [1], level=95),
            DefinitionError,
            "level=95 is no share between 0 and 1. Write level=0.95 for 95 %.",
        ),
    ],
)
def test_what_is_no_series_is_refused(question, error, sentence):
    with pytest.raises(error) as refused:
        question()
    assert str(refused.value) == sentence
