"""What it costs to look before the end: p-values and intervals that stay valid by the rule declared beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

from funnel.design import Design
from funnel.stats.proportions import Estimate, normal_quantile
from funnel.stats.sequential import confidence_sequence, confidence_sequence_test, obrien_fleming, peeking, repeated_p

ALPHA = 0.05

# Without a planned size a confidence sequence is valid all the same; it is narrowest around so many visitors.
USUAL_SIZE = 10_000

# A look this near to a planned one is that look.
_SAME_LOOK = 0.01
_MOST_LOOKS = 100
_FARTHEST = 8.0  # standard errors: a level beyond is 1 in floating point

Interval = Callable[[float], Estimate]


@dataclass(frozen=True)
class Comparison:
    """One variant against the control: the difference, its standard error, and how many visitors both arms have."""

    difference: float
    standard_error: float
    visitors: int


@dataclass(frozen=True)
class Look:
    """This look at an experiment: how many visitors of how many planned, all arms together, after how many days."""

    design: Design
    visitors: int
    days: float

    @property
    def fraction(self) -> float:
        """The share of the planned visitors that are there; NaN where no size was planned."""
        return self.visitors / self.design.planned if self.design.planned else math.nan

    @property
    def is_early(self) -> bool:
        """Tell whether the planned end has not been reached; where no size was planned, it has."""
        return self.fraction < 1 - _SAME_LOOK

    @property
    def is_planned(self) -> bool:
        """Tell whether looks were planned, and for which sizes, so that boundaries can be drawn."""
        return isinstance(self.design.looks, int) and self.design.planned is not None

    @cached_property
    def fractions(self) -> tuple[float, ...]:
        """The planned looks before this one, equally spaced, and this one: shares of the planned visitors."""
        looks = int(self.design.looks)
        before = [look / looks for look in range(1, looks) if look / looks < self.fraction - _SAME_LOOK]
        return (*before, max(self.fraction, 0.001))

    def p(self, fixed: float, compared: Comparison) -> float:
        """Return the p-value that holds at this look, given the one that would hold at the only look of all."""
        if self.design.looks == "anytime":
            at = {"difference": compared.difference, "standard_error": compared.standard_error}
            return confidence_sequence_test(**at, n=compared.visitors, planned=self._size(compared)).p
        if self.is_planned:
            return repeated_p(standard_errors(fixed), self.fractions)
        return min(1.0, fixed * self._tests)

    def interval(self, plain: Interval, compared: Comparison, *, alpha: float = ALPHA) -> tuple[float, float]:
        """Return the interval that holds at this look with an error of `alpha`; `plain` gives that of one look."""
        if self.design.looks == "anytime":
            at = {"difference": compared.difference, "standard_error": compared.standard_error}
            found = confidence_sequence(**at, n=compared.visitors, planned=self._size(compared), level=1 - alpha)
        elif self.is_planned:
            critical = self.critical(alpha=alpha)
            if critical > _FARTHEST:
                return -math.inf, math.inf
            found = plain(2 * NormalDist().cdf(critical) - 1)
        else:
            found = plain(1 - alpha / self._tests)
        return float(found.low), float(found.high)

    def critical(self, *, alpha: float = ALPHA) -> float:
        """Return how many standard errors a difference must reach at this look, where that does not depend on it."""
        if self.is_planned:
            return float(obrien_fleming(self.fractions, alpha=alpha).critical[-1])
        return normal_quantile(1 - alpha / self._tests)

    def error_when_peeking(self) -> tuple[float, float]:
        """Return the false positive rate of a fixed test read now and at the end, and of one read daily to the end."""
        days = min(_MOST_LOOKS, max(2, math.ceil(self.days / self.fraction)))
        now = min(max(self.fraction, 0.001), 0.999)
        return peeking([now, 1.0]), peeking([day / days for day in range(1, days + 1)])

    @property
    def _tests(self) -> int:
        """How many looks share the error evenly: those planned, where it is unknown how far along this one is."""
        return int(self.design.looks) if isinstance(self.design.looks, int) and not self.design.planned else 1

    def _size(self, compared: Comparison) -> float:
        """The planned visitors of these two arms: their part of all, as things are."""
        return (self.design.planned or USUAL_SIZE) * compared.visitors / max(self.visitors, 1)


def standard_errors(p: float) -> float:
    """Return how many standard errors from 0 a two-sided p-value speaks of."""
    from scipy.special import ndtri

    return float(-ndtri(max(p, 1e-300) / 2))
