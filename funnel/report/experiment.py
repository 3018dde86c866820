"""Experiments on paper: a page of their own, their part in the report of a campaign, and the one usually asked for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from funnel.errors import FunnelError
from funnel.experiments import Experiment
from funnel.language import Language
from funnel.outcomes import Conversion, Guardrail, Referred
from funnel.pages import KeyNumber, Section
from funnel.report.provenance import provenance
from funnel.report.report import Report
from funnel.sections import section_of, table_for
from funnel.sections.section import reading_of
from funnel.statements import column, sql, statement, text
from funnel.verdicts import verdict
from funnel.verdicts.told import amount, between, gap

if TYPE_CHECKING:
    from funnel.events import Events
    from funnel.readout import ExperimentResult
    from funnel.results import Result

USUAL_CONTROL, USUAL_EXPOSURE = "thanks_only", "thanks_shown"
USUAL_MARGIN = 0.005


def shown(
    events: "Events", *, exposure: str = USUAL_EXPOSURE, variant: str = "variant"
) -> dict[str | None, dict[str, int]]:
    """Return the exposures of each variant, by experiment, most first; None stands for all where none names one.

    Exposures that name no variant, or no experiment where others do, are in none. Empty where the events have no such
    column or no such event.
    """
    if variant not in events.columns or exposure not in events.names:
        return {}
    is_named = "experiment" in events.columns
    query = statement(
        """
        /* one row an experiment and variant */
        select
            cast(_experiment as varchar) as experiment,
            cast(_variant as varchar) as variant,
            count(*) as exposures
        from _events as events
        where cast(events.event as varchar) = _exposure and _variant is not null
        group by all
        order by exposures desc, experiment, variant
        """,
        events=events.name,
        experiment=column("experiment", of="events") if is_named else statement("select null").expressions[0],
        variant=column(variant, of="events"),
        exposure=text(exposure),
    )
    found: dict[str | None, dict[str, int]] = {}
    for experiment, name, exposures in events.connection.execute(sql(query)).fetchall():
        found.setdefault(experiment, {})[name] = exposures
    return {name: variants for name, variants in found.items() if name is not None} or found


def usual_experiments(events: "Events") -> list[Experiment]:
    """Return what one would ask of the variants in these events, an experiment each.

    Against `thanks_only`, where that is one of several variants: shares first, then clicks to the partner and
    signatures brought, unsubscribing as guardrail (half a point), and whether devices differ, as far as there are such
    events and columns.
    """
    secondary = [Conversion("partner_click")] if "partner_click" in events.names else []
    brought = [Referred("sign")] if events.has_referrals else []
    return [
        Experiment(
            name or USUAL_EXPOSURE,
            control=USUAL_CONTROL,
            primary=Conversion("share"),
            secondary=[*secondary, *brought],
            guardrails=[Guardrail("unsubscribe", USUAL_MARGIN)] if "unsubscribe" in events.names else [],
            segments=["device"] if "device" in events.columns else [],
        )
        for name, variants in shown(events).items()
        if USUAL_CONTROL in variants and len(variants) > 1
    ]


def experiment_section(experiment: Experiment, events: "Events", words: Language) -> tuple[Section, str]:
    """Return the part of a campaign's report that tells an experiment, and its verdict's first sentence.

    An experiment that these events cannot answer is told by the sentence that says why, and has no verdict.
    """
    heading = words.text("Experiment “{name}”", name=words.name(experiment.name))
    try:
        result = experiment.measure(events, language=words.code)
    except FunnelError as error:
        return Section(heading, str(error)), ""
    asked: list[Callable[[], Result]] = [result.segments] if result.design.segments else []
    if result.kind == "share":
        asked = [partial(_primary_curves, result), *asked, result.posterior]
    parts, missing = _answered(asked, words)
    whole = section_of(heading, result, words, parts=(*parts, _split_section(result, words)))
    return replace(whole, notes=(*whole.notes, *missing)), verdict(result.told, words)[0]


def experiment_report(result: "ExperimentResult", *, title: str | None = None) -> Report:
    """Return an experiment as a page of its own, ready to save: the verdict first, then everything it rests on."""
    words, design = result.words, result.design
    report = Report(
        title or words.text("Experiment “{name}”", name=words.name(design.name)),
        language=words.code,
        lead=list(verdict(result.told, words)),
        numbers=_key_numbers(result, words),
    )
    parts, missing = _answered(_every(result), words)
    whole = section_of(words.text("Each variant against the control"), result, words, "")
    report.sections.extend([replace(whole, notes=(*whole.notes, *missing)), *parts])
    asked = [(words.text("Experiment"), design)]
    report.footer.extend(provenance(result.told.found.events, asked, words))
    return report


def _every(result: "ExperimentResult") -> list[Callable[[], "Result"]]:
    """Return all further answers that the design has."""
    design, has_shares, is_share = result.design, _has_shares(result), result.kind == "share"
    asked: list[tuple[Callable[[], Result], bool]] = [
        (result.curves, has_shares),
        (result.horizon, has_shares),
        (result.looks, True),
        (result.posterior, is_share),
        (result.segments, bool(design.segments)),
        (result.novelty, True),
        (result.dilution, design.assignment is not None),
        (result.clusters, design.referred == "inherit"),
        (result.split, True),
        (result.plan, is_share),
    ]
    return [ask for ask, applies in asked if applies]


def _primary_curves(result: "ExperimentResult") -> "Result":
    """Return the curves of the primary outcome alone: those of all outcomes are half as large as the rest of a page."""
    curves = result.curves()
    return replace(curves, frame=curves.frame[curves.frame["outcome"] == result.told.primary.label])


def _has_shares(result: "ExperimentResult") -> bool:
    return any(measure.kind == "share" for measure in result.design.measures)


def _answered(asked: Sequence[Callable[[], "Result"]], words: Language) -> tuple[list[Section], list[str]]:
    """Return a section an answer, and the sentences of those that these events cannot give."""
    sections, missing = [], []
    for ask in asked:
        try:
            answer = ask()
        except FunnelError as error:
            missing.append(str(error))
        else:
            sections.append(section_of(answer.title, answer, words))
    return sections, missing


def _split_section(result: "ExperimentResult", words: Language) -> Section:
    """Return the checks of the split, of each kind the one furthest from the plan."""
    split = result.split()
    kinds = split.frame.fillna({"column": ""}).groupby(["check", "column"], sort=False)["p_adjusted"]
    worst = split.frame.loc[kinds.idxmin()]
    table = replace(
        table_for(replace(split, frame=worst), words),
        caption=words.text("Of each kind of check, the one furthest from the plan"),
    )
    return Section(heading=split.title, sentence=reading_of(split, words), table=table)


def _key_numbers(result: "ExperimentResult", words: Language) -> list[KeyNumber]:
    """Return the primary outcome of each variant, with its difference to the control."""
    measure = result.told.primary
    tiles = []
    for variant in result.variants:
        row = result.told.row(variant)
        detail = words.text("the control, {n} visitors", n=words.number(int(row["visitors"])))
        if variant != result.variants[0]:
            detail = words.text(
                "{difference} [{interval}] to the control",
                difference=gap(measure, row["difference"], words),
                interval=between(measure, row["simultaneous_low"], row["simultaneous_high"], words),
            )
        label = words.text(
            "“{outcome}” with “{variant}”", outcome=words.name(measure.label), variant=words.name(variant)
        )
        tiles.append(KeyNumber(label, amount(measure, row["rate"], words), detail))
    return tiles
