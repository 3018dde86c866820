"""Whether the difference varies between segments: the interaction first, then each segment drawn toward the whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from funnel.comparisons.effects import moments, ratio_moments
from funnel.comparisons.over_time import difference_of
from funnel.design import Measure
from funnel.exposures import Cell, Exposures
from funnel.statements import column
from funnel.stats.heterogeneity import heterogeneity
from funnel.stats.means import delta_ratio, welch
from funnel.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "column",
    "group",
    "variant",
    "visitors",
    "control_visitors",
    "difference",
    "difference_low",
    "difference_high",
    "shrunk",
    "shrunk_low",
    "shrunk_high",
    "interaction_p",
    "interaction_p_adjusted",
)


def segments_of(found: Exposures) -> pandas.DataFrame:
    """Return one row a segment column, variant and group: the difference of the primary outcome there.

    Over the units whose window is over. Groups without visitors in the variant or in the control are left out.
    `interaction_p` tests whether the groups of a column differ in it more than chance; adjusted by Benjamini-Hochberg
    over all columns and variants.
    """
    import pandas

    measure = found.design.measures[0]
    rows: list[tuple] = []
    families: list[float] = []
    for place, name in enumerate(found.design.segments):
        groups: dict[object, dict[str, Cell]] = {}
        for (variant, group), cells in found.cells(column(f"by_{place}")).items():
            groups.setdefault(group, {})[variant] = cells[measure.label]
        for variant in found.variants[1:]:
            told, p = _segmented(found, measure, variant, groups)
            families.append(p)
            rows += [(name, group, variant, *each, p, len(families) - 1) for group, *each in told]
    frame = pandas.DataFrame(rows, columns=list(COLUMNS))
    tested = [p for p in families if not math.isnan(p)]
    adjusted = iter(benjamini_hochberg(tested).tolist())
    by_family = [math.nan if math.isnan(p) else next(adjusted) for p in families]
    frame["interaction_p_adjusted"] = [by_family[family] for family in frame["interaction_p_adjusted"]]
    return frame


def _segmented(
    found: Exposures, measure: Measure, variant: str, groups: dict[object, dict[str, Cell]]
) -> tuple[list[tuple], float]:
    """Return one row a group, and the p-value of the interaction."""
    control = found.variants[0]
    compared = {
        group: (cells[variant], cells[control])
        for group, cells in groups.items()
        if all(name in cells and cells[name].visitors for name in (variant, control))
    }
    if not compared:
        return [], math.nan
    own = [difference_of(measure, *pair) for pair in compared.values()]
    errors = [_standard_error(measure, *pair) for pair in compared.values()]
    among = heterogeneity([float(each.value) for each in own], errors)
    ends = [np.asarray(each) for each in (among.shrunk.value, among.shrunk.low, among.shrunk.high)]
    told = []
    for place, (group, (treated, plain)) in enumerate(compared.items()):
        drawn = [float(each[place]) for each in ends]
        each = own[place]
        told.append((group, treated.visitors, plain.visitors, each.value, each.low, each.high, *drawn))
    return told, among.test.p


def _standard_error(measure: Measure, treatment: Cell, control: Cell) -> float:
    """Return the standard error of a group's difference; infinite where it cannot be known.

    Of a share, with one success and one failure added to each arm (Agresti and Caffo 2000, Am Stat 54:280), so that a
    group in which nobody converted is not taken for certain.
    """
    if measure.kind == "ratio":
        return delta_ratio(ratio_moments(treatment), ratio_moments(control)).standard_error
    if measure.kind == "mean":
        return welch(moments(treatment), moments(control)).standard_error
    variance = 0.0
    for cell in (treatment, control):
        share = (cell.total + 1) / (cell.visitors + 2)
        variance += share * (1 - share) / (cell.visitors + 2)
    return math.sqrt(variance)
