"""The local level model, against the Nile as published, a dense Gaussian, and what R's CausalImpact printed."""

import math
from pathlib import Path

import numpy as np
import pandas
import pytest

from funnel.errors import DataError, DefinitionError
from funnel.stats.local_level import local_level, structural_effect

FIXTURES = Path(__file__).parents[3] / "shared" / "data" / "causalimpact_fixtures"

# Flow of the Nile at Aswan, 1871 to 1970, in 10**8 cubic metres (R's data(Nile); Cobb 1978, Biometrika 65:243).
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831,
    726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845,
    944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918,
    986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip


def test_the_nile_has_the_published_variances():
    # Durbin and Koopman 2012, section 2.10.2: 15099 and 1469.1; log likelihood -633.46, table 2.1.
    found = local_level(NILE)
    assert found.noise_variance == pytest.approx(15099, abs=1)
    assert found.level_variance == pytest.approx(1469.1, abs=0.5)
    assert found.likelihood == pytest.approx(-633.46, abs=0.01)


def test_a_forecast_of_the_nile_is_the_published_one():
    # Durbin and Koopman 2012, section 2.6: the level stays, its variance grows by 1469.1 a year. The last filtered
    # level, 798.37, and its variance, 4032.2, are of the steady state: x**2 = x q + q for x in noise variances.
    result = structural_effect([*NILE, 900, 900, 900], first=100, level_sd=None)
    ratio = 1469.1 / 15099
    steady = 15099 * (ratio + math.sqrt(ratio**2 + 4 * ratio)) / 2
    assert result.counterfactual.value == pytest.approx(798.37, abs=0.05)
    t = 1.98421695  # of 99 degrees of freedom
    variances = ((result.counterfactual.high - result.counterfactual.value) / t) ** 2
    assert variances == pytest.approx(steady + 15099 + 1469.1 * np.arange(3), rel=1e-3)


def dense(seen, first, table, noise, drift):
    """Return mean and covariance of the days from `first` on given those before, as one Gaussian of all days."""
    days = np.arange(len(seen))
    covariance = drift * np.minimum(days[:, None], days) + noise * np.eye(len(seen)) + 1e7
    if table is not None:
        covariance = covariance + 1e7 * table @ table.T
    before = np.flatnonzero(np.isfinite(seen[:first]))
    weights = np.linalg.solve(covariance[np.ix_(before, before)], covariance[before, first:])
    mean = weights.T @ seen[before]
    return mean, covariance[first:, first:] - covariance[first:, before] @ weights


@pytest.mark.parametrize("controls", [0, 1, 2])
def test_the_counterfactual_is_that_of_one_gaussian(controls):
    random = np.random.default_rng(4)
    table = random.normal(size=(46, controls))
    seen = 20 + np.cumsum(random.normal(0, 0.5, 46)) + table.sum(axis=1) * 3 + random.normal(0, 2, 46)
    seen[[5, 6]] = math.nan
    seen[43] = math.nan
    result = structural_effect(seen, first=40, regressors=table if controls else None, level_sd=0.1)
    noise, drift = result.model.noise_variance, result.model.level_variance
    assert drift == pytest.approx((0.1 * np.nanstd(seen[:40], ddof=1)) ** 2)
    mean, covariance = dense(seen, 40, table if controls else None, noise, drift)
    assert result.counterfactual.value == pytest.approx(mean, abs=1e-3)
    from scipy.stats import t as student

    reach = student.ppf(0.975, 38 - 1 - controls)
    half = (result.counterfactual.high - result.counterfactual.low) / 2
    assert half == pytest.approx(reach * np.sqrt(np.diag(covariance)), rel=1e-3)
    kept = np.isfinite(seen[40:])
    total = (seen[40:] - mean)[kept].sum()
    spread = math.sqrt(covariance[np.ix_(kept, kept)].sum())
    assert result.total.value == pytest.approx(total, abs=5e-3)
    assert result.total.high - result.total.value == pytest.approx(reach * spread, rel=1e-3)
    assert result.average.value == pytest.approx(total / 5, abs=1e-3)
    assert result.cumulative.value[-1] == pytest.approx(result.total.value)
    assert result.cumulative.high[-1] == pytest.approx(result.total.high)
    assert result.p == pytest.approx(student.sf(abs(total) / spread, 38 - 1 - controls), rel=1e-2)
    usual = mean[kept].sum()
    assert result.relative.value == pytest.approx(total / usual, abs=1e-3)


def test_a_series_about_zero_has_no_relative_effect():
    random = np.random.default_rng(1)
    result = structural_effect(random.normal(size=40), first=30)
    assert math.isnan(result.relative.value)


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="CausalImpact's series are not beside the repository.")
@pytest.mark.parametrize(
    ("name", "treated", "first", "added", "effect", "sd"),
    [
        # R's summaries: the average effect and its posterior sd. Their call added 1 to the last 30 days of the first.
        ("arma_data.csv", "y", 70, 1, 0.89, 0.3),
        ("comparison_data.csv", "CHANGED", 90, 0, -657, 736),
    ],
)
def test_the_effect_is_near_that_of_causal_impact(name, treated, first, added, effect, sd):
    frame = pandas.read_csv(FIXTURES / name)
    values = frame[treated].to_numpy(dtype=float, copy=True)
    values[first:] += added
    controls = frame.drop(columns=[treated, "DATE"], errors="ignore").to_numpy(dtype=float)
    result = structural_effect(values, first=first, regressors=controls)
    ours = (result.average.high - result.average.low) / 2 / 1.96
    assert result.average.value == pytest.approx(effect, abs=0.5 * sd)
    assert 0.5 * sd < ours < sd
    print(f"{name}: effect {result.average.value:.3f} (R {effect}), sd {ours:.3f} (R {sd}), p {result.p:.4f}")


# How often the intervals hold


def coverage(*, days, level_sd, runs, seed):
    random = np.random.default_rng(seed)
    held = 0
    for _ in range(runs):
        control = random.normal(size=days + 7)
        steps = np.cumsum(random.normal(0, level_sd, days + 7))
        values = 100 + 11 * steps + 5 * control + random.normal(0, 10, days + 7)
        values[days:] += 30
        result = structural_effect(values, first=days, regressors=control)
        held += result.average.low <= 30 <= result.average.high
    return held / runs


def test_the_interval_holds_the_effect():
    assert coverage(days=28, level_sd=0.01, runs=60, seed=3) > 0.85


@pytest.mark.slow
def test_the_coverage_of_the_structural_effect_printed(capsys):
    for days, level_sd in ((28, 0.01), (28, 0.1), (60, 0.01), (60, 0.1)):
        held = coverage(days=days, level_sd=level_sd, runs=1_000, seed=4)
        with capsys.disabled():
            print(f"\n{days} days before, level sd {level_sd}: 95 % intervals hold the effect {held:.3f} of the time")
        assert held > (0.92 if level_sd == 0.01 else 0.7)


# What is refused


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        (
            {"first": 2},
            DefinitionError,
            "first=2 is no day of 8 with 3 days or more before it. Give a later first, or more days.",
        ),
        (
            {"first": 5, "level_sd": 0},
            DefinitionError,
            "level_sd=0 is no standard deviation. Write level_sd=0.01, or None to estimate it.",
        ),
        (
            {"first": 5, "values": [1, 2, math.inf]},
            DataError,
            "A value is infinite, or there is no row of them. Give a number a day, and NaN where one is missing.",
        ),
        (
            {"first": 5, "values": [3, 3, 3, 3, 3, 9]},
            DataError,
            "Fewer than 3 days were seen before the event, or all have one value: nothing says how much they vary.",
        ),
        (
            {"first": 5, "values": [3, 4, 3, 5, 3, math.nan]},
            DataError,
            "Every day from first on is missing, so there is no effect. Give days that were seen.",
        ),
        (
            {"first": 5, "regressors": [1, 2]},
            DataError,
            "The regressors have 2 rows for 8 days, or a value is missing. "
            "Give one row a day, days of the event too, every value a number.",
        ),
        (
            {"first": 5, "regressors": [1, 1, 1, 1, 1, 2, 3, 4]},
            DataError,
            "A regressor has one value on all days before the event, so it tells nothing. Leave it out.",
        ),
        (
            {"first": 5, "regressors": np.random.default_rng(1).normal(size=(8, 3))},
            DataError,
            "5 days before the event are too few for 3 regressors. Give more days.",
        ),
        (
            {"first": 5, "level": 95},
            DefinitionError,
            "level=95 is no share between 0 and 1. Write level=0.95 for 95 %.",
        ),
    ],
)
def test_what_is_no_series_is_refused(options, error, sentence):
    values = options.pop("values", [3, 4, 3, 5, 4, 9, 8, 7])
    with pytest.raises(error) as refused:
        structural_effect(values, **options)
    assert str(refused.value) == sentence
