"""Whether what a variant changes wears off: the difference day by day."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    Theme,
    axis,
    count_ticks,
    empty,
    figure,
    note,
    numbers,
    palette,
    plain,
    wrapped,
)
from funnel.charts.whiskers import Scale, Unit, scale, whiskers
from funnel.language import Language, message
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _LINE, _PLOT, _AXIS, _GAP = 22, 17, 140, 44, 18
_SHIFT = -40  # words begin here, left of the plot
_LETTERS = 48
_CLOCKS = {
    "since exposure": message("Days since exposure"),
    "since start": message("Days since the experiment began"),
}
_ESTIMATE = ("difference", "difference_low", "difference_high")


def experiment_novelty(
    frame: "pandas.DataFrame",
    *,
    unit: Unit = "points",
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ExperimentResult.novelty`: a panel a clock and variant, a difference and its interval a day.

    The panels of a clock have one scale of differences, zero in it; a bar that runs far beyond the others ends in a
    tip. `unit` is "points" for an outcome that is a share of visitors.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("Whether the effect wears off") if title is None else title
    panels = [
        (str(clock), str(variant), _days(rows))
        for (clock, variant), rows in frame.groupby(["clock", "variant"], sort=False)
    ]
    if not panels:
        return empty(title=heading, colours=colours, words=words)
    scales = {
        clock: _scale([days for other, _, days in panels if other == clock], unit, words)
        for clock in dict.fromkeys(clock for clock, *_ in panels)
    }
    said_of_unit = words.text("percentage points, compared with the control")
    subtitle = wrapped(said_of_unit if unit == "points" else words.text("compared with the control"), _LETTERS)
    head = _HEAD + _LINE * (subtitle.count("<br>") + 1) + 4
    panel = head + _PLOT + _AXIS + _GAP
    height = panel * len(panels) - _GAP
    traces, said, axes = [], [], {}
    for place, (clock, variant, days) in enumerate(panels):
        suffix = "" if place == 0 else str(place + 1)
        top, common = place * panel, scales[clock]
        traces += [
            {**trace, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
            for trace in _bars(variant, days, common, colours, words)
        ]
        left = {"x": 0, "xref": "paper", "xshift": _SHIFT, "yref": "paper", "yanchor": "top"}
        name = f"<b>{plain(words.name(variant))}</b>"
        said.append(note(name, colours, y=1 - top / height, font={"size": LABEL + 1}, **left))
        said.append(note(subtitle, colours, y=1 - (top + _HEAD) / height, font={"color": colours["muted"]}, **left))
        last = max(days["day"], default=0)
        of_clock = words.text(_CLOCKS[clock]) if clock in _CLOCKS else plain(clock)
        axes[f"xaxis{suffix}"] = axis(
            of_clock,
            colours,
            range=[-0.7, last + 0.7],
            anchor=f"y{suffix}",
            showgrid=False,
            **count_ticks(last, words, most=6),
        )
        domain = [1 - (top + head + _PLOT) / height, 1 - (top + head) / height]
        axes[f"yaxis{suffix}"] = axis(
            "", colours, range=[common.low, common.high], domain=domain, anchor=f"x{suffix}", **common.ticks()
        ) | {"zeroline": True, "zerolinecolor": colours["neutral"], "zerolinewidth": 1.5}
    return figure(
        traces,
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=52,
        annotations=said,
        hovermode="closest",
        **axes,
    )


def _days(rows: "pandas.DataFrame") -> dict[str, list[float]]:
    ordered = rows.sort_values("day", kind="stable")
    return {name: numbers(ordered, name) for name in ("day", "visitors", *_ESTIMATE)}


def _scale(panels: list[dict[str, list[float]]], unit: Unit, words: Language) -> Scale:
    """Return the scale of some panels: every difference is on it, and of the bounds what is not far out."""
    return scale(
        [value for days in panels for value in days["difference"]],
        beyond=[value for days in panels for name in _ESTIMATE[1:] for value in days[name]],
        widths=[
            high - low
            for days in panels
            for low, high in zip(days["difference_low"], days["difference_high"], strict=True)
        ],
        unit=unit,
        words=words,
    )


def _bars(
    variant: str, days: dict[str, list[float]], common: Scale, colours: Mapping[str, str], words: Language
) -> list[dict[str, Any]]:
    estimates = list(zip(*(days[name] for name in _ESTIMATE), strict=True))
    hover = [
        f"<b>{plain(words.name(variant), 60)}</b><br>"
        + words.text("day {day}", day=words.number(day))
        + f"<br>{common.estimate(*estimate)}<br>"
        + words.plural("{n} visitor", "{n} visitors", visitors)
        for day, visitors, estimate in zip(days["day"], days["visitors"], estimates, strict=True)
    ]
    name = plain(words.name(variant))
    return whiskers(estimates, days["day"], common, colours, hover=hover, name=name, along="y", size=8)
