"""Mentions that overlap, told apart: each brings an excess of its own size, and the excesses of a kind fade alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError
from funnel.stats.proportions import Estimate, normal_quantile

Floats = NDArray[np.float64]
Reason = Literal["alone", "same start", "overlap", "baseline"]

# Above this variance inflation two columns say the same (Marquardt 1970, Technometrics 12:591).
TOO_ALIKE = 10.0

_SHORTEST = 0.05  # half-lives searched, in minutes, and in lengths of the series
_LONGEST = 20.0
_STARTS = 6
_SMALL = 1e-9


@dataclass(frozen=True, eq=False)
class Separation:
    """What each mention brought, one entry a group of mentions, in the order of their first.

    `groups` has the positions of the mentions of each; more than one where they cannot be told apart, and `reasons`
    says why: "same start" (one kind, one minute), "overlap" (their columns say the same), else "alone"; "baseline" is a
    group whose excess fades so slowly that it cannot be told from the baseline. `total` is the excess of each group in
    the minutes given (those left out among them), in counts; `share_seen`, 0 to 1, how much that is of all of it,
    fading to the end. `half_life` is in minutes, one entry a kind in `kinds`; NaN from 0 to infinity where mentions of
    the kind brought nothing. `level` multiplies the expected counts. `dispersion` is the variance of counts over their
    mean, at least 1. `variance_inflation` is of each group's total, 1 where it overlaps nothing; `condition_number` is
    of the mentions as given, before any were joined (Belsley, Kuh and Welsch 1980), infinite with two
    of one start. `fitted` is the mean count of each minute.
    """

    groups: tuple[tuple[int, ...], ...]
    reasons: tuple[Reason, ...]
    total: Estimate
    share_seen: Floats
    kinds: tuple[str, ...]
    half_life: Estimate
    level: Estimate
    dispersion: float
    variance_inflation: Floats
    condition_number: float
    fitted: Floats


@dataclass(frozen=True, eq=False)
class _Series:
    """The minutes that count, and every minute for the fitted curve."""

    every: Floats
    kept: NDArray[np.intp]
    seen: Floats
    usual: Floats


@dataclass(frozen=True, eq=False)
class _Columns:
    """Which mentions make up each group, with their weights (rows: groups; columns: mentions), starts and kinds.

    `end` is where the series ends, in minutes.
    """

    weights: Floats
    starts: Floats
    kinds: NDArray[np.intp]
    end: float


@dataclass(frozen=True, eq=False)
class _Fit:
    """Level, totals and logs of the half-lives, with the log likelihood there."""

    values: Floats
    likelihood: float


def separate(
    counts: ArrayLike,
    expected: ArrayLike,
    starts: ArrayLike,
    *,
    kinds: Sequence[str] | None = None,
    dispersion: float | None = None,
    level: float = 0.95,
) -> Separation:
    """Return what each of several mentions brought when their excesses overlap.

    `counts` and `expected` (the baseline) are a number a minute; any step of time will do. NaN, or an expected count of
    0, is a minute left out. `starts` is when each mention's excess sets in, in minutes from the first (fractions
    allowed). `kinds` names each mention's kind, such as "tv"; those of one kind share a half-life, and all do if it is
    not given. `dispersion` is the variance of counts over their mean, if known from whole days; if not, it is
    Fletcher's of this fit (2012, Biometrika 99:230), which sees minutes only. At least 1.

    Poisson likelihood of level * expected[t] + sum over mentions of total * k[t], k[t] = 2**-(u / half_life) - 2**-((u
    + 1) / half_life), u = t - start, the integral over each minute, scaled to sum to 1 over the minutes given; totals
    of 0 or more, by Fisher scoring within bounds from several half-lives. Intervals are profile likelihood over the
    dispersion, all else free (Venzon and Moolgavkar 1988, Appl Stat 37:87; McCullagh and Nelder 1989, ch. 9). Mentions
    of one start and kind are one column. Then, while a variance inflation is above 10, that mention is joined to the
    one it resembles most, in the proportion fitted, and all is fitted again.
    """
    z = normal_quantile(level)
    series = _checked_series(counts, expected)
    names, columns = _checked_mentions(starts, kinds, series)
    if dispersion is not None and not 1 <= dispersion < math.inf:
        raise DefinitionError(f"dispersion={dispersion} is below 1 or no number. Write 1 for Poisson counts.")
    if not series.seen.any():
        raise DataError(
            "All counts are 0, so there is nothing to tell apart. Give minutes in which something happened."
        )
    columns, reasons = _joined_by_start(columns)
    if len(series.kept) <= 1 + len(columns.weights) + len(names):
        raise DataError(
            f"{len(series.kept)} minutes have a count and an expected count above 0, too few for "
            f"{len(columns.weights)} mentions. Give more minutes, some of them before the first mention."
        )
    fit = _best_fit(series, columns, kinds=len(names))
    inflation, likeness, condition = _inflation(series, columns, fit)
    if len(columns.weights) < len(columns.starts):
        condition = math.inf
    while (pair := _worst_pair(inflation, likeness, reasons)) is not None:
        first, second = pair
        if second == 0:
            reasons[first] = "baseline"
            continue
        columns, reasons = _joined(columns, reasons, fit, first, second - 1)
        fit = _best_fit(series, columns, kinds=len(names))
        inflation, likeness, _ = _inflation(series, columns, fit)
    spread = _dispersion(series, columns, fit) if dispersion is None else dispersion
    return _separation(
        series, columns, reasons, names, fit, spread=spread, inflation=inflation, z=z, condition=condition
    )


def _separation(
    series: _Series,
    columns: _Columns,
    reasons: list[Reason],
    names: tuple[str, ...],
    fit: _Fit,
    *,
    spread: float,
    inflation: Floats,
    z: float,
    condition: float,
) -> Separation:
    groups = len(columns.weights)
    ends = np.array(
        [_profile(series, columns, fit, place, allowed=z**2 * spread / 2) for place in range(len(fit.values))]
    )
    halves = np.exp(fit.values[1 + groups :])
    totals = np.where(
        fit.values[1 : 1 + groups] > _SMALL * series.seen[series.kept].sum(), fit.values[1 : 1 + groups], 0.0
    )
    brought = np.array([totals @ columns.weights[:, columns.kinds == kind].sum(axis=1) for kind in range(len(names))])
    lowest, highest = _half_life_bounds(series)
    half_ends = np.exp(ends[1 + groups :])
    return Separation(
        groups=tuple(tuple(int(mention) for mention in np.flatnonzero(row)) for row in columns.weights),
        reasons=tuple(reasons),
        total=Estimate(totals, ends[1 : 1 + groups, 0], ends[1 : 1 + groups, 1]),
        share_seen=1 / (columns.weights / _share_seen(columns, halves[columns.kinds])).sum(axis=1),
        kinds=names,
        half_life=Estimate(
            np.where(brought > 0, halves, np.nan),
            np.where((brought > 0) & (half_ends[:, 0] > lowest * 1.001), half_ends[:, 0], 0.0),
            np.where((brought > 0) & (half_ends[:, 1] < highest * 0.999), half_ends[:, 1], np.inf),
        ),
        level=Estimate(float(fit.values[0]), float(ends[0, 0]), float(ends[0, 1])),
        dispersion=spread,
        variance_inflation=inflation[1:],
        condition_number=condition,
        fitted=fit.values[0] * series.usual + _kernels(series.every, columns, halves)[0] @ totals,
    )


def _kernels(time: Floats, columns: _Columns, halves: Floats) -> tuple[Floats, Floats]:
    """Return each group's excess by minute (rows) for a total of 1, and how it changes with the log of each half-life.

    Shapes: minutes by groups; kinds by minutes by groups.
    """
    half = halves[columns.kinds]
    since = time[:, None] - columns.starts
    begin, finish = np.maximum(since, 0.0) / half, np.maximum(since + 1, 0.0) / half
    left, right = np.exp2(-begin), np.exp2(-finish)
    seen = _share_seen(columns, half)
    rest = (columns.end - columns.starts) / half
    kernel = (left - right) / seen
    change = math.log(2) * (begin * left - finish * right + kernel * rest * np.exp2(-rest)) / seen
    each = (columns.kinds == np.arange(len(halves))[:, None]).astype(float)
    return kernel @ columns.weights.T, np.array([(change * kind) @ columns.weights.T for kind in each])


def _share_seen(columns: _Columns, half: Floats) -> Floats:
    """Return how much of each mention's excess falls before the end of the series."""
    return -np.expm1(-math.log(2) * (columns.end - columns.starts) / half)


def _best_fit(series: _Series, columns: _Columns, *, kinds: int) -> _Fit:
    """Return the largest likelihood found from several half-lives."""
    longest = max(len(series.every) / 2, 4.0)
    start = max(series.seen[series.kept].sum() - series.usual[series.kept].sum(), 1.0) / len(columns.weights)
    fits = []
    for half in np.geomspace(1.0, longest, _STARTS):
        values = np.concatenate([[1.0], np.full(len(columns.weights), start), np.full(kinds, math.log(half))])
        fits.append(_scored(series, columns, values, np.ones(len(values), dtype=bool)))
    return max(fits, key=lambda fit: fit.likelihood)


def _scored(series: _Series, columns: _Columns, values: Floats, free: NDArray[np.bool_]) -> _Fit:
    """Climb to the largest likelihood over the free values, within bounds, by Fisher scoring with halved steps."""
    from scipy.optimize import lsq_linear

    groups = len(columns.weights)
    shortest, longest = (math.log(bound) for bound in _half_life_bounds(series))
    low = np.concatenate([[_SMALL], np.zeros(groups), np.full(len(values) - 1 - groups, shortest)])
    high = np.concatenate([np.full(1 + groups, np.inf), np.full(len(values) - 1 - groups, longest)])
    likelihood, slope, information = _derivatives(series, columns, values)
    for _ in range(200):
        scale = np.sqrt(np.maximum(np.diag(information), _SMALL))[free]
        scaled = information[np.ix_(free, free)] / np.outer(scale, scale) + 1e-10 * np.eye(int(free.sum()))
        below, above = (low - values)[free] * scale - 1e-12, (high - values)[free] * scale + 1e-12
        step = np.linalg.solve(scaled, slope[free] / scale)
        if np.any((step < below) | (step > above)):
            root = np.linalg.cholesky(scaled).T
            step = lsq_linear(root, np.linalg.solve(root.T, slope[free] / scale), (below, above)).x
        step = step / scale
        # The logs of half-lives move a little at a time: far away the quadratic knows nothing.
        far = np.abs(step[(np.arange(len(values)) > groups)[free]]).max(initial=0.0)
        length = min(1.0, 1.0 / far) if far else 1.0
        for _ in range(40):
            moved = values.copy()
            moved[free] = np.clip(values[free] + length * step, low[free], high[free])
            found = _derivatives(series, columns, moved)
            if found[0] >= likelihood:
                break
            length /= 2
        else:
            break
        gain = found[0] - likelihood
        values, (likelihood, slope, information) = moved, found
        if gain < 1e-7:
            break
    return _Fit(values, likelihood)


def _derivatives(series: _Series, columns: _Columns, values: Floats) -> tuple[float, Floats, Floats]:
    """Return the log likelihood less its constant, its slope, and the expected information."""
    groups = len(columns.weights)
    kernels, changes = _kernels(series.every[series.kept], columns, np.exp(values[1 + groups :]))
    seen, usual, totals = series.seen[series.kept], series.usual[series.kept], values[1 : 1 + groups]
    design = np.column_stack([usual, kernels, *(change @ totals for change in changes)])
    mean = values[0] * usual + kernels @ totals
    likelihood = float((seen * np.log(mean) - mean).sum())
    return likelihood, design.T @ (seen / mean - 1), design.T @ (design / mean[:, None])


def _profile(series: _Series, columns: _Columns, fit: _Fit, place: int, *, allowed: float) -> tuple[float, float]:
    """Return both ends of one value's profile interval; a bound of the search where the likelihood falls too little."""
    groups = len(columns.weights)
    shortest, longest = (math.log(bound) for bound in _half_life_bounds(series))
    bounds = (shortest, longest) if place > groups else (_SMALL if place == 0 else 0.0, math.inf)
    free = np.arange(len(fit.values)) != place
    information = _derivatives(series, columns, fit.values)[2]
    around = math.sqrt(2 * allowed / max(float(information[place, place]), _SMALL))
    return (
        _end(series, columns, fit, place, free, allowed=allowed, step=-around, bound=bounds[0]),
        _end(series, columns, fit, place, free, allowed=allowed, step=around, bound=bounds[1]),
    )


def _end(
    series: _Series,
    columns: _Columns,
    fit: _Fit,
    place: int,
    free: NDArray[np.bool_],
    *,
    allowed: float,
    step: float,
    bound: float,
) -> float:
    """Walk from the fit by growing steps until the likelihood has fallen enough, then find where it did."""
    from scipy.optimize import brentq

    last = [fit.values]

    def short_of(value: float) -> float:
        held = last[0].copy()
        held[place] = value
        found = _scored(series, columns, held, free)
        last[0] = found.values
        return fit.likelihood - found.likelihood - allowed

    inside = outside = float(fit.values[place])
    for _ in range(60):
        outside = inside + step
        outside = max(outside, bound) if step < 0 else min(outside, bound)
        if short_of(outside) > 0:
            return float(brentq(short_of, inside, outside, xtol=abs(outside) * 1e-4 + 1e-9, rtol=1e-4))
        if outside == bound:
            return bound
        inside, step = outside, 1.6 * step
    return bound


def _dispersion(series: _Series, columns: _Columns, fit: _Fit) -> float:
    """Return Fletcher's estimate: Pearson's, less what counts of small means do to it."""
    groups = len(columns.weights)
    kernels, _ = _kernels(series.every[series.kept], columns, np.exp(fit.values[1 + groups :]))
    seen = series.seen[series.kept]
    mean = fit.values[0] * series.usual[series.kept] + kernels @ fit.values[1 : 1 + groups]
    pearson = float(((seen - mean) ** 2 / mean).sum()) / (len(seen) - len(fit.values))
    return max(pearson / (1 + float(((seen - mean) / mean).mean())), 1.0)


def _inflation(series: _Series, columns: _Columns, fit: _Fit) -> tuple[Floats, Floats, float]:
    """Return variance inflations of level and totals, cosines of their weighted columns, and the condition number."""
    linear = 1 + len(columns.weights)
    information = _derivatives(series, columns, fit.values)[2][:linear, :linear]
    length = np.sqrt(np.maximum(np.diag(information), _SMALL**2))
    likeness = information / np.outer(length, length)
    np.fill_diagonal(likeness, 1.0)
    eigenvalues = np.linalg.eigvalsh(likeness)
    condition = math.sqrt(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > 1e-14 else math.inf
    return np.diag(np.linalg.pinv(likeness, rcond=1e-13, hermitian=True)).copy(), likeness, condition


def _worst_pair(inflation: Floats, likeness: Floats, reasons: list[Reason]) -> tuple[int, int] | None:
    """Return the most inflated group and what it resembles most (0: the level, 1: the first group), if any is."""
    open_to = [
        group for group, reason in enumerate(reasons) if reason != "baseline" and inflation[group + 1] > TOO_ALIKE
    ]
    if not open_to:
        return None
    worst = max(open_to, key=lambda group: inflation[group + 1])
    alike = np.abs(likeness[worst + 1]).copy()
    alike[worst + 1] = -1
    return worst, int(alike.argmax())


def _joined_by_start(columns: _Columns) -> tuple[_Columns, list[Reason]]:
    keys = list(zip(columns.starts.tolist(), columns.kinds.tolist(), strict=True))
    rows = [[key == each for each in keys] for key in dict.fromkeys(keys)]
    weights = np.array(rows, dtype=float)
    together = weights.sum(axis=1)
    reasons: list[Reason] = ["same start" if many > 1 else "alone" for many in together]
    return replace(columns, weights=weights / together[:, None]), reasons


def _joined(
    columns: _Columns, reasons: list[Reason], fit: _Fit, first: int, second: int
) -> tuple[_Columns, list[Reason]]:
    """Return the columns with two groups as one, in the proportion of their totals (half each, if both are 0)."""
    one, other = sorted((first, second))
    totals = fit.values[1 + np.array([one, other])]
    shares = totals / totals.sum() if totals.sum() > _SMALL else np.array([0.5, 0.5])
    # A share of exactly 0 would drop the mention from its group.
    shares = np.clip(shares, 1e-6, None) / np.clip(shares, 1e-6, None).sum()
    weights = columns.weights.copy()
    weights[one] = shares[0] * weights[one] + shares[1] * weights[other]
    kept = np.arange(len(weights)) != other
    left = [reason for group, reason in enumerate(reasons) if group != other]
    left[one] = "overlap"
    return replace(columns, weights=weights[kept]), left


def _half_life_bounds(series: _Series) -> tuple[float, float]:
    return _SHORTEST, _LONGEST * len(series.every)


def _checked_series(counts: ArrayLike, expected: ArrayLike) -> _Series:
    seen, usual = np.asarray(counts, dtype=float), np.asarray(expected, dtype=float)
    if seen.ndim != 1 or seen.shape != usual.shape:
        raise DataError(f"{seen.size} counts and {usual.size} expected. Give one of each a minute.")
    if np.any(seen < 0) or np.any(usual < 0):
        raise DataError("A count or an expected count is negative. Give 0 or more, and NaN where a minute is missing.")
    kept = np.flatnonzero(~np.isnan(seen) & (usual > 0))
    return _Series(np.arange(len(seen), dtype=float), kept, seen, usual)


def _checked_mentions(
    starts: ArrayLike, kinds: Sequence[str] | None, series: _Series
) -> tuple[tuple[str, ...], _Columns]:
    begun = np.atleast_1d(np.asarray(starts, dtype=float))
    labels = ["all"] * len(begun) if kinds is None else list(kinds)
    if begun.ndim != 1 or not len(begun) or len(labels) != len(begun):
        raise DataError(f"{begun.size} starts and {len(labels)} kinds. Give one of each a mention, 1 or more.")
    if not np.all((begun >= 0) & (begun < len(series.every))):
        raise DataError(
            f"A mention starts outside the {len(series.every)} minutes, or its start is missing. "
            "Give starts in minutes from the first of counts."
        )
    names = tuple(dict.fromkeys(labels))
    codes = np.array([names.index(label) for label in labels], dtype=np.intp)
    return names, _Columns(np.eye(len(begun)), begun, codes, float(len(series.every)))
