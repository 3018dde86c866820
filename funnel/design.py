"""What an experiment is: who is compared with whom, on what, and by which rules. It holds no data.

Everything that can be wrong without looking at events is refused here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Literal, get_args

from funnel.definition import Step, as_step, microseconds, one_of
from funnel.errors import DefinitionError, did_you_mean, listed
from funnel.outcomes import Conversion, Count, Guardrail, Outcome, Ratio, Referred, Value

Looks = Literal["fixed", "anytime"] | int
Role = Literal["primary", "secondary", "exploratory", "guardrail"]
Kind = Literal["share", "mean", "ratio"]

KINDS: Mapping[type, Kind] = MappingProxyType(
    {Conversion: "share", Guardrail: "share", Count: "mean", Referred: "mean", Value: "mean", Ratio: "ratio"}
)


@dataclass(frozen=True)
class Measure:
    """One row of the answer for each variant: an outcome in its role. `generations` 1 counts friends alone."""

    label: str
    role: Role
    outcome: Outcome | Guardrail
    window: int
    generations: int | None = None

    @property
    def kind(self) -> Kind:
        """How the arms are compared: as shares, as means or as ratios of means."""
        return KINDS[type(self.outcome)]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The events it counts; for a ratio numerator and denominator."""
        asked = self.outcome
        if isinstance(asked, Ratio):
            return as_step(asked.numerator), as_step(asked.denominator)
        if isinstance(asked, Value):
            return () if asked.event is None else (as_step(asked.event),)
        return (as_step(asked.step if isinstance(asked, Conversion) else asked.event),)


@dataclass(frozen=True)
class Design:
    """The question of an experiment, checked: see `funnel.Experiment` for what each part means."""

    name: str
    _: KW_ONLY
    control: str
    primary: Outcome
    window: str | timedelta = "3 days"
    exposure: str | Step = "thanks_shown"
    variant: str = "variant"
    secondary: Sequence[Outcome] = ()
    exploratory: Sequence[Outcome] = ()
    guardrails: Sequence[Guardrail] = ()
    looks: Looks = "fixed"
    planned: int | None = None
    shares: Mapping[str, float] | None = field(default=None, hash=False)
    segments: Sequence[str] = ()
    referred: Literal["again", "inherit"] = "again"
    two_variants: Literal["leave_out", "first"] = "leave_out"
    interval: Literal["newcombe", "score"] = "newcombe"
    assignment: str | Step | None = None

    def __post_init__(self) -> None:
        for argument, value in (("name", self.name), ("control", self.control), ("variant", self.variant)):
            if not (isinstance(value, str) and value.strip()):
                raise DefinitionError(f"{argument}={value!r} is no name. Give it as the events have it.")
        set_ = object.__setattr__
        for argument in ("secondary", "exploratory"):
            set_(self, argument, _outcomes(getattr(self, argument), argument))
        _outcomes([self.primary], "primary")
        set_(self, "guardrails", _guardrails(self.guardrails))
        set_(self, "segments", _columns(self.segments))
        microseconds(self.window, argument="window")
        self._check_looks()
        self._check_shares()
        one_of(self.referred, ("again", "inherit"), "referred")
        one_of(self.two_variants, ("leave_out", "first"), "two_variants")
        one_of(self.interval, ("newcombe", "score"), "interval")
        self._check_outcomes()

    def _check_looks(self) -> None:
        is_number = isinstance(self.looks, int) and not isinstance(self.looks, bool)
        if not (self.looks in ("fixed", "anytime") or (is_number and 2 <= int(self.looks) <= 100)):
            raise DefinitionError(
                f"looks={self.looks!r} is not known. Write 'fixed' (one look, at the planned end), the number of"
                " planned looks from 2 to 100, or 'anytime'."
            )
        is_count = isinstance(self.planned, int) and not isinstance(self.planned, bool) and self.planned > 0
        if self.planned is not None and not is_count:
            raise DefinitionError(
                f"planned={self.planned!r} is no number of visitors. Give how many all arms together should have at the"
                " planned end, as funnel.required_visitors(...).total."
            )

    def _check_shares(self) -> None:
        if self.shares is None:
            return
        if not isinstance(self.shares, Mapping) or len(self.shares) < 2:
            raise DefinitionError(
                f"`shares` maps each variant to its planned share; got {self.shares!r}."
                " Give for example shares={'thanks_only': 0.5, 'share': 0.5}."
            )
        for variant, share in self.shares.items():
            if not isinstance(share, (int, float)) or isinstance(share, bool) or not 0 <= share <= 1:
                raise DefinitionError(
                    f"The planned share of variant '{variant}' is {share!r}. Give a share from 0 to 1, as 0.5 for half."
                )
        if not math.isclose(math.fsum(self.shares.values()), 1, abs_tol=1e-9):
            raise DefinitionError(
                f"The planned shares sum to {math.fsum(self.shares.values()):.10g}. Give shares that sum to 1, as"
                " {'thanks_only': 0.5, 'share': 0.5}."
            )
        if self.control not in self.shares:
            raise DefinitionError(
                f"Control '{self.control}' has no planned share. {did_you_mean(self.control, self.shares)}"
                f"Planned: {listed(self.shares)}."
            )
        if not self.shares[self.control]:
            raise DefinitionError(
                f"Control '{self.control}' is planned to have no visitors. Give it a share above 0, or another control."
            )
        object.__setattr__(self, "shares", MappingProxyType(dict(self.shares)))

    def _check_outcomes(self) -> None:
        labels: list[str] = []
        exposures = as_step(self.exposure)
        for each in (self.primary, *self.secondary, *self.exploratory, *self.guardrails):
            if each.label in labels:
                raise DefinitionError(
                    f"Outcome '{each.label}' is there twice. Give each outcome once, or a Step with a name of its own."
                )
            labels.append(each.label)
            if isinstance(each, (Conversion, Count, Guardrail)):
                step = Measure(each.label, "primary", each, 0).steps[0]
                if step.where is None and set(step.events) & set(exposures.events):
                    raise DefinitionError(
                        f"Outcome '{each.label}' is the exposure itself, which every visitor has."
                        " Give an event that comes after it."
                    )

    @property
    def window_us(self) -> int:
        """The window in microseconds."""
        return microseconds(self.window, argument="window")

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is counted, in the order of the answer: primary first, guardrails last."""
        roles: list[tuple[Outcome | Guardrail, Role]] = [(self.primary, "primary")]
        roles += [(each, "secondary") for each in self.secondary]
        roles += [(each, "exploratory") for each in self.exploratory]
        roles += [(each, "guardrail") for each in self.guardrails]
        return tuple(measure for outcome, role in roles for measure in self._measured(outcome, role))

    def _measured(self, outcome: Outcome | Guardrail, role: Role) -> list[Measure]:
        window = self.window_us if outcome.window is None else microseconds(outcome.window, argument="window")
        found = [Measure(outcome.label, role, outcome, window)]
        if isinstance(outcome, Referred):
            # What was declared primary is the whole tree; its first generation explains it.
            then: Role = "secondary" if role == "primary" else role
            found.append(Measure(f"{outcome.label} directly", then, outcome, window, 1))
        return found

    @property
    def longest_window(self) -> int:
        """The longest window of any outcome, in microseconds."""
        return max(measure.window for measure in self.measures)


def _outcomes(given: object, argument: str) -> tuple[Outcome, ...]:
    every = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    for each in every:
        if not isinstance(each, get_args(Outcome)):
            raise DefinitionError(
                f"`{argument}` takes Conversion, Count, Referred, Ratio or Value; got {each!r}."
                " Give for example funnel.Conversion('share')."
            )
    return every


def _guardrails(given: object) -> tuple[Guardrail, ...]:
    every = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    for each in every:
        if not isinstance(each, Guardrail):
            raise DefinitionError(
                f"`guardrails` takes guardrails; got {each!r}."
                " Give for example [funnel.Guardrail('unsubscribe', margin=0.005)]."
            )
    return every


def _columns(given: object) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise DefinitionError(f"`segments` takes names of columns; got {given!r}. Give for example ['device'].")
    return tuple(dict.fromkeys(names))
