"""Trees of referrals as branching processes: who brings how many, how large a tree grows, whether it dies out.

`r` is the mean number of signatures one signer brings directly; `k` is how unevenly that is spread: the number is
negative binomial with variance r + r**2 / k, so a small k means that few bring most, and `math.inf` is Poisson.
Signers bring independently of each other and of their generation. What is fitted to a campaign's own signatures is in
`offspring` and `reproduction`, and found here too.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError
from funnel.stats.offspring import Lorenz, OffspringFit, check_share, fit_offspring, lorenz
from funnel.stats.reproduction import (
    CorrectedMean,
    ReproductionNumber,
    corrected_mean,
    discretised_interval,
    reproduction_number,
)

__all__ = [
    "CorrectedMean",
    "Lorenz",
    "OffspringFit",
    "ReproductionNumber",
    "chain_size_pmf",
    "concentration",
    "corrected_mean",
    "discretised_interval",
    "expected_total",
    "extinction_probability",
    "fit_offspring",
    "lorenz",
    "reproduction_number",
    "structural_virality",
]

Floats = NDArray[np.float64]

# A search for how many one signer brings ends there at the latest.
_MOST = 2**40


def extinction_probability(r: float, k: float, *, seeds: int = 1) -> float:
    """Return the chance that the trees of `seeds` signers, who arrived without a share link, all die out.

    The smallest q with q = g(q), where g(q) = (1 + r (1 - q) / k)**-k, or exp(-r (1 - q)) for k = inf, to the power of
    `seeds`. 1 where r is 1 or less, and with 0 seeds.

    Lloyd-Smith, Schreiber, Kopp and Getz 2005, Nature 438:355; as `probability_extinct` of R's superspreading.
    Poisson: 1 + W(-r exp(-r)) / r with Lambert's W is the chance to go on.

    >>> f"{extinction_probability(1.5, 0.5):.4f} {extinction_probability(1.5, 0.5, seeds=10):.4f}"
    '0.7676 0.0710'
    """
    _check_law(r, k)
    if not (seeds >= 0 and float(seeds).is_integer()):
        raise DefinitionError(f"seeds={seeds} is no number of signers. Give 0, 1, 2 or more.")
    return math.exp(-seeds * _extinction_exponent(r, k)) if r > 1 else 1.0


def chain_size_pmf(sizes: ArrayLike, r: float, k: float) -> Floats:
    """Return the chance that the tree of one seed ends with each of these sizes, the seed counted: 1, 2, 3 ...

    One chance for each size, in the shape given. Over all sizes they sum to 1 where r is 1 or less, else to
    `extinction_probability(r, k)`: the other trees never end. With r = 0 every tree is its seed alone.

    Blumberg and Lloyd-Smith 2013, PLoS Comput Biol 9:e1002993, equation 5; k = inf is Borel's distribution. As
    `nbinom_size_ll` and `pois_size_ll` of R's epichains.

    >>> [f"{chance:.4f}" for chance in chain_size_pmf([1, 2, 3], 0.5, 0.2)]
    ['0.7784', '0.0866', '0.0385']
    """
    from scipy.special import betaln, gammaln, xlogy

    _check_law(r, k)
    size = np.asarray(sizes, dtype=float)
    if not np.all((size >= 1) & (size == np.floor(size)) & np.isfinite(size)):
        raise DataError("A size is no whole number of 1 or more. Give the signatures of a tree, its seed among them.")
    if math.isinf(k):
        return np.asarray(np.exp(xlogy(size - 1, r * size) - r * size - gammaln(size + 1)))
    # The formula's gamma functions as one beta function: apart, they would cancel to nothing where k is large.
    grown = np.maximum(size, 2)
    ways = np.where(size > 1, -np.log(grown * (grown - 1)) - betaln(k * grown, grown - 1), 0.0)
    return np.asarray(np.exp(ways + xlogy(size - 1, r / k) - (k * size + size - 1) * math.log1p(r / k)))


def expected_total(r: float, *, seeds: float = 1) -> float:
    """Return how many signatures `seeds` signers lead to in the end, themselves counted: seeds / (1 - r).

    Infinite where r is 1 or more, unless there are no seeds: 0. The same for every k (Harris 1963, The Theory of
    Branching Processes, ch. I).
    """
    _check_law(r, math.inf)
    if not 0 <= seeds < math.inf:
        raise DefinitionError(f"seeds={seeds} is no number of signers. Give 0, 1, 2 or more.")
    if seeds == 0:
        return 0.0
    return seeds / (1 - r) if r < 1 else math.inf


def concentration(r: float, k: float, *, share: float = 0.8) -> float:
    """Return the smallest share of signers who bring `share` of the referred signatures, under the law of r and k.

    From 0 to 1. Those who bring as many are counted in part, as many of them as it takes. NaN for r = 0.

    Endo, Abbott, Kucharski and Funk 2020, Wellcome Open Res 5:67; as `proportion_transmission` (method "p_80") of R's
    superspreading. What was observed: `lorenz(counts).concentration(share)`.

    >>> f"{concentration(2, 0.2):.4f} {concentration(2, math.inf):.4f}"
    '0.1556 0.5293'
    """
    _check_law(r, k)
    check_share(share)
    if r == 0:
        return math.nan

    def brought(least: int) -> float:
        # The number a signature's referrer brought besides it: negative binomial of k + 1, or Poisson again.
        return _at_least(least - 1, r, k, size_biased=True)

    above = 2
    while brought(above) >= share and above < _MOST:
        above *= 2
    least = above // 2
    while above - least > 1:
        middle = (least + above) // 2
        least, above = (middle, above) if brought(middle) >= share else (least, middle)
    in_part = (share - brought(above)) / (brought(least) - brought(above))
    more = _at_least(above, r, k)
    return more + in_part * (_at_least(least, r, k) - more)


def structural_virality(parents: Sequence[int | None]) -> float:
    """Return the mean distance between two signatures of one tree, counted in referrals.

    Near 2 if one signer brought all, long if each brought the next. `parents[i]` is the position of the signature whose
    link brought signature i, None for the one root; any order. A star of n has 2 - 2 / n, a chain (n + 1) / 3. NaN for
    a tree of one, which has no pair. Linear in n: each link lies between s (n - s) pairs, s being the size of the tree
    below it (the Wiener index of a tree).

    Goel, Anderson, Hofman and Watts 2016, Management Science 62:180, equation 1.

    >>> structural_virality([None, 0, 0, 1])
    1.6666666666666667
    """
    n = len(parents)
    waiting = _children(parents)
    sizes = [1] * n
    leaves = [position for position, children in enumerate(waiting) if children == 0]
    seen = distance = 0
    while leaves:
        position = leaves.pop()
        seen += 1
        parent, size = parents[position], sizes[position]
        if parent is None:
            continue
        distance += size * (n - size)
        sizes[parent] += size
        waiting[parent] -= 1
        if waiting[parent] == 0:
            leaves.append(parent)
    if seen < n:
        raise DataError(f"{n - seen} of {n} signatures are in a circle of referrals. Break the circle first.")
    return 2 * distance / (n * (n - 1)) if n > 1 else math.nan


def _children(parents: Sequence[int | None]) -> list[int]:
    """Return how many children each position has, once there is one root and every parent is a position."""
    n = len(parents)
    roots = sum(parent is None for parent in parents)
    if roots != 1:
        raise DataError(f"A tree has one root; this one of {n} signatures has {roots}. Give None for the root alone.")
    children = [0] * n
    for parent in parents:
        if parent is None:
            continue
        if not isinstance(parent, int | np.integer) or not 0 <= parent < n:
            raise DataError(f"The parent {parent!r} is no position in this tree. Give positions from 0 to {n - 1}.")
        children[parent] += 1
    return children


def _extinction_exponent(r: float, k: float) -> float:
    """Return x = -log(q) for the q of `extinction_probability`, r above 1.

    In x the equation is x = k log(1 + r (1 - exp(-x)) / k), whose right side is concave: Newton's steps from above
    only ever fall, and stop when rounding stops them.
    """
    x = math.inf
    below = r if math.isinf(k) else k * math.log1p(r / k)
    while 0 < below < x:
        x = below
        going_on = -math.expm1(-x)
        value = r * going_on if math.isinf(k) else k * math.log1p(r * going_on / k)
        slope = r * math.exp(-x) / (1 + r * going_on / k)
        below = x - (x - value) / (1 - slope) if slope < 1 else 0.0
    return x


def _at_least(least: int, r: float, k: float, *, size_biased: bool = False) -> float:
    """Return the chance of `least` or more, the law being that of one signer or, size-biased, of one referred."""
    from scipy.special import betainc, gammainc

    if least == 0:
        return 1.0
    if math.isinf(k):
        return float(gammainc(least, r))
    return float(betainc(least, k + size_biased, r / (r + k)))


def _check_law(r: float, k: float) -> None:
    if not 0 <= r < math.inf:
        raise DefinitionError(f"r={r} is no mean number of referred signatures. Give a number of 0 or more.")
    if not k > 0:
        raise DefinitionError(f"k={k} is no dispersion. Give a number above 0, or math.inf for Poisson.")
