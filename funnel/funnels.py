"""The funnel: how many come, sign, and go further; where, how fast, and from where they are lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

from funnel.answers import FunnelResult
from funnel.conditions import columns_named
from funnel.definition import Definition, Exclusion, Step, column_names
from funnel.events import Events, checked_events
from funnel.journey_table import Progress, create
from funnel.journeys import Journeys
from funnel.language import language as language_of
from funnel.marks import Marks
from funnel.notation import read, written
from funnel.statements import sql
from funnel.waiting import patiently
from funnel.wording import described

__all__ = ["Exclusion", "Funnel", "FunnelResult", "Journeys", "Step"]


@dataclass(frozen=True, repr=False)
class Funnel(Definition):
    """A question about a chain of steps, and about what follows the last one.

    `steps`: names of events, or Step objects, in order. `window`: the time from entry within which all steps must come,
    its end included. `follow_ups`: alternatives after the last step, each measured on its own, within
    `follow_up_window` of it. `order`: "ordered" (other events may come between), "strict" (each step the very next
    event), "any".
    `entry`: "any" (each visitor's deepest attempt; every first-step event opens one), "first" (the first attempt only),
    "each" (every attempt that does not overlap the one before). `ties`: "forward" (events at one instant may be
    consecutive steps) or "strict" (each later than the one before). `exclude`: what must not happen between steps.
    `by`: the column or columns that `measure` breaks its answer down by, unless it is given others.

    >>> petition = Funnel(["visit", "sign"], follow_ups=["share"], window="7 days")
    >>> petition
    Funnel(['visit', 'sign'], follow_ups=['share'], window='7 days')
    >>> petition == Funnel.parse("visit > sign > (share) within 7 days")
    True
    """

    by: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "by", column_names(self.by))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the funnel that one line says; an error shows the line with a caret under the column it is about.

        `docs/notation.md` tells the notation.

        >>> Funnel.parse("visit > sign > (share | partner_click) within 7 days by channel")
        Funnel(['visit', 'sign'], follow_ups=['share', 'partner_click'], window='7 days', by=['channel'])
        """
        found = read(text)
        rules = {each.name: getattr(found.definition, each.name) for each in fields(Definition) if each.init}
        return cls(**rules, by=found.by)

    @property
    def notation(self) -> str:
        """The funnel in one line, which `Funnel.parse` reads as a funnel that asks the same.

        >>> Funnel(["visit", "sign"], follow_ups=["share"], by="channel").notation
        'visit > sign > (share) within 7 days by channel'
        """
        return written(self, tuple(self.by))

    @patiently
    def measure(
        self,
        events: Events,
        by: str | Sequence[str] | None = None,
        *,
        language: str = "en",
        progress: Progress | None = None,
    ) -> FunnelResult:
        """Return the answer over these events, broken down by the entering event's value of one column or several.

        Without `by`, as the funnel itself says; `by=[]` leaves the answer whole.
        """
        names = self.by if by is None else by
        language_of(language)
        return Journeys.of(self, checked_events(events, "A funnel is"), names, keep=False, progress=progress).measure(
            names, language=language
        )

    @patiently
    def journeys(
        self, events: Events, by: str | Sequence[str] | None = None, *, progress: Progress | None = None
    ) -> Journeys:
        """Build the journeys once, to ask many questions of them.

        `by`: the columns to keep for breakdowns; all those with plain values if not given. Each question asked of them
        says itself what it is broken down by: the funnel's own `by` is for `measure`.
        """
        return Journeys.of(self, checked_events(events, "A funnel is"), by, progress=progress)

    def describe(self, code: str = "en") -> str:
        """Return the definition in words, in "en" or "fr"."""
        return described(self, language_of(code))

    def sql(self) -> str:
        """Return the statements that find the marks, in DuckDB's dialect, over a table named events.

        The walk between marks and journeys is no SQL: `funnel.walk` says what it does.
        """
        marks = Marks(self, "events", self._columns())
        asked = [create("table", "candidates", marks.candidates), marks.marks("candidates")]
        if not marks.walks_everyone:
            asked.append(marks.others("candidates", ()))
        return "\n\n".join(f"{sql(tree, pretty=True)};" for tree in asked)

    def _columns(self) -> set[str]:
        """Return the columns that the conditions name."""
        conditions = [step.where for step in (*self.every_step, *self.every_follow_up)]
        conditions += [each.where for each in self.exclude]
        return {name for where in conditions if where is not None for name in columns_named(where)}

    def __repr__(self) -> str:
        shown = [repr([_short(step) for step in self.steps])]
        for each in fields(self):
            value = getattr(self, each.name)
            usual = value in ((), each.default) and each.name != "window"
            if each.name in ("steps", "labels") or usual:
                continue
            shown.append(f"{each.name}={[_short(one) for one in value] if isinstance(value, tuple) else value!r}")
        return f"Funnel({', '.join(shown)})"


def _short(value: object) -> object:
    """Return a plain step as its event's name, which is how one would type it."""
    is_plain = isinstance(value, Step) and isinstance(value.event, str) and value == Step(value.event)
    return value.event if is_plain and isinstance(value, Step) else value
