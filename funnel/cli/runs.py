"""The commands that run a declared analysis, compare two runs, verify a page, and register a plan beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from funnel.cli.options import AsJson, LanguageCode, MemoryLimit, MentionsTable, RelaysTable, Table
from funnel.cli.speaking import doing, say, sentences

Campaign = Annotated[Path, typer.Argument(help="The file that declares the analysis: campaign.yml.")]
Data = Annotated[str | None, typer.Option("--data", help="Where the data lies now; only what is in it counts.")]
# As `diff` ends: 0 the same, 1 not the same, 2 it cannot be told.
DIFFERENT, TROUBLE = 1, 2


def run(
    campaign: Campaign,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")] = Path("out"),
    data: Data = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Run a declared analysis: report, results.json, tables, figures and manifest.json in one folder.

    The same file and data give the same bytes. A folder that an earlier run wrote is replaced, once all is written; a
    folder with anything else in it is refused.
    """
    with sentences(), doing("Running the analysis"):
        from funnel.runs import run as run_

        made = run_(campaign, output, data=data, memory_limit=memory_limit)
    say(f"Wrote {made.folder}: a report of {made.sections} sections, {made.tables} tables, {made.figures} figures.")
    if made.why_no_figures:
        say(made.why_no_figures)


def diff(
    first: Annotated[Path, typer.Argument(help="The folder of a run.")],
    second: Annotated[Path, typer.Argument(help="The folder of another run.")],
    language: LanguageCode = "en",
    as_json: AsJson = False,
) -> None:
    """Say what differs between two runs: data, definitions, versions, seeds, and the numbers, the largest first.

    Exit codes: 0 they are identical, 1 they differ, 2 they cannot be compared.
    """
    with _or_trouble():
        from funnel.language import language as language_of
        from funnel.runs import compare
        from funnel.runs.told import sentences as told

        words = language_of(language)
        found = compare(first, second)
    typer.echo(found.to_json() if as_json else "\n".join(told(found, words)))
    if not found.is_same:
        raise typer.Exit(DIFFERENT)


def verify(
    page: Annotated[Path, typer.Argument(help="A page that `funnel report` or `funnel run` wrote.")],
    data: Data = None,
    campaign: Annotated[
        Path | None, typer.Option("--config", help="A campaign.yml that the page should be the answer to.")
    ] = None,
    table: Table = None,
    relays: RelaysTable = None,
    mentions: MentionsTable = None,
    language: LanguageCode = "en",
    as_json: AsJson = False,
    memory_limit: MemoryLimit = None,
) -> None:
    """Run what a page was made from again, and say whether every number of the page is the same.

    Exit codes: 0 every number is the same, 1 something is not, 2 it cannot be told.
    """
    with _or_trouble(), doing("Running the page’s analysis"):
        from funnel.language import language as language_of
        from funnel.runs import verify as verify_
        from funnel.runs.verified import sentences as told

        words = language_of(language)
        beside = {"table": table, "relays": relays, "mentions": mentions}
        found = verify_(page, data, campaign=campaign, memory_limit=memory_limit, **beside)
    typer.echo(found.to_json() if as_json else "\n".join(told(found, words)))
    if not found.is_true:
        raise typer.Exit(DIFFERENT)


def preregister(
    campaign: Campaign,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write; campaign.registered.json beside campaign.yml."),
    ] = None,
) -> None:
    """Freeze the definitions and plans of a campaign.yml before there is data, with a hash to publish."""
    with sentences():
        from funnel.registration import Registration
        from funnel.registration import preregister as preregister_

        path, is_new = preregister_(campaign, output)
        found = Registration.read(path)
    typer.echo(found.hash)
    say(f"{'Wrote' if is_new else 'Nothing changed in'} {path}. Publish its hash where others can see the date.")


@contextmanager
def _or_trouble() -> Iterator[None]:
    """End with the code for trouble where an error ends with 1."""
    try:
        with sentences():
            yield
    except typer.Exit:
        raise typer.Exit(TROUBLE) from None
