"""The referral forest: who came by whose link, which tree that makes, how far from its root.

**Parent.** An event names a parent when it carries `referred_by`, or, where that is empty, the link of somebody: a link
belongs to the visitor of the earliest event of `shared` that carries it (at one instant the lesser visitor), and the
owner's own sharing of it names nobody. A link that nobody shared, such as a relay's, names nobody either. Of a visitor
who signs, only events until the first signature count, its instant included; of others, every event. The first that
names somebody else wins, at one instant the lesser parent. Naming oneself is no referral.

**Trees.** Who signs without a parent is a root, generation 0. Who signs after a parent that is in a tree is in it too,
a generation further. Everyone else who signs is in no tree, and `problem` says why; the first that fits:

- "parent missing": the parent did not sign in these events, or what was written cannot be a visitor.
- "cycle": from parent to parent, the way leads back to the visitor.
- "parent signed later": the parent's first signature is at the same instant as the visitor's own, or after it.
- "parent in no tree": the parent signed before, and has one of these problems, or a parent who has, and so on.

A root who came by their own link and nobody else's has the problem "self-referral", and a tree none the less.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import duckdb
from sqlglot import exp

from funnel.conditions import quoted
from funnel.definition import Step, as_step
from funnel.errors import ColumnError, listed
from funnel.events import Events
from funnel.journey_table.scratch import Scratch
from funnel.marks import EVENTS, check_names, filled
from funnel.statements import column, sql, statement

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
WHOLE_KINDS = (*WHOLE, *(f"U{kind}" for kind in WHOLE))
WHOLE_NUMBER = r"\s*[+-]?[0-9]+(\.0*)?\s*"


@dataclass(frozen=True, eq=False)
class Planted:
    """The tables of a forest, and the problems met; see `Forest`. They are there as long as this is."""

    signers: str
    referrers: str
    problems: Mapping[str, int]


@dataclass(frozen=True)
class Forest:
    """Who brought whom, as two tables in the connection of the events.

    `signers`: one row a visitor who signed, that is, did what the forest is of: visitor_id; signed_us, the first time;
    parent, link_id and arrived_us of the referral, null without one (parent also where it cannot be read, link_id where
    the event has none); root, a visitor, and generation, both null for those in no tree; problem, null as a rule.

    `referrers`: one row a visitor who came by somebody's link, whether they signed or not: visitor_id, parent, link_id,
    arrived_us. Who is not in it came by themselves.

    Times are microseconds since 1970, of the first signature and of the event that names the parent.

    `problems`: numbers of signers. Of those that fit several, each "parent ..." and "cycle" counts only the first (see
    above); the rest stand by themselves. "parent unknown": of the parents missing, those who have no event here at all.
    "self-referral": an event names its own visitor, whether or not another names somebody else. "two parents": events
    name two others, of whom the first counts. "link used before it was shared": by the event that names the parent.
    """

    events: Events
    signers: str
    referrers: str
    problems: Mapping[str, int]

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Where the tables are."""
        return self.events.connection


def forest(
    events: Events,
    of: str | Step = "sign",
    *,
    where: exp.Expr | None = None,
    shared: str | Step | None = None,
    scratch: Scratch,
) -> Forest:
    """Return the forest of those who did `of`; its tables are there as long as the scratch's.

    It is planted once for these events: the events keep it for the next question that needs the same one.
    `where` narrows these events further, by a condition on the table `events`.
    `shared` are the events by which a link becomes its visitor's: "share" unless given, where there are such events.
    Where events have neither a column `referred_by` nor `link_id`, everyone is a root.

    Raises DataError for an event that does not exist, DefinitionError or ColumnError for a condition that does not fit.
    """
    signing = as_step(of)
    sharing = None if shared is None else as_step(shared)
    check_names([each for each in (signing, sharing) if each], events.vocabulary)
    signs = exp.and_(filled(signing, events.columns), where or exp.true())
    naming = _Naming(events, signs, filled(sharing or Step("share"), events.columns))
    planted = events.kept.once(("forest", sql(naming.signs), sql(naming.shares)), lambda: _planted(naming))
    scratch.hold(planted)
    return Forest(events, planted.signers, planted.referrers, planted.problems)


def _planted(naming: "_Naming") -> Planted:
    events = naming.events
    with Scratch(events.connection) as scratch, Scratch(events.connection) as work:
        signed = work.make("table", "signed", naming.signed())
        owners = work.make("table", "owners", naming.owners())
        named = work.make("table", "named", naming.named(signed, owners))
        offspring = work.make("table", "offspring", _offspring(signed, named))
        trees = work.make("table", "trees", _trees(offspring))
        loose = work.make("table", "loose", _loose(offspring, trees))
        rounds = _count(events.connection, loose).bit_length()
        cycles = work.make("table", "cycles", _cycles(loose, rounds))
        referrers = scratch.make("table", "referrers", _referrers(named))
        signers = scratch.make("table", "signers", _signers(offspring, trees, cycles))
        problems = _problems(events, naming.visitor, offspring, signers)
        work.drop()
        planted = Planted(signers, referrers, MappingProxyType(problems))
        scratch.keep_for(planted)
    return planted


def visitor_of(events: Events) -> exp.Expr:
    """Return the visitor of an event as the tables have it: of an ENUM as text, whose order no source decides."""
    one = column("visitor_id", of=EVENTS)
    return exp.cast(one, "varchar") if str(events.columns["visitor_id"]).startswith("ENUM") else one


def check_referrals(events: Events, asked: str = "Nothing says who brought whom") -> None:
    """Refuse events that do not say who brought whom; `asked` begins the sentence."""
    if not events.has_referrals:
        raise ColumnError(
            f"{asked}: no column named 'referred_by' or 'link_id'. Known: {listed(sorted(events.columns))}."
        )


@dataclass(frozen=True)
class _Naming:
    """The statements that find who signed, whose a link is, and whom an event names."""

    events: Events
    signs: exp.Expr
    shares: exp.Expr

    @property
    def visitor(self) -> exp.Expr:
        """The visitor of an event."""
        return visitor_of(self.events)

    def signed(self) -> exp.Expr:
        return statement(
            """
            /* one row a visitor who signed */
            select
                _visitor as visitor_id,
                epoch_us(min(events.occurred_at)) as signed_us
            from _events as events
            where _signs
            group by _visitor
            """,
            events=self.events.name,
            visitor=self.visitor,
            signs=self.signs,
        )

    def owners(self) -> exp.Expr:
        return statement(
            """
            /* one row a link that somebody shared */
            select
                _link as link_id,
                min(epoch_us(events.occurred_at)) as shared_us,
                arg_min(_visitor, {'at': events.occurred_at, 'visitor_id': _visitor}) as visitor_id
            from _events as events
            where (_shares) and _link is not null
            group by _link
            """,
            events=self.events.name,
            link=self._given("link_id"),
            visitor=self.visitor,
            shares=self.shares,
        )

    def named(self, signed: str, owners: str) -> exp.Expr:
        """One row a visitor whose events name somebody; `earliest` is null when that is only themselves.

        Of events at one instant the least by parent, then link; a null within a struct is more than any value.
        """
        return statement(
            """
            with given as (
                /* one row an event with a referrer or a link */
                select
                    _visitor as visitor_id,
                    epoch_us(events.occurred_at) as arrived_us,
                    _referrer as referrer,
                    _link as link_id,
                    (_shares) is true as is_share
                from _events as events
                where _referrer is not null or _link is not null
            ),
            naming as (
                /* one row an event that names somebody */
                select
                    given.visitor_id,
                    given.arrived_us,
                    given.link_id,
                    case when given.referrer is null then owners.visitor_id else _readable end as parent,
                    cast(given.referrer as varchar) as referrer,
                    coalesce(given.arrived_us < owners.shared_us, false) as is_early
                from given
                left join _owners as owners
                    on given.link_id = owners.link_id
                    and given.referrer is null
                left join _signed as signed
                    on given.visitor_id = signed.visitor_id
                where (given.referrer is not null or owners.visitor_id is not null)
                    and not (given.is_share and coalesce(owners.visitor_id = given.visitor_id, false))
                    and (signed.signed_us is null or given.arrived_us <= signed.signed_us)
            ),
            told as (
                /* one row an event that names somebody: what it names as text, and whether that is its own visitor */
                select
                    naming.*,
                    coalesce(cast(naming.parent as varchar), naming.referrer) as name,
                    coalesce(naming.parent = naming.visitor_id, false) as is_own
                from naming
            )
            select
                told.visitor_id,
                min({
                    'arrived_us': told.arrived_us,
                    'parent': told.parent,
                    'link_id': told.link_id,
                    'is_early': told.is_early
                }) filter (where not told.is_own) as earliest,
                bool_or(told.is_own) as is_own,
                coalesce(
                    min(told.name) filter (where not told.is_own) < max(told.name) filter (where not told.is_own),
                    false
                ) as is_disputed
            from told
            group by told.visitor_id
            """,
            events=self.events.name,
            signed=signed,
            owners=owners,
            visitor=self.visitor,
            referrer=self._given("referred_by"),
            link=self._given("link_id"),
            shares=self.shares,
            readable=self._readable(column("referrer", of="given")),
        )

    def _kind(self, name: str) -> str:
        return str(self.events.columns.get(name, "VARCHAR"))

    def _given(self, name: str) -> exp.Expr:
        """Return a column, null where it says nothing: blank text, not-a-number, a column that does not exist."""
        kind = self._kind(name)
        if name not in self.events.columns:
            return exp.cast(exp.null(), kind)
        one: exp.Expr = column(name, of=EVENTS)
        if kind in ("FLOAT", "DOUBLE"):
            return statement("select case when not isnan(_one) then _one end", one=one).expressions[0]
        if kind.startswith("ENUM"):
            one = exp.cast(one, "varchar")
        elif kind != "VARCHAR":
            return one
        return statement("select case when trim(_one) <> '' then _one end", one=one).expressions[0]

    def _readable(self, referrer: exp.Expr) -> exp.Expr:
        """Return the referrer as a visitor: of the same type, null when no visitor can be written so.

        A number with a point, as frames hold whole numbers of which some are missing, is the whole number or nobody.
        """
        kind, wanted = self._kind("referred_by"), self._kind("visitor_id")
        wanted = "VARCHAR" if wanted.startswith("ENUM") else wanted
        if kind == wanted:
            return referrer
        written: exp.Expr = exp.cast(referrer, "varchar")
        if kind.startswith(("FLOAT", "DOUBLE", "DECIMAL")):
            template = "select case when _one = round(_one) then cast(try_cast(_one as hugeint) as varchar) end"
            written = statement(template, one=referrer).expressions[0]
        parent: exp.Expr = exp.TryCast(this=written, to=exp.DataType.build(wanted, dialect="duckdb"))
        if wanted not in WHOLE_KINDS:
            return parent
        matches = exp.func("regexp_full_match", written.copy(), exp.Literal.string(WHOLE_NUMBER), dialect="duckdb")
        return exp.Case().when(matches, parent)


def _offspring(signed: str, named: str) -> exp.Expr:
    return statement(
        """
        /* one row a signer; `is_sound`: the parent signed before */
        select
            signed.visitor_id,
            signed.signed_us,
            named.earliest.parent as parent,
            named.earliest.link_id as link_id,
            named.earliest.arrived_us as arrived_us,
            named.earliest is not null as is_referred,
            parents.visitor_id is null as is_missing,
            coalesce(parents.signed_us < signed.signed_us, false) as is_sound,
            coalesce(named.is_own, false) as is_own,
            coalesce(named.is_disputed, false) as is_disputed,
            coalesce(named.earliest.is_early, false) as is_early
        from _signed as signed
        left join _named as named
            on signed.visitor_id = named.visitor_id
        left join _signed as parents
            on named.earliest.parent = parents.visitor_id
        """,
        signed=signed,
        named=named,
    )


def _trees(offspring: str) -> exp.Expr:
    """One row a signer in a tree, found from the roots on.

    Measured on a million signers: one recursive query beats keyed recursion and doubling of the distance looked back
    where trees are shallow, and repeated joins by far where they are deep, since it builds the table to join with once.
    """
    return statement(
        """
        with recursive trees as (
            /* one row a signer in a tree, a generation at a time */
            select
                offspring.visitor_id,
                offspring.visitor_id as root,
                0 as generation
            from _offspring as offspring
            where not offspring.is_referred
            union all
            select
                offspring.visitor_id,
                trees.root,
                trees.generation + 1
            from trees
            join _sound as offspring
                on trees.visitor_id = offspring.parent
        )
        select * from trees
        """,
        offspring=offspring,
        sound=statement("select * from _offspring where is_sound", offspring=offspring),
    )


def _loose(offspring: str, trees: str) -> exp.Expr:
    return statement(
        """
        /* one row a signer in no tree, though the parent signed */
        select
            offspring.visitor_id,
            offspring.parent
        from _offspring as offspring
        anti join _trees as trees
            on offspring.visitor_id = trees.visitor_id
        where not offspring.is_missing
        """,
        offspring=offspring,
        trees=trees,
    )


def _cycles(loose: str, rounds: int) -> exp.Expr:
    """One row a signer on a cycle: the ancestors that are still found further up than there are signers.

    Each round looks twice as far up as the one before, so it ends after `rounds`, the bits of the number of signers.
    """
    return statement(
        """
        with recursive climbs using key (visitor_id) as (
            /* one row a signer: the ancestor 2 to the power of `rounds` generations up, while there is one */
            select
                loose.visitor_id,
                loose.parent as ancestor,
                0 as rounds
            from _loose as loose
            union all
            select
                climbs.visitor_id,
                further.ancestor,
                climbs.rounds + 1
            from climbs
            join climbs as further
                on climbs.ancestor = further.visitor_id
            where climbs.rounds < _rounds
        )
        select distinct climbs.ancestor as visitor_id
        from climbs
        where climbs.rounds = _rounds
        """,
        loose=loose,
        rounds=rounds,
    )


def _referrers(named: str) -> exp.Expr:
    return statement(
        """
        /* one row a visitor who came by somebody's link */
        select
            named.visitor_id,
            named.earliest.parent as parent,
            named.earliest.link_id as link_id,
            named.earliest.arrived_us as arrived_us
        from _named as named
        where named.earliest is not null
        """,
        named=named,
    )


def _signers(offspring: str, trees: str, cycles: str) -> exp.Expr:
    return statement(
        """
        /* one row a signer */
        select
            offspring.visitor_id,
            offspring.signed_us,
            offspring.parent,
            offspring.link_id,
            offspring.arrived_us,
            trees.root,
            trees.generation,
            case
                when not offspring.is_referred then case when offspring.is_own then 'self-referral' end
                when trees.root is not null then null
                when offspring.is_missing then 'parent missing'
                when cycles.visitor_id is not null then 'cycle'
                when not offspring.is_sound then 'parent signed later'
                else 'parent in no tree'
            end as problem
        from _offspring as offspring
        left join _trees as trees
            on offspring.visitor_id = trees.visitor_id
        left join _cycles as cycles
            on offspring.visitor_id = cycles.visitor_id
        """,
        offspring=offspring,
        trees=trees,
        cycles=cycles,
    )


def _problems(events: Events, visitor: exp.Expr, offspring: str, signers: str) -> dict[str, int]:
    counting = statement(
        """
        /* one row */
        select
            count(*) filter (where signers.problem = 'parent missing') as "parent missing",
            count(*) filter (where signers.problem = 'parent missing' and known.visitor_id is null) as "parent unknown",
            count(*) filter (where signers.problem = 'cycle') as "cycle",
            count(*) filter (where signers.problem = 'parent signed later') as "parent signed later",
            count(*) filter (where signers.problem = 'parent in no tree') as "parent in no tree",
            count(*) filter (where offspring.is_own) as "self-referral",
            count(*) filter (where offspring.is_disputed) as "two parents",
            count(*) filter (where offspring.is_early) as "link used before it was shared"
        from _offspring as offspring
        join _signers as signers
            on offspring.visitor_id = signers.visitor_id
        left join _known as known
            on signers.parent = known.visitor_id
        """,
        offspring=offspring,
        signers=signers,
        known=statement(
            """
            /* one row a missing parent who has events */
            select distinct _visitor as visitor_id
            from _events as events
            where _visitor in (select signers.parent from _signers as signers where signers.problem = 'parent missing')
            """,
            events=events.name,
            visitor=visitor,
            signers=signers,
        ),
    )
    answer = events.connection.execute(sql(counting))
    names = [str(each[0]) for each in answer.description or ()]
    return dict(zip(names, answer.fetchall()[0], strict=True))


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {quoted(table)}").fetchall()[0][0])
