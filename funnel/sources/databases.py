"""DuckDB: a database file, an open connection, a relation."""

from pathlib import Path

import duckdb

from funnel.conditions import literal, quoted
from funnel.errors import DefinitionError, SourceError, did_you_mean, listed
from funnel.events import new_name, said
from funnel.sources.paths import READABLE
from funnel.sources.reading import Raw

USUAL_TABLE = "events"


def open_database(path: Path, connection: duckdb.DuckDBPyConnection, table: str | None) -> Raw:
    """Return a table of the database file, which is attached to the connection read-only."""
    with path.open("rb") as opened:
        header = opened.read(16)
    if not header:
        raise SourceError(f"{path.name} is empty. Give a database with a table of events.")
    if header.startswith(b"SQLite format 3"):
        raise SourceError(f"{path.name} is a SQLite database. Export its events to Parquet or CSV and give that.")
    if header[8:12] != b"DUCK":
        raise SourceError(f"{path.name} is no DuckDB database. Give {READABLE}.")
    database = new_name("database")
    try:
        connection.execute(f"attach {literal(str(path))} as {database} (read_only)")
    except duckdb.Error as error:
        raise SourceError(_not_attached(path, error)) from None
    schema, name = _chosen(table, tables_of(connection, database), path.name)
    return Raw(connection, f"{database}.{quoted(schema)}.{quoted(name)}", path.name, schema=(database, schema))


def open_connection(connection: duckdb.DuckDBPyConnection, table: str | None) -> Raw:
    """Return a table of an open database, on a cursor of our own: settings and views made there are not theirs.

    Temporary tables and registered frames exist for their own connection alone: such a one is read once, into a copy.
    """
    try:
        database = str(connection.sql("select current_database()").fetchall()[0][0])
        temporary = tables_of(connection, "temp")
        cursor = connection.cursor()
        cursor.execute("set TimeZone = 'UTC'")
    except duckdb.Error as error:
        raise SourceError(f"The connection cannot be used: {said(error)}. Open it again.") from None
    kept = tables_of(cursor, database)
    schema, name = _chosen(table, [*kept, *temporary], "the open database")
    if (schema, name) in kept:
        relation = f"{quoted(database)}.{quoted(schema)}.{quoted(name)}"
        return Raw(cursor, relation, f"table {name}", schema=(database, schema))
    return open_relation(connection.sql(f"select * from temp.{quoted(name)}"), cursor, label=f"table {name}")


def open_relation(
    relation: duckdb.DuckDBPyRelation, connection: duckdb.DuckDBPyConnection, *, label: str = "the relation"
) -> Raw:
    """Return the rows of the relation, read once into a copy: only the connection that made it can run it."""
    stream, copy = new_name("stream"), new_name("copy")
    try:
        connection.register(stream, relation.to_arrow_reader())
        connection.execute(f"create temp table {copy} as select * from {stream}")
        connection.unregister(stream)
    except duckdb.Error as error:
        raise SourceError(f"The relation cannot be read: {said(error)}.") from None
    return Raw(connection, copy, label, ("The rows were copied once: only the connection that made them sees them.",))


def tables_of(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """Return the (schema, name) of the tables and views of a database, in the order of their names."""
    # One row a table or view.
    named = f"""
        select schema_name, table_name as name
        from duckdb_tables()
        where database_name = {literal(database)} and not internal
        union all
        select schema_name, view_name as name
        from duckdb_views()
        where database_name = {literal(database)} and not internal
        order by all
    """
    return [(str(schema), str(name)) for schema, name in connection.sql(named).fetchall()]


def _chosen(table: str | None, tables: list[tuple[str, str]], source: str) -> tuple[str, str]:
    """Return the table that is asked for: by name or schema.name, or the only one, or the one named events."""
    shown = [name if schema == "main" else f"{schema}.{name}" for schema, name in tables]
    if not tables:
        raise SourceError(f"There is no table in {source}. Give a database with a table of events.")
    if table is None:
        if len(tables) == 1:
            return tables[0]
        usual = [each for each in tables if each[1].casefold() == USUAL_TABLE]
        if len(usual) == 1:
            return usual[0]
        raise SourceError(
            f"There are {len(tables)} tables in {source}: {listed(shown)}. Say which with table='{shown[0]}'."
        )
    fitting = [each for each in tables if table in (each[1], f"{each[0]}.{each[1]}")]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        several = listed(f"{schema}.{name}" for schema, name in fitting)
        raise SourceError(f"There are several tables named '{table}' in {source}: {several}. Give one with its schema.")
    raise SourceError(f"No table named '{table}' in {source}. {did_you_mean(table, shown)}Tables: {listed(shown)}.")


def _not_attached(path: Path, error: duckdb.Error) -> str:
    text = str(error)
    if "lock" in text:
        return f"{path.name} is being written by another program. Close it there, or give a copy of the file."
    if "already attached" in text:
        return f"{path.name} is open in this program. Give that connection itself: funnel.connect(connection)."
    return f"{path.name} cannot be opened: {said(error)}."


def refuse_table(table: str | None, what: str) -> None:
    """Refuse `table=` for a source that is one table itself."""
    if table is not None:
        raise DefinitionError(f"table='{table}' names a table in a database, and {what} is one table. Leave it out.")
