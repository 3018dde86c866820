"""Each variant against the control: the differences with their intervals, a panel an outcome."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    Theme,
    axis,
    empty,
    figure,
    hidden_axis,
    key,
    note,
    numbers,
    palette,
    plain,
    shortened,
    wrapped,
)
from funnel.charts.whiskers import Scale, Unit, scale, whiskers
from funnel.language import Language, message
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _LINE, _BAND, _APART, _WORD, _TICKS, _SIDES, _GAP, _KEY = 20, 17, 22, 7, 16, 28, 18, 18, 20
_HEAD_LETTERS, _LETTERS = 36, 48  # of large and of small type, what a phone has room for
_COLUMNS = (
    "visitors", "rate", "rate_low", "rate_high", "difference", "difference_low", "difference_high",
    "simultaneous_low", "simultaneous_high", "margin",
)  # fmt: skip
_ROLES = {
    "primary": message("primary outcome"),
    "secondary": message("secondary outcome"),
    "exploratory": message("exploratory outcome"),
    "guardrail": message("guardrail"),
}
_SAFETIES = {
    "safe": message("safe: within the margin"),
    "harmful": message("harmful"),
    "not shown safe": message("not shown safe"),
}


@dataclass(frozen=True)
class _Panel:
    """One outcome: its rows, its scale, and where it lies in pixels from the top."""

    head: str
    subtitle: str
    rows: tuple[dict[str, Any], ...]
    margin: float
    scale: Scale
    top: int
    number: int

    @property
    def suffix(self) -> str:
        return "" if self.number == 1 else str(self.number)

    @property
    def under_head(self) -> int:
        return self.top + _HEAD * (self.head.count("<br>") + 1)

    @property
    def start(self) -> int:
        """Where the rows begin."""
        return self.under_head + _LINE * (self.subtitle.count("<br>") + 1) + 4

    @property
    def end(self) -> int:
        """Where the rows end, and the axis is."""
        return self.start + self.rows[-1]["end"] + (0 if math.isnan(self.margin) else _WORD)

    @property
    def bottom(self) -> int:
        return self.end + _TICKS + _SIDES


def difference_forest(
    frame: "pandas.DataFrame",
    *,
    shares: Collection[str] | None = None,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `ExperimentResult.frame`: a panel an outcome, a row a variant, zero (the control) as a line.

    The thick bar is the interval of the variant by itself, the thin line the one that holds for all variants at once;
    one without an end stops at the edge with a tip. A guardrail has its margin as a dashed line. Every panel has a
    scale of its own: percentage points for the outcomes in `shares` (without it, those whose kind is "share"), other
    numbers as they are.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("What each variant changes") if title is None else title
    panels = _panels(frame, shares, words)
    if not panels:
        return empty(title=heading, colours=colours, words=words)
    thin = any(_is_wider(row) for panel in panels for row in panel.rows)
    rows_end = panels[-1].bottom
    height = rows_end + _GAP // 2 + _KEY * (2 if thin else 1)
    samples = [(words.text("95% interval of each variant alone"), 7.0)]
    samples += [(words.text("95% interval for all variants at once"), 1.5)] * thin
    keys = [
        key(text, colours, shift=0, y=1 - (rows_end + _GAP // 2 + _KEY * (place + 0.5)) / height,
            line={"color": colours["blue"], "width": width})
        for place, (text, width) in enumerate(samples)
    ]  # fmt: skip
    axes: dict[str, Any] = {}
    for panel in panels:
        axes |= _axes(panel, height, colours)
    return figure(
        [trace for panel in panels for trace in _traces(panel, colours, words)],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        hovermode="closest",
        annotations=[
            *(said for panel in panels for said in _words(panel, height, colours, words)),
            *(k[1] for k in keys),
        ],
        shapes=[*(line for panel in panels for line in _lines(panel, colours)), *(k[0] for k in keys)],
        **axes,
    )


def _panels(frame: "pandas.DataFrame", shares: Collection[str] | None, words: Language) -> list[_Panel]:
    import pandas

    found: list[_Panel] = []
    for outcome, rows in frame.groupby("outcome", sort=False):
        control, treated = str(rows["variant"].iloc[0]), rows.iloc[1:]
        if treated.empty:
            continue
        name, role = str(outcome), str(rows["role"].iloc[0])
        is_share = rows["kind"].iloc[0] == "share" if shares is None else name in shares
        unit: Unit = "points" if is_share else "number"
        read = {column: numbers(treated, column) for column in _COLUMNS}
        lines, top = [], 0
        for place, (variant, safety) in enumerate(zip(treated["variant"], treated["safety"], strict=True)):
            row: dict[str, Any] = {column: values[place] for column, values in read.items()}
            row["variant"] = words.name(str(variant))
            row["safety"] = "" if pandas.isna(safety) else str(safety)
            row["top"] = top
            row["dot"] = top + _LINE * (2 if row["safety"] else 1) + _BAND / 2
            row["end"] = int(row["dot"] + _BAND / 2)
            top = row["end"] + _APART
            lines.append(row)
        margin = next((value for value in read["margin"] if math.isfinite(value)), math.nan)
        found.append(
            _Panel(
                head=wrapped(shortened(words.name(name), 2 * _HEAD_LETTERS - 6), _HEAD_LETTERS),
                subtitle=_subtitle(role, unit, words.name(control), words),
                rows=tuple(lines),
                margin=margin,
                scale=scale(
                    [margin, *(value for row in lines for value in (*_own(row), *_simultaneous(row)))],
                    widths=[row["difference_high"] - row["difference_low"] for row in lines],
                    unit=unit,
                    words=words,
                ),
                top=found[-1].bottom + _GAP if found else 0,
                number=len(found) + 1,
            )
        )
    return found


def _subtitle(role: str, unit: Unit, control: str, words: Language) -> str:
    of = shortened(control, 24)
    compared = (
        words.text("percentage points, compared with “{control}”", control=of)
        if unit == "points"
        else words.text("compared with “{control}”", control=of)
    )
    return wrapped(f"{words.text(_ROLES[role])} · {compared}" if role in _ROLES else compared, _LETTERS)


def _own(row: dict[str, Any]) -> tuple[float, float, float]:
    return row["difference"], row["difference_low"], row["difference_high"]


def _simultaneous(row: dict[str, Any]) -> tuple[float, float, float]:
    return row["difference"], row["simultaneous_low"], row["simultaneous_high"]


def _is_wider(row: dict[str, Any]) -> bool:
    """Whether the interval for all variants at once is known and not that of the variant alone."""
    return row["simultaneous_low"] < row["difference_low"] or row["simultaneous_high"] > row["difference_high"]


def _traces(panel: _Panel, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    at = [row["dot"] for row in panel.rows]
    hover = [_hover(row, panel, words) for row in panel.rows]
    wide = [_simultaneous(row) for row in panel.rows]
    drawn = whiskers(wide, at, panel.scale, colours, hover=hover, thickness=1.5, size=0)
    drawn += whiskers(
        [_own(row) for row in panel.rows],
        at,
        panel.scale,
        colours,
        hover=hover,
        name=panel.head.replace("<br>", " "),
        thickness=7,
        size=13,
    )
    return [{**trace, "xaxis": f"x{panel.suffix}", "yaxis": f"y{panel.suffix}"} for trace in drawn]


def _hover(row: dict[str, Any], panel: _Panel, words: Language) -> str:
    said = [f"<b>{plain(row['variant'], 60)}</b>", panel.scale.estimate(*_own(row))]
    if _is_wider(row):
        together = panel.scale.interval(row["simultaneous_low"], row["simultaneous_high"])
        said.append(words.text("all variants at once: {interval}", interval=together))
    said.append(words.plural("{n} visitor", "{n} visitors", row["visitors"]))
    return "<br>".join(said)


def _axes(panel: _Panel, height: int, colours: Mapping[str, str]) -> dict[str, Any]:
    values = axis(
        "",
        colours,
        range=[panel.scale.low, panel.scale.high],
        anchor=f"y{panel.suffix}",
        showgrid=False,
        showline=True,
        ticks="outside",
        ticklen=4,
        tickcolor=colours["line"],
        **panel.scale.ticks(),
    )
    rows = hidden_axis(
        range=[panel.end - panel.start, 0],
        domain=[1 - panel.end / height, 1 - panel.start / height],
        anchor=f"x{panel.suffix}",
    )
    return {f"xaxis{panel.suffix}": values, f"yaxis{panel.suffix}": rows}


def _lines(panel: _Panel, colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return zero and the margin, row by row: between them stand words, which no line should cross."""
    at = {"type": "line", "xref": f"x{panel.suffix}", "yref": f"y{panel.suffix}", "layer": "below"}
    zero = {"x0": 0, "x1": 0, "line": {"color": colours["neutral"], "width": 1.5}}
    margin = {
        "x0": panel.margin,
        "x1": panel.margin,
        "line": {"color": colours["vermilion"], "width": 2, "dash": "dot"},
    }
    drawn = [zero] if math.isnan(panel.margin) else [zero, margin]
    bands = [(row["end"] - _BAND, row["end"]) for row in panel.rows]
    return [{**at, **line, "y0": above, "y1": below} for above, below in bands for line in drawn]


def _words(panel: _Panel, height: int, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    """Return the head of a panel, the words over each row, and those that say what left and right of zero means."""
    left = {"x": 0, "xref": "paper", "yref": "paper", "yanchor": "top"}
    muted = {"color": colours["muted"]}
    rows = {"x": 0, "xref": "paper", "yref": f"y{panel.suffix}", "yanchor": "top"}
    foot = 1 - (panel.end + _TICKS) / height
    is_points = panel.scale.unit == "points"
    fewer = words.text("← fewer") if is_points else words.text("← less")
    said = [
        note(
            f"<b>{panel.head.replace('<br>', '</b><br><b>')}</b>",
            colours,
            y=1 - panel.top / height,
            font={"size": LABEL + 1},
            **left,
        ),
        note(panel.subtitle, colours, y=1 - panel.under_head / height, font=muted, **left),
        note(fewer, colours, y=foot, font=muted, **left),
        note(words.text("more →"), colours, y=foot, font=muted, **{**left, "x": 1, "xanchor": "right"}),
    ]
    for row in panel.rows:
        said.append(
            note(
                f"<b>{plain(row['variant'], 20)}</b>  {panel.scale.estimate(*_own(row))}", colours, y=row["top"], **rows
            )
        )
        if row["safety"]:
            safety = _SAFETIES.get(row["safety"], row["safety"])
            said.append(note(plain(words.text(safety), 48), colours, y=row["top"] + _LINE, **rows))
    if not math.isnan(panel.margin):
        said.append(_margin(panel, colours, words))
    return said


def _margin(panel: _Panel, colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    """Return the word under the margin's line, set towards the middle so that it stays in the picture."""
    is_right = panel.margin > (panel.scale.low + panel.scale.high) / 2
    return note(
        words.text("margin {margin}", margin=panel.scale.written(panel.margin)),
        colours,
        font={"color": colours["muted"]},
        x=panel.margin,
        xref=f"x{panel.suffix}",
        xanchor="right" if is_right else "left",
        y=panel.rows[-1]["end"],
        yref=f"y{panel.suffix}",
        yanchor="top",
    )
