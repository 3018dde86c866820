"""Mentions as the question takes them: given in code, or read from the table beside the events; and when each aired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from funnel.conditions import quoted
from funnel.errors import DataError, DefinitionError
from funnel.events import Events, checked_timezone, epoch_us, instant


@dataclass(frozen=True)
class Mention:
    """A media piece given in code: its name, and when it aired or appeared.

    Times without an offset are on the clock of `timezone`. What has no length, such as an article, needs no `aired_to`.
    `reshared_link` is the link by which the piece was shared again; `audience` how many saw, heard or read it.

    >>> Mention("tv-01", aired_from="2018-01-21 20:40", timezone="America/Toronto").mention
    'tv-01'
    """

    mention: str
    aired_from: str | date
    aired_to: str | date | None = None
    timezone: str | None = None
    kind: str | None = None
    outlet: str | None = None
    audience: float | None = None
    reshared_link: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.mention, str) or not self.mention.strip():
            raise DefinitionError(f"mention={self.mention!r} is no name. Give for example Mention('tv-01', ...).")
        if self.timezone is not None:
            checked_timezone(self.timezone)
        if self.audience is not None and not self.audience > 0:
            raise DefinitionError(
                f"audience={self.audience!r} is no number of people. Give one above 0, or leave it out."
            )
        began, ended = self._moments()
        if ended < began:
            raise DefinitionError(
                f"Mention '{self.mention}' ends before it begins: aired_to {self.aired_to} is before aired_from"
                f" {self.aired_from}. Swap them, or leave aired_to out for what has no length."
            )

    def _moments(self) -> tuple[datetime, datetime]:
        began = instant(self.aired_from, self.timezone, argument="aired_from")
        return began, began if self.aired_to is None else instant(self.aired_to, self.timezone, argument="aired_to")

    def aired(self, timezone: str) -> Aired:
        """Return when it aired; `timezone` is the zone of its clock where it has none of its own."""
        began, ended = map(epoch_us, self._moments())
        zone = self.timezone or timezone
        return Aired(
            self.mention.strip(), self.kind, self.outlet, zone, began, ended, self.reshared_link, self.audience
        )


@dataclass(frozen=True)
class Aired:
    """A mention on the clock: `zone` is that of its clock hours, times are microseconds since 1970."""

    name: str
    kind: str | None
    outlet: str | None
    zone: str
    from_us: int
    to_us: int
    link: str | None
    audience: float | None


def every_mention(events: Events, given: Sequence[Mention]) -> tuple[Aired, ...]:
    """Return the mentions given, else those of the table beside the events, in order of time, then of name."""
    if given:
        found = [each.aired(events.timezone) for each in given]
    elif "mentions" in events.tables:
        found = _of_table(events)
    else:
        raise DataError(
            "Nothing says what was aired: there is no table of mentions beside the events. Give"
            " funnel.connect(source, mentions='mentions.csv'), or Mentions(mentions=[funnel.Mention('tv-01',"
            " aired_from='2018-01-21 20:40', timezone='America/Toronto')])."
        )
    if not found:
        raise DataError("The table of mentions beside the events is empty. Give it a row a mention.")
    return tuple(sorted(found, key=lambda each: (each.from_us, each.name)))


def _of_table(events: Events) -> list[Aired]:
    # One row a mention.
    query = f"""
        select
            mention,
            kind,
            outlet,
            coalesce(timezone, $zone) as zone,
            epoch_us(aired_from) as from_us,
            epoch_us(aired_to) as to_us,
            reshared_link,
            audience
        from {quoted(events.tables["mentions"])}
        order by all
    """
    rows = events.connection.execute(query, {"zone": events.timezone}).fetchall()
    found = []
    for *told, audience in rows:
        name, kind, outlet, zone, from_us, to_us, link = told
        found.append(Aired(name, kind, outlet, zone, from_us, to_us, link, audience))
    return found
