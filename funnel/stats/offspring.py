"""How many signatures each signer brought: a negative binomial fitted to the counts, and who brought what share."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError
from funnel.stats.proportions import normal_quantile

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# Counts up to that many enter the likelihood term by term, exact for any k; what is above, by log-gamma functions.
_TERM_BY_TERM = 4_096
# A k above 1e12 is Poisson, and no logarithm of a mean or a k is looked for beyond 60: exp(60) is 1e26.
_SMALLEST, _FARTHEST = 1e-12, 60.0


@dataclass(frozen=True)
class OffspringFit:
    """How many signatures signers bring, as a negative binomial fitted to them, with profile-likelihood intervals.

    `mean` a signer, and `k` (infinite where the counts vary no more than Poisson's). `level` is that of both intervals.
    """

    mean: float
    mean_low: float
    mean_high: float
    k: float
    k_low: float
    k_high: float
    signers: int
    log_likelihood: float
    level: float


@dataclass(frozen=True, eq=False)
class Lorenz:
    """Who brings what, from those who bring most: the first `signers[i]` of signers brought `signatures[i]` of all.

    Both are shares that increase from 0 to 1, one point for each number of signatures that somebody brought. Among
    signers who brought as many, the curve is straight.
    """

    signers: Floats
    signatures: Floats

    def concentration(self, share: float) -> float:
        """Return the smallest share of signers who brought this share of the referred signatures."""
        check_share(share)
        if math.isnan(self.signatures[-1]):
            return math.nan
        bringing = int(np.argmax(self.signatures == 1)) + 1
        return float(np.interp(share, self.signatures[:bringing], self.signers[:bringing]))


def fit_offspring(counts: ArrayLike, signers: ArrayLike | None = None, *, level: float = 0.95) -> OffspringFit:
    """Return mean and k of the signatures each signer brought, by maximum likelihood.

    `counts` is one number a signer; or, with `signers`, each number once and how many signers brought that many.
    Zeros count: a signer who brought nobody is a signer. Both intervals are profile likelihoods against chi-squared on
    1 degree of freedom, so they need not be symmetric, and `k_high` is infinite where Poisson cannot be ruled out.
    Where nobody brought anybody nothing is known of k (NaN, from 0 to infinity), and `mean_high` is Poisson's.

    Signers whose friends have not had time yet bias the mean downwards: see `corrected_mean`.

    The mean is the average, whatever k; k exists and is unique where the variance (dividing by n) is above the mean
    (Levin and Reeds 1977, Ann Stat 5:79), else it is infinite. Estimates as R's `MASS::fitdistr` and statsmodels'
    `NegativeBinomial`; Lloyd-Smith 2007, PLoS ONE 2:e180, on small samples: k is overestimated there.

    >>> fit = fit_offspring([0, 1, 2, 3, 10], [70, 15, 8, 5, 2])
    >>> f"{fit.mean:.2f} {fit.k:.2f} {fit.k_low:.2f} {fit.k_high:.2f}"
    '0.66 0.31 0.17 0.58'
    """
    likelihood = _Likelihood.of(*_checked_counts(counts, signers))
    drop = normal_quantile(level) ** 2 / 2
    mean = likelihood.total / likelihood.signers
    if mean == 0:
        high = drop / likelihood.signers
        return OffspringFit(0.0, 0.0, high, math.nan, 0.0, math.inf, likelihood.signers, 0.0, level)

    spread, best = likelihood.profile(mean)

    def in_k(logarithm: float) -> float:
        return likelihood.at(mean, math.exp(-logarithm)) - best + drop

    def in_mean(logarithm: float) -> float:
        return likelihood.profile(math.exp(logarithm))[1] - best + drop

    log_k = -math.log(max(spread, _SMALLEST))
    k_low = _end(in_k, log_k, step=-1.0)
    k_high = _end(in_k, log_k, step=1.0) if likelihood.at(mean, 0.0) < best - drop else math.inf
    low, high = _end(in_mean, math.log(mean), step=-0.5), _end(in_mean, math.log(mean), step=0.5)
    k = 1 / spread if spread > 0 else math.inf
    return OffspringFit(mean, low, high, k, k_low, k_high, likelihood.signers, best, level)


def lorenz(counts: ArrayLike, signers: ArrayLike | None = None) -> Lorenz:
    """Return which share of signers brought which share of the referred signatures, from those who brought most.

    `counts` and `signers` as in `fit_offspring`. Where nobody brought anybody, `signatures` is NaN past the first.

    >>> lorenz([0, 0, 0, 0, 1, 1, 2, 4]).concentration(0.75)
    0.25
    """
    values, rows = _checked_counts(counts, signers)
    order = np.argsort(-values, kind="stable")
    people, brought = rows[order].cumsum(), (values * rows)[order].cumsum()
    with np.errstate(invalid="ignore"):
        shares = people / people[-1], brought / brought[-1]
    return Lorenz(*(np.concatenate([[0.0], each]) for each in shares))


@dataclass(frozen=True, eq=False)
class _Likelihood:
    """The negative binomial likelihood of counts, in their mean and `spread` = 1 / k (0 is Poisson)."""

    signers: int
    total: int
    more: Counts  # how many signers brought more than 0, 1, 2 ...
    large: Counts
    large_rows: Counts
    constant: float

    @classmethod
    def of(cls, values: Counts, rows: Counts) -> "_Likelihood":
        from scipy.special import gammaln

        most = min(int(values.max()), _TERM_BY_TERM)
        more = np.bincount(np.minimum(values, most), rows, most + 1).astype(np.int64)[::-1].cumsum()[::-1][1:]
        large = values > _TERM_BY_TERM
        constant = -float(rows @ gammaln(values + 1.0))
        return cls(int(rows.sum()), int(values @ rows), more, values[large], rows[large], constant)

    def at(self, mean: float, spread: float) -> float:
        from scipy.special import gammaln

        if spread == 0:
            return self.constant + self.total * math.log(mean) - self.signers * mean
        rising = float(self.more @ np.log1p(spread * np.arange(len(self.more))))
        if len(self.large):
            k = 1 / spread
            steps = gammaln(self.large + k) - gammaln(_TERM_BY_TERM + k) - (self.large - _TERM_BY_TERM) * math.log(k)
            rising += float(self.large_rows @ steps)
        shrinking = (self.total + self.signers / spread) * math.log1p(spread * mean)
        return self.constant + rising + self.total * math.log(mean) - shrinking

    def profile(self, mean: float) -> tuple[float, float]:
        """Return the spread that makes the counts likeliest at this mean, and their log-likelihood there."""
        from scipy.optimize import minimize_scalar

        def unlikely(logarithm: float) -> float:
            return -self.at(mean, math.exp(logarithm))

        grid = np.linspace(math.log(1e-6), math.log(1e6), 28)
        nearest = int(np.argmin([unlikely(each) for each in grid]))
        around = grid[max(nearest - 1, 0)], grid[min(nearest + 1, len(grid) - 1)]
        found = minimize_scalar(unlikely, bounds=around, method="bounded", options={"xatol": 1e-9})
        poisson = self.at(mean, 0.0)
        return (0.0, poisson) if poisson >= -found.fun else (math.exp(found.x), -float(found.fun))


def _end(function: Callable[[float], float], start: float, *, step: float) -> float:
    """Return where the function, of a logarithm, falls to 0 on that side: 0 or infinity if it is not in sight."""
    from scipy.optimize import brentq

    place = start
    while abs(place) < _FARTHEST:
        place, step = place + step, step * 1.5
        if function(place) < 0:
            return math.exp(brentq(function, start, place))
    return 0.0 if step < 0 else math.inf


def _checked_counts(counts: ArrayLike, signers: ArrayLike | None) -> tuple[Counts, Counts]:
    values = np.asarray(counts)
    rows = np.ones(values.shape, dtype=np.int64) if signers is None else np.asarray(signers)
    if values.ndim != 1 or values.shape != rows.shape:
        raise DataError(f"{values.size} counts for {rows.size} numbers of signers. Give one of each.")
    for each in (values, rows):
        if each.size and not (each.dtype.kind in "iuf" and np.all((each >= 0) & (each == np.floor(each)))):
            raise DataError("A count is negative, missing or no whole number. Give how many each signer brought.")
        if each.size and not np.all(np.isfinite(each)):
            raise DataError("A count is infinite. Give how many each signer brought.")
    if not rows.sum():
        raise DataError("There are no signers, so there is nothing to fit. Give the counts of 1 signer or more.")
    unique, place = np.unique(values.astype(np.int64), return_inverse=True)
    each_rows = np.bincount(place, rows).astype(np.int64)
    return unique[each_rows > 0], each_rows[each_rows > 0]


def check_share(share: float) -> None:
    """Refuse what is no share of the signatures, above 0 and up to 1."""
    if not 0 < share <= 1:
        raise DefinitionError(f"share={share} is no share of the signatures. Write share=0.8 for 80 %.")
