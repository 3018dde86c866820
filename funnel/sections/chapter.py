"""Chapters: the questions of a report with their answers in full, and what is left of them once they are published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.sections.section import Answer

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

    from funnel.pages import Table
    from funnel.sections.typed import Typed

Say = Callable[[Any], str]
Draw = Callable[[Any], "Figure"]


@dataclass(frozen=True, eq=False)
class Chapter:
    """One question of a report: what is asked, the answer with its full numbers, and how to tell it.

    `name` is a slug, unique in the report: the chapter's place in the page, its file and its key among the results.
    `say` is the sentence, or makes it from the answer that is published; without one it is read from the numbers.
    `instead` is said where that would tell of few people.
    `draw` is the chart where it is not the answer's own. `tells_hidden`: the sentence is what the report does not show.
    """

    name: str
    heading: str
    result: Answer | None = None
    say: Say | str | None = None
    instead: Say | None = None
    draw: Draw | None = None
    notes: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    parts: tuple[Chapter, ...] = ()
    tells_hidden: bool = False

    def every(self) -> Iterator[Chapter]:
        """Give the chapter and its parts, in order."""
        yield self
        for part in self.parts:
            yield from part.every()


@dataclass(frozen=True, eq=False)
class PublishedChapter:
    """A chapter without the numbers of few people: its answer, table, chart and words are fit to leave the house.

    `hidden` is true where a cell of `result.frame` was hidden; both are None in a chapter without numbers. `secret` are
    the hidden numbers as they would be written, which no sentence about the chapter may hold; `columns` the numbers
    that are published, as files have them.
    """

    name: str
    heading: str
    sentence: str = ""
    result: Answer | None = None
    hidden: pandas.DataFrame | None = None
    secret: frozenset[str] = frozenset()
    columns: tuple[Typed, ...] = ()
    table: Table | None = None
    chart: Figure | None = None
    notes: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    parts: tuple[PublishedChapter, ...] = ()

    def every(self) -> Iterator[PublishedChapter]:
        """Give the chapter and its parts, in order."""
        yield self
        for part in self.parts:
            yield from part.every()
