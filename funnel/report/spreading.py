"""The sections of how a petition spreads: who brought whom, what relays and media brought, which channels count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnel.attribution import Attribution
from funnel.errors import FunnelError
from funnel.mentions import Mentions
from funnel.pages import Section
from funnel.referrals import Referrals
from funnel.relays import Relays
from funnel.sections import section_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnel.definition import Step
    from funnel.events import Events
    from funnel.language import Language
    from funnel.results import Result

BY = "channel"


def spread_sections(events: Events, first: Step, last: Step, words: Language) -> Iterator[tuple[Section, str]]:
    """Give each section that these events have something for, and what it adds to the answer, in a sentence or none.

    `first` is the step that is a visit, `last` the one that is a signature. A question that cannot be asked says why.
    """
    for heading, told in (
        (words.text("Who brought whom"), _referrals),
        (words.text("What relays brought"), _relays),
        (words.text("What mentions in the media brought"), _mentions),
        (words.text("Which channels are credited"), _attribution),
    ):
        try:
            section = told(heading, events, first, last, words)
        except FunnelError as error:
            section = Section(heading, str(error)), ""
        if section is not None:
            yield section


def _referrals(heading: str, events: Events, _: Step, last: Step, words: Language) -> tuple[Section, str] | None:
    if not events.has_referrals:
        return None
    result = Referrals(of=last).measure(events, language=words.code)
    if not result.spread.lineage.is_referred.any():
        return None
    parts = _parts((result.over_time(), result.cycle(), result.trees()), words)
    return section_of(heading, result, words, result.summary(), parts=parts), result.growth()


def _relays(heading: str, events: Events, first: Step, last: Step, words: Language) -> tuple[Section, str] | None:
    if "relay" not in events.columns and "relays" not in events.tables:
        return None
    result = Relays(of=last, visited=first).measure(events, language=words.code)
    parts = _parts((result.waves(), result.first_day()), words)
    return section_of(heading, result, words, result.summary(), parts=parts), ""


def _mentions(heading: str, events: Events, first: Step, last: Step, words: Language) -> tuple[Section, str] | None:
    if "mentions" not in events.tables:
        return None
    result = Mentions(of=last, visited=first).measure(events, language=words.code)
    lives = result.lives()
    told = lives.frame.loc[lives.frame["first_life"].notna()]
    # The largest alone, minute by minute: a chart of each would be longer than all the rest.
    largest = (result.minutes(told["mention"].iloc[0]),) if len(told) else ()
    parts = _parts((replace(lives, draw=None), *largest), words)  # its chart is that of the whole
    return section_of(heading, result, words, result.summary(), parts=parts), ""


def _attribution(heading: str, events: Events, first: Step, last: Step, words: Language) -> tuple[Section, str] | None:
    if BY not in events.columns:
        return None
    result = Attribution(to=last, touch=first, by=BY).measure(events, language=words.code)
    return section_of(heading, result, words, result.summary(), parts=_parts((result.paths(),), words)), ""


def _parts(results: tuple[Result, ...], words: Language) -> tuple[Section, ...]:
    return tuple(section_of(each.title, each, words, "") for each in results)
