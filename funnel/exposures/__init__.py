"""The exposed visitors of an experiment as a table: first exposure, variant, and what they did within each window.

Columns of `units`, a row a visitor exposed: visitor_id, exposed_at (microseconds since 1970), variant, variants (how
many they saw), is_root (arrived without a share link), is_unit (is analysed), root (the visitor at the top of their
tree, themselves for a root; null where unknown), parent_variant (what whoever referred them saw), by_0 ... (segments),
and for each measure y_0 ... (what is counted of it), x_0 ... (a ratio's denominator, else 1), first_at_0 ... (when a
share's event first came), before_0 ... (events of it before exposure).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import duckdb
from sqlglot import exp

from funnel.design import Design, Measure
from funnel.errors import ColumnError, DataError, did_you_mean, listed
from funnel.events import Events, epoch_us
from funnel.exposures.cells import Cell, cells
from funnel.exposures.mixing import check_mixing
from funnel.exposures.population import EXPERIMENT, Population
from funnel.exposures.tallies import Tallies
from funnel.forest import forest
from funnel.journey_table.scratch import Scratch
from funnel.outcomes import Count, Ratio, Referred, Value, as_step
from funnel.statements import column, named, number, sql, statement

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

    def cells(self, *by: exp.Expr, where: exp.Expr | None = None) -> dict[tuple, dict[str, Cell]]:
        """Return the sums of every measure by variant and further columns; see `Cell`."""
        return cells(self.units, self.design.measures, self.cutoff_us, by, where, self.connection)

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
    with Scratch(events.connection) as scratch:
        exposed = scratch.make("table", "exposed", population.exposed())
        done = scratch.make("table", "done", tallies.query(exposed))
        units = scratch.make("table", "units", _units(population, exposed, done, tallies, scratch))
        found = _found(design, events, population, units, unnamed, scratch)
        for name in (exposed, done):
            events.connection.execute(sql(exp.Drop(tables=[exp.to_table(name)], kind="TABLE", exists=True)))
        scratch.keep_for(found)
    _check_outcomes(found, tallies)
    return found


def _check_referrals(design: Design, events: Events) -> None:
    for measure in design.measures:
        if isinstance(measure.outcome, Referred) and not {"referred_by", "link_id"} & set(events.columns):
            raise ColumnError(
                f"Referred('{measure.steps[0].label}') needs to know who brought whom: no column named 'referred_by' or"
                f" 'link_id'. Known: {listed(sorted(events.columns))}."
            )


def _units(population: Population, exposed: str, done: str, tallies: Tallies, scratch: Scratch) -> exp.Expr:
    """Return the query of the units; see the top of the module."""
    design = population.design
    measures, trees = design.measures, _trees(design, population.events, exposed, scratch)
    return statement(
        """
        /* one row a visitor exposed */
        select
            exposed.visitor_id as visitor_id,
            exposed.exposed_at as exposed_at,
            exposed.variant as variant,
            exposed.variants as variants,
            places.is_root as is_root,
            places.is_root and _is_single as is_unit,
            places.root as root,
            case when parents.variants = 1 then parents.variant end as parent_variant,
            _segments,
            _measured
        from _exposed as exposed
        join _places as places
            on exposed.visitor_id = places.visitor_id
        left join _exposed as parents
            on places.parent = parents.visitor_id
        left join _done as done
            on exposed.visitor_id = done.visitor_id
        left join _trees as trees
            on exposed.visitor_id = trees.visitor_id
        """,
        is_single=exp.true() if design.two_variants == "first" else exp.condition("exposed.variants = 1"),
        segments=[column(f"by_{place}", of="exposed") for place in range(len(design.segments))],
        measured=[each for place, measure in enumerate(measures) for each in _columns(place, measure, tallies)],
        exposed=exposed,
        places=_places(population, scratch),
        done=done,
        trees=trees,
    )


def _columns(place: int, measure: Measure, tallies: Tallies) -> list[exp.Expr]:
    """Return y, x, first_at and before of one measure, made of its tallies."""
    asked = measure.outcome
    first, before = "select cast(null as bigint)", "select 0"
    if isinstance(asked, Referred):
        y, x = f"select coalesce(trees.brought_{place}, 0)", "select 1"
    else:
        slot, over = tallies.place(measure), tallies.place(measure, denominator=True)
        before = f"select coalesce(done.before_{slot}, 0)"
        x = f"select coalesce(done.count_{over}, 0)" if isinstance(asked, Ratio) else "select 1"
        if isinstance(asked, Value):
            y = f"select coalesce(done.value_{slot}, 0)"
        elif isinstance(asked, Count | Ratio):
            y = f"select coalesce(done.count_{slot}, 0)"
        else:
            y = f"select case when done.count_{slot} > 0 then 1 else 0 end"
            first = f"select done.first_at_{slot}"
    columns = {"y": y, "x": x, "first_at": first, "before": before}
    return [named(statement(query).expressions[0], f"{name}_{place}") for name, query in columns.items()]


def _places(population: Population, scratch: Scratch) -> exp.Expr:
    """Return the query of where each of the exposed stands: root or not, whose tree, whose friend."""
    design, events = population.design, population.events
    shown = as_step(design.exposure)
    if population.experiments and shown.where is None:
        shown = replace(shown, where={EXPERIMENT: design.name})
    shared = next((each.shared for each in _referred(design)), None)
    return statement(
        """
        /* one row a visitor exposed */
        select
            signers.visitor_id as visitor_id,
            coalesce(signers.generation = 0, false) as is_root,
            signers.root as root,
            signers.parent as parent
        from _signers as signers
        """,
        signers=forest(events, shown, shared=shared, scratch=scratch).signers,
    )


def _referred(design: Design) -> list[Referred]:
    return [measure.outcome for measure in design.measures if isinstance(measure.outcome, Referred)]


def _trees(design: Design, events: Events, exposed: str, scratch: Scratch) -> exp.Expr:
    """Return the query of what each root brought: brought_k for each measure that counts it."""
    forests: dict[tuple, str] = {}
    query = statement("select visitor_id from _exposed as exposed", exposed=exposed)
    for place, measure in enumerate(design.measures):
        if not isinstance(measure.outcome, Referred):
            continue
        key = (measure.steps[0], measure.outcome.shared)
        if key not in forests:
            forests[key] = forest(events, key[0], shared=key[1], scratch=scratch).signers
        brought = statement(
            """
            /* one row a visitor exposed who brought somebody */
            select
                exposed.visitor_id as visitor_id,
                _brought
            from _exposed as exposed
            join _signers as signers
                on exposed.visitor_id = signers.root
            where signers.generation between 1 and _deepest
                and signers.signed_us between exposed.exposed_at and exposed.exposed_at + _window
            group by exposed.visitor_id
            """,
            brought=[named(exp.Count(this=exp.Star()), f"brought_{place}")],
            exposed=exposed,
            signers=forests[key],
            deepest=number(measure.generations or 2**62),
            window=number(measure.window),
        )
        query = statement(
            "select * from _one as one left join _other as other using (visitor_id)", one=query, other=brought
        )
    return query


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
            f"Nobody is left to compare: all {referred:,} exposed visitors arrived by a share link or saw two variants."
            " Is referred_by filled in for visitors who came on their own?"
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


def _check_outcomes(found: Exposures, tallies: Tallies) -> None:
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
    primary = found.design.measures[0]
    if not isinstance(primary.outcome, Referred):
        query = statement(
            "select sum(cast(y_0 as hugeint)), sum(before_0) from _units as units where is_unit", units=found.units
        )
        after, before = found.rows(query)[0]
        tallies.refuse_if_all_came_before(int(after), int(before))
