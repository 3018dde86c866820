"""Times that are seen only when they are short enough: delays that end before the data does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Delays:
    """How delays are distributed: `share[i]` of them last at most `time[i]`, increasing in both.

    They are shares of the delays that last at most `longest`, the longest that could have been seen: of longer ones the
    data says nothing.
    """

    time: Floats
    share: Floats
    longest: float

    def by(self, times: ArrayLike) -> Floats:
        """Return the share of delays that last at most so long, an array; 0 before the shortest."""
        place = np.searchsorted(self.time, np.atleast_1d(np.asarray(times, dtype=float)), side="right")
        return np.append(0.0, self.share)[place]

    def quantile(self, share: float) -> float:
        """Return the time within which this share of the delays ends; NaN where there is no delay."""
        if not len(self.time):
            return float("nan")
        place = int(np.searchsorted(self.share, share - 1e-12))
        return float(self.time[min(place, len(self.time) - 1)])


def right_truncated(delays: ArrayLike, limits: ArrayLike) -> Delays:
    """Return the distribution of delays of which each was seen only because it was no longer than its limit.

    `delays` and `limits` in one unit, one pair a delay, 0 <= delay <= limit: a friend's delay after the signer, and how
    long that signer had been followed. Without the limits the distribution would be too short, since of recent signers
    only the quick friends have come. No delays give an empty distribution.

    In reversed time these are left-truncated survival times, so this is Kaplan-Meier there: Lynden-Bell 1971, MNRAS
    155:95; Lagakos, Barraj and De Gruttola 1988, Biometrika 75:515. Agrees with lifelines' `KaplanMeierFitter` given
    `entry`, on reversed times.

    >>> right_truncated([1, 1, 2, 3], [1.5, 3, 3, 3]).share.round(4).tolist()
    [0.3333, 0.6667, 1.0]
    """
    seen, followed = np.asarray(delays, dtype=float), np.asarray(limits, dtype=float)
    if seen.ndim != 1 or seen.shape != followed.shape:
        raise DataError(f"{followed.size} limits for {seen.size} delays. Give one of each, in two lists.")
    if not np.all((seen >= 0) & (seen <= followed) & np.isfinite(seen)):
        raise DataError("A delay is negative, missing, or longer than its limit. Give 0 or more, up to the limit.")
    if not len(seen):
        return Delays(np.zeros(0), np.zeros(0), float("nan"))
    time, ended = np.unique(seen, return_counts=True)
    ordered, limit = np.sort(seen), np.sort(followed)
    # Those that might have been seen to last exactly so long: not longer themselves, and with a limit not shorter.
    at_risk = np.searchsorted(ordered, time, side="right") - np.searchsorted(limit, time, side="left")
    staying = 1 - ended / at_risk
    share = np.append(np.cumprod(staying[:0:-1])[::-1], 1.0)
    return Delays(time, share, float(limit[-1]))
