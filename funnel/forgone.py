"""Forgone: what a bare "thank you" cost, in follow-ups and signatures that were never collected."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields
from datetime import date
from functools import partial
from typing import Literal, Self

from funnel import charts
from funnel.definition import Step, as_step, one_of
from funnel.errors import DataError, DefinitionError
from funnel.events import Events, checked_events, epoch_us, instant
from funnel.experiments import Experiment
from funnel.forest import check_referrals, forest
from funnel.journey_table.scratch import Scratch
from funnel.language import Language
from funnel.language import language as language_of
from funnel.readout import ExperimentResult, plain
from funnel.referrals import Referrals
from funnel.results import Result, records
from funnel.spread import spread_of
from funnel.uncollected import Counted, counted, drawn
from funnel.uncollected.measures import World, bounds_of, forgone_of
from funnel.uncollected.told import Account, ahead, assumptions, bound_remark, remarks, summary, title
from funnel.waiting import patiently

FEWEST_DRAWS = 1_000


@dataclass(frozen=True)
class Forgone:
    """A question about what signers would have done, and brought, had they seen another page.

    `experiment` says what each page makes signers do, `referrals` how signers bring signers. `who`: "control" asks of
    those who saw the control, the friends brought still seeing the pages as they were mixed; "everyone" of all who
    signed, had they and all their friends seen one page. `before`, a date or an instant, asks instead of those who
    signed before it without seeing any page. Where the experiment says referred="inherit", friends see what whoever
    brought them saw.

    `horizon`: generations of friends counted where a total has no end. `draws` and `seed`: how many draws the intervals
    are made of, and where they begin; the same seed gives the same numbers.
    """

    experiment: Experiment
    referrals: Referrals
    _: KW_ONLY
    who: Literal["control", "everyone"] = "control"
    before: str | date | None = None
    horizon: int = 5
    draws: int = 10_000
    seed: int = 2018

    def __post_init__(self) -> None:
        if not isinstance(self.experiment, Experiment):
            raise DefinitionError(
                f"`experiment` takes a funnel.Experiment; got {type(self.experiment).__name__}. What was forgone rests"
                " on one that compared the pages."
            )
        if not isinstance(self.referrals, Referrals):
            raise DefinitionError(
                f"`referrals` takes a funnel.Referrals; got {type(self.referrals).__name__}."
                " Give for example funnel.Referrals(of='sign')."
            )
        one_of(self.who, ("control", "everyone"), "who")
        if self.before is not None:
            instant(self.before, "UTC", argument="before")
            if self.who != "control":
                raise DefinitionError(
                    "before= asks of those who signed before the experiment, and who='everyone' of all. Give one."
                )
        _check_count(self.horizon, "horizon", 1, "generations of friends")
        _check_count(self.draws, "draws", FEWEST_DRAWS, "draws")
        _check_count(self.seed, "seed", 0, "a seed")

    @patiently
    def measure(
        self, events: Events, *, measured: ExperimentResult | None = None, language: str = "en"
    ) -> ForgoneResult:
        """Return the answer over these events, told in "en" or "fr".

        `measured`: what `experiment.measure(events)` gave, where it is there already; it is not measured again.
        """
        language_of(language)
        checked_events(events, "What was forgone is")
        check_referrals(events)
        if measured is None:
            measured = self.experiment.measure(events)
        elif not _is_answer(measured, self.experiment, events):
            raise DefinitionError(
                "`measured` is no answer to this experiment over these events. Give what experiment.measure(events)"
                " gave, or leave it out."
            )
        return ForgoneResult.of(self, measured).speaking(language)


@dataclass(frozen=True, eq=False, repr=False)
class ForgoneResult(Result):
    """One row a variant, outcome and generations counted: how much more there would have been under that variant.

    `forgone` is signers x (rate under the variant - rate under what they saw) and, for signatures of all generations,
    that over (1 - R); below 0, what the variant would have lost. `docs/definitions.md` says what every column is.
    """

    question: Forgone = None  # type: ignore[assignment]
    experiment: ExperimentResult = None  # type: ignore[assignment]
    account: Account = None  # type: ignore[assignment]

    @classmethod
    def of(cls, question: Forgone, measured: ExperimentResult) -> Self:
        """Count the trees, draw, and put the answer together; tables are removed again."""
        counts = _counted(question, measured)
        who = "control" if question.before is None else "before"
        who = who if question.who == "control" else "everyone"
        world = World(
            counts=counts,
            drawn=drawn(counts, draws=question.draws, seed=question.seed),
            signers=counts.signers,
            shown=None if who == "everyone" else counts.variants[0],
            later="own" if who == "everyone" or question.experiment.referred == "inherit" else "mix",
            horizon=question.horizon,
        )
        brought = as_step(question.referrals.of).label
        frame = forgone_of(world, brought)
        account = Account(world, frame, brought, who, *_best(measured))
        return cls(
            frame=frame,
            heading=title(who, counts.variants[0]),
            remarks=remarks(account),
            draw=partial(charts.forgone_forest, shown=world.shown),
            question=question,
            experiment=measured,
            account=account,
        )

    @property
    def best(self) -> str | None:
        """The variant that the summary speaks of: the one to adopt, else the highest rate; None if none can be told."""
        return self.account.best

    def summary(self, code: str | None = None) -> str:
        """Return what was forgone, in sentences, in "en" or "fr"."""
        return summary(self.account, self._words(code))

    def assumptions(self, code: str | None = None) -> tuple[str, ...]:
        """Return what the numbers suppose, a sentence each, in "en" or "fr"."""
        words = self._words(code)
        return tuple(each(words) for each in assumptions(self.account))

    def bounds(self, *, anyway: float = 0.5) -> Result:
        """Return what is left where less is supposed: one row a variant, outcome and assumption.

        `anyway`: the share of friends, 0 to 1, who would have come without a friend's link.
        """
        if isinstance(anyway, bool) or not isinstance(anyway, (int, float)) or not 0 <= anyway <= 1:
            raise DefinitionError(
                f"anyway={anyway!r} is no share of friends. Give 0 to 1, as 0.5 if half would have come without a link."
            )
        frame = bounds_of(self.account.world, self.account.brought, anyway=anyway)
        return Result(frame, title("bounds"), (partial(bound_remark, anyway=anyway),), None, self.language)

    def forwards(self, signers: int = 1_000) -> ForwardsResult:
        """Return what each page would bring from now on, over the control: for so many signers under the control.

        Everyone sees that page from then on, friends too. For ten days at 120 signers a day, give 1_200.
        """
        _check_count(signers, "signers", 1, "signers")
        told, world = self.account, self.account.world
        further = World(world.counts, world.drawn, signers, world.counts.variants[0], "own", world.horizon, False)
        frame = forgone_of(further, told.brought)
        account = Account(further, frame, told.brought, "forwards", told.best, told.chosen_by)
        drawn = partial(charts.forgone_forest, shown=further.shown)
        return ForwardsResult(frame, title("forwards"), remarks(account), drawn, self.language, account)

    def _words(self, code: str | None) -> Language:
        return language_of(code or self.language)

    def _for_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "summary": self.summary(),
            "experiment": plain(self.question.experiment),
            "question": _told(self.question),
            "notes": list(self.notes),
            "rows": records(self.frame),
            "bounds": records(self.bounds().frame),
            "forwards": records(self.forwards().frame),
        }


@dataclass(frozen=True, eq=False, repr=False)
class ForwardsResult(Result):
    """What each page would bring from now on, over the control: rows as those of `ForgoneResult`."""

    account: Account = None  # type: ignore[assignment]

    def summary(self, code: str | None = None) -> str:
        """Return what the best page would bring, in a sentence, in "en" or "fr"."""
        return ahead(self.account, language_of(code or self.language))


def _is_answer(measured: object, experiment: Experiment, events: Events) -> bool:
    return (
        isinstance(measured, ExperimentResult)
        and measured.design == experiment
        and measured.told.found.events is events
    )


def _counted(question: Forgone, measured: ExperimentResult) -> Counted:
    """Build the trees and count; their tables are removed again, those of the experiment stay with it."""
    asked, found = question.referrals, measured.told.found
    events = found.events
    shared = asked.shared or "share"
    before_us = None
    if question.before is not None:
        before_us = epoch_us(instant(question.before, events.timezone, argument="before"))
    with Scratch(events.connection) as scratch:
        trees = forest(events, asked.of, shared=asked.shared, scratch=scratch)
        spread = spread_of(trees, as_step(shared), window_days=1)  # nothing is read over time here
        if not len(spread.lineage):
            raise DataError(
                "Nobody who signed is in a tree: every signer names a referrer who did not sign before, or whose own"
                " referrer did not. Is referred_by the visitor whose link was used?"
            )
        who = question.who if before_us is None else "before"
        counts = counted(found, spread, as_step(shared), who=who, before_us=before_us)
        scratch.drop()
    return counts


def _best(measured: ExperimentResult) -> tuple[str | None, str]:
    """Return the variant to speak of and what chose it: the verdict, or the rate; None where the split is broken."""
    decision = measured.decision
    if decision.code == "split broken":
        return None, "rate"
    if decision.code == "adopt" and decision.variant is not None:
        return decision.variant, "verdict"
    frame = measured.frame
    rows = frame[(frame["role"] == "primary") & (frame["variant"] != measured.variants[0]) & frame["rate"].notna()]
    return (str(rows.loc[rows["rate"].idxmax(), "variant"]) if len(rows) else None), "rate"


def _told(question: Forgone) -> dict[str, object]:
    options = {each.name: getattr(question, each.name) for each in fields(question)[2:]}
    of = question.referrals.of
    return {
        "of": of.label if isinstance(of, Step) else of,
        **options,
        "before": question.before and str(question.before),
    }


def _check_count(value: object, argument: str, fewest: int, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < fewest:
        raise DefinitionError(f"{argument}={value!r} is no number of {what}. Give a whole number from {fewest:,} on.")
