"""What is counted around mentions: visits and signatures that nobody's link explains, by minute, and second lives.

**Unlinked.** A visitor is linked from the first event on that names a referrer (a signer's link), a relay, or a mention
(its name, or its re-shared link). Visits from that instant on, and a first signature at it or after it, have a known
origin; all others are unlinked, and may be owed to a broadcast. Friends so count once: below whoever brought them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from funnel.definition import UNITS, Step
from funnel.events import Events, epoch_us
from funnel.excess.aired import Aired
from funnel.forest import Forest, forest
from funnel.journey_table.scratch import Scratch
from funnel.marks import EVENTS, check_names, filled
from funnel.seeds import seeds
from funnel.statements import column, sql, statement, text

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

MINUTE_US, HOUR_US = UNITS["minute"], UNITS["hour"]
OUTAGES = "hours without events"
CHANNEL = "channel"
NAMING = ("mention", "link_id")


@dataclass(frozen=True)
class SecondLife:
    """Those who came by the links of one mention: visitors, their visits, first signatures, and those of friends."""

    visitors: int = 0
    visits: int = 0
    signatures: int = 0
    downstream: int = 0


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts by minute, the first minute of the data on: a place a minute, as far as the data is complete.

    `first_minute` is minutes since 1970. `counts` are of unlinked visits and signatures, by outcome. Of the signatures'
    trees, `below` is how many signatures they hold beside their roots, `below_squared` the sum of that squared for each
    tree and `deepest` the largest. `channels` are the visits by channel, most first; none without such a column.
    `is_out` tells the minutes in which the tracker was down. `second` is by mention.
    """

    events: Events
    outcomes: tuple[str, str]
    linked: str
    signers: str
    first_minute: int
    counts: dict[str, Counts]
    below: Counts
    below_squared: Counts
    deepest: Counts
    channels: dict[str | None, Counts]
    is_out: Flags
    second: dict[str, SecondLife]
    signing: Step
    visited: Step

    @property
    def minutes(self) -> int:
        """How many whole minutes the data has."""
        return len(self.is_out)


def tally(
    events: Events,
    mentions: tuple[Aired, ...],
    *,
    visited: Step,
    of: Step,
    shared: Step | None,
    scratch: Scratch,
) -> Tally:
    """Count everything; the tables `linked` and `signers` are the scratch's, and go with it."""
    check_names((visited, of), events.vocabulary)
    first = epoch_us(events.first_at) // MINUTE_US
    minutes = max(epoch_us(events.cutoff) // MINUTE_US - first, 1)
    with Scratch(events.connection) as work:
        trees = forest(events, of, shared=shared, scratch=scratch)
        relays = seeds(trees, of, scratch=work)
        named = work.make("table", "named", _named(trees, mentions))
        linked = scratch.make("table", "linked", _linked(trees, relays.arrivals, named))
        visits = _visits(events, visited, linked, first)
        signed = _minutes(events, _signatures(trees, linked), first, minutes, 4)
        second = _second_lives(events, trees, visited, named)
        work.drop()
    by_channel = _split(visits, minutes)
    names = (visited.label, of.label)
    whole = sum(by_channel.values(), np.zeros(minutes, dtype=np.int64))
    has_channel = CHANNEL in events.columns
    return Tally(
        events=events,
        outcomes=names,
        linked=linked,
        signers=trees.signers,
        first_minute=first,
        counts=dict(zip(names, (whole, signed[0]), strict=True)),
        below=signed[1],
        below_squared=signed[2],
        deepest=signed[3],
        channels=by_channel if has_channel else {},
        is_out=_outages(events, first, minutes),
        second=second,
        signing=of,
        visited=visited,
    )


def visitor_of(events: Events) -> exp.Expr:
    """Return the visitor of an event, as the forest's tables have it."""
    one = column("visitor_id", of=EVENTS)
    return exp.cast(one, "varchar") if str(events.columns["visitor_id"]).startswith("ENUM") else one


def _named(trees: Forest, mentions: tuple[Aired, ...]) -> exp.Expr:
    """One row a visitor whose events name a mention: the first that does, until the signature of who signs."""
    events = trees.events
    spellings = {each.name.strip().lower(): each.name for each in mentions}
    links = {each.link.strip().lower(): each.name for each in mentions if each.link and each.link.strip()}
    cases: list[exp.Expr] = []
    for name, known in zip(NAMING, (spellings, links), strict=True):
        if name not in events.columns or (name == "link_id" and not known):
            continue
        written = statement("select trim(cast(_one as varchar))", one=column(name, of=EVENTS)).expressions[0]
        case = exp.Case()
        for spelling, mention in known.items():
            case = case.when(exp.EQ(this=exp.Lower(this=written.copy()), expression=text(spelling)), text(mention))
        # A mention that is not in the table is one all the same; a link is only when it is some mention's.
        cases.append(
            case.else_(statement("select nullif(_one, '')", one=written).expressions[0]) if name == "mention" else case
        )
    named = exp.func("coalesce", *cases) if cases else exp.cast(exp.null(), "varchar")
    return statement(
        """
        with told as (
            /* one row an event that names a mention */
            select
                _visitor as visitor_id,
                epoch_us(events.occurred_at) as named_us,
                _named as mention
            from _events as events
            where _named is not null
        )
        select
            told.visitor_id,
            min({'named_us': told.named_us, 'mention': told.mention}) as earliest
        from told
        left join _signers as signers
            on told.visitor_id = signers.visitor_id
        where signers.signed_us is null or told.named_us <= signers.signed_us
        group by told.visitor_id
        """,
        events=events.name,
        visitor=visitor_of(events),
        named=named,
        signers=trees.signers,
    )


def _linked(trees: Forest, arrivals: str, named: str) -> exp.Expr:
    return statement(
        """
        /* one row a visitor whom a link explains, from the first instant on that it does */
        select
            linked.visitor_id,
            min(linked.linked_us) as linked_us
        from (
            select referrers.visitor_id, referrers.arrived_us as linked_us from _referrers as referrers
            union all
            select arrivals.visitor_id, arrivals.arrived_us as linked_us from _arrivals as arrivals
            union all
            select named.visitor_id, named.earliest.named_us as linked_us from _named as named
        ) as linked
        group by linked.visitor_id
        """,
        referrers=trees.referrers,
        arrivals=arrivals,
        named=named,
    )


def _visits(events: Events, visited: Step, linked: str, first: int) -> list[tuple[int, str | None, int]]:
    channel: exp.Expr = exp.cast(exp.null(), "varchar")
    if CHANNEL in events.columns:
        channel = statement(
            "select nullif(trim(cast(_one as varchar)), '')", one=column(CHANNEL, of=EVENTS)
        ).expressions[0]
    query = statement(
        """
        /* one row a minute and channel with unlinked visits */
        select
            cast(floor(epoch_us(events.occurred_at) / _minute) as bigint) - _first as minute,
            _channel as channel,
            count(*) as visits
        from _events as events
        left join _linked as linked
            on _visitor = linked.visitor_id
        where _visited and (linked.linked_us is null or epoch_us(events.occurred_at) < linked.linked_us)
        group by all
        order by all
        """,
        events=events.name,
        visitor=visitor_of(events),
        visited=filled(visited, events.columns),
        linked=linked,
        channel=channel,
        minute=MINUTE_US,
        first=first,
    )
    return events.connection.execute(sql(query)).fetchall()


def _split(visits: list[tuple[int, str | None, int]], minutes: int) -> dict[str | None, Counts]:
    found: dict[str | None, Counts] = {}
    for minute, channel, count in visits:
        if 0 <= minute < minutes:
            found.setdefault(channel, np.zeros(minutes, dtype=np.int64))[minute] += count
    return dict(sorted(found.items(), key=lambda item: (-int(item[1].sum()), item[0] is None, item[0] or "")))


def _signatures(trees: Forest, linked: str) -> exp.Expr:
    return statement(
        """
        /* one row an unlinked signature, and how many are in its tree beside it */
        select
            signers.signed_us as at_us,
            trees.signatures - 1 as below
        from _signers as signers
        join (
            select roots.root, count(*) as signatures from _signers as roots group by roots.root
        ) as trees
            on signers.visitor_id = trees.root
        left join _linked as linked
            on signers.visitor_id = linked.visitor_id
        where linked.linked_us is null or signers.signed_us < linked.linked_us
        """,
        signers=trees.signers,
        linked=linked,
    )


def _minutes(events: Events, signatures: exp.Expr, first: int, minutes: int, columns: int) -> list[Counts]:
    query = statement(
        """
        /* one row a minute with unlinked signatures */
        select
            cast(floor(signatures.at_us / _minute) as bigint) - _first as minute,
            count(*) as signatures,
            cast(sum(signatures.below) as bigint) as below,
            cast(sum(signatures.below * signatures.below) as bigint) as below_squared,
            max(signatures.below) as deepest
        from _signatures as signatures
        group by all
        order by all
        """,
        signatures=signatures,
        minute=MINUTE_US,
        first=first,
    )
    found = events.connection.execute(sql(query)).fetchnumpy()
    place = np.asarray(found.pop("minute"), dtype=np.int64)
    inside = (place >= 0) & (place < minutes)
    arrays = []
    for values in found.values():
        filled_in = np.zeros(minutes, dtype=np.int64)
        filled_in[place[inside]] = np.asarray(values, dtype=np.int64)[inside]
        arrays.append(filled_in)
    return arrays[:columns]


def _second_lives(events: Events, trees: Forest, visited: Step, named: str) -> dict[str, SecondLife]:
    """Count by mention who came by its links; whom a signer's link brought as well is counted for that tree."""
    query = statement(
        """
        with came as (
            /* one row a visitor who came by a mention's link, and by no signer's */
            select
                named.visitor_id,
                named.earliest.mention as mention,
                named.earliest.named_us as named_us
            from _named as named
            anti join _referrers as referrers
                on named.visitor_id = referrers.visitor_id
        ),
        visits as (
            /* one row a mention with visits */
            select
                came.mention,
                count(*) as visits
            from _events as events
            join came
                on _visitor = came.visitor_id
            where _visited and epoch_us(events.occurred_at) >= came.named_us
            group by came.mention
        ),
        trees as (
            /* one row a tree */
            select
                signers.root,
                count(*) as signatures
            from _signers as signers
            group by signers.root
        )
        select
            came.mention,
            count(*) as visitors,
            coalesce(any_value(visits.visits), 0) as visits,
            count(trees.root) as signatures,
            coalesce(cast(sum(trees.signatures) as bigint), 0) - count(trees.root) as downstream
        from came
        left join visits
            on came.mention = visits.mention
        left join trees
            on came.visitor_id = trees.root
        group by came.mention
        order by came.mention
        """,
        events=events.name,
        visitor=visitor_of(events),
        visited=filled(visited, events.columns),
        named=named,
        referrers=trees.referrers,
        signers=trees.signers,
    )
    return {str(name): SecondLife(*map(int, rest)) for name, *rest in events.connection.execute(sql(query)).fetchall()}


def _outages(events: Events, first: int, minutes: int) -> Flags:
    """Return which minutes lie in hours that have no event though they usually have visitors."""
    is_out = np.zeros(minutes, dtype=bool)
    for starts_at in events.offending(OUTAGES)["starts_at"]:
        begins = int(starts_at.timestamp()) // 60 - first
        is_out[max(begins, 0) : max(begins + HOUR_US // MINUTE_US, 0)] = True
    return is_out
