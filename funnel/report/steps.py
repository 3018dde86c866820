"""The chapters of the funnel itself: where visitors leave, by group, what follows, day by day, how it is counted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from funnel import charts
from funnel.answers import FunnelResult
from funnel.sections import readings
from funnel.sections.chapter import Chapter
from funnel.stages import required_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnel.report.measured import Measured


def funnel_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give where visitors leave, and how long it takes."""
    result, words = measured.funnel, measured.words
    steps = required_labels(measured.analysis.funnel)
    soon = readings.of_medians(result.frame, steps, words)
    part = Chapter("funnel-times", words.text("How long it takes"), result.times(), say=soon)
    yield Chapter(
        "funnel",
        words.text("Where visitors leave"),
        result,
        say=lambda told: readings.of_steps(told.frame, steps, words),
        parts=(part,),
    )


def change_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give what has changed since the period before."""
    heading = measured.words.text("What has changed since the period before")
    yield Chapter("changes", heading, measured.changes, say="")


def group_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give the funnel by each column."""
    words = measured.words
    for column, result in measured.groups.items():
        yield Chapter(
            f"by-{column}",
            words.text("By {column}", column=words.name(column)),
            result,
            say=result.comparison(words.code),
            draw=FunnelResult.plot_groups,
        )


def follow_up_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give what they do after the last step, and how soon, where the funnel says what may follow."""
    result, words, funnel = measured.funnel, measured.words, measured.analysis.funnel
    if not funnel.follow_up_labels:
        return
    last = required_labels(funnel)[-1]
    joint = replace(
        result.branches(),
        heading=lambda words: words.text("What they did next, each person counted once"),
        draw=partial(charts.branch_diagram, after=words.name(last)),
    )
    yield Chapter(
        "follow-ups",
        words.text("What they do after “{step}”", step=words.name(last)),
        joint,
        say=lambda told: readings.of_follow_ups(told.frame, last, words),
        parts=(Chapter("follow-ups-curves", words.text("How soon they do it"), result.curves()),),
    )


def day_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give how far the visitors of each day came."""
    yield Chapter("days", measured.words.text("Day by day"), measured.funnel.cohorts())


def counting_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give the rate by other ways of counting."""
    heading = measured.words.text("How much the way of counting matters")
    yield Chapter("counting", heading, measured.funnel.sensitivity())


def definition_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give the definition in words."""
    told = measured.funnel.describe(measured.words.code).splitlines()
    heading = measured.words.text("What is counted, in words")
    yield Chapter("definition", heading, paragraphs=tuple(line for line in told if line.strip()))
