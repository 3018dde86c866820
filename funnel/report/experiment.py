"""Experiments on paper: a page of their own, and their chapters in the report of a campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from funnel.errors import FunnelError
from funnel.pages import KeyNumber
from funnel.report.answer import advised
from funnel.report.provenance import provenance
from funnel.report.report import Report
from funnel.sections.chapter import Chapter, PublishedChapter
from funnel.sections.discreet import discreet
from funnel.sections.section import reading_of
from funnel.verdicts import verdict
from funnel.verdicts.told import amount, between, gap

if TYPE_CHECKING:
    from funnel.design import Design
    from funnel.experiments import Experiment
    from funnel.language import Language
    from funnel.readout import ExperimentResult
    from funnel.report.measured import Measured
    from funnel.results import Result

Asked = tuple[str, Callable[[], "Result"]]


def experiment_chapters(measured: Measured) -> Iterator[Chapter]:
    """Give a chapter an experiment; one that these events cannot answer is told by the sentence that says why."""
    for experiment, result in measured.experiments:
        heading, name = _heading(experiment, measured.words), f"experiment-{experiment.name}"
        if isinstance(result, FunnelError):
            yield Chapter(name, heading, say=str(result))
            continue
        asked: list[Asked] = [("segments", result.segments)] if result.design.segments else []
        if result.kind == "share":
            asked = [("curves", partial(_primary_curves, result)), *asked, ("posterior", result.posterior)]
        parts, missing = _answered(name, asked)
        parts.append(_split(name, result, measured.words))
        instead = partial(_advised, result, measured.analysis.least)
        yield Chapter(name, heading, result, instead=instead, notes=tuple(missing), parts=tuple(parts))


def experiment_report(result: ExperimentResult, *, title: str | None = None) -> Report:
    """Return an experiment as a page of its own, ready to save: the verdict first, then everything it rests on."""
    words, design = result.words, result.design
    report = Report(
        title or _heading(design, words),
        language=words.code,
    )
    parts, missing = _answered("experiment", _every(result))
    heading = words.text("Each variant against the control")
    report.chapters.extend([Chapter("experiment", heading, result, say="", notes=tuple(missing)), *parts])
    whole = report.published().chapters[0]
    told = [discreet(each, whole.secret, k=report.least, words=words) for each in verdict(result.told, words)]
    report.lead.extend(each for each in told if each)
    report.numbers.extend(_key_numbers(result, whole, words))
    asked = [(words.text("Experiment"), design)]
    report.footer.extend(provenance(result.told.found.events, asked, words))
    return report


def _advised(result: ExperimentResult, least: int, published: ExperimentResult) -> str:
    return advised(result, published.frame, result.words, least=least)


def _heading(experiment: Experiment | Design, words: Language) -> str:
    return words.text("Experiment “{name}”", name=words.name(experiment.name))


def _every(result: ExperimentResult) -> list[Asked]:
    """Return all further answers that the design has."""
    design, has_shares, is_share = result.design, _has_shares(result), result.kind == "share"
    asked: list[tuple[str, Callable[[], Result], bool]] = [
        ("curves", result.curves, has_shares),
        ("horizon", result.horizon, has_shares),
        ("looks", result.looks, True),
        ("posterior", result.posterior, is_share),
        ("segments", result.segments, bool(design.segments)),
        ("novelty", result.novelty, True),
        ("dilution", result.dilution, design.assignment is not None),
        ("clusters", result.clusters, design.referred == "inherit"),
        ("split", result.split, True),
        ("plan", result.plan, is_share),
    ]
    return [(name, ask) for name, ask, applies in asked if applies]


def _primary_curves(result: ExperimentResult) -> Result:
    """Return the curves of the primary outcome alone: those of all outcomes are half as large as the rest of a page."""
    curves = result.curves()
    return replace(curves, frame=curves.frame[curves.frame["outcome"] == result.told.primary.label])


def _has_shares(result: ExperimentResult) -> bool:
    return any(measure.kind == "share" for measure in result.design.measures)


def _answered(name: str, asked: Sequence[Asked]) -> tuple[list[Chapter], list[str]]:
    """Return a chapter an answer, and the sentences of those that these events cannot give."""
    chapters, missing = [], []
    for what, ask in asked:
        try:
            answer = ask()
        except FunnelError as error:
            missing.append(str(error))
        else:
            chapters.append(Chapter(f"{name}-{what}", answer.title, answer))
    return chapters, missing


def _split(name: str, result: ExperimentResult, words: Language) -> Chapter:
    """Return the checks of the split, of each kind the one furthest from the plan."""
    split = result.split()
    kinds = split.frame.fillna({"column": ""}).groupby(["check", "column"], sort=False)["p_adjusted"]
    worst = replace(
        split,
        frame=split.frame.loc[kinds.idxmin()].reset_index(drop=True),
        heading=lambda words: words.text("Of each kind of check, the one furthest from the plan"),
    )
    return Chapter(f"{name}-split", split.title, worst, say=reading_of(split, words))


def _key_numbers(result: ExperimentResult, published: PublishedChapter, words: Language) -> list[KeyNumber]:
    """Return the primary outcome of each variant, with its difference to the control, as far as it is published."""
    measure, tiles = result.told.primary, []
    rows: Any = published.result.frame if published.result is not None else result.frame
    rows = rows[rows["role"] == "primary"].set_index("variant")
    for variant in result.variants:
        row = rows.loc[variant]
        detail = words.text("the control, {n} visitors", n=words.number(row["visitors"]))
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
