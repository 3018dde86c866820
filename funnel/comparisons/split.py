"""Whether visitors were split as planned: overall, by day, by segment, and at every look so far."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from funnel.curves import local_day
from funnel.exposures import Exposures
from funnel.statements import column, statement
from funnel.stats.allocation import sample_ratio, sequential_sample_ratio
from funnel.stats.multiplicity import holm

if TYPE_CHECKING:
    import pandas

# The usual alarm: Fabijan et al. 2019.
BROKEN = 0.001

COLUMNS = ("check", "column", "group", "exposed", "statistic", "p", "p_adjusted", "is_mismatch")

Counts = dict[object, list[int]]


def split_of(found: Exposures) -> pandas.DataFrame:
    """Return one row a check of the split, over all units, pending ones too; p is adjusted by Holm within its kind.

    The sequential check is read at the end of each day of exposure; its p is the smallest so far.
    """
    import pandas

    day = local_day(found.events, column("exposed_at"))
    days = _counts(found, day)
    rows: list[tuple] = [("overall", None, None, *_checked(found, _sum(days.values())), math.nan)]
    rows.append(("sequential", None, None, *_sequential(found, days), math.nan))
    families: list[tuple[str, str | None, Counts]] = [("day", None, days)]
    for place, name in enumerate(found.design.segments):
        families.append(("segment", name, _counts(found, column(f"by_{place}"))))
    for check, segment, groups in families:
        tested = [(group, *_checked(found, counts)) for group, counts in groups.items()]
        adjusted = holm([row[-1] for row in tested])
        rows += [(check, segment, *row, float(p)) for row, p in zip(tested, adjusted, strict=True)]
    frame = pandas.DataFrame(rows, columns=list(COLUMNS[:-1]))
    frame["p_adjusted"] = frame["p_adjusted"].fillna(frame["p"])
    frame["is_mismatch"] = frame["p_adjusted"] < BROKEN
    return frame


def _counts(found: Exposures, group: exp.Expr) -> Counts:
    """Return the units of each variant by group, groups in order, null last."""
    query = statement(
        """
        /* one row a group and variant */
        select
            _group as grouped,
            variant,
            count(*) as visitors
        from _units as units
        where is_unit
        group by all
        order by grouped nulls last, variant
        """,
        group=group,
        units=found.units,
    )
    counts: Counts = {}
    for grouped, variant, visitors in found.rows(query):
        counts.setdefault(grouped, [0] * len(found.variants))[found.variants.index(variant)] = visitors
    return counts


def _sum(counts: Iterable[list[int]]) -> list[int]:
    return [sum(each) for each in zip(*counts, strict=True)]


def _checked(found: Exposures, counts: list[int]) -> tuple[int, float, float]:
    test = sample_ratio(counts, list(found.shares.values()))
    return sum(counts), test.statistic, test.p


def _sequential(found: Exposures, days: Counts) -> tuple[int, float, float]:
    """Return the strongest evidence against the split at the end of any day so far."""
    so_far, tests = [0] * len(found.variants), []
    for counts in days.values():
        so_far = _sum([so_far, counts])
        tests.append(sequential_sample_ratio(so_far, list(found.shares.values())))
    worst = min(tests, key=lambda test: (test.p, -test.statistic))
    return sum(so_far), worst.statistic, worst.p
