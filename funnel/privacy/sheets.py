"""What a frame says about people: its counts by name, how they hang together, and which numbers are made of which."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from funnel.privacy.cells import USUAL

if TYPE_CHECKING:
    import pandas

_CLOSE = 1e-6


class Count(NamedTuple):
    """The name of a count: what is counted, and of which group (column and value, in order of columns).

    Two frames that give the same count under one name are tied by it; a group of fewer columns is the sum of those of
    more.
    """

    what: tuple[str, ...]
    group: tuple[tuple[str, str], ...] = ()


def count(*what: object, of: Mapping[str, object] | None = None) -> Count:
    """Return the name of a count; values of all types are named by their text."""
    return Count(tuple(map(str, what)), tuple(sorted((str(name), str(value)) for name, value in (of or {}).items())))


class Told(NamedTuple):
    """Columns of a row that are made of some counts: shown only where none of these is small or hidden."""

    row: int
    columns: tuple[str, ...]
    made_of: tuple[Count, ...]


@dataclass(eq=False)
class Sheet:
    """A frame being read: rows are numbered from 0. What is not known (NaN) is no count and in no relation."""

    frame: pandas.DataFrame
    k: int = USUAL
    counts: dict[Count, float] = field(default_factory=dict)
    unpublished: set[Count] = field(default_factory=set)
    unknown: set[Count] = field(default_factory=set)
    relations: list[dict[Count, int]] = field(default_factory=list)
    places: dict[Count, list[tuple[int, str]]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    few: list[tuple[int, str]] = field(default_factory=list)
    rounded: list[tuple[int, str]] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        return [{str(name): value for name, value in row.items()} for row in self.frame.to_dict("records")]

    def shown(self, row: int, column: str, name: Count) -> Count:
        """Note that a cell shows this count."""
        self.places.setdefault(name, []).append((row, column))
        value = self.frame[column].iloc[row]
        if not known(value):
            self.unknown.add(name)
        return self.through(name, value)

    def through(self, name: Count, value: object) -> Count:
        """Note a count that stands in no cell but can be told from the shares beside it; below 0 it counts nobody."""
        if known(value) and value >= 0:  # type: ignore[operator]
            self.counts[name] = float(value)  # type: ignore[arg-type]
        return name

    def rest(self, whole: Count, part: Count, *what: object) -> Count:
        """Note what a whole and a part leave, a count shown nowhere."""
        name = Count((*map(str, what), "not", *part.what), part.group)
        if whole in self.counts and part in self.counts and self.counts[whole] >= self.counts[part]:
            self.counts[name] = self.counts[whole] - self.counts[part]
            self.unpublished.add(name)
            self.relations.append({whole: 1, part: -1, name: -1})
        return name

    def sum(self, whole: Count, parts: Iterable[Count]) -> None:
        """Note that a whole is the sum of its parts. Where the numbers say otherwise, it is left out later."""
        relation = {whole: -1}
        for part in parts:
            relation[part] = relation.get(part, 0) + 1
        self.relations.append(relation)

    def made(self, row: int, columns: Sequence[str], *made_of: Count) -> None:
        """Note what columns of a row are made of; columns that the frame lacks are passed over."""
        there = tuple(name for name in columns if name in self.frame)
        self.told.append(Told(row, there, made_of))

    def hide(self, row: int, columns: Iterable[str]) -> None:
        """Hide these columns of a row, whatever else is."""
        self.few.extend((row, name) for name in columns if name in self.frame)

    def quantiles(self, row: int, of: Count, shares: Mapping[str, float]) -> None:
        """Hide the quantiles with fewer than k people on either side: a median of fewer than 2 k, say."""
        self.made(row, tuple(shares), of)
        for column, share in shares.items():
            if self.counts.get(of, 0.0) * min(share, 1 - share) < self.k - _CLOSE:
                self.hide(row, (column,))

    def is_small(self, value: float) -> bool:
        """Tell whether that many people are too few, and not none."""
        return _CLOSE < value < self.k


def known(value: object) -> bool:
    """Tell whether a value is a number, and not infinite."""
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except TypeError:
        return False


def bounds(*columns: str) -> tuple[str, ...]:
    """Return the columns with those of their interval."""
    return tuple(f"{name}{end}" for name in columns for end in ("", "_low", "_high"))
