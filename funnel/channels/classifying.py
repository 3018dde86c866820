"""The statement that gives every event its channel, source and medium."""

from collections.abc import Mapping

from sqlglot import exp

from funnel.channels.reading import click, entry, folded, host, parameter, told
from funnel.channels.tables import Rows, Tables
from funnel.statements import column, statement, text

DERIVED = ("channel", "source", "medium")


def classified(
    events: str, columns: Mapping[str, str], names: Mapping[str, str], known: Tables, pause: int
) -> exp.Expr:
    """Return the events with their channel, source and medium: one row an event, all other columns as they are.

    `columns` are the events' own; `names` maps ours to them, those they have. A visitor's session is over after `pause`
    microseconds without an event. Until the end our own columns begin with `funnel_`, so that no other has their name.
    """
    replaced = {names[each] for each in DERIVED if each in names}
    answer = statement(
        """
        select
            _kept,
            coalesce(chosen.funnel_chosen.channel, 'direct') as channel,
            chosen.funnel_chosen.source as source,
            chosen.funnel_chosen.medium as medium
        from chosen
        """,
        kept=[column(each, of="chosen") for each in columns if each not in replaced],
    )
    for projection, each in zip(answer.expressions[-len(DERIVED) :], DERIVED, strict=True):
        projection.set("alias", exp.to_identifier(names.get(each, each), quoted=True))
    steps = {
        "given": _given(events, names),
        "keyed": _keyed(known),
        "found": _found(known),
        "apart": _apart(),
        "decided": _decided(),
        "said": _said(),
        "followed": _followed(),
        "runs": _runs(pause),
        "sessions": _sessions(names),
        "chosen": _chosen("session_id" in names),
    }
    tables = [exp.CTE(this=query, alias=exp.TableAlias(this=exp.to_identifier(name))) for name, query in steps.items()]
    answer.set("with_", exp.With(expressions=tables))
    return answer


def _given(events: str, names: Mapping[str, str]) -> exp.Expr:
    texts = {each: told(column(name, of="events")) for each, name in names.items()}
    page = texts.get("landing_page")
    tags = {}
    for each in ("source", "medium", "campaign"):
        written = [texts[each]] if each in texts else []
        tags[each] = _first(*written, *([parameter(page, f"utm_{each}")] if page else []))
    return statement(
        """
        /* one row an event: what it says, null where it says nothing */
        select
            events.*,
            nullif(trim(cast(_channel as varchar)), '') as funnel_given,
            cast(_source as varchar) as funnel_source,
            cast(_medium as varchar) as funnel_medium,
            _tag as funnel_tag,
            _way as funnel_way,
            _campaign as funnel_campaign,
            _page as funnel_page,
            _host as funnel_host,
            _own as funnel_own
        from _events as events
        """,
        events=events,
        **{each: column(names[each], of="events") if each in names else exp.null() for each in DERIVED},
        tag=tags["source"],
        way=tags["medium"],
        campaign=tags["campaign"],
        page=_first(*([page] if page else [])),
        host=_first(*(host(texts[each]) for each in ("referrer_host", "referrer") if each in texts)),
        own=_first(*([host(page)] if page else [])),
    )


def _keyed(known: Tables) -> exp.Expr:
    tag, way, page, seen = (column(f"funnel_{each}", of="given") for each in ("tag", "way", "page", "host"))
    return statement(
        """
        /* one row an event: what to look up in the tables */
        select
            given.*,
            coalesce(case when contains(_tag, '.') then _entry_of_tag end, _folded_tag) as funnel_tag_key,
            _folded_way as funnel_way_key,
            _ad as funnel_ad_key,
            _click as funnel_click_key,
            case when contains(_seen, '.') then _entry_of_host else _folded_host end as funnel_host_key
        from given
        """,
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


def _found(known: Tables) -> exp.Expr:
    """Look up by maps: a join stays in every later query on the events, even in those that ask for no channel."""
    return statement(
        """
        /* one row an event: what the tables say, as structures, null where they say nothing */
        select
            keyed.*,
            map_extract_value(_names, keyed.funnel_tag_key) as funnel_tagged,
            map_extract_value(_mediums, keyed.funnel_way_key) as funnel_by,
            map_extract_value(_ads, keyed.funnel_ad_key) as funnel_ad,
            map_extract_value(_clicks, keyed.funnel_click_key) as funnel_click,
            map_extract_value(_hosts, keyed.funnel_host_key) as funnel_seen
        from keyed
        """,
        names=_map(known.names, "source", "channel"),
        mediums=_map(known.mediums, "medium", "channel", "rule"),
        ads=_map(known.ads, "source", "channel", "medium"),
        clicks=_map(known.clicks, "source", "channel"),
        hosts=_map(known.hosts, "source", "channel"),
    )


def _apart() -> exp.Expr:
    return statement(
        """
        with through as (
            /* one row an event: whether its tag and its host bring nobody */
            select
                found.*,
                coalesce(found.funnel_tagged.channel in ('own', 'passage'), false) as funnel_tag_through,
                coalesce(
                    found.funnel_seen.channel in ('own', 'passage') or found.funnel_host = found.funnel_own,
                    false
                ) as funnel_host_through
            from found
        )
        /* one row an event: the channel of its tag, and where it came from by click id or host */
        select
            through.*,
            case when not through.funnel_tag_through then through.funnel_tagged.channel end as funnel_named,
            case
                when through.funnel_click is not null then through.funnel_click.source
                when not through.funnel_host_through then coalesce(through.funnel_seen.source, through.funnel_host)
            end as funnel_origin,
            case
                when through.funnel_click is not null then through.funnel_click.channel
                when not through.funnel_host_through then through.funnel_seen.channel
            end as funnel_came,
            through.funnel_tag_through or through.funnel_host_through as funnel_through
        from through
        """
    )


def _decided() -> exp.Expr:
    return statement(
        """
        /* one row an event: its channel, null where it does not say who brought the visitor; the first that fits */
        select
            apart.*,
            case
                when apart.funnel_given is not null then apart.funnel_given
                when apart.funnel_by.rule = 'paid' then apart.funnel_by.channel
                when apart.funnel_ad is not null then apart.funnel_ad.channel
                when apart.funnel_by.rule = 'always' then apart.funnel_by.channel
                when apart.funnel_tag_through then null
                when apart.funnel_by.rule = 'bought' then
                    case coalesce(apart.funnel_named, apart.funnel_came)
                        when 'search' then 'paid search'
                        when 'social' then 'paid social'
                        when 'messaging' then 'paid social'
                        when 'video' then 'paid social'
                        else apart.funnel_by.channel
                    end
                when apart.funnel_by.rule = 'by source'
                    then coalesce(apart.funnel_named, apart.funnel_came, apart.funnel_by.channel)
                when coalesce(apart.funnel_named, apart.funnel_came) is not null
                    then coalesce(apart.funnel_named, apart.funnel_came)
                when apart.funnel_tag is not null or apart.funnel_way is not null then 'other'
                when apart.funnel_origin is not null then 'referral'
                when apart.funnel_campaign is not null and not apart.funnel_through then 'other'
            end as funnel_channel
        from apart
        """
    )


def _said() -> exp.Expr:
    return statement(
        """
        /* one row an event: channel, source and medium together, null where it does not say */
        select
            decided.*,
            case
                when decided.funnel_given is not null then {
                    'channel': decided.funnel_channel,
                    'source': decided.funnel_source,
                    'medium': decided.funnel_medium
                }
                when decided.funnel_channel is not null then {
                    'channel': decided.funnel_channel,
                    'source': coalesce(
                        decided.funnel_ad.source,
                        nullif(decided.funnel_tagged.source, ''),
                        lower(decided.funnel_tag),
                        decided.funnel_origin
                    ),
                    'medium': coalesce(
                        decided.funnel_by.medium,
                        decided.funnel_ad.medium,
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
        from decided
        """
    )


def _followed() -> exp.Expr:
    return statement(
        """
        /* one row an event: when the visitor's event before it was */
        select
            said.*,
            lag(said.occurred_at) over (partition by said.visitor_id order by said.occurred_at) as funnel_before
        from said
        """
    )


def _runs(pause: int) -> exp.Expr:
    return statement(
        """
        /* one row an event: how many pauses the visitor made until then */
        select
            followed.*,
            count(*) filter (where epoch_us(followed.occurred_at) - epoch_us(followed.funnel_before) > _pause) over (
                partition by followed.visitor_id
                order by followed.occurred_at
            ) as funnel_run
        from followed
        """,
        pause=pause,
    )


def _sessions(names: Mapping[str, str]) -> exp.Expr:
    """Of events at one instant those that say something come first, by what they say: no order of rows matters."""
    kept = """
        select last_value(runs.funnel_said ignore nulls) over (
            partition by runs.visitor_id, _part
            order by runs.occurred_at, runs.funnel_said nulls last
            rows between unbounded preceding and current row
        )
    """
    session = column(names["session_id"], of="runs") if "session_id" in names else exp.null()
    by_session = statement(kept, part=session).expressions[0] if "session_id" in names else exp.null()
    return statement(
        """
        /* one row an event: the last that was said until then, since the last pause and in the session of this event */
        select
            runs.*,
            _since_pause as funnel_since_pause,
            _in_session as funnel_in_session,
            _session is not null as funnel_has_session
        from runs
        """,
        since_pause=statement(kept, part=column("funnel_run", of="runs")).expressions[0],
        in_session=by_session,
        session=session,
    )


def _chosen(has_sessions: bool) -> exp.Expr:
    in_session = column("funnel_in_session", of="sessions") if has_sessions else exp.null()
    return statement(
        """
        /* one row an event: what it says, else what it keeps */
        select
            sessions.*,
            case
                when sessions.funnel_said is not null then sessions.funnel_said
                when sessions.funnel_has_session and not sessions.funnel_through then _in_session
                else coalesce(sessions.funnel_since_pause, case when sessions.funnel_has_session then _in_session end)
            end as funnel_chosen
        from sessions
        """,
        in_session=in_session,
    )


def _first(*values: exp.Expr) -> exp.Expr:
    """Return the first of the texts that is not null; null without any."""
    return exp.func("coalesce", *values, exp.cast(exp.null(), "varchar"), dialect="duckdb")


def _map(rows: Rows, *fields: str) -> exp.Expr:
    """Return a table as a map from its key to a structure of the rest."""
    structures = [
        exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier(name), expression=text(cell))
                for name, cell in zip(fields, cells, strict=True)
            ]
        )
        for _, *cells in rows
    ]
    keys = [text(key) for key, *_ in rows]
    return exp.Map(keys=exp.Array(expressions=keys), values=exp.Array(expressions=structures))
