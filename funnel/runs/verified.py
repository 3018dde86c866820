"""What a page says otherwise than its data, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from funnel.language import message
from funnel.registration import written
from funnel.runs.reading import OPENING

if TYPE_CHECKING:
    from funnel.language import Language
    from funnel.registration import Change
    from funnel.runs.verifying import Difference, Verification

MOST, LONGEST, BEFORE = 8, 60, 20
# What a piece of a page is, where it has no name of its own.
KINDS = {
    "heading": message("the heading"),
    "caption": message("the heading of the table"),
    "column": message("the heading of a column"),
    "row": message("a row of the table"),
    "sentence": message("the text"),
    "text": message("the text"),
    "note": message("a note"),
    "figure": message("the heading of the chart"),
    "pictures": message("the number of pictures"),
    "section": message("the section"),
    "files": message("the names of its files"),
    "label": message("the name of a number"),
}


def sentences(found: Verification, words: Language) -> Iterator[str]:
    """Yield what to say, a line each: whether every number is the same, and if not, what differs first."""
    if found.is_true:
        yield words.text(
            "Every number is the same: {n} things that the page says, in {sections} sections, are what the data says.",
            n=words.number(found.compared),
            sections=words.number(found.sections),
        )
    if not found.is_same_data:
        yield words.text(
            "The data is not that of the page: its fingerprint is {data}, that of the page’s data {page}.",
            page=found.fingerprints[0],
            data=found.fingerprints[1],
        )
    if found.differences:
        yield words.plural(
            "{n} thing that the page says is not what the data says.",
            "{n} things that the page says are not what the data says. The first of each section:",
            len(found.differences),
        )
        yield from _first_of_each(found.differences, words)
    elif not found.is_same_data:
        yield words.text("Every number of the page is the same nevertheless.")
    if found.analysis:
        yield words.text("The page does not answer what the campaign file asks:")
        yield from (_asked(each, words) for each in found.analysis)
    if found.versions:
        yield words.text("It was made with other versions: {versions}.", versions=_versions(found.versions, words))


def _first_of_each(differences: Sequence[Difference], words: Language) -> Iterator[str]:
    sections: dict[str, list[Difference]] = {}
    for each in differences:
        sections.setdefault(each.section, []).append(each)
    for told in list(sections.values())[:MOST]:
        more = len(told) - 1
        line = _difference(told[0], words)
        yield f"  {line}" if not more else _with_more(line, more, words)
    left = len(sections) - MOST
    if left > 0:
        yield "  " + words.plural("and {n} more section", "and {n} more sections", left)


def _with_more(line: str, more: int, words: Language) -> str:
    return "  " + words.plural("{line} (and {n} more)", "{line} (and {n} more)", more, line=line)


def _difference(each: Difference, words: Language) -> str:
    if each.what == "script":
        return words.text("What draws the charts is not what this version of the package writes.")
    title = words.text("At the top of the page") if each.section == OPENING else each.title
    where = _where(each, words)
    place = words.text("{section}, {where}", section=title, where=where) if title else where
    page, data = _from_where_they_part(each.page, each.data)
    if page is None:
        return words.text("{place}: the page lacks {data}", place=place, data=data)
    if data is None:
        return words.text("{place}: the page has {page}, the data nothing like it", place=place, page=page)
    return words.text("{place}: the page has {page}, the data {data}", place=place, page=page, data=data)


def _from_where_they_part(page: str | None, data: str | None) -> tuple[str | None, str | None]:
    """Return what both say, of long texts from a little before where they part on."""
    if page is None or data is None:
        return _cut(page), _cut(data)
    alike = next((place for place, pair in enumerate(zip(page, data, strict=False)) if len(set(pair)) > 1), len(page))
    start = page.rfind(" ", 0, max(alike - BEFORE, 0)) + 1 if alike > BEFORE else 0
    more = "… " if start else ""
    return f"{more}{_cut(page[start:])}", f"{more}{_cut(data[start:])}"


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= LONGEST:
        return text and text.rstrip(".")
    return f"{text[:LONGEST].rsplit(' ', 1)[0]} …"


def _where(each: Difference, words: Language) -> str:
    if each.what == "cell":
        _, row, column = each.called
        return words.text("“{row}”, {column}", row=row, column=column)
    if each.what in ("fact", "bar"):
        return words.text("“{row}”", row=each.called[0])
    if each.what == "length":
        return words.text("the length of the bar “{row}”", row=each.called[0])
    if each.what == "chart":
        return words.text("the chart at {place}", place=each.called[0])
    if each.what == "file":
        if not each.called:
            return words.text("the file")
        return words.text("line {line} of the file, {column}", line=each.called[1], column=each.called[2])
    return words.text(KINDS[each.what])


def _asked(change: Change, words: Language) -> str:
    before, after = written(change.before, words), written(change.after, words)
    return "  " + words.text("{key}: the page {page}, the file {file}", key=change.key, page=before, file=after)


def _versions(versions: Sequence[Change], words: Language) -> str:
    told = [
        words.text(
            "{name} {before}, and here {after}",
            name=each.key,
            before=written(each.before, words),
            after=written(each.after, words),
        )
        for each in versions
    ]
    return words.listing(told)
