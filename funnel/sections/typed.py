"""The columns of an answer with their types, and what each value is as JSON, as CSV and in Parquet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas
    import pyarrow

Type = Literal["text", "integer", "number", "boolean", "date", "instant"]
Value = str | int | float | bool | date | datetime | None

# What a spreadsheet takes for a formula. The names of groups come from addresses that anybody may write.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Typed:
    """A column: its name, its type and its values, None where one is hidden or not known."""

    name: str
    type: Type
    values: tuple[Value, ...]


def typed(full: pandas.DataFrame, published: pandas.DataFrame) -> tuple[Typed, ...]:
    """Return the columns of a published frame, of the types they have in the full one: hiding makes floats of counts.

    Of whole numbers that are hidden nowhere the types are the same anyway.
    """
    types = {str(name): _type(full[name]) for name in full.columns}
    return tuple(
        Typed(name, types[name], tuple(_value(each, types[name]) for each in published[name]))
        for name in map(str, published.columns)
    )


def as_json(value: Value) -> object:
    """Return a value as JSON has it: days and instants as ISO 8601, what has no end (infinity) as null."""
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and math.isinf(value) else value


def as_csv(columns: Sequence[Typed]) -> str:
    """Return the columns as CSV: numbers as short as they can be read back exactly, nothing where a value is None.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(zip(*([_cell(value) for value in column.values] for column in columns), strict=True))
    return written.getvalue()


def as_parquet(columns: Sequence[Typed]) -> bytes:
    """Return the columns as a Parquet file; the same columns give the same bytes with the same pyarrow."""
    import pyarrow
    from pyarrow import parquet

    arrays = [pyarrow.array(column.values, type=_arrow(column)) for column in columns]
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(arrays, names=[column.name for column in columns]), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _type(values: pandas.Series[Any]) -> Type:
    kinds: dict[str, Type] = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "M": "instant"}
    if values.dtype.kind in kinds:
        return kinds[values.dtype.kind]
    found = {type(each) for each in values if each is not None and each == each}  # noqa: PLR0124 - NaN
    if found and all(issubclass(each, date) for each in found):
        return "instant" if any(issubclass(each, datetime) for each in found) else "date"
    return "boolean" if found == {bool} else "text"


def _value(value: Any, type_: Type) -> Value:
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT are unequal to themselves
        return None
    if type_ == "instant":
        return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    if type_ == "date":
        return value
    return {"boolean": bool, "integer": int, "number": float, "text": str}[type_](value)


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    text = repr(value) if isinstance(value, float) else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _arrow(column: Typed) -> pyarrow.DataType:
    import pyarrow

    if column.type == "instant":
        zones = {str(value.tzinfo) for value in column.values if isinstance(value, datetime)}
        return pyarrow.timestamp("us", tz=zones.pop() if len(zones) == 1 else "UTC")
    types = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "date": pyarrow.date32(),
    }
    return types[column.type]
