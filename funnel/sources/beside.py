"""The tables beside the events, relays and mentions: given to `connect`, or found in their folder or database.

Each becomes a table of our own columns, every one of them there, null where it is not given. The source may have more
columns, which are left where they are. Names are text without blanks around it, and no two rows have the same one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import available_timezones

import duckdb

from funnel.conditions import literal, quoted
from funnel.errors import ColumnError, DataError, FunnelError, SourceError, did_you_mean, listed
from funnel.events import new_name, said
from funnel.sources.databases import open_database, open_relation, tables_of
from funnel.sources.files import open_files
from funnel.sources.frames import frame_kind, open_frame
from funnel.sources.paths import DATABASES, find_files, is_readable
from funnel.sources.reading import Raw, described, sentence
from funnel.sources.times import ISO_NAIVE, NAIVE, instants

TRUE, FALSE = ("true", "t", "yes", "y", "1", "oui", "vrai"), ("false", "f", "no", "n", "0", "non", "faux")


@dataclass(frozen=True)
class Kind:
    """What a table beside the events holds: `key` names a row; other columns by type; `needed` are instants."""

    key: str
    texts: tuple[str, ...]
    instants: tuple[str, ...]
    needed: tuple[str, ...] = ()
    truths: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ("audience",)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "relays": Kind("relay", ("kind", "link_id", "code"), ("agreed_at",), truths=("first_signatory",)),
        "mentions": Kind(
            "mention",
            ("kind", "outlet", "timezone", "region", "reshared_link", "host"),
            ("aired_from", "aired_to", "reshared_at"),
            needed=("aired_from",),
        ),
    }
)


@dataclass(frozen=True)
class Beside:
    """A table beside the events, by its name in the connection, and what to keep in mind about it."""

    table: str
    notes: tuple[str, ...] = ()


def given(name: str, source: Any, connection: duckdb.DuckDBPyConnection, timezone: str | None) -> Beside:
    """Read the table that `connect` was given as `relays=` or `mentions=`; raise where it cannot be one."""
    if isinstance(source, duckdb.DuckDBPyRelation):
        raw = open_relation(source, connection)
    elif frame_kind(source) is not None:
        raw = open_frame(source, connection)
    elif isinstance(source, str | os.PathLike):
        raw = _file(Path(source), connection, name)
    else:
        raise SourceError(
            f"{name}= takes a file, a frame or a DuckDB relation; got {type(source).__name__}."
            f" Give for example {name}='{name}.csv'."
        )
    return _read(name, raw, timezone)


def found(name: str, source: Any, raw: Raw, timezone: str | None) -> Beside | tuple[str, ...]:
    """Read the table of this name beside the events, where there is one; notes alone where it cannot be read."""
    try:
        near = _near(name, source, raw)
        return () if near is None else _read(name, near, timezone)
    except FunnelError as error:
        return (f"A table of {name} lies beside the events and was passed over. {error}",)


def _near(name: str, source: Any, raw: Raw) -> Raw | None:
    if raw.schema is not None:
        database, schema = raw.schema
        if (schema, name) not in tables_of(raw.connection, database):
            return None
        return Raw(raw.connection, f"{quoted(database)}.{quoted(schema)}.{quoted(name)}", f"table {name}")
    if not isinstance(source, str | os.PathLike) or not Path(source).expanduser().is_dir():
        return None
    files = [each for each in sorted(Path(source).expanduser().glob(f"{name}.*")) if is_readable(each)]
    if len(files) > 1:
        raise SourceError(f"There are {listed(each.name for each in files)}. Keep one of them.")
    return _file(files[0], raw.connection, name) if files else None


def _file(path: Path, connection: duckdb.DuckDBPyConnection, name: str) -> Raw:
    paths = find_files(path)
    if len(paths) == 1 and paths[0].suffix.lower() in DATABASES:
        return open_database(paths[0], connection, name)
    return open_files(paths, connection, None, required=())


def _read(name: str, raw: Raw, timezone: str | None) -> Beside:
    kind, connection = KINDS[name], raw.connection
    try:
        columns = described(connection, raw.relation)
        for needed in (kind.key, *kind.needed):
            if needed not in columns:
                raise ColumnError(
                    f"No column named '{needed}' in {raw.label}. {did_you_mean(needed, columns)}"
                    f"Known: {listed(columns)}."
                )
        zone = _zones(raw, timezone) if "timezone" in kind.texts and "timezone" in columns else None
        read = {kind.key: _text(kind.key), **{each: _text(each) for each in kind.texts if each in columns}}
        read |= {each: _truth(each) for each in kind.truths if each in columns}
        read |= {each: _number(each) for each in kind.numbers if each in columns}
        for each in kind.instants:
            if each in columns:
                read[each] = instants(
                    connection, raw.relation, each, columns[each], timezone=timezone, zone=zone, source=raw.label
                ).sql
        _refuse_unreadable(raw, kind, read)
        table = _made(raw, name, kind, read)
    except duckdb.Error as error:
        raise SourceError(f"{sentence(raw.label)} cannot be read: {said(error)}.") from None
    _refuse_repeated(raw, kind, table)
    notes = [*raw.notes]
    if "aired_to" in kind.instants:
        _refuse_backwards(raw, table)
        notes += _clock_changes(raw, kind, table, columns, timezone) if kind.needed else []
    return Beside(table, tuple(notes))


def _made(raw: Raw, name: str, kind: Kind, read: Mapping[str, str]) -> str:
    types = {kind.key: "varchar", **dict.fromkeys(kind.texts, "varchar"), **dict.fromkeys(kind.instants, "timestamptz")}
    types |= {**dict.fromkeys(kind.truths, "boolean"), **dict.fromkeys(kind.numbers, "double")}
    told = dict(read)
    if "aired_to" in kind.instants:
        told["aired_to"] = f"coalesce({read.get('aired_to', 'null')}, {read['aired_from']})"
    selected = ", ".join(f"cast({told.get(each, 'null')} as {type_}) as {each}" for each, type_ in types.items())
    table = new_name(name)
    # One row a relay, or a mention.
    raw.connection.execute(f"create temp table {table} as select {selected} from {raw.relation} order by {kind.key}")
    return table


def _text(column: str) -> str:
    return f"nullif(trim(cast({quoted(column)} as varchar)), '')"


def _truth(column: str) -> str:
    said_so = f"lower(cast({quoted(column)} as varchar))"
    return f"case when {said_so} in {TRUE} then true when {said_so} in {FALSE} then false end"


def _number(column: str) -> str:
    number = f"try_cast({_text(column)} as double)"
    return f"case when not isnan({number}) then {number} end"


def _zones(raw: Raw, timezone: str | None) -> str | None:
    """Return the zone of each row as SQL, None where rows without one would have none; raise where one is no zone."""
    known = available_timezones()
    rows = raw.connection.execute(
        f"select distinct {_text('timezone')} as zone from {raw.relation} order by all"
    ).fetchall()
    for (zone,) in rows:
        if zone is not None and zone not in known:
            raise DataError(
                f"No time zone named '{zone}', in column 'timezone' of {raw.label}. {did_you_mean(zone, known)}"
                "Give an IANA name, such as 'America/Toronto' or 'UTC'."
            )
    return None if timezone is None and (None,) in rows else _text("timezone")


def _refuse_unreadable(raw: Raw, kind: Kind, read: Mapping[str, str]) -> None:
    """Refuse a row without a name, and a value that is given and cannot be read: the first of them by name."""
    nameless = int(_value(raw, f"select count(*) from {raw.relation} where {_text(kind.key)} is null"))
    if nameless:
        raise DataError(f"{nameless} rows of {raw.label} name no {kind.key}. Give each a name in column '{kind.key}'.")
    for column in (*kind.instants, *kind.truths, *kind.numbers):
        if column not in read:
            continue
        wanted = f"{read[column]} is null" + ("" if column in kind.needed else f" and {_text(column)} is not null")
        wrong = raw.connection.execute(
            f"select {_text(kind.key)}, {_text(column)} from {raw.relation} where {wanted} order by all limit 1"
        ).fetchall()
        for key, value in wrong:
            example = "2018-01-14 18:30" if column in kind.instants else "true" if column in kind.truths else "12000"
            problem = f"has no {column}" if value is None else f"has '{value}' as {column}, which cannot be read"
            raise DataError(f"{kind.key.capitalize()} '{key}' of {raw.label} {problem}. Write it as {example}.")


def _refuse_repeated(raw: Raw, kind: Kind, table: str) -> None:
    for key, rows in raw.connection.execute(
        f"select {kind.key}, count(*) as rows from {table} group by all having rows > 1 order by all limit 1"
    ).fetchall():
        raise DataError(f"{sentence(raw.label)} names {kind.key} '{key}' {rows} times. Give each {kind.key} one row.")


def _refuse_backwards(raw: Raw, table: str) -> None:
    for mention, aired_from, aired_to in raw.connection.execute(
        f"""
        select
            mention,
            strftime(aired_from at time zone coalesce(timezone, 'UTC'), '%Y-%m-%d %H:%M'),
            strftime(aired_to at time zone coalesce(timezone, 'UTC'), '%Y-%m-%d %H:%M')
        from {table}
        where aired_to < aired_from
        order by all
        limit 1
        """
    ).fetchall():
        raise DataError(
            f"Mention '{mention}' of {raw.label} ends before it begins: aired_to {aired_to} is before aired_from"
            f" {aired_from}. Swap them, or leave aired_to out for what has no length."
        )


def _clock_changes(raw: Raw, kind: Kind, table: str, columns: Mapping[str, str], timezone: str | None) -> list[str]:
    """Return what was made of local hours that come twice, or not at all, in the night when clocks change."""
    notes, zone = [], f"coalesce(mentions.timezone, {literal(timezone or 'UTC')})"
    for column in kind.instants:
        if column not in columns or not (columns[column] in NAIVE or columns[column] == "VARCHAR"):
            continue
        is_naive = "true" if columns[column] in NAIVE else f"regexp_full_match({quoted(column)}, {literal(ISO_NAIVE)})"
        # One row a mention whose local time comes twice or not at all.
        changed = f"""
            with given as (
                select
                    {_text(kind.key)} as key,
                    try_cast({quoted(column)} as timestamp) as local
                from {raw.relation}
                where {is_naive}
            ),
            read as (
                select
                    given.key,
                    given.local,
                    (mentions.{column} at time zone {zone}) <> given.local as is_skipped,
                    ((mentions.{column} - interval 1 hour) at time zone {zone}) = given.local as is_twice
                from given
                join {table} as mentions
                    on given.key = mentions.{kind.key}
            )
            select
                key,
                strftime(local, '%Y-%m-%d %H:%M') as time,
                is_skipped
            from read
            where is_skipped or is_twice
            order by all
        """
        for mention, time, is_skipped in raw.connection.execute(changed).fetchall():
            what = (
                "does not exist, as clocks went forward; it was read as if they had not"
                if is_skipped
                else "comes twice, as clocks went back; it was read as the second"
            )
            notes.append(f"The {column} of mention '{mention}', {time}, {what}. Write it with an offset, as -05:00.")
    return notes


def _value(raw: Raw, query: str) -> Any:
    return raw.connection.execute(query).fetchall()[0][0]
