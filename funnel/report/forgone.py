"""The chapters of what was forgone: the cost of the control, the least it may be, what comes from now on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnel.sections.chapter import Chapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnel.report.measured import Measured


def forgone_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give a chapter for each experiment that tells what showing its control cost."""
    for experiment, result in measured.forgone.items():
        name = f"forgone-{experiment}"
        # What is supposed stands once, and the least it may be for the page the sentences speak of.
        ahead, bounds = replace(result.forwards(), remarks=()), result.bounds()
        if result.best:
            rows = bounds.frame[bounds.frame["variant"] == result.best].reset_index(drop=True)
            bounds = replace(bounds, frame=rows)
        parts = (
            Chapter(f"{name}-forwards", ahead.title, ahead),
            Chapter(f"{name}-bounds", bounds.title, bounds, say=""),
        )
        yield Chapter(name, result.title, result, parts=parts)
