"""What each mention brought: its first life and its second, what friends added to both, and how sure the sum is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    MOST_GROUPS,
    Theme,
    Trace,
    axis,
    empty,
    figure,
    hatched,
    hidden_axis,
    key,
    largest,
    note,
    numbers,
    palette,
    plain,
)
from funnel.charts.whiskers import Scale, scale, whiskers
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_LINE, _BAND, _APART, _AXIS, _KEY, _BAR = 18, 20, 10, 48, 20, 14
_ROW = _LINE + _BAND + _APART
_PARTS = ("first_life", "first_downstream", "second_life", "second_downstream")
_TOTAL = ("total", "total_low", "total_high")
_COLUMNS = (*_PARTS, *_TOTAL, "per_thousand", "second_visits")


def mention_ranking(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `MentionsResult.lives`: a line a mention, in its order, the largest on top.

    Four bars one after another: the signatures of the first life, those of their friends, those of the second life and
    of their friends; over them the 95 % interval of all four together. An excess below zero goes to the left. What has
    no baseline is told in words, its second life drawn all the same. At most a dozen mentions.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("What each mention brought in all") if title is None else title
    rows = _rows(frame)[:MOST_GROUPS]
    if not rows:
        return empty(title=heading, colours=colours, words=words)
    height = _ROW * len(rows) + (_LINE if len(frame) > MOST_GROUPS else 0)
    shown = _scale(rows, words)
    samples: list[tuple[str, dict[str, Any]]] = [
        (words.text("First life: above what is usual"), {"color": colours["vermilion"], "width": 10}),
        (words.text("Second life: by the re-shared link"), {"color": colours["blue"], "width": 10}),
        (words.text("Striped: their friends"), {"color": colours["neutral"], "width": 10, "dash": "2px,2px"}),
    ]
    whole = height + _AXIS + _KEY * len(samples)
    keys = [
        key(text, colours, shift=0, y=1 - (height + _AXIS + _KEY * (place + 0.5)) / whole, line=line)
        for place, (text, line) in enumerate(samples)
    ]
    left = {"x": 0, "xref": "paper", "yanchor": "middle"}
    said = [note(_said(row, words), colours, y=place * _ROW + _LINE / 2, **left) for place, row in enumerate(rows)]
    if len(frame) > MOST_GROUPS:
        cut = largest(len(frame), words)
        said.append(note(cut, colours, y=height - _LINE / 2, font={"color": colours["muted"]}, **left))
    line = {"type": "line", "x0": 0, "x1": 0, "line": {"color": colours["muted"], "width": 1}}
    zeros = [{**line, "y0": place * _ROW + _LINE, "y1": place * _ROW + _LINE + _BAND} for place in range(len(rows))]
    return figure(
        [*_bars(rows, colours, words), *_totals(rows, shown, colours, words)],
        title=heading,
        height=whole,
        below=8,
        colours=colours,
        words=words,
        barmode="relative",
        hovermode="closest",
        annotations=[*said, *(text for _, text in keys)],
        shapes=[*zeros, *(stroke for stroke, _ in keys)],
        xaxis=axis(
            words.text("Signatures"),
            colours,
            range=[shown.low, shown.high],
            showgrid=False,
            showline=True,
            **_ticks(shown, words),
        ),
        yaxis=hidden_axis(range=[height, 0], domain=[1 - height / whole, 1]),
    )


@dataclass(frozen=True)
class _Row:
    """One mention."""

    name: str
    outlet: str | None
    together_with: str | None
    values: dict[str, float]

    @property
    def is_measured(self) -> bool:
        return math.isfinite(self.values["first_life"])


def _rows(frame: "pandas.DataFrame") -> list[_Row]:
    import pandas

    columns = [numbers(frame, name) for name in _COLUMNS]
    texts = [
        [None if pandas.isna(value) else str(value) for value in frame[name]] for name in ("outlet", "together_with")
    ]
    return [
        _Row(str(name), outlet, together, dict(zip(_COLUMNS, values, strict=True)))
        for name, outlet, together, *values in zip(frame["mention"], *texts, *columns, strict=True)
    ]


def _scale(rows: list[_Row], words: Language) -> Scale:
    """Return the scale of signatures: from 0, or from below it where an excess is."""
    shown = [value for row in rows for value in (row.values["total"], *_reach(row)) if math.isfinite(value)]
    return scale(
        shown,
        beyond=[row.values[end] for row in rows for end in ("total_low", "total_high")],
        widths=[],
        unit="number",
        words=words,
    )


def _reach(row: _Row) -> tuple[float, float]:
    """Return how far the bars of a mention go to each side."""
    parts = [row.values[part] for part in _PARTS if math.isfinite(row.values[part])]
    return sum(part for part in parts if part < 0), sum(part for part in parts if part > 0)


def _ticks(shown: Scale, words: Language) -> dict[str, Any]:
    ticks = shown.ticks(most=4)
    values = [value for value in ticks["tickvals"] if value == round(value)]
    return {"tickmode": "array", "tickvals": values, "ticktext": [words.number(value, 0) for value in values]}


def _bars(rows: list[_Row], colours: Mapping[str, str], words: Language) -> list[Trace]:
    hover = [_hover(row, words) for row in rows]
    parts: list[tuple[str, str, dict[str, Any]]] = [
        ("first_life", words.text("First life"), {"color": colours["vermilion"]}),
        ("first_downstream", words.text("Their friends"), hatched(colours, "vermilion")),
        ("second_life", words.text("Second life"), {"color": colours["blue"]}),
        ("second_downstream", words.text("Their friends"), hatched(colours, "blue")),
    ]
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": [row.values[part] if math.isfinite(row.values[part]) else 0.0 for row in rows],
            "y": [place * _ROW + _LINE + _BAND / 2 for place in range(len(rows))],
            "width": _BAR,
            "marker": marker,
            "hovertext": hover,
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        for part, name, marker in parts
    ]


def _totals(rows: list[_Row], shown: Scale, colours: Mapping[str, str], words: Language) -> list[Trace]:
    places = [place for place, row in enumerate(rows) if row.is_measured]
    return whiskers(
        [
            (rows[each].values["total"], rows[each].values["total_low"], rows[each].values["total_high"])
            for each in places
        ],
        [each * _ROW + _LINE + _BAND / 2 for each in places],
        shown,
        colours,
        hover=[_hover(rows[each], words) for each in places],
        name=words.text("In all"),
        hue="ink",
        thickness=1.5,
        size=5,
    )


def _said(row: _Row, words: Language) -> str:
    name = plain(words.name(row.name), 18)
    told = words.text("no baseline")
    if row.is_measured:
        told = _interval(row, words)
    elif row.together_with:
        told = plain(words.text("counted with {others}", others=row.together_with), 30)
    return f"<b>{name}</b>  {told}"


def _interval(row: _Row, words: Language) -> str:
    total, low, high = (words.number(row.values[each], 0) for each in _TOTAL)
    between = words.text("{low} to {high}", low=low, high=high)
    return f"{total} [{between}]"


def _hover(row: _Row, words: Language) -> str:
    values = row.values
    said = [f"<b>{plain(words.name(row.name), 60)}</b>", *([plain(row.outlet, 60)] if row.outlet else [])]
    if row.is_measured:
        said += [
            words.text("{n} above what is usual", n=words.number(values["first_life"], 0)),
            words.text("{n} by their friends", n=words.number(values["first_downstream"], 0)),
        ]
    if values["second_visits"]:
        said += [
            words.text("{n} by the re-shared link", n=words.number(values["second_life"], 0)),
            words.text("{n} by their friends", n=words.number(values["second_downstream"], 0)),
        ]
    if row.is_measured:
        said.append(words.text("{n} in all", n=_interval(row, words)))
    if math.isfinite(values["per_thousand"]):
        said.append(words.text("{n} for a thousand of the audience", n=words.number(values["per_thousand"], 1)))
    return "<br>".join(said)
