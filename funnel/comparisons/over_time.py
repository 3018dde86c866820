"""Variants over elapsed time: curves that take pending visitors into account, and when the difference comes about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from funnel.comparisons.effects import moments, ratio_moments
from funnel.curves import round_times
from funnel.definition import UNITS
from funnel.design import Measure
from funnel.exposures import Cell, Exposures
from funnel.statements import column, number, sql, statement
from funnel.stats.differences import newcombe
from funnel.stats.means import delta_ratio, welch
from funnel.stats.proportions import Estimate, normal_quantile
from funnel.stats.survival import Incidence, aalen_johansen, horizon

if TYPE_CHECKING:
    import pandas

CURVE_COLUMNS = ("outcome", "variant", "elapsed_seconds", "rate", "rate_low", "rate_high", "at_risk")
HORIZON_COLUMNS = (
    "outcome",
    "variant",
    "elapsed_seconds",
    "visitors",
    "rate",
    "rate_low",
    "rate_high",
    "difference",
    "difference_low",
    "difference_high",
)
NOVELTY_COLUMNS = ("clock", "day", "variant", "visitors", "difference", "difference_low", "difference_high")
SINCE_EXPOSURE, SINCE_START = "since exposure", "since start"


def incidences(found: Exposures, measure: Measure) -> dict[str, Incidence]:
    """Return the curve of each variant: who had the outcome by when, of all exposed, pending ones as far as followed.

    Aalen-Johansen with one outcome, which is one minus Kaplan-Meier. It supposes that those exposed lately will do as
    those before them did, in each arm.
    """
    place = found.design.measures.index(measure)
    query = statement(
        """
        /* one row a variant, length of follow-up and outcome */
        select
            variant,
            coalesce(_first_at, least(exposed_at + _window, _cutoff)) - exposed_at as lasted,
            case when _first_at is null then 0 else 1 end as outcome,
            count(*) as visitors
        from _units as units
        where is_unit
        group by all
        order by all
        """,
        first_at=column(f"first_at_{place}"),
        window=number(measure.window),
        cutoff=number(found.cutoff_us),
        units=found.units,
    )
    columns = found.connection.execute(sql(query)).fetchnumpy()
    variant = np.asarray(columns["variant"], dtype=object)
    rows = [np.asarray(columns[name]) for name in ("lasted", "outcome", "visitors")]
    return {
        name: aalen_johansen(
            rows[0][variant == name] / 1e6, rows[1][variant == name], rows[2][variant == name], causes=1
        )
        for name in found.variants
    }


def curves_of(found: Exposures) -> pandas.DataFrame:
    """Return one row an outcome that is a share, variant and time: the share that had it by then, of all exposed."""
    import pandas

    frames = []
    for measure in _shares(found):
        arms = incidences(found, measure)
        reach = min(measure.window / 1e6, horizon(list(arms.values())))
        times = round_times(reach)
        for variant, curve in arms.items():
            read = curve.at(times)
            values = (measure.label, variant, times, read.rate[0], read.low[0], read.high[0], read.at_risk)
            frames.append(pandas.DataFrame(dict(zip(CURVE_COLUMNS, values, strict=True))))
    return pandas.concat(frames, ignore_index=True) if frames else pandas.DataFrame(columns=list(CURVE_COLUMNS))


def horizon_of(found: Exposures) -> pandas.DataFrame:
    """Return one row an outcome that is a share and variant: the curves' ends, compared with the control's.

    At the longest time that every variant was followed, up to the window; `visitors` are all exposed, pending ones too.
    The interval is the difference plus or minus 1.96 standard errors, each arm's by Greenwood.
    """
    import pandas

    rows = []
    for measure in _shares(found):
        arms = incidences(found, measure)
        reach = min(measure.window / 1e6, horizon(list(arms.values())))
        ends = {variant: curve.at([reach]) for variant, curve in arms.items()}
        control = ends[found.variants[0]]
        for variant, end in ends.items():
            told = [float(each[0][0]) for each in (end.rate, end.low, end.high)]
            difference = [math.nan] * 3
            if variant != found.variants[0]:
                gap = float(end.rate[0][0] - control.rate[0][0])
                error = math.sqrt(float(end.variance[0][0] + control.variance[0][0]))
                difference = [gap, *(gap + side * normal_quantile(0.95) * error for side in (-1, 1))]
            rows.append((measure.label, variant, reach, int(arms[variant].at_risk[:1].sum()), *told, *difference))
    return pandas.DataFrame(rows, columns=list(HORIZON_COLUMNS))


def novelty_of(found: Exposures) -> pandas.DataFrame:
    """Return when the difference of the primary outcome comes about, and whether it fades: two clocks.

    "since exposure", for a share: day d counts those who first did it between d and d + 1 times 24 hours after their
    exposure, over all whose window is over; the days add up to the whole difference. "since start": the units first
    exposed between d and d + 1 times 24 hours after the first exposure of all, whose window is over.
    """
    import pandas

    measure = found.design.measures[0]
    rows = []
    if measure.kind == "share":
        rows += _days(found, measure, SINCE_EXPOSURE, _by_age(found, measure))
    rows += _days(found, measure, SINCE_START, _by_start(found, measure))
    return pandas.DataFrame(rows, columns=list(NOVELTY_COLUMNS))


def _by_age(found: Exposures, measure: Measure) -> dict[int, dict[str, Cell]]:
    """Return by day since exposure the cells of those who first did it on that day."""
    day = statement(
        "select cast(floor((first_at_0 - exposed_at) / _day) as bigint)", day=number(UNITS["day"])
    ).expressions[0]
    whole = {variant: cells[measure.label] for (variant,), cells in found.cells().items()}
    converted = {key: cells[measure.label].total for key, cells in found.cells(day).items() if key[1] is not None}
    # Who does it at the very end of the window does it on its last day.
    last = -(-measure.window // UNITS["day"]) - 1
    return {
        age: {
            variant: _shares_cell(
                cell.visitors,
                sum(total for (name, day_), total in converted.items() if name == variant and min(day_, last) == age),
            )
            for variant, cell in whole.items()
        }
        for age in range(last + 1)
    }


def _by_start(found: Exposures, measure: Measure) -> dict[int, dict[str, Cell]]:
    """Return the cells of units by the day of their exposure since the first."""
    day = statement(
        "select cast(floor((exposed_at - _first) / _day) as bigint)",
        first=number(found.first_at),
        day=number(UNITS["day"]),
    ).expressions[0]
    days: dict[int, dict[str, Cell]] = {}
    for (variant, age), cells in found.cells(day).items():
        days.setdefault(age, {})[variant] = cells[measure.label]
    return dict(sorted(days.items()))


def _shares_cell(visitors: int, total: int) -> Cell:
    return Cell(visitors, 0, total, total, visitors, visitors, total)


def _days(found: Exposures, measure: Measure, clock: str, days: dict[int, dict[str, Cell]]) -> list[tuple]:
    rows = []
    for day, cells in days.items():
        control = cells.get(found.variants[0])
        for variant in found.variants[1:]:
            cell = cells.get(variant)
            if cell is None or control is None or not (cell.visitors and control.visitors):
                continue
            ends = difference_of(measure, cell, control)
            rows.append((clock, day, variant, cell.visitors + control.visitors, ends.value, ends.low, ends.high))
    return rows


def difference_of(measure: Measure, cell: Cell, control: Cell) -> Estimate:
    """Return the difference of one group of visitors with its plain interval at 95 %."""
    if measure.kind == "share":
        return newcombe(cell.total, cell.visitors, control.total, control.visitors)
    if measure.kind == "ratio":
        return delta_ratio(ratio_moments(cell), ratio_moments(control))
    return welch(moments(cell), moments(control))


def _shares(found: Exposures) -> list[Measure]:
    return [measure for measure in found.design.measures if measure.kind == "share"]
