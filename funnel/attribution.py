"""Attribution: which channels conversions are credited to, by eight models side by side, none of them causal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Self

from funnel import charts
from funnel.counts.groups import check_columns
from funnel.credited import Counted, counted, credits_of, flow_of
from funnel.credited.flow import FEWEST_VISITORS, FLOWS
from funnel.credited.measures import CREDITS, Asked
from funnel.credited.told import credited, paths_remarks, paths_title, remarks, title
from funnel.definition import UNITS, Step, as_step, microseconds
from funnel.errors import DefinitionError, did_you_mean, listed
from funnel.events import Events, checked_events
from funnel.language import language as language_of
from funnel.marks import check_names
from funnel.results import Result, records
from funnel.stats.credit import MODELS
from funnel.waiting import patiently


@dataclass(frozen=True, repr=False)
class Attribution:
    """A question about the channels that visitors touched before they converted.

    `to`: what converting is, the name of an event or a Step; a visitor converts once, at the first. `touch`: the events
    that touch a channel, which their column `by` names. `lookback`: how long before the conversion touches count.
    `models`: which of the eight, all unless given: "first", "last", "last_non_direct" (`direct` is the channel set
    aside), "linear", "position" (40/20/40), "time_decay" (half as much for every `half_life`), "markov" (removal from a
    chain that remembers `order` touches; `self_loops=False` counts touches of one channel in a row as one), "shapley".

    Where events have a column `referred_by` or `link_id`, signatures are credited a second time, with those that
    signers brought: `docs/definitions.md` says how. None of the models is causal.

    >>> Attribution(to="sign", by="channel")
    Attribution(to='sign', by='channel', lookback='30 days')
    """

    to: str | Step = "sign"
    by: str = "channel"
    lookback: str | timedelta = "30 days"
    touch: str | Step = "visit"
    direct: str = "direct"
    half_life: str | timedelta = "7 days"
    order: int = 1
    self_loops: bool = True
    models: Sequence[str] = MODELS

    def __post_init__(self) -> None:
        for step in (self.to, self.touch):
            as_step(step)
        microseconds(self.lookback, argument="lookback")
        microseconds(self.half_life, argument="half_life")
        for name, usual in (("by", "channel"), ("direct", "direct")):
            if not isinstance(getattr(self, name), str):
                raise DefinitionError(f"{name}={getattr(self, name)!r} is no text. Write for example {name}='{usual}'.")
        if not (isinstance(self.order, int) and self.order >= 1):
            raise DefinitionError(f"order={self.order!r} is no number of touches to remember. Write 1, 2, ...")
        if isinstance(self.models, str) or not self.models:
            raise DefinitionError(f"`models` takes a list of models; got {self.models!r}. Known: {listed(MODELS)}.")
        for model in self.models:
            if model not in MODELS:
                raise DefinitionError(
                    f"No model named {model!r}. {did_you_mean(model, MODELS)}Known: {listed(MODELS)}."
                )
        object.__setattr__(self, "models", tuple(model for model in MODELS if model in self.models))

    @patiently
    def measure(self, events: Events, *, language: str = "en") -> AttributionResult:
        """Return the answer over these events, told in "en" or "fr"."""
        language_of(language)
        checked_events(events, "Attribution is")
        return AttributionResult.of(self, events).speaking(language)

    def __repr__(self) -> str:
        always = ("to", "by", "lookback")
        told = [(each.name, getattr(self, each.name), each.default) for each in fields(self)]
        shown = [f"{name}={value!r}" for name, value, default in told if name in always or value != default]
        return f"Attribution({', '.join(shown)})"


@dataclass(frozen=True, eq=False, repr=False)
class AttributionResult(Result):
    """One row a model and channel: the conversions it is credited with, and with what those who converted brought.

    The last row of each model, whose channel is null, is of the conversions without a touch. A further answer:
    `paths()`.
    """

    by: str = ""
    counted: Counted = None  # type: ignore[assignment]

    @classmethod
    def of(cls, question: Attribution, events: Events) -> Self:
        """Count the paths and put the answer together; the engine's tables are removed again."""
        to, touch = as_step(question.to), as_step(question.touch)
        check_names((to, touch), events.vocabulary)
        by = events.column(question.by)
        check_columns(events, (by,), {*CREDITS, *FLOWS})
        lookback_us = microseconds(question.lookback, argument="lookback")
        half_life_us = microseconds(question.half_life, argument="half_life")
        asked = Asked(
            models=question.models,
            direct=question.direct,
            half_life=half_life_us / UNITS["day"],
            order=question.order,
            self_loops=question.self_loops,
        )
        found = counted(events, to, touch, by, lookback_us=lookback_us)
        return cls(
            frame=credits_of(found, by, asked),
            draw=charts.credit_by_model,
            heading=title,
            remarks=remarks(found, asked, lookback_us / UNITS["second"]),
            by=by,
            counted=found,
        )

    def summary(self, code: str | None = None) -> str:
        """Return which channel gets most by which models, in sentences, in "en" or "fr"."""
        return credited(self.frame, self.by, self.counted, language_of(code or self.language))

    def paths(self, most: int = 12, *, fewest: int = FEWEST_VISITORS) -> Result:
        """Return which way visitors came, touch by touch: one row a flow from a channel to the next, or to the end.

        Of each touch the `most` channels that most visitors came by are told apart, the others as "other", and so are
        flows that fewer than `fewest` visitors took.
        """
        for name, value, what in (("most", most, "channels"), ("fewest", fewest, "visitors")):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise DefinitionError(f"{name}={value!r} is no number of {what}. Give 1 or more.")
        frame = flow_of(self.counted, self.by, most=most, fewest=fewest)
        return Result(frame, paths_title, paths_remarks(self.counted), charts.path_flow, self.language)

    def _for_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "summary": self.summary(),
            "notes": list(self.notes),
            "rows": records(self.frame),
        }
