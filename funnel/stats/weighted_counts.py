"""A sum of counts that weigh differently: how many signatures to expect, of trees of different sizes."""

import math

import numpy as np
from numpy.typing import ArrayLike

from funnel.errors import DataError
from funnel.stats.proportions import Estimate, normal_quantile


def weighted_count(
    weights_sum: ArrayLike, weights_squared_sum: ArrayLike, largest: ArrayLike, *, level: float = 0.95
) -> Estimate:
    """Return a sum of weights with the interval of what it would be on average, each weight being one Poisson count.

    `weights_sum` and `weights_squared_sum` are over what was counted: of trees, their sizes and squared sizes.
    `largest` is the weight that one more count may have, above 0: the upper end allows for one more of it. Numbers give
    numbers, arrays give arrays (broadcast). Where nothing was counted the low end is 0 and the high end that of a count
    of 0, times `largest`. With weights of 1 these are Garwood's exact ends for a Poisson count (1936, Biometrika
    28:437).

    Fay and Feuer 1997, Stat Med 16:791, eq. 5 and 6: gamma laws that agree with the sum and its variance, which is the
    sum of squares. Agrees with `ageadjust.direct` of R's epitools. It holds the level for weights known beforehand;
    where sizes are drawn too, as those of trees are, it is near it, and too narrow while few and uneven ones are seen.

    >>> trees = weighted_count(1 + 1 + 4, 1 + 1 + 16, 4)
    >>> f"{trees.value:.0f} {trees.low:.2f} {trees.high:.2f}"
    '6 0.73 24.25'
    """
    from scipy.special import gammaincinv

    outside = math.erfc(normal_quantile(level) / math.sqrt(2)) / 2
    given = (np.asarray(each, dtype=float) for each in (weights_sum, weights_squared_sum, largest))
    total, squares, most = np.broadcast_arrays(*given)
    if not np.all(np.isfinite(total) & np.isfinite(squares) & (total >= 0) & ((squares > 0) == (total > 0))):
        raise DataError("A sum of weights is negative or missing. Give the sum of the weights and of their squares.")
    if not np.all((most > 0) & np.isfinite(most)):
        raise DataError("The largest weight is not above 0. Give the most that one more count may weigh.")
    some = total > 0
    scale = np.divide(squares, total, out=np.ones(total.shape), where=some)
    low = np.where(some, gammaincinv(np.where(some, total / scale, 1.0), outside) * scale, 0.0)
    scale = (squares + most**2) / (total + most)
    high = gammaincinv((total + most) / scale, 1 - outside) * scale
    if total.ndim == 0:
        return Estimate(float(total), float(low), float(high))
    return Estimate(np.array(total), low, np.asarray(high))
