"""The ladder: how people climb from a gesture to a bigger one, how soon, and what each rung brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Self

from funnel import charts
from funnel.climbing import Climbers, Friend, Repeat, Rung, climbers_of, measures, rungs_of, told
from funnel.climbing.climbers import check_steps
from funnel.climbing.counting import asked
from funnel.climbing.groups import SHOWN, Grouping, grouped, grouping_of
from funnel.definition import UNITS, Step, as_step, microseconds
from funnel.errors import DataError, DefinitionError
from funnel.events import Events, checked_events
from funnel.forest import check_referrals, forest
from funnel.journey_table.scratch import Scratch
from funnel.language import Language
from funnel.language import language as language_of
from funnel.results import Result, records
from funnel.spread import spread_of
from funnel.waiting import patiently

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

    from funnel.charts.look import Theme

__all__ = ["Friend", "Ladder", "LadderResult", "Repeat"]

TAKEN = {*measures.RUNGS, *measures.TIMES}


@dataclass(frozen=True, repr=False)
class Ladder:
    """A question about rungs that ask more and more of people, such as visit < sign < share < bring a friend.

    `rungs`, the lowest first: names of events, Step objects, `Friend()` (somebody signed by one's link) and `Repeat()`
    (coming back after having signed). Every rung may be skipped. `wave`: the length of a wave of entry, in whole days.
    `exposure`: the event whose columns `variant` and `experiment` say what a visitor was shown, where one asks for it.

    A visitor comes to the ladder with the first event of any rung, and reaches a rung with the first of its events from
    then on; what counts is the highest, whatever came first in time.

    >>> Ladder(["visit", "sign", Friend(), Repeat("visit")])
    Ladder(['visit', 'sign', Friend(), Repeat()])
    """

    rungs: Sequence[str | Rung]
    wave: str | timedelta = "7 days"
    exposure: str | Step = "thanks_shown"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rungs", rungs_of(self.rungs))
        if microseconds(self.wave, argument="wave") % UNITS["day"]:
            raise DefinitionError(f"wave={self.wave!r} is no whole number of days. Give for example '7 days'.")
        as_step(self.exposure)

    @property
    def every_rung(self) -> tuple[Rung, ...]:
        """The rungs: `rungs` once the ladder is made."""
        return rungs_of(self.rungs)

    @patiently
    def measure(self, events: Events, by: str | Sequence[str] | None = None, *, language: str = "en") -> LadderResult:
        """Return the answer over these events, told in "en" or "fr".

        `by`: one column or several, of the event with which a visitor came; `variant` and `experiment` of the first
        exposure that names one; "wave" for the wave of entry, which is called by its first day.
        """
        language_of(language)
        checked_events(events, "A ladder is")
        return LadderResult.of(self, events, self.grouping(events, by)).speaking(language)

    def grouping(self, events: Events, by: str | Sequence[str] | None) -> Grouping:
        """Return what people are grouped by; refuse what these events do not have."""
        days = microseconds(self.wave, argument="wave") // UNITS["day"]
        return grouping_of(events, by, TAKEN, exposure=as_step(self.exposure), wave_days=days)

    def __repr__(self) -> str:
        shown = [f"[{', '.join(_short(rung) for rung in self.every_rung)}]"]
        for each in fields(self)[1:]:
            value = getattr(self, each.name)
            shown += [] if value == each.default else [f"{each.name}={value!r}"]
        return f"Ladder({', '.join(shown)})"


@dataclass(frozen=True, eq=False, repr=False)
class LadderResult(Result):
    """One row a rung, from the lowest up, and a group where it is broken down: who reached it, whose highest it is.

    Further answers: `transitions()`, `times()`, `fatigue()`, `value()`.
    """

    question: Ladder = None  # type: ignore[assignment]
    climbers: Climbers = None  # type: ignore[assignment]
    by: tuple[str, ...] = ()
    totals: pandas.DataFrame = None
    moves: pandas.DataFrame = None

    @classmethod
    def of(cls, question: Ladder, events: Events, grouping: Grouping) -> Self:
        """Find who reached which rung, and put the answer together."""
        climbers = climbers_of(question.every_rung, events)
        with Scratch(events.connection) as scratch:
            whole = grouped(climbers, question.grouping(events, None), scratch)
            totals, moves = measures.rungs_of(whole), measures.moves_of(whole)
            frame = measures.rungs_of(grouped(climbers, grouping, scratch)) if grouping.by else totals
            scratch.drop()
        return cls(
            frame=frame,
            heading=partial(told.heading, by=grouping.by),
            remarks=told.remarks(events, totals, is_shown=bool(set(grouping.by) & set(SHOWN))),
            question=question,
            climbers=climbers,
            by=grouping.by,
            totals=totals,
            moves=moves,
        )

    def summary(self, code: str | None = None) -> str:
        """Return how far people climbed, in two or three sentences, in "en" or "fr"."""
        return told.climbed(self.totals, self.moves, self._words(code))

    def transitions(self) -> Result:
        """Return where people climbed next from each rung: one row a rung and a higher one, and one for none yet."""
        return Result(self.moves, told.title("transitions"), (told.remark("transitions"),), None, self.language)

    def times(self, by: str | Sequence[str] | None = None) -> LadderTimes:
        """Return how soon people climbed to a higher rung, by Kaplan-Meier: one row a group, rung and elapsed time.

        `by` as in `measure`. Whoever has not climbed is followed to the cutoff. The chart has the five largest groups.
        """
        grouping = self.question.grouping(self.climbers.events, by)
        with Scratch(self.climbers.connection) as scratch:
            frame, doubtful = measures.times_of(grouped(self.climbers, grouping, scratch))
            scratch.drop()
        said = told.times_remarks(doubtful)
        if set(grouping.by) & set(SHOWN):
            said = (*said, told.remark("variant"))
        return LadderTimes(frame, told.title("times"), said, charts.ladder_times, self.language)

    def fatigue(
        self,
        asks: str | Sequence[str] | Step = "thanks_shown",
        *,
        response: str | Sequence[str] | Step = "share",
        harm: str | Sequence[str] | Step = "unsubscribe",
        within: str | timedelta = "7 days",
    ) -> Result:
        """Return how people answer the first ask and later ones, and how many are lost: one row a number of asks seen.

        `asks` are the events by which somebody is asked for more, `response` those that answer and `harm` those to
        avoid; both count up to `within` after the ask, and before the next. Observed, and no effect of asking.
        """
        within_us = microseconds(within, argument="within")
        steps = (as_step(asks), as_step(response), as_step(harm))
        check_steps(steps, self.climbers.events)
        frame = measures.asks_of(asked(self.climbers, *steps, within_us=within_us))
        return Result(frame, told.title("fatigue"), told.fatigue_remarks(within_us / 1e6), None, self.language)

    def value(self) -> Result:
        """Return what a signer brings, by their highest rung: one row a rung but those of bringing a friend.

        Who signs, and by whose link, is as the ladder's `Friend` says, and as `Friend()` where it has none.
        """
        events = self.climbers.events
        check_referrals(events, "What a signer brings needs to know who brought whom")
        friend = next((rung for rung in self.climbers.rungs if isinstance(rung, Friend)), Friend())
        with Scratch(events.connection) as scratch:
            trees = forest(events, friend.of, shared=friend.shared, scratch=scratch)
            spread = spread_of(trees, as_step(friend.shared or "share"), window_days=1)
            if not len(spread.lineage):
                raise DataError(
                    "Nobody who signed is in a tree, so there are no signatures to share out: every signer names a"
                    " referrer who did not sign before. Is referred_by the visitor whose link was used?"
                )
            frame = measures.values_of(self.climbers, spread)
            scratch.drop()
        said = told.value_remarks(frame, has_friend=friend in self.climbers.rungs)
        return Result(frame, told.title("value"), said, None, self.language)

    @property
    def has_chart(self) -> bool:
        """Tell that there is one."""
        return True

    def _drawn(self, theme: Theme) -> Figure:
        return charts.ladder_rungs(self.frame, by=self.by, language=self.language, title=self.title, theme=theme)

    def _words(self, code: str | None) -> Language:
        return language_of(code or self.language)

    def _for_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "summary": self.summary(),
            "notes": list(self.notes),
            "rows": records(self.frame),
            "transitions": records(self.moves),
        }


@dataclass(frozen=True, eq=False, repr=False)
class LadderTimes(Result):
    """One row a group, rung and elapsed time: the share that has climbed on by then."""

    def summary(self, code: str | None = None) -> str:
        """Return how many had climbed on from each rung, and in which groups fewest and most, in "en" or "fr"."""
        return told.climbed_by(self.frame, language_of(code or self.language))


def _short(rung: Rung) -> str:
    """Return a rung as one would type it: a plain event by its name, what is at its default left out."""
    if isinstance(rung, Step) and isinstance(rung.event, str) and rung == Step(rung.event):
        return repr(rung.event)
    given = [
        f"{each.name}={getattr(rung, each.name)!r}" for each in fields(rung) if getattr(rung, each.name) != each.default
    ]
    return f"{type(rung).__name__}({', '.join(given)})"
