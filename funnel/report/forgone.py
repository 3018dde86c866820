"""The section of what was forgone: the cost of the control, the least it may be, what comes from now on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnel.errors import FunnelError
from funnel.forgone import Forgone
from funnel.pages import Section
from funnel.referrals import Referrals
from funnel.sections import section_of

if TYPE_CHECKING:
    from funnel.definition import Step
    from funnel.events import Events
    from funnel.experiments import Experiment
    from funnel.language import Language


def forgone_section(experiment: Experiment, events: Events, of: Step, words: Language) -> tuple[Section, str] | None:
    """Return the section of what showing the control cost, and that in sentences; `of` is what signing is.

    Nothing where the events do not say who brought whom, or what is known does not answer it.
    """
    if not events.has_referrals:
        return None
    try:
        result = Forgone(experiment, Referrals(of=of)).measure(events, language=words.code)
    except FunnelError:
        return None  # the experiment's own section says what is missing
    # What is supposed stands once, and the least it may be for the page the sentences speak of.
    ahead, bounds = replace(result.forwards(), remarks=()), result.bounds()
    best = replace(bounds, frame=bounds.frame[bounds.frame["variant"] == result.best]) if result.best else bounds
    parts = (section_of(ahead.title, ahead, words, ahead.summary()), section_of(best.title, best, words, ""))
    answer = result.summary()
    return section_of(result.title, result, words, answer, parts=parts), answer if result.best else ""
