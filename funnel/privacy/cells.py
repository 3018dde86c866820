"""Which counts to hide so that no small one can be read or worked out from what is published.

A table is counts by name, and relations among them: sums that are zero, such as parts less their total. A reader knows
every published count, every relation, that counts are whole and not negative, and, as zeros are published, that what is
hidden is no zero. What such a reader can find out about a count are the ends of an integer program, its feasibility
interval (Cox 1980, J Am Stat Assoc 75:377). A small count is protected when the high end is the threshold or more, and
at least half the threshold above the count: then nobody can work out that it is small, let alone what it is. That is an
upper protection level in the sense of Fischetti and Salazar 2001 (Manage Sci 47:1008). It holds for sums of hidden
counts too: of one below the threshold, each part would be known to be below it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from funnel.errors import DataError, DefinitionError
from funnel.privacy.programs import feasible, range_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

LEAST, USUAL = 5, 10
_CLOSE = 1e-6
_CHEAP = 1e-3
_REACH = 1e6

Name = Any  # whatever can be a key; names are put in order by their text
Relation = Mapping[Name, int]


@dataclass(frozen=True)
class Suppression:
    """What to hide: `small` because the count is small, `covering` because it would reveal one; and all of both."""

    small: frozenset[Name]
    covering: frozenset[Name]

    @property
    def hidden(self) -> frozenset[Name]:
        """Every count that must not be shown."""
        return self.small | self.covering


def check_threshold(k: int) -> int:
    """Return the threshold, or say why it is none."""
    if isinstance(k, bool) or not isinstance(k, int) or k < LEAST:
        raise DefinitionError(
            f"Counts of fewer than {LEAST} are never published; got k={k!r}. Give a whole number from {LEAST} on."
        )
    return k


def suppress(
    counts: Mapping[Name, float],
    relations: Iterable[Relation] = (),
    *,
    k: int = USUAL,
    unpublished: Collection[Name] = (),
    hide_zeros: bool = False,
    weights: Mapping[Name, float] | None = None,
) -> Suppression:
    """Return the counts to hide: those from 1 to `k` - 1, and others until nobody can narrow any of these down.

    A relation gives coefficients by name; the sum of coefficient times count is 0. `unpublished` counts are shown
    nowhere but are protected like the others (the visitors who did not convert, beside a rate). Zeros are shown, unless
    `hide_zeros`; then they are small too. Counts of a greater weight (1 unless given) are kept longer. Counts that are
    not whole (credit shared out) are taken as they are. The answer depends on no order.

    Complements are chosen by the linear programs of Kelly, Golden and Assad 1992 (Networks 22:397): for each count that
    is not protected, the cheapest change of the table that moves it to the end wanted; whatever that changes is hidden.
    Those that turn out to be needless are then shown again, the dearest first.
    """
    table = _Table.of(counts, relations, check_threshold(k), unpublished, hide_zeros, weights or {})
    unknown = table.unpublished | table.small
    unknown = _without_the_needless(table, _covered(table, unknown))
    hidden = unknown & ~table.unpublished
    return Suppression(
        small=frozenset(table.names[place] for place in np.flatnonzero(hidden & table.small)),
        covering=frozenset(table.names[place] for place in np.flatnonzero(hidden & ~table.small)),
    )


def intervals(
    counts: Mapping[Name, float],
    relations: Iterable[Relation],
    hidden: Collection[Name],
    *,
    unpublished: Collection[Name] = (),
    hide_zeros: bool = False,
) -> dict[Name, tuple[float, float]]:
    """Return, for each count that is not shown, the least and the greatest value that a reader cannot rule out."""
    table = _Table.of(counts, relations, USUAL, unpublished, hide_zeros, {})
    unknown = table.unpublished | np.array([name in set(hidden) for name in table.names], dtype=bool)
    ends = {}
    for part in _parts(table, unknown):
        a, b = _program(table, part)
        for place, cell in enumerate(part):
            ends[table.names[cell]] = range_of(place, a, b, table.lower[part], table.is_whole[part])
    return ends


@dataclass(frozen=True, eq=False)
class _Table:
    """Counts in the order of their names: values, relations (a row each), what is small, and what a reader knows.

    `lower` is the least that a hidden count can be for all a reader knows; `high` what the feasibility interval of a
    small count must reach.
    """

    names: tuple[Name, ...]
    values: NDArray[np.float64]
    relations: csr_array
    unpublished: NDArray[np.bool_]
    small: NDArray[np.bool_]
    is_fixed: NDArray[np.bool_]
    is_whole: NDArray[np.bool_]
    lower: NDArray[np.float64]
    cost: NDArray[np.float64]
    high: NDArray[np.float64]

    @cached_property
    def whole_parts(self) -> list[NDArray[np.intp]]:
        """The parts where everything is unknown that a reader does not know to be zero."""
        return _parts(self, ~self.is_fixed)

    @classmethod
    def of(
        cls,
        counts: Mapping[Name, float],
        relations: Iterable[Relation],
        k: int,
        unpublished: Collection[Name],
        hide_zeros: bool,
        weights: Mapping[Name, float],
    ) -> _Table:
        """Check counts and relations, and put them in an order that does not depend on how they came."""
        names = tuple(sorted(counts, key=repr))
        places = {name: place for place, name in enumerate(names)}
        values = np.array([float(counts[name]) for name in names], dtype=float)
        if not (np.isfinite(values).all() and (values >= 0).all()):
            wrong = next(name for name, value in zip(names, values, strict=True) if not 0 <= value < math.inf)
            raise DataError(f"A count is 0 or more; {wrong!r} is {counts[wrong]}. Leave out what is not known.")
        is_whole = values == np.round(values)
        is_unpublished = np.isin(np.arange(len(names)), [places[name] for name in unpublished if name in places])
        is_zero = values < _CLOSE
        is_small = (values < k) & (~is_zero | (hide_zeros & ~is_unpublished))
        knows_not_zero = is_whole & ~is_unpublished & (not hide_zeros)
        return cls(
            names=names,
            values=values,
            relations=_rows(relations, places, values),
            unpublished=is_unpublished,
            small=is_small,
            is_fixed=is_zero & ~is_unpublished & (not hide_zeros),
            is_whole=is_whole,
            lower=np.where(knows_not_zero, 1.0, 0.0),
            cost=np.array([weights.get(name, 1.0) for name in names]) * (1 + np.log1p(values)),
            high=np.maximum(k, np.ceil(values) + math.ceil(k / 2)),
        )


def _rows(relations: Iterable[Relation], places: Mapping[Name, int], values: NDArray[np.float64]) -> csr_array:
    """Return the relations as a matrix, each once and in one order; they must hold."""
    from scipy.sparse import csr_array

    rows = set()
    for relation in relations:
        row = tuple(sorted((places[name], int(each)) for name, each in relation.items() if each))
        if abs(sum(values[place] * each for place, each in row)) > _CLOSE * (
            1 + sum(values[place] for place, _ in row)
        ):
            raise DataError(f"A relation does not hold: {dict(relation)!r}. The counts in it must add up to 0.")
        if row:
            rows.add(row if row[0][1] > 0 else tuple((place, -each) for place, each in row))
    cells = [(number, place, each) for number, row in enumerate(sorted(rows)) for place, each in row]
    across, along, each = zip(*cells, strict=True) if cells else ((), (), ())
    return csr_array((np.array(each, dtype=float), (across, along)), shape=(len(rows), len(places)))


def _parts(table: _Table, unknown: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the unknown counts in parts: no relation is about unknown counts of two of them."""
    from scipy.sparse.csgraph import connected_components

    cells = np.flatnonzero(unknown)
    if not len(cells):
        return []
    inside = abs(table.relations[:, cells])
    number, labels = connected_components(inside.T @ inside, directed=False)
    order = np.argsort(labels, kind="stable")
    return [cells[each] for each in np.split(order, np.cumsum(np.bincount(labels, minlength=number))[:-1])]


def _program(table: _Table, part: NDArray[np.intp]) -> tuple[csr_array, NDArray[np.float64]]:
    """Return what a reader knows of a part: a matrix, and what its product with the unknown counts is."""
    inside = table.relations[:, part]
    rows = np.flatnonzero(np.diff(inside.indptr))
    inside = inside[rows]
    return inside, np.asarray(np.round(inside @ table.values[part], 6))


def _covered(table: _Table, unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what must be unknown, with the cheapest covers, until no small count can be narrowed down.

    Covers are sought among tables of fractions; where these do not do for people, among whole ones. A count for which
    even that is not proved (too many branches) has all that it hangs together with hidden, and there is no more to do.
    """
    asked, stage = table.small, 0
    while weak := list(_unprotected(table, unknown, asked)):
        before, reached = unknown, np.zeros(len(unknown), dtype=bool)
        for cell in weak:
            if not reached[cell]:
                change = _change(table, unknown, cell, table.is_whole & (stage > 0))
                unknown = unknown | (abs(change) > _CLOSE)
                reached |= table.values + change >= table.high - _CLOSE
        if stage == 2:
            asked = asked & ~np.isin(np.arange(len(asked)), weak)
        stage += int(stage < 2 and bool((unknown == before).all()))
        if stage == 2:
            for cell in weak:
                unknown = unknown | np.isin(np.arange(len(asked)), _hanging_together(table, cell))
    return unknown


def _hanging_together(table: _Table, cell: int) -> NDArray[np.intp]:
    """Return the counts that a change of this one can reach."""
    return next(part for part in table.whole_parts if cell in part)


def _unprotected(table: _Table, unknown: NDArray[np.bool_], among: NDArray[np.bool_]) -> Iterator[int]:
    """Give the small counts whose interval ends too low.

    A table that takes several of them high enough at once proves all of these, so that few programs are solved.
    """
    for part in _parts(table, unknown):
        asked = among[part]
        if not asked.any():
            continue
        a, b = _program(table, part)
        is_free = np.asarray(abs(a).sum(axis=0)).ravel() == 0
        high, lower, reached = table.high[part], table.lower[part], is_free | ~asked
        for place in np.flatnonzero(asked):
            if reached[place]:
                continue
            is_sought = ~reached
            least = np.where(np.arange(len(part)) == place, high, lower)
            most = np.where(is_sought, np.maximum(table.values[part] + _REACH, high), math.inf)
            found = feasible(-1.0 * is_sought, a, b, least, most, table.is_whole[part])
            if found is None:
                yield int(part[place])
            else:
                reached |= found >= high - _CLOSE


def _change(table: _Table, unknown: NDArray[np.bool_], cell: int, is_whole: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what the cheapest table in which this count is high enough adds to each, whole where told.

    There is always one: the true table many times over. Where it is not found in time, all that hang together change.
    """
    from scipy.sparse import hstack

    free = _hanging_together(table, cell)
    a, b = _program(table, free)
    place = int(np.searchsorted(free, cell))
    shift = table.high[cell] - table.values[cell]
    cost = np.where(unknown[free], _CHEAP, table.cost[free])
    least, up, down = np.zeros(len(free)), np.full(len(free), math.inf), table.values[free] - table.lower[free]
    least[place], down[place] = shift, 0.0
    found = feasible(
        np.concatenate([cost, cost]),
        hstack([a, -a], format="csr"),
        np.zeros(len(b)),
        np.concatenate([least, np.zeros(len(free))]),
        np.concatenate([up, down]),
        np.concatenate([is_whole[free], is_whole[free]]),
    )
    change = np.zeros(len(table.names))
    change[free] = math.inf if found is None else found[: len(free)] - found[len(free) :]
    return change


def _without_the_needless(table: _Table, unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what must stay unknown, once every covering count that nothing needs is shown again."""
    covering = np.flatnonzero(unknown & ~table.unpublished & ~table.small)
    for cell in sorted(covering, key=lambda cell: (-table.cost[cell], cell)):
        part = next(part for part in _parts(table, unknown) if cell in part)
        among = table.small & np.isin(np.arange(len(unknown)), part)
        fewer = unknown & np.isin(np.arange(len(unknown)), part)
        fewer[cell] = False
        if next(_unprotected(table, fewer, among), None) is None:
            unknown = unknown.copy()
            unknown[cell] = False
    return unknown
