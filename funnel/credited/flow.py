"""Flow: paths of channels told touch by touch, backwards from where they end; rare channels and flows gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnel.credited.counting import Counted
from funnel.stats.paths import Floats, Integers
from funnel.stats.proportions import wilson

if TYPE_CHECKING:
    import pandas

FLOWS = ("next", "touches_left", "visitors", "converted", "rate", "rate_low", "rate_high")
OTHER = "other"

# Touches are told from the last backwards, so many of them; a flow of fewer visitors is gathered with others.
MOST_TOUCHES, FEWEST_VISITORS = 3, 5

_NONE, _END = -1, -2  # no such touch; what comes after the last one


def flow_of(counted: Counted, by: str, *, most: int, fewest: int = FEWEST_VISITORS) -> pandas.DataFrame:
    """Return one row a flow from a channel to the next, and from the last one to the end of the path.

    Rows of the last touch, whose `next` is null, come first and sum to all visitors, with a row whose channel is null
    for those who converted without a touch. `touches_left` is 1 for the last touch, 2 for the one before. Of each touch
    the `most` channels with the most visitors are told apart, the others are gathered as "other", and so are flows into
    a channel that fewer than `fewest` visitors took; where all into it together are as few, they are left out,
    as if the paths began there. `touches_left` is 0 without a touch.
    """
    names = [*counted.channels] if OTHER in counted.channels else [*counted.channels, OTHER]
    other = names.index(OTHER)
    paths = counted.paths
    visitors = paths.conversions + paths.non_conversions
    left = _touches(paths.touches, paths.lengths)
    rows: list[tuple[object, ...]] = []
    later = np.full(len(visitors), _END)
    for place, touched in enumerate(left, start=1):
        channel = np.where(later == _NONE, _NONE, touched)
        channel = _gathered(channel, later, visitors, other=other, channels=len(names), most=most, fewest=fewest)
        rows += _rows(channel, later, paths.conversions, visitors, names=names, place=place)
        later = channel
    if counted.untouched:
        rows.append((None, None, 0, counted.untouched, counted.untouched))
    return _framed(rows, by)


def _touches(touches: Integers, lengths: Integers) -> list[Integers]:
    """Return the channel of the last touch of each path, of the one before, and so on; -1 where there is none."""
    ends = np.cumsum(lengths)
    return [
        np.where(lengths >= place, touches[np.maximum(ends - place, 0)], _NONE) if len(touches) else 0 * lengths + _NONE
        for place in range(1, MOST_TOUCHES + 1)
    ]


def _gathered(
    channel: Integers, later: Integers, visitors: Floats, *, other: int, channels: int, most: int, fewest: int
) -> Integers:
    """Return the channels with those that are rare at this touch, or rare before the same later channel, as `other`."""
    has_touch = channel != _NONE
    everyone = np.bincount(channel[has_touch], visitors[has_touch], channels)
    everyone[other] = -1
    is_rare = np.ones(channels, dtype=bool)
    is_rare[np.argsort(-everyone, kind="stable")[:most]] = False
    found = np.where(has_touch & is_rare[channel], other, channel)
    for target in np.unique(later[has_touch]):
        into = has_touch & (later == target)
        found[into] = _joined(found[into], visitors[into], other=other, channels=channels, fewest=fewest)
        if target != _END and visitors[into].sum() < fewest:
            found[into] = _NONE
    return found


def _joined(channel: Integers, visitors: Floats, *, other: int, channels: int, fewest: int) -> Integers:
    """Return the channels before one target, those of too few visitors as `other`, with more if those are too few."""
    counts = np.bincount(channel, visitors, channels)
    few = [int(place) for place in np.argsort(counts, kind="stable") if place != other and counts[place] > 0]
    is_joined = np.zeros(channels, dtype=bool)
    for place in few:
        gathered = counts[other] + counts[is_joined].sum()
        if counts[place] >= fewest and (gathered == 0 or gathered >= fewest):
            break
        is_joined[place] = True
    return np.where(is_joined[channel], other, channel)


def _rows(
    channel: Integers, later: Integers, conversions: Floats, visitors: Floats, *, names: list[str], place: int
) -> list[tuple[object, ...]]:
    """Return a row a pair of channels: the visitors who took it, and how many of them converted in the end."""
    has_touch = channel != _NONE
    pairs, pair = np.unique(np.column_stack([channel, later])[has_touch], axis=0, return_inverse=True)
    counts, converted = (np.bincount(pair, each[has_touch], len(pairs)) for each in (visitors, conversions))
    return [
        (names[pairs[at, 0]], None if place == 1 else names[pairs[at, 1]], place, int(counts[at]), int(converted[at]))
        for at in np.argsort(-counts, kind="stable")
        if counts[at]
    ]


def _framed(rows: list[tuple[object, ...]], by: str) -> pandas.DataFrame:
    import pandas

    frame = pandas.DataFrame(rows, columns=[by, *FLOWS[:4]])
    for place, name in enumerate((by, FLOWS[0])):
        frame[name] = pandas.Series([row[place] for row in rows], dtype=object)
    rate = wilson(frame["converted"].to_numpy(float), frame["visitors"].to_numpy(float))
    return frame.assign(rate=rate.value, rate_low=rate.low, rate_high=rate.high)
