"""The explorer: a funnel put together in a notebook by choosing, and answered at once."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from funnel.errors import DefinitionError
from funnel.events import Events, checked_events
from funnel.exploring.memory import Memory
from funnel.exploring.view import View
from funnel.language import language as language_of

if TYPE_CHECKING:
    from funnel.exploring.panel import Explorer

__all__ = ["Memory", "View", "explore"]


def explore(events: Events, *, language: str = "en") -> Explorer:
    """Return an explorer of these events, to stand at the end of a notebook's cell.

    Steps, follow-ups, times, breakdown and days are chosen; chart, table and summary follow, and the code that shows
    the same. The explorer's `view` and `result` are what it shows now. It needs a kernel that runs, and no network.
    """
    language_of(language)
    checked = checked_events(events, "A funnel is")
    if find_spec("ipywidgets") is None:
        raise DefinitionError(
            "The explorer needs ipywidgets. Install it with: pip install 'acquisition-funnel[notebook]'. Without it,"
            " Funnel([...]).measure(events) answers the same."
        )
    from funnel.exploring.panel import explorer

    return explorer(checked, View.of(checked, language=language))
