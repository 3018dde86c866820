"""The frames of a ladder: rungs, moves from one to the next, times, asks, and what signers on each rung bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from funnel.climbing.climbers import Climbers
from funnel.climbing.counting import Asked, Stays, highest_of_signers, moves, reached, stays
from funnel.climbing.groups import Grouped
from funnel.climbing.rungs import Friend
from funnel.curves import round_times
from funnel.spread import Spread
from funnel.stats.branching import expected_total
from funnel.stats.proportions import wilson
from funnel.stats.reproduction import corrected_mean
from funnel.stats.significance import DOUBTFUL
from funnel.stats.survival import aalen_johansen, homogeneity

if TYPE_CHECKING:
    import pandas

RUNGS = ("rung", "visitors", "reached", "rate", "rate_low", "rate_high", "highest", "skipped")
MOVES = ("rung", "to", "visitors", "share", "share_low", "share_high")
TIMES = ("outcome", "after", "elapsed_seconds", "rate", "rate_low", "rate_high", "at_risk")
ASKS = (
    "asks",
    "visitors",
    "pending",
    "responded",
    "response_rate",
    "response_rate_low",
    "response_rate_high",
    "harmed",
    "harmed_before",
    "harm_rate",
    "harm_rate_low",
    "harm_rate_high",
)
VALUES = (
    "rung",
    "signers",
    "brought",
    "downstream",
    "k_factor",
    "k_factor_low",
    "k_factor_high",
    "value",
    "value_low",
    "value_high",
)

HIGHER = "a higher rung"
NONE_YET = "none yet"
NOT_GIVEN = "not given"


def rungs_of(found: Grouped) -> pandas.DataFrame:
    """Return one row a group and rung, from the lowest up."""
    import pandas

    labels = found.climbers.labels
    lines: list[tuple[Any, ...]] = []
    for each in reached(found):
        rate = wilson(each.reached, each.visitors)
        told = (each.visitors, each.reached, rate.value, rate.low, rate.high, each.highest, each.skipped)
        lines.append((*found.values[each.group], labels[each.rung], *told))
    frame = pandas.DataFrame(lines, columns=[*found.by, *RUNGS])
    for place, name in enumerate(found.by):
        frame[name] = pandas.Series([line[place] for line in lines], dtype=object).infer_objects()
    return frame


def moves_of(found: Grouped) -> pandas.DataFrame:
    """Return one row a rung and a higher one: of those who stood on the one, who climbed to the other next.

    The last row of each rung is of those who have not climbed yet. Shares of a rung add up to 1.
    """
    import pandas

    labels, counted = found.climbers.labels, moves(found)
    lines: list[tuple[Any, ...]] = []
    for rung, label in enumerate(labels):
        targets: list[int | None] = [*range(rung + 1, len(labels)), None]
        everyone = sum(counted.get((rung, to), 0) for to in targets)
        for to in targets:
            went = counted.get((rung, to), 0)
            share = wilson(went, everyone)
            name = NONE_YET if to is None else labels[to]
            lines.append((label, name, went, share.value, share.low, share.high))
    return pandas.DataFrame(lines, columns=list(MOVES))


def times_of(found: Grouped) -> tuple[pandas.DataFrame, tuple[tuple[str, float], ...]]:
    """Return the share that climbed on by each time since they came to a rung, and the rungs where groups differ.

    One row a group, rung and elapsed time: one minus Kaplan-Meier, up to the longest that anybody of the group was
    followed on the rung. `outcome` is the group in words, "a higher rung" without groups. The second is the label of
    each rung where the log-rank test doubts that the groups climb alike, and its p.
    """
    import pandas

    labels, read = found.climbers.labels, stays(found)
    parts: list[pandas.DataFrame] = []
    doubtful: list[tuple[str, float]] = []
    for rung, label in enumerate(labels[:-1]):
        on_it = read.rung == rung
        for group, values in enumerate(found.values):
            chosen = on_it & (read.group == group)
            if chosen.any():
                parts.append(_curve(read, chosen, outcome_of(values), label))
        test = homogeneity(read.seconds[on_it], read.climbed[on_it], read.group[on_it], read.visitors[on_it])
        if test.p < DOUBTFUL:
            doubtful.append((label, test.p))
    frame = pandas.concat(parts, ignore_index=True) if parts else pandas.DataFrame(columns=list(TIMES))
    return frame, tuple(doubtful)


def outcome_of(values: Sequence[object]) -> str:
    """Return a group as one phrase: its values, "a higher rung" where everyone is one group."""
    return " · ".join(NOT_GIVEN if value is None else str(value) for value in values) or HIGHER


def _curve(read: Stays, chosen: np.ndarray, outcome: str, after: str) -> pandas.DataFrame:
    import pandas

    whole = aalen_johansen(read.seconds[chosen], read.climbed[chosen], read.visitors[chosen], causes=1)
    told = whole.at(round_times(min(whole.reach, float(whole.time[-1]))))
    columns = (outcome, after, told.time, told.rate[0], told.low[0], told.high[0], told.at_risk)
    return pandas.DataFrame(dict(zip(TIMES, columns, strict=True)))


def asks_of(counted: Sequence[Asked]) -> pandas.DataFrame:
    """Return one row a number of asks seen: who answered that ask in time, and who was harmed."""
    import pandas

    lines: list[tuple[Any, ...]] = []
    for each in counted:
        settled = each.visitors - each.pending
        response, harm = wilson(each.responded, settled), wilson(each.harmed, settled - each.harmed_before)
        lines.append(
            (
                *(each.asks, each.visitors, each.pending, each.responded),
                *(response.value, response.low, response.high),
                *(each.harmed, each.harmed_before, harm.value, harm.low, harm.high),
            )
        )
    return pandas.DataFrame(lines, columns=list(ASKS))


def values_of(climbers: Climbers, spread: Spread) -> pandas.DataFrame:
    """Return one row a rung, bringing a friend left out: signers whose highest it is, and what their links bring.

    The last row, whose rung is null, is of signers who are not on the ladder, where there are any.
    """
    import pandas

    trees, highest = spread.lineage, highest_of_signers(climbers, spread.forest)
    lines: list[tuple[Any, ...]] = []
    rungs = [(place, rung.label) for place, rung in enumerate(climbers.rungs) if not isinstance(rung, Friend)]
    for place, label in [*rungs, (-1, None)]:
        chosen = highest == place
        signers = int(chosen.sum())
        if label is None and not signers:
            continue
        brought = (math.nan, 0.0, math.inf)
        if signers:
            each = corrected_mean(trees.children[chosen], spread.seen[chosen])
            brought = (float(each.value), float(each.low), float(each.high))
        direct, below = int(trees.children[chosen].sum()), int((trees.sizes[chosen] - 1).sum())
        lines.append((label, signers, direct, below, *brought, *_in_all(brought, spread)))
    return pandas.DataFrame(lines, columns=list(VALUES))


def _in_all(brought: Sequence[float], spread: Spread) -> list[float]:
    """Return what a signer brings in all, friends of friends too: what they bring themselves / (1 - K-factor of all).

    Each end takes the end of both; infinite where the K-factor is 1 or more, null where it is not known.
    """
    ends = (float(spread.k_factor.value), float(spread.k_factor.low), float(spread.k_factor.high))
    return [_with_friends(each, k) for each, k in zip(brought, ends, strict=True)]


def _with_friends(brought: float, k_factor: float) -> float:
    if math.isnan(brought) or math.isnan(k_factor) or math.isinf(brought):
        return brought + k_factor
    return expected_total(min(k_factor, 1.0), seeds=brought)
