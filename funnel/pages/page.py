"""The page itself, put together from templates, one style sheet and one script."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from funnel.errors import DefinitionError
from funnel.language import Language
from funnel.pages import packing
from funnel.pages.branding import Logo, checked_style
from funnel.pages.content import HIDDEN, Chart, Fact, Html, KeyNumber, Look, Section, Table, every
from funnel.pages.drawings import drawings_of, settings
from funnel.pages.stills import stills_of

if TYPE_CHECKING:
    from jinja2 import Template

NOTES_OPEN = 3
TALL = 800  # pixels of a chart that takes most of a printed page
LONG = 20  # rows of a table that paper can do without

_FOLDER = Path(__file__).parent


def render(
    title: str,
    sections: Sequence[Section],
    *,
    language: Language,
    lead: Sequence[str] = (),
    numbers: Sequence[KeyNumber] = (),
    opening: Sequence[Html | Chart] = (),
    footer: Sequence[Fact] = (),
    look: Look | None = None,
    declared: Mapping[str, object] | None = None,
    static: bool = False,
    brand_css: str = "",
    logo: Logo | None = None,
) -> str:
    """Return the page as one string. `lead` is the answer, shown first; `numbers` are the tiles below it.

    `opening` comes between these and the first section. `declared` is what the page was made from, for a program to
    read (`<script id="analysis">`). A `static` page has its charts as pictures, drawn here: without plotly it is a
    fifth of the size; where none can be drawn (`why_no_stills`) it has its tables and bars alone. `brand_css` follows
    our style sheet, and the `logo` stands in the head of the page.
    """
    first = Section("", blocks=tuple(opening))
    look = look or Look()
    drawings, script = drawings_of([first, *sections], language), _file("script.js")
    stills = stills_of(drawings, look) if static else None
    charts = [drawing.spec for drawing in drawings] if not static else []
    files = [section.download.text for section in every(sections) if section.download]
    return _template("page.jinja").render(
        title=title,
        lead=lead,
        numbers=numbers,
        opening=first.blocks,
        sections=_named(sections),
        footer=footer,
        language=language,
        text=language.text,
        plural=language.plural,
        notes_open=NOTES_OPEN,
        style=_tight(_file("style.css")),
        brand_css=checked_style(brand_css),
        logo=logo,
        script=script,
        script_hash=packing.fingerprint(script),
        next_drawing=iter(drawings).__next__,
        static=static,
        stills=stills.pictures if stills else (),
        stills_style=stills.style if stills else "",
        charts=packing.packed(packing.data(charts)) if charts else "",
        files=packing.packed(packing.data(files)) if files else "",
        settings=packing.data(settings(look, language)),
        plotly=packing.plotly() if charts else "",
        declared=packing.data(declared) if declared is not None else "",
    )


def fragment(table: Table, *, language: Language, notes: Sequence[str] = ()) -> str:
    """Return a table and its notes as HTML to stand inside another page: a notebook, a message.

    The first notes stand in the open; the others are folded.
    """
    return _template("fragment.jinja").render(
        table=table, notes=list(notes), language=language, plural=language.plural, open=NOTES_OPEN
    )


def _named(sections: Sequence[Section], within: str = "section") -> tuple[Section, ...]:
    """Return the sections with a name each: their own, or one by their place."""
    named = []
    for place, section in enumerate(sections, start=1):
        name = section.name or f"{within}-{place}"
        named.append(replace(section, name=name, parts=_named(section.parts, name)))
    if within == "section":
        names = [section.name for section in every(named)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DefinitionError(f"Two sections are named '{twice}'. Give each a name of its own: links lead to it.")
    return tuple(named)


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
    environment.globals.update(HIDDEN=HIDDEN, LONG=LONG, TALL=TALL)
    return environment.get_template(name)


@cache
def _tight(style: str) -> str:
    """Return a style sheet without its comments and its indents."""
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)).strip() + "\n"


@cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
