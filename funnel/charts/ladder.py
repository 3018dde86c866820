"""A ladder: how many reached each rung and whose highest it is, and how soon people climb on from each."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from funnel.charts.incidence import curves
from funnel.charts.look import (
    DASHES,
    LABEL,
    LEGEND,
    MOST_GROUPS,
    SERIES,
    SMALL,
    Theme,
    axis,
    by_size,
    empty,
    figure,
    group_name,
    hidden_axis,
    highest,
    key,
    largest,
    legend,
    note,
    numbers,
    palette,
    percent_ticks,
    plain,
)
from funnel.charts.time_axis import TimeAxis, time_axis
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_LINE, _BAR, _HEADING = 18, 16, 34
_ROW = 4 * _LINE + _BAR
_HEAD, _PLOT, _AXIS, _GROUP, _GAP, _SHIFT = 26, 220, 52, 22, 24, -40
_MOST_LINES = len(SERIES)  # what can be told apart in one panel
_RUNG = ("visitors", "reached", "rate", "rate_low", "rate_high", "highest", "skipped")
_CURVE = ("elapsed_seconds", "rate", "rate_low", "rate_high", "at_risk")


def ladder_rungs(
    frame: "pandas.DataFrame",
    *,
    by: Sequence[str] = (),
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `LadderResult.frame`: a bar a rung, the highest on top, in shares of all who came to the ladder.

    A bar is all who reached the rung: whose highest it is in one colour, who went on to a higher one in another. With
    `by`, the groups follow one another, the largest first, at most a dozen.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("How far people climb") if title is None else title
    groups = by_size(frame, by) if len(frame) else []
    if not groups:
        return empty(title=heading, colours=colours, words=words)
    rows: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    top = 0
    for values, rungs in groups[:MOST_GROUPS]:
        if by:
            notes.append(_group(group_name(values, words), top, colours))
            top += _HEADING
        rows += _rows(rungs, top, words, group_name(values, words))
        top += _ROW * len(rungs)
    notes += [each for row in rows for each in _labels(row, colours, words)]
    if len(groups) > MOST_GROUPS:
        notes.append(note(largest(len(groups), words), colours, x=0, y=top, xref="paper", yanchor="top"))
        top += _LINE
    return figure(
        _bars(rows, colours, words),
        title=heading,
        height=top,
        below=50 + LEGEND,
        colours=colours,
        words=words,
        annotations=notes,
        barmode="stack",
        xaxis=axis(
            words.text("Share of all who came (%)"),
            colours,
            range=[0, 1],
            showgrid=False,
            **percent_ticks(1, words, most=4),
        ),
        yaxis=hidden_axis(range=[top, 0]),
        showlegend=True,
        legend=legend(colours, top=-50 / top),
    )


def _rows(rungs: "pandas.DataFrame", top: int, words: Language, group: str) -> list[dict[str, Any]]:
    read = {name: numbers(rungs, name) for name in _RUNG}
    names = [words.name(str(rung)) for rung in rungs["rung"]]
    last = len(names) - 1
    return [
        {
            **{name: values[place] for name, values in read.items()},
            "rung": names[place],
            "top": top + (last - place) * _ROW,
            "group": group,
        }
        for place in range(len(names))
    ]


def _bars(rows: list[dict[str, Any]], colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    parts = {
        words.text("Went on to a higher rung"): ("blue", [row["reached"] - row["highest"] for row in rows]),
        words.text("Highest so far"): ("vermilion", [row["highest"] for row in rows]),
    }
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": [_share(count, row["visitors"]) for count, row in zip(counts, rows, strict=True)],
            "y": [row["top"] + 2 * _LINE + 2 + _BAR / 2 for row in rows],
            "width": _BAR,
            "marker": {"color": colours[hue]},
            "hovertext": [_hover(row, words) for row in rows],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        for name, (hue, counts) in parts.items()
    ]


def _share(count: float, visitors: float) -> float:
    """Return a count as a share of all; nothing is drawn of what is not known."""
    share = count / (visitors or 1.0)
    return share if math.isfinite(share) else 0.0


def _labels(row: dict[str, Any], colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    place = {"x": 0, "xref": "paper", "yanchor": "middle"}
    name = f"<b>{plain(row['rung'])}</b>  {words.number(row['reached'])}"
    muted = {"color": colours["muted"], "size": SMALL}
    return [
        note(name, colours, y=row["top"] + _LINE / 2, font={"size": LABEL + 1}, **place),
        note(_rate(row, words), colours, y=row["top"] + 1.5 * _LINE, **place),
        note(_others(row, words), colours, y=row["top"] + 2.5 * _LINE + 4 + _BAR, font=muted, **place),
    ]


def _rate(row: dict[str, Any], words: Language) -> str:
    return words.text("{rate} reached it", rate=words.rate(row["rate"], row["rate_low"], row["rate_high"]))


def _others(row: dict[str, Any], words: Language) -> str:
    said = words.plural("{n} stands here so far", "{n} stand here so far", row["highest"])
    if not row["skipped"] > 0:
        return said
    return said + " · " + words.plural("{n} skipped it", "{n} skipped it", row["skipped"])


def _hover(row: dict[str, Any], words: Language) -> str:
    head = f"<b>{plain(row['rung'], 60)}</b>  {words.number(row['reached'])}"
    lines = [plain(row["group"], 60)] if row["group"] else []
    return "<br>".join([*lines, head, _rate(row, words), _others(row, words)])


def _group(name: str, top: float, colours: Mapping[str, str]) -> dict[str, Any]:
    font = {"size": LABEL + 1, "color": colours["muted"], "weight": 600}
    return note(plain(name, 44), colours, x=0, y=top + _HEADING / 2, xref="paper", yanchor="middle", font=font)


def ladder_times(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `LadderResult.times`: a panel a rung, a step line a group, the five largest at most.

    Without groups it is the chart of curves. Where the lines end, their intervals are written: bands would cover one
    another. The time axis is logarithmic, and says so, where a group reaches half its
    rate within a fiftieth of the time.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("How soon people climb to a higher rung") if title is None else title
    if frame.empty:
        return empty(title=heading, colours=colours, words=words)
    names = list(dict.fromkeys(map(str, frame["outcome"])))
    if len(names) == 1:
        named = frame.assign(**{name: [words.name(str(each)) for each in frame[name]] for name in ("outcome", "after")})
        return curves(named, language=language, title=heading, theme=theme)
    shown = names[:_MOST_LINES]
    panels = [
        (str(after), [_curve(rows, name, place) for place, name in enumerate(shown) if name in set(rows["outcome"])])
        for after, rows in frame.groupby("after", sort=False)
    ]
    panels = [(after, [line for line in lines if line["rate"]]) for after, lines in panels]
    panels = [(after, lines) for after, lines in panels if lines]
    if not panels:
        return empty(title=heading, colours=colours, words=words)
    sizes = [_HEAD + _PLOT + _AXIS + _GROUP * len(lines) + _GAP for _, lines in panels]
    height = sum(sizes) + (_LINE if len(names) > len(shown) else 0)
    drawn: dict[str, list[Any]] = {"traces": [], "notes": [], "strokes": []}
    axes: dict[str, Any] = {}
    for number, (after, lines) in enumerate(panels, 1):
        top, suffix, time = sum(sizes[: number - 1]), "" if number == 1 else str(number), time_axis(lines)
        axes |= _axes(lines, time, top, height, suffix, colours, words)
        drawn["traces"] += [_line(line, suffix, colours, words) for line in lines]
        drawn["notes"] += _panel_words(after, time, top, height, colours, words)
        for place, line in enumerate(lines):
            y = 1 - (top + _HEAD + _PLOT + _AXIS + _GROUP * place + 8) / height
            look = {"color": colours[line["hue"]], "width": 2.5, "dash": line["dash"]}
            stroke, said = key(_ending(line, words), colours, y=y, shift=_SHIFT, line=look)
            drawn["strokes"].append(stroke)
            drawn["notes"].append(said)
    if len(names) > len(shown):
        fewer = words.text(
            "The {shown} largest of {all} groups.", shown=words.number(len(shown)), all=words.number(len(names))
        )
        drawn["notes"].append(
            note(fewer, colours, x=0, xref="paper", xshift=_SHIFT, y=0, yref="paper", yanchor="bottom")
        )
    return figure(
        drawn["traces"],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=52,
        annotations=drawn["notes"],
        shapes=drawn["strokes"],
        hovermode="closest",
        **axes,
    )


def _curve(rows: "pandas.DataFrame", name: str, place: int) -> dict[str, Any]:
    known = rows[(rows["outcome"].map(str) == name) & rows["rate"].notna()].sort_values("elapsed_seconds")
    look = {"name": name, "hue": SERIES[place % len(SERIES)], "dash": DASHES[place % len(DASHES)]}
    return {**look, **{column: numbers(known, column) for column in _CURVE}}


def _line(line: dict[str, Any], suffix: str, colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": line["elapsed_seconds"],
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "y": line["rate"],
        "name": plain(words.name(line["name"])),
        "line": {"color": colours[line["hue"]], "width": 2.5, "shape": "hv", "dash": line["dash"]},
        "hovertext": [_point(line, place, words) for place in range(len(line["rate"]))],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _point(line: dict[str, Any], place: int, words: Language) -> str:
    rate = words.rate(line["rate"][place], line["rate_low"][place], line["rate_high"][place])
    followed = words.text("{n} still followed", n=words.number(line["at_risk"][place]))
    time = words.duration(line["elapsed_seconds"][place])
    return f"<b>{plain(words.name(line['name']), 60)}</b><br>{time}<br>{rate}<br>{followed}"


def _ending(line: dict[str, Any], words: Language) -> str:
    rate = words.rate(line["rate"][-1], line["rate_low"][-1], line["rate_high"][-1])
    return f"<b>{plain(words.name(line['name']), 20)}</b>  {rate}"


def _axes(
    lines: Sequence[Mapping[str, Any]],
    time: TimeAxis,
    top: int,
    height: int,
    suffix: str,
    colours: Mapping[str, str],
    words: Language,
) -> dict[str, Any]:
    top_rate = min(1.0, highest(rate for line in lines for rate in line["rate"]) * 1.1) or 0.01
    domain = [1 - (top + _HEAD + _PLOT) / height, 1 - (top + _HEAD) / height]
    across = axis("", colours, range=time.range(), anchor=f"y{suffix}", showgrid=False, **time.ticks(words))
    share = axis("", colours, range=[0, top_rate], domain=domain, anchor=f"x{suffix}", **percent_ticks(top_rate, words))
    return {f"xaxis{suffix}": across, f"yaxis{suffix}": share}


def _panel_words(
    after: str, time: TimeAxis, top: int, height: int, colours: Mapping[str, str], words: Language
) -> list[dict[str, Any]]:
    step = plain(words.name(after), 24)
    since = words.text("Time since {step}", step=step)
    if time.is_log:
        since = words.text("Time since {step}, logarithmic", step=step)
    head = words.text("Climbed on after {step} (%)", step=step)
    left = {"x": 0, "xref": "paper", "xshift": _SHIFT, "yref": "paper", "yanchor": "middle"}
    centred = {**left, "x": 0.5, "xanchor": "center", "xshift": 0}
    y = [1 - (top + pixels) / height for pixels in (8, _HEAD + _PLOT + 36)]
    return [
        note(f"<b>{head}</b>", colours, y=y[0], font={"size": LABEL}, **left),
        note(since, colours, y=y[1], font={"color": colours["muted"]}, **centred),
    ]
