"""What became of those who reached the last step: a band for each combination of follow-ups."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    LEGEND,
    MOST_GROUPS,
    Theme,
    axis,
    by_size,
    figure,
    group_name,
    hidden_axis,
    largest,
    legend,
    note,
    numbers,
    palette,
    percent_ticks,
    plain,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

NONE = "none"
SAME_TIME = "same time"

_AND = " + "
_RATES = ("last_step_rate", "last_step_rate_low", "last_step_rate_high")
_SLOT, _GAP, _STEM, _HEAD = 62, 12, 260, 30
_LETTERS = 26  # of a label's line, which a phone has room for
_TRUNK, _NODE, _TEXT = (0.0, 0.022), (0.30, 0.322), 0.345
_ROW, _BAR, _LINE = 68, 18, 17


def branch_diagram(
    follow_ups: "pandas.DataFrame",
    *,
    after: str | None = None,
    by: Sequence[str] = (),
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `FunnelResult.follow_ups`: those who reached the last step, `after`, branch into what they did next.

    The bands are as thick as their visitors, and sum to the bar they leave; the hatched end of a band still has time to
    do more. With `by`, a bar a group takes the place of the branches, the largest groups first, at most a dozen; which
    follow-up came first is then left out.
    """
    words, colours = language_of(language), palette(theme)
    after = None if after is None else words.name(after)
    if title is None and after is None:
        title = words.text("What people do next")
    elif title is None:
        title = words.text("What people do after {step}", step=after)
    if by:
        return _stacked(follow_ups, by, title=title, words=words, colours=colours)
    return _branches(follow_ups, after or words.text("Last step"), title=title, words=words, colours=colours)


def _branches(
    follow_ups: "pandas.DataFrame", after: str, *, title: str, words: Language, colours: Mapping[str, str]
) -> "Figure":
    bands = _placed(_bands(follow_ups, _hues(follow_ups), words))
    height = int(bands[-1]["slot"][1])
    shapes = [_ribbon(band, colours) for band in bands]
    shapes.append(
        {
            "type": "rect",
            "x0": _TRUNK[0],
            "x1": _TRUNK[1],
            "y0": bands[0]["trunk"][0],
            "y1": bands[-1]["trunk"][1],
            "fillcolor": colours["muted"],
            "line": {"width": 0},
        }
    )
    place = {"xref": "paper", "yanchor": "middle"}
    head = f"<b>{plain(after)}</b>  {words.number(sum(band['visitors'] for band in bands))}"
    notes = [note(head, colours, x=0, y=_HEAD / 2 - 4, font={"size": LABEL + 1}, **place)]
    notes += [note(_label(band, words), colours, x=_TEXT, y=sum(band["slot"]) / 2, **place) for band in bands]
    return figure(
        [_nodes(bands, colours, is_pending=is_pending, words=words) for is_pending in (False, True)],
        title=title,
        height=height,
        below=12,
        colours=colours,
        words=words,
        barmode="overlay",
        shapes=shapes,
        annotations=notes,
        xaxis=hidden_axis(range=[0, 1]),
        yaxis=hidden_axis(range=[height, 0]),
    )


def _hues(follow_ups: "pandas.DataFrame") -> dict[str, str]:
    """Return the role of the colour of each combination."""
    combinations = dict.fromkeys(str(each) for each in follow_ups["combination"])
    single = [each for each in combinations if each != NONE and _AND not in each]
    hues = dict(zip(single, cycle(("blue", "vermilion", "purple")), strict=False))
    return {each: "neutral" if each == NONE else hues.get(each, "green") for each in combinations}


def _bands(follow_ups: "pandas.DataFrame", hues: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    """Return a band a row of one group's joint table, in its order, those who did nothing more last."""
    import pandas

    are_two = len({step for each in hues if each != NONE for step in each.split(_AND)}) == 2
    read = {name: numbers(follow_ups, name) for name in ("visitors", "pending", *_RATES)}
    bands = [
        {
            **{name: read[name][place] for name in read},
            "combination": str(combination),
            "name": _name(str(combination), "" if pandas.isna(first) else str(first), words, are_two=are_two),
            "hue": hues[str(combination)],
        }
        for place, (combination, first) in enumerate(zip(follow_ups["combination"], follow_ups["first"], strict=True))
    ]
    return sorted(bands, key=lambda band: band["combination"] == NONE)


def _name(combination: str, first: str, words: Language, *, are_two: bool) -> str:
    if combination == NONE:
        return words.text("nothing more")
    if _AND not in combination:
        return words.text("{step} only", step=plain(combination, 24))
    together = words.text("both") if are_two else plain(combination, 32)
    if not first:
        return together
    if first == SAME_TIME:
        return words.text("{steps}, at the same time", steps=together)
    return words.text("{steps}, {step} first", steps=together, step=plain(first, 24))


def _placed(bands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each band its stretch of the trunk and its slot on the right, in pixels from the top."""
    everyone = sum(band["visitors"] for band in bands) or 1.0
    thick = [max(_STEM * band["visitors"] / everyone, 1.0 if band["visitors"] else 0.0) for band in bands]
    slots = [max(_SLOT, size) for size in thick]
    height = sum(slots) + _GAP * (len(bands) - 1)
    trunk, slot = _HEAD + (height - sum(thick)) / 2, float(_HEAD)
    for band, size, room in zip(bands, thick, slots, strict=True):
        middle = slot + room / 2
        band |= {"trunk": (trunk, trunk + size), "slot": (slot, slot + room)}
        band |= {"node": (middle - size / 2, middle + size / 2)}
        trunk, slot = trunk + size, slot + room + _GAP
    return bands


def _ribbon(band: dict[str, Any], colours: Mapping[str, str]) -> dict[str, Any]:
    left, right, bend = _TRUNK[1], _NODE[0], (_TRUNK[1] + _NODE[0]) / 2
    (top, bottom), (high, low) = band["trunk"], band["node"]
    upper = f"M{left},{top:.1f} C{bend:.3f},{top:.1f} {bend:.3f},{high:.1f} {right},{high:.1f}"
    lower = f"L{right},{low:.1f} C{bend:.3f},{low:.1f} {bend:.3f},{bottom:.1f} {left},{bottom:.1f} Z"
    fill = colours[f"{band['hue']}_pale"]
    return {"type": "path", "path": f"{upper} {lower}", "fillcolor": fill, "line": {"width": 0}, "layer": "below"}


def _nodes(
    bands: list[dict[str, Any]], colours: Mapping[str, str], *, is_pending: bool, words: Language
) -> dict[str, Any]:
    """Return the right ends of the bands: all of each, or over its lower end the part that still has time."""
    sizes = [band["node"][1] - band["node"][0] for band in bands]
    shares = [band["pending"] / band["visitors"] if is_pending and band["visitors"] else 1.0 for band in bands]
    hues = [colours[band["hue"]] for band in bands]
    stripes = {"shape": "/", "fgcolor": hues, "bgcolor": colours["card"], "size": 5, "solidity": 0.4}
    return {
        "type": "bar",
        "name": words.text("Still have time") if is_pending else words.text("Reached it"),
        "x": [sum(_NODE) / 2] * len(bands),
        "width": _NODE[1] - _NODE[0],
        "y": [size * share for size, share in zip(sizes, shares, strict=True)],
        "base": [band["node"][1] - size * share for band, size, share in zip(bands, sizes, shares, strict=True)],
        "marker": {"color": hues, "pattern": stripes} if is_pending else {"color": hues},
        "hovertext": [_label(band, words) for band in bands],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _label(band: dict[str, Any], words: Language) -> str:
    rate = words.rate(*(band[each] for each in _RATES))
    named = (f"<b>{line}</b>" for line in textwrap.wrap(band["name"], _LETTERS))
    lines = [*named, f"{words.number(band['visitors'])} · {rate}"]
    if band["pending"] > 0:
        lines.append(words.plural("{n} still has time", "{n} still have time", band["pending"]))
    return "<br>".join(lines)


def _stacked(
    follow_ups: "pandas.DataFrame", by: Sequence[str], *, title: str, words: Language, colours: Mapping[str, str]
) -> "Figure":
    groups = by_size(follow_ups, by, size="sum")
    hues = _hues(follow_ups)
    shown = [
        (group_name(values, words), _whole(_bands(rows.assign(first=None), hues, words)))
        for values, rows in groups[:MOST_GROUPS]
    ]
    height = len(shown) * _ROW
    notes = [each for place, row in enumerate(shown) for each in _group_labels(*row, place * _ROW, words, colours)]
    if len(groups) > MOST_GROUPS:
        notes.append(note(largest(len(groups), words), colours, x=0, y=height, xref="paper", yanchor="top"))
        height += _LINE
    return figure(
        [_segments(each, shown, colours, words) for each in sorted(hues, key=NONE.__eq__)],
        title=title,
        height=height,
        below=50 + LEGEND + 20 * (len(hues) > 4),
        colours=colours,
        words=words,
        barmode="stack",
        annotations=notes,
        xaxis=axis(
            words.text("Share of the last step (%)"),
            colours,
            range=[0, 1],
            showgrid=False,
            **percent_ticks(1, words, most=4),
        ),
        yaxis=hidden_axis(range=[height, 0]),
        showlegend=True,
        legend=legend(colours, top=-50 / height),
    )


def _group_labels(
    group: str, bands: list[dict[str, Any]], top: float, words: Language, colours: Mapping[str, str]
) -> list[dict[str, Any]]:
    place = {"x": 0, "xref": "paper", "yanchor": "middle"}
    everyone = words.number(sum(band["visitors"] for band in bands))
    idle = next((band for band in bands if band["combination"] == NONE), None)
    rate = words.rate(*(1 - idle[each] for each in (_RATES[0], _RATES[2], _RATES[1]))) if idle else words.percent(1)
    return [
        note(f"<b>{plain(group)}</b>  {everyone}", colours, y=top + _LINE / 2, font={"size": LABEL}, **place),
        note(words.text("{rate} did more", rate=rate), colours, y=top + 1.5 * _LINE, **place),
    ]


def _whole(bands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add up the bands of one combination; the sum of several has no interval."""
    whole: dict[str, dict[str, Any]] = {}
    for band in bands:
        known = whole.get(band["combination"])
        summed = {name: known[name] + band[name] for name in ("visitors", "pending", _RATES[0])} if known else {}
        whole[band["combination"]] = {**band, **summed, **({_RATES[1]: None, _RATES[2]: None} if known else {})}
    return list(whole.values())


def _segments(
    combination: str,
    shown: list[tuple[str, list[dict[str, Any]]]],
    colours: Mapping[str, str],
    words: Language,
) -> dict[str, Any]:
    every = [(place, group, band) for place, (group, bands) in enumerate(shown) for band in bands]
    found = [each for each in every if each[2]["combination"] == combination]
    return {
        "type": "bar",
        "orientation": "h",
        "name": found[0][2]["name"] if found else plain(combination),
        "x": [band[_RATES[0]] for _, _, band in found],
        "y": [place * _ROW + 2 * _LINE + 4 + _BAR / 2 for place, _, _ in found],
        "width": _BAR,
        "marker": {
            "color": [colours[band["hue"]] for _, _, band in found],
            "line": {"color": colours["card"], "width": 1.5},
        },
        "hovertext": [f"{plain(group, 60)}<br>{_label(band, words)}" for _, group, band in found],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
