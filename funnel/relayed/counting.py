"""What came by each relay, counted in the engine; and the trees of those who signed, as arrays.

A visitor is a relay's when an event names it and no signer's link brought them. Who has neither came by no relay, if
an event of `visited` shows them before they sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from funnel.definition import Step
from funnel.errors import DataError, DefinitionError, listed
from funnel.events import Events, epoch_us, instant
from funnel.forest import forest
from funnel.journey_table.scratch import Scratch
from funnel.marks import filled
from funnel.seeds import Seeds, seeds
from funnel.spread import Spread, spread_of
from funnel.statements import sql, statement

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

BEFORE, AFTER = "before launch", "after launch"


@dataclass(frozen=True)
class Tally:
    """A relay, or nobody (`name` None), and who came by it. `agreed_us` and `first_us` are microseconds since 1970.

    `visitors` came by it, those who named it by signing alone left out; `visits` are their events of `visited` from
    then on. `followed` of them have had the whole window since, of whom `converted` signed within it; `pending` have
    not had it, and have not signed. `first_us` is when the first came.
    """

    name: str | None
    kind: str | None
    agreed_us: int | None
    audience: float | None
    is_listed: bool
    visitors: int
    visits: int
    pending: int
    followed: int
    converted: int
    first_us: int | None


@dataclass(frozen=True, eq=False)
class Counted:
    """Relays by name, nobody last; the trees, and of the root of each the place of its relay among them.

    `of_root` and `is_declared` have an entry for each root, in the order of the lineage. `is_declared`: the signature
    alone names the relay. `both` are visitors whom a signer's link brought although an event names a relay.
    `has_table` tells whether a table of relays lies beside the events.
    """

    spread: Spread
    relays: tuple[Tally, ...]
    of_root: Counts
    is_declared: NDArray[np.bool_]
    both: int
    has_table: bool
    launched_us: int
    launch_is_default: bool

    @property
    def events(self) -> Events:
        """What was counted."""
        return self.spread.forest.events

    @property
    def signatures(self) -> int:
        """All signers, those in no tree among them."""
        return len(self.spread.lineage) + self.spread.outside

    @cached_property
    def of_signer(self) -> Counts:
        """The place of the relay that the tree of each signer is of."""
        return self.of_root[self.spread.lineage.root]

    def wave(self, relay: Tally) -> str | None:
        """Return whether a relay agreed before launch or after; None where that is not known."""
        if relay.agreed_us is None:
            return None
        return BEFORE if relay.agreed_us < self.launched_us else AFTER


def counted(
    events: Events,
    of: Step,
    *,
    shared: Step | None,
    visited: Step,
    named_by: Sequence[str],
    window_us: int,
    launched_at: str | date | None,
) -> Counted:
    """Build the trees, find whose they are, and count who came; the engine's tables are removed again."""
    launched_us = _launch(events, visited, launched_at)
    with Scratch(events.connection) as scratch:
        trees = forest(events, of, shared=shared, scratch=scratch)
        wanted = _Wanted(seeds(trees, of, named_by=named_by, scratch=scratch), visited, window_us)
        known = scratch.make("table", "known", wanted.known())
        came = scratch.make("table", "came", wanted.came())
        relays = tuple(Tally(**row) for row in _rows(events, wanted.tally(known, came)))
        if len(relays) == 1:
            raise DataError(
                f"No event names a relay (columns: {listed(named_by)}), and there is no table of relays."
                " Give a column 'relay', or funnel.connect(source, relays='relays.csv')."
            )
        roots = events.connection.execute(sql(wanted.roots(known, nobody=len(relays) - 1))).fetchnumpy()
        (both,) = _rows(events, wanted.both())
        spread = spread_of(trees, shared or Step("share"), window_days=1)
        scratch.drop()
    return Counted(
        spread=spread,
        relays=relays,
        of_root=np.asarray(roots["place"], dtype=np.int64),
        is_declared=np.asarray(roots["is_declared"], dtype=bool),
        both=int(both["visitors"]),
        has_table=wanted.seeds.relays is not None,
        launched_us=launched_us,
        launch_is_default=launched_at is None,
    )


def _launch(events: Events, visited: Step, launched_at: str | date | None) -> int:
    """Return when the petition went online: as given, or the first event of `visited`, or of any kind."""
    if launched_at is not None:
        moment = instant(launched_at, events.timezone, argument="launched_at")
        if moment > events.last_at:
            raise DefinitionError(
                f"launched_at={str(launched_at)!r} is after the last event. Give when the petition went online."
            )
        return epoch_us(moment)
    query = statement(
        """
        /* one row */
        select epoch_us(min(events.occurred_at)) as first_us
        from _events as events
        where _visited
        """,
        events=events.name,
        visited=filled(visited, events.columns),
    )
    (found,) = _rows(events, query)
    return epoch_us(events.first_at) if found["first_us"] is None else int(found["first_us"])


@dataclass(frozen=True)
class _Wanted:
    """The statements that find who came by which relay."""

    seeds: Seeds
    visited: Step
    window_us: int

    def known(self) -> exp.Expr:
        return statement(
            """
            /* one row a relay, of the table or named by an event; `place` in the order of names */
            with named as (
                select distinct
                    arrivals.relay,
                    null::varchar as kind,
                    null::timestamptz as agreed_at,
                    null::double as audience,
                    false as is_listed
                from _arrivals as arrivals
                anti join _listed as listed
                    on arrivals.relay = listed.relay
            ),
            relays as (
                select * from named
                union all
                select * from _listed as listed
            )
            select
                relays.*,
                row_number() over (order by relays.relay) - 1 as place
            from relays
            """,
            arrivals=self.seeds.arrivals,
            listed=self._listed(),
        )

    def _listed(self) -> exp.Expr:
        if self.seeds.relays is None:
            return statement(
                """
                select
                    null::varchar as relay,
                    null::varchar as kind,
                    null::timestamptz as agreed_at,
                    null::double as audience,
                    true as is_listed
                where false
                """
            )
        return statement(
            """
            select
                relays.relay,
                relays.kind,
                relays.agreed_at,
                cast(relays.audience as double) as audience,
                true as is_listed
            from _relays as relays
            """,
            relays=self.seeds.relays,
        )

    def came(self) -> exp.Expr:
        """One row a visitor whom no signer's link brought: by which relay, or none, when, and how often since."""
        events = self.seeds.forest.events
        return statement(
            """
            with visits as (
                /* one row a visitor with an event of `visited`: the first that counts, and how many since the relay */
                select
                    events.visitor_id,
                    min(epoch_us(events.occurred_at)) filter (
                        where signers.signed_us is null or epoch_us(events.occurred_at) <= signers.signed_us
                    ) as first_us,
                    count(*) filter (
                        where arrivals.arrived_us is null or epoch_us(events.occurred_at) >= arrivals.arrived_us
                    ) as visits
                from _events as events
                left join _arrivals as arrivals
                    on events.visitor_id = arrivals.visitor_id
                left join _signers as signers
                    on events.visitor_id = signers.visitor_id
                where _visited
                group by events.visitor_id
            ),
            everyone as (
                /* one row a visitor who visited, or whom an event names a relay for */
                select
                    coalesce(arrivals.visitor_id, visits.visitor_id) as visitor_id,
                    arrivals.relay,
                    coalesce(arrivals.is_declared, false) as is_declared,
                    coalesce(arrivals.arrived_us, visits.first_us) as arrived_us,
                    coalesce(visits.visits, 0) as visits
                from _arrivals as arrivals
                full join visits
                    on arrivals.visitor_id = visits.visitor_id
            )
            select
                everyone.relay,
                everyone.arrived_us,
                everyone.visits,
                signers.signed_us,
                everyone.arrived_us + _window <= _cutoff as is_followed
            from everyone
            anti join _referrers as referrers
                on everyone.visitor_id = referrers.visitor_id
            left join _signers as signers
                on everyone.visitor_id = signers.visitor_id
            where not everyone.is_declared and everyone.arrived_us is not null
            """,
            events=events.name,
            arrivals=self.seeds.arrivals,
            signers=self.seeds.forest.signers,
            referrers=self.seeds.forest.referrers,
            visited=filled(self.visited, events.columns),
            window=self.window_us,
            cutoff=epoch_us(events.cutoff),
        )

    def tally(self, known: str, came: str) -> exp.Expr:
        """One row a relay, by place, and a last one of no relay: the fields of `Tally`."""
        return statement(
            """
            with tallies as (
                /* one row a relay by which somebody came, or none */
                select
                    came.relay,
                    count(*) as visitors,
                    cast(sum(came.visits) as bigint) as visits,
                    count(*) filter (where not came.is_followed and came.signed_us is null) as pending,
                    count(*) filter (where came.is_followed) as followed,
                    count(*) filter (where came.is_followed and came.signed_us - came.arrived_us <= _window)
                        as converted,
                    min(came.arrived_us) as first_us
                from _came as came
                group by came.relay
            ),
            places as (
                /* one row a relay, and one of none */
                select * from _known as known
                union all by name
                select null::varchar as relay, false as is_listed, null::bigint as place
            )
            select
                places.relay as name,
                places.kind,
                epoch_us(places.agreed_at) as agreed_us,
                places.audience,
                places.is_listed,
                coalesce(tallies.visitors, 0) as visitors,
                coalesce(tallies.visits, 0) as visits,
                coalesce(tallies.pending, 0) as pending,
                coalesce(tallies.followed, 0) as followed,
                coalesce(tallies.converted, 0) as converted,
                tallies.first_us
            from places
            left join tallies
                on places.relay is not distinct from tallies.relay
            order by places.place nulls last
            """,
            known=known,
            came=came,
            window=self.window_us,
        )

    def roots(self, known: str, *, nobody: int) -> exp.Expr:
        """One row a root, in the order of the lineage: the place of its relay."""
        return statement(
            """
            select
                coalesce(known.place, _nobody) as place,
                coalesce(arrivals.is_declared, false) as is_declared
            from _signers as signers
            left join _arrivals as arrivals
                on signers.visitor_id = arrivals.visitor_id
            left join _known as known
                on arrivals.relay = known.relay
            where signers.generation = 0
            order by signers.signed_us, cast(signers.visitor_id as varchar)
            """,
            signers=self.seeds.forest.signers,
            arrivals=self.seeds.arrivals,
            known=known,
            nobody=nobody,
        )

    def both(self) -> exp.Expr:
        """One row: visitors with a relay whom a signer's link brought."""
        return statement(
            """
            select count(*) as visitors
            from _arrivals as arrivals
            join _referrers as referrers
                on arrivals.visitor_id = referrers.visitor_id
            """,
            arrivals=self.seeds.arrivals,
            referrers=self.seeds.forest.referrers,
        )


def _rows(events: Events, query: exp.Expr) -> list[dict[str, Any]]:
    answer = events.connection.execute(sql(query))
    names = [str(each[0]) for each in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
