"""What differs between two runs: data, definitions, versions, seeds, and the answers number by number."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

from funnel.errors import SourceError
from funnel.registration import Change, changes
from funnel.runs.folder import manifest_of
from funnel.runs.results import SCHEMA

RESULTS = "results.json"
# Numbers that say which row it is, and texts that do not.
_ORDINALS = frozenset(
    {
        *("age_days", "elapsed_seconds", "elapsed_from_seconds", "elapsed_to_seconds", "generation", "rank", "asks"),
        *("touches_left", "minute"),
    }
)
_REMARKS = frozenset({"note", "together_with", "meaning", "severity", "safety", "method", "correction"})
_FEW, _SLIGHT = 10, 0.05
# Two machines may reckon the last digits of a number otherwise; more than that is a change.
CLOSE = 1e-9


# What a row is called: the name and the value of each column that says which row it is.
Row = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Moved:
    """One value of a row that both runs have, and that is not the same: its section, its row's names, its column.

    `size` is the change of a number as a part of the larger of the two, or of 0.05 if both are smaller (10 for counts):
    a p-value ten times as small is no large change. It is 0 where one of them is hidden or not known, and for what is
    no number. `is_rate` is true of a share from 0 to 1.
    """

    section: str
    row: Row
    column: str
    before: Any
    after: Any
    size: float
    is_rate: bool


@dataclass(frozen=True)
class Rows:
    """Rows that only one of two runs has, of a section that both have."""

    section: str
    row: Row


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs; empty everywhere when nothing does. `numbers` come with the largest first.

    `titles` are the headings of all sections by name, and `texts` the sections whose sentence, notes or heading reads
    otherwise. `compared` is how many values of answers both runs have.
    """

    data: tuple[Change, ...]
    definitions: tuple[Change, ...]
    versions: tuple[Change, ...]
    seeds: tuple[Change, ...]
    numbers: tuple[Moved, ...]
    rows_gone: tuple[Rows, ...]
    rows_new: tuple[Rows, ...]
    sections_gone: tuple[str, ...]
    sections_new: tuple[str, ...]
    texts: tuple[str, ...]
    titles: Mapping[str, str]
    compared: int

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not any(
            (
                *(self.data, self.definitions, self.versions, self.seeds, self.numbers, self.texts),
                *(self.rows_gone, self.rows_new, self.sections_gone, self.sections_new),
            )
        )

    def to_json(self) -> str:
        """Return the same for programs."""
        told = asdict(self)
        del told["titles"]
        for moved in (*told["numbers"], *told["rows_gone"], *told["rows_new"]):
            moved["row"] = dict(moved["row"])
        return json.dumps({"same": self.is_same, **told}, ensure_ascii=False, indent=2)


def compare(one: Path, other: Path) -> Comparison:
    """Return what differs between the runs that wrote two folders; refuse a folder that no run wrote."""
    manifests = manifest_of(one), manifest_of(other)
    results = _results(one), _results(other)
    before, after = ({each["name"]: each for each in found["sections"]} for found in results)
    both = [name for name in before if name in after]
    pairs = [_paired(before[name], after[name]) for name in both]
    numbers = [moved for pair in pairs for moved in pair.moved]
    return Comparison(
        data=tuple(changes(manifests[0]["data"], manifests[1]["data"])),
        definitions=tuple(changes(*(each["analysis"]["declared"] for each in results))),
        versions=tuple(changes(manifests[0]["made_with"], manifests[1]["made_with"])),
        seeds=tuple(changes(manifests[0]["seeds"], manifests[1]["seeds"])),
        numbers=tuple(sorted(numbers, key=lambda moved: -moved.size)),
        rows_gone=tuple(row for pair in pairs for row in pair.gone),
        rows_new=tuple(row for pair in pairs for row in pair.new),
        sections_gone=tuple(name for name in before if name not in after),
        sections_new=tuple(name for name in after if name not in before),
        texts=tuple(name for name in both if any(before[name][part] != after[name][part] for part in _TEXTS)),
        titles={name: each["title"] for name, each in {**after, **before}.items()},
        compared=sum(pair.compared for pair in pairs),
    )


def same(before: Any, after: Any) -> bool:
    """Tell whether two values are the same: numbers to nine digits, for machines differ in the last ones."""
    if _is_number(before) and _is_number(after):
        return math.isclose(before, after, rel_tol=CLOSE, abs_tol=1e-12)
    return bool(before == after)


_TEXTS = ("title", "sentence", "notes", "paragraphs")


@dataclass(frozen=True)
class _Pair:
    moved: list[Moved]
    gone: list[Rows]
    new: list[Rows]
    compared: int


def _results(out: Path) -> dict[str, Any]:
    try:
        found = json.loads((out.expanduser() / RESULTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SourceError(f"{RESULTS} in '{out}' is missing, or was changed since. Run again.") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise SourceError(f"{RESULTS} in '{out}' is not of version {SCHEMA} of its schema. Run again.")
    return found


def _paired(before: Mapping[str, Any], after: Mapping[str, Any]) -> _Pair:
    """Compare the rows of a section that both runs have."""
    name, ones, others = before["name"], _keyed(before), _keyed(after)
    both = [key for key in ones if key in others]
    columns = dict.fromkeys(each["name"] for each in (*before["columns"], *after["columns"]))
    moved = [
        _moved(name, key[0], column, ones[key], others[key])
        for key in both
        for column in columns
        if not same(ones[key].get(column), others[key].get(column))
    ]
    return _Pair(
        moved,
        [Rows(name, key[0]) for key in ones if key not in others],
        [Rows(name, key[0]) for key in others if key not in ones],
        sum(len(ones[key]) for key in both),
    )


def _keyed(section: Mapping[str, Any]) -> dict[tuple[Row, int], Mapping[str, Any]]:
    """Return the rows by what they are called; those of one name by their order."""
    keys = [each["name"] for each in section["columns"] if _is_key(each)]
    found: dict[tuple[Row, int], Mapping[str, Any]] = {}
    times: Counter[Row] = Counter()
    for row in section["rows"]:
        called = tuple((name, row[name]) for name in keys)
        found[called, times[called]] = row
        times[called] += 1
    return found


def _is_key(column: Mapping[str, str]) -> bool:
    if column["type"] in ("text", "date", "instant"):
        return column["name"] not in _REMARKS
    return column["name"] in _ORDINALS


def _moved(section: str, called: Row, column: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Moved:
    before, after = old.get(column), new.get(column)
    size = 0.0
    if _is_number(before) and _is_number(after):
        least = _FEW if isinstance(before, int) and isinstance(after, int) else _SLIGHT
        size = abs(after - before) / max(abs(before), abs(after), least)
    return Moved(section, called, column, before, after, size, _is_rate(column, old))


def _is_rate(column: str, row: Mapping[str, Any]) -> bool:
    """Tell whether a column is of shares: a column of differences is where the row says so."""
    base = column.removesuffix("_low").removesuffix("_high")
    if row.get("kind") in ("mean", "ratio"):
        return False
    is_difference = base in ("difference", "simultaneous") and row.get("kind") in ("share", None)
    return base.endswith(("rate", "share")) or is_difference


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
