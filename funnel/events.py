"""Events: one checked event table on an engine."""

from __future__ import annotations

import hashlib
import html
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import duckdb

from funnel import quality
from funnel.conditions import condition_sql, known_column, quoted
from funnel.errors import DataError, DefinitionError, did_you_mean
from funnel.keeping import Kept

if TYPE_CHECKING:
    import pandas

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Every view has a name of its own, so that events derived from others share their connection.
NUMBERS = itertools.count(1)
SHOWN_NAMES = 8


@dataclass(frozen=True, eq=False, repr=False)
class Events:
    """One checked event table: a view, what is in it, and what was left out of it.

    A row of the view `name` is one event: `visitor_id` (as the source types it), `event` (text), `occurred_at` (an
    instant) and the other columns of the source. Rows that cannot be used are not in it: `refused` counts them by
    reason, `after_cutoff` counts the events later than the cutoff, and the view `aside_name` holds both, with the
    reason. So `rows + sum(refused.values()) + after_cutoff` is the number of rows of the source `connect` was given.

    Use one Events in one thread at a time: its connection runs one query at a time.

    `tables` names the tables beside the events in the connection: "relays", "mentions", as far as there are such.
    `cutoff` is the instant the data is complete to; `timezone` names the calendar days of results are in.

    `kept` holds what several questions stand on, made of these events once, such as who brought whom. It goes with
    them, and supposes that what they are read from stays as it is: connect again to data that has changed.
    """

    connection: duckdb.DuckDBPyConnection
    name: str
    aside_name: str
    columns: Mapping[str, str]
    cutoff: datetime
    cutoff_is_default: bool
    timezone: str
    names: Mapping[str, int]
    first_at: datetime
    last_at: datetime
    refused: Mapping[str, int]
    after_cutoff: int
    source: str
    source_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept, init=False)

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """The rows of each event's name; 0 for those that the source has and these events do not."""
        return {**dict.fromkeys(self.source_names, 0), **self.names}

    @property
    def rows(self) -> int:
        """The number of events."""
        return sum(self.names.values())

    @property
    def has_referrals(self) -> bool:
        """Whether a column says who brought whom: `referred_by`, or the links that are shared and come by."""
        return "referred_by" in self.columns or "link_id" in self.columns

    @cached_property
    def visitors(self) -> int:
        """The number of distinct visitors."""
        return int(self._value(f"select count(distinct visitor_id) from {quoted(self.name)}"))

    def column(self, name: str) -> str:
        """Return the column's name as the events have it; raise ColumnError when they have none such."""
        return known_column(name, self.columns)

    def where(self, condition: str | Mapping[str, object]) -> Events:
        """Return the events for which the condition is true.

        It is SQL (`"language = 'fr'"`), or a mapping of column to value or values (`{"channel": ["tv", "radio"]}`).
        The cutoff stays: what is complete to when does not depend on which events one looks at.
        """
        expression = condition_sql(condition, self.columns).sql("duckdb")
        return self._derived(expression, self.cutoff, f"events where {condition}")

    def between(self, start: str | date | None, end: str | date | None, *, timezone: str | None = None) -> Events:
        """Return the events from `start` on and before `end`; None leaves that side open.

        A date means the beginning of that day, in `timezone` (the events' own when not given). When `end` comes before
        the cutoff it becomes the cutoff: later events are not looked at, so no window can be known to close after it.
        """
        zone = checked_timezone(timezone or self.timezone)
        starts_at = self.first_at if start is None else instant(start, zone, argument="start")
        ends_at = self.last_at + timedelta(microseconds=1) if end is None else instant(end, zone, argument="end")
        if start is not None and end is not None and ends_at <= starts_at:
            raise DefinitionError(
                f"end={str(end)!r} is not after start={str(start)!r}. The end itself is not included."
            )
        condition = f"occurred_at >= {instant_sql(starts_at)} and occurred_at < {instant_sql(ends_at)}"
        cutoff = self.cutoff if end is None else min(self.cutoff, ends_at)
        return self._derived(condition, cutoff, f"events between {start} and {end}")

    def sql(self, statement: str) -> pandas.DataFrame:
        """Return what one SELECT statement gives; the events are the table `events` in it."""
        advice = 'Write one SELECT, such as "select event, count(*) from events group by all".'
        try:
            statements = duckdb.extract_statements(statement)
        except duckdb.Error as error:
            raise DefinitionError(f"The statement cannot be read: {said(error)}. {advice}") from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise DefinitionError(f"The statement is not one SELECT. {advice}")
        self.connection.execute(f"create or replace temp view events as select * from {quoted(self.name)}")
        try:
            return quality.as_frame(self.connection.sql(statements[0].query))
        except duckdb.Error as error:
            raise DefinitionError(f"The statement cannot be run: {said(error)}. {advice}") from None
        finally:
            self.connection.execute("drop view temp.events")

    def check(self) -> pandas.DataFrame:
        """Return the checks on these events, one row a check: check, rows, severity, meaning.

        First why rows of the source were set aside ("left out"), then what is doubtful in the events ("warning",
        "note"); "ok" when nothing was found. `offending(check)` returns the rows.
        """
        import pandas

        found = [*self._set_aside(), *quality.findings(self.connection, self.name, self.columns)]
        return pandas.DataFrame([vars(finding) for finding in found])

    def offending(self, check: str) -> pandas.DataFrame:
        """Return the rows that a check of `check()` found."""
        if check not in quality.SET_ASIDE:
            return quality.offending(self.connection, self.name, self.columns, check)
        # One row a row of the source that was set aside for this reason; occurred_at is as the source has it.
        found = f"""
            select * exclude ({quality.REASON})
            from {quoted(self.aside_name)}
            where {quality.REASON} = $reason
            order by all
        """
        return quality.as_frame(self.connection.sql(found, params={"reason": check}))

    def fingerprint(self) -> str:
        """Return 32 hexadecimal digits that are the same for the same rows and types, whatever their order and files.

        Made from the count of the rows and the sum of a hash of each: its columns in the order of their names, each
        value as text with its length before it, instants as microseconds since 1970.
        """
        texts = [_canonical(name, self.columns[name]) for name in sorted(self.columns)]
        row = ", ".join(f"strlen({text}), ':', {text}" for text in texts)
        # One row: how many events, and the sum of their hashes.
        sums = f"""
            select
                count(*),
                sum(md5_number_lower(concat({row})))
            from {quoted(self.name)}
        """
        content = (sorted(self.columns), *self.connection.execute(sums).fetchall()[0])
        return hashlib.sha256(repr(content).encode()).hexdigest()[:32]

    def __repr__(self) -> str:
        width = max(len(title) for title, _ in self._summary)
        head = f"Events of {self.source}"
        return "\n".join([head, *(f"  {title:<{width}}  {text}" for title, text in self._summary)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(title)}</th>'
            f'<td style="text-align:left">{html.escape(text)}</td></tr>'
            for title, text in self._summary
        )
        return f"<table><caption>Events of {html.escape(self.source)}</caption><tbody>{rows}</tbody></table>"

    @cached_property
    def _summary(self) -> list[tuple[str, str]]:
        """The lines of the summary: what it is about, and the text."""
        zone = ZoneInfo(self.timezone)
        first, last, cutoff = (
            f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (self.first_at, self.last_at, self.cutoff)
        )
        counted = [f"{name} {rows:,}" for name, rows in self.names.items()]
        more = [f"and {len(counted) - SHOWN_NAMES} more"] if len(counted) > SHOWN_NAMES else []
        others = [name for name in self.columns if name not in ("visitor_id", "event", "occurred_at")]
        default = " (the last event; no cutoff was given)" if self.cutoff_is_default else ""
        beside = [
            f"{self._value(f'select count(*) from {quoted(table)}'):,} {name}" for name, table in self.tables.items()
        ]
        return [
            ("rows", f"{self.rows:,} events of {self.visitors:,} visitors"),
            ("dates", f"{first} to {last} ({self.timezone})"),
            ("complete to", cutoff + default),
            ("events", ", ".join([*counted[:SHOWN_NAMES], *more])),
            ("columns", ", ".join(others) or "no others"),
            *([("beside", ", ".join(beside))] if beside else []),
            *[("left out", f"{found.rows:,} rows: {found.check}") for found in self._set_aside() if found.rows],
            *[(found.severity, f"{found.rows:,} rows: {found.check}") for found in self._quick_findings if found.rows],
            *[("note", note) for note in self.notes],
        ]

    @cached_property
    def _quick_findings(self) -> list[quality.Finding]:
        return quality.findings(self.connection, self.name, self.columns, quick=True)

    def _set_aside(self) -> list[quality.Finding]:
        return quality.set_aside({**self.refused, "after the cutoff": self.after_cutoff})

    def _derived(self, condition: str, cutoff: datetime, what: str) -> Events:
        view = new_name("events")
        selected = f"select * from {quoted(self.name)} where {condition}"
        try:
            self.connection.execute(f"create temp view {quoted(view)} as {selected}")
            names, first_at, last_at = contents(self.connection, view)
        except duckdb.Error as error:
            raise DefinitionError(f"No {what} can be taken: {said(error)}.") from None
        if first_at is None or last_at is None:
            raise DataError(f"There are no {what}. The {self.rows:,} events of {self.source} run from {self._span()}.")
        return replace(
            self,
            name=view,
            names=names,
            first_at=first_at,
            last_at=last_at,
            cutoff=cutoff,
            cutoff_is_default=self.cutoff_is_default and cutoff == self.cutoff,
        )

    def _span(self) -> str:
        zone = ZoneInfo(self.timezone)
        first, last = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (self.first_at, self.last_at))
        return f"{first} to {last} ({self.timezone})"

    def _value(self, statement: str) -> int:
        return int(self.connection.execute(statement).fetchall()[0][0])


def checked_events(events: object, asked: str) -> Events:
    """Return the events; refuse what are none. `asked` begins the sentence: "A funnel is"."""
    if not isinstance(events, Events):
        raise DefinitionError(
            f"{asked} measured over events; got {type(events).__name__}. Give funnel.connect(source)."
        )
    return events


def new_name(kind: str) -> str:
    """Return a name for a view or table that nothing else has."""
    return f"funnel_{kind}_{next(NUMBERS)}"


def contents(
    connection: duckdb.DuckDBPyConnection, view: str
) -> tuple[dict[str, int], datetime | None, datetime | None]:
    """Return the rows of each event's name (most first, then by name), and the first and last instant."""
    # One row an event name.
    counting = f"""
        select
            cast(events.event as varchar) as name,
            count(*) as rows,
            epoch_us(min(events.occurred_at)) as first_us,
            epoch_us(max(events.occurred_at)) as last_us
        from {quoted(view)} as events
        group by all
        order by rows desc, name
    """
    found = connection.execute(counting).fetchall()
    if not found:
        return {}, None, None
    names = {str(name): int(rows) for name, rows, _, _ in found}
    return names, from_epoch_us(min(row[2] for row in found)), from_epoch_us(max(row[3] for row in found))


def checked_timezone(name: str) -> str:
    """Return the name of the IANA time zone; raise DefinitionError when there is none such."""
    zones = available_timezones()
    if name not in zones:
        raise DefinitionError(
            f"No time zone named '{name}'. {did_you_mean(name, zones)}"
            "Give an IANA name, such as 'America/Toronto' or 'UTC'."
        )
    return name


def instant(value: str | date, timezone: str | None, *, argument: str) -> datetime:
    """Return the instant (UTC) that a date, a datetime or ISO text means; without an offset it is local to `timezone`.

    A date is the beginning of its day. An hour that comes twice is the second, one that is skipped is read as if
    clocks had not changed: of the two readings always the later, as DuckDB's `at time zone` does.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise DefinitionError(
                f"{argument}={value!r} is no date or time. Write it as 2018-01-14 or 2018-01-14 18:30."
            ) from None
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time.min)
    else:
        raise DefinitionError(f"{argument}={value!r} is no date or time. Write it as 2018-01-14 or 2018-01-14 18:30.")
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if timezone is None:
        raise DefinitionError(
            f"{argument}={str(value)!r} has no zone. Give timezone='America/Toronto' as well, or an offset as in "
            f"'{moment.isoformat(sep=' ')}+00:00'."
        )
    zone = ZoneInfo(timezone)
    return max(moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def epoch_us(moment: datetime) -> int:
    """Return microseconds since 1970-01-01 UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def instant_sql(moment: datetime) -> str:
    """Return the instant as a DuckDB expression."""
    return f"make_timestamptz({epoch_us(moment)})"


def from_epoch_us(microseconds: int) -> datetime:
    """Return the instant (UTC) of microseconds since 1970-01-01 UTC."""
    return EPOCH + timedelta(microseconds=microseconds)


def _canonical(name: str, kind: str) -> str:
    column = quoted(name)
    return (
        f"cast(epoch_us({column}) as varchar)" if kind == "TIMESTAMP WITH TIME ZONE" else f"cast({column} as varchar)"
    )


def said(error: duckdb.Error) -> str:
    """Return the first line of what the engine says, without the kind of error."""
    return str(error).splitlines()[0].split(": ", 1)[-1].strip().rstrip(".!")
