"""What each relay brought: signatures by itself and by the friends of these, and how many of its visitors signed."""

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
    count_ticks,
    empty,
    figure,
    hidden_axis,
    key,
    largest,
    note,
    numbers,
    palette,
    percent_ticks,
    plain,
)
from funnel.charts.whiskers import Scale, scale, whiskers
from funnel.language import Language, message
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

BEFORE, AFTER = "before launch", "after launch"

_WAVES = {BEFORE: message("Involved before launch"), AFTER: message("Involved after launch")}
_HEAD, _LINE, _BAND, _APART, _AXIS, _KEY = 30, 18, 20, 8, 48, 20
_BAR, _BETWEEN = 12, 10
_ROW = _LINE + _BAND + _APART
_COUNTED, _RATES = (0.0, 0.62), (0.7, 1.0)  # the parts of the width of both panels
_ESTIMATES = ("total", "rate", "k_factor", "downstream")
_COLUMNS = ("visitors", "signatures", *(f"{name}{end}" for name in _ESTIMATES for end in ("", "_low", "_high")))


def relay_forest(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `RelaysResult.frame`: a line a relay, the largest on top, those involved before launch apart.

    On the left are the signatures of those it brought and, after them, those of their friends, with the 95 % interval
    of both together; on the right which part of its visitors signed. A whisker that runs far beyond the others stops at
    the edge with a tip. Those who came by no relay are last: their rate has a dotted line to compare with, and their
    signatures are told but not drawn, as they would leave no room. At most a dozen relays of each wave.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("What each relay brought") if title is None else title
    relays = _relays(frame)
    named = [relay for relay in relays if relay.name is not None]
    if not named:
        return empty(title=heading, colours=colours, words=words)
    lines, said, height = _placed(relays, colours, words)
    drawn = [line for line in lines if line.relay.name is not None]
    totals, rates = _total_scale(drawn, words), _rate_scale(lines, words)
    nobody = next((line.relay for line in lines if line.relay.name is None), None)
    samples = [
        (words.text("Directly"), {"color": colours["vermilion"], "width": 10}),
        (words.text("By friends’ links"), {"color": colours["blue"], "width": 10}),
        (words.text("Without a relay"), {"color": colours["neutral"], "width": 1.5, "dash": "dot"}),
    ]
    samples = samples if nobody and math.isfinite(nobody.row["rate"]) else samples[:2]
    foot = height + _AXIS
    whole = foot + _KEY * len(samples)
    keys = [
        key(text, colours, shift=0, y=1 - (foot + _KEY * (place + 0.5)) / whole, line=line)
        for place, (text, line) in enumerate(samples)
    ]
    plots = {"range": [height, 0], "domain": [1 - height / whole, 1]}
    return figure(
        [*_bars(drawn, colours, words), *_estimates(drawn, lines, totals, rates, colours, words)],
        title=heading,
        height=whole,
        below=8,
        colours=colours,
        words=words,
        barmode="stack",
        hovermode="closest",
        annotations=[*said, *(text for _, text in keys)],
        shapes=[*(stroke for stroke, _ in keys), *_compared(nobody, lines, colours)],
        xaxis=_values(words.text("Signatures"), _COUNTED, totals, count_ticks(totals.high, words), colours),
        xaxis2={
            **_values(words.text("Signed (%)"), _RATES, rates, percent_ticks(rates.high, words, most=2), colours),
            "anchor": "y2",
        },
        yaxis=hidden_axis(**plots),
        yaxis2=hidden_axis(anchor="x2", **plots),
    )


@dataclass(frozen=True)
class _Relay:
    """One row of the frame; without a name, those who came by no relay."""

    name: str | None
    wave: str | None
    row: dict[str, float]

    def estimate(self, column: str) -> tuple[float, float, float]:
        return self.row[column], self.row[f"{column}_low"], self.row[f"{column}_high"]


@dataclass(frozen=True)
class _Line:
    """A relay and the pixels from the top at which its bar is."""

    relay: _Relay
    middle: float


def _relays(frame: "pandas.DataFrame") -> list[_Relay]:
    import pandas

    columns = [numbers(frame, name) for name in _COLUMNS]
    return [
        _Relay(
            None if pandas.isna(name) else str(name),
            None if pandas.isna(wave) else str(wave),
            dict(zip(_COLUMNS, values, strict=True)),
        )
        for name, wave, *values in zip(frame["relay"], frame["wave"], *columns, strict=True)
    ]


def _placed(
    relays: list[_Relay], colours: Mapping[str, str], words: Language
) -> tuple[list[_Line], list[dict[str, Any]], int]:
    """Return the lines, the words over them and the pixels they take: a head a wave, the largest relay first."""
    named = [relay for relay in relays if relay.name is not None]
    waves = {wave: [relay for relay in named if relay.wave == wave] for wave in (BEFORE, AFTER, None)}
    nobody = [relay for relay in relays if relay.name is None]
    lines: list[_Line] = []
    said: list[dict[str, Any]] = []
    left = {"x": 0, "xref": "paper", "yanchor": "middle"}
    top = 0
    for wave, members in [*waves.items(), ("", nobody)]:
        if not members:
            continue
        top += _BETWEEN if top else 0
        if wave != "" and (wave or any(waves[each] for each in _WAVES)):
            head = words.text(_WAVES[wave]) if wave else words.text("Not known when involved")
            said.append(note(f"<b>{head}</b>", colours, y=top + _HEAD / 2, font={"size": LABEL + 1}, **left))
            top += _HEAD
        for relay in sorted(members, key=_size)[:MOST_GROUPS]:
            text = _said(relay, words)
            said.append(note(text, colours, y=top + _LINE / 2, **left))
            lines.append(_Line(relay, top + _LINE + _BAND / 2))
            top += _ROW
        if len(members) > MOST_GROUPS:
            cut = largest(len(members), words)
            said.append(note(cut, colours, y=top + _LINE / 2, font={"color": colours["muted"]}, **left))
            top += _LINE + _APART
    return lines, said, top


def _size(relay: _Relay) -> tuple[float, str]:
    total = relay.row["total"]
    return (-total if math.isfinite(total) else 0.0, relay.name or "")


def _said(relay: _Relay, words: Language) -> str:
    name = words.text("Without a relay") if relay.name is None else words.name(relay.name)
    return f"<b>{plain(name, 30)}</b>  {_count(relay.row['total'], words)} · {words.percent(relay.row['rate'])}"


def _count(value: float, words: Language) -> str:
    """Return a number of signatures, with a decimal where those further down count as less than one."""
    return words.number(value, 0 if not math.isfinite(value) or value == round(value) or value >= 100 else 1)


def _interval(estimate: tuple[float, float, float], words: Language) -> str:
    value, low, high = estimate
    if math.isnan(low) or math.isnan(high):
        return _count(value, words)
    between = words.text("{low} to {high}", low=words.number(low, 0), high=words.number(high, 0))
    return f"{_count(value, words)} [{between}]"


def _total_scale(lines: list[_Line], words: Language) -> Scale:
    """Return the scale of signatures: from 0, so that bars can be compared."""
    every = [line.relay.row for line in lines]
    found = scale(
        [row["total"] for row in every] + [row["signatures"] for row in every],
        beyond=[row["total_high"] for row in every],
        widths=[],
        unit="number",
        words=words,
    )
    return replace(found, low=0.0)


def _rate_scale(lines: list[_Line], words: Language) -> Scale:
    rows = [line.relay.row for line in lines]
    found = scale(
        [row["rate"] for row in rows], beyond=[row["rate_high"] for row in rows], widths=[], unit="points", words=words
    )
    return replace(found, low=0.0, high=min(found.high, 1.04))


def _bars(lines: list[_Line], colours: Mapping[str, str], words: Language) -> list[Trace]:
    """Return the signatures of those a relay brought, and after them those further down their trees."""
    hover = [_hover(line.relay, words) for line in lines]
    parts = [
        ("signatures", "vermilion", words.text("Directly")),
        ("downstream", "blue", words.text("By friends’ links")),
    ]
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": [line.relay.row[column] if math.isfinite(line.relay.row[column]) else 0.0 for line in lines],
            "y": [line.middle for line in lines],
            "width": _BAR,
            "marker": {"color": colours[hue]},
            "hovertext": hover,
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        for column, hue, name in parts
    ]


def _estimates(
    drawn: list[_Line], lines: list[_Line], totals: Scale, rates: Scale, colours: Mapping[str, str], words: Language
) -> list[Trace]:
    bands = whiskers(
        [line.relay.estimate("total") for line in drawn],
        [line.middle for line in drawn],
        totals,
        colours,
        hover=[_hover(line.relay, words) for line in drawn],
        name=words.text("Signatures"),
        hue="ink",
        thickness=1.5,
        size=5,
    )
    beside = whiskers(
        [line.relay.estimate("rate") for line in lines],
        [line.middle for line in lines],
        rates,
        colours,
        hover=[_hover(line.relay, words) for line in lines],
        name=words.text("Signed (%)"),
        hue="purple",
        size=8,
    )
    return [*bands, *({**trace, "xaxis": "x2", "yaxis": "y2"} for trace in beside)]


def _compared(nobody: _Relay | None, lines: list[_Line], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a piece of line beside each relay, at the rate of those who came by none."""
    if nobody is None or not math.isfinite(nobody.row["rate"]):
        return []
    return [
        {
            "type": "line",
            "xref": "x2",
            "yref": "y2",
            "x0": nobody.row["rate"],
            "x1": nobody.row["rate"],
            "y0": line.middle - _BAND / 2,
            "y1": line.middle + _BAND / 2,
            "line": {"color": colours["neutral"], "width": 1.5, "dash": "dot"},
            "layer": "below",
        }
        for line in lines
        if line.relay is not nobody
    ]


def _values(
    title: str, domain: tuple[float, float], shown: Scale, ticks: dict[str, Any], colours: Mapping[str, str]
) -> dict[str, Any]:
    return axis(
        title, colours, range=[shown.low, shown.high], domain=list(domain), showgrid=False, showline=True, **ticks
    )


def _hover(relay: _Relay, words: Language) -> str:
    name = words.text("Without a relay") if relay.name is None else words.name(relay.name)
    row = relay.row
    said = [f"<b>{plain(name, 60)}</b>"]
    if relay.wave in _WAVES:
        said.append(words.text(_WAVES[relay.wave]))
    said += [
        words.text("{n} directly", n=_count(row["signatures"], words)),
        words.text("{n} by friends’ links", n=_interval(relay.estimate("downstream"), words)),
        words.text("{n} in all", n=_interval(relay.estimate("total"), words)),
        words.plural("{n} visitor", "{n} visitors", row["visitors"]),
    ]
    if math.isfinite(row["rate"]):
        said.append(words.text("{rate} of visitors signed", rate=words.rate(*relay.estimate("rate"))))
    if math.isfinite(row["k_factor"]):
        said.append(words.text("each brings {estimate}", estimate=_brought(relay, words)))
    return "<br>".join(said)


def _brought(relay: _Relay, words: Language) -> str:
    value, low, high = relay.estimate("k_factor")
    return words.number(value, 2) if math.isinf(high) else words.estimate(value, low, high)
