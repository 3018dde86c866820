"""Whether a petition grows by itself, day by day: the reproduction number, and beneath it who came how."""

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
    highest,
    key,
    note,
    numbers,
    palette,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _KEY, _UPPER, _LOWER, _AXIS, _GAP = 24, 20, 170, 130, 26, 24
_LEFT, _INSET, _LETTER = 52, 12, 7  # pixels left of the plot, of them before words begin, and of a letter
_BEYOND = 1.6  # the band is followed so many times as high as its line goes
_ROUND = (1, 2, 2.5, 5, 10)
_STEPS = (1, 2, 3, 7, 14, 28, 56, 91, 182, 364)
_NUMBERS = ("seeded", "referred", "reproduction_number", "reproduction_number_low", "reproduction_number_high")


def reproduction_over_time(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ReferralsResult.over_time`: two panels on one time axis, a day a row.

    Above, the reproduction number with its 95 % band and a dashed line at 1, broken on days that have none; a band that
    runs far above its line stops at the edge. Below, the signatures of each day, those a friend's link brought under
    those that came by themselves.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("How many signatures one signature brings, day by day") if title is None else title
    days = _days(frame)
    if not days["day"]:
        return empty(title=heading, colours=colours, words=words)
    upper = _HEAD + _KEY
    lower = upper + _UPPER + _GAP + _HEAD + 2 * _KEY
    height = lower + _LOWER + _AXIS
    top, most = _top(days), highest(map(sum, zip(days["seeded"], days["referred"], strict=True))) * 1.05 or 1
    counts = count_ticks(most, words, most=3)
    margin = max(_LEFT, 8 + _LETTER * max(map(len, counts["ticktext"])))
    dashed = {"color": colours["ink"], "width": 1.5, "dash": "dash"}
    samples = [
        (words.text("Above 1 it grows by itself"), _HEAD, dashed),
        (words.text("By themselves"), lower - 2 * _KEY, {"color": colours["vermilion"], "width": 10}),
        (words.text("By a friend’s link"), lower - _KEY, {"color": colours["blue"], "width": 10}),
    ]
    keys = [
        key(text, colours, y=1 - (at + _KEY / 2) / height, shift=_INSET - margin, line=line)
        for text, at, line in samples
    ]
    heads = [
        (words.text("One signature brings"), 0),
        (words.text("Signatures of the day"), lower - 2 * _KEY - _HEAD),
    ]
    left = {"x": 0, "xref": "paper", "xshift": _INSET - margin, "yref": "paper", "yanchor": "top"}
    said = [note(f"<b>{text}</b>", colours, y=1 - at / height, font={"size": LABEL + 1}, **left) for text, at in heads]
    if not any(map(math.isfinite, days["reproduction_number"])):
        middle = {
            "x": 0.5,
            "xref": "paper",
            "xanchor": "center",
            "y": top / 4,
            "yref": "y",
            "font": {"color": colours["muted"]},
        }
        said.append(note(words.text("Too early to tell."), colours, **middle))
    ends = [-0.6, days["day"][-1] + 0.6]
    one = {"type": "scatter", "mode": "lines", "x": ends, "y": [1, 1], "line": dashed, "hoverinfo": "skip"}
    return figure(
        [one, *_curve(days, top, colours, words), *_bars(days, colours, words)],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=margin,
        annotations=[*said, *(text for _, text in keys)],
        shapes=[stroke for stroke, _ in keys],
        barmode="stack",
        bargap=0.15,
        hovermode="closest",
        xaxis=axis("", colours, anchor="y2", showgrid=False, range=ends, **_dates(days, words)),
        yaxis=axis(
            "",
            colours,
            range=[0, top],
            domain=[1 - (upper + _UPPER) / height, 1 - upper / height],
            **_ticks(top, words),
        ),
        yaxis2=axis(
            "",
            colours,
            range=[0, most],
            domain=[1 - (lower + _LOWER) / height, 1 - lower / height],
            **counts,
        ),
    )


def _days(frame: "pandas.DataFrame") -> dict[str, list[Any]]:
    """Return the columns by day, `day` counted from the first one."""
    import pandas

    ordered = frame.sort_values("signed_on", kind="stable")
    dates = [pandas.Timestamp(each).date() for each in ordered["signed_on"]]
    read: dict[str, list[Any]] = {name: numbers(ordered, name) for name in _NUMBERS}
    return {**read, "signed_on": dates, "day": [(each - dates[0]).days for each in dates]}


def _top(days: dict[str, list[Any]]) -> float:
    """Return where the scale of the reproduction number ends: over 1, over the line, over the band if not far."""
    line = max(filter(math.isfinite, days["reproduction_number"]), default=0.0)
    band = max(filter(math.isfinite, days["reproduction_number_high"]), default=0.0)
    return max(1.15, line * 1.08, min(band * 1.05, line * _BEYOND))


def _ticks(top: float, words: Language) -> dict[str, Any]:
    """Return round values from 0 on, and their text."""
    power = 10.0 ** math.floor(math.log10(top / 4))
    step = next(power * size for size in _ROUND if power * size >= top / 4 * 0.999)
    digits = next(n for n in range(9) if abs(step * 10**n - round(step * 10**n)) < 1e-6)
    values = [step * place for place in range(math.floor(top / step + 1e-9) + 1)]
    return {"tickmode": "array", "tickvals": values, "ticktext": [words.number(value, digits) for value in values]}


def _dates(days: dict[str, list[Any]], words: Language) -> dict[str, Any]:
    """Return two or three dates that a phone has room for, none so near the end that it would leave the picture."""
    count, first = days["day"][-1] + 1, days["signed_on"][0]
    step = next((each for each in _STEPS if each >= 0.32 * count), math.ceil(count / 3))
    shown = [place for place in range(0, count, step) if place == 0 or place + 0.6 <= 0.94 * (count + 0.2)]
    dates = [first + timedelta(days=place) for place in shown]
    names = [
        words.date(day, "short" if place and day.year == first.year else "medium") for place, day in enumerate(dates)
    ]
    return {"tickmode": "array", "tickvals": shown, "ticktext": names}


def _curve(days: dict[str, list[Any]], top: float, colours: Mapping[str, str], words: Language) -> list[Trace]:
    """Return the band and the line of each run of days with a reproduction number; a day alone is a dot."""
    traces: list[Trace] = []
    for run in _runs(days):
        x, value, low, high = ([days[name][place] for place in run] for name in ("day", *_NUMBERS[2:]))
        ends = [(day, *_bounds(*bounds, top)) for day, bounds in zip(x, zip(low, high, strict=True), strict=True)]
        if len(ends) == 1:
            ends = [(x[0] - 0.3, *ends[0][1:]), (x[0] + 0.3, *ends[0][1:])]
        edge = {"type": "scatter", "mode": "lines", "x": [end[0] for end in ends], "line": {"width": 0}}
        edge |= {"hoverinfo": "skip"}
        traces += [
            {**edge, "y": [end[1] for end in ends]},
            {**edge, "y": [end[2] for end in ends], "fill": "tonexty", "fillcolor": colours["blue_pale"]},
            {
                "type": "scatter",
                "mode": "lines+markers" if len(run) == 1 else "lines",
                "name": words.text("One signature brings"),
                "x": x,
                "y": value,
                "line": {"color": colours["blue"], "width": 2.5},
                "marker": {"color": colours["blue"], "size": 7},
                "hovertext": [_hover(days, place, words) for place in run],
                "hovertemplate": "%{hovertext}<extra></extra>",
            },
        ]
    return traces


def _runs(days: dict[str, list[Any]]) -> list[list[int]]:
    """Return the places of the days with a reproduction number, those that follow one another together."""
    runs: list[list[int]] = []
    for place, value in enumerate(days["reproduction_number"]):
        if not math.isfinite(value):
            continue
        if runs and days["day"][runs[-1][-1]] == days["day"][place] - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _bounds(low: float, high: float, top: float) -> tuple[float, float]:
    """Return the two bounds within the scale; its ends where nothing is known or there is no end."""
    return low if math.isfinite(low) else 0.0, min(high, top) if math.isfinite(high) else top


def _bars(days: dict[str, list[Any]], colours: Mapping[str, str], words: Language) -> list[Trace]:
    hover = [_hover(days, place, words) for place in range(len(days["day"]))]
    kinds: Sequence[tuple[str, str, str]] = (
        ("referred", words.text("By a friend’s link"), "blue"),
        ("seeded", words.text("By themselves"), "vermilion"),
    )
    return [
        {
            "type": "bar",
            "name": name,
            "x": days["day"],
            "y": days[column],
            "yaxis": "y2",
            "marker": {"color": colours[hue]},
            "hovertext": hover,
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        for column, name, hue in kinds
    ]


def _hover(days: dict[str, list[Any]], place: int, words: Language) -> str:
    day: date = days["signed_on"][place]
    value, low, high = (days[name][place] for name in _NUMBERS[2:])
    lines = [
        f"<b>{words.date(day)}</b>",
        words.text("{n} by themselves", n=words.number(days["seeded"][place])),
        words.text("{n} by a friend’s link", n=words.number(days["referred"][place])),
    ]
    if math.isfinite(value):
        lines.append(words.text("each brings {estimate}", estimate=words.estimate(value, low, high)))
    return "<br>".join(lines)
