"""What each look saw, and what it would have taken to stop there: the path of z and its boundary, a panel a variant."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    Theme,
    axis,
    count_ticks,
    empty,
    figure,
    key,
    note,
    numbers,
    palette,
    plain,
    wrapped,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _PLOT, _AXIS, _GAP, _KEY, _LINE = 46, 170, 26, 18, 20, 17
_TITLE = 20
_SHIFT = -34  # words begin here, left of the plot
_LETTERS = 48
_HIGHEST = 6.0  # a boundary above this is followed only as far as a path goes


def boundary(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ExperimentResult.looks`: a panel a variant, z at each look over the visitors so far.

    Beyond the boundary, in the shaded region, a difference was enough to stop at that look. Where the boundary is
    infinite no difference was enough, and none is drawn. A fixed test has a boundary at its last look only, and the
    chart says so. All panels have one scale.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("What each look saw") if title is None else title
    known = frame[frame["visitors"].notna()]
    panels = [(str(variant), _looks(rows)) for variant, rows in known.groupby("variant", sort=False)]
    if not panels:
        return empty(title=heading, colours=colours, words=words)
    every = [looks for _, looks in panels]
    remark, samples = wrapped(_remark(every, words), _LETTERS), _samples(every, colours, words)
    panel = _HEAD + _PLOT + _AXIS + _GAP
    end = panel * len(panels) - _GAP + _TITLE + 8
    foot = end + _KEY * len(samples) + 6
    height = foot + (_LINE * (remark.count("<br>") + 1) if remark else 0)
    top, last = _top(every), max((visitors for looks in every for visitors in looks["visitors"]), default=0) or 1
    said = _below(end, foot, remark, height, colours, words)
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    for place, (variant, looks) in enumerate(panels):
        suffix = "" if place == 0 else str(place + 1)
        drawn = [*_region(looks, top, colours), _path(variant, looks, colours, words)]
        traces += [{**trace, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"} for trace in drawn]
        said += _words(variant, place * panel, height, colours, words)
        axes |= _axes(suffix, place * panel, height, (last, top), colours, words)
    keys = [
        key(text, colours, shift=_SHIFT, y=1 - (end + _KEY * (place + 0.5)) / height, line=line)
        for place, (text, line) in enumerate(samples)
    ]
    return figure(
        traces,
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=46,
        annotations=[*said, *(text for _, text in keys)],
        shapes=[stroke for stroke, _ in keys],
        hovermode="closest",
        **axes,
    )


def _looks(rows: "pandas.DataFrame") -> dict[str, list[Any]]:
    """Return the columns of one variant, in the order of its looks."""
    ordered = rows.sort_values("visitors", kind="stable")
    read: dict[str, list[Any]] = {name: numbers(ordered, name) for name in ("visitors", "z", "critical")}
    return {**read, "looked_on": list(ordered["looked_on"])}


def _is_fixed(looks: dict[str, list[Any]]) -> bool:
    """Whether the boundary is there at the last of several looks only."""
    *before, last = looks["critical"] or [math.nan]
    return bool(before) and all(map(math.isnan, before)) and not math.isnan(last)


def _remark(panels: list[dict[str, list[Any]]], words: Language) -> str:
    if any(map(_is_fixed, panels)):
        return words.text("The boundary holds at the end only: planned for one look, the test says nothing before.")
    if not any(map(_has_boundary, panels)):
        return words.text("At none of these looks could a difference have been enough to stop.")
    return ""


def _has_boundary(looks: dict[str, list[Any]]) -> bool:
    return any(map(math.isfinite, looks["critical"]))


def _top(panels: list[dict[str, list[Any]]]) -> float:
    """Return where the scale ends: over every path, and over the boundary unless it is very high."""
    paths = [abs(z) for looks in panels for z in looks["z"] if math.isfinite(z)]
    bounds = [value for looks in panels for value in looks["critical"] if math.isfinite(value)]
    return 1.15 * max(*paths, min(max(bounds, default=0.0), _HIGHEST), min(bounds, default=0.0), 2.5, 0.0)


def _region(looks: dict[str, list[Any]], top: float, colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the boundary on both sides, and the shade beyond it."""
    known = [
        (visitors, critical)
        for visitors, critical in zip(looks["visitors"], looks["critical"], strict=True)
        if math.isfinite(critical)
    ]
    if len(known) == 1:
        visitors, critical = known[0]
        width = max(looks["visitors"]) * 0.02
        known = [(visitors - width, critical), (visitors + width, critical)]
    drawn = []
    for side in (1, -1):
        at = {"type": "scatter", "mode": "lines", "x": [visitors for visitors, _ in known], "hoverinfo": "skip"}
        edge = {**at, "y": [side * critical for _, critical in known]}
        far = [side * max(top, critical) for _, critical in known]
        line = {"color": colours["purple"], "width": 2}
        drawn.append({**edge, "line": line})
        drawn.append({**at, "y": far, "line": {"width": 0}, "fill": "tonexty", "fillcolor": colours["purple_pale"]})
    return drawn if known else []


def _path(variant: str, looks: dict[str, list[Any]], colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    known = [place for place, z in enumerate(looks["z"]) if math.isfinite(z)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plain(words.name(variant)),
        "x": [looks["visitors"][place] for place in known],
        "y": [looks["z"][place] for place in known],
        "line": {"color": colours["blue"], "width": 2},
        "marker": {"color": colours["blue"], "size": 8 if len(known) <= 12 else 4},
        "hovertext": [_hover(variant, looks, place, words) for place in known],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _hover(variant: str, looks: dict[str, list[Any]], place: int, words: Language) -> str:
    reached, needed = words.signed(looks["z"][place], 2), looks["critical"][place]
    said = [
        f"<b>{plain(words.name(variant), 60)}</b>",
        words.date(looks["looked_on"][place]),
        words.plural("{n} visitor", "{n} visitors", looks["visitors"][place]),
        words.text("z {z}, boundary {critical}", z=reached, critical=words.number(needed, 2))
        if math.isfinite(needed)
        else words.text("z {z}, no boundary at this look", z=reached),
    ]
    return "<br>".join(said)


def _ticks(top: float, words: Language) -> dict[str, Any]:
    step = 2 if top < 8 else 5 * math.ceil(top / 15)
    values = [step * place for place in range(-math.floor(top / step), math.floor(top / step) + 1)]
    return {"tickmode": "array", "tickvals": values, "ticktext": [words.signed(value, 0) for value in values]}


def _samples(
    panels: list[dict[str, list[Any]]], colours: Mapping[str, str], words: Language
) -> list[tuple[str, dict[str, Any]]]:
    """Return what the lines are: the words and the stroke of each."""
    path = (words.text("z: the difference in standard errors"), {"color": colours["blue"], "width": 2})
    bound = (words.text("boundary: beyond it, enough to stop"), {"color": colours["purple"], "width": 2})
    return [path, bound] if any(map(_has_boundary, panels)) else [path]


def _axes(
    suffix: str,
    above: int,
    height: int,
    ends: tuple[float, float],
    colours: Mapping[str, str],
    words: Language,
) -> dict[str, Any]:
    last, top = ends
    zero = {"zeroline": True, "zerolinecolor": colours["neutral"], "zerolinewidth": 1}
    visitors = {"range": [0, last * 1.03], "anchor": f"y{suffix}", "showgrid": False}
    z = {"range": [-top, top], "anchor": f"x{suffix}", **zero}
    z["domain"] = [1 - (above + _HEAD + _PLOT) / height, 1 - (above + _HEAD) / height]
    return {
        f"xaxis{suffix}": axis("", colours, **visitors, **count_ticks(last, words)),
        f"yaxis{suffix}": axis("", colours, **z, **_ticks(top, words)),
    }


def _below(
    end: int, foot: int, remark: str, height: int, colours: Mapping[str, str], words: Language
) -> list[dict[str, Any]]:
    """Return the title of all axes of visitors, and the remark on the boundary under everything."""
    place = {"xref": "paper", "yref": "paper", "yanchor": "top"}
    middle = {**place, "x": 0.5, "xanchor": "center", "y": 1 - (end - _TITLE - 6) / height}
    of_visitors = words.text("Visitors of the variant and the control so far")
    said = [note(of_visitors, colours, font={"color": colours["muted"]}, **middle)]
    if remark:
        said.append(note(remark, colours, x=0, xshift=_SHIFT, y=1 - foot / height, **place))
    return said


def _words(variant: str, above: int, height: int, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    """Return the head of a panel, and which side of zero is which."""
    place = {"x": 0, "xref": "paper", "xshift": _SHIFT, "yref": "paper", "yanchor": "top"}
    name, sides = f"<b>{plain(words.name(variant))}</b>", words.text("↑ more, ↓ less than the control")
    return [
        note(name, colours, y=1 - above / height, font={"size": LABEL + 1}, **place),
        note(sides, colours, y=1 - (above + 21) / height, font={"color": colours["muted"]}, **place),
    ]
