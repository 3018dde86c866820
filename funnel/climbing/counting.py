"""What is counted of climbers: who reached which rung, where they stood and went next, how they answered when asked.

All of it SQL; only counts come back, by group of `Grouped`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from funnel.climbing.climbers import Climbers, rows, rung_columns
from funnel.climbing.groups import Grouped
from funnel.climbing.rungs import Friend
from funnel.definition import Step
from funnel.forest import Forest
from funnel.marks import filled
from funnel.statements import count_where, least, named, number, sql, statement

MOST_ASKS = 3


@dataclass(frozen=True)
class Reached:
    """Of one group and rung: who entered, who reached it, whose highest it is, who reached only higher ones."""

    group: int
    rung: int
    visitors: int
    reached: int
    highest: int
    skipped: int


@dataclass(frozen=True, eq=False)
class Stays:
    """How long those who stood on a rung stood there: arrays of one length, a row for those who are alike.

    `seconds` to the next rung, or to the cutoff where `climbed` is 0; `visitors` is how many.
    """

    group: NDArray[np.int64]
    rung: NDArray[np.int64]
    seconds: NDArray[np.float64]
    climbed: NDArray[np.int64]
    visitors: NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """Of the n-th ask: who saw it, whose time is not up; of the others who answered, were harmed then or before."""

    asks: int
    visitors: int
    pending: int
    responded: int
    harmed: int
    harmed_before: int


def reached(found: Grouped) -> list[Reached]:
    """Count each group and rung: the largest group first, the rungs from the lowest."""
    columns = rung_columns(found.climbers)
    counted: list[exp.Expr] = []
    for place, one in enumerate(columns):
        higher = exp.or_(exp.false(), *(_is_known(other) for other in columns[place + 1 :]))
        counted.append(count_where(_is_known(one)))
        counted.append(count_where(exp.and_(_is_known(one), exp.not_(higher))))
        counted.append(count_where(exp.and_(exp.not_(_is_known(one)), higher)))
    query = statement(
        """
        /* one row a group */
        select
            climbers.group_place,
            count(*) as visitors,
            _counted
        from _grouped as climbers
        group by climbers.group_place
        order by climbers.group_place
        """,
        grouped=found.table,
        counted=[named(each, f"count_{place}") for place, each in enumerate(counted)],
    )
    told = rows(found.climbers, query)
    if not told and not found.by:
        told = [(0, 0, *[0] * len(counted))]
    return [
        Reached(group, rung, visitors, *counts[3 * rung : 3 * rung + 3])
        for group, visitors, *counts in told
        for rung in range(len(columns))
    ]


def moves(found: Grouped) -> dict[tuple[int, int | None], int]:
    """Count who stood on a rung by the next one they climbed to, by place; None for none yet."""
    query = statement(
        """
        /* one row a rung and the next */
        select
            stays.rung,
            stays.next_rung,
            count(*) as visitors
        from _stays as stays
        group by all
        """,
        stays=_stays(found),
    )
    return {(int(rung), following): int(visitors) for rung, following, visitors in rows(found.climbers, query)}


def stays(found: Grouped) -> Stays:
    """Return how long each rung was stood on, until the next or the cutoff."""
    query = statement(
        """
        /* one row a group, rung, length of the stay, and whether it ended */
        select
            stays.group_place,
            stays.rung,
            coalesce(stays.next_us, _cutoff) - stays.since_us as lasted_us,
            stays.next_us is not null as climbed,
            count(*) as visitors
        from _stays as stays
        group by all
        order by all
        """,
        stays=_stays(found),
        cutoff=found.climbers.cutoff_us,
    )
    read = found.climbers.connection.execute(sql(query)).fetchnumpy()
    group, rung, lasted, climbed, visitors = (
        np.asarray(read[name], dtype=np.int64) for name in ("group_place", "rung", "lasted_us", "climbed", "visitors")
    )
    return Stays(group, rung, lasted / 1e6, climbed, visitors)


def _stays(found: Grouped) -> exp.Query:
    """One row a visitor and rung that was their highest for a time.

    A rung is stood on when no higher one was reached before it; at one instant the lower comes first, so that a visit
    and a signature at once are a step from the one to the other. The next is the earliest of the higher ones.
    """
    columns = rung_columns(found.climbers)
    each: list[exp.Query] = []
    for place, one in enumerate(columns):
        higher = columns[place + 1 :]
        stood = [exp.or_(exp.Not(this=_is_known(other)), exp.GTE(this=other, expression=one)) for other in higher]
        next_us = least(higher) if higher else exp.cast(exp.null(), "bigint")
        next_rung = exp.Case()
        for beyond, other in enumerate(higher, place + 1):
            next_rung = next_rung.when(exp.EQ(this=other.copy(), expression=next_us.copy()), number(beyond))
        query = statement(
            """
            /* one row a visitor who stood on the rung */
            select
                climbers.group_place,
                cast(_place as integer) as rung,
                _since_us as since_us,
                _next_us as next_us,
                cast(_next_rung as integer) as next_rung
            from _grouped as climbers
            where _stood
            """,
            grouped=found.table,
            place=place,
            since_us=one,
            next_us=next_us,
            next_rung=next_rung if higher else exp.null(),
            stood=exp.and_(_is_known(one), *stood),
        )
        assert isinstance(query, exp.Query)
        each.append(query)
    return reduce(lambda one, other: exp.union(one, other, distinct=False, copy=False), each)


def _is_known(one: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=one.copy(), expression=exp.null()))


def asked(climbers: Climbers, asks: Step, response: Step, harm: Step, *, within_us: int) -> list[Asked]:
    """Count, of those who saw a first, second, third ask, who answered it, and who was harmed after it.

    An ask is an instant at which its event occurred. Its time runs from that instant, with it, to the next ask, without
    it, and no longer than `within_us`; that of the third runs on through later ones. 0 is the time from entry to the
    first ask, of those who were not asked at entry already. Rows are 0 to MOST_ASKS.
    """
    columns = climbers.events.columns
    query = statement(
        """
        with asked as (
            /* one row a visitor on the ladder and ask */
            select distinct
                events.visitor_id,
                epoch_us(events.occurred_at) as began_us
            from _events as events
            semi join _climbers as climbers
                on events.visitor_id = climbers.visitor_id
            where _asks
        ),
        numbered as (
            /* one row a visitor and ask, the first ones */
            select
                asked.visitor_id,
                asked.began_us,
                row_number() over (partition by asked.visitor_id order by asked.began_us) as asks
            from asked
            qualify asks <= _most
        ),
        firsts as (
            /* one row a visitor who was asked */
            select
                asked.visitor_id,
                min(asked.began_us) as first_us
            from asked
            group by asked.visitor_id
        ),
        begun as (
            /* one row a visitor and number of asks seen at once */
            select
                climbers.visitor_id,
                climbers.entered_us as began_us,
                0 as asks
            from _climbers as climbers
            left join firsts
                on climbers.visitor_id = firsts.visitor_id
            where firsts.first_us is null or firsts.first_us > climbers.entered_us
            union all
            select
                numbered.visitor_id,
                numbered.began_us,
                numbered.asks
            from numbered
        ),
        spells as (
            /* one row a visitor and number of asks seen, with the ask that ends it */
            select
                begun.*,
                lead(begun.began_us) over (partition by begun.visitor_id order by begun.asks) as ended_us
            from begun
        ),
        harms as (
            /* one row a visitor who was harmed */
            select
                events.visitor_id,
                epoch_us(min(events.occurred_at)) as harmed_us
            from _events as events
            where _harm
            group by events.visitor_id
        ),
        answers as (
            /* one row a visitor and number of asks seen that was answered */
            select distinct
                spells.visitor_id,
                spells.asks
            from spells
            join _events as events
                on spells.visitor_id = events.visitor_id
            where _response
                and epoch_us(events.occurred_at) >= spells.began_us
                and epoch_us(events.occurred_at) <= spells.began_us + _within
                and (spells.ended_us is null or epoch_us(events.occurred_at) < spells.ended_us)
        ),
        told as (
            /* one row a visitor and number of asks seen */
            select
                spells.asks,
                spells.began_us + _within > _cutoff as is_pending,
                answers.visitor_id is not null as is_answered,
                coalesce(harms.harmed_us < spells.began_us, false) as is_harmed_before,
                coalesce(
                    harms.harmed_us >= spells.began_us
                        and harms.harmed_us <= spells.began_us + _within
                        and (spells.ended_us is null or harms.harmed_us < spells.ended_us),
                    false
                ) as is_harmed
            from spells
            left join answers
                on spells.visitor_id = answers.visitor_id and spells.asks = answers.asks
            left join harms
                on spells.visitor_id = harms.visitor_id
        )
        /* one row a number of asks seen */
        select
            told.asks,
            count(*) as visitors,
            count(*) filter (where told.is_pending) as pending,
            count(*) filter (where not told.is_pending and told.is_answered) as responded,
            count(*) filter (where not told.is_pending and told.is_harmed) as harmed,
            count(*) filter (where not told.is_pending and told.is_harmed_before) as harmed_before
        from told
        group by told.asks
        """,
        events=climbers.events.name,
        climbers=climbers.table,
        asks=filled(asks, columns),
        response=filled(response, columns),
        harm=filled(harm, columns),
        most=MOST_ASKS,
        within=within_us,
        cutoff=climbers.cutoff_us,
    )
    found = {int(row[0]): Asked(*map(int, row)) for row in rows(climbers, query)}
    return [found.get(place, Asked(place, 0, 0, 0, 0, 0)) for place in range(MOST_ASKS + 1)]


def highest_of_signers(climbers: Climbers, trees: Forest) -> NDArray[np.int64]:
    """Return the place of the highest rung of each signer in a tree, in the order of their `Lineage`; -1 for none.

    The rung of bringing a friend is passed over: it would group signers by the very thing they are to be compared on.
    """
    highest = exp.Case()
    for place, one in reversed(list(enumerate(rung_columns(climbers)))):
        if not isinstance(climbers.rungs[place], Friend):
            highest = highest.when(_is_known(one), number(place))
    query = statement(
        """
        /* one row a signer in a tree */
        select coalesce(_highest, -1) as highest
        from _signers as signers
        left join _climbers as climbers
            on signers.visitor_id = climbers.visitor_id
        where signers.generation is not null
        order by signers.generation, signers.signed_us, cast(signers.visitor_id as varchar)
        """,
        highest=highest,
        signers=trees.signers,
        climbers=climbers.table,
    )
    found = climbers.connection.execute(sql(query)).fetchnumpy()["highest"]
    return np.asarray(found, dtype=np.int64)
