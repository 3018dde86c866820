"""Both lives of a mention: what it brought when it aired, what its re-shared link did again, and friends of both."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from funnel.excess.counting import SecondLife
from funnel.excess.measures import NAMES, Looked, ends_of, framed, group_of, named
from funnel.excess.windows import Stretch, Window
from funnel.stats.proportions import Estimate
from funnel.stats.weighted_counts import weighted_count

if TYPE_CHECKING:
    import pandas

LIVES = (
    *NAMES,
    "first_life",
    "first_life_low",
    "first_life_high",
    "first_downstream",
    "first_downstream_low",
    "first_downstream_high",
    "second_visitors",
    "second_visits",
    "second_life",
    "second_downstream",
    "total",
    "total_low",
    "total_high",
    "audience",
    "per_thousand",
    "together_with",
    "note",
)


def lives_of(looked: Looked, frame: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row a mention: its first life with what friends added, its second, and the total; largest first."""
    signing = frame[frame["outcome"] == looked.tally.outcomes[1]].reset_index(drop=True)
    rows = []
    for (stretch, window), (_, row) in zip(looked.windows, signing.iterrows(), strict=True):
        first = Estimate(row["excess"], row["excess_low"], row["excess_high"])
        ratio = _below(looked, stretch, window)
        below, whole = product(first, ratio), product(first, _plus_one(ratio))
        second = looked.tally.second.get(window.mention.name, SecondLife())
        exact = second.signatures + second.downstream
        total = Estimate(*(each + exact for each in (whole.value, whole.low, whole.high)))
        audience = window.mention.audience or math.nan
        rows.append(
            {
                **named(window),
                **ends_of("first_life", first),
                **ends_of("first_downstream", below),
                "second_visitors": second.visitors,
                "second_visits": second.visits,
                "second_life": second.signatures,
                "second_downstream": second.downstream,
                **ends_of("total", total),
                "audience": audience,
                "per_thousand": 1_000 * float(total.value) / audience,
                "together_with": row["together_with"],
                "note": row["note"],
            }
        )
    told = framed(rows, LIVES)
    order = sorted(range(len(told)), key=lambda place: (-_or_less(told["total"][place]), place))
    return told.iloc[order].reset_index(drop=True)


def _or_less(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _below(looked: Looked, stretch: Stretch, window: Window) -> Estimate:
    """Return how many signatures friends added for each unlinked signature of the window, so far."""
    tallied = looked.tally
    span = slice(max(window.start, 0), max(window.end, 0))
    found = looked.measured[tallied.outcomes[1]][looked.stretches.index(stretch)]
    if found is not None and len(stretch.members) > 1:
        _, members, _ = group_of(found, window)
        span = slice(stretch.members[members[0]].start, max(stretch.members[each].end for each in members))
    roots = int(tallied.counts[tallied.outcomes[1]][span].sum())
    if not roots:
        return Estimate(0.0, 0.0, 0.0)
    below, squared = int(tallied.below[span].sum()), int(tallied.below_squared[span].sum())
    added = weighted_count(below, squared, max(int(tallied.deepest[span].max()), 1))
    return Estimate(*(float(each) / roots for each in (added.value, added.low, added.high)))


def _plus_one(ratio: Estimate) -> Estimate:
    return Estimate(ratio.value + 1, ratio.low + 1, ratio.high + 1)


def product(one: Estimate, other: Estimate) -> Estimate:
    """Return the product of two independent estimates, the second of 0 or more, with its interval.

    By recovering variances from both intervals (Zou and Donner 2008, Stat Med 27:1693; the delta method's two terms).
    """
    x, y = float(one.value), float(other.value)
    down, up = (y - other.low, other.high - y) if x >= 0 else (other.high - y, y - other.low)
    return Estimate(
        x * y,
        x * y - math.hypot(y * (x - one.low), x * down),
        x * y + math.hypot(y * (one.high - x), x * up),
    )
