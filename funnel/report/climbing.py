"""The chapter of how far people climb: what they did at most, what comes next, and what signers of each rung bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.errors import FunnelError
from funnel.sections.chapter import Chapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnel.report.measured import Measured


def ladder_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give the chapter of the ladder, where there are rungs above the last step."""
    result, words = measured.ladder, measured.words
    if result is None:
        return
    heading = words.text("How far people climb")
    if isinstance(result, FunnelError):
        yield Chapter("ladder", heading, say=str(result))
        return
    asked = {"transitions": result.transitions, "times": result.times}
    if measured.events.has_referrals:
        asked["value"] = result.value
    answers = {name: ask() for name, ask in asked.items()}
    parts = tuple(Chapter(f"ladder-{name}", each.title, each) for name, each in answers.items())
    yield Chapter("ladder", heading, result, parts=parts)
