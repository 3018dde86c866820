"""What a report publishes: its chapters without the counts of few people, nor anything that would reveal one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from funnel import pages, privacy
from funnel.language import UNKNOWN
from funnel.sections.chapter import Chapter, PublishedChapter
from funnel.sections.discreet import discreet, hidden_words
from funnel.sections.section import in_words, reading_of, step_bars, table_for
from funnel.sections.typed import as_csv, typed

if TYPE_CHECKING:
    from funnel.language import Language
    from funnel.privacy import Published
    from funnel.sections.section import Answer


@dataclass(frozen=True, eq=False)
class Publication:
    """What may be published of a report, and what is said of the rest in a sentence or two."""

    chapters: tuple[PublishedChapter, ...]
    hidden: str

    def every(self) -> Iterator[PublishedChapter]:
        """Give all chapters and their parts, in order."""
        for chapter in self.chapters:
            yield from chapter.every()

    def sections(self, words: Language) -> list[pages.Section]:
        """Return the chapters as sections of a page; a note that several of them have stands under the first."""
        told: set[str] = set()
        return [_section(chapter, told, words) for chapter in self.chapters]


def publish(chapters: Sequence[Chapter], *, least: int, words: Language) -> Publication:
    """Hide the counts under `least` in all chapters together, for what one hides another could tell."""
    answered = [each for chapter in chapters for each in chapter.every() if each.result is not None]
    frames = [each.result.frame for each in answered if each.result is not None]
    found = privacy.safe_together(frames, k=least)
    by_chapter = {id(chapter): published for chapter, published in zip(answered, found, strict=True)}
    told = privacy.told(found, words)
    return Publication(tuple(_published(chapter, by_chapter, told, words) for chapter in chapters), told)


def _published(chapter: Chapter, found: dict[int, Published], told: str, words: Language) -> PublishedChapter:
    parts = tuple(_published(part, found, told, words) for part in chapter.parts)
    made = PublishedChapter(
        chapter.name,
        chapter.heading,
        notes=chapter.notes,
        paragraphs=chapter.paragraphs,
        parts=parts,
        sentence=told if chapter.tells_hidden else chapter.say if isinstance(chapter.say, str) else "",
    )
    if chapter.result is None:
        return made
    published = found[id(chapter)]
    result: Any = replace(chapter.result, frame=published.frame)
    frame = chapter.result.frame
    # Of a curve, most points are left out, and any rate may be one of them.
    secret = frozenset() if "elapsed_seconds" in frame else hidden_words(frame, published.mask, words)
    k = published.k
    sentence = _sentence(chapter, result, words)
    told = discreet(sentence, secret, k=k, words=words)
    if told != sentence and chapter.instead is not None:
        told = discreet(chapter.instead(result), secret, k=k, words=words)
    notes = (*chapter.result.notes, *chapter.notes)
    return replace(
        made,
        sentence=told,
        result=result,
        hidden=published.mask,
        secret=secret,
        columns=typed(frame, published.frame),
        table=_table(chapter.result, result, chapter.heading, words),
        chart=_chart(chapter, result, words),
        notes=tuple(filter(None, (discreet(note, secret, k=k, words=words) for note in notes))),
    )


def _sentence(chapter: Chapter, result: Any, words: Language) -> str:
    """Return what is said of the answer: by itself, of all its numbers, or by us, of those that are published."""
    if chapter.say is None:
        whole: Any = chapter.result
        return reading_of(whole if hasattr(whole, "summary") else result, words)
    return chapter.say if isinstance(chapter.say, str) else chapter.say(result)


def _chart(chapter: Chapter, result: Any, words: Language) -> Any:
    if not len(result.frame) or not (chapter.draw or result.has_chart):
        return None
    named = replace(result, frame=in_words(result.frame, words))
    return chapter.draw(named) if chapter.draw else named.plot()


def _table(full: Answer, safe: Answer, heading: str, words: Language) -> pages.Table:
    """Return the table of the published numbers, with a mark where the full one says something else."""
    table = _marked(table_for(full, words), table_for(safe, words))
    if table.caption == heading and not safe.has_chart:
        # A table that stands in the open is a landmark, and two of one name cannot be told apart.
        return replace(table, caption=words.text("{title}: the numbers", title=heading))
    return table


def _marked(full: pages.Table, safe: pages.Table) -> pages.Table:
    """Return the full table with what the safe one tells, and a mark for each cell that it does not tell.

    Where the safe table has other rows (points of a curve left out), it stands as it is.
    """
    if len(full.rows) != len(safe.rows):
        return safe
    places = {column.heading: place for place, column in enumerate(safe.columns)}
    rows = tuple(
        tuple(
            _told(cell, told[places[column.heading]] if column.heading in places else UNKNOWN)
            for column, cell in zip(full.columns, row, strict=True)
        )
        for row, told in zip(full.rows, safe.rows, strict=True)
    )
    return replace(full, rows=rows)


def _told(full: str, safe: str) -> str:
    """Return what a cell may tell: all of it, a part of it (a rate without its interval), or a mark."""
    return full if full == safe else pages.HIDDEN if safe == UNKNOWN else safe


def _section(chapter: PublishedChapter, told: set[str], words: Language) -> pages.Section:
    notes = tuple(note for note in chapter.notes if note not in told)
    told.update(notes)
    frame = None if chapter.result is None else chapter.result.frame
    return pages.Section(
        heading=chapter.heading,
        sentence=chapter.sentence,
        chart=chapter.chart,
        table=chapter.table,
        notes=notes,
        bars=() if frame is None else step_bars(frame, words),
        paragraphs=chapter.paragraphs,
        parts=tuple(_section(part, told, words) for part in chapter.parts),
        name=chapter.name,
        download=pages.Download(f"{chapter.name}.csv", as_csv(chapter.columns)) if chapter.columns else None,
    )
