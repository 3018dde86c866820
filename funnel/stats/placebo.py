"""Where a window's excess stands among those of windows in which nothing was said."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError, DefinitionError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Placebo:
    """The rank of an excess among those of `windows` others: `above` are larger, `ties` as large.

    `p` = (1 + above + ties) / (1 + windows): one-sided, never 0, and 1 where there is no other window.
    """

    p: float
    above: int
    ties: int
    windows: int


def placebo_rank(observed: float, placebos: ArrayLike) -> Placebo:
    """Return where `observed` stands among the numbers that came without a cause; NaN among them is no window.

    Phipson and Smyth 2010, Stat Appl Genet Mol Biol 9:39: with the observed counted among them p is never too small, if
    the window was as likely to be any of them. Windows that overlap share events, so they tell less than their number
    says.

    >>> placebo_rank(9, [1, 4, 9, 12, 3])
    Placebo(p=0.5, above=1, ties=1, windows=5)
    """
    numbers = np.asarray(placebos, dtype=float).ravel()
    if np.isnan(observed):
        raise DataError("The window's own excess is missing, so it has no rank. Give a window with counts.")
    numbers = numbers[~np.isnan(numbers)]
    # Sums of the same numbers in another order differ in the last digits, and are ties.
    tied = np.isclose(numbers, observed, rtol=1e-9, atol=1e-9)
    above, ties = int(((numbers > observed) & ~tied).sum()), int(tied.sum())
    return Placebo((1 + above + ties) / (1 + len(numbers)), above, ties, len(numbers))


def window_excesses(counts: ArrayLike, expected: ArrayLike, *, length: int) -> Floats:
    """Return the excess of the window of `length` minutes from each minute on: counts less what was expected.

    `counts` and `expected` are a number a minute (any step of time will do). The last `length - 1` minutes start no
    window: one number for each of the others. NaN where a minute of the window is missing (NaN) from either.
    """
    seen, usual = _checked_minutes(counts, expected)
    if not (1 <= length <= len(seen) and float(length).is_integer()):
        raise DefinitionError(f"length={length} is no window of {len(seen)} minutes. Give 1, 2, ... up to {len(seen)}.")
    missing = np.isnan(seen) | np.isnan(usual)

    def over_windows(values: Floats) -> Floats:
        total = np.concatenate([[0.0], np.cumsum(values)])
        return total[length:] - total[: len(total) - length]

    excesses = over_windows(np.where(missing, 0.0, seen - usual))
    return np.where(over_windows(missing.astype(float)) > 0, np.nan, excesses)


def placebo_test(
    counts: ArrayLike, expected: ArrayLike, *, start: int, length: int, eligible: ArrayLike | None = None
) -> Placebo:
    """Return the rank of the window from minute `start` among the windows from all other eligible minutes.

    `eligible` says of each minute whether a window may start there (all, if not given): leave out those near other
    mentions. Windows that overlap the one asked about are never among the others.
    """
    excesses = window_excesses(counts, expected, length=length)
    if not (0 <= start < len(excesses) and float(start).is_integer()):
        raise DefinitionError(f"start={start} starts no window. Give a minute from 0 to {len(excesses) - 1}.")
    minutes = np.arange(len(excesses))
    others = np.abs(minutes - start) >= length
    if eligible is not None:
        allowed = np.asarray(eligible, dtype=bool)
        if allowed.shape != np.shape(counts):
            raise DataError(f"{allowed.size} eligible for {np.size(counts)} minutes. Give one a minute.")
        others &= allowed[: len(minutes)]
    return placebo_rank(float(excesses[start]), excesses[others])


def _checked_minutes(counts: ArrayLike, expected: ArrayLike) -> tuple[Floats, Floats]:
    seen, usual = np.asarray(counts, dtype=float), np.asarray(expected, dtype=float)
    if seen.ndim != 1 or seen.shape != usual.shape:
        raise DataError(f"{seen.size} counts and {usual.size} expected. Give one of each a minute.")
    if np.any(seen < 0) or np.any(usual < 0):
        raise DataError("A count or an expected count is negative. Give 0 or more, and NaN where a minute is missing.")
    return seen, usual
