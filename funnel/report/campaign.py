"""The report of a campaign's funnel: the answer first, then everything it rests on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from funnel import charts
from funnel.errors import DefinitionError
from funnel.experiments import Experiment
from funnel.language import Language
from funnel.pages import KeyNumber, Section
from funnel.report.checks import severity, told
from funnel.report.climbing import ladder_section
from funnel.report.experiment import experiment_section, usual_experiments
from funnel.report.forgone import forgone_section
from funnel.report.provenance import provenance
from funnel.report.report import Report
from funnel.report.spreading import spread_sections
from funnel.sections import in_words, readings, section_of, table_for
from funnel.sections.tables import table_of
from funnel.stages import required_labels

if TYPE_CHECKING:
    from funnel.events import Events
    from funnel.funnels import Funnel, FunnelResult


def campaign_report(
    events: "Events",
    funnel: "Funnel",
    *,
    by: Sequence[str] = ("channel", "device"),
    experiments: Sequence[Experiment] | None = None,
    language: str = "en",
    title: str | None = None,
) -> Report:
    """Return the whole report of one funnel, ready to save; `by` columns that the events lack are passed over.

    `experiments` are measured and told after what follows the last step; without it, what one would usually ask of the
    variants in the events, if any (`funnel.report.usual_experiments`). One that cannot be measured says why.
    """
    asked = usual_experiments(events) if experiments is None else _checked(experiments)
    report = Report("", language=language)
    words = report.words
    report.title = title or words.text("The campaign’s funnel")
    journeys = funnel.journeys(events)
    result = journeys.measure(language=language)
    report.lead.append(result.summary(language))
    report.numbers.extend(_key_numbers(result, funnel, words))
    report.sections.append(_steps_section(result, funnel, words))
    for column in by:
        if column in events.columns:
            report.sections.append(_group_section(journeys.measure(by=column, language=language), column, words))
    if funnel.follow_up_labels:
        report.sections.append(_follow_up_section(result, funnel, words))
    for experiment in asked:
        section, answer = experiment_section(experiment, events, words)
        report.sections.append(section)
        if answer:
            report.lead.append(words.text("{experiment}. {verdict}", experiment=section.heading, verdict=answer))
        forgone = forgone_section(experiment, events, funnel.every_step[-1], words)
        if forgone:
            section, answer = forgone
            report.sections.append(section)
            report.lead.extend([answer] if answer else [])
    for section, answer in spread_sections(events, funnel.every_step[0], funnel.every_step[-1], words):
        report.sections.append(section)
        report.lead.extend([answer] if answer else [])
    climbing = ladder_section(events, funnel, words)
    report.sections.extend([climbing] if climbing else [])
    report.add(words.text("Day by day"), result.cohorts())
    report.add(words.text("How much the way of counting matters"), result.sensitivity())
    report.sections.append(_definition_section(result, words))
    report.sections.append(_quality_section(events, words))
    definitions = [(words.text("Definition"), funnel), *((words.text("Experiment"), each) for each in asked)]
    report.footer.extend(provenance(events, definitions, words))
    return report


def _checked(experiments: Sequence[Experiment]) -> list[Experiment]:
    for each in experiments:
        if not isinstance(each, Experiment):
            raise DefinitionError(
                f"`experiments` takes experiments; got {type(each).__name__}. Give for example"
                " [funnel.Experiment('thanks_page', control='thanks_only', primary=funnel.Conversion('share'))]."
            )
    return list(experiments)


def _key_numbers(result: "FunnelResult", funnel: "Funnel", words: Language) -> list[KeyNumber]:
    frame: Any = result.frame.set_index("step")
    steps = required_labels(funnel)
    first, last = steps[0], steps[-1]
    reached = frame.loc[last]
    tiles = [
        KeyNumber(
            words.text("Entered (“{step}”)", step=words.name(first)),
            words.number(int(frame.loc[first, "visitors"])),
            words.plural("{n} still has time", "{n} still have time", int(reached["pending"])),
        ),
        KeyNumber(
            words.text("Reached “{step}”", step=words.name(last)),
            words.number(int(reached["visitors"])),
            words.text(
                "{rate} of those whose time is up",
                rate=words.rate(reached["overall_rate"], reached["overall_rate_low"], reached["overall_rate_high"]),
            ),
        ),
        KeyNumber(
            words.text("Half of them within"),
            words.duration(reached["median_seconds_from_entry"]),
            words.text("nine tenths within {time}", time=words.duration(reached["p90_seconds_from_entry"])),
        ),
    ]
    for name in funnel.follow_up_labels:
        visitors, rate = int(frame.loc[name, "visitors"]), frame.loc[name, "step_rate"]
        people = words.plural("{n} person", "{n} people", visitors)
        tiles.append(KeyNumber(words.text("Then “{step}”", step=words.name(name)), words.percent(rate), people))
    return tiles


def _steps_section(result: "FunnelResult", funnel: "Funnel", words: Language) -> Section:
    steps = required_labels(funnel)
    sentence = readings.of_steps(result.frame, steps, words)
    soon = readings.of_medians(result.frame, steps, words)
    part = section_of(words.text("How long it takes"), result.times(), words, soon)
    return section_of(words.text("Where visitors leave"), result, words, sentence, parts=(part,))


def _group_section(result: "FunnelResult", column: str, words: Language) -> Section:
    return Section(
        heading=words.text("By {column}", column=words.name(column)),
        sentence=result.comparison(words.code),
        chart=charts.groups(in_words(result.frame, words), by=(column,), language=words.code),
        table=table_for(result, words),
    )


def _follow_up_section(result: "FunnelResult", funnel: "Funnel", words: Language) -> Section:
    last = required_labels(funnel)[-1]
    joint = in_words(result.follow_ups, words)
    return Section(
        heading=words.text("What they do after “{step}”", step=words.name(last)),
        sentence=readings.of_follow_ups(result.follow_ups, last, words),
        chart=charts.branch_diagram(joint, after=words.name(last), language=words.code),
        table=table_of(joint, words.text("What they did next, each person counted once"), words),
        parts=(section_of(words.text("How soon they do it"), result.curves(), words),),
    )


def _definition_section(result: "FunnelResult", words: Language) -> Section:
    return Section(
        heading=words.text("What is counted, in words"),
        paragraphs=tuple(line for line in result.describe(words.code).splitlines() if line.strip()),
    )


def _quality_section(events: "Events", words: Language) -> Section:
    checks = events.check()
    found = checks[checks["rows"] > 0]
    clean = len(checks) - len(found)
    if found.empty:
        sentence = words.plural(
            "{n} check was made; it found nothing.", "{n} checks were made; they found nothing.", clean
        )
        return Section(words.text("Quality of the data"), sentence)
    sentence = words.plural(
        "{n} check found something to know; {others} found nothing.",
        "{n} checks found something to know; {others} found nothing.",
        len(found),
        others=words.number(clean),
    )
    said = [told(*each, words) for each in zip(found["check"], found["meaning"], strict=True)]
    frame = found.assign(
        check=[name for name, _ in said],
        severity=[severity(name, words) for name in found["severity"]],
        meaning=[meaning for _, meaning in said],
    )
    return Section(
        heading=words.text("Quality of the data"),
        sentence=sentence,
        table=table_of(frame, words.text("What the checks found"), words),
    )
