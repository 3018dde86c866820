"""Counts by day, interrupted by an event: what they would have been without it, from the days before (and after) it."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError
from funnel.stats.proportions import Estimate, normal_quantile

Floats = NDArray[np.float64]
Effect = Literal["level", "slope", "free"]


@dataclass(frozen=True, eq=False)
class Interruption:
    """A series with and without its interruption; arrays have one entry a day.

    `counterfactual` is the count of each day had nothing happened, with the interval in which that day's count would
    have been; `fitted` the mean count as things were. `excess` is what was counted less the counterfactual,
    `cumulative` its sum over the days of the effect (missing days left out) with the interval of the sum.
    `level_change` and `slope_change` are ratios: of the first day of the effect to that day without it, and of each
    further day's growth to growth without it; NaN where the effect is not of that shape. `p` is two-sided, of no excess
    ("free") or of a ratio of 1 for every parameter of the effect. `coefficients` and `standard_errors` are of the log
    of the mean, `names` says which; `dispersion` is the variance of counts over their mean, on `degrees_of_freedom`.
    `autocorrelation` is that of residuals from one day to the next: far from 0, give `lags`.
    """

    counterfactual: Estimate
    fitted: Floats
    excess: Estimate
    cumulative: Estimate
    level_change: Estimate
    slope_change: Estimate
    p: float
    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    dispersion: float
    degrees_of_freedom: int
    autocorrelation: float


def interrupted_series(
    counts: ArrayLike,
    *,
    first: int,
    last: int | None = None,
    effect: Effect = "free",
    trend: bool = True,
    weekdays: ArrayLike | None = None,
    regressors: ArrayLike | None = None,
    exposure: ArrayLike | None = None,
    lags: int = 0,
    level: float = 0.95,
) -> Interruption:
    """Return what the days `first` to `last` (both included; to the end, if not given) have above their series.

    Days are positions from 0 on. `counts` is one number a day, NaN for a day that was not seen whole. Any step of time
    will do for days. `effect` says what is fitted from `first` to `last`: a "level" (the mean is multiplied), a "slope"
    (and grows or falls from there), or "free" (each day its own: those days tell nothing about the others, so an effect
    of any shape leaves the counterfactual alone). `trend` is exponential growth through the series. `weekdays` is a
    whole number a day, each value a level of its own. `regressors` has a row a day: holidays as 0 and 1, harmonics, the
    log of a control series that the event cannot have touched. `exposure` multiplies the mean.

    Quasi-Poisson regression with a log link, dispersion Pearson's (Wedderburn 1974, Biometrika 61:439; Lopez Bernal,
    Cummins and Gasparrini 2017, Int J Epidemiol 46:348), as R's `glm(family = quasipoisson)`. With `lags` of 1 or more
    standard errors are Newey and West's (1987, Econometrica 55:703), as sandwich's
    `NeweyWest(lag, prewhite = FALSE, adjust = FALSE)`, and the noise of a sum is widened by the residuals' correlations
    up to there, with the same weights.

    The variance of a counterfactual adds that of its estimated mean (delta method) and the noise of a count, dispersion
    times mean; its interval is that of a negative binomial count of this mean and variance, widened as t on the degrees
    of freedom is wider than the normal.
    """
    normal_quantile(level)
    seen, during, offset = _checked_days(counts, first, last, exposure)
    if effect not in get_args(Effect):
        raise DefinitionError(f"effect={effect!r} is not known. Write 'level', 'slope' or 'free'.")
    if not (lags >= 0 and float(lags).is_integer()):
        raise DefinitionError(f"lags={lags} is no number of days. Give 0, 1, 2 or more.")
    columns = _usual_columns(len(seen), trend=trend, weekdays=weekdays, regressors=regressors)
    touched = _effect_columns(during, effect, first)
    fit = _fit(seen, columns | touched, offset, np.isfinite(seen) & ~(during & (effect == "free")), lags=lags)
    return _interruption(seen, during, offset, fit, columns | touched, effect=effect, lags=lags, level=level)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Coefficients, their covariance, the dispersion on its degrees of freedom, and Pearson residuals in order."""

    coefficients: Floats
    covariance: Floats
    dispersion: float
    freedom: int
    residuals: Floats


def _fit(seen: Floats, columns: dict[str, Floats], offset: Floats, used: NDArray[np.bool_], *, lags: int) -> _Fit:
    import warnings

    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    design = np.column_stack(list(columns.values()))[used]
    freedom = len(design) - design.shape[1]
    if freedom < 1:
        raise DataError(
            f"{len(design)} days are left to fit {design.shape[1]} parameters. "
            "Give more days, or fewer parameters: trend=False, no weekdays, fewer regressors."
        )
    if not seen[used].any():
        raise DataError("No day but those of the event has any count, so there is no level to go on. Give other days.")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError(
            f"The days that are left cannot tell these apart: {', '.join(columns)}. "
            "Leave one out, or give days on which they differ."
        )
    options = {"maxlags": int(lags), "use_correction": False} if lags else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = GLM(seen[used], design, family=Poisson(), offset=offset[used]).fit(
            scale="X2",
            cov_type="HAC" if lags else "nonrobust",
            cov_kwds=options,
            tol_criterion="params",
            tol=1e-10,
        )
    errors = np.sqrt(np.diag(found.cov_params()))
    if not (found.converged and np.all(np.isfinite(errors)) and np.all(errors < 100)):
        raise DataError(
            f"A parameter has no finite value: all days of some value of {', '.join(columns)} have no count. "
            "Leave it out, or give more days."
        )
    return _Fit(
        np.asarray(found.params), np.asarray(found.cov_params()), float(found.scale), freedom, found.resid_pearson
    )


def _interruption(
    seen: Floats,
    during: NDArray[np.bool_],
    offset: Floats,
    fit: _Fit,
    columns: dict[str, Floats],
    *,
    effect: Effect,
    lags: int,
    level: float,
) -> Interruption:
    from scipy.stats import t as student

    reach = float(student.ppf((1 + level) / 2, fit.freedom))
    names = list(columns)
    design = np.column_stack(list(columns.values()))
    effects = np.array([name in ("level", "slope") for name in names])
    without = np.where(effects, 0.0, design)
    usual = np.exp(without @ fit.coefficients + offset)
    variance = usual**2 * np.einsum("ij,jk,ik->i", without, fit.covariance, without) + fit.dispersion * usual
    low, high = _likely(usual, variance, reach=reach, level=level)
    counted = during & np.isfinite(seen)
    observed, total = float(seen[counted].sum()), usual[counted].sum()
    slope = usual[counted] @ without[counted]
    spread = slope @ fit.covariance @ slope + fit.dispersion * total * _long_run(fit.residuals, lags)
    least, most = _likely(total, spread, reach=reach, level=level)
    return Interruption(
        counterfactual=Estimate(usual, low, high),
        fitted=np.where(during & (effect == "free"), seen, np.exp(design @ fit.coefficients + offset)),
        excess=Estimate(seen - usual, seen - high, seen - low),
        cumulative=Estimate(observed - float(total), observed - float(most), observed - float(least)),
        level_change=_ratio(fit, names, "level", reach),
        slope_change=_ratio(fit, names, "slope", reach),
        p=_p(fit, effects)
        if effects.any()
        else 2 * float(student.sf(abs(observed - total) / math.sqrt(spread), fit.freedom)),
        names=tuple(names),
        coefficients=fit.coefficients,
        standard_errors=np.sqrt(np.diag(fit.covariance)),
        dispersion=fit.dispersion,
        degrees_of_freedom=fit.freedom,
        autocorrelation=_autocorrelation(fit.residuals, 1),
    )


def _likely(mean: Floats, variance: Floats, *, reach: float, level: float) -> tuple[Floats, Floats]:
    """Return the ends between which a count of this mean and variance lies: those of a negative binomial.

    Its variance is stretched by how much further t reaches than the normal; one that is no more than Poisson's is
    Poisson's.
    """
    from scipy.stats import nbinom

    stretched = np.maximum(variance * (reach / normal_quantile(level)) ** 2, mean * (1 + 1e-6))
    size = mean**2 / (stretched - mean)
    tails = ((1 - level) / 2, (1 + level) / 2)
    low, high = (nbinom.ppf(tail, size, mean / stretched) for tail in tails)
    return np.asarray(low), np.asarray(high)


def _ratio(fit: _Fit, names: list[str], name: str, reach: float) -> Estimate:
    if name not in names:
        return Estimate(math.nan, math.nan, math.nan)
    place = names.index(name)
    value, error = float(fit.coefficients[place]), math.sqrt(fit.covariance[place, place])
    return Estimate(math.exp(value), math.exp(value - reach * error), math.exp(value + reach * error))


def _p(fit: _Fit, effects: NDArray[np.bool_]) -> float:
    """Return the p-value of Wald's F test that the parameters of the effect are all 0."""
    from scipy.stats import f

    values, covariance = fit.coefficients[effects], fit.covariance[np.ix_(effects, effects)]
    return float(f.sf(values @ np.linalg.solve(covariance, values) / len(values), len(values), fit.freedom))


def _long_run(residuals: Floats, lags: int) -> float:
    """Return how much the residuals' correlations add to the variance of a sum: Bartlett's weights, at least 1."""
    weights = [1 - lag / (lags + 1) for lag in range(1, lags + 1)]
    pairs = enumerate(weights, start=1)
    return max(1 + 2 * sum(weight * _autocorrelation(residuals, lag) for lag, weight in pairs), 1.0)


def _autocorrelation(residuals: Floats, lag: int) -> float:
    return float((residuals[lag:] * residuals[:-lag]).sum() / (residuals**2).sum()) if residuals.any() else 0.0


def _usual_columns(
    days: int, *, trend: bool, weekdays: ArrayLike | None, regressors: ArrayLike | None
) -> dict[str, Floats]:
    """Return the columns of a series without interruption, by name."""
    columns = {"intercept": np.ones(days)}
    if trend:
        columns["trend"] = np.arange(days, dtype=float)
    if weekdays is not None:
        day = np.asarray(weekdays)
        if day.shape != (days,):
            raise DataError(f"{day.size} weekdays for {days} days. Give one a day.")
        columns |= {f"weekday {value}": (day == value).astype(float) for value in np.unique(day)[1:]}
    if regressors is not None:
        table = np.asarray(regressors, dtype=float)
        table = table[:, None] if table.ndim == 1 else table
        if table.shape[:1] != (days,) or not np.all(np.isfinite(table)):
            raise DataError(
                f"The regressors have {len(table)} rows for {days} days, or a value is missing. "
                "Give one row a day, days of the event too, every value a number."
            )
        columns |= {f"regressor {place}": column for place, column in enumerate(table.T)}
    return columns


def _effect_columns(during: NDArray[np.bool_], effect: Effect, first: int) -> dict[str, Floats]:
    since = np.maximum(np.arange(len(during)) - first, 0.0)
    columns = {"level": during.astype(float), "slope": np.where(during, since, 0.0)}
    wanted: dict[Effect, list[str]] = {"level": ["level"], "slope": ["level", "slope"], "free": []}
    return {name: columns[name] for name in wanted[effect]}


def _checked_days(
    counts: ArrayLike, first: int, last: int | None, exposure: ArrayLike | None
) -> tuple[Floats, NDArray[np.bool_], Floats]:
    seen = np.asarray(counts, dtype=float)
    if seen.ndim != 1 or np.any(seen < 0) or np.any(np.isinf(seen)):
        raise DataError("A day's count is negative or infinite. Give 0 or more, and NaN where a day is missing.")
    end = len(seen) - 1 if last is None else last
    if not 0 < first <= end < len(seen):
        raise DefinitionError(
            f"first={first} and last={last} are no days of an effect in {len(seen)} days. "
            "The first day has none before it; give positions from 1 on, first before last."
        )
    days = np.arange(len(seen))
    during = (days >= first) & (days <= end)
    if not np.isfinite(seen[during]).any():
        raise DataError("Every day of the effect is missing, so it has no excess. Give days that were seen whole.")
    size = np.ones(len(seen)) if exposure is None else np.asarray(exposure, dtype=float)
    if size.shape != seen.shape or not np.all((size > 0) & np.isfinite(size)):
        raise DataError(f"{size.size} exposures for {len(seen)} days, or one is not above 0. Give one above 0 a day.")
    return seen, during, np.log(size)
