"""CSV and its kin: the dialect from the beginning of each file, the types from the whole of all.

Columns that identify (visitor, event, time and the like) are text as written: 007 stays 007. Others are whole numbers,
numbers or true/false when every value of every file is one; so the order of the rows never decides a type.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from funnel.conditions import literal, quoted
from funnel.errors import SourceError
from funnel.events import new_name, said
from funnel.sources.columns import REQUIRED, match_columns
from funnel.sources.paths import duckdb_path, has_mixed_line_ends

DELIMITERS = (",", ";", "\t", "|")
AS_WRITTEN = (*REQUIRED, "event_id", "session_id", "link_id", "referred_by")
PADDED = r"[-+]?0\d.*"
MIXED = "The lines do not all end in the same way; each end was read as one."


@dataclass(frozen=True)
class Dialect:
    """How a file is written, and the names in its first line."""

    delimiter: str
    quote: str
    names: tuple[str, ...]
    is_strict: bool


def delimited_relation(
    files: Sequence[Path],
    connection: duckdb.DuckDBPyConnection,
    columns: Mapping[str, str] | None,
    label: str,
    required: Sequence[str],
) -> tuple[str, tuple[str, ...]]:
    """Return the files as one relation, and what is to be said about them.

    Files may differ in their columns and the order of these; what a file lacks is null there. DuckDB's strict reading
    refuses lines that end in several ways: only a file that has such lines is read leniently, and checked by us.
    """
    try:
        return _whole(files, connection, columns, label, required, is_strict=True), ()
    except duckdb.Error as error:
        if not any(has_mixed_line_ends(file) for file in files if file.suffix.lower() != ".zst"):
            raise SourceError(_unreadable(error, label)) from None
    try:
        return _whole(files, connection, columns, label, required, is_strict=False), (MIXED,)
    except duckdb.Error as error:
        raise SourceError(_unreadable(error, label)) from None


def _whole(
    files: Sequence[Path],
    connection: duckdb.DuckDBPyConnection,
    columns: Mapping[str, str] | None,
    label: str,
    required: Sequence[str],
    *,
    is_strict: bool,
) -> str:
    groups: dict[Dialect, list[Path]] = {}
    likely: dict[str, str] = {}
    for file in files:
        dialect, kinds = _sniffed(file, connection, is_strict)
        groups.setdefault(dialect, []).append(file)
        for name, kind in kinds.items():
            if likely.get(name, "VARCHAR") == "VARCHAR":
                likely[name] = kind
    matched = match_columns(list(likely), columns, source=label, required=required)
    as_written = {matched[ours] for ours in AS_WRITTEN if ours in matched}
    candidates = {name: kind for name, kind in likely.items() if name not in as_written}
    types = _types(_relation(groups, {}), connection, candidates)
    if not is_strict:
        _refuse_long_lines(groups, connection, label)
    return _relation(groups, types)


def _sniffed(file: Path, connection: duckdb.DuckDBPyConnection, is_strict: bool) -> tuple[Dialect, dict[str, str]]:
    """Return the dialect of a file, and the likely type of each column by the beginning of the file."""
    delimiter, quote, found = _sniff(file, connection, is_strict)
    if quote == "'":
        # An apostrophe is part of a text far more often than it stands around one.
        delimiter, quote, found = _sniff(file, connection, is_strict, options=""", quote = '"', escape = '"'""")
    kinds = {str(column["name"]): str(column["type"]) for column in found}
    if len(kinds) == 1:
        delimiter, kinds = _split(next(iter(kinds)), delimiter, next(iter(kinds.values())))
    # A quote that the beginning has none of may come later, but in tab-separated logs it is a plain character.
    sure = quote if quote not in ("(empty)", "\0", "") else ("" if delimiter == "\t" else '"')
    return Dialect(delimiter, sure, tuple(kinds), is_strict), kinds


def _sniff(
    file: Path, connection: duckdb.DuckDBPyConnection, is_strict: bool, *, options: str = ""
) -> tuple[str, str, list[dict[str, str]]]:
    # One row: how DuckDB would read the file, its first line being the names.
    sniffing = f"""
        select Delimiter, Quote, Columns
        from sniff_csv(
            {literal(duckdb_path(file))}, header = true, skip = 0, comment = '', strict_mode = {is_strict}{options}
        )
    """
    delimiter, quote, found = connection.execute(sniffing).fetchall()[0]
    return delimiter, quote, found


def _split(header: str, delimiter: str, kind: str) -> tuple[str, dict[str, str]]:
    """Return the delimiter that the first line shows, where lines of unequal length led the engine to see none."""
    shown = max(DELIMITERS, key=header.count)
    if not header.count(shown):
        return delimiter, {header: kind}
    return shown, dict.fromkeys(next(csv.reader([header], delimiter=shown)), "VARCHAR")


def _relation(groups: Mapping[Dialect, Sequence[Path]], types: Mapping[str, str]) -> str:
    return "(" + " union all by name ".join(_read(dialect, files, types) for dialect, files in groups.items()) + ")"


def _read(dialect: Dialect, files: Sequence[Path], types: Mapping[str, str], *, options: str = "") -> str:
    paths = ", ".join(literal(duckdb_path(file)) for file in files)
    columns = ", ".join(f"{literal(name)}: {literal(types.get(name, 'VARCHAR'))}" for name in dialect.names)
    quote = literal(dialect.quote)
    return (
        f"select * from read_csv([{paths}], auto_detect = false, header = true, delim = {literal(dialect.delimiter)}, "
        f"quote = {quote}, escape = {quote}, columns = {{{columns}}}, strict_mode = {dialect.is_strict}{options})"
    )


def _types(relation: str, connection: duckdb.DuckDBPyConnection, likely: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of which every value is a whole number, a number or true/false, each with that type."""
    wanted = {name: kind for name, kind in likely.items() if kind in ("BIGINT", "DOUBLE", "BOOLEAN")}
    counts = ["count(*)"]
    for name in wanted:
        value = quoted(name)
        # A number that is not written back as it was (007, 1e3) is no whole number but text or a fraction.
        whole = f"coalesce(cast(try_cast({value} as bigint) as varchar) = {value}, false)"
        number = f"try_cast({value} as double) is not null and not regexp_full_match({value}, {literal(PADDED)})"
        counts += [
            f"count({value})",
            f"count(*) filter ({whole})",
            f"count(*) filter (case when {whole} then true else {number} end)",
            f"count(*) filter (lower({value}) in ('true', 'false'))",
        ]
    # One row: how many values each such column has, and how many fit each type.
    row = connection.execute(f"select {', '.join(counts)} from {relation}").fetchall()[0][1:]
    types = {}
    for place, name in enumerate(wanted):
        given, *fitting = row[4 * place : 4 * place + 4]
        fits = [kind for kind, rows in zip(("BIGINT", "DOUBLE", "BOOLEAN"), fitting, strict=True) if rows == given]
        if given and fits:
            types[name] = fits[0]
    return types


def _refuse_long_lines(
    groups: Mapping[Dialect, Sequence[Path]], connection: duckdb.DuckDBPyConnection, label: str
) -> None:
    """Refuse lines with more values than names: a lenient reading would drop what is too much without a word."""
    more = new_name("more")
    for dialect, files in groups.items():
        wider = replace(dialect, names=(*dialect.names, more))
        # One row: how many lines have a value after the last name.
        counting = f"select count({more}) from ({_read(wider, files, {}, options=', null_padding = true')})"
        longer = connection.execute(counting).fetchall()[0][0]
        if longer:
            raise SourceError(
                f"{longer:,} lines of {label} have more than {len(dialect.names)} values, the number of names in its "
                "first line. Mend those lines, or the names."
            )


def _unreadable(error: duckdb.Error, label: str) -> str:
    text = str(error)
    if "unicode" in text:
        return f"{label} is not UTF-8 text. Save it as UTF-8."
    line = re.search(r"Line: (\d+)", text)
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if line and counts:
        return (
            f"Line {int(line[1]):,} of {label} has {counts[2]} values, and its first line has {counts[1]} names. "
            "Mend that line, or the names."
        )
    if line:
        return f"Line {int(line[1]):,} of {label} cannot be read; a quote may never be closed there. Mend that line."
    return f"{label} cannot be read as CSV: {said(error)}. Its first line must be the names of the columns."
