"""Journeys: built once, asked many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnel.answers import FunnelResult
from funnel.counts import COLUMNS, FOLLOW_UP_COLUMNS, check_columns, check_entering, is_single, table_stages
from funnel.definition import Definition, column_names
from funnel.errors import ColumnError, did_you_mean, listed
from funnel.events import Events
from funnel.journey_table import JourneyTable, Progress, build, marks_of
from funnel.language import language as language_of
from funnel.statements import column, named, sql, statement

if TYPE_CHECKING:
    import pandas

TAKEN = frozenset({"visitor", "depth", *COLUMNS, *FOLLOW_UP_COLUMNS})
NOT_FOR_GROUPS = frozenset(
    {"visitor_id", "event", "event_id", "occurred_at", "received_at", "session_id", "link_id", "referred_by", "value"}
)


@dataclass(frozen=True, eq=False, repr=False)
class Journeys:
    """A funnel's journeys over some events, stored where SQL counts them in milliseconds.

    `by` lists the columns they can be broken down by: the entering event's values were kept for these.
    """

    table: JourneyTable

    @classmethod
    def of(
        cls,
        definition: Definition,
        events: Events,
        by: str | Sequence[str] | None = None,
        *,
        keep: bool = True,
        progress: Progress | None = None,
    ) -> Journeys:
        """Build the journeys; without `by`, with every column that could be one to break down by.

        `keep`: many questions will follow. Without it, `by` is the one question that will be asked.
        """
        marks_of(definition, events).check(events.names)
        names = _usual(definition, events) if by is None else breakdown(events, by)
        check_columns(events, names, TAKEN)
        if not keep:
            check_entering(definition, events, names)
        return cls(build(definition, events, names, keep=keep, progress=progress))

    @property
    def by(self) -> tuple[str, ...]:
        """The columns the journeys can be broken down by."""
        return self.table.by

    def measure(self, by: str | Sequence[str] | None = None, *, language: str = "en") -> FunnelResult:
        """Return the funnel's answer, broken down by none, one or several of the columns that were kept."""
        language_of(language)
        names = self._kept(by)
        return FunnelResult.of(self.table, names, self._again).speaking(language)

    def frame(self) -> pandas.DataFrame:
        """Return one row a journey that counts: a number for the visitor, the breakdown columns, when each step came.

        `visitor` numbers visitors in the order in which they entered: it says nothing of who they are, and changes with
        the data. Times are instants in UTC, null where the step was not reached; `depth` counts required steps.
        """
        stages = table_stages(self.table)
        times = [column(stage.at, of="journeys") for stage in stages]
        query = statement(
            """
            /* one row a journey that counts */
            select
                dense_rank() over (order by first_entered.entered_at, cast(journeys.visitor_id as varchar)) as visitor,
                _by,
                journeys.depth,
                _times
            from _everyone as journeys
            join (select visitor_id, min(entered_at) as entered_at from _everyone group by visitor_id) as first_entered
                on journeys.visitor_id = first_entered.visitor_id
            where journeys.is_counted
            order by visitor, journeys.entered_at
            """,
            by=self.table.columns_of(self.by, of="journeys"),
            times=[
                named(statement("select make_timestamp(_at)", at=at).expressions[0], f"time_{place}")
                for place, at in enumerate(times)
            ],
            everyone=self.table.everyone,
        )
        frame = self.table.connection.execute(sql(query)).df()
        for place in range(len(stages)):
            frame[f"time_{place}"] = frame[f"time_{place}"].dt.tz_localize("UTC")
        return frame.set_axis(["visitor", *self.by, "depth", *(stage.label for stage in stages)], axis="columns")

    def __repr__(self) -> str:
        counted = self.table.rows(
            statement(
                "select count(*) from _everyone as journeys where journeys.is_counted", everyone=self.table.everyone
            )
        )[0][0]
        steps = " > ".join(stage.label for stage in table_stages(self.table) if stage.kind != "follow-up")
        return f"{counted:,} journeys through {steps}; can be broken down by {listed(self.by)}"

    def _again(self, definition: Definition) -> JourneyTable:
        """Build the journeys of another definition over the same events, for one question."""
        return build(definition, self.table.events, (), keep=False)

    def _kept(self, by: str | Sequence[str] | None) -> tuple[str, ...]:
        names = breakdown(self.table.events, by)
        check_columns(self.table.events, names, TAKEN)
        for name in names:
            if name not in self.by:
                raise ColumnError(
                    f"These journeys were built without '{name}'. {did_you_mean(name, self.by)}Kept: {listed(self.by)}."
                    f" Build them with by=['{name}']."
                )
        return names


def breakdown(events: Events, by: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the columns to break down by, as the events name them, each once."""
    return tuple(dict.fromkeys(events.column(name) for name in column_names(by)))


def _usual(definition: Definition, events: Events) -> tuple[str, ...]:
    left_out = {*NOT_FOR_GROUPS, *TAKEN, *definition.labels}
    return tuple(name for name, kind in events.columns.items() if name not in left_out and is_single(kind))
