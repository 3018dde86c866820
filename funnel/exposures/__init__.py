"""The exposed visitors of an experiment as a table: first exposure, variant, and what they did within each window.

Columns of `units`, a row a visitor exposed: visitor_id, exposed_at (microseconds since 1970), variant, variants (how
many they saw), is_root (arrived without a share link), is_unit (is analysed), root (the visitor at the top of their
tree, themselves for a root; null where unknown), parent_variant (what whoever referred them saw), by_0 ... (segments),
and for each measure y_0 ... (what is counted of it), x_0 ... (a ratio's denominator, else 1), first_at_0 ... (when a
share's event first came), before_0 ... and ever_0 ... (events of it before the exposure, and in all).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
from sqlglot import exp

from funnel.design import Design
from funnel.errors import DataError, did_you_mean, listed
from funnel.events import Events, epoch_us
from funnel.exposures.cells import Cell, cells
from funnel.exposures.mixing import check_mixing
from funnel.exposures.population import Population
from funnel.exposures.tallies import Tallies
from funnel.exposures.units import units_of
from funnel.forest import check_referrals
from funnel.journey_table.scratch import Scratch
from funnel.outcomes import Referred
from funnel.statements import sql, statement

__all__ = ["Cell", "Counts", "Exposures", "build"]


@dataclass(frozen=True)
class Counts:
    """What was found beside the units, in numbers.

    `unnamed`: exposures without a variant. `several`: visitors who saw two variants or more. `referred`: exposed who
    arrived by a share link. `elsewhere`: units who were in another experiment too. `crossed`: of the referred whose
    referrer was exposed, those who saw another variant than the referrer. `before`: by measure, units with events of it
    before their exposure.
    """

    unnamed: int
    several: int
    referred: int
    known_referrer: int
    crossed: int
    elsewhere: int
    before: dict[str, int]


@dataclass(frozen=True)
class Exposures:
    """The exposed of a design over some events; `variants` has the control first. `drop` removes its tables now."""

    design: Design
    events: Events
    units: str
    variants: tuple[str, ...]
    counts: Counts
    first_at: int
    drop: Callable[[], None]

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Where the tables are."""
        return self.events.connection

    @property
    def cutoff_us(self) -> int:
        """The instant the data is complete to, in microseconds since 1970."""
        return epoch_us(self.events.cutoff)

    @property
    def shares(self) -> dict[str, float]:
        """The planned share of each variant: equal ones unless planned otherwise, 0 for one that was not planned."""
        planned = self.design.shares
        if planned is None:
            return dict.fromkeys(self.variants, 1 / len(self.variants))
        return {variant: float(planned.get(variant, 0.0)) for variant in self.variants}

    def cells(self, *by: exp.Expr) -> dict[tuple, dict[str, Cell]]:
        """Return the sums of every measure by variant and further columns; see `Cell`."""
        return cells(self.units, self.design.measures, self.cutoff_us, by, self.connection)

    def rows(self, tree: exp.Expr) -> list[tuple]:
        """Return what a statement gives, as plain rows."""
        return self.connection.execute(sql(tree)).fetchall()


def build(design: Design, events: Events) -> Exposures:
    """Find the exposed and what they did; refuse what these events cannot answer, before anything is built."""
    population, tallies = Population(design, events), Tallies(design, events)
    for name in design.segments:
        events.column(name)
    unnamed = population.check()
    tallies.check()
    _check_referrals(design, events)
    with Scratch(events.connection) as scratch, Scratch(events.connection) as work:
        exposed = work.make("table", "exposed", population.exposed())
        done = work.make("table", "done", tallies.query(exposed))
        units = scratch.make("table", "units", units_of(population, exposed, done, tallies, work))
        work.drop()
        found = _found(design, events, population, units, unnamed, scratch)
        scratch.keep_for(found)
    _check_outcomes(found)
    return found


def _check_referrals(design: Design, events: Events) -> None:
    for measure in design.measures:
        if isinstance(measure.outcome, Referred):
            check_referrals(events, f"Referred('{measure.steps[0].label}') needs to know who brought whom")


def _found(
    design: Design, events: Events, population: Population, units: str, unnamed: int, scratch: Scratch
) -> Exposures:
    query = statement(
        """
        /* one row: how many units, and what was found beside them */
        select
            min(exposed_at) filter (where is_unit) as first_at,
            count(*) filter (where variants > 1) as several,
            count(*) filter (where not is_root) as referred,
            count(*) filter (where not is_root and parent_variant is not null and variants = 1) as known_referrer,
            count(*) filter (where not is_root and parent_variant <> variant and variants = 1) as crossed,
            _before
        from _units as units
        """,
        before=[
            statement(f"select count(*) filter (where is_unit and before_{place} > 0)").expressions[0]
            for place, _ in enumerate(design.measures)
        ],
        units=units,
    )
    first_at, several, referred, known_referrer, crossed, *before = events.connection.execute(sql(query)).fetchall()[0]
    if first_at is None:
        raise DataError(
            f"Nobody is left to compare: of the exposed, {referred:,} arrived by a share link and {several:,} saw two"
            " variants. Is referred_by filled in for visitors who came on their own?"
        )
    elsewhere = 0
    if population.experiments:
        elsewhere = int(events.connection.execute(sql(population.in_others(units))).fetchall()[0][0])
    labels = [measure.label for measure in design.measures]
    return Exposures(
        design=design,
        events=events,
        units=units,
        variants=_variants(design, events, units),
        counts=Counts(
            unnamed=unnamed,
            several=several,
            referred=referred,
            known_referrer=known_referrer,
            crossed=crossed,
            elsewhere=elsewhere,
            before={label: count for label, count in zip(labels, before, strict=True) if count},
        ),
        first_at=first_at,
        drop=scratch.drop,
    )


def _variants(design: Design, events: Events, units: str) -> tuple[str, ...]:
    """Return the variants, control first, then in the planned order, then by name; refuse what cannot be compared."""
    query = statement(
        """
        /* one row a variant */
        select
            variant,
            count(*) as visitors
        from _units as units
        where is_unit
        group by all
        order by all
        """,
        units=units,
    )
    seen = dict(events.connection.execute(sql(query)).fetchall())
    known = listed(f"'{variant}' ({visitors:,})" for variant, visitors in seen.items())
    for variant in [design.control, *(name for name, share in (design.shares or {}).items() if share > 0)]:
        if variant not in seen:
            what = "Control" if variant == design.control else "Variant"
            raise DataError(
                f"{what} '{variant}' of experiment '{design.name}' has no visitors."
                f" {did_you_mean(variant, seen)}Variants with visitors: {known}."
            )
    if len(seen) < 2:
        raise DataError(f"Experiment '{design.name}' has one arm only: {known}. There is nothing to compare it with.")
    planned = [variant for variant in design.shares or {} if variant in seen]
    return tuple(dict.fromkeys([design.control, *planned, *seen]))


def _check_outcomes(found: Exposures) -> None:
    """Refuse a split that mixes two designs, windows longer than the data, and a primary that never comes after."""
    check_mixing(found)
    whole = found.cells()
    for measure in found.design.measures:
        if not any(cell[measure.label].visitors for cell in whole.values()):
            followed = (found.cutoff_us - found.first_at) / 86_400e6
            raise DataError(
                f"The window of outcome '{measure.label}', {measure.window / 86_400e6:g} days, is longer than the data:"
                f" the first exposure was followed for {followed:.3g} days, so no window is over. Give a shorter"
                " window, or wait."
            )
    _refuse_all_before(found)


def _refuse_all_before(found: Exposures) -> None:
    """Refuse a primary outcome that visitors had before they were exposed, and never after."""
    query = statement(
        """
        /* one row */
        select
            sum(before_0) as before,
            sum(ever_0) as ever
        from _units as units
        where is_unit
        """,
        units=found.units,
    )
    before, ever = found.rows(query)[0]
    if before and before == ever:
        raise DataError(
            f"Every event of outcome '{found.design.primary.label}' came before the exposure ({before:,} in all), so it"
            " is no outcome of it. Is exposure= the right event?"
        )
