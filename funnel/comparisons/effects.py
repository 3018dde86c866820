"""One variant against the control on one measure: the difference, how sure it is, and by which method."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from funnel.comparisons.looking import ALPHA, Comparison, Interval, Look
from funnel.design import Design, Measure
from funnel.exposures import Cell
from funnel.outcomes import Guardrail
from funnel.stats.differences import boschloo, newcombe, z_test
from funnel.stats.means import MeanDifference, Moments, RatioMoments, delta_ratio, welch
from funnel.stats.proportions import Estimate, wilson
from funnel.stats.scores import miettinen_nurminen, ratio_score, score_test

FEWEST_EXPECTED = 5
# Visitors of both arms up to which the exact test takes a tenth of a second at most.
EXACT_MOST = 300


@dataclass(frozen=True)
class Effect:
    """A variant's difference to the control: its interval at 95 %, p of no difference (for a guardrail, of the margin).

    `fixed_p` is the p-value of a single look; `plain` gives the interval of one at any level; `compared` is what
    sequential rules need. `note` says why an interval is unbounded, and is empty otherwise.
    """

    value: float
    low: float
    high: float
    p: float
    fixed_p: float
    method: str
    note: str
    lift: Estimate
    compared: Comparison
    plain: Interval

    def at(self, look: Look, alpha: float) -> tuple[float, float]:
        """Return the interval that holds at this look with another error than 5 %."""
        return look.interval(self.plain, self.compared, alpha=alpha)


def effect(measure: Measure, treatment: Cell, control: Cell, design: Design, look: Look) -> Effect:
    """Compare the arms as the measure asks; both have visitors."""
    if isinstance(measure.outcome, Guardrail):
        return _guardrail(measure.outcome, treatment, control, look)
    if measure.kind == "share":
        return _share(treatment, control, design, look)
    return _mean(measure, treatment, control, look)


def arm(measure: Measure, cell: Cell) -> Estimate:
    """Return the share, mean or ratio of one arm with its interval at 95 %; NaN without visitors."""
    if not cell.visitors:
        return Estimate(math.nan, math.nan, math.nan)
    if measure.kind == "share":
        return wilson(cell.total, cell.visitors)
    if measure.kind == "ratio":
        return _ratio_of(cell)
    found = moments(cell)
    return _about(found.mean, found.variance, cell.visitors)


def moments(cell: Cell) -> Moments:
    """Return mean and variance per visitor, from whole sums."""
    visitors, total = cell.visitors, cell.total
    spread = visitors * cell.squares - total * total
    variance = spread / (visitors * (visitors - 1)) if visitors > 1 else math.nan
    return Moments(visitors, total / visitors * cell.unit, variance * cell.unit**2)


def ratio_moments(cell: Cell) -> RatioMoments:
    """Return means, variances and covariance of a ratio's numerator and denominator, from whole sums."""
    n = cell.visitors
    pairs = n * (n - 1)

    def spread(product: int, one: int, other: int) -> float:
        return (n * product - one * other) / pairs if pairs else math.nan

    return RatioMoments(
        n,
        cell.total / n,
        cell.denominator / n,
        spread(cell.squares, cell.total, cell.total),
        spread(cell.denominator_squares, cell.denominator, cell.denominator),
        spread(cell.products, cell.total, cell.denominator),
    )


def precision(measure: Measure, cell: Cell) -> float:
    """Return what an arm weighs when arms are compared at once: visitors over their variance, or visitors alone."""
    if measure.kind != "mean":
        return float(cell.visitors)
    variance = moments(cell).variance
    return cell.visitors / variance if variance > 0 else float(cell.visitors)


def _about(value: float, variance: float, n: float) -> Estimate:
    from scipy.special import stdtrit

    if not n > 1:
        return Estimate(value, -math.inf, math.inf)
    half_width = float(stdtrit(n - 1, 1 - ALPHA / 2)) * math.sqrt(variance / n)
    return Estimate(value, value - half_width, value + half_width)


def _ratio_of(cell: Cell) -> Estimate:
    if not cell.denominator:
        return Estimate(math.nan, math.nan, math.nan)
    found = ratio_moments(cell)
    ratio = found.numerator_mean / found.denominator_mean
    variance = found.numerator_variance - 2 * ratio * found.covariance + ratio**2 * found.denominator_variance
    return _about(ratio, max(variance, 0.0) / found.denominator_mean**2, cell.visitors)


def _counts(treatment: Cell, control: Cell) -> tuple[int, int, int, int]:
    return treatment.total, treatment.visitors, control.total, control.visitors


def _unpooled(treatment: Cell, control: Cell) -> Comparison:
    x1, n1, x0, n0 = _counts(treatment, control)
    variance = x1 * (n1 - x1) / n1**3 + x0 * (n0 - x0) / n0**3
    return Comparison(x1 / n1 - x0 / n0, math.sqrt(variance), n1 + n0)


def _share(treatment: Cell, control: Cell, design: Design, look: Look) -> Effect:
    counts, compared = _counts(treatment, control), _unpooled(treatment, control)
    by_score = design.interval == "score"

    def plain(level: float) -> Estimate:
        return (miettinen_nurminen if by_score else newcombe)(*counts, level=level)

    fixed, method = _share_test(*counts, by_score=by_score)
    low, high = look.interval(plain, compared)
    with np.errstate(invalid="ignore"):
        ratio = ratio_score(*counts)
    lift = Estimate(ratio.value - 1, ratio.low - 1, ratio.high - 1)
    return Effect(
        compared.difference,
        max(low, -1.0),
        min(high, 1.0),
        look.p(fixed, compared),
        fixed,
        f"{'Miettinen-Nurminen' if by_score else 'Newcombe'}; {method}",
        "",
        lift,
        compared,
        plain,
    )


def _share_test(x1: int, n1: int, x0: int, n0: int, *, by_score: bool) -> tuple[float, str]:
    """Return the p-value of no difference and its method: the pooled z, or what serves where counts are small."""
    pooled = (x1 + x0) / (n1 + n0)
    expected = min(n1, n0) * min(pooled, 1 - pooled)
    if by_score:
        return score_test(x1, n1, x0, n0).p, "score test"
    if expected >= FEWEST_EXPECTED:
        return z_test(x1, n1, x0, n0).p, "pooled z"
    if n1 + n0 <= EXACT_MOST:
        return boschloo(x1, n1, x0, n0).p, "Boschloo"
    return score_test(x1, n1, x0, n0).p, "score test"


def _guardrail(asked: Guardrail, treatment: Cell, control: Cell, look: Look) -> Effect:
    counts, compared = _counts(treatment, control), _unpooled(treatment, control)

    def plain(level: float) -> Estimate:
        return miettinen_nurminen(*counts, level=level)

    margin = asked.limit
    fixed = score_test(*counts, difference=margin, alternative="less" if margin > 0 else "greater").p
    is_within = compared.difference < margin if margin > 0 else compared.difference > margin
    beyond = Comparison(compared.difference - margin, compared.standard_error, compared.visitors)
    # One side of a two-sided test: half its p where the difference is on the good side of the margin.
    p = look.p(2 * fixed, beyond) / 2 if is_within else fixed
    low, high = look.interval(plain, compared)
    return Effect(
        compared.difference,
        max(low, -1.0),
        min(high, 1.0),
        p,
        fixed,
        "Miettinen-Nurminen; score test of the margin",
        "",
        Estimate(math.nan, math.nan, math.nan),
        compared,
        plain,
    )


def _mean(measure: Measure, treatment: Cell, control: Cell, look: Look) -> Effect:
    def difference(level: float) -> MeanDifference:
        if measure.kind == "ratio":
            return delta_ratio(ratio_moments(treatment), ratio_moments(control), level=level)
        return welch(moments(treatment), moments(control), level=level)

    found = difference(1 - ALPHA)
    is_known = math.isfinite(found.standard_error)
    compared = Comparison(
        float(found.value) if math.isfinite(found.value) else 0.0,
        found.standard_error if is_known else 0.0,
        treatment.visitors + control.visitors,
    )
    low, high = look.interval(difference, compared) if is_known else (-math.inf, math.inf)
    base = arm(measure, control).value
    lift = arm(measure, treatment).value / base - 1 if base else math.nan
    return Effect(
        float(found.value),
        low,
        high,
        look.p(found.p, compared) if is_known else 1.0,
        found.p,
        found.method,
        found.note,
        Estimate(lift, math.nan, math.nan),
        compared,
        difference,
    )


def safety(asked: Guardrail, low: float, high: float) -> str:
    """Return "safe", "harmful" or "not shown safe": which side of the margin an interval of the difference lies on."""
    worst, best = (high, low) if asked.worse == "higher" else (-low, -high)
    if worst < asked.margin:
        return "safe"
    return "harmful" if best > asked.margin else "not shown safe"
