"""The referral forest as a table of its own: a row a signature, who brought it, its tree, and who seeded that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from funnel.definition import Step
from funnel.events import Events
from funnel.forest import forest, visitor_of
from funnel.journey_table.scratch import Scratch
from funnel.marks import EVENTS
from funnel.seeds import Seeds, seeds
from funnel.statements import column, sql, statement

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "signature",
    "signed_at",
    "parent",
    "root",
    "generation",
    "link_id",
    "relay",
    "seeded_by",
    "problem",
)
# What seeds a tree, where no relay does: the first of these columns that says something.
OTHERS = ("mention", "channel")


@dataclass(frozen=True, eq=False, repr=False)
class ReferralForest:
    """Every signature, in its tree: `frame()` has a row for each. It is for the eyes of analysts and never exported.

    `seeds` holds the tables of the engine that it is made of, which go with it. `problems` counts what was ambiguous.
    """

    seeds: Seeds
    table: str

    @classmethod
    def of(cls, events: Events, signing: Step, shared: str | Step | None, named_by: Sequence[str]) -> ReferralForest:
        """Build the trees, and find who seeded each."""
        with Scratch(events.connection) as scratch:
            trees = forest(events, signing, shared=shared, scratch=scratch)
            seeding = seeds(trees, signing, named_by=named_by, scratch=scratch)
            table = scratch.make("table", "forest", _seeded(seeding))
            made = cls(seeding, table)
            scratch.keep_for(made)
        return made

    @property
    def problems(self) -> Mapping[str, int]:
        """Numbers of signers, by what was ambiguous about who brought them; `docs/definitions.md` has each."""
        return self.seeds.forest.problems

    def frame(self) -> pandas.DataFrame:
        """Return one row a signature, in the order in which they came.

        `signature`, `parent` and `root` are numbers in that order: they say nothing of who signed, and change with the
        data. `parent` is null for those whom nobody's link brought, `root` and `generation` for those in no tree.
        """
        query = statement("select * exclude (visitor_id) from _forest order by signature", forest=self.table)
        frame = self.seeds.forest.connection.execute(sql(query)).df()
        frame["signed_at"] = frame["signed_at"].dt.tz_localize("UTC")
        for name in ("parent", "root", "generation"):
            frame[name] = frame[name].astype("Int64")
        return frame[list(COLUMNS)]

    def __repr__(self) -> str:
        counting = statement(
            """
            /* one row */
            select
                count(*),
                count(*) filter (where forest.generation = 0),
                max(forest.generation),
                count(*) filter (where forest.generation is null)
            from _forest as forest
            """,
            forest=self.table,
        )
        signatures, trees, deepest, outside = self.seeds.forest.connection.execute(sql(counting)).fetchall()[0]
        loose = f"; {outside:,} in no tree" if outside else ""
        return f"{signatures:,} signatures in {trees:,} trees, up to {deepest or 0} generations deep{loose}"


def _seeded(seeding: Seeds) -> exp.Expr:
    """One row a signature, under its visitor, numbered in order of time."""
    trees = seeding.forest
    return statement(
        """
        with numbered as (
            /* one row a signature */
            select
                signers.*,
                arrivals.relay,
                row_number() over (
                    order by signers.signed_us, cast(signers.visitor_id as varchar)
                ) as signature
            from _signers as signers
            left join _arrivals as arrivals
                on signers.visitor_id = arrivals.visitor_id
        )
        select
            numbered.visitor_id,
            numbered.signature,
            make_timestamp(numbered.signed_us) as signed_at,
            parents.signature as parent,
            roots.signature as root,
            numbered.generation,
            cast(numbered.link_id as varchar) as link_id,
            numbered.relay,
            case when numbered.root is not null then coalesce(roots.relay, origins.origin) end as seeded_by,
            numbered.problem
        from numbered
        left join numbered as parents
            on numbered.parent = parents.visitor_id
        left join numbered as roots
            on numbered.root = roots.visitor_id
        left join _origins as origins
            on numbered.root = origins.visitor_id
        """,
        signers=trees.signers,
        arrivals=seeding.arrivals,
        origins=_origins(trees.events, trees.signers),
    )


def _origins(events: Events, signers: str) -> exp.Expr:
    """One row a signer until whose signature an event says a mention or a channel: the first mention, else channel."""
    firsts = [
        statement(
            """
            select min({'at': events.occurred_at, 'origin': cast(_column as varchar)})
                filter (where trim(cast(_column as varchar)) <> '')
            """,
            column=column(name, of=EVENTS),
        ).expressions[0]
        for name in OTHERS
        if name in events.columns
    ]
    return statement(
        """
        select
            _visitor as visitor_id,
            struct_extract(_first, 'origin') as origin
        from _events as events
        join _signers as signers
            on _visitor = signers.visitor_id
        where epoch_us(events.occurred_at) <= signers.signed_us
        group by _visitor
        """,
        visitor=visitor_of(events),
        first=exp.func("coalesce", *firsts)
        if firsts
        else exp.cast(exp.null(), "struct(at timestamptz, origin varchar)"),
        events=events.name,
        signers=signers,
    )
