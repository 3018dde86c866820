"""Seeds: which relay brought a visitor, by its link, by its code, or by what the visitor answers.

An event names a relay when one of the columns in `named_by` does, the first of them that does. A value is a relay's
when it is its name, its link or one of its codes in the table of relays, blanks around it and case aside. Column
`relay` names whoever it says, in the table or not; without a table no other column names anybody.

Of a visitor who signs, only events until the first signature count, its instant included; of others, every event. The
first that names a relay wins; at one instant what is not a signature, then the lesser name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from funnel.conditions import known_column
from funnel.definition import Step
from funnel.errors import DataError, DefinitionError
from funnel.events import Events
from funnel.forest import Forest, visitor_of
from funnel.journey_table.scratch import Scratch
from funnel.marks import EVENTS, filled
from funnel.statements import column, sql, statement

USUAL_COLUMNS = ("relay", "link_id")
NAMING = "relay"


@dataclass(frozen=True)
class Seeds:
    """Which relay brought whom, as tables in the connection of the events.

    `arrivals`: one row a visitor for whom an event names a relay: visitor_id, relay (text), arrived_us (microseconds
    since 1970, of that event), is_declared (the event is the signature itself: a code, an answer).

    `relays`: one row a relay of the table beside the events, its columns always there; None without such a table.
    """

    forest: Forest
    arrivals: str
    relays: str | None


def seeds(trees: Forest, of: Step, *, named_by: Sequence[str] = USUAL_COLUMNS, scratch: Scratch) -> Seeds:
    """Return which relay brought whom; its tables are the scratch's, and go with it.

    Columns of `named_by` that the events lack name nobody, when they are the usual ones.

    Raises ColumnError for another column that does not exist, DataError where two relays have one name, link or code.
    """
    events = trees.events
    names = named(events, named_by)
    relays = events.tables.get("relays")
    with Scratch(events.connection) as work:
        spellings = work.make("table", "spellings", _spellings(relays))
        _refuse_shared(trees, spellings)
        arrivals = scratch.make("table", "arrivals", _arrivals(trees, of, names, spellings))
        work.drop()
    return Seeds(trees, arrivals, relays)


def check_named_by(named_by: object) -> tuple[str, ...]:
    """Return what names relays, one column or more; refuse what is no list of columns."""
    if not isinstance(named_by, Sequence) or isinstance(named_by, str) or not named_by:
        raise _no_columns(named_by)
    if not all(isinstance(each, str) for each in named_by):
        raise _no_columns(named_by)
    return tuple(named_by)


def _no_columns(named_by: object) -> DefinitionError:
    return DefinitionError(
        f"`named_by` takes the names of columns; got {named_by!r}. Give for example named_by=['relay', 'promo_code']."
    )


def named(events: Events, named_by: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that name relays, as the events have them."""
    named_by = check_named_by(named_by)
    usual = [each for each in named_by if each in USUAL_COLUMNS and each not in events.columns]
    return tuple(known_column(each, events.columns) for each in named_by if each not in usual)


def _spellings(relays: str | None) -> exp.Expr:
    """One row a way in which a relay is named: lower case, without blanks around it."""
    if relays is None:
        return statement("select null::varchar as spelling, null::varchar as relay where false")
    return statement(
        r"""
        /* one row a relay and way in which it is named */
        select distinct
            lower(trim(written.spelling)) as spelling,
            written.relay
        from (
            select relays.relay, relays.relay as spelling from _relays as relays
            union all
            select relays.relay, relays.link_id as spelling from _relays as relays
            union all
            select relays.relay, unnest(regexp_split_to_array(relays.code, '[,;]')) as spelling from _relays as relays
        ) as written
        where trim(written.spelling) <> ''
        """,
        relays=relays,
    )


def _refuse_shared(trees: Forest, spellings: str) -> None:
    query = statement(
        """
        /* one row a spelling that two relays share, the first of them alone */
        select
            spellings.spelling,
            min(spellings.relay) as one,
            max(spellings.relay) as other
        from _spellings as spellings
        group by spellings.spelling
        having count(*) > 1
        order by spellings.spelling
        limit 1
        """,
        spellings=spellings,
    )
    for spelling, one, other in trees.connection.execute(sql(query)).fetchall():
        raise DataError(
            f"Relays '{one}' and '{other}' share the name, link or code '{spelling}'."
            " Give each its own: whom it brought could not be told otherwise."
        )


def _arrivals(trees: Forest, of: Step, names: Sequence[str], spellings: str) -> exp.Expr:
    events = trees.events
    naming = [
        statement(
            """
            select
                _visitor as visitor_id,
                epoch_us(events.occurred_at) as arrived_us,
                (_signs) is true as is_declared,
                _place as place,
                trim(cast(_column as varchar)) as written,
                _is_name as is_name
            from _events as events
            where trim(cast(_column as varchar)) <> ''
            """,
            events=events.name,
            visitor=visitor_of(events),
            signs=filled(of, events.columns),
            place=exp.Literal.number(place),
            column=column(name, of=EVENTS),
            is_name=exp.true() if name == NAMING else exp.false(),
        )
        for place, name in enumerate(names)
    ]
    if not naming:
        return statement(
            """
            select
                signers.visitor_id,
                null::varchar as relay,
                0::bigint as arrived_us,
                false as is_declared
            from _signers as signers
            where false
            """,
            signers=trees.signers,
        )
    written = naming[0]
    for each in naming[1:]:
        written = exp.union(written, each, distinct=False)
    return statement(
        """
        with told as (
            /* one row an event and column that names a relay */
            select
                written.*,
                coalesce(spellings.relay, case when written.is_name then written.written end) as relay
            from _written as written
            left join _spellings as spellings
                on lower(written.written) = spellings.spelling
            left join _signers as signers
                on written.visitor_id = signers.visitor_id
            where signers.signed_us is null or written.arrived_us <= signers.signed_us
        ),
        found as (
            /* one row a visitor for whom an event names a relay */
            select
                told.visitor_id,
                min({
                    'arrived_us': told.arrived_us,
                    'is_declared': told.is_declared,
                    'place': told.place,
                    'relay': told.relay
                }) as earliest
            from told
            where told.relay is not null
            group by told.visitor_id
        )
        select
            found.visitor_id,
            found.earliest.relay as relay,
            found.earliest.arrived_us as arrived_us,
            found.earliest.is_declared as is_declared
        from found
        """,
        written=written,
        spellings=spellings,
        signers=trees.signers,
    )
