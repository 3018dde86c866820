"""The command about what was forgone: what a bare "thank you" cost, and what another page would bring."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from funnel.cli.experiments import TO_NAME, which
from funnel.cli.options import (
    AsJson,
    Columns,
    Control,
    Cutoff,
    ExperimentWindow,
    Exposure,
    Guardrails,
    LanguageCode,
    MemoryLimit,
    Name,
    Primary,
    ReferredSaw,
    Secondary,
    Source,
    Table,
    Timezone,
    Variant,
    Where,
)
from funnel.cli.source import connected
from funnel.cli.speaking import as_typed, doing, print_table, sentences
from funnel.cli.typed import guardrail, outcome, outcomes

USUAL = ("partner_click",)


def forgone(
    source: Source,
    who: Annotated[
        str, typer.Option(help="control (those who saw the control) or everyone (had all seen one page).")
    ] = "control",
    before: Annotated[
        str | None, typer.Option(help="Ask of those who signed before this date, when no page was shown.")
    ] = None,
    signers: Annotated[
        int, typer.Option(help="What each page would bring from now on, for so many signers under the control.")
    ] = 1_000,
    of: Annotated[str, typer.Option(help="The event that is a signature.")] = "sign",
    shared: Annotated[str | None, typer.Option(help="The event by which a link becomes its visitor's.")] = None,
    name: Name = None,
    control: Control = None,
    primary: Primary = "share",
    secondary: Secondary = None,
    guardrails: Guardrails = None,
    exposure: Exposure = "thanks_shown",
    variant: Variant = "variant",
    window: ExperimentWindow = "3 days",
    referred: ReferredSaw = "again",
    as_json: AsJson = False,
    language: LanguageCode = "en",
    column: Columns = None,
    timezone: Timezone = None,
    cutoff: Cutoff = None,
    table: Table = None,
    where: Where = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Print what was not collected from those who saw only the control, and what other pages would bring.

    Without --secondary, partner_click where there are such events.
    """
    with sentences(f"{TO_NAME}, --of and --shared"), doing("Reading the events"):
        from funnel.experiments import Experiment
        from funnel.forgone import Forgone
        from funnel.referrals import Referrals

        events = connected(source, column, timezone, cutoff, table, where, memory_limit)
        found, against = which(events, name, control, exposure, variant)
        usual = ",".join(each for each in USUAL if each in events.names and each != primary)
        rules: dict[str, Any] = {"referred": referred}
        test = Experiment(
            found,
            control=against,
            primary=outcome(primary, "--primary"),
            secondary=outcomes(usual if secondary is None else secondary, "--secondary"),
            guardrails=[guardrail(each) for each in guardrails or []],
            exposure=exposure,
            variant=variant,
            window=window,
            **rules,
        )
        asked_of: dict[str, Any] = {"who": who, "before": before}
        asked = Forgone(test, Referrals(of=of, shared=shared), **asked_of)
    with sentences(f"{TO_NAME}, --of and --shared"), doing("Reckoning what was forgone"):
        result = asked.measure(events, language=language)
        ahead = result.forwards(signers)
    if as_json:
        typer.echo(result.to_json())
        return
    from funnel.sections import table_for

    typer.echo(f"{result.summary()} {ahead.summary()}\n")
    for each in (result, result.bounds(), ahead):
        print_table(table_for(each, each.words))
    for note in result.notes:
        typer.echo(f"- {as_typed(note)}")
