"""Counts too skewed to trust a t interval alone: signatures brought, where most bring none and a few bring many."""

from __future__ import annotations

from funnel.design import Measure
from funnel.exposures import Exposures
from funnel.statements import column, number, statement
from funnel.stats.means import bootstrap_difference


def bootstrapped(found: Exposures, measure: Measure, variant: str) -> tuple[float, float]:
    """Return the bootstrap interval (BCa, 95 %) of the difference in means; drawn from how many have each count."""
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
    rows = found.rows(query)
    arms = [
        tuple(zip(*((value, visitors) for each, value, visitors in rows if each == name), strict=True))
        for name in (variant, found.variants[0])
    ]
    (treatment, treatment_counts), (control, control_counts) = arms
    drawn = bootstrap_difference(treatment, control, treatment_counts=treatment_counts, control_counts=control_counts)
    return float(drawn.low), float(drawn.high)
