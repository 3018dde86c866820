"""Integer programs of the table reader, solved by HiGHS: is there such a table, and how far can a count go."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

# So many branches are tried and no more: the count is then taken to be narrowed down, and more is hidden.
_BRANCHES = 200


def feasible(
    cost: NDArray[np.float64],
    a: csr_array,
    b: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    is_whole: NDArray[np.bool_],
) -> NDArray[np.float64] | None:
    """Return x between the bounds with a x = b, whole where told, of a low cost; None if none is found."""
    if (lower > upper).any():
        return None
    found = _solved(cost, a, b, lower, upper, is_whole)
    return None if found.x is None else np.where(is_whole, np.round(found.x), found.x)


def range_of(
    place: int, a: csr_array, b: NDArray[np.float64], lower: NDArray[np.float64], is_whole: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return the least and the greatest x[place] of all x from `lower` on with a x = b; infinite where nothing binds.

    Some x must exist: the true table is one.
    """
    cost, upper = np.zeros(len(lower)), np.full(len(lower), math.inf)
    ends = []
    for sign in (1.0, -1.0):
        cost[place] = sign
        found = _solved(cost, a, b, lower, upper, is_whole)
        ends.append(-sign * math.inf if found.x is None else float(found.x[place]))
    low, high = ends
    return (round(low), high if math.isinf(high) else round(high)) if is_whole[place] else (low, high)


def _solved(
    cost: NDArray[np.float64],
    a: csr_array,
    b: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    is_whole: NDArray[np.bool_],
) -> Any:
    from scipy.optimize import Bounds, LinearConstraint, milp

    rules = [LinearConstraint(a, b, b)] if a.shape[0] else []
    options = {"node_limit": _BRANCHES}
    return milp(cost, integrality=is_whole.astype(int), bounds=Bounds(lower, upper), constraints=rules, options=options)
