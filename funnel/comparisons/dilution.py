"""Assigned against exposed: what the effect on those who saw something comes to over all who were meant to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnel.comparisons.over_time import difference_of
from funnel.comparisons.table import whole
from funnel.exposures import Exposures, build
from funnel.statements import statement
from funnel.stats.proportions import wilson
from funnel.stats.shares import same_share
from funnel.stats.significance import Test

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "variant",
    "assigned",
    "exposed",
    "exposed_rate",
    "exposed_rate_low",
    "exposed_rate_high",
    "assigned_difference",
    "assigned_difference_low",
    "assigned_difference_high",
    "exposed_difference",
    "exposed_difference_low",
    "exposed_difference_high",
)


def dilution_of(found: Exposures) -> tuple[pandas.DataFrame, Test]:
    """Return one row a variant, and the test that all variants expose the same share of those assigned.

    `assigned_difference` is over all units assigned (intention to treat), from the assignment on; `exposed_difference`
    over those exposed, from the exposure on. Where the shares exposed differ, being exposed depends on the variant, and
    only the first can be read.
    """
    import pandas

    design = found.design
    assert design.assignment is not None
    assigned = build(replace(design, exposure=design.assignment, assignment=None), found.events)
    counts = _exposed(assigned, found)
    test = same_share([exposed for _, exposed in counts.values()], [everyone for everyone, _ in counts.values()])
    measure = design.measures[0]
    meant, shown = (whole(each)[measure.label] for each in (assigned, found))
    rows = []
    for variant, (everyone, exposed) in counts.items():
        share = wilson(exposed, everyone)
        row: list[object] = [variant, everyone, exposed, share.value, share.low, share.high]
        for cells in (meant, shown):
            arms = cells.get(variant), cells[found.variants[0]]
            if variant == found.variants[0] or arms[0] is None or not (arms[0].visitors and arms[1].visitors):
                row += [float("nan")] * 3
                continue
            made = difference_of(measure, arms[0], arms[1])
            row += [made.value, made.low, made.high]
        rows.append(row)
    assigned.drop()
    return pandas.DataFrame(rows, columns=list(COLUMNS)), test


def _exposed(assigned: Exposures, found: Exposures) -> dict[str, tuple[int, int]]:
    """Return by assigned variant how many units were assigned, and how many of them were exposed."""
    query = statement(
        """
        /* one row a variant */
        select
            assigned.variant as variant,
            count(*) as visitors,
            count(exposed.visitor_id) as exposed
        from _assigned as assigned
        left join _exposed as exposed
            on assigned.visitor_id = exposed.visitor_id and exposed.is_unit
        where assigned.is_unit
        group by all
        """,
        assigned=assigned.units,
        exposed=found.units,
    )
    counts = {variant: (visitors, exposed) for variant, visitors, exposed in assigned.rows(query)}
    return {variant: counts[variant] for variant in assigned.variants}
