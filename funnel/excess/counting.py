"""What is counted around mentions: visits and signatures that nobody's link explains, by minute, and second lives.

**Unlinked.** A visitor is linked from the first event on that names a referrer (a signer's link), a relay, or a mention
(its name, or its re-shared link). Visits from that instant on, and a first signature at it or after it, have a known
origin; all others are unlinked, and may be owed to a broadcast. Friends so count once: below whoever brought them.

**Echo.** Who first came in a mention's window and comes again, or signs, after it is that mention's echo. Echoes are
neither usual nor another mention's doing, so by minute they are left out; by day they count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from funnel.definition import UNITS, Step
from funnel.events import Events, epoch_us
from funnel.excess.aired import Aired
from funnel.forest import Forest, forest, visitor_of
from funnel.journey_table.scratch import Scratch
from funnel.marks import EVENTS, check_names, filled
from funnel.seeds import seeds
from funnel.statements import column, number, sql, statement, text

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

    `first_minute` is minutes since 1970. `counts` are of unlinked visits and signatures, by outcome, without echoes,
    and `every` with them. Of the trees that these signatures begin, `below` is how many more signatures they hold,
    `below_squared` the sum of that squared for each tree, and `deepest` the largest. `channels` are the visits by
    channel, most first; none without such a column.
    `is_out` tells the minutes in which the tracker was down. `second` is by mention.
    """

    events: Events
    outcomes: tuple[str, str]
    linked: str
    signers: str
    first_minute: int
    counts: dict[str, Counts]
    every: dict[str, Counts]
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
    effect: int,
    scratch: Scratch,
) -> Tally:
    """Count everything; windows are `effect` minutes. The tables `linked` and `signers` are the scratch's."""
    check_names((visited, of), events.vocabulary)
    first = epoch_us(events.first_at) // MINUTE_US
    minutes = max(epoch_us(events.cutoff) // MINUTE_US - first, 1)
    with Scratch(events.connection) as work:
        trees = forest(events, of, shared=shared, scratch=scratch)
        relays = seeds(trees, of, scratch=work)
        named = work.make("table", "named", _named(trees, mentions))
        linked = scratch.make("table", "linked", _linked(trees, relays.arrivals, named))
        echoes = work.make("table", "echoes", _echoes(events, visited, mentions, effect))
        visits = _visits(events, visited, linked, echoes, first)
        signed, signed_again = (
            _minutes(events, _signatures(trees, linked, echoes, is_echo=each), first, minutes) for each in (False, True)
        )
        second = _second_lives(events, trees, visited, named)
        work.drop()
    by_channel = _split([row[:3] for row in visits if not row[3]], minutes)
    again = _split([row[:3] for row in visits if row[3]], minutes)
    none = np.zeros(minutes, dtype=np.int64)
    counts = (sum(by_channel.values(), none), signed[0])
    every = (sum(again.values(), counts[0]), signed[0] + signed_again[0])
    names = (visited.label, of.label)
    return Tally(
        events=events,
        outcomes=names,
        linked=linked,
        signers=trees.signers,
        first_minute=first,
        counts=dict(zip(names, counts, strict=True)),
        every=dict(zip(names, every, strict=True)),
        below=signed[1],
        below_squared=signed[2],
        deepest=signed[3],
        channels=by_channel if CHANNEL in events.columns else {},
        is_out=_outages(events, first, minutes),
        second=second,
        signing=of,
        visited=visited,
    )


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


def _echoes(events: Events, visited: Step, mentions: tuple[Aired, ...], effect: int) -> exp.Expr:
    starts = [number(each.from_us // MINUTE_US * MINUTE_US) for each in mentions]
    return statement(
        """
        /* one row a visitor who first came in a mention's window, and when that, the last of them, is over */
        select
            firsts.visitor_id,
            max(windows.from_us) + _effect as over_us
        from (
            select
                _visitor as visitor_id,
                epoch_us(min(events.occurred_at)) as first_us
            from _events as events
            where _visited
            group by _visitor
        ) as firsts
        join (select unnest(_starts) as from_us) as windows
            on firsts.first_us >= windows.from_us and firsts.first_us < windows.from_us + _effect
        group by firsts.visitor_id
        """,
        events=events.name,
        visitor=visitor_of(events),
        visited=filled(visited, events.columns),
        starts=exp.Array(expressions=starts),
        effect=effect * MINUTE_US,
    )


def _visits(
    events: Events, visited: Step, linked: str, echoes: str, first: int
) -> list[tuple[int, str | None, int, bool]]:
    channel: exp.Expr = exp.cast(exp.null(), "varchar")
    if CHANNEL in events.columns:
        channel = statement(
            "select nullif(trim(cast(_one as varchar)), '')", one=column(CHANNEL, of=EVENTS)
        ).expressions[0]
    query = statement(
        """
        /* one row a minute and channel with unlinked visits, echoes apart */
        select
            cast(floor(epoch_us(events.occurred_at) / _minute) as bigint) - _first as minute,
            _channel as channel,
            count(*) as visits,
            coalesce(epoch_us(events.occurred_at) >= echoes.over_us, false) as is_echo
        from _events as events
        left join _linked as linked
            on _visitor = linked.visitor_id
        left join _echoes as echoes
            on _visitor = echoes.visitor_id
        where _visited and (linked.linked_us is null or epoch_us(events.occurred_at) < linked.linked_us)
        group by all
        order by all
        """,
        events=events.name,
        visitor=visitor_of(events),
        visited=filled(visited, events.columns),
        linked=linked,
        echoes=echoes,
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


def _signatures(trees: Forest, linked: str, echoes: str, *, is_echo: bool) -> exp.Expr:
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
        left join _echoes as echoes
            on signers.visitor_id = echoes.visitor_id
        where (linked.linked_us is null or signers.signed_us < linked.linked_us)
            and coalesce(signers.signed_us >= echoes.over_us, false) = _is_echo
        """,
        signers=trees.signers,
        linked=linked,
        echoes=echoes,
        is_echo=exp.true() if is_echo else exp.false(),
    )


def _minutes(events: Events, signatures: exp.Expr, first: int, minutes: int) -> list[Counts]:
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
    return arrays


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
