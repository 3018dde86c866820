"""What a variant changes for whom: the difference in each group, as counted and shrunk toward the whole."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    MOST_GROUPS,
    Theme,
    axis,
    empty,
    figure,
    group_name,
    hidden_axis,
    key,
    largest,
    note,
    numbers,
    palette,
    plain,
    wrapped,
)
from funnel.charts.whiskers import Scale, Unit, scale, whiskers
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _LINE, _BAND, _APART, _TICKS, _SIDES, _GAP, _KEY = 22, 17, 26, 6, 28, 18, 20, 20
_BELOW = 9  # pixels between the shrunk bar and the one as counted
_LETTERS = 48
_MOST_PANELS = 12
_SHRUNK = ("shrunk", "shrunk_low", "shrunk_high")
_COUNTED = ("difference", "difference_low", "difference_high")
_CLEAR = 0.05


@dataclass(frozen=True)
class _Panel:
    """One column and variant: the groups, the words about them, and where they lie in pixels from the top."""

    head: str
    subtitle: str
    rows: tuple[dict[str, Any], ...]
    top: int
    number: int

    @property
    def suffix(self) -> str:
        return "" if self.number == 1 else str(self.number)

    @property
    def start(self) -> int:
        """Where the rows begin."""
        return self.top + _HEAD + _LINE * (self.subtitle.count("<br>") + 1) + 4

    @property
    def end(self) -> int:
        """Where the rows end, and the axis is."""
        return self.start + self.row(len(self.rows)) - _APART

    @property
    def bottom(self) -> int:
        return self.end + _TICKS + _SIDES

    def row(self, place: int) -> int:
        """How far down, from the first row's top, a row begins."""
        return place * (_LINE + _BAND + _APART)


def segment_forest(
    frame: "pandas.DataFrame",
    *,
    unit: Unit = "points",
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ExperimentResult.segments`: a panel a column and variant, a row a group, the largest on top.

    Strong is the difference shrunk toward the whole, which is the one to read; faint, below it, the difference as
    counted in the group by itself. Under the head, whether groups differ at all: the test of interaction. All panels
    have one scale; a bar that runs beyond it ends in a tip. `unit` is "points" for an outcome that is a share of
    visitors. At most a dozen groups a panel and a dozen panels; where there are more, the chart says so.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("Who responds, and how") if title is None else title
    every = [
        (str(column), str(variant), rows)
        for (column, variant), rows in frame.groupby(["column", "variant"], sort=False)
    ]
    panels = _panels(every[:_MOST_PANELS], words)
    if not panels:
        return empty(title=heading, colours=colours, words=words)
    common = _scale(panels, unit, words)
    samples = [
        (words.text("shrunk toward the whole: the one to read"), {"color": colours["blue"], "width": 6}),
        (words.text("as counted in the group alone"), {"color": colours["neutral"], "width": 2}),
    ]
    foot = panels[-1].bottom + _GAP // 2
    is_cut = len(every) > _MOST_PANELS
    height = foot + _KEY * (len(samples) + is_cut)
    keys = [
        key(text, colours, shift=0, y=1 - (foot + _KEY * (place + 0.5)) / height, line=line)
        for place, (text, line) in enumerate(samples)
    ]
    said = [each for panel in panels for each in _words(panel, common, height, colours, words)]
    said += [each for _, each in keys]
    if is_cut:
        text = words.text(
            "The first {shown} of {all} panels.", shown=words.number(_MOST_PANELS), all=words.number(len(every))
        )
        said.append(note(text, colours, x=0, xref="paper", y=0, yref="paper", yanchor="bottom"))
    axes: dict[str, Any] = {}
    for panel in panels:
        axes |= _axes(panel, common, height, colours)
    return figure(
        [trace for panel in panels for trace in _traces(panel, common, colours, words)],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        hovermode="closest",
        annotations=said,
        shapes=[
            *(_zero(panel, place, colours) for panel in panels for place in range(len(panel.rows))),
            *(k[0] for k in keys),
        ],
        **axes,
    )


def _panels(every: "list[tuple[str, str, pandas.DataFrame]]", words: Language) -> list[_Panel]:
    found: list[_Panel] = []
    for column, variant, rows in every:
        groups = sorted(_rows(rows, words), key=lambda row: -row["everyone"])
        p, adjusted = (numbers(rows, name)[0] for name in ("interaction_p", "interaction_p_adjusted"))
        answer = _interaction(p, adjusted, words)
        cut = [largest(len(groups), words)] if len(groups) > MOST_GROUPS else []
        head = words.text(
            "{variant}, by {column}", variant=plain(words.name(variant), 22), column=plain(words.name(column), 18)
        )
        found.append(
            _Panel(
                head=head,
                subtitle="<br>".join(wrapped(line, _LETTERS) for line in [answer, *cut]),
                rows=tuple(groups[:MOST_GROUPS]),
                top=found[-1].bottom + _GAP if found else 0,
                number=len(found) + 1,
            )
        )
    return found


def _rows(rows: "pandas.DataFrame", words: Language) -> list[dict[str, Any]]:
    read = {name: numbers(rows, name) for name in ("visitors", "control_visitors", *_COUNTED, *_SHRUNK)}
    return [
        {
            "group": words.name(group_name([group], words)),
            "everyone": read["visitors"][place] + read["control_visitors"][place],
            **{name: values[place] for name, values in read.items()},
        }
        for place, group in enumerate(rows["group"])
    ]


def _interaction(p: float, adjusted: float, words: Language) -> str:
    """Say whether the groups differ, by the p-value corrected for all columns and variants looked at."""
    decisive = p if math.isnan(adjusted) else adjusted
    if math.isnan(decisive):
        return words.text("Not enough data to tell whether the groups differ.")
    told = words.chance(p)
    if not math.isnan(adjusted):
        told = words.text("{p}; corrected, {corrected}", p=told, corrected=words.chance(adjusted))
    if decisive < _CLEAR:
        return words.text("The groups differ ({p}).", p=told)
    return words.text("Nothing shows that the groups differ ({p}).", p=told)


def _scale(panels: list[_Panel], unit: Unit, words: Language) -> Scale:
    rows = [row for panel in panels for row in panel.rows]
    return scale(
        [row[name] for row in rows for name in _SHRUNK],
        beyond=[row[name] for row in rows for name in _COUNTED],
        widths=[row["shrunk_high"] - row["shrunk_low"] for row in rows],
        unit=unit,
        words=words,
    )


def _traces(panel: _Panel, common: Scale, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    hover = [_hover(row, common, words) for row in panel.rows]
    strong = [panel.row(place) + _LINE + _BAND / 2 - 4 for place in range(len(panel.rows))]
    faint = [place + _BELOW for place in strong]
    drawn = whiskers(
        [tuple(row[name] for name in _COUNTED) for row in panel.rows],
        faint, common, colours, hover=hover, hue="neutral", thickness=1.5, size=7,
    )  # fmt: skip
    drawn += whiskers(
        [tuple(row[name] for name in _SHRUNK) for row in panel.rows],
        strong, common, colours, hover=hover, name=panel.head, thickness=6, size=10,
    )  # fmt: skip
    return [{**trace, "xaxis": f"x{panel.suffix}", "yaxis": f"y{panel.suffix}"} for trace in drawn]


def _hover(row: dict[str, Any], common: Scale, words: Language) -> str:
    shrunk, counted = (common.estimate(*(row[name] for name in names)) for names in (_SHRUNK, _COUNTED))
    return "<br>".join(
        [
            f"<b>{plain(row['group'], 60)}</b>",
            words.text("shrunk: {estimate}", estimate=shrunk),
            words.text("as counted: {estimate}", estimate=counted),
            words.text(
                "{n} with it, {control} with the control",
                n=words.number(row["visitors"]),
                control=words.number(row["control_visitors"]),
            ),
        ]
    )


def _zero(panel: _Panel, place: int, colours: Mapping[str, str]) -> dict[str, Any]:
    """Return the line at zero beside one row: not through the words above it."""
    above = panel.row(place) + _LINE
    ends = {"x0": 0, "x1": 0, "y0": above, "y1": above + _BAND, "xref": f"x{panel.suffix}", "yref": f"y{panel.suffix}"}
    return {"type": "line", **ends, "line": {"color": colours["neutral"], "width": 1.5}, "layer": "below"}


def _axes(panel: _Panel, common: Scale, height: int, colours: Mapping[str, str]) -> dict[str, Any]:
    values = axis(
        "",
        colours,
        range=[common.low, common.high],
        anchor=f"y{panel.suffix}",
        showgrid=False,
        showline=True,
        ticks="outside",
        ticklen=4,
        tickcolor=colours["line"],
        **common.ticks(),
    )
    rows = hidden_axis(
        range=[panel.end - panel.start, 0],
        domain=[1 - panel.end / height, 1 - panel.start / height],
        anchor=f"x{panel.suffix}",
    )
    return {f"xaxis{panel.suffix}": values, f"yaxis{panel.suffix}": rows}


def _words(
    panel: _Panel, common: Scale, height: int, colours: Mapping[str, str], words: Language
) -> list[dict[str, Any]]:
    """Return the head of a panel, the words over each row, and those that say what left and right of zero means."""
    left = {"x": 0, "xref": "paper", "yref": "paper", "yanchor": "top"}
    muted = {"color": colours["muted"]}
    foot = 1 - (panel.end + _TICKS) / height
    is_points = common.unit == "points"
    unit = [words.text("percentage points")] if is_points else []
    said = [
        note(f"<b>{panel.head}</b>", colours, y=1 - panel.top / height, font={"size": LABEL + 1}, **left),
        note(panel.subtitle, colours, y=1 - (panel.top + _HEAD) / height, font=muted, **left),
        note(words.text("← fewer") if is_points else words.text("← less"), colours, y=foot, font=muted, **left),
        note(words.text("more →"), colours, y=foot, font=muted, **{**left, "x": 1, "xanchor": "right"}),
        *(note(text, colours, y=foot, font=muted, **{**left, "x": 0.5, "xanchor": "center"}) for text in unit),
    ]
    rows = {"x": 0, "xref": "paper", "yref": f"y{panel.suffix}", "yanchor": "top"}
    for place, row in enumerate(panel.rows):
        estimate = common.estimate(*(row[name] for name in _SHRUNK))
        text = f"<b>{plain(row['group'], 20)}</b>  {estimate}"
        said.append(note(text, colours, y=panel.row(place), **rows))
    return said
