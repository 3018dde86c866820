"""Frames of pandas as tables to publish: set like those of results, without small counts, and never of persons."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from funnel.language import UNKNOWN, Language
from funnel.pages import HIDDEN, Column, Table
from funnel.sections.tables import heading

if TYPE_CHECKING:
    import pandas

MOST_ROWS = 200
PERSON = ("visitor_id", "visitor", "event_id", "session_id", "referred_by", "link_id", "signature", "parent", "root")

# Whole numbers that are of nobody, and numbers with decimals that are of people all the same.
NOT_PEOPLE = frozenset(
    {
        *("rank", "generation", "generations", "step", "days", "windows", "minute", "day", "age_days", "asks"),
        *("touches_left", "n", "looks", "trees"),
    }
)
PEOPLE = frozenset(
    {
        *("visitors", "signers", "signatures", "entered", "converted", "dropped", "pending", "reached", "exposed"),
        *("total", "observed", "brought"),
    }
)
# What a result calls these is about that result.
AS_NAMED = frozenset({"value", "k_factor", "to", "p"})
MOST_DIGITS = 4
_ROUNDED = (3, 4, 5)


class Values(NamedTuple):
    """A column of a frame, or a level of its index: its name (of several parts where the frame has it so), its values.

    `is_value` where the name is itself a value (of a column that was turned into several).
    """

    name: tuple[str, ...]
    series: pandas.Series[Any]
    is_value: bool = False

    @property
    def label(self) -> str:
        """The last part of the name: what is counted or measured."""
        return self.name[-1] if self.name else ""

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.series.dtype.kind in "iuf"

    @property
    def is_count(self) -> bool:
        """Whether its values are taken for counts of people."""
        return self.label not in NOT_PEOPLE and (self.series.dtype.kind in "iu" or self.label in PEOPLE)

    @property
    def values(self) -> list[Any]:
        """The values, None for those that are not known."""
        return [None if unknown else value for value, unknown in zip(self.series, self.series.isna(), strict=True)]


def person_rows(frame: pandas.DataFrame | pandas.Series[Any]) -> str:
    """Return what is shown, as the end of a sentence, where a frame has rows of persons; nothing where it has none."""
    named = next((values.label for values in columns_of(frame) if values.label in PERSON), None)
    if named is not None and len(frame):
        return (
            f"rows of persons: a column is called '{named}'. A page shows people only added up: show a result, or count"
            " them, under another name."
        )
    if len(frame) > MOST_ROWS:
        return (
            f"a table of {len(frame):,} rows. A page takes {MOST_ROWS} at most, because longer ones are of persons as a"
            " rule: show it added up."
        )
    return ""


def columns_of(frame: pandas.DataFrame | pandas.Series[Any]) -> list[Values]:
    """Return the columns of a frame, those of its index first; an index that only numbers the rows is left out."""
    index: Any = frame.index
    is_numbering = index.nlevels == 1 and index.name is None and index.dtype.kind in "iu"
    levels = [] if is_numbering else [index.get_level_values(place) for place in range(index.nlevels)]
    indexed = [Values(_parts(level.name), level.to_series(index=range(len(level)))) for level in levels]
    if frame.ndim == 1:
        return [*indexed, Values(_parts(frame.name), frame)]
    is_value = frame.columns.name is not None
    return [*indexed, *(Values(_parts(name), frame.iloc[:, at], is_value) for at, name in enumerate(frame.columns))]


def flat(frame: pandas.DataFrame | pandas.Series[Any]) -> pandas.DataFrame:
    """Return the frame with its index as columns, each named by the last part of its name."""
    import pandas

    columns = columns_of(frame)
    table = pandas.DataFrame({place: pandas.Series(values.series.array) for place, values in enumerate(columns)})
    return table.set_axis([values.label for values in columns], axis="columns")


def _parts(name: Any) -> tuple[str, ...]:
    parts = name if isinstance(name, tuple) else (name,)
    return tuple(str(part) for part in parts if part is not None and str(part))


@dataclass
class Publisher:
    """Makes tables of frames. Small counts are hidden in them, and what a result hides in a column of that name.

    What a frame of the notebook's own counts is not known: whole numbers are taken for people, unless the name of their
    column says otherwise. Sums that would reveal a hidden number are not known either.
    """

    least: int
    words: Language
    secret: Mapping[str, frozenset[float]] = field(default_factory=dict)
    hidden: int = 0
    made: int = 0

    @classmethod
    def beside(cls, hidden: Iterable[tuple[pandas.DataFrame, pandas.DataFrame]], least: int, words: Language) -> Self:
        """Return a publisher beside results, given by their full frames and what of them is hidden."""
        secret: dict[str, set[float]] = {}
        for full, mask in hidden:
            for name in full.columns[mask.any().to_numpy()]:
                if full[name].dtype.kind in "iuf":
                    secret.setdefault(str(name), set()).update(full[name][mask[name].to_numpy()].dropna().astype(float))
        return cls(least, words, {name: frozenset(values) for name, values in secret.items()})

    def told(self) -> str:
        """Return how many numbers were hidden, in a sentence."""
        if not self.hidden:
            return ""
        return self.words.plural(
            "In tables worked out in the notebook, {n} number is hidden as well.",
            "In tables worked out in the notebook, {n} numbers are hidden as well.",
            self.hidden,
        )

    def table(self, frame: pandas.DataFrame | pandas.Series[Any], hidden: pandas.DataFrame | None = None) -> Table:
        """Return the frame as a table: its index first, an interval folded into its number, small counts hidden.

        `hidden` is what is known to be hidden in it, of the shape of `flat(frame)`. In a row without its count, numbers
        with decimals are hidden as well: they may be made of it.
        """
        self.made += 1
        every = columns_of(frame)
        by_name = {values.name: values for values in every}
        shown = [values for values in every if not _is_bound(values, by_name)]
        known = [False] * len(frame)
        masks = {values.name: list(hidden[values.label]) if hidden is not None else known for values in every}
        secret = [
            [
                told or self._is_secret(values, value)
                for told, value in zip(masks[values.name], values.values, strict=True)
            ]
            for values in shown
        ]
        without_count = [
            any(mask[row] for values, mask in zip(shown, secret, strict=True) if values.is_count)
            for row in range(len(frame))
        ]
        for values, mask in zip(shown, secret, strict=True):
            if values.series.dtype.kind == "f":
                mask[:] = [each or without for each, without in zip(mask, without_count, strict=True)]
            mask[:] = [each and value is not None for each, value in zip(mask, values.values, strict=True)]
            self.hidden += sum(each and not told for each, told in zip(mask, masks[values.name], strict=True))
        cells = [
            self._cells(values, _bounds(values, by_name), mask) for values, mask in zip(shown, secret, strict=True)
        ]
        leading = next((place for place, values in enumerate(shown) if values.is_number), len(shown))
        return Table(
            caption=self.words.text("Table {n}", n=self.words.number(self.made)),
            columns=tuple(Column(self._heading(values), values.is_number) for values in shown),
            rows=tuple(zip(*cells, strict=True)),
            names=min(max(1, leading), 2),
        )

    def _heading(self, values: Values) -> str:
        is_known = len(values.name) == 1 and not values.is_value and values.label not in AS_NAMED
        told = [heading(part, self.words) if is_known else self.words.name(part) for part in values.name]
        written = ", ".join(told) or (self.words.text("Value") if values.is_number else self.words.text("Row"))
        return written if values.label == "p" else written[:1].upper() + written[1:]

    def _cells(self, values: Values, bounds: list[Values], hidden: list[bool]) -> list[str]:
        if not values.is_number:
            return [self._text(value) for value in values.values]
        write = self._writer(values, bounds)
        ends: Iterable[tuple[Any, ...]] = zip(*(each.values for each in bounds), strict=True)
        rows = zip(values.values, ends, strict=True) if bounds else ((value, ()) for value in values.values)
        return [
            HIDDEN if is_hidden else self._cell(value, end, write)
            for (value, end), is_hidden in zip(rows, hidden, strict=True)
        ]

    def _cell(self, value: Any, ends: tuple[Any, ...], write: Callable[[Any], str]) -> str:
        if value is None or not ends or any(end is None for end in ends):
            return write(value)
        if write == self.words.percent:
            return self.words.rate(value, *ends)
        return self.words.text("{value} [{low} to {high}]", value=write(value), low=write(ends[0]), high=write(ends[1]))

    def _writer(self, values: Values, bounds: list[Values]) -> Callable[[Any], str]:
        name = "" if values.is_value else values.label
        if name.endswith(("_seconds", "_seconds_from_entry")):
            return self.words.duration
        if name == "p" or name.endswith("_p"):
            return self.words.p_value
        known = [value for each in (values, *bounds) for value in each.values if _is_finite(value)]
        is_share = values.series.dtype.kind == "f" and all(-1 <= value <= 1 for value in known)
        if bounds and is_share and name.endswith(("rate", "share")):
            return self.words.percent
        digits = next((each for each in range(MOST_DIGITS) if all(round(v, each) == v for v in known)), MOST_DIGITS)
        return lambda value: "∞" if value == math.inf else self.words.number(value, digits)

    def _is_secret(self, values: Values, value: Any) -> bool:
        """Tell whether a number is a small count of people, or one that a result on the page hides."""
        if not (values.is_number and _is_finite(value)) or value == 0:
            return False
        if values.is_count and value % 1 == 0 and 0 < value < self.least:
            return True
        known = self.secret.get(values.label, frozenset())
        if values.is_value:
            known = known.union(*(each for name, each in self.secret.items() if name in PEOPLE))
        return any(value in (each, *(round(each, digits) for digits in _ROUNDED if each % 1)) for each in known)

    def _text(self, value: Any) -> str:
        if value is None:
            return UNKNOWN
        if type(value).__name__ in ("bool", "bool_"):
            return self.words.text("yes") if value else self.words.text("no")
        if isinstance(value, timedelta):
            return self.words.duration(value.total_seconds())
        if isinstance(value, datetime) and (value.hour or value.minute or value.tzinfo):
            return self.words.moment(value, getattr(value.tzinfo, "key", "UTC"))
        if isinstance(value, date):
            return self.words.date(value, "medium")
        return self.words.number(value) if isinstance(value, int | float) else self.words.name(str(value))


def _bounds(values: Values, by_name: dict[tuple[str, ...], Values]) -> list[Values]:
    """Return the columns of both ends of a number's interval, or none."""
    names = [(*values.name[:-1], f"{values.label}_{end}") for end in ("low", "high")]
    return [by_name[name] for name in names] if values.is_number and all(name in by_name for name in names) else []


def _is_bound(values: Values, by_name: dict[tuple[str, ...], Values]) -> bool:
    """Tell whether a column is an end of another's interval."""
    base, _, end = values.label.rpartition("_")
    whole = by_name.get((*values.name[:-1], base))
    return end in ("low", "high") and whole is not None and len(_bounds(whole, by_name)) > 0


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)
