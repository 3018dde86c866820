"""Outcomes: what an experiment counts of each visitor after exposure, and what must not get worse.

Each counts events from the exposure on, its instant included, until the window is over, its end included. `window` is
the experiment's unless given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from funnel.definition import Step, as_step, microseconds
from funnel.errors import DefinitionError

Window = str | timedelta | None


@dataclass(frozen=True)
class Conversion:
    """Whether a visitor did it at least once: a share of those exposed, from 0 to 1. `step` is an event or a Step."""

    step: str | Step
    window: Window = None

    def __post_init__(self) -> None:
        _check(self, self.step, self.window)

    @property
    def label(self) -> str:
        """What results call the outcome."""
        return as_step(self.step).label


@dataclass(frozen=True)
class Count:
    """How many times a visitor did it: a number per visitor exposed, 0 for most."""

    event: str | Step
    window: Window = None

    def __post_init__(self) -> None:
        _check(self, self.event, self.window)

    @property
    def label(self) -> str:
        """What results call the outcome."""
        return f"{as_step(self.event).label} per visitor"


@dataclass(frozen=True)
class Referred:
    """How many visitors did the event through the links of a visitor: a number per visitor exposed.

    Gives two rows: the whole tree (friends of friends too, whichever variant they saw) and the first generation alone.
    Each counts once, by the first link that brought them, for the visitor at the root of the tree. The events need a
    column `referred_by`, or `link_id`: a link belongs to whoever shared it first by an event of `shared` ("share" where
    there are such events).
    """

    event: str | Step
    window: Window = None
    shared: str | Step | None = None

    def __post_init__(self) -> None:
        _check(self, self.event, self.window)
        if self.shared is not None:
            as_step(self.shared)

    @property
    def label(self) -> str:
        """What results call the outcome."""
        return f"{as_step(self.event).label} brought"


@dataclass(frozen=True)
class Ratio:
    """Events per event, such as clicks per view: all numerators of an arm over all its denominators.

    The visitor stays the unit, so several views of one visitor need not be independent.
    """

    numerator: str | Step
    denominator: str | Step
    window: Window = None

    def __post_init__(self) -> None:
        _check(self, self.numerator, self.window)
        as_step(self.denominator)

    @property
    def label(self) -> str:
        """What results call the outcome."""
        return f"{as_step(self.numerator).label} per {as_step(self.denominator).label}"


@dataclass(frozen=True)
class Value:
    """The sum of a numeric column over a visitor's events: a mean per visitor exposed, in the column's unit.

    `event` narrows it to some events. Null counts as 0. Values are added in whole millionths, so that no order of the
    rows changes a digit.
    """

    column: str = "value"
    event: str | Step | None = None
    window: Window = None

    def __post_init__(self) -> None:
        if not (isinstance(self.column, str) and self.column):
            raise DefinitionError(f"A value is the name of a column; got {self.column!r}. Give for example 'value'.")
        _check(self, self.event, self.window)

    @property
    def label(self) -> str:
        """What results call the outcome."""
        return f"{self.column} per visitor"


@dataclass(frozen=True)
class Guardrail:
    """A share of visitors that must not get worse by `margin` or more: 0.005 is half a percentage point.

    The margin is fixed beforehand and absolute. `worse` says which way is worse: "higher" (unsubscribing) or "lower"
    (donating). A variant is "safe" when the whole interval of its difference lies on the good side of the margin,
    "harmful" when all of it lies beyond, and "not shown safe" when it holds the margin (Piaggio et al. 2012, JAMA
    308:2594, on reporting non-inferiority).
    """

    event: str | Step
    margin: float
    worse: Literal["higher", "lower"] = "higher"
    window: Window = None

    def __post_init__(self) -> None:
        _check(self, self.event, self.window)
        label = as_step(self.event).label
        if self.worse not in ("higher", "lower"):
            raise DefinitionError(f"worse={self.worse!r} is not known. Write worse='higher' or worse='lower'.")
        if not isinstance(self.margin, (int, float)) or isinstance(self.margin, bool) or not 0 < self.margin < 1:
            raise DefinitionError(
                f"The margin of guardrail '{label}' is {self.margin!r}. Give how much worse is still bearable, as a"
                " share between 0 and 1: margin=0.005 is half a percentage point. Which way is worse goes in worse=."
            )

    @property
    def label(self) -> str:
        """What results call the outcome."""
        return as_step(self.event).label

    @property
    def limit(self) -> float:
        """The difference that must not be reached: the margin, negative where lower is worse."""
        return self.margin if self.worse == "higher" else -self.margin


Outcome = Conversion | Count | Referred | Ratio | Value


def _check(outcome: object, step: object, window: Window) -> None:
    """Refuse what is no event and what is no window, where they are written."""
    if isinstance(step, Mapping) or (step is None and not isinstance(outcome, Value)):
        raise DefinitionError(f"{type(outcome).__name__} takes the name of an event, or a Step; got {step!r}.")
    if step is not None:
        as_step(step)
    if window is not None:
        microseconds(window, argument="window")
