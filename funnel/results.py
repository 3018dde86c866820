"""Result: one tidy frame, what it is, what to keep in mind, and the chart of it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from funnel import charts, pages, sections
from funnel.errors import SourceError
from funnel.language import Language, language
from funnel.privacy import USUAL
from funnel.sections.printed import printed

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

    from funnel.charts.look import Theme

Saying = Callable[[Language], str]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """An answer. `frame` holds the numbers; title, notes and chart are told in `language` ("en" or "fr").

    `speaking("fr")` is the same result in French. In a notebook a result shows itself as a table; `plot()` is its
    chart.
    """

    frame: pandas.DataFrame
    heading: Saying
    remarks: tuple[Saying, ...] = ()
    draw: Callable[..., Figure] | None = None
    language: str = "en"

    @property
    def words(self) -> Language:
        """The language the result is told in."""
        return language(self.language)

    @property
    def title(self) -> str:
        """What the numbers are."""
        return self.heading(self.words)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to keep in mind when reading the numbers: a sentence each."""
        return tuple(remark(self.words) for remark in self.remarks)

    def speaking(self, code: str) -> Self:
        """Return the same result, told in another language."""
        language(code)
        return replace(self, language=code)

    @property
    def has_chart(self) -> bool:
        """Tell whether there is a chart of it; some answers are a table alone."""
        return self.draw is not None

    def plot(self, *, theme: Theme = "light") -> Figure:
        """Return the chart as a plotly figure; `theme` is "light" or "dark". It holds aggregates only."""
        return shown(self._in_words()._drawn(theme), self, theme)

    def _in_words(self) -> Self:
        """Return the same result with the names of steps and groups as the reader's words, as tables have them."""
        return replace(self, frame=sections.in_words(self.frame, self.words))

    def _drawn(self, theme: Theme) -> Figure:
        if self.draw is None:
            raise TypeError(f"A {type(self).__name__} without a chart cannot be plotted.")
        return self.draw(self.frame, language=self.language, title=self.title, theme=theme)

    def to_html(self, path: str | os.PathLike[str], *, least: int = USUAL) -> Path:
        """Write the result as a page that stands alone (chart, table, notes), and return its path.

        Counts of fewer than `least` people are not in it, nor what would reveal them: `frame` and `to_json` have them.
        """
        words = self.words
        published = sections.publish([sections.Chapter("answer", self.title, self)], least=least, words=words)
        hidden = [pages.Fact(words.text("Small groups"), published.hidden)]
        look = pages.Look(charts.config(), charts.themes["light"], charts.themes["dark"])
        page = pages.render(self.title, published.sections(words), language=words, look=look, footer=hidden)
        return write(path, page)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return title, notes and rows as JSON (and write it, given a path); what is unknown is null."""
        told = json.dumps(self._for_json(), ensure_ascii=False, indent=2, default=str, allow_nan=False)
        if path is not None:
            write(path, told + "\n")
        return told

    def _for_json(self) -> dict[str, object]:
        return {"title": self.title, "notes": list(self.notes), "rows": records(self.frame)}

    def __repr__(self) -> str:
        table = printed(sections.table_for(self, self.words))
        return "\n".join([table, *(f"- {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return pages.fragment(sections.table_for(self, self.words), language=self.words, notes=self.notes)


def write(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file, making its folder if need be; raise SourceError where that cannot be."""
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise SourceError(
            f"{target} cannot be written: {error.strerror}. Give the name of a file in a folder of yours."
        ) from None
    return target


def shown(figure: Figure, result: Result, theme: Theme) -> Figure:
    """Return a chart of the result as one that shows itself without the button that uploads it.

    Where no chart can be drawn, the table of the result stands in for it.
    """
    from funnel.charts.shown import Chart

    return Chart.of(figure, theme=theme, instead=partial(_instead, result))


def _instead(result: Result) -> str:
    drawn_elsewhere = result.words.text(
        "The chart is drawn in JupyterLab and VS Code, and in a page made with “funnel export”. Here are its numbers."
    )
    table = sections.table_for(result, result.words)
    return pages.fragment(table, language=result.words, notes=[drawn_elsewhere])


def records(frame: pandas.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a frame as JSON can hold them: NaN, missing and infinite as null."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        {str(name): None if value in (math.inf, -math.inf) else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]
