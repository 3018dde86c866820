"""How long people take: a histogram of the time to each step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    Theme,
    axis,
    count_ticks,
    figure,
    highest,
    note,
    numbers,
    palette,
    plain,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _PLOT, _FOOT, _GAP = 26, 140, 46, 14
_SHORT = 8  # letters of a time of which a phone has room for six


def time_to_convert(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `FunnelResult.times`: a panel a step, a bar an interval of time since the step before.

    All bars of a panel are of one width, whatever the length of their interval: the axis names the intervals' ends. An
    interval that no row speaks of stays empty.
    """
    words, colours = language_of(language), palette(theme)
    panels = [(str(step), str(after), rows) for (step, after), rows in frame.groupby(["step", "after"], sort=False)]
    height = len(panels) * (_HEAD + _PLOT + _FOOT + _GAP) - _GAP
    traces, notes, axes = [], [], {}
    for place, (step, after, rows) in enumerate(panels):
        suffix = "" if place == 0 else str(place + 1)
        top = place * (_HEAD + _PLOT + _FOOT + _GAP)
        traces.append({**_bars(step, after, rows, colours, words), "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"})
        notes.append(_head(step, after, 1 - (top + _HEAD / 2 - 3) / height, colours, words))
        domain = [1 - (top + _HEAD + _PLOT) / height, 1 - (top + _HEAD) / height]
        most = highest(numbers(rows, "visitors")) * 1.05 or 1
        since = words.text("Time since {step}", step=plain(after, 24))
        ends = {"range": [0, len(_edges(rows)) - 1], "showgrid": False, "anchor": f"y{suffix}", **_ends(rows, words)}
        axes[f"xaxis{suffix}"] = axis(since, colours, **ends)
        counts = {"range": [0, most], "domain": domain, "anchor": f"x{suffix}", **count_ticks(most, words, most=3)}
        axes[f"yaxis{suffix}"] = axis("", colours, **counts)
    return figure(
        traces,
        title=words.text("How long people take") if title is None else title,
        height=height,
        below=8,
        colours=colours,
        words=words,
        bargap=0.06,
        annotations=notes,
        left=56,
        **axes,
    )


def _bars(
    step: str, after: str, rows: "pandas.DataFrame", colours: Mapping[str, str], words: Language
) -> dict[str, Any]:
    counts = numbers(rows, "visitors")
    everyone = sum(counts) or 1.0  # unknown where one of them is: then the shares are as well
    hover = [
        f"<b>{plain(step, 60)}</b><br>{interval}<br>"
        + words.text("{n}, {share} of them", n=words.number(count), share=words.percent(count / everyone))
        for interval, count in zip(_intervals(rows, words), counts, strict=True)
    ]
    return {
        "type": "bar",
        "name": words.text("{step} after {before}", step=plain(step), before=plain(after)),
        "x": [_edges(rows).index(start) + 0.5 for start in numbers(rows, "elapsed_from_seconds")],
        "y": counts,
        "marker": {"color": colours["blue"]},
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _intervals(rows: "pandas.DataFrame", words: Language) -> list[str]:
    ends = zip(numbers(rows, "elapsed_from_seconds"), numbers(rows, "elapsed_to_seconds"), strict=True)
    return [
        words.text("{low} to {high}", low=words.duration(low), high=words.duration(high))
        if high < float("inf")
        else words.text("{time} or more", time=words.duration(low))
        for low, high in ends
    ]


def _edges(rows: "pandas.DataFrame") -> list[float]:
    """Return the ends of all intervals, in order."""
    return sorted({*numbers(rows, "elapsed_from_seconds"), *numbers(rows, "elapsed_to_seconds")})


def _ends(rows: "pandas.DataFrame", words: Language) -> dict[str, Any]:
    """Return a few of the ends between the bars, the first and the last known among them, with their times."""
    edges = [edge for edge in _edges(rows) if edge < float("inf")]
    names = [words.duration(edge) for edge in edges]
    spaces = 5 if max(map(len, names)) <= _SHORT else 3
    shown = sorted({round(place * (len(edges) - 1) / spaces) for place in range(spaces + 1)})
    return {"tickmode": "array", "tickvals": shown, "ticktext": [names[place] for place in shown]}


def _head(step: str, after: str, y: float, colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    text = words.text("{step} after {before}", step=plain(step, 20), before=plain(after, 20))
    unit = words.text("visitors")
    place = {"x": 0, "xref": "paper", "xshift": -44, "y": y, "yref": "paper", "yanchor": "middle"}
    return note(f"<b>{text}</b>, {unit}", colours, font={"size": LABEL}, **place)
