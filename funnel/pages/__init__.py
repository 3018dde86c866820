"""One HTML page that stands alone: sections of text, tables and charts in, one file out.

The page asks nothing of any host (its Content-Security-Policy forbids it), is complete with JavaScript off, follows the
reader's light or dark theme, prints, and is the same bytes for the same content. Plotly is carried once, compressed,
and so are the charts.
Nothing here knows what the numbers mean: every string arrives ready to read.
"""

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnel.language import Language

if TYPE_CHECKING:
    from jinja2 import Template
    from plotly.graph_objects import Figure

ABOVE_PLOT = 12

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Column:
    """The head of a table column. Numbers are set to the right, in figures of one width."""

    heading: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """Cells ready to read, a tuple a row; the first `names` columns say what the row is about."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


@dataclass(frozen=True)
class Bar:
    """One bar in plain HTML and CSS: `share` of the full width (0 to 1), then `pending` in a paler tone."""

    label: str
    share: float
    text: str
    pending: float = 0.0


@dataclass(frozen=True)
class KeyNumber:
    """A number that deserves a tile: what it counts, its value, and one line that puts it in place."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Fact:
    """One line of the footer; a code (a definition, a fingerprint) is set in fixed width."""

    label: str
    value: str
    is_code: bool = False


@dataclass(frozen=True)
class Section:
    """One question and its answer: a sentence first, then what it was read from.

    `bars` stand in for the chart where it cannot be drawn; `parts` are sections one heading lower.
    """

    heading: str
    sentence: str = ""
    chart: "Figure | None" = None
    table: Table | None = None
    notes: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()
    paragraphs: tuple[str, ...] = ()
    numbers: tuple[KeyNumber, ...] = ()
    parts: tuple["Section", ...] = ()


@dataclass(frozen=True)
class Look:
    """How charts are drawn in the page: plotly's options, and the colours of the two themes by role.

    Figures arrive in the light colours; in the dark theme each light colour is replaced by the dark one of its role.
    """

    config: Mapping[str, object] = field(default_factory=dict)
    light: Mapping[str, str] = field(default_factory=dict)
    dark: Mapping[str, str] = field(default_factory=dict)


def render(
    title: str,
    sections: Sequence[Section],
    *,
    language: Language,
    lead: Sequence[str] = (),
    numbers: Sequence[KeyNumber] = (),
    footer: Sequence[Fact] = (),
    look: Look | None = None,
) -> str:
    """Return the page as one string. `lead` is the answer, shown first; `numbers` are the tiles below it."""
    drawings, script = _drawings(sections, language), _file("script.js")
    return _template("page.jinja").render(
        title=title,
        lead=lead,
        numbers=numbers,
        sections=sections,
        footer=footer,
        language=language,
        text=language.text,
        style=_file("style.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        next_drawing=iter(drawings).__next__,
        charts=_packed(_data([drawing.spec for drawing in drawings])),
        settings=_data(_settings(look or Look(), language)),
        plotly=_plotly() if drawings else "",
    )


def fragment(table: Table, *, notes: Sequence[str] = ()) -> str:
    """Return a table and its notes as HTML to stand inside another page: a notebook, a message."""
    return _template("fragment.jinja").render(table=table, notes=notes)


@cache
def _template(name: str) -> "Template":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


@dataclass(frozen=True)
class _Drawing:
    """A chart as the page carries it: numbered by its place (top to bottom), its title moved into words beside it."""

    number: int
    label: str
    height: int
    spec: Mapping[str, object]


def _drawings(sections: Sequence[Section], language: Language) -> list[_Drawing]:
    charts = [section for section in _every(sections) if section.chart is not None]
    drawings = []
    for number, section in enumerate(charts, start=1):
        figure: Any = section.chart
        spec = json.loads(figure.to_json())
        layout = spec["layout"]
        title = layout.pop("title", {}).get("text", "")
        above = layout.get("margin", {}).get("t", 0)
        layout["height"] = int(layout.get("height") or 420)
        if title and above > ABOVE_PLOT:
            layout["height"] -= above - ABOVE_PLOT
            layout["margin"]["t"] = ABOVE_PLOT
        layout.setdefault("separators", ",\u202f" if language.code == "fr" else ".,")
        drawings.append(
            _Drawing(
                number=number,
                label=html.unescape(title.replace("<br>", " ")) or section.heading,
                height=layout["height"],
                spec={"data": spec["data"], "layout": layout},
            )
        )
    return drawings


def _every(sections: Sequence[Section]) -> Iterator[Section]:
    for section in sections:
        yield section
        yield from _every(section.parts)


def _settings(look: Look, language: Language) -> dict[str, object]:
    dark = {look.light[role].lower(): look.dark[role] for role in look.light if role in look.dark}
    config = {
        **look.config,
        "displayModeBar": False,
        "showSendToCloud": False,
        "responsive": True,
        "locale": language.tag,
    }
    return {"config": config, "dark": dark, "locale": _plotly_locale(language)}


def _plotly_locale(language: Language) -> dict[str, object]:
    """Month and day names for date axes, which plotly ships for neither locale.

    Named by the whole tag: a locale named "en" would take the place of plotly's own, from which the rest is read.
    """
    from babel import Locale

    locale = Locale.parse(language.locale)
    months, days = locale.months["format"], locale.days["format"]
    week = (6, 0, 1, 2, 3, 4, 5)
    return {
        "moduleType": "locale",
        "name": language.tag,
        "dictionary": {},
        "format": {
            "days": [days["wide"][day] for day in week],
            "shortDays": [days["abbreviated"][day] for day in week],
            "months": [months["wide"][month] for month in range(1, 13)],
            "shortMonths": [months["abbreviated"][month] for month in range(1, 13)],
            "date": "%Y-%m-%d",
            "year": "%Y",
            "month": "%b %Y",
            "dayMonth": "%-d %b" if language.code == "fr" else "%b %-d",
            "dayMonthYear": "%-d %b %Y" if language.code == "fr" else "%b %-d, %Y",
        },
    }


def _data(content: object) -> str:
    """Return JSON that cannot close the script element it stands in."""
    written = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return written.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return _packed(get_plotlyjs())


def _packed(text: str) -> str:
    """Return text as letters that the page's script unpacks: a third of the size and less."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


@cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
