"""Statements: readable templates, into which parts are put as trees and never as text.

A name that begins with an underscore stands for a part: `_events` as a table, `_condition` as an expression,
`_columns` in a list of expressions as any number of them. What comes out is a tree for the engine's dialect.
"""

from collections.abc import Sequence
from functools import cache

import sqlglot
from sqlglot import exp

Part = exp.Expr | Sequence[exp.Expr] | str | int | None


@cache
def _parsed(template: str) -> exp.Expr:
    return sqlglot.parse_one(template, dialect="duckdb")


def statement(template: str, **parts: Part) -> exp.Expr:
    """Return the template with its parts: trees, lists of trees, names of tables (as text), or whole numbers."""
    tree = _parsed(template).copy()
    for node in list(tree.find_all(exp.Table, exp.Column)):
        name = node.name
        if not name.startswith("_") or (isinstance(node, exp.Column) and node.table):
            continue
        part = parts[name[1:]]
        if isinstance(node, exp.Table):
            _replace_table(node, part)
        elif isinstance(part, exp.Expr):
            node.replace(exp.paren(part.copy()) if isinstance(part, exp.Connector) else part.copy())
        elif isinstance(part, int):
            node.replace(number(part))
        elif isinstance(part, str):
            node.replace(column(part))
        else:
            _spread(node, part or ())
    return tree


def _replace_table(node: exp.Table, part: Part) -> None:
    """Put a table's name, or a whole query, where the template's name stood; its alias stays."""
    if isinstance(part, str):
        node.set("this", exp.to_identifier(part, quoted=True))
    elif isinstance(part, exp.Query):
        subquery = part.subquery()
        subquery.set("alias", node.args.get("alias"))
        node.replace(subquery)


def _spread(node: exp.Expr, parts: Sequence[exp.Expr]) -> None:
    """Put any number of parts where one name stood in a list; in an `order by` each gets the order of the name."""
    parent, key = node.parent, node.arg_key
    if isinstance(parent, exp.Ordered):
        nulls_first = parent.args.get("nulls_first")
        _spread(parent, [exp.Ordered(this=part.copy(), nulls_first=nulls_first) for part in parts])
    elif parent is not None and key is not None:
        spread: list[exp.Expr] = []
        for each in parent.args[key]:
            spread.extend([part.copy() for part in parts] if each is node else [each])
        parent.set(key, spread)


def column(name: str, *, of: str | None = None) -> exp.Column:
    """Return a column, its name quoted whatever it holds."""
    return exp.column(exp.to_identifier(name, quoted=True), table=of)


def named(expression: exp.Expr, name: str) -> exp.Expr:
    """Return the expression under a name."""
    return exp.alias_(expression, exp.to_identifier(name, quoted=True), copy=False)


def number(value: int) -> exp.Expr:
    """Return a whole number of 64 bits."""
    return exp.cast(exp.Literal.number(value), "bigint") if abs(value) > 2**31 else exp.Literal.number(value)


def count_where(condition: exp.Expr | str) -> exp.Expr:
    """Return the count of the rows for which a condition holds; as text, it is one of our own."""
    tree = sqlglot.condition(condition, dialect="duckdb") if isinstance(condition, str) else condition
    return statement("select count(*) filter (where _condition)", condition=tree).expressions[0]


def least(columns: Sequence[exp.Expr]) -> exp.Expr:
    """Return the least of the columns that is not null; null where all are."""
    if len(columns) == 1:
        return columns[0].copy()
    return exp.func("least", *(each.copy() for each in columns), dialect="duckdb")


def text(value: str) -> exp.Literal:
    """Return text as a literal, quoted by the generator."""
    return exp.Literal.string(value)


def sql(tree: exp.Expr, *, pretty: bool = False) -> str:
    """Return the statement in DuckDB's dialect."""
    return tree.sql(dialect="duckdb", pretty=pretty)
