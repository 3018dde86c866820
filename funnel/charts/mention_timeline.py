"""The minutes around a mention: what was counted, beside where counts lie when nothing airs."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    Theme,
    Trace,
    axis,
    count_ticks,
    empty,
    figure,
    highest,
    key,
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

_PLOT, _AXIS, _KEY, _NAME = 230, 48, 20, 20
_LETTER = 7
_STEPS = (5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440)


def mention_timeline(
    frame: "pandas.DataFrame",
    *,
    others: "pandas.DataFrame | None" = None,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `MentionsResult.minutes`: a bar a bin, over the band of the baseline and its middle.

    `others` are the mentions on the air in these minutes (mention, from_minute, to_minute, is_own), shaded and named
    above the plot; what has no length is a line. Without a baseline there are only bars.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("Minute by minute around a mention") if title is None else title
    if frame.empty:
        return empty(title=heading, colours=colours, words=words)
    minutes, observed = numbers(frame, "minute"), numbers(frame, "observed")
    step = min((after - before for before, after in pairwise(minutes)), default=5.0)
    highs = numbers(frame, "expected_high")
    has_baseline = any(map(math.isfinite, highs))
    most = highest([*observed, *highs, 1.0]) * 1.06
    counts = count_ticks(most, words)
    aired = _aired(others, minutes, step)
    names = _NAME * len(aired)
    samples: list[tuple[str, dict[str, Any]]] = [
        (words.plural("Counted in {n} minute", "Counted in {n} minutes", int(step)), _wide(colours["blue"]))
    ]
    if has_baseline:
        samples.append((words.text("Usual, and where 95% of counts lie"), _wide(colours["neutral"])))
    samples.append((words.text("On the air"), _wide(colours["vermilion"])))
    plot = names + _PLOT
    whole = plot + _AXIS + _KEY * len(samples)
    keys = [
        key(text, colours, shift=0, y=1 - (plot + _AXIS + _KEY * (place + 0.5)) / whole, line=line)
        for place, (text, line) in enumerate(samples)
    ]
    shading = [
        _shaded(each, colours, 1 - (place + 1) * _NAME / whole, 1 - plot / whole) for place, each in enumerate(aired)
    ]
    ends = [minutes[0], minutes[-1] + step]
    said = [_named(each, ends, colours, words, 1 - (place + 0.5) * _NAME / whole) for place, each in enumerate(aired)]
    return figure(
        [*_band(frame, minutes, step, colours), _bars(frame, minutes, step, colours, words)],
        title=heading,
        height=whole,
        below=8,
        colours=colours,
        words=words,
        left=max(40, 14 + _LETTER * max(map(len, counts["ticktext"]))),
        bargap=0,
        hovermode="closest",
        annotations=[*said, *(text for _, text in keys)],
        shapes=[*shading, *(stroke for stroke, _ in keys)],
        xaxis=axis(
            words.text("Time of day"), colours, range=ends, showgrid=False, **_clock(frame, minutes, step, words)
        ),
        yaxis=axis("", colours, range=[0, most], domain=[1 - plot / whole, 1 - names / whole], **counts),
    )


def _wide(colour: str) -> dict[str, Any]:
    return {"color": colour, "width": 10}


def _band(frame: "pandas.DataFrame", minutes: list[float], step: float, colours: Mapping[str, str]) -> list[Trace]:
    known = [place for place, value in enumerate(numbers(frame, "expected")) if math.isfinite(value)]
    if not known:
        return []
    # Each bin from its beginning to its end.
    x = [minutes[place] + end for place in known for end in (0, step)]
    edge = {"type": "scatter", "mode": "lines", "x": x, "line": {"width": 0}, "hoverinfo": "skip"}

    def twice(name: str) -> list[float]:
        values = numbers(frame, name)
        return [values[place] for place in known for _ in range(2)]

    return [
        {**edge, "y": twice("expected_low")},
        {**edge, "y": twice("expected_high"), "fill": "tonexty", "fillcolor": colours["neutral_pale"]},
        {**edge, "y": twice("expected"), "line": {"color": colours["neutral"], "width": 2}},
    ]


def _bars(
    frame: "pandas.DataFrame", minutes: list[float], step: float, colours: Mapping[str, str], words: Language
) -> Trace:
    return {
        "type": "bar",
        "name": words.text("As counted"),
        "x": [minute + step / 2 for minute in minutes],
        "y": numbers(frame, "observed"),
        "width": step * 0.7,
        "marker": {"color": colours["blue"]},
        "hovertext": [_hover(row, step, words) for row in frame.to_dict("records")],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _hover(row: Mapping[Any, Any], step: float, words: Language) -> str:
    at: datetime = row["at"]
    said = [
        f"<b>{_time(at, words)}</b>",
        words.plural("{count} in {n} minute", "{count} in {n} minutes", int(step), count=words.number(row["observed"])),
    ]
    if math.isfinite(row["expected"]):
        low, high = words.number(row["expected_low"], 0), words.number(row["expected_high"], 0)
        said.append(
            words.text(
                "usual is {expected} [{low} to {high}]", expected=words.number(row["expected"], 1), low=low, high=high
            )
        )
    return "<br>".join(said)


def _time(at: datetime, words: Language) -> str:
    return words.text("{hour}:{minute}", hour=at.hour, minute=f"{at.minute:02}")


def _clock(frame: "pandas.DataFrame", minutes: list[float], step: float, words: Language) -> dict[str, Any]:
    """Return up to four round times of the clock, or days, none so near an end that it would leave the picture."""
    span = minutes[-1] + step - minutes[0]
    every = next((each for each in _STEPS if span / each <= 4), math.ceil(span / 4 / 1_440) * 1_440)
    values, texts = [], []
    for minute, at in zip(minutes, frame["at"], strict=True):
        past = (at.toordinal() * 1_440 + at.hour * 60 + at.minute) % every
        if past < step and 0.06 * span <= minute - past - minutes[0] <= 0.94 * span:
            values.append(minute - past)
            round_time = at - timedelta(minutes=past)
            texts.append(words.date(round_time.date(), "short") if every >= 1_440 else _time(round_time, words))
    return {"tickmode": "array", "tickvals": values, "ticktext": texts}


def _aired(others: "pandas.DataFrame | None", minutes: list[float], step: float) -> list[dict[str, Any]]:
    """Return the mentions that fall into the picture, the own one first, four at most."""
    if others is None:
        return []
    last = minutes[-1] + step
    found = [row for row in others.to_dict("records") if row["from_minute"] < last and row["to_minute"] >= minutes[0]]
    told = [{str(name): value for name, value in row.items()} for row in found]
    return sorted(told, key=lambda row: not row["is_own"])[:4]


def _shaded(row: Mapping[str, Any], colours: Mapping[str, str], top: float, bottom: float) -> dict[str, Any]:
    place = {"xref": "x", "yref": "paper", "x0": row["from_minute"], "y0": bottom, "y1": top}
    if row["to_minute"] <= row["from_minute"]:
        line = {"color": colours["vermilion"], "width": 2}
        return {"type": "line", **place, "x1": row["from_minute"], "line": line, "layer": "below"}
    fill = {"fillcolor": colours["vermilion_pale"], "line": {"color": colours["vermilion"], "width": 1}}
    return {"type": "rect", **place, "x1": row["to_minute"], "layer": "below", **fill}


def _named(
    row: Mapping[str, Any], ends: list[float], colours: Mapping[str, str], words: Language, y: float
) -> dict[str, Any]:
    """Return the name of a mention above its shade, on whichever side of its beginning there is more room."""
    begins = min(max(row["from_minute"], ends[0]), ends[1])
    is_left = begins > sum(ends) / 2
    place = {"x": begins, "xref": "x", "xanchor": "right" if is_left else "left", "y": y, "yref": "paper"}
    return note(f"<b>{plain(words.name(str(row['mention'])), 22)}</b>", colours, yanchor="middle", **place)
