"""Marks: which events matter to a funnel, and what each may fill. All of it SQL, none of it run here.

A mark is a visitor, an instant, and a mask: one bit for each slot that the event fills. Slots are numbered in order:
the steps, the follow-ups, the exclusions.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from sqlglot import exp

from funnel.conditions import condition_sql
from funnel.definition import Definition, Step
from funnel.errors import DataError, did_you_mean, listed
from funnel.statements import column, count_where, named, number, statement, text
from funnel.walk import Plan, Zone

NOWHERE = 1 << 62
EVENTS = "events"  # what every statement calls the table of events


def check_names(steps: Iterable[Step], names: Mapping[str, int]) -> None:
    """Refuse the steps whose events have a name that none has; `names` counts those there are."""
    for step in steps:
        for name in step.events:
            if name not in names:
                counts = listed((f"{each} ({rows:,})" for each, rows in names.items()), most=15)
                raise DataError(f"No event is named '{name}'. {did_you_mean(name, names)}Known: {counts}.")


def filled(step: Step, columns: Mapping[str, str] | Collection[str]) -> exp.Expr:
    """Return the condition that a row of the table `events` fills the step."""
    named_so = exp.In(this=column("event", of=EVENTS), expressions=[text(name) for name in step.events])
    if step.where is None:
        return named_so
    condition = condition_sql(step.where, columns)
    for each in condition.find_all(exp.Column):
        each.set("table", exp.to_identifier(EVENTS))
    return exp.and_(named_so, exp.paren(condition))


@dataclass(frozen=True)
class Marks:
    """The statements that find a funnel's marks in the table `events`, which has these columns (and types)."""

    definition: Definition
    events: str
    columns: Mapping[str, str] | Collection[str]

    @cached_property
    def slots(self) -> tuple[Step, ...]:
        """The step of every slot."""
        asked = self.definition
        return (*asked.every_step, *asked.every_follow_up, *(each.step for each in asked.exclude))

    @cached_property
    def plan(self) -> Plan:
        """The definition, as the walk reads it."""
        asked = self.definition
        required = asked.required
        steps, follow_ups = len(asked.steps), len(asked.follow_ups)
        return Plan(
            required=required,
            optional=tuple(
                (slot, sum(place < slot for place in required)) for slot in range(steps) if slot not in required
            ),
            follow_ups=tuple(range(steps, steps + follow_ups)),
            zones=tuple(
                Zone(steps + follow_ups + place, *asked.zone(each), each.policy)
                for place, each in enumerate(asked.exclude)
            ),
            window=asked.window_us,
            follow_up_window=asked.follow_up_window_us,
            order=asked.order,
            entry=asked.entry,
            ties=asked.ties,
        )

    def check(self, names: Mapping[str, int]) -> None:
        """Refuse names that no event has (`names` counts those there are), and conditions that do not fit."""
        check_names(self.slots, names)
        self.fills(*range(len(self.slots)))

    def fills(self, *slots: int) -> exp.Expr:
        """Return the condition that an event fills one of the slots."""
        return exp.or_(*(self._conditions[slot] for slot in slots), copy=True)

    @cached_property
    def _conditions(self) -> tuple[exp.Expr, ...]:
        return tuple(filled(step, self.columns) for step in self.slots)

    @cached_property
    def entering(self) -> exp.Expr:
        """The condition that an event opens an attempt."""
        plan = self.plan
        return self.fills(*plan.required) if plan.order == "any" else self.fills(plan.required[0])

    @cached_property
    def walks_everyone(self) -> bool:
        """Tell whether every visitor who enters must be walked.

        Otherwise a visitor without an event of the second step (nor of an optional one before it, nor one that
        excludes) stops at the first step at whichever entry, and needs no walk: most visitors, as a rule.
        """
        return self.plan.order == "any" or self.plan.entry == "each" or self.plan.steps == 1

    @cached_property
    def candidates(self) -> exp.Expr:
        """One row a visitor to walk: the identifier, and a whole number that stands for it."""
        plan = self.plan
        wanted = self.entering
        if not self.walks_everyone:
            early = (slot for slot, after in plan.optional if after == 1)
            wanted = self.fills(plan.required[1], *early, *(zone.slot for zone in plan.zones))
        elif plan.order != "any":
            wanted = self.fills(*plan.required[:2])  # the second step too: those who have it without the first are told
        return statement(
            """
            /* one row a visitor to walk */
            select
                found.visitor_id,
                row_number() over () as visitor
            from (select distinct events.visitor_id from _events as events where _wanted) as found
            """,
            events=self.events,
            wanted=wanted,
        )

    def marks(self, candidates: str) -> exp.Expr:
        """One row a mark of a candidate, in the order the walk needs: visitor, time, lowest step filled, mask.

        A strict order needs every event of the visitor, the others only those that fill some slot.
        """
        plan = self.plan
        strict = plan.order == "strict"
        return statement(
            """
            /* one row a mark */
            with marks as (
                select
                    candidates.visitor,
                    epoch_us(events.occurred_at) as at,
                    _mask as mask
                from _events as events
                join _candidates as candidates
                    on events.visitor_id = candidates.visitor_id
                where _wanted
            )
            select
                marks.visitor,
                marks.at,
                marks.mask
            from marks
            order by
                marks.visitor,
                marks.at,
                _ranks
            """,
            events=self.events,
            candidates=candidates,
            mask=self._mask,
            wanted=exp.true() if strict else self.fills(*range(len(self.slots))),
            ranks=_strict_ranks(plan) if strict else (),
        )

    @cached_property
    def _mask(self) -> exp.Expr:
        """The slots an event fills, a bit each."""
        bits = [
            exp.Case().when(condition.copy(), number(1 << slot)).else_(number(0))
            for slot, condition in enumerate(self._conditions)
        ]
        total: exp.Expr = bits[0]
        for each in bits[1:]:
            total = exp.Add(this=total, expression=each)
        return exp.cast(total, "bigint")

    def entries(self, by: tuple[str, ...], *, only: exp.Expr | None = None) -> exp.Expr:
        """One row an instant at which a visitor enters, with the values of the entering event as by_0, by_1 ...

        Of several entering events at one instant, the one with the least event_id (where there is none, the least hash
        of the row): the values never depend on the order of rows, nor on what else is asked.
        """
        return statement(
            """
            /* one row a visitor and instant of entry */
            select
                entries.visitor_id,
                entries.entered_at,
                _values
            from (
                select
                    events.visitor_id,
                    epoch_us(events.occurred_at) as entered_at,
                    min(_packed) as entry
                from _events as events
                where _entering
                group by events.visitor_id, events.occurred_at
            ) as entries
            """,
            events=self.events,
            entering=self.entering if only is None else exp.and_(self.entering, only),
            packed=self._packed(by, with_time=False),
            values=_unpacked(by),
        )

    def others(self, candidates: str, by: tuple[str, ...]) -> exp.Expr:
        """One row a visitor who enters and is no candidate: the first and the last entry, the values of the first."""
        first = statement("select min(epoch_us(events.occurred_at)) as entered_at").expressions
        if by:
            first = [named(exp.Min(this=self._packed(by, with_time=True)), "entry")]
        return statement(
            """
            /* one row a visitor who enters and has nothing to walk */
            with others as (
                select
                    events.visitor_id,
                    max(epoch_us(events.occurred_at)) as last_entered_at,
                    _first
                from _events as events
                anti join _candidates as candidates
                    on events.visitor_id = candidates.visitor_id
                where _entering
                group by events.visitor_id
            )
            select
                others.visitor_id,
                _entered_at as entered_at,
                others.last_entered_at,
                _values
            from others
            """,
            events=self.events,
            candidates=candidates,
            entering=self.entering,
            first=first,
            entered_at=_field("at") if by else column("entered_at", of="others"),
            values=_unpacked(by),
        )

    def entered_by_era(self, candidates: str | None, by: tuple[str, ...], cutoff: int) -> exp.Expr:
        """One row a set of eras (see `Plan.eras`; a bit each) in which visitors entered: how many visitors these are.

        With `candidates`, only of visitors who have nothing to walk. With `by`, a row for each value of the first entry
        as well. Much less to hold and to count than `others`, where only the side of a few instants matters.
        """
        rows = statement("select * from _events as events", events=self.events)
        if candidates:
            rows = statement(
                """
                select events.*
                from _events as events
                anti join _candidates as candidates
                    on events.visitor_id = candidates.visitor_id
                """,
                events=self.events,
                candidates=candidates,
            )
        soonest, sooner, _ = self.plan.eras(cutoff)
        entry = [named(exp.Min(this=self._packed(by, with_time=True)), "entry")] if by else []
        return statement(
            """
            /* one row a set of eras */
            with entered as (
                select
                    events.visitor_id,
                    bit_or(
                        cast(
                            case
                                when events.occurred_at <= make_timestamptz(_soonest) then 1
                                when events.occurred_at <= make_timestamptz(_sooner) then 2
                                else 4
                            end as utinyint
                        )
                    ) as eras,
                    _entry
                from _rows as events
                where _entering
                group by events.visitor_id
            )
            select
                entered.eras,
                count(*) as visitors,
                _values
            from entered
            group by all
            """,
            rows=rows,
            entering=self.entering,
            soonest=soonest,
            sooner=sooner,
            entry=entry,
            values=_unpacked(by),
        )

    def _packed(self, by: tuple[str, ...], *, with_time: bool) -> exp.Expr:
        """Return the values of an entering event as one struct, least first as it should be chosen."""
        fields = [*self._ties(), *zip(by_columns(by), map(self._value, by), strict=True)]
        if with_time:
            fields.insert(0, ("at", exp.func("epoch_us", column("occurred_at", of=EVENTS), dialect="duckdb")))
        return exp.Struct(
            expressions=[exp.PropertyEQ(this=exp.to_identifier(name), expression=value) for name, value in fields]
        )

    def _ties(self) -> list[tuple[str, exp.Expr]]:
        """Return what decides between events of one instant: event_id, then a hash of the whole row."""
        of_row: exp.Expr = exp.func("hash", *(self._as_text(name) for name in sorted(self.columns)))
        if "event_id" not in self.columns:
            return [("of_row", of_row)]
        event_id = column("event_id", of=EVENTS)
        missing = exp.Is(this=event_id.copy(), expression=exp.null())
        return [("event_id", event_id), ("of_row", exp.Case().when(missing, of_row))]

    def _as_text(self, name: str) -> exp.Expr:
        """Return a column, an ENUM as text: its hash is of the place in a list that another source orders otherwise."""
        one = column(name, of=EVENTS)
        return exp.cast(one, "varchar") if self._kind(name).startswith("ENUM") else one

    def _value(self, name: str) -> exp.Expr:
        """Return a column to break down by; what is no number is null."""
        one = column(name, of=EVENTS)
        if self._kind(name) not in ("FLOAT", "DOUBLE"):
            return one
        return exp.Case().when(exp.func("isnan", one.copy()), exp.null()).else_(one)

    def _kind(self, name: str) -> str:
        return str(self.columns[name]) if isinstance(self.columns, Mapping) else ""

    @cached_property
    def overlaps(self) -> tuple[tuple[int, int], ...]:
        """The pairs of steps or follow-ups that one event may fill both, but for a step that is simply repeated."""
        steps = len(self.definition.every_step)
        many = steps + len(self.definition.every_follow_up)
        return tuple(
            (one, other)
            for one, other in combinations(range(many), 2)
            if set(self.slots[one].events) & set(self.slots[other].events)
            and (one < steps <= other or self._conditions[one] != self._conditions[other])
        )

    def together(self) -> exp.Expr:
        """One row: for each pair of `overlaps`, the count of the events that fill both."""
        return statement(
            """
            /* one row */
            select _counts from _events as events where _any
            """,
            events=self.events,
            counts=[
                count_where(exp.and_(self._conditions[one], self._conditions[other])) for one, other in self.overlaps
            ],
            any=self.fills(*{slot for pair in self.overlaps for slot in pair}),
        )


def by_columns(by: tuple[str, ...]) -> list[str]:
    """Return the columns that hold the values to break down by, whatever these are called in the events."""
    return [f"by_{place}" for place in range(len(by))]


def _unpacked(by: tuple[str, ...]) -> list[exp.Expr]:
    return [named(_field(name), name) for name in by_columns(by)]


def _field(name: str) -> exp.Expr:
    """Return a field of the packed entering event."""
    return exp.Dot(this=column("entry"), expression=exp.to_identifier(name))


def _strict_ranks(plan: Plan) -> list[exp.Expr]:
    """Order events of one instant by the lowest step they fill (those that fill none last), then by mask."""
    tree = statement(
        """
        select
            case
                when (marks.mask & _bits) = 0 then _nowhere
                else (marks.mask & _bits) & (-(marks.mask & _bits))
            end,
            marks.mask
        """,
        bits=plan.order_bits,
        nowhere=NOWHERE,
    )
    return list(tree.expressions)
