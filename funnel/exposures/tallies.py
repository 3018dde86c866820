"""What visitors did after exposure: a few sums for each, from which every outcome is made. All of it SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from funnel.definition import Step
from funnel.design import Design, Measure
from funnel.errors import ColumnError, DataError
from funnel.events import Events
from funnel.marks import check_names, filled
from funnel.outcomes import Ratio, Referred, Value
from funnel.statements import column, named, number, sql, statement

MILLIONTHS = 1_000_000
# So that a million million of them, squared, still fit a whole number of 128 bits.
LARGEST = 1_000_000_000_000
AT = "epoch_us(events.occurred_at)"


@dataclass(frozen=True)
class Tally:
    """Events counted from the exposure until the window is over; with `value`, the sum of a column over them."""

    step: Step | None
    window: int
    value: str | None = None


@dataclass(frozen=True)
class Tallies:
    """The tallies that a design needs of these events, each once, and the statement that makes them."""

    design: Design
    events: Events

    def check(self) -> None:
        """Refuse events that no event is named after, and values that are no numbers."""
        for measure in self.design.measures:
            try:
                check_names(measure.steps, self.events.vocabulary)
            except DataError as error:
                if "Did you mean" in str(error):
                    raise
                raise DataError(f"{error} If nobody has done it yet, leave the outcome out for now.") from None
            if isinstance(measure.outcome, Value):
                self._check_value(measure.outcome)

    def _check_value(self, outcome: Value) -> None:
        name = self.events.column(outcome.column)
        kind = self.events.columns[name]
        if not kind.startswith(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U", "FLOAT", "DOUBLE", "DEC")):
            raise ColumnError(f"Column '{name}' holds {kind}, which cannot be added up. Give a column of numbers.")
        query = statement(
            """
            /* one row: how many values are beyond what can be added exactly */
            select count(*) as events
            from _events as events
            where abs(_value) > _largest and not isnan(_value)
            """,
            events=self.events.name,
            value=_number(name),
            largest=number(LARGEST),
        )
        beyond = self.events.connection.execute(sql(query)).fetchall()[0][0]
        if beyond:
            raise DataError(
                f"Column '{name}' holds infinity, or a number beyond a million million, {beyond:,} times; nothing"
                f' can be added to that. Leave such events out: events.where("abs({name}) <= 1e12").'
            )

    @property
    def every(self) -> tuple[Tally, ...]:
        """The tallies, in the order of their columns."""
        found: list[Tally] = []
        for tally in (each for measure in self.design.measures for each in self.of(measure)):
            if tally not in found:  # by comparison: a condition may be a mapping, which has no hash
                found.append(tally)
        return tuple(found)

    def of(self, measure: Measure) -> tuple[Tally, ...]:
        """Return the tallies of a measure: one, or a ratio's two; none for signatures brought."""
        if isinstance(measure.outcome, Referred):
            return ()
        if isinstance(measure.outcome, Value):
            step = measure.steps[0] if measure.steps else None
            return (Tally(step, measure.window, self.events.column(measure.outcome.column)),)
        return tuple(Tally(step, measure.window) for step in measure.steps)

    def place(self, measure: Measure, *, denominator: bool = False) -> int:
        """Return which tally is the measure's numerator, or denominator."""
        return self.every.index(self.of(measure)[-1 if denominator and isinstance(measure.outcome, Ratio) else 0])

    def query(self, exposed: str) -> exp.Expr:
        """Return the query of what the exposed did: count_k, value_k, first_at_k, before_k and ever_k for each tally.

        `before_k` counts the events before the exposure, which are no outcome of it, `ever_k` all of them.
        """
        wanted = [self._fits(tally) for tally in self.every]
        sums = [each for place, tally in enumerate(self.every) for each in self._sums(place, tally)]
        return statement(
            """
            /* one row a visitor exposed who did any of it, whenever */
            select
                exposed.visitor_id as visitor_id,
                _sums
            from _events as events
            join _exposed as exposed
                on events.visitor_id = exposed.visitor_id
            where _wanted
            group by exposed.visitor_id
            """,
            sums=sums,
            events=self.events.name,
            exposed=exposed,
            wanted=exp.or_(*wanted, copy=True) if wanted else exp.false(),
        )

    def _fits(self, tally: Tally) -> exp.Expr:
        """Return the condition that an event counts; one without a number is no value."""
        fits = exp.true() if tally.step is None else filled(tally.step, self.events.columns)
        if tally.value is None:
            return fits
        return exp.and_(fits, statement("select isfinite(_value)", value=_number(tally.value)).expressions[0])

    def _sums(self, place: int, tally: Tally) -> Sequence[exp.Expr]:
        parts = {"fits": exp.paren(self._fits(tally)), "window": number(tally.window)}
        inside = f"{AT} between exposed.exposed_at and exposed.exposed_at + _window"
        sums = {
            "count": f"select count(*) filter (where _fits and {inside})",
            "first_at": f"select min({AT}) filter (where _fits and {inside})",
            "before": f"select count(*) filter (where _fits and {AT} < exposed.exposed_at)",
            "ever": "select count(*) filter (where _fits)",
        }
        found = [
            named(statement(template, **parts).expressions[0], f"{name}_{place}") for name, template in sums.items()
        ]
        if tally.value is not None:
            template = f"select sum(cast(round(_value * {MILLIONTHS}) as hugeint)) filter (where _fits and {inside})"
            summed = statement(template, value=_number(tally.value), **parts).expressions[0]
            found.append(named(summed, f"value_{place}"))
        return found


def _number(name: str) -> exp.Expr:
    return exp.cast(column(name, of="events"), "double")
