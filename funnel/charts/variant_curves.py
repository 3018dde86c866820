"""How each variant's share grows with time since exposure, with its interval and how many are still followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    DASHES,
    LABEL,
    SERIES,
    Theme,
    axis,
    empty,
    figure,
    key,
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

_HEAD, _PLOT, _AXIS, _CAPTION, _VARIANT, _GAP = 26, 220, 46, 22, 40, 20
_TREATMENTS = tuple(hue for hue in SERIES if hue != "neutral")
_SHIFT = -40  # words begin here, left of the plot


@dataclass(frozen=True)
class _Panel:
    """The curves of one outcome, where they lie in pixels from the top, and their axes."""

    outcome: str
    curves: tuple[dict[str, Any], ...]
    time: TimeAxis
    highest: float
    top: int
    number: int

    @property
    def suffix(self) -> str:
        return "" if self.number == 1 else str(self.number)

    @property
    def foot(self) -> int:
        """Where the list of variants begins, under the time axis."""
        return self.top + _HEAD + _PLOT + _AXIS + _CAPTION

    @property
    def bottom(self) -> int:
        return self.foot + _VARIANT * len(self.curves)


def variant_curves(
    frame: "pandas.DataFrame",
    *,
    control: str | None = None,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ExperimentResult.curves`: a panel an outcome, a step line with its band a variant.

    The control, the first variant unless it is named, is in the neutral colour. Under each panel a variant has its last
    rate and, aligned to the time axis, how many are still followed. The time axis is logarithmic, and says so, where a
    variant reaches half its rate within a fiftieth of the time.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("Each variant over time") if title is None else title
    panels = _panels(frame, control)
    if not panels:
        return empty(title=heading, colours=colours, words=words)
    height = panels[-1].bottom
    axes: dict[str, Any] = {}
    for panel in panels:
        axes |= _axes(panel, height, colours, words)
    keys = [_key(panel, place, height, colours, words) for panel in panels for place in range(len(panel.curves))]
    return figure(
        [trace for panel in panels for curve in panel.curves for trace in _traces(panel, curve, colours, words)],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=52,
        annotations=[
            *(said for panel in panels for said in _words(panel, height, colours, words)),
            *(said for _, said in keys),
        ],
        shapes=[stroke for stroke, _ in keys],
        hovermode="closest",
        **axes,
    )


def _panels(frame: "pandas.DataFrame", control: str | None) -> list[_Panel]:
    found: list[_Panel] = []
    for outcome, rows in frame.groupby("outcome", sort=False):
        variants = list(dict.fromkeys(map(str, rows["variant"])))
        looks = _looks(variants, control)
        lines = tuple(_curve(name, rows[rows["variant"].map(str) == name], looks[name]) for name in variants)
        tops = [rate for line in lines for rate in line["rate_high"]]
        found.append(
            _Panel(
                outcome=str(outcome),
                curves=lines,
                time=time_axis(lines),
                highest=min(1.0, max(tops, default=0.0) * 1.06) or 0.01,
                top=found[-1].bottom + _GAP if found else 0,
                number=len(found) + 1,
            )
        )
    return found


def _looks(variants: list[str], control: str | None) -> dict[str, tuple[str, str]]:
    """Return colour and dashes of each variant: neutral for the control, the series for the others in their order."""
    reference = control if control in variants else variants[0]
    treatments = [name for name in variants if name != reference]
    return {reference: ("neutral", "solid")} | {
        name: (_TREATMENTS[place % len(_TREATMENTS)], DASHES[place % len(DASHES)])
        for place, name in enumerate(treatments)
    }


def _curve(variant: str, rows: "pandas.DataFrame", look: tuple[str, str]) -> dict[str, Any]:
    """Return the columns of one variant up to its last known rate."""
    known = rows[rows["rate"].notna()].sort_values("elapsed_seconds")
    columns = ("elapsed_seconds", "rate", "rate_low", "rate_high", "at_risk")
    return {"variant": variant, "hue": look[0], "dash": look[1], **{name: numbers(known, name) for name in columns}}


def _traces(panel: _Panel, curve: dict[str, Any], colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    at = {
        "type": "scatter",
        "mode": "lines",
        "x": curve["elapsed_seconds"],
        "xaxis": f"x{panel.suffix}",
        "yaxis": f"y{panel.suffix}",
    }
    edge = {**at, "line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip"}
    return [
        {**edge, "y": curve["rate_low"]},
        {**edge, "y": curve["rate_high"], "fill": "tonexty", "fillcolor": colours[f"{curve['hue']}_pale"]},
        {
            **at,
            "y": curve["rate"],
            "name": plain(words.name(curve["variant"])),
            "line": {"color": colours[curve["hue"]], "width": 2.5, "shape": "hv", "dash": curve["dash"]},
            "hovertext": [_hover(curve, point, words) for point in range(len(curve["rate"]))],
            "hovertemplate": "%{hovertext}<extra></extra>",
        },
    ]


def _hover(curve: dict[str, Any], point: int, words: Language) -> str:
    rate = words.rate(curve["rate"][point], curve["rate_low"][point], curve["rate_high"][point])
    time = words.duration(curve["elapsed_seconds"][point])
    followed = words.text("{n} still followed", n=words.number(curve["at_risk"][point]))
    return f"<b>{plain(words.name(curve['variant']), 60)}</b><br>{time}<br>{rate}<br>{followed}"


def _axes(panel: _Panel, height: int, colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    top, bottom = panel.top + _HEAD, panel.top + _HEAD + _PLOT
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
        domain=[1 - bottom / height, 1 - top / height],
        anchor=f"x{panel.suffix}",
        **percent_ticks(panel.highest, words),
    )
    return {f"xaxis{panel.suffix}": time, f"yaxis{panel.suffix}": share}


def _key(
    panel: _Panel, place: int, height: int, colours: Mapping[str, str], words: Language
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the stroke of a variant, and its name with the last rate."""
    curve = panel.curves[place]
    line = {"color": colours[curve["hue"]], "width": 2.5, "dash": curve["dash"]}
    y = 1 - (panel.foot + _VARIANT * place + 10) / height
    return key(_ending(curve, words), colours, y=y, shift=_SHIFT, line=line)


def _ending(curve: dict[str, Any], words: Language) -> str:
    name = plain(words.name(curve["variant"]), 22)
    if not curve["rate"]:
        return words.text("{step}: not enough data", step=name)
    return f"<b>{name}</b>  {words.rate(curve['rate'][-1], curve['rate_low'][-1], curve['rate_high'][-1])}"


def _words(panel: _Panel, height: int, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    """Return the head of a panel, the title of its time axis, and under it those still followed in each variant."""
    muted = {"color": colours["muted"]}
    left = {"x": 0, "xref": "paper", "xshift": _SHIFT, "yref": "paper", "yanchor": "middle"}
    since = words.text("Time since exposure, logarithmic") if panel.time.is_log else words.text("Time since exposure")
    centred = {**left, "x": 0.5, "xanchor": "center", "xshift": 0}
    time = panel.top + _HEAD + _PLOT + 34
    head = words.text("{outcome} (%)", outcome=plain(words.name(panel.outcome)))
    caption = words.text("Last rate and, under it, how many still followed:")
    said = [
        note(f"<b>{head}</b>", colours, y=1 - (panel.top + 8) / height, font={"size": LABEL + 1}, **left),
        note(since, colours, y=1 - time / height, font=muted, **centred),
        note(caption, colours, y=1 - (panel.foot - _CAPTION / 2) / height, font=muted, **left),
    ]
    under = {"yref": "paper", "xref": f"x{panel.suffix}", "xanchor": "center", "yanchor": "middle", "font": muted}
    for place, curve in enumerate(panel.curves):
        y = 1 - (panel.foot + _VARIANT * place + 27) / height
        for tick in panel.time.ticks(words)["tickvals"]:
            count = still_followed(curve, tick)
            if count is not None:
                said.append(
                    note(words.number(count), colours, x=panel.time.place(tick), y=y, **{**under, "font": dict(muted)})
                )
    return said
