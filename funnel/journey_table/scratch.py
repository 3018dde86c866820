"""What is made in the engine on the way to an answer, and removed when nobody asks of it any more."""

import weakref
from collections import deque

import duckdb
from sqlglot import exp

from funnel.events import new_name
from funnel.journey_table.storing import create
from funnel.statements import sql

# Connection, kind and name of what nobody uses any more. It is removed when the next question begins, and not when its
# last user goes: that may be in the middle of a query, which a statement on the same connection would end.
# Held weakly: a connection that nobody uses any more goes, and all that was made in it with it.
_LEFT: deque[tuple[weakref.ref[duckdb.DuckDBPyConnection], str, str]] = deque()


class Scratch:
    """The tables and views of one question; on leaving by an error, they are removed at once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.made: list[tuple[str, str]] = []
        self.held: list[object] = []
        for _ in range(len(_LEFT)):
            owner, kind, name = _LEFT.popleft()
            if owner() is connection:
                _drop(connection, kind, name)
            elif owner() is not None:
                _LEFT.append((owner, kind, name))

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.drop()

    def make(self, kind: str, what: str, query: exp.Expr) -> str:
        """Make a table or view of a query, and return its name."""
        name = self.reserve(kind, what)
        self.connection.execute(sql(create(kind, name, query)))
        return name

    def reserve(self, kind: str, what: str) -> str:
        """Return a new name, for what somebody else is about to make."""
        self.made.append((kind, new_name(what)))
        return self.made[-1][1]

    def hold(self, other: object) -> None:
        """Hold what has tables of its own, for as long as the tables here are there."""
        self.held.append(other)

    def keep_for(self, user: object) -> None:
        """Leave everything where it is for as long as the user is there."""
        owner = weakref.ref(self.connection)
        weakref.finalize(user, _leave, [(owner, *each) for each in reversed(self.made)], self.held)

    def drop(self) -> None:
        """Remove everything now."""
        for each in reversed(self.made):
            _drop(self.connection, *each)


def _leave(made: list[tuple[weakref.ref[duckdb.DuckDBPyConnection], str, str]], _: list[object]) -> None:
    """Leave tables to be removed, and let go of what was held for them."""
    _LEFT.extend(made)


def _drop(connection: duckdb.DuckDBPyConnection, kind: str, name: str) -> None:
    connection.execute(sql(exp.Drop(tables=[exp.to_table(name)], kind=kind.upper(), exists=True)))
