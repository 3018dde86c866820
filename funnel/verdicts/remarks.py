"""What to keep in mind about an experiment: a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from funnel.comparisons.looking import USUAL_SIZE
from funnel.language import Language
from funnel.outcomes import Referred
from funnel.verdicts.told import Told
from funnel.wording import complete_to

if TYPE_CHECKING:
    from funnel.results import Saying


def remarks(told: Told) -> tuple[Saying, ...]:
    """Return the sentences, who is compared first, then how, then what was found on the way."""
    return (*_population(told), *_rules(told), *_findings(told))


def _population(told: Told) -> Iterator[Saying]:
    found, counts = told.found, told.found.counts
    units = sum(cell.visitors + cell.pending for cell in told.cells[told.primary.label].values())
    yield lambda words: words.plural(
        "Compared is {n} visitor at the first exposure, who came without a friend’s link.",
        "Compared are {n} visitors at their first exposure, who came without a friend’s link; each counts in every"
        " rate, whatever they did.",
        units,
    )
    if counts.referred:
        inherited = found.design.referred == "inherit"
        yield lambda words: words.plural(
            "{n} visitor came by a friend’s link and is left out: {reason}.",
            "{n} visitors came by a friend’s link and are left out: {reason}.",
            counts.referred,
            reason=words.text("they saw the variant of whoever referred them, and count in that person’s tree")
            if inherited
            else words.text("they were randomised again, and how many come depends on the variant of others"),
        )
    if counts.several:
        kept = found.design.two_variants == "first"
        yield lambda words: words.plural(
            "{n} visitor saw two variants and is {kept}.",
            "{n} visitors saw two variants and are {kept}.",
            counts.several,
            kept=words.text("counted with the first") if kept else words.text("left out"),
        )
    if counts.unnamed:
        yield lambda words: words.plural(
            "{n} exposure names no variant and is left out.",
            "{n} exposures name no variant and are left out.",
            counts.unnamed,
        )
    if counts.elsewhere:
        yield lambda words: words.plural(
            "{n} visitor compared here was in another experiment too.",
            "{n} visitors compared here were in another experiment too.",
            counts.elsewhere,
        )
    for label, visitors in counts.before.items():
        yield lambda words, label=label, visitors=visitors: words.plural(  # type: ignore[misc]
            "{n} visitor had “{outcome}” before the exposure; that does not count.",
            "{n} visitors had “{outcome}” before the exposure; that does not count.",
            visitors,
            outcome=words.name(label),
        )


def _rules(told: Told) -> Iterator[Saying]:
    design = told.found.design
    if design.shares is None:
        yield lambda words: words.text("No shares were planned; the variants are taken to have equal ones.")
    yield lambda words: _split(told, words)
    if design.looks == "fixed" and design.planned is None:
        yield lambda words: words.text(
            "No size was planned: the p-values hold if the day of this look was fixed beforehand, and not if one looks"
            " until something shows."
        )
    if design.looks == "fixed" and told.look.is_early:
        yield lambda words: _peeking(told, words)
    if design.looks == "anytime" and design.planned is None:
        yield lambda words: words.text(
            "No size was planned: the intervals are valid all the same, and narrowest around {n} visitors.",
            n=words.number(USUAL_SIZE),
        )
    if isinstance(design.looks, int) and design.planned is None:
        yield lambda words: words.text(
            "No size was planned, so each of the {looks} looks is tested at {alpha}; with planned= the last one would"
            " cost less.",
            looks=words.number(int(design.looks)),
            alpha=words.percent(0.05 / int(design.looks)),
        )
    if design.secondary or design.exploratory:
        yield lambda words: words.text(
            "The secondary outcomes are corrected by Holm among themselves, the exploratory ones by Benjamini-Hochberg:"
            " they suggest, and the primary outcome decides."
        )
    if design.guardrails:
        yield lambda words: words.text(
            "Guardrails are tested against their margins with intervals of 95%, without correction: a variant must pass"
            " all of them."
        )


def _split(told: Told, words: Language) -> str:
    overall = told.split.iloc[0]
    if told.split["is_mismatch"].any():
        return words.text(
            "The split differs from the plan by more than chance in {n} checks; the verdict is withheld.",
            n=words.number(int(told.split["is_mismatch"].sum())),
        )
    return words.text(
        "The split is as planned as far as can be told ({p}; by day and by segment too).", p=words.chance(overall["p"])
    )


def _peeking(told: Told, words: Language) -> str:
    now, daily = told.look.error_when_peeking()
    return words.text(
        "Only {share} of the planned visitors are in. A fixed test errs in 5% of cases if it is read once, at the end;"
        " if read now and again at the end, in {now}; if read daily, in {daily}.",
        share=words.percent(told.look.fraction, 0),
        now=words.percent(now),
        daily=words.percent(daily),
    )


def _findings(told: Told) -> Iterator[Saying]:
    found, counts = told.found, told.found.counts
    if told.pending:
        yield lambda words: words.plural(
            "{n} visitor still has time and is in no rate; the curves take them in as far as they were followed.",
            "{n} visitors still have time and are in no rate; the curves take them in as far as they were followed.",
            told.pending,
        )
    if found.events.cutoff_is_default:
        yield partial(complete_to, found.events)
    harmful = told.frame[told.frame["safety"] == "harmful"]
    for outcome, variant in zip(harmful["outcome"], harmful["variant"], strict=True):
        yield lambda words, outcome=outcome, variant=variant: words.text(  # type: ignore[misc]
            "“{variant}” does harm: its “{outcome}” is surely beyond the margin.",
            variant=words.name(variant),
            outcome=words.name(outcome),
        )
    has_trees = any(isinstance(measure.outcome, Referred) for measure in found.design.measures)
    if has_trees and found.design.referred == "again" and counts.known_referrer:
        yield lambda words: words.text(
            "{share} of referred visitors saw another variant than whoever referred them: the difference over whole"
            " trees is less than if everyone saw one variant.",
            share=words.percent(counts.crossed / counts.known_referrer, 0),
        )
    for note in dict.fromkeys(told.frame["note"].dropna()):
        yield lambda words, note=note: words.text(note)  # type: ignore[misc]
