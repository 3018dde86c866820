"""The chapter of what was found in the data, good or doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.results import Result
from funnel.sections.chapter import Chapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnel.language import Language
    from funnel.report.measured import Measured


def quality_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give what the checks on the events found."""
    words = measured.words
    checks = measured.events.check()
    found = checks[checks["rows"] > 0].reset_index(drop=True)
    clean = len(checks) - len(found)
    heading = words.text("Quality of the data")
    if found.empty:
        sentence = words.plural(
            "{n} check was made; it found nothing.", "{n} checks were made; they found nothing.", clean
        )
        yield Chapter("quality", heading, say=sentence)
        return
    sentence = words.plural(
        "{n} check found something to know; {others} found nothing.",
        "{n} checks found something to know; {others} found nothing.",
        len(found),
        others=words.number(clean),
    )
    yield Chapter("quality", heading, Result(found, _heading, language=words.code), say=sentence)


def _heading(words: Language) -> str:
    return words.text("What the checks found")
