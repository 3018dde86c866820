"""The explorer as it stands in a notebook: controls, the answer, and the code that shows the same."""

from __future__ import annotations

import html
import sys
import time
from typing import TYPE_CHECKING, Any

from funnel.errors import FunnelError
from funnel.exploring.controls import Controls, rows
from funnel.exploring.copying import code_to_copy
from funnel.exploring.memory import Memory
from funnel.exploring.view import View
from funnel.language import language

if TYPE_CHECKING:
    from funnel.answers import FunnelResult
    from funnel.events import Events

PATIENCE = 1.0  # seconds


class Explorer:
    """Controls beside a funnel's answer, which follows them: `view` says what is shown, `result` is the answer.

    `result` is None while what the controls say is no funnel; why, is told in a sentence where the answer would be.
    """

    def __init__(self, events: Events, view: View, name: str | None) -> None:
        import ipywidgets

        self.view = view
        self.result: FunnelResult | None = None
        self._name = name
        self._words = language(view.language)
        self._memory = Memory(events)
        self._controls = Controls(view, events, self._memory.columns, self._words, self._follow)
        self._said, self._table, self._code = (ipywidgets.HTML() for _ in range(3))
        self._chart = ipywidgets.Output()
        self._box = rows(self._controls.box(), self._said, self._chart, self._table, self._code)
        self._show()

    @property
    def code(self) -> str:
        """The text of a cell that shows the same without an explorer."""
        if self._name is not None:
            return self.view.code(self._name)
        told = self._words.text("The events are those that were given to funnel.explore.")
        return f"# {told}\n{self.view.code()}"

    def _follow(self) -> None:
        self.view = self._controls.view()
        self._show()

    def _show(self) -> None:
        """Answer the view, or say why that cannot be."""
        trouble, tag, self.result = self._memory.trouble(self.view), self._words.tag, None
        if trouble is None:
            try:
                self.result = self._memory.answer(self.view, self._counting(time.monotonic()))
            except FunnelError as error:
                trouble, tag = str(error), "en"
        if self.result is None:
            self._said.value = _said(str(trouble), tag)
            self._chart.outputs, self._table.value, self._code.value = (), "", ""
            return
        chart = self.view.chart(self.result)
        self._said.value = _said(self.result.summary(), self._words.tag)
        shown: dict[str, Any] = chart._repr_mimebundle_()
        self._chart.outputs = ({"output_type": "display_data", "data": shown, "metadata": {}},)
        self._table.value = self.result._repr_html_()
        self._code.value = code_to_copy(self.code, self._words)

    def _counting(self, began: float) -> Any:
        """Return what hears of long work, and says how far it has come once it has taken a second."""

        def heard(done: int) -> None:
            if time.monotonic() - began > PATIENCE:
                told = self._words.plural("Walking the journeys: {n} event", "Walking the journeys: {n} events", done)
                self._said.value = _said(told, self._words.tag)

        return heard

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        """Show the widgets; where none can be (a page made of the notebook), the code that shows the same."""
        still = f"<pre><code>{html.escape(self.code)}</code></pre>"
        return {**self._box._repr_mimebundle_(), "text/html": still, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Explorer: {self.view.question().notation}>" if self.result else "<Explorer>"


def explorer(events: Events, view: View) -> Explorer:
    """Return the explorer of these events, which are called in its code what the notebook calls them."""
    return Explorer(events, view, _name_of(events))


def _name_of(events: Events) -> str | None:
    """Return the variable of the notebook that holds these events; None where none does, or there is no notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    variables = shell.user_ns.items() if shell else ()
    return next((name for name, value in variables if value is events and not name.startswith("_")), None)


def _said(text: str, tag: str) -> str:
    """Return the sentence that a screen reader reads out whenever it changes."""
    return f'<p role="status" lang="{tag}" style="max-width: 46rem; line-height: 1.5">{html.escape(text)}</p>'
