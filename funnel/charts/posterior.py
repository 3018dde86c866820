"""What is believed of each variant's share after the data: its density, and how likely it is the best."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    Theme,
    axis,
    empty,
    figure,
    hidden_axis,
    note,
    numbers,
    palette,
    percent_ticks,
    plain,
    wrapped,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_WORDS, _CURVE, _GAP, _AXIS, _LINE = 38, 56, 14, 48, 17
_POINTS = 81
_TAIL = 1e-4
_LETTERS = 50
_COLUMNS = ("visitors", "converted", "rate", "rate_low", "rate_high", "probability_best")


def posterior(
    frame: "pandas.DataFrame",
    *,
    control: str | None = None,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ExperimentResult.posterior`: the density of each variant's share, one under the other.

    The density is that of Beta(1 + converted, 1 + visitors - converted), the uniform prior after the data; all are
    drawn to one scale, so that a narrow one is high. The `control`, if named, is in the neutral colour. Above each
    curve its share with the 95 % credible interval, and how likely it is the best. A variant without visitors has no
    curve.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("Which variant is the best") if title is None else title
    rows = _rows(frame)
    if not rows:
        return empty(title=heading, colours=colours, words=words)
    low, high, tallest = _extent(rows)
    beware = wrapped(words.text("Looking early and often makes these probabilities too bold."), _LETTERS)
    row_height = _WORDS + _CURVE + _GAP
    plots = row_height * len(rows)
    height = plots + _AXIS + _LINE * (beware.count("<br>") + 1)
    axes: dict[str, Any] = {}
    traces, said = [], []
    for place, row in enumerate(rows):
        suffix = "" if place == 0 else str(place + 1)
        top = place * row_height
        hue = "neutral" if row["variant"] == control else "blue"
        traces.append({**_density(row, hue, colours, words), "yaxis": f"y{suffix}"})
        said += _words(row, 1 - top / height, colours, words)
        domain = [1 - (top + _WORDS + _CURVE) / height, 1 - (top + _WORDS) / height]
        axes[f"yaxis{suffix}"] = hidden_axis(range=[0, tallest * 1.02], domain=domain, anchor="x")
    share = {"anchor": "free", "position": 1 - (plots - _GAP) / height, "range": [low, high], "showgrid": False}
    room = {"showline": True, "ticks": "outside", "ticklen": 4, "tickcolor": colours["line"]}
    axes["xaxis"] = axis("", colours, **share, **room, **_ticks(low, high, words))
    middle = {"x": 0.5, "xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "top"}
    muted = {"color": colours["muted"]}
    of_visitors = words.text("Share of visitors (%)")
    said.append(note(of_visitors, colours, y=1 - (plots + 14) / height, font=muted, **middle))
    left = {**middle, "x": 0, "xanchor": "left"}
    said.append(note(beware, colours, y=1 - (plots + _AXIS) / height, font=dict(muted), **left))
    return figure(
        traces,
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        annotations=said,
        hovermode="closest",
        **axes,
    )


def _rows(frame: "pandas.DataFrame") -> list[dict[str, Any]]:
    read = {name: numbers(frame, name) for name in _COLUMNS}
    return [
        {"variant": str(variant), **{name: values[place] for name, values in read.items()}, "curve": ([], [])}
        for place, variant in enumerate(frame["variant"])
    ]


def _extent(rows: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Give each variant with visitors its curve; return the lowest and highest share drawn, and the highest density."""
    from scipy.special import betaincinv

    lows, highs, tops = [], [], []
    for row in rows:
        if not (row["visitors"] > 0 and row["converted"] >= 0):
            continue
        yes, no = row["converted"], row["visitors"] - row["converted"]
        low, high = (float(betaincinv(1 + yes, 1 + no, tail)) for tail in (_TAIL, 1 - _TAIL))
        shares = [low + (high - low) * point / (_POINTS - 1) for point in range(_POINTS)]
        row["curve"] = (shares, _densities(shares, yes, no))
        lows.append(low)
        highs.append(high)
        tops.append(max(row["curve"][1]))
    low, high = min(lows, default=0.0), max(highs, default=1.0)
    room = (high - low) * 0.04
    return max(low - room, 0.0), min(high + room, 1.0), max(tops, default=1.0)


def _densities(shares: list[float], yes: float, no: float) -> list[float]:
    """Return the density of Beta(1 + yes, 1 + no) at each share."""
    from scipy.special import betaln, xlog1py, xlogy

    return [math.exp(xlogy(yes, each) + xlog1py(no, -each) - betaln(1 + yes, 1 + no)) for each in shares]


def _density(row: dict[str, Any], hue: str, colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    shares, densities = row["curve"]
    name = plain(words.name(row["variant"]))
    said = "<br>".join([f"<b>{name}</b>", _estimate(row, words), *_best(row, words)])
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": shares,
        "y": densities,
        "line": {"color": colours[hue], "width": 2},
        "fill": "tozeroy",
        "fillcolor": colours[f"{hue}_pale"],
        "hovertext": said,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
    }


def _ticks(low: float, high: float, words: Language) -> dict[str, Any]:
    """Return round shares between two, and their text."""
    ticks = percent_ticks(high - low, words, most=4)
    step = ticks["tickvals"][1]
    values = [step * place for place in range(-int(-low // step), int(high / step + 1e-9) + 1)]
    digits = next(n for n in range(9) if abs(step * 100 * 10**n - round(step * 100 * 10**n)) < 1e-6)
    return {"tickmode": "array", "tickvals": values, "ticktext": [words.percent(value, digits) for value in values]}


def _estimate(row: dict[str, Any], words: Language) -> str:
    return words.rate(row["rate"], row["rate_low"], row["rate_high"])


def _best(row: dict[str, Any], words: Language) -> list[str]:
    """Say how likely the variant is the best, never that this is certain; nothing where it is not known."""
    probability = row["probability_best"]
    if math.isnan(probability):
        return []
    if probability > 0.999:
        return [words.text("the best with a probability over {p}", p=words.percent(0.999))]
    if probability < 0.001:
        return [words.text("the best with a probability under {p}", p=words.percent(0.001))]
    return [words.text("the best with a probability of {p}", p=words.percent(probability))]


def _words(row: dict[str, Any], y: float, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    left = {"x": 0, "xref": "paper", "y": y, "yref": "paper", "yanchor": "top"}
    name = plain(words.name(row["variant"]), 22)
    if not row["curve"][0]:
        return [note(words.text("{step}: not enough data", step=f"<b>{name}</b>"), colours, **left)]
    first = note(f"<b>{name}</b>  {_estimate(row, words)}", colours, font={"size": LABEL}, **left)
    return [first, *(note(text, colours, yshift=-20, **left) for text in _best(row, words))]
