"""Two means compared, from sums rather than rows: plain, as a ratio, in clusters, and by bootstrap."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError
from funnel.stats.proportions import Estimate, normal_quantile

Floats = NDArray[np.float64]

# Below that many clusters in all, or in one arm, the plain cluster-robust error is too small.
_FEW_CLUSTERS = 40
_FEW_IN_AN_ARM = 20

_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Moments:
    """What a mean needs to know of one arm: how many visitors, their mean, and their variance (dividing by n - 1)."""

    n: float
    mean: float
    variance: float

    def __post_init__(self) -> None:
        _check_arm(self.n, (self.mean,), (self.variance,))

    @classmethod
    def of(cls, values: ArrayLike) -> "Moments":
        """Return the moments of one value a visitor."""
        each = np.asarray(values, dtype=float)
        _check_arm(each.size, (), ())
        return cls(each.size, float(each.mean()), _variance(each))


@dataclass(frozen=True)
class RatioMoments:
    """What the ratio of two means needs to know of one arm: numerator and denominator, one value each a visitor.

    Variances and the covariance divide by n - 1: `var_samp` and `covar_samp` in SQL.
    """

    n: float
    numerator_mean: float
    denominator_mean: float
    numerator_variance: float
    denominator_variance: float
    covariance: float

    def __post_init__(self) -> None:
        means = self.numerator_mean, self.denominator_mean
        _check_arm(self.n, means, (self.numerator_variance, self.denominator_variance))

    @classmethod
    def of(cls, numerators: ArrayLike, denominators: ArrayLike) -> "RatioMoments":
        """Return the moments of one numerator and one denominator a visitor."""
        y, x = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
        _check_arm(y.size, (), ())
        if y.shape != x.shape:
            raise DataError(f"{y.size} numerators for {x.size} denominators. Give one of each a visitor.")
        covariance = float(np.cov(y, x)[0, 1]) if y.size > 1 else math.nan
        return cls(y.size, float(y.mean()), float(x.mean()), _variance(y), _variance(x), covariance)


@dataclass(frozen=True, eq=False)
class Clusters:
    """One arm as clusters: how many visitors each one has, and the sum of their values. Two arrays of one length."""

    sizes: Floats
    sums: Floats

    def __init__(self, sizes: ArrayLike, sums: ArrayLike) -> None:
        members, totals = np.asarray(sizes, dtype=float), np.asarray(sums, dtype=float)
        if members.ndim != 1 or members.shape != totals.shape or not len(members):
            raise DataError(f"{members.size} sizes for {totals.size} sums. Give one of each for one cluster or more.")
        if not np.all((members > 0) & np.isfinite(members) & np.isfinite(totals)):
            raise DataError("A cluster has no visitors, or a missing sum. Give sizes of 1 or more and a sum for each.")
        object.__setattr__(self, "sizes", members)
        object.__setattr__(self, "sums", totals)


@dataclass(frozen=True, eq=False)
class MeanDifference(Estimate):
    """A difference treatment - control, its interval, and the test that it is 0.

    Where the spread cannot be estimated the interval is unbounded, `p` is 1, and `note` is the sentence that says why;
    `note` is empty otherwise. `method` names the standard error and the degrees of freedom of its t distribution.
    """

    standard_error: float
    degrees_of_freedom: float
    statistic: float
    p: float
    method: str
    note: str = ""


def welch(treatment: Moments, control: Moments, *, level: float = 0.95) -> MeanDifference:
    """Return the difference of two means, without supposing that the arms vary alike.

    Welch 1947, Biometrika 34:28, with the degrees of freedom of Satterthwaite 1946. Agrees with scipy's
    `ttest_ind(equal_var=False)` and R's `t.test`.

    >>> shares = welch(Moments(40, 1.8, 2.1), Moments(50, 1.1, 1.4))
    >>> f"{shares.value:.2f} {shares.low:.4f} {shares.high:.4f} {shares.p:.4f}"
    '0.70 0.1348 1.2652 0.0159'
    """
    return _welch(treatment, control, level=level, method="Welch's t")


def delta_ratio(treatment: RatioMoments, control: RatioMoments, *, level: float = 0.95) -> MeanDifference:
    """Return the difference of two ratios of means, such as clicks a view, where a visitor has several views.

    The visitor is the unit, so that views of one visitor need not be independent. Each ratio is the mean of the
    numerators over the mean of the denominators, not the mean of each visitor's ratio; its variance is by the delta
    method and the two are compared as in `welch`. An arm whose denominators are all 0 has no ratio: the value is NaN.

    Deng, Knoblich and Lu 2018, KDD, eq. 3. Agrees with tea-tasting's `RatioOfMeans` and GrowthBook's gbstats 0.8.0.
    """
    method = "delta method, Welch's t"
    for which, arm in (("treatment", treatment), ("control", control)):
        if arm.denominator_mean == 0:
            note = f"The denominators of the {which} are all 0, so it has no ratio and there is no difference to give."
            return _unknown(math.nan, method=method, note=note)
    return _welch(_linearised(treatment), _linearised(control), level=level, method=method)


def cluster_robust(
    treatment: Clusters, control: Clusters, *, level: float = 0.95, correction: Literal["CR1", "CR2"] | None = None
) -> MeanDifference:
    """Return the difference of two means where visitors of one cluster resemble one another.

    A cluster is a signer who came without a share link and everyone their links brought, in the arm of that signer; the
    mean is over visitors, large clusters weighing more. CR1 with a t distribution on (clusters - 1) degrees of freedom;
    where all clusters weigh as much as fewer than 40 of equal size, or those of an arm as fewer than 20, CR2, on
    Satterthwaite's degrees of freedom. Their weight is (sum of sizes)² / (sum of squared sizes): one huge cluster among
    many leaves little to go by. `correction` asks for one of them. An arm in one cluster tells nothing of how clusters
    differ.

    Liang and Zeger 1986, Biometrika 73:13; CR2: Bell and McCaffrey 2002, Survey Methodology 28:169, the working model
    being equal and independent. CR1 agrees with statsmodels' `cov_type="cluster"`, R's sandwich and Stata; CR2 with R's
    clubSandwich. Both follow from the sums of the clusters alone. The weight: Carter, Schnepel and Steigerwald 2017,
    Rev Econ Stat 99:698, where sizes alone differ.
    """
    arms = treatment, control
    clusters = [len(arm.sizes) for arm in arms]
    worth = [_effective(arm) for arm in arms]
    few = sum(worth) < _FEW_CLUSTERS or min(worth) < _FEW_IN_AN_ARM
    kind = correction or ("CR2" if few else "CR1")
    if kind not in ("CR1", "CR2"):
        raise DefinitionError(f"correction={correction!r} is not known. Write 'CR1', 'CR2', or leave it out.")
    value = _mean(treatment) - _mean(control)
    degrees_of_freedom = float(sum(clusters) - 1)
    if min(clusters) == 1:
        which = "treatment" if clusters[0] == 1 else "control"
        note = f"The {which} is one cluster, so how clusters differ is unknown and the interval is unbounded."
        return _unknown(value, method=kind, note=note)
    if kind == "CR1":
        visitors = treatment.sizes.sum() + control.sizes.sum()
        scale = sum(clusters) / degrees_of_freedom * (visitors - 1) / (visitors - 2)
        variance = scale * sum(float(np.sum(_residuals(arm) ** 2)) for arm in arms)
        method = "CR1, t(clusters - 1)"
    else:
        variance = sum(float(np.sum(_residuals(arm) ** 2 / (1 - _leverage(arm)))) for arm in arms)
        degrees_of_freedom = _satterthwaite(arms)
        method = "CR2, Satterthwaite"
    scale = max(abs(_mean(arm)) for arm in arms)
    if not _above_rounding(variance, scale):
        note = "All clusters of an arm have one mean, so how clusters differ is unknown and the interval is unbounded."
        return _unknown(value, method=method, note=note)
    return _compared(value, variance, degrees_of_freedom, level=level, method=method)


def bootstrap_difference(
    treatment: ArrayLike,
    control: ArrayLike,
    *,
    treatment_counts: ArrayLike | None = None,
    control_counts: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 4_999,
    method: Literal["BCa", "percentile"] = "BCa",
    seed: int = 0,
) -> Estimate:
    """Return the difference of two means with a bootstrap interval, for counts so skewed that `welch` is doubtful.

    One value a visitor; or distinct values, with how many visitors have each in the `counts`. Visitors are drawn again
    with replacement within their arm, by drawing how often each distinct value comes: a million visitors with fifty
    distinct counts take no longer than a thousand, but twenty thousand distinct values take seconds. The same seed
    gives the same numbers, in whatever order the values come. Where an arm has one visitor, or all values of an arm are
    equal, in both arms, the spread is unknown and the interval unbounded.

    Efron 1987, JASA 82:171 (BCa: corrected for bias and skewness); Efron and Tibshirani 1993, ch. 14. Agrees with
    scipy's `bootstrap`, whose jackknife takes time in the square of the visitors.
    """
    from scipy.special import ndtr

    if method not in ("BCa", "percentile"):
        raise DefinitionError(f"method={method!r} is not known. Write 'BCa' or 'percentile'.")
    z = normal_quantile(level)
    arms = _Tally.of(treatment, treatment_counts), _Tally.of(control, control_counts)
    value = arms[0].mean - arms[1].mean
    if all(len(arm.values) == 1 for arm in arms) or any(arm.n == 1 for arm in arms):
        return Estimate(value, -math.inf, math.inf)
    generator = np.random.default_rng(seed)
    drawn, other = (arm.resampled_means(generator, resamples) for arm in arms)
    differences = drawn - other
    ends = np.array([-z, z])
    if method == "BCa":
        ends = _corrected(ends, differences, value, arms)
    low, high = np.quantile(differences, ndtr(ends))
    return Estimate(value, float(low), float(high))


def _check_arm(n: float, means: tuple[float, ...], variances: tuple[float, ...]) -> None:
    if not (n > 0 and math.isfinite(n)):
        raise DataError("An arm has no visitors, so there is nothing to compare. Give arms of 1 visitor or more.")
    if not all(math.isfinite(mean) for mean in means):
        raise DataError("A mean is missing or infinite. Give one value a visitor, 0 where there is nothing to count.")
    if n > 1 and not all(variance >= 0 and math.isfinite(variance) for variance in variances):
        raise DataError("A variance is negative, missing or infinite. Give the variance that divides by n - 1.")


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if values.size > 1 else math.nan


def _linearised(arm: RatioMoments) -> Moments:
    """Return the mean and variance of ratio + (y - ratio x) / (mean of x): the ratio to first order."""
    ratio = arm.numerator_mean / arm.denominator_mean
    variance = arm.numerator_variance - 2 * ratio * arm.covariance + ratio**2 * arm.denominator_variance
    # Rounding can leave less than nothing where every visitor has the same ratio.
    return Moments(arm.n, ratio, max(variance, 0.0) / arm.denominator_mean**2)


def _welch(treatment: Moments, control: Moments, *, level: float, method: str) -> MeanDifference:
    value = treatment.mean - control.mean
    for which, arm in (("treatment", treatment), ("control", control)):
        if arm.n < 2:
            note = f"The {which} has one visitor, so its spread is unknown and the interval is unbounded."
            return _unknown(value, method=method, note=note)
    errors = treatment.variance / treatment.n, control.variance / control.n
    variance = sum(errors)
    if not _above_rounding(variance, max(abs(treatment.mean), abs(control.mean))):
        note = "All values of an arm are equal, in both arms, so their spread is unknown and the interval is unbounded."
        return _unknown(value, method=method, note=note)
    shares = errors[0] / variance, errors[1] / variance
    degrees_of_freedom = 1 / (shares[0] ** 2 / (treatment.n - 1) + shares[1] ** 2 / (control.n - 1))
    return _compared(value, variance, degrees_of_freedom, level=level, method=method)


def _above_rounding(variance: float, scale: float) -> bool:
    """Return whether a variance is more than what is left of equal numbers of this size after rounding."""
    return math.sqrt(variance) > 1e-13 * scale


def _compared(value: float, variance: float, degrees_of_freedom: float, *, level: float, method: str) -> MeanDifference:
    from scipy.special import stdtr, stdtrit

    normal_quantile(level)  # refuses what is no level
    error = math.sqrt(variance)
    half_width = float(stdtrit(degrees_of_freedom, (1 + level) / 2)) * error
    statistic = value / error
    p = 2 * float(stdtr(degrees_of_freedom, -abs(statistic)))
    return MeanDifference(
        value, value - half_width, value + half_width, error, degrees_of_freedom, statistic, p, method=method
    )


def _unknown(value: float, *, method: str, note: str) -> MeanDifference:
    return MeanDifference(value, -math.inf, math.inf, math.inf, 0.0, 0.0, 1.0, method=method, note=note)


def _mean(arm: Clusters) -> float:
    return float(arm.sums.sum() / arm.sizes.sum())


def _residuals(arm: Clusters) -> Floats:
    """Return what each cluster adds to the error of its arm's mean."""
    return (arm.sums - arm.sizes * _mean(arm)) / arm.sizes.sum()


def _effective(arm: Clusters) -> float:
    """Return how many clusters of equal size weigh as much as these: fewer where a few are large."""
    return float(arm.sizes.sum() ** 2 / (arm.sizes**2).sum())


def _leverage(arm: Clusters) -> Floats:
    return arm.sizes / arm.sizes.sum()


def _satterthwaite(arms: tuple[Clusters, Clusters]) -> float:
    """Return the degrees of freedom of CR2's variance if visitors were alike and independent.

    It is then a sum of squares of correlated normals, with the covariances below: within an arm alone, as the residuals
    of an arm sum to 0. Twice the squared mean of that sum over its variance (Bell and McCaffrey 2002, section 4).
    """
    total, squares = 0.0, 0.0
    for arm in arms:
        visitors, leverage = arm.sizes.sum(), _leverage(arm)
        own = leverage / visitors
        shared = leverage**2 / (1 - leverage)
        total += float(own.sum())
        squares += float(np.sum(own**2) + (shared.sum() ** 2 - np.sum(shared**2)) / visitors**2)
    return total**2 / squares


@dataclass(frozen=True, eq=False)
class _Tally:
    """Distinct values, increasing, and how many visitors have each."""

    values: Floats
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, values: ArrayLike, counts: ArrayLike | None) -> "_Tally":
        each = np.asarray(values, dtype=float)
        rows = np.ones(each.shape, dtype=np.int64) if counts is None else np.asarray(counts)
        if each.ndim != 1 or each.shape != rows.shape:
            raise DataError(f"{rows.size} counts for {each.size} values. Give one of each, in two lists.")
        if not np.all(rows >= 0) or not np.all(rows == np.floor(rows)):
            raise DataError("A count of visitors is negative or no whole number. Give how many have each value.")
        if not rows.sum() > 0:
            raise DataError("An arm has no visitors, so there is nothing to compare. Give arms of 1 visitor or more.")
        if not np.all(np.isfinite(each)):
            raise DataError("A value is missing or infinite. Give one a visitor, 0 where there is nothing to count.")
        distinct, place = np.unique(each, return_inverse=True)
        visitors = np.bincount(place, rows, len(distinct)).astype(np.int64)
        return cls(distinct[visitors > 0], visitors[visitors > 0])

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        return float(self.values @ self.counts / self.n)

    def resampled_means(self, generator: np.random.Generator, resamples: int) -> Floats:
        means = np.empty(resamples)
        at_once = max(1, _CELLS_AT_ONCE // len(self.values))
        for start in range(0, resamples, at_once):
            size = min(at_once, resamples - start)
            drawn = generator.multinomial(self.n, self.counts / self.n, size=size)
            means[start : start + size] = drawn @ self.values / self.n
        return means

    def influences(self) -> Floats:
        """Return what a visitor of each value adds to the error of the mean."""
        return (self.values - self.mean) / self.n


def _corrected(z: Floats, differences: Floats, value: float, arms: tuple[_Tally, _Tally]) -> Floats:
    """Return z moved for the bias of the resampled differences and for the skewness of the values: Efron's BCa."""
    from scipy.special import ndtri

    below = (np.mean(differences < value) + np.mean(differences <= value)) / 2
    bias = float(ndtri(np.clip(below, 0.5 / len(differences), 1 - 0.5 / len(differences))))
    treatment, control = arms
    cubes = treatment.influences() ** 3 @ treatment.counts - control.influences() ** 3 @ control.counts
    squares = treatment.influences() ** 2 @ treatment.counts + control.influences() ** 2 @ control.counts
    skewness = float(cubes / (6 * squares**1.5))
    return bias + (bias + z) / (1 - skewness * (bias + z))
