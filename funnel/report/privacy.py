"""The chapter of what a report tells of people, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.sections.chapter import Chapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnel.report.measured import Measured


def privacy_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give what is hidden, and what the page holds."""
    words = measured.words
    paragraphs = (
        words.text(
            "This page holds counts and shares only: no row, no name and no address of a person is in it, nor in its"
            " charts and files."
        ),
        words.text(
            "Counts of fewer than {k} people are hidden, in tables, charts and files alike, and with them whatever"
            " would let them be worked out: a second count of the same row, a share, a median. A hidden count is one of"
            " 1 to {most}; zeros are shown.",
            k=words.number(measured.analysis.least),
            most=words.number(measured.analysis.least - 1),
        ),
        words.text(
            "The page asks nothing of any other computer, and tells nobody that it was opened. The full numbers stay"
            " with whoever has the events."
        ),
    )
    yield Chapter("privacy", words.text("What this report tells of people"), paragraphs=paragraphs, tells_hidden=True)
