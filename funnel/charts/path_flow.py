"""Which way visitors came: from touch to touch, up to who converted and who did not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.charts.look import SMALL, Theme, Trace, empty, figure, hidden_axis, key, note, palette, plain, wrapped
from funnel.language import Language, message
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEADS = {0: message("In the end"), 1: message("Last touch"), 2: message("Just before"), 3: message("Earlier")}
_HEAD, _LINE, _NODE, _PAD, _KEY, _GAP = 10, 17, 26, 16, 20, 10
_FEWEST_HIGH = 240
_LETTERS, _HEAD_LETTERS = 11, 9  # what a column has room for on a phone
_OTHER = "other"
_SUMS = ("visitors", "converted")


@dataclass(frozen=True)
class _Flow:
    """One row of the frame: from a channel to the next, or to the end; both null without a touch."""

    channel: str | None
    following: str | None
    left: int
    visitors: int
    converted: int

    @property
    def start(self) -> tuple[int, str | None]:
        """The node it leaves: how many touches are left, and the channel."""
        return max(self.left, 1), self.channel


def path_flow(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `AttributionResult.paths`: bands from the channel of a touch to the next, as thick as visitors.

    The last touch of every path stands in one column, from which bands lead to who did not convert and who did.
    Channels are in one order in all columns, the largest last touch on top, "other" and conversions without a touch at
    the bottom.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("Which way visitors came, and who converted") if title is None else title
    flows = _flows(frame)
    if not flows:
        return empty(title=heading, colours=colours, words=words)
    columns = max(flow.start[0] for flow in flows) + 1
    most = max(len({flow.start for flow in flows if flow.start[0] == left}) for left in range(1, columns))
    plot = max(_FEWEST_HIGH, (_NODE + _PAD) * most)
    heads = {left: wrapped(words.text(_HEADS[left]), _HEAD_LETTERS) for left in range(columns)}
    head = _HEAD + _LINE * max(text.count("<br>") + 1 for text in heads.values())
    height = head + plot + _GAP + 2 * _KEY
    everyone, converted = (sum(getattr(flow, name) for flow in flows if flow.following is None) for name in _SUMS)
    samples = [
        (_ended(words.text("Converted"), converted, everyone, words), "blue"),
        (_ended(words.text("Not converted"), everyone - converted, everyone, words), "neutral"),
    ]
    keys = [
        key(
            text, colours, shift=0, y=1 - (height - _KEY * (1.5 - place)) / height,
            line={"color": colours[hue], "width": 12},
        )
        for place, (text, hue) in enumerate(samples)
    ]  # fmt: skip
    domain = {"x": [0, 1], "y": [1 - (head + plot) / height, 1 - head / height]}
    return figure(
        [{**_sankey(flows, [text for text, _ in samples], colours, words), "domain": domain}],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        annotations=[*_heads(heads, colours), *(text for _, text in keys)],
        shapes=[stroke for stroke, _ in keys],
        xaxis=hidden_axis(),
        yaxis=hidden_axis(),
    )


def _flows(frame: "pandas.DataFrame") -> list[_Flow]:
    import pandas

    channel, following, left, visitors, converted = (frame.iloc[:, place] for place in range(5))
    return [
        _Flow(
            None if pandas.isna(one) else str(one), None if pandas.isna(other) else str(other),
            int(touches), int(everyone), int(some),
        )
        for one, other, touches, everyone, some in zip(channel, following, left, visitors, converted, strict=True)
        if everyone > 0 and not pandas.isna(some)
    ]  # fmt: skip


def _sankey(flows: list[_Flow], ended: list[str], colours: Mapping[str, str], words: Language) -> Trace:
    """Return the nodes, and a link a flow; of the last touches two, for those who converted and those who did not.

    The two nodes of the end have no words beside them, which a phone has no room for: the key under the chart names
    their colours. `ended` is what it says, of those who converted first.
    """
    nodes = _nodes(flows)
    ends = [(0, False), (0, True)]
    places = {node: place for place, node in enumerate([*nodes, *ends])}
    links = [
        (places[flow.start], places[flow.left - 1, flow.following], flow.visitors, "purple_pale", flow)
        for flow in flows
        if flow.following is not None
    ]
    links += [
        (places[flow.start], places[0, is_converted], number, hue, flow)
        for is_converted, hue in ((True, "blue_pale"), (False, "neutral_pale"))
        for flow in flows
        if flow.following is None
        for number in (flow.converted if is_converted else flow.visitors - flow.converted,)
        if number
    ]
    passing = [[flow for flow in flows if flow.start == node] for node in nodes]
    totals = [(sum(flow.visitors for flow in each), sum(flow.converted for flow in each)) for each in passing]
    named = [_name(channel, words) for _, channel in nodes]
    told = [f"<b>{plain(name, 60)}</b><br>{_rate(*each, words)}" for name, each in zip(named, totals, strict=True)]
    return {
        "type": "sankey",
        "arrangement": "fixed",
        "node": {
            "label": [*(plain(name, _LETTERS) for name in named), "", ""],
            "sort": "input",
            "align": "right",
            "pad": _PAD,
            "thickness": 12,
            "color": [colours["muted"]] * len(nodes) + [colours["neutral"], colours["blue"]],
            "line": {"width": 0},
            "customdata": [*told, *reversed(ended)],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        "link": {
            "source": [link[0] for link in links],
            "target": [link[1] for link in links],
            "value": [link[2] for link in links],
            "color": [colours[link[3]] for link in links],
            "customdata": [_hover(flow, words) for *_, flow in links],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        "textfont": {"color": colours["ink"], "size": SMALL},
    }


def _nodes(flows: list[_Flow]) -> list[tuple[int, str | None]]:
    """Return the nodes column by column, from the first touch on, and in each in one order of channels."""
    weight: dict[str | None, int] = {}
    for flow in flows:
        weight[flow.channel] = weight.get(flow.channel, 0) + flow.visitors * (flow.following is None)
    channels = sorted(weight, key=lambda name: (name is None, name == _OTHER, -weight[name], name or ""))
    found = {flow.start for flow in flows}
    return sorted(found, key=lambda node: (-node[0], channels.index(node[1])))


def _heads(heads: Mapping[int, str], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what each column is, over it."""
    said = []
    for left, text in heads.items():
        side = "left" if left == len(heads) - 1 else "right" if left == 0 else "center"
        place = {"x": 1 - left / (len(heads) - 1), "xref": "paper", "xanchor": side, "align": side}
        muted = {"color": colours["muted"]}
        said.append(note(text, colours, font=muted, y=1, yref="paper", yanchor="top", **place))
    return said


def _name(channel: str | None, words: Language) -> str:
    return words.text("no touch") if channel is None else words.name(channel)


def _hover(flow: _Flow, words: Language) -> str:
    name = _name(flow.channel, words)
    if flow.following is not None:
        name = words.text("{channel}, then {next}", channel=name, next=words.name(flow.following))
    return f"<b>{plain(name, 80)}</b><br>{_rate(flow.visitors, flow.converted, words)}"


def _rate(visitors: int, converted: int, words: Language) -> str:
    people = words.plural("{n} visitor", "{n} visitors", visitors)
    became = words.text("{n} converted ({share})", n=words.number(converted), share=words.percent(converted / visitors))
    return f"{people}<br>{became}"


def _ended(name: str, some: int, everyone: int, words: Language) -> str:
    return f"{name}  {words.number(some)} · {words.percent(some / everyone)}"
