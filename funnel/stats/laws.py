"""Quantiles of counts by three laws, from the distribution functions of scipy.special.

`scipy.stats` has them too, and so many laws besides that importing it takes as long as a tenth of a whole report.
"""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def binomial_quantile(share: float, draws: ArrayLike, chance: ArrayLike) -> Floats:
    """Return the least count that `share` of all counts, above 0 and below 1, do not exceed: of draws with a chance.

    As R's `qbinom`, scipy's `binom.ppf`.
    """
    from scipy.special import bdtr

    of, each = np.asarray(draws, dtype=float), np.asarray(chance, dtype=float)
    whole = of.astype(np.int64)
    return _least(share, of * each, of * each * (1 - each), lambda count: bdtr(np.minimum(count, of), whole, each))


def negative_binomial_quantile(share: float, size: ArrayLike, chance: ArrayLike) -> Floats:
    """Return the least count of failures before the `size`-th success that `share` of all counts do not exceed.

    `size` need not be whole. As R's `qnbinom`, scipy's `nbinom.ppf`.
    """
    from scipy.special import betainc

    of, each = np.asarray(size, dtype=float), np.asarray(chance, dtype=float)
    mean = of * (1 - each) / each
    return _least(share, mean, mean / each, lambda count: betainc(of, count + 1, each))


def poisson_quantile(share: float, mean: ArrayLike) -> Floats:
    """Return the least count that `share` of all counts do not exceed. As R's `qpois`, scipy's `poisson.ppf`."""
    from scipy.special import gammaincc

    expected = np.asarray(mean, dtype=float)
    return _least(share, expected, expected, lambda count: gammaincc(count + 1, expected))


def _least(share: float, mean: Floats, variance: Floats, up_to: Callable[[Floats], Floats]) -> Floats:
    """Return the least whole numbers from 0 on up to which a law has the share, sought from the normal law's on."""
    near = mean + NormalDist().inv_cdf(share) * np.sqrt(variance)
    count = np.array(np.floor(np.maximum(near, 0.0)))
    while np.any(too_high := (count > 0) & (up_to(np.maximum(count - 1, 0.0)) >= share)):
        count -= too_high
    while np.any(too_low := up_to(count) < share):
        count += too_low
    return count
