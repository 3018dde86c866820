"""The times of a source as instants.

A naive time (without a zone) is read in `timezone`, an IANA zone. The hour that comes twice when clocks go back is read
as the second one (standard time); an hour that is skipped when clocks go forward is read as if they had not: both
as DuckDB's `at time zone` does. 2018-11-04 01:30 in America/Toronto is 06:30 UTC, 2018-03-11 02:30 is 07:30 UTC.
"""

from dataclasses import dataclass

import duckdb

from funnel.conditions import literal, quoted
from funnel.errors import DataError

UNREADABLE = "unreadable occurred_at"
OUT_OF_RANGE = "occurred_at out of range"
LAST_SECOND = 7_258_118_400  # 2200-01-01T00:00:00Z
# The unit of a Unix time -> how many of it make a second. The ranges from 1970 to 2200 follow one another.
UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE")
ISO = r"\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}"
CLOCK = r"[Tt ]\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
ISO_NAIVE = rf"{ISO}({CLOCK})?\s*"
ISO_OFFSET = rf"{ISO}{CLOCK}\s*([zZ]|UTC|GMT|[+-](0\d|1[0-4])(:?[0-5]\d)?)\s*"


@dataclass(frozen=True)
class Instants:
    """A column read as instants: `sql` is the instant, null where there is none.

    `failure` names what is wrong with a time that is given and still no instant.
    """

    sql: str
    failure: str = UNREADABLE
    note: str | None = None


def instants(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    column: str,
    kind: str,
    *,
    timezone: str | None,
    source: str,
    zone: str | None = None,
) -> Instants:
    """Return how to read `column` (of DuckDB type `kind`) of `relation` as instants.

    `zone`, where given, is SQL for the zone of each row; where it is null `timezone` holds, and UTC without one.

    Raises DataError for naive times without `timezone`, numbers that are dates (20180114), and types that are no time.
    """
    name = quoted(column)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return Instants(name)
    if kind.startswith("TIMESTAMP") and kind.endswith("WITH TIME ZONE"):
        return Instants(f"cast({name} as timestamptz)")
    if kind in NAIVE:
        example = _example(connection, relation, name, f"{name} is not null")
        return Instants(
            _local(f"cast({name} as timestamp)", timezone, column, source, example, zone),
            f"{name} is null",
            "unreadable",
        )
    if kind.lstrip("U").startswith(NUMBERS):
        return _numbers(connection, relation, column, name, kind, source)
    if kind == "VARCHAR":
        return _texts(connection, relation, column, timezone, source, zone)
    raise DataError(
        f"Column '{column}' of {source} is no time: its type is {kind}. Give instants, ISO text or Unix times."
    )


def _texts(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    column: str,
    timezone: str | None,
    source: str,
    zone: str | None,
) -> Instants:
    name = quoted(column)
    text = f"trim({name})"
    # Quick looks spare most regular expressions.
    is_number = f"(ltrim({text}, '0123456789.-') = '' and not contains(substr({text}, 2), '-'))"
    ends_in_digit = f"right({text}, 1) between '0' and '9' and not contains({text}, '+')"
    is_naive = f"case when {ends_in_digit} then regexp_full_match({name}, {literal(ISO_NAIVE)}) else false end"
    # One row: how many texts are given, how many are numbers, how many of these have a fraction, how many have no zone.
    shapes = f"""
        select
            count(*) filter ({text} <> '') as given,
            count(*) filter ({text} <> '' and {is_number}) as numbers,
            count(*) filter (contains({text}, '.') and {is_number}) as fractions,
            count(*) filter ({is_naive}) as naive
        from {relation}
    """
    given, numbers, fractions, naive = connection.execute(shapes).fetchall()[0]
    if numbers and numbers == given:
        kind = "DOUBLE" if fractions else "BIGINT"
        return _numbers(connection, relation, column, f"try_cast({name} as {kind})", kind, source)
    plain = "null"
    if naive:
        example = _example(connection, relation, name, f"regexp_full_match({name}, {literal(ISO_NAIVE)})")
        time = f"coalesce(try_cast({name} as timestamp), try_cast(replace({text}, ',', '.') as timestamp))"
        plain = _local(time, timezone, column, source, example, zone)
    tidy = f"replace(replace(replace(replace(upper({text}), ' +', '+'), ' -', '-'), ' Z', 'Z'), ',', '.')"
    read = f"""
        case
            when regexp_full_match({name}, {literal(ISO_OFFSET)})
                then coalesce(try_cast({name} as timestamptz), try_cast({tidy} as timestamptz))
            when regexp_full_match({name}, {literal(ISO_NAIVE)}) then {plain}
        end
    """
    return Instants(read)


def _local(time: str, timezone: str | None, column: str, source: str, example: str, zone: str | None) -> str:
    if zone is not None:
        return f"({time} at time zone coalesce({zone}, {literal(timezone or 'UTC')}))"
    if timezone is None:
        raise DataError(
            f"The times in column '{column}' of {source} have no zone, such as {example}. "
            "Say which zone they are in: timezone='America/Toronto' or timezone='UTC'."
        )
    if timezone == "UTC":
        return f"make_timestamptz(epoch_us({time}))"
    return f"({time} at time zone {literal(timezone)})"


def _numbers(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str, value: str, kind: str, source: str
) -> Instants:
    """Read Unix times in the unit that puts most of them between 1970 and 2200."""
    counts = ", ".join(f"count(*) filter ({_within(value, unit)})" for unit in UNITS)
    looks_a_date = (
        f"{value} between 19700101 and 22001231 and cast({value} as bigint) % 100 between 1 and 31 "
        f"and cast({value} as bigint) // 100 % 100 between 1 and 12"
    )
    # One row: how many numbers each unit puts between 1970 and 2200; how many are given; how many look like dates.
    magnitudes = f"select {counts}, count({value}), count(*) filter ({looks_a_date}) from {relation}"
    *fitting, given, dates = connection.execute(magnitudes).fetchall()[0]
    if given and dates == given:
        example = _example(connection, relation, value, f"{value} is not null")
        raise DataError(
            f"The times in column '{column}' of {source} are dates written as numbers, such as {example}. "
            "Give text such as 2018-01-14, or instants."
        )
    unit = max(UNITS, key=lambda each: fitting[list(UNITS).index(each)])
    a_second = UNITS[unit]
    exact = kind not in ("FLOAT", "DOUBLE") and not kind.startswith("DECIMAL")
    number = f"cast({value} as {'bigint' if exact else 'double'})"
    micros = (
        f"{number} * {10**6 // a_second}"
        if a_second <= 10**6
        else f"{number} {'//' if exact else '/'} {a_second // 10**6}"
    )
    whole = micros if exact else f"cast(round({micros}) as bigint)"
    read = f"case when {_within(value, unit)} then make_timestamptz({whole}) end"
    note = f"The times in column '{column}' were read as {unit} since 1970-01-01 UTC."
    return Instants(read, OUT_OF_RANGE, note)


def _within(value: str, unit: str) -> str:
    """Return the condition that a number of this unit is an instant from 1970 to 2200, and of no smaller unit."""
    largest = LAST_SECOND * UNITS[unit]
    smallest = 0 if unit == "seconds" else largest // 1000
    return f"{value} >= {smallest} and {value} < {largest}"


def _example(connection: duckdb.DuckDBPyConnection, relation: str, value: str, where: str) -> str:
    found = connection.execute(f"select min(cast({value} as varchar)) from {relation} where {where}").fetchall()
    return str(found[0][0])
