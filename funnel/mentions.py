"""Mentions: what television, radio and the press brought, what friends added, and what re-sharing brought again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from funnel import charts
from funnel.definition import UNITS, Step, as_step, microseconds
from funnel.errors import ColumnError, DataError, DefinitionError, did_you_mean, listed
from funnel.events import Events, checked_events, from_epoch_us
from funnel.excess import measures, told
from funnel.excess.aired import Mention, every_mention
from funnel.excess.counting import CHANNEL, tally
from funnel.excess.daily import Daily, daily, days_of
from funnel.excess.lives import lives_of
from funnel.excess.measures import Looked, looked
from funnel.excess.minutes import minutes_of, shading_of
from funnel.excess.windows import Stretch, Window, stretches
from funnel.journey_table.scratch import Scratch
from funnel.language import language as language_of
from funnel.results import Result, records
from funnel.waiting import patiently

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

__all__ = ["Mention", "Mentions", "MentionsResult"]


@dataclass(frozen=True)
class Mentions:
    """A question about media pieces: what was counted after each, above what is usual at that time.

    `effect`: how long after it began a mention is given, in whole minutes. `baseline`: how many whole days before and
    after may be compared with. `visited` and `of`: what a visit and a signature are, names of events or Steps.
    `shared`: the events by which a link becomes its visitor's, "share" where there are such events. `mentions`: media
    pieces given in code; those of the table beside the events, unless given.

    >>> Mentions(effect="2 hours").baseline
    '28 days'
    """

    effect: str | timedelta = "3 hours"
    baseline: str | timedelta = "28 days"
    visited: str | Step = "visit"
    of: str | Step = "sign"
    shared: str | Step | None = None
    mentions: Sequence[Mention] = ()

    def __post_init__(self) -> None:
        visited, of = as_step(self.visited), as_step(self.of)
        if self.shared is not None:
            as_step(self.shared)
        if visited.label == of.label:
            raise DefinitionError(
                f"`visited` and `of` are both '{of.label}'. Give each an event, or a name, of its own."
            )
        if microseconds(self.effect, argument="effect") % UNITS["minute"]:
            raise DefinitionError(f"effect={self.effect!r} is no whole number of minutes. Give for example '3 hours'.")
        if microseconds(self.baseline, argument="baseline") % UNITS["day"]:
            raise DefinitionError(f"baseline={self.baseline!r} is no whole number of days. Give for example '28 days'.")
        if isinstance(self.mentions, Mention) or not all(isinstance(each, Mention) for each in self.mentions):
            raise DefinitionError(
                f"`mentions` takes a list of mentions; got {self.mentions!r}. Give for example"
                " [funnel.Mention('tv-01', aired_from='2018-01-21 20:40', timezone='America/Toronto')]."
            )
        names = [each.mention.strip() for each in self.mentions]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise DefinitionError(f"Two mentions are named '{twice[0]}'. Give each a name of its own.")
        object.__setattr__(self, "mentions", tuple(self.mentions))

    @patiently
    def measure(self, events: Events, *, language: str = "en") -> MentionsResult:
        """Return the answer over these events, told in "en" or "fr"."""
        language_of(language)
        checked_events(events, "Mentions are")
        return MentionsResult.of(self, events).speaking(language)


@dataclass(frozen=True, eq=False, repr=False)
class MentionsResult(Result):
    """One row a mention and outcome, in order of time: what was counted in its window, and what is usual.

    Further answers: `lives()` (all that each brought, its second life included), `by_channel()`, `minutes()`, `days()`,
    `placebo()`.
    """

    looked: Looked = None  # type: ignore[assignment]

    @classmethod
    def of(cls, question: Mentions, events: Events) -> Self:
        """Count around the mentions, and put the answer together."""
        aired = every_mention(events, question.mentions)
        visited, of = as_step(question.visited), as_step(question.of)
        shared = None if question.shared is None else as_step(question.shared)
        effect = microseconds(question.effect, argument="effect") // UNITS["minute"]
        reach = microseconds(question.baseline, argument="baseline") // UNITS["day"]
        with Scratch(events.connection) as scratch:
            tallied = tally(events, aired, visited=visited, of=of, shared=shared, effect=effect, scratch=scratch)
            found = stretches(tallied, aired, effect=effect, reach=reach)
            _refuse_outside(events, found)
            answer = looked(tallied, found, effect=effect, reach=reach)
            frame = measures.mentions_of(answer)
            made = cls(
                frame=frame,
                heading=told.title("mentions"),
                remarks=told.remarks(answer, frame),
                draw=partial(_ranked, lives=lives_of(answer, frame)),
                looked=answer,
            )
            scratch.keep_for(answer)
        return made

    def summary(self, code: str | None = None) -> str:
        """Return which mention brought most, and what came of it, in sentences, in "en" or "fr"."""
        words = language_of(code or self.language)
        return told.brought(self.looked, self.frame, lives_of(self.looked, self.frame), words)

    def lives(self) -> Result:
        """Return all that each mention brought: its first life, its second, and what friends added to both."""
        frame = lives_of(self.looked, self.frame)
        remarks = (told.remark("lives"), *told.reasons(frame))
        return Result(frame, told.title("lives"), remarks, charts.mention_ranking, self.language)

    def by_channel(self) -> Result:
        """Return how those whom each mention brought arrived: one row a mention and channel of visits."""
        if CHANNEL not in self.looked.tally.events.columns:
            raise ColumnError(
                "No column named 'channel'. Give events that have one: funnel.with_channels(events) reads it from tags"
                f" and referrers. Known: {listed(sorted(self.looked.tally.events.columns))}."
            )
        frame = measures.channels_of(self.looked)
        return Result(frame, told.title("channels"), (told.remark("channels"),), None, self.language)

    def minutes(self, mention: str, *, outcome: str | None = None, step: int = 5) -> Result:
        """Return the counts around a mention, one row a bin of `step` minutes, beside what is usual."""
        window, counted = self._window(mention), self._outcome(outcome, 0)
        if not isinstance(step, int) or isinstance(step, bool) or not 1 <= step <= 60:
            raise DefinitionError(f"step={step!r} is no number of minutes. Give 1, 2, ... up to 60.")
        frame = minutes_of(self.looked, window, counted, step=step)
        draw = partial(charts.mention_timeline, others=shading_of(self.looked, window, frame))
        name = window.mention.name
        return Result(frame, told.title_of("minutes", name), (told.remark("minutes"),), draw, self.language)

    def days(
        self,
        mention: str | None = None,
        *,
        outcome: str | None = None,
        control: str | None = None,
        lasting: str | timedelta = "2 days",
    ) -> DaysResult:
        """Return the days with and without a mention (the one with the largest excess, unless named), by two models.

        `lasting` is how many days, from its own on, are the mention's. `control` is a SQL condition, as in
        `events.where`, for events that it cannot have touched: their series then tells what would have happened.
        """
        window, counted = self._strongest() if mention is None else self._window(mention), self._outcome(outcome, 1)
        length = microseconds(lasting, argument="lasting")
        if length % UNITS["day"]:
            raise DefinitionError(f"lasting={lasting!r} is no whole number of days. Give for example '2 days'.")
        if not 0 <= window.start < self.looked.tally.minutes:
            raise DataError(f"Mention '{window.mention.name}' is outside the data. Ask about another.")
        found = daily(self.looked, window, counted, lasting=length // UNITS["day"], control=control)
        return DaysResult(
            frame=days_of(found),
            heading=told.title_of("days", window.mention.name),
            remarks=told.remarks_on_days(found),
            draw=charts.mention_counterfactual,
            language=self.language,
            found=found,
            window=window,
        )

    def placebo(self) -> Result:
        """Return where each mention stands among windows in which nothing aired: one row a mention and outcome."""
        frame = measures.placebo_of(self.looked)
        return Result(frame, told.title("placebo"), (told.remark("placebo"),), None, self.language)

    def _window(self, mention: str) -> Window:
        known = {window.mention.name: window for _, window in self.looked.windows}
        if mention not in known:
            raise DefinitionError(
                f"No mention is named '{mention}'. {did_you_mean(str(mention), known)}Known: {listed(known)}."
            )
        return known[mention]

    def _strongest(self) -> Window:
        signing = self.frame[self.frame["outcome"] == self.looked.tally.outcomes[1]]
        if not signing["excess"].notna().any():
            raise DataError("No mention has a baseline, so none is the strongest. Name one: days('tv-01').")
        return self._window(str(signing.loc[signing["excess"].idxmax(), "mention"]))

    def _outcome(self, outcome: str | None, default: int) -> str:
        known = self.looked.tally.outcomes
        if outcome is None:
            return known[default]
        if outcome not in known:
            raise DefinitionError(
                f"outcome={outcome!r} is not counted. {did_you_mean(str(outcome), known)}Known: {listed(known)}."
            )
        return outcome

    def _for_json(self) -> dict[str, object]:
        lives = lives_of(self.looked, self.frame)
        return {**super()._for_json(), "summary": self.summary(), "lives": records(lives)}


@dataclass(frozen=True, eq=False, repr=False)
class DaysResult(Result):
    """One row a model and day: what was counted, and what would have been without the mention."""

    found: Daily = None  # type: ignore[assignment]
    window: Window = None  # type: ignore[assignment]

    def summary(self, code: str | None = None) -> str:
        """Return what the days of the mention had above what was to be expected, in sentences."""
        return told.over_days(self.found, self.window, language_of(code or self.language))

    def _for_json(self) -> dict[str, object]:
        return {**super()._for_json(), "summary": self.summary()}


def _ranked(_: pandas.DataFrame, *, lives: pandas.DataFrame, **shown: Any) -> Figure:
    """Draw what each mention brought in all: the chart of the whole answer."""
    return charts.mention_ranking(lives, **shown)


def _refuse_outside(events: Events, found: Sequence[Stretch]) -> None:
    """Refuse mentions none of which is in the data; of several, those outside have a note instead."""
    if any(each.reason != "outside" for each in found):
        return
    zone = found[0].members[0].mention.zone

    def local(moment: datetime) -> str:
        return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"

    aired = [from_epoch_us(each.members[0].mention.from_us) for each in found]
    name = f"Mention '{found[0].members[0].mention.name}' is" if len(found) == 1 else f"All {len(found)} mentions are"
    when = local(aired[0]) if len(found) == 1 else f"{local(min(aired))} to {local(max(aired))}"
    raise DataError(
        f"{name} outside the data: aired {when}, and the events run from {local(events.first_at)} to"
        f" {local(events.cutoff)} ({zone}). Give events from before it aired to after, or check its time zone."
    )
