"""Frames made fit to publish: small counts out, with whatever would give them away, over all frames of one page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from funnel.errors import DefinitionError, listed
from funnel.privacy import experiments, funnels, spreading
from funnel.privacy.cells import USUAL, Suppression, check_threshold, suppress
from funnel.privacy.sheets import Count, Sheet, count

if TYPE_CHECKING:
    import pandas

_CLOSE = 1e-6
_DIGITS = 3
_WHOLE, _SPARE = 100.0, 0.1
_LEFT_OVER = ("lost", "pending", "may yet", "skipped")


class Kind(NamedTuple):
    """A kind of frame: the columns it is known by, and what reads it."""

    columns: frozenset[str]
    read: Callable[[Sheet], None]


@dataclass(frozen=True, eq=False)
class Published:
    """A frame that may be published. What is hidden is null in `frame` and true in `mask`, of the same shape.

    `small` counts were under the threshold `k`; `covering` ones would reveal a small one; `derived` numbers (rates,
    intervals, medians, points of a curve) are made of such counts. All three are numbers of cells.
    """

    frame: pandas.DataFrame
    mask: pandas.DataFrame
    k: int
    small: int
    covering: int
    derived: int

    @property
    def hidden(self) -> int:
        """How many cells are hidden."""
        return self.small + self.covering + self.derived


def _any_other(sheet: Sheet) -> None:
    """Any frame without a kind of its own: whole numbers that are of people are counts, the others are made of them."""
    people = [name for name in map(str, sheet.frame.columns) if name in _PEOPLE]
    made = [
        str(name)
        for name in sheet.frame.columns
        if sheet.frame[name].dtype.kind == "f" and str(name) not in _PEOPLE and not str(name).startswith("elapsed_")
    ]
    for place in range(len(sheet.frame)):
        cells = [sheet.shown(place, name, count("row", place, name)) for name in people]
        sheet.made(place, made, *cells)


def _nothing(_: Sheet) -> None:
    """Numbers of rows or of planned visitors: of nobody."""


_PEOPLE = frozenset(
    {
        *(
            "visitors",
            "pending",
            "entered",
            "reached",
            "dropped",
            "converted",
            "control_visitors",
            "exposed",
            "assigned",
        ),
        *("total", "signers", "signatures", "seeded", "referred", "brought", "downstream", "responded", "harmed"),
        *("harmed_before", "observed", "second_visitors", "second_visits", "second_life", "second_downstream"),
    }
)

KINDS: dict[str, Kind] = {
    name: Kind(frozenset(columns.split()), read)
    for name, columns, read in (
        ("cohorts", "entered_on age_days visitors overall_rate", funnels.cohorts),
        ("curves", "outcome elapsed_seconds rate at_risk", funnels.curves),
        ("times", "step elapsed_from_seconds visitors", funnels.times),
        ("funnel", "step after visitors step_rate dropped pending", funnels.funnel),
        ("follow_ups", "combination first visitors pending last_step_rate", funnels.follow_ups),
        ("sensitivity", "definition entered converted overall_rate", funnels.sensitivity),
        ("experiment", "outcome role kind variant visitors pending total", experiments.answer),
        ("split", "check exposed statistic is_mismatch", experiments.split),
        ("posterior", "variant visitors converted probability_best", experiments.posterior),
        ("segments", "column group variant visitors control_visitors", experiments.segments),
        ("horizon", "outcome variant elapsed_seconds visitors difference", experiments.horizon),
        ("looks", "variant looked_on visitors fraction", experiments.growing),
        ("forgone", "variant outcome forgone", experiments.forgone),
        ("plan", "lift rate visitors total power", _nothing),
        ("generations", "generation signatures share referred k_factor", spreading.generations),
        ("days", "signed_on seeded referred reproduction_number", spreading.days),
        ("cycle", "elapsed_from_seconds elapsed_to_seconds signatures share", spreading.cycle),
        ("trees", "rank signatures structural_virality", spreading.trees),
        ("relays", "relay visitors visits signatures declared downstream total", spreading.relays),
        ("waves", "measure before_relays before after_relays after", spreading.waves),
        ("first_day", "source signatures downstream later total", spreading.first_day),
        ("credit", "model credited downstream", spreading.credit),
        ("paths", "next touches_left visitors converted", spreading.paths),
        ("ladder", "rung visitors reached highest skipped", spreading.ladder),
        ("transitions", "rung to visitors share", spreading.transitions),
        ("value", "rung signers brought downstream value", spreading.value),
        ("fatigue", "asks visitors pending responded harmed", spreading.fatigue),
        ("changes", "step number visitors among before_visitors before_among", funnels.changes),
        ("checks", "check rows severity", _nothing),
        ("other", "", _any_other),
    )
}


def kind_of(frame: pandas.DataFrame) -> str:
    """Return the kind of a frame, known by its columns; "other" where it has none of its own."""
    return next(name for name, kind in KINDS.items() if kind.columns <= set(map(str, frame.columns)))


def safe(frame: pandas.DataFrame, kind: str | None = None, *, k: int = USUAL) -> Published:
    """Return the frame without counts of 1 to `k` - 1, nor anything they could be worked out from; k is 5 at least.

    For a page of several frames, ask `safe_together`: what one hides, another could tell.
    """
    (published,) = safe_together([frame], [kind], k=k)
    return published


def safe_together(
    frames: Sequence[pandas.DataFrame], kinds: Sequence[str | None] | None = None, *, k: int = USUAL
) -> list[Published]:
    """Return the frames of one page, each made safe beside all the others.

    Frames come as results give them, with the names of steps and groups in the data and not yet in words. Counts of one
    name in several frames are one count; groups sum to the whole; totals that are equal are taken to be the same.
    """
    sheets = [
        _read(frame, kind, check_threshold(k))
        for frame, kind in zip(frames, kinds or [None] * len(frames), strict=True)
    ]
    counts, names = _merged(sheets)
    unpublished = {names[number][name] for number, sheet in enumerate(sheets) for name in sheet.unpublished}
    shown = {names[number][name] for number, sheet in enumerate(sheets) for name in sheet.counts} - {
        names[number][name] for number, sheet in enumerate(sheets) for name in sheet.unpublished
    }
    said = [
        {names[number].get(name, name): each for name, each in relation.items()}
        for number, sheet in enumerate(sheets)
        for relation in sheet.relations
        if not any(name in sheet.unknown for name in relation)
    ]
    relations = [each for each in (*said, *_sums(counts), *_equals(counts)) if _holds(each, counts)]
    found = suppress(
        counts,
        relations,
        k=k,
        unpublished=unpublished - shown,
        weights={name: _weight(name) for name in counts},
    )
    risky = found.hidden | {name for name in unpublished - shown if _CLOSE < counts[name] < k}
    return [_applied(sheet, names[number], found, risky) for number, sheet in enumerate(sheets)]


def _weight(name: Count) -> float:
    """How dearly a count is hidden: those who still have time and the lost before the others, totals last of all."""
    return _WHOLE ** (not name.group) * _SPARE ** (name.what[0] in _LEFT_OVER)


def _read(frame: pandas.DataFrame, kind: str | None, k: int) -> Sheet:
    name = kind_of(frame) if kind is None else kind
    if name not in KINDS:
        raise DefinitionError(f"{name!r} is no kind of frame. Known: {listed(KINDS, most=len(KINDS))}.")
    sheet = Sheet(frame, k)
    KINDS[name].read(sheet)
    return sheet


def _merged(sheets: Sequence[Sheet]) -> tuple[dict[Count, float], list[dict[Count, Count]]]:
    """Return every count, and for each sheet under which name; where sheets disagree on one, each has its own."""
    values: dict[Count, set[float]] = {}
    for sheet in sheets:
        for name, value in sheet.counts.items():
            values.setdefault(name, set()).add(value)
    counts: dict[Count, float] = {}
    names: list[dict[Count, Count]] = []
    for sheet in sheets:
        own = {}
        for name, value in sheet.counts.items():
            own[name] = name if len(values[name]) == 1 else Count((*name.what, "here", str(value)), name.group)
            counts[own[name]] = value
        names.append(own)
    return counts, names


def _sums(counts: dict[Count, float]) -> list[dict[Count, int]]:
    """Return, for each group, that groups of more columns sum to it."""
    tables: dict[tuple[str, ...], dict[tuple[str, ...], list[Count]]] = {}
    for name in counts:
        columns = tuple(column for column, _ in name.group)
        tables.setdefault(name.what, {}).setdefault(columns, []).append(name)
    sums = []
    for whats in tables.values():
        for few, many in combinations(sorted(whats, key=lambda columns: (len(columns), columns)), 2):
            if set(few) < set(many):
                members: dict[tuple[tuple[str, str], ...], list[Count]] = {}
                for name in whats[many]:
                    members.setdefault(tuple(pair for pair in name.group if pair[0] in few), []).append(name)
                sums += [
                    {name: -1, **dict.fromkeys(members[name.group], 1)} for name in whats[few] if name.group in members
                ]
    return sums


def _equals(counts: dict[Count, float]) -> list[dict[Count, int]]:
    """Return that totals of everything which are equal are the same people."""
    totals: dict[float, list[Count]] = {}
    for name, value in counts.items():
        if not name.group and value >= 1:
            totals.setdefault(value, []).append(name)
    return [{one: 1, other: -1} for same in totals.values() for one, other in pairwise(sorted(same))]


def _holds(relation: dict[Count, int], counts: dict[Count, float]) -> bool:
    if not all(name in counts for name in relation):
        return False
    return abs(sum(counts[name] * each for name, each in relation.items())) < _CLOSE


def _applied(sheet: Sheet, names: dict[Count, Count], found: Suppression, risky: frozenset[Count]) -> Published:
    columns = [str(name) for name in sheet.frame.columns]
    small, covering = (
        {cell for name, cells in sheet.places.items() if names.get(name) in hidden for cell in cells}
        for hidden in (found.small, found.covering)
    )
    derived = {
        (told.row, column)
        for told in sheet.told
        if any(name in sheet.unknown or names.get(name, name) in risky for name in told.made_of)
        for column in told.columns
    }
    frame = sheet.frame.copy()
    for row, column in sheet.rounded:
        frame.iloc[row, columns.index(column)] = round(float(frame.iloc[row, columns.index(column)]), _DIGITS)
    risky_cells = np.zeros(frame.shape, dtype=bool)
    for row, column in small | covering | derived | set(sheet.few):
        risky_cells[row, columns.index(column)] = True
    mask = frame.notna() & risky_cells
    for column in frame.columns[mask.any()]:
        told = frame[column]
        frame[column] = (told.astype(float) if told.dtype.kind in "iu" else told).mask(mask[column])
    cells = {(row, columns[place]) for row, place in zip(*mask.to_numpy().nonzero(), strict=True)}
    return Published(
        frame=frame,
        mask=mask,
        k=sheet.k,
        small=len(cells & small),
        covering=len(cells & covering - small),
        derived=len(cells - small - covering),
    )
