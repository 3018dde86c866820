"""Trees as clusters, where referred visitors inherit the variant: everyone exposed counts, errors are per tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnel.errors import DataError
from funnel.exposures import Exposures
from funnel.outcomes import Ratio, Referred
from funnel.statements import column, number, sql, statement
from funnel.stats.means import Clusters, cluster_robust

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "outcome",
    "kind",
    "variant",
    "visitors",
    "clusters",
    "rate",
    "difference",
    "difference_low",
    "difference_high",
    "p",
    "method",
)


def clusters_of(found: Exposures) -> pandas.DataFrame:
    """Return one row an outcome and variant: the rate over everyone in the trees of the variant’s units.

    `visitors` are those whose window is over, `clusters` the trees they are in. Neither signatures brought, which count
    the trees themselves, nor ratios are told here.
    """
    import pandas

    rows: list[tuple] = []
    for place, measure in enumerate(found.design.measures):
        if isinstance(measure.outcome, Ratio | Referred):
            continue
        arms = _arms(found, place, measure.window)
        control = arms[found.variants[0]]
        for variant, arm in arms.items():
            rate = float(arm.sums.sum() / arm.sizes.sum())
            row = (measure.label, measure.kind, variant, int(arm.sizes.sum()), len(arm.sizes), rate)
            if variant == found.variants[0]:
                rows.append((*row, np.nan, np.nan, np.nan, np.nan, None))
                continue
            made = cluster_robust(arm, control)
            rows.append((*row, made.value, made.low, made.high, made.p, made.method))
    return pandas.DataFrame(rows, columns=list(COLUMNS))


def _arms(found: Exposures, place: int, window: int) -> dict[str, Clusters]:
    """Return the trees of each variant: the size of each and the sum of the measure."""
    query = statement(
        """
        /* one row a tree */
        select
            roots.variant as variant,
            count(*) as size,
            cast(sum(_measured) as double) as total
        from _units as roots
        join _units as members
            on roots.visitor_id = members.root
        where roots.is_unit and members.exposed_at + _window <= _cutoff
        group by roots.visitor_id, roots.variant
        order by roots.variant, size, total
        """,
        measured=column(f"y_{place}", of="members"),
        units=found.units,
        window=number(window),
        cutoff=number(found.cutoff_us),
    )
    columns = found.connection.execute(sql(query)).fetchnumpy()
    variant = np.asarray(columns["variant"], dtype=object)
    for name in found.variants:
        if not (variant == name).any():
            raise DataError(
                f"No window of outcome '{found.design.measures[place].label}' is over in arm '{name}', so its trees"
                " cannot be compared. Wait until one is."
            )
    return {
        name: Clusters(columns["size"][variant == name], columns["total"][variant == name]) for name in found.variants
    }
