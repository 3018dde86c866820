"""What signers bring: how many signatures each, and how long after their own."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    Theme,
    Trace,
    axis,
    count_ticks,
    empty,
    figure,
    hidden_axis,
    key,
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

_PLOT, _AXIS, _KEY, _LINE, _GAP = 240, 46, 20, 17, 6
_LEFT, _INSET, _LETTER = 56, 12, 7  # pixels left of the plot, of them before words begin, and of a letter
_LETTERS = 50
_FLOOR = 0.5  # where logarithmic counts begin, so that one signer has a bar
_TIP = 0.6  # where the middle of a tip is, that it lies within
_FAR = 60  # up to so many brought, the axis is linear
_THINNEST = 0.006  # of the axis, a bar that is still seen
_ROW = 26
_TENS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000, 1_000_000)


def offspring_bars(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ReferralsResult.offspring`: a bar a number brought, as high as its signers, logarithmic.

    A dot is how many the law expects; where it expects less than half a signer, a tip at the foot points down. Beyond
    sixty brought the other axis is logarithmic too (of two more than the number), and says so. Above the chart, how
    many brought nobody.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("How many signers brought how many") if title is None else title
    columns = [
        numbers(frame.sort_values("brought", kind="stable"), name) for name in ("brought", "signers", "expected")
    ]
    rows = [row for row in zip(*columns, strict=True) if row[1] > 0]
    if not rows:
        return empty(title=heading, colours=colours, words=words)
    nobody = wrapped(_nobody(rows, words), _LETTERS)
    samples = _samples(rows, colours, words)
    tallest = max(max(signers, expected if math.isfinite(expected) else 0) for _, signers, expected in rows)
    powers = range(math.floor(math.log10(max(tallest, 1))) + 1)
    margin = max(_LEFT, 8 + _LETTER * len(words.number(10 ** powers[-1])))
    head = _LINE * (nobody.count("<br>") + 1) + _GAP + _KEY * len(samples) + _GAP
    height = head + _PLOT + _AXIS
    keys = [
        key(
            text,
            colours,
            y=1 - (head - _GAP - _KEY * (len(samples) - place - 0.5)) / height,
            shift=_INSET - margin,
            line=line,
        )
        for place, (text, line) in enumerate(samples)
    ]
    is_log = rows[-1][0] > _FAR
    brought = words.text("Signatures brought, logarithmic") if is_log else words.text("Signatures brought")
    left = {"x": 0, "xref": "paper", "xshift": _INSET - margin, "yref": "paper", "yanchor": "top"}
    return figure(
        [_bars(rows, is_log, colours, words), *_law(rows, is_log, colours, words)],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        left=margin,
        annotations=[note(nobody, colours, y=1, **left), *(text for _, text in keys)],
        shapes=[stroke for stroke, _ in keys],
        hovermode="closest",
        xaxis=axis(
            brought,
            colours,
            showgrid=False,
            range=[_place(-0.7, is_log), _place(rows[-1][0] * (1.08 if is_log else 1) + 0.7, is_log)],
            **_numbers_brought(rows[-1][0], is_log, words),
        ),
        yaxis=axis(
            "",
            colours,
            type="log",
            range=[math.log10(_FLOOR), math.log10(tallest * 1.6)],
            domain=[_AXIS / height, (_AXIS + _PLOT) / height],
            tickmode="array",
            tickvals=[10**power for power in powers],
            ticktext=[words.number(10**power) for power in powers],
        ),
    )


def cycle_bars(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ReferralsResult.cycle`: a bar a span of time between two signatures, with its share.

    The spans follow one another downwards, of unequal length: the first are minutes, the last weeks.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("From a signature to those it brings") if title is None else title
    ordered = frame.sort_values("elapsed_from_seconds", kind="stable")
    spans = list(zip(*(numbers(ordered, f"elapsed_{end}_seconds") for end in ("from", "to")), strict=True))
    shares, counts = numbers(ordered, "share"), numbers(ordered, "signatures")
    if not any(map(math.isfinite, shares)):
        return empty(title=heading, colours=colours, words=words)
    height = _ROW * len(spans)
    names = [_span(low, high, words) for low, high in spans]
    known = [share if math.isfinite(share) else 0.0 for share in shares]
    hover = [
        f"<b>{name}</b><br>{words.percent(share)}<br>" + words.plural("{n} signature", "{n} signatures", count)
        for name, share, count in zip(names, shares, counts, strict=True)
    ]
    middle = [_ROW * (place + 0.5) for place in range(len(spans))]
    margin = _INSET + 8 + _LETTER * max(map(len, names))
    place = {"x": 0, "xref": "paper", "xanchor": "right", "xshift": -8, "yanchor": "middle"}
    under = {
        "x": 0,
        "xref": "paper",
        "xshift": _INSET - margin,
        "y": 0,
        "yref": "paper",
        "yanchor": "top",
        "yshift": -6,
    }
    return figure(
        [
            {
                "type": "bar",
                "orientation": "h",
                "name": words.text("Share of the signatures brought"),
                "x": known,
                "y": middle,
                "width": _ROW - 8,
                "marker": {"color": colours["blue"]},
                "text": [words.percent(share) for share in shares],
                "textposition": "outside",
                "textfont": {"color": colours["ink"]},
                "cliponaxis": False,
                "hovertext": hover,
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        ],
        title=heading,
        height=height,
        below=30,
        colours=colours,
        words=words,
        left=margin,
        annotations=[
            *(note(name, colours, y=y, **place) for name, y in zip(names, middle, strict=True)),
            note(words.text("Share of the signatures brought"), colours, font={"color": colours["muted"]}, **under),
        ],
        hovermode="closest",
        xaxis=hidden_axis(range=[0, max(known) * 1.35 or 1]),
        yaxis=hidden_axis(range=[height, 0]),
    )


def _span(low: float, high: float, words: Language) -> str:
    if low == 0:
        return words.text("under {time}", time=words.duration(high))
    if math.isinf(high):
        return words.text("{time} or more", time=words.duration(low))
    return words.text("{low} to {high}", low=words.duration(low), high=words.duration(high))


def _place(brought: float, is_log: bool) -> float:
    return math.log(2 + brought) if is_log else brought


def _numbers_brought(last: float, is_log: bool, words: Language) -> dict[str, Any]:
    if not is_log:
        return count_ticks(last, words, most=6)
    values = [0, *(each for each in _TENS if each <= last)]
    return {
        "tickmode": "array",
        "tickvals": [_place(value, is_log) for value in values],
        "ticktext": [words.number(value) for value in values],
    }


def _nobody(rows: list[tuple[float, float, float]], words: Language) -> str:
    everyone = sum(signers for _, signers, _ in rows)
    if not rows[-1][0] > 0:
        return words.plural(
            "The {n} signer came without a friend’s link: nobody has brought anybody yet.",
            "All {n} signers came without a friend’s link: nobody has brought anybody yet.",
            int(everyone),
        )
    nobody = sum(signers for brought, signers, _ in rows if brought == 0)
    return words.text(
        "{nobody} of {all} signers ({share}) have brought nobody so far; {most} is the most that one has brought.",
        nobody=words.number(nobody),
        all=words.number(everyone),
        share=words.percent(nobody / everyone),
        most=words.number(rows[-1][0]),
    )


def _samples(
    rows: list[tuple[float, float, float]], colours: Mapping[str, str], words: Language
) -> list[tuple[str, dict[str, Any]]]:
    """Return what the marks are: the words and a stroke of each."""
    bars = (words.text("Signers, on a logarithmic scale"), {"color": colours["blue"], "width": 10})
    law = (words.text("Signers by the law"), {"color": colours["vermilion"], "width": 6, "dash": "dot"})
    return [bars, law] if any(math.isfinite(expected) for *_, expected in rows) else [bars]


def _bars(rows: list[tuple[float, float, float]], is_log: bool, colours: Mapping[str, str], words: Language) -> Trace:
    thinnest = _THINNEST * (_place(rows[-1][0] + 0.7, is_log) - _place(-0.7, is_log))
    ends = [(_place(brought - 0.5, is_log), _place(brought + 0.5, is_log)) for brought, *_ in rows]
    return {
        "type": "bar",
        "name": words.text("Signers, on a logarithmic scale"),
        "x": [_place(brought, is_log) for brought, *_ in rows],
        "y": [signers for _, signers, _ in rows],
        "width": [max(0.8 * (high - low), thinnest) for low, high in ends],
        "marker": {"color": colours["blue"]},
        "hovertext": [_hover(row, words) for row in rows],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _law(
    rows: list[tuple[float, float, float]], is_log: bool, colours: Mapping[str, str], words: Language
) -> list[Trace]:
    """Return the dots of the law, and tips that point down from the foot where a dot would lie under it."""
    known = [row for row in rows if math.isfinite(row[2])]
    if not known:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": words.text("Signers by the law"),
            "x": [_place(brought, is_log) for brought, *_ in known],
            "y": [expected if expected >= _FLOOR else _TIP for *_, expected in known],
            "marker": {
                "color": colours["vermilion"],
                "opacity": 1,
                "size": [7 if expected >= _FLOOR else 10 for *_, expected in known],
                "symbol": ["circle" if expected >= _FLOOR else "triangle-down" for *_, expected in known],
                "line": {"color": colours["card"], "width": 1},
            },
            "cliponaxis": False,
            "hovertext": [_hover(row, words) for row in known],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    ]


def _hover(row: tuple[float, float, float], words: Language) -> str:
    brought, signers, expected = row
    lines = [
        words.text("{n} brought", n=words.number(brought)),
        words.plural("{n} signer", "{n} signers", signers),
    ]
    if math.isfinite(expected):
        digits = 0 if expected >= 10 else 1
        lines.append(words.text("{n} expected", n=words.number(expected, digits)))
    return "<br>".join([f"<b>{lines[0]}</b>", *lines[1:]])
