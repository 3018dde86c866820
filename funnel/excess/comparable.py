"""Comparable days: the same clock hours of other days, found for every minute of the data at once.

A window is so many minutes of elapsed time, and so are the hours before it; on another day both begin at the same time
of the clock as here. In the night when clocks change they cover other clock hours by so much: an hour that comes twice
is the second, and a minute that does not exist has no window on that day.

A day is comparable when it is within the baseline's reach, before or after, is not the first day of the data (the
launch, or a part of a day), and no minute of its window or of the hours before lies in another mention's window, in an
outage or outside the data. Where two such days or more are of the same kind, working days or weekends, these are taken,
and all otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY = 1_440
FEWEST_ALIKE = 2
_STEP = 30  # minutes: no clock changes at another time than a half hour
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Clock:
    """The clock of a zone over the minutes of the data: a local `day`, counted from the first, and a `slot` each.

    `first_day` is days since 1970, a slot the minute of the day. `place` has a row a day and a column a slot: the
    minute there, -1 where the data has none.
    """

    first_day: int
    day: Counts
    slot: Counts
    place: Counts

    @classmethod
    def of(cls, zone: str, first_minute: int, minutes: int) -> Clock:
        """Return the clock of a zone, from a minute since 1970 on."""
        begin = first_minute - first_minute % _STEP
        steps = np.arange(begin, first_minute + minutes, _STEP)
        clock = ZoneInfo(zone)
        offsets = [
            (_EPOCH + timedelta(minutes=int(each))).astimezone(clock).utcoffset() or timedelta() for each in steps
        ]
        shifts = np.repeat([each // timedelta(minutes=1) for each in offsets], _STEP)[first_minute - begin :][:minutes]
        local = first_minute + np.arange(minutes) + shifts
        first_day = int(local[0] // DAY)
        day, slot = local // DAY - first_day, local % DAY
        place = np.full((int(day.max()) + 1, DAY), -1, dtype=np.int64)
        place[day, slot] = np.arange(minutes)
        return cls(first_day, day, slot, place)

    @property
    def days(self) -> list[date]:
        """The local days of the data, in order."""
        first = (_EPOCH + timedelta(days=self.first_day)).date()
        return [first + timedelta(days=each) for each in range(len(self.place))]

    @property
    def is_weekend(self) -> Flags:
        """Tell of each local day whether it is a Saturday or a Sunday."""
        return np.array([day.weekday() >= 5 for day in self.days])


@dataclass(frozen=True, eq=False)
class Comparable:
    """The windows of one length, with hours before of one length, that start in each minute of the data."""

    clock: Clock
    is_clean: Flags
    length: int
    before: int
    alike: Floats
    near: Floats

    def days(self, start: int) -> Counts:
        """Return the minutes at which the windows of the comparable days start, in order of time."""
        there = self.clock.place[:, self.clock.slot[start]]
        usable = (there >= 0) & self._clean_at(there)
        day = int(self.clock.day[start])
        same = usable & (self.alike[day] > 0)
        chosen = same if same.sum() >= FEWEST_ALIKE else usable & (self.near[day] > 0)
        return there[chosen]

    def _clean_at(self, there: Counts) -> Flags:
        return np.asarray(self.clean_starts[np.maximum(there, 0)])

    @cached_property
    def clean_starts(self) -> Flags:
        """Tell of each minute whether its window and the hours before it lie in the data and are all clean."""
        starts = np.zeros(len(self.is_clean), dtype=bool)
        whole = len(self.is_clean) - self.length - self.before + 1
        if whole > 0:
            starts[self.before : self.before + whole] = ~(sums(~self.is_clean, self.before + self.length) > 0)
        return starts

    def standardised(self, counts: Counts) -> Floats:
        """Return the excess over its standard error of the window from each minute; NaN where it is not clean.

        Poisson's standard error of count - before * others / others before, a half added to each, as many windows
        have none.
        """
        window, hours = np.zeros(len(counts)), np.zeros(len(counts))
        if len(counts) < self.length + self.before:
            return np.full(len(counts), np.nan)
        window[: len(counts) - self.length + 1] = sums(counts, self.length)
        hours[self.before :] = sums(counts, self.before)[: len(counts) - self.before]
        place = self.clock.place
        clean = (place >= 0) & self._clean_at(place)
        here = np.maximum(place, 0)
        table = [np.where(clean, values[here], 0.0) for values in (np.ones(len(counts)), window, hours)]
        alike, near = ([day @ each for each in table] for day in (self.alike, self.near))
        enough = alike[0] >= FEWEST_ALIKE
        days, usual, earlier = (np.where(enough, same, every) for same, every in zip(alike, near, strict=True))
        value = excess_over_error(window[here], hours[here], usual, earlier)
        shown = np.full(len(counts), np.nan)
        told = clean & (days > 0)
        shown[here[told]] = value[told]
        return shown


def excess_over_error(count: Floats, before: Floats, usual: Floats, earlier: Floats) -> Floats:
    """Return the excess of windows over its Poisson standard error, a half added to each count of the baseline."""
    before, usual, earlier = before + 0.5, usual + 0.5, earlier + 0.5
    expected = before * usual / earlier
    error = np.sqrt(expected + expected**2 * (1 / before + 1 / usual + 1 / earlier))
    return np.asarray((count - expected) / error)


def comparable(clock: Clock, is_clean: Flags, *, length: int, before: int, reach: int) -> Comparable:
    """Return the comparable days of windows of `length` minutes with `before` minutes before, `reach` days around."""
    days = np.arange(len(clock.place))
    weekend = clock.is_weekend
    apart = np.abs(days[:, None] - days)
    near = (apart > 0) & (apart <= reach) & (days > 0)
    return Comparable(
        clock, is_clean, length, before, (near & (weekend[:, None] == weekend)).astype(float), near.astype(float)
    )


def sums(values: NDArray[np.generic], length: int) -> Floats:
    """Return the sum of each run of `length` values."""
    total = np.concatenate([[0.0], np.cumsum(values.astype(float))])
    return total[length:] - total[:-length]


def covered(minutes: int, windows: Sequence[tuple[int, int]]) -> Flags:
    """Tell which minutes lie in one of the windows (from, up to)."""
    inside = np.zeros(minutes, dtype=bool)
    for start, end in windows:
        inside[max(start, 0) : max(end, 0)] = True
    return inside
