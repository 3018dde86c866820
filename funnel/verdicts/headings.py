"""What each further answer of an experiment is called, and what to keep in mind when reading it."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from funnel.comparisons.ahead import PACE_DAYS, Ahead
from funnel.comparisons.over_time import SINCE_START
from funnel.language import Language, message
from funnel.stats.heterogeneity import trend
from funnel.stats.proportions import normal_quantile
from funnel.stats.significance import DOUBTFUL, Test

if TYPE_CHECKING:
    import pandas

    from funnel.results import Saying


TITLES = {
    "split": message("Whether visitors fell into the variants as planned"),
    "curves": message("How many, by how long after the variant was shown"),
    "horizon": message("The variants compared with everyone in, pending visitors too"),
    "looks": message("How the experiment went, day by day"),
    "posterior": message("How likely each variant is the best"),
    "segments": message("Whether the difference varies between groups of visitors"),
    "novelty": message("When the difference comes about, and whether it lasts"),
    "dilution": message("All who were assigned, and those who were exposed"),
    "clusters": message("Everyone in the trees, with errors per tree"),
    "plan": message("How many visitors it takes to find a difference"),
}
REMARKS = {
    "curves": message(
        "All who were exposed are in the curves, pending ones as far as they were followed; that supposes they will do"
        " as those before them did."
    ),
    "looks": message(
        "At the end of each day, over those whose window was over by then; the boundary is how far a difference must be"
        " from 0 for its rule to call it one."
    ),
    "posterior": message(
        "With uniform priors, by quadrature. This is no cure for looking again and again: stopping once a probability"
        " is high finds differences where there are none."
    ),
    "clusters": message(
        "Friends resemble one another, so the tree is what varies by chance, and large trees weigh more. How large a"
        " tree grows depends on the variant itself: the verdict rests on the visitors at the roots alone."
    ),
}


def title(name: str) -> Saying:
    """Return what an answer is called, by the method that gives it."""
    return lambda words: words.text(TITLES[name])


def usual(name: str) -> tuple[Saying, ...]:
    """Return what to keep in mind with every such answer, whatever its numbers."""
    return (lambda words: words.text(REMARKS[name]),) if name in REMARKS else ()


def interactions(frame: pandas.DataFrame) -> list[Saying]:
    """Return in which columns the difference of which variant varies more than chance, if in any."""
    families = frame.drop_duplicates(["column", "variant"])
    varying = families[families["interaction_p_adjusted"] < DOUBTFUL]
    said: list[Saying] = [partial(_varying, row=row) for row in varying.itertuples()]
    if varying.empty:
        said.append(partial(_alike, smallest=float(families["interaction_p_adjusted"].min())))
    said.append(
        lambda words: words.text(
            "Each group’s own difference is drawn toward that of all groups, as far as they differ no more than chance;"
            " a group is never called different because it is significant and another is not. Interactions are"
            " corrected by Benjamini-Hochberg."
        )
    )
    return said


def _varying(words: Language, row: Any) -> str:
    return words.text(
        "By {column}, the difference of “{variant}” varies more than chance allows ({p}).",
        column=words.name(str(row.column)),
        variant=words.name(str(row.variant)),
        p=words.chance(row.interaction_p_adjusted),
    )


def _alike(words: Language, smallest: float) -> str:
    if math.isnan(smallest):
        return words.text("No column has two groups to compare.")
    return words.text(
        "In no column does the difference of a variant vary more than chance allows (smallest {p}).",
        p=words.chance(smallest),
    )


def trends(frame: pandas.DataFrame) -> list[Saying]:
    """Return for each variant whether its difference changed from the first days to the last."""
    said: list[Saying] = []
    days = frame[frame["clock"] == SINCE_START]
    for variant, rows in days.groupby("variant", sort=False):
        # The standard error behind a Newcombe interval, as wide as the interval is on average.
        errors = (rows["difference_high"] - rows["difference_low"]) / 2 / normal_quantile(0.95)
        said.append(partial(_trend, variant=str(variant), test=trend(rows["difference"], errors, rows["day"])[1]))
    return said


def _trend(words: Language, variant: str, test: Test) -> str:
    if not test.p < DOUBTFUL:
        return words.text(
            "“{variant}”: no trend over the days of the experiment can be seen ({p}).",
            variant=words.name(variant),
            p=words.chance(test.p),
        )
    change = words.text("shrinks") if test.statistic < 0 else words.text("grows")
    return words.text(
        "“{variant}”: the difference {change} over the days of the experiment ({p}).",
        variant=words.name(variant),
        change=change,
        p=words.chance(test.p),
    )


def exposure_by_variant(words: Language, test: Test) -> str:
    """Say whether the variants expose the same share of those assigned."""
    if test.p < DOUBTFUL:
        return words.text(
            "The variants expose different shares of those assigned ({p}): being exposed depends on the variant, so"
            " read the difference over all who were assigned.",
            p=words.chance(test.p),
        )
    return words.text(
        "The variants expose the same share of those assigned as far as can be told ({p}): the difference over the"
        " exposed holds for them, and over all assigned it is that much smaller.",
        p=words.chance(test.p),
    )


def plan_basis(words: Language, plan: Ahead, power: float) -> str:
    """Say what the plan rests on: the control's share, the pace, the power, the formula and the correction."""
    return words.text(
        "From {baseline} in the control and {pace} visitors a day (all variants, last {days} days), with a power of"
        " {power}. Formula: {formula}; correction: {correction}.",
        baseline=words.percent(plan.baseline),
        pace=words.number(plan.pace, 0),
        days=words.number(PACE_DAYS),
        power=words.percent(power, 0),
        formula=plan.formula,
        correction=plan.correction,
    )
