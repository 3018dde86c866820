"""Files that DuckDB scans where they are: Parquet, CSV, TSV, JSON; one or several."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from funnel.conditions import literal
from funnel.errors import SourceError, listed
from funnel.sources.columns import REQUIRED
from funnel.sources.delimited import delimited_relation
from funnel.sources.paths import DATABASES, duckdb_path, file_kind, refuse_binary
from funnel.sources.reading import Raw
from funnel.sources.records import records_relation


def open_files(
    paths: Sequence[Path],
    connection: duckdb.DuckDBPyConnection,
    columns: Mapping[str, str] | None,
    *,
    required: Sequence[str] = REQUIRED,
) -> Raw:
    """Return the files, all of one kind, as one relation; columns that some of them lack are null there."""
    label = paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more files"
    kinds = {"database" if path.suffix.lower() in DATABASES else file_kind(path) for path in paths}
    if len(kinds) > 1:
        raise SourceError(f"The files are of several kinds: {listed(sorted(kinds))}. Give those of one kind.")
    kind = kinds.pop()
    if kind == "database":
        raise SourceError(f"There are {len(paths)} databases: {listed(path.name for path in paths)}. Give one of them.")
    full = [path for path in paths if path.stat().st_size]
    if not full:
        raise SourceError(f"{label} is empty. Give a source with at least one event.")
    if kind == "Parquet":
        return Raw(connection, _parquet_relation(full), label)
    for path in full:
        refuse_binary(path)
    if kind == "CSV":
        relation, notes = delimited_relation(full, connection, columns, label, required)
        return Raw(connection, relation, label, notes)
    return Raw(connection, records_relation(full, connection, columns, label, required), label)


def _parquet_relation(paths: Sequence[Path]) -> str:
    for path in paths:
        with path.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                raise SourceError(f"{path.name} is no Parquet file, although its name says so. Check the file.")
    names = ", ".join(literal(duckdb_path(path)) for path in paths)
    return f"read_parquet([{names}], union_by_name = true)"
