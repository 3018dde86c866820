"""Results under headings, in one HTML file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from funnel import charts, pages
from funnel.language import Language, language
from funnel.privacy import USUAL
from funnel.results import write
from funnel.sections import Answer
from funnel.sections.chapter import Chapter
from funnel.sections.publishing import Publication, publish


@dataclass(repr=False)
class Report:
    """A page being put together: add results, then save it.

    >>> report = Report("Campaign, January 2018", language="fr")
    >>> "<h1>Campaign, January 2018</h1>" in report.html()
    True

    `lead` is the answer shown before everything else, `numbers` the tiles below it, `footer` where it all comes from.
    Counts of fewer than `least` people are not in the page, nor what would reveal them; the page says how many numbers
    are hidden. `declared` goes into the page as data, for `funnel verify`; `brand` is how the page looks.
    """

    title: str
    language: str = "en"
    least: int = USUAL
    lead: list[str] = field(default_factory=list)
    numbers: list[pages.KeyNumber] = field(default_factory=list)
    chapters: list[Chapter] = field(default_factory=list)
    footer: list[pages.Fact] = field(default_factory=list)
    declared: Mapping[str, object] | None = None
    brand_css: str = ""
    logo: pages.Logo | None = None
    _made: tuple[list[object], Publication] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        language(self.language)

    @property
    def words(self) -> Language:
        """The language everything in the report is written in."""
        return language(self.language)

    def add(self, heading: str, result: Answer, sentence: str | None = None) -> Self:
        """Add a result under a heading: a sentence (read from the numbers unless given), chart, table, notes."""
        told: Any = replace(result, language=self.language)
        self.chapters.append(Chapter(f"part-{len(self.chapters) + 1}", heading, told, say=sentence))
        return self

    def published(self) -> Publication:
        """Return the chapters without the counts of few people, as the page and every file of it tell them."""
        asked = [*self.chapters, self.least, self.language]
        if self._made is None or self._made[0] != asked:
            self._made = asked, publish(self.chapters, least=self.least, words=self.words)
        return self._made[1]

    @property
    def sections(self) -> list[pages.Section]:
        """The chapters as sections of a page."""
        return self.published().sections(self.words)

    def html(self, *, static: bool = False) -> str:
        """Return the page: one string that stands alone, the same for the same results.

        `static`: charts as pictures, without the library that draws them; without a browser to draw them with, tables.
        """
        sections = self.sections
        hidden = pages.Fact(self.words.text("Small groups"), self.published().hidden)
        return pages.render(
            self.title,
            sections,
            language=self.words,
            lead=self.lead,
            numbers=self.numbers,
            footer=[*self.footer, hidden] if hidden.value else self.footer,
            look=pages.Look(charts.config(), charts.themes["light"], charts.themes["dark"]),
            declared=self.declared,
            static=static,
            brand_css=self.brand_css,
            logo=self.logo,
        )

    def __repr__(self) -> str:
        headings = "".join(f"\n- {chapter.heading}" for chapter in self.chapters)
        return f"Report “{self.title}” with {len(self.chapters)} sections{headings}"

    def save(self, path: str | os.PathLike[str], *, static: bool = False) -> Path:
        """Write the page to a file, making its folder if need be, and return the path."""
        return write(path, self.html(static=static))
