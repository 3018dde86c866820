"""The experiment as it went: the primary outcome at the end of each day, with what its rule would have said then."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from funnel.comparisons.effects import Effect, effect
from funnel.comparisons.looking import Look, standard_errors
from funnel.curves import local_day
from funnel.exposures import Cell, Exposures
from funnel.statements import number, statement

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "variant",
    "looked_on",
    "visitors",
    "fraction",
    "difference",
    "difference_low",
    "difference_high",
    "z",
    "critical",
)


def looks_of(found: Exposures, look: Look) -> pandas.DataFrame:
    """Return one row a variant and day: the difference of the primary outcome over the units whose window was over.

    Days on which no window of either arm ended are left out.
    """
    import pandas

    measure = found.design.measures[0]
    over = statement("select exposed_at + _window", window=number(measure.window)).expressions[0]
    days: dict[date, dict[str, Cell]] = {}
    for (variant, day), cells in found.cells(local_day(found.events, over)).items():
        if cells[measure.label].visitors:
            days.setdefault(day, {})[variant] = cells[measure.label]
    so_far: dict[str, Cell] = {}
    rows = []
    for place, day in enumerate(sorted(days)):
        so_far |= {variant: _added(so_far.get(variant), cell) for variant, cell in days[day].items()}
        then = replace(look, visitors=sum(cell.visitors for cell in so_far.values()))
        control = so_far.get(found.variants[0])
        for variant in found.variants[1:]:
            cell = so_far.get(variant)
            if cell is not None and control is not None:
                made = effect(measure, cell, control, found.design, then)
                row = (made.value, made.low, made.high, *_reached(made, then, is_last=place == len(days) - 1))
                rows.append((variant, day, cell.visitors + control.visitors, then.fraction, *row))
    return pandas.DataFrame(rows, columns=list(COLUMNS))


def _reached(made: Effect, then: Look, *, is_last: bool) -> tuple[float, float]:
    """Return how many standard errors the difference is from 0, and how many the rule asks for at this look.

    A fixed test asks at its end only. Planned looks ask as if this day were one of them, after those before it.
    """
    error = made.compared.standard_error
    if then.design.looks == "anytime":
        if not error > 0:
            return 0.0, math.inf
        low, high = then.interval(made.plain, made.compared)
        return made.value / error, (high - low) / 2 / error
    z = math.copysign(standard_errors(made.fixed_p), made.value)
    if then.design.looks == "fixed" and not is_last:
        return z, math.nan
    return z, then.critical()


def _added(one: Cell | None, other: Cell) -> Cell:
    if one is None:
        return other
    sums = {name: getattr(one, name) + getattr(other, name) for name in vars(other) if name != "unit"}
    return replace(other, **sums)
