"""What each mention's window has above its baseline: alone, or with those whose windows it overlaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from funnel.errors import DataError
from funnel.events import epoch_us
from funnel.excess.aired import Aired
from funnel.excess.comparable import Clock, Comparable, comparable, covered, excess_over_error
from funnel.excess.counting import MINUTE_US, Counts, Tally
from funnel.stats.decay import Decay, decay
from funnel.stats.kernels import Separation, separate
from funnel.stats.placebo import placebo_rank
from funnel.stats.rates import RateExcess
from funnel.stats.slots import slot_excess

Floats = NDArray[np.float64]
Reason = Literal["outside", "launch", "before", "window", "outage", "days"]

LEVEL_MINUTES = 180  # the hours before are as long as the window, and three at least
FEWEST_BEFORE = 30  # minutes between the end of a window and a mention that is told apart from it by the hours before
CLEAR = 0.05
_SMOOTH = 15  # minutes to each side


@dataclass(frozen=True)
class Window:
    """A mention and the minutes of its window, from `start` up to `end`, counted from the first of the data."""

    mention: Aired
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Stretch:
    """Mentions that are looked at together, one as a rule: several where windows overlap.

    From `start` up to `end` are their windows, `before` minutes precede them. `days` are the minutes at which the
    windows of comparable days start. `reason` says why there is no baseline, None where there is one.
    """

    members: tuple[Window, ...]
    before: int
    reason: Reason | None
    days: Counts
    windows: Comparable | None

    @property
    def start(self) -> int:
        """The first minute of the first window."""
        return self.members[0].start

    @property
    def end(self) -> int:
        """The minute after the last of all windows."""
        return max(each.end for each in self.members)


@dataclass(frozen=True, eq=False)
class Measured:
    """One outcome of one stretch.

    `found` is the whole stretch against its baseline, `expected` the baseline minute by minute from the hours before to
    the end. Of a mention alone, `placebo_p` is its rank among other windows and `decay` how the excess fades; of
    several, `separation` says what each brought. None where it cannot be told.
    """

    stretch: Stretch
    found: RateExcess
    expected: Floats
    placebo_p: float
    decay: Decay | None
    separation: Separation | None


def stretches(tallied: Tally, mentions: Sequence[Aired], *, effect: int, reach: int) -> tuple[Stretch, ...]:
    """Return the stretches in order of time; `effect` is in minutes, `reach` in days."""
    windows = []
    for each in mentions:
        start = each.from_us // MINUTE_US - tallied.first_minute
        windows.append(Window(each, start, start + effect))
    first_us, cutoff_us = epoch_us(tallied.events.first_at), epoch_us(tallied.events.cutoff)
    inside = [each for each in windows if first_us <= each.mention.from_us < cutoff_us]
    outside = [each for each in windows if not first_us <= each.mention.from_us < cutoff_us]
    is_clean = ~(tallied.is_out | covered(tallied.minutes, [(each.start, each.end) for each in windows]))

    @cache
    def clock(zone: str) -> Clock:
        return Clock.of(zone, tallied.first_minute, tallied.minutes)

    @cache
    def alike(zone: str, length: int, before: int) -> Comparable:
        return comparable(clock(zone), is_clean, length=length, before=before, reach=reach)

    found = [Stretch((each,), 0, "outside", np.empty(0, dtype=np.int64), None) for each in outside]
    ended = -math.inf
    for members in _together(inside):
        start, end = members[0].start, max(each.end for each in members)
        before = int(min(max(effect, LEVEL_MINUTES), start - ended))
        ended = end
        there = alike(members[0].mention.zone, end - start, before)
        reason = _reason(tallied, there, start, end, before)
        days = np.empty(0, dtype=np.int64) if reason else there.days(start)
        found.append(Stretch(members, before, reason if reason or len(days) else "days", days, there))
    return tuple(sorted(found, key=lambda each: (each.start, each.members[0].mention.name)))


def _together(windows: Sequence[Window]) -> list[tuple[Window, ...]]:
    """Return the windows in groups: each begins before another of its group has been over for long enough."""
    groups: list[list[Window]] = []
    ended = -math.inf
    for each in sorted(windows, key=lambda window: (window.start, window.mention.name)):
        if groups and each.start < ended + FEWEST_BEFORE:
            groups[-1].append(each)
        else:
            groups.append([each])
        ended = max(ended, each.end)
    return [tuple(group) for group in groups]


def _reason(tallied: Tally, there: Comparable, start: int, end: int, before: int) -> Reason | None:
    if end > tallied.minutes:
        return "window"
    if there.clock.day[start] == 0:
        return "launch"
    if start < before:
        return "before"
    if tallied.is_out[start - before : end].any():
        return "outage"
    return None


def measured(stretch: Stretch, counts: Counts, placebos: Floats | None = None) -> Measured | None:
    """Return what the stretch has above its baseline; None where it has none.

    `placebos` are the excesses over their errors of the windows from every minute (`Comparable.standardised`).
    """
    if stretch.reason:
        return None
    start, end, before = stretch.start, stretch.end, stretch.before
    windows = np.array([counts[day : day + end - start].sum() for day in stretch.days])
    hours = np.array([counts[day - before : day].sum() for day in stretch.days])
    count, level = int(counts[start:end].sum()), int(counts[start - before : start].sum())
    found = slot_excess(count, level, windows, hours)
    expected = _by_minute(stretch, counts, found.expected, level)
    if len(stretch.members) > 1:
        return Measured(stretch, found, expected, math.nan, None, _separated(stretch, counts, expected, found))
    placebo_p = math.nan if placebos is None else placebo_rank(own_score(stretch, counts), placebos).p
    return Measured(stretch, found, expected, placebo_p, _faded(stretch, counts, expected, found), None)


def own_score(stretch: Stretch, counts: Counts) -> float:
    """Return the excess of the stretch over its standard error, as other windows are scored."""
    length = stretch.end - stretch.start
    cells = (
        counts[stretch.start : stretch.end].sum(),
        counts[stretch.start - stretch.before : stretch.start].sum(),
        sum(counts[day : day + length].sum() for day in stretch.days),
        sum(counts[day - stretch.before : day].sum() for day in stretch.days),
    )
    return float(excess_over_error(*(np.array([float(each)]) for each in cells))[0])


def _by_minute(stretch: Stretch, counts: Counts, whole: float, level: float) -> Floats:
    """Return the baseline minute by minute: the comparable days together, smoothed, at the level of this day.

    Half an event is spread over the minutes of the comparable days, so that none expects nothing at all.
    """
    length = stretch.end - stretch.start
    there = np.sum([counts[day - stretch.before : day + length] for day in stretch.days], axis=0).astype(float)
    size = len(there)
    wide = np.ones(min(2 * _SMOOTH + 1, size))
    near = np.convolve(there, wide, "full")[(len(wide) - 1) // 2 :][:size]
    weight = np.convolve(np.ones(size), wide, "full")[(len(wide) - 1) // 2 :][:size]
    smooth = near / weight + 0.5 / size
    shares = (smooth[: stretch.before], smooth[stretch.before :])
    totals = (level or 0.5 / len(stretch.days), whole or 0.5 / len(stretch.days))
    return np.concatenate([share / share.sum() * total for share, total in zip(shares, totals, strict=True)])


def _faded(stretch: Stretch, counts: Counts, expected: Floats, found: RateExcess) -> Decay | None:
    """Return how a clear excess fades; None where it may be chance, or there is too little to see it fade."""
    if not (found.p < CLEAR and float(found.excess.value) > 0):
        return None
    spread = found.dispersion.value if found.dispersion.is_over else 1.0
    try:
        return decay(counts[stretch.start : stretch.end], expected[stretch.before :], dispersion=spread)
    except DataError:
        return None


def _separated(stretch: Stretch, counts: Counts, expected: Floats, found: RateExcess) -> Separation | None:
    begins = stretch.start - stretch.before
    starts = [each.start - begins for each in stretch.members]
    kinds = [each.mention.kind or "" for each in stretch.members]
    spread = found.dispersion.value if found.dispersion.is_over else None
    try:
        return separate(counts[begins : stretch.end], expected, starts, kinds=kinds, dispersion=spread)
    except DataError:
        return None
