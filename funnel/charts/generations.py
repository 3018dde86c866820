"""Signatures generation by generation: those who came by themselves, their friends, the friends of these."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    MOST_GROUPS,
    Theme,
    axis,
    count_ticks,
    empty,
    figure,
    hidden_axis,
    highest,
    note,
    numbers,
    palette,
    wrapped,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_NAME, _BAR, _LINE, _GAP, _AXIS = 20, 16, 20, 12, 44
_ROW = _NAME + _BAR + _LINE + _GAP
_LETTERS = 52
_COLUMNS = ("generation", "signatures", "share", "referred", "k_factor", "k_factor_low", "k_factor_high")


def generation_bars(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `ReferralsResult.frame`: a horizontal bar a generation, from a common zero, at most the first dozen.

    Those who came by themselves are in one colour, those a friend's link brought in another. Above a bar are its
    signatures, under it how many each of them brings with the 95 % interval, or that it is too early to tell.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("Who signed by themselves, and who by a friend’s link") if title is None else title
    rows = _rows(frame)
    if not rows:
        return empty(title=heading, colours=colours, words=words)
    shown = rows[:MOST_GROUPS]
    said = [each for place, row in enumerate(shown) for each in _words(row, place * _ROW, colours, words)]
    plots = _ROW * len(shown)
    height = plots
    if len(rows) > len(shown):
        first = words.text(
            "The first {shown} of {all} generations.", shown=words.number(len(shown)), all=words.number(len(rows))
        )
        remark = wrapped(first, _LETTERS)
        under = {"x": 0, "xref": "paper", "yanchor": "top", "font": {"color": colours["muted"]}}
        said.append(note(remark, colours, y=plots, **under))
        height += _LINE * (remark.count("<br>") + 1)
    most = highest(row["signatures"] for row in shown) or 1
    return figure(
        [_bars(shown, colours, words)],
        title=heading,
        height=height,
        below=_AXIS,
        colours=colours,
        words=words,
        annotations=said,
        hovermode="closest",
        xaxis=axis(
            words.text("Signatures"),
            colours,
            range=[0, most],
            showgrid=False,
            **count_ticks(most, words, most=3),
        ),
        yaxis=hidden_axis(range=[height, 0]),
    )


def _rows(frame: "pandas.DataFrame") -> list[dict[str, float]]:
    columns = [numbers(frame.sort_values("generation", kind="stable"), name) for name in _COLUMNS]
    return [dict(zip(_COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]


def _bars(rows: list[dict[str, float]], colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": words.text("Signatures"),
        "x": [row["signatures"] for row in rows],
        "y": [place * _ROW + _NAME + _BAR / 2 for place in range(len(rows))],
        "width": _BAR,
        "marker": {"color": [colours["blue" if row["generation"] else "vermilion"] for row in rows]},
        "hovertext": [_hover(row, words) for row in rows],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _words(row: dict[str, float], top: float, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    place = {"x": 0, "xref": "paper", "yanchor": "middle"}
    first = f"<b>{_name(row, words)}</b>  {words.number(row['signatures'])} · {words.percent(row['share'])}"
    return [
        note(first, colours, y=top + _NAME / 2 - 2, font={"size": LABEL}, **place),
        note(_brings(row, words), colours, y=top + _NAME + _BAR + _LINE / 2, **place),
    ]


def _name(row: dict[str, float], words: Language) -> str:
    if row["generation"] == 0:
        return words.text("By themselves")
    return words.text("Generation {n}", n=words.number(row["generation"]))


def _brings(row: dict[str, float], words: Language) -> str:
    """Say how many signatures each brings; an interval may have no upper end."""
    value, low, high = (row[name] for name in ("k_factor", "k_factor_low", "k_factor_high"))
    if not math.isfinite(value):
        return words.text("too early to tell how many each brings")
    if math.isinf(high):
        return words.text(
            "each brings {value}, {low} at the least", value=words.number(value, 2), low=words.number(low, 2)
        )
    return words.text("each brings {estimate}", estimate=words.estimate(value, low, high))


def _hover(row: dict[str, float], words: Language) -> str:
    brought = words.text("{n} brought so far", n=words.number(row["referred"]))
    signatures = f"{words.number(row['signatures'])} · {words.percent(row['share'])}"
    return "<br>".join([f"<b>{_name(row, words)}</b>", signatures, _brings(row, words), brought])
