"""What a counter read now and then has counted, and when nothing was counted: falls, gaps and silences."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Increments:
    """What a counter gained between readings: one entry an interval between two, in order of time.

    `begin` and `end` are in the unit of the times given. `change` is the later reading less the earlier, below 0 where
    the counter fell: something was taken out of it, so how much it gained then is not known, only that it is no less
    than 0 and that more was taken out than it gained. `is_gap` is an interval longer than allowed: its change is known,
    and when is not.
    """

    begin: Floats
    end: Floats
    change: Floats
    is_gap: NDArray[np.bool_]

    @property
    def is_fall(self) -> NDArray[np.bool_]:
        """Where the counter fell."""
        return self.change < 0

    @property
    def gained(self) -> float:
        """All that was counted, outside the intervals in which the counter fell."""
        return float(self.change[~self.is_fall].sum())

    @property
    def removed(self) -> float:
        """By how much the counter fell in all, at least: `gained - removed` is the last reading less the first."""
        return -float(self.change[self.is_fall].sum())


@dataclass(frozen=True, eq=False)
class Binned:
    """Counts of bins of time: `count` in the part of each that is known, `covered` (0 to 1) how large a part that is.

    A bin is not known where it lies before the first reading, after the last, in a gap, or where the counter fell.
    `count` is NaN where nothing is covered; `count / covered` estimates a whole bin's.
    """

    count: Floats
    covered: Floats


@dataclass(frozen=True)
class Silence:
    """A run of bins without any count, `first` to `last` (both included), in which `expected` were due.

    `p` is how often a Poisson count of that mean is 0.
    """

    first: int
    last: int
    expected: float
    p: float


def increments(times: ArrayLike, readings: ArrayLike, *, longest: float) -> Increments:
    """Return what a counter gained from each reading to the next; `longest` is the longest interval that is no gap.

    `times` are in any unit, and in any order; `readings` are what the counter showed, 0 or more. A counter that falls
    was corrected (or restarted): that is kept apart, as `Increments` says, and never becomes a negative count or a 0.

    >>> found = increments([0, 60, 120, 600], [100, 130, 90, 250], longest=300)
    >>> found.gained, found.removed, found.is_gap.tolist()
    (190.0, 40.0, [False, False, True])
    """
    instants, shown = np.asarray(times, dtype=float), np.asarray(readings, dtype=float)
    if instants.ndim != 1 or instants.shape != shown.shape or len(instants) < 2:
        raise DataError(f"{instants.size} times and {shown.size} readings. Give one of each a reading, 2 or more.")
    if not np.all(np.isfinite(instants)) or not np.all((shown >= 0) & np.isfinite(shown)):
        raise DataError("A time is missing, or a reading is negative or missing. Leave that reading out.")
    if not longest > 0:
        raise DefinitionError(f"longest={longest} is no length of time. Give a number above 0, in the unit of times.")
    order = np.argsort(instants, kind="stable")
    instants, shown = instants[order], shown[order]
    if not np.all(np.diff(instants) > 0):
        raise DataError("Two readings are of the same time. Keep one of them.")
    return Increments(instants[:-1], instants[1:], np.diff(shown), np.diff(instants) > longest)


def binned(found: Increments, edges: ArrayLike) -> Binned:
    """Return the counts of the bins between these edges, each interval's gain spread evenly over it.

    `edges` grow, in the unit of the times: one more than the bins. Intervals in which the counter fell, and gaps, count
    as not seen.
    """
    bounds = np.asarray(edges, dtype=float)
    if bounds.ndim != 1 or len(bounds) < 2 or not np.all(np.diff(bounds) > 0):
        raise DefinitionError("The edges of bins do not grow. Give 2 or more, each later than the one before.")
    known = ~(found.is_fall | found.is_gap)
    corners = np.append(found.begin, found.end[-1])

    def within(amount: Floats) -> Floats:
        return np.diff(np.interp(bounds, corners, np.concatenate([[0.0], np.cumsum(np.where(known, amount, 0.0))])))

    seen = within(found.end - found.begin)
    # What rounding leaves of a time that was not covered.
    seen = np.where(seen > 1e-9 * np.diff(bounds), seen, 0.0)
    return Binned(np.where(seen > 0, within(found.change), np.nan), np.minimum(seen / np.diff(bounds), 1.0))


def silences(counts: ArrayLike, expected: ArrayLike, *, chance: float = 0.001) -> list[Silence]:
    """Return the runs of empty bins that are too long for chance: outages of whatever counts, most likely.

    `counts` and `expected` are a number a bin (a minute, an hour). A run of zeros is reported if the bins times its p,
    exp(-sum of expected), is below `chance`: at most that often is any run reported of Poisson counts with these means
    (Bonferroni). A bin whose count is missing (NaN) ends a run; it is known to be missing.

    >>> silences([5, 0, 0, 0, 3, 0], [4, 4, 4, 4, 4, 4])
    [Silence(first=1, last=3, expected=12.0, p=6.14...e-06)]
    """
    seen, usual = np.asarray(counts, dtype=float), np.asarray(expected, dtype=float)
    if seen.ndim != 1 or seen.shape != usual.shape:
        raise DataError(f"{seen.size} counts and {usual.size} expected. Give one of each a bin.")
    if np.any(seen < 0) or not np.all(usual >= 0):
        raise DataError("A count is negative, or an expected count is negative or missing. Give 0 or more.")
    if not 0 < chance < 1:
        raise DefinitionError(f"chance={chance} is no probability between 0 and 1. Write chance=0.001.")
    changes = np.flatnonzero(np.diff(np.concatenate([[False], seen == 0, [False]]).astype(int)))
    runs = [(int(begin), int(end) - 1) for begin, end in changes.reshape(-1, 2)]
    found = [(first, last, float(usual[first : last + 1].sum())) for first, last in runs]
    return [
        Silence(first, last, due, math.exp(-due)) for first, last, due in found if len(seen) * math.exp(-due) < chance
    ]
