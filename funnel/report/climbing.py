"""The section of how far people climb: what they did at most, what comes next, and what signers of each rung bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.climbing import Friend, Rung
from funnel.ladder import Ladder
from funnel.pages import Section
from funnel.sections import section_of
from funnel.stages import required_labels

if TYPE_CHECKING:
    from funnel.events import Events
    from funnel.funnels import Funnel
    from funnel.language import Language

SHARED = "share"


def ladder_section(events: Events, funnel: Funnel, words: Language) -> Section | None:
    """Return the section of a ladder whose rungs are the funnel's steps, then what follows them.

    Whoever brings a friend stands above whoever shares, where the events say who brought whom. Nothing without
    follow-ups.
    """
    if not funnel.follow_up_labels:
        return None
    has_friends = events.has_referrals
    steps = [step for step in funnel.every_step if step.label in required_labels(funnel)]
    rungs: list[str | Rung] = [*steps]
    for follow_up in funnel.every_follow_up:
        rungs.append(follow_up)
        if follow_up.label == SHARED and has_friends:
            rungs.append(Friend(of=steps[-1]))
    result = Ladder(rungs).measure(events, language=words.code)
    asked = [result.transitions(), result.times(), *([result.value()] if has_friends else [])]
    parts = tuple(section_of(each.title, each, words) for each in asked)
    return section_of(words.text("How far people climb"), result, words, result.summary(), parts=parts)
