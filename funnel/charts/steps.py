"""The funnel as bars: of each step, who reached it, who still may, and who left before it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    LEGEND,
    MOST_GROUPS,
    SMALL,
    Theme,
    axis,
    by_size,
    figure,
    group_name,
    hatched,
    hidden_axis,
    largest,
    legend,
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

_ROW, _FIRST_ROW, _BAR, _HEADING = 88, 66, 16, 34
_LINE = 17


def funnel_bars(
    frame: "pandas.DataFrame",
    *,
    by: Sequence[str] = (),
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `FunnelResult.frame`: a horizontal bar a step from a common zero, in shares of the entries.

    A bar has three parts: who reached the step, who still has time, who left before it; together they are all who
    reached the step it follows. The dot and its whisker are the overall rate of those whose time is up. With `by`, the
    groups follow one another, the largest first, at most a dozen.
    """
    words, colours = language_of(language), palette(theme)
    groups = by_size(frame, by)
    rows, headings, top = [], [], 0.0
    for values, steps in groups[:MOST_GROUPS]:
        if by:
            headings.append((top, group_name(values, words)))
            top += _HEADING
        rows += _rows(steps, top=top, words=words, group=group_name(values, words))
        top = rows[-1]["top"] + (_ROW if len(steps) > 1 else _FIRST_ROW)
    annotations = [each for row in rows for each in _labels(row, colours)]
    annotations += [_heading(name, at, colours) for at, name in headings]
    if len(groups) > MOST_GROUPS:
        annotations.append(note(largest(len(groups), words), colours, x=0, y=top, xref="paper", yanchor="top"))
        top += _LINE
    height = int(top)
    return figure(
        _traces(rows, colours, words),
        title=words.text("How many go on, step by step") if title is None else title,
        height=height,
        below=50 + LEGEND,
        colours=colours,
        words=words,
        annotations=annotations,
        barmode="stack",
        xaxis=axis(
            words.text("Share of entries (%)"), colours, range=[0, 1], showgrid=False, **percent_ticks(1, words, most=4)
        ),
        yaxis=hidden_axis(range=[height, 0]),
        showlegend=True,
        legend=legend(colours, top=-50 / height),
    )


def _rows(steps: "pandas.DataFrame", *, top: float, words: Language, group: str) -> list[dict[str, Any]]:
    import pandas

    columns = ("visitors", "dropped", "pending", "step_rate", "step_rate_low", "step_rate_high")
    overall = ("overall_rate", "overall_rate_low", "overall_rate_high")
    read = {column: numbers(steps, column) for column in (*columns, *overall)}
    entries = read["visitors"][0] if read["visitors"][0] > 0 else 1.0
    entry = str(steps["step"].iloc[0])
    return [
        {
            **{column: read[column][place] for column in read},
            "step": str(step),
            "after": None if pandas.isna(after) else str(after),
            "is_from_entry": not pandas.isna(after) and str(after) == entry,
            "entries": entries,
            "top": top + (_FIRST_ROW + (place - 1) * _ROW if place else 0),
            "group": group,
            "words": words,
        }
        for place, (step, after) in enumerate(zip(steps["step"], steps["after"], strict=True))
    ]


def _traces(rows: list[dict[str, Any]], colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    hover = [_hover(row) for row in rows]
    middle = [row["top"] + 2 * _LINE + 4 + _BAR / 2 for row in rows]

    def bars(name: str, column: str, marker: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": [0.0 if row[column] != row[column] else row[column] / row["entries"] for row in rows],
            "y": middle,
            "width": _BAR,
            "marker": marker,
            "hovertext": hover,
            "hovertemplate": "%{hovertext}<extra></extra>",
        }

    measured = [(row, y) for row, y in zip(rows, middle, strict=True) if row["after"] is not None]
    return [
        bars(words.text("Reached it"), "visitors", {"color": colours["blue"]}),
        bars(words.text("Still have time"), "pending", hatched(colours)),
        bars(words.text("Left before"), "dropped", {"color": colours["faint"]}),
        {
            "type": "scatter",
            "mode": "markers",
            "name": words.text("Rate and interval"),
            "x": [row["overall_rate"] for row, _ in measured],
            "y": [y for _, y in measured],
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [row["overall_rate_high"] - row["overall_rate"] for row, _ in measured],
                "arrayminus": [row["overall_rate"] - row["overall_rate_low"] for row, _ in measured],
                "color": colours["ink"],
                "thickness": 1.5,
                "width": 5,
            },
            "marker": {"color": colours["card"], "size": 5, "line": {"color": colours["ink"], "width": 1.5}},
            "hoverinfo": "skip",
        },
    ]


def _labels(row: dict[str, Any], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    words: Language = row["words"]
    place = {"x": 0, "xref": "paper", "yanchor": "middle"}
    name = f"<b>{plain(row['step'])}</b>  {words.number(row['visitors'])}"
    first = note(name, colours, y=row["top"] + _LINE / 2, font={"size": LABEL + 1}, **place)
    if row["after"] is None:
        where = row["top"] + 1.5 * _LINE
        return [first, note(words.text("entries"), colours, y=where, font={"color": colours["muted"]}, **place)]
    muted = {"color": colours["muted"], "size": SMALL}
    return [
        first,
        note(_rates(row), colours, y=row["top"] + 1.5 * _LINE, **place),
        note(_others(row), colours, y=row["top"] + 2 * _LINE + 4 + _BAR + _LINE / 2 + 1, font=muted, **place),
    ]


def _rates(row: dict[str, Any]) -> str:
    words: Language = row["words"]
    rate = words.rate(row["step_rate"], row["step_rate_low"], row["step_rate_high"])
    after = words.text("{rate} after {step}", rate=rate, step=plain(row["after"], 20))
    if row["is_from_entry"]:
        return after
    return after + " · " + words.text("{rate} overall", rate=words.percent(row["overall_rate"]))


def _others(row: dict[str, Any]) -> str:
    words: Language = row["words"]
    left = words.plural("{n} left", "{n} left", row["dropped"])
    if not row["pending"] > 0:
        return left
    return left + " · " + words.plural("{n} still has time", "{n} still have time", row["pending"])


def _hover(row: dict[str, Any]) -> str:
    words: Language = row["words"]
    lines = [f"<b>{plain(row['step'], 60)}</b>  {words.number(row['visitors'])}"]
    if row["group"]:
        lines.insert(0, plain(row["group"], 60))
    if row["after"] is not None:
        overall = words.rate(row["overall_rate"], row["overall_rate_low"], row["overall_rate_high"])
        lines += [
            words.text(
                "{rate} after {step}",
                rate=words.rate(row["step_rate"], row["step_rate_low"], row["step_rate_high"]),
                step=plain(row["after"], 60),
            ),
            words.text("{rate} overall", rate=overall),
            _others(row),
        ]
    return "<br>".join(lines)


def _heading(name: str, top: float, colours: Mapping[str, str]) -> dict[str, Any]:
    font = {"size": LABEL + 1, "color": colours["muted"], "weight": 600}
    return note(plain(name, 44), colours, x=0, y=top + _HEADING / 2, xref="paper", yanchor="middle", font=font)
