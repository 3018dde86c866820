"""The people on a ladder in groups: by what the event said with which they came, by wave, by what they were shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from funnel.climbing.climbers import Climbers, check_steps, fills, rows
from funnel.counts.groups import MOST_GROUPS, check_columns, too_many
from funnel.curves import local_day
from funnel.definition import Step, column_names
from funnel.events import Events
from funnel.journey_table.scratch import Scratch
from funnel.marks import EVENTS, filled
from funnel.statements import column, named, statement

WAVE = "wave"
# What a visitor was shown is written on the event that showed it, and on no earlier one.
SHOWN = ("variant", "experiment")


@dataclass(frozen=True)
class Grouping:
    """What people are grouped by, checked: columns of the events and "wave".

    `exposure` is the event that carries what was shown, `wave_days` the length of a wave.
    """

    by: tuple[str, ...]
    exposure: Step
    wave_days: int


@dataclass(frozen=True)
class Grouped:
    """Climbers in groups. `values`: those of the `by` columns of each group, the largest group first.

    `table` is that of the climbers, with a column `group_place`: the place of the visitor's group in `values`.
    """

    climbers: Climbers
    by: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    table: str


def grouping_of(
    events: Events, by: str | Sequence[str] | None, taken: set[str], *, exposure: Step, wave_days: int
) -> Grouping:
    """Check what people are to be grouped by; `taken` are names that results have for columns of their own."""
    given = column_names(by)
    names = tuple(dict.fromkeys(name if is_wave(name, events) else events.column(name) for name in given))
    check_columns(events, tuple(name for name in names if not is_wave(name, events)), taken)
    if set(names) & set(SHOWN):
        check_steps([exposure], events)
    return Grouping(names, exposure, wave_days)


def is_wave(name: str, events: Events) -> bool:
    """Tell whether a name means the wave of entry: where events have a column of that name, it means the column."""
    return name == WAVE and WAVE not in events.columns


def grouped(climbers: Climbers, grouping: Grouping, scratch: Scratch) -> Grouped:
    """Put climbers in groups; refuse more than MOST_GROUPS. Nobody is left out: what is null is a group."""
    last = climbers.table
    for place, name in enumerate(grouping.by):
        said = _said(climbers, name, grouping)
        last = scratch.make("table", "valued", _valued(last, said, place))
    keys = [column(f"by_{place}", of="climbers") for place, _ in enumerate(grouping.by)]
    groups = scratch.make("table", "groups", _groups(last, keys))
    values = rows(climbers, statement("select * exclude (place) from _groups order by place", groups=groups))
    if len(values) > MOST_GROUPS:
        raise too_many(grouping.by)
    table = scratch.make("table", "grouped", _placed(last, groups, len(keys)))
    return Grouped(climbers, grouping.by, tuple(row[1:] for row in values), table)


def _said(climbers: Climbers, name: str, grouping: Grouping) -> exp.Expr:
    if is_wave(name, climbers.events):
        return _waves(climbers, grouping.wave_days)
    return _shown(climbers, name, grouping.exposure) if name in SHOWN else _entering(climbers, name)


def _entering(climbers: Climbers, name: str) -> exp.Expr:
    """Of several entering events at one instant, that of the lowest rung; of several of these, the least value."""
    conditions = fills(climbers.rungs, climbers.events)
    rung = exp.Case()
    for place, condition in conditions.items():
        rung = rung.when(condition.copy(), exp.Literal.number(place))
    return statement(
        """
        /* one row a visitor on the ladder */
        select
            events.visitor_id,
            arg_min_null(_value, row(_rung, cast(_value as varchar))) as said
        from _events as events
        join _climbers as climbers
            on events.visitor_id = climbers.visitor_id
        where _any and epoch_us(events.occurred_at) = climbers.entered_us
        group by events.visitor_id
        """,
        events=climbers.events.name,
        climbers=climbers.table,
        value=_value(climbers.events, name),
        rung=rung,
        any=exp.or_(*conditions.values()),
    )


def _shown(climbers: Climbers, name: str, exposure: Step) -> exp.Expr:
    """Of what a visitor was shown the first; at one instant the least value."""
    return statement(
        """
        /* one row a visitor who was shown something */
        select
            events.visitor_id,
            arg_min(_value, row(events.occurred_at, cast(_value as varchar))) as said
        from _events as events
        where _exposure and _value is not null
        group by events.visitor_id
        """,
        events=climbers.events.name,
        value=_value(climbers.events, name),
        exposure=filled(exposure, climbers.events.columns),
    )


def _waves(climbers: Climbers, days: int) -> exp.Expr:
    return statement(
        """
        /* one row a visitor on the ladder: the first day of the wave */
        with entered as (
            select
                climbers.visitor_id,
                _day as entered_on,
                min(_day) over () as first_on
            from _climbers as climbers
        )
        select
            entered.visitor_id,
            entered.first_on + cast(datediff('day', entered.first_on, entered.entered_on) // _days * _days as integer)
                as said
        from entered
        """,
        climbers=climbers.table,
        day=local_day(climbers.events, column("entered_us", of="climbers")),
        days=days,
    )


def _value(events: Events, name: str) -> exp.Expr:
    """Return a column of the events; what is no number is null."""
    one: exp.Expr = column(name, of=EVENTS)
    if events.columns[name] not in ("FLOAT", "DOUBLE"):
        return one
    return statement("select case when not isnan(_one) then _one end", one=one).expressions[0]


def _valued(climbers: str, said: exp.Expr, place: int) -> exp.Expr:
    return statement(
        """
        /* one row a visitor */
        select
            climbers.*,
            _said
        from _climbers as climbers
        left join _values as found
            on climbers.visitor_id = found.visitor_id
        """,
        climbers=climbers,
        values=said,
        said=[named(column("said", of="found"), f"by_{place}")],
    )


def _groups(climbers: str, keys: list[exp.Column]) -> exp.Expr:
    return statement(
        """
        with counted as (
            /* one row a group */
            select
                count(*) as visitors,
                _keys
            from _climbers as climbers
            group by all
        )
        /* one row a group, up to one too many */
        select
            climbers.*,
            row_number() over (order by climbers.visitors desc, _keys) - 1 as place
        from counted as climbers
        order by place
        limit _limit
        """,
        climbers=climbers,
        keys=keys,
        limit=MOST_GROUPS + 1,
    )


def _placed(climbers: str, groups: str, keys: int) -> exp.Expr:
    alike = [
        exp.NullSafeEQ(this=column(f"by_{place}", of="climbers"), expression=column(f"by_{place}", of="groups"))
        for place in range(keys)
    ]
    return statement(
        """
        /* one row a visitor */
        select
            climbers.*,
            groups.place as group_place
        from _climbers as climbers
        join _groups as groups
            on _alike
        """,
        climbers=climbers,
        groups=groups,
        alike=exp.and_(exp.true(), *alike),
    )
