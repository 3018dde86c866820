"""Credit by model, side by side: what each channel is credited with, and what it is with those signers brought."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    MOST_GROUPS,
    Theme,
    Trace,
    axis,
    empty,
    figure,
    hidden_axis,
    largest,
    legend,
    note,
    numbers,
    palette,
    percent_ticks,
    plain,
)
from funnel.charts.whiskers import Scale, scale, whiskers
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

# By one touch, by all of them, by what paths that lack the channel do: a hue each, and a symbol for each model of it.
_MARKS = {
    "first": ("vermilion", "circle"),
    "last": ("vermilion", "square"),
    "last_non_direct": ("vermilion", "diamond"),
    "linear": ("blue", "circle"),
    "position": ("blue", "square"),
    "time_decay": ("blue", "diamond"),
    "markov": ("green", "circle"),
    "shapley": ("green", "square"),
}
_NAME, _MODEL, _APART, _AXIS, _KEY = 26, 10, 10, 48, 20
_COLUMNS = ("credited", "credited_low", "credited_high", "share", "downstream", "downstream_share")


@dataclass(frozen=True)
class _Channel:
    """A channel, None for conversions without a touch, with the numbers of each model, and where it starts."""

    name: str | None
    models: dict[str, dict[str, float]]
    top: int = 0

    def shares(self) -> list[float]:
        return [row["share"] for row in self.models.values() if math.isfinite(row["share"])]

    def at(self, place: int) -> float:
        """Return the pixels from the top at which a model is."""
        return self.top + _NAME + _MODEL * (place + 0.5)


def credit_by_model(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `AttributionResult.frame`: a band a channel, in it a line a model, the largest channel on top.

    A full mark is the share of all conversions that the model credits the channel with, with its 95 % interval; a
    hollow one the share with those that signers brought. Models come in one order and are told by their mark: those of
    one touch, of all touches, and of paths compared have a colour each. Conversions without a touch are last, where
    there are any. At most a dozen channels; where there are more, the chart says so.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("How conversions are credited to what came before them") if title is None else title
    every = _channels(frame)
    if not any(channel.shares() for channel in every):
        return empty(title=heading, colours=colours, words=words)
    models = [name for name in _MARKS if any(name in channel.models for channel in every)]
    band = _NAME + _MODEL * len(models) + _APART
    drawn = _ordered(every)
    shown = [replace(channel, top=place * band) for place, channel in enumerate(_largest(drawn))]
    height = band * len(shown)
    common = _scale(shown, words)
    has_downstream = any(math.isfinite(row["downstream"]) for each in shown for row in each.models.values())
    below = _AXIS + 12 + _KEY * len(models)
    said = [each for channel in shown for each in _words(channel, colours, words)]
    remarks = [words.text("Hollow: with those that signers brought.")] if has_downstream else []
    remarks += [largest(len(drawn), words)] if len(drawn) > len(shown) else []
    for remark in remarks:
        place = {"x": 0, "xref": "paper", "y": 0, "yref": "paper", "yanchor": "top", "yshift": -below}
        said.append(note(remark, colours, font={"color": colours["muted"]}, **place))
        below += _KEY
    return figure(
        [trace for place, model in enumerate(models) for trace in _traces(model, place, shown, common, colours, words)],
        title=heading,
        height=height,
        below=below + 8,
        colours=colours,
        words=words,
        hovermode="closest",
        annotations=said,
        shapes=_rules(shown, colours),
        showlegend=True,
        legend={**legend(colours, top=-_AXIS / height), "orientation": "v"},
        xaxis=axis(
            words.text("Share of all conversions (%)"),
            colours,
            range=[common.low, common.high],
            **percent_ticks(common.high, words),
        ),
        yaxis=hidden_axis(range=[height, 0]),
    )


def _channels(frame: "pandas.DataFrame") -> list[_Channel]:
    import pandas

    columns = [numbers(frame, name) for name in _COLUMNS]
    found: dict[str | None, dict[str, dict[str, float]]] = {}
    for channel, model, *values in zip(frame.iloc[:, 0], frame["model"], *columns, strict=True):
        name = None if pandas.isna(channel) else str(channel)
        found.setdefault(name, {})[str(model)] = dict(zip(_COLUMNS, values, strict=True))
    return [_Channel(name, models) for name, models in found.items()]


def _ordered(every: list[_Channel]) -> list[_Channel]:
    """Return the channels, the largest by all models together first, and last those without a touch, if there are."""
    there = [channel for channel in every if channel.name is not None or any(channel.shares())]
    return sorted(there, key=lambda channel: (channel.name is None, -sum(channel.shares()), channel.name or ""))


def _largest(ordered: list[_Channel]) -> list[_Channel]:
    """Return the first dozen; those without a touch are always among them."""
    nobody = [channel for channel in ordered if channel.name is None]
    return [*[channel for channel in ordered if channel.name is not None][: MOST_GROUPS - len(nobody)], *nobody]


def _scale(shown: list[_Channel], words: Language) -> Scale:
    rows = [row for channel in shown for row in channel.models.values()]
    found = scale(
        [row[name] for row in rows for name in ("share", "downstream_share")],
        beyond=[_ends(row)[1] for row in rows],
        widths=[],
        unit="points",
        words=words,
    )
    room = found.high * 0.02  # for a mark at zero
    return replace(found, low=-room, high=min(found.high, 1 + room))


def _ends(row: dict[str, float]) -> tuple[float, float]:
    """Return the interval of a share, from that of the conversions; without conversions it is not known."""
    if not (row["share"] > 0 and row["credited"] > 0):
        return (0.0, 0.0) if row["share"] == 0 and row["credited_high"] == 0 else (math.nan, math.nan)
    everyone = row["credited"] / row["share"]
    return row["credited_low"] / everyone, row["credited_high"] / everyone


def _traces(
    model: str,
    place: int,
    shown: list[_Channel],
    common: Scale,
    colours: Mapping[str, str],
    words: Language,
) -> list[Trace]:
    """Return the full marks of a model with their intervals, a row a channel, and its hollow ones."""
    hue, symbol = _MARKS[model]
    rows = [(channel, channel.models[model], channel.at(place)) for channel in shown if model in channel.models]
    hover = [_hover(channel, model, row, words) for channel, row, _ in rows]
    middles = [middle for *_, middle in rows]
    full, *tips = whiskers(
        [(row["share"], *_ends(row)) for _, row, _ in rows],
        middles,
        common,
        colours,
        hover=hover,
        name=words.name(model),
        hue=hue,
        thickness=1.5,
        size=8,
    )
    known = [
        (row["downstream_share"], middle, said)
        for (_, row, middle), said in zip(rows, hover, strict=True)
        if math.isfinite(row["downstream_share"])
    ]
    hollow: Trace = {
        "type": "scatter",
        "mode": "markers",
        "name": words.text("{model}, with those that signers brought", model=words.name(model)),
        "x": [share for share, *_ in known],
        "y": [middle for _, middle, _ in known],
        "marker": {"color": colours[hue], "size": 7, "symbol": f"{symbol}-open", "line": {"width": 1.5}},
        "hovertext": [said for *_, said in known],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }
    full["marker"] |= {"symbol": symbol}
    return [*([hollow] if known else []), full, *({**tip, "showlegend": False} for tip in tips)]


def _rules(shown: list[_Channel], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a line over each channel but the first."""
    return [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": channel.top,
            "y1": channel.top,
            "line": {"color": colours["line"], "width": 1},
            "layer": "below",
        }
        for channel in shown[1:]
    ]


def _words(channel: _Channel, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    """Return the name of a channel and the least and the largest share that a model credits it with."""
    shares = channel.shares()
    least, most = (words.percent(each(shares)) for each in (min, max)) if shares else ("", "")
    told = most if least == most else words.text("{low} to {high}", low=least, high=most)
    place = {"x": 0, "xref": "paper", "y": channel.top + _NAME / 2 + 2, "yref": "y", "yanchor": "middle"}
    return [note(f"<b>{plain(_named(channel, words), 28)}</b>  {told}", colours, font={"size": LABEL}, **place)]


def _named(channel: _Channel, words: Language) -> str:
    return words.text("no touch") if channel.name is None else words.name(channel.name)


def _hover(channel: _Channel, model: str, row: dict[str, float], words: Language) -> str:
    said = [
        f"<b>{plain(_named(channel, words), 60)}</b> · {words.name(model)}",
        words.text(
            "{share} of conversions: {n}",
            share=words.rate(row["share"], *_ends(row)),
            n=words.number(row["credited"], 0),
        ),
    ]
    if math.isfinite(row["downstream"]):
        said.append(
            words.text(
                "with those that signers brought, {share}: {n}",
                share=words.percent(row["downstream_share"]),
                n=words.number(row["downstream"], 0),
            )
        )
    return "<br>".join(said)
