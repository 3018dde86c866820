"""The answer's frame: every variant on every measure, each family corrected for how many comparisons it holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from funnel.comparisons.effects import Effect, arm, effect, precision, safety
from funnel.comparisons.looking import ALPHA, Look
from funnel.comparisons.skewed import bootstrapped
from funnel.design import Measure, Role
from funnel.exposures import Cell, Exposures
from funnel.outcomes import Guardrail, Referred
from funnel.stats.multiplicity import benjamini_hochberg, dunnett_critical, holm

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "outcome",
    "role",
    "kind",
    "variant",
    "visitors",
    "pending",
    "total",
    "rate",
    "rate_low",
    "rate_high",
    "difference",
    "difference_low",
    "difference_high",
    "simultaneous_low",
    "simultaneous_high",
    "lift",
    "lift_low",
    "lift_high",
    "p",
    "p_adjusted",
    "correction",
    "method",
    "bootstrap_low",
    "bootstrap_high",
    "margin",
    "safety",
    "note",
)

Whole = dict[str, dict[str, Cell]]


@dataclass(frozen=True)
class Row:
    """One variant on one measure; the control has no effect."""

    measure: Measure
    variant: str
    cell: Cell
    effect: Effect | None
    simultaneous: tuple[float, float]
    bootstrap: tuple[float, float]


def whole(found: Exposures) -> Whole:
    """Return the cells of each measure by variant, over all units."""
    cells = found.cells()
    return {
        measure.label: {variant: cells[(variant,)][measure.label] for variant in found.variants}
        for measure in found.design.measures
    }


def frame_of(found: Exposures, cells: Whole, look: Look) -> pandas.DataFrame:
    """Return one row a measure and variant, the control first: docs/definitions.md says what each column is."""
    import pandas

    rows = [row for measure in found.design.measures for row in _measured(found, measure, cells[measure.label], look)]
    adjusted = _adjusted(rows)
    frame = pandas.DataFrame([_told(row, *adjusted[place]) for place, row in enumerate(rows)], columns=list(COLUMNS))
    return frame.astype({name: float for name in COLUMNS if frame[name].isna().all() and name not in TEXTS})


TEXTS = ("correction", "method", "safety", "note")


def _measured(found: Exposures, measure: Measure, cells: dict[str, Cell], look: Look) -> list[Row]:
    control = cells[found.variants[0]]
    unknown = (math.nan, math.nan)
    drawn = bootstrapped(found, measure) if isinstance(measure.outcome, Referred) else {}
    rows = [Row(measure, found.variants[0], control, None, unknown, unknown)]
    compared = [each for each in found.variants[1:] if cells[each].visitors and control.visitors]
    alpha = _simultaneous_alpha(measure, [cells[each] for each in compared], control, look)
    for variant in found.variants[1:]:
        cell = cells[variant]
        if variant not in compared:
            rows.append(Row(measure, variant, cell, None, unknown, unknown))
            continue
        made = effect(measure, cell, control, found.design, look)
        ends = made.at(look, alpha)
        if measure.kind == "share":
            ends = max(ends[0], -1.0), min(ends[1], 1.0)
        rows.append(Row(measure, variant, cell, made, ends, drawn.get(variant, unknown)))
    return rows


def _simultaneous_alpha(measure: Measure, treatments: Sequence[Cell], control: Cell, look: Look) -> float:
    """Return the error of one interval, so that all variants' together have 5 %: Dunnett's for a single look.

    Dunnett's value supposes one look; with several, the error is shared evenly (Bonferroni), which is never too little.
    """
    if len(treatments) < 2:
        return ALPHA
    if look.design.looks != "fixed":
        return ALPHA / len(treatments)
    critical = dunnett_critical([precision(measure, each) for each in treatments], precision(measure, control))
    return 2 * NormalDist().cdf(-critical)


def _adjusted(rows: Sequence[Row]) -> dict[int, tuple[float, str | None]]:
    """Return the adjusted p of each row and the correction's name: each role is a family of its own."""
    found: dict[int, tuple[float, str | None]] = dict.fromkeys(range(len(rows)), (math.nan, None))
    corrections: dict[Role, tuple[Any, str]] = {
        "primary": (holm, "Holm"),
        "secondary": (holm, "Holm"),
        "exploratory": (benjamini_hochberg, "Benjamini-Hochberg"),
    }
    for role in ("primary", "secondary", "exploratory", "guardrail"):
        family = [(place, row.effect.p) for place, row in enumerate(rows) if row.measure.role == role and row.effect]
        places, values = [place for place, _ in family], [p for _, p in family]
        if role in corrections:
            correct, name = corrections[role]
            name = f"{name} over {len(values)}" if len(values) > 1 else "none"
            adjusted = [float(p) for p in correct(values)]
        else:
            # A variant is safe when every guardrail holds: no chance is taken twice, so nothing is corrected.
            name, adjusted = "none", values
        found |= {place: (p, name) for place, p in zip(places, adjusted, strict=True)}
    return found


def _told(row: Row, p_adjusted: float, correction: str | None) -> dict[str, object]:
    made, asked = row.effect, row.measure.outcome
    rate = arm(row.measure, row.cell)
    told: dict[str, object] = {
        "outcome": row.measure.label,
        "role": row.measure.role,
        "kind": row.measure.kind,
        "variant": row.variant,
        "visitors": row.cell.visitors,
        "pending": row.cell.pending,
        "total": row.cell.total * row.cell.unit if row.cell.unit != 1 else row.cell.total,
        "rate": rate.value,
        "rate_low": rate.low,
        "rate_high": rate.high,
        "margin": asked.limit if isinstance(asked, Guardrail) else math.nan,
    }
    if made is None:
        return told
    return told | {
        "difference": made.value,
        "difference_low": made.low,
        "difference_high": made.high,
        "simultaneous_low": row.simultaneous[0],
        "simultaneous_high": row.simultaneous[1],
        "lift": made.lift.value,
        "lift_low": made.lift.low,
        "lift_high": made.lift.high,
        "p": made.p,
        "p_adjusted": p_adjusted,
        "correction": correction,
        "method": made.method,
        "bootstrap_low": row.bootstrap[0],
        "bootstrap_high": row.bootstrap[1],
        "safety": safety(asked, made.low, made.high) if isinstance(asked, Guardrail) else None,
        "note": made.note or None,
    }
