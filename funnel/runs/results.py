"""The answers of a report as one JSON object: `docs/results.schema.json` is its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from funnel.sections.typed import Typed, as_json

if TYPE_CHECKING:
    import pandas

    from funnel.report import Report
    from funnel.sections.chapter import PublishedChapter

SCHEMA = 1


def results_of(report: Report, **said: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return everything the report publishes: numbers as they are, those of few people as null and listed as hidden.

    A section a chapter, in the order of the page; `part_of` names the chapter that another is a part of. `said` is what
    the report rests on: `data`, `analysis`, `registration`.
    """
    return {
        "schema": SCHEMA,
        "title": report.title,
        "language": report.language,
        "least": report.least,
        **said,
        "lead": list(report.lead),
        "key_numbers": [
            {"label": each.label, "value": each.value, "detail": each.detail, "change": each.change}
            for each in report.numbers
        ],
        "hidden": report.published().hidden,
        "sections": [_section(chapter, part_of, columns) for chapter, part_of, columns in answered(report)],
    }


def answered(report: Report) -> Iterator[tuple[PublishedChapter, str | None, tuple[Typed, ...]]]:
    """Give each chapter as it is published, the name of the one it is a part of, and its columns with their types."""
    for chapter, part_of in _nested(report.published().chapters, None):
        yield chapter, part_of, chapter.columns


def written(content: object) -> str:
    """Return JSON to read and to compare: indented, in the order it was made, letters as they are."""
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _nested(chapters: Any, part_of: str | None) -> Iterator[tuple[PublishedChapter, str | None]]:
    for chapter in chapters:
        yield chapter, part_of
        yield from _nested(chapter.parts, chapter.name)


def _section(chapter: PublishedChapter, part_of: str | None, columns: tuple[Typed, ...]) -> dict[str, Any]:
    names = [column.name for column in columns]
    values = zip(*(column.values for column in columns), strict=True)
    return {
        "name": chapter.name,
        "part_of": part_of,
        "title": chapter.heading,
        "sentence": chapter.sentence,
        "notes": list(chapter.notes),
        "paragraphs": list(chapter.paragraphs),
        "columns": [{"name": column.name, "type": column.type} for column in columns],
        "rows": [dict(zip(names, map(as_json, row), strict=True)) for row in values],
        "hidden": _hidden(chapter.hidden),
    }


def _hidden(mask: pandas.DataFrame | None) -> dict[str, Any]:
    """Return how many cells are hidden, and which: their row, counted from 0, and their column."""
    if mask is None:
        return {"count": 0, "cells": []}
    columns = [str(name) for name in mask.columns]
    cells = [{"row": int(row), "column": columns[place]} for row, place in zip(*mask.to_numpy().nonzero(), strict=True)]
    return {"count": len(cells), "cells": cells}
