"""Counts too skewed to trust a t interval alone: signatures brought, where most bring none and a few bring many."""

from __future__ import annotations

from funnel.design import Measure
from funnel.exposures import Exposures
from funnel.statements import column, number, statement
from funnel.stats.means import bootstrap_difference


def bootstrapped(found: Exposures, measure: Measure) -> dict[str, tuple[float, float]]:
    """Return by variant the bootstrap interval (BCa, 95 %) of its difference to the control in means.

    Drawn from how many units have each count. Variants without a unit whose window is over are left out.
    """
    query = statement(
        """
        /* one row a variant and count, over units whose window is over */
        select
            variant,
            _counted as counted,
            count(*) as visitors
        from _units as units
        where is_unit and exposed_at + _window <= _cutoff
        group by all
        order by all
        """,
        counted=column(f"y_{found.design.measures.index(measure)}"),
        units=found.units,
        window=number(measure.window),
        cutoff=number(found.cutoff_us),
    )
    arms: dict[str, list[tuple[int, int]]] = {}
    for variant, counted, visitors in found.rows(query):
        arms.setdefault(variant, []).append((counted, visitors))
    control = arms.pop(found.variants[0], [])
    return {variant: _interval(rows, control) for variant, rows in arms.items() if control}


def _interval(treatment: list[tuple[int, int]], control: list[tuple[int, int]]) -> tuple[float, float]:
    (values, counts), (control_values, control_counts) = (zip(*rows, strict=True) for rows in (treatment, control))
    drawn = bootstrap_difference(values, control_values, treatment_counts=counts, control_counts=control_counts)
    return float(drawn.low), float(drawn.high)
