"""Day by day: what the days of a mention had above what other days foretell, by two models of the series."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from funnel.conditions import condition_sql
from funnel.errors import DataError
from funnel.excess.comparable import Clock
from funnel.excess.counting import Tally
from funnel.excess.measures import Looked
from funnel.excess.windows import Window
from funnel.forest import visitor_of
from funnel.marks import EVENTS, filled
from funnel.statements import sql, statement, text
from funnel.stats.interrupted import Interruption, interrupted_series
from funnel.stats.local_level import StructuralEffect, structural_effect

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAYS = (
    "model",
    "on",
    "observed",
    "counterfactual",
    "counterfactual_low",
    "counterfactual_high",
    "excess",
    "excess_low",
    "excess_high",
    "cumulative",
    "cumulative_low",
    "cumulative_high",
    "is_effect",
)
SERIES, LEVEL = "interrupted series", "local level"
FEWEST_DAYS, ENOUGH_FOR_TREND, ENOUGH_FOR_WEEKENDS, ENOUGH_FOR_WEEKDAYS = 4, 6, 10, 28
BEFORE_LEVEL = 5  # days before, below which no level is drawn from them
_MISSING = 15  # minutes that a whole day may lack


@dataclass(frozen=True, eq=False)
class Daily:
    """The series of one outcome by day, the days of the mention in it, and what both models say.

    `first` and `last` are positions in `days`. `left_out` are days beside the mention's that tell nothing: seen in
    part, with an outage, or another mention's. `shape` names what the series was fitted with. `level` is None where too
    few days precede the mention. `control` is the series of events that cannot have been touched. `shared` are other
    mentions of the same days, whose part is in the excess too.
    """

    outcome: str
    days: list[date]
    counts: Floats
    control: Floats | None
    first: int
    last: int
    left_out: Flags
    shape: tuple[str, ...]
    series: Interruption
    running: list[tuple[float, float, float]]
    level: StructuralEffect | None
    shared: tuple[str, ...] = ()


def daily(looked: Looked, window: Window, outcome: str, *, lasting: int, control: str | None) -> Daily:
    """Fit both models to the days; `lasting` is how many days from the mention's own on are its own."""
    tallied = looked.tally
    clock = Clock.of(window.mention.zone, tallied.first_minute, tallied.minutes)
    counts, untouched = _counts(tallied, clock, window.mention.zone, outcome, control)
    first = int(clock.day[window.start])
    last = min(first + lasting, len(counts)) - 1
    days = np.arange(len(counts))
    during = (days >= first) & (days <= last)
    is_part = _in_part(tallied, clock)
    others, shared = np.zeros(len(counts), dtype=bool), []
    for _, each in looked.windows:
        if each is not window:
            inside = slice(max(each.start, 0), max(each.end, 0))
            on = np.unique(clock.day[inside])
            others[on] = True
            shared += [each.mention.name] if during[on].any() else []
    left_out = is_part | (others & ~during)
    usable = ~left_out & ~during
    _check(window, usable, left_out[during], during, first)
    seen = np.where(left_out, math.nan, counts)
    shape, options = _shape(clock, usable, untouched)
    series = interrupted_series(seen, first=first, last=last, effect="free", **options)
    running = []
    for day in range(first, last + 1):
        until = np.where(during & (days > day), math.nan, seen)
        if not np.isfinite(until[first : day + 1]).any():
            running.append((math.nan, math.nan, math.nan))
            continue
        total = interrupted_series(until, first=first, last=last, effect="free", **options).cumulative
        running.append((float(total.value), float(total.low), float(total.high)))
    return Daily(
        outcome=outcome,
        days=clock.days,
        counts=counts,
        control=untouched,
        first=first,
        last=last,
        left_out=left_out,
        shape=shape,
        series=series,
        running=running,
        level=_level(seen, first, last, untouched),
        shared=tuple(shared),
    )


def days_of(found: Daily) -> pandas.DataFrame:
    """Return one row a model and day; docs/definitions.md has each column."""
    import pandas

    rows = [_row(SERIES, found, place) for place in range(len(found.days))]
    if found.level:
        rows += [_row(LEVEL, found, place) for place in range(found.first, found.last + 1)]
    return pandas.DataFrame(rows, columns=list(DAYS))


def _row(model: str, found: Daily, place: int) -> dict[str, Any]:
    during, since = found.first <= place <= found.last, place - found.first
    if model == LEVEL and found.level:
        effect, at = found.level, since
        running = (effect.cumulative.value, effect.cumulative.low, effect.cumulative.high)
        cumulative = tuple(float(np.asarray(each)[since]) for each in running)
        usual, excess = effect.counterfactual, effect.effect
    else:
        usual, excess, at = found.series.counterfactual, found.series.excess, place
        cumulative = found.running[since] if during else (math.nan, math.nan, math.nan)
    ends = {
        **{f"counterfactual{end}": value for end, value in _at(usual, at).items()},
        **{f"excess{end}": value for end, value in _at(excess, at).items()},
        **dict(zip(("cumulative", "cumulative_low", "cumulative_high"), cumulative, strict=True)),
    }
    return {
        "model": model,
        "on": found.days[place],
        "observed": found.counts[place],
        **ends,
        "is_effect": during,
    }


def _at(estimate: Any, place: int) -> dict[str, float]:
    ends = (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
    return {end: float(np.asarray(values)[place]) for end, values in ends}


def _counts(tallied: Tally, clock: Clock, zone: str, outcome: str, control: str | None) -> tuple[Floats, Floats | None]:
    """Return the count of each day, without the events of the control; and the control's own."""
    days = len(clock.place)
    whole = np.bincount(clock.day, tallied.every[outcome], days).astype(float)
    if control is None:
        return whole, None
    events = tallied.events
    condition = condition_sql(control, events.columns)
    for each in condition.find_all(exp.Column):
        each.set("table", exp.to_identifier(EVENTS))
    is_visit = outcome == tallied.outcomes[0]
    query = statement(
        """
        /* one row a day with unlinked events of the control */
        with counted as (
            select distinct
                _visitor as visitor_id,
                epoch_us(events.occurred_at) as at_us,
                _event as place
            from _events as events
            left join _linked as linked
                on _visitor = linked.visitor_id
            left join _signers as signers
                on _visitor = signers.visitor_id
            where _outcome and (_condition)
                and (linked.linked_us is null or epoch_us(events.occurred_at) < linked.linked_us)
                and (_is_visit or epoch_us(events.occurred_at) = signers.signed_us)
        )
        select
            datediff(
                'day',
                date '1970-01-01',
                cast(make_timestamptz(counted.at_us) at time zone _zone as date)
            ) as day,
            count(*) as events
        from counted
        group by all
        order by all
        """,
        events=events.name,
        linked=tallied.linked,
        signers=tallied.signers,
        visitor=visitor_of(events),
        # A visitor may visit twice at one instant, and signs once.
        event=statement("select row_number() over ()").expressions[0] if is_visit else exp.Literal.number(0),
        outcome=filled(tallied.visited if is_visit else tallied.signing, events.columns),
        condition=condition,
        is_visit=exp.true() if is_visit else exp.false(),
        zone=text(zone),
    )
    untouched = np.zeros(days)
    for day, count in events.connection.execute(sql(query)).fetchall():
        if 0 <= day - clock.first_day < days:
            untouched[day - clock.first_day] = count
    if not untouched.any() or np.all(untouched >= whole):
        part = "none" if not untouched.any() else "all"
        raise DataError(
            f"control={control!r} holds for {part} of the unlinked {outcome} events. Give a condition that holds for"
            " some of them: those that the mention cannot have touched, such as \"language = 'en'\"."
        )
    return whole - untouched, untouched


def _in_part(tallied: Tally, clock: Clock) -> Flags:
    """Return the days that were not seen whole: at either end of the data, or with an outage."""
    is_part = np.zeros(len(clock.place), dtype=bool)
    is_part[0] = clock.slot[0] > _MISSING
    is_part[-1] |= clock.slot[-1] < 1_439 - _MISSING
    is_part[np.unique(clock.day[tallied.is_out])] = True
    return is_part


def _check(window: Window, usable: Flags, left_out: Flags, during: Flags, first: int) -> None:
    name = window.mention.name
    if first == 0:
        raise DataError(
            f"Mention '{name}' is of the first day of the data, so no day before tells what was usual."
            " Ask about another, or give earlier events."
        )
    if left_out.all():
        raise DataError(
            f"None of the {int(during.sum())} days of mention '{name}' was seen whole. Give a longer `lasting`,"
            " or later events."
        )
    if usable.sum() < FEWEST_DAYS:
        raise DataError(
            f"Beside those of mention '{name}' and of others, {int(usable.sum())} days were seen whole, and"
            f" {FEWEST_DAYS} are needed. Give more events, or a shorter `lasting`."
        )


def _shape(clock: Clock, usable: Flags, control: Floats | None) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return what the series is fitted with, as far as its days allow: names, and the options of the fit."""
    number = int(usable.sum()) - (control is not None)
    shape: list[str] = []
    options: dict[str, Any] = {"trend": number >= ENOUGH_FOR_TREND}
    if options["trend"]:
        shape.append("trend")
    weekday = np.array([day.weekday() for day in clock.days])
    off = np.array([day in _holidays(clock) for day in clock.days])
    weekend = (weekday >= 5) | off
    regressors = []
    if number >= ENOUGH_FOR_WEEKDAYS and all((usable & (weekday == each)).sum() > 1 for each in range(7)):
        shape.append("weekdays")
        options["weekdays"] = weekday
        if (off & usable).any():
            shape.append("holidays")
            regressors.append(off.astype(float))
    elif number >= ENOUGH_FOR_WEEKENDS and 1 < (weekend & usable).sum() < usable.sum() - 1:
        shape.append("weekends")
        options["weekdays"] = weekend.astype(int)
    if control is not None:
        shape.append("control")
        regressors.append(np.log(control + 0.5))
    if regressors:
        options["regressors"] = np.column_stack(regressors)
    return tuple(shape), options


def _holidays(clock: Clock) -> set[date]:
    """Return the public holidays of Quebec in the years of the data."""
    import holidays

    return set(holidays.country_holidays("CA", subdiv="QC", years=sorted({day.year for day in clock.days})))


def _level(seen: Floats, first: int, last: int, control: Floats | None) -> StructuralEffect | None:
    """Return what a local level of the days before foretells; None where they are too few, or all alike."""
    if np.isfinite(seen[:first]).sum() < BEFORE_LEVEL:
        return None
    try:
        return structural_effect(
            seen[: last + 1], first=first, regressors=None if control is None else control[: last + 1]
        )
    except DataError:
        return None
