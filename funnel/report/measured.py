"""What a report asks of the events, each question asked once, when a chapter first needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from funnel.attribution import Attribution
from funnel.errors import FunnelError
from funnel.forgone import Forgone
from funnel.ladder import Ladder
from funnel.mentions import Mentions
from funnel.referrals import Referrals
from funnel.relays import Relays
from funnel.report.change import ChangeResult, changes
from funnel.report.usual import usual_experiments, usual_ladder

if TYPE_CHECKING:
    from funnel.analysis import Analysis
    from funnel.answers import FunnelResult
    from funnel.attribution import AttributionResult
    from funnel.events import Events
    from funnel.experiments import Experiment
    from funnel.forgone import ForgoneResult
    from funnel.journeys import Journeys
    from funnel.ladder import LadderResult
    from funnel.language import Language
    from funnel.mentions import MentionsResult
    from funnel.readout import ExperimentResult
    from funnel.referrals import ReferralsResult
    from funnel.relays import RelaysResult

T = TypeVar("T", covariant=True)
CHANNEL = "channel"
USUAL_GROUPS = ("channel", "device")


class Question(Protocol[T]):
    """What can be asked of events."""

    def measure(self, events: Events, *, language: str = "en") -> T:
        """Return the answer."""


@dataclass(frozen=True, eq=False)
class Measured:
    """The answers of one analysis over these events.

    An answer is None where the events have nothing for the question, and the error itself where it cannot be asked.
    """

    events: Events
    analysis: Analysis
    words: Language

    @cached_property
    def journeys(self) -> Journeys:
        """The journeys of the funnel."""
        return self.analysis.funnel.journeys(self.events)

    @cached_property
    def funnel(self) -> FunnelResult:
        """The funnel of all visitors."""
        return self.journeys.measure(by=(), language=self.words.code)

    @cached_property
    def changes(self) -> ChangeResult:
        """What has changed since the period before."""
        return changes(self.funnel, self.analysis.period)

    @cached_property
    def groups(self) -> dict[str, FunnelResult]:
        """The funnel by each column; of the usual ones, those that the events have."""
        asked = self.analysis.by
        columns = (
            [name for name in USUAL_GROUPS if name in self.events.columns]
            if asked is None
            else [self.events.column(name) for name in asked]
        )
        return {name: self.journeys.measure(by=name, language=self.words.code) for name in columns}

    @cached_property
    def trials(self) -> Sequence[Experiment]:
        """The experiments that are asked about: those of the analysis, or the usual ones."""
        asked = self.analysis.experiments
        return usual_experiments(self.events) if asked is None else asked

    @cached_property
    def experiments(self) -> list[tuple[Experiment, ExperimentResult | FunnelError]]:
        """Each experiment with its answer, or with what is missing for one."""
        return [(each, self._answer(each)) for each in self.trials]

    @cached_property
    def forgone(self) -> dict[str, ForgoneResult]:
        """What showing the control cost, by experiment; only where that can be told."""
        if not self.events.has_referrals:
            return {}
        asked = self.analysis.referrals or Referrals(of=self.analysis.funnel.every_step[-1])
        found = {}
        for experiment, measured in self.experiments:
            if not isinstance(measured, FunnelError):
                found[experiment.name] = _tried(
                    partial(Forgone(experiment, asked).measure, measured=measured), self.events, self.words.code
                )
        return {name: answer for name, answer in found.items() if not isinstance(answer, FunnelError)}

    @cached_property
    def referrals(self) -> ReferralsResult | FunnelError | None:
        """Who brought whom; None where nobody came by a signer's link."""
        if not self.events.has_referrals:
            return None
        asked = self.analysis.referrals or Referrals(of=self.analysis.funnel.every_step[-1])
        answer = self._answer(asked)
        if isinstance(answer, FunnelError) or answer.spread.lineage.is_referred.any():
            return answer
        return None

    @cached_property
    def relays(self) -> RelaysResult | FunnelError | None:
        """What relays brought."""
        if "relay" not in self.events.columns and "relays" not in self.events.tables:
            return None
        steps = self.analysis.funnel.every_step
        asked = self.analysis.relays or Relays(of=steps[-1], visited=steps[0])
        return self._answer(asked)

    @cached_property
    def mentions(self) -> MentionsResult | FunnelError | None:
        """What mentions in the media brought."""
        steps = self.analysis.funnel.every_step
        asked = self.analysis.mentions or Mentions(of=steps[-1], visited=steps[0])
        if "mentions" not in self.events.tables and not asked.mentions:
            return None
        return self._answer(asked)

    @cached_property
    def attribution(self) -> AttributionResult | FunnelError | None:
        """Which channels are credited."""
        if self.analysis.attribution is None and CHANNEL not in self.events.columns:
            return None
        steps = self.analysis.funnel.every_step
        asked = self.analysis.attribution or Attribution(to=steps[-1], touch=steps[0], by=CHANNEL)
        return self._answer(asked)

    @cached_property
    def ladder(self) -> LadderResult | FunnelError | None:
        """How far people climb."""
        asked: Ladder | None = self.analysis.ladder or usual_ladder(self.events, self.analysis.funnel)
        return None if asked is None else self._answer(asked)

    def _answer(self, question: Question[T]) -> T | FunnelError:
        return _tried(question.measure, self.events, self.words.code)


def _tried(measure: Callable[..., T], events: Events, language: str) -> T | FunnelError:
    try:
        return measure(events, language=language)
    except FunnelError as error:
        return error
