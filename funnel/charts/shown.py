"""A plotly figure that shows itself, wherever it does, without the button that uploads it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from plotly.graph_objects import Figure

from funnel.charts.look import Theme, config, themes

CLEAR = "rgba(0,0,0,0)"


class Chart(Figure):  # type: ignore[misc]  # plotly is not typed
    """A figure with our options as its default; `config=` still overrides them.

    In a notebook it is a chart where plotly is drawn (JupyterLab, VS Code), and where nothing is (a page of nbconvert,
    GitHub) the HTML that stands in for it; in a terminal, a line of text. None of these asks anything of any host,
    whatever plotly's default renderer is: `show("browser")` and the like still choose another.
    """

    _ipython_display_ = None  # plotly's own would bring its renderer, which in some places loads itself from a host
    _instead: Callable[[], str] | None = None
    _theme: Theme = "light"

    @classmethod
    def of(cls, figure: Figure, *, theme: Theme, instead: Callable[[], str]) -> Chart:
        """Return the figure as one that shows itself on the ground of its theme; `instead` gives HTML to stand in."""
        chart = figure if isinstance(figure, cls) else cls(figure)
        chart._theme, chart._instead = theme, instead
        return chart

    def show(self, *args: Any, **options: Any) -> Any:
        """Show the figure in a notebook or a browser."""
        if not args and not options and _is_in_kernel():
            from IPython.display import display

            return display(self)  # type: ignore[no-untyped-call]
        return super().show(*args, **{"config": config(), **options})

    def to_html(self, *args: Any, **options: Any) -> str:
        """Return the figure as HTML."""
        return str(super().to_html(*args, **{"config": config(), **options}))

    def write_html(self, *args: Any, **options: Any) -> None:
        """Write the figure as an HTML file."""
        super().write_html(*args, **{"config": config(), **options})

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        told = {"application/vnd.plotly.v1+json": self._for_notebooks(), "text/plain": repr(self)}
        return {**told, "text/html": self._repr_html_()} if self._instead else told

    def _repr_html_(self) -> str | None:
        return self._instead() if self._instead else None

    def __repr__(self) -> str:
        title = str(self.layout.title.text or "").replace("<br>", " ")
        return f"<Chart: {title}>" if title else "<Chart>"

    def _for_notebooks(self) -> dict[str, Any]:
        """Return the figure as notebooks hold it: on the ground of its own theme, since theirs is not known here."""
        spec = json.loads(self.to_json())
        layout = spec["layout"]
        if layout.get("paper_bgcolor", CLEAR) == CLEAR:
            layout["paper_bgcolor"] = themes[self._theme]["card"]
        return {"data": spec["data"], "layout": layout, "config": config()}


def _is_in_kernel() -> bool:
    """Tell whether a notebook's kernel runs this."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
