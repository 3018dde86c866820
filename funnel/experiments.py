"""Experiments: which follow-up call to action brings more, how sure that is, and at what harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from funnel.design import Design
from funnel.events import Events, checked_events
from funnel.exposures import Exposures, build
from funnel.language import language as language_of
from funnel.outcomes import Conversion, Count, Guardrail, Ratio, Referred, Value
from funnel.readout import ExperimentResult
from funnel.waiting import patiently

__all__ = ["Conversion", "Count", "Experiment", "ExperimentResult", "Guardrail", "Ratio", "Referred", "Trial", "Value"]


@dataclass(frozen=True, repr=False)
class Experiment(Design):
    """A question about variants shown at random, such as the page that follows a signature.

    `name`: of the experiment, as the events have it in a column `experiment` (every exposure counts where there is no
    such column). `control`: the variant the others are compared with. `exposure`: the event at which a visitor sees a
    variant, which the column `variant` of that event names.

    `primary`, `secondary`, `exploratory`: outcomes (Conversion, Count, Referred, Ratio, Value), counted from the first
    exposure within `window` of it; the verdict rests on the primary one. `guardrails`: what must not get worse.

    Who is compared: visitors at their first exposure who arrived without a share link. `referred` says what their
    friends saw: "again" (each was randomised again) or "inherit" (the variant of whoever referred them).
    `two_variants`: visitors who saw two are "leave_out", or counted with the "first". `shares`: the planned share of
    each variant, equal ones if not given. `segments`: columns whose groups are looked at one by one. `assignment`: the
    event that assigns a variant, where not everyone assigned is exposed.

    `looks`: "fixed" (one look, at the planned end), a number of planned looks, or "anytime". `planned`: visitors of all
    variants at the planned end. `interval`: "newcombe" or "score" (Miettinen-Nurminen) for differences of shares.

    >>> Experiment("thanks_page", control="thanks_only", primary=Conversion("share"), window="3 days")
    Experiment('thanks_page', control='thanks_only', primary=Conversion('share'), window='3 days')
    """

    @patiently
    def measure(self, events: Events, *, language: str = "en") -> ExperimentResult:
        """Return the answer over these events, told in "en" or "fr"."""
        language_of(language)
        return self.journeys(events).measure(language=language)

    def journeys(self, events: Events) -> Trial:
        """Find the exposed and what they did, once, to ask again at no cost."""
        checked_events(events, "An experiment is")
        return Trial(build(self, events))

    def __repr__(self) -> str:
        return _shown(self)


@dataclass(frozen=True, eq=False, repr=False)
class Trial:
    """An experiment's journeys: who was exposed to what, and what followed."""

    found: Exposures

    def measure(self, *, language: str = "en") -> ExperimentResult:
        """Return the answer, told in "en" or "fr"."""
        return ExperimentResult.of(self.found).speaking(language)

    def __repr__(self) -> str:
        cells = self.found.cells()
        label = self.found.design.measures[0].label
        units = sum(each[label].visitors + each[label].pending for each in cells.values())
        return f"{units:,} visitors exposed to {', '.join(self.found.variants)}"


def _shown(question: object) -> str:
    """Return an object as one would type it: positional name first, what is at its default left out."""
    shown: list[str] = []
    is_named = False
    for each in fields(question):  # type: ignore[arg-type]
        value = getattr(question, each.name)
        if value == each.default and not (each.name == "window" and value):
            is_named = True
            continue
        shown.append(f"{each.name}={_short(value)}" if is_named or shown else _short(value))
    return f"{type(question).__name__}({', '.join(shown)})"


def _short(value: object) -> str:
    if isinstance(value, (Conversion, Count, Guardrail, Ratio, Referred, Value)):
        return _shown(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_short(each) for each in value)}]"
    return repr(dict(value)) if isinstance(value, Mapping) else repr(value)
