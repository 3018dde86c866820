"""Conversion over elapsed time: curves with those still waiting taken into account, cohorts, and times as a histogram.

All of it counts first attempts only, from the instant each one's clock started.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import sqlglot
from sqlglot import exp

from funnel.counts import plan_of, table_stages
from funnel.definition import UNITS
from funnel.events import Events
from funnel.journey_table import JourneyTable
from funnel.stages import Stage
from funnel.statements import column, count_where, least, sql, statement, text
from funnel.stats.survival import Incidence, aalen_johansen, homogeneity, horizon, stratified

if TYPE_CHECKING:
    import pandas

CURVE_COLUMNS = ("outcome", "after", "elapsed_seconds", "rate", "rate_low", "rate_high", "at_risk")
COHORT_COLUMNS = ("entered_on", "visitors", "age_days", "overall_rate")
TIME_COLUMNS = ("step", "after", "elapsed_from_seconds", "elapsed_to_seconds", "visitors")
POINTS = 40
SPANS = (
    0,
    10,
    30,
    60,
    120,
    300,
    600,
    1_800,
    3_600,
    10_800,
    21_600,
    43_200,
    *(86_400 * day for day in (1, 2, 3, 5, 7, 14, 30)),
)
FEWEST_IN_STRATUM = 30


@dataclass(frozen=True)
class Clock:
    """Something that may happen within a window of a start: the last step after entry, or the follow-ups after it."""

    after: str
    outcomes: tuple[str, ...]
    started_at: str
    condition: str
    ends: tuple[str, ...]
    window: int


@dataclass(frozen=True)
class Curve:
    """The curves of one clock: of how many, to how many something happened, and how far the strata agree."""

    frame: pandas.DataFrame
    started: int
    ended: int
    reach_seconds: float
    is_cut_short: bool
    homogeneity_p: float
    strata: int


def clocks(table: JourneyTable) -> list[Clock]:
    """Return the last step after entry (if there is more than one step), and the follow-ups after the last step."""
    plan, labels = plan_of(table), [stage.label for stage in table_stages(table) if stage.kind == "step"]
    found = []
    if plan.steps > 1:
        found.append(Clock(labels[0], (labels[-1],), "entered_at", "is_first", (f"step_{plan.steps}",), plan.window))
    if plan.follow_ups:
        ends = tuple(f"follow_up_{place}" for place in range(len(plan.follow_ups)))
        reached = f"is_first and depth = {plan.steps}"
        found.append(
            Clock(labels[-1], table.definition.follow_up_labels, "clock_at", reached, ends, plan.follow_up_window)
        )
    return found


def curve(table: JourneyTable, clock: Clock) -> Curve:
    """Return the Aalen-Johansen curves of one clock (one minus Kaplan-Meier for one outcome), stratified by entry day.

    Which follow-up comes first is what is followed; where several come at the same instant, that is an outcome of its
    own ("same time"). Days with fewer than FEWEST_IN_STRATUM starts are joined to their neighbours. The strata are put
    together in the mix of all starts, and no further than the time that every one of them has reached.
    """
    import pandas

    day, seconds, outcome, count = _followed(table, clock)
    if not len(day):
        return Curve(pandas.DataFrame(columns=list(CURVE_COLUMNS)), 0, 0, 0.0, False, np.nan, 0)
    stratum = _joined_days(day, count)
    names = [*clock.outcomes, "same time"]
    causes = len(clock.outcomes) + int((outcome > len(clock.outcomes)).any())
    strata = [_incidence(stratum == each, seconds, outcome, count, causes) for each in np.unique(stratum)]
    weights = [count[stratum == each].sum() for each in np.unique(stratum)]
    window = clock.window / 1e6
    reach = min(window, horizon(strata))
    grid = round_times(reach)
    whole = stratified(strata, weights, grid)
    test = homogeneity(seconds, outcome, stratum, count)
    frames = [_told(whole, cause, names[cause], clock.after) for cause in range(causes)]
    frame = pandas.concat(frames, ignore_index=True)
    ended = count[outcome > 0].sum()
    return Curve(frame, int(count.sum()), int(ended), reach, reach < window, test.p, len(strata))


def round_times(reach: float) -> np.ndarray:
    """Return the times a curve is read at: round ones, evenly over its length, and closer together at the beginning."""
    early = np.geomspace(1, reach, POINTS) if reach > 1 else np.zeros(0)
    rounded = [edge for edge in SPANS if edge <= reach]
    return np.unique(np.concatenate([np.linspace(0, reach, POINTS + 1), early, rounded]).clip(0, reach))


def _followed(table: JourneyTable, clock: Clock) -> tuple[np.ndarray, ...]:
    """Return entry day, seconds followed, outcome (0 none, 1 ... which, one more for several at once) and how many."""
    ends = [column(name) for name in clock.ends]
    cases = exp.Case()
    if len(ends) > 1:
        tied = exp.or_(
            *(
                exp.And(
                    this=exp.EQ(this=one.copy(), expression=column("ended_at")),
                    expression=exp.EQ(this=other.copy(), expression=column("ended_at")),
                )
                for place, one in enumerate(ends)
                for other in ends[place + 1 :]
            )
        )
        cases = cases.when(tied, exp.Literal.number(len(ends) + 1))
    for place, each in enumerate(ends, 1):
        cases = cases.when(exp.EQ(this=each.copy(), expression=column("ended_at")), exp.Literal.number(place))
    query = statement(
        """
        /* one row an entry day, length of follow-up and outcome */
        with followed as (
            select
                *,
                _started_at as began_at,
                _earliest as ended_at
            from _everyone as journeys
            where _condition
        )
        select
            datediff('day', date '1970-01-01', _day) as day,
            coalesce(ended_at, least(began_at + _window, _cutoff)) - began_at as lasted,
            case when ended_at is null then 0 else _outcome end as outcome,
            count(*) as journeys
        from followed
        group by all
        order by all
        """,
        started_at=clock.started_at,
        earliest=least(ends),
        condition=sqlglot.condition(clock.condition, dialect="duckdb"),
        everyone=table.everyone,
        day=local_day(table.events, column("began_at")),
        window=clock.window,
        cutoff=table.cutoff_us,
        outcome=cases,
    )

    found = table.connection.execute(sql(query)).fetchnumpy()
    day, lasted, outcome, count = (np.asarray(found[name]) for name in ("day", "lasted", "outcome", "journeys"))
    return day.astype(np.int64), lasted / 1e6, outcome.astype(np.int64), count.astype(np.int64)


def local_day(events: Events, moment: exp.Expr) -> exp.Expr:
    """Return the calendar day of an instant in microseconds, in the zone of the events."""
    return statement(
        "select cast(make_timestamptz(_moment) at time zone _zone as date)",
        moment=moment,
        zone=text(events.timezone),
    ).expressions[0]


def _joined_days(day: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return a stratum for each row: its day, or the run of days that a thin day was joined to.

    A stratum begins with a day once the one before has enough starts, and as many are left for this one.
    """
    days, place = np.unique(day, return_inverse=True)
    sizes = np.bincount(place, count, len(days))
    stratum = np.zeros(len(days), np.int64)
    held = 0
    for each in range(1, len(days)):
        size_before = sizes[stratum[:each].searchsorted(held) : each].sum()
        rest = sizes[each:].sum()
        if size_before >= FEWEST_IN_STRATUM and rest >= FEWEST_IN_STRATUM:
            held += 1
        stratum[each] = held
    return stratum[place]


def _incidence(
    chosen: np.ndarray, seconds: np.ndarray, outcome: np.ndarray, count: np.ndarray, causes: int
) -> Incidence:
    return aalen_johansen(seconds[chosen], outcome[chosen], count[chosen], causes=causes)


def _told(whole: Incidence, cause: int, outcome: str, after: str) -> pandas.DataFrame:
    import pandas

    values = (outcome, after, whole.time, whole.rate[cause], whole.low[cause], whole.high[cause], whole.at_risk)
    return pandas.DataFrame(dict(zip(CURVE_COLUMNS, values, strict=True)))


def cohorts(table: JourneyTable) -> pandas.DataFrame:
    """Return one row a day of entry and age: the share of that day's first attempts that came to the end by that age.

    `age_days` n: within n times 24 hours of entry, up to the window, and no further than the first day has been
    followed. Null where not every attempt of the day is that old at the cutoff.
    """
    import pandas

    plan = plan_of(table)
    day_us = UNITS["day"]
    oldest = -(-plan.window // day_us)
    query = statement(
        """
        /* one row a day of entry and the age at which its attempts came to the end, null for those that did not */
        select
            _day as entered_on,
            cast(ceil((_last - journeys.entered_at) / _one_day) as bigint) as age_days,
            count(*) as visitors,
            max(journeys.entered_at) as latest_at
        from _everyone as journeys
        where journeys.is_first
        group by all
        order by entered_on, age_days
        """,
        day=local_day(table.events, column("entered_at", of="journeys")),
        last="entered_at" if plan.steps == 1 else f"step_{plan.steps}",
        one_day=day_us,
        everyone=table.everyone,
    )
    rows: list[tuple] = []
    for entered_on, group in groupby(table.rows(query), key=lambda row: row[0]):
        ended = list(group)
        visitors, latest_at = sum(row[2] for row in ended), max(row[3] for row in ended)
        followed = table.cutoff_us - min(row[3] for row in ended)
        for age in range(1, max(min(oldest, followed // day_us + 1), 1) + 1):
            is_seen = latest_at + min(age * day_us, plan.window) <= table.cutoff_us
            converted = sum(count for _, age_days, count, _ in ended if age_days is not None and age_days <= age)
            rows.append((entered_on, visitors, age, converted / visitors if is_seen else None))
    return _same_ages(pandas.DataFrame(rows, columns=list(COHORT_COLUMNS)).astype({"overall_rate": float}))


def _same_ages(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Give every day the same ages: those that only older days have reached are null."""
    if frame.empty:
        return frame
    days = frame[["entered_on", "visitors"]].drop_duplicates()
    ages = frame[["age_days"]].drop_duplicates().sort_values("age_days")
    every = days.merge(ages, how="cross").merge(frame, on=["entered_on", "visitors", "age_days"], how="left")
    return every[list(COHORT_COLUMNS)]


def times_to_convert(table: JourneyTable) -> pandas.DataFrame:
    """Return one row a stage and span of time since the step before: how many first attempts took that long.

    Spans end at round times, shorter ones first: most who convert do so within minutes, the last after days. The last
    span ends with the window, its end included.
    """
    import pandas

    plan = plan_of(table)
    windows = {"follow-up": plan.follow_up_window / 1e6}
    rows = [
        row
        for stage in table_stages(table)
        if stage.after
        for row in _spans(table, stage, windows.get(stage.kind, plan.window / 1e6))
    ]
    return pandas.DataFrame(rows, columns=list(TIME_COLUMNS))


def _spans(table: JourneyTable, stage: Stage, longest: float) -> list[tuple]:
    starts = [edge for edge in SPANS if edge < longest]
    ends = [*starts[1:], longest]
    lasted = f"{stage.at} - {stage.since}"
    counted = [
        count_where(f"{stage.reached} and {lasted} >= {round(start * 1e6)} and {lasted} {less} {round(end * 1e6)}")
        for start, end in zip(starts, ends, strict=True)
        for less in ["<=" if end == longest else "<"]
    ]
    query = statement(
        """
        /* one row: how many in each span of time */
        select _counted from _walked as journeys where journeys.is_first
        """,
        counted=counted,
        walked=table.walked,
    )
    return [
        (stage.label, stage.after, float(start), float(end), visitors)
        for start, end, visitors in zip(starts, ends, table.rows(query)[0], strict=True)
    ]
