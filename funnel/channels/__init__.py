"""The channel of every event, from tags, click ids and referrers, where the source gives none."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from funnel.channels.classifying import DERIVED, classified
from funnel.channels.tables import tables
from funnel.conditions import quoted
from funnel.definition import microseconds
from funnel.errors import ColumnError, listed
from funnel.events import Events, new_name
from funnel.statements import sql

__all__ = ["with_channels"]

READ = ("source", "medium", "campaign", "referrer_host", "referrer", "landing_page")


def with_channels(
    events: Events,
    *,
    own_hosts: Sequence[str] = (),
    hosts: Mapping[str, str] | None = None,
    session: str | timedelta = "30 minutes",
) -> Events:
    """Return the events with the columns `channel`, `source` and `medium`, derived where they have no channel.

    Read are `source`, `medium` and `campaign` (tags, also in the query of the landing page), click ids in that query,
    `referrer_host` or `referrer`; those that the events have. A channel the events already give stays, with its
    source and medium. `own_hosts` are the campaign's own sites, subdomains included; `hosts` gives other hosts a
    channel, as in `{"harbourpost.example": "press"}`, before the package's own table.

    The first that fits: the channel given; a medium that says it is paid; an advertisement's click id (gclid, ttclid
    ...); the medium; the tagged source; the click id of a site that marks every link (fbclid ...); the referrer's host,
    by the longest entry it ends in; "other" for tags nobody knows, "referral" for such a host. An event that names
    nobody, or one's own site, a payment or a redirect, keeps what the visitor's session had before, else it is
    "direct". A session is the `session_id`, where there is one, or lasts until `session` passes without an event.
    docs/channels.md has every rule.

    `source` and `medium` are then in one spelling (`fb`, `Facebook` and `m.facebook.com` are "facebook"), null for
    direct. Nothing is copied: the events stay a view, which works channels out when a question asks for them.

    Raises ColumnError when there is nothing to read, DefinitionError for what is no host, channel or length of time.
    """
    known = tables(own_hosts, hosts or {})
    pause = microseconds(session, argument="session")
    spelled = {name.casefold(): name for name in events.columns}
    names = {each: spelled[each] for each in (*DERIVED, *READ, "session_id") if each in spelled}
    if not any(each in names for each in READ):
        raise ColumnError(
            "No column says how visitors came: 'source', 'medium', 'campaign', 'referrer_host', 'referrer' or"
            f" 'landing_page'. Name one with columns= of connect. Known: {listed(sorted(events.columns))}."
        )
    view = new_name("events")
    query = classified(events.name, events.columns, names, known, pause)
    events.connection.execute(f"create temp view {quoted(view)} as {sql(query)}")
    kept = {name: kind for name, kind in events.columns.items() if name.casefold() not in DERIVED}
    derived = {names.get(each, each): "VARCHAR" for each in DERIVED}
    return replace(events, name=view, columns={**kept, **derived})
