"""JSON: one record a line, or one array of records; types from the whole of all files, times as the text they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from funnel.conditions import literal, quoted
from funnel.errors import SourceError, listed
from funnel.events import said
from funnel.sources.columns import match_columns
from funnel.sources.paths import duckdb_path

# What DuckDB makes of text that looks like a time or a UUID; as text nothing is lost, a time's offset least of all.
LOOKS = ("DATE", "TIME", "TIMESTAMP", "UUID")


def records_relation(
    files: Sequence[Path],
    connection: duckdb.DuckDBPyConnection,
    columns: Mapping[str, str] | None,
    label: str,
    required: Sequence[str],
) -> str:
    """Return the files as one relation; a field that a record lacks is null there."""
    paths = ", ".join(literal(duckdb_path(file)) for file in files)
    read = f"read_json([{paths}], sample_size = -1, maximum_sample_files = {len(files)}, union_by_name = true)"
    try:
        rows = connection.execute(f"describe select * from {read}").fetchall()
        kinds = {str(row[0]): str(row[1]) for row in rows}
        _refuse_other_shapes(read, kinds, connection, label)
        matched = match_columns(list(kinds), columns, source=label, required=required)
        needed = {matched[ours] for ours in required}
        types = {name: _type(name, kind, read, connection, name in needed) for name, kind in kinds.items()}
    except duckdb.Error as error:
        raise SourceError(
            f"{label} cannot be read as JSON: {said(error)}. Give one record a line, or one array of records."
        ) from None
    typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    return f"read_json([{paths}], columns = {{{typed}}})"


def _refuse_other_shapes(
    read: str, kinds: Mapping[str, str], connection: duckdb.DuckDBPyConnection, label: str
) -> None:
    if list(kinds) == ["json"]:
        raise SourceError(f"{label} holds no records. Give one record a line, or one array of records.")
    holds_lists = any(kind.endswith("[]") or kind.startswith(("STRUCT", "MAP")) for kind in kinds.values())
    if holds_lists and len(connection.execute(f"select 1 from {read} limit 2").fetchall()) == 1:
        raise SourceError(
            f"{label} is one object (with {listed(kinds)}), not a record for each event. "
            "Give one record a line, or one array of records."
        )


def _type(name: str, kind: str, read: str, connection: duckdb.DuckDBPyConnection, is_required: bool) -> str:
    """Return the type to read a field as: text for times, UUIDs and mixtures, but for one that is to be refused."""
    if kind.startswith(LOOKS):
        return "VARCHAR"
    if kind == "JSON":
        given = connection.execute(f"select count({quoted(name)}) from {read}").fetchall()[0][0]
        return "JSON" if is_required and given else "VARCHAR"
    return kind
