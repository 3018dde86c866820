"""How many visitors, and how many days at the present pace, it takes to find a lift of the primary outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnel.comparisons.table import Whole
from funnel.definition import UNITS
from funnel.errors import DataError, DefinitionError
from funnel.exposures import Exposures
from funnel.statements import number, statement
from funnel.stats.planning import power, required_visitors

if TYPE_CHECKING:
    import pandas

COLUMNS = ("lift", "rate", "visitors", "total", "days", "power")
PACE_DAYS = 7
POINTS = 60


@dataclass(frozen=True)
class Ahead:
    """The plan, a row a lift, the power curves, and what they rest on.

    `baseline` is the control's share now, `pace` visitors a day (all arms), `present` visitors in the smallest arm.
    """

    frame: pandas.DataFrame
    curves: pandas.DataFrame
    baseline: float
    pace: float
    present: int
    formula: str
    correction: str


def ahead(found: Exposures, cells: Whole, lifts: Sequence[float], *, wanted: float) -> Ahead:
    """Return what finding each lift takes with the `wanted` power, for a primary outcome that is a share.

    The pace is that of the last seven days before the cutoff, or of all days where there are fewer.
    """
    import pandas

    design = found.design
    measure = design.measures[0]
    if measure.kind != "share":
        raise DefinitionError(
            f"Planning needs a share of visitors as primary outcome, and '{measure.label}' is none. Measure it with"
            " primary=funnel.Conversion(...)."
        )
    arms = cells[measure.label]
    control = arms[found.variants[0]]
    if not 0 < control.total < control.visitors:
        raise DataError(
            f"Control '{found.variants[0]}' has '{measure.label}' from {control.total:,} of {control.visitors:,}"
            " visitors, which is nothing to plan from. Use funnel.required_visitors with a baseline of your own."
        )
    baseline, pace = control.total / control.visitors, _pace(found)
    present = min(cell.visitors for cell in arms.values())
    variants = len(found.variants)
    rows, curves = [], []
    formula = correction = ""
    for lift in lifts:
        needed = required_visitors(baseline, lift, variants=variants, power=wanted, looks=design.looks)
        formula, correction = needed.formula, needed.correction
        # Looking early takes that many times the visitors of a single look for the same power.
        inflation = needed.n / required_visitors(baseline, lift, variants=variants, power=wanted).n
        now = float(power(baseline, lift, n=max(present, 1) / inflation, variants=variants))
        days = math.ceil(needed.total / pace) if pace else math.nan
        rows.append((lift, needed.rate, needed.n, needed.total, days, now))
        sizes = np.unique(np.linspace(needed.n / POINTS, 1.5 * needed.n, POINTS).round().clip(1))
        found_by = np.asarray(power(baseline, lift, n=sizes / inflation, variants=variants))
        curves.append(pandas.DataFrame({"lift": lift, "visitors": sizes, "power": found_by}))
    return Ahead(
        pandas.DataFrame(rows, columns=list(COLUMNS)),
        pandas.concat(curves, ignore_index=True),
        baseline,
        pace,
        present,
        formula,
        correction,
    )


def _pace(found: Exposures) -> float:
    """Return how many units were exposed a day lately."""
    days = min(float(PACE_DAYS), (found.cutoff_us - found.first_at) / UNITS["day"])
    since = found.cutoff_us - round(days * UNITS["day"])
    query = statement(
        """
        /* one row */
        select count(*) as visitors from _units as units where is_unit and exposed_at >= _since
        """,
        units=found.units,
        since=number(since),
    )
    return float(found.rows(query)[0][0]) / days if days > 0 else 0.0
