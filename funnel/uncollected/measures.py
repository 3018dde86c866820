"""The numbers: what was not collected, what may bound it, and what another page would bring from now on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from funnel.outcomes import Guardrail
from funnel.uncollected.counting import Counted
from funnel.uncollected.drawing import Drawn, mixed

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

FORGONE = (
    "variant",
    "outcome",
    "role",
    "counted",
    "signers",
    "rate_shown",
    "rate_variant",
    "forgone",
    "forgone_low",
    "forgone_high",
    "method",
)
BOUNDS = ("variant", "outcome", "assumption", "forgone", "forgone_low", "forgone_high")

THESE, FIRST, ALL, NEAR = "these signers", "first generation", "all generations", "within the horizon"
THROUGH_SHARES, BY_LINKS, DIRECTLY = "through shares", "by links of each page", "as measured"
AS_ASSUMED, ANYWAY, FIRST_ONLY, SMALLEST, TOGETHER = (
    "as assumed",
    "some would have come anyway",
    "first generation only",
    "smallest difference of any wave",
    "smallest difference, and some would have come anyway",
)
LEVEL = 0.95
# So many draws that grow for ever would be beyond the upper end of the interval.
TAIL = (1 - LEVEL) / 2


@dataclass(frozen=True, eq=False)
class World:
    """What would have been otherwise: so many signers, what they saw, and what those they bring would have seen.

    `shown` is a variant, or None where each saw what they saw. `later`: friends see the same page as the signers
    ("own"), or what the mix of pages is ("mix"). `horizon`: generations, where the sum over all has no end. `is_past`:
    the signers are those there were, so how many of them came by themselves is known, and not as drawn.
    """

    counts: Counted
    drawn: Drawn
    signers: float
    shown: str | None
    later: Literal["own", "mix"]
    horizon: int
    is_past: bool = True

    @property
    def asked(self) -> tuple[str, ...]:
        """The variants in question: all but the one that was shown."""
        return tuple(variant for variant in self.counts.variants if variant != self.shown)

    def under(self, rates: Mapping[str, Floats]) -> Floats:
        """Return the rate under what was shown."""
        return self.drawn.mixed(rates) if self.shown is None else rates[self.shown]

    def first(self, variant: str) -> Floats:
        """Return the signatures these signers would have brought directly, more than they did."""
        return self.signers * (self.drawn.brings[variant] - self.under(self.drawn.brings))

    def growth(self, variant: str) -> Floats:
        """Return how many signatures each further signer brings: R of what those who are brought see."""
        return self.drawn.brings[variant] if self.later == "own" else self.drawn.mix_brings

    def feeds_itself(self, variant: str) -> bool:
        """Tell whether the total has no end, in the estimate or in more draws than lie beyond its interval."""
        growths = [self.growth(variant)]
        if self.later == "own":
            growths.append(self.under(self.drawn.brings))
        return any(bool(growth[0] >= 1 or (growth[1:] >= 1).mean() > TAIL) for growth in growths)

    def all(self, variant: str) -> Floats:
        """Return the signatures of all generations, more than there were; without end in draws where R is 1 or more.

        first / (1 - R) where friends see the mix. Where they see the page themselves, the seeded signers over 1 - R of
        that page, less the same over 1 - R of what was shown: both ends once all have had time.
        """
        growth = self.growth(variant)
        ends = growth < 1
        below = np.where(ends, 1 - growth, 1.0)
        if self.later == "mix":
            first = self.first(variant)
            return np.where(ends, first / below, np.copysign(np.inf, first))
        brought = self.under(self.drawn.brings)
        shown = 1 - (brought[0] if self.is_past else brought)
        seeds = self.signers * (self.counts.seeded_share if self.shown is None else shown)
        return np.where(ends, seeds / below - seeds / shown, np.inf)

    def near(self, variant: str) -> Floats:
        """Return the signatures of the generations up to the horizon."""
        growth = self.growth(variant)
        return self.first(variant) * sum(growth**generation for generation in range(self.horizon))

    def of_all(self, label: str, variant: str, brought: Floats) -> Floats:
        """Return a follow-up of these signers and of those brought, more than there were."""
        rates = self.drawn.rates[label]
        theirs = rates[variant] if self.later == "own" else self.drawn.mixed(rates)
        return self.of_these(label, variant) + brought * theirs

    def of_these(self, label: str, variant: str) -> Floats:
        """Return a follow-up of these signers, more than there were."""
        rates = self.drawn.rates[label]
        return self.signers * (rates[variant] - self.under(rates))


def forgone_of(world: World, brought: str) -> pandas.DataFrame:
    """Return one row a variant, outcome and generations counted; `brought` names the signatures, such as "sign"."""
    import pandas

    rows = [row for variant in world.asked for row in _rows(world, variant, brought)]
    return pandas.DataFrame(rows, columns=list(FORGONE))


def _rows(world: World, variant: str, brought: str) -> Iterator[tuple]:
    no_end = world.feeds_itself(variant)
    spans = {ALL: None if no_end else world.all(variant)}
    if no_end:
        spans[NEAR] = world.near(variant)
    signers: float = world.signers
    for measure in world.counts.measures:
        rates = world.drawn.rates[measure.label]
        told = (signers, float(world.under(rates)[0]), float(rates[variant][0]))
        amounts = {THESE: world.of_these(measure.label, variant)} | {
            span: None if total is None else world.of_all(measure.label, variant, total)
            for span, total in spans.items()
        }
        for span, amount in amounts.items():
            yield variant, measure.label, measure.role, span, *told, *interval(amount), DIRECTLY
    method = BY_LINKS if world.drawn.worth is None else THROUGH_SHARES
    told = (signers, float(world.under(world.drawn.brings)[0]), float(world.drawn.brings[variant][0]))
    first = world.first(variant)
    yield variant, f"{brought} brought directly", "secondary", FIRST, *told, *interval(first), method
    for span, total in spans.items():
        yield variant, f"{brought} brought", "secondary", span, *told, *interval(total), method


def interval(amount: Floats | None) -> tuple[float, float, float]:
    """Return the estimate and its 95 % interval, by the quantiles of the draws; unknown where there is no amount.

    The quantiles are draws themselves, so that one without end does no harm below the upper end.
    """
    if amount is None or math.isnan(amount[0]):
        return math.nan, math.nan, math.nan
    low, high = np.quantile(amount[1:], [TAIL, 1 - TAIL], method="inverted_cdf")
    return float(amount[0]), float(low), float(high)


def bounds_of(world: World, brought: str, *, anyway: float) -> pandas.DataFrame:
    """Return one row a variant, outcome and assumption: what is left where less is supposed."""
    import pandas

    rows = [
        (variant, outcome, assumption, *interval(amount))
        for variant in world.asked
        for outcome, assumption, amount in _bounds(world, variant, brought, anyway)
    ]
    return pandas.DataFrame(rows, columns=list(BOUNDS))


def _bounds(world: World, variant: str, brought: str, anyway: float) -> Iterator[tuple[str, str, Floats | None]]:
    total = None if world.feeds_itself(variant) else world.all(variant)
    everyone, directly = f"{brought} brought", f"{brought} brought directly"
    yield everyone, AS_ASSUMED, total
    yield everyone, ANYWAY, None if total is None else (1 - anyway) * total
    yield directly, FIRST_ONLY, world.first(variant)
    links = world.drawn.by_links
    yield directly, BY_LINKS, world.signers * (links[variant] - world.under(links))
    for measure in world.counts.measures:
        if isinstance(measure.outcome, Guardrail):
            continue
        smallest = _smallest(world, variant, measure.label)
        if smallest is None:
            continue
        yield measure.label, SMALLEST, world.signers * smallest
        if measure.label == world.counts.carrier and world.drawn.worth is not None:
            carried = world.signers * world.drawn.worth * smallest
            yield directly, SMALLEST, carried
            yield directly, TOGETHER, (1 - anyway) * carried


def _smallest(world: World, variant: str, label: str) -> Floats | None:
    """Return the least difference of any group of exposed; None where no group has all arms.

    Of the draws: the least of each draw, so an interval of the least.
    """
    wanted: Sequence[str] = world.counts.variants if world.shown is None else (world.shown, variant)
    differences = []
    for group in world.drawn.groups.values():
        rates = group[label]
        if any(each not in rates or math.isnan(rates[each][0]) for each in wanted):
            continue
        shown = mixed(rates, world.drawn.weights) if world.shown is None else rates[world.shown]
        differences.append(rates[variant] - shown)
    return np.min(differences, axis=0) if differences else None
