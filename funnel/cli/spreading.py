"""The commands about how a petition spreads: who brought whom, which relays, which media, which channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from funnel.cli.options import (
    AsJson,
    Columns,
    Cutoff,
    LanguageCode,
    MemoryLimit,
    MentionsTable,
    RelaysTable,
    Source,
    Table,
    Timezone,
    Where,
)
from funnel.cli.source import connected
from funnel.cli.speaking import as_typed, doing, print_table, sentences
from funnel.cli.typed import names
from funnel.shorthand import discount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnel.results import Result


def referrals(
    source: Source,
    of: Annotated[str, typer.Option(help="The event that is a signature.")] = "sign",
    shared: Annotated[str | None, typer.Option(help="The event by which a link becomes its visitor's.")] = None,
    window: Annotated[str, typer.Option(help="Whole days over which the reproduction number is read.")] = "3 days",
    as_json: AsJson = False,
    language: LanguageCode = "en",
    column: Columns = None,
    timezone: Timezone = None,
    cutoff: Cutoff = None,
    table: Table = None,
    where: Where = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Print who brought whom: whether it would grow without the media, signatures by generation, and the numbers."""
    with sentences("--of and --shared"), doing("Following the links"):
        from funnel.referrals import Referrals

        asked = Referrals(of=of, shared=shared, window=window)
        events = connected(source, column, timezone, cutoff, table, where, memory_limit)
        result = asked.measure(events, language=language)
    _tell(result, result.summary(), (result, result.over_time(), result.trees()), as_json)


def relays(
    source: Source,
    of: Annotated[str, typer.Option(help="The event that is a signature.")] = "sign",
    visited: Annotated[str, typer.Option(help="The event that is a visit.")] = "visit",
    named_by: Annotated[
        str, typer.Option(help="Columns that name a relay, by its name, link or code; the first that does.")
    ] = "relay,link_id",
    window: Annotated[str, typer.Option(help="Time from arrival within which a visitor must sign, as 7d.")] = "7 days",
    downstream: Annotated[
        str, typer.Option(help="What a signature further down counts: all, none, or 0.5 for half each generation.")
    ] = "all",
    launched_at: Annotated[
        str | None, typer.Option(help="When the petition went online; the first visit if not given.")
    ] = None,
    relays_table: RelaysTable = None,
    as_json: AsJson = False,
    language: LanguageCode = "en",
    column: Columns = None,
    timezone: Timezone = None,
    cutoff: Cutoff = None,
    table: Table = None,
    where: Where = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Print what each relay brought: visitors, signatures, those further down, before launch and after."""
    with sentences("--of and --visited"), doing("Following the relays"):
        from funnel.relays import Relays

        asked = Relays(
            of=of,
            visited=visited,
            named_by=names(named_by),
            window=window,
            downstream=discount(downstream, f"--downstream {downstream}"),
            launched_at=launched_at,
        )
        events = connected(source, column, timezone, cutoff, table, where, memory_limit, relays=relays_table)
        result = asked.measure(events, language=language)
    _tell(result, result.summary(), (result, result.waves(), result.first_day()), as_json)


def mentions(
    source: Source,
    of: Annotated[str, typer.Option(help="The event that is a signature.")] = "sign",
    visited: Annotated[str, typer.Option(help="The event that is a visit.")] = "visit",
    effect: Annotated[str, typer.Option(help="How long after it began a mention is given, as 3h.")] = "3 hours",
    baseline: Annotated[str, typer.Option(help="How many days before and after may be compared with.")] = "28 days",
    mentions_table: MentionsTable = None,
    as_json: AsJson = False,
    language: LanguageCode = "en",
    column: Columns = None,
    timezone: Timezone = None,
    cutoff: Cutoff = None,
    table: Table = None,
    where: Where = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Print what each media mention brought above what is usual, what its re-shared link brought again, and in all."""
    with sentences("--of and --visited"), doing("Counting around the mentions"):
        from funnel.mentions import Mentions

        asked = Mentions(of=of, visited=visited, effect=effect, baseline=baseline)
        events = connected(source, column, timezone, cutoff, table, where, memory_limit, mentions=mentions_table)
        result = asked.measure(events, language=language)
    _tell(result, result.summary(), (result, result.lives()), as_json)


def attribution(
    source: Source,
    to: Annotated[str, typer.Option(help="The event to credit.")] = "sign",
    by: Annotated[str, typer.Option(help="The column that says what was touched.")] = "channel",
    touch: Annotated[str, typer.Option(help="The event that is a touch.")] = "visit",
    lookback: Annotated[str, typer.Option(help="How long before it a touch counts, as 30d.")] = "30 days",
    models: Annotated[
        str | None, typer.Option(help="Some of the models, separated by commas; all if not given.")
    ] = None,
    as_json: AsJson = False,
    language: LanguageCode = "en",
    column: Columns = None,
    timezone: Timezone = None,
    cutoff: Cutoff = None,
    table: Table = None,
    where: Where = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Print how conversions are shared out over what was touched before them: a row a channel, a column a model.

    None of the models is causal. `--json` has the intervals, and what signers brought in turn.
    """
    with sentences("--to and --touch"), doing("Following the touches"):
        from funnel.attribution import Attribution
        from funnel.stats.credit import MODELS

        asked = Attribution(to=to, by=by, touch=touch, lookback=lookback, models=names(models) or MODELS)
        events = connected(source, column, timezone, cutoff, table, where, memory_limit)
        result = asked.measure(events, language=language)
    _tell(result, result.summary(), (result,), as_json)


def _tell(result: Result, summary: str, tables: Sequence[Result], as_json: bool) -> None:
    """Print an answer for people, its sentences first, or for a program."""
    if as_json:
        typer.echo(result.to_json())
        return
    from funnel.sections import table_for

    typer.echo(f"{summary}\n")
    for each in tables:
        print_table(table_for(each, each.words))
    for note in result.notes:
        typer.echo(f"- {as_typed(note)}")
