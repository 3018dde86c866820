"""The events that the options of a command mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.errors import DefinitionError

if TYPE_CHECKING:
    from funnel.events import Events


def connected(
    source: str,
    column: list[str] | None,
    timezone: str | None,
    cutoff: str | None,
    table: str | None,
    where: str | None,
    memory_limit: str | None,
    *,
    relays: str | None = None,
    mentions: str | None = None,
) -> Events:
    """Connect to the source as its options say; `where` narrows the events, the others are tables beside them."""
    from funnel.sources import connect

    events = connect(
        source,
        table=table,
        columns=mapping(column),
        timezone=timezone,
        cutoff=cutoff,
        memory_limit=memory_limit,
        relays=relays,
        mentions=mentions,
    )
    return events.where(where) if where else events


def mapping(pairs: list[str] | None) -> dict[str, str] | None:
    """Return our names and the source's, from visitor_id=user."""
    for pair in pairs or []:
        if "=" not in pair:
            raise DefinitionError(
                f"--column {pair} names one column. Give ours and the source's: --column visitor_id=user."
            )
    return dict(pair.split("=", 1) for pair in pairs) if pairs else None
