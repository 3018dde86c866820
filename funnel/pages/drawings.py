"""Charts as the page carries them: plotly's own description, lean, with the title said in words beside it."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.language import Language
from funnel.pages.content import Look, Section, every, figures_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_CLEAR = re.compile(r"rgba\(\d+, ?\d+, ?\d+, ?([\d.]+)\)")

ABOVE_PLOT = 12
HEIGHT = 420


@dataclass(frozen=True)
class Drawing:
    """A chart of the page: numbered by its place (from the top, from 1), its title moved into words beside it."""

    number: int
    label: str
    height: int
    spec: Mapping[str, Any]


def drawings_of(sections: Sequence[Section], language: Language) -> list[Drawing]:
    """Return the charts of the sections and their parts, from the top of the page to its end."""
    found = [(section, figure) for section in every(sections) for figure in figures_of(section)]
    return [_drawing(number, figure, section.heading, language) for number, (section, figure) in enumerate(found, 1)]


def _drawing(number: int, figure: "Figure", heading: str, language: Language) -> Drawing:
    spec = json.loads(str(figure.to_json()))
    layout = spec["layout"]
    title = layout.pop("title", {}).get("text", "")
    above = layout.get("margin", {}).get("t", 0)
    layout["height"] = int(layout.get("height") or HEIGHT)
    if title and above > ABOVE_PLOT:
        layout["height"] -= above - ABOVE_PLOT
        layout["margin"]["t"] = ABOVE_PLOT
    layout.setdefault("separators", ",\u202f" if language.code == "fr" else ".,")
    return Drawing(
        number=number,
        label=html.unescape(title.replace("<br>", " ")) or heading,
        height=layout["height"],
        spec={"data": spec["data"], "layout": layout},
    )


def settings(look: Look, language: Language) -> dict[str, object]:
    """Return what the page's script is told of how charts are drawn."""
    config = {
        **look.config,
        "displayModeBar": False,
        "showSendToCloud": False,
        "responsive": True,
        "locale": language.tag,
    }
    colours = [_colour(role, look) for role in look.light if role in look.dark]
    return {"config": config, "colours": colours, "locale": _plotly_locale(language)}


def _colour(role: str, look: Look) -> dict[str, object]:
    """Return a colour of the charts in both themes, and what the style sheet calls it.

    A clear colour is called as the solid one it is a shade of, and says how clear it is in each theme.
    """
    light, dark = look.light[role], look.dark[role]
    shades = {"light": _CLEAR.fullmatch(light), "dark": _CLEAR.fullmatch(dark)}
    if not all(shades.values()):
        return {"light": light, "dark": dark, "role": role.replace("_", "-")}
    solid = role.removesuffix("_pale")
    alpha = {theme: float(shade[1]) for theme, shade in shades.items() if shade}
    return {"light": light, "dark": dark, "role": solid.replace("_", "-"), "alpha": alpha}


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
