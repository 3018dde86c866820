"""What watches over a notebook's kernel while it is exported: it keeps what cells show, and gives it fit to publish.

A result, a chart of one, a frame and events show themselves as a number that points to what was kept. At the end all of
it is published together (`funnel.report.publish`): small counts are hidden, with what would reveal them anywhere on the
page, and charts are drawn from what is left.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from funnel.answers import FunnelResult
from funnel.conditions import quoted
from funnel.events import Events
from funnel.exporting.pieces import told
from funnel.language import Language, language
from funnel.report.provenance import provenance
from funnel.results import Result

SHOWN = "application/vnd.funnel.shown+json"
PIECES = "application/vnd.funnel.pieces+json"
_MARK = "\ue000{}\ue001"
_MARKS = re.compile("\ue000(\\d+)\ue001")


def marks(text: str) -> list[int]:
    """Return what a printed text points to: results and frames are printed as a number in signs nobody types."""
    return [int(number) for number in _MARKS.findall(text)]


def pieces_of(text: str) -> list[str | int]:
    """Return a printed text in its parts: what is text, and the numbers of what stands between."""
    return [int(part) if place % 2 else part for place, part in enumerate(_MARKS.split(text))]


@dataclass(eq=False)
class Watch:
    """Everything that was shown so far, in order, and the words it will be told in."""

    words: Language
    least: int
    shown: list[Any] = field(default_factory=list)

    @classmethod
    def begin(cls, code: str, *, least: int) -> Self:
        """Begin to keep what the cells of this kernel show."""
        import pandas
        from IPython import get_ipython
        from plotly.basedatatypes import BaseFigure

        watch = cls(language(code), least)
        for kind, name in ((Result, "plot"), (FunnelResult, "plot"), (FunnelResult, "plot_groups")):
            setattr(kind, name, _remembered(getattr(kind, name)))
        formatter = get_ipython().display_formatter.ipython_display_formatter
        kept: list[type] = [Result, Events, pandas.DataFrame, pandas.Series]
        for each in (*kept, BaseFigure):
            formatter.for_type(each, watch.show)
        for each in kept:
            setattr(each, "__repr__", lambda thing: _MARK.format(watch.keep(thing)))  # noqa: B010 - mypy
        BaseFigure.show = lambda figure, *_, **__: watch.show(figure)
        return watch

    def show(self, thing: object) -> None:
        """Show a number in place of the thing."""
        from IPython.display import publish_display_data

        publish_display_data({SHOWN: {"piece": self.keep(thing)}})  # type: ignore[no-untyped-call]

    def keep(self, thing: object) -> int:
        """Keep the thing, and return its number."""
        self.shown.append(thing)
        return len(self.shown) - 1

    def finish(self, words: Sequence[str]) -> None:
        """Show everything that was kept, fit to publish, and which of these printed words are numbers of visitors."""
        from IPython import get_ipython
        from IPython.display import publish_display_data

        every_events = [each for each in get_ipython().user_ns.values() if isinstance(each, Events)]
        facts, visitors = _facts(every_events, self.words), _visitors(every_events, words)
        whole = {**told(self.shown, self.least, self.words), "facts": facts, "visitors": visitors}
        publish_display_data({PIECES: whole})  # type: ignore[no-untyped-call]


def _remembered(plot: Callable[..., Any]) -> Callable[..., Any]:
    """Return the way of plotting, with charts that remember which result they are of, and how they are drawn."""

    @functools.wraps(plot)
    def remembered(result: Result, **options: Any) -> Any:
        chart = plot(result, **options)
        chart._plotted = (result, plot)
        return chart

    return remembered


def _facts(every: Sequence[Events], words: Language) -> list[list[object]]:
    """Return where the numbers come from: of each source, the widest events."""
    sources: dict[str, Events] = {}
    for events in every:
        if events.source not in sources or sources[events.source].rows < events.rows:
            sources[events.source] = events
    found = [fact for events in sources.values() for fact in provenance(events, [], words)]
    return [[fact.label, fact.value, fact.is_code] for fact in dict.fromkeys(found)]


def _visitors(every: Sequence[Events], words: Sequence[str]) -> list[str]:
    """Return which of these words are the number of a visitor."""
    found: set[str] = set()
    for events in every:
        # One row a visitor whose number is among the words.
        among = f"""
            select distinct cast(events.visitor_id as varchar)
            from {quoted(events.name)} as events
            where list_contains($words, cast(events.visitor_id as varchar))
        """
        found |= {name for (name,) in events.connection.execute(among, {"words": list(words)}).fetchall()}
    return sorted(found)
