"""How likely a test finds a lift, by the visitors it has: a line a lift."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    DASHES,
    SERIES,
    Theme,
    axis,
    count_ticks,
    empty,
    figure,
    key,
    note,
    numbers,
    palette,
    percent_ticks,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_PLOT, _AXIS, _CAPTION, _KEY = 240, 50, 22, 20
_SHIFT = -44  # words begin here, left of the plot
_GOAL = 0.8


def power_curve(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw a frame of visitors (in each arm), lift and power: a line a lift, smallest first, and a line at 80 %.

    Under it, from how many visitors in each arm on a lift is found in four tests of five, read off its line between the
    two points around 80 %.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("How likely a lift is found") if title is None else title
    lines = [(float(lift), _points(rows)) for lift, rows in frame.groupby("lift", sort=True)]
    lines = [(lift, points) for lift, points in lines if points]
    if not lines:
        return empty(title=heading, colours=colours, words=words)
    foot = _PLOT + _AXIS + _CAPTION
    height = foot + _KEY * len(lines)
    last = max(points[-1][0] for _, points in lines)
    looks = [{"color": colours[SERIES[n % len(SERIES)]], "dash": DASHES[n % len(DASHES)]} for n in range(len(lines))]
    keys = []
    for place, ((lift, points), look) in enumerate(zip(lines, looks, strict=True)):
        text, y = (
            f"<b>{_signed(lift, words)}</b>  {_reached(points, words)}",
            1 - (foot + _KEY * (place + 0.5)) / height,
        )
        keys.append(key(text, colours, shift=_SHIFT, y=y, line={**look, "width": 2.5}))
    left = {"x": 0, "xref": "paper", "xshift": _SHIFT, "yref": "paper", "yanchor": "middle"}
    caption = words.text("Lift, and visitors in each arm to find it 8 times in 10:")
    muted = {"color": colours["muted"]}
    goal = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": _GOAL, "y1": _GOAL, "layer": "below"}
    return figure(
        [_trace(lift, points, look, words) for (lift, points), look in zip(lines, looks, strict=True)],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=56,
        hovermode="closest",
        annotations=[
            note(caption, colours, y=1 - (_PLOT + _AXIS + _CAPTION / 2) / height, font=muted, **left),
            *(said for _, said in keys),
        ],
        shapes=[
            {**goal, "line": {"color": colours["ink"], "width": 1.5, "dash": "dash"}},
            *(stroke for stroke, _ in keys),
        ],
        xaxis=axis(
            words.text("Visitors in each arm"),
            colours,
            range=[0, last],
            showgrid=False,
            **count_ticks(last, words, most=3),
        ),
        yaxis=axis("", colours, range=[0, 1.02], domain=[1 - _PLOT / height, 1], **percent_ticks(1, words)),
    )


def _points(rows: "pandas.DataFrame") -> list[tuple[float, float]]:
    """Return (visitors, power) of one lift, by visitors, those known."""
    pairs = zip(numbers(rows, "visitors"), numbers(rows, "power"), strict=True)
    return sorted((visitors, power) for visitors, power in pairs if math.isfinite(visitors) and math.isfinite(power))


def _trace(lift: float, points: list[tuple[float, float]], look: Mapping[str, str], words: Language) -> dict[str, Any]:
    name = _signed(lift, words)
    hover = [
        f"<b>{name}</b><br>"
        + words.text("{n} in each arm", n=words.number(visitors, 0))
        + f"<br>{words.percent(power)}"
        for visitors, power in points
    ]
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(points) == 1 else "lines",
        "name": name,
        "x": [visitors for visitors, _ in points],
        "y": [power for _, power in points],
        "line": {**look, "width": 2.5},
        "marker": {"color": look["color"], "size": 8},
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _signed(lift: float, words: Language) -> str:
    digits = 0 if abs(lift * 100 - round(lift * 100)) < 1e-9 else 1
    return f"+{words.percent(lift, digits)}" if lift > 0 else words.percent(lift, digits)


def _reached(points: list[tuple[float, float]], words: Language) -> str:
    """Say where the line comes to 80 %."""
    first, power = points[0]
    if power >= _GOAL:
        return words.text("{n} or fewer", n=words.number(first, 0))
    for (before, under), (after, over) in pairwise(points):
        if over >= _GOAL:
            found = before + (after - before) * (_GOAL - under) / (over - under)
            rounded = math.ceil(found / 10 ** max(math.floor(math.log10(found)) - 2, 0))
            return words.text("about {n}", n=words.number(rounded * 10 ** max(math.floor(math.log10(found)) - 2, 0)))
    return words.text("more than {n}", n=words.number(points[-1][0], 0))
