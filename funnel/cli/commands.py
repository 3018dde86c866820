"""The commands that measure a funnel, check events, and make a sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from funnel.cli.options import (
    TO_NAME,
    USUAL_STEPS,
    AsJson,
    By,
    Columns,
    Cutoff,
    Entry,
    FollowUps,
    FollowUpWindow,
    LanguageCode,
    MemoryLimit,
    Order,
    Source,
    Steps,
    Table,
    Ties,
    Timezone,
    Where,
    Window,
)
from funnel.cli.source import connected
from funnel.cli.speaking import as_typed, counting, doing, fraction, print_table, say, sentences
from funnel.cli.typed import given_options, names
from funnel.errors import DefinitionError

if TYPE_CHECKING:
    from funnel.funnels import Funnel

Notation = Annotated[
    str | None,
    typer.Argument(
        metavar="FUNNEL",
        help="The funnel in one line, instead of the options that define one:"
        " 'visit > sign > (share | partner_click) within 7 days by channel'.",
    ),
]
DEFINING = ("steps", "follow_ups", "window", "follow_up_window", "order", "entry", "ties", "by")


def measure(
    context: typer.Context,
    source: Source,
    notation: Notation = None,
    steps: Steps = USUAL_STEPS,
    follow_ups: FollowUps = None,
    window: Window = "7 days",
    follow_up_window: FollowUpWindow = "3 days",
    order: Order = "ordered",
    entry: Entry = "any",
    ties: Ties = "forward",
    by: By = None,
    as_json: AsJson = False,
    language: LanguageCode = "en",
    column: Columns = None,
    timezone: Timezone = None,
    cutoff: Cutoff = None,
    table: Table = None,
    where: Where = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Print a funnel: how many reach each step, at what rate, how fast, and what follows the last one."""
    line = None if notation is None else _parsed(notation, context)
    with sentences(TO_NAME if line is None else ""), counting("Walking the journeys") as progress:
        asked = line or _funnel(steps, names(follow_ups), window, follow_up_window, order, entry, ties, by)
        events = connected(source, column, timezone, cutoff, table, where, memory_limit)
        result = asked.measure(events, language=language, progress=progress)
    if as_json:
        typer.echo(result.to_json())
        return
    from funnel.sections import table_for

    print_table(table_for(result, result.words))
    if asked.follow_ups:
        print_table(table_for(result.branches(), result.words))
    for sentence in (result.summary(), *(f"- {note}" for note in result.notes)):
        typer.echo(sentence)


def check(
    source: Source,
    as_json: AsJson = False,
    column: Columns = None,
    timezone: Timezone = None,
    cutoff: Cutoff = None,
    table: Table = None,
    where: Where = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Print what the events are, which rows were set aside and why, and what is doubtful."""
    with sentences(), doing("Checking the events"):
        events = connected(source, column, timezone, cutoff, table, where, memory_limit)
        checks = events.check()
    if as_json:
        import json

        told = {
            "rows": events.rows,
            "visitors": events.visitors,
            "events": dict(events.names),
            "cutoff": events.cutoff.isoformat(),
        }
        typer.echo(json.dumps({**told, "checks": checks.to_dict("records")}, ensure_ascii=False, indent=2))
        return
    from funnel.language import language
    from funnel.sections.tables import table_of

    typer.echo(repr(events))
    checks["meaning"] = checks["meaning"].map(as_typed)
    print_table(table_of(checks, "Checks", language("en")))


def sample(
    folder: Annotated[Path, typer.Argument(help="The folder to write events, relays, mentions and the truth to.")],
    visitors: Annotated[int, typer.Option(help="About how many visitors.")] = 60_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same campaign.")] = 2018,
) -> None:
    """Simulate a fictional campaign whose truth is known, to learn with and to test against."""
    with sentences(), fraction("Simulating the campaign") as progress:
        from funnel.sample import make_sample

        make_sample(seed, visitors=visitors, folder=folder, progress=progress)
    say(f"Wrote a fictional campaign to {folder}: events, relays, mentions, and truth.json.")


def _parsed(notation: str, context: typer.Context) -> Funnel:
    """Return the funnel of one line; its errors show what was typed, so they are said as they are."""
    from funnel.funnels import Funnel

    given = given_options(context)
    twice = [f"--{name.replace('_', '-')}" for name in DEFINING if name in given]
    try:
        if twice:
            raise DefinitionError(
                f"The funnel is defined twice: in one line, and by {', '.join(twice)}. Keep the line, or the options."
            )
        return Funnel.parse(notation)
    except DefinitionError as error:
        say(f"Error: {error}")
        raise typer.Exit(1) from None


def _funnel(
    steps: str,
    follow_ups: list[str],
    window: str,
    follow_up_window: str,
    order: str,
    entry: str,
    ties: str,
    by: str | None,
) -> Funnel:
    from funnel.funnels import Funnel

    return Funnel(
        names(steps),
        follow_ups=follow_ups,
        window=window,
        follow_up_window=follow_up_window,
        order=order,
        entry=entry,
        ties=ties,
        by=names(by),
    )
