"""The command that writes a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from funnel.cli.options import (
    TO_NAME,
    USUAL_STEPS,
    By,
    Columns,
    Cutoff,
    FollowUps,
    FollowUpWindow,
    LanguageCode,
    MemoryLimit,
    MentionsTable,
    RelaysTable,
    Steps,
    Table,
    Timezone,
    Where,
    Window,
)
from funnel.cli.source import mapping
from funnel.cli.speaking import doing, say, sentences
from funnel.cli.typed import given_options, names
from funnel.errors import DefinitionError, FunnelError

if TYPE_CHECKING:
    from funnel.analysis import Analysis, Data
    from funnel.events import Events

USUAL_FOLLOW_UPS = ("share", "partner_click")
# What a campaign file says itself, by the name of the option that would say it again.
DECLARED = (
    *("steps", "follow_ups", "window", "follow_up_window", "by"),
    *("column", "timezone", "cutoff", "table", "where", "relays", "mentions"),
)

Given = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="A folder, DuckDB file, Parquet, CSV (.gz), JSON lines, or a glob. With --config, instead of its own.",
    ),
]


def report(
    context: typer.Context,
    source: Given = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("report.html"),
    config: Annotated[
        Path | None, typer.Option(help="A campaign.yml that declares the analysis: see docs/campaign.md.")
    ] = None,
    steps: Steps = USUAL_STEPS,
    follow_ups: FollowUps = None,
    window: Window = "7 days",
    follow_up_window: FollowUpWindow = "3 days",
    by: By = None,
    title: Annotated[str | None, typer.Option(help="The heading of the page.")] = None,
    language: LanguageCode = "en",
    least: Annotated[int, typer.Option(help="Counts of fewer people are hidden; 5 is the lowest.")] = 10,
    static: Annotated[
        bool, typer.Option(help="Charts as pictures: a page to e-mail. Needs Chrome or Chromium and kaleido.")
    ] = False,
    css: Annotated[Path | None, typer.Option(help="A style sheet of yours, after ours: see docs/branding.md.")] = None,
    logo: Annotated[Path | None, typer.Option(help="A logo for the head of the page: SVG, PNG or JPEG.")] = None,
    column: Columns = None,
    timezone: Timezone = None,
    cutoff: Cutoff = None,
    table: Table = None,
    relays: RelaysTable = None,
    mentions: MentionsTable = None,
    where: Where = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Write one HTML page: the answer in three sentences, then everything it rests on.

    Without --config: follow-ups are share and partner_click where there are such events; --by is channel and device
    where there are such columns. Where events of thanks_shown name variants, thanks_only among them, they are compared
    too. Referrals, relays, mentions, attribution and the ladder are told where the events have something for them.
    """
    given = given_options(context)
    with sentences(TO_NAME), doing("Reading the events"):
        if config is None:
            declared = _Declared(steps, follow_ups, window, follow_up_window, by)
            data = _data(source, column, timezone, cutoff, table, where, relays, mentions)
            events = data.connect(memory_limit=memory_limit)
            asked = declared.analysis(events, data)
        else:
            asked = _read(config, given)
            events = (asked.data or _data(source)).connect(source, memory_limit=memory_limit)
        asked = _told(asked, {"title": title, "language": language, "least": least}, given, css=css, logo=logo)
    with sentences(TO_NAME), doing("Measuring the campaign"):
        from funnel.pages import why_no_stills
        from funnel.registration import Registration, beside
        from funnel.report import campaign_report
        from funnel.runs import tell

        page = campaign_report(events, asked)
        if config is not None and beside(config).exists():
            tell(page, asked, Registration.read(beside(config)))
        path = page.save(output, static=static)
        missing = why_no_stills() if static else ""
    if missing:
        say(missing)
    say(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB). It opens in any browser, with no connection.")


class _Declared(NamedTuple):
    """What the options say of the funnel."""

    steps: str
    follow_ups: str | None
    window: str
    follow_up_window: str
    by: str | None

    def analysis(self, events: Events, data: Data) -> Analysis:
        """Return the analysis; the usual follow-ups are those that there are events of."""
        from funnel.analysis import Analysis
        from funnel.funnels import Funnel

        steps = names(self.steps)
        usual = [name for name in USUAL_FOLLOW_UPS if name in events.names and name not in steps]
        funnel = Funnel(
            steps,
            follow_ups=usual if self.follow_ups is None else names(self.follow_ups),
            window=self.window,
            follow_up_window=self.follow_up_window,
        )
        by = None if self.by is None else [events.column(name) for name in names(self.by)]
        return Analysis(funnel, by=by, data=data)


def _data(
    source: str | None,
    column: list[str] | None = None,
    timezone: str | None = None,
    cutoff: str | None = None,
    table: str | None = None,
    where: str | None = None,
    relays: str | None = None,
    mentions: str | None = None,
) -> Data:
    from funnel.analysis import Data

    if source is None:
        raise DefinitionError("There is nothing to report on. Give a SOURCE of events, or --config campaign.yml.")
    return Data(
        source,
        columns=mapping(column),
        timezone=timezone,
        cutoff=cutoff,
        table=table,
        where=where,
        relays=relays,
        mentions=mentions,
    )


def _read(config: Path, given: set[str]) -> Analysis:
    """Return the analysis of a campaign file; options that would say again what it says are refused."""
    from funnel.analysis import Analysis

    twice = [f"--{name.replace('_', '-')}" for name in DECLARED if name in given]
    if twice:
        raise DefinitionError(
            f"The analysis is declared twice: in {config}, and by {', '.join(twice)}. Keep the file, or the options."
        )
    try:
        return Analysis.read(config)
    except FunnelError as error:
        # It names a line of the file, in the file's own words: nothing in it is an option.
        say(f"Error: {error}")
        raise typer.Exit(1) from None


def _told(asked: Analysis, said: dict[str, Any], given: set[str], *, css: Path | None, logo: Path | None) -> Analysis:
    """Return the analysis told as the options say; what was not typed is as the file has it."""
    brand = replace(asked.brand, css=css or asked.brand.css, logo=logo or asked.brand.logo)
    return replace(
        asked,
        brand=brand,
        **{name: value for name, value in said.items() if name in given},
    )
