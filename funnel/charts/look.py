"""What every chart shares: the colours of the two themes, the layout, the axes, the words around the numbers."""

import html
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from funnel.errors import DefinitionError, did_you_mean, listed
from funnel.language import Language

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

Theme = Literal["light", "dark"]
Trace = dict[str, Any]

# Okabe and Ito 2008 (jfly.uni-koeln.de/color), green and purple darkened on light and all four lightened on dark, so
# that every line, dot and solid bar has a contrast of 3:1 or more against the page and the card of its theme, and every
# ink 4.5:1, in the cells of a heat map too. A colour stands for one role only: a page may turn one theme into the other
# by replacing colours.
themes: dict[str, dict[str, str]] = {
    "light": {
        "ink": "#1b2430",
        "muted": "#56606e",
        "line": "#dcdad3",
        "card": "#ffffff",
        "neutral": "#6b7480",
        "faint": "#e3e6ea",
        "blue": "#0072b2",
        "vermilion": "#d55e00",
        "green": "#00805f",
        "purple": "#a8568a",
        "blue_pale": "rgba(0,114,178,0.18)",
        "vermilion_pale": "rgba(213,94,0,0.18)",
        "green_pale": "rgba(0,128,95,0.18)",
        "purple_pale": "rgba(168,86,138,0.18)",
        "neutral_pale": "rgba(107,116,128,0.16)",
        "heat_low": "#eef4f9",
        "heat_high": "#4f9fd0",
    },
    "dark": {
        "ink": "#e6eaf0",
        "muted": "#a5afbc",
        "line": "#323b47",
        "card": "#1a2028",
        "neutral": "#9aa4b1",
        "faint": "#2b333e",
        "blue": "#3d9bd4",
        "vermilion": "#e8793a",
        "green": "#23b58a",
        "purple": "#d48fb8",
        "blue_pale": "rgba(61,155,212,0.24)",
        "vermilion_pale": "rgba(232,121,58,0.24)",
        "green_pale": "rgba(35,181,138,0.24)",
        "purple_pale": "rgba(212,143,184,0.24)",
        "neutral_pale": "rgba(154,164,177,0.18)",
        "heat_low": "#1d2935",
        "heat_high": "#1b659a",
    },
}
SERIES = ("blue", "vermilion", "purple", "green", "neutral")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")

TEXT_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
LABEL, SMALL = 13, 12
LEGEND = 52  # pixels that two rows of a legend need
MOST_GROUPS = 12

_TITLE_LETTERS = 38  # what a phone has room for
_NICE_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200)
_DAY = 86_400
_UNITS = (1, 60, 3_600, *(_DAY * days for days in (1, 7, 30, 365)))
_BETWEEN_UNITS = (1, 10, 60, 600, 3_600, 21_600, *(_DAY * days for days in (1, 3, 7, 30, 90, 365)))


def palette(theme: str) -> dict[str, str]:
    """Return the colours of a theme by role."""
    if theme not in themes:
        raise DefinitionError(
            f"No theme '{theme}'. {did_you_mean(theme, themes)}Known: {listed(themes)}. "
            "Write theme='light' or theme='dark'."
        )
    return themes[theme]


def config() -> dict[str, object]:
    """Return the options to show a figure with: no upload button, no logo, no server, as wide as its place."""
    return {"showSendToCloud": False, "plotlyServerURL": "", "displaylogo": False, "responsive": True}


def figure(
    traces: Sequence[Trace],
    *,
    title: str,
    height: int,
    below: int,
    colours: Mapping[str, str],
    words: Language,
    left: int = 16,
    **layout: Any,
) -> "Figure":
    """Return a transparent figure: a title (none if empty), a plot `height` pixels high, `below` pixels under it."""
    from funnel.charts.shown import Chart

    lines = wrapped(title, _TITLE_LETTERS)
    above = 24 + 20 * (lines.count("<br>") + 1) if title else 8
    return Chart(
        {
            "data": list(traces),
            "layout": {
                "template": "none",
                "title": {
                    "text": lines,
                    "font": {"size": 15, "color": colours["ink"], "weight": 600},
                    "x": 0,
                    "xref": "container",
                    "y": 1,
                    "yref": "container",
                    "yanchor": "top",
                    # From the top of the first line; plotly takes it from that of the last.
                    "pad": {"t": 12 + 10 * lines.count("<br>"), "l": 14},
                },
                "height": above + height + below,
                "margin": {"l": left, "r": 28, "t": above, "b": below},
                "font": {"family": TEXT_FONT, "size": SMALL, "color": colours["ink"]},
                "paper_bgcolor": "rgba(0,0,0,0)",
                "plot_bgcolor": "rgba(0,0,0,0)",
                "hoverlabel": {
                    "bgcolor": colours["card"],
                    "bordercolor": colours["muted"],
                    "font": {"color": colours["ink"], "family": TEXT_FONT, "size": LABEL},
                    "align": "left",
                },
                "separators": ",\u202f" if words.code == "fr" else ".,",
                "dragmode": False,
                "showlegend": False,
                **layout,
            },
        }
    )


def empty(*, title: str, colours: Mapping[str, str], words: Language) -> "Figure":
    """Return the figure of a frame without rows: its title, and words where the chart would be."""
    place = {"x": 0, "xref": "paper", "y": 1, "yref": "paper", "yanchor": "top", "yshift": -16}
    said = note(words.text("Nothing to show yet."), colours, font={"color": colours["muted"]}, **place)
    return figure(
        [],
        title=title,
        height=96,
        below=8,
        colours=colours,
        words=words,
        annotations=[said],
        xaxis=hidden_axis(),
        yaxis=hidden_axis(),
    )


def hatched(colours: Mapping[str, str], hue: str = "blue") -> dict[str, Any]:
    """Return the marker of what is not settled yet: stripes of a colour on the faint ground."""
    stripes = {"shape": "/", "fgcolor": colours[hue], "bgcolor": colours["faint"], "size": 6, "solidity": 0.4}
    return {"color": colours[hue], "pattern": stripes}


def dots(
    rate: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    y: Sequence[float],
    *,
    name: str,
    hover: Sequence[str],
    colours: Mapping[str, str],
) -> Trace:
    """Return a dot and its interval a row; the rows are at `y`."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": list(rate),
        "y": list(y),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [end - middle for end, middle in zip(high, rate, strict=True)],
            "arrayminus": [middle - end for end, middle in zip(low, rate, strict=True)],
            "color": colours["blue"],
            "thickness": 2,
            "width": 4,
        },
        "marker": {"color": colours["blue"], "size": 9},
        "hovertext": list(hover),
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def legend(colours: Mapping[str, str], *, top: float) -> dict[str, Any]:
    """Return a legend in rows, from a height of the plot (0 its bottom, 1 its top) downwards, set from the left."""
    return {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": top,
        "yanchor": "top",
        "font": {"size": SMALL, "color": colours["ink"]},
        "bgcolor": "rgba(0,0,0,0)",
        "itemclick": False,
        "itemdoubleclick": False,
        "traceorder": "normal",
    }


def note(text: str, colours: Mapping[str, str], **place: Any) -> dict[str, Any]:
    """Return words without an arrow, set from the left in the ink of the theme unless `place` says otherwise."""
    font = {"size": SMALL, "color": colours["ink"], **place.pop("font", {})}
    return {"text": text, "showarrow": False, "align": "left", "xanchor": "left", "borderpad": 0, "font": font, **place}


def key(
    text: str,
    colours: Mapping[str, str],
    *,
    y: float,
    shift: int,
    line: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a stroke like a line of the chart, and the words beside it, at a height of the plot (0 bottom, 1 top)."""
    across = {"xref": "paper", "xsizemode": "pixel", "xanchor": 0, "x0": shift, "x1": shift + 22}
    stroke = {"type": "line", **across, "yref": "paper", "y0": y, "y1": y, "line": dict(line)}
    place = {"x": 0, "xref": "paper", "xshift": shift + 30, "y": y, "yref": "paper", "yanchor": "middle"}
    return stroke, note(text, colours, **place)


def plain(name: object, longest: int = 34) -> str:
    """Return a name from the data as plotly will show it literally, shortened in its middle where it is longer."""
    return html.escape(shortened(name, longest), quote=False)


def shortened(name: object, longest: int) -> str:
    """Return a name on one line, with its middle left out where it is longer; not yet safe from markup."""
    written = " ".join(str(name).split())
    if len(written) > longest:
        written = f"{written[: longest - longest // 3 - 1]}…{written[-(longest // 3) :]}"
    return written


def wrapped(text: str, longest: int) -> str:
    """Return the text broken into lines of at most so many letters, where it has spaces."""
    import textwrap

    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(text, longest, break_on_hyphens=False))


def group_name(values: Sequence[object], words: Language) -> str:
    """Return the values of a group in one phrase; a missing value is a group of its own."""
    import pandas

    return " · ".join(words.text("not given") if pandas.isna(value) else str(value) for value in values)


def by_size(
    frame: "pandas.DataFrame", by: Sequence[str], *, size: Literal["max", "sum"] = "max"
) -> list[tuple[tuple[Hashable, ...], "pandas.DataFrame"]]:
    """Return the groups of a frame, the values of each with its rows in their order: largest first, then by name.

    A group is as large as the `size` of its visitors: the most in a row (steps), or the sum (parts of a whole).
    """
    if not by:
        return [((), frame)]
    found = [(tuple(values), rows) for values, rows in frame.groupby(list(by), dropna=False, sort=False, observed=True)]
    return sorted(found, key=lambda group: (-float(group[1]["visitors"].agg(size)), tuple(map(str, group[0]))))


def largest(groups: int, words: Language) -> str:
    """Return the sentence that says that only the largest of so many groups are drawn."""
    return words.text("The {shown} largest of {all} groups.", shown=words.number(MOST_GROUPS), all=words.number(groups))


def numbers(frame: "pandas.DataFrame", column: str) -> list[float]:
    """Return a column as floats, NaN where it is null."""
    return [float(value) for value in frame[column].to_numpy(dtype=float, na_value=math.nan)]


def highest(values: Iterable[float], default: float = 0.0) -> float:
    """Return the highest of the values that are known: what a report hides is NaN."""
    return max(filter(math.isfinite, values), default=default)


def percent_ticks(highest: float, words: Language, *, most: int = 5) -> dict[str, Any]:
    """Return round tick values from 0 up to a share, and their text."""
    highest = highest if highest > 0 else 0.01
    rough = highest / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough * 0.999)
    values = [step * place for place in range(math.floor(highest / step + 1e-9) + 1)]
    digits = max(0, math.ceil(-math.log10(step * 100) - 1e-9) + (step == 2.5 * power and step < 0.1))
    return {"tickmode": "array", "tickvals": values, "ticktext": [words.percent(value, digits) for value in values]}


def count_ticks(highest: float, words: Language, *, most: int = 4) -> dict[str, Any]:
    """Return round whole tick values from 0 up to a count, and their text."""
    rough = max(highest / most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = math.ceil(next(power * size for size in (1, 2, 5, 10) if power * size >= rough * 0.999))
    values = [step * place for place in range(math.floor(highest / step + 1e-9) + 1)]
    return {"tickmode": "array", "tickvals": values, "ticktext": [words.number(value) for value in values]}


def time_ticks(last: float, words: Language, *, most: int = 5) -> dict[str, Any]:
    """Return round times from 0 up to the last, in seconds, and their text with its unit."""
    steps = (*_NICE_SECONDS, *(_DAY * days for days in (1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365)))
    step = next((each for each in steps if last / each <= most), math.ceil(last / most / _DAY) * _DAY)
    values = [step * place for place in range(math.floor(last / step + 1e-9) + 1)]
    return {"tickmode": "array", "tickvals": values, "ticktext": [words.duration(value) for value in values]}


def long_time_ticks(first: float, last: float, words: Language) -> dict[str, Any]:
    """Return round times from the first to the last for a logarithmic axis: one of each unit, or times between too."""
    values = _spread(_UNITS, first, last)
    if len(values) < 4:
        values = _spread(_BETWEEN_UNITS, first, last)
    return {"tickmode": "array", "tickvals": values, "ticktext": [words.duration(value) for value in values]}


def _spread(times: Sequence[float], first: float, last: float) -> list[float]:
    """Return the times within these bounds that stand well apart on a logarithmic axis."""
    apart = math.log10(last / first) / 6
    found: list[float] = []
    for time in times:
        if first <= time <= last and (not found or math.log10(time / found[-1]) > apart):
            found.append(time)
    return found


def axis(title: str, colours: Mapping[str, str], **options: Any) -> dict[str, Any]:
    """Return an axis with a title, quiet grid lines and no zoom."""
    return {
        "title": {"text": title, "font": {"size": SMALL, "color": colours["muted"]}, "standoff": 8},
        "tickfont": {"size": SMALL, "color": colours["muted"]},
        "gridcolor": colours["line"],
        "linecolor": colours["line"],
        "zeroline": False,
        "fixedrange": True,
        "ticks": "",
        "tickangle": 0,
        "ticklabelstandoff": 4,
        **options,
    }


def hidden_axis(**options: Any) -> dict[str, Any]:
    """Return an axis that only places things."""
    return {"visible": False, "fixedrange": True, **options}
