"""How the rows of a source are read: its columns under our names, its times as instants, why a row cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from funnel.conditions import literal, quoted
from funnel.errors import DataError
from funnel.events import new_name
from funnel.sources.columns import REQUIRED, match_columns
from funnel.sources.times import LAST_SECOND, OUT_OF_RANGE, instants

NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "VARIANT", "JSON")


@dataclass(frozen=True)
class Raw:
    """A source that DuckDB can scan: `relation` is what stands after `from`, `label` is its name for people.

    `schema` is the database and schema it is a table of, None for what is no table of a database.
    """

    connection: duckdb.DuckDBPyConnection
    relation: str
    label: str
    notes: tuple[str, ...] = ()
    schema: tuple[str, str] | None = None


@dataclass(frozen=True)
class Reading:
    """How the rows of a source are read.

    `relation` is the source with our columns and, under the name `given`, its time as it is there; `reason` says on
    that relation why a row cannot be used, null when it can; `repeatable` where an event_id is given, None without one.
    """

    relation: str
    columns: tuple[str, ...]
    given: str
    reason: str
    repeatable: str | None
    notes: tuple[str, ...]


def read(raw: Raw, columns: Mapping[str, str] | None, timezone: str | None) -> Reading:
    """Return how to read the source; raise where a column is missing or holds what no event can."""
    kinds = described(raw.connection, raw.relation)
    matched = match_columns(list(kinds), columns, source=raw.label)
    for ours in REQUIRED:
        _refuse_nested(raw, ours, matched[ours], kinds[matched[ours]])
    time = matched["occurred_at"]
    time_read = instants(raw.connection, raw.relation, time, kinds[time], timezone=timezone, source=raw.label)
    given = new_name("given")
    selected = {ours: _selected(theirs, kinds[theirs]) for ours, theirs in matched.items()}
    event_kind = kinds[matched["event"]]
    if event_kind != "VARCHAR" and not event_kind.startswith("ENUM"):
        selected["event"], event_kind = f"cast({selected['event']} as varchar)", "VARCHAR"
    selected["occurred_at"] = time_read.sql
    columns_sql = ", ".join(f"{sql} as {quoted(name)}" for name, sql in selected.items())
    identity = matched.get("event_id")
    return Reading(
        relation=f"(select {columns_sql}, {quoted(time)} as {given} from {raw.relation})",
        columns=tuple(matched),
        given=given,
        reason=_reason(kinds[matched["visitor_id"]], event_kind, given, kinds[time], time_read.failure),
        repeatable=None if identity is None else f"not {_absent('event_id', kinds[identity])}",
        notes=() if time_read.note is None else (time_read.note,),
    )


def described(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return column -> DuckDB type of what stands after `from`; one of nulls alone is a text that is always missing."""
    rows = connection.execute(f"describe select * from {relation}").fetchall()
    return {str(name): "VARCHAR" if kind == '"NULL"' else str(kind) for name, kind, *_ in rows}


def sentence(label: str) -> str:
    """Return the label of a source as a sentence begins with it: a file's name keeps its case."""
    return label[0].upper() + label[1:] if label.startswith(("the ", "table ")) else label


def _reason(visitor_kind: str, event_kind: str, given: str, given_kind: str, failure: str) -> str:
    """Return why a row cannot be used, the first reason that fits, as SQL on our columns; null when it can."""
    return f"""
        case
            when {_absent("visitor_id", visitor_kind)} then 'no visitor_id'
            when {_absent("event", event_kind)} then 'no event'
            when {_absent(given, given_kind)} then 'no occurred_at'
            when occurred_at is null then {literal(failure)}
            when occurred_at < make_timestamptz(0) or occurred_at >= make_timestamptz({LAST_SECOND * 10**6})
                then {literal(OUT_OF_RANGE)}
        end
    """


def _selected(column: str, kind: str) -> str:
    return f"cast({quoted(column)} as varchar)" if kind == "VARCHAR" else quoted(column)


def _absent(column: str, kind: str) -> str:
    """Return the condition that there is no value: null, text that is empty or blank, not-a-number."""
    if kind == "VARCHAR":
        # Blank text sorts before '!': the quick comparison spares the trim for nearly every row.
        return f"({column} is null or ({column} < '!' and trim({column}) = ''))"
    if kind.startswith("ENUM"):
        return f"({column} is null or trim(cast({column} as varchar)) = '')"
    return f"({column} is null or isnan({column}))" if kind in ("FLOAT", "DOUBLE") else f"{column} is null"


def _refuse_nested(raw: Raw, ours: str, theirs: str, kind: str) -> None:
    if not kind.startswith(NESTED) and not kind.endswith("]"):
        return
    column = quoted(theirs)
    # One row: the smallest and the largest value, as text.
    examples = f"select min(cast({column} as varchar)), max(cast({column} as varchar)) from {raw.relation}"
    low, high = raw.connection.execute(examples).fetchall()[0]
    if kind == "JSON":
        raise DataError(
            f"Column '{theirs}' of {raw.label} mixes types, such as {low} and {high}. "
            "Write all its values as text, or all as numbers."
        )
    raise DataError(f"Column '{theirs}' of {raw.label} cannot be {ours}: its values are of type {kind}, such as {low}.")
