"""What a window of time has above its baseline, in counts: exactly for Poisson counts, with a scale for others."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError
from funnel.stats.proportions import Estimate, normal_quantile

Floats = NDArray[np.float64]

# Above this variance over the mean, or below this p-value of its test, baseline counts are not taken for Poisson.
OVERDISPERSED = 1.5
_OVERDISPERSED_P = 0.05


@dataclass(frozen=True)
class Dispersion:
    """How far counts of one rate vary beyond Poisson: `value` is the variance over the mean, 1 for Poisson.

    `degrees_of_freedom` is one less than the counts; `p` is how often Poisson counts vary as much or more. `value` and
    `p` are NaN where nothing can be known: of one count, or of none but zeros.
    """

    value: float
    degrees_of_freedom: int
    p: float

    @property
    def is_over(self) -> bool:
        """Whether the counts vary too much for Poisson: a value above 1.5, or above 1 with p below 0.05."""
        return self.value > OVERDISPERSED or (self.value > 1 and self.p < _OVERDISPERSED_P)


@dataclass(frozen=True, eq=False)
class RateExcess:
    """What a window had above its baseline.

    `count` is the window's, `expected` what the baseline's rate gives in a window of that length, `excess` their
    difference, `ratio` the window's rate over the baseline's, each in one number with its interval. `p` is two-sided,
    of no difference. `method` says how intervals and p were made. `dispersion` is the baseline's.
    """

    count: float
    expected: float
    excess: Estimate
    ratio: Estimate
    p: float
    method: Literal["poisson", "quasi-poisson"]
    dispersion: Dispersion


def rate_excess(
    count: float, time: float, baseline_counts: ArrayLike, baseline_times: ArrayLike, *, level: float = 0.95
) -> RateExcess:
    """Return the excess of `count` in `time` over a baseline: Poisson, or quasi-Poisson where the baseline asks for it.

    `baseline_counts` and `baseline_times` are one number a comparable stretch, best of the window's own length (the
    same clock hours of other days): counts of single minutes vary less than their days do, and hide it. Times are in
    any one unit. The dispersion decides, as `Dispersion.is_over` says; with one stretch it is unknown, and Poisson is
    taken.

    In simulations with 4 to 28 stretches and dispersions of 1 to 5, 95 % intervals of the excess hold it in 90 % (of 4
    stretches that vary) to 99 % (of an excess that is Poisson itself, and large).
    """
    made = quasi_poisson_excess if dispersion(baseline_counts, baseline_times).is_over else poisson_excess
    return made(count, time, baseline_counts, baseline_times, level=level)


def dispersion(counts: ArrayLike, times: ArrayLike) -> Dispersion:
    """Return Pearson's chi-squared of the counts about their common rate, over its degrees of freedom.

    Fisher, Thornton and Mackenzie 1922, Ann Appl Biol 9:325 (index of dispersion); Cochran 1954, Biometrics 10:417. The
    dispersion of R's `glm(counts ~ offset(log(times)), family = quasipoisson)`.

    >>> found = dispersion([12, 30, 7, 21], [60, 60, 60, 60])
    >>> f"{found.value:.2f} {found.p:.4f}"
    '5.89 0.0005'
    """
    from scipy.special import chdtrc

    counts, times = _checked_stretches(counts, times)
    freedom = len(counts) - 1
    total = counts.sum()
    if not freedom or not total:
        return Dispersion(math.nan, freedom, math.nan)
    expected = total * times / times.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return Dispersion(statistic / freedom, freedom, float(chdtrc(freedom, statistic)))


def poisson_excess(
    count: float, time: float, baseline_counts: ArrayLike, baseline_times: ArrayLike, *, level: float = 0.95
) -> RateExcess:
    """Return the excess with exact limits, for counts that are Poisson; arguments as in `rate_excess`.

    Given both counts together, the window's is binomial with probability time / (time + baseline time): p adds all
    outcomes that are no likelier (Przyborowski and Wilenski 1940, Biometrika 31:313), the ratio's interval is Clopper
    and Pearson's turned into odds. Both as R's `poisson.test(c(count, baseline), c(time, baseline_time))`.

    The excess is of the expected counts; its interval joins Garwood's exact limits of each (1936, Biometrika 28:437) by
    recovering variances: Zou and Donner 2008, Stat Med 27:1693. It may hold 0 where p is just below 1 - level, or not.

    With no baseline count the ratio is infinite (NaN if there is no count either) and has a lower end only; the excess
    has both ends, the lower less what Garwood allows a baseline of 0. With no count the ratio is 0.

    >>> found = poisson_excess(11, 800, [6, 8, 7], [1083, 1050, 878])
    >>> f"{found.ratio.value:.3f} {found.ratio.low:.3f} {found.ratio.high:.3f} p {found.p:.3f}"
    '1.971 0.858 4.277 p 0.080'
    """
    from scipy.stats import binomtest

    normal_quantile(level)
    observed, length, baseline, stretch = _checked_window(count, time, baseline_counts, baseline_times)
    scale = length / stretch
    total = round(observed + baseline)
    low, high, p = 0.0, math.inf, 1.0
    if total:
        exact = binomtest(round(observed), total, length / (length + stretch))
        share = exact.proportion_ci(level)
        low = float(share.low / (1 - share.low) / scale)
        high = float(share.high / (1 - share.high) / scale) if baseline else math.inf
        p = float(exact.pvalue)
    below, above = garwood(observed, level=level), garwood(baseline, level=level)
    excess = observed - baseline * scale
    return RateExcess(
        count=observed,
        expected=baseline * scale,
        excess=Estimate(
            excess,
            excess - math.hypot(observed - float(below.low), scale * (float(above.high) - baseline)),
            excess + math.hypot(float(below.high) - observed, scale * (baseline - float(above.low))),
        ),
        ratio=Estimate(_ratio(observed, baseline * scale), low, high),
        p=p,
        method="poisson",
        dispersion=dispersion(baseline_counts, baseline_times),
    )


def quasi_poisson_excess(
    count: float, time: float, baseline_counts: ArrayLike, baseline_times: ArrayLike, *, level: float = 0.95
) -> RateExcess:
    """Return the excess for counts whose variance is a multiple of their mean; arguments as in `rate_excess`.

    The multiple is the baseline's dispersion, on n - 1 degrees of freedom for n stretches, and at least 1. p is the F
    test of the fall in deviance over it, as R's `anova(test = "F")` of
    `glm(count ~ window + offset(log(time)), family = quasipoisson)`; the ends of both intervals are the values of the
    ratio, and of the excess, that this test just does not reject, so they hold 1 and 0 exactly when p is above 1 -
    level. McCullagh and Nelder 1989, Generalized Linear Models, ch. 9.

    The multiple is taken for the excess too, which is cautious where the excess itself is Poisson and large beside the
    baseline. Needs a known dispersion: two stretches of baseline or more, not all 0.
    """
    from scipy.stats import f

    normal_quantile(level)
    observed, length, baseline, stretch = _checked_window(count, time, baseline_counts, baseline_times)
    found = dispersion(baseline_counts, baseline_times)
    if math.isnan(found.value):
        raise DataError(
            "The baseline has fewer than 2 stretches, or only zeros: how much it varies is unknown. "
            "Give the counts of 2 stretches or more, or use poisson_excess."
        )
    scale, multiple = length / stretch, max(found.value, 1.0)
    allowed = float(f.ppf(level, 1, found.degrees_of_freedom)) * multiple

    def by_ratio(ratio: float) -> float:
        usual = (observed + baseline) / (1 + ratio * scale)
        return _deviance(observed, ratio * scale * usual) + _deviance(baseline, usual)

    def by_excess(excess: float) -> float:
        usual = _usual(observed, baseline, scale, excess)
        return _deviance(observed, max(scale * usual + excess, 0.0)) + _deviance(baseline, usual)

    expected = baseline * scale
    reach = 10 * (allowed + observed + expected + scale)
    return RateExcess(
        count=observed,
        expected=expected,
        excess=Estimate(
            observed - expected,
            _where(by_excess, observed - expected, -reach, allowed),
            _where(by_excess, observed - expected, reach, allowed),
        ),
        ratio=Estimate(
            _ratio(observed, expected),
            _where(by_ratio, _ratio(observed, expected), 0.0, allowed),
            _upper(by_ratio, _ratio(observed, expected), allowed),
        ),
        p=float(f.sf(by_ratio(1.0) / multiple, 1, found.degrees_of_freedom)),
        method="quasi-poisson",
        dispersion=found,
    )


def garwood(count: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the exact interval of the mean of a Poisson count: Garwood 1936, Biometrika 28:437; R's `poisson.test(x)`.

    Numbers give numbers, arrays give arrays. The lower end is 0 at a count of 0.
    """
    from scipy.special import gammaincinv

    normal_quantile(level)
    counts = np.asarray(count, dtype=float)
    low = np.where(counts > 0, gammaincinv(np.where(counts > 0, counts, 1.0), (1 - level) / 2), 0.0)
    high = gammaincinv(counts + 1, (1 + level) / 2)
    if counts.ndim == 0:
        return Estimate(float(counts), float(low), float(high))
    return Estimate(counts, low, high)


def _ratio(observed: float, expected: float) -> float:
    if expected:
        return observed / expected
    return math.inf if observed else math.nan


def _deviance(count: float, mean: float) -> float:
    if mean <= 0:
        return math.inf if count else 0.0
    return 2 * ((count * math.log(count / mean) if count else 0.0) - count + mean)


def _usual(observed: float, baseline: float, scale: float, excess: float) -> float:
    """Return the likeliest mean of the baseline when the window's is `scale` times it plus `excess`.

    The root of (1 + scale) m**2 + ((1 + scale) excess / scale - observed - baseline) m - baseline excess / scale.
    """
    a, c = 1 + scale, -baseline * excess / scale
    b = a * excess / scale - observed - baseline
    root = (-b + math.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a)
    return max(root, -excess / scale, 0.0)


def _where(rise: Callable[[float], float], start: float, end: float, allowed: float) -> float:
    """Return where between `start` and `end` the deviance has risen as far as allowed; `end` if it never does."""
    from scipy.optimize import brentq

    floor = rise(start)
    if rise(end) - floor <= allowed:
        return end
    # The deviance may be infinite at the end itself.
    return float(brentq(lambda value: min(rise(value) - floor - allowed, 1e12), start, end, xtol=1e-12, rtol=1e-12))


def _upper(rise: Callable[[float], float], start: float, allowed: float) -> float:
    end = max(2 * start, 1.0)
    while rise(end) - rise(start) <= allowed:
        end *= 2
    return _where(rise, start, end, allowed)


def _checked_window(
    count: float, time: float, baseline_counts: ArrayLike, baseline_times: ArrayLike
) -> tuple[float, float, float, float]:
    counts, times = _checked_stretches(baseline_counts, baseline_times)
    if not (count >= 0 and float(count).is_integer()):
        raise DataError(f"count={count} is no number of events. Give 0, 1, 2 or more.")
    if not 0 < time < math.inf:
        raise DataError(f"time={time} is no length of time. Give a number above 0, in the unit of baseline_times.")
    return float(count), float(time), float(counts.sum()), float(times.sum())


def _checked_stretches(counts: ArrayLike, times: ArrayLike) -> tuple[Floats, Floats]:
    numbers, lengths = np.atleast_1d(np.asarray(counts, float)), np.atleast_1d(np.asarray(times, float))
    if numbers.shape != lengths.shape or numbers.ndim != 1 or not len(numbers):
        raise DataError(
            f"{numbers.size} baseline counts and {lengths.size} times. Give one of each a stretch, 1 or more."
        )
    if not np.all((numbers >= 0) & (numbers == np.rint(numbers)) & np.isfinite(numbers)):
        raise DataError("A baseline count is negative, broken or missing. Give how many events each stretch had.")
    if not np.all((lengths > 0) & np.isfinite(lengths)):
        raise DataError("A baseline stretch has no length. Give times above 0, all in one unit.")
    return numbers, lengths
