"""What the rungs of a ladder are: events, and two gestures that no single event shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from funnel.definition import Step, as_step, microseconds
from funnel.errors import DefinitionError

MOST_RUNGS = 20


@dataclass(frozen=True)
class Friend:
    """The rung of bringing a friend: somebody signs by one's link. Reached with the first such signature.

    `of`: what signing is. `shared`: the events by which a link becomes its visitor's, "share" where there are such
    events. Who is whose friend is as in `funnel.Referrals`: signers in no tree count for nobody.
    """

    of: str | Step = "sign"
    shared: str | Step | None = None
    name: str = "bring a friend"

    def __post_init__(self) -> None:
        _check_name(self)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The events it looks for: what signing is, and what sharing is where that was said."""
        return (as_step(self.of), *([] if self.shared is None else [as_step(self.shared)]))

    @property
    def label(self) -> str:
        """What results call the rung."""
        return self.name


@dataclass(frozen=True)
class Repeat:
    """The rung of coming back: an event at least `after` later than the visitor's first event that is `since`.

    `after` is elapsed time, so "1 day" is 24 hours. A visit the day before signing is no repeat; nor is one without
    signing. `Repeat("sign", since="sign")` is signing again. Who never did `since` cannot reach it.
    """

    event: str | Sequence[str] | Step = "visit"
    since: str | Step = "sign"
    after: str | timedelta = "1 day"
    name: str | None = None

    def __post_init__(self) -> None:
        _check_name(self)
        microseconds(self.after, argument="after")

    @property
    def steps(self) -> tuple[Step, Step]:
        """The event that comes again, and the one that it comes after."""
        return as_step(self.event), as_step(self.since)

    @property
    def after_us(self) -> int:
        """How much later it must be, in microseconds."""
        return microseconds(self.after, argument="after")

    @property
    def label(self) -> str:
        """What results call the rung."""
        return self.name or f"{as_step(self.event).label} again"


Rung = Step | Friend | Repeat


def rungs_of(given: object) -> tuple[Rung, ...]:
    """Return the rungs, the lowest first; refuse what is no ladder."""
    if isinstance(given, (str, Step, Friend, Repeat)) or not isinstance(given, Sequence):
        raise DefinitionError(
            f"`rungs` takes a list of rungs, the lowest first; got {given!r}. Give for example"
            " ['visit', 'sign', 'share']."
        )
    rungs = tuple(each if isinstance(each, (Step, Friend, Repeat)) else Step(each) for each in given)
    if not 2 <= len(rungs) <= MOST_RUNGS:
        raise DefinitionError(
            f"A ladder has 2 to {MOST_RUNGS} rungs; got {len(rungs)}. Give for example Ladder(['visit', 'sign'])."
        )
    if not isinstance(rungs[0], Step):
        raise DefinitionError(
            f"The lowest rung is how people come to the ladder, so it is an event; got {rungs[0]!r}."
            " Put for example 'visit' before it."
        )
    for place, each in enumerate(rungs):
        if isinstance(each, Step) and each.optional:
            raise DefinitionError(f"Rung '{each.label}' is optional by nature, as all are. Leave `optional` out.")
        if each.label in [other.label for other in rungs[:place]]:
            raise DefinitionError(f"Two rungs are named '{each.label}'. Give each a name of its own, with name=.")
    return rungs


def _check_name(rung: Friend | Repeat) -> None:
    """Refuse a name that is none, and events that are none."""
    if rung.name is not None and not (isinstance(rung.name, str) and rung.name.strip()):
        raise DefinitionError(f"A rung's name is words; got {rung.name!r}. Leave it out for the usual one.")
    for step in rung.steps:
        if step.optional:
            raise DefinitionError(f"Step '{step.label}' of a rung is optional by nature. Leave `optional` out.")
