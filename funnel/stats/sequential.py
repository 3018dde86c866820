"""Looking at an experiment before its end: boundaries for planned looks, an interval for looking at any time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError
from funnel.stats.proportions import Estimate
from funnel.stats.significance import Test

Floats = NDArray[np.float64]

_MOST_LOOKS = 100
_CLOSEST_LOOKS = 0.001
_MOST_PEEKS = 1_000
_MOST_SPENDING = NormalDist().inv_cdf(0.75)  # where alpha is 1
_FARTHEST_TESTED = 35.0
_FARTHEST = 12.0  # standard errors; a path is farther out less than once in 10^32


@dataclass(frozen=True, eq=False)
class Boundaries:
    """How far from 0 the difference must be at each look, one entry a look.

    `fractions` of the planned visitors seen by then; `critical`: stop for a difference when |z| reaches it (infinite
    where less than 1e-300 may be spent); `p`: the same as a two-sided p-value; `spent`: the false positive rate used
    up to and with this look, `alpha` in the end. `critical` times the standard error is also the half-width of the
    repeated confidence interval of that look (Jennison and Turnbull 1989, JRSS B 51:305).
    """

    fractions: Floats
    critical: Floats
    p: Floats
    spent: Floats
    alpha: float


def obrien_fleming(looks: int | Sequence[float] | Floats, *, alpha: float = 0.05) -> Boundaries:
    """Return the two-sided boundaries of planned looks that together keep the false positive rate at `alpha`.

    `looks` is a number of looks, equally spaced, or the fraction of the planned visitors at each look so far, which may
    differ from the plan: the boundary of a look depends on the looks before it and never on those to come. A last look
    beyond the plan (a fraction over 1) spends what is left. Each side spends 2 - 2 Phi(z / sqrt(t)), z the normal
    quantile of 1 - alpha / 4, up to the fraction t: very little early on, so that the last look costs little.

    Lan and DeMets 1983, Biometrika 70:659, after O'Brien and Fleming 1979, Biometrics 35:549; integrated look by look
    as in Armitage, McPherson and Rowe 1969, JRSS A 132:235. Agrees with R's rpact (`typeOfDesign = "asOF"`).

    >>> [round(float(z), 3) for z in obrien_fleming(4).critical]
    [4.333, 2.963, 2.359, 2.014]
    """
    from scipy.special import ndtr

    _check_alpha(alpha)
    fractions = _checked_fractions(looks)
    spent = _spent(NormalDist().inv_cdf(1 - alpha / 4), fractions)
    critical = _boundaries(fractions, np.diff(spent, prepend=0.0) / 2)
    return Boundaries(fractions, critical, 2 * ndtr(-critical), spent, alpha)


def repeated_p(z: float, fractions: int | Sequence[float] | Floats) -> float:
    """Return the p-value of the last of these planned looks: the smallest alpha at which `obrien_fleming` stops there.

    `fractions` are those of the looks so far, as in `obrien_fleming`; `z` is the difference over its standard error at
    the last. p is at most alpha exactly where |z| reaches the boundary of that look, so that p may go into `holm` with
    others; and the chance that it ever is at most alpha, at any of the looks, is at most alpha where there is no
    difference. It is 1 where |z| is below every boundary of that look: near 0, or up to 6 after a hundredth of the
    visitors. One look at the planned end or beyond has the fixed p-value. Beyond |z| = 35 p is that of 35, 1e-267.

    Jennison and Turnbull 2000, Group Sequential Methods, ch. 9. To a relative 1e-6.

    >>> f"{repeated_p(2.5, [0.5]):.4f} {repeated_p(2.5, [0.5, 1]):.4f}"
    '0.1060 0.0125'
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    looks = _checked_fractions(fractions)
    distance = min(abs(float(z)), _FARTHEST_TESTED)
    if not distance >= 0:
        raise DataError("z is missing. Give the difference divided by its standard error.")

    @cache
    def excess(quantile: float) -> float:
        return float(_boundaries(looks, np.diff(_spent(quantile, looks), prepend=0.0) / 2)[-1]) - distance

    # What a level has spent by a look is at least what lies beyond its boundary there: no smaller alpha can stop. Nor
    # can it be much smaller than the one sought, so that is looked for from there on.
    strictest = -math.sqrt(min(looks[-1], 1.0)) * float(ndtri(ndtr(-distance) / 2))
    reach = 0.02
    while strictest > _MOST_SPENDING and excess(strictest) > 0:
        easier = max(strictest - reach, _MOST_SPENDING)
        if excess(easier) <= 0:
            strictest = float(brentq(excess, easier, strictest, xtol=1e-8))
            break
        strictest, reach = easier, 4 * reach
    return min(float(4 * ndtr(-strictest)), 1.0)


def peeking(fractions: int | Sequence[float] | Floats, *, alpha: float = 0.05) -> float:
    """Return how often a test meant to be read once errs if it is read at each of these looks and stops at p < `alpha`.

    The false positive rate where there is no difference: `alpha` at one look, 0.14 at five for 0.05, and on towards 1.
    `fractions` is a number of looks, equally spaced, or how many visitors were in at each, in any unit: only their
    ratios matter. A look that adds less than a thousandth to the one before is passed over; it would add at most 0.002.

    Integrated as in `obrien_fleming`: Armitage, McPherson and Rowe 1969, JRSS A 132:235, whose table 2 it gives.

    >>> [round(peeking(looks), 3) for looks in (1, 2, 5, 10)]
    [0.05, 0.083, 0.142, 0.193]
    """
    _check_alpha(alpha)
    looks = _read_looks(fractions)
    fixed = np.full(len(looks), NormalDist().inv_cdf(1 - alpha / 2))
    return float(_crossed(looks, fixed, drift=0.0)[-1])


def crossing(boundaries: Boundaries, *, drift: float) -> Floats:
    """Return how likely an experiment has crossed its boundary, on either side, by each look.

    `drift` is the true difference divided by the standard error of the planned end: 0 gives `spent`, and 2.80 gives the
    fixed test a power of 80 %. Integrated as in `obrien_fleming`.
    """
    return _crossed(boundaries.fractions, boundaries.critical, drift=drift)


def confidence_sequence(
    difference: ArrayLike, standard_error: ArrayLike, n: ArrayLike, *, planned: float, level: float = 0.95
) -> Estimate:
    """Return an interval for the difference that holds at every look at once, however often and whenever one looks.

    Numbers for one look, or arrays for many. `n` counts the visitors of both arms so far and `planned` those of both
    arms at the planned end, where the interval is tuned to be narrowest beside the fixed one: 1.55 times as wide there,
    far wider in the first days. `standard_error` is of the difference, unpooled. Without visitors or with a standard
    error of 0 (nobody has converted yet, or everybody) the spread is unknown: the interval is unbounded. It is
    asymptotic: it rests on the normal approximation of the difference, from the first look on.

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021, arXiv 2103.06476, eq. 9, tuned by their eq. for rho with
    `planned` visitors. Agrees with GrowthBook's gbstats 0.8.0.
    """
    values, errors, sizes = _checked_looks(difference, standard_error, n)
    information = _tuning(planned, level) * sizes
    known = (errors > 0) & (sizes > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        widths = np.sqrt((1 + 1 / information) * (np.log1p(information) - 2 * math.log(1 - level)))
        half_width = np.where(known, errors * widths, np.inf)
    low, high = values - half_width, values + half_width
    if values.ndim == 0:
        return Estimate(float(values), float(low), float(high))
    return Estimate(values, low, high)


def confidence_sequence_test(
    difference: float, standard_error: float, n: float, *, planned: float, level: float = 0.95
) -> Test:
    """Test for no difference at any look: the p-value that goes with `confidence_sequence`, with the same arguments.

    p is below 1 - `level` exactly when the interval of this look leaves 0 out, and the chance that it ever is, at any
    look, is at most 1 - `level` where there is no difference. `statistic` is the logarithm of the evidence against no
    difference (the mixture likelihood ratio, or e-value); p is one over it, at most 1; 1 where the spread is unknown.

    Waudby-Smith et al. 2021, arXiv 2103.06476v7, eq. 155. Agrees with GrowthBook's gbstats 0.8.0.
    """
    value, error, size = (float(each) for each in _checked_looks(difference, standard_error, n))
    information = _tuning(planned, level) * size
    if error == 0 or size == 0:
        return Test(0.0, 1.0)
    evidence = (value / error) ** 2 * information / (2 * (1 + information)) - math.log1p(information) / 2
    return Test(evidence, math.exp(-max(evidence, 0.0)))


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise DefinitionError(f"alpha={alpha} is no share between 0 and 1. Write alpha=0.05 for 5 %.")


def _spent(quantile: float, fractions: Floats) -> Floats:
    """Return the false positive rate used up to each look, where alpha / 4 lies beyond this normal quantile."""
    from scipy.special import ndtr

    return 4 * ndtr(-quantile / np.sqrt(np.minimum(fractions, 1)))


def _read_looks(fractions: int | Sequence[float] | Floats) -> Floats:
    """Return the looks of a test that was not to be looked at, as shares of the last one, those apart that matter."""
    if isinstance(fractions, int | np.integer):
        looks = np.arange(1.0, fractions + 1)
    else:
        looks = np.asarray(fractions, dtype=float)
    increasing = looks.ndim == 1 and bool(np.all(np.diff(looks, prepend=0.0) > 0) and np.all(np.isfinite(looks)))
    if not (increasing and 1 <= len(looks) <= _MOST_PEEKS):
        raise DefinitionError(
            f"These are no looks at an experiment. Give 1 to {_MOST_PEEKS} numbers of visitors that increase, the "
            "first above 0, or how many looks there were."
        )
    kept = [looks[0]]
    for look in looks[1:]:
        if look >= kept[-1] * (1 + _CLOSEST_LOOKS):
            kept.append(look)
    return np.array(kept) / kept[-1]


def _checked_fractions(looks: int | Sequence[float] | Floats) -> Floats:
    if isinstance(looks, int | np.integer):
        if not 1 <= looks <= _MOST_LOOKS:
            raise DefinitionError(
                f"looks={looks} is no number of planned looks from 1 to {_MOST_LOOKS}. "
                "To look more often, use a confidence sequence."
            )
        return np.arange(1, looks + 1) / looks
    fractions = np.asarray(looks, dtype=float)
    steps = np.diff(fractions, prepend=0.0)
    apart = bool(np.all(steps >= _CLOSEST_LOOKS * (1 - 1e-9)))
    if not (fractions.ndim == 1 and 1 <= len(fractions) <= _MOST_LOOKS and apart and np.all(fractions[:-1] < 1)):
        raise DefinitionError(
            f"These looks are no fractions of the planned visitors: {fractions.tolist()}. Give 1 to {_MOST_LOOKS} "
            f"numbers that increase, by {_CLOSEST_LOOKS} at least, with at most the last one beyond 1."
        )
    if not math.isfinite(fractions[-1]):
        raise DefinitionError("The last look is at infinity. Give the fraction of the planned visitors seen by then.")
    return fractions


def _boundaries(fractions: Floats, increments: Floats) -> Floats:
    """Return the boundary of each look at which each side takes its increment of the false positive rate."""
    from scipy.optimize import brentq
    from scipy.special import log_ndtr

    critical = np.full(len(fractions), np.inf)
    path = _Path.start()
    for look, (fraction, increment) in enumerate(zip(fractions, increments, strict=True)):
        if increment > 1e-300:
            spread = math.sqrt(fraction - path.fraction)
            nodes, mass, target = path.nodes, path.mass, math.log(increment)

            def excess(z: float) -> float:
                # `nodes` and the like are of this look: brentq has called it before the next one begins.
                beyond = log_ndtr((nodes - z * math.sqrt(fraction)) / spread)  # noqa: B023
                largest = beyond.max()
                return float(largest + math.log(np.exp(beyond - largest) @ mass) - target)  # noqa: B023

            critical[look] = brentq(excess, -10.0, 60.0, xtol=1e-12)
        if look + 1 < len(fractions):
            path = path.onward(fraction, critical[look], to=fractions[look + 1])
    return critical


def _crossed(fractions: Floats, critical: Floats, *, drift: float) -> Floats:
    """Return how likely |z| has reached its critical value by each look."""
    from scipy.special import ndtr

    crossed = np.empty(len(fractions))
    path = _Path.start()
    for look, (fraction, limit) in enumerate(zip(fractions, critical * np.sqrt(fractions), strict=True)):
        spread = math.sqrt(fraction - path.fraction)
        ahead = path.nodes + drift * (fraction - path.fraction)
        crossed[look] = path.mass @ (ndtr((ahead - limit) / spread) + ndtr((-limit - ahead) / spread))
        if look + 1 < len(fractions):
            path = path.onward(fraction, critical[look], to=fractions[look + 1], drift=drift)
    return crossed.cumsum()


@dataclass(frozen=True, eq=False)
class _Path:
    """Where the experiments are that have not stopped by a look: a Brownian motion in the fraction of information.

    `mass` is how many are around each node, so that a sum over it is an integral.
    """

    fraction: float
    nodes: Floats
    mass: Floats

    @classmethod
    def start(cls) -> "_Path":
        return cls(0.0, np.zeros(1), np.ones(1))

    def onward(self, fraction: float, critical: float, *, to: float, drift: float = 0.0) -> "_Path":
        """Return those inside the boundary at `fraction`, on nodes close enough for the look at `to`."""
        farthest = min(critical, _FARTHEST + abs(drift)) * math.sqrt(fraction)
        spread = math.sqrt(fraction - self.fraction)
        nodes, weights = _panels(farthest, width=3 * min(spread, math.sqrt(to - fraction)))
        moved = (nodes[:, None] - self.nodes - drift * (fraction - self.fraction)) / spread
        density = np.exp(-(moved**2) / 2) @ self.mass / (spread * math.sqrt(2 * math.pi))
        return _Path(fraction, nodes, density * weights)


def _panels(farthest: float, *, width: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of an integral from -farthest to farthest: Gauss-Legendre on panels of this width."""
    points, weights = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(-farthest, farthest, 1 + math.ceil(2 * farthest / width))
    half = farthest / (len(edges) - 1)
    nodes = (edges[:-1, None] + half * (1 + points)).ravel()
    return nodes, np.tile(half * weights, len(edges) - 1)


def _checked_looks(difference: ArrayLike, standard_error: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats, Floats]:
    values, errors, sizes = np.broadcast_arrays(
        np.asarray(difference, dtype=float), np.asarray(standard_error, dtype=float), np.asarray(n, dtype=float)
    )
    if not np.all(np.isfinite(values)):
        raise DataError("A difference is missing or infinite. Give a number for each look.")
    if not np.all((errors >= 0) & (sizes >= 0) & np.isfinite(errors) & np.isfinite(sizes)):
        raise DataError(
            "A standard error or a number of visitors is negative or missing. Give 0 or more for each look."
        )
    return values, errors, sizes


def _tuning(planned: float, level: float) -> float:
    """Return rho squared, the information a visitor adds, that makes the sequence narrowest at `planned` visitors."""
    if not 0 < level < 1:
        raise DefinitionError(f"level={level} is no share between 0 and 1. Write level=0.95 for 95 %.")
    if not (planned > 0 and math.isfinite(planned)):
        raise DefinitionError(
            f"planned={planned} is no number of visitors. Give how many both arms together should have."
        )
    doubled = -2 * math.log(1 - level)
    return (doubled + math.log1p(doubled)) / planned
