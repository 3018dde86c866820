"""Groups side by side: the step rate of each with its interval, a panel a step."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    MOST_GROUPS,
    Theme,
    axis,
    by_size,
    dots,
    figure,
    group_name,
    largest,
    note,
    numbers,
    palette,
    percent_ticks,
    plain,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _ROW, _FOOT, _GUTTER = 48, 24, 32, 14
_LETTERS, _LETTER = 20, 7  # a group's name: how many letters of it, and how wide one is
_DOTS, _WRITTEN = 0.52, 0.55  # the dots end, and the numbers begin, at these parts of the width
_RATES = ("step_rate", "step_rate_low", "step_rate_high")


def groups(
    frame: "pandas.DataFrame",
    by: Sequence[str],
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `FunnelResult.frame` by its groups: a panel a step, a dot and its interval a group, the largest group first.

    At most a dozen groups. Every panel starts at 0 and has a scale of its own.
    """
    words, colours = language_of(language), palette(theme)
    found = by_size(frame, by)
    shown = [(group_name(values, words), _rates(rows)) for values, rows in found[:MOST_GROUPS]]
    steps = list(dict.fromkeys(step for _, rates in shown for step in rates))
    left = _GUTTER + _LETTER * max((len(plain(name, _LETTERS)) for name, _ in shown), default=0)
    panel = _HEAD + _ROW * len(shown) + _FOOT
    height = panel * max(len(steps), 1)
    traces, notes, axes = [], [], {}
    for place, step in enumerate(steps):
        suffix = "" if place == 0 else str(place + 1)
        rows = [(line, name, rates[step]) for line, (name, rates) in enumerate(shown) if step in rates]
        top = 1 - (place * panel + _HEAD) / height
        traces.append({**_dots(rows, step, colours, words), "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"})
        notes += _notes(rows, step, suffix, top, _GUTTER - left, colours, words)
        axes[f"xaxis{suffix}"] = _share_axis(rows, suffix, colours, words)
        axes[f"yaxis{suffix}"] = _group_axis([name for name, _ in shown], suffix, top, height, colours)
    is_cut = len(found) > MOST_GROUPS
    if is_cut:
        text = largest(len(found), words)
        notes.append(note(text, colours, x=0, xref="paper", xshift=_GUTTER - left, y=0, yref="paper", yanchor="top"))
    return figure(
        traces,
        title=words.text("The groups side by side") if title is None else title,
        height=height,
        below=28 if is_cut else 8,
        left=left,
        colours=colours,
        words=words,
        annotations=notes,
        **axes,
    )


def _rates(rows: "pandas.DataFrame") -> dict[tuple[str, str], tuple[float, float, float, float]]:
    """Return by step and the step before: rate, low, high, visitors."""
    import pandas

    columns = zip(rows["step"], rows["after"], *(numbers(rows, name) for name in (*_RATES, "visitors")), strict=True)
    return {(str(step), str(after)): tuple(rate) for step, after, *rate in columns if not pandas.isna(after)}


def _dots(rows: list[Any], step: tuple[str, str], colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    known = [(line, name, rate) for line, name, rate in rows if rate[0] == rate[0]]
    hover = [
        f"<b>{plain(name, 60)}</b><br>"
        + words.text("{rate} after {step}", rate=words.rate(*rate[:3]), step=plain(step[1], 60))
        + f"<br>{plain(step[0], 60)}  {words.number(rate[3])}"
        for _, name, rate in known
    ]
    rate, low, high = zip(*(rate[:3] for *_, rate in known), strict=True) if known else ((), (), ())
    return dots(rate, low, high, [line for line, *_ in known], name=plain(step[0]), hover=hover, colours=colours)


def _notes(
    rows: list[Any],
    step: tuple[str, str],
    suffix: str,
    top: float,
    shift: int,
    colours: Mapping[str, str],
    words: Language,
) -> list[dict[str, Any]]:
    """Return the head of the panel, and beside each dot its rate and how many reached the step."""
    head = words.text("{step} after {before}", step=plain(step[0], 24), before=plain(step[1], 24))
    left = {"x": 0, "xref": "paper", "xshift": shift, "y": top, "yref": "paper", "yanchor": "bottom", "yshift": 6}
    right = {"x": _WRITTEN, "xref": "paper", "yref": f"y{suffix}", "yanchor": "middle"}
    muted = {"color": colours["muted"]}
    return [
        note(f"<b>{head}</b>", colours, font={"size": LABEL}, **{**left, "yshift": 20}),
        note(words.text("rate (visitors)"), colours, font=muted, **{**left, "x": _WRITTEN, "xshift": 0, "yshift": 3}),
        *(note(_told(rate, words), colours, y=line, **right) for line, _, rate in rows),
    ]


def _told(rate: tuple[float, ...], words: Language) -> str:
    """Return a rate and its visitors; nothing where neither is known."""
    if math.isnan(rate[0]) and math.isnan(rate[3]):
        return ""
    return f"{words.percent(rate[0])} ({words.number(rate[3])})"


def _share_axis(rows: list[Any], suffix: str, colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    highest = max((rate[2] for *_, rate in rows if rate[2] == rate[2]), default=0.0) * 1.04 or 0.01
    place = {"range": [0, highest], "domain": [0, _DOTS], "anchor": f"y{suffix}"}
    return axis("", colours, **place, **percent_ticks(highest, words, most=2))


def _group_axis(names: list[str], suffix: str, top: float, height: int, colours: Mapping[str, str]) -> dict[str, Any]:
    return axis(
        "",
        colours,
        range=[len(names) - 0.5, -0.5],
        domain=[top - _ROW * len(names) / height, top],
        anchor=f"x{suffix}",
        showgrid=False,
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=[plain(name, _LETTERS) for name in names],
    )
