"""The statement that makes the units of an experiment: the exposed, where they stand, and what they did."""

from __future__ import annotations

from sqlglot import exp

from funnel.definition import as_step
from funnel.design import Design, Measure
from funnel.events import Events
from funnel.exposures.population import Population
from funnel.exposures.tallies import Tallies
from funnel.forest import forest
from funnel.journey_table.scratch import Scratch
from funnel.outcomes import Count, Ratio, Referred, Value
from funnel.statements import column, named, number, statement


def units_of(population: Population, exposed: str, done: str, tallies: Tallies, scratch: Scratch) -> exp.Expr:
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
    """Return y, x, first_at, before and ever of one measure, made of its tallies."""
    asked = measure.outcome
    first, before, ever = "select cast(null as bigint)", "select 0", "select 0"
    if isinstance(asked, Referred):
        y, x = f"select coalesce(trees.brought_{place}, 0)", "select 1"
    else:
        slot, over = tallies.place(measure), tallies.place(measure, denominator=True)
        before, ever = f"select coalesce(done.before_{slot}, 0)", f"select coalesce(done.ever_{slot}, 0)"
        x = f"select coalesce(done.count_{over}, 0)" if isinstance(asked, Ratio) else "select 1"
        if isinstance(asked, Value):
            y = f"select coalesce(done.value_{slot}, 0)"
        elif isinstance(asked, Count | Ratio):
            y = f"select coalesce(done.count_{slot}, 0)"
        else:
            y = f"select case when done.count_{slot} > 0 then 1 else 0 end"
            first = f"select done.first_at_{slot}"
    columns = {"y": y, "x": x, "first_at": first, "before": before, "ever": ever}
    return [named(statement(query).expressions[0], f"{name}_{place}") for name, query in columns.items()]


def _places(population: Population, scratch: Scratch) -> exp.Expr:
    """Return the query of where each of the exposed stands: root or not, whose tree, whose friend."""
    shared = next((each.shared for each in _referred(population.design)), None)
    shown = as_step(population.design.exposure)
    planted = forest(population.events, shown, where=population.shows_variant, shared=shared, scratch=scratch)
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
        signers=planted.signers,
    )


def _referred(design: Design) -> list[Referred]:
    return [measure.outcome for measure in design.measures if isinstance(measure.outcome, Referred)]


def _trees(design: Design, events: Events, exposed: str, scratch: Scratch) -> exp.Expr:
    """Return the query of what each root brought: brought_k for each measure that counts it."""
    forests: list[tuple[tuple, str]] = []  # looked up by comparison: a condition may be a mapping, which has no hash
    query = statement("select visitor_id from _exposed as exposed", exposed=exposed)
    for place, measure in enumerate(design.measures):
        if not isinstance(measure.outcome, Referred):
            continue
        key = (measure.steps[0], measure.outcome.shared)
        signers = next((planted for each, planted in forests if each == key), None)
        if signers is None:
            signers = forest(events, key[0], shared=key[1], scratch=scratch).signers
            forests.append((key, signers))
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
            signers=signers,
            deepest=number(measure.generations or 2**62),
            window=number(measure.window),
        )
        query = statement(
            "select * from _one as one left join _other as other using (visitor_id)", one=query, other=brought
        )
    return query
