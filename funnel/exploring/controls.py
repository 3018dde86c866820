"""The controls of an explorer: a view in, widgets, and the view that they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from funnel.exploring.view import View
from funnel.language import NO_BREAK, UNKNOWN, Language, message

if TYPE_CHECKING:
    from ipywidgets import Box, Widget

    from funnel.events import Events

ORDERS = {
    "ordered": message("in order, others may come between"),
    "strict": message("each the very next event"),
    "any": message("in any order"),
}
ENTRIES = {
    "any": message("each visitor’s best attempt"),
    "first": message("each visitor’s first attempt"),
    "each": message("every attempt"),
}
LENGTHS = ("1 hour", "12 hours", "1 day", "3 days", "7 days", "14 days", "30 days")
MOST_IN_CHAIN = 12
NONE = ""  # ipywidgets shows a list whose value is None as if it had none

Heard = Callable[[], None]


class Controls:
    """One control for each part of a view, each with its label; `changed` is called after a reader changes one."""

    def __init__(self, view: View, events: Events, columns: Mapping[str, int], words: Language, changed: Heard) -> None:
        import ipywidgets

        self._start, self._words = view, words
        zone = ZoneInfo(events.timezone)
        first, last = (moment.astimezone(zone).date() for moment in (events.first_at, events.last_at))
        self._open = (first, last)
        named = [(f"{words.name(name)} ({words.number(rows)})", name) for name, rows in events.names.items()]
        self.steps = Chain(named, view.steps, lambda n: words.text("Step {n}", n=words.number(n)), changed)
        self.follow_ups = Chain(
            named, view.follow_ups, lambda n: words.text("Follow-up {n}", n=words.number(n)), changed
        )
        told = [(f"{words.name(name)} ({words.number(values)})", name) for name, values in columns.items()]
        self.by = _choice(words.text("Break down by"), [(words.text("nothing"), NONE), *told], view.by or NONE)
        self.window = _length(words.text("Time for the steps"), view.window, words)
        self.follow_up_window = _length(words.text("Time for follow-ups"), view.follow_up_window, words)
        self.order = _choice(words.text("Steps come"), _spoken(ORDERS, words), view.order)
        self.entry = _choice(words.text("Count"), _spoken(ENTRIES, words), view.entry)
        days = {"min": first, "max": last, "style": STYLE, "layout": LAYOUT}
        self.first_on = ipywidgets.DatePicker(description=words.text("First day"), value=view.first_on or first, **days)
        self.last_on = ipywidgets.DatePicker(description=words.text("Last day"), value=view.last_on or last, **days)
        for control in self._each:
            control.observe(lambda _: changed(), names="value")

    @property
    def _each(self) -> tuple[Any, ...]:
        """The controls that are one widget."""
        windows = (self.window, self.follow_up_window)
        return (*windows, self.by, self.first_on, self.last_on, self.order, self.entry)

    def view(self) -> View:
        """Return what the controls say."""
        first, last = self.first_on.value, self.last_on.value
        return replace(
            self._start,
            steps=self.steps.chosen,
            follow_ups=self.follow_ups.chosen,
            window=duration(self.window.value, self._words),
            follow_up_window=duration(self.follow_up_window.value, self._words),
            order=self.order.value,
            entry=self.entry.value,
            by=self.by.value or None,
            first_on=None if first == self._open[0] else first,
            last_on=None if last == self._open[1] else last,
        )

    def box(self) -> Widget:
        """Return the controls as one widget, in the order in which one thinks of them."""
        return rows(
            self.steps.box, self.follow_ups.box, row(*self._each[:2]), row(*self._each[2:5]), row(*self._each[5:])
        )


class Chain:
    """Names chosen one after another: a list for each, and one more for the next; an emptied one is taken out."""

    def __init__(
        self, options: Sequence[tuple[str, str]], chosen: Sequence[str], label: Callable[[int], str], changed: Heard
    ) -> None:
        self._options = [(UNKNOWN, NONE), *options]
        self._label, self._changed = label, changed
        self._is_placing = False
        self.box: Box = row()
        self._place(list(chosen))

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(each.value for each in self.box.children if each.value)

    def _heard(self, _change: object) -> None:
        if not self._is_placing:
            self._place(list(self.chosen))
            self._changed()

    def _place(self, chosen: list[str]) -> None:
        """Show these names. Lists are kept where they stand, since the reader is in one of them."""
        self._is_placing = True
        lists = list(self.box.children)[: len(chosen) + 1]
        while len(lists) < min(len(chosen) + 1, MOST_IN_CHAIN):
            lists.append(_choice(self._label(len(lists) + 1), self._options, NONE))
            lists[-1].observe(self._heard, names="value")
        for each, name in zip(lists, [*chosen, NONE], strict=False):
            each.value = name
        self.box.children = lists
        self._is_placing = False


STYLE = {"description_width": "auto"}
LAYOUT = {"width": "auto", "margin": "2px 16px 2px 2px"}


def row(*widgets: Widget) -> Box:
    """Return widgets beside one another, on more lines where there is no room."""
    import ipywidgets

    return ipywidgets.Box(widgets, layout={"display": "flex", "flex_flow": "row wrap", "align_items": "center"})


def rows(*widgets: Widget) -> Box:
    """Return widgets one below another."""
    import ipywidgets

    return ipywidgets.VBox(widgets)


def _choice(label: str, options: Sequence[tuple[str, str]], value: str) -> Any:
    import ipywidgets

    return ipywidgets.Dropdown(description=label, options=options, value=value, style=STYLE, layout=LAYOUT)


def _length(label: str, value: str, words: Language) -> Any:
    import ipywidgets

    return ipywidgets.Combobox(
        description=label,
        value=spoken_duration(value, words),
        options=[spoken_duration(each, words) for each in LENGTHS],
        continuous_update=False,
        style=STYLE,
        layout=LAYOUT,
    )


def _spoken(options: Mapping[str, str], words: Language) -> list[tuple[str, str]]:
    return [(words.text(told), value) for value, told in options.items()]


def spoken_duration(text: str, words: Language) -> str:
    """Return a length of time such as `7 days` in the reader's words, `7 jours`; as it is where it is none such."""
    found = re.fullmatch(r"(\d+) (\w+?)s?", text)
    if not found or found[2] not in _units(words):
        return text
    return _units(words)[found[2]](int(found[1])).replace(NO_BREAK, " ")


def duration(text: str, words: Language) -> str:
    """Return a length of time in the reader's words, such as `7 jours`, as a funnel takes it; as it is if unknown."""
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*([^\W\d_]+)\s*", text)
    if found:
        for unit, told in _units(words).items():
            for n in (1, 2):
                if told(n).split()[-1].casefold() == found[2].casefold():
                    number = found[1].replace(",", ".")
                    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"
    return text.strip()


def _units(words: Language) -> dict[str, Callable[[int], str]]:
    return {
        "second": lambda n: words.plural("{n} second", "{n} seconds", n),
        "minute": lambda n: words.plural("{n} minute", "{n} minutes", n),
        "hour": lambda n: words.plural("{n} hour", "{n} hours", n),
        "day": lambda n: words.plural("{n} day", "{n} days", n),
        "week": lambda n: words.plural("{n} week", "{n} weeks", n),
    }
