"""Cells: all that the comparison of two arms needs to know, as whole sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
from sqlglot import exp

from funnel.design import Measure
from funnel.exposures.tallies import MILLIONTHS
from funnel.outcomes import Value
from funnel.statements import column, named, number, sql, statement


@dataclass(frozen=True)
class Cell:
    """One measure in one arm, over the `visitors` whose window is over; `pending` have not reached its end.

    Sums are whole numbers of `unit` (a millionth for a value, else 1), so they are exact: of what is counted (`total`),
    its square, a ratio's denominator, its square, and the product of the two.
    """

    visitors: int
    pending: int
    total: int
    squares: int
    denominator: int
    denominator_squares: int
    products: int
    unit: float = 1.0


def cells(
    units: str,
    measures: Sequence[Measure],
    cutoff_us: int,
    by: Sequence[exp.Expr],
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple, dict[str, Cell]]:
    """Return the cells of every measure, by label, for each variant and value of the columns `by`."""
    sums = [each for place, measure in enumerate(measures) for each in _sums(place, measure, cutoff_us)]
    query = statement(
        """
        /* one row a variant and group */
        select
            variant,
            _by,
            _sums
        from _units as units
        where is_unit
        group by all
        order by all
        """,
        by=by,
        sums=sums,
        units=units,
    )
    keys, found = 1 + len(by), {}
    for row in connection.execute(sql(query)).fetchall():
        numbers = iter(row[keys:])
        found[row[:keys]] = {
            measure.label: replace(Cell(*(int(next(numbers) or 0) for _ in range(7))), unit=_unit(measure))
            for measure in measures
        }
    return found


def _unit(measure: Measure) -> float:
    return 1 / MILLIONTHS if isinstance(measure.outcome, Value) else 1.0


def _sums(place: int, measure: Measure, cutoff_us: int) -> list[exp.Expr]:
    is_over = statement(
        "select exposed_at + _window <= _cutoff", window=number(measure.window), cutoff=number(cutoff_us)
    ).expressions[0]
    y = exp.cast(column(f"y_{place}"), "hugeint")
    x = exp.cast(column(f"x_{place}"), "hugeint")
    visitors, total = "select count(*) filter (where _over)", "select sum(_y) filter (where _over)"
    templates = [visitors, "select count(*) filter (where not _over)", total]
    # The square of 0 or 1 is itself, and only a ratio has a denominator other than 1: sums of 128 bits cost time.
    templates.append(total if measure.kind == "share" else "select sum(_y * _y) filter (where _over)")
    if measure.kind == "ratio":
        templates += [f"select sum({each}) filter (where _over)" for each in ("_x", "_x * _x", "_y * _x")]
    else:
        templates += [visitors, visitors, total]
    names = ("visitors", "pending", "total", "squares", "denominator", "denominator_squares", "products")
    return [
        named(statement(template, over=exp.paren(is_over.copy()), y=y, x=x).expressions[0], f"{name}_{place}")
        for name, template in zip(names, templates, strict=True)
    ]
