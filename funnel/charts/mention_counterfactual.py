"""A mention day by day: what was counted beside what would have been, the difference, and its sum."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    Theme,
    Trace,
    axis,
    count_ticks,
    empty,
    figure,
    key,
    note,
    numbers,
    palette,
)
from funnel.charts.whiskers import Scale, scale, whiskers
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _KEY, _UPPER, _LOWER, _AXIS, _GAP = 24, 20, 190, 110, 26, 18
_INSET, _LETTER = 12, 7
_STEPS = (1, 2, 3, 7, 14, 28, 56, 91, 182, 364)
_ESTIMATES = ("counterfactual", "excess", "cumulative")
_COLUMNS = ("observed", *(f"{name}{end}" for name in _ESTIMATES for end in ("", "_low", "_high")))


def mention_counterfactual(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `MentionsResult.days`: the first of its models, three panels on one axis of days.

    Above, dots of what was counted, and a dashed line with its 95 % band of what would have been without the mention,
    whose days are shaded. In the middle the difference of each day that tells something, below the running sum over the
    mention's days.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("Day by day, with and without the mention") if title is None else title
    if frame.empty:
        return empty(title=heading, colours=colours, words=words)
    days = _days(frame[frame["model"] == frame["model"].iloc[0]])
    tops = [_HEAD + 2 * _KEY]
    tops.append(tops[0] + _UPPER + _GAP + _HEAD)
    tops.append(tops[1] + _LOWER + _GAP + _HEAD)
    height = tops[2] + _LOWER + _AXIS
    most = max(filter(math.isfinite, [*days["observed"], *days["counterfactual"], 1.0]))
    most = max(most, min(max(filter(math.isfinite, [*days["counterfactual_high"], 0.0])), 1.6 * most)) * 1.06
    differences, sums = (_scale(days, name, words) for name in ("excess", "cumulative"))
    counts = count_ticks(most, words)
    scales = [_ticks(each) for each in (differences, sums)]
    labels = [text for ticks in (counts, *scales) for text in ticks["ticktext"]]
    margin = max(40, 14 + _LETTER * max(map(len, labels)))
    samples: list[tuple[str, dict[str, Any]]] = [
        (words.text("As counted"), {"color": colours["blue"], "width": 6}),
        (words.text("Without the mention"), {"color": colours["ink"], "width": 1.5, "dash": "dash"}),
    ]
    keys = [
        key(text, colours, y=1 - (_HEAD + _KEY * (place + 0.5)) / height, shift=_INSET - margin, line=line)
        for place, (text, line) in enumerate(samples)
    ]
    left = {"x": 0, "xref": "paper", "xshift": _INSET - margin, "yref": "paper", "yanchor": "top"}
    heads = [
        (words.text("A day"), 0),
        (words.text("Difference"), tops[1] - _HEAD),
        (words.text("Sum of the mention’s days"), tops[2] - _HEAD),
    ]
    said = [note(f"<b>{text}</b>", colours, y=1 - at / height, font={"size": LABEL + 1}, **left) for text, at in heads]
    ends = [-0.7, len(days["on"]) - 0.3]
    domains = [
        [1 - (top + size) / height, 1 - top / height] for top, size in zip(tops, (_UPPER, _LOWER, _LOWER), strict=True)
    ]
    upright = {"anchor": "x"}
    return figure(
        [
            *_counterfactual(days, most, colours),
            _counted(days, colours, words),
            *_whisked(days, "excess", differences, "y2", colours, words),
            *_whisked(days, "cumulative", sums, "y3", colours, words),
        ],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=margin,
        annotations=[*said, *(text for _, text in keys)],
        shapes=[*_shaded(days, colours), *_zeros(ends, colours), *(stroke for stroke, _ in keys)],
        hovermode="closest",
        xaxis=axis("", colours, anchor="y3", showgrid=False, range=ends, **_dates(days["on"], words)),
        yaxis=axis("", colours, range=[0, most], domain=domains[0], **upright, **counts),
        yaxis2=axis("", colours, range=[differences.low, differences.high], domain=domains[1], **upright, **scales[0]),
        yaxis3=axis("", colours, range=[sums.low, sums.high], domain=domains[2], **upright, **scales[1]),
    )


def _days(frame: "pandas.DataFrame") -> dict[str, list[Any]]:
    """Return the columns by day, in order of time."""
    import pandas

    ordered = frame.sort_values("on", kind="stable")
    read: dict[str, list[Any]] = {name: numbers(ordered, name) for name in _COLUMNS}
    on = [pandas.Timestamp(each).date() for each in ordered["on"]]
    return {**read, "on": on, "is_effect": [bool(each) for each in ordered["is_effect"]]}


def _scale(days: dict[str, list[Any]], name: str, words: Language) -> Scale:
    ends = [*days[f"{name}_low"], *days[f"{name}_high"]]
    return scale(days[name], beyond=ends, widths=[], unit="number", words=words)


def _ticks(shown: Scale) -> dict[str, Any]:
    return shown.ticks(most=3)


def _counterfactual(days: dict[str, list[Any]], most: float, colours: Mapping[str, str]) -> list[Trace]:
    x = list(range(len(days["on"])))
    edge = {"type": "scatter", "mode": "lines", "x": x, "line": {"width": 0}, "hoverinfo": "skip"}
    high = [min(each, most) for each in days["counterfactual_high"]]
    return [
        {**edge, "y": days["counterfactual_low"]},
        {**edge, "y": high, "fill": "tonexty", "fillcolor": colours["neutral_pale"]},
        {**edge, "y": days["counterfactual"], "line": {"color": colours["ink"], "width": 1.5, "dash": "dash"}},
    ]


def _counted(days: dict[str, list[Any]], colours: Mapping[str, str], words: Language) -> Trace:
    """Return the counts; days that tell nothing of the others are open rings."""
    is_told = [math.isfinite(each) for each in days["excess"]]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": words.text("As counted"),
        "x": list(range(len(days["on"]))),
        "y": days["observed"],
        "line": {"color": colours["blue"], "width": 1.5},
        "marker": {
            "color": [colours["blue"] if told else colours["card"] for told in is_told],
            "size": 7,
            "line": {"color": colours["blue"], "width": 1.5},
        },
        "hovertext": [_hover(days, place, words) for place in range(len(days["on"]))],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _whisked(
    days: dict[str, list[Any]], name: str, shown: Scale, yaxis: str, colours: Mapping[str, str], words: Language
) -> list[Trace]:
    estimates = list(zip(days[name], days[f"{name}_low"], days[f"{name}_high"], strict=True))
    traces = whiskers(
        estimates,
        [float(place) for place in range(len(estimates))],
        shown,
        colours,
        hover=[_hover(days, place, words) for place in range(len(estimates))],
        along="y",
        hue="vermilion" if name == "cumulative" else "blue",
        thickness=1.5,
        size=6,
    )
    return [{**trace, "yaxis": yaxis} for trace in traces]


def _shaded(days: dict[str, list[Any]], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    places = [place for place, each in enumerate(days["is_effect"]) if each]
    if not places:
        return []
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": f"{axis_} domain",
            "x0": places[0] - 0.5,
            "x1": places[-1] + 0.5,
            "y0": 0,
            "y1": 1,
            "fillcolor": colours["vermilion_pale"],
            "line": {"width": 0},
            "layer": "below",
        }
        for axis_ in ("y", "y2", "y3")
    ]


def _zeros(ends: Sequence[float], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    line = {"color": colours["muted"], "width": 1}
    place = {"xref": "x", "x0": ends[0], "x1": ends[1], "y0": 0, "y1": 0, "layer": "below"}
    return [{"type": "line", **place, "yref": yref, "line": line} for yref in ("y2", "y3")]


def _dates(on: Sequence[date], words: Language) -> dict[str, Any]:
    """Return two or three dates that a phone has room for, none so near the end that it would leave the picture."""
    count = len(on)
    step = next((each for each in _STEPS if each >= 0.32 * count), math.ceil(count / 3))
    shown = [place for place in range(0, count, step) if place == 0 or place + 0.6 <= 0.94 * (count + 0.2)]
    dates = [on[0] + timedelta(days=place) for place in shown]
    names = [
        words.date(day, "short" if place and day.year == on[0].year else "medium") for place, day in enumerate(dates)
    ]
    return {"tickmode": "array", "tickvals": shown, "ticktext": names}


def _hover(days: dict[str, list[Any]], place: int, words: Language) -> str:
    said = [f"<b>{words.date(days['on'][place])}</b>"]
    if math.isfinite(days["observed"][place]):
        said.append(words.text("{n} counted", n=words.number(days["observed"][place], 0)))
    rows = (
        ("counterfactual", words.text("without the mention")),
        ("excess", words.text("difference")),
        ("cumulative", words.text("sum")),
    )
    for name, told in rows:
        value, low, high = (days[f"{name}{end}"][place] for end in ("", "_low", "_high"))
        if math.isfinite(value):
            numbers_ = (words.number(each, 0) for each in (low, high))
            between = words.text("{low} to {high}", **dict(zip(("low", "high"), numbers_, strict=True)))
            said.append(f"{told}: {words.number(value, 0)} [{between}]")
    return "<br>".join(said)
