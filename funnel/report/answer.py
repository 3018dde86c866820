"""The answer in three sentences: what happened, what to do next, how sure that is.

Each is one sentence that can be printed as it stands. What takes longer to say is in the section it is about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnel.privacy import USUAL, safe_together
from funnel.report.advice import Advice
from funnel.report.story import Story
from funnel.uncollected.measures import ALL

if TYPE_CHECKING:
    import pandas

    from funnel.answers import FunnelResult
    from funnel.forgone import ForgoneResult
    from funnel.language import Language
    from funnel.mentions import MentionsResult
    from funnel.readout import ExperimentResult
    from funnel.referrals import ReferralsResult
    from funnel.relays import RelaysResult

# Of several experiments, the one to speak of: what can be done at once before what has to wait.
PRESSING = (
    "adopt",
    "not shown safe",
    "harmful",
    "split broken",
    "keep control",
    "wait",
    "no difference",
    "not enough data",
)


@dataclass(frozen=True, eq=False)
class Told:
    """What was measured, as far as it was: `funnel` of all visitors, and what there is of the others."""

    funnel: FunnelResult
    experiments: Sequence[ExperimentResult] = ()
    forgone: Sequence[ForgoneResult] = ()
    referrals: ReferralsResult | None = None
    relays: RelaysResult | None = None
    mentions: MentionsResult | None = None


def answer(
    told: Told, words: Language, *, least: int = USUAL, shown: Mapping[str, pandas.DataFrame] | None = None
) -> tuple[str, str, str]:
    """Return what happened, what to do next, and how sure that is: three sentences.

    What to do comes from the experiment that says most, else from what follows the last step where nobody is asked for
    more, else from the largest loss. Nothing is told of 1 to `least` - 1 people. `shown` are the frames of a report by
    the names of their chapters, as they are published there; what is hidden in these is not told either.
    """
    trial = _most_pressing(told.experiments)
    ahead = None if trial is None else _ahead(trial, told.forgone)
    full = {"funnel": told.funnel.frame}
    if trial is not None:
        full[f"experiment-{trial.design.name}"] = trial.frame
    if trial is not None and ahead is not None:
        full[f"forgone-{trial.design.name}-forwards"] = ahead
    published = _published(full, shown or {}, least)
    story = Story(told, published[0].set_index("step"), words, least)
    if trial is None:
        to_do, how_sure = story.next_step()
        return _sentence(story.happened()), _sentence(to_do), _sentence(how_sure)
    advice = Advice(trial, published[1], published[2] if ahead is not None else None, words, least)
    others = len(told.experiments) - 1
    return _sentence(story.happened()), _sentence(advice.to_do(others)), _sentence(advice.how_sure(others))


def _published(
    full: Mapping[str, pandas.DataFrame], shown: Mapping[str, pandas.DataFrame], least: int
) -> list[pandas.DataFrame]:
    """Return the frames as they are shown, those rows that are asked for; the others without what must not be told."""
    others = [name for name in full if name not in shown]
    safe = dict(zip(others, safe_together([full[name] for name in others], k=least), strict=True))
    return [safe[name].frame if name in safe else shown[name].loc[frame.index] for name, frame in full.items()]


def advised(trial: ExperimentResult, shown: pandas.DataFrame, words: Language, *, least: int = USUAL) -> str:
    """Return what an experiment says to do and how sure that is, of its frame with what must not be told left out."""
    advice = Advice(trial, shown, None, words, least)
    return " ".join([_sentence(advice.to_do(0)), _sentence(advice.how_sure(0))])


def _sentence(clauses: str) -> str:
    """Return clauses as a sentence: a capital first, a full stop last."""
    return f"{clauses[:1].upper()}{clauses[1:]}."


def _most_pressing(experiments: Sequence[ExperimentResult]) -> ExperimentResult | None:
    """Return the experiment to speak of; of two that say the same, the one with more visitors."""
    return min(
        experiments,
        key=lambda each: (PRESSING.index(each.decision.code), -each.told.look.visitors),
        default=None,
    )


def _ahead(trial: ExperimentResult, forgone: Sequence[ForgoneResult]) -> pandas.DataFrame | None:
    """Return the row of the signatures that the variant of the decision would bring per signers of the control.

    None where nothing tells, or where it cannot be told from nothing.
    """
    for each in forgone:
        if each.experiment.design.name != trial.design.name:
            continue
        frame = each.forwards().frame
        rows = frame[
            (frame["variant"] == trial.decision.variant)
            & (frame["outcome"] == f"{each.account.brought} brought")
            & (frame["counted"] == ALL)
            & (frame["forgone_low"] > 0)
            & frame["forgone_high"].map(math.isfinite)
        ]
        return rows if len(rows) else None
    return None
