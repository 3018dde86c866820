"""Where events come from: one function, and one small module for each kind of source."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from funnel.conditions import literal
from funnel.errors import DefinitionError, SourceError
from funnel.events import Events, checked_timezone
from funnel.sources import beside
from funnel.sources.checking import checked
from funnel.sources.databases import open_connection, open_database, open_relation, refuse_table
from funnel.sources.files import open_files
from funnel.sources.frames import frame_kind, open_frame
from funnel.sources.paths import DATABASES, READABLE, find_files
from funnel.sources.reading import Raw
from funnel.waiting import waiting

__all__ = ["connect"]


def connect(
    source: Any,
    *,
    table: str | None = None,
    columns: Mapping[str, str] | None = None,
    timezone: str | None = None,
    cutoff: str | date | None = None,
    memory_limit: str | None = None,
    relays: Any = None,
    mentions: Any = None,
) -> Events:
    """Return the checked events of a source, which is scanned where it is.

    `source`: a DuckDB file, an open DuckDB connection or relation; Parquet, CSV or TSV (also .gz), JSON lines; several
    such files, a glob or a folder (its `events.*`, or all its files of one kind); a pandas, polars or pyarrow frame.
    `table` names the table of a database that has several. `columns` maps our names to the source's, as in
    `{"visitor_id": "user"}`; columns it does not name keep their own.

    `timezone` is the IANA zone of times written without one, and of the calendar days of results. Without it such times
    are refused and days are UTC. An hour that comes twice in autumn is read as the second, one skipped in spring as
    if clocks had not changed. Whole numbers are Unix times; their unit is known from their size and said in `notes`.

    `cutoff` is the instant the data is complete to: a datetime with a zone, or text that is local to `timezone`. Later
    events are left out, and counted in `after_cutoff`. When not given it is the last event, and results say so.
    `memory_limit` ("1GB") bounds DuckDB's memory; what does not fit goes to the temporary folder.

    `relays` and `mentions` are tables beside the events, a row a relay or a mention: a file, a frame or a relation.
    When not given, those of these names in the folder or database of the events. `tables` of the events names them.

    Rows without visitor, event or time, with a time that cannot be read or is out of 1970 to 2199, and all but one row
    of each `event_id`, are set aside and counted in `refused`; `check()` lists them.

    Raises SourceError (missing, empty, no table), ColumnError (no such column), DataError (times without zone, mixed
    types, no row that can be used), DefinitionError (an argument that cannot be).
    """
    if timezone is not None:
        checked_timezone(timezone)
    if isinstance(source, duckdb.DuckDBPyConnection):
        if memory_limit is not None:
            raise DefinitionError(
                "memory_limit= is for sources that are opened here. "
                f"Set it on your connection: connection.execute(\"set memory_limit = '{memory_limit}'\")."
            )
        raw = open_connection(source, table)
    elif isinstance(source, duckdb.DuckDBPyRelation):
        refuse_table(table, "the relation")
        raw = open_relation(source, _engine(memory_limit))
    elif (kind := frame_kind(source)) is not None:
        refuse_table(table, kind)
        raw = open_frame(source, _engine(memory_limit))
    elif isinstance(source, str | os.PathLike) or _is_paths(source):
        paths = find_files(source)
        if len(paths) == 1 and paths[0].suffix.lower() in DATABASES:
            raw = open_database(paths[0], _engine(memory_limit), table)
        else:
            refuse_table(table, paths[0].name)
            raw = open_files(paths, _engine(memory_limit), columns)
    else:
        raise SourceError(
            f"No source of events: a value of type {type(source).__name__}. Give {READABLE}; "
            "or a pandas, polars or pyarrow frame, or a DuckDB connection or relation."
        )
    with waiting(raw.connection):
        events = checked(raw, columns=columns, timezone=timezone, cutoff=cutoff)
        return _with_tables(events, source, raw, {"relays": relays, "mentions": mentions}, timezone)


def _with_tables(events: Events, source: Any, raw: Raw, asked: Mapping[str, Any], timezone: str | None) -> Events:
    """Return the events with the tables beside them: those that are asked for, else those that lie there."""
    tables, notes = {}, list(events.notes)
    for name, table in asked.items():
        read = (
            beside.found(name, source, raw, timezone)
            if table is None
            else beside.given(name, table, raw.connection, timezone)
        )
        if isinstance(read, beside.Beside):
            tables[name] = read.table
            notes += read.notes
        else:
            notes += read
    return replace(events, tables=tables, notes=tuple(notes))


def _is_paths(source: Any) -> bool:
    several = isinstance(source, Sequence) and not isinstance(source, bytes | bytearray)
    return several and len(source) > 0 and all(isinstance(each, str | os.PathLike) for each in source)


def _engine(memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB of our own, in memory, that spills to the temporary folder and never fetches anything."""
    engine = duckdb.connect()
    spill = Path(tempfile.gettempdir()) / "funnel-spill"
    engine.execute(
        "set TimeZone = 'UTC'; set preserve_insertion_order = false; set autoinstall_known_extensions = false"
    )
    engine.execute(f"set temp_directory = {literal(str(spill))}")
    # It says how far a statement has come; its own bar would stay behind in notebooks and in what is made of them.
    engine.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
    if memory_limit is not None:
        try:
            engine.execute(f"set memory_limit = {literal(memory_limit)}")
        except duckdb.Error:
            raise DefinitionError(
                f"memory_limit={memory_limit!r} is no amount of memory. Give for example '1GB'."
            ) from None
    return engine
