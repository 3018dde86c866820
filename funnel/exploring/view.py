"""View: what an explorer shows, and the code that shows the same without it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from funnel.definition import microseconds
from funnel.errors import DefinitionError
from funnel.funnels import Funnel
from funnel.language import language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from funnel.answers import FunnelResult
    from funnel.events import Events

USUAL_STEPS, USUAL_FOLLOW_UPS = ("visit", "sign"), ("share", "partner_click")
NARROW = 88


@dataclass(frozen=True)
class View:
    """A funnel, how it is broken down, and the days it is asked of; it holds no data.

    `first_on` and `last_on` are days on the calendar of the events' zone, both included; None leaves that side open.
    What is done after the last of them is not looked at, so its windows are pending: as `Events.between` does it.
    """

    steps: tuple[str, ...]
    follow_ups: tuple[str, ...] = ()
    window: str = "7 days"
    follow_up_window: str = "3 days"
    order: str = "ordered"
    entry: str = "any"
    by: str | None = None
    first_on: date | None = None
    last_on: date | None = None
    language: str = "en"

    @classmethod
    def of(cls, events: Events, *, language: str = "en") -> View:
        """Return what to show first: from a visit to a signature, or the two most frequent events where these lack."""
        names = list(events.names)
        if set(USUAL_STEPS) <= set(names):
            return cls(USUAL_STEPS, tuple(name for name in USUAL_FOLLOW_UPS if name in names), language=language)
        return cls(tuple(names[:2]), language=language)

    def question(self) -> Funnel:
        """Return the funnel; raise DefinitionError where it can be none."""
        return Funnel(
            self.steps,
            follow_ups=self.follow_ups,
            window=self.window,
            follow_up_window=self.follow_up_window,
            order=self.order,
            entry=self.entry,
            by=self.by or (),
        )

    def days(self, events: Events) -> Events:
        """Return those of the events that fall on the days of the view."""
        return events if self._days is None else events.between(*self._days)

    def result(self, events: Events) -> FunnelResult:
        """Return the answer over these events."""
        return self.question().measure(self.days(events), language=self.language)

    def chart(self, result: FunnelResult) -> Figure:
        """Return the chart of the answer: bars, or the groups side by side."""
        return result.plot_groups() if self.by else result.plot()

    def trouble(self) -> str | None:
        """Return in a sentence why the view cannot be shown, whatever the events; None when it can."""
        words = language(self.language)
        if len(self.steps) < 2 and not (self.steps and self.follow_ups):
            return words.text("Choose at least two steps, or one step and a follow-up.")
        if self.first_on is not None and self.last_on is not None and self.last_on < self.first_on:
            return words.text("The last day comes before the first. Choose a later one.")
        for duration in (self.window, self.follow_up_window):
            try:
                microseconds(duration, argument="window")
            except DefinitionError:
                return words.text("“{text}” is no length of time. Write for example “7 days”.", text=duration)
        return None

    def code(self, events: str = "events") -> str:
        """Return the text of a cell that shows the same; `events` is what the events are called there.

        >>> print(View(("visit", "sign"), by="channel", last_on=date(2018, 1, 20)).code())
        from IPython.display import display
        <BLANKLINE>
        import funnel
        <BLANKLINE>
        petition = funnel.Funnel(["visit", "sign"], window="7 days", by="channel")
        result = petition.measure(events.between(None, "2018-01-21"))
        print(result.summary())
        display(result.plot_groups(), result)
        """
        if self._days is not None:
            events += f".between({', '.join('None' if day is None else quoted(str(day)) for day in self._days)})"
        spoken = "" if self.language == "en" else f", language={quoted(self.language)}"
        return "\n".join(
            [
                "from IPython.display import display",
                "",
                "import funnel",
                "",
                call("petition = funnel.Funnel", self._arguments()),
                f"result = petition.measure({events}{spoken})",
                "print(result.summary())",
                f"display(result.{'plot_groups' if self.by else 'plot'}(), result)",
            ]
        )

    @property
    def _days(self) -> tuple[date | None, date | None] | None:
        """The days as `Events.between` takes them, the second not included; None where both sides are open."""
        if self.first_on is None and self.last_on is None:
            return None
        return self.first_on, None if self.last_on is None else self.last_on + timedelta(days=1)

    def _arguments(self) -> list[str]:
        """The arguments of the funnel as they are written; rules that are as usual, or say nothing, are left out."""
        rules = {
            "window": self.window,
            "follow_up_window": self.follow_up_window if self.follow_ups else None,
            "order": None if self.order == "ordered" else self.order,
            "entry": None if self.entry == "any" else self.entry,
            "by": self.by,
        }
        return [
            names(self.steps),
            *([f"follow_ups={names(self.follow_ups)}"] if self.follow_ups else []),
            *(f"{name}={quoted(value)}" for name, value in rules.items() if value is not None),
        ]


def call(function: str, arguments: list[str]) -> str:
    """Return a call as it is written: in one line, or an argument a line where that is too long."""
    line = f"{function}({', '.join(arguments)})"
    return line if len(line) <= NARROW else "\n".join([f"{function}(", *(f"    {each}," for each in arguments), ")"])


def names(of: tuple[str, ...]) -> str:
    """Return a list of names as it is written in code."""
    return f"[{', '.join(map(quoted, of))}]"


def quoted(text: str) -> str:
    """Return text as it is written in code, in double quotes: what JSON writes so, Python reads so."""
    return json.dumps(text, ensure_ascii=False)
