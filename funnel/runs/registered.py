"""The chapter of a report that says what was registered, and what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.pages import Fact
from funnel.registration import registered_chapter
from funnel.report import Chapter

if TYPE_CHECKING:
    from funnel.analysis import Analysis
    from funnel.registration import Registration
    from funnel.report import Report

NAME, BEFORE = "registration", "definition"


def tell(report: Report, analysis: Analysis, registration: Registration | None) -> Report:
    """Add the chapter of a registration before the definitions, and its hash to the footer; nothing without one.

    The page carries the registration as well, for `funnel verify`.
    """
    if registration is None:
        return report
    words = report.words
    told = registered_chapter(analysis, registration, words)
    chapter = Chapter(NAME, told.heading, told.result(words.code), say=told.sentence)
    names = [each.name for each in report.chapters]
    report.chapters.insert(names.index(BEFORE) if BEFORE in names else len(names), chapter)
    report.footer.append(Fact(words.text("Registration"), registration.hash, is_code=True))
    report.declared = {**(report.declared or {}), NAME: registration.as_dict()}
    return report
