"""The section of who brought whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.errors import FunnelError
from funnel.pages import Section
from funnel.referrals import Referrals
from funnel.sections import section_of

if TYPE_CHECKING:
    from funnel.definition import Step
    from funnel.events import Events
    from funnel.language import Language


def referral_section(events: Events, step: Step, words: Language) -> tuple[Section, str] | None:
    """Return the section of who brought whom to a step, and whether it would grow by itself in a sentence.

    Nothing where the events do not say who brought whom, or nobody was brought.
    """
    if not {"referred_by", "link_id"} & set(events.columns):
        return None
    heading = words.text("Who brought whom")
    try:
        result = Referrals(of=step).measure(events, language=words.code)
    except FunnelError as error:
        return Section(heading, str(error)), ""
    if not result.spread.lineage.is_referred.any():
        return None
    parts = tuple(section_of(part.title, part, words, "") for part in (result.over_time(), result.cycle()))
    return section_of(heading, result, words, result.summary(), parts=parts), result.growth()
