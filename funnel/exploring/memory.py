"""The answers to one view after another over the same events, each definition's journeys built once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from funnel.counts import is_single
from funnel.errors import DataError
from funnel.events import Events
from funnel.exploring.view import View
from funnel.journeys import NOT_FOR_GROUPS, TAKEN, Journeys
from funnel.language import language
from funnel.statements import column, sql, statement

if TYPE_CHECKING:
    from funnel.answers import FunnelResult

MOST_VALUES = 60
MOST_KEPT = 8


class Memory:
    """The events of an explorer, and the journeys it has built over them, the last few of which are kept.

    The breakdown of a view and its language change nothing in the journeys. Its days do: they decide which events there
    are and when these end, so an attempt that goes on after the last day must be walked anew.
    """

    def __init__(self, events: Events) -> None:
        self.events = events
        self._kept: dict[View, Journeys] = {}

    def answer(self, view: View, progress: Callable[[int], None] | None = None) -> FunnelResult:
        """Return the view's result, from journeys that are there or are now built; `progress` hears of the building."""
        same = replace(view, by=None, language="en")
        journeys = self._kept.pop(same, None)
        if journeys is None:
            journeys = view.question().journeys(view.days(self.events), by=list(self.columns), progress=progress)
        self._kept[same] = journeys  # the last one asked for, last
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return journeys.measure(view.by, language=view.language)

    def trouble(self, view: View) -> str | None:
        """Return in a sentence why the view cannot be shown over these events; None when it can."""
        told, words = view.trouble(), language(view.language)
        if told is not None:
            return told
        try:
            there = view.days(self.events).names
        except DataError:
            return words.text("There are no events on these days. Choose others.")
        absent = next((name for name in (*view.steps, *view.follow_ups) if name not in there), None)
        if absent is None:
            return None
        return words.text("On these days there is no “{event}”. Choose others.", event=words.name(absent))

    @cached_property
    def columns(self) -> dict[str, int]:
        """The columns worth breaking down by, with how many values each has, none being one: from 2 to some dozens."""
        left_out = {*NOT_FOR_GROUPS, *TAKEN, *self.events.names}
        names = [name for name, kind in self.events.columns.items() if name not in left_out and is_single(kind)]
        # Of columns with a value for nearly every row, an exact count would take long.
        about = self._values(names, "select approx_count_distinct(_value)")
        few = [name for name in names if about[name] <= 2 * MOST_VALUES]
        exact = self._values(few, "select count(distinct _value) + cast(count(_value) < count(*) as integer)")
        return {name: values for name, values in exact.items() if 2 <= values <= MOST_VALUES}

    def _values(self, names: list[str], count: str) -> dict[str, int]:
        """Return what a count of its values gives for each of the columns."""
        if not names:
            return {}
        query = statement(
            """
            /* one row: of each column, how many values */
            select
                _counts
            from _events as events
            """,
            events=self.events.name,
            counts=[statement(count, value=column(name, of="events")).expressions[0] for name in names],
        )
        counts = self.events.connection.execute(sql(query)).fetchall()[0]
        return dict(zip(names, counts, strict=True))
