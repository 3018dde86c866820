"""What was shown in a notebook as pieces of a page: tables, charts and notes that are fit to publish."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from funnel.events import Events
from funnel.exporting.frames import Publisher, flat, person_rows
from funnel.language import Language
from funnel.pages import Fact
from funnel.privacy import kind_of
from funnel.report.provenance import provenance
from funnel.results import Result
from funnel.sections import checks, group_columns
from funnel.sections.chapter import Chapter, PublishedChapter
from funnel.sections.discreet import hidden_words
from funnel.sections.publishing import publish

if TYPE_CHECKING:
    import pandas

    from funnel.pages import Table

CHECKS = ["check", "rows", "severity", "meaning"]
POINTS = ("curves", "cohorts", "times")
DIFFERENCES = ("difference", "simultaneous")
UNFIT = (ArithmeticError, LookupError, TypeError, ValueError)
NOT_OURS = (
    "a chart that is not a result’s own, whose small counts cannot be hidden. Plot a result, or show the numbers in a"
    " table."
)


class _Page(NamedTuple):
    """The chapters of everything shown whose numbers are known, and which of them each thing is, by its place."""

    chapters: dict[object, Chapter]
    of: dict[int, object]


def told(shown: Sequence[Any], least: int, words: Language) -> dict[str, Any]:
    """Return a piece for each thing that was shown, what is said of hidden numbers, and how these are written.

    All are published together: what one hides, another could tell. A piece is a table with its notes (and a chart,
    where that was shown), facts about events, or the end of a sentence that says why it is refused.
    """
    page = _page(shown, least, words)
    found = publish(list(page.chapters.values()), least=least, words=words)
    published = dict(zip(page.chapters, found.chapters, strict=True))
    masked = [
        (chapter.result.frame, published[key].hidden)
        for key, chapter in page.chapters.items()
        if chapter.result is not None and kind_of(chapter.result.frame) not in POINTS
    ]
    publisher = Publisher.beside(masked, least, words)
    pieces = [
        _piece(thing, published[page.of[place]] if place in page.of else None, publisher, words)
        for place, thing in enumerate(shown)
    ]
    said = [found.hidden if page.chapters else "", publisher.told()]
    secret = [each for full, hidden in masked for each in _secrets(full, hidden, words)]
    return {"pieces": pieces, "hidden": " ".join(filter(None, said)), "secret": secret}


def _page(shown: Sequence[Any], least: int, words: Language) -> _Page:
    """Return the chapters; a result that is shown as table and chart is one."""
    page = _Page({}, {})
    for place, thing in enumerate(shown):
        result, draw = (thing, type(thing).plot) if isinstance(thing, Result) else _plotted(thing)
        if result is not None:
            key: object = (id(result.frame), type(result), result.title, draw.__name__)
            told = Chapter(f"shown-{place}", result.title, result.speaking(words.code), draw=_drawn(draw))
        elif (frame := _known(thing, least, words)) is not None:
            key, told = place, frame
        else:
            continue
        page.of[place] = key
        page.chapters.setdefault(key, told)
    return page


def _plotted(thing: Any) -> tuple[Result | None, Callable[[Any], Any]]:
    """Return the result a chart is of, and how it is drawn; None for anything else."""
    return getattr(thing, "_plotted", (None, Result.plot))


def _drawn(draw: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a way to draw that gives nothing where too little is left of the numbers, or where there is no chart."""

    def drawn(result: Result) -> Any:
        try:
            return draw(result) if result.has_chart else None
        except UNFIT:
            return None

    return drawn


def _known(thing: object, least: int, words: Language) -> Chapter | None:
    """Return a frame of which it is known what its columns count, as a chapter; None for everything else."""
    import pandas

    if not isinstance(thing, pandas.DataFrame) or person_rows(thing):
        return None
    table = flat(thing)
    if not table.columns.is_unique or kind_of(table) in ("other", "checks"):
        return None
    chapter = Chapter("frame", "frame", Result(table, lambda _: "frame"), say="")
    try:
        publish([chapter], least=least, words=words)
    except UNFIT:  # a part of such a frame, without rows that its kind needs
        return None
    return chapter


def _piece(thing: Any, chapter: PublishedChapter | None, publisher: Publisher, words: Language) -> dict[str, Any]:
    import pandas

    if isinstance(thing, Events):
        return {"facts": [[fact.label, fact.value] for fact in _described(thing, words)]}
    if isinstance(thing, pandas.DataFrame | pandas.Series):
        refused = person_rows(thing)
        if refused:
            return {"refused": refused}
        if thing.ndim > 1 and list(thing.columns) == CHECKS:
            return {"table": _plain(checks.check_table(thing, words.text("What the checks found"), words))}
        return {"table": _plain(publisher.table(thing, chapter.hidden if chapter else None))}
    if chapter is None or chapter.table is None:
        return {"refused": NOT_OURS}
    piece: dict[str, Any] = {"table": _plain(chapter.table), "notes": list(chapter.notes)}
    if not isinstance(thing, Result):
        piece["chart"] = None if chapter.chart is None else json.loads(str(chapter.chart.to_json()))
    return piece


def _plain(table: Table) -> dict[str, Any]:
    return {
        "caption": table.caption,
        "columns": [[column.heading, column.is_number] for column in table.columns],
        "rows": [list(row) for row in table.rows],
        "names": table.names,
    }


def _secrets(full: pandas.DataFrame, hidden: pandas.DataFrame | None, words: Language) -> Iterator[list[Any]]:
    """Yield how each hidden number is written, with the names of its group: where none of these is said, nothing is."""
    if hidden is None:
        return
    by = list(group_columns(full)) or [str(name) for name in full.columns if full[name].dtype.kind not in "iufbM"]
    for place in np.flatnonzero(hidden.to_numpy().any(axis=1)):
        row, mask = full.iloc[[place]], hidden.iloc[[place]]
        names = [words.name(str(value)) for value in row[by].iloc[0] if isinstance(value, str)]
        differences = [name for name in full.columns[mask.to_numpy()[0]] if str(name).startswith(DIFFERENCES)]
        written = {words.points(row[name].iloc[0]) for name in differences}
        yield from ([word, names] for word in sorted(written | hidden_words(row, mask, words)))


def _described(events: Events, words: Language) -> Iterator[Fact]:
    """Yield what these events are, what was left out of them, and what is doubtful."""
    kept = (words.text("Source"), words.text("Events"), words.text("Data complete to"))
    yield from (fact for fact in provenance(events, [], words) if fact.label in kept)
    for _, check in events.check().query("rows > 0").iterrows():
        what, _ = checks.told(check["check"], check["meaning"], words)
        rows = words.plural("{n} row", "{n} rows", int(check["rows"]))
        label = checks.severity(check["severity"], words)
        yield Fact(label[:1].upper() + label[1:], words.text("{rows}: {what}", rows=rows, what=what))
