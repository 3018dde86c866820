"""The chapters of how a petition spreads: who brought whom, what relays and media brought, which channels count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnel.errors import FunnelError
from funnel.sections.chapter import Chapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnel.mentions import MentionsResult
    from funnel.report.measured import Measured
    from funnel.results import Result

STEPS = (5, 10, 15, 20, 30, 60)


def referral_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give who brought whom, where somebody came by a signer's link."""
    result, heading = measured.referrals, measured.words.text("Who brought whom")
    if isinstance(result, FunnelError):
        yield Chapter("referrals", heading, say=str(result))
    elif result is not None:
        trees = result.trees(least=measured.analysis.least)
        parts = _parts("referrals", over_time=result.over_time(), cycle=result.cycle(), trees=trees)
        yield Chapter("referrals", heading, result, parts=parts)


def relay_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give what relays brought, where events name relays."""
    result, heading = measured.relays, measured.words.text("What relays brought")
    if isinstance(result, FunnelError):
        yield Chapter("relays", heading, say=str(result))
    elif result is not None:
        parts = _parts("relays", waves=result.waves(), first_day=result.first_day())
        yield Chapter("relays", heading, result, parts=parts)


def mention_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give what mentions brought, and the largest minute by minute: a chart of each would be longer than the rest."""
    result, heading = measured.mentions, measured.words.text("What mentions in the media brought")
    if isinstance(result, FunnelError):
        yield Chapter("mentions", heading, say=str(result))
    elif result is not None:
        lives = result.lives()
        told = lives.frame.loc[lives.frame["first_life"].notna()]
        largest = {"minutes": _minutes(result, told["mention"].iloc[0], measured.analysis.least)} if len(told) else {}
        # The chart of the whole is that of the lives, and stands with their numbers.
        parts = _parts("mentions", lives=lives, **largest)
        yield Chapter("mentions", heading, replace(result, draw=None), parts=parts)


def attribution_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give which channels are credited, and the paths of those who converted."""
    result, heading = measured.attribution, measured.words.text("Which channels are credited")
    if isinstance(result, FunnelError):
        yield Chapter("attribution", heading, say=str(result))
    elif result is not None:
        # Of so many at least one in ten converts: hardly a count is too small to be told.
        paths = result.paths(fewest=10 * measured.analysis.least)
        yield Chapter("attribution", heading, result, parts=_parts("attribution", paths=paths))


def _minutes(result: MentionsResult, mention: str, least: int) -> Result:
    """Return the counts around a mention in bins as short as leaves none of them too small to be told."""
    for step in STEPS:
        minutes = result.minutes(mention, step=step)
        if not minutes.frame["observed"].between(1, least - 1).any():
            break
    return minutes


def _parts(name: str, **answers: Result) -> tuple[Chapter, ...]:
    return tuple(Chapter(f"{name}-{what}", each.title, each, say="") for what, each in answers.items())
