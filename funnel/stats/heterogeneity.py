"""Effects of several groups beside each other: whether they differ, each one drawn toward the whole, and their trend.

What is compared are estimates with known standard errors, one a group, independent of each other: segments, or days.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError
from funnel.stats.proportions import Estimate, normal_quantile
from funnel.stats.significance import Test, normal_test

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pooled(Estimate):
    """One estimate for all groups together, its interval, and the standard error behind it."""

    standard_error: float


@dataclass(frozen=True, eq=False)
class Heterogeneity:
    """How much the groups differ, and what is believed of each once that is known.

    `test` asks whether all groups have one difference (Cochran's Q). `between` is the variance of the true differences
    over the groups, 0 where they spread no more than by chance. `whole` is the mean of the true differences. `shrunk`
    has one entry a group, in the order given: its difference drawn toward the whole, with an interval.
    """

    test: Test
    between: float
    whole: Pooled
    shrunk: Estimate


def heterogeneity(differences: ArrayLike, standard_errors: ArrayLike, *, level: float = 0.95) -> Heterogeneity:
    """Test whether the groups share one difference, and draw each group's own toward the mean of all.

    Q is the sum of squared distances from the mean weighted by 1 / se², chi-squared on groups - 1 degrees of freedom
    where there is one difference (Cochran 1954, Biometrics 10:101). `between` is the estimate of DerSimonian and Laird
    1986, Controlled Clinical Trials 7:177, not below 0; `whole` the mean weighted by 1 / (between + se²), with
    1 / sqrt(sum of the weights) as its standard error. Agrees with statsmodels' `combine_effects` and R's metafor.

    A group keeps the share B = between / (between + se²) of its distance from the whole (empirical Bayes: Morris 1983,
    JASA 78:47). Its variance is B se² + (1 - B)² x that of the whole (Raudenbush and Bryk 1985, J Educ Stat 10:75),
    and, because `between` is itself an estimate, (se² (difference - whole) / (between + se²)²)² x 2 / sum of the
    squared weights (Kass and Steffey 1989, JASA 84:717, the whole held fixed; the idea is Morris's). The intervals hold
    on average over the groups, not in each: 88 to 99 % of the true differences for 95 %, least where groups differ by
    once or twice their errors. With two or three groups drawing gains nothing where they differ by more (it is sure to
    gain from four on: Efron and Morris 1973, JASA 68:117). tests/stats/test_levels.py prints both.

    A group of which nothing is known takes no part in the test and the whole: its difference or its error is missing
    or infinite, or its error is 0 (nobody has converted yet, or everybody, so that the spread is unknown). It is
    shrunk all the way to the whole, with the variance of one more group: between + that of the whole. With one known
    group there is nothing to test (NaN), `between` is 0 and the group is the whole. With none all is NaN, and the
    intervals are unbounded.
    """
    z = normal_quantile(level)
    values, errors, known = _checked(differences, standard_errors)
    if not known.any():
        open_ended = np.full(len(values), np.inf)
        nothing = Estimate(np.full(len(values), np.nan), -open_ended, open_ended)
        return Heterogeneity(
            Test(math.nan, math.nan), math.nan, Pooled(math.nan, -math.inf, math.inf, math.inf), nothing
        )
    test, between = _spread(values[known], errors[known])
    squared = np.where(known, errors, np.inf) ** 2
    weights = 1 / (between + squared)
    variance_of_whole = float(1 / weights.sum())
    distances = np.where(known, values, 0.0)
    whole = float(weights @ distances) * variance_of_whole
    half_width = z * math.sqrt(variance_of_whole)
    distances = np.where(known, values - whole, 0.0)
    kept = between * weights
    own = np.where(known, kept * np.where(known, squared, 0.0), between)
    # How fast the group moves away from the whole as `between` grows.
    moved = np.where(known, squared, 0.0) * weights**2 * distances
    variance = own + (1 - kept) ** 2 * variance_of_whole + moved**2 * 2 / (weights**2).sum()
    shrunk, reach = whole + kept * distances, z * np.sqrt(variance)
    return Heterogeneity(
        test,
        between,
        Pooled(whole, whole - half_width, whole + half_width, math.sqrt(variance_of_whole)),
        Estimate(shrunk, shrunk - reach, shrunk + reach),
    )


def trend(
    values: ArrayLike, standard_errors: ArrayLike, at: ArrayLike, *, level: float = 0.95
) -> tuple[Estimate, Test]:
    """Return the slope of the values over `at`, a unit of `at`, and the test that it is 0.

    A straight line by least squares weighted by 1 / se², the errors being known and not estimated from the distances to
    the line (which must therefore be no wider than they say): normal, whatever the number of points. One value a point,
    independent of the others, such as the effect of each day since exposure. Points of which nothing is known are left
    out as in `heterogeneity`. Without two known points apart there is no slope: NaN in an unbounded interval, and a
    test of NaN.

    Draper and Smith 1998, Applied Regression Analysis, ch. 9. Agrees with statsmodels' `WLS(cov_type="fixed scale")`.
    """
    z = normal_quantile(level)
    seen, errors, known = _checked(values, standard_errors)
    where = np.asarray(at, dtype=float)
    if where.shape != seen.shape:
        raise DataError(f"{where.size} places for {seen.size} values. Give one of each.")
    if not np.all(np.isfinite(where)):
        raise DataError("A place on the line is missing or infinite. Give a number, such as a day, for each value.")
    seen, errors, where = seen[known], errors[known], where[known]
    if not len(where) or np.ptp(where) == 0:
        return Estimate(math.nan, -math.inf, math.inf), Test(math.nan, math.nan)
    weights = errors.min() ** 2 / errors**2
    from_middle = where - weights @ where / weights.sum()
    information = float(weights @ from_middle**2)
    slope = float((weights * from_middle) @ (seen - weights @ seen / weights.sum())) / information
    error = float(errors.min()) / math.sqrt(information)
    return Estimate(slope, slope - z * error, slope + z * error), normal_test(slope / error)


def _checked(values: ArrayLike, standard_errors: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return values, errors, and of which groups something is known."""
    each, errors = np.asarray(values, dtype=float), np.asarray(standard_errors, dtype=float)
    if each.ndim != 1 or each.shape != errors.shape or not len(each):
        raise DataError(
            f"{errors.size} standard errors for {each.size} values. Give one of each for one group or more."
        )
    if np.any(errors < 0):
        raise DataError("A standard error is negative. Give 0 or more, and infinity or NaN where it is unknown.")
    return each, errors, np.isfinite(each) & np.isfinite(errors) & (errors > 0)


def _spread(values: Floats, errors: Floats) -> tuple[Test, float]:
    """Return Cochran's Q and the variance between the groups, by moments, not below 0."""
    from scipy.special import chdtrc

    groups = len(values)
    if groups < 2:
        return Test(math.nan, math.nan), 0.0
    weights = errors.min() ** 2 / errors**2
    total = float(weights.sum())
    statistic = float(weights @ (values - weights @ values / total) ** 2) / float(errors.min()) ** 2
    # Pairs are summed, not total - squares / total: beside one huge group that difference has lost its digits.
    pairs = np.outer(weights, weights)
    np.fill_diagonal(pairs, 0)
    excess = (statistic - (groups - 1)) * total / float(pairs.sum())
    return Test(statistic, float(chdtrc(groups - 1, statistic))), max(excess, 0.0) * float(errors.min()) ** 2
