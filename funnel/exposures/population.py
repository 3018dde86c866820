"""Who was exposed to which variant, and when first. All of it SQL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from funnel.conditions import known_column
from funnel.definition import as_step
from funnel.design import Design
from funnel.errors import ColumnError, DataError, did_you_mean, listed
from funnel.events import Events
from funnel.marks import check_names, filled
from funnel.statements import column, named, sql, statement, text

EXPERIMENT = "experiment"


@dataclass(frozen=True)
class Population:
    """The statements that find the exposed visitors of a design in these events."""

    design: Design
    events: Events

    @property
    def is_exposure(self) -> exp.Expr:
        """The condition that an event of `events` is an exposure to this experiment."""
        shown = filled(as_step(self.design.exposure), self.events.columns)
        if not self.experiments:
            return shown
        return exp.and_(shown, exp.EQ(this=column(EXPERIMENT, of="events"), expression=text(self.design.name)))

    @cached_property
    def experiments(self) -> tuple[str, ...]:
        """The experiments that such events name in a column `experiment`, most events first; none where they do not."""
        if EXPERIMENT not in self.events.columns:
            return ()
        query = statement(
            """
            /* one row an experiment that has such events */
            select
                cast(_experiment as varchar) as experiment,
                count(*) as events
            from _events as events
            where _shown and _experiment is not null
            group by all
            order by events desc, experiment
            """,
            experiment=column(EXPERIMENT, of="events"),
            events=self.events.name,
            shown=filled(as_step(self.design.exposure), self.events.columns),
        )
        return tuple(name for name, _ in self.events.connection.execute(sql(query)).fetchall())

    @property
    def variant(self) -> exp.Expr:
        """The variant of an event of `events`, as text."""
        return exp.cast(column(known_column(self.design.variant, self.events.columns), of="events"), "varchar")

    @property
    def shows_variant(self) -> exp.Expr:
        """The condition that an event of `events` is an exposure to this experiment that names its variant."""
        return exp.and_(self.is_exposure, exp.Not(this=exp.Is(this=self.variant, expression=exp.null())))

    def check(self) -> int:
        """Refuse what these events cannot answer; return how many exposures name no variant."""
        events, design = self.events, self.design
        if design.variant not in events.columns:
            raise ColumnError(
                f"No column named '{design.variant}' to say what each visitor saw."
                f" {did_you_mean(design.variant, events.columns)}Known: {listed(sorted(events.columns))}."
                " Name yours with variant=."
            )
        check_names([as_step(design.exposure)], events.vocabulary)
        query = statement(
            """
            /* one row: how many exposures, and how many of them name no variant */
            select
                count(*) as exposures,
                count(*) filter (where _variant is null) as unnamed
            from _events as events
            where _exposure
            """,
            variant=self.variant,
            events=events.name,
            exposure=self.is_exposure,
        )
        exposures, unnamed = events.connection.execute(sql(query)).fetchall()[0]
        if not exposures:
            self._refuse_without_exposures()
        if exposures == unnamed:
            raise DataError(
                f"None of the {exposures:,} exposures of experiment '{design.name}' says which variant was shown:"
                f" column '{design.variant}' is null in all of them. Name the right column with variant=."
            )
        return int(unnamed)

    def _refuse_without_exposures(self) -> None:
        label = as_step(self.design.exposure).label
        if not self.experiments:
            raise DataError(f"There is no exposure: no '{label}' event fits. Name the event with exposure=.")
        raise DataError(
            f"Experiment '{self.design.name}' has no exposure: no '{label}' event names it in column 'experiment'."
            f" {did_you_mean(self.design.name, self.experiments)}Experiments there: {listed(self.experiments)}."
        )

    def exposed(self) -> exp.Expr:
        """Return the query of the exposed: first exposure, its variant, how many variants they saw, segments.

        At one instant the variant that comes first by name is taken, so that no order of rows matters; who saw two is
        left out anyway, unless asked otherwise.
        """
        variant = self.variant
        segments = [
            named(self._at_exposure(column(self.events.column(name), of="events")), f"by_{place}")
            for place, name in enumerate(self.design.segments)
        ]
        return statement(
            """
            /* one row a visitor exposed */
            select
                events.visitor_id as visitor_id,
                min(epoch_us(events.occurred_at)) as exposed_at,
                _first_variant as variant,
                count(distinct _variant) as variants,
                _segments
            from _events as events
            where _exposure
            group by events.visitor_id
            """,
            first_variant=self._at_exposure(variant),
            variant=variant,
            segments=segments,
            events=self.events.name,
            exposure=self.shows_variant,
        )

    def _at_exposure(self, value: exp.Expr) -> exp.Expr:
        """Return the value at the first exposure; the smallest, where there are several at that instant."""
        return statement(
            "select arg_min_null(_value, row(events.occurred_at, cast(_value as varchar)))", value=value
        ).expressions[0]

    def in_others(self, units: str) -> exp.Expr:
        """Return the query of how many units have an event of another experiment too."""
        return statement(
            """
            /* one row */
            select count(distinct events.visitor_id) as visitors
            from _events as events
            join _units as units
                on events.visitor_id = units.visitor_id
            where units.is_unit and _experiment is not null and _experiment <> _name
            """,
            events=self.events.name,
            units=units,
            experiment=column(EXPERIMENT, of="events"),
            name=text(self.design.name),
        )
