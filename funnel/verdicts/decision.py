"""What the numbers of an experiment say to do: one of a few decisions, before any words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from funnel.comparisons.effects import effect
from funnel.comparisons.looking import ALPHA, Look
from funnel.comparisons.table import Whole
from funnel.exposures import Exposures
from funnel.stats.multiplicity import holm

if TYPE_CHECKING:
    import pandas

Code = Literal[
    "split broken", "not enough data", "wait", "adopt", "harmful", "not shown safe", "keep control", "no difference"
]

FEWEST = 30


@dataclass(frozen=True)
class Decision:
    """What to do, and about which variant. `rivals`: safe variants that win too and cannot be told apart from it.

    `passed_over`: variants with a higher rate that are not shown safe.
    """

    code: Code
    variant: str | None = None
    rivals: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()


def decide(found: Exposures, cells: Whole, frame: pandas.DataFrame, split: pandas.DataFrame, look: Look) -> Decision:
    """Return the decision: the split before the amount of data, that before the primary outcome, that before safety."""
    if split["is_mismatch"].any():
        return Decision("split broken")
    label = found.design.measures[0].label
    arms: Any = frame[frame["outcome"] == label].set_index("variant")
    fewest = str(arms["visitors"].idxmin())
    if arms.loc[fewest, "visitors"] < FEWEST or not arms["total"].any():
        return Decision("not enough data", fewest)
    treatments = arms.iloc[1:]
    told_apart = treatments[treatments["p_adjusted"] <= ALPHA]
    winners = told_apart[told_apart["difference"] > 0].sort_values("rate", ascending=False, kind="stable")
    if look.is_early and (found.design.looks == "fixed" or winners.empty):
        return Decision("wait", str(treatments["difference"].abs().idxmax()))
    if winners.empty:
        best = str(treatments["rate"].idxmax())
        return Decision("keep control" if len(told_apart) == len(treatments) else "no difference", best)
    return _among(winners, found, cells, frame, look)


def _among(winners: Any, found: Exposures, cells: Whole, frame: pandas.DataFrame, look: Look) -> Decision:
    """Choose among the variants that bring more: the highest rate of those that are safe."""
    answers = {variant: safety_of(frame, variant) for variant in winners.index}
    safe = [variant for variant, answer in answers.items() if answer == "safe"]
    if not safe:
        unproven = [variant for variant, answer in answers.items() if answer == "not shown safe"]
        if unproven:
            return Decision("not shown safe", unproven[0])
        return Decision("harmful", next(iter(answers)))
    best, *others = safe
    above = winners.loc[winners["rate"] > winners.loc[best, "rate"]].index
    passed_over = tuple(variant for variant in above if variant not in safe)
    return Decision("adopt", best, _rivals(best, others, found, cells, look), passed_over)


def safety_of(frame: pandas.DataFrame, variant: str) -> str:
    """Return the worst answer of the guardrails for a variant; "safe" where there are none."""
    answers = set(frame.loc[(frame["role"] == "guardrail") & (frame["variant"] == variant), "safety"])
    return next((answer for answer in ("harmful", "not shown safe") if answer in answers), "safe")


def _rivals(best: str, others: list[str], found: Exposures, cells: Whole, look: Look) -> tuple[str, ...]:
    measure = found.design.measures[0]
    arms = cells[measure.label]
    tests = [effect(measure, arms[best], arms[other], found.design, look).p for other in others]
    return tuple(other for other, p in zip(others, holm(tests), strict=True) if p > ALPHA)
