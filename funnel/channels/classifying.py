"""The statement that gives every event its channel, source and medium."""

from collections.abc import Mapping

from sqlglot import exp

from funnel.channels.reading import click, entry, folded, host, parameter, told
from funnel.channels.tables import Rows, Tables
from funnel.statements import column, named, statement, text

DERIVED = ("channel", "source", "medium")


def classified(
    events: str, columns: Mapping[str, str], names: Mapping[str, str], known: Tables, pause: int
) -> exp.Expr:
    """Return the events with their channel, source and medium: one row an event, all other columns as they are.

    `columns` are the events' own; `names` maps ours to them, those they have. A visitor's session is over after `pause`
    microseconds without an event.
    """
    kept = [column(each, of="placed") for each in columns if each not in {names.get(one) for one in DERIVED}]
    derived = [named(column(each, of="placed"), names.get(each, each)) for each in DERIVED]
    said = _said(_read(_given(events, names), known))
    return statement(
        """
        /* one row an event */
        select
            _columns
        from _placed as placed
        """,
        placed=_placed(said, names, pause),
        columns=[*kept, *derived],
    )


def _given(events: str, names: Mapping[str, str]) -> exp.Query:
    """One row an event: what it says, null where it says nothing. Our columns begin with `funnel_` until the end."""
    texts = {each: told(column(name, of="events")) for each, name in names.items()}
    page, referrer = texts.get("landing_page"), texts.get("referrer")
    tags = {
        each: exp.func(
            "coalesce", *filter(None, [texts.get(each), page and parameter(page, f"utm_{each}")]), exp.null()
        )
        for each in ("source", "medium", "campaign")
    }
    hosts = [host(each) for each in (texts.get("referrer_host"), referrer) if each]
    return statement(
        """
        select
            events.*,
            nullif(trim(cast(_channel as varchar)), '') as funnel_given,
            cast(_source as varchar) as funnel_raw_source,
            cast(_medium as varchar) as funnel_raw_medium,
            cast(_tag as varchar) as funnel_tag,
            cast(_way as varchar) as funnel_way,
            cast(_campaign as varchar) as funnel_campaign,
            cast(_page as varchar) as funnel_page,
            cast(_host as varchar) as funnel_host,
            cast(_own as varchar) as funnel_own
        from _events as events
        """,
        events=events,
        **{each: column(names[each], of="events") if each in names else exp.null() for each in DERIVED},
        tag=tags["source"],
        way=tags["medium"],
        campaign=tags["campaign"],
        page=page or exp.null(),
        host=exp.func("coalesce", *hosts, exp.null()),
        own=host(page) if page else exp.null(),
    )


def _read(given: exp.Query, known: Tables) -> exp.Query:
    """One row an event: what the tables say of it. A source that brings nobody is null, and `funnel_through` is true."""
    tag, way, page, seen = (column(f"funnel_{each}", of="given") for each in ("tag", "way", "page", "host"))
    keyed = statement(
        """
        select
            given.*,
            coalesce(case when contains(_tag, '.') then _entry_of_tag end, _folded_tag) as funnel_tag_key,
            _folded_way as funnel_way_key,
            _ad as funnel_ad_key,
            _click as funnel_click_key,
            case when contains(_seen, '.') then _entry_of_host else _folded_host end as funnel_host_key
        from _given as given
        """,
        given=given,
        tag=tag,
        entry_of_tag=entry(host(tag), ending=known.ending, stems=known.stems),
        folded_tag=folded(tag),
        folded_way=folded(way),
        ad=click(page, [name for name, *_ in known.ads]),
        click=click(page, [name for name, *_ in known.clicks]),
        seen=seen,
        entry_of_host=entry(seen, ending=known.ending, stems=known.stems),
        folded_host=folded(seen),
    )
    found = statement(
        """
        select
            keyed.*,
            _tag as funnel_tag_found,
            _way as funnel_way_found,
            _ad as funnel_ad_found,
            _click as funnel_click_found,
            _seen as funnel_host_found
        from _keyed as keyed
        """,
        keyed=keyed,
        tag=_looked_up("funnel_tag_key", known.names, "source", "channel"),
        way=_looked_up("funnel_way_key", known.mediums, "medium", "channel", "rule"),
        ad=_looked_up("funnel_ad_key", known.ads, "source", "channel", "medium"),
        click=_looked_up("funnel_click_key", known.clicks, "source", "channel"),
        seen=_looked_up("funnel_host_key", known.hosts, "source", "channel"),
    )
    told_apart = statement(
        """
        select
            found.*,
            coalesce(found.funnel_tag_found.channel in ('own', 'passage'), false) as funnel_tag_through,
            coalesce(
                found.funnel_host_found.channel in ('own', 'passage') or found.funnel_host = found.funnel_own, false
            ) as funnel_host_through
        from _found as found
        """,
        found=found,
    )
    return statement(
        """
        select
            apart.*,
            case when not apart.funnel_tag_through then apart.funnel_tag_found.channel end as funnel_named,
            case
                when apart.funnel_click_found is not null then apart.funnel_click_found.source
                when not apart.funnel_host_through then coalesce(apart.funnel_host_found.source, apart.funnel_host)
            end as funnel_origin,
            case
                when apart.funnel_click_found is not null then apart.funnel_click_found.channel
                when not apart.funnel_host_through then apart.funnel_host_found.channel
            end as funnel_came,
            apart.funnel_tag_through or apart.funnel_host_through as funnel_through
        from _apart as apart
        """,
        apart=told_apart,
    )


def _said(read: exp.Query) -> exp.Query:
    """One row an event: channel, source and medium together, null where it does not say who brought the visitor.

    The first that fits decides: see the package.
    """
    decided = statement(
        """
        select
            read.*,
            case
                when read.funnel_given is not null then read.funnel_given
                when read.funnel_way_found.rule = 'paid' then read.funnel_way_found.channel
                when read.funnel_ad_found.channel is not null then read.funnel_ad_found.channel
                when read.funnel_way_found.rule = 'always' then read.funnel_way_found.channel
                when read.funnel_tag_through then null
                when read.funnel_way_found.rule = 'bought' then
                    case coalesce(read.funnel_named, read.funnel_came)
                        when 'search' then 'paid search'
                        when 'social' then 'paid social'
                        when 'messaging' then 'paid social'
                        when 'video' then 'paid social'
                        else read.funnel_way_found.channel
                    end
                when read.funnel_way_found.rule = 'by source'
                    then coalesce(read.funnel_named, read.funnel_came, read.funnel_way_found.channel)
                when coalesce(read.funnel_named, read.funnel_came) is not null
                    then coalesce(read.funnel_named, read.funnel_came)
                when read.funnel_tag is not null or read.funnel_way is not null then 'other'
                when read.funnel_origin is not null then 'referral'
                when read.funnel_campaign is not null and not read.funnel_through then 'other'
            end as funnel_channel
        from _read as read
        """,
        read=read,
    )
    return statement(
        """
        select
            decided.*,
            case
                when decided.funnel_given is not null then {
                    'channel': decided.funnel_channel,
                    'source': decided.funnel_raw_source,
                    'medium': decided.funnel_raw_medium
                }
                when decided.funnel_channel is not null then {
                    'channel': decided.funnel_channel,
                    'source': coalesce(
                        decided.funnel_ad_found.source,
                        decided.funnel_tag_found.source,
                        lower(decided.funnel_tag),
                        decided.funnel_origin
                    ),
                    'medium': coalesce(
                        decided.funnel_way_found.medium,
                        decided.funnel_ad_found.medium,
                        lower(decided.funnel_way),
                        case decided.funnel_channel
                            when 'search' then 'organic'
                            when 'social' then 'social'
                            when 'email' then 'email'
                            when 'messaging' then 'messaging'
                            when 'display' then 'display'
                            when 'print' then 'print'
                            when 'other' then null
                            else 'referral'
                        end
                    )
                }
            end as funnel_said
        from _decided as decided
        """,
        decided=decided,
    )


def _placed(said: exp.Query, names: Mapping[str, str], pause: int) -> exp.Query:
    """One row an event: with the channel, source and medium it says, or keeps from before in the session, or direct.

    Events of one instant see what any of them says; of several, one keeps the greatest, so no order of rows matters.
    """
    session = column(names["session_id"], of="runs") if "session_id" in names else None
    kept = """
        last_value(runs.funnel_said ignore nulls) over (
            partition by runs.visitor_id, _part
            order by runs.occurred_at, runs.funnel_said nulls last
            rows between unbounded preceding and current row
        )
    """
    in_run = statement(f"select {kept}", part=column("funnel_run", of="runs")).expressions[0]
    in_session = statement(f"select {kept}", part=session).expressions[0] if session else exp.null()
    followed = statement(
        """
        select
            said.*,
            lag(said.occurred_at) over (partition by said.visitor_id order by said.occurred_at) as funnel_before
        from _said as said
        """,
        said=said,
    )
    runs = statement(
        """
        select
            followed.*,
            count(*) filter (where epoch_us(followed.occurred_at) - epoch_us(followed.funnel_before) > _pause) over (
                partition by followed.visitor_id
                order by followed.occurred_at
            ) as funnel_run
        from _followed as followed
        """,
        followed=followed,
        pause=pause,
    )
    kept_rows = statement(
        """
        select
            runs.*,
            _in_run as funnel_in_run,
            _in_session as funnel_in_session,
            _session is not null as funnel_has_session
        from _runs as runs
        """,
        runs=runs,
        in_run=in_run,
        in_session=in_session,
        session=session or exp.null(),
    )
    chosen = statement(
        """
        select
            kept.*,
            case
                when kept.funnel_said is not null then kept.funnel_said
                when kept.funnel_through then coalesce(kept.funnel_in_run, _in_session)
                when kept.funnel_has_session then _in_session
                else kept.funnel_in_run
            end as funnel_chosen
        from _kept as kept
        """,
        kept=kept_rows,
        in_session=column("funnel_in_session", of="kept") if session else exp.null(),
    )
    replaced = [column(names[each]) for each in DERIVED if each in names]
    return statement(
        """
        select
            chosen.* exclude (_replaced),
            coalesce(chosen.funnel_chosen.channel, 'direct') as channel,
            chosen.funnel_chosen.source as source,
            chosen.funnel_chosen.medium as medium
        from _chosen as chosen
        """
        if replaced
        else """
        select
            chosen.*,
            coalesce(chosen.funnel_chosen.channel, 'direct') as channel,
            chosen.funnel_chosen.source as source,
            chosen.funnel_chosen.medium as medium
        from _chosen as chosen
        """,
        chosen=chosen,
        replaced=replaced,
    )


def _looked_up(key: str, rows: Rows, *fields: str) -> exp.Expr:
    """Return what a table says of a key, as a structure; null when it has no such key.

    A map, because a join stays in every later query on the events, even in those that ask for no channel.
    """
    values = [
        exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier(name), expression=text(cell))
                for name, cell in zip(fields, row, strict=True)
            ]
        )
        for _, *row in rows
    ]
    table = exp.Map(keys=exp.Array(expressions=[text(row[0]) for row in rows]), values=exp.Array(expressions=values))
    return exp.Bracket(this=table, expressions=[column(key, of="keyed")])
