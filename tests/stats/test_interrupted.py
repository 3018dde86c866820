"""Interrupted series, against the published example of the method as R fits it, and simulation."""

import math

import numpy as np
import pytest

from funnel.errors import DataError, DefinitionError
from funnel.stats.interrupted import interrupted_series

# Acute coronary events in Sicily, a number a month of 2002 to November 2006, and the standardised population; indoor
# smoking was banned in January 2005, position 36. Lopez Bernal, Cummins and Gasparrini 2017, Int J Epidemiol 46:348;
# their data and code: github.com/gasparrini/2017_lopezbernal_IJE_codedata.
EVENTS = [
    728, 659, 791, 734, 757, 726, 760, 740, 720, 814, 795, 858, 887, 766, 851, 769, 781, 756, 766, 752, 765, 831, 879,
    928, 914, 808, 937, 840, 916, 828, 845, 818, 860, 839, 887, 886, 831, 796, 833, 820, 877, 758, 767, 738, 781, 843,
    850, 908, 1021, 859, 976, 888, 962, 838, 810, 876, 843, 936, 912,
]  # fmt: skip
POPULATION = [
    379875.3, 376495.5, 377040.8, 377116.4, 377383.4, 374113.1, 379513.3, 376295.5, 374653.2, 378485.6, 375955.5,
    378349.7, 376762.4, 379032.3, 379360.4, 376162, 377972.4, 381830.7, 379888.6, 380872.2, 380966.9, 381240.4,
    382104.9, 381802.7, 381656.3, 383680, 383504.2, 386462.9, 383783.1, 380836.8, 383483, 380906.2, 382926.8, 384052.4,
    384449.6, 383428.4, 388153.2, 388373.2, 386470.1, 386033.2, 383686.4, 385509.3, 385901.9, 386516.6, 388436.5,
    383255.2, 390148.7, 385874.9, 391613.6, 391750.4, 394005.6, 391364.9, 391664.6, 389022.3, 391878.5, 388575.3,
    392989, 390018.8, 390712.3,
]  # fmt: skip
MONTH = np.arange(59) % 12 + 1
SEASON = np.column_stack([wave(2 * np.pi * times * MONTH / 12) for times in (1, 2) for wave in (np.sin, np.cos)])


def sicily(**options):
    return interrupted_series(EVENTS, first=36, exposure=POPULATION, **options)


def of(result, name):
    place = result.names.index(name)
    return result.coefficients[place], result.standard_errors[place]


def test_the_step_of_the_tutorial():
    # R 4.2.2, their model2: exp(smokban) 0.894; their model1's interval, by Poisson errors: 0.865 to 0.925.
    result = sicily(effect="level")
    assert result.level_change.value == pytest.approx(0.89437650801, abs=1e-9)
    assert of(result, "level")[1] == pytest.approx(0.03249594071, abs=1e-9)
    assert result.dispersion == pytest.approx(3.559186764, abs=1e-8)
    poisson_error = of(result, "level")[1] / math.sqrt(result.dispersion)
    ends = [math.exp(of(result, "level")[0] + z * poisson_error) for z in (-1.959964, 1.959964)]
    assert ends == pytest.approx([0.86468638847, 0.92508607601], abs=1e-8)


def test_the_step_of_the_tutorial_with_seasons():
    # R 4.2.2, their model3: 0.885 (0.839 to 0.933), trend 1.067 a year.
    result = sicily(effect="level", regressors=SEASON)
    value, error = of(result, "level")
    assert np.exp([value, value - 1.959964 * error, value + 1.959964 * error]) == pytest.approx(
        [0.88507154724, 0.83940096927, 0.93322699450], abs=1e-9
    )
    assert result.dispersion == pytest.approx(2.262182641, abs=1e-8)
    assert math.exp(12 * of(result, "trend")[0]) == pytest.approx(1.066807597, abs=1e-8)
    # t on 52 degrees of freedom is a little wider than the published normal.
    assert 0.838 < result.level_change.low < 0.8394
    assert math.isnan(result.slope_change.value)


def test_the_change_of_slope_of_the_tutorial():
    # R 4.2.2, their model4 with time counted from the first month of the ban; the F test of the slope: p 0.428.
    result = sicily(effect="slope", regressors=SEASON)
    assert of(result, "slope") == pytest.approx((0.0014822280, 0.0018546309), abs=1e-9)
    assert of(result, "level") == pytest.approx((-0.1303769433, 0.0290772228), abs=1e-9)
    assert result.slope_change.low < 1 < result.slope_change.high
    assert result.p < 0.001


@pytest.mark.parametrize(("lags", "error"), [(1, 0.02163414376), (3, 0.02176801676), (6, 0.02053015524)])
def test_standard_errors_of_newey_and_west_are_those_of_r(lags, error):
    # R 4.2.2, sandwich: NeweyWest(model3, lag, prewhite = FALSE, adjust = FALSE).
    assert of(sicily(effect="level", regressors=SEASON, lags=lags), "level")[1] == pytest.approx(error, abs=1e-9)


def test_a_free_effect_is_a_forecast_from_the_months_before():
    # R 4.2.2: the model of 36 months, its predictions of 23 and the delta method's variance of their sum.
    result = sicily(regressors=SEASON)
    assert result.cumulative.value == pytest.approx(19723 - 21964.31646, abs=1e-4)
    assert result.counterfactual.value[36:39] == pytest.approx([940.9185642, 926.4117757, 916.4894362], abs=1e-6)
    assert result.dispersion == pytest.approx(2.236454563, abs=1e-8)
    spread = math.sqrt(598.5217921**2 + 2.236454563 * 21964.31646)
    t = 2.0422724563  # of 30 degrees of freedom
    assert result.cumulative.high - result.cumulative.low == pytest.approx(2 * t * spread, rel=0.01)
    assert result.excess.value[36:].sum() == pytest.approx(result.cumulative.value)
    assert result.fitted[36:].tolist() == EVENTS[36:]


def test_days_after_the_effect_are_of_the_baseline_again():
    counts = [10, 12, 11, 9, 50, 60, 10, 11, 12, 8]
    result = interrupted_series(counts, first=4, last=5, trend=False)
    assert result.counterfactual.value == pytest.approx(np.mean([10, 12, 11, 9, 10, 11, 12, 8]))
    assert result.cumulative.value == pytest.approx(110 - 2 * 10.375)
    assert result.degrees_of_freedom == 7


def test_a_missing_day_is_left_out_of_fit_and_sum():
    counts = [10.0, math.nan, 11, 9, 50, math.nan, 10, 11]
    result = interrupted_series(counts, first=4, last=5, trend=False)
    assert result.counterfactual.value[0] == pytest.approx(np.mean([10, 11, 9, 10, 11]))
    assert result.cumulative.value == pytest.approx(50 - np.mean([10, 11, 9, 10, 11]))
    assert math.isnan(result.excess.value[5])


def test_each_weekday_has_a_level_of_its_own():
    counts = np.array([10, 20, 30] * 6 + [40, 50, 60])
    result = interrupted_series(counts, first=18, trend=False, weekdays=np.arange(21) % 3)
    assert result.counterfactual.value[18:] == pytest.approx([10, 20, 30])
    assert result.names == ("intercept", "weekday 1", "weekday 2")


def test_a_control_series_carries_what_moves_both():
    control = np.exp(np.sin(np.arange(30)))
    counts = np.rint(100 * control)
    counts[25:] += 50
    result = interrupted_series(counts, first=25, trend=False, regressors=np.log(control))
    assert result.excess.value[25:] == pytest.approx(50, abs=1)


def test_correlated_residuals_are_reported_and_widen_the_sum():
    random = np.random.default_rng(9)
    slow = np.repeat(random.normal(0, 0.3, 12), 5)
    counts = random.poisson(100 * np.exp(slow))
    plain = interrupted_series(counts, first=50, trend=False)
    lagged = interrupted_series(counts, first=50, trend=False, lags=5)
    assert plain.autocorrelation > 0.5
    assert lagged.cumulative.value == pytest.approx(plain.cumulative.value)
    assert lagged.cumulative.high - lagged.cumulative.low > 1.3 * (plain.cumulative.high - plain.cumulative.low)


# How often the intervals hold


def coverage(*, days, mean, spread, weekly, runs, seed):
    random = np.random.default_rng(seed)
    day = np.arange(days + 3)
    usual = mean * np.exp(0.005 * day) * np.where(weekly & (day % 7 >= 5), 0.7, 1)
    held = np.zeros(2)
    for _ in range(runs):
        counts = random.poisson(usual) if spread == 1 else random.negative_binomial(usual / (spread - 1), 1 / spread)
        added = random.poisson(2 * mean, 3)
        counts[days:] += added
        result = interrupted_series(counts, first=days, weekdays=day % 7 if weekly else None)
        held[0] += result.cumulative.low <= added.sum() <= result.cumulative.high
        held[1] += result.excess.low[days] <= added[0] <= result.excess.high[days]
    return held / runs


def test_the_interval_holds_the_excess():
    assert np.all(coverage(days=28, mean=60, spread=3, weekly=True, runs=150, seed=1) > 0.88)


@pytest.mark.slow
def test_the_coverage_of_the_interruption_printed(capsys):
    for days, mean, spread, weekly in ((14, 100, 3, False), (20, 3, 1, False), (28, 40, 4, True), (60, 200, 10, True)):
        held = coverage(days=days, mean=mean, spread=spread, weekly=weekly, runs=1_000, seed=2)
        with capsys.disabled():
            print(
                f"\n{days} days of {mean}, dispersion {spread}: 95 % intervals hold the sum {held[0]:.3f}, "
                f"a day {held[1]:.3f} of the time"
            )
        assert np.all(held > 0.9)


# What is refused


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        (
            {"first": 0},
            DefinitionError,
            "first=0 and last=None are no days of an effect in 12 days. "
            "The first day has none before it; give positions from 1 on, first before last.",
        ),
        (
            {"first": 5, "last": 4},
            DefinitionError,
            "first=5 and last=4 are no days of an effect in 12 days. "
            "The first day has none before it; give positions from 1 on, first before last.",
        ),
        (
            {"first": 5, "effect": "step"},
            DefinitionError,
            "effect='step' is not known. Write 'level', 'slope' or 'free'.",
        ),
        ({"first": 5, "lags": -1}, DefinitionError, "lags=-1 is no number of days. Give 0, 1, 2 or more."),
        (
            {"first": 2},
            DataError,
            "2 days are left to fit 2 parameters. "
            "Give more days, or fewer parameters: trend=False, no weekdays, fewer regressors.",
        ),
        (
            {"first": 5, "regressors": np.arange(12) >= 5},
            DataError,
            "The days that are left cannot tell these apart: intercept, trend, regressor 0. "
            "Leave one out, or give days on which they differ.",
        ),
        ({"first": 5, "weekdays": [1, 2]}, DataError, "2 weekdays for 12 days. Give one a day."),
        (
            {"first": 5, "regressors": [1, 2]},
            DataError,
            "The regressors have 2 rows for 12 days, or a value is missing. "
            "Give one row a day, days of the event too, every value a number.",
        ),
        (
            {"first": 5, "exposure": [1, 2]},
            DataError,
            "2 exposures for 12 days, or one is not above 0. Give one above 0 a day.",
        ),
        (
            {"first": 5, "counts": np.zeros(12)},
            DataError,
            "No day but those of the event has any count, so there is no level to go on. Give other days.",
        ),
        (
            {"first": 5, "counts": [1, 2, 3, 4, 5, -1]},
            DataError,
            "A day's count is negative or infinite. Give 0 or more, and NaN where a day is missing.",
        ),
        (
            {"first": 5, "counts": [1, 2, 3, 4, 5, math.nan]},
            DataError,
            "Every day of the effect is missing, so it has no excess. Give days that were seen whole.",
        ),
        (
            {"first": 9, "counts": [5, 0, 6, 0, 7, 0, 5, 0, 6, 9], "weekdays": np.arange(10) % 2},
            DataError,
            "A parameter has no finite value: all days of some value of intercept, trend, weekday 1 have no count. "
            "Leave it out, or give more days.",
        ),
        (
            {"first": 5, "level": 95},
            DefinitionError,
            "level=95 is no share between 0 and 1. Write level=0.95 for 95 %.",
        ),
    ],
)
def test_what_is_no_interruption_is_refused(options, error, sentence):
    counts = options.pop("counts", [5, 7, 6, 8, 5, 9, 12, 8, 7, 6, 5, 7])
    with pytest.raises(error) as refused:
        interrupted_series(counts, **options)
    assert str(refused.value) == sentence
