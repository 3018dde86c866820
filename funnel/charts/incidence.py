"""How the share that went on grows with time, with its interval and how many are still followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    DASHES,
    LABEL,
    SERIES,
    Theme,
    axis,
    figure,
    legend,
    note,
    numbers,
    palette,
    percent_ticks,
    plain,
)
from funnel.charts.time_axis import TimeAxis, still_followed, time_axis
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _PLOT, _FOOT, _GAP, _LEGEND_LINE = 26, 240, 92, 22, 36


@dataclass(frozen=True)
class _Panel:
    """The curves that run from one step: their place, in pixels from the top, and their axes."""

    after: str
    top: int
    number: int
    curves: tuple[dict[str, Any], ...]
    time: TimeAxis
    highest: float

    @property
    def suffix(self) -> str:
        return "" if self.number == 1 else str(self.number)

    @property
    def bottom(self) -> int:
        return self.top + _HEAD + _PLOT + _FOOT + _LEGEND_LINE * len(self.curves) + _GAP


def curves(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `FunnelResult.curves`: a step line an outcome with its band, a panel a step they follow.

    Under each panel, aligned to its time axis, how many are still followed without any of its outcomes. The time axis
    is logarithmic, and says so, where an outcome reaches half its rate within a fiftieth of the time.
    """
    words, colours = language_of(language), palette(theme)
    panels = _panels(frame)
    height = panels[-1].bottom - _GAP if panels else _PLOT
    axes: dict[str, Any] = {}
    for panel in panels:
        axes |= _axes(panel, height, colours, words)
    return figure(
        [
            trace
            for panel in panels
            for place, curve in enumerate(panel.curves)
            for trace in _traces(panel, curve, place, colours, words)
        ],
        title=words.text("How the share grows with time") if title is None else title,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=52,
        annotations=[each for panel in panels for each in _words(panel, height, colours, words)],
        hovermode="closest",
        showlegend=True,
        **axes,
    )


def _panels(frame: "pandas.DataFrame") -> list[_Panel]:
    found: list[_Panel] = []
    for after, rows in frame.groupby("after", sort=False, dropna=False):
        lines = [_curve(str(outcome), each) for outcome, each in rows.groupby("outcome", sort=False)]
        tops = [rate for line in lines for rate in line["rate_high"]]
        found.append(
            _Panel(
                after=str(after),
                top=found[-1].bottom if found else 0,
                number=len(found) + 1,
                curves=tuple(lines),
                time=time_axis(lines),
                highest=min(1.0, max(tops, default=0.0) * 1.06) or 0.01,
            )
        )
    return found


def _curve(outcome: str, rows: "pandas.DataFrame") -> dict[str, Any]:
    """Return the columns of one outcome up to its last known rate."""
    known = rows[rows["rate"].notna()].sort_values("elapsed_seconds")
    columns = ("elapsed_seconds", "rate", "rate_low", "rate_high", "at_risk")
    return {"outcome": outcome, **{column: numbers(known, column) for column in columns}}


def _traces(
    panel: _Panel, curve: dict[str, Any], place: int, colours: Mapping[str, str], words: Language
) -> list[dict[str, Any]]:
    hue = SERIES[place % len(SERIES)]
    at = {
        "type": "scatter",
        "mode": "lines",
        "x": curve["elapsed_seconds"],
        "xaxis": f"x{panel.suffix}",
        "yaxis": f"y{panel.suffix}",
    }
    edge = {**at, "line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip", "showlegend": False}
    return [
        {**edge, "y": curve["rate_low"]},
        {**edge, "y": curve["rate_high"], "fill": "tonexty", "fillcolor": colours[f"{hue}_pale"]},
        {
            **at,
            "y": curve["rate"],
            "name": _ending(curve, words),
            "legend": f"legend{panel.suffix}",
            "line": {"color": colours[hue], "width": 2.5, "shape": "hv", "dash": DASHES[place % len(DASHES)]},
            "hovertext": [_hover(curve, point, words) for point in range(len(curve["rate"]))],
            "hovertemplate": "%{hovertext}<extra></extra>",
        },
    ]


def _ending(curve: dict[str, Any], words: Language) -> str:
    name = plain(curve["outcome"], 32)
    if not curve["rate"]:
        return words.text("{step}: not enough data", step=name)
    rate = words.rate(curve["rate"][-1], curve["rate_low"][-1], curve["rate_high"][-1])
    time = words.duration(curve["elapsed_seconds"][-1])
    return f"{name}<br>" + words.text("{rate} in {time}", rate=rate, time=time)


def _hover(curve: dict[str, Any], point: int, words: Language) -> str:
    rate = words.rate(curve["rate"][point], curve["rate_low"][point], curve["rate_high"][point])
    time = words.duration(curve["elapsed_seconds"][point])
    followed = words.text("{n} still followed", n=words.number(curve["at_risk"][point]))
    return f"<b>{plain(curve['outcome'], 60)}</b><br>{time}<br>{rate}<br>{followed}"


def _axes(panel: _Panel, height: int, colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    top, bottom = panel.top + _HEAD, panel.top + _HEAD + _PLOT
    domain = [1 - bottom / height, 1 - top / height]
    time = axis(
        "",
        colours,
        range=panel.time.range(),
        anchor=f"y{panel.suffix}",
        showgrid=False,
        **panel.time.ticks(words),
    )
    share = axis(
        "",
        colours,
        range=[0, panel.highest],
        domain=domain,
        anchor=f"x{panel.suffix}",
        **percent_ticks(panel.highest, words),
    )
    named = legend(colours, top=1 - (bottom + _FOOT) / height)
    return {f"xaxis{panel.suffix}": time, f"yaxis{panel.suffix}": share, f"legend{panel.suffix}": named}


def _words(panel: _Panel, height: int, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    """Return the head of a panel, the title of its time axis, and the row of those still followed."""
    muted = {"color": colours["muted"]}
    left = {"x": 0, "xref": "paper", "xshift": -40, "yref": "paper", "yanchor": "middle"}

    def from_top(pixels: float) -> float:
        return 1 - (panel.top + pixels) / height

    head = words.text("Share after {step} (%)", step=plain(panel.after, 30))
    foot = _HEAD + _PLOT
    since = words.text("Time since {step}", step=plain(panel.after, 24))
    if panel.time.is_log:
        since = words.text("Time since {step}, logarithmic", step=plain(panel.after, 24))
    named = [
        note(f"<b>{head}</b>", colours, y=from_top(_HEAD / 2 - 3), font={"size": LABEL}, **left),
        note(
            since,
            colours,
            font=muted,
            **{**left, "x": 0.5, "xanchor": "center", "xshift": 0, "y": from_top(foot + 36)},
        ),
        note(words.text("Still followed, none of these yet:"), colours, y=from_top(foot + 60), font=muted, **left),
    ]
    counted = panel.curves[0]
    ticks = panel.time.ticks(words)["tickvals"]
    return named + [
        note(
            words.number(count),
            colours,
            x=panel.time.place(tick),
            xref=f"x{panel.suffix}",
            y=from_top(foot + 78),
            yref="paper",
            xanchor="center",
            yanchor="middle",
        )
        for tick, count in ((tick, still_followed(counted, tick)) for tick in ticks)
        if count is not None
    ]
