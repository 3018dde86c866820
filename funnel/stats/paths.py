"""Paths of channels, tallied: what the models of credit read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnel.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# The channels touched in order, conversions, non-conversions.
Path = tuple[Sequence[str], float, float]


@dataclass(frozen=True, eq=False)
class Paths:
    """Journeys of one path each row: which channels were touched, in order, and how many converted and did not.

    `channels` are the names, each once. `touches` are positions in `channels`, all paths one after the other, and
    `lengths` how many of them each path has: 0 for journeys without a touch. `conversions` and `non_conversions` are
    journeys (or any weight of 0 or more), one of each a path. `ages`, which only time decay asks for, are how many days
    before the conversion each touch was, in the order of `touches`; those of paths without conversions are never read
    and may be NaN. Two rows may have the same path: that is the same as one row with their sums. `is_tallied` promises
    that no two do, and that rows are in the order that `tallied` gives them, which then has nothing to do.

    Whoever has the numbers in arrays (DuckDB, Arrow) gives them as they are; `Paths.of` reads a list.
    """

    channels: tuple[str, ...]
    touches: Integers
    lengths: Integers
    conversions: Floats
    non_conversions: Floats
    ages: Floats | None = None
    is_tallied: bool = False

    def __init__(
        self,
        channels: Iterable[str],
        *,
        touches: ArrayLike,
        lengths: ArrayLike,
        conversions: ArrayLike,
        non_conversions: ArrayLike,
        ages: ArrayLike | None = None,
        is_tallied: bool = False,
    ) -> None:
        names = tuple(channels)
        object.__setattr__(self, "channels", names)
        object.__setattr__(self, "touches", np.asarray(touches, dtype=np.int64))
        object.__setattr__(self, "lengths", np.asarray(lengths, dtype=np.int64))
        object.__setattr__(self, "conversions", np.asarray(conversions, dtype=float))
        object.__setattr__(self, "non_conversions", np.asarray(non_conversions, dtype=float))
        object.__setattr__(self, "ages", None if ages is None else np.asarray(ages, dtype=float))
        object.__setattr__(self, "is_tallied", is_tallied)
        self._check()

    @classmethod
    def of(cls, paths: Sequence[Path], ages: Sequence[Sequence[float]] | None = None) -> "Paths":
        """Read a list of `(tuple of channels, conversions, non_conversions)`; channels come out sorted by name.

        `ages` has one list a path, with one age a touch.

        >>> paths = Paths.of([(("radio", "friend"), 3, 5), ((), 1, 0)])
        >>> paths.channels, paths.touches.tolist(), paths.lengths.tolist(), paths.untouched
        (('friend', 'radio'), [1, 0], [2, 0], 1.0)
        """
        for each in paths:
            if isinstance(each[0], str):
                raise DataError(
                    f"The path {each[0]!r} is a text, not the channels of a path. Write ({each[0]!r},) for one touch."
                )
        lengths = [len(each[0]) for each in paths]
        if ages is not None and [len(each) for each in ages] != lengths:
            raise DataError("The ages are not those of the touches. Give one list a path, with one age a touch.")
        touched = list(chain.from_iterable(each[0] for each in paths))
        names = set(touched)
        if not all(isinstance(name, str) for name in names):
            raise DataError("A touch has no channel, or one that is no text. Give its name, 'unknown' if need be.")
        channels = sorted(names)
        places = {name: place for place, name in enumerate(channels)}
        return cls(
            channels,
            touches=np.fromiter((places[name] for name in touched), dtype=np.int64, count=len(touched)),
            lengths=np.array(lengths, dtype=np.int64),
            conversions=np.array([each[1] for each in paths], dtype=float),
            non_conversions=np.array([each[2] for each in paths], dtype=float),
            ages=None if ages is None else np.fromiter(chain.from_iterable(ages), dtype=float),
        )

    @property
    def untouched(self) -> float:
        """Return the conversions of journeys without a touch, which no model gives to a channel."""
        return float(self.conversions[self.lengths == 0].sum())

    @property
    def path_of(self) -> Integers:
        """Return the row each touch is in."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def places(self) -> Integers:
        """Return how many touches came before each touch in its path: 0 for the first."""
        return np.arange(len(self.touches)) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)

    def without_repeats(self) -> "Paths":
        """Return the paths with touches of one channel that follow each other counted as the first of them."""
        again = np.zeros(len(self.touches), dtype=bool)
        again[1:] = self.touches[1:] == self.touches[:-1]
        kept = ~again | (self.places == 0)
        return Paths(
            self.channels,
            touches=self.touches[kept],
            lengths=np.bincount(self.path_of[kept], minlength=len(self.lengths)),
            conversions=self.conversions,
            non_conversions=self.non_conversions,
            ages=None if self.ages is None else self.ages[kept],
        )

    def tallied(self) -> "Paths":
        """Return one row for each distinct path (and ages), in an order that does not depend on that of the rows.

        Paths are in the order of their channels, touch by touch, by their place in `channels`; a path that another one
        begins with comes first.
        """
        if self.is_tallied:
            return self
        ends = np.cumsum(self.lengths)
        slices = [slice(*each) for each in zip((ends - self.lengths).tolist(), ends.tolist(), strict=True)]
        ages = np.zeros(0) if self.ages is None else self.ages
        # Big-endian, so that bytes sort as the numbers do: the same order on every machine.
        touches, ages = self.touches.astype(">i8"), ages.astype(">f8")
        keys = [(touches[each].tobytes(), ages[each].tobytes()) for each in slices]
        distinct = {key: place for place, key in enumerate(sorted(set(keys)))}
        row = np.fromiter((distinct[key] for key in keys), dtype=np.int64, count=len(keys))
        return Paths(
            self.channels,
            touches=np.frombuffer(b"".join(path for path, _ in distinct), dtype=">i8"),
            lengths=np.array([len(path) // 8 for path, _ in distinct], dtype=np.int64),
            conversions=np.bincount(row, self.conversions, len(distinct)),
            non_conversions=np.bincount(row, self.non_conversions, len(distinct)),
            ages=None if self.ages is None else np.frombuffer(b"".join(old for _, old in distinct), dtype=">f8"),
            is_tallied=True,
        )

    def _check(self) -> None:
        rows, touches = (self.lengths.size, self.conversions.size, self.non_conversions.size), int(self.lengths.sum())
        if len(set(rows)) > 1 or np.any(self.lengths < 0) or touches != self.touches.size:
            raise DataError(
                f"{rows[0]} paths of {touches} touches have {rows[1]} numbers of conversions, {rows[2]} of "
                f"non-conversions, and {self.touches.size} channels. Give one of each a path, and a channel a touch."
            )
        if len(set(self.channels)) < len(self.channels):
            raise DataError("Two channels have one name. Give each name once.")
        if self.touches.size and not 0 <= self.touches.min() <= self.touches.max() < len(self.channels):
            raise DataError("A touch is of no known channel. Give its position among the channels, from 0.")
        journeys = np.concatenate([self.conversions, self.non_conversions])
        if not np.all((journeys >= 0) & np.isfinite(journeys)):
            raise DataError("A number of journeys is missing, negative or infinite. Give 0 or more for each path.")
        if self.ages is not None:
            self._check_ages(self.ages)

    def _check_ages(self, ages: Floats) -> None:
        if ages.size != self.touches.size:
            raise DataError(f"{ages.size} ages for {self.touches.size} touches. Give one age a touch, in days.")
        read = np.repeat(self.conversions > 0, self.lengths)
        if not np.all((ages >= 0) & np.isfinite(ages) | ~read):
            raise DataError(
                "The age of a touch is missing, negative or infinite. Give days before the conversion, 0 or more."
            )
