"""The people on a ladder as a table: when each came, and when each first reached every rung. All of it SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
from sqlglot import exp

from funnel.climbing.rungs import Friend, Repeat, Rung
from funnel.definition import Step
from funnel.events import Events, epoch_us
from funnel.forest import check_referrals, forest
from funnel.journey_table.scratch import Scratch
from funnel.marks import check_names, filled
from funnel.statements import column, named, sql, statement


@dataclass(frozen=True)
class Climbers:
    """Everyone who did the event of a rung. `drop` removes the table now.

    `table`, one row a visitor: visitor_id; entered_us, their first event of any rung; and rung_0, rung_1 ..., the first
    time they reached each rung at or after that, null where they have not. Times are microseconds since 1970.
    """

    events: Events
    rungs: tuple[Rung, ...]
    table: str
    drop: Callable[[], None]

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Where the table is."""
        return self.events.connection

    @property
    def cutoff_us(self) -> int:
        """The instant the data is complete to, in microseconds since 1970."""
        return epoch_us(self.events.cutoff)

    @property
    def labels(self) -> tuple[str, ...]:
        """What results call the rungs, the lowest first."""
        return tuple(rung.label for rung in self.rungs)


def climbers_of(rungs: tuple[Rung, ...], events: Events) -> Climbers:
    """Find who reached which rung, and when first; refuse events and columns that are not there."""
    for rung in rungs:
        check_steps((rung,) if isinstance(rung, Step) else rung.steps, events)
        if isinstance(rung, Friend):
            check_referrals(events, f"Rung '{rung.label}' needs to know who brought whom")
    conditions = fills(rungs, events)
    with Scratch(events.connection) as scratch, Scratch(events.connection) as work:
        last = work.make("table", "entries", _entries(events, conditions))
        for place, rung in enumerate(rungs):
            if not isinstance(rung, Step):
                reached = _friends(rung, events, last, work) if isinstance(rung, Friend) else _again(rung, events, last)
                last = work.make("table", "climbers", _joined(last, reached, place))
        table = scratch.make("table", "climbers", statement("select * from _last", last=last))
        work.drop()
        found = Climbers(events, rungs, table, scratch.drop)
        scratch.keep_for(found)
    return found


def check_steps(steps: Sequence[Step], events: Events) -> None:
    """Refuse steps whose events none has, and conditions that do not fit the columns."""
    check_names(steps, events.vocabulary)
    for step in steps:
        filled(step, events.columns)


def fills(rungs: tuple[Rung, ...], events: Events) -> dict[int, exp.Expr]:
    """Return, by the place of each rung that is an event, the condition that a row of `events` is that event."""
    return {place: filled(rung, events.columns) for place, rung in enumerate(rungs) if isinstance(rung, Step)}


def rung_columns(climbers: Climbers) -> list[exp.Column]:
    """Return the columns of the rungs, the lowest first."""
    return [column(f"rung_{place}", of="climbers") for place, _ in enumerate(climbers.rungs)]


def _entries(events: Events, conditions: dict[int, exp.Expr]) -> exp.Expr:
    first = "select epoch_us(min(events.occurred_at) filter (where _condition))"
    return statement(
        """
        /* one row a visitor who did the event of a rung */
        select
            events.visitor_id,
            epoch_us(min(events.occurred_at)) as entered_us,
            _firsts
        from _events as events
        where _any
        group by events.visitor_id
        """,
        events=events.name,
        any=exp.or_(*conditions.values()),
        firsts=[
            named(statement(first, condition=condition).expressions[0], f"rung_{place}")
            for place, condition in conditions.items()
        ],
    )


def _friends(rung: Friend, events: Events, entries: str, work: Scratch) -> exp.Expr:
    return statement(
        """
        /* one row a visitor who brought a friend */
        select
            entries.visitor_id,
            min(friends.signed_us) as reached_us
        from _entries as entries
        join _signers as friends
            on entries.visitor_id = friends.parent
        where friends.generation > 0 and friends.signed_us >= entries.entered_us
        group by entries.visitor_id
        """,
        entries=entries,
        signers=forest(events, rung.of, shared=rung.shared, scratch=work).signers,
    )


def _again(rung: Repeat, events: Events, entries: str) -> exp.Expr:
    again, since = (filled(step, events.columns) for step in rung.steps)
    return statement(
        """
        /* one row a visitor who came again */
        with since as (
            /* one row a visitor who did what it comes after */
            select
                events.visitor_id,
                epoch_us(min(events.occurred_at)) as since_us
            from _events as events
            where _since
            group by events.visitor_id
        )
        select
            entries.visitor_id,
            epoch_us(min(events.occurred_at)) as reached_us
        from _entries as entries
        join since
            on entries.visitor_id = since.visitor_id
        join _events as events
            on entries.visitor_id = events.visitor_id
        where _again
            and epoch_us(events.occurred_at) >= since.since_us + _after
            and epoch_us(events.occurred_at) >= entries.entered_us
        group by entries.visitor_id
        """,
        entries=entries,
        events=events.name,
        again=again,
        since=since,
        after=rung.after_us,
    )


def _joined(entries: str, reached: exp.Expr, place: int) -> exp.Expr:
    return statement(
        """
        /* one row a visitor */
        select
            entries.*,
            _reached_us
        from _entries as entries
        left join _reached as reached
            on entries.visitor_id = reached.visitor_id
        """,
        entries=entries,
        reached=reached,
        reached_us=[named(column("reached_us", of="reached"), f"rung_{place}")],
    )


def rows(climbers: Climbers, query: exp.Expr) -> list[tuple]:
    """Return what a statement gives, as plain rows."""
    return climbers.connection.execute(sql(query)).fetchall()
