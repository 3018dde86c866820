"""The commands about experiments: what one says, and what one would take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from funnel.cli.options import (
    Alpha,
    AsJson,
    Assignment,
    Baseline,
    Columns,
    Control,
    Correction,
    Cutoff,
    Difference,
    ExperimentWindow,
    Exploratory,
    Exposure,
    Formula,
    Guardrails,
    Interval,
    LanguageCode,
    Lift,
    Looks,
    MemoryLimit,
    Name,
    Planned,
    Power,
    Primary,
    ReferredSaw,
    Secondary,
    Segments,
    Shares,
    Source,
    Table,
    Timezone,
    TwoVariants,
    Variant,
    Variants,
    Visitors,
    VisitorsADay,
    Where,
)
from funnel.cli.planning import Plan
from funnel.cli.source import connected
from funnel.cli.speaking import as_typed, doing, print_table, say, sentences
from funnel.cli.typed import guardrail, names, outcome, outcomes, shares_of
from funnel.errors import DefinitionError, listed
from funnel.shorthand import looks_of, share

if TYPE_CHECKING:
    from funnel.events import Events

TO_NAME = "--exposure, --primary, --secondary, --exploratory and --guardrail"


def experiment(
    source: Source,
    name: Name = None,
    control: Control = None,
    primary: Primary = "share",
    secondary: Secondary = None,
    exploratory: Exploratory = None,
    guardrails: Guardrails = None,
    exposure: Exposure = "thanks_shown",
    variant: Variant = "variant",
    window: ExperimentWindow = "3 days",
    shares: Shares = None,
    planned: Planned = None,
    looks: Looks = "fixed",
    segments: Segments = None,
    referred: ReferredSaw = "again",
    two_variants: TwoVariants = "leave_out",
    interval: Interval = "newcombe",
    assignment: Assignment = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write a page with every chart and table.")
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
    """Print an experiment's verdict, then the numbers it rests on, then what to keep in mind.

    An outcome is typed as share (whether a visitor did it), count:share (how often), referred:sign (how many did it
    through their links), ratio:share/visit (events per event) or value:amount (the sum of a column); @14d after it is a
    window of its own.
    """
    with sentences(TO_NAME), doing("Reading the events"):
        from funnel.experiments import Experiment

        events = connected(source, column, timezone, cutoff, table, where, memory_limit)
        rules: dict[str, Any] = {"referred": referred, "two_variants": two_variants, "interval": interval}
        rules["looks"] = looks_of(looks)
        found, against = which(events, name, control, exposure, variant)
        asked = Experiment(
            found,
            control=against,
            primary=outcome(primary, "--primary"),
            window=window,
            exposure=exposure,
            variant=variant,
            secondary=outcomes(secondary, "--secondary"),
            exploratory=outcomes(exploratory, "--exploratory"),
            guardrails=[guardrail(each) for each in guardrails or []],
            planned=planned,
            shares=shares_of(shares),
            segments=names(segments),
            assignment=assignment,
            **rules,
        )
    with sentences(TO_NAME), doing("Measuring the experiment"):
        result = asked.measure(events, language=language)
    if as_json:
        typer.echo(result.to_json())
    else:
        typer.echo(result.verdict() + "\n")
        from funnel.sections import table_for

        print_table(table_for(result, result.words))
        for note in result.notes:
            typer.echo(f"- {as_typed(note)}")
    if output is not None:
        with sentences(), doing("Writing the page"):
            from funnel.report import experiment_report

            path = experiment_report(result).save(output)
        say(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB). It opens in any browser, with no connection.")


def plan(
    baseline: Baseline,
    lift: Lift = None,
    difference: Difference = None,
    variants: Variants = 2,
    power: Power = "0.8",
    alpha: Alpha = "0.05",
    looks: Looks = "fixed",
    visitors: Visitors = None,
    visitors_a_day: VisitorsADay = None,
    correction: Correction = "dunnett",
    formula: Formula = "pooled",
    as_json: AsJson = False,
    language: LanguageCode = "en",
) -> None:
    """Print how many visitors an experiment takes, how many days that is, and what fewer visitors would find.

    Give --lift or --difference for the visitors it takes, --visitors for the smallest difference those find, and
    --visitors-a-day for the days, and what each week finds.
    """
    with sentences():
        from funnel.language import language as language_of

        words = language_of(language)
        asked = Plan(
            baseline=share(baseline, f"--baseline {baseline}"),
            lift=None if lift is None else share(lift, f"--lift {lift}"),
            difference=None if difference is None else share(difference, f"--difference {difference}"),
            looks=looks_of(looks),
            visitors=visitors,
            visitors_a_day=visitors_a_day,
            rules={
                "variants": variants,
                "power": share(power, f"--power {power}"),
                "alpha": share(alpha, f"--alpha {alpha}"),
                "correction": correction,
                "formula": formula,
            },
        )
        answer = asked.answer()
    if as_json:
        typer.echo(answer.to_json())
        return
    for sentence in answer.sentences(words):
        typer.echo(sentence)
    if answer.weeks:
        typer.echo()
        print_table(answer.table(words))


def which(events: Events, name: str | None, control: str | None, exposure: str, variant: str) -> tuple[str, str]:
    """Return the name of the experiment and its control, where they are not typed: the only one there could be."""
    from funnel.report import USUAL_CONTROL, shown

    found = shown(events, exposure=exposure, variant=variant)
    if name is None:
        if len(found) > 1:
            counted = [f"'{each}' ({sum(variants.values()):,})" for each, variants in found.items()]
            raise DefinitionError(
                f"The events hold {len(found)} experiments. Say which with --name. Known: {listed(counted)}."
            )
        name = next(iter(found), None) or exposure
    variants = found.get(name) or found.get(None) or {}
    if control is None and variants and USUAL_CONTROL not in variants:
        counted = [f"'{each}' ({exposures:,})" for each, exposures in variants.items()]
        raise DefinitionError(
            "Which variant is the control? None is named 'thanks_only'. Say which with --control. Variants:"
            f" {listed(counted)}."
        )
    return name, control or USUAL_CONTROL
