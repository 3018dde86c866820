"""What differs between two runs, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from funnel.language import UNKNOWN, message
from funnel.registration import written
from funnel.sections.tables import heading

if TYPE_CHECKING:
    from funnel.language import Language
    from funnel.registration import Change
    from funnel.runs.comparing import Comparison, Moved, Row, Rows

MOST, SHOWN, MOST_DIGITS = 12, 3, 15
# What tells rows apart for a program, and for a reader is said by the rest.
UNSAID = ("after", "role", "kind")
# What a run says of its data, by the key it has in manifest.json.
DATA = {
    "rows": message("Events"),
    "visitors": message("Visitors"),
    "first_at": message("First event"),
    "last_at": message("Last event"),
    "cutoff": message("Data complete to"),
    "cutoff_is_default": message("Complete to the last event"),
    "timezone": message("Time zone"),
    "fingerprint": message("Fingerprint of the data"),
}


def sentences(found: Comparison, words: Language) -> Iterator[str]:
    """Yield what to say, a line each: one alone where the runs are the same, else headings and what is under them."""
    if found.is_same:
        yield words.text("The two runs are identical.")
        return
    for title, changed, call in (
        (words.text("Data"), found.data, DATA),
        (words.text("Definitions"), found.definitions, {}),
        (words.text("Versions"), found.versions, {}),
        (words.text("Seeds"), found.seeds, {}),
    ):
        if changed:
            yield title
            yield from (f"  {_change(each, call, words)}" for each in changed)
    yield words.text("Numbers")
    yield from (f"  {line}" for line in _numbers(found, words))


def _numbers(found: Comparison, words: Language) -> Iterator[str]:
    if found.sections_gone:
        yield words.plural(
            "Only the first has the section {names}.",
            "Only the first has the sections {names}.",
            len(found.sections_gone),
            names=_titles(found.sections_gone, found, words),
        )
    if found.sections_new:
        yield words.plural(
            "Only the second has the section {names}.",
            "Only the second has the sections {names}.",
            len(found.sections_new),
            names=_titles(found.sections_new, found, words),
        )
    if found.rows_gone:
        yield words.plural(
            "Only the first has {n} row: {rows}.",
            "Only the first has {n} rows: {rows}.",
            len(found.rows_gone),
            rows=_rows(found.rows_gone, found, words),
        )
    if found.rows_new:
        yield words.plural(
            "Only the second has {n} row: {rows}.",
            "Only the second has {n} rows: {rows}.",
            len(found.rows_new),
            rows=_rows(found.rows_new, found, words),
        )
    if found.numbers:
        yield words.plural(
            "{n} value of {compared} is not the same. The largest change first:",
            "{n} values of {compared} are not the same. The largest changes first:",
            len(found.numbers),
            compared=words.number(found.compared),
        )
        shown = list(_largest(found.numbers))
        yield from (f"  {_moved(each, found, words)}" for each in shown)
        more = len(found.numbers) - len(shown)
        if more > 0:
            yield "  " + words.plural("and {n} more", "and {n} more", more)
    else:
        yield words.plural(
            "The one value that both have is the same.",
            "All {n} values that both have are the same.",
            found.compared,
        )
    if found.texts:
        yield words.plural(
            "{n} section reads otherwise: {names}.",
            "{n} sections read otherwise: {names}.",
            len(found.texts),
            names=_titles(found.texts, found, words),
        )


def _largest(numbers: Sequence[Moved]) -> Iterator[Moved]:
    """Yield the first changes, not more than a few of one section."""
    left, each_left = MOST, Counter({moved.section: SHOWN for moved in numbers})
    for moved in numbers:
        if left and each_left[moved.section]:
            left, each_left[moved.section] = left - 1, each_left[moved.section] - 1
            yield moved


def _change(changed: Change, call: dict[str, str], words: Language) -> str:
    name = words.text(call[changed.key]) if changed.key in call else changed.key
    difference = ""
    if _is_count(changed.before) and _is_count(changed.after):
        difference = f" ({words.signed(changed.after - changed.before, 0)})"
    return words.text(
        "{name}: from {before} to {after}{difference}",
        name=name,
        before=_short(written(changed.before, words)),
        after=_short(written(changed.after, words)),
        difference=difference,
    )


def _moved(moved: Moved, found: Comparison, words: Language) -> str:
    return words.text(
        "{section}, {row}, {column}: from {before} to {after}{difference}",
        section=found.titles[moved.section],
        row=called(moved.row, words),
        column=column_name(moved.column, words),
        before=_value(moved.before, moved, words),
        after=_value(moved.after, moved, words),
        difference=_difference(moved, words),
    )


def called(row: Row, words: Language) -> str:
    """Return what a row is called: its names, those that are not known left out."""
    shown = [_called(name, value, words) for name, value in row if value is not None and name not in UNSAID]
    return ", ".join(shown) or words.text("the one row")


def _called(name: str, value: Any, words: Language) -> str:
    if isinstance(value, str):
        return words.name(value)
    return words.duration(value) if name.endswith("_seconds") else words.number(value)


def column_name(name: str, words: Language) -> str:
    """Return what a column is called, a bound by what it is the bound of."""
    for ending, bound in (("_low", message("{column}, low end")), ("_high", message("{column}, high end"))):
        if name.endswith(ending):
            return words.text(bound, column=heading(name.removesuffix(ending), words))
    return heading(name, words)


def _value(value: Any, moved: Moved, words: Language) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int | float):
        return written(value, words)
    if moved.is_rate:
        return words.percent(value, _digits(moved, 2, 100))
    return words.number(value) if isinstance(value, int) else words.number(value, _digits(moved, 3))


def _difference(moved: Moved, words: Language) -> str:
    if not moved.size:
        return ""
    change = moved.after - moved.before
    if moved.is_rate:
        return f" ({words.points(change, _digits(moved, 2, 100))})"
    return f" ({words.signed(change, 0 if isinstance(change, int) else _digits(moved, 3))})"


def _digits(moved: Moved, usual: int, times: int = 1) -> int:
    """Return how many decimals it takes for two numbers not to read the same."""
    if moved.before is None or moved.after is None:
        return usual
    ends = moved.before * times, moved.after * times
    return next(
        (digits for digits in range(usual, MOST_DIGITS) if len({round(each, digits) for each in ends}) > 1), usual
    )


def _short(text: str) -> str:
    """Return the beginning of a hash; any other text as it is."""
    return f"{text[:12]}…" if re.fullmatch("[0-9a-f]{32,}", text) else text


def _titles(names: Sequence[str], found: Comparison, words: Language) -> str:
    return words.listing([words.text("“{title}”", title=found.titles[name]) for name in names])


def _rows(rows: Sequence[Rows], found: Comparison, words: Language) -> str:
    shown = [f"{found.titles[each.section]}, {called(each.row, words)}" for each in rows[:SHOWN]]
    return " · ".join([*shown, *(["…"] if len(rows) > SHOWN else [])])


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
