"""How soon people react to something, and how fast the reaction fades: an exponential over a known baseline."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError
from funnel.stats.proportions import Estimate, normal_quantile

Floats = NDArray[np.float64]

_HALF_LIVES = 121  # of the grid the search starts from: steps of some 10 %
_SHORTEST = 0.05  # of a minute: all of the excess in its first minute
_LONGEST = 20  # times the series: no fading to be seen in it


@dataclass(frozen=True, eq=False)
class Decay:
    """An excess that sets in `delay` minutes after the mention and halves every `half_life` minutes.

    `total` is the excess in the minutes given, as counts (those left out among them); `share_seen`, 0 to 1, how much
    that is of all of it, fading to the end; `initial` what it brings a minute when it sets in. `delay` is in whole
    minutes. Ends of 0 and infinity mean that the data set none. Where counts show no excess, `half_life`, `delay` and
    `share_seen` are NaN and `total` is 0. `deviance` is that of the fit, to be held against the minutes less three.
    """

    half_life: Estimate
    delay: Estimate
    total: Estimate
    share_seen: float
    initial: float
    deviance: float


def decay(
    counts: ArrayLike,
    expected: ArrayLike,
    *,
    latest_delay: int = 30,
    dispersion: float = 1.0,
    level: float = 0.95,
) -> Decay:
    """Return half-life, delay and size of an excess from the counts of the minutes that follow a mention.

    `counts` is a number a minute from the mention on, `expected` the baseline's, taken for known. Any step of time will
    do for minutes. NaN, or an expected count of 0, is a minute left out. `dispersion` is the variance of counts over
    their mean, 1 for Poisson and more where `rates.dispersion` says so; it widens the intervals.

    Poisson likelihood of expected[t] + total k[t], k[t] = 2**-(u / half_life) - 2**-((u + 1) / half_life), u = t -
    delay >= 0: the integral of the exponential over each minute, so short half-lives are not misread; k is scaled to
    sum to 1. The largest likelihood over the half-life, the total of 0 or more, and the delay of 0, 1, ...
    `latest_delay` minutes. The ends of each interval are where the likelihood, at its largest over all else, falls as
    chi-squared on 1 degree of freedom allows (profile likelihood: Venzon and Moolgavkar 1988, Appl Stat 37:87; over the
    dispersion: McCullagh and Nelder 1989, ch. 9). A delay is a change point (Hinkley 1970, Biometrika 57:1) and
    chi-squared is not its law: its ends are those of -2 log(1 - sqrt(level)), 7.35 for 0.95 (Hansen 2000, Econometrica
    68:575).
    """
    z = normal_quantile(level)
    time, seen, usual = _checked_minutes(counts, expected, latest_delay=latest_delay)
    if not 1 <= dispersion < math.inf:
        raise DefinitionError(f"dispersion={dispersion} is below 1 or no number. Write 1 for Poisson counts.")
    series = _Series(time, seen, usual, np.size(counts))
    allowed = z**2 * dispersion / 2
    allowed_delay = -math.log1p(-math.sqrt(level)) * dispersion
    halves = np.geomspace(_SHORTEST, _LONGEST * series.length, _HALF_LIVES)
    delays = np.arange(min(latest_delay, int(time[-1])) + 1)
    gains = _gains(series, halves, delays)
    if not gains.max() > 0:
        return _nothing(series, _kernel(series, 0.0, halves), allowed)
    return _fitted(series, halves, delays, gains, allowed=allowed, allowed_delay=allowed_delay)


@dataclass(frozen=True, eq=False)
class _Series:
    """The minutes that count: when each is, its count and what was expected; and how many minutes were given."""

    time: Floats
    seen: Floats
    usual: Floats
    length: int


def _gains(series: _Series, halves: Floats, delays: NDArray[np.int64]) -> Floats:
    """Return by how much the likeliest total beats no excess, for each delay (rows) and half-life (columns)."""
    total, gains = None, []
    for delay in delays:
        kernel = _kernel(series, float(delay), halves)
        total = _total(series.seen, series.usual, kernel, near=total)  # a minute later it is much the same
        gains.append(_gain(series.seen, series.usual, kernel, total))
    return np.array(gains)


def _fitted(
    series: _Series,
    halves: Floats,
    delays: NDArray[np.int64],
    gains: Floats,
    *,
    allowed: float,
    allowed_delay: float,
) -> Decay:
    from scipy.optimize import brentq, minimize_scalar

    seen, usual = series.seen, series.usual

    def gain_at(log_half: float, delay: float) -> float:
        kernel = _kernel(series, delay, np.array([math.exp(log_half)]))
        return float(_gain(seen, usual, kernel, _total(seen, usual, kernel))[0])

    logs = np.log(halves)
    step = logs[1] - logs[0]
    bar = gains.max() - max(allowed, allowed_delay)
    # The best half-life of each delay, refined from the grid's, where that can still take it above the bar.
    refined = []
    for delay, row in zip(delays, gains, strict=True):
        near = float(logs[row.argmax()])
        if _highest(row) < bar:
            refined.append((float(row.max()), near))
            continue
        found = minimize_scalar(
            lambda log, delay=delay: -gain_at(log, delay), bounds=(near - step, near + step), method="bounded"
        )
        refined.append((max(-float(found.fun), float(row.max())), float(found.x)))
    best, log_half = max(refined)
    heights = np.array([each[0] for each in refined])
    delay = int(delays[heights.argmax()])
    within = delays[heights >= best - allowed]
    possible = delays[heights >= best - allowed_delay]

    def over_delays(log: float) -> float:
        half = np.array([math.exp(log)])
        kernel = np.hstack([_kernel(series, float(each), half) for each in within])
        return float(_gain(seen, usual, kernel, _total(seen, usual, kernel)).max()) - best + allowed

    def end(outwards: NDArray[np.float64], beyond: float) -> float:
        inside = log_half
        for log in outwards:
            if over_delays(float(log)) < 0:
                return math.exp(brentq(over_delays, inside, float(log), xtol=1e-6))
            inside = float(log)
        return beyond

    half = math.exp(log_half)
    kernel = _kernel(series, delay, np.array([half]))
    total = float(_total(seen, usual, kernel)[0])
    low, high = _total_ends(series, halves, within, best=best, allowed=allowed)
    mean = usual + total * kernel[:, 0]
    shown = -math.expm1(-math.log(2) * (series.length - delay) / half)
    return Decay(
        half_life=Estimate(half, end(logs[logs < log_half][::-1], 0.0), end(logs[logs > log_half], math.inf)),
        delay=Estimate(float(delay), float(possible.min()), float(possible.max())),
        total=Estimate(total, min(low, total), max(high, total)),
        share_seen=shown,
        initial=total / shown * math.log(2) / half,
        deviance=2 * float((_log_term(seen, mean) - seen + mean).sum()),
    )


def _highest(row: Floats) -> float:
    """Return how high the gain can be between half-lives of the grid, as it is concave about its top.

    From the highest point it rises to either side by no more than it fell from the neighbour on the other.
    """
    top = int(row.argmax())
    beside = row[max(top - 1, 0) : top + 2]
    return float(2 * row[top] - beside.min()) if 0 < top < len(row) - 1 else math.inf


def _total_ends(
    series: _Series,
    halves: Floats,
    delays: NDArray[np.int64],
    *,
    best: float,
    allowed: float,
) -> tuple[float, float]:
    """Return the least and the largest total that some half-life and delay of the grid allow."""
    seen, usual = series.seen, series.usual
    low, high = math.inf, 0.0
    for delay in delays:
        kernel = _kernel(series, delay, halves)
        middle = _total(seen, usual, kernel)
        near = _gain(seen, usual, kernel, middle) >= best - allowed
        if near.any():
            low = min(low, float(_crossing(seen, usual, kernel[:, near], middle[near], best - allowed, up=False).min()))
            high = max(
                high, float(_crossing(seen, usual, kernel[:, near], middle[near], best - allowed, up=True).max())
            )
    return low, high


def _crossing(seen: Floats, usual: Floats, kernel: Floats, start: Floats, bar: float, *, up: bool) -> Floats:
    """Return, for each kernel, where the gain falls to `bar` as the total leaves `start`; by halving the interval."""
    inside = start.copy()
    outside = np.zeros_like(start)
    if up:
        outside = start + 1.0
        while np.any(far := _gain(seen, usual, kernel, outside) >= bar):
            outside = np.where(far, 2 * outside, outside)
    for _ in range(50):
        middle = (inside + outside) / 2
        holds = _gain(seen, usual, kernel, middle) >= bar
        inside, outside = np.where(holds, middle, inside), np.where(holds, outside, middle)
    return inside


def _nothing(series: _Series, kernel: Floats, allowed: float) -> Decay:
    """Return the fit where no excess is likelier than any, with the largest total that some half-life allows."""
    seen, usual = series.seen, series.usual
    high = float(_crossing(seen, usual, kernel, np.zeros(kernel.shape[1]), -allowed, up=True).max())
    deviance = 2 * float((_log_term(seen, usual) - seen + usual).sum())
    unknown = Estimate(math.nan, 0.0, math.inf)
    return Decay(unknown, unknown, Estimate(0.0, 0.0, high), math.nan, 0.0, deviance)


def _kernel(series: _Series, delay: float, halves: Floats) -> Floats:
    """Return the share of the excess that falls in each minute (rows), for each half-life (columns)."""
    since = series.time[:, None] - delay
    begin, finish = np.maximum(since, 0.0), np.maximum(since + 1, 0.0)
    shown = -np.expm1(-math.log(2) * (series.length - delay) / halves)
    return (np.exp2(-begin / halves) - np.exp2(-finish / halves)) / shown


def _total(seen: Floats, usual: Floats, kernel: Floats, *, near: Floats | None = None) -> Floats:
    """Return the likeliest total, 0 or more, for each kernel: a root between bounds, by Newton steps from `near`."""
    seen, usual, squared = seen[:, None], usual[:, None], kernel**2
    whole = kernel.sum(axis=0)
    at_zero = ((seen / usual) * kernel).sum(axis=0) <= whole
    low = np.zeros(kernel.shape[1])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a step too far is halved below
        # At the root the total is a share of the counts spread over the kernel: never above all of them.
        high = np.where(whole > 0, seen.sum() / np.where(whole > 0, whole, 1.0), 0.0)
        total = np.where(at_zero, 0.0, high / 2 if near is None else np.minimum(near, high))
        for _ in range(60):
            mean = usual + total * kernel
            slope = ((seen / mean) * kernel).sum(axis=0) - whole
            curve = ((seen / mean**2) * squared).sum(axis=0)
            low, high = np.where(slope > 0, total, low), np.where(slope > 0, high, total)
            step = total + np.divide(slope, curve, out=np.zeros_like(slope), where=curve > 0)
            moved = np.where((step > low) & (step < high), step, (low + high) / 2)
            if np.all(np.abs(moved - total) <= 1e-10 * (1 + total)):
                break
            total = moved
    return np.where(at_zero, 0.0, moved)


def _gain(seen: Floats, usual: Floats, kernel: Floats, total: Floats) -> Floats:
    """Return by how much the log likelihood exceeds that of no excess."""
    added = total * kernel
    return (seen[:, None] * np.log1p(added / usual[:, None]) - added).sum(axis=0)


def _log_term(seen: Floats, mean: Floats) -> Floats:
    return np.where(seen > 0, seen * np.log(np.where(seen > 0, seen, 1.0) / mean), 0.0)


def _checked_minutes(counts: ArrayLike, expected: ArrayLike, *, latest_delay: int) -> tuple[Floats, Floats, Floats]:
    seen, usual = np.asarray(counts, dtype=float), np.asarray(expected, dtype=float)
    if seen.ndim != 1 or seen.shape != usual.shape:
        raise DataError(f"{seen.size} counts and {usual.size} expected. Give one of each a minute.")
    if np.any(seen < 0) or np.any(usual < 0):
        raise DataError("A count or an expected count is negative. Give 0 or more, and NaN where a minute is missing.")
    if not (latest_delay >= 0 and float(latest_delay).is_integer()):
        raise DefinitionError(f"latest_delay={latest_delay} is no number of minutes. Give 0, 1, 2 or more.")
    kept = np.flatnonzero(~np.isnan(seen) & (usual > 0))
    if len(kept) < 3:
        raise DataError(
            f"{len(kept)} minutes have a count and an expected count above 0. "
            "Give 3 or more, and an expected count above 0: half an event over the minutes of a baseline without any."
        )
    return kept.astype(float), seen[kept], usual[kept]
