"""A stretch of one day beside the same clock hours of other days, each day's level taken from the hours before it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError
from funnel.stats.proportions import Estimate, normal_quantile
from funnel.stats.rates import Dispersion, RateExcess, rate_excess

Floats = NDArray[np.float64]

_FAR = 60.0  # of a log ratio: beyond any that counts can tell


def slot_excess(
    count: float, before: float, counts: ArrayLike, befores: ArrayLike, *, level: float = 0.95
) -> RateExcess:
    """Return what a window has above other days, when days differ in level and the hours before tell by how much.

    `count` is the window's and `before` that of the hours just before it; `counts` and `befores` are one number a
    comparable day, of the same clock hours. Expected is before * sum(counts) / sum(befores): what the window would have
    if this day went on from its hours before as the other days did. `ratio` is count / expected, the odds ratio of the
    table of day and slot.

    Poisson counts: given the margins of that table the window's count has Fisher's noncentral hypergeometric law. p
    adds all tables that are no likelier, and the ends of the ratio have half of 1 - level beyond them (Fisher 1935, J R
    Stat Soc 98:39; Cornfield 1956): R's `fisher.test`. Where the days vary more than Poisson does
    (`Dispersion.is_over`: Pearson's chi-squared of their own table over its degrees of freedom) p and the ratio's ends
    are of the deviance over that, by the F law: `glm(count ~ day + slot, family = quasipoisson)`; what is above the
    baseline is Poisson all the same. The ends of the excess are profile likelihood in both cases (McCullagh and Nelder
    1989, ch. 9): they and p may differ in whether 0 is possible when p is near 1 - level.

    Where no other day has a count in the hours before, these tell nothing: the window alone is compared, as in
    `rate_excess`.

    >>> found = slot_excess(60, 20, [30, 24, 36], [18, 20, 22])
    >>> f"{found.expected:.0f} {found.ratio.value:.1f} [{found.ratio.low:.2f} to {found.ratio.high:.2f}]"
    '30 2.0 [1.06 to 3.86]'
    """
    z = normal_quantile(level)
    windows, hours = _checked(count, before, counts, befores)
    usual, earlier = float(windows.sum()), float(hours.sum())
    if not earlier:
        return rate_excess(count, 1.0, windows, np.ones(len(windows)), level=level)
    found = slot_dispersion(windows, hours)
    cells = (float(count), float(before), usual, earlier)
    expected = before * usual / earlier
    if found.is_over:
        law = _Law.of(cells, found, level)
        ratio, p = _by_deviance(cells, law), law.chance(_independence(cells))
    else:
        law = _Law(1.0, 1.0, z**2, math.inf)
        ratio, p = _exact(cells, level)
    return RateExcess(
        count=float(count),
        expected=expected,
        excess=_excess(cells, law),
        ratio=ratio,
        p=p,
        method="quasi-poisson" if found.is_over else "poisson",
        dispersion=found,
    )


def slot_dispersion(counts: ArrayLike, befores: ArrayLike) -> Dispersion:
    """Return Pearson's chi-squared of the table of days and slots over its degrees of freedom, the days less 1.

    1 where every day divides its counts between both slots as Poisson counts would; days of another level do not add to
    it. A day without any count is left out. NaN where fewer than two days, or a slot without counts, are left.

    >>> found = slot_dispersion([30, 12, 44], [10, 20, 16])
    >>> f"{found.value:.2f} on {found.degrees_of_freedom}"
    '7.13 on 2'
    """
    from scipy.special import chdtrc

    table = np.array([counts, befores], dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    freedom = max(table.shape[1] - 1, 0)
    if not freedom or not np.all(table.sum(axis=1) > 0):
        return Dispersion(math.nan, freedom, math.nan)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return Dispersion(statistic / freedom, freedom, float(chdtrc(freedom, statistic)))


Cells = tuple[float, float, float, float]  # the window's, the hours' before it; the same of the other days together


@dataclass(frozen=True)
class _Law:
    """The variance over the mean of the baseline's counts, and of the window's; how far the deviance may rise.

    What is above the baseline is taken for Poisson, so a large excess has hardly more than Poisson's variance. As much
    of the whole variance as the baseline's is known on the days less 1 only (Satterthwaite 1946, Biometrics 2:110).
    """

    baseline: float
    window: float
    allowed: float
    freedom: float

    @classmethod
    def of(cls, cells: Cells, found: Dispersion, level: float) -> "_Law":
        from scipy.special import fdtri

        count, before, usual, earlier = cells
        expected = before * usual / earlier
        above = max(count - expected, 0.0)
        uncertain = found.value * (
            expected + expected**2 * sum(1 / max(each, 0.5) for each in (before, usual, earlier))
        )
        freedom = found.degrees_of_freedom * ((uncertain + above) / uncertain) ** 2 if uncertain else math.inf
        window = (found.value * expected + above) / (expected + above) if expected + above else found.value
        reach = float(fdtri(1, min(freedom, 1e9), level))
        return cls(found.value, window, reach, float(found.degrees_of_freedom))

    def weighed(self, cells: Cells, means: Cells) -> float:
        """Return the deviance of the four cells, each over its dispersion."""
        window, *others = map(_deviance, cells, means)
        return window / self.window + sum(others) / self.baseline

    def chance(self, deviance: float) -> float:
        """Return how often a table without effect has this deviance or more."""
        from scipy.special import fdtrc

        return float(fdtrc(1, self.freedom, max(deviance / self.baseline, 0.0)))


def _exact(cells: Cells, level: float) -> tuple[Estimate, float]:
    from scipy.special import gammaln, logsumexp

    count, before, usual, _ = cells
    row, column, whole = count + before, count + usual, sum(cells)
    support = np.arange(max(0.0, row + column - whole), min(row, column) + 1)
    parts = (support, row - support, column - support, whole - row - column + support)
    weight = -sum(np.asarray(gammaln(part + 1)) for part in parts)
    probability = np.exp(weight - logsumexp(weight))
    at = int(np.searchsorted(support, count))
    p = float(probability[probability <= probability[at] * (1 + 1e-7)].sum())

    def beyond(log_ratio: float, *, up: bool) -> float:
        tilted = weight + support * log_ratio
        chosen = tilted[at:] if up else tilted[: at + 1]
        return float(logsumexp(chosen) - logsumexp(tilted)) - math.log((1 - level) / 2)

    low = math.exp(_root(lambda log: beyond(log, up=True))) if at else 0.0
    high = math.exp(_root(lambda log: beyond(log, up=False))) if at < len(support) - 1 else math.inf
    return Estimate(_ratio(cells), low, high), min(p, 1.0)


def _by_deviance(cells: Cells, law: _Law) -> Estimate:
    count, before, usual, earlier = cells
    value = _ratio(cells)
    own, base = 1 / law.window, 1 / law.baseline

    def rise(log_ratio: float) -> float:
        odds = math.exp(log_ratio)

        def at(log_slot: float) -> float:
            slot = math.exp(log_slot)
            today = (own * count + base * before) / (own * slot * odds + base)
            others = (usual + earlier) / (1 + slot)
            return law.weighed(cells, (today * slot * odds, today, others * slot, others))

        return _least(at, math.log((usual + 0.5) / (earlier + 0.5))) - law.allowed

    known = 0 < value < math.inf
    middle = math.log(value) if known else _FAR / 2 if value == math.inf else -_FAR / 2 if value == 0 else 0.0
    low = 0.0 if rise(-_FAR) < 0 else math.exp(_between(rise, middle, -_FAR))
    high = math.inf if rise(_FAR) < 0 else math.exp(_between(rise, middle, _FAR))
    return Estimate(value, low, high)


def _excess(cells: Cells, law: _Law) -> Estimate:
    count, before, usual, earlier = cells
    expected = before * usual / earlier

    def rise(excess: float) -> float:
        def at(log_slot: float) -> float:
            slot = math.exp(log_slot)
            today, others = _level(cells, law, slot, excess), (usual + earlier) / (1 + slot)
            return law.weighed(cells, (max(today * slot + excess, 0.0), today, others * slot, others))

        return min(_least(at, math.log((usual + 0.5) / (earlier + 0.5))), 1e12) - law.allowed

    value = count - expected

    def end(step: float) -> float:
        inside = value
        for _ in range(60):
            outside = inside + step
            if rise(outside) > 0:
                return _between(rise, inside, outside)
            inside, step = outside, 2 * step
        return math.copysign(math.inf, step)

    around = math.sqrt(law.allowed * law.baseline * (count + expected + 1))
    return Estimate(value, end(-around), end(around))


def _level(cells: Cells, law: _Law, slot: float, excess: float) -> float:
    """Return the likeliest mean m of the hours before, if the window's is `slot` times it and the excess.

    A root of slot (count - slot m - excess) m / window dispersion + (before - m) (slot m + excess) / dispersion.
    """
    count, before, *_ = cells
    own, base = 1 / law.window, 1 / law.baseline
    a = own * slot**2 + base * slot
    b = own * slot * (excess - count) + base * (excess - before * slot)
    root = (-b + math.sqrt(max(b * b + 4 * a * base * before * excess, 0.0))) / (2 * a)
    return max(root, -excess / slot, 0.0)


def _independence(cells: Cells) -> float:
    """Return the deviance of the table when the ratio is 1."""
    count, before, usual, earlier = cells
    whole = sum(cells)
    means = [
        row * column / whole
        for row in (count + before, usual + earlier)
        for column in (count + usual, before + earlier)
    ]
    return sum(map(_deviance, cells, means))


def _least(rise: Callable[[float], float], near: float) -> float:
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(rise, bounds=(near - 5, near + 5), method="bounded", options={"xatol": 1e-7})
    return float(found.fun)


def _between(rise: Callable[[float], float], inside: float, outside: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(rise, inside, outside, xtol=1e-7, rtol=1e-9))


def _root(rise: Callable[[float], float]) -> float:
    from scipy.optimize import brentq

    return float(brentq(rise, -_FAR, _FAR, xtol=1e-10, rtol=1e-10))


def _ratio(cells: Cells) -> float:
    count, before, usual, earlier = cells
    if before * usual:
        return count * earlier / (before * usual)
    return math.inf if count * earlier else math.nan


def _deviance(count: float, mean: float) -> float:
    if mean <= 0:
        return 1e12 if count else 0.0
    return 2 * ((count * math.log(count / mean) if count else 0.0) - count + mean)


def _checked(count: float, before: float, counts: ArrayLike, befores: ArrayLike) -> tuple[Floats, Floats]:
    windows, hours = np.atleast_1d(np.asarray(counts, float)), np.atleast_1d(np.asarray(befores, float))
    if windows.shape != hours.shape or windows.ndim != 1 or not len(windows):
        raise DataError(
            f"{windows.size} counts and {hours.size} of the hours before. Give one of each a day, 1 or more."
        )
    every = np.concatenate([[count, before], windows, hours])
    if not np.all((every >= 0) & (every == np.rint(every)) & np.isfinite(every)):
        raise DataError("A count is negative, broken or missing. Give how many events each stretch had.")
    return windows, hours
